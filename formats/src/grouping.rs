//! Posts grouped by user.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::{self, Display, Formatter};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::io;
use std::mem;
use std::ops::AddAssign;

use model_core::corpus::{
    ROUNDED, User, is_rounded, is_unknown, lossy, unreadable_note, without_flags,
};
use serde_json::{Map, Value};

/// How posts are treated.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Keep reposts, which are not their writer's words.
    pub reposts: bool,
    /// The most bytes of posts that wait for other posts of their users.
    pub max_bytes: usize,
}

/// Takes what a format reads.
pub trait Receiver {
    /// Takes a user: posts in order of time, labels, and the user's id or name in the format as `id`.
    ///
    /// # Errors
    /// If the user cannot be stored; reading then ends.
    fn user(&mut self, user: User) -> io::Result<()>;

    /// Takes one line on a record that could not be read: the place and what is wrong.
    ///
    /// # Errors
    /// If bad records are refused; reading then ends.
    fn bad_record(&mut self, line: &str) -> io::Result<()>;

    /// Takes a note on how files were read, where nothing is wrong with a record.
    fn note(&mut self, note: Note<'_>);
}

/// A note on how files were read. It displays as one line.
#[derive(Clone, Copy, Debug)]
pub struct Note<'a> {
    /// The file, or the first of several files and the number of the others; none if the note is on all files.
    pub place: Option<&'a str>,
    /// How the files were read.
    pub what: &'a str,
}

impl Display for Note<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        if let Some(place) = self.place {
            write!(formatter, "{place}: ")?;
        }
        formatter.write_str(self.what)
    }
}

/// A post as a format reads it.
#[derive(Clone, Debug, Default)]
pub struct Post<'a> {
    /// The user's id or name.
    pub user: &'a str,
    /// The post's id. A post whose user has another one with this id is a duplicate, unless a spreadsheet has rounded it:
    /// then many posts have the same.
    pub id: Option<&'a str>,
    /// Milliseconds since 1970, as far as it is known. A post without it follows the one before it.
    pub time: Option<i64>,
    /// The user's words.
    pub text: String,
    /// Whether the words are another's.
    pub is_repost: bool,
}

/// Counts of what was left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Reposts.
    pub reposts: u64,
    /// Posts without text, such as pictures.
    pub without_text: u64,
    /// Messages of the system, such as "Ann joined the group".
    pub system: u64,
    /// Deleted posts and posts of deleted accounts.
    pub deleted: u64,
    /// Posts of bots.
    pub bots: u64,
    /// Posts that were read before.
    pub duplicates: u64,
    /// Posts that lost a quotation, but were kept.
    pub quotations: u64,
}

impl Counts {
    /// What was left out, such as "2 reposts", without what is not there.
    pub fn listed(&self) -> Vec<String> {
        let kinds = [
            (self.reposts, "repost", ""),
            (self.quotations, "quotation", ""),
            (self.without_text, "post", " without text"),
            (self.duplicates, "duplicate", ""),
            (self.deleted, "post", " deleted or of a deleted account"),
            (self.bots, "post", " of bots"),
            (self.system, "system message", ""),
        ];
        let kinds = kinds.into_iter().filter(|(number, ..)| *number > 0);
        let listed = kinds.map(|(number, what, remark)| {
            let plural = if number == 1 { "" } else { "s" };
            format!("{number} {what}{plural}{remark}")
        });
        listed.collect()
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.reposts += other.reposts;
        self.without_text += other.without_text;
        self.system += other.system;
        self.deleted += other.deleted;
        self.bots += other.bots;
        self.duplicates += other.duplicates;
        self.quotations += other.quotations;
    }
}

/// Groups posts by user. A user is handed over by [`Grouping::finish`] where a format knows that no more posts come,
/// or in the end.
pub struct Grouping<'a> {
    options: Options,
    receiver: &'a mut dyn Receiver,
    /// The position of each user in `users`.
    positions: HashMap<String, usize>,
    /// In order of their first posts; `None` for those that were handed over.
    users: Vec<Option<OpenUser>>,
    /// Hashes of users and posts' ids.
    seen: HashSet<u64>,
    bytes: usize,
    counts: Counts,
    /// What is told of files, each with the first file and the number of the others.
    notes: Vec<(String, String, usize)>,
    /// The number of bytes that are not UTF-8.
    unreadable: usize,
    /// Whether it was told that the id of a user is rounded.
    is_rounded_told: bool,
}

#[derive(Default)]
struct OpenUser {
    id: String,
    labels: Map<String, Value>,
    posts: Vec<(Option<i64>, String)>,
}

impl OpenUser {
    fn bytes(&self) -> usize {
        let posts = self.posts.iter().map(|(_, text)| post_bytes(text));
        2 * self.id.len() + posts.sum::<usize>()
    }
}

fn post_bytes(text: &str) -> usize {
    size_of::<(Option<i64>, String)>() + text.len()
}

impl<'a> Grouping<'a> {
    /// No users so far.
    pub fn new(options: Options, receiver: &'a mut dyn Receiver) -> Self {
        Self {
            options,
            receiver,
            positions: HashMap::new(),
            users: Vec::new(),
            seen: HashSet::new(),
            bytes: 0,
            counts: Counts::default(),
            notes: Vec::new(),
            unreadable: 0,
            is_rounded_told: false,
        }
    }

    /// What was left out so far; formats count here what only they can know.
    pub fn counts(&mut self) -> &mut Counts {
        &mut self.counts
    }

    /// Reports a record that could not be read.
    ///
    /// # Errors
    /// Those of the receiver.
    pub fn bad_record(&mut self, line: &str) -> io::Result<()> {
        self.receiver.bad_record(line)
    }

    /// Tells how a file was read when all files are read, and once for those of which the same is to be told: a folder may
    /// have thousands of them.
    pub(crate) fn note(&mut self, place: &str, what: Option<String>) {
        let Some(what) = what else {
            return;
        };
        match self.notes.iter_mut().find(|(told, ..)| *told == what) {
            Some((.., others)) => *others += 1,
            None => self.notes.push((what, place.to_owned(), 0)),
        }
    }

    /// Bytes as text. Those that are not UTF-8 are counted, and told when all files are read.
    pub(crate) fn text<'b>(&mut self, bytes: &'b [u8]) -> Cow<'b, str> {
        let (text, unreadable) = lossy(bytes);
        self.unreadable += unreadable;
        text
    }

    /// Counts bytes that are not UTF-8 and were read elsewhere.
    pub(crate) fn add_unreadable(&mut self, bytes: usize) {
        self.unreadable += bytes;
    }

    /// Adds a post, unless it is to be left out.
    ///
    /// # Errors
    /// If the posts take more memory than they may ([`OutOfMemory`](io::ErrorKind::OutOfMemory)).
    pub fn add(&mut self, post: Post<'_>) -> io::Result<()> {
        if post.is_repost && !self.options.reposts {
            self.counts.reposts += 1;
            return Ok(());
        }
        let is_text = |letter: &char| letter.is_whitespace() || !letter.is_control();
        let text: String = post.text.trim().chars().filter(is_text).collect();
        if text.is_empty() {
            self.counts.without_text += 1;
            return Ok(());
        }
        if !self.is_rounded_told && is_rounded(post.user) {
            self.is_rounded_told = true;
            self.receiver.note(Note {
                place: None,
                what: &format!("{}: {ROUNDED}", post.user),
            });
        }
        if let Some(id) = post.id.filter(|id| !id.is_empty() && !is_rounded(id)) {
            let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one((post.user, id));
            if !self.seen.insert(hash) {
                self.counts.duplicates += 1;
                return Ok(());
            }
            self.bytes += size_of::<u64>();
        }
        self.bytes += post_bytes(&text);
        if self.bytes > self.options.max_bytes {
            let limit = self.options.max_bytes >> 20;
            let what = format!(
                "the posts of all users take more than {limit} MiB; raise --max-memory, or convert the users in parts"
            );
            return Err(io::Error::new(io::ErrorKind::OutOfMemory, what));
        }
        self.user(post.user).posts.push((post.time, text));
        Ok(())
    }

    /// Sets a label of a user, unless it is unknown. The first value counts.
    pub fn label(&mut self, user: &str, name: &str, value: impl Into<Value>) {
        let value = value.into();
        let labels = &mut self.user(user).labels;
        if !is_unknown(&value) && !labels.contains_key(name) {
            labels.insert(name.to_owned(), value);
        }
    }

    /// Whether a user waits for more posts.
    pub fn has(&self, user: &str) -> bool {
        self.positions.contains_key(user)
    }

    fn user(&mut self, id: &str) -> &mut OpenUser {
        let position = match self.positions.get(id) {
            Some(&position) => position,
            None => {
                self.positions.insert(id.to_owned(), self.users.len());
                self.bytes += 2 * id.len() + size_of::<Option<OpenUser>>();
                self.users.push(None);
                self.users.len() - 1
            }
        };
        self.users[position].get_or_insert_with(|| OpenUser {
            id: id.to_owned(),
            ..OpenUser::default()
        })
    }

    /// Hands over a user of whom no more posts come.
    ///
    /// # Errors
    /// Those of the receiver.
    pub fn finish(&mut self, user: &str) -> io::Result<()> {
        match self.remove(user) {
            Some(user) => self.hand_over(user),
            None => Ok(()),
        }
    }

    /// Forgets a user of whom no more posts come.
    pub fn discard(&mut self, user: &str) {
        self.remove(user);
    }

    fn remove(&mut self, user: &str) -> Option<OpenUser> {
        let position = self.positions.remove(user)?;
        let user = self.users[position].take()?;
        self.bytes -= user.bytes();
        // Where each user is handed over before the next one begins, no places are left behind.
        while let Some(None) = self.users.last() {
            self.users.pop();
            self.bytes -= size_of::<Option<OpenUser>>();
        }
        Some(user)
    }

    fn hand_over(&mut self, mut user: OpenUser) -> io::Result<()> {
        let mut latest = None;
        for (time, _) in &mut user.posts {
            latest = time.or(latest);
            *time = latest;
        }
        user.posts.sort_by_key(|(time, _)| *time);
        let mut fields = Map::new();
        fields.insert("id".to_owned(), user.id.into());
        fields.append(&mut user.labels);
        self.receiver.user(User {
            posts: user.posts.into_iter().map(|(_, text)| text).collect(),
            fields,
            is_gathered: true,
            ..User::default()
        })
    }

    /// Hands over the remaining users; what was left out.
    ///
    /// # Errors
    /// Those of the receiver.
    pub fn finish_all(mut self) -> io::Result<Counts> {
        for user in mem::take(&mut self.users).into_iter().flatten() {
            self.hand_over(user)?;
        }
        for (what, place, others) in &self.notes {
            let more = match others {
                0 => String::new(),
                others => format!(" and {others} more"),
            };
            // With --encoding, a file is read as a plain one and in no format.
            let what = without_flags(what);
            self.receiver.note(Note {
                place: Some(&format!("{place}{more}")),
                what,
            });
        }
        if let Some(note) = unreadable_note(self.unreadable) {
            self.receiver.note(Note {
                place: None,
                what: without_flags(&note),
            });
        }
        Ok(self.counts)
    }
}

/// The first of a user's ids and names that is not empty and not rounded by a spreadsheet, so that it is no other user's; or
/// else the first that is not empty.
pub(crate) fn name_of<'a>(names: &[&'a str]) -> &'a str {
    let names = || names.iter().filter(|name| !name.is_empty());
    let exact = names().find(|name| !is_rounded(name));
    exact.or(names().next()).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Received;

    fn post(user: &'static str, time: Option<i64>, text: &str) -> Post<'static> {
        Post {
            user,
            time,
            text: text.to_owned(),
            ..Post::default()
        }
    }

    fn options(max_bytes: usize) -> Options {
        Options {
            reposts: false,
            max_bytes,
        }
    }

    #[test]
    fn posts_are_grouped_and_undated_ones_follow_their_neighbour() {
        let mut received = Received::default();
        let mut grouping = Grouping::new(options(1 << 20), &mut received);
        for (user, time, text) in [
            ("a", Some(5), "fifth"),
            ("b", None, "only"),
            ("a", None, "sixth\0"),
            ("a", Some(2), " second "),
            ("a", None, " "),
        ] {
            grouping.add(post(user, time, text)).unwrap();
        }
        grouping.label("b", "age", "");
        grouping.label("b", "age", 20);
        grouping.label("b", "age", 30);
        let counts = grouping.finish_all().unwrap();
        assert_eq!(counts.without_text, 1);
        assert_eq!(received.users[0].posts, ["second", "fifth", "sixth"]);
        assert_eq!(received.users[1].posts, ["only"]);
        assert_eq!(received.users[1].fields["age"], 20);
    }

    #[test]
    fn reposts_and_duplicates_are_counted() {
        let mut received = Received::default();
        let mut grouping = Grouping::new(options(1 << 20), &mut received);
        for (id, is_repost) in [("1", false), ("1", false), ("2", true)] {
            let id = Some(id);
            let post = Post {
                id,
                is_repost,
                ..post("a", None, "text")
            };
            grouping.add(post).unwrap();
        }
        let counts = grouping.finish_all().unwrap();
        assert_eq!((counts.reposts, counts.duplicates), (1, 1));
        assert_eq!(received.users[0].posts, ["text"]);
    }

    #[test]
    fn posts_with_rounded_ids_were_duplicates_and_their_users_one_without_a_word() {
        let mut received = Received::default();
        let mut grouping = Grouping::new(options(1 << 20), &mut received);
        for (user, text) in [("4,97123E+15", "first"), ("4,97123E+15", "second")] {
            let id = Some("1.61E+18");
            let post = Post {
                id,
                ..post(user, None, text)
            };
            grouping.add(post).unwrap();
        }
        assert_eq!(grouping.finish_all().unwrap().duplicates, 0);
        assert_eq!(received.users[0].posts, ["first", "second"]);
        assert_eq!(received.notes, [format!("4,97123E+15: {ROUNDED}")]);
        assert_eq!(name_of(&["1.61E+18", "ann"]), "ann");
        assert_eq!(name_of(&["17", "ann"]), "17");
        assert_eq!(name_of(&["1.61E+18", ""]), "1.61E+18");
        assert_eq!(name_of(&["", "ann"]), "ann");
    }

    #[test]
    fn a_note_was_told_for_each_of_thousands_of_files() {
        let mut received = Received::default();
        let mut grouping = Grouping::new(options(1 << 20), &mut received);
        grouping.note("1.csv", Some("read as UTF-16LE".to_owned()));
        grouping.note("2.csv", None);
        grouping.note("3.csv", Some("read as UTF-16LE".to_owned()));
        grouping.text(b"a\xff");
        grouping.add_unreadable(2);
        grouping.finish_all().unwrap();
        assert_eq!(
            received.notes,
            [
                "1.csv and 1 more: read as UTF-16LE",
                "3 bytes are not UTF-8 and read as \u{FFFD}"
            ]
        );
    }

    #[test]
    fn waiting_posts_have_a_limit_and_finished_ones_do_not_count() {
        let mut received = Received::default();
        let mut grouping = Grouping::new(options(1000), &mut received);
        for _ in 0..100 {
            grouping.add(post("a", None, &"x".repeat(300))).unwrap();
            grouping.finish("a").unwrap();
            grouping.add(post("b", None, &"x".repeat(300))).unwrap();
            grouping.discard("b");
        }
        grouping.add(post("a", None, "x")).unwrap();
        let error = grouping
            .add(post("a", None, &"x".repeat(1000)))
            .unwrap_err();
        assert!(error.to_string().contains("--max-memory"), "{error}");
        drop(grouping);
        assert_eq!(received.users.len(), 100);
    }
}
