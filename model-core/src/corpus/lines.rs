//! Lines of bounded length.

use std::io::{self, BufRead};

use super::{BYTE_ORDER_MARK, MAX_RECORD_BYTES};

/// Reads lines, holding at most [`MAX_RECORD_BYTES`] of each. They end with LF, CR LF or, as those of old spreadsheets for
/// the Mac, CR.
pub(super) struct Lines<R> {
    reader: R,
    number: u64,
    line: Vec<u8>,
    /// Whether the last line ended with CR: an LF that follows belongs to its end.
    after_cr: bool,
}

/// A line.
#[derive(Debug, PartialEq)]
pub(super) struct Line<'a> {
    /// Its number, counted from 1.
    pub number: u64,
    /// Its bytes without the line end, or what is wrong with it.
    pub bytes: Result<&'a [u8], String>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            number: 0,
            line: Vec::new(),
            after_cr: false,
        }
    }

    /// The next line.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let (mut length, mut ended) = (0, false);
        while !ended {
            let buffer = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            if buffer.is_empty() {
                if length == 0 {
                    return Ok(None);
                }
                break;
            }
            if std::mem::take(&mut self.after_cr) && buffer[0] == b'\n' {
                self.reader.consume(1);
                continue;
            }
            let end = buffer.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = &buffer[..end.unwrap_or(buffer.len())];
            length += part.len();
            if length <= MAX_RECORD_BYTES {
                self.line.extend_from_slice(part);
            }
            ended = end.is_some();
            self.after_cr = end.is_some_and(|end| buffer[end] == b'\r');
            let taken = part.len() + usize::from(ended);
            self.reader.consume(taken);
        }
        self.number += 1;
        let number = self.number;
        if length > MAX_RECORD_BYTES {
            let bytes = Err(format!("longer than {} MiB", MAX_RECORD_BYTES >> 20));
            return Ok(Some(Line { number, bytes }));
        }
        let mut line = self.line.as_slice();
        if number == 1 {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        Ok(Some(Line {
            number,
            bytes: Ok(line),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Read};

    fn lines(bytes: &[u8]) -> Vec<(u64, String)> {
        let mut lines = Lines::new(BufReader::with_capacity(3, bytes));
        let mut all = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            let text = String::from_utf8(line.bytes.unwrap().to_vec());
            all.push((line.number, text.unwrap()));
        }
        all
    }

    #[test]
    fn lines_are_numbered_and_trimmed_of_their_ends() {
        let expected = ["one", "", "two two", "three"].map(String::from);
        let expected: Vec<_> = (1..).zip(expected).collect();
        for end in ["\n", "\r\n", "\r"] {
            let text = format!("\u{FEFF}one{end}{end}two two{end}three");
            assert_eq!(lines(text.as_bytes()), expected, "{end:?}");
            assert_eq!(lines((text + end).as_bytes()), expected, "{end:?}");
        }
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn an_endless_line_is_refused_without_being_held() {
        let endless = io::repeat(b'x').take(MAX_RECORD_BYTES as u64 + 1);
        let mut lines = Lines::new(BufReader::new(endless.chain(&b"\nfine\n"[..])));
        let line = lines.next().unwrap().unwrap();
        assert!(line.bytes.unwrap_err().contains("64 MiB"));
        assert!(lines.line.capacity() <= 2 * MAX_RECORD_BYTES);
        let line = lines.next().unwrap().unwrap();
        assert_eq!((line.number, line.bytes), (2, Ok(&b"fine"[..])));
    }
}
