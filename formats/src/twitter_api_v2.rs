//! Posts as version 2 of the Twitter API returns them.

use std::io;

use serde_json::{Map, Value, json};

use crate::grouping::name_of;
use crate::json::{PLACES, each_record, text};
use crate::table::{Row, each_row};
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, html, labels, time};

/// Pages `{"data": […], "includes": …}`, or posts with an `author_id` as JSON lines or in an array.
pub(crate) struct TwitterApiV2;

const ABOUT: About = About {
    name: "twitter-api-v2",
    input: "posts of the Twitter API 2 (twarc2): pages {\"data\": […]} or single posts, with author_id and text; or the CSV of twarc-csv",
    reads: "`text`, or `note_tweet` of long posts, grouped by `author_id`",
    labels: &[],
    leaves_out: "retweets; quoted posts and other `includes`",
};

impl Format for TwitterApiV2 {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        if file.has_columns(&COLUMNS) {
            return file.may_be(&["csv"]) && !file.has_labels();
        }
        if !file.may_be(&["json", "jsonl", "ndjson", "txt"]) {
            return false;
        }
        file.has_record(PLACES[0], |record| {
            posts(record).first().is_some_and(|post| {
                !post["author_id"].is_null()
                    && post["text"].is_string()
                    && !post["id"].is_null()
                    && (record["data"].is_array() || is_tweet(post))
            })
        })
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            let place = files.place(&name);
            if Candidate::new(files, &name).has_columns(&COLUMNS) {
                each_row(files, &name, grouping, &mut |grouping, row| {
                    add_row(grouping, row, &place)
                })?;
            } else {
                each_record(
                    files,
                    &name,
                    PLACES[0],
                    grouping,
                    &mut |grouping, _, record| add_posts(grouping, record, &place),
                )?;
            }
        }
        Ok(())
    }
}

/// Columns of twarc-csv, which names fields inside of others with dots.
const COLUMNS: [&str; 4] = ["id", "author_id", "text", RETWEETED];
const RETWEETED: &str = "referenced_tweets.retweeted.id";

fn add_row(grouping: &mut Grouping<'_>, row: &Row, place: &str) -> io::Result<()> {
    let note = row.cell("note_tweet.text");
    let mut post = json!({
        "id": row.cell("id"),
        "author_id": name_of(&[row.cell("author_id"), row.cell("author.username")]),
        "created_at": row.cell("created_at"),
        "text": if note.is_empty() { row.cell("text") } else { note },
    });
    if !row.cell(RETWEETED).is_empty() {
        post["referenced_tweets"] = json!([{"type": "retweeted"}]);
    }
    add(grouping, &post, place)
}

/// Whether a single post is of Twitter: it has what others have not, or nothing but what all have. Records of other programs
/// have labels besides.
fn is_tweet(post: &Value) -> bool {
    let marks = [
        "edit_history_tweet_ids",
        "conversation_id",
        "public_metrics",
        "referenced_tweets",
    ];
    let usual = [
        "id",
        "author_id",
        "text",
        "created_at",
        "lang",
        "source",
        "entities",
        "note_tweet",
    ];
    let is_dated = !post["created_at"].is_null() || !post["lang"].is_null();
    let is_usual = |post: &Map<String, Value>| post.keys().all(|key| usual.contains(&&**key));
    marks.iter().any(|mark| !post[*mark].is_null())
        || (is_dated && post.as_object().is_some_and(is_usual))
}

/// The posts of a page or a single one.
fn posts(record: &Value) -> &[Value] {
    match &record["data"] {
        Value::Array(posts) => posts,
        Value::Object(_) => std::slice::from_ref(&record["data"]),
        // A page without posts.
        _ if record["meta"].is_object() || record["errors"].is_array() => &[],
        _ => std::slice::from_ref(record),
    }
}

/// Adds the posts of a page or a single one.
///
/// # Errors
/// Those of [`Grouping::add`], and if a bad record is refused.
pub(crate) fn add_posts(
    grouping: &mut Grouping<'_>,
    record: &Value,
    place: &str,
) -> io::Result<()> {
    let mut posts = posts(record).iter();
    posts.try_for_each(|post| add(grouping, post, place))
}

fn add(grouping: &mut Grouping<'_>, post: &Value, place: &str) -> io::Result<()> {
    let user = text(&post["author_id"]);
    let id = text(&post["id"]);
    let note = post["note_tweet"]["text"].as_str();
    let Some(words) = note.or(post["text"].as_str()).filter(|_| !user.is_empty()) else {
        return grouping.bad_record(&format!("{place}: post {id:?} has no user or no text"));
    };
    let references = post["referenced_tweets"].as_array();
    let is_retweet = |reference: &Value| reference["type"] == "retweeted";
    labels::keep(grouping, &user, post);
    grouping.add(Post {
        user: &user,
        id: Some(&id),
        time: time::of(&post["created_at"]),
        text: html::entities(words).into_owned(),
        is_repost: references.is_some_and(|all| all.iter().any(is_retweet))
            || words.starts_with("RT @"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read;

    #[test]
    fn retweets_in_a_table_were_their_posters_words() {
        let table = "id,conversation_id,referenced_tweets.retweeted.id,author_id,created_at,text,author.id\n\
            1,1,,7,2018-10-10T20:19:21.000Z,a &lt; b,7\n\
            2,2,5,7,2018-10-10T20:19:20.000Z,RT …,7\n";
        let (received, counts) = read(&TwitterApiV2, &[("posts.csv", table.as_bytes())]);
        assert_eq!(received.json(), json!([{"id": "7", "posts": ["a < b"]}]));
        assert_eq!(counts.reposts, 1);
    }

    #[test]
    fn authors_whose_ids_a_spreadsheet_has_rounded_were_one_without_a_word() {
        let table = "id,referenced_tweets.retweeted.id,author_id,text,author.username\n\
            1.61E+18,,1.22E+18,tea,ann\n1.61E+18,,1.22E+18,rain,ben\n1.61E+18,,1.22E+18,sun,ben\n";
        let (received, counts) = read(&TwitterApiV2, &[("a.csv", table.as_bytes())]);
        let expected =
            json!([{"id": "ann", "posts": ["tea"]}, {"id": "ben", "posts": ["rain", "sun"]}]);
        assert_eq!(received.json(), expected);
        assert_eq!((counts.duplicates, received.notes.len()), (0, 0));
        let nameless = table.replace(",author.username", ",other");
        let (received, _) = read(&TwitterApiV2, &[("a.csv", nameless.as_bytes())]);
        assert_eq!(
            received.json(),
            json!([{"id": "1.22E+18", "posts": ["tea", "rain", "sun"]}])
        );
        assert_eq!(
            received.notes,
            [format!("1.22E+18: {}", model_core::corpus::ROUNDED)]
        );
    }

    #[test]
    fn pages_and_single_posts_are_the_same_users() {
        let posts = [
            json!({"id": "1", "author_id": "7", "text": "a &lt; b", "created_at": "2018-10-10T20:19:20.000Z"}),
            json!({"id": "2", "author_id": "7", "text": "RT …", "created_at": "2018-10-10T20:19:21.000Z",
                "referenced_tweets": [{"type": "retweeted", "id": "5"}]}),
            json!({"id": "3", "author_id": "8", "text": "cut…", "note_tweet": {"text": "whole"}, "lang": "en",
                "referenced_tweets": [{"type": "quoted", "id": "5"}]}),
        ];
        let page = json!({"data": posts, "includes": {"tweets": [{"id": "5", "author_id": "9", "text": "another's"}]}});
        let pages = format!("{page}\n{}\n", json!({"meta": {"result_count": 0}}));
        let flat = posts
            .iter()
            .map(|post| format!("{post}\n"))
            .collect::<String>();
        for content in [pages, flat] {
            let (received, counts) = read(&TwitterApiV2, &[("posts.jsonl", content.as_bytes())]);
            let expected =
                json!([{"id": "7", "posts": ["a < b"]}, {"id": "8", "posts": ["whole"]}]);
            assert_eq!(received.json(), expected);
            assert_eq!(counts.reposts, 1);
            assert!(received.bad_records.is_empty());
        }
    }
}
