//! Which column of a table, or field of a JSON record, holds what: names that are known or stated.

// Faster than that of the standard library, by its hasher.
use hashbrown::HashMap;
use serde_json::{Map, Value};

use super::user::{id_key, label_text, listed};
use crate::attribute::is_missing;

/// The field of a user's posts.
pub(super) const POSTS: &str = "posts";
/// The field of a user's id, and of a post's where another field has the user's.
pub(super) const ID: &str = "id";

/// Names of the text of a post; of several in a record, the first that is not empty is read. Twitter shortens `text` where it
/// writes `full_text`.
const TEXT: &[&str] = &[
    "full_text",
    "extended_tweet.full_text",
    "text",
    "content",
    "contents",
    "body",
    "selftext",
    "message",
    "post",
    "tweet",
    "comment",
    "raw_content",
    "tweet_text",
    "post_text",
    "comment_text",
    "正文",
    "微博正文",
    "微博内容",
    "微博文本",
    "博文",
    "内容",
    "文本",
    "发布内容",
    "笔记内容",
    "评论内容",
];

/// Names of the id of the user of a post. [`ID`] is the user's too, unless the record has one of [`POST`].
const USER: &[&str] = &[
    "user_id",
    "user_id_str",
    "author_id",
    "writer_id",
    "account_id",
    "from_id",
    "sender_id",
    "uid",
    "participant_id",
    "author",
    "user",
    "writer",
    "username",
    "screen_name",
    "sender",
    "blog_name",
    "author_name",
    "owner_user_id",
    "用户id",
    "微博用户id",
    "作者id",
    "博主id",
    "评论者id",
    "用户",
    "作者",
    "博主",
    "user.id_str",
    "user.id",
    "author.id",
    "account.id",
    "user.idstr",
    "user.username",
    "user.screen_name",
    "author.username",
    "account.acct",
    "account.username",
    "用户名",
    "用户昵称",
    "作者昵称",
    "博主昵称",
    "评论者昵称",
    "昵称",
];

/// Names that may be those of the user of a post, or of something else.
const PERHAPS_USER: &[&str] = &[
    "name",
    "nickname",
    "nick",
    "display_name",
    "handle",
    "from",
    "poster",
    "owner",
    "account",
    "user.name",
    "author.name",
    "姓名",
];

/// Names of the id of a post.
const POST: &[&str] = &[
    "post_id",
    "tweet_id",
    "status_id",
    "message_id",
    "comment_id",
    "note_id",
    "id_str",
    "edit_history_tweet_ids",
    "bid",
    "mid",
    "微博id",
];

/// Names of what is there, or true, in a repost.
const REPOST: &[&str] = &[
    "is_retweet",
    "retweeted_status_id",
    "retweeted_status_id_str",
    "retweet_status_id",
    "retweet_id",
];

/// What else than an empty value says that a record is none.
const NO_REPOST: [&str; 4] = ["false", "f", "no", "0"];

/// Names of what orders the posts of a user: a number, or a date, see [`time`](super::time::time).
const ORDER: &[&str] = &[
    "created_utc",
    "created_at",
    "timestamp",
    "date_unixtime",
    "create_time",
    "created",
    "published_at",
    "timestamp_ms",
    "datetime",
    "date",
    "time",
    "发布时间",
    "评论时间",
    "完整日期",
    "日期",
    "时间",
];

/// Names of labels, after the attribute of the models of this project.
const LABELS: [(&str, &[&str]); 3] = [
    (
        "gender",
        &["gender", "sex", "性别", "user.gender", "author.gender"],
    ),
    ("age", &["age", "年龄", "user.age", "author.age"]),
    (
        "profession",
        &["profession", "occupation", "job", "职业", "user.profession"],
    ),
];

/// The columns stated by name, in place of the known names. `user.id` is the field `id` in the object `user`. Case,
/// spaces, `_` and `-` do not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The text of a post.
    pub text: Option<String>,
    /// The id of the user of a post.
    pub user: Option<String>,
    /// What orders the posts of a user.
    pub order: Option<String>,
    /// Attributes, each with the column of its labels.
    pub labels: Vec<(String, String)>,
}

impl Columns {
    /// The names that were stated.
    pub fn stated(&self) -> impl Iterator<Item = &str> {
        let names = [&self.text, &self.user, &self.order].into_iter().flatten();
        let labels = self.labels.iter().map(|(_, column)| column);
        names.chain(labels).map(String::as_str)
    }

    /// The attributes whose labels are found: those stated, and those whose columns have known names.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        let stated = self.labels.iter().map(|(attribute, _)| attribute.as_str());
        stated.chain(LABELS.iter().map(|(attribute, _)| *attribute))
    }
}

/// Columns of a table, as indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    /// The column of the text of a post, or of the list of a user's posts.
    pub text: usize,
    /// The column of the user's id.
    pub user: Option<usize>,
}

impl Columns {
    /// Checks that a table with columns of these names has all that are stated.
    ///
    /// # Errors
    /// One line that names the columns found.
    pub(super) fn check(&self, names: &[String]) -> Result<(), String> {
        match self.stated().find(|name| !has_name(names, name)) {
            Some(name) => Err(format!(
                "no column {name:?}; its columns are: {}",
                listed(names.iter().map(String::as_str))
            )),
            None => Ok(()),
        }
    }

    /// Which names of columns, or of their fields as in `user.id`, may be those of a text, an id, an order or a label: a file
    /// that can leave out columns needs no others, but those that its reader asks for.
    pub fn known(&self) -> impl Fn(&str) -> bool + use<> {
        let finder = Finder::new(self);
        move |name| {
            let Finder {
                user,
                post,
                repost,
                order,
                labels,
                ..
            } = &finder;
            let others = [user, post, repost, order].into_iter();
            let mut names = others.chain(labels.iter().map(|(_, names)| names));
            is_id(name) || finder.is_text(name) || names.any(|names| names.has(name))
        }
    }

    /// Where a table with columns of these names has the text and the user: in the columns stated, or else in those whose
    /// names are known.
    ///
    /// # Errors
    /// One line, if a stated column is not there or no column of text is known.
    pub fn places(&self, names: &[String]) -> Result<Places, String> {
        self.check(names)?;
        let mut finder = Finder::new(self);
        let exact = |wanted: &str| names.iter().position(|name| name == wanted);
        let posts = exact(POSTS).filter(|_| finder.text.stated.is_none());
        let id = names.iter().position(|name| is_id(name));
        let id = id.filter(|_| finder.user.stated.is_none() && finder.post.best(names).is_none());
        let user = finder.user.best(names);
        match posts.or_else(|| finder.text.best(names)) {
            Some(text) => Ok(Places {
                text,
                // Beside a list of posts, the id is the user's.
                user: match posts {
                    Some(_) if finder.user.stated.is_none() => exact(ID).or(user).or(id),
                    _ => user.or(id),
                },
            }),
            None => Err(format!(
                "no column of text is known; its columns are: {}; state the one with the text",
                listed(names.iter().map(String::as_str))
            )),
        }
    }

    /// Where a table with columns of these names has the labels of an attribute: in the column stated for it, in that of its
    /// name, or in one whose name is known.
    ///
    /// # Errors
    /// One line, if there is no such column.
    pub fn label_place(&self, names: &[String], attribute: &str) -> Result<usize, String> {
        let mut finder = Finder::new(self);
        let own = (finder.labels.iter_mut()).find(|(name, _)| name == attribute);
        let exact = names.iter().position(|name| name == attribute);
        let place = match own {
            Some((_, column)) if column.stated.is_some() => column.best(names),
            Some((_, column)) => exact.or_else(|| column.best(names)),
            None => exact,
        };
        place.ok_or_else(|| {
            let columns = listed(names.iter().map(String::as_str));
            format!("no column of labels {attribute:?}; its columns are: {columns}")
        })
    }
}

/// Finds the columns in records.
pub(super) struct Finder {
    text: Names,
    user: Names,
    perhaps_user: Names,
    post: Names,
    repost: Names,
    order: Names,
    labels: Vec<(String, Names)>,
}

/// What a record says about a post, or about all posts of a user.
#[derive(Default)]
pub(super) struct Parts {
    /// The value of the field [`POSTS`].
    pub posts: Option<Value>,
    /// The text.
    pub text: Option<Value>,
    /// Whether there is no text but null.
    pub is_null: bool,
    /// The id of the user.
    pub user_id: Option<Value>,
    /// Whether this is the field [`ID`], which could be the id of a post.
    pub is_by_id: bool,
    /// Whether a field says that the post is a repost.
    pub is_repost: bool,
    /// What orders the posts of a user.
    pub order: Option<Value>,
    /// All other fields, the labels under the names of their attributes too.
    pub fields: Map<String, Value>,
}

impl Finder {
    pub fn new(columns: &Columns) -> Self {
        let names = |stated: &Option<String>, known: &[&str]| match stated {
            Some(name) => Names::stated(name),
            None => Names::new(known),
        };
        let mut labels: Vec<(String, Names)> = (columns.labels.iter())
            .map(|(attribute, column)| (attribute.clone(), Names::stated(column)))
            .collect();
        for (attribute, known) in LABELS {
            if !labels.iter().any(|(stated, _)| stated == attribute) {
                labels.push((attribute.to_owned(), Names::new(known)));
            }
        }
        Self {
            text: names(&columns.text, TEXT),
            user: names(&columns.user, USER),
            perhaps_user: Names::new(PERHAPS_USER),
            post: Names::new(POST),
            repost: Names::new(REPOST),
            order: names(&columns.order, ORDER),
            labels,
        }
    }

    /// Whether a column of this name may hold posts.
    pub fn is_text(&self, name: &str) -> bool {
        (name == POSTS && self.text.stated.is_none()) || self.text.has(name)
    }

    /// Whether a table with these columns names the users of its rows.
    pub fn has_user(&self, columns: &[String]) -> bool {
        let has = |names: &Names| columns.iter().any(|column| names.has(column));
        let is_id_the_users = self.user.stated.is_none() && !has(&self.post);
        has(&self.user) || (is_id_the_users && columns.iter().any(|column| is_id(column)))
    }

    /// Whether a record with a field of this name is a post or a user, and not a page of several.
    pub fn is_of_record(&self, name: &str) -> bool {
        self.is_text(name) || self.user.has(name) || self.post.has(name) || is_id(name)
    }

    /// The stated names of what orders posts and of labels that no record has had so far.
    pub fn missing(&self) -> impl Iterator<Item = &str> {
        let labels = self.labels.iter().map(|(_, names)| names);
        let names = std::iter::once(&self.order).chain(labels);
        let missing = names.filter(|names| !names.is_found);
        missing.filter_map(|names| names.stated.as_deref())
    }

    /// The field that names the user, if it was stated.
    pub fn stated_user(&self) -> Option<&str> {
        self.user.stated.as_deref()
    }

    /// Another field that may name the user, and its value, after the one that was taken.
    pub fn other_user(&mut self, fields: &Map<String, Value>) -> Option<(String, String)> {
        let place = (self.user.place(fields)).or_else(|| self.perhaps_user.place(fields))?;
        let id = id_key(value_at(fields, &place)?).into_owned();
        let (name, inner) = place;
        let name = match inner {
            Some(inner) => format!("{name}.{inner}"),
            None => name,
        };
        Some((name, id))
    }

    /// The field with the text, if it was stated.
    pub fn stated_text(&self) -> Option<&str> {
        self.text.stated.as_deref()
    }

    /// Takes a record apart.
    pub fn take(&mut self, mut fields: Map<String, Value>) -> Parts {
        let other_id = fields
            .keys()
            .find(|name| name.as_str() != ID && is_id(name));
        if let Some(name) = other_id.cloned()
            && !fields.contains_key(ID)
            && let Some(id) = fields.shift_remove(&name)
        {
            fields.insert(ID.to_owned(), id);
        }
        let mut parts = Parts::default();
        if self.text.stated.is_none() {
            parts.posts = fields.shift_remove(POSTS).filter(|posts| !posts.is_null());
        }
        let has_posts = match &parts.posts {
            Some(Value::Array(posts)) => !posts.is_empty(),
            Some(other) => !is_empty(other),
            None => false,
        };
        parts.text = match has_posts {
            true => fields.shift_remove("text").filter(|text| !is_empty(text)),
            false => self.text.take(&mut fields).map(|(_, text)| text),
        };
        let text = self.text.stated.as_deref().unwrap_or("text");
        if fields.get(text).is_some_and(Value::is_null) {
            fields.shift_remove(text);
            parts.is_null = parts.text.is_none();
        }
        parts.order = self.order.find(&fields).cloned();
        parts.is_repost = self.repost.find(&fields).is_some_and(is_of_repost);
        let has_id = fields.get(ID).is_some_and(|id| !is_empty(id));
        let is_user = has_posts && matches!(parts.posts, Some(Value::Array(_)));
        if !(is_user && has_id) {
            parts.user_id = self.user.take(&mut fields).map(|(_, id)| id);
        }
        if parts.user_id.is_none() && self.is_id_the_users(&fields) {
            parts.user_id = fields.get(ID).cloned();
            parts.is_by_id = true;
        }
        if !is_user && fields.get(ID).is_some_and(says_missing) {
            fields.shift_remove(ID);
        }
        parts.user_id = parts.user_id.filter(|id| !is_unknown(id));
        for (attribute, names) in &mut self.labels {
            let is_named_already = fields.get(attribute).is_some_and(|value| !is_empty(value));
            // The field stays, because a model may have an attribute of its name.
            if (names.stated.is_some() || !is_named_already)
                && let Some(label) = names.find(&fields).cloned()
            {
                fields.insert(attribute.clone(), label);
            }
        }
        parts.fields = fields;
        parts
    }

    fn is_id_the_users(&mut self, fields: &Map<String, Value>) -> bool {
        self.user.stated.is_none() && self.post.find(fields).is_none()
    }
}

/// Tells fields that may hold a label from those that hold something else, see [`contains`](Self::contains).
pub struct LabelFields(Finder);

impl LabelFields {
    /// For files with these columns.
    pub fn new(columns: &Columns) -> Self {
        Self(Finder::new(columns))
    }

    /// Whether a field of this name may hold a label. Text, ids and what orders posts are none, and neither is a field whose
    /// labels are known by the name of their attribute, such as `sex`.
    pub fn contains(&mut self, name: &str) -> bool {
        let Finder {
            text,
            user,
            post,
            repost,
            order,
            labels,
            ..
        } = &mut self.0;
        let is_known = |names: &mut Names| names.rank(name).is_some();
        let mut others = [text, user, post, repost, order].into_iter();
        let is_other = others.any(is_known);
        let mut labels = labels.iter_mut();
        let is_alias = labels.any(|(attribute, names)| attribute != name && is_known(names));
        !is_id(name) && !is_other && !is_alias
    }
}

/// The names of one thing, the preferred one first.
struct Names {
    /// By the spelling of [`plain`], the rank.
    ranks: HashMap<String, usize>,
    /// Those of a field in an object: its rank, the object and the field.
    nested: Vec<(usize, String, String)>,
    /// The ranks of the fields met so far, by their names as they are.
    met: HashMap<String, Option<usize>>,
    /// The name that the user has stated, if there is one.
    stated: Option<String>,
    /// Whether a record had a value of it.
    is_found: bool,
}

/// The most names of fields that are remembered. Some files have dates or ids as names.
const MOST_MET: usize = 1 << 12;

impl Names {
    /// Names that are known.
    fn new(names: &[&str]) -> Self {
        let nested = names.iter().enumerate().filter_map(|(rank, name)| {
            let (object, field) = name.split_once('.')?;
            Some((rank, object.to_owned(), field.to_owned()))
        });
        Self {
            ranks: names
                .iter()
                .enumerate()
                .map(|(rank, name)| (plain(name), rank))
                .collect(),
            nested: nested.collect(),
            met: HashMap::new(),
            stated: None,
            is_found: false,
        }
    }

    /// The name that the user has stated.
    fn stated(name: &str) -> Self {
        Self {
            stated: Some(name.to_owned()),
            ..Self::new(&[name])
        }
    }

    fn has(&self, name: &str) -> bool {
        self.ranks.contains_key(&plain(name))
    }

    fn rank(&mut self, name: &str) -> Option<usize> {
        if let Some(rank) = self.met.get(name) {
            return *rank;
        }
        let rank = self.ranks.get(&plain(name)).copied();
        if self.met.len() < MOST_MET {
            self.met.insert(name.to_owned(), rank);
        }
        rank
    }

    /// The best of the columns of a table.
    fn best(&mut self, columns: &[String]) -> Option<usize> {
        let ranks = columns.iter().enumerate();
        let best = ranks.filter_map(|(column, name)| Some((self.rank(name)?, column)));
        best.min().map(|(_, column)| column)
    }

    /// The best place of a value in a record: its field, and the field in that if it is an object. An empty value is worse
    /// than any other.
    fn place(&mut self, fields: &Map<String, Value>) -> Option<(String, Option<String>)> {
        let mut best: Option<((bool, usize), &str, Option<&str>)> = None;
        let mut offer = |rank: (bool, usize), name, inner| {
            if best.is_none_or(|(best, ..)| rank < best) {
                best = Some((rank, name, inner));
            }
        };
        let nested = std::mem::take(&mut self.nested);
        for (name, value) in fields {
            // An object holds no text or id itself, such as the user of a tweet.
            if !value.is_null()
                && !value.is_object()
                && let Some(rank) = self.rank(name)
            {
                offer((is_empty(value), rank), name, None);
            }
        }
        for (rank, name, inner) in &nested {
            if let Some(value) = fields.get(name).and_then(|object| object.get(inner))
                && !value.is_null()
            {
                offer((is_empty(value), *rank), name, Some(inner));
            }
        }
        let place = best.map(|(_, name, inner)| (name.to_owned(), inner.map(str::to_owned)));
        self.nested = nested;
        self.is_found |= place.is_some();
        place
    }

    fn find<'a>(&mut self, fields: &'a Map<String, Value>) -> Option<&'a Value> {
        value_at(fields, &self.place(fields)?)
    }

    /// Takes a value out of the record, one in an object as a copy; with the name of its field.
    fn take(&mut self, fields: &mut Map<String, Value>) -> Option<(String, Value)> {
        let (name, inner) = self.place(fields)?;
        let value = match inner {
            Some(inner) => fields.get(&name)?.get(&inner)?.clone(),
            None => fields.shift_remove(&name)?,
        };
        Some((name, value))
    }
}

/// The value at a [`place`](Names::place), unless it is empty.
fn value_at<'a>(
    fields: &'a Map<String, Value>,
    (name, inner): &(String, Option<String>),
) -> Option<&'a Value> {
    let value = fields.get(name)?;
    let value = match inner {
        Some(inner) => value.get(inner),
        None => Some(value),
    };
    value.filter(|value| !is_empty(value))
}

/// A name without what does not matter: `User ID` is `userid`.
fn plain(name: &str) -> String {
    let letters = name
        .chars()
        .filter(|letter| !matches!(letter, '_' | '-' | ' '));
    letters.flat_map(char::to_lowercase).collect()
}

/// Whether one of the columns has this name.
pub(super) fn has_name(columns: &[String], name: &str) -> bool {
    columns.iter().any(|column| plain(column) == plain(name))
}

fn is_id(name: &str) -> bool {
    name.eq_ignore_ascii_case(ID)
}

/// Whether a value says nothing.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

/// Whether a field of [`REPOST`] says that the record is one.
fn is_of_repost(value: &Value) -> bool {
    let text = label_text(value).unwrap_or_default().to_ascii_lowercase();
    !NO_REPOST.contains(&text.as_str()) && !says_missing(value)
}

/// Whether a value says that there is none.
fn says_missing(value: &Value) -> bool {
    value.as_str().is_some_and(is_missing)
}

/// Whether a value is null, empty or says that there is none.
pub fn is_unknown(value: &Value) -> bool {
    is_empty(value) || says_missing(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::attribute::MISSING;

    #[test]
    fn columns_that_a_reader_needs_are_known() {
        let known = Columns::default().known();
        for name in [
            "posts", "Text", "user ID", "ID", "id_str", "time", "sex", "user.id",
        ] {
            assert!(known(name), "{name}");
        }
        for name in ["photo", "city", "user.photo", ""] {
            assert!(!known(name), "{name}");
        }
        let stated = Columns {
            text: Some("words".into()),
            labels: vec![("town".into(), "Ort".into())],
            ..Columns::default()
        };
        let known = stated.known();
        assert!(known("words") && known("Ort") && !known("text") && !known("posts"));
    }

    /// Text, user and order of a record.
    fn found(columns: &Columns, record: Value) -> [Value; 3] {
        let Value::Object(fields) = record else {
            panic!("an object");
        };
        let parts = Finder::new(columns).take(fields);
        [parts.text, parts.user_id, parts.order].map(Option::unwrap_or_default)
    }

    #[test]
    fn text_and_user_of_a_table_are_found_by_name() {
        let places = |columns: &Columns, names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            columns.places(&names)
        };
        let known = |names: &[&str]| {
            let places = places(&Columns::default(), names).unwrap();
            (places.text, places.user)
        };
        assert_eq!(known(&["age", "Text", "User ID"]), (1, Some(2)));
        assert_eq!(known(&["text", "full_text", "id"]), (1, Some(2)));
        assert_eq!(known(&["id", "text", "tweet_id"]), (1, None));
        assert_eq!(known(&["author", "posts", "text", "id"]), (1, Some(3)));
        assert_eq!(known(&["text"]), (0, None));
        let stated = Columns {
            text: Some("Satz".into()),
            user: Some("wer".into()),
            ..Columns::default()
        };
        let found = places(&stated, &["id", "text", "satz", "WER"]).unwrap();
        assert_eq!((found.text, found.user), (2, Some(3)));
        for (columns, names, what) in [
            (
                &stated,
                ["id", "satz"],
                "no column \"wer\"; its columns are: id, satz",
            ),
            (
                &Columns::default(),
                ["id", "likes"],
                "no column of text is known",
            ),
        ] {
            let error = places(columns, &names).unwrap_err();
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn columns_of_other_names_were_not_seen() {
        for (record, expected) in [
            (
                json!({"ID": 1, "Text": "a", "created_at": "x"}),
                json!(["a", 1, "x"]),
            ),
            (
                json!({"用户ID": "7", "微博正文": "a", "id": 3}),
                json!(["a", "7", null]),
            ),
            (
                json!({"id": 3, "text": "short", "full_text": "long", "user": {"id": 1, "id_str": "1"}}),
                json!(["long", "1", null]),
            ),
            (
                json!({"id": 3, "text": null, "body": "b", "Author ID": "9"}),
                json!(["b", "9", null]),
            ),
            (
                json!({"昵称": "甲", "内容": "a", "id": 3}),
                json!(["a", "甲", null]),
            ),
            (
                json!({"昵称": "甲", "用户id": 7, "内容": "a"}),
                json!(["a", 7, null]),
            ),
            // The id of a post is no user's.
            (
                json!({"id": 3, "bid": "x", "text": "a"}),
                json!(["a", null, null]),
            ),
            (
                json!({"id": 3, "text": "a", "author": ""}),
                json!(["a", null, null]),
            ),
            (json!({"id": " ", "text": ""}), json!(["", null, null])),
            (
                json!({"id": 3, "sender_id": 7, "message": "a", "datetime": "x"}),
                json!(["a", 7, "x"]),
            ),
            (
                json!({"评论者昵称": "甲", "评论内容": "a", "评论时间": "x"}),
                json!(["a", "甲", "x"]),
            ),
        ] {
            assert_eq!(
                json!(found(&Columns::default(), record.clone())),
                expected,
                "{record}"
            );
        }
    }

    #[test]
    fn users_whose_ids_were_missing_were_one_user() {
        for id in MISSING {
            let record = json!({"author": id, "text": "a"});
            let [_, user, _] = found(&Columns::default(), record);
            assert!(user.is_null(), "{id}");
            let Value::Object(fields) = json!({"id": id, "text": "a"}) else {
                panic!("an object")
            };
            let parts = Finder::new(&Columns::default()).take(fields);
            assert!(parts.user_id.is_none() && parts.fields.is_empty(), "{id}");
        }
    }

    #[test]
    fn stated_columns_are_the_only_ones() {
        let columns = Columns {
            text: Some("Body".into()),
            user: Some("who.name".into()),
            order: Some("n".into()),
            labels: vec![("job".into(), "Beruf".into())],
        };
        let record = json!({"id": 1, "text": "no", "body": "yes", "who": {"name": "ann"}, "n": 2});
        assert_eq!(json!(found(&columns, record)), json!(["yes", "ann", 2]));
        let without = found(&columns, json!({"id": 1, "text": "no", "author": "x"}));
        assert_eq!(json!(without), json!([null, null, null]));
        assert_eq!(
            columns.stated().collect::<Vec<_>>(),
            ["Body", "who.name", "n", "Beruf"]
        );
    }

    #[test]
    fn labels_get_the_names_of_attributes() {
        let columns = Columns {
            labels: vec![("profession".into(), "Fach".into())],
            ..Columns::default()
        };
        let record = json!({"text": "a", "Sex": "f", "年龄": 30, "job": "x", "fach": "law", "user": {"gender": "m"}});
        let Value::Object(fields) = record else {
            panic!("an object")
        };
        let fields = Finder::new(&columns).take(fields).fields;
        assert_eq!(
            (&fields["gender"], &fields["age"]),
            (&json!("f"), &json!(30))
        );
        assert_eq!(
            (&fields["profession"], &fields["job"]),
            (&json!("law"), &json!("x"))
        );
    }
}
