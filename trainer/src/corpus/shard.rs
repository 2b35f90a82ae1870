//! Parts of a corpus or of other work, for processes that share the work.

use std::fmt;
use std::io;
use std::str::FromStr;

use model_core::corpus::{Problem, User, Users, id_key};

/// One of several parts of a corpus or a list. Each user is in exactly one of them, and is in the same one on every machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Counted from 1.
    number: u32,
    count: u32,
}

/// The most parts.
const MOST: u32 = 100_000;

/// What is said of a user without an id in a folder: users are numbered through all files, and a shard does not read all.
const NO_ID: &str = "a user without an id, by which shards could be told apart; --user NAME states the field with the id";

impl Shard {
    /// The number of shards.
    pub fn count(self) -> u32 {
        self.count
    }

    /// Whether the item at this position of a list, counted from 0, belongs to the shard.
    pub fn has(self, position: usize) -> bool {
        position as u64 % u64::from(self.count) == u64::from(self.number - 1)
    }

    /// The users of the shard among those of its own files.
    pub(super) fn of_files(users: Users) -> Users {
        Box::new(users.map(|user| match user {
            Ok(user) if user.own_id().is_none() => Err(Problem::Stream(io::Error::other(NO_ID))),
            other => other,
        }))
    }

    /// The users of the shard among all users, by their ids. Bad records are those of the first shard.
    pub(super) fn of_users(self, users: Users) -> Users {
        Box::new(users.filter(move |user| match user {
            Ok(user) => self.has_user(user),
            Err(Problem::Record { .. }) => self.number == 1,
            Err(_) => true,
        }))
    }

    fn has_user(self, user: &User) -> bool {
        let hash = crc32fast::hash(id_key(&user.id()).as_bytes());
        hash % self.count == self.number - 1
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = (text.split_once('/'))
            .and_then(|(number, count)| Some((number.parse().ok()?, count.parse().ok()?)));
        match numbers {
            Some((number, count)) if (1..=count).contains(&number) && count <= MOST => {
                Ok(Self { number, count })
            }
            _ => Err(format!(
                "expected I/N, the I-th of N parts, such as 3/16; N is at most {MOST}"
            )),
        }
    }
}

/// As part of a file name, such as `00003-of-00016`.
impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05}-of-{:05}", self.number, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_and_file_is_in_one_shard() {
        let shards: Vec<Shard> = (1..=7)
            .map(|number| format!("{number}/7").parse().unwrap())
            .collect();
        for record in 0..500 {
            let user = User {
                record,
                ..User::default()
            };
            let of_user = shards.iter().filter(|shard| shard.has_user(&user));
            assert_eq!(of_user.count(), 1);
            let of_file = shards.iter().filter(|shard| shard.has(record as usize));
            assert_eq!(of_file.count(), 1);
        }
        assert_eq!(shards[2].to_string(), "00003-of-00007");
    }

    #[test]
    fn other_texts_are_no_shards() {
        for text in [
            "",
            "3",
            "0/4",
            "5/4",
            "1/0",
            "-1/4",
            "a/b",
            "1/100001",
            "1/99999999999",
        ] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
