//! Chats that WhatsApp exports as text.

use std::io;

use crate::chat::{Message, Start, digit, each_message};
use crate::files::lines;
use crate::whatsapp_words::{ATTACHED, DELETED, DELETED_BY, EDITED, WORDLESS};
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted};

/// A message a line, which begins with date, time and name in the form of the phone's language; a message may go on over
/// lines.
pub(crate) struct WhatsApp;

const ABOUT: About = About {
    name: "whatsapp",
    input: "a chat that WhatsApp exported as text or zip file, or copied from WhatsApp Web, with lines such as \"1/4/23, 7:02 PM - Ann: hello\"",
    reads: "messages, and questions and options of polls, in the order of the file, grouped by name",
    labels: &[],
    leaves_out: "messages of the system; deleted messages; calls, places and media without a caption",
};

/// The longest date and time, and the longest name, in bytes.
const LONGEST_STAMP: usize = 90;
const LONGEST_NAME: usize = 120;

/// With which iPhones begin what is not typed, a left-to-right mark.
const NOT_TYPED: char = '\u{200E}';
/// What stands between the name of a document and the number of its pages on iPhones.
const AFTER_DOCUMENT: &str = " • \u{200E}";

impl Format for WhatsApp {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        if !file.may_be(&["txt"]) {
            return false;
        }
        let mut lines = lines(file.head()).filter(|line| !line.trim().is_empty());
        let Some(first) = lines.next().and_then(stamped) else {
            return false;
        };
        let mut messages = lines
            .filter_map(stamped)
            .filter(|line| line.form == first.form);
        name_and_text(first.rest).is_some()
            || messages.any(|line| name_and_text(line.rest).is_some())
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            let mut form = None;
            let mut others = 0;
            let mut start = |line: &str, _: Option<&mut Message>| {
                let line = stamped(line)?;
                // A telephone writes all dates of a file in one form. Other dates are the words of a message.
                if *form.get_or_insert_with(|| line.form.clone()) != line.form {
                    others += usize::from(name_and_text(line.rest).is_some());
                    return None;
                }
                Some(start(line.rest))
            };
            each_message(files, &name, grouping, &mut start, add)?;
            let is_mixed = others >= FEWEST_MIXED;
            grouping.note(&files.place(&name), is_mixed.then(|| mixed(others)));
        }
        Ok(())
    }
}

/// From how many lines on a file may be several chats. A message seldom quotes so many.
const FEWEST_MIXED: usize = 3;

fn mixed(lines: usize) -> String {
    format!(
        "{lines} lines that begin with a date in another form than the first one are read as words of a message; put chats of \
         different telephones into different files"
    )
}

fn start(after_stamp: &str) -> Start {
    name_and_text(after_stamp).map_or(Start::System, |(name, text)| {
        Start::Message(Message {
            user: name.to_owned(),
            time: None,
            text: text.to_owned(),
        })
    })
}

fn add(grouping: &mut Grouping<'_>, message: Message) -> io::Result<()> {
    let Message { user, time, text } = message;
    let is_typed = !text.starts_with(NOT_TYPED);
    let line = bare(&text);
    let is_deleted =
        DELETED.contains(&line) || DELETED_BY.iter().any(|mark| line.starts_with(mark));
    if is_deleted {
        grouping.counts().deleted += 1;
        return Ok(());
    }
    let text = match poll(&text) {
        Some(words) => words,
        None if is_typed => typed(&text),
        None => String::new(),
    };
    grouping.add(Post {
        user: &user,
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
    for line in text.lines().map(before_mark) {
        if let Some(file) = attached_file(line) {
            caption = file.rsplit_once('.').map(|(name, _)| name);
        } else if !is_wordless(line) && caption.take() != Some(trim(line)) {
            own.push(line);
        }
    }
    let mut text = own.join("\n");
    // "see you <This message was edited>".
    let mark = (text.trim_end().strip_suffix('>')).and_then(|text| text.rsplit_once('<'));
    if let Some((before, mark)) = mark
        && EDITED.contains(&bare(mark))
    {
        text.truncate(before.len());
    }
    let is_mark = |letter: &char| !matches!(letter, '\u{200E}' | '\u{200F}');
    text.chars().filter(is_mark).collect()
}

/// The question and the options of a poll: "POLL:", the question, and lines such as "OPTION: Yes (8 votes)" with the same word
/// before the colon, in any language that has these words in capitals or has none.
fn poll(text: &str) -> Option<String> {
    let is_label =
        |label: &str| label.contains(char::is_alphabetic) && !label.contains(char::is_lowercase);
    let (heading, rest) = text.split_once('\n')?;
    if !trim(heading).strip_suffix(':').is_some_and(is_label) {
        return None;
    }
    let option = |line| {
        let (label, rest) = trim(line).split_once(':')?;
        let (option, votes) = rest.strip_suffix(')')?.rsplit_once('(')?;
        let has_number = votes.chars().any(|letter| digit(letter).is_some());
        (is_label(label) && has_number).then(|| (label, trim(option)))
    };
    let mut labels = Vec::new();
    let words = rest.lines().map(|line| match option(line) {
        Some((label, option)) => {
            labels.push(label);
            option
        }
        None => trim(line),
    });
    let words = words.collect::<Vec<_>>().join("\n");
    let is_poll = labels.len() > 1 && labels.iter().all(|label| *label == labels[0]);
    is_poll.then_some(words)
}

/// What is typed of a line of an iPhone such as "look \u{200E}image omitted"; nothing of "Report.pdf • \u{200E}12 pages
/// \u{200E}<attached: 03-Report.pdf>", in any language.
fn before_mark(line: &str) -> &str {
    if line.contains(AFTER_DOCUMENT) {
        return "";
    }
    let mut typed = line;
    // Several may follow each other.
    while let Some((before, mark)) = typed.rsplit_once(NOT_TYPED)
        && is_wordless(mark)
    {
        typed = before;
    }
    typed
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

/// A line that begins with date and time.
struct Stamped<'l> {
    /// The form of date and time, see [`stamp_form`], and what separates them from what follows.
    form: String,
    rest: &'l str,
}

fn stamped(line: &str) -> Option<Stamped<'_>> {
    let line = line.trim_start_matches(is_direction_mark);
    let (line, separators) = match line.strip_prefix('[') {
        Some(line) => (line, &["] "][..]),
        // Korean phones write a comma: "2023. 1. 4. 오후 7:02, 이름 : text".
        None => (line, &[" - ", " – ", ", "][..]),
    };
    let stamps = separators.iter().filter_map(|separator| {
        let end = line.find(separator).filter(|&end| end <= LONGEST_STAMP)?;
        Some(Stamped {
            form: stamp_form(&line[..end])? + separator,
            rest: &line[end + separator.len()..],
        })
    });
    // The text may have a separator too: "2023. 1. 4. 오후 7:02, 이름 : 3 - 2".
    stamps.max_by_key(|stamped| stamped.rest.len())
}

/// The form of a date and a time: "0/0/0, 0:0 a" of "1/4/23, 7:02 PM", with "0000" for a year of four digits. None if a text is
/// anything else than five or six numbers, and besides them separators and few letters, such as "PM", "à" and "오후".
fn stamp_form(text: &str) -> Option<String> {
    let mut form = String::new();
    let mut numbers = Vec::new();
    let mut letters = 0;
    let mut is_in_number = false;
    for letter in text.chars().filter(|letter| !is_direction_mark(*letter)) {
        let digit = digit(letter);
        match digit {
            Some(digit) if is_in_number => {
                let number = numbers.last_mut()?;
                *number = *number * 10 + digit;
                if *number > 9999 {
                    return None;
                }
                if *number > 99 && !form.ends_with("0000") {
                    form.push_str("000");
                }
            }
            Some(digit) => {
                numbers.push(digit);
                form.push('0');
            }
            None => {
                letters += usize::from(letter.is_alphabetic());
                // "AM" and "PM" are one form, and so are spaces of two widths.
                let class = match letter {
                    _ if letter.is_alphabetic() => 'a',
                    _ if letter.is_whitespace() => ' ',
                    '/' | '.' | '-' | ',' | ':' | '\u{60C}' => letter,
                    _ => return None,
                };
                if !form.ends_with(class) {
                    form.push(class);
                }
            }
        }
        is_in_number = digit.is_some();
    }
    let is_date =
        |first: u32, middle: u32, last: u32| first.min(last) <= 99 && (1..=31).contains(&middle);
    let is_time = |hour, minute| hour < 24 && minute < 60;
    // WhatsApp Web copies messages with the time first: "[7:02 PM, 1/4/2023]".
    let is_stamp = match numbers[..] {
        [a, b, c, d, e] => is_date(a, b, c) && is_time(d, e) || is_time(a, b) && is_date(c, d, e),
        [a, b, c, d, e, f] => {
            is_date(a, b, c) && is_time(d, e) || is_time(a, b) && is_date(d, e, f)
        }
        _ => false,
    };
    (is_stamp && letters <= 8).then_some(form)
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
    use crate::testing::read;
    use serde_json::json;

    /// The bytes are so few that they are taken for another encoding.
    #[test]
    fn how_a_chat_was_read_was_not_told() {
        let chat = b"04.01.23, 19:02 - J\xc3\xbcrgen: gr\xc3\xbcn \xff\xff\xff\n";
        let (received, _) = read(&WhatsApp, &[("chat.txt", &chat[..])]);
        let note =
            "chat.txt: read as windows-1252, in which many signs or capitals stand inside words";
        assert_eq!(received.notes, [note]);
    }

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
            // Copied in a browser.
            "[7:02 PM, 1/4/2023] Ann: hi: you",
            "[7:02 PM, 12/31/2023] Ann: hi: you",
            "[0:02, 2023/12/31] Ann: hi: you",
            "[19.02, 4.1.2023] Ann: hi: you",
            "19:02, 04/01/2023 - Ann: hi: you",
        ] {
            let found = stamped(line).and_then(|line| name_and_text(line.rest));
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
            assert!(stamped(line).is_none(), "{line}");
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
    fn chats_with_the_time_first_were_plain_lines() {
        for chat in [
            "[7:02 PM, 1/4/2023] Ann: hi\n[7:03 PM, 12/31/2023] Ann: tea\n",
            "19:02, 04/01/2023 - Ann: hi\n19:03, 31/12/2023 - Ann: tea\n",
        ] {
            let (received, _) = read(&WhatsApp, &[("chat.txt", chat.as_bytes())]);
            assert_eq!(
                received.json(),
                json!([{"id": "Ann", "posts": ["hi", "tea"]}])
            );
        }
    }

    #[test]
    fn dates_inside_messages_began_messages() {
        for (chat, words) in [
            (
                "1/4/23, 7:02 PM - Ann: Meeting info\n1/9/2023 10:00, Room 5: bring ID\nsee you\n12/31/23, 11:02\u{202F}AM - Ann: tea",
                "Meeting info\n1/9/2023 10:00, Room 5: bring ID\nsee you",
            ),
            (
                "04.01.23, 19:02 - Ann: Plan:\n05.06.2024 19:00 - Training: Halle 2\n14.01.23, 9:02 - Ann: tea",
                "Plan:\n05.06.2024 19:00 - Training: Halle 2",
            ),
            (
                "[04.01.23, 19:02:11] Ann: Plan:\n[04.01.23, 19:02] Ben: yes\n04.01.23, 19:02:11 - Cleo: no\n\u{200E}[04.01.23, 19:02:12] Ann: tea",
                "Plan:\n[04.01.23, 19:02] Ben: yes\n04.01.23, 19:02:11 - Cleo: no",
            ),
            (
                "2023/1/4 下午7:02 - Ann: Plan:\n2023/1/5 19:02 - Ben: tea\n2023/1/4 凌晨0:02 - Ann: tea",
                "Plan:\n2023/1/5 19:02 - Ben: tea",
            ),
        ] {
            let (received, _) = read(&WhatsApp, &[("chat.txt", chat.as_bytes())]);
            let expected = json!([{"id": "Ann", "posts": [words, "tea"]}]);
            assert_eq!(received.json(), expected, "{chat}");
        }
    }

    #[test]
    fn chats_of_two_telephones_in_a_file_were_one_without_a_word() {
        let chat = "1/4/23, 7:02 PM - Ann: one\n04.02.23, 19:02 - Ann: two\n04.02.23, 19:03 - Ben: three\n04.02.23, 19:04 - Ben: four\n";
        let (received, _) = read(&WhatsApp, &[("chat.txt", chat.as_bytes())]);
        assert_eq!(received.notes, [format!("chat.txt: {}", mixed(3))]);
    }

    #[test]
    fn separators_in_texts_ended_the_stamp() {
        let chat = "2023. 1. 4. 오후 7:02, 영희 : 3 - 2\n2023. 1. 4. 오후 7:03, 민수 : 네 - 응\n2023. 1. 4. 오후 7:05, 영희 : 좋아\n";
        let (received, _) = read(&WhatsApp, &[("chat.txt", chat.as_bytes())]);
        let expected = json!([{"id": "영희", "posts": ["3 - 2", "좋아"]}, {"id": "민수", "posts": ["네 - 응"]}]);
        assert_eq!(received.json(), expected);
    }

    #[test]
    fn lines_that_end_by_cr_were_one_message() {
        let chat = "04.01.23, 19:02 - Ann: one\rmore\r04.01.23, 19:03 - Ben: two\r";
        let (received, _) = read(&WhatsApp, &[("chat.txt", chat.as_bytes())]);
        let expected =
            json!([{"id": "Ann", "posts": ["one\nmore"]}, {"id": "Ben", "posts": ["two"]}]);
        assert_eq!(received.json(), expected);
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
    fn marks_of_polls_were_words() {
        for poll in [
            "POLL:\nTest it?\nOPTION: Yes (8 votes)\nOPTION: No (maybe) (0 votes)",
            "\u{200E}POLL:\nTest it?\n\u{200E}OPTION: Yes (\u{200E}1 vote)\n\u{200E}OPTION: No (maybe) (\u{200E}0 votes)",
            "UMFRAGE:\nTest it?\nOPTION: Yes (8 Stimmen)\nOPTION: No (maybe) (0 Stimmen)",
            "SONDAGE :\nTest it?\nOPTION : Yes (8 votes)\nOPTION : No (maybe) (0 vote)",
        ] {
            let chat = format!("1/4/23, 7:02 PM - Ann: {poll}\n1/4/23, 7:02 PM - Ben: yes\n");
            let (received, _) = read(&WhatsApp, &[("chat.txt", chat.as_bytes())]);
            let words = "Test it?\nYes\nNo (maybe)";
            let expected =
                json!([{"id": "Ann", "posts": [words]}, {"id": "Ben", "posts": ["yes"]}]);
            assert_eq!(received.json(), expected);
        }
        for text in [
            "NOTE:\nOPTION: tea (or 2)",
            "Plan:\nA: tea (2 cups)\nB: milk (1 cup)",
            "PLAN:\n10:00 Yoga (room 2)\n10:00 Run (room 3)",
            "清单:\n苹果: 三斤 (5元)\n梨: 两斤 (4元)",
            "POLL:\ntea",
        ] {
            assert_eq!(poll(text), None, "{text}");
        }
    }

    #[test]
    fn documents_of_iphones_were_words() {
        let chat = "[1/4/23, 7:02:00 PM] Ann: Report.pdf • \u{200E}12 pages \u{200E}<attached: 03-Report.pdf>\r\n\
            [1/4/23, 7:02:01 PM] Ann: CV.pdf • \u{200E}1 page \u{200E}document omitted\r\n\
            [1/4/23, 7:02:02 PM] Ann: Mein CV.pdf • \u{200E}2 Seiten \u{200E}Dokument weggelassen\r\n\
            [1/4/23, 7:02:03 PM] Ann: look \u{200E}image omitted\r\n\
            [1/4/23, 7:02:04 PM] Ann: here\nit is \u{200E}<attached: 04-PHOTO.jpg> \u{200E}<This message was edited>\r\n\
            [1/4/23, 7:02:05 PM] Ann: tea • milk \u{200E}or water\r\n";
        let (received, counts) = read(&WhatsApp, &[("_chat.txt", chat.as_bytes())]);
        let expected =
            json!([{"id": "Ann", "posts": ["look", "here\nit is", "tea • milk or water"]}]);
        assert_eq!(received.json(), expected);
        assert_eq!(counts.without_text, 3);
    }

    #[test]
    fn arabic_chats_had_a_user_a_line() {
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
    fn users_with_a_quotation_in_their_name_were_system_messages() {
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
