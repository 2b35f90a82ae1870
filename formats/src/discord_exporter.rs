//! Channels that the program DiscordChatExporter stores.

use std::io;

use serde_json::Value;

use crate::discord_package::own_words;
use crate::grouping::name_of;
use crate::json::{each_record, text};
use crate::table::{Row, each_row};
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, labels, time};

/// CSV or JSON files of a channel each.
pub(crate) struct DiscordExporter;

const PATHS: [&str; 1] = ["messages/*"];
const ABOUT: About = About {
    name: "discord-exporter",
    input: "channels of DiscordChatExporter: CSV with the columns AuthorID, Date and Content, or JSON with messages",
    reads: "messages, grouped by the author's id",
    labels: &[],
    leaves_out: "forwarded messages; messages of the system, of deleted accounts and of bots (JSON only); quoted lines",
};

impl Format for DiscordExporter {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        if !file.may_be(&["csv", "json"]) {
            return false;
        }
        if !file.head().starts_with('{') {
            return file.has_columns(&["AuthorID", "Date", "Content"]);
        }
        file.has_record(&PATHS, is_message)
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            let place = files.place(&name);
            if Candidate::new(files, &name).head().starts_with('{') {
                each_record(
                    files,
                    &name,
                    &PATHS,
                    grouping,
                    &mut |grouping, _, message| match is_message(message) {
                        true => add(grouping, message),
                        false => grouping.bad_record(&format!("{place}: no message of Discord")),
                    },
                )?;
            } else {
                each_row(files, &name, grouping, &mut add_row)?;
            }
        }
        Ok(())
    }
}

fn is_message(record: &Value) -> bool {
    record["content"].is_string() && record["author"]["id"].is_string()
}

fn add(grouping: &mut Grouping<'_>, message: &Value) -> io::Result<()> {
    let author = &message["author"];
    let is_said = matches!(message["type"].as_str(), Some("Default" | "Reply") | None);
    let counts = grouping.counts();
    if !is_said {
        counts.system += 1;
        return Ok(());
    }
    if author["isBot"] == true {
        counts.bots += 1;
        return Ok(());
    }
    if is_deleted(author["name"].as_str().unwrap_or_default()) {
        counts.deleted += 1;
        return Ok(());
    }
    let forwarded = message["forwardedMessage"]["content"].as_str();
    let words = message["content"].as_str().unwrap_or_default();
    let (own, had_quotation) = own_words(if words.is_empty() {
        forwarded.unwrap_or_default()
    } else {
        words
    });
    counts.quotations += u64::from(had_quotation && !own.is_empty());
    let user = text(&author["id"]);
    labels::keep(grouping, &user, message);
    grouping.add(Post {
        user: &user,
        id: Some(&text(&message["id"])),
        time: time::of(&message["timestamp"]),
        text: own,
        is_repost: words.is_empty() && forwarded.is_some(),
    })
}

fn add_row(grouping: &mut Grouping<'_>, row: &Row) -> io::Result<()> {
    if is_deleted(row.cell("Author")) {
        grouping.counts().deleted += 1;
        return Ok(());
    }
    let (own, had_quotation) = own_words(row.cell("Content"));
    grouping.counts().quotations += u64::from(had_quotation && !own.is_empty());
    let user = name_of(&[row.cell("AuthorID"), row.cell("Author")]);
    labels::keep_cells(grouping, user, row);
    grouping.add(Post {
        user,
        id: None,
        time: time::time(row.cell("Date")),
        text: own,
        is_repost: false,
    })
}

/// All deleted accounts are called so.
fn is_deleted(name: &str) -> bool {
    name.starts_with("Deleted User") || name.starts_with("deleted_user_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read;
    use serde_json::json;

    #[test]
    fn json_tells_bots_and_messages_of_the_system() {
        let message = |id: u32, kind: &str, author: &Value, content: &str| {
            json!({"id": id.to_string(), "type": kind, "timestamp": format!("2023-01-0{}T10:00:00+00:00", 9 - id),
                "content": content, "author": author})
        };
        let ann = json!({"id": "7", "name": "ann", "isBot": false});
        let bot = json!({"id": "8", "name": "bot", "isBot": true});
        let deleted = json!({"id": "9", "name": "Deleted User", "isBot": false});
        let file = json!({"guild": {"id": "1"}, "channel": {"id": "2"}, "messages": [
            message(1, "Reply", &ann, "> theirs\nmine"),
            message(2, "Default", &ann, "earlier <@5>"),
            message(3, "GuildMemberJoin", &ann, "Joined the server."),
            message(4, "Default", &bot, "beep"),
            message(5, "Default", &deleted, "gone"),
        ], "messageCount": 5});
        let (received, counts) = read(
            &DiscordExporter,
            &[("channel.json", file.to_string().as_bytes())],
        );
        assert_eq!(
            received.json(),
            json!([{"id": "7", "posts": ["earlier @user", "mine"]}])
        );
        assert_eq!(
            (
                counts.system,
                counts.bots,
                counts.deleted,
                counts.quotations
            ),
            (1, 1, 1, 1)
        );
    }

    #[test]
    fn messages_of_another_shape_were_one_user_without_a_name() {
        let message = json!({"id": "1", "content": "tea", "author": {"id": "7", "name": "ann"}});
        let other = json!({"id": "2", "content": "rain", "user": "ben"});
        let file = json!({"messages": [message, other]}).to_string();
        let (received, _) = read(&DiscordExporter, &[("a.json", file.as_bytes())]);
        assert_eq!(received.json(), json!([{"id": "7", "posts": ["tea"]}]));
        assert_eq!(received.bad_records.len(), 1);
    }

    #[test]
    fn authors_whose_ids_a_spreadsheet_has_rounded_were_one() {
        let csv = "AuthorID,Author,Date,Content\n1.23457E+17,ann,2023-01-02,tea\n1.23457E+17,ben,2023-01-02,rain\n";
        let (received, _) = read(&DiscordExporter, &[("a.csv", csv.as_bytes())]);
        let expected = json!([{"id": "ann", "posts": ["tea"]}, {"id": "ben", "posts": ["rain"]}]);
        assert_eq!(received.json(), expected);
        assert!(received.notes.is_empty());
    }

    #[test]
    fn csv_is_grouped_by_author() {
        let csv = "AuthorID,Author,Date,Content,Attachments,Reactions\n\
            \"7\",\"ann\",\"2023-01-02T10:00:00.0000000+00:00\",\"second\",\"\",\"\"\n\
            \"8\",\"ben\",\"2023-01-02T10:00:00.0000000+00:00\",\"other\",\"\",\"\"\n\
            \"7\",\"ann\",\"2023-01-01T10:00:00.0000000+00:00\",\"first\",\"\",\"\"\n";
        let (received, _) = read(&DiscordExporter, &[("channel.csv", csv.as_bytes())]);
        let expected =
            json!([{"id": "7", "posts": ["first", "second"]}, {"id": "8", "posts": ["other"]}]);
        assert_eq!(received.json(), expected);
    }
}
