//! Conversion of archives, crawls and published corpora to the project's JSONL.
//!
//! The crate [`formats`] and the module [`corpus`](crate::corpus) read the users. A [`Converter`] does what is the same for every
//! format: it numbers the users, masks what identifies somebody, groups industries into professions and filters. Original
//! ids reach the output only if they are asked for; names and dates are dropped by the formats, not here.

mod professions;

use model_core::corpus::User;
use model_core::text::mask;
use serde::Serialize;
use serde_json::{Map, Value};

pub use professions::Professions;

/// How users are converted.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How industries are grouped into professions; without it, no user has a profession.
    pub professions: Option<Professions>,
    /// Leave out users who lack this label.
    pub with: Option<String>,
    /// Leave out users who have this label.
    pub without: Option<String>,
    /// The most words of a user, separated by white space; later ones are cut off.
    pub max_words: Option<usize>,
    /// Keep the users' ids or names of the input; otherwise they are numbered anew.
    pub keep_ids: bool,
}

/// A user of the output.
#[derive(Debug, Serialize)]
pub struct Record {
    id: Value,
    #[serde(flatten)]
    fields: Map<String, Value>,
    posts: Vec<String>,
}

/// Makes records of users and counts them.
#[derive(Debug)]
pub struct Converter {
    options: Options,
    counts: Counts,
}

/// Counts of the converted users.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Users read, those left out included.
    pub read: u64,
    /// Users written.
    pub users: u64,
    /// Posts written.
    pub posts: u64,
    /// Users left out by [`Options::with`] and [`Options::without`].
    pub filtered: u64,
    /// Of these, users who have the label of [`Options::without`].
    pub with_unwanted_label: u64,
    /// Users left out because they have no text.
    pub without_text: u64,
    /// Files or rows that could not be read.
    pub bad_records: u64,
}

impl Converter {
    /// A converter that has seen no user.
    pub fn new(options: Options) -> Self {
        Self {
            options,
            counts: Counts::default(),
        }
    }

    /// The counts so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Counts records that could not be read.
    pub fn add_bad_records(&mut self, records: u64) {
        self.counts.bad_records += records;
    }

    /// The record of a user, `None` for one who is left out. Unless ids are kept, its id is the user's position among all
    /// that were read, so that the same input gives a user the same id whatever the filters.
    pub fn record(&mut self, user: User) -> Option<Record> {
        self.counts.read += 1;
        let User {
            posts, mut fields, ..
        } = user;
        let own_id = fields.shift_remove("id").filter(|_| self.options.keep_ids);
        if let Some(professions) = self.options.professions {
            let industry = fields.get("industry").and_then(Value::as_str);
            if let Some(profession) = industry.and_then(|industry| professions.of(industry)) {
                fields.insert("profession".to_owned(), profession.into());
            }
        }
        let has = |label: &String| fields.contains_key(label);
        let is_unwanted = self.options.without.as_ref().is_some_and(has);
        if is_unwanted || self.options.with.as_ref().is_some_and(|label| !has(label)) {
            self.counts.filtered += 1;
            self.counts.with_unwanted_label += u64::from(is_unwanted);
            return None;
        }
        let mut words_left = self.options.max_words.unwrap_or(usize::MAX);
        let posts: Vec<String> = (posts.iter())
            .map(|post| first_words(&mask(post), &mut words_left).to_owned())
            .filter(|post| !post.is_empty())
            .collect();
        if posts.is_empty() {
            self.counts.without_text += 1;
            return None;
        }
        self.counts.users += 1;
        self.counts.posts += posts.len() as u64;
        Some(Record {
            id: own_id.unwrap_or_else(|| self.counts.read.into()),
            fields,
            posts,
        })
    }
}

/// Trims the post, truncates it to `left` words and subtracts them from `left`.
fn first_words<'a>(post: &'a str, left: &mut usize) -> &'a str {
    let mut end = 0;
    for piece in post.split_inclusive(char::is_whitespace) {
        if !piece.trim().is_empty() {
            if *left == 0 {
                break;
            }
            *left -= 1;
        }
        end += piece.len();
    }
    post[..end].trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(posts: &[&str], industry: &str) -> User {
        User {
            posts: posts.iter().map(|&post| post.to_owned()).collect(),
            fields: Map::from_iter([("industry".to_owned(), industry.into())]),
            ..User::default()
        }
    }

    #[test]
    fn a_user_is_cut_after_the_most_words() {
        let options = Options {
            max_words: Some(4),
            ..Options::default()
        };
        let mut converter = Converter::new(options);
        let record = converter.record(user(&["one two", " three\n four  five", "six"], "Law"));
        assert_eq!(record.unwrap().posts, ["one two", "three\n four"]);
    }

    #[test]
    fn filters_do_not_change_ids() {
        let options = Options {
            professions: Some(Professions::Paper),
            with: Some("profession".to_owned()),
            ..Options::default()
        };
        let mut converter = Converter::new(options);
        assert!(converter.record(user(&["a"], "Law")).is_none());
        assert!(converter.record(user(&[" "], "Banking")).is_none());
        let record = converter.record(user(&["a"], "Banking")).unwrap();
        assert_eq!(record.id, 3);
        assert_eq!(record.fields["profession"], "Finance");
        let counts = converter.counts();
        assert_eq!((counts.read, counts.users, counts.posts), (3, 1, 1));
        assert_eq!((counts.filtered, counts.without_text), (1, 1));
    }
}
