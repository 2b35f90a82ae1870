//! One user of a corpus.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::columns::{Columns, Finder, ID, Parts, is_unknown};
use super::json_value::{kind, parse_json, parse_object};
use super::python::list_of_texts;
use crate::attribute::whole_number;

/// The message about a record that has both.
const BOTH_TEXTS: &str =
    "both \"posts\" and \"text\", of which a record has one; remove or rename the other";

/// What is wrong with a record that holds the values of many, by column and row.
const LISTS_COLUMNS: &str = "it lists the values of each column; write one object per row (in pandas, to_json with orient=\"records\")";

/// The names of the text in a post that is an object.
const TEXTS: [&str; 4] = ["full_text", "text", "content", "body"];

/// The most names of fields that a message lists, and the most characters of each.
const MOST_LISTED: usize = 40;
const MOST_CHARACTERS: usize = 80;

/// A user: posts in order, every other field of the record, and the record's position.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct User {
    /// The user's posts in order.
    pub posts: Vec<String>,
    /// Every other field of the record, `id` and the labels among them.
    pub fields: Map<String, Value>,
    /// The position of the record in its file, counted from 1, bad records included, as [`read_users`](super::read_users)
    /// sets it; 0 for a user from elsewhere.
    pub record: u64,
    /// Whether the posts are those of a file in which each post names its user: another file may have more of them.
    pub is_gathered: bool,
}

impl User {
    /// A user from the text of one JSON record; the error says what is wrong with it.
    pub fn from_json(record: &str) -> Result<Self, String> {
        let parts = Finder::new(&Columns::default()).take(parse_object(record)?);
        let mut left_out = Vec::new();
        let entry = entry(parts, &mut left_out)?;
        match left_out.pop() {
            Some(what) => Err(what),
            None => Ok(entry.user),
        }
    }

    /// The record's own `id`; `None` where it is missing or null.
    pub fn own_id(&self) -> Option<&Value> {
        self.fields.get("id").filter(|id| !id.is_null())
    }

    /// The record's own `id`, or else its position in the file; null where neither is known.
    pub fn id(&self) -> Value {
        match self.own_id() {
            Some(id) => id.clone(),
            None if self.record == 0 => Value::Null,
            None => self.record.into(),
        }
    }

    /// How much memory this user takes, roughly.
    pub fn bytes(&self) -> usize {
        let posts: usize = self
            .posts
            .iter()
            .map(|post| size_of::<String>() + post.len())
            .sum();
        posts
            + self
                .fields
                .iter()
                .map(|(name, value)| name.len() + bytes(value))
                .sum::<usize>()
    }

    /// The label of an attribute as text; `None` where it is missing, null or empty and so unknown.
    pub fn label(&self, attribute: &str) -> Option<String> {
        label_text(self.fields.get(attribute)?)
    }
}

/// A label as text; `None` where it is null, empty or `NA` and the like, and so unknown.
pub fn label_text(label: &Value) -> Option<String> {
    if is_unknown(label) {
        return None;
    }
    let label = match label {
        Value::String(text) => whole_number(text.trim()).to_owned(),
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                format!("{float:.0}")
            }
            _ => number.to_string(),
        },
        Value::Bool(value) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(label)
}

/// Whether these are two different labels, neither of which is unknown.
pub fn are_other(label: &Value, other: &Value) -> bool {
    let labels = [label, other].map(label_text);
    labels.iter().all(Option::is_some) && labels[0] != labels[1]
}

/// What tells users apart: an id as text without the blanks around it, and a number as its digits. The number 7 is the text
/// "7", and so are 7.0 and "7.0".
pub fn id_key(id: &Value) -> Cow<'_, str> {
    match id {
        Value::String(text) => whole_number(text.trim()).into(),
        other => whole_number(&other.to_string()).to_owned().into(),
    }
}

/// The note for a file with an id that is rounded, see [`is_rounded`].
pub const ROUNDED: &str = "the id of the user is a rounded number; users whose ids differ in their last digits are read as one";

/// Whether a program has rounded an id: a spreadsheet writes 1.23457E+17, or 1,23457E+17 with a decimal comma, and R
/// 1.23457e+17.
pub fn is_rounded(id: &str) -> bool {
    let id = id.trim();
    let has_exponent = id.contains(['e', 'E']) && id.contains('+');
    has_exponent && id.replace(',', ".").parse::<f64>().is_ok()
}

/// The parts of a record.
pub(super) struct Entry {
    /// The user with the post, or posts, of the record.
    pub user: User,
    /// Whether the record has all posts of the user: it has a list of them.
    pub is_whole: bool,
    /// The id of the user, if the record has one.
    pub user_id: Option<Value>,
    /// As [`Parts::is_by_id`].
    pub is_by_id: bool,
    /// Whether the record is a repost on Twitter, which repeats the words of another behind `RT @`. A field alone does not say
    /// so: on Weibo, a repost has words of its own.
    pub is_repost: bool,
    /// What orders the posts of a user.
    pub order: Option<Value>,
}

/// Puts the parts of a record together. What is wrong with single posts is added to `left_out`.
///
/// # Errors
/// If the record has no text, or the text is no text.
pub(super) fn entry(parts: Parts, left_out: &mut Vec<String>) -> Result<Entry, String> {
    let Parts {
        posts,
        text,
        is_null,
        user_id,
        is_by_id,
        is_repost,
        order,
        mut fields,
    } = parts;
    let posts = posts.map(listed_in_cell);
    let is_whole = matches!(posts, Some(Value::Array(_)));
    let posts = match (posts, text) {
        (Some(Value::Array(items)), None) => all_posts(items, left_out),
        (Some(Value::Array(items)), Some(_)) if !items.is_empty() => return Err(BOTH_TEXTS.into()),
        (Some(Value::String(post)), Some(_)) if !post.is_empty() => return Err(BOTH_TEXTS.into()),
        (Some(Value::String(post)), None) => vec![post],
        (Some(Value::Array(_) | Value::String(_)) | None, Some(text)) => match texts_of(&text) {
            Some(texts) => texts,
            None => {
                return Err(format!(
                    "the text must be a string, this is {}",
                    kind(&text)
                ));
            }
        },
        (Some(other), _) => {
            let kind = kind(&other);
            return Err(format!(
                "\"posts\" must be an array of strings, this is {kind}"
            ));
        }
        (None, None) if is_null => return Err("the text is null".into()),
        (None, None) if has_column(&fields) => return Err(LISTS_COLUMNS.into()),
        (None, None) => {
            return Err(format!(
                "no \"posts\" (and no \"text\"); its fields are: {}; --text NAME states the one with the text{}",
                listed(fields.keys().map(String::as_str)),
                text_in_object(&fields).map_or(String::new(), |name| format!(", such as {name}"))
            ));
        }
    };
    if let Some(id) = &user_id
        && is_whole
        && fields.get(ID).is_none_or(Value::is_null)
    {
        fields.insert(ID.to_owned(), id.clone());
    }
    let user = User {
        posts,
        fields,
        ..User::default()
    };
    let is_repost = is_repost && user.posts.iter().all(|post| post.starts_with("RT @"));
    Ok(Entry {
        user,
        is_whole,
        user_id,
        is_by_id,
        is_repost,
        order,
    })
}

/// Whether a field of texts is an object with the numbers of rows, as where pandas writes a table by its columns.
fn has_column(fields: &Map<String, Value>) -> bool {
    let is_number = |name: &String| name.bytes().all(|byte| byte.is_ascii_digit());
    objects_of_texts(fields).any(|(_, rows)| !rows.is_empty() && rows.keys().all(is_number))
}

/// The name of a text that stands in an object, such as `content.text`.
pub(super) fn text_in_object(fields: &Map<String, Value>) -> Option<String> {
    objects_of_texts(fields).find_map(|(name, object)| {
        let is_text = |name: &&str| object.get(*name).is_some_and(Value::is_string);
        let known = TEXTS.into_iter().find(is_text);
        let mut others = object.keys().map(String::as_str);
        let text = known.or_else(|| others.find(is_text))?;
        Some(format!("{name}.{text}"))
    })
}

/// The fields that have the name of a text and are objects.
fn objects_of_texts(
    fields: &Map<String, Value>,
) -> impl Iterator<Item = (&'static str, &Map<String, Value>)> {
    let object = |name| Some((name, fields.get(name)?.as_object()?));
    TEXTS.into_iter().filter_map(object)
}

/// What separates the posts in a cell of the MBTI corpus of Kaggle. Many cells have quotes around all of them.
const BETWEEN_POSTS: &str = "|||";

/// The list of posts that a cell of a table holds as JSON, as Python's own text or between separators, or else the value as it
/// is.
fn listed_in_cell(posts: Value) -> Value {
    if let Some(cell) = posts.as_str().filter(|cell| cell.contains(BETWEEN_POSTS)) {
        let quoted = cell.strip_prefix('\'');
        let inside = quoted.and_then(|cell| cell.strip_suffix('\''));
        let texts = inside.unwrap_or(cell).split(BETWEEN_POSTS);
        return texts.map(str::trim).collect();
    }
    let text = posts.as_str().filter(|text| text.starts_with('['));
    let list = text.and_then(|text| match parse_json(text) {
        Ok(list) => Some(list),
        Err(_) => Some(list_of_texts(text)?.into()),
    });
    list.unwrap_or(posts)
}

/// The text of a record, or the texts if it is a list of nothing but strings.
fn texts_of(value: &Value) -> Option<Vec<String>> {
    let strings = value.as_array().filter(|parts| parts.len() > 1);
    let strings =
        strings.and_then(|parts| parts.iter().map(Value::as_str).collect::<Option<Vec<_>>>());
    match strings {
        Some(strings) => Some(strings.into_iter().map(str::to_owned).collect()),
        None => text_of(value).map(|text| vec![text]),
    }
}

fn all_posts(items: Vec<Value>, left_out: &mut Vec<String>) -> Vec<String> {
    let mut posts = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        match (text_of(&item), item) {
            (_, Value::String(post)) | (Some(post), _) => posts.push(post),
            (None, item) => left_out.push(format!(
                "post {} of \"posts\" is left out, because it is {}, not a string",
                index + 1,
                kind(&item)
            )),
        }
    }
    posts
}

/// The text of a string, of an object with a text, or of a list of these: Telegram writes text with links as one.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(fields) => {
            let text = TEXTS.iter().find_map(|name| fields.get(*name)?.as_str())?;
            Some(text.to_owned())
        }
        Value::Array(parts) => {
            let flat = |part: &Value| if part.is_array() { None } else { text_of(part) };
            parts.iter().map(flat).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Names for a message.
pub(super) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let mut names = names.into_iter().filter(|name| !name.is_empty());
    let shortened = |name: &str| match name.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name.to_owned(),
    };
    let mut listed: Vec<String> = names.by_ref().take(MOST_LISTED).map(shortened).collect();
    match (listed.is_empty(), names.count()) {
        (true, _) => return "none".to_owned(),
        (_, 0) => {}
        (_, more) => listed.push(format!("and {more} more")),
    }
    listed.join(", ")
}

fn bytes(value: &Value) -> usize {
    let inside = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(bytes).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| name.len() + bytes(value))
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    size_of::<Value>() + inside
}

#[cfg(test)]
mod tests {
    use super::super::MAX_RECORD_VALUES;
    use super::*;

    #[test]
    fn a_record_of_millions_of_empty_posts_took_gigabytes() {
        let record = |posts: usize| {
            let posts = vec!["\"\""; posts].join(",");
            User::from_json(&format!("{{\"posts\": [{posts}]}}"))
        };
        // The record and the list are values too.
        let most = MAX_RECORD_VALUES - 2;
        assert_eq!(record(most).unwrap().posts.len(), most);
        let error = record(most + 1).unwrap_err();
        assert_eq!(error, "more than 1048576 values");
        let commas = ",[{\\\"".repeat(MAX_RECORD_VALUES);
        let user = User::from_json(&format!("{{\"text\": \"{commas}\"}}"));
        assert_eq!(user.unwrap().posts[0].len(), 4 * MAX_RECORD_VALUES);
    }

    #[test]
    fn posts_and_fields_are_told_apart() {
        let user = User::from_json(r#"{"id": 3, "posts": ["a b", ""], "shoe": [1], "age": 24.0}"#)
            .unwrap();
        assert_eq!(user.posts, ["a b", ""]);
        assert_eq!(user.id(), Value::from(3));
        assert_eq!(user.label("age").as_deref(), Some("24"));
        assert_eq!(user.label("shoe"), None);
        assert_eq!(user.label("gender"), None);
        assert_eq!(user.fields.len(), 3);
    }

    #[test]
    fn ages_with_a_fraction_were_other_labels_in_tables_than_in_json() {
        for (label, expected) in [
            ("24.0", "24"),
            (" 24,00 ", "24"),
            ("24", "24"),
            ("24.5", "24.5"),
            ("1,000", "1,000"),
            (".0", ".0"),
            ("v2.0", "v2.0"),
        ] {
            assert_eq!(label_text(&label.into()).as_deref(), Some(expected));
        }
    }

    #[test]
    fn one_text_is_one_post() {
        let user =
            User::from_json(r#"{"text": "hello", "gender": " female ", "age": 17}"#).unwrap();
        assert_eq!(user.posts, ["hello"]);
        assert_eq!(user.label("gender").as_deref(), Some("female"));
        assert_eq!(user.label("age").as_deref(), Some("17"));
        assert_eq!(user.fields.len(), 2);
    }

    #[test]
    fn of_posts_and_text_one_was_ignored() {
        for (record, posts) in [
            (r#"{"posts": [], "text": "a"}"#, &["a"][..]),
            (r#"{"text": "a", "posts": null}"#, &["a"]),
            (r#"{"text": "", "posts": ["a", "b"]}"#, &["a", "b"]),
            (r#"{"text": null, "posts": ["a"]}"#, &["a"]),
            (r#"{"text": null, "posts": []}"#, &[]),
        ] {
            let user = User::from_json(record).unwrap();
            assert_eq!(user.posts, posts, "{record}");
            assert!(user.fields.is_empty(), "{record}");
        }
        let error = User::from_json(r#"{"posts": ["a"], "text": "b"}"#).unwrap_err();
        assert_eq!(error, BOTH_TEXTS);
    }

    #[test]
    fn a_position_is_an_id_for_those_without_one() {
        for (record, id) in [
            (r#"{"text": ""}"#, Value::from(5)),
            (r#"{"id": null, "text": ""}"#, 5.into()),
            (r#"{"id": "", "text": ""}"#, "".into()),
            (r#"{"id": [0], "text": ""}"#, vec![0].into()),
            (
                r#"{"id": 18446744073709551615, "text": ""}"#,
                u64::MAX.into(),
            ),
            (r#"{"id": 0.5, "text": ""}"#, 0.5.into()),
        ] {
            let mut user = User::from_json(record).unwrap();
            user.record = 5;
            assert_eq!(user.id(), id, "{record}");
        }
    }

    #[test]
    fn wrong_records_say_what_is_wrong() {
        for (record, what) in [
            ("{", "bad JSON"),
            ("[]", "must be a JSON object, this is an array"),
            ("{}", "no \"posts\""),
            (r#"{"posts": null}"#, "no \"posts\""),
            (r#"{"id": 1, "text": null}"#, "the text is null"),
            (
                r#"{"id": {"0": 1}, "text": {"0": "a"}}"#,
                "one object per row",
            ),
            (r#"{"posts": 3}"#, "array of strings, this is a number"),
            (r#"{"posts": ["x", 3]}"#, "post 2 of \"posts\" is left out"),
            (
                r#"{"text": 3}"#,
                "the text must be a string, this is a number",
            ),
        ] {
            let error = User::from_json(record).unwrap_err();
            assert!(error.contains(what), "{record}: {error}");
        }
    }

    #[test]
    fn a_text_in_an_object_was_a_list_of_columns() {
        for (record, name) in [
            (
                r#"{"id": 1, "author": {"id": 9}, "content": {"text": "hi"}}"#,
                ", such as content.text",
            ),
            (
                r#"{"content": {"raw": null, "rendered": "hi"}}"#,
                ", such as content.rendered",
            ),
            (r#"{"content": {"words": 3}}"#, ""),
        ] {
            let error = User::from_json(record).unwrap_err();
            let end = format!("; --text NAME states the one with the text{name}");
            assert!(error.ends_with(&end), "{record}: {error}");
        }
        let error = User::from_json(r#"{"text": {"0": "a", "1": "b"}}"#).unwrap_err();
        assert_eq!(error, LISTS_COLUMNS);
    }

    #[test]
    fn a_list_of_posts_in_a_cell_was_one_post() {
        for (record, posts) in [
            (r#"{"posts": "[\"a\", \"b, c\"]"}"#, &["a", "b, c"][..]),
            (r#"{"posts": "[sic] a"}"#, &["[sic] a"]),
            (r#"{"posts": "['a', 'b']"}"#, &["a", "b"]),
            (
                r#"{"posts": "'a b|||it's || so |||c'"}"#,
                &["a b", "it's || so", "c"],
            ),
            (r#"{"posts": "a|||b'"}"#, &["a", "b'"]),
            (r#"{"posts": "'a'"}"#, &["'a'"]),
        ] {
            assert_eq!(User::from_json(record).unwrap().posts, posts, "{record}");
        }
    }

    #[test]
    fn a_list_of_texts_was_joined_without_spaces() {
        for (record, posts) in [
            (r#"{"text": ["one", "two"]}"#, &["one", "two"][..]),
            (r#"{"text": ["one ", {"text": "two"}]}"#, &["one two"]),
            (r#"{"text": ["one"]}"#, &["one"]),
            (r#"{"text": []}"#, &[""]),
        ] {
            assert_eq!(User::from_json(record).unwrap().posts, posts, "{record}");
        }
    }

    #[test]
    fn empty_and_null_labels_are_unknown() {
        let user = User::from_json(r#"{"posts": [], "gender": "", "age": null}"#).unwrap();
        assert_eq!(user.label("gender"), None);
        assert_eq!(user.label("age"), None);
    }
}
