//! Where the objects of a JSON file begin and end, however they are laid out: one a line, several lines each, one after the
//! other or in an array.

use std::io::{self, BufRead};

use super::{BYTE_ORDER_MARK, MAX_RECORD_BYTES};

/// Finds one object after the other. A broken one ends before the next line that begins an object, so that it costs no
/// other.
pub(super) struct JsonRecords<R> {
    reader: R,
    place: Place,
    open: Option<Open>,
}

/// Where the next byte is.
struct Place {
    /// Counted from 1.
    line: u64,
    /// The number of bytes before it in the line.
    column: usize,
    /// Whether these are all blank.
    is_indent: bool,
    after_cr: bool,
}

/// A record that has begun and not ended.
struct Open {
    line: u64,
    column: usize,
    bytes: Vec<u8>,
    length: usize,
    /// What was opened in it and not closed: 0 in text that is no object.
    depth: usize,
    in_string: bool,
    is_escaped: bool,
    /// Whether nothing has followed its first byte.
    is_bare: bool,
    /// Whether nested objects are indented or in the same line, so that an object at the start of a line is none of them.
    has_layout: bool,
}

/// The text of an object, or of something else that stands where one should.
pub(super) struct JsonRecord {
    /// The line in which it begins, counted from 1.
    pub line: u64,
    /// Its bytes, or what is wrong with it.
    pub bytes: Result<Vec<u8>, String>,
}

/// The role of a byte in the record.
enum Step {
    Outside,
    Inside,
    /// Its last byte.
    Last,
    /// The first byte after it.
    After,
}

impl<R: BufRead> JsonRecords<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            place: Place {
                line: 1,
                column: 0,
                is_indent: true,
                after_cr: false,
            },
            open: None,
        }
    }

    /// The next record.
    pub(super) fn next(&mut self) -> io::Result<Option<JsonRecord>> {
        loop {
            let buffer = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if buffer.is_empty() {
                return Ok(self.open.take().map(Open::finish));
            }
            let (mut from, mut taken, mut is_over) = (0, buffer.len(), false);
            for (at, &byte) in buffer.iter().enumerate() {
                match step(&mut self.open, &self.place, byte) {
                    Step::Outside => from = at + 1,
                    Step::Inside => {}
                    Step::Last => (taken, is_over) = (at + 1, true),
                    Step::After => (taken, is_over) = (at, true),
                }
                if taken > at {
                    self.place.pass(byte);
                }
                if is_over {
                    break;
                }
            }
            if let Some(open) = &mut self.open {
                open.push(&buffer[from.min(taken)..taken]);
            }
            self.reader.consume(taken);
            if is_over {
                return Ok(self.open.take().map(Open::finish));
            }
        }
    }
}

/// Follows the next byte.
fn step(open: &mut Option<Open>, place: &Place, byte: u8) -> Step {
    let is_blank = matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
    let Some(record) = open else {
        // Between the objects of an array, and of files that were put together.
        let is_between = is_blank
            || matches!(byte, b',' | b'[' | b']' | b'\x1E')
            || BYTE_ORDER_MARK.contains(&byte);
        if is_between {
            return Step::Outside;
        }
        *open = Some(Open {
            line: place.line,
            column: place.column,
            bytes: Vec::new(),
            length: 0,
            depth: usize::from(byte == b'{'),
            in_string: false,
            is_escaped: false,
            is_bare: true,
            has_layout: false,
        });
        return Step::Inside;
    };
    if record.depth == 0 {
        let ends = matches!(byte, b'{' | b'\n' | b'\r');
        return if ends { Step::After } else { Step::Inside };
    }
    let begins_line = place.is_indent && !is_blank;
    // No object begins with another one.
    let is_other = record.has_layout || record.is_bare;
    if byte == b'{' && begins_line && place.column <= record.column && is_other {
        return Step::After;
    }
    record.is_bare &= is_blank;
    record.has_layout |=
        !is_blank && (place.line == record.line || (begins_line && place.column > record.column));
    match byte {
        _ if record.is_escaped => record.is_escaped = false,
        b'\\' => record.is_escaped = record.in_string,
        b'"' => record.in_string = !record.in_string,
        b'{' | b'[' if !record.in_string => record.depth += 1,
        b'}' | b']' if !record.in_string => record.depth -= 1,
        _ => {}
    }
    match record.depth {
        0 => Step::Last,
        _ => Step::Inside,
    }
}

impl Place {
    fn pass(&mut self, byte: u8) {
        let ends_line = byte == b'\r' || (byte == b'\n' && !self.after_cr);
        self.after_cr = byte == b'\r';
        if ends_line || byte == b'\n' {
            self.line += u64::from(ends_line);
            (self.column, self.is_indent) = (0, true);
        } else {
            self.column += 1;
            self.is_indent &= matches!(byte, b' ' | b'\t');
        }
    }
}

impl Open {
    fn push(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        match self.length <= MAX_RECORD_BYTES {
            true => self.bytes.extend_from_slice(bytes),
            false => self.bytes = Vec::new(),
        }
    }

    fn finish(self) -> JsonRecord {
        JsonRecord {
            line: self.line,
            bytes: match self.length <= MAX_RECORD_BYTES {
                true => Ok(self.bytes),
                false => Err(format!("longer than {} MiB", MAX_RECORD_BYTES >> 20)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// The line and the text of each record.
    fn records(text: &str, buffer: usize) -> Vec<(u64, String)> {
        let mut records = JsonRecords::new(BufReader::with_capacity(buffer, text.as_bytes()));
        let mut all = Vec::new();
        while let Some(record) = records.next().unwrap() {
            all.push((
                record.line,
                String::from_utf8(record.bytes.unwrap()).unwrap(),
            ));
        }
        all
    }

    fn lines(text: &str) -> Vec<u64> {
        records(text, 7).into_iter().map(|(line, _)| line).collect()
    }

    #[test]
    fn a_broken_record_costs_no_other() {
        for (text, expected) in [
            ("{\"a\": [\"cut off\n{\"b\": 1}\n", &[1, 2][..]),
            ("{\"a\": \"odd \" quote\"}\n{\"b\": 1}\n", &[1, 2]),
            ("{\"a\": [1}\n\n{\"b\": 1}{\"c\": \"", &[1, 3, 3]),
            ("nonsense\n3\n{\"b\": 1} rest\n", &[1, 2, 3, 3]),
            ("{\n{\"b\": 1}\n", &[1, 2]),
            (
                "[\n  {\n    \"a\": [\n  },\n  {\n    \"b\": 1\n  }\n]\n",
                &[2, 5],
            ),
            ("{\n  \"a\": \"cut\n}\n{\n  \"b\": 1\n}\n", &[1, 4]),
            // A line end inside a string, and objects without indentation.
            ("{\"a\": \"one\ntwo\"}\n{\"b\": 1}", &[1, 3]),
            ("[\n{\n\"a\": [\n{\n\"b\": 1\n}\n]\n},\n{\n}\n]\n", &[2, 9]),
        ] {
            assert_eq!(lines(text), expected, "{text:?}");
            assert_eq!(lines(&text.replace('\n', "\r\n")), expected, "{text:?}");
            assert_eq!(lines(&text.replace('\n', "\r")), expected, "{text:?}");
        }
    }

    #[test]
    fn an_endless_record_is_refused_without_being_held() {
        let endless = io::repeat(b'x').take(MAX_RECORD_BYTES as u64 + 1);
        let text = (&b"{\"text\": \""[..]).chain(endless).chain(&b"\n{}\n"[..]);
        let mut records = JsonRecords::new(BufReader::new(text));
        let first = records.next().unwrap().unwrap();
        assert!(first.bytes.unwrap_err().contains("64 MiB"));
        let second = records.next().unwrap().unwrap();
        assert_eq!((second.line, second.bytes), (2, Ok(b"{}".to_vec())));
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(Value::from),
            "[a\"\\\\{}\\[\\],\n é]{0,5}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map("[a-c]", inner, 0..3).prop_map(|map| json!(map)),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_layout_has_the_same_records(
            values in prop::collection::vec(prop::collection::vec(value(), 0..3), 0..4), buffer in 1usize..20
        ) {
            let values: Vec<Value> = values.into_iter().map(|value| json!({ "a": value })).collect();
            let joined = |between: &str| {
                let texts: Vec<String> = values.iter().map(Value::to_string).collect();
                texts.join(between)
            };
            let pretty: Vec<String> = (values.iter())
                .map(|value| serde_json::to_string_pretty(value).unwrap())
                .collect();
            for text in [
                joined("\n"), joined(""), joined("\r"), format!("[{}]", joined(", ")), format!("[\n{}\n]", joined(",\n")),
                pretty.concat(), pretty.join("\n"), serde_json::to_string_pretty(&values).unwrap(),
            ] {
                let found: Vec<Value> = (records(&text, buffer).iter())
                    .map(|(_, record)| serde_json::from_str(record).unwrap())
                    .collect();
                prop_assert_eq!(&found, &values, "{}", text);
            }
        }
    }
}
