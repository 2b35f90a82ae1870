//! Users who come several times.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::{User, id_key};

/// How many users are remembered to find their copies: memory must not grow with the input.
const MOST_WHOLE: usize = 1 << 20;

/// Finds users who count several times: those with posts in several files, since posts are grouped within each file, and
/// copies of users.
#[derive(Default)]
pub struct RepeatedUsers {
    hasher: RandomState,
    /// Hashes of the ids so far.
    seen: HashSet<u64>,
    /// Those that came again.
    repeated: HashSet<u64>,
    /// Hashes of ids and posts of the first users whose posts are listed.
    whole: HashSet<u64>,
    /// How many of them came again.
    copies: u64,
}

impl RepeatedUsers {
    /// Adds a user of any of the files.
    pub fn add(&mut self, user: &User) {
        let Some(id) = user.own_id() else { return };
        if user.is_gathered {
            let hash = self.hasher.hash_one(id_key(id));
            if !self.seen.insert(hash) {
                self.repeated.insert(hash);
            }
            return;
        }
        // Users whose posts are listed are whole. Other corpora may number theirs alike, so the posts must be the same too.
        if user.posts.is_empty() {
            return;
        }
        let hash = self.hasher.hash_one((id_key(id), &user.posts));
        let is_copy = match self.whole.len() < MOST_WHOLE {
            true => !self.whole.insert(hash),
            false => self.whole.contains(&hash),
        };
        self.copies += u64::from(is_copy);
    }

    /// The notes after the last file, once.
    pub fn take_notes(&mut self) -> impl Iterator<Item = String> {
        let Self {
            repeated, copies, ..
        } = std::mem::take(self);
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        let repeated = repeated.len() as u64;
        let repeated = (repeated > 0).then(|| {
            format!("{repeated} user{} with posts in more than one file, who count once for each file; put the posts into one file to group them", plural(repeated))
        });
        let copies = (copies > 0).then(|| {
            format!(
                "{copies} user{} with the id and the posts of an earlier one",
                plural(copies)
            )
        });
        repeated.into_iter().chain(copies)
    }
}
