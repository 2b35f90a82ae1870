//! `split.json`: which users a training run learned from, validated on and tested on.
//!
//! ```json
//! {
//!   "training": {"a/users.jsonl": [{"id": "u1"}, {"id": 5}], "b/users.jsonl": [{"record": 7}]},
//!   "validation": {"a/users.jsonl": [], "b/users.jsonl": [{"record": 2}]},
//!   "test": {"a/users.jsonl": [{"id": "u4"}], "b/users.jsonl": []}
//! }
//! ```
//!
//! Every file of the corpus stands in each part, under its path [`as_given`] in training. The command that uses a split
//! may run in another folder. So a file is found in the split by its path as given or, where no path is equal, by the file
//! that both paths lead to or else by its base name, if that fits one file of the split and no other file of the command.
//! Otherwise the command fails.
//!
//! Versions before this form stored bare ids: by the base name of the file, or in a list for a corpus of one file. The number of
//! a user without an id was the position over all files. A split by base names is read, but it can find only users with an id;
//! a list is refused, because it would fit any file.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{RecordKey, User, UserKey, as_given};
use crate::limited;

/// The most bytes of a split. Each user takes some ten.
const MOST_BYTES: u64 = 1 << 30;

/// The users of each part, by file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredSplit {
    /// Training users.
    pub training: UsersByFile,
    /// Validation users.
    pub validation: UsersByFile,
    /// Test users.
    pub test: UsersByFile,
}

/// Users by the file that they are from.
pub type UsersByFile = BTreeMap<String, Vec<RecordKey>>;

/// A split that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}", path.display())]
pub struct SplitError {
    /// The file of the split.
    pub path: PathBuf,
    /// Why, and what to do about it.
    pub what: String,
}

/// The users of one part of a split.
pub struct PartUsers {
    /// For each file of a corpus.
    files: Vec<HashSet<RecordKey>>,
    /// The path of a split of an earlier version, in which users without an id cannot be found.
    earlier: Option<PathBuf>,
}

/// A part of a split that users are scored on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The validation users.
    Validation,
    /// The test users.
    Test,
}

impl StoredSplit {
    /// A split of no users, of the files of a corpus.
    pub fn of_files(corpus: &[PathBuf]) -> Self {
        let empty: UsersByFile = (corpus.iter())
            .map(|file| (as_given(file), Vec::new()))
            .collect();
        Self {
            training: empty.clone(),
            validation: empty.clone(),
            test: empty,
        }
    }

    /// Reads the split at `path`, and whether it is one of an earlier version.
    fn read(path: &Path) -> Result<(Self, bool), SplitError> {
        let text = limited::read(path, MOST_BYTES, "a split").and_then(limited::text);
        let split = text
            .map_err(|error| error.to_string())
            .and_then(|text| parse(&text));
        split.map_err(|what| SplitError {
            path: path.to_owned(),
            what,
        })
    }

    /// A user who is in the test part and in another one as well.
    fn repeated(&self) -> Option<UserKey> {
        self.test.iter().find_map(|(file, users)| {
            let others = [&self.training, &self.validation].map(|part| part.get(file));
            let others: HashSet<&RecordKey> = others.into_iter().flatten().flatten().collect();
            let record = users.iter().find(|user| others.contains(user))?.clone();
            let file = file.clone();
            Some(UserKey { file, record })
        })
    }
}

impl PartUsers {
    /// Reads the split at `path` and finds the files of `corpus` in it.
    pub fn read(path: &Path, part: Part, corpus: &[PathBuf]) -> Result<Self, SplitError> {
        let fail = |what: String| SplitError {
            path: path.to_owned(),
            what,
        };
        let (split, is_earlier) = StoredSplit::read(path)?;
        if let Some(user) = split.repeated() {
            return Err(fail(format!(
                "{user} is both a test user and a training or validation user; give each user of a file an id of its own \
                 and train again"
            )));
        }
        let part = match part {
            Part::Validation => &split.validation,
            Part::Test => &split.test,
        };
        let names = find(part, corpus).map_err(fail)?;
        let users_of = |name: &String| part[name].iter().cloned().collect();
        Ok(Self {
            files: names.iter().map(users_of).collect(),
            earlier: is_earlier.then(|| path.to_owned()),
        })
    }

    /// The training and validation users of the split at `path`, for each file of `corpus`. A file that the split does not have
    /// has none.
    pub fn learned_from(path: &Path, corpus: &[PathBuf]) -> Result<Self, SplitError> {
        let (split, _) = StoredSplit::read(path)?;
        let users_of = |file: &PathBuf| {
            let mut users = HashSet::new();
            for name in find(&split.training, std::slice::from_ref(file)).unwrap_or_default() {
                for part in [&split.training, &split.validation] {
                    users.extend(part.get(&name).into_iter().flatten().cloned());
                }
            }
            users
        };
        Ok(Self {
            files: corpus.iter().map(users_of).collect(),
            earlier: None,
        })
    }

    /// The number of users in the part.
    pub fn count(&self) -> usize {
        self.files.iter().map(HashSet::len).sum()
    }

    /// Whether a record of this file of the corpus (an index) is in the part. The error says that the split cannot tell.
    pub fn contains(&self, file: usize, record: &RecordKey) -> Result<bool, SplitError> {
        match (&self.earlier, record) {
            (Some(path), RecordKey::Record(_)) => Err(SplitError {
                path: path.clone(),
                what: format!(
                    "an earlier version made this split, in which {record}, a user without an id, cannot be found; train \
                     again to make a new one"
                ),
            }),
            _ => Ok(self.files[file].contains(record)),
        }
    }

    /// The users of the part among `users`, who were read from this file of the corpus (an index).
    pub fn among(&self, file: usize, users: Vec<User>) -> Result<Vec<User>, SplitError> {
        let mut found = Vec::new();
        for user in users {
            if self.contains(file, &RecordKey::new(&user))? {
                found.push(user);
            }
        }
        Ok(found)
    }
}

/// Reads a split, and whether it is one of an earlier version.
fn parse(text: &str) -> Result<(StoredSplit, bool), String> {
    let error = match serde_json::from_str(text) {
        Ok(split) => return Ok((split, false)),
        Err(error) => error,
    };
    if let Ok(earlier) = serde_json::from_str::<EarlierSplit<BareIdsByName>>(text) {
        return Ok((earlier.into_current(), true));
    }
    Err(
        match serde_json::from_str::<EarlierSplit<Vec<BareId>>>(text) {
            Ok(_) => "an earlier version made this split and did not name the file of its users; train again to make a new one".into(),
            Err(_) => format!("not the split of a training run: {error}"),
        },
    )
}

/// A split of an earlier version.
#[derive(Deserialize)]
struct EarlierSplit<Users> {
    training: Users,
    validation: Users,
    test: Users,
}

type BareIdsByName = BTreeMap<String, Vec<BareId>>;

#[derive(Deserialize)]
#[serde(untagged)]
enum BareId {
    Number(serde_json::Number),
    Text(String),
}

impl EarlierSplit<BareIdsByName> {
    fn into_current(self) -> StoredSplit {
        let id = |id| {
            RecordKey::Id(match id {
                BareId::Number(number) => Value::Number(number),
                BareId::Text(text) => Value::String(text),
            })
        };
        let users = |files: BareIdsByName| -> UsersByFile {
            let files = files.into_iter();
            files
                .map(|(name, ids)| (name, ids.into_iter().map(id).collect()))
                .collect()
        };
        let mut split = StoredSplit {
            training: users(self.training),
            validation: users(self.validation),
            test: users(self.test),
        };
        // A file without users in a part was left out of it.
        let parts = [&split.training, &split.validation, &split.test];
        let names: Vec<String> = parts
            .into_iter()
            .flat_map(BTreeMap::keys)
            .cloned()
            .collect();
        for part in [&mut split.training, &mut split.validation, &mut split.test] {
            for name in &names {
                part.entry(name.clone()).or_default();
            }
        }
        split
    }
}

/// The name in a split of each file of `corpus`. The error says which file fits none, or more than one.
fn find(split: &UsersByFile, corpus: &[PathBuf]) -> Result<Vec<String>, String> {
    let mut found: Vec<(String, &PathBuf)> = Vec::new();
    for path in corpus {
        let given = as_given(path);
        let file = path.canonicalize().ok();
        let is_same =
            |name: &&String| file.is_some() && Path::new(name).canonicalize().ok() == file;
        let is_alike = |name: &&String| Path::new(name).file_name() == path.file_name();
        let mut fits: Vec<&String> = match split.get_key_value(&given) {
            Some((name, _)) => vec![name],
            None => split.keys().filter(is_same).collect(),
        };
        if fits.is_empty() {
            fits = split.keys().filter(is_alike).collect();
        }
        let [name] = fits[..] else {
            let known = if fits.is_empty() {
                format!("it holds {}", names(split.keys()))
            } else {
                format!("its name fits {}", names(fits))
            };
            return Err(format!(
                "{given:?} is not a file of this split, {known}; name the file as training did"
            ));
        };
        if let Some((_, other)) = found.iter().find(|(taken, _)| taken == name) {
            return Err(format!(
                "{:?} and {given:?} both fit its file {name:?}; name the file as training did, and each file once",
                as_given(other)
            ));
        }
        found.push((name.clone(), path));
    }
    Ok(found.into_iter().map(|(name, _)| name).collect())
}

fn names<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("{name:?}")).collect();
    match quoted.is_empty() {
        true => "no file".into(),
        false => quoted.join(" and "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(split: &str, corpus: &[&str]) -> Result<PartUsers, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), split).unwrap();
        let corpus: Vec<PathBuf> = corpus.iter().map(PathBuf::from).collect();
        PartUsers::read(file.path(), Part::Test, &corpus).map_err(|error| error.what)
    }

    /// Users 1 to 4 by their ids, and the same records without ids.
    fn users() -> Vec<User> {
        let user = |position: u64, id: Option<u64>| {
            let mut user = User::from_json(&serde_json::json!({"id": id, "posts": []}).to_string());
            user.as_mut().unwrap().record = position;
            user.unwrap()
        };
        let with_ids = (1..=4).map(|id| user(10 + id, Some(id)));
        with_ids.chain((1..=4).map(|id| user(id, None))).collect()
    }

    fn tested(users: &PartUsers, file: usize) -> Vec<String> {
        let users = users.among(file, self::users()).unwrap();
        let names = users.iter().map(|user| RecordKey::new(user).to_string());
        names.collect()
    }

    const TWO_FILES: &str = r#"{
        "training": {"a/users.jsonl": [{"id": 1}], "b/users.jsonl": [{"id": 2}]},
        "validation": {"a/users.jsonl": [], "b/users.jsonl": []},
        "test": {"a/users.jsonl": [{"id": 2}, {"record": 3}], "b/users.jsonl": [{"id": 1}]}
    }"#;

    #[test]
    fn files_of_the_same_name_keep_their_users() {
        let users = read(TWO_FILES, &["b/users.jsonl", "./a/users.jsonl"]).unwrap();
        assert_eq!(tested(&users, 0), ["user 1"]);
        assert_eq!(tested(&users, 1), ["user 2", "record 3"]);
    }

    #[test]
    fn a_file_is_found_by_its_base_name_only_where_that_fits_one_file() {
        let one = r#"{"training": {"a/x.jsonl": [], "b/y.jsonl": []}, "validation": {"a/x.jsonl": [], "b/y.jsonl": []},
            "test": {"a/x.jsonl": [{"id": 1}], "b/y.jsonl": [{"id": 2}]}}"#;
        let users = read(one, &["/elsewhere/y.jsonl"]).unwrap();
        assert_eq!(tested(&users, 0), ["user 2"]);
        let error = |split: &str, corpus: &[&str]| read(split, corpus).err().unwrap();
        let message = error(TWO_FILES, &["../a/users.jsonl"]);
        assert!(
            message.contains("\"../a/users.jsonl\"")
                && message.contains("\"a/users.jsonl\" and \"b/users.jsonl\""),
            "{message}"
        );
        let message = error(one, &["a/x.jsonl", "c/x.jsonl"]);
        assert!(
            message.contains("\"a/x.jsonl\" and \"c/x.jsonl\" both fit"),
            "{message}"
        );
        let message = error(one, &["z.jsonl"]);
        assert!(message.contains("\"z.jsonl\" is not a file"), "{message}");
    }

    #[test]
    fn a_number_and_the_same_digits_as_text_were_two_users() {
        let text = TWO_FILES.replace(r#"[{"id": 1}]"#, r#"[{"id": "1"}]"#);
        let users = read(&text, &["b/users.jsonl"]).unwrap();
        assert_eq!(tested(&users, 0), ["user 1"]);
        let both = text.replace(r#"[{"id": 2}]"#, r#"[{"id": 1.0}]"#);
        let message = read(&both, &["b/users.jsonl"]).err().unwrap();
        assert!(
            message.contains("is both a test user and a training"),
            "{message}"
        );
    }

    #[test]
    fn a_user_who_is_tested_and_trained_on_is_refused() {
        let twice = r#"{"training": {"a.jsonl": [{"id": 1}, {"id": 2}]}, "validation": {"a.jsonl": []},
            "test": {"a.jsonl": [{"id": 2}, {"id": 3}]}}"#;
        let message = read(twice, &["a.jsonl"]).err().unwrap();
        assert!(
            message.contains("user 2 of a.jsonl is both a test user and a training"),
            "{message}"
        );
    }

    #[test]
    fn a_split_of_an_earlier_version_is_read_where_it_is_unambiguous() {
        let by_name = r#"{"training": {"a.jsonl": [1], "b.jsonl": [2]}, "validation": {}, "test": {"a.jsonl": [2, "3"]}}"#;
        let users = read(by_name, &["x/a.jsonl", "x/b.jsonl"]).unwrap();
        let with_ids = || self::users().into_iter().take(4).collect();
        let found = |file| users.among(file, with_ids()).unwrap();
        // A number and the same digits as text are one id.
        let ids = [2, 3].map(Value::from);
        let found_ids = found(0);
        assert!(found_ids.iter().filter_map(User::own_id).eq(&ids));
        assert!(found(1).is_empty());
    }

    #[test]
    fn a_split_of_an_earlier_version_is_refused_where_it_is_ambiguous() {
        let error = |text: &str, corpus: &[&str]| read(text, corpus).err().unwrap();
        // A list fits any file.
        let list = r#"{"training": [1, 3], "validation": [], "test": [2, "4"]}"#;
        let message = error(list, &["a.jsonl"]);
        assert!(message.contains("did not name the file"), "{message}");
        // Two files of one name were merged.
        let merged =
            r#"{"training": {"a.jsonl": [1, 2]}, "validation": {}, "test": {"a.jsonl": [2, 3]}}"#;
        let message = error(merged, &["a.jsonl"]);
        assert!(
            message.contains("user 2 of a.jsonl is both a test user"),
            "{message}"
        );
        let by_name =
            r#"{"training": {"a.jsonl": [1]}, "validation": {}, "test": {"a.jsonl": [2]}}"#;
        let message = error(by_name, &["x/a.jsonl", "y/a.jsonl"]);
        assert!(message.contains("both fit its file"), "{message}");
        // The number of a user without an id was the position over all files.
        let users = read(by_name, &["a.jsonl"]).unwrap();
        let message = users.among(0, self::users()).unwrap_err().to_string();
        assert!(
            message.contains("record 1, a user without an id, cannot be found"),
            "{message}"
        );
    }

    #[test]
    fn what_is_no_split_is_refused() {
        for text in [
            "[1]",
            "{}",
            r#"{"training": [], "validation": [], "test": 3}"#,
            r#"{"training": {"a.jsonl": [{"name": 1}]}, "validation": {}, "test": {}}"#,
        ] {
            let message = read(text, &["a.jsonl"]).err().unwrap();
            assert!(
                message.contains("not the split of a training run"),
                "{message}"
            );
        }
    }

    #[test]
    fn fuzz_splits() {
        let earlier =
            r#"{"training": {"a.jsonl": [1]}, "validation": {}, "test": {"a.jsonl": ["2"]}}"#;
        fuzzing::fuzz("split", &[TWO_FILES, earlier], |bytes| {
            if let Ok((split, _)) = parse(&String::from_utf8_lossy(bytes)) {
                split.repeated();
            }
        });
    }
}
