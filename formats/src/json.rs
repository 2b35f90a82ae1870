//! JSON records out of files of any size: one a line, in an array, or deep in an object.

use std::io::{self, Read};

use model_core::corpus::{id_key, lossy, parse_json};
use serde_json::Value;

use crate::files::open_noted;
use crate::{Candidate, Files, Grouping};

/// The longest record in bytes. It bounds the memory that a broken file can claim.
const MAX_RECORD_BYTES: usize = 16 << 20;
/// The most brackets within each other, where broken brackets would claim memory.
const MAX_DEPTH: usize = 512;

/// Paths of records, see [`Records`].
pub(crate) type Paths = &'static [&'static str];

/// Where posts stand: one after another or in an array; in the list of an object, as the answers of interfaces have them.
pub(crate) const PLACES: [Paths; 2] = [
    &["", "*"],
    &[
        "data/*",
        "statuses/*",
        "tweets/*",
        "posts/*",
        "comments/*",
        "results/*",
        "items/*",
        "records/*",
        "list/*",
        "data/list/*",
        // Reddit's answers, also for a thread.
        "data/children/*/data",
        "*/data/children/*/data",
        // Weibo's answers to telephones.
        "data/cards/*/mblog",
    ],
];

/// A record that was found.
pub(crate) struct Record {
    /// The line in which it begins, counted from 1.
    pub(crate) line: u64,
    /// The index of its path in those that were asked for.
    pub(crate) path: usize,
    /// The record, or what is wrong with it.
    pub(crate) value: Result<Value, String>,
}

/// Finds the values at some paths: objects, arrays, and strings that are values of objects. It holds no other values in
/// memory. A path is made of keys and of `*` for every item of an array: `messages/*` are the items of the array called
/// `messages` of the outermost object. The empty path is every outermost object; several may follow each other, with or
/// without line ends. What stands before the first bracket is skipped, such as the JavaScript that makes a JSON file of an
/// archive a program.
pub(crate) struct Records<R> {
    bytes: Bytes<R>,
    paths: Vec<Vec<&'static str>>,
    /// The opened arrays and objects.
    opened: Vec<Opened>,
    /// The first byte of the next record where the one before it did not end.
    pending: Option<u8>,
    /// Whether the next string is a value, and not a key.
    is_after_colon: bool,
    /// How many bytes of the records so far are not UTF-8.
    unreadable: usize,
}

enum Opened {
    Array,
    /// With the key of the value that is read.
    Object(String),
}

/// What to do with a value.
enum Action {
    Take(usize),
    Open,
    Skip,
}

impl<R: Read> Records<R> {
    pub(crate) fn new(reader: R, paths: &[&'static str]) -> Self {
        let split = |path: &&'static str| path.split('/').filter(|key| !key.is_empty()).collect();
        Self {
            bytes: Bytes {
                reader,
                buffer: vec![0; 1 << 16],
                at: 0,
                end: 0,
                line: 1,
            },
            paths: paths.iter().map(split).collect(),
            opened: Vec::new(),
            pending: None,
            is_after_colon: false,
            unreadable: 0,
        }
    }

    /// The next record.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub(crate) fn next(&mut self) -> io::Result<Option<Record>> {
        loop {
            let byte = match self.pending.take() {
                Some(byte) => byte,
                None => match self.bytes.next()? {
                    Some(byte) => byte,
                    None if self.opened.is_empty() => return Ok(None),
                    None => {
                        self.opened.clear();
                        return Ok(Some(self.cut_off(self.bytes.line)));
                    }
                },
            };
            let is_value = byte == b'"' && self.is_after_colon;
            if !byte.is_ascii_whitespace() {
                self.is_after_colon = byte == b':';
            }
            match (byte, self.opened.last_mut()) {
                (b']' | b'}', _) => drop(self.opened.pop()),
                (b'{' | b'[', _) => {
                    let line = self.bytes.line;
                    match self.action(byte) {
                        Action::Open if byte == b'{' => {
                            self.opened.push(Opened::Object(String::new()));
                        }
                        Action::Open => self.opened.push(Opened::Array),
                        Action::Take(path) => {
                            let value = self.take(byte, true)?;
                            return Ok(Some(Record { line, path, value }));
                        }
                        Action::Skip => {
                            if let Err(what) = self.take(byte, false)? {
                                let value = Err(what);
                                return Ok(Some(Record {
                                    line,
                                    path: 0,
                                    value,
                                }));
                            }
                        }
                    }
                }
                (b'"', Some(opened)) => {
                    let mut text = vec![b'"'];
                    if !self.bytes.string(&mut text)? {
                        continue;
                    }
                    let Opened::Object(key) = opened else {
                        continue;
                    };
                    if !is_value {
                        *key = serde_json::from_slice(&text).unwrap_or_default();
                        continue;
                    }
                    let here = self.here();
                    if let Some(path) = self.paths.iter().position(|path| *path == here) {
                        let line = self.bytes.line;
                        let value = self.parse(&text);
                        return Ok(Some(Record { line, path, value }));
                    }
                }
                _ => {}
            }
        }
    }

    fn cut_off(&self, line: u64) -> Record {
        Record {
            line,
            path: 0,
            value: Err(CUT_OFF.to_owned()),
        }
    }

    /// The path of the present place.
    fn here(&self) -> Vec<&str> {
        let keys = self.opened.iter().map(|opened| match opened {
            Opened::Array => "*",
            Opened::Object(key) => key.as_str(),
        });
        keys.collect()
    }

    /// What to do with an object or array at the present place.
    fn action(&self, bracket: u8) -> Action {
        let here = self.here();
        let is_prefix = |path: &Vec<&str>| path.len() > here.len() && path.starts_with(&here);
        let continues =
            |path: &&Vec<&str>| is_prefix(path) && (path[here.len()] == "*") == (bracket == b'[');
        if let Some(path) = self.paths.iter().position(|path| *path == here)
            && (bracket == b'{' || !here.is_empty())
        {
            return Action::Take(path);
        }
        match self.paths.iter().find(continues) {
            Some(_) => Action::Open,
            None => Action::Skip,
        }
    }

    /// Reads a value to its closing bracket, and parses it if `is_parsed`.
    fn take(&mut self, bracket: u8, is_parsed: bool) -> io::Result<Result<Value, String>> {
        let mut text = vec![bracket];
        let mut brackets = vec![bracket];
        let mut before = bracket;
        let is_outermost = self.opened.is_empty();
        let mut length = 1;
        while let Some(&innermost) = brackets.last() {
            let Some(byte) = self.bytes.next()? else {
                self.opened.clear();
                return Ok(Err(CUT_OFF.to_owned()));
            };
            // In an object, only a colon stands before an opening bracket; in an array, a comma or its opening bracket. Else
            // a record that was cut off is followed by the next one.
            let may_open = match innermost {
                b'{' => before == b':',
                _ => matches!(before, b',' | b'['),
            };
            if is_outermost && byte == b'{' && !may_open {
                self.pending = Some(byte);
                return Ok(Err(
                    "the next record begins within it; is it cut off?".to_owned()
                ));
            }
            let start = text.len();
            text.push(byte);
            match byte {
                b'{' | b'[' if brackets.len() == MAX_DEPTH => {
                    self.opened.clear();
                    self.bytes.skip_all()?;
                    return Ok(Err(format!(
                        "more than {MAX_DEPTH} brackets within each other"
                    )));
                }
                b'{' | b'[' => brackets.push(byte),
                b'}' | b']' => drop(brackets.pop()),
                b'"' => {
                    let is_whole = self.bytes.string(&mut text)?;
                    if !is_whole && is_outermost {
                        return Ok(Err("a string without an end; is it cut off?".to_owned()));
                    }
                }
                _ => {}
            }
            if !byte.is_ascii_whitespace() {
                before = byte;
            }
            length += text.len() - start;
            if !is_parsed || length > MAX_RECORD_BYTES {
                text.clear();
            }
        }
        if !is_parsed {
            return Ok(Ok(Value::Null));
        }
        if length > MAX_RECORD_BYTES {
            return Ok(Err(format!("longer than {} MiB", MAX_RECORD_BYTES >> 20)));
        }
        Ok(self.parse(&text))
    }

    fn parse(&mut self, bytes: &[u8]) -> Result<Value, String> {
        let (text, unreadable) = lossy(bytes);
        self.unreadable += unreadable;
        parse_json(&text)
    }
}

const CUT_OFF: &str = "the file ends within a JSON value; is it cut off?";

/// Reads bytes and counts lines.
struct Bytes<R> {
    reader: R,
    buffer: Vec<u8>,
    at: usize,
    end: usize,
    line: u64,
}

impl<R: Read> Bytes<R> {
    fn peek(&mut self) -> io::Result<Option<u8>> {
        while self.at == self.end {
            self.at = 0;
            self.end = match self.reader.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            if self.end == 0 {
                return Ok(None);
            }
        }
        Ok(Some(self.buffer[self.at]))
    }

    fn next(&mut self) -> io::Result<Option<u8>> {
        let byte = self.peek()?;
        if let Some(byte) = byte {
            self.at += 1;
            self.line += u64::from(byte == b'\n');
        }
        Ok(byte)
    }

    /// Reads the rest of a string. False at the end of the file, and where a line ends within the string and the next one
    /// begins with a brace, as it does where a record of JSON lines was cut off.
    fn string(&mut self, text: &mut Vec<u8>) -> io::Result<bool> {
        let start = text.len();
        while let Some(byte) = self.next()? {
            // Enough is kept for the caller to see that the string is too long.
            text.truncate(start + MAX_RECORD_BYTES + 1);
            text.push(byte);
            match byte {
                b'"' => return Ok(true),
                b'\\' => text.extend(self.next()?),
                b'\n' if self.peek()? == Some(b'{') => return Ok(false),
                _ => {}
            }
        }
        Ok(false)
    }

    fn skip_all(&mut self) -> io::Result<()> {
        while self.next()?.is_some() {}
        Ok(())
    }
}

/// Calls `each` with the index of the path and the value of every record. What is wrong with the others is reported.
///
/// # Errors
/// Those of `each`, and if a bad record is refused.
pub(crate) fn each_record(
    files: &mut dyn Files,
    name: &str,
    paths: &[&'static str],
    grouping: &mut Grouping<'_>,
    each: &mut dyn FnMut(&mut Grouping<'_>, usize, &Value) -> io::Result<()>,
) -> io::Result<()> {
    let place = files.place(name);
    let Some(file) = open_noted(files, name, grouping)? else {
        return Ok(());
    };
    let mut records = Records::new(file, paths);
    loop {
        match records.next() {
            Ok(None) => break,
            Ok(Some(record)) => match record.value {
                Ok(value) => each(grouping, record.path, &value)?,
                Err(what) => grouping.bad_record(&format!("{place}:{}: {what}", record.line))?,
            },
            Err(error) => {
                grouping.bad_record(&format!("{place}:{}: {error}", records.bytes.line))?;
                break;
            }
        }
    }
    grouping.add_unreadable(records.unreadable);
    Ok(())
}

/// Calls `each` with every record of a file in the place where its posts are, see [`Candidate::place_of_posts`].
///
/// # Errors
/// Those of [`each_record`].
pub(crate) fn each_post(
    files: &mut dyn Files,
    name: &str,
    is_post: fn(&Value) -> bool,
    grouping: &mut Grouping<'_>,
    each: &mut dyn FnMut(&mut Grouping<'_>, &Value) -> io::Result<()>,
) -> io::Result<()> {
    let paths = Candidate::new(files, name).place_of_posts(is_post);
    let paths = paths.unwrap_or(PLACES[0]);
    each_record(files, name, paths, grouping, &mut |grouping, _, post| {
        each(grouping, post)
    })
}

/// The names of the fields of a record.
pub(crate) fn keys(record: &Value) -> Vec<String> {
    let fields = record.as_object();
    fields.map_or_else(Vec::new, |fields| fields.keys().cloned().collect())
}

/// A string, or a number as it is written; empty for other values. Ids are written in both ways.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        // Of an id, the digits count.
        Value::Number(_) => id_key(value).into_owned(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(json: &str, paths: &[&'static str]) -> Vec<String> {
        let mut records = Records::new(json.as_bytes(), paths);
        let mut found = Vec::new();
        while let Some(record) = records.next().unwrap() {
            found.push(match record.value {
                Ok(value) => format!("{}:{}:{value}", record.line, record.path),
                Err(what) => format!("{}: {what}", record.line),
            });
        }
        found
    }

    #[test]
    fn records_are_found_in_lines_arrays_and_objects() {
        for json in [
            "{\"a\":1}\n{\"a\":2}",
            "{\"a\":1}\n{\"a\" :\r\n2}\n",
            "\u{FEFF}{\"a\":1}\n\n{\"a\":2}",
        ] {
            let found = records(json, &["", "*"]);
            assert!(found[0].ends_with(":0:{\"a\":1}"), "{found:?}");
            assert!(found[1].ends_with(":0:{\"a\":2}"), "{found:?}");
        }
        let found = records(
            "window.YTD.x.part0 = [\n{\"a\":1}, {\"a\":[{}]}\n]",
            &["", "*"],
        );
        assert_eq!(found, ["2:1:{\"a\":1}", "2:1:{\"a\":[{}]}"]);
        let json = r#"{"x": {"m": [{"no": 1}]}, "s": "m", "m": [{"a": "]}\""}, 3, {"b": 2}], "u": {"c": 3}}"#;
        assert_eq!(records(json, &["s", "x/s"]), ["1:0:\"m\""]);
        let found = records(json, &["u", "m/*"]);
        assert_eq!(
            found,
            ["1:1:{\"a\":\"]}\\\"\"}", "1:1:{\"b\":2}", "1:0:{\"c\":3}"]
        );
    }

    #[test]
    fn a_record_that_is_cut_off_costs_no_other() {
        let next = "the next record begins within it; is it cut off?";
        let found = records("{\"a\":1,\n{\"a\":2}\n{\"a\": {\"b\": 3}}", &[""]);
        assert_eq!(
            found,
            [
                format!("1: {next}").as_str(),
                "2:0:{\"a\":2}",
                "3:0:{\"a\":{\"b\":3}}"
            ]
        );
        let found = records("{\"a\":\"x\n{\"a\":2}\n", &[""]);
        assert_eq!(
            found,
            [
                "1: a string without an end; is it cut off?",
                "2:0:{\"a\":2}"
            ]
        );
        let found = records("{\"m\": [{\"a\": 1}, {\"a\": ", &["m/*"]);
        assert_eq!(found, ["1:0:{\"a\":1}", format!("1: {CUT_OFF}").as_str()]);
        let found = records("{\"m\": [{\"a\": 1},", &["m/*"]);
        assert_eq!(found, ["1:0:{\"a\":1}", format!("1: {CUT_OFF}").as_str()]);
    }

    #[test]
    fn what_is_no_json_costs_a_value_and_not_the_record() {
        let json = b"{\"a\": NaN, \"b\": \"x\\x07y\\ud83dz\xff\"}{\"a\": b}";
        let mut records = Records::new(&json[..], &[""]);
        let mut next = || records.next().unwrap().unwrap().value;
        let repaired = serde_json::json!({"a": null, "b": "x\u{7}y\u{FFFD}z\u{FFFD}"});
        assert_eq!(next(), Ok(repaired));
        assert!(next().unwrap_err().starts_with("bad JSON"));
    }

    #[test]
    fn long_ids_that_differ_in_the_last_digit_were_one_user() {
        let json = r#"{"id": 100000000000000000000001}{"id": 100000000000000000000002}{"id": -1.50}{"id": 7.0}"#;
        let mut records = Records::new(json.as_bytes(), &[""]);
        let mut next = || text(&records.next().unwrap().unwrap().value.unwrap()["id"]);
        assert_eq!(next(), "100000000000000000000001");
        assert_eq!(next(), "100000000000000000000002");
        assert_eq!(next(), "-1.5");
        assert_eq!(next(), "7");
    }

    #[test]
    fn endless_records_and_brackets_claim_no_memory() {
        let long = "x".repeat(MAX_RECORD_BYTES + 1);
        let found = records(&format!("{{\"a\": \"{long}\"}}{{\"a\": 1}}"), &[""]);
        assert_eq!(found, ["1: longer than 16 MiB", "1:0:{\"a\":1}"]);
        let found = records(&"[".repeat(100_000), &["a/*"]);
        assert_eq!(found, ["1: more than 512 brackets within each other"]);
    }

    #[test]
    fn fuzz_json_records() {
        let seeds = [
            "window.x = [{\"a\": {\"m\": [1, {\"b\": \"\\ud83d\\ude00 \\x07\"}]}}]",
            "{\"m\": [{\"a\": NaN}, {\"b\": 1e5}], \"u\": {\"c\": null}}\n{\"m\": []}",
        ];
        fuzzing::fuzz("JSON records", &seeds, |bytes| {
            let mut records = Records::new(bytes, &["", "*", "*/a", "m/*", "u"]);
            while let Ok(Some(_)) = records.next() {}
        });
    }
}
