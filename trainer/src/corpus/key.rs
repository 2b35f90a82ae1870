//! The key of a user wherever users are stored or paired.

use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::path::{Component, Path, PathBuf};

use model_core::corpus::id_key;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::User;

/// Identifies a user in `split.json`, in the stored runs of an experiment and in the bootstrap.
///
/// The id alone does not: two files may use the same ids.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct UserKey {
    /// The corpus file, [`as_given`].
    pub file: String,
    /// The record in this file.
    #[serde(flatten)]
    pub record: RecordKey,
}

/// Identifies a user within one file.
///
/// The two variants are kept apart because a file may hold both the id 7 and a seventh record without an id.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RecordKey {
    /// The record's `id`: any JSON value. `1` and `"1"` are the same id, see [`id_key`].
    Id(Value),
    /// The position of a record without an id, counted from 1, bad records included.
    Record(u64),
}

impl UserKey {
    /// The key of a user who was read from `file`.
    pub fn new(file: &Path, user: &User) -> Self {
        Self {
            file: as_given(file),
            record: RecordKey::new(user),
        }
    }
}

impl RecordKey {
    /// The key of a user within the file that it was read from.
    pub fn new(user: &User) -> Self {
        match user.own_id() {
            Some(id) => Self::Id(id.clone()),
            None => Self::Record(user.record),
        }
    }
}

impl PartialEq for RecordKey {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Id(id), Self::Id(other)) => id == other || id_key(id) == id_key(other),
            (Self::Record(position), Self::Record(other)) => position == other,
            (Self::Id(_), Self::Record(_)) | (Self::Record(_), Self::Id(_)) => false,
        }
    }
}

impl Eq for RecordKey {}

impl Hash for RecordKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Id(id) => (0, id_key(id)).hash(state),
            Self::Record(position) => (1, position).hash(state),
        }
    }
}

/// Identifies a user by the posts alone, whatever the file and the id: see [`seen_users`].
///
/// [`seen_users`]: model_core::bundle::Bundle::seen_users
pub fn fingerprint(user: &User) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for post in &user.posts {
        hasher.update(post.as_bytes());
        hasher.update(b"\n");
    }
    hasher.finalize()
}

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.record, self.file)
    }
}

impl fmt::Display for RecordKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "user {id}"),
            Self::Record(position) => write!(f, "record {position}"),
        }
    }
}

/// The name under which a corpus file is stored: its path as given in a config or on the command line, without `.`
/// components. It is not made absolute, so that a folder can be moved to another machine with its splits.
pub fn as_given(path: &Path) -> String {
    let components = path.components();
    let without_dots: PathBuf = (components)
        .filter(|component| *component != Component::CurDir)
        .collect();
    without_dots.to_string_lossy().into_owned()
}

/// The first of these paths that leads to the file, or folder, of an earlier one.
pub fn repeated_file(paths: &[PathBuf]) -> Option<&PathBuf> {
    let mut files = HashSet::new();
    let file = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
    paths.iter().find(|path| !files.insert(file(path)))
}
