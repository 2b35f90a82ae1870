//! Posts grouped by their users.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::{io, mem, vec};

// Faster than that of the standard library, by its hasher.
use hashbrown::HashMap;
use serde_json::{Map, Value};

use super::columns::{ID, is_unknown};
use super::reader::{Problem, Reading};
use super::time::time;
use super::{MAX_RECORD_BYTES, MAX_RECORD_VALUES, User, are_other, id_key};

/// A post with its user.
pub(super) struct Post {
    /// The line of its record.
    pub line: u64,
    /// The id of the user.
    pub user_id: Value,
    /// What orders the posts of the user; `None` leaves them in the order of the file.
    pub order: Option<Order>,
    /// The post as a user of its own.
    pub user: User,
}

/// What orders the posts of a user.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(super) enum Order {
    /// A number, or a date as milliseconds.
    Number(f64),
    /// Any other text of a stated column.
    Text(String),
}

impl Order {
    /// The order of a value; `None` if it is not known how to compare it.
    pub fn new(value: &Value, is_stated: bool) -> Option<Self> {
        let text = match value {
            Value::Number(number) => return number.as_f64().map(in_milliseconds),
            Value::String(text) => text.trim(),
            _ => return None,
        };
        if let Some(number) = text.parse().ok().filter(|number: &f64| number.is_finite()) {
            return Some(in_milliseconds(number));
        }
        let date = time(text).map(|milliseconds| Self::Number(milliseconds as f64));
        date.or_else(|| is_stated.then(|| Self::Text(text.to_owned())))
    }
}

/// The order of a number. Those of 9 to 11 digits are taken for seconds since 1970, so that they can be compared with dates and
/// milliseconds.
fn in_milliseconds(number: f64) -> Order {
    let are_seconds = (1e8..1e11).contains(&number);
    Order::Number(if are_seconds { 1000.0 * number } else { number })
}

/// Gathers the posts of users. Those of a file may be in any order, so all are held until its end, unless the file is
/// sorted by user.
pub(super) struct Grouping {
    is_sorted: bool,
    /// The most bytes of the posts that are held.
    most_bytes: usize,
    bytes: usize,
    held: Vec<Gathered>,
    posts: Posts,
    finished: Finished,
    /// Users who need not wait.
    ready: VecDeque<User>,
    /// The place in `held` of each user, by [`id_key`].
    places: HashMap<String, usize>,
    /// Hashes of the users that were returned.
    returned: HashSet<u64>,
    count: usize,
    /// The fields of which a user is taken to have one value, labels among them.
    single_valued: Vec<String>,
    shape: Shape,
    /// How many users have several values of such a field, and of which fields.
    ambiguous: (usize, BTreeSet<String>),
}

/// A user whose posts are being read.
struct Gathered {
    /// The user without the posts; `None` if the user was refused: further posts are skipped.
    user: Option<Box<User>>,
    /// The number of posts in [`Posts`].
    count: usize,
    bytes: usize,
    /// The last [`Shape`] of the posts.
    shape: usize,
    /// Whether the posts differ in such a field.
    is_ambiguous: bool,
}

/// The shape of a user without posts.
const NO_SHAPE: usize = usize::MAX;

/// The names of the fields of the last post. Most posts of a file have the same: then they bring no field that their user
/// does not have.
#[derive(Default)]
struct Shape {
    names: Vec<String>,
    /// Whether one of them is a label.
    has_label: bool,
    /// How many shapes there were.
    number: usize,
}

impl Shape {
    /// Whether a post with these fields brings nothing to a user who had one of the shape `last`.
    fn is_known(&mut self, fields: &Map<String, Value>, last: usize, labels: &[String]) -> bool {
        if !fields.keys().eq(&self.names) {
            self.names = fields.keys().cloned().collect();
            self.has_label = self.names.iter().any(|name| labels.contains(name));
            self.number += 1;
        }
        last == self.number && !self.has_label
    }
}

/// The posts of all users, in the order of the file. A string for each, and a list for each user, would take more memory
/// and more time.
#[derive(Default)]
struct Posts {
    /// The texts, some of them in each string.
    texts: Vec<String>,
    posts: Vec<Held>,
}

/// A post in [`Posts`].
struct Held {
    /// The place of its user.
    user: usize,
    order: Option<Order>,
    /// The string with the text, the beginning there and the length.
    text: (u32, u32, u32),
}

/// A string of [`Posts`] ends before the text that would make it longer than this.
const MOST_TOGETHER: usize = 1 << 20;

impl Posts {
    fn push(&mut self, user: usize, order: Option<Order>, text: &str) {
        let has_room = |last: &String| last.len() + text.len() <= MOST_TOGETHER;
        if !self.texts.last().is_some_and(has_room) {
            // The first string grows with its texts, because a sorted file has one for each user.
            let room = if self.texts.is_empty() {
                0
            } else {
                MOST_TOGETHER
            };
            self.texts.push(String::with_capacity(room.max(text.len())));
        }
        let string = self.texts.len() - 1;
        let start = self.texts[string].len();
        self.texts[string].push_str(text);
        // A text has at most MAX_RECORD_BYTES, and there are not 2⁵² bytes of memory.
        let text = (string as u32, start as u32, text.len() as u32);
        self.posts.push(Held { user, order, text });
    }

    fn text(&self, post: &Held) -> String {
        let (string, start, length) = post.text;
        self.texts[string as usize][start as usize..][..length as usize].to_owned()
    }
}

/// Users all of whose posts were read.
#[derive(Default)]
struct Finished {
    users: vec::IntoIter<Gathered>,
    posts: Posts,
    /// The posts of one user after the other, as indices.
    indices: vec::IntoIter<usize>,
}

impl Finished {
    fn new(users: Vec<Gathered>, posts: Posts) -> Self {
        let mut ends: Vec<usize> = Vec::with_capacity(users.len());
        for user in &users {
            ends.push(ends.last().unwrap_or(&0) + user.count);
        }
        let mut indices = vec![0; posts.posts.len()];
        for (index, post) in posts.posts.iter().enumerate().rev() {
            ends[post.user] -= 1;
            indices[ends[post.user]] = index;
        }
        Self {
            users: users.into_iter(),
            posts,
            indices: indices.into_iter(),
        }
    }

    /// The next user, with the posts in order if that is known of all of them.
    fn next(&mut self) -> Option<User> {
        for Gathered { user, count, .. } in self.users.by_ref() {
            let indices = self.indices.by_ref().take(count);
            let mut posts: Vec<&Held> = indices.map(|index| &self.posts.posts[index]).collect();
            let Some(mut user) = user else { continue };
            if user.is_gathered {
                if posts.iter().all(|post| post.order.is_some()) {
                    posts.sort_by(|first, second| {
                        let ordering = first.order.partial_cmp(&second.order);
                        ordering.unwrap_or(Ordering::Equal)
                    });
                }
                user.posts = posts.iter().map(|post| self.posts.text(post)).collect();
            }
            return Some(*user);
        }
        None
    }
}

impl Grouping {
    pub fn new(reading: &Reading) -> Self {
        let attributes = reading.columns.attributes().map(str::to_owned);
        Self {
            is_sorted: reading.is_sorted,
            most_bytes: reading.most_bytes,
            bytes: 0,
            held: Vec::new(),
            posts: Posts::default(),
            finished: Default::default(),
            ready: VecDeque::new(),
            places: HashMap::new(),
            returned: HashSet::new(),
            count: 0,
            single_valued: attributes.chain(reading.single_valued.clone()).collect(),
            shape: Shape::default(),
            ambiguous: Default::default(),
        }
    }

    /// The note on users who have several values of such a field.
    pub fn ambiguity(&self) -> Option<String> {
        let (count, fields) = &self.ambiguous;
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let plural = if *count == 1 { "" } else { "s" };
        (*count > 0).then(|| {
            format!(
                "{count} user{plural} with more than one value of {}; the first one in the file is read",
                fields.join(" or ")
            )
        })
    }

    /// The number of users so far.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Adds a post. In a sorted file, the first post of a user makes the user before ready. Users who are ready must have
    /// been taken.
    ///
    /// # Errors
    /// If the user has too many posts, or has come before in a sorted file: the posts that follow are skipped. A
    /// [`Problem::Stream`] if all users have too many.
    pub fn add(&mut self, post: Post) -> Result<(), Problem> {
        let id = id_key(&post.user_id);
        if let Some(&place) = self.places.get(&*id) {
            return self.extend(place, post);
        }
        let id = id.into_owned();
        self.count += 1;
        if self.is_sorted {
            self.finish();
            if !self.returned.insert(hash(&id)) {
                let what = format!(
                    "the posts of user {id:?} are not consecutive; sort the file by user, or leave out --sorted"
                );
                let place = self.hold(None);
                self.places.insert(id, place);
                return Err(Problem::Record {
                    line: post.line,
                    what,
                });
            }
        }
        let place = self.hold(Some(User {
            record: post.user.record,
            is_gathered: true,
            ..User::default()
        }));
        self.places.insert(id, place);
        self.extend(place, post)
    }

    /// Adds a user of whom no more posts come, after those that are held.
    pub fn pass(&mut self, user: User, line: u64) -> Result<(), Problem> {
        if self.held.is_empty() {
            self.ready.push_back(user);
            return Ok(());
        }
        self.bytes += user.bytes();
        self.hold(Some(user));
        self.check_memory(line)
    }

    /// Makes all users ready who are held, in the order of their first posts.
    pub fn finish(&mut self) {
        self.places.clear();
        self.bytes = 0;
        self.finished = Finished::new(mem::take(&mut self.held), mem::take(&mut self.posts));
    }

    /// The next user who is ready.
    pub fn take(&mut self) -> Option<User> {
        self.finished.next().or_else(|| self.ready.pop_front())
    }

    /// The place of the user.
    fn hold(&mut self, user: Option<User>) -> usize {
        self.held.push(Gathered {
            user: user.map(Box::new),
            count: 0,
            bytes: 0,
            shape: NO_SHAPE,
            is_ambiguous: false,
        });
        self.held.len() - 1
    }

    /// Adds a post to a user who is held, and the fields that the user does not have yet.
    fn extend(&mut self, place: usize, post: Post) -> Result<(), Problem> {
        let gathered = &mut self.held[place];
        let Some(user) = &mut gathered.user else {
            return Ok(());
        };
        let bytes = post.user.bytes();
        let Post {
            line,
            user_id,
            order,
            user: User { posts, fields, .. },
        } = post;
        gathered.bytes += bytes;
        self.bytes += bytes;
        if gathered.bytes > MAX_RECORD_BYTES || gathered.count + posts.len() > MAX_RECORD_VALUES {
            gathered.user = None;
            let what = format!(
                "a user of more than {} MiB or {MAX_RECORD_VALUES} posts",
                MAX_RECORD_BYTES >> 20
            );
            return Err(Problem::Record { line, what });
        }
        let is_first = gathered.count == 0;
        gathered.count += posts.len();
        // Several texts of one record cannot be told apart by its order.
        let order = order.filter(|_| posts.len() == 1);
        for text in &posts {
            self.posts.push(place, order.clone(), text);
        }
        if self
            .shape
            .is_known(&fields, gathered.shape, &self.single_valued)
        {
            return self.check_memory(line);
        }
        // A field that was unknown may be there in a later post of the same shape.
        if !fields.values().any(is_unknown) {
            gathered.shape = self.shape.number;
        }
        for (name, value) in fields {
            match user.fields.get(&name).filter(|known| !is_unknown(known)) {
                None => {
                    user.fields.insert(name, value);
                }
                Some(known) if self.single_valued.contains(&name) && are_other(known, &value) => {
                    let is_first = !mem::replace(&mut gathered.is_ambiguous, true);
                    self.ambiguous.0 += usize::from(is_first);
                    self.ambiguous.1.insert(name);
                }
                Some(_) => {}
            }
        }
        // An id that is written in two ways stays as it was first.
        if is_first {
            user.fields.insert(ID.to_owned(), user_id);
        }
        self.check_memory(line)
    }

    fn check_memory(&self, line: u64) -> Result<(), Problem> {
        if self.bytes <= self.most_bytes {
            return Ok(());
        }
        let limit = self.most_bytes >> 20;
        Err(Problem::Stream(io::Error::other(format!(
            "the posts up to line {line} take more than the {limit} MiB within which posts are grouped by user; --sorted needs \
             no memory, if the file is sorted by user"
        ))))
    }
}

fn hash(id: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}
