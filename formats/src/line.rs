//! Chats that LINE exports as text.

use std::collections::{HashMap, HashSet};
use std::io;

use crate::chat::{Message, Start, each_message};
use crate::files::{lines, open_text, read_all};
use crate::time::{day, month};
use crate::{About, Candidate, Files, Format, Grouping, Post, accepted};

/// A heading in the phone's language, then a line with the date of each day, and under it a message a line: time, name and text
/// between tabs. A message may go on over lines. LINE for computers writes no heading, and spaces in the place of tabs.
pub(crate) struct Line;

const ABOUT: About = About {
    name: "line",
    input: "a chat that LINE exported as text: from a telephone, beginning with \"[LINE]\", with tabs between time, name and text; or from a computer, beginning with a date such as 2024.05.01 Wednesday, with spaces between them",
    reads: "messages, grouped by name",
    labels: &[],
    leaves_out: "messages of the system; unsent messages; calls; stickers, photos and other attachments",
};

/// What stands in the place of an attachment, in English, Japanese and Chinese.
const ATTACHMENTS: [&str; 53] = [
    "Stickers",
    "Photos",
    "Videos",
    "Files",
    "Audio",
    "Sticker",
    "Photo",
    "Video",
    "File",
    "Voice message",
    "Contact",
    "Contacts",
    "Location",
    "Album",
    "Albums",
    "Note",
    "Notes",
    "Gift",
    "スタンプ",
    "写真",
    "動画",
    "ファイル",
    "ボイスメッセージ",
    "連絡先",
    "位置情報",
    "アルバム",
    "ノート",
    "プレゼント",
    "貼圖",
    "照片",
    "圖片",
    "影片",
    "檔案",
    "語音訊息",
    "聯絡資訊",
    "聯絡人資訊",
    "位置訊息",
    "位置資訊",
    "相簿",
    "記事本",
    "禮物",
    "贴图",
    "图片",
    "视频",
    "文件",
    "语音信息",
    "语音消息",
    "联系信息",
    "联系人信息",
    "位置信息",
    "相册",
    "记事本",
    "礼物",
];

/// The text of an unsent message, in the same languages.
const UNSENT: [&str; 7] = [
    "unsent a message",
    "Message unsent",
    "メッセージの送信を取り消しました",
    "已收回訊息",
    "收回了訊息",
    "已撤回消息",
    "已收回信息",
];

/// How messages of the system end where spaces stand in the place of tabs.
const SYSTEM: [&str; 10] = [
    "joined the group.",
    "left the group.",
    "joined the chat.",
    "left the chat.",
    "参加しました。",
    "退出しました。",
    "招待しました。",
    "加入群組。",
    "加入聊天。",
    "退出群組。",
];

/// The most words of a name between spaces, and how many messages must begin with a name of several words.
const MOST_WORDS: usize = 4;
const FEWEST_MESSAGES: usize = 3;

/// With which lines about calls begin.
const CALL: char = '☎';

/// What may stand behind the numbers of a date.
const UNITS: [&str; 6] = ["년", "월", "일", "年", "月", "日"];

/// The longest line of a date and the longest time, in bytes.
const LONGEST_DATE: usize = 60;
const LONGEST_TIME: usize = 20;

impl Format for Line {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        if !file.may_be(&["txt"]) {
            return false;
        }
        let head = file.head();
        match head.trim_start().starts_with("[LINE]") {
            true => lines(head).any(|line| message(line).is_some()),
            // Without its heading, or from a computer.
            false => begins_with_day(head, |line| {
                message(line).or_else(|| spaced_message(line)).is_some()
            }),
        }
    }

    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            let mut start_of_day = None;
            let is_spaced = |line: &str| spaced_message(line).is_some();
            let is_of_computer = begins_with_day(Candidate::new(files, &name).head(), is_spaced);
            // What is wrong with the file is told below.
            let text = open_text(files, &name).and_then(read_all);
            let text = text.unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            let names = is_of_computer.then(|| names(&text));
            let order = order(&text);
            // The start of the first date in the open quotation, and the day of the last one.
            let mut dates = None;
            let mut start = |line: &str, open: Option<&mut Message>| {
                let quotation = open
                    .map(|message| &mut message.text)
                    .filter(|text| is_open_quotation(text));
                if let Some(day) = date(line, order) {
                    if let Some(text) = quotation {
                        let first = dates.map_or(text.len(), |(first, _)| first);
                        dates = Some((first, day));
                        return None;
                    }
                    dates = None;
                    start_of_day = Some(day);
                    return Some(Start::Heading);
                }
                let (minutes, rest) = match names {
                    Some(_) => spaced_message(line)?,
                    None => message(line)?,
                };
                // The message only begins with a quote, so its dates are headings.
                if let (Some((first, day)), Some(text)) = (dates.take(), quotation) {
                    text.truncate(first);
                    start_of_day = Some(day);
                }
                let sent = match &names {
                    Some(names) => sent(rest, names),
                    None => rest.split_once('\t').filter(|(name, _)| !name.is_empty()),
                };
                Some(sent.map_or(Start::System, |(name, text)| {
                    Start::Message(Message {
                        user: name.to_owned(),
                        time: start_of_day.map(|day: i64| day + minutes * 60_000),
                        text: text.to_owned(),
                    })
                }))
            };
            each_message(files, &name, grouping, &mut start, add)?;
        }
        Ok(())
    }
}

/// Whether a text begins with a quote and does not end with the closing one. LINE doubles the quotes between them.
fn is_open_quotation(text: &str) -> bool {
    text.strip_prefix('"').is_some_and(|text| {
        let quotes = text.len() - text.trim_end_matches('"').len();
        quotes % 2 == 0
    })
}

fn add(grouping: &mut Grouping<'_>, message: Message) -> io::Result<()> {
    let Message { user, time, text } = message;
    let text = text.trim();
    if text.starts_with(CALL) {
        grouping.counts().system += 1;
        return Ok(());
    }
    if UNSENT.contains(&text.trim_end_matches(['.', '。'])) {
        grouping.counts().deleted += 1;
        return Ok(());
    }
    // A message of several lines stands in quotes.
    let quoted = (text.strip_prefix('"')).and_then(|text| text.strip_suffix('"'));
    let text = match quoted.filter(|text| text.contains('\n')) {
        Some(text) => &text.replace("\"\"", "\""),
        None => text,
    };
    // "[Album] The name of the album" has no words of the message either.
    let mark = text.strip_prefix('[').and_then(|text| text.split_once(']'));
    let is_attachment = mark.is_some_and(|(mark, _)| ATTACHMENTS.contains(&mark));
    grouping.add(Post {
        user: &user,
        id: None,
        time,
        text: if is_attachment {
            String::new()
        } else {
            text.to_owned()
        },
        is_repost: false,
    })
}

/// In which order the numbers of a date such as 01/02/2023 stand, which depends on the phone's region.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    MonthFirst,
    DayFirst,
}

/// The order in which the dates of a chat contradict each other and their weekdays less often.
fn order(text: &str) -> Order {
    let dates = lines(text).filter_map(|line| Some((line, date_numbers(line)?)));
    let dates: Vec<_> = dates.collect();
    let contradictions = |order| {
        let (mut count, mut last) = (0, i64::MIN);
        for &(line, numbers) in &dates {
            match day_of(numbers, order) {
                Some(day) => {
                    let is_other_weekday =
                        weekday(line).is_some_and(|name| name != weekday_of(day));
                    // Days ascend in a chat.
                    count += usize::from(day < last) + usize::from(is_other_weekday);
                    last = day;
                }
                None if day_in_any_order(numbers, order).is_some() => count += 1,
                None => {}
            }
        }
        count
    };
    match contradictions(Order::DayFirst) < contradictions(Order::MonthFirst) {
        true => Order::DayFirst,
        false => Order::MonthFirst,
    }
}

/// The number of the weekday that a line begins with, in English; Sunday is 0.
fn weekday(line: &str) -> Option<i64> {
    const NAMES: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    let index = NAMES.iter().position(|name| line.starts_with(name))?;
    Some(index as i64)
}

/// The number of the weekday of a day in milliseconds since 1970, which began on a Thursday.
fn weekday_of(day: i64) -> i64 {
    (day.div_euclid(24 * 60 * 60_000) + 4).rem_euclid(7)
}

/// The day of a line such as `2023/01/04(Wed)`, `2023.01.04 Wednesday`, `Wed, 01/04/2023`, `Wednesday, January 4, 2023` or
/// `2023년 1월 4일 수요일`, in milliseconds since 1970.
fn date(line: &str, order: Order) -> Option<i64> {
    match date_numbers(line) {
        Some(numbers) => day_in_any_order(numbers, order),
        None => day_with_name(line),
    }
}

/// The day of a line with the English name of its month.
fn day_with_name(line: &str) -> Option<i64> {
    if line.len() > LONGEST_DATE {
        return None;
    }
    let parts = line.split([' ', ',', '.', '-', '(', ')']);
    let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    let is_number = |part: &&&str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (found, names): (Vec<&str>, Vec<&str>) = parts.iter().partition(is_number);
    let name = match names[..] {
        [name] => name,
        [one, other] if weekday(one).is_some() => other,
        [one, other] if weekday(other).is_some() => one,
        _ => return None,
    };
    let numbers = numbers(&found.join(" "))?;
    match numbers[..] {
        [of_month, year @ (1000..)] | [year @ (1000..), of_month] => {
            day(year, month(name)?, of_month)
        }
        _ => None,
    }
}

/// A month above 12 is a day, whatever the order of the other dates is.
fn day_in_any_order(numbers: [i64; 3], order: Order) -> Option<i64> {
    let orders = [order, Order::MonthFirst, Order::DayFirst];
    orders.into_iter().find_map(|order| day_of(numbers, order))
}

/// The numbers of a line that may be a date.
fn date_numbers(line: &str) -> Option<[i64; 3]> {
    let is_of_word = |letter: char| letter.is_alphabetic() || is_thai_mark(letter);
    let is_date = |letter: char| {
        is_of_word(letter) || letter.is_ascii_digit() || "/.-,() （）".contains(letter)
    };
    if line.len() > LONGEST_DATE || !line.chars().all(is_date) {
        return None;
    }
    let words = line.split(|letter: char| !is_of_word(letter) && letter != '-');
    let is_word = |word: &&str| word.contains(is_of_word) && !UNITS.contains(word);
    let words: Vec<&str> = words.filter(is_word).collect();
    // A weekday is one word, but in Vietnamese.
    let is_weekday = words.len() <= 1 || words.len() == 2 && ["Thứ", "Chủ"].contains(&words[0]);
    let numbers = is_weekday.then(|| numbers(line)).flatten()?;
    numbers.try_into().ok()
}

/// Whether a sign stands above or below a letter of Thai, which is no letter itself in Unicode.
fn is_thai_mark(letter: char) -> bool {
    ('\u{E31}'..='\u{E4E}').contains(&letter)
}

fn day_of(numbers: [i64; 3], order: Order) -> Option<i64> {
    let [first, second, third] = numbers;
    let (year, month, of_month) = match (first, third, order) {
        (1000.., ..) => (first, second, third),
        (_, 1000.., Order::MonthFirst) => (third, first, second),
        (_, 1000.., Order::DayFirst) => (third, second, first),
        _ => return None,
    };
    day(year, month, of_month)
}

/// Whether a text begins with a day and a message.
fn begins_with_day(head: &str, is_message: impl Fn(&str) -> bool) -> bool {
    let mut lines = lines(head).filter(|line| !line.trim().is_empty());
    // Such as 2024.05.01 Wednesday.
    let is_day = |day: &str| {
        day.starts_with(|letter: char| letter.is_ascii_digit())
            && day.contains(char::is_alphabetic)
            && date(day, Order::MonthFirst).is_some()
    };
    lines.next().is_some_and(is_day) && lines.next().is_some_and(is_message)
}

/// The same as [`message`], with spaces: `09:30 Ann tea`, `09:30 AM Ann tea` or `上午 09:30 Ann tea`.
fn spaced_message(line: &str) -> Option<(i64, &str)> {
    let (first, rest) = line.split_once(' ')?;
    let with_half = rest.split_once(' ').and_then(|(second, rest)| {
        let time = minutes(&line[..first.len() + 1 + second.len()])?;
        Some((time, rest))
    });
    with_half.or_else(|| Some((minutes(first)?, rest)))
}

/// The names at the beginnings of messages, and beginnings that are no names. A name ends where what follows is not the same in
/// several messages.
fn names(text: &str) -> HashSet<&str> {
    let mut messages: HashMap<&str, usize> = HashMap::new();
    let mut names = HashSet::new();
    for line in lines(text) {
        let Some((_, rest)) = spaced_message(line).filter(|(_, rest)| !is_of_system(rest)) else {
            continue;
        };
        for beginning in beginnings(rest) {
            *messages.entry(beginning).or_default() += 1;
        }
        // The last word is of the text.
        names.extend(rest.rsplit_once(' ').map(|(beginning, _)| beginning));
    }
    let rare = messages
        .iter()
        .filter(|(_, messages)| **messages < FEWEST_MESSAGES);
    names.extend(rare.filter_map(|(beginning, _)| Some(beginning.rsplit_once(' ')?.0)));
    names
}

/// The first words of a message that may be a name: one, two and so on.
fn beginnings(message: &str) -> impl Iterator<Item = &str> {
    let ends = message.match_indices(' ').take(MOST_WORDS);
    ends.map(|(end, _)| &message[..end])
}

/// The name and the text of a message between spaces; none if the system sent it.
fn sent<'l>(message: &'l str, names: &HashSet<&str>) -> Option<(&'l str, &'l str)> {
    if is_of_system(message) {
        return None;
    }
    let known = beginnings(message).find(|beginning| names.contains(beginning));
    let name = known.or_else(|| beginnings(message).next())?;
    let text = message[name.len()..].trim();
    // Here no brackets are around what stands for an attachment.
    let text = if ATTACHMENTS.contains(&text) {
        ""
    } else {
        text
    };
    (!name.is_empty()).then_some((name, text))
}

fn is_of_system(message: &str) -> bool {
    SYSTEM
        .iter()
        .any(|ending| message.trim_end().ends_with(ending))
}

/// The minutes of the day at which a line says that a message came, and what follows the time.
fn message(line: &str) -> Option<(i64, &str)> {
    let (time, rest) = line.split_once('\t')?;
    // Indonesian telephones write 19.02.
    Some((minutes(&time.replace('.', ":"))?, rest))
}

/// The minutes of the day of a time such as `19:02`, `07:02 PM` or `下午07:02`.
fn minutes(time: &str) -> Option<i64> {
    if time.len() > LONGEST_TIME || !time.contains(':') {
        return None;
    }
    let numbers = numbers(time)?;
    let [hour @ 0..24, minute @ 0..60] = numbers[..] else {
        return None;
    };
    let half = time
        .replace(|letter: char| !letter.is_alphabetic(), "")
        .to_lowercase();
    let hour = match half.as_str() {
        "" => hour,
        "am" | "上午" | "午前" | "凌晨" | "早上" | "오전" => hour % 12,
        "pm" | "下午" | "午後" | "晚上" | "中午" | "오후" => hour % 12 + 12,
        _ => return None,
    };
    Some(60 * hour + minute)
}

/// The numbers in a text; none if one is too long.
fn numbers(text: &str) -> Option<Vec<i64>> {
    let parts = text.split(|letter: char| !letter.is_ascii_digit());
    parts
        .filter(|part| !part.is_empty())
        .map(|part| part.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{assert_unknown, read};
    use serde_json::json;

    #[test]
    fn chats_of_line_were_plain_lines() {
        let english = "[LINE] Chat history with Ann\nSaved on: 2023/01/05, 10:00\n\n\
            2023/01/04(Wed)\n19:02\tAnn\tMy exam is tomorrow\n19:03\tBen\t[Sticker]\n\
            19:04\tBen\t\"good luck\n\nand sleep well\"\n19:05\tAnn\t☎ Call time 0:12\n\
            19:06\tBen unsent a message.\n19:07\tAnn\t\"thanks\"\n19:08\tAnn\t[Album] Tea\n";
        let (received, counts) = read(&Line, &[("[LINE] Chat.txt", english.as_bytes())]);
        let expected = json!([
            {"id": "Ann", "posts": ["My exam is tomorrow", "\"thanks\""]},
            {"id": "Ben", "posts": ["good luck\nand sleep well"]}
        ]);
        assert_eq!(received.json(), expected);
        assert_eq!((counts.system, counts.without_text), (2, 2));
        let japanese = "\u{FEFF}[LINE] あんとのトーク履歴\r\n保存日時：2023/01/05 10:00\r\n\r\n2023/01/04(水)\r\n\
            19:02\tあん\t明日は試験だ\r\n19:03\tべん\t[スタンプ]\r\n19:04\tべん\tメッセージの送信を取り消しました\r\n\
            19:05\t\tべんが退出しました\r\n\r\n2023/01/05(木)\r\n7:01\tべん\tおはよう\r\n";
        let (received, counts) = read(&Line, &[("chat.txt", japanese.as_bytes())]);
        let expected = json!([{"id": "あん", "posts": ["明日は試験だ"]}, {"id": "べん", "posts": ["おはよう"]}]);
        assert_eq!(received.json(), expected);
        assert_eq!(
            (counts.system, counts.deleted, counts.without_text),
            (1, 1, 1)
        );
        let chinese = "[LINE] 與安的聊天記錄\n儲存日期：2023/01/05 10:00\n\n2023/01/04（週三）\n\
            下午07:02\t安\t明天考試\n下午07:03\t本\t[貼圖]\n上午07:04\t本\t加油\n";
        let (received, counts) = read(&Line, &[("chat.txt", chinese.as_bytes())]);
        let expected =
            json!([{"id": "安", "posts": ["明天考試"]}, {"id": "本", "posts": ["加油"]}]);
        assert_eq!(received.json(), expected);
        assert_eq!(counts.without_text, 1);
    }

    #[test]
    fn chats_of_line_for_computers_were_plain_lines() {
        let chat = "\u{FEFF}2024.05.01 Wednesday\r\n09:12 Ann Lee My exam is tomorrow\r\n09:13 Ben good luck\r\n\
            and sleep well\r\n09:14 Ann Lee Stickers\r\n09:15 Ann Lee thanks\r\n09:16 Ann Lee unsent a message.\r\n\
            09:17 Cleo Hu joined the group.\r\n\r\n2024.05.02 Thursday\r\n10:00 Cleo tea\r\n10:01 Ann Lee hi Cleo\r\n";
        let (received, counts) = read(&Line, &[("Tea.txt", chat.as_bytes())]);
        let expected = json!([
            {"id": "Ann Lee", "posts": ["My exam is tomorrow", "thanks", "hi Cleo"]},
            {"id": "Ben", "posts": ["good luck\nand sleep well"]},
            {"id": "Cleo", "posts": ["tea"]},
        ]);
        assert_eq!(received.json(), expected);
        assert_eq!(
            (counts.system, counts.deleted, counts.without_text),
            (1, 1, 1)
        );
        let chinese = "2024.05.01 星期三\n上午 09:12 安 明天考試\n下午 09:13 本 貼圖\n下午 09:14 本 加油\n下午 09:15 琳已加入群組。\n";
        let (received, counts) = read(&Line, &[("chat.txt", chinese.as_bytes())]);
        let expected =
            json!([{"id": "安", "posts": ["明天考試"]}, {"id": "本", "posts": ["加油"]}]);
        assert_eq!(received.json(), expected);
        assert_eq!((counts.system, counts.without_text), (1, 1));
        let cut = &b"2024/05/01(Wed)\n09:12\tAnn\ttea\n"[..];
        let (received, _) = read(&Line, &[("chat.txt", cut)]);
        assert_eq!(received.json(), json!([{"id": "Ann", "posts": ["tea"]}]));
        for text in [
            "2024.05.01\n09:12 is when we met\n",
            "2024.05.01 Wednesday\nwe met at 09:12\n",
            "met 2024.05.01\n09:12 Ann hi\n",
        ] {
            assert_unknown("a.txt", text);
        }
    }

    #[test]
    fn several_chats_are_in_order_of_time() {
        let chat = |day: &str, text: &str| {
            format!("[LINE] Chat history in Tea\n\n{day}\n07:00 PM\tAnn\t{text}\n")
        };
        let (later, earlier) = (
            chat("2023.01.05 Thursday", "second"),
            chat("Wed, 01/04/2023", "first"),
        );
        let (received, _) = read(
            &Line,
            &[("a.txt", later.as_bytes()), ("b.txt", earlier.as_bytes())],
        );
        assert_eq!(
            received.json(),
            json!([{"id": "Ann", "posts": ["first", "second"]}])
        );
    }

    #[test]
    fn lines_that_end_by_cr_were_one_line() {
        for chat in [
            "[LINE] Chat history in Tea\r\r2023/01/04(Wed)\r19:02\tAnn\tone\r19:03\tBen\ttwo\r",
            "2023.01.04 Wednesday\r19:02 Ann one\r19:03 Ben two\r",
        ] {
            let (received, _) = read(&Line, &[("chat.txt", chat.as_bytes())]);
            let expected =
                json!([{"id": "Ann", "posts": ["one"]}, {"id": "Ben", "posts": ["two"]}]);
            assert_eq!(received.json(), expected);
        }
    }

    #[test]
    fn a_date_in_a_quoted_message_ended_it() {
        for (message, expected) in [
            (
                "\"Plan:\n2022.01.05\n2022.01.06\nsee you\"",
                "Plan:\n2022.01.05\n2022.01.06\nsee you",
            ),
            (
                "\"He said \"\"tea\"\"\n2022.01.05\nbye\"",
                "He said \"tea\"\n2022.01.05\nbye",
            ),
        ] {
            let chat = format!(
                "[LINE] Chat history with Ben\n\n2023/01/04(Wed)\n19:01\tAnn\tone\n19:02\tAnn\t{message}\n\
                19:03\tAnn\ttwo\n\n2023/01/05(Thu)\n07:00\tAnn\tthree\n"
            );
            let (received, _) = read(&Line, &[("chat.txt", chat.as_bytes())]);
            let posts = ["one", expected, "two", "three"];
            assert_eq!(received.json(), json!([{"id": "Ann", "posts": posts}]));
        }
    }

    #[test]
    fn dates_with_the_names_of_months_were_words_of_a_message() {
        let chat = "[LINE] Chat history with Ben\n\nWednesday, January 4, 2023\n07:02PM\tAnn\tone\n\
            Thursday, January 5, 2023\n08:02AM\tAnn\ttwo\n";
        let earlier = "[LINE] Ben 님과의 대화\n\n2023년 1월 3일 화요일\n오후 7:02\tAnn\tzero\n2023년 1월 5일 목요일\n\
            오전 7:02\tAnn\tbetween\n";
        let files = [("a.txt", chat.as_bytes()), ("b.txt", earlier.as_bytes())];
        let (received, _) = read(&Line, &files);
        let posts = ["zero", "one", "between", "two"];
        assert_eq!(received.json(), json!([{"id": "Ann", "posts": posts}]));
    }

    #[test]
    fn quotes_in_a_message_of_several_lines_were_doubled() {
        let chat = "[LINE] Chat history with Ben\n\n2023/01/04(Wed)\n19:02\tAnn\t\"one\ntwo\"\"three\"\n\
            19:03\tAnn\ta \"\" b\n";
        let (received, _) = read(&Line, &[("chat.txt", chat.as_bytes())]);
        let posts = ["one\ntwo\"three", "a \"\" b"];
        assert_eq!(received.json(), json!([{"id": "Ann", "posts": posts}]));
    }

    #[test]
    fn a_quote_that_is_never_closed_ends_with_the_message() {
        for message in [
            "\"tea",
            "\"tea\nand rain",
            "\"tea\" and rain",
            "\"",
            "\"tea\"",
        ] {
            let chat = format!(
                "[LINE] Chat history with Ben\n\n2023/01/04(Wed)\n19:02\tAnn\t{message}\n\n2023/01/05(Thu)\n\
                2023/01/06(Fri)\n07:00\tAnn\tthree\n\n2023/01/07(Sat)\n06:00\tAnn\tfour\n"
            );
            let (received, _) = read(&Line, &[("chat.txt", chat.as_bytes())]);
            let posts = [message, "three", "four"];
            assert_eq!(received.json(), json!([{"id": "Ann", "posts": posts}]));
        }
    }

    #[test]
    fn days_were_read_as_months() {
        let days = |days: [&str; 3]| {
            let [one, two, three] = days;
            format!(
                "[LINE] Chat history with Ann\nSaved on: 13/02/2023, 10:00\n\n{one}\n10:00\tAnn\tone\n\n\
                {two}\n10:00\tAnn\ttwo\n\n{three}\n10:00\tAnn\tthree\n"
            )
        };
        let chat = days(["Mon, 02/01/2023", "Tue, 03/01/2023", "Wed, 01/02/2023"]);
        let (received, _) = read(&Line, &[("chat.txt", chat.as_bytes())]);
        let posts = json!(["one", "two", "three"]);
        assert_eq!(received.json(), json!([{"id": "Ann", "posts": posts}]));
        for (dates, expected) in [
            // The order of the days, a number above 12 and a weekday tell.
            (["02/01/2023", "03/01/2023", "01/02/2023"], Order::DayFirst),
            (
                ["01/02/2023", "01/03/2023", "02/01/2023"],
                Order::MonthFirst,
            ),
            (["13/01/2023", "02/03/2023", "03/03/2023"], Order::DayFirst),
            (
                ["01/13/2023", "03/02/2023", "03/03/2023"],
                Order::MonthFirst,
            ),
            (["Mon, 02/01/2023", "tea", "tea"], Order::DayFirst),
            (["Wed, 02/01/2023", "tea", "tea"], Order::MonthFirst),
            (["lun., 02/01/2023", "tea", "tea"], Order::MonthFirst),
        ] {
            assert_eq!(order(&days(dates)), expected, "{dates:?}");
        }
    }

    #[test]
    fn days_and_times_are_found() {
        let wednesday = day(2023, 1, 4);
        for line in [
            "2023/01/04(Wed)",
            "2023.01.04 Wednesday",
            "2023/1/4(週三)",
            "Wed, 01/04/2023",
            "2023-01-04",
            "Wednesday, January 4, 2023",
            "Wed, Jan 4, 2023",
            "Wednesday, 4 January 2023",
            "2023 Jan 4 (Wed)",
            "2023년 1월 4일 수요일",
            "2023年1月4日(水)",
            "2023年1月4日 星期三",
            "พุธ, 01/04/2023",
            "จันทร์ 2023/01/04",
            "quarta-feira, 2023/01/04",
            "Thứ Tư, 2023/01/04",
        ] {
            assert_eq!(date(line, Order::MonthFirst), wednesday, "{line}");
        }
        assert_eq!(date("31/01/2023", Order::MonthFirst), day(2023, 1, 31));
        for line in [
            "at 7 on 01/04/2023",
            "see you 2023/01/04",
            "see you January 4, 2023",
            "Paris, January 4, 2023",
            "January 4",
            "1/2/3",
            "2023/13/04",
            "tea",
        ] {
            assert_eq!(date(line, Order::MonthFirst), None, "{line}");
        }
        assert_eq!(message("12:30 AM\tAnn\ta"), Some((30, "Ann\ta")));
        assert_eq!(message("午後7:02\tAnn\ta"), Some((19 * 60 + 2, "Ann\ta")));
        assert_eq!(message("19.02\tAnn\ta"), Some((19 * 60 + 2, "Ann\ta")));
        for line in [
            "19:02 Ann a",
            "24:00\tAnn\ta",
            "19:02 o'clock\tAnn\ta",
            "1902\tAnn\ta",
            "a\tb",
        ] {
            assert_eq!(message(line), None, "{line}");
        }
    }
}
