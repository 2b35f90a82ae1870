//! Settings in TOML files: read strictly, overridden one by one, written down, compared.
//!
//! Why not a crate such as figment: its errors name the file and the key but not the line, and its merging treats all lists
//! alike, whereas here lists of tables (`[[runs]]`) are added to and other lists replaced.
//!
//! One rule for defaults: every default stands once, in the [`Default`] of the settings that contain it, and a table that is
//! given in part is laid over the defaults of its *place*. So `[systems.cnn.training]` with one key leaves the other keys as
//! CNN has them, also where the training of other systems has other defaults. [`read`] applies the rule to files and
//! overrides, [`over`] to a table inside them. The elements of a list (`[[attributes]]`) have no place among the defaults:
//! the keys that one leaves out have the defaults of its type.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::limited;

/// The most bytes of a config, and of an override. Long ones have some thousand. The parser takes more than a hundred times
/// the length of some texts.
const MOST_BYTES: u64 = 1 << 17;

/// The most dots in a line of a config, and in an override. Each may separate the names of a table and of one inside it, and
/// the depth of tables is limited by the stack.
const MOST_DOTS: usize = 200;

/// A config that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the config {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A setting is unknown, of the wrong type or out of its range.
    #[error("{where_}: {what}")]
    Setting {
        /// The file and line, or the override.
        where_: String,
        /// What is wrong, with what is permitted.
        what: String,
    },
}

/// Reads settings: lays the files, and then `overrides`, over the defaults of `T`, see the rule in the [module](self).
///
/// Several files are read as if they were one: a later value replaces an earlier one, and the tables of a list (`[[…]]`)
/// are added to it. An override is `key.subkey=value` with a TOML value; a bare word is taken as a string. `check` tests
/// what types cannot express.
///
/// # Errors
/// A file that cannot be read; a key that does not exist, a value of the wrong type (with file and line, or the override),
/// or what `check` rejects.
pub fn read<T: Default + Serialize + DeserializeOwned>(
    paths: &[impl AsRef<Path>],
    overrides: &[String],
    check: impl Fn(&T) -> Result<(), String>,
) -> Result<T, ConfigError> {
    let wrong = |where_: &str, what: &str| ConfigError::Setting {
        where_: where_.to_owned(),
        what: plain(&one_line(what)),
    };
    let settings = |table: &Table, where_: &str| {
        over(&T::default(), table.clone()).map_err(|error| wrong(where_, error.message()))
    };
    let mut table = Table::new();
    // Where the settings come from.
    let mut places = Vec::new();
    for path in paths.iter().map(AsRef::as_ref) {
        let text = limited::read(path, MOST_BYTES, "a config").and_then(limited::text);
        let text = text.map_err(|source| ConfigError::File {
            path: path.to_owned(),
            source,
        })?;
        let file = path.display().to_string();
        if let Some(line) = text.lines().position(has_many_dots) {
            return Err(wrong(&format!("{file}:{}", line + 1), &many_dots()));
        }
        // Each file is also parsed by itself, because only errors of a text know their line.
        let with_line = |error: toml::de::Error| {
            let line = error.span().map_or(1, |span| {
                1 + text[..span.start.min(text.len())].matches('\n').count()
            });
            wrong(&format!("{file}:{line}"), error.message())
        };
        toml::from_str::<T>(&text).map_err(with_line)?;
        let later = toml::from_str(&text).map_err(with_line)?;
        merge(&mut table, later, Lists::Extend);
        places.push(file);
    }
    for setting in overrides {
        let refused = if setting.len() as u64 > MOST_BYTES {
            Some(format!(
                "the setting has {} bytes; permitted: at most {MOST_BYTES}",
                setting.len()
            ))
        } else {
            has_many_dots(setting).then(many_dots)
        };
        if let Some(what) = refused {
            let start: String = setting.chars().take(40).collect();
            return Err(wrong(&format!("--set {start}…"), &what));
        }
        let where_ = format!("--set {setting}");
        let (key, value) = setting
            .split_once('=')
            .ok_or_else(|| wrong(&where_, "expected KEY=VALUE"))?;
        let value = toml::from_str::<Table>(&format!("value = {value}"))
            .ok()
            .and_then(|mut table| table.remove("value"))
            .unwrap_or_else(|| Value::String(value.to_owned()));
        set(&mut table, key.trim(), value).map_err(|what| wrong(&where_, &what))?;
        settings(&table, &where_)?;
        places.push(where_);
    }
    let places = places.join(", ");
    let settings = settings(&table, &places)?;
    check(&settings).map_err(|what| wrong(&places, &what))?;
    Ok(settings)
}

/// `settings` with `table` laid over them: inner tables are merged key by key, any other value of `table`, lists included,
/// replaces the one that was there.
///
/// # Errors
/// A key or a value that `T` does not have.
pub fn over<T: Serialize + DeserializeOwned>(
    settings: &T,
    table: Table,
) -> Result<T, toml::de::Error> {
    let to_table = |settings: &T| {
        Table::try_from(settings).map_err(<toml::de::Error as serde::de::Error>::custom)
    };
    let mut all = to_table(settings)?;
    merge(&mut all, table, Lists::Replace);
    let settings = all.clone().try_into()?;
    match list_for_table(&all.into(), &to_table(&settings)?.into()) {
        Some(name) => Err(serde::de::Error::custom(format!(
            "{name} is a list, expected a table"
        ))),
        None => Ok(settings),
    }
}

/// The name of the first list in `given` that was read as a table. serde takes the elements of a list for the fields of a struct
/// in their order, and those that are missing for the defaults.
fn list_for_table(given: &Value, read: &Value) -> Option<String> {
    match (given, read) {
        (Value::Array(_), Value::Table(_)) => Some(String::new()),
        (Value::Table(given), Value::Table(read)) => given.iter().find_map(|(key, value)| {
            let inner = list_for_table(value, read.get(key)?)?;
            let dot = if inner.is_empty() { "" } else { "." };
            Some(format!("{key}{dot}{inner}"))
        }),
        (Value::Array(given), Value::Array(read)) => {
            (given.iter().zip(read)).find_map(|(given, read)| list_for_table(given, read))
        }
        _ => None,
    }
}

/// Settings as TOML, with every one written out.
///
/// # Errors
/// A path that is not UTF-8.
pub fn to_toml(settings: &impl Serialize) -> Result<String, ConfigError> {
    toml::to_string(settings).map_err(|error| ConfigError::Setting {
        where_: "the config".into(),
        what: format!(
            "{}; rename the file or folder",
            one_line(&error.to_string())
        ),
    })
}

/// The first setting that differs between two texts of [`to_toml`], except those for which `is_free` is true; `None` where
/// there is none. A setting that a text lacks has its value in `defaults`, so that a run can be continued by a later version
/// that has more settings. A text that cannot be read is different, because nothing is known of its settings.
pub fn first_difference(
    before: &str,
    now: &str,
    defaults: &str,
    is_free: impl Fn(&str) -> bool,
) -> Option<String> {
    let [before, now, defaults] = match [before, now, defaults].map(flat) {
        [Ok(before), Ok(now), Ok(defaults)] => [before, now, defaults],
        [Err(what), ..] | [_, Err(what), _] | [.., Err(what)] => {
            return Some(format!("the stored ones cannot be read: {what}"));
        }
    };
    let value = |settings: &Flat, name: &str| settings.get(name).or(defaults.get(name)).cloned();
    let mut names = before.keys().chain(now.keys());
    let name = names.find(|name| !is_free(name) && value(&before, name) != value(&now, name))?;
    let text = |settings| value(settings, name).map_or("nothing".into(), |value| value.to_string());
    let [before, now] = [&before, &now].map(text);
    Some(format!("{name} = {before} then, {now} now"))
}

type Flat = BTreeMap<String, Value>;

/// The settings of a TOML text by their full names.
fn flat(text: &str) -> Result<Flat, String> {
    fn add(flat: &mut Flat, prefix: &str, table: Table) {
        for (key, value) in table {
            let name = format!("{prefix}{key}");
            match value {
                Value::Table(table) => add(flat, &format!("{name}."), table),
                value => drop(flat.insert(name, value)),
            }
        }
    }
    let table = toml::from_str(text).map_err(|error| one_line(error.message()))?;
    let mut settings = Flat::new();
    add(&mut settings, "", table);
    Ok(settings)
}

/// What becomes of a list of tables that both sides of a [`merge`] have.
#[derive(Clone, Copy, PartialEq)]
enum Lists {
    /// The later tables are added to the earlier ones.
    Extend,
    /// The later list replaces the earlier one.
    Replace,
}

/// Merges tables key by key; any other value of `later` replaces that of `earlier`.
fn merge(earlier: &mut Table, later: Table, lists: Lists) {
    for (key, value) in later {
        match (earlier.get_mut(&key), value) {
            (Some(Value::Table(earlier)), Value::Table(later)) => merge(earlier, later, lists),
            (Some(Value::Array(earlier)), Value::Array(later))
                if lists == Lists::Extend && later.iter().all(Value::is_table) =>
            {
                earlier.extend(later);
            }
            (_, value) => drop(earlier.insert(key, value)),
        }
    }
}

fn has_many_dots(text: &str) -> bool {
    text.matches('.').count() > MOST_DOTS
}

fn many_dots() -> String {
    format!("there are too many dots; permitted: at most {MOST_DOTS}")
}

/// Sets `key`, in which dots separate the names of tables, in `table`.
fn set(table: &mut Table, key: &str, value: Value) -> Result<(), String> {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
            Ok(())
        }
        Some((first, rest)) => match table.entry(first).or_insert_with(|| Table::new().into()) {
            Value::Table(inner) => set(inner, rest, value),
            _ => Err(format!(
                "{first:?} is a single value, it has no key {rest:?}"
            )),
        },
    }
}

/// Ok if `holds`, otherwise an error that names the setting, its value and what is permitted.
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

/// Ok for a finite number of at least 0.
pub fn at_least_zero(name: &str, value: f64) -> Result<(), String> {
    let holds = value >= 0.0 && value.is_finite();
    within(name, value, holds, "at least 0")
}

/// Ok for a finite number above 0.
pub fn above_zero(name: &str, value: f64) -> Result<(), String> {
    let holds = value > 0.0 && value.is_finite();
    within(name, value, holds, "above 0")
}

/// Ok for a number other than 0.
pub fn at_least_one(name: &str, value: usize) -> Result<(), String> {
    within(name, value, value > 0, "at least 1")
}

/// A message of serde about a wrong value, in words instead of Rust's types.
pub fn plain(message: &str) -> String {
    let message = message
        .replace("invalid type: map,", "invalid type: table,")
        .replace("invalid type: sequence,", "invalid type: list,");
    let Some((start, expected)) = message.rsplit_once("expected ") else {
        return message;
    };
    // A JSON file's message ends with the place.
    let (expected, place) = match expected.find(" at line ") {
        Some(end) => expected.split_at(end),
        None => (expected, ""),
    };
    let words = match expected {
        "usize" | "u64" | "u32" => "a whole number of at least 0",
        "f64" | "f32" => "a number",
        "a sequence" => "a list",
        "a map" => "a table",
        expected if expected.starts_with("struct ") => "a table",
        other => other,
    };
    format!("{start}expected {words}{place}")
}

/// A message of several lines on one line.
pub fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_a_later_version_added_has_its_default() {
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

    #[test]
    fn stored_settings_that_cannot_be_read_were_taken_for_the_defaults() {
        let defaults = "rate = 0.0\n";
        let difference = first_difference("rate = 0.", defaults, defaults, |_| false).unwrap();
        assert!(
            difference.starts_with("the stored ones cannot be read: "),
            "{difference}"
        );
    }

    #[test]
    fn types_of_rust_stood_in_messages() {
        let error = |setting: &str| {
            let read = super::read::<Outer>(&[] as &[PathBuf], &[setting.into()], |_| Ok(()));
            read.unwrap_err().to_string()
        };
        for (setting, expected) in [
            ("inner.size=many", "a whole number of at least 0"),
            ("inner.size=-1", "a whole number of at least 0"),
            ("inner=3", "a table"),
            ("list=3", "a list"),
        ] {
            let error = error(setting);
            assert!(
                error.ends_with(&format!(", expected {expected}")),
                "{error}"
            );
        }
        assert_eq!(
            plain("invalid type: map, expected a sequence at line 2 column 7"),
            "invalid type: table, expected a list at line 2 column 7"
        );
    }

    #[test]
    fn thousands_of_dots_overflowed_the_stack() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dots.toml");
        let key = "a.".repeat(50_000) + "a";
        let error = |files: &[PathBuf], overrides: &[String]| {
            let read = super::read::<Outer>(files, overrides, |_| Ok(()));
            read.unwrap_err().to_string()
        };
        for setting in [format!("{key}=1"), format!("inner={{ {key} = 1 }}")] {
            let error = error(&[], &[setting]);
            assert!(
                error.starts_with("--set ") && error.ends_with("permitted: at most 200"),
                "{error}"
            );
        }
        std::fs::write(&path, format!("list = []\n{key} = 1\n")).unwrap();
        let error = error(&[path], &[]);
        assert!(
            error.contains("dots.toml:2: there are too many dots"),
            "{error}"
        );
    }

    #[test]
    fn an_override_of_a_megabyte_took_a_hundred_megabytes() {
        let setting = format!("list=[{}]", "[],".repeat(1 << 18));
        let read = super::read::<Outer>(&[] as &[PathBuf], &[setting], |_| Ok(()));
        let error = read.unwrap_err().to_string();
        assert_eq!(
            error,
            "--set list=[[],[],[],[],[],[],[],[],[],[],[],[…: the setting has 786439 bytes; permitted: at most 131072"
        );
    }

    /// A place whose default differs from that of its type, as `training` in CNN's settings.
    #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Outer {
        inner: Inner,
        list: Vec<Inner>,
    }

    #[derive(Debug, PartialEq, Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields, default)]
    struct Inner {
        size: usize,
        name: String,
    }

    impl Default for Inner {
        fn default() -> Self {
            inner(30_000, "type")
        }
    }

    impl Default for Outer {
        fn default() -> Self {
            Self {
                inner: inner(0, "place"),
                list: vec![inner(1, "default")],
            }
        }
    }

    fn inner(size: usize, name: &str) -> Inner {
        Inner {
            size,
            name: name.into(),
        }
    }

    #[test]
    fn a_table_given_in_part_keeps_the_other_defaults_of_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            ("one.toml", "[inner]\nname = 'a file'\n"),
            ("two.toml", "[[list]]\nsize = 2\n"),
            ("three.toml", "[[list]]\nsize = 3\n"),
        ]
        .map(|(name, text)| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        });
        let read = |files: &[PathBuf], overrides: &[&str]| -> Outer {
            let overrides: Vec<String> = overrides.iter().map(|&text| text.into()).collect();
            super::read(files, &overrides, |_| Ok(())).unwrap()
        };
        assert_eq!(read(&files[..1], &[]).inner, inner(0, "a file"));
        assert_eq!(read(&[], &["inner.name=flag"]).inner, inner(0, "flag"));
        let table = toml::from_str("inner = { name = 'inside' }").unwrap();
        let inside = over(&Outer::default(), table).unwrap();
        assert_eq!(inside.inner, inner(0, "inside"));
        // A list of the files replaces that of the defaults; its elements have the defaults of their type.
        let list = read(&files, &[]).list;
        assert_eq!(list, [inner(2, "type"), inner(3, "type")]);
    }
}
