//! Posts grouped by their writers.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;

use serde_json::Value;

use super::columns::ID;
use super::reader::Problem;
use super::time::time;
use super::{Columns, MAX_RECORD_BYTES, MAX_RECORD_VALUES, User, are_other, id_key};

/// A post with its writer.
pub(super) struct Post {
    /// The line of its record.
    pub line: u64,
    /// The id of the writer.
    pub writer: Value,
    /// What orders the posts of the writer; `None` leaves them in the order of the file.
    pub order: Option<Order>,
    /// The post as a user of its own.
    pub user: User,
}

/// What orders the posts of a writer.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(super) enum Order {
    /// A number, or a date as milliseconds.
    Number(f64),
    /// Any other text of a column that the user has stated.
    Text(String),
}

impl Order {
    /// The order of a value; `None` if it is not known how to compare it.
    pub fn new(value: &Value, is_stated: bool) -> Option<Self> {
        let text = match value {
            Value::Number(number) => return number.as_f64().map(Self::Number),
            Value::String(text) => text.trim(),
            _ => return None,
        };
        if let Some(number) = text.parse().ok().filter(|number: &f64| number.is_finite()) {
            return Some(Self::Number(number));
        }
        let date = time(text).map(|milliseconds| Self::Number(milliseconds as f64));
        date.or_else(|| is_stated.then(|| Self::Text(text.to_owned())))
    }
}

/// Gathers the posts of writers. Those of a file may be in any order, so all are held until its end, unless the file is
/// sorted by writer.
pub(super) struct Writers {
    is_sorted: bool,
    /// The most bytes of the posts that are held.
    most_bytes: usize,
    bytes: usize,
    held: Vec<Gathered>,
    ready: VecDeque<User>,
    /// The place in `held` of each writer, by [`id_key`].
    places: HashMap<String, usize>,
    /// Hashes of the writers that were returned.
    returned: HashSet<u64>,
    count: usize,
    /// The fields that are labels.
    attributes: Vec<String>,
    /// How many writers have several labels of an attribute, and of which attributes.
    ambiguous: (usize, BTreeSet<String>),
}

/// A writer whose posts are being read.
struct Gathered {
    /// `None` if the user was refused: further posts are skipped.
    user: Option<User>,
    /// What orders each of the posts.
    orders: Vec<Option<Order>>,
    bytes: usize,
    /// Whether the posts differ in a label.
    is_ambiguous: bool,
}

impl Writers {
    pub fn new(is_sorted: bool, most_bytes: usize, columns: &Columns) -> Self {
        Self {
            is_sorted,
            most_bytes,
            bytes: 0,
            held: Vec::new(),
            ready: VecDeque::new(),
            places: HashMap::new(),
            returned: HashSet::new(),
            count: 0,
            attributes: columns.attributes().map(str::to_owned).collect(),
            ambiguous: Default::default(),
        }
    }

    /// What is to be told of writers who have several labels of an attribute.
    pub fn ambiguity(&self) -> Option<String> {
        let (count, attributes) = &self.ambiguous;
        let attributes: Vec<&str> = attributes.iter().map(String::as_str).collect();
        let plural = if *count == 1 { "" } else { "s" };
        (*count > 0).then(|| {
            format!(
                "{count} writer{plural} with more than one label of {}; the first one in the file is read",
                attributes.join(" or ")
            )
        })
    }

    /// The number of writers so far.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Adds a post. In a sorted file, the first post of a writer makes the writer before ready.
    ///
    /// # Errors
    /// If the writer has too many posts, or has come before in a sorted file: the posts that follow are skipped. A
    /// [`Problem::Stream`] if all writers have too many.
    pub fn add(&mut self, post: Post) -> Result<(), Problem> {
        let writer = id_key(&post.writer).into_owned();
        if let Some(&place) = self.places.get(&writer) {
            return self.extend(place, post);
        }
        if self.is_sorted {
            self.finish();
            if !self.returned.insert(hash(&writer)) {
                let what = format!(
                    "the posts of writer {writer:?} are not consecutive; sort the file by writer, or leave out --sorted"
                );
                self.hold(writer, None);
                return Err(Problem::Record {
                    line: post.line,
                    what,
                });
            }
        }
        let user = User {
            record: post.user.record,
            is_gathered: true,
            ..User::default()
        };
        let place = self.hold(writer, Some(user));
        self.extend(place, post)
    }

    /// Adds a user of whom no more posts come, after those that are held.
    pub fn pass(&mut self, user: User, line: u64) -> Result<(), Problem> {
        if self.held.is_empty() {
            self.ready.push_back(user);
            return Ok(());
        }
        self.bytes += user.bytes();
        self.held.push(Gathered {
            user: Some(user),
            orders: Vec::new(),
            bytes: 0,
            is_ambiguous: false,
        });
        self.check_memory(line)
    }

    /// Makes all users ready who are held, in the order of their first posts.
    pub fn finish(&mut self) {
        self.places.clear();
        self.bytes = 0;
        let held = std::mem::take(&mut self.held);
        self.ready
            .extend(held.into_iter().filter_map(Gathered::in_order));
    }

    /// The next user who is ready.
    pub fn take(&mut self) -> Option<User> {
        self.ready.pop_front()
    }

    fn hold(&mut self, writer: String, user: Option<User>) -> usize {
        let place = self.held.len();
        self.held.push(Gathered {
            user,
            orders: Vec::new(),
            bytes: 0,
            is_ambiguous: false,
        });
        self.places.insert(writer, place);
        self.count += 1;
        place
    }

    /// Adds a post to a writer who is held, and the fields that the writer does not have yet.
    fn extend(&mut self, place: usize, post: Post) -> Result<(), Problem> {
        let gathered = &mut self.held[place];
        let Some(user) = &mut gathered.user else {
            return Ok(());
        };
        let bytes = post.user.bytes();
        gathered.bytes += bytes;
        self.bytes += bytes;
        if gathered.bytes > MAX_RECORD_BYTES || user.posts.len() >= MAX_RECORD_VALUES {
            self.bytes -= gathered.bytes;
            gathered.user = None;
            let what = format!(
                "a user of more than {} MiB or {MAX_RECORD_VALUES} posts",
                MAX_RECORD_BYTES >> 20
            );
            return Err(Problem::Record {
                line: post.line,
                what,
            });
        }
        user.posts.extend(post.user.posts);
        gathered.orders.push(post.order);
        for (name, value) in post.user.fields {
            match user.fields.get(&name).filter(|known| !known.is_null()) {
                None => {
                    user.fields.insert(name, value);
                }
                Some(known) if self.attributes.contains(&name) && are_other(known, &value) => {
                    let is_first = !std::mem::replace(&mut gathered.is_ambiguous, true);
                    self.ambiguous.0 += usize::from(is_first);
                    self.ambiguous.1.insert(name);
                }
                Some(_) => {}
            }
        }
        // An id that is written in two ways stays as it was first.
        if gathered.orders.len() == 1 {
            user.fields.insert(ID.to_owned(), post.writer);
        }
        self.check_memory(post.line)
    }

    fn check_memory(&self, line: u64) -> Result<(), Problem> {
        if self.bytes <= self.most_bytes {
            return Ok(());
        }
        let limit = self.most_bytes >> 20;
        Err(Problem::Stream(io::Error::other(format!(
            "the posts up to line {line} take more than the {limit} MiB within which posts are grouped by writer; sort the \
             file by writer and pass --sorted"
        ))))
    }
}

impl Gathered {
    /// The user with the posts in order, if that is known of all of them.
    fn in_order(self) -> Option<User> {
        let mut user = self.user?;
        let orders: Option<Vec<Order>> = self.orders.into_iter().collect();
        if let Some(orders) = orders.filter(|orders| orders.len() == user.posts.len()) {
            let mut posts: Vec<(Order, String)> = orders.into_iter().zip(user.posts).collect();
            posts.sort_by(|(first, _), (second, _)| {
                first.partial_cmp(second).unwrap_or(Ordering::Equal)
            });
            user.posts = posts.into_iter().map(|(_, post)| post).collect();
        }
        Some(user)
    }
}

fn hash(writer: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    writer.hash(&mut hasher);
    hasher.finish()
}
