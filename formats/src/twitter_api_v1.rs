//! Posts as version 1.1 of the Twitter API returned them.

use std::io;

use serde_json::Value;

use crate::grouping::name_of;
use crate::json::{each_post, text};
use crate::{
    About, Candidate, Files, Format, Grouping, Post, accepted, html, labels, time, twitter_api_v2,
};

/// Posts as JSON lines or in an array, such as twarc, Tweepy and the streaming API stored them.
pub(crate) struct TwitterApiV1;

const ABOUT: About = About {
    name: "twitter-api-v1",
    input: "posts of the Twitter API 1.1 as JSON lines, an array or {\"statuses\": […]}, with user and text or full_text",
    reads: "`full_text`, or else `text`, grouped by the user's id, or else `screen_name`",
    labels: &[],
    leaves_out: "retweets; quoted posts; notices of the streaming API",
};

/// The names of the notices of the streaming API, such as `{"delete": …}`.
const NOTICES: [&str; 11] = [
    "delete",
    "scrub_geo",
    "limit",
    "status_withheld",
    "user_withheld",
    "disconnect",
    "warning",
    "event",
    "friends",
    "friends_str",
    "control",
];

impl Format for TwitterApiV1 {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        file.may_be(&["json", "jsonl", "ndjson", "txt"]) && file.place_of_posts(is_post).is_some()
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            let place = files.place(&name);
            each_post(files, &name, is_post, grouping, &mut |grouping, post| {
                add(grouping, post, &place)
            })?;
        }
        Ok(())
    }
}

fn is_post(record: &Value) -> bool {
    words(record).is_some() && record["user"]["screen_name"].is_string()
}

fn add(grouping: &mut Grouping<'_>, post: &Value, place: &str) -> io::Result<()> {
    let user = &post["user"];
    // Collections that were cut down often keep the name alone.
    let names = [id(user), text(&user["screen_name"])];
    let user = name_of(&[&names[0], &names[1]]);
    let Some(words) = words(post).filter(|_| !user.is_empty()) else {
        // A collection may go on with posts of version 2.
        return match NOTICES.iter().any(|name| post.get(name).is_some()) {
            true => {
                grouping.counts().system += 1;
                Ok(())
            }
            false => twitter_api_v2::add_posts(grouping, post, place),
        };
    };
    labels::keep(grouping, user, post);
    labels::keep(grouping, user, &post["user"]);
    grouping.add(Post {
        user,
        id: Some(&id(post)),
        time: time::of(&post["created_at"]),
        text: html::entities(words).into_owned(),
        is_repost: post["retweeted_status"].is_object() || words.starts_with("RT @"),
    })
}

/// `id_str` is exact where a program has read the number `id` as a float.
fn id(object: &Value) -> String {
    let id = text(&object["id_str"]);
    if id.is_empty() {
        text(&object["id"])
    } else {
        id
    }
}

/// The whole text, wherever it is.
fn words(post: &Value) -> Option<&str> {
    let places = [
        &post["extended_tweet"]["full_text"],
        &post["full_text"],
        &post["text"],
    ];
    places.into_iter().find_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read;
    use serde_json::json;

    #[test]
    fn answers_and_streams_that_begin_with_notices_were_of_no_format() {
        let post =
            json!({"id_str": "1", "user": {"id": 7, "screen_name": "a"}, "text": "a &lt; b"});
        let retweet = json!({"id_str": "2", "user": {"id": 7, "screen_name": "a"}, "text": "RT @b: c",
            "retweeted_status": {"text": "c"}});
        let notice = json!({"delete": {"status": {"id": 1}}});
        for content in [
            json!({"search_metadata": {"count": 2}, "statuses": [retweet, post]}).to_string(),
            format!("{notice}\n{notice}\n{notice}\n{retweet}\n{post}\n"),
        ] {
            let (received, counts) = read(&TwitterApiV1, &[("posts.json", content.as_bytes())]);
            assert_eq!(received.json(), json!([{"id": "7", "posts": ["a < b"]}]));
            assert_eq!(counts.reposts, 1);
        }
    }

    #[test]
    fn posts_of_users_without_id_were_messages_of_the_system() {
        let post = |name: &str, text: &str| {
            let post = json!({"id": text, "user": {"screen_name": name}, "text": text});
            format!("{post}\n")
        };
        let lines = post("ann", "one") + &post("ben", "three") + &post("ann", "two");
        let (received, counts) = read(&TwitterApiV1, &[("posts.jsonl", lines.as_bytes())]);
        let expected =
            json!([{"id": "ann", "posts": ["one", "two"]}, {"id": "ben", "posts": ["three"]}]);
        assert_eq!(received.json(), expected);
        assert_eq!(counts.system, 0);
    }

    #[test]
    fn posts_of_another_shape_were_messages_of_the_system() {
        let first = json!({"id_str": "1", "user": {"id": 7, "screen_name": "a"}, "text": "one"});
        let later = json!({"id": "2", "author_id": "7", "text": "two"});
        let page = json!({"data": [{"id": "3", "author_id": "8", "text": "three"}], "meta": {}});
        let other = json!({"id": 4, "user_name": "a", "text": "four"});
        let lines = format!("{first}\n{later}\n{page}\n{other}\n");
        let (received, counts) = read(&TwitterApiV1, &[("a.jsonl", lines.as_bytes())]);
        let expected =
            json!([{"id": "7", "posts": ["one", "two"]}, {"id": "8", "posts": ["three"]}]);
        assert_eq!(received.json(), expected);
        assert_eq!((counts.system, received.bad_records.len()), (0, 1));
    }

    #[test]
    fn posts_are_grouped_by_user_in_both_modes() {
        let user = |id: u64| json!({"id": id, "id_str": id.to_string(), "screen_name": "name"});
        let posts = [
            json!({"id_str": "1", "user": user(7), "text": "fish &amp; chips", "created_at": "Wed Oct 10 20:19:21 +0000 2018"}),
            json!({"delete": {"status": {"id": 1}}}),
            json!({"id_str": "2", "user": user(8), "full_text": "RT @a: b", "retweeted_status": {"full_text": "b"}}),
            json!({"id_str": "3", "user": user(8), "full_text": "hello"}),
            json!({"id_str": "4", "user": user(7), "text": "cut…", "extended_tweet": {"full_text": "not cut"},
                "created_at": "Wed Oct 10 20:19:20 +0000 2018"}),
            json!({"id_str": "3", "user": user(8), "full_text": "hello"}),
        ];
        let lines = posts
            .iter()
            .map(|post| format!("{post}\n"))
            .collect::<String>();
        let array = Value::from(posts.to_vec()).to_string();
        for content in [lines, array] {
            let (received, counts) = read(&TwitterApiV1, &[("posts.jsonl", content.as_bytes())]);
            let expected = json!([
                {"id": "7", "posts": ["not cut", "fish & chips"]},
                {"id": "8", "posts": ["hello"]},
            ]);
            assert_eq!(received.json(), expected);
            assert_eq!(
                (counts.reposts, counts.duplicates, counts.system),
                (1, 1, 1)
            );
        }
    }
}
