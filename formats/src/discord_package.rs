//! The data package that Discord sends the owner of an account.

use std::io;

use crate::files::{base, extension, folder, folder_outside};
use crate::json::{each_record, text};
use crate::owners::Owners;
use crate::table::each_row;
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted, time};

/// A folder or zip archive with `messages/c<id>/messages.json`, in older packages `messages.csv`.
pub(crate) struct DiscordPackage;

const ABOUT: About = About {
    name: "discord-package",
    input: "a Discord data package: its zip file, its folder, or a messages.json or messages.csv of it",
    reads: "messages of all channels; one user per package",
    labels: &[],
    leaves_out: "quoted lines",
};

/// Messages in an array or one after another.
const PATHS: [&str; 2] = ["*", ""];

impl Format for DiscordPackage {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        if !matches!(&*base(file.name()), "messages.json" | "messages.csv") {
            return false;
        }
        const KEYS: [&str; 3] = ["ID", "Timestamp", "Contents"];
        file.head().trim() == "[]"
            || file.has_columns(&KEYS)
            || file.has_record(&PATHS, |message| {
                KEYS.iter().all(|key| message.get(key).is_some())
            })
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        let names = accepted(self, files)?;
        let owners = owners(files)?;
        for name in names {
            let (user, place) = (owners.of(files, &name), files.place(&name));
            if extension(&name) == "csv" {
                each_row(files, &name, grouping, &mut |grouping, row| {
                    add(grouping, &user, &|column| row.cell(column).to_owned())
                })?;
            } else {
                each_record(
                    files,
                    &name,
                    &PATHS,
                    grouping,
                    &mut |grouping, _, message| {
                        if message.get("Contents").is_none() {
                            return grouping
                                .bad_record(&format!("{place}: a message without Contents"));
                        }
                        add(grouping, &user, &|key| text(&message[key]))
                    },
                )?;
            }
        }
        Ok(())
    }
}

fn add(grouping: &mut Grouping<'_>, user: &str, cell: &dyn Fn(&str) -> String) -> io::Result<()> {
    let (words, had_quotation) = own_words(&cell("Contents"));
    grouping.counts().quotations += u64::from(had_quotation && !words.is_empty());
    grouping.add(Post {
        user,
        id: Some(&cell("ID")),
        time: time::time(&cell("Timestamp")),
        text: words,
        is_repost: false,
    })
}

/// The ids of the accounts.
fn owners(files: &mut dyn Files) -> io::Result<Owners> {
    Owners::find(files, root, |files, name| {
        if !name.to_lowercase().ends_with("account/user.json") {
            return Ok(None);
        }
        let account = Candidate::new(files, name).first_record(&[""]);
        Ok(Some(text(&account["id"])))
    })
}

/// The folder of the package that a file is in: that around `messages/c<id>/`, whatever the name of `messages` is in the
/// owner's language, or around `account/`.
fn root(name: &str) -> &str {
    let channel = folder(name);
    let number = base(channel.trim_end_matches('/'));
    let number = number.strip_prefix('c').unwrap_or(&number);
    match !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) {
        true => folder(folder(channel)),
        false => folder_outside(name, &["messages", "account"]),
    }
}

/// A message without quoted lines, with mentions, emoji and times as their readers saw them; and whether there was a
/// quotation.
pub(crate) fn own_words(message: &str) -> (String, bool) {
    let mut lines = Vec::new();
    let mut had_quotation = false;
    for line in message.lines() {
        if line.starts_with(">>> ") {
            // Everything that follows is quoted.
            had_quotation = true;
            break;
        }
        match line.starts_with("> ") {
            true => had_quotation = true,
            false => lines.push(without_codes(line)),
        }
    }
    (lines.join("\n").trim().to_owned(), had_quotation)
}

fn without_codes(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some(start) = rest.find('<') {
        text += &rest[..start];
        rest = &rest[start..];
        // No code has another "<", so each "<" looks no further than the next one.
        let inside = rest[1..].split(['<', '>']).next().unwrap_or_default();
        let end = 1 + inside.len();
        match code(inside).filter(|_| rest[end..].starts_with('>')) {
            Some(shown) => {
                text += &shown;
                rest = &rest[end + 1..];
            }
            None => {
                text.push('<');
                rest = &rest[1..];
            }
        }
    }
    text + rest
}

/// The visible part of `@id`, `#id`, `:name:id`, `a:name:id` or `t:seconds`, where the id is a number.
fn code(code: &str) -> Option<String> {
    let is_id = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let (name, id) = code.rsplit_once(['@', '#', ':', '&', '!'])?;
    match code.chars().next()? {
        '@' => is_id(id).then(|| "@user".to_owned()),
        '#' => is_id(id).then(|| "#channel".to_owned()),
        't' if code.starts_with("t:") => Some(String::new()),
        ':' | 'a' if is_id(id) => Some(format!(
            ":{}:",
            name.trim_start_matches('a').trim_start_matches(':')
        )),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read;
    use serde_json::json;

    #[test]
    fn codes_and_quotations_are_as_a_reader_saw_them() {
        for (message, expected) in [
            (
                "hi <@123> and <@!45> in <#6>",
                "hi @user and @user in #channel",
            ),
            ("<:smile:123> <a:party:45> a < b", ":smile: :party: a < b"),
            ("<https://a.example/x:1> <3", "<https://a.example/x:1> <3"),
            ("> not mine\nmine", "mine"),
            ("mine\n>>> not mine\nnor this", "mine"),
            ("at <t:1543392060:R>", "at"),
        ] {
            assert_eq!(own_words(message).0, expected, "{message}");
        }
    }

    #[test]
    fn a_message_of_open_brackets_took_quadratic_time() {
        let message = "<".repeat(1_000_000);
        assert_eq!(own_words(&message).0, message);
    }

    #[test]
    fn packages_of_several_accounts_were_one_user() {
        let message = |text: &str| {
            format!(r#"[{{"ID": 1, "Timestamp": "2023-01-02 10:00:00", "Contents": "{text}"}}]"#)
        };
        let [ann, ben, cleo] = ["tea", "rain", "sun"].map(message);
        let files = [
            ("ann/account/user.json", &br#"{"id": "77"}"#[..]),
            ("ann/messages/c1/messages.json", ann.as_bytes()),
            ("ben/Account/user.json", &br#"{"id": "78"}"#[..]),
            ("ben/Messages/c1/messages.json", ben.as_bytes()),
            // The same ids of channel and message, and no account.
            ("cleo/Nachrichten/c1/messages.json", cleo.as_bytes()),
        ];
        let (received, counts) = read(&DiscordPackage, &files);
        let expected = json!([
            {"id": "77", "posts": ["tea"]},
            {"id": "78", "posts": ["rain"]},
            {"id": "cleo", "posts": ["sun"]},
        ]);
        assert_eq!(received.json(), expected);
        assert_eq!(counts.duplicates, 0);
        for (name, expected) in [
            ("x.zip/messages/c1/messages.json", "x.zip/"),
            ("x.zip/messages.json", "x.zip/"),
            ("messages/1/messages.csv", ""),
            ("messages.json", ""),
        ] {
            assert_eq!(root(name), expected, "{name}");
        }
    }

    #[test]
    fn a_package_is_one_user() {
        let json: &[u8] = br#"[{"ID": 1045678901234567891, "Timestamp": "2023-01-02 10:00:00", "Contents": "second", "Attachments": ""},
            {"ID": 1045678901234567892, "Timestamp": "2023-01-02 10:00:00", "Contents": "", "Attachments": "x"}]"#;
        let csv: &[u8] =
            b"ID,Timestamp,Contents,Attachments\n1,2023-01-01 10:00:00.000000+00:00,first,\n";
        let files = [
            (
                "package/account/user.json",
                &br#"{"id": "77", "username": "me"}"#[..],
            ),
            ("package/messages/c1/messages.json", json),
            ("package/messages/c2/messages (1).csv", csv),
            ("package/messages/index.json", &br#"{"1": "Ann"}"#[..]),
        ];
        let (received, counts) = read(&DiscordPackage, &files);
        assert_eq!(
            received.json(),
            json!([{"id": "77", "posts": ["first", "second"]}])
        );
        assert_eq!(counts.without_text, 1);
    }
}
