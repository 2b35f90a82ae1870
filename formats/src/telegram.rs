//! Chats that Telegram Desktop exports.

use std::io;

use serde_json::Value;

use crate::grouping::name_of;
use crate::json::{each_record, text};
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, labels, time};

/// `result.json` of one chat or of a whole account.
pub(crate) struct Telegram;

/// Messages, then the types and the names of chats, which stand before the messages.
static PATHS: [&str; 9] = [
    "messages/*",
    "chats/list/*/messages/*",
    "left_chats/list/*/messages/*",
    "type",
    "chats/list/*/type",
    "left_chats/list/*/type",
    "name",
    "chats/list/*/name",
    "left_chats/list/*/name",
];
const ABOUT: About = About {
    name: "telegram",
    input: "result.json of a Telegram export of one chat or of the whole account",
    reads: "messages, grouped by `from_id`",
    labels: &[],
    leaves_out: "forwarded messages; messages of the system, of deleted accounts, by inline bots and of bots in chats with them; block quotations",
};

impl Format for Telegram {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        if !file.may_be(&["json"]) {
            return false;
        }
        file.has_record(&PATHS[..3], |message| {
            // Null for a user whose account is deleted.
            let is_sent = ["from", "from_id", "actor", "actor_id"]
                .iter()
                .any(|name| message.get(name).is_some());
            let is_of_kind = message["type"] == "message" || message["type"] == "service";
            is_sent && is_of_kind && message["date"].is_string() && !message["text"].is_null()
        })
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            let place = files.place(&name);
            let (mut is_with_bot, mut chat) = (false, String::new());
            each_record(
                files,
                &name,
                &PATHS,
                grouping,
                &mut |grouping, path, value| {
                    match path {
                        0..3 => return add(grouping, value, is_with_bot.then_some(&chat), &place),
                        3..6 => is_with_bot = value == "bot_chat",
                        _ => chat = text(value),
                    }
                    Ok(())
                },
            )?;
        }
        Ok(())
    }
}

/// Adds a message; `bot` is the name of the bot in a chat with one.
fn add(
    grouping: &mut Grouping<'_>,
    message: &Value,
    bot: Option<&String>,
    place: &str,
) -> io::Result<()> {
    match message["type"].as_str() {
        Some("message") => {}
        Some("service" | "unsupported") => {
            grouping.counts().system += 1;
            return Ok(());
        }
        _ => return grouping.bad_record(&format!("{place}: a message without a known type")),
    }
    let (id, name) = (text(&message["from_id"]), text(&message["from"]));
    let user = name_of(&[&id, &name]);
    if user.is_empty() || message["from"].is_null() {
        grouping.counts().deleted += 1;
        return Ok(());
    }
    if message["via_bot"].is_string() || bot.is_some_and(|bot| message["from"] == **bot) {
        grouping.counts().bots += 1;
        return Ok(());
    }
    let (words, had_quotation) = words(&message["text"]);
    // Null for a user whose account is deleted.
    let is_repost = ["forwarded_from", "forwarded_from_id"]
        .iter()
        .any(|name| message.get(name).is_some());
    grouping.counts().quotations +=
        u64::from(had_quotation && !is_repost && !words.trim().is_empty());
    let times = ["date_unixtime", "date"];
    labels::keep(grouping, user, message);
    grouping.add(Post {
        user,
        // Ids count the messages of a chat, of which a file may have many.
        id: None,
        time: times.iter().find_map(|name| time::of(&message[*name])),
        text: words,
        is_repost,
    })
}

/// A text is a string, or a list of strings and of objects for links, bold text and the like. Also whether a quotation
/// was left out.
fn words(value: &Value) -> (String, bool) {
    let Value::Array(parts) = value else {
        return (text(value), false);
    };
    let is_quotation = |part: &Value| part["type"] == "blockquote";
    let own = parts.iter().filter(|part| !is_quotation(part));
    let words = own.map(|part| part.as_str().or(part["text"].as_str()).unwrap_or_default());
    (words.collect(), parts.iter().any(is_quotation))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_unknown, read};
    use serde_json::json;

    #[test]
    fn messages_are_grouped_by_sender() {
        let message = |seconds: u32, text: &Value| {
            json!({"type": "message", "date": "2023-01-01T10:00:00", "date_unixtime": seconds.to_string(),
                "from": "Ann", "from_id": "user1", "text": text})
        };
        let with = |mut message: Value, key: &str, value: Value| {
            message[key] = value;
            message
        };
        let parts = json!([{"type": "blockquote", "text": "not mine"}, "see ", {"type": "link", "text": "https://a.example"}]);
        let messages = json!([
            {"type": "service", "date": "2023-01-01T10:00:00", "action": "create_group", "text": ""},
            message(1_672_567_202, &parts),
            message(1_672_567_201, &json!("first \u{7} message")),
            with(message(1, &json!("forwarded")), "forwarded_from", json!("Ben")),
            with(message(1, &json!("forwarded")), "forwarded_from", Value::Null),
            with(message(1, &json!("deleted")), "from", Value::Null),
            with(message(1, &json!("from a bot")), "via_bot", json!("@gif")),
            message(1_672_567_203, &json!("")),
        ]);
        let one = json!({"name": "x", "type": "private_group", "id": 1, "messages": messages});
        let all = json!({"about": "…", "chats": {"about": "…", "list": [one]}, "contacts": {"list": [{"messages": 3}]}});
        // Telegram writes control characters in a way that JSON does not know.
        for export in
            [one.to_string(), all.to_string()].map(|json| json.replace("\\u0007", "\\x07"))
        {
            let (received, counts) = read(&Telegram, &[("result.json", export.as_bytes())]);
            let posts = ["first  message", "see https://a.example"];
            assert_eq!(received.json(), json!([{"id": "user1", "posts": posts}]));
            assert_eq!((counts.system, counts.deleted, counts.bots), (1, 1, 1));
            assert_eq!(
                (counts.reposts, counts.quotations, counts.without_text),
                (2, 1, 1)
            );
        }
    }

    #[test]
    fn messages_of_other_programs_were_messages_of_the_system() {
        let export = r#"{"messages": [{"type": "post", "date": "2024-01-01", "user": "ann", "text": "hello"}]}"#;
        assert_unknown("a.json", export);
        let export = r#"{"messages": [{"type": "message", "date": "2024-01-01", "from": "ann", "text": "hello"}]}"#;
        let (received, _) = read(&Telegram, &[("a.json", export.as_bytes())]);
        assert_eq!(received.json(), json!([{"id": "ann", "posts": ["hello"]}]));
        let export = export.replace("]}", r#", {"user": "ben", "text": "tea"}]}"#);
        let (received, counts) = read(&Telegram, &[("a.json", export.as_bytes())]);
        assert_eq!((counts.system, received.bad_records.len()), (0, 1));
    }

    #[test]
    fn bots_in_chats_with_them_were_users() {
        let message = |id: u32, name: &str, text: &str| json!({"type": "message", "date": "2023-01-01T10:00:00", "from": name, "from_id": format!("user{id}"), "text": text});
        let chat = |name: &str, kind: &str, messages: Value| json!({"name": name, "type": kind, "id": 1, "messages": messages});
        let with_bot = chat(
            "Helper",
            "bot_chat",
            json!([
                message(1, "Ann", "/start"),
                message(5, "Helper", "Welcome!")
            ]),
        );
        let with_ben = chat("Ben", "personal_chat", json!([message(2, "Ben", "tea?")]));
        let export = json!({"chats": {"list": [with_bot, with_ben]}}).to_string();
        let (received, counts) = read(&Telegram, &[("result.json", export.as_bytes())]);
        let expected =
            json!([{"id": "user1", "posts": ["/start"]}, {"id": "user2", "posts": ["tea?"]}]);
        assert_eq!(received.json(), expected);
        assert_eq!(counts.bots, 1);
    }
}
