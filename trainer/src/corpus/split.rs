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

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

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

    fn read(path: &Path) -> Result<Self, SplitError> {
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
        let split = StoredSplit::read(path)?;
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
        })
    }

    /// The training and validation users of the split at `path`, for each file of `corpus`. A file that the split does not have
    /// has none.
    pub fn learned_from(path: &Path, corpus: &[PathBuf]) -> Result<Self, SplitError> {
        let split = StoredSplit::read(path)?;
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
        })
    }

    /// The number of users in the part.
    pub fn count(&self) -> usize {
        self.files.iter().map(HashSet::len).sum()
    }

    /// Whether a record of this file of the corpus (an index) is in the part.
    pub fn contains(&self, file: usize, record: &RecordKey) -> bool {
        self.files[file].contains(record)
    }

    /// The users of the part among `users`, who were read from this file of the corpus (an index).
    pub fn among(&self, file: usize, users: Vec<User>) -> Vec<User> {
        let users = users.into_iter();
        users
            .filter(|user| self.contains(file, &RecordKey::new(user)))
            .collect()
    }
}

fn parse(text: &str) -> Result<StoredSplit, String> {
    serde_json::from_str(text).map_err(|error| format!("not the split of a training run: {error}"))
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
        let users = users.among(file, self::users());
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
        fuzzing::fuzz("split", &[TWO_FILES], |bytes| {
            if let Ok(split) = parse(&String::from_utf8_lossy(bytes)) {
                split.repeated();
            }
        });
    }
}
