//! The archive of an account that Mastodon makes for its owner.

use std::io;

use serde_json::Value;

use crate::json::each_record_of;
use crate::{About, Candidate, Files, Format, Post, Writers, html, time};

/// `outbox.json`, an ActivityPub collection, in a folder, a zip or a tar.gz archive.
pub(crate) struct Mastodon;

const PATHS: [&str; 1] = ["orderedItems/*"];
const ABOUT: About = About {
    name: "mastodon",
    input: "a Mastodon archive: its zip or tar.gz file, its folder, or outbox.json of it",
    reads: "posts as text without HTML; one writer",
    labels: &[],
    leaves_out: "boosts; block quotations; content warnings",
};

impl Format for Mastodon {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        file.may_be(&["json"]) && {
            let head = file.head();
            head.contains("activitystreams") && head.contains("\"orderedItems\"")
        }
    }

    fn read(&self, files: &mut dyn Files, writers: &mut Writers<'_>) -> io::Result<()> {
        each_record_of(self, files, &PATHS, writers, &mut add)
    }
}

fn add(writers: &mut Writers<'_>, activity: &Value, place: &str) -> io::Result<()> {
    let post = &activity["object"];
    let content = html::text(post["content"].as_str().unwrap_or_default());
    let is_repost = activity["type"] == "Announce";
    writers.counts().quotations += u64::from(content.had_quotation && !is_repost);
    writers.add(Post {
        writer: activity["actor"].as_str().unwrap_or(place),
        id: activity["id"].as_str(),
        time: time::of(&activity["published"]),
        text: content.text,
        is_repost,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read;
    use serde_json::json;

    #[test]
    fn posts_are_text_and_boosts_are_left_out() {
        let post = |id: &str, day: u8, content: &str| {
            json!({"id": id, "type": "Create", "actor": "https://social.example/users/me",
                "published": format!("2023-01-0{day}T10:00:00Z"), "object": {"type": "Note", "content": content}})
        };
        let outbox = json!({"@context": "https://www.w3.org/ns/activitystreams", "type": "OrderedCollection",
        "orderedItems": [
            post("b", 2, "<p>one<br />two &amp; three</p>"),
            post("a", 1, "<blockquote>not mine</blockquote><p>mine</p>"),
            {"id": "c", "type": "Announce", "object": "https://other.example/9"},
        ]});
        let (received, counts) = read(&Mastodon, &[("outbox.json", outbox.to_string().as_bytes())]);
        let expected = json!([{"id": "https://social.example/users/me", "posts": ["mine", "one\ntwo & three"]}]);
        assert_eq!(received.json(), expected);
        assert_eq!((counts.reposts, counts.quotations), (1, 1));
    }
}
