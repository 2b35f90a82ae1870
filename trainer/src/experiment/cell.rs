//! A cell of an experiment: one system, learned with one seed, tested on users it has never seen.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::corpus::UserKey;
use crate::output::{OutputError, PendingFile};

/// What is learned in a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellKey {
    /// The system, by the name that configs call it, such as `svm` or `aux-lstm`.
    pub system: String,
    /// The attribute that is predicted.
    pub main: String,
    /// The attributes learned beside it; none for a system that learns each attribute alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub auxiliary: Vec<String>,
    /// What sets this cell apart from others of the same system, such as `lambda=0.5` or `bidirectional`; empty for
    /// the system as it is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// Decides the split of the users and all that is random in learning.
    pub seed: u64,
}

impl fmt::Display for CellKey {
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

/// What came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// What was learned.
    pub key: CellKey,
    /// The names of the attribute's classes.
    pub classes: Vec<String>,
    /// The number of training users with a label.
    pub training_users: usize,
    /// The hyper-parameters that were chosen on the validation users, as text, by their names.
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
    /// How long learning and testing took, in seconds.
    pub seconds: f64,
}

/// A test user, the truth, and what was predicted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestUser {
    /// Identifies the user. The same users are in the tests of all cells of a seed and an attribute.
    pub user: UserKey,
    /// Words that were read.
    pub words: usize,
    /// The true class, as an index.
    pub class: usize,
    /// The probability of each class, calibrated on the validation users.
    pub probabilities: Vec<f32>,
}

impl CellKey {
    /// The system and its variant, which decide all settings: `aux-lstm (with a wide component)`.
    pub fn plan(&self) -> String {
        match self.variant.as_str() {
            "" => self.system.clone(),
            variant => format!("{} ({variant})", self.system),
        }
    }

    /// The name of the cell's file: the same for the same cell, and no other's.
    pub fn file_name(&self) -> String {
        let mut name = format!("{}__{}", self.system, self.main);
        for auxiliary in &self.auxiliary {
            name += &format!("+{auxiliary}");
        }
        if !self.variant.is_empty() {
            name += &format!("__{}", self.variant);
        }
        format!("{}__{}.json", file_name(&name), self.seed)
    }
}

/// A name as what a file's name can hold everywhere; other characters by their numbers.
pub fn file_name(name: &str) -> String {
    (name.chars())
        .map(|letter| match letter {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '+' | '-' | '.' | '=' => letter.to_string(),
            other => format!("%{:x}", u32::from(other)),
        })
        .collect()
}

/// A stored cell, or what is stored beside the cells, cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {what}", path.display())]
pub struct CellError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
}

impl Cell {
    /// The name of the folder of cells, in an experiment's folder.
    pub const FOLDER: &str = "cells";

    /// Writes the cell into `folder`, whole or not at all.
    pub fn write(&self, folder: &Path) -> Result<(), OutputError> {
        PendingFile::create(&folder.join(self.key.file_name()))?
            .finish(|out| Ok(serde_json::to_writer(out, self)?))
    }

    /// Reads the file of a cell.
    pub fn read(path: &Path) -> Result<Self, CellError> {
        let fail = |what: String| CellError {
            path: path.to_owned(),
            what,
        };
        let text = std::fs::read(path).map_err(|error| fail(error.to_string()))?;
        let cell: Self = serde_json::from_slice(&text).map_err(|error| fail(error.to_string()))?;
        let classes = cell.classes.len();
        match (cell.test.iter())
            .find(|user| user.class >= classes || user.probabilities.len() != classes)
        {
            Some(TestUser { user, .. }) => {
                Err(fail(format!("{user} has no class of the attribute")))
            }
            None => Ok(cell),
        }
    }

    /// All cells in `folder`, in the order of their file names.
    pub fn read_all(folder: &Path) -> Result<Vec<Self>, CellError> {
        let fail = |error: std::io::Error| CellError {
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

    fn key(system: &str, auxiliary: &[&str], variant: &str, seed: u64) -> CellKey {
        CellKey {
            system: system.into(),
            main: "age".into(),
            auxiliary: auxiliary.iter().map(|name| (*name).to_owned()).collect(),
            variant: variant.into(),
            seed,
        }
    }

    #[test]
    fn different_cells_have_different_files() {
        let keys = [
            key("svm", &[], "", 1),
            key("svm", &[], "", 11),
            key("svm", &["gender"], "", 1),
            key("svm", &["gender", "b"], "", 1),
            key("svm", &["gender/b"], "", 1),
            key("svm", &[], "λ=0.5", 1),
        ];
        let mut names: Vec<String> = keys.iter().map(CellKey::file_name).collect();
        assert!(
            names
                .iter()
                .all(|name| name.is_ascii() && !name.contains('/'))
        );
        names.sort();
        names.dedup();
        assert_eq!(names.len(), keys.len());
    }

    #[test]
    fn a_cell_comes_back_as_it_was_and_a_broken_one_is_named() {
        let cell = Cell {
            key: key("aux-lstm", &["profession"], "", 1),
            classes: vec!["13".into(), "14".into()],
            training_users: 9,
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
        };
        let folder = tempfile::tempdir().unwrap();
        cell.write(folder.path()).unwrap();
        let read = Cell::read_all(folder.path()).unwrap();
        assert_eq!(read, std::slice::from_ref(&cell));
        let wrong = Cell {
            test: vec![TestUser {
                class: 2,
                ..cell.test[0].clone()
            }],
            ..cell
        };
        wrong.write(folder.path()).unwrap();
        let error = Cell::read_all(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("age+profession") && error.contains("user 17"),
            "{error}"
        );
    }
}
