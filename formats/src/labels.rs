//! Labels as this project writes them.

use serde_json::Value;

use crate::Grouping;
use crate::json::text;
use crate::table::Row;

/// Names of the labels that people add to the files of programs, and their attributes.
const ADDED: [(&str, &str); 11] = [
    ("gender", "gender"),
    ("sex", "gender"),
    ("性别", "gender"),
    ("age", "age"),
    ("年龄", "age"),
    ("profession", "profession"),
    ("occupation", "profession"),
    ("job", "profession"),
    ("职业", "profession"),
    ("label", "label"),
    ("class", "class"),
];

/// The attribute of which a field or column of this name has labels, whatever its case is.
pub(crate) fn attribute(name: &str) -> Option<&'static str> {
    let mut added = ADDED.iter();
    let found = added.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, attribute)| *attribute)
}

/// Keeps the labels that somebody has added to the record of a post. A gender of unknown code stays as it is.
pub(crate) fn keep(grouping: &mut Grouping<'_>, user: &str, record: &Value) {
    keep_fields(grouping, user, record.as_object().into_iter().flatten());
}

/// As [`keep`], of some fields of a record.
pub(crate) fn keep_fields<'a>(
    grouping: &mut Grouping<'_>,
    user: &str,
    fields: impl Iterator<Item = (&'a String, &'a Value)>,
) {
    for (name, value) in fields.filter(|(_, value)| !value.is_object() && !value.is_array()) {
        if let Some(attribute) = attribute(name) {
            set(grouping, user, attribute, value.clone());
        }
    }
}

/// As [`keep`], of the row of a table.
pub(crate) fn keep_cells(grouping: &mut Grouping<'_>, user: &str, row: &Row) {
    for (name, cell) in row.named_cells() {
        if let Some(attribute) = attribute(name) {
            set(grouping, user, attribute, cell.into());
        }
    }
}

fn set(grouping: &mut Grouping<'_>, user: &str, attribute: &str, label: Value) {
    let known = match attribute {
        "gender" => gender(&text(&label)),
        _ => Value::Null,
    };
    let label = if known.is_null() { label } else { known };
    grouping.label(user, attribute, label);
}

/// `female` or `male` from the codes that files use; null for any other.
pub(crate) fn gender(code: &str) -> Value {
    match code.trim().to_lowercase().as_str() {
        "f" | "female" | "女" | "女性" => "female".into(),
        "m" | "male" | "男" | "男性" => "male".into(),
        _ => Value::Null,
    }
}

/// A year of birth from the begin of a date; null where there is none, such as in a sign of the zodiac.
pub(crate) fn birth_year(date: &str) -> Value {
    let year = date
        .trim()
        .get(..4)
        .and_then(|year| year.parse::<u16>().ok());
    match year {
        Some(year @ 1900..=2100) => year.into(),
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Memory, Received, assert_unknown};
    use crate::{Options, recognise};

    /// Checks that the only user in a file of a known format has these labels.
    #[track_caller]
    fn assert_labels(name: &str, content: &str, expected: &[(&str, &str)]) {
        let mut files = Memory::new(&[(name, content.as_bytes())]);
        let part = recognise(&mut files).parts.remove(0);
        let mut received = Received::default();
        let options = Options {
            reposts: false,
            max_bytes: 1 << 20,
        };
        let mut grouping = Grouping::new(options, &mut received);
        part.read(&mut files, &mut grouping).unwrap();
        grouping.finish_all().unwrap();
        let [user] = &received.users[..] else {
            panic!("{content}: {} users", received.users.len());
        };
        let label = |name: &str| text(&user.fields[name]);
        let labels = expected.iter().map(|(name, _)| (*name, label(name)));
        let labels: Vec<_> = labels.collect();
        let labels: Vec<_> = labels
            .iter()
            .map(|(name, label)| (*name, &**label))
            .collect();
        assert_eq!(labels, expected, "{content}");
        assert_eq!(user.posts.len(), 1, "{content}");
    }

    #[test]
    fn labels_that_were_added_to_a_crawl_were_lost() {
        let both = [("gender", "female"), ("age", "24")];
        for record in [
            r#"{"id_str": "1", "text": "a", "Gender": "F", "age": 24, "user": {"id_str": "9", "screen_name": "b"}}"#,
            r#"{"id_str": "1", "text": "a", "user": {"id_str": "9", "screen_name": "b", "gender": "f", "age": 24}}"#,
            r#"{"id": "1", "author_id": "9", "text": "a", "public_metrics": {}, "gender": "f", "age": "24"}"#,
            r#"{"mid": "1", "text": "a", "sex": "f", "age": 24, "user": {"id": 9, "screen_name": "b", "gender": "m"}}"#,
            r#"{"author": "b", "subreddit": "c", "body": "a", "gender": "f", "age": 24}"#,
            r#"{"account": {"acct": "b"}, "content": "a", "gender": "f", "age": 24}"#,
            r#"{"messages": [{"type": "message", "date": "2024-01-01", "from": "b", "text": "a", "gender": "f", "age": 24}]}"#,
            r#"{"messages": [{"sender_name": "b", "timestamp_ms": 1, "content": "a", "gender": "f", "age": 24}]}"#,
            r#"{"messages": [{"author": {"id": "9"}, "content": "a", "性别": "女", "年龄": 24}]}"#,
            r#"{"user": {"id": "9", "gender": "f", "age": 24}, "weibo": [{"id": 1, "text": "a"}]}"#,
            r#"{"comment_id": "1", "content": "a", "user_id": "9", "nickname": "b", "gender": "女", "age": 24}"#,
        ] {
            assert_labels("a.json", record, &both);
        }
        for table in [
            "AuthorID,Author,Date,Content,Sex,age\n9,b,2024-01-01,a,f,24\n",
            "Comment ID,Channel ID,Comment Create Timestamp,Comment Text,gender,Age\n1,9,2024-01-01,a,f,24\n",
            "id,bid,user_id,用户昵称,微博正文,性别,年龄\n1,b,9,c,a,女,24\n",
            "comment_id,note_id,content,user_id,nickname,age,gender\n1,2,a,9,b,24,女\n",
        ] {
            assert_labels("a.csv", table, &both);
        }
        let record =
            r#"{"author": "b", "subreddit": "c", "body": "a", "gender": "x", "job": "cook"}"#;
        assert_labels("a.json", record, &[("gender", "x"), ("profession", "cook")]);
    }

    #[test]
    fn tables_of_several_labelled_users_were_one_user() {
        assert_unknown("a.csv", "id,bid,正文,性别\n1,a,早,女\n2,b,晚,男\n");
        assert_unknown("a.csv", "微博id,微博正文,职业\na,早,厨师\nb,晚,IT\n");
    }

    #[test]
    fn codes_become_labels() {
        assert_eq!(gender(" F "), "female");
        assert_eq!(gender("男"), "male");
        assert_eq!(gender("0"), Value::Null);
        assert_eq!(birth_year("1990-01-01"), 1990);
        for date in ["0001-01-01", "双鱼座", "19", ""] {
            assert_eq!(birth_year(date), Value::Null, "{date}");
        }
    }
}
