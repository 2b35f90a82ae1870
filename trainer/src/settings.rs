//! Settings in TOML files: read strictly, overridden one by one, written down, compared.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// A config that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the config {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A setting is misspelt, of the wrong type or out of its range.
    #[error("{where_}: {what}")]
    Setting {
        /// The file and line, or the override.
        where_: String,
        /// What is wrong, with what is permitted.
        what: String,
    },
}

/// Reads files as if they stood one after the other in one: a later value takes the place of an earlier one, and tables of
/// a list (`[[…]]`) are added to it. Then `overrides` are applied, each `key.subkey=value` with a value as TOML has it (a
/// bare word is taken as a string). What `check` says is wrong is wrong.
pub fn read<T: DeserializeOwned>(
    paths: &[impl AsRef<Path>],
    overrides: &[String],
    check: impl Fn(&T) -> Result<(), String>,
) -> Result<T, ConfigError> {
    let wrong = |where_: &str, what: &str| ConfigError::Setting {
        where_: where_.to_owned(),
        what: one_line(what),
    };
    let settings = |table: &toml::Table, where_: &str| {
        (toml::Value::Table(table.clone()).try_into::<T>())
            .map_err(|error| wrong(where_, error.message()))
    };
    let mut table = toml::Table::new();
    let mut files = Vec::new();
    for path in paths.iter().map(AsRef::as_ref) {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::File {
            path: path.to_owned(),
            source,
        })?;
        let file = path.display().to_string();
        // Reading each text itself gives errors with their line.
        let with_line = |error: toml::de::Error| {
            let line = error.span().map_or(1, |span| {
                1 + text[..span.start.min(text.len())].matches('\n').count()
            });
            wrong(&format!("{file}:{line}"), error.message())
        };
        toml::from_str::<T>(&text).map_err(with_line)?;
        append(&mut table, toml::from_str(&text).map_err(with_line)?);
        files.push(file);
    }
    for setting in overrides {
        let where_ = format!("--set {setting}");
        let (key, value) = setting
            .split_once('=')
            .ok_or_else(|| wrong(&where_, "expected KEY=VALUE"))?;
        let value = toml::from_str::<toml::Table>(&format!("value = {value}"))
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| toml::Value::String(value.to_owned()));
        set(&mut table, key.trim(), value).map_err(|what| wrong(&where_, &what))?;
        settings(&table, &where_)?;
    }
    let files = files.join(", ");
    let settings = settings(&table, &files)?;
    check(&settings).map_err(|what| wrong(&files, &what))?;
    Ok(settings)
}

/// Settings as TOML with every one written out. A path that is not UTF-8 cannot be.
pub fn to_toml(settings: &impl Serialize) -> Result<String, ConfigError> {
    toml::to_string(settings).map_err(|error| ConfigError::Setting {
        where_: "the config".into(),
        what: one_line(&error.to_string()),
    })
}

/// The first setting that differs between two texts of [`to_toml`], but for those that are free to. One that is missing in a
/// text has its value in `defaults`, a third: a setting that came with a later version begins as what was done before.
pub fn first_difference(
    before: &str,
    now: &str,
    defaults: &str,
    is_free: impl Fn(&str) -> bool,
) -> Option<String> {
    let [before, now, defaults] = [before, now, defaults].map(flat);
    let value = |settings: &Flat, name: &str| settings.get(name).or(defaults.get(name)).cloned();
    let mut names = before.keys().chain(now.keys());
    let name = names.find(|name| !is_free(name) && value(&before, name) != value(&now, name))?;
    let text = |settings| value(settings, name).map_or("nothing".into(), |value| value.to_string());
    let [before, now] = [&before, &now].map(text);
    Some(format!("{name} = {before} then, {now} now"))
}

type Flat = BTreeMap<String, toml::Value>;

/// The settings of a config by their whole names.
fn flat(text: &str) -> Flat {
    fn add(flat: &mut Flat, prefix: &str, table: toml::Table) {
        for (key, value) in table {
            let name = format!("{prefix}{key}");
            match value {
                toml::Value::Table(table) => add(flat, &format!("{name}."), table),
                value => drop(flat.insert(name, value)),
            }
        }
    }
    let mut settings = Flat::new();
    add(&mut settings, "", toml::from_str(text).unwrap_or_default());
    settings
}

/// Puts the settings of a later file behind those of an earlier one.
pub fn append(earlier: &mut toml::Table, later: toml::Table) {
    use toml::Value::{Array, Table};
    for (key, value) in later {
        match (earlier.get_mut(&key), value) {
            (Some(Table(earlier)), Table(later)) => append(earlier, later),
            (Some(Array(earlier)), Array(later)) if later.iter().all(toml::Value::is_table) => {
                earlier.extend(later);
            }
            (_, value) => drop(earlier.insert(key, value)),
        }
    }
}

/// Sets `key` (dots go into tables) in `table`.
fn set(table: &mut toml::Table, key: &str, value: toml::Value) -> Result<(), String> {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
            Ok(())
        }
        Some((first, rest)) => match table
            .entry(first)
            .or_insert_with(|| toml::Table::new().into())
        {
            toml::Value::Table(inner) => set(inner, rest, value),
            _ => Err(format!("{first:?} has no settings inside")),
        },
    }
}

/// An error that names a setting and what is permitted, unless it `holds`.
pub fn within(
    name: &str,
    value: impl std::fmt::Display,
    holds: bool,
    permitted: &str,
) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(format!("{name} is {value}; permitted: {permitted}"))
    }
}

/// An error if a number is below 0 or not finite.
pub fn at_least_zero(name: &str, value: f64) -> Result<(), String> {
    let holds = value >= 0.0 && value.is_finite();
    within(name, value, holds, "at least 0")
}

/// An error if a number that must not be 0 is.
pub fn at_least_one(name: &str, value: usize) -> Result<(), String> {
    within(name, value, value > 0, "at least 1")
}

/// A message of several lines as one.
pub fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_came_with_a_later_version_begins_as_its_default() {
        let defaults = "rate = 0.0\n[training]\nepochs = 20\n";
        let difference =
            |before: &str, now: &str| first_difference(before, now, defaults, |_| false);
        let before = "[training]\nepochs = 5\n";
        assert_eq!(
            difference(before, "rate = 0.0\n[training]\nepochs = 5\n"),
            None
        );
        assert_eq!(
            difference(before, "rate = 0.5\n[training]\nepochs = 5\n").as_deref(),
            Some("rate = 0.0 then, 0.5 now")
        );
        assert_eq!(
            difference(before, "other = 1\n[training]\nepochs = 5\n").as_deref(),
            Some("other = nothing then, 1 now")
        );
    }
}
