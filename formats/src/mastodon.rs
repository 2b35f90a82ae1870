//! The archive of an account that Mastodon makes for its owner, and posts as Mastodon's interface returns them.

use std::io;

use serde_json::Value;

use crate::json::{each_post, each_record, text};
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, html, labels, time};

/// `outbox.json`, an ActivityPub collection, in a folder, a zip or a tar.gz archive; or statuses as JSON.
pub(crate) struct Mastodon;

const OUTBOX: [&str; 1] = ["orderedItems/*"];
const ABOUT: About = About {
    name: "mastodon",
    input: "a Mastodon archive: its zip or tar.gz file, its folder, or outbox.json of it; or statuses of Mastodon's interface as JSON lines, an array or {\"statuses\": […]}",
    reads: "posts as text without HTML; one user, or grouped by `account`",
    labels: &[],
    leaves_out: "boosts; block quotations; content warnings; bots (statuses only)",
};

impl Format for Mastodon {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        let may_be = file.may_be(&["json", "jsonl", "ndjson"]);
        may_be && (is_outbox(file) || file.place_of_posts(is_status).is_some())
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            let place = files.place(&name);
            match is_outbox(&mut Candidate::new(files, &name)) {
                true => each_record(
                    files,
                    &name,
                    &OUTBOX,
                    grouping,
                    &mut |grouping, _, activity| add(grouping, activity, &place),
                )?,
                false => each_post(
                    files,
                    &name,
                    is_status,
                    grouping,
                    &mut |grouping, status| match is_status(status) {
                        true => add_status(grouping, status),
                        false => grouping.bad_record(&format!("{place}: no status of Mastodon")),
                    },
                )?,
            }
        }
        Ok(())
    }
}

fn is_outbox(file: &mut Candidate<'_>) -> bool {
    let is_json = file.head().trim_start().starts_with(['{', '[']);
    is_json
        && file.has_record(&OUTBOX, |activity| {
            activity["type"].is_string() && !activity["object"].is_null()
        })
}

fn is_status(record: &Value) -> bool {
    record["content"].is_string() && record["account"]["acct"].is_string()
}

fn add_status(grouping: &mut Grouping<'_>, status: &Value) -> io::Result<()> {
    let account = &status["account"];
    if account["bot"] == true {
        grouping.counts().bots += 1;
        return Ok(());
    }
    let content = html::text(status["content"].as_str().unwrap_or_default());
    let is_repost = status["reblog"].is_object();
    grouping.counts().quotations += u64::from(content.had_quotation && !is_repost);
    // A name alone is one of its server.
    let names = [&account["url"], &account["acct"]];
    let user = names.into_iter().find_map(Value::as_str);
    let user = user.unwrap_or_default();
    labels::keep(grouping, user, status);
    grouping.add(Post {
        user,
        id: Some(&text(&status["id"])),
        time: time::of(&status["created_at"]),
        text: content.text,
        is_repost,
    })
}

fn add(grouping: &mut Grouping<'_>, activity: &Value, place: &str) -> io::Result<()> {
    let post = &activity["object"];
    let content = html::text(post["content"].as_str().unwrap_or_default());
    let is_repost = activity["type"] == "Announce";
    grouping.counts().quotations += u64::from(content.had_quotation && !is_repost);
    grouping.add(Post {
        user: activity["actor"].as_str().unwrap_or(place),
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
    fn statuses_were_html_and_each_a_user() {
        let status = |id: u32, name: &str, content: &str, reblog: Value| {
            json!({"id": id.to_string(), "created_at": format!("2023-01-0{}T10:00:00Z", 9 - id), "content": content,
                "account": {"id": "7", "acct": name, "url": format!("https://a.example/@{name}"), "bot": name == "bot"}, "reblog": reblog})
        };
        let statuses = [
            status(1, "ann", "<p>two &amp; three</p>", Value::Null),
            status(2, "ann", "<p>one</p>", Value::Null),
            status(3, "bot", "<p>beep</p>", Value::Null),
            status(4, "ann", "", json!({"content": "<p>not mine</p>"})),
        ];
        let lines: String = statuses
            .iter()
            .map(|status| format!("{status}\n"))
            .collect();
        for (name, file) in [("a.json", json!(statuses).to_string()), ("a.jsonl", lines)] {
            let (received, counts) = read(&Mastodon, &[(name, file.as_bytes())]);
            let expected =
                json!([{"id": "https://a.example/@ann", "posts": ["one", "two & three"]}]);
            assert_eq!(received.json(), expected);
            assert_eq!((counts.bots, counts.reposts), (1, 1));
        }
    }

    #[test]
    fn statuses_of_another_shape_were_posts_without_text() {
        let status = json!({"content": "<p>tea</p>", "account": {"acct": "ann"}});
        let other = json!({"text": "rain", "user": "ben"});
        let lines = format!("{status}\n{other}\n");
        let (received, counts) = read(&Mastodon, &[("a.jsonl", lines.as_bytes())]);
        assert_eq!(received.json(), json!([{"id": "ann", "posts": ["tea"]}]));
        assert_eq!((counts.without_text, received.bad_records.len()), (0, 1));
    }

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
