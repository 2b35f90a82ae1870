//! One user of a corpus.

use serde_json::{Map, Value};

use super::MAX_RECORD_VALUES;

/// What is wrong with a record that has both.
pub(super) const BOTH_TEXTS: &str =
    "both \"posts\" and \"text\", of which a record has one; remove or rename the other";

/// Whole numbers below 2^63 in size, and positive ones below 2^64, are read exactly. Larger ones become floats, so that
/// different ids would be the same.
const EXACT_BELOW: f64 = 9_223_372_036_854_775_808.0;

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
}

impl User {
    /// A user from the text of one JSON record; the error says what is wrong with it.
    pub fn from_json(record: &str) -> Result<Self, String> {
        if has_more_values(record, MAX_RECORD_VALUES) {
            return Err(format!("more than {MAX_RECORD_VALUES} values"));
        }
        // The library's own line is always the record's first.
        let value: Value = serde_json::from_str(record).map_err(|error| {
            format!("bad JSON: {error}")
                .replace(" at line 1 column", " at column")
                .replace(
                    "number out of range",
                    "a number that is too large, write it as a string,",
                )
        })?;
        let Value::Object(mut fields) = value else {
            return Err(format!(
                "a record must be a JSON object, this is {}",
                kind(&value)
            ));
        };
        if let Some(Value::Number(id)) = fields.get("id")
            && id.is_f64()
            && id.as_f64().is_some_and(|id| id.abs() >= EXACT_BELOW)
        {
            return Err(format!(
                "\"id\" is the number {id}, which has more than 64 bits and is not exact; write it as a string"
            ));
        }
        let posts = match fields.shift_remove("posts") {
            None | Some(Value::Null) => None,
            Some(Value::Array(items)) => {
                let posts: Result<Vec<String>, String> =
                    items.into_iter().enumerate().map(post).collect();
                Some(posts?)
            }
            Some(other) => {
                return Err(format!(
                    "\"posts\" must be an array of strings, this is {}",
                    kind(&other)
                ));
            }
        };
        let text = match fields.shift_remove("text") {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text),
            Some(other) => {
                return Err(format!(
                    "\"text\" must be a string, this is {}",
                    kind(&other)
                ));
            }
        };
        let posts = match (posts, text) {
            (None, None) => return Err("no \"posts\" (and no \"text\")".into()),
            (Some(posts), Some(text)) if !posts.is_empty() && !text.is_empty() => {
                return Err(BOTH_TEXTS.into());
            }
            (Some(posts), _) if !posts.is_empty() => posts,
            (_, Some(text)) => vec![text],
            (Some(none), None) => none,
        };
        Ok(Self {
            posts,
            fields,
            record: 0,
        })
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
        let label = match self.fields.get(attribute)? {
            Value::String(text) => text.trim().to_owned(),
            // 24.0 is how some tools write a whole number in a column that has gaps.
            Value::Number(number) => match number.as_f64() {
                Some(float) if number.is_f64() && float.fract() == 0.0 && float.abs() < 1e15 => {
                    format!("{float:.0}")
                }
                _ => number.to_string(),
            },
            Value::Bool(value) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => return None,
        };
        (!label.is_empty()).then_some(label)
    }
}

/// Whether a JSON text has more than `most` values: one, one after each comma and the first inside each bracket.
fn has_more_values(json: &str, most: usize) -> bool {
    // A value takes at least a byte, and nearly all records are too short.
    if json.len() <= most {
        return false;
    }
    let (mut values, mut in_string, mut is_escaped) = (1, false, false);
    for byte in json.bytes() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = in_string,
            b'"' => in_string = !in_string,
            b',' | b'[' | b'{' if !in_string => values += 1,
            _ => {}
        }
    }
    values > most
}

fn post((index, value): (usize, Value)) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(format!(
            "\"posts\" must be an array of strings, item {} is {}",
            index + 1,
            kind(&other)
        )),
    }
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

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
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
            (r#"{"posts": "x"}"#, "array of strings, this is a string"),
            (r#"{"posts": ["x", 3]}"#, "item 2 is a number"),
            (r#"{"text": 3}"#, "\"text\" must be a string"),
            (
                r#"{"text": "", "age": 1e400}"#,
                "bad JSON: a number that is too large, write it as a string, at column 25",
            ),
            (
                r#"{"text": "", "id": 18446744073709551617}"#,
                "\"id\" is the number 1.8446744073709552e+19, which has more than 64 bits",
            ),
        ] {
            let error = User::from_json(record).unwrap_err();
            assert!(error.contains(what), "{record}: {error}");
        }
    }

    #[test]
    fn empty_and_null_labels_are_unknown() {
        let user = User::from_json(r#"{"posts": [], "gender": "", "age": null}"#).unwrap();
        assert_eq!(user.label("gender"), None);
        assert_eq!(user.label("age"), None);
    }
}
