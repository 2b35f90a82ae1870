//! Chats that WhatsApp exports as text.

use std::io;

use crate::chat::{Message, Start, digit, each_message};
use crate::whatsapp_words::{ATTACHED, DELETED, DELETED_BY, EDITED, WORDLESS};
use crate::{About, Candidate, Files, Format, Post, Writers, accepted};

/// A message a line, which begins with date, time and name in the form of the phone's language; a message may go on over
/// lines.
pub(crate) struct WhatsApp;

const ABOUT: About = About {
    name: "whatsapp",
    input: "a chat that WhatsApp exported as text or zip file, with lines such as \"1/4/23, 7:02 PM - Ann: hello\"",
    reads: "messages in the order of the file, grouped by name",
    labels: &[],
    leaves_out: "messages of the system; deleted messages; calls, places and media without a caption",
};

/// The longest date and time, and the longest name, in bytes.
const LONGEST_STAMP: usize = 90;
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
    let line = bare(&text);
    let is_deleted =
        DELETED.contains(&line) || DELETED_BY.iter().any(|mark| line.starts_with(mark));
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

/// A message without what stands for an attachment or a call, and without the mark of an edited message.
fn typed(text: &str) -> String {
    let mut own = Vec::new();
    // The name of a document stands below it as its caption.
    let mut caption = None;
    for line in text.lines() {
        if let Some(file) = attached_file(line) {
            caption = file.rsplit_once('.').map(|(name, _)| name);
        } else if !is_wordless(line) && caption.take() != Some(trim(line)) {
            own.push(line);
        }
    }
    let mut text = own.join("\n");
    // "see you <This message was edited>". iPhones have a mark before the bracket.
    if let Some(start) = text.find("\u{200E}<") {
        text.truncate(start);
    }
    let mark = (text.trim_end().strip_suffix('>')).and_then(|text| text.rsplit_once('<'));
    if let Some((before, mark)) = mark
        && EDITED.contains(&bare(mark))
    {
        text.truncate(before.len());
    }
    let is_mark = |letter: &char| !matches!(letter, '\u{200E}' | '\u{200F}');
    text.chars().filter(is_mark).collect()
}

/// The file of a line such as "IMG-20230104-WA0001.jpg (file attached)". The words may be of any language where the name of the
/// file has no spaces.
fn attached_file(line: &str) -> Option<&str> {
    let (file, mark) = trim(line).strip_suffix(')')?.rsplit_once(" (")?;
    let ending = file.rsplit_once('.')?.1;
    let is_file = (2..=4).contains(&ending.len()) && ending.is_ascii();
    (is_file && (!file.contains(' ') || ATTACHED.contains(&mark))).then_some(file)
}

/// Whether a line stands for a call, a picture or the like.
fn is_wordless(line: &str) -> bool {
    let line = bare(line);
    let is_omitted = line.starts_with('<') && line.ends_with('>') && line.chars().count() > 4;
    // "location: https://maps.google.com/?q=1,2", in any language.
    let is_place = line.split_once(": ").is_some_and(|(word, link)| {
        !word.contains(' ')
            && link.starts_with("https://maps.google.com/?q=")
            && !link.contains(' ')
    });
    is_omitted || is_place || WORDLESS.contains(&line)
}

/// A line without white space and marks of direction at both ends, and without a full stop.
fn bare(line: &str) -> &str {
    trim(line).trim_end_matches('.')
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
        let digit = digit(letter);
        match digit {
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
        is_in_number = digit.is_some();
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
    // A system message may quote the name of a group, in which there is a colon. A name may hold a whole quotation.
    let quotes: [&[char]; 4] = [&['"'], &['“', '”', '„'], &['«', '»'], &['「', '」']];
    let is_whole = |quotes: &[char]| name.matches(quotes).count().is_multiple_of(2);
    let is_name =
        !name.is_empty() && name.len() <= LONGEST_NAME && quotes.into_iter().all(is_whole);
    is_name.then(|| (name, rest[end + 1..].strip_prefix(' ').unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes are so few that they are taken for another encoding, if there are tables for it.
    #[test]
    fn how_a_chat_was_read_was_not_told() {
        let chat = b"04.01.23, 19:02 - J\xc3\xbcrgen: gr\xc3\xbcn \xff\xff\xff\n";
        let (received, _) = read(&WhatsApp, &[("chat.txt", &chat[..])]);
        let note = match cfg!(feature = "encodings") {
            true => "chat.txt: read as windows-1252",
            false => "3 bytes are not UTF-8",
        };
        assert!(received.notes[0].starts_with(note), "{:?}", received.notes);
        assert_eq!(received.notes.len(), 1);
    }
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
            "٤\u{200F}/١\u{200F}/٢٠٢٣، ٧:٠٢ م - Ann: hi: you",
            "۱۴۰۱/۱۰/۱۴،\u{200F} ۱۹:۰۲ - Ann: hi: you",
            "[०४/०१/२३, ७:०२:११ PM] Ann: hi: you",
            "[๔/๑/๒๕๖๖ ๑๙:๐๒:๑๑] Ann: hi: you",
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

    #[test]
    fn arabic_chats_had_a_writer_a_line() {
        let chat = "٤\u{200F}/١\u{200F}/٢٠٢٣، ٧:٠٢ م - الرسائل والمكالمات مشفرة تمامًا بين الطرفين.\n\
            ٤\u{200F}/١\u{200F}/٢٠٢٣، ٧:٠٣ م - أحمد: مرحبا\n\
            ٤\u{200F}/١\u{200F}/٢٠٢٣، ٧:٠٥ م - أحمد: <تم استبعاد الوسائط>\n\
            ٤\u{200F}/١\u{200F}/٢٠٢٣، ٧:٠٦ م - أحمد: تم حذف هذه الرسالة\n";
        let (received, counts) = read(&WhatsApp, &[("chat.txt", chat.as_bytes())]);
        assert_eq!(received.json(), json!([{"id": "أحمد", "posts": ["مرحبا"]}]));
        assert_eq!(
            (counts.system, counts.deleted, counts.without_text),
            (1, 1, 1)
        );
    }

    #[test]
    fn marks_of_other_languages_were_words() {
        for deleted in [
            "Данное сообщение удалено",
            "Bu mesaj silindi",
            "Pesan ini telah dihapus",
            "הודעה זו נמחקה.",
            "This message was deleted by admin Ann",
        ] {
            let line = format!("04.01.23, 19:02 - Ann: {deleted}\n04.01.23, 19:03 - Ann: tea\n");
            let (received, counts) = read(&WhatsApp, &[("chat.txt", line.as_bytes())]);
            assert_eq!(
                received.json(),
                json!([{"id": "Ann", "posts": ["tea"]}]),
                "{deleted}"
            );
            assert_eq!(counts.deleted, 1);
        }
        for (text, expected) in [
            ("Missed voice call", ""),
            ("Verpasster Sprachanruf", ""),
            ("figurinha omitida", ""),
            ("Waiting for this message. This may take a while.", ""),
            ("Standort: https://maps.google.com/?q=52.5,13.4", ""),
            ("Mein Lebenslauf.pdf (Datei angehängt)\nMein Lebenslauf", ""),
            (
                "Report 2023.pdf (file attached)\nlook at this",
                "look at this",
            ),
            ("I got a B (again)", "I got a B (again)"),
            ("danke <Diese Nachricht wurde bearbeitet.>", "danke"),
            ("a < b, b > c", "a < b, b > c"),
            (
                "see https://maps.google.com/?q=1,2",
                "see https://maps.google.com/?q=1,2",
            ),
        ] {
            assert_eq!(typed(text).trim(), expected, "{text}");
        }
    }

    #[test]
    fn writers_with_a_quotation_in_their_name_were_system_messages() {
        let chat = "1/4/23, 7:02 PM - Ann \"Annie\" Lee: hello\n\
            1/4/23, 7:03 PM - Ann changed the subject from \"a\" to \"b: c\"\n";
        let (received, counts) = read(&WhatsApp, &[("chat.txt", chat.as_bytes())]);
        assert_eq!(
            received.json(),
            json!([{"id": "Ann \"Annie\" Lee", "posts": ["hello"]}])
        );
        assert_eq!(counts.system, 1);
    }
}
