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
//! may run in another folder. So a file is found in the split by its path as given or, where no path is equal, by its base
//! name if that fits one file of the split and no other file of the command. Otherwise the command fails.
//!
//! Earlier versions stored ids without files (for a corpus of one file) or by the base names of files. They took the
//! position of a record over all files for the id of a user without one. Such splits are read as far as they are
//! unambiguous.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{RecordKey, User, UserKey, as_given};

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

/// The test users of a split, for the files of a corpus.
pub struct TestUsers {
    path: PathBuf,
    /// For each file of the corpus.
    files: Vec<HashSet<RecordKey>>,
    /// Whether users without an id cannot be found.
    needs_ids: bool,
}

/// A split of an earlier version.
#[derive(Deserialize)]
struct EarlierSplit {
    training: EarlierPart,
    validation: EarlierPart,
    test: EarlierPart,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum EarlierPart {
    /// Ids of a corpus of one file.
    Ids(Vec<Value>),
    /// Ids by the base name of the file.
    ByName(BTreeMap<String, Vec<Value>>),
}

/// Stands for the file of a split that does not name it.
const ONE_FILE: &str = "the corpus";

/// How a split names its users.
#[derive(Clone, Copy, PartialEq)]
enum Format {
    Current,
    /// One file, whose name is unknown.
    OneFile,
    /// Several files, by base name; users without an id are unknown.
    ByName,
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

impl TestUsers {
    /// Reads the split at `path` and finds the files of `corpus` in it.
    pub fn read(path: &Path, corpus: &[PathBuf]) -> Result<Self, SplitError> {
        let fail = |what: String| SplitError {
            path: path.to_owned(),
            what,
        };
        let text = std::fs::read_to_string(path).map_err(|error| fail(error.to_string()))?;
        let (split, format) = parse(&text)
            .map_err(|what| fail(format!("not the split of a training run: {what}")))?;
        if let Some(user) = split.repeated() {
            return Err(fail(format!(
                "{user} is both a test user and a training or validation user; give each user of a file an id of its own, \
                 and each file a name of its own, and train again"
            )));
        }
        let names = match (format, corpus) {
            (Format::OneFile, [_]) => vec![ONE_FILE.into()],
            (Format::OneFile, _) => {
                let what = "an earlier version wrote it and did not name the file of its users; name that file alone";
                return Err(fail(what.into()));
            }
            _ => find(&split.test, corpus).map_err(fail)?,
        };
        let users_of = |name: &String| split.test[name].iter().cloned().collect();
        Ok(Self {
            path: path.to_owned(),
            files: names.iter().map(users_of).collect(),
            needs_ids: format == Format::ByName,
        })
    }

    /// The test users among `users`, who were read from this file of the corpus (an index).
    pub fn among(&self, file: usize, mut users: Vec<User>) -> Result<Vec<User>, SplitError> {
        if self.needs_ids
            && let Some(user) = users.iter().find(|user| user.own_id().is_none())
        {
            return Err(SplitError {
                path: self.path.clone(),
                what: format!(
                    "an earlier version wrote it, which numbered users without an id over all files, so {} cannot be found \
                     in it; train again",
                    RecordKey::new(user)
                ),
            });
        }
        users.retain(|user| self.files[file].contains(&RecordKey::new(user)));
        Ok(users)
    }
}

/// Reads a split of this version or of an earlier one.
fn parse(text: &str) -> Result<(StoredSplit, Format), String> {
    let error = match serde_json::from_str(text) {
        Ok(split) => return Ok((split, Format::Current)),
        Err(error) => error,
    };
    let Ok(earlier) = serde_json::from_str::<EarlierSplit>(text) else {
        return Err(error.to_string());
    };
    let format = match &earlier.test {
        EarlierPart::Ids(_) => Format::OneFile,
        EarlierPart::ByName(_) => Format::ByName,
    };
    let mut split = StoredSplit {
        training: earlier.training.users(),
        validation: earlier.validation.users(),
        test: earlier.test.users(),
    };
    // Earlier versions left out a file without users.
    let others = split.training.keys().chain(split.validation.keys());
    for name in others.cloned().collect::<Vec<_>>() {
        split.test.entry(name).or_default();
    }
    Ok((split, format))
}

impl EarlierPart {
    fn users(self) -> UsersByFile {
        let ids = |ids: Vec<Value>| ids.into_iter().map(RecordKey::Id);
        match self {
            Self::ByName(files) => (files.into_iter())
                .map(|(name, of_file)| (name, ids(of_file).collect()))
                .collect(),
            Self::Ids(all) => {
                // In one file, a number may also be the position of a record without an id.
                let positions: Vec<u64> = all.iter().filter_map(Value::as_u64).collect();
                let positions = positions.into_iter().map(RecordKey::Record);
                [(ONE_FILE.into(), ids(all).chain(positions).collect())].into()
            }
        }
    }
}

/// The name in a split of each file of `corpus`. The error says which file fits none, or more than one.
fn find(split: &UsersByFile, corpus: &[PathBuf]) -> Result<Vec<String>, String> {
    let mut found: Vec<(String, &PathBuf)> = Vec::new();
    for path in corpus {
        let given = as_given(path);
        let fits: Vec<&String> = match split.get_key_value(&given) {
            Some((name, _)) => vec![name],
            None => (split.keys())
                .filter(|name| Path::new(name).file_name() == path.file_name())
                .collect(),
        };
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

    fn read(split: &str, corpus: &[&str]) -> Result<TestUsers, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), split).unwrap();
        let corpus: Vec<PathBuf> = corpus.iter().map(PathBuf::from).collect();
        TestUsers::read(file.path(), &corpus).map_err(|error| error.what)
    }

    /// Users 1 to 4 by their ids, and the same records without ids.
    fn users() -> Vec<User> {
        let user = |position: u64, id: Option<u64>| {
            let mut user = User::from_json(&serde_json::json!({"id": id, "posts": []}).to_string());
            user.as_mut().unwrap().number(position);
            user.unwrap()
        };
        let with_ids = (1..=4).map(|id| user(10 + id, Some(id)));
        with_ids.chain((1..=4).map(|id| user(id, None))).collect()
    }

    fn tested(users: &TestUsers, file: usize) -> Vec<String> {
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
    fn splits_of_earlier_versions_are_read_where_they_are_unambiguous() {
        let error = |split: &str, corpus: &[&str]| read(split, corpus).err().unwrap();
        // Of one file a number is an id or a position.
        let list = r#"{"training": [1, 3], "validation": [], "test": [2, "4"]}"#;
        let users = read(list, &["renamed.jsonl"]).unwrap();
        assert_eq!(tested(&users, 0), ["user 2", "record 2"]);
        let message = error(list, &["a.jsonl", "b.jsonl"]);
        assert!(message.contains("did not name the file"), "{message}");

        let by_name = r#"{"training": {"a.jsonl": [1], "b.jsonl": [2]}, "validation": {}, "test": {"a.jsonl": [2]}}"#;
        let users = read(by_name, &["x/a.jsonl", "x/b.jsonl"]).unwrap();
        let with_ids = || self::users().into_iter().take(4).collect();
        assert_eq!(users.among(0, with_ids()).unwrap().len(), 1);
        assert_eq!(users.among(1, with_ids()).unwrap().len(), 0);
        let message = users.among(0, self::users()).unwrap_err().to_string();
        assert!(message.contains("record 1 cannot be found"), "{message}");
        let message = error(by_name, &["x/a.jsonl", "y/a.jsonl"]);
        assert!(
            message.contains("\"x/a.jsonl\" and \"y/a.jsonl\""),
            "{message}"
        );

        // Two files of one name were merged: user 2 of one is a test user, user 2 of the other is not.
        let merged =
            r#"{"training": {"a.jsonl": [1, 2]}, "validation": {}, "test": {"a.jsonl": [2, 3]}}"#;
        let message = error(merged, &["a.jsonl"]);
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
        ] {
            let message = read(text, &["a.jsonl"]).err().unwrap();
            assert!(
                message.contains("not the split of a training run"),
                "{message}"
            );
        }
    }
}
