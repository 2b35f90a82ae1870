//! Chats that WhatsApp exports as text.

use std::io;

use crate::chat::{Message, Start, each_message};
use crate::{About, Candidate, Files, Format, Post, Writers, accepted};

/// A message a line, which begins with date, time and name in the form of the phone's language; a message may go on over
/// lines.
pub(crate) struct WhatsApp;

const ABOUT: About = About {
    name: "whatsapp",
    input: "a chat that WhatsApp exported as text or zip file, with lines such as \"1/4/23, 7:02 PM - Ann: hello\"",
    reads: "messages in the order of the file, grouped by name",
    labels: &[],
    leaves_out: "messages of the system; deleted messages; media without a caption",
};

/// The text that replaces a deleted message, in several languages.
const DELETED: [&str; 20] = [
    "This message was deleted",
    "You deleted this message",
    "Diese Nachricht wurde gelöscht",
    "Du hast diese Nachricht gelöscht",
    "Se eliminó este mensaje",
    "Eliminaste este mensaje",
    "Ce message a été supprimé",
    "Vous avez supprimé ce message",
    "Questo messaggio è stato eliminato",
    "Hai eliminato questo messaggio",
    "Mensagem apagada",
    "Esta mensagem foi apagada",
    "Você apagou esta mensagem",
    "Dit bericht is verwijderd",
    "U hebt dit bericht verwijderd",
    "此消息已删除",
    "您删除了此消息",
    "此訊息已刪除",
    "您已刪除此訊息",
    "삭제된 메시지입니다",
];

/// The longest date and time, and the longest name, in bytes.
const LONGEST_STAMP: usize = 60;
const LONGEST_NAME: usize = 120;

impl Format for WhatsApp {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        if !file.may_be(&["txt"]) {
            return false;
        }
        let head = file.head();
        let first = head.lines().find(|line| !line.trim().is_empty());
        first.is_some_and(|line| after_stamp(line).is_some())
            && head
                .lines()
                .filter_map(after_stamp)
                .any(|rest| name_and_text(rest).is_some())
    }

    fn read(&self, files: &mut dyn Files, writers: &mut Writers<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            each_message(files, &name, writers, &mut start, add)?;
        }
        Ok(())
    }
}

fn start(line: &str) -> Option<Start> {
    let rest = after_stamp(line)?;
    Some(name_and_text(rest).map_or(Start::System, |(name, text)| {
        Start::Message(Message {
            writer: name.to_owned(),
            time: None,
            text: text.to_owned(),
        })
    }))
}

fn add(writers: &mut Writers<'_>, message: Message) -> io::Result<()> {
    let Message { writer, time, text } = message;
    // iPhones begin what is not typed with a left-to-right mark.
    let is_typed = !text.starts_with('\u{200E}');
    let is_deleted = DELETED.contains(&trim(&text).trim_end_matches('.'));
    if is_deleted {
        writers.counts().deleted += 1;
        return Ok(());
    }
    let text = if is_typed {
        typed(&text)
    } else {
        String::new()
    };
    writers.add(Post {
        writer: &writer,
        time,
        text,
        ..Post::default()
    })
}

/// A message without what stands for an attachment, and without the mark of an edited message.
fn typed(text: &str) -> String {
    let is_placeholder = |line: &str| {
        let line = trim(line);
        let is_omitted = line.starts_with('<') && line.ends_with('>') && line.chars().count() > 4;
        // "IMG-20230104-WA0001.jpg (file attached)", in any language.
        let is_attachment = line.ends_with(')')
            && line.split_once(" (").is_some_and(|(file, _)| {
                let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
                !file.contains(' ') && (2..=4).contains(&ending.len()) && ending.is_ascii()
            });
        is_omitted || is_attachment || line == "null"
    };
    let lines = text.lines().filter(|line| !is_placeholder(line));
    let mut text = lines.collect::<Vec<_>>().join("\n");
    // "see you <This message was edited>", with a mark before the bracket.
    if let Some(start) = text.find("\u{200E}<") {
        text.truncate(start);
    }
    let is_mark = |letter: &char| !matches!(letter, '\u{200E}' | '\u{200F}');
    text.replace("<This message was edited>", "")
        .chars()
        .filter(is_mark)
        .collect()
}

/// Without white space and marks of direction at both ends.
fn trim(text: &str) -> &str {
    text.trim_matches(|letter: char| letter.is_whitespace() || is_direction_mark(letter))
}

fn is_direction_mark(letter: char) -> bool {
    matches!(
        letter,
        '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{FEFF}'
    )
}

/// What follows date and time at the begin of a line; none if the line does not begin so.
fn after_stamp(line: &str) -> Option<&str> {
    let line = line.trim_start_matches(is_direction_mark);
    if let Some(line) = line.strip_prefix('[') {
        let end = line.find(']').filter(|&end| end <= LONGEST_STAMP)?;
        return is_stamp(&line[..end])
            .then(|| line[end + 1..].strip_prefix(' '))
            .flatten();
    }
    // Korean phones write a comma: "2023. 1. 4. 오후 7:02, 이름 : text".
    [" - ", " – ", ", "].iter().find_map(|separator| {
        let end = line.find(separator).filter(|&end| end <= LONGEST_STAMP)?;
        let is_whole = is_stamp(&line[..end]);
        is_whole.then(|| &line[end + separator.len()..])
    })
}

/// Whether a text is a date and a time: five or six numbers, and besides them separators and few letters, such as "PM",
/// "à" and "오후".
fn is_stamp(text: &str) -> bool {
    let mut numbers = Vec::new();
    let mut letters = 0;
    let mut is_in_number = false;
    for letter in text.chars() {
        match letter.to_digit(10) {
            Some(digit) if is_in_number => {
                if let Some(number) = numbers.last_mut() {
                    *number = *number * 10 + digit;
                    if *number > 9999 {
                        return false;
                    }
                }
            }
            Some(digit) => numbers.push(digit),
            None if letter.is_alphabetic() => letters += 1,
            None if letter.is_whitespace()
                || is_direction_mark(letter)
                || "/.-,:\u{60C}".contains(letter) => {}
            None => return false,
        }
        is_in_number = letter.is_ascii_digit();
    }
    let [first, month_or_day, last, hour, minute, ref seconds @ ..] = numbers[..] else {
        return false;
    };
    let is_date = first.min(last) <= 99 && (1..=31).contains(&month_or_day);
    is_date && hour < 24 && minute < 60 && seconds.len() <= 1 && letters <= 8
}

/// Name and text of a message; none for a message of the system.
fn name_and_text(rest: &str) -> Option<(&str, &str)> {
    let end = rest
        .find(": ")
        .or_else(|| rest.ends_with(':').then(|| rest.len() - 1))?;
    let name = trim(&rest[..end]);
    // A system message may quote the name of a group, in which there is a colon.
    let is_name = !name.is_empty()
        && name.len() <= LONGEST_NAME
        && !name.contains(['"', '“', '„', '«', '「']);
    is_name.then(|| (name, rest[end + 1..].strip_prefix(' ').unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::read;
    use serde_json::json;

    #[test]
    fn dates_of_many_languages_are_found() {
        for line in [
            "1/4/23, 7:02 PM - Ann: hi: you",
            "1/4/23, 7:02\u{202F}PM - Ann: hi: you",
            "04/01/2023, 19:02 - Ann: hi: you",
            "04.01.23, 19:02 - Ann: hi: you",
            "4-1-2023 19:02 - Ann: hi: you",
            "2023-01-04, 19:02 - Ann: hi: you",
            "04/01/2023 à 19:02 - Ann: hi: you",
            "4/1/2023, 7:02 p. m. - Ann: hi: you",
            "04/01/23 19.02 - Ann: hi: you",
            "2023/1/4 下午7:02 - Ann: hi: you",
            "2023. 1. 4. 오후 7:02, Ann : hi: you",
            "[04.01.23, 19:02:11] Ann: hi: you",
            "\u{200E}[2023/1/4 下午7:02:11] Ann: hi: you",
            "[22-01-20, 10:00:00] Ann: hi: you",
            "\u{FEFF}[1/4/23, 7:02:11\u{202F}PM] Ann: hi: you",
        ] {
            let found = after_stamp(line).and_then(name_and_text);
            assert_eq!(found, Some(("Ann", "hi: you")), "{line}");
        }
        for line in [
            "hello - Ann: hi",
            "at 7:02 - Ann: hi",
            "1/4/23: sale, 7:02 PM",
            "[1] Ann: hi",
            "10 or 11 of 2022, 2023, 2024 - Ann: hi",
            "12345/1/2 10:00 - Ann: hi",
        ] {
            assert_eq!(after_stamp(line), None, "{line}");
        }
    }

    #[test]
    fn messages_go_over_lines_and_system_lines_are_left_out() {
        let chat = "1/4/23, 7:02 PM - Messages and calls are end-to-end encrypted.\r\n\
            1/4/23, 7:02 PM - Ann changed the subject to \"a: b\"\n\
            1/4/23, 7:03 PM - Ann: My exam\nis tomorrow\n1/4/23, 7:03 PM - Ben: <Media omitted>\n\
            1/4/23, 7:04 PM - Ben: This message was deleted\n\
            1/4/23, 7:05 PM - Ben: IMG-1.jpg (file attached)\nlook at this\n\
            1/4/23, 7:06 PM - Ann: ok <This message was edited>\n";
        let (received, counts) = read(&WhatsApp, &[("chat.txt", chat.as_bytes())]);
        let expected = json!([{"id": "Ann", "posts": ["My exam\nis tomorrow", "ok"]}, {"id": "Ben", "posts": ["look at this"]}]);
        assert_eq!(received.json(), expected);
        assert_eq!(
            (counts.system, counts.deleted, counts.without_text),
            (2, 1, 1)
        );
    }

    #[test]
    fn what_an_iphone_marks_is_not_typed() {
        let chat = "[04.01.23, 19:02:11] Group: \u{200E}Messages are end-to-end encrypted.\r\n\
            [04.01.23, 19:02:12] Ann: yes \u{200E}<This message was edited>\r\n\
            \u{200E}[04.01.23, 19:02:13] Ann: \u{200E}image omitted\r\n\
            [04.01.23, 19:02:14] Ben: \u{200E}This message was deleted.\r\n";
        let (received, counts) = read(&WhatsApp, &[("_chat.txt", chat.as_bytes())]);
        assert_eq!(received.json(), json!([{"id": "Ann", "posts": ["yes"]}]));
        assert_eq!((counts.deleted, counts.without_text), (1, 2));
    }
}
