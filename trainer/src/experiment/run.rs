//! A run of an experiment: one system, fitted with one seed and evaluated on its test users.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::corpus::UserKey;
use crate::limited;
use crate::output::{OutputError, PendingFile};
use crate::settings::at_least_zero;

/// The key of a run: its system, attributes, variant and seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunKey {
    /// The system's name in configs, such as `svm` or `aux-lstm`.
    pub system: String,
    /// The attribute that is predicted.
    pub main: String,
    /// The attributes learned beside it; none for a system that learns each attribute alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub auxiliary: Vec<String>,
    /// What distinguishes this run from others of the same system, such as `lambda=0.5`; empty for the system with the
    /// experiment's own settings.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// The seed of the split of the users and of all random choices in learning.
    pub seed: u64,
}

impl fmt::Display for RunKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.system, self.main)?;
        for auxiliary in &self.auxiliary {
            write!(f, "+{auxiliary}")?;
        }
        if !self.variant.is_empty() {
            write!(f, " ({})", self.variant)?;
        }
        write!(f, ", seed {}", self.seed)
    }
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// What the run learned.
    pub key: RunKey,
    /// The names of the attribute's classes.
    pub classes: Vec<String>,
    /// The number of training users with a label.
    pub training_users: usize,
    /// The number of validation users with a label; 0 in files of earlier versions.
    #[serde(default)]
    pub validation_users: usize,
    /// The hyper-parameters that were chosen on the validation users, as names and values.
    #[serde(default)]
    pub chosen: Vec<(String, String)>,
    /// F on the validation users, by which they were chosen.
    pub validation_f: f64,
    /// F on the validation users after each epoch, for systems that learn in epochs.
    #[serde(default)]
    pub validation_curve: Vec<f64>,
    /// The mean cost over each epoch's batches, likewise.
    #[serde(default)]
    pub training_curve: Vec<f64>,
    /// The test users.
    pub test: Vec<TestUser>,
    /// The time of learning and testing, in seconds.
    pub seconds: f64,
}

/// A test user with the true class and the prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestUser {
    /// Identifies the user. All runs of a seed and an attribute have the same test users.
    pub user: UserKey,
    /// The number of words that were read.
    pub words: usize,
    /// The true class, as an index.
    pub class: usize,
    /// The probability of each class, calibrated on the validation users.
    pub probabilities: Vec<f32>,
}

impl RunKey {
    /// The system with its variant, such as `aux-lstm (with a wide component)`. Together they determine all settings.
    pub fn configuration(&self) -> String {
        match self.variant.as_str() {
            "" => self.system.clone(),
            variant => format!("{} ({variant})", self.system),
        }
    }

    /// The name of the run's file, unique to the run.
    pub fn file_name(&self) -> String {
        self.name() + ".json"
    }

    /// The name of the run in lists and files.
    pub fn name(&self) -> String {
        let mut name = format!("{}__{}", file_name(&self.system), file_name(&self.main));
        for auxiliary in &self.auxiliary {
            name += &format!("+{}", file_name(auxiliary));
        }
        if !self.variant.is_empty() {
            name += &format!("__{}", file_name(&self.variant));
        }
        format!("{name}__{}", self.seed)
    }
}

/// A name as a portable part of a file name: other characters are replaced by their code points. `_` and `+` are replaced too,
/// because they join the parts.
pub fn file_name(name: &str) -> String {
    (name.chars())
        .map(|letter| match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '.' | '=' => letter.to_string(),
            other => format!("%{:x}", u32::from(other)),
        })
        .collect()
}

/// A stored file of an experiment cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}", path.display())]
pub struct StoredError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
}

/// The most users of an experiment, and the most words of a user: sums of such numbers do not overflow.
pub const MOST_USERS: usize = u32::MAX as usize;

/// The most bytes of a stored file. Each test user of a run takes some hundred.
const MOST_BYTES: u64 = 1 << 30;

/// The beginning of a stored file, before its checksum: a field of its own in the JSON object.
const CHECKSUM_FIELD: &[u8] = b"{\"checksum\":\"";

/// The checksum of a JSON text.
fn checksum(text: &[u8]) -> String {
    format!("crc32:{:08x}", crc32fast::hash(text))
}

/// Writes a stored file, completely or not at all: the JSON object `text` with a checksum of it as the first field.
pub fn write_json(path: &Path, text: &str) -> Result<(), OutputError> {
    let fields = text.strip_prefix('{').unwrap_or(text);
    PendingFile::create(path)?.finish(|out| {
        out.write_all(CHECKSUM_FIELD)?;
        write!(out, "{}\",{fields}", checksum(text.as_bytes()))
    })
}

/// The JSON object in a stored file, without the checksum. A file of an earlier version has none.
fn checked(file: &[u8]) -> Result<Cow<'_, [u8]>, String> {
    let Some(rest) = file.strip_prefix(CHECKSUM_FIELD) else {
        return Ok(Cow::Borrowed(file));
    };
    let (stored, rest) = rest.split_at(rest.len().min(checksum(&[]).len()));
    let fields = rest.strip_prefix(b"\",").unwrap_or(rest);
    let text = [&b"{"[..], fields].concat();
    match checksum(&text).as_bytes() == stored {
        true => Ok(Cow::Owned(text)),
        false => Err("its contents do not match its checksum".into()),
    }
}

/// Reads a stored file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, StoredError> {
    let fail = |what: String| StoredError {
        path: path.to_owned(),
        what,
    };
    let file = limited::read(path, MOST_BYTES, "a file of an experiment")
        .map_err(|error| fail(error.to_string()))?;
    let value = checked(&file)
        .and_then(|text| serde_json::from_slice(&text).map_err(|error| error.to_string()));
    value.map_err(|what| {
        fail(format!(
            "{what}; delete the file, and auxlstm experiment makes it again"
        ))
    })
}

impl Run {
    /// The folder of the runs in an experiment's folder.
    pub const FOLDER: &str = "runs";

    /// Writes the run into `folder`, completely or not at all.
    pub fn write(&self, folder: &Path) -> Result<(), OutputError> {
        let text = serde_json::to_string(self).expect("plain data is JSON");
        write_json(&folder.join(self.key.file_name()), &text)
    }

    /// Reads the file of a run.
    pub fn read(path: &Path) -> Result<Self, StoredError> {
        let run: Self = read_json(path)?;
        match run.check() {
            Ok(()) => Ok(run),
            Err(what) => Err(StoredError {
                path: path.to_owned(),
                what,
            }),
        }
    }

    fn check(&self) -> Result<(), String> {
        let classes = self.classes.len();
        let mut counts = (self.test.iter().map(|user| user.words))
            .chain([self.training_users, self.validation_users]);
        if let Some(count) = counts.find(|&count| count > MOST_USERS) {
            return Err(format!(
                "{count} words or users; permitted: at most {MOST_USERS}"
            ));
        }
        match (self.test.iter())
            .find(|user| user.class >= classes || user.probabilities.len() != classes)
        {
            Some(TestUser { user, .. }) => Err(format!(
                "the class or the probabilities of {user} do not fit the attribute"
            )),
            None => at_least_zero("seconds", self.seconds),
        }
    }

    /// The run with this key in `folder`, if it is stored there.
    ///
    /// # Errors
    /// A file of this name that cannot be used or contains another run.
    pub(super) fn find(folder: &Path, key: &RunKey) -> Result<Option<Self>, StoredError> {
        let path = folder.join(key.file_name());
        if !path.exists() {
            return Ok(None);
        }
        let run = Self::read(&path)?;
        match run.key == *key {
            true => Ok(Some(run)),
            false => Err(StoredError {
                what: format!("contains the run {}; expected: {key}", run.key),
                path,
            }),
        }
    }

    /// All runs in `folder`, in the order of their file names.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>, StoredError> {
        let fail = |error: std::io::Error| StoredError {
            path: folder.to_owned(),
            what: error.to_string(),
        };
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                paths.push(path);
            }
        }
        paths.sort();
        paths.iter().map(|path| Self::read(path)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::RecordKey;

    fn key(system: &str, auxiliary: &[&str], variant: &str, seed: u64) -> RunKey {
        RunKey {
            system: system.into(),
            main: "age".into(),
            auxiliary: auxiliary.iter().map(|name| (*name).to_owned()).collect(),
            variant: variant.into(),
            seed,
        }
    }

    #[test]
    fn different_runs_have_different_files() {
        let keys = [
            key("svm", &[], "", 1),
            key("svm", &[], "", 11),
            key("svm", &["gender"], "", 1),
            key("svm", &["gender", "b"], "", 1),
            key("svm", &["gender/b"], "", 1),
            key("svm", &[], "λ=0.5", 1),
        ];
        let mut names: Vec<String> = keys.iter().map(RunKey::file_name).collect();
        assert!(
            names
                .iter()
                .all(|name| name.is_ascii() && !name.contains('/'))
        );
        names.sort();
        names.dedup();
        assert_eq!(names.len(), keys.len());
    }

    /// `_` and `+` used to stand in names as they are, so that a separator could be part of a name.
    #[test]
    fn a_name_that_contains_a_separator_has_another_file() {
        let of = |main: &str, auxiliary: &[&str], variant: &str| {
            let key = RunKey {
                main: main.into(),
                ..key("svm", auxiliary, variant, 1)
            };
            key.file_name()
        };
        assert_ne!(of("a", &[], "b"), of("a__b", &[], ""));
        assert_ne!(of("a", &["b"], ""), of("a+b", &[], ""));
        assert_ne!(of("a", &["b", "c"], ""), of("a", &["b+c"], ""));
        // Other names stay as they are, so that earlier runs are found.
        assert_eq!(
            key("multi-task-lstm", &["job"], "lambda=0.5, b", 1).file_name(),
            "multi-task-lstm__age+job__lambda=0.5%2c%20b__1.json"
        );
    }

    #[test]
    fn a_stored_run_with_another_key_is_not_taken_for_the_planned_one() {
        let folder = tempfile::tempdir().unwrap();
        let run = run();
        assert_eq!(Run::find(folder.path(), &run.key).unwrap(), None);
        run.write(folder.path()).unwrap();
        let other = key("aux-lstm", &["gender"], "", 1);
        let [from, to] = [&run.key, &other].map(|key| folder.path().join(key.file_name()));
        std::fs::copy(from, to).unwrap();
        let error = Run::find(folder.path(), &other).unwrap_err().to_string();
        assert!(
            error.contains("age+gender__1.json: contains the run aux-lstm age+profession, seed 1"),
            "{error}"
        );
        assert_eq!(Run::find(folder.path(), &run.key).unwrap(), Some(run));
    }

    #[test]
    fn a_changed_bit_of_a_stored_run_was_reported() {
        let folder = tempfile::tempdir().unwrap();
        let run = run();
        run.write(folder.path()).unwrap();
        let path = folder.path().join(run.key.file_name());
        let whole = std::fs::read(&path).unwrap();
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            let error = Run::read(&path).unwrap_err().to_string();
            assert!(
                error.contains("age+profession__1.json: ") && error.contains("delete the file"),
                "{place}: {error}"
            );
        }
    }

    #[test]
    fn a_stored_run_without_a_checksum_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("run.json");
        std::fs::write(&path, serde_json::to_vec(&run()).unwrap()).unwrap();
        assert_eq!(Run::read(&path).unwrap(), run());
    }

    #[test]
    fn counts_whose_sums_overflow_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run {
            training_users: usize::MAX,
            ..run()
        };
        run.write(folder.path()).unwrap();
        let error = Run::read_all(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("age+profession")
                && error.contains("18446744073709551615 words or users"),
            "{error}"
        );
    }

    #[test]
    fn negative_seconds_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let run = Run {
            seconds: -1.5,
            ..run()
        };
        run.write(folder.path()).unwrap();
        let error = Run::read_all(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("age+profession") && error.contains("seconds is -1.5"),
            "{error}"
        );
    }

    fn run() -> Run {
        Run {
            key: key("aux-lstm", &["profession"], "", 1),
            classes: vec!["13".into(), "14".into()],
            training_users: 9,
            validation_users: 2,
            chosen: vec![("epoch".into(), "3".into())],
            validation_f: 0.25,
            validation_curve: vec![0.125, 0.25],
            training_curve: vec![1.5, 0.75],
            test: vec![TestUser {
                user: UserKey {
                    file: "users.jsonl".into(),
                    record: RecordKey::Id(17.into()),
                },
                words: 40,
                class: 1,
                probabilities: vec![0.25, 0.75],
            }],
            seconds: 1.5,
        }
    }

    #[test]
    fn a_run_is_read_as_it_was_written_and_an_invalid_one_is_named() {
        let run = run();
        let folder = tempfile::tempdir().unwrap();
        run.write(folder.path()).unwrap();
        let read = Run::read_all(folder.path()).unwrap();
        assert_eq!(read, std::slice::from_ref(&run));
        let wrong = Run {
            test: vec![TestUser {
                class: 2,
                ..run.test[0].clone()
            }],
            ..run
        };
        wrong.write(folder.path()).unwrap();
        let error = Run::read_all(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("age+profession") && error.contains("user 17"),
            "{error}"
        );
    }

    #[test]
    fn fuzz_stored_runs() {
        let text = serde_json::to_string(&run()).unwrap();
        let whole = format!(
            "{{\"checksum\":\"{}\",{}",
            checksum(text.as_bytes()),
            &text[1..]
        );
        fuzzing::fuzz("stored run", &[text, whole], |bytes| {
            let Ok(text) = checked(bytes) else {
                return;
            };
            if let Ok(run) = serde_json::from_slice::<Run>(&text) {
                let _ = run.check();
                run.key.file_name();
            }
        });
    }
}
