//! Writers whose posts are in several files.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::{User, id_key};

/// Finds users with posts in several files. Posts are grouped within each file, so that such a user counts several times.
#[derive(Default)]
pub struct AcrossFiles {
    hasher: RandomState,
    /// Hashes of the ids so far.
    seen: HashSet<u64>,
    /// Those that came again.
    repeated: HashSet<u64>,
}

impl AcrossFiles {
    /// Adds a user of any of the files.
    pub fn add(&mut self, user: &User) {
        // Users whose posts are listed are whole, and other corpora may number theirs alike.
        if let Some(id) = user.own_id().filter(|_| user.is_gathered) {
            let hash = self.hasher.hash_one(id_key(id));
            if !self.seen.insert(hash) {
                self.repeated.insert(hash);
            }
        }
    }

    /// The note after the last file, once.
    pub fn take_note(&mut self) -> Option<String> {
        let count = std::mem::take(self).repeated.len();
        let plural = if count == 1 { "" } else { "s" };
        (count > 0).then(|| {
            format!("{count} user{plural} with posts in more than one file, who count once for each file; put the posts into one file to group them")
        })
    }
}
