//! Lines of bounded length.

use std::io::{self, BufRead};

use super::MAX_RECORD_BYTES;

/// Reads lines, holding at most [`MAX_RECORD_BYTES`] of each.
pub(super) struct Lines<R> {
    reader: R,
    number: u64,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R) -> Self {
        Self {
            reader,
            number: 0,
            line: Vec::new(),
        }
    }

    /// The number of the next line, counted from 1, and its text without the line end, or what is wrong with it.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Result<&str, String>)>> {
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
            let end = buffer.iter().position(|&byte| byte == b'\n');
            let part = &buffer[..end.unwrap_or(buffer.len())];
            length += part.len();
            if length <= MAX_RECORD_BYTES {
                self.line.extend_from_slice(part);
            }
            ended = end.is_some();
            let taken = part.len() + usize::from(ended);
            self.reader.consume(taken);
        }
        self.number += 1;
        if length > MAX_RECORD_BYTES {
            return Ok(Some((
                self.number,
                Err(format!("longer than {} MiB", MAX_RECORD_BYTES >> 20)),
            )));
        }
        let mut line = self.line.as_slice();
        // Some editors start a file with a byte order mark and end lines with a carriage return.
        if self.number == 1 {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(Some((self.number, text(line))))
    }
}

/// Decodes UTF-8; the error names the first invalid byte.
pub(super) fn text(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes)
        .map_err(|error| format!("invalid UTF-8 at byte {}", error.valid_up_to() + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Read};

    fn lines(bytes: &[u8]) -> Vec<(u64, Result<String, String>)> {
        let mut lines = Lines::new(BufReader::with_capacity(3, bytes));
        let mut all = Vec::new();
        while let Some((number, line)) = lines.next().unwrap() {
            all.push((number, line.map(String::from)));
        }
        all
    }

    #[test]
    fn lines_are_numbered_and_trimmed_of_their_ends() {
        let expected = ["one", "", "two two", "three"].map(String::from).map(Ok);
        let expected: Vec<_> = (1..).zip(expected).collect();
        assert_eq!(lines(b"\xef\xbb\xbfone\r\n\ntwo two\nthree"), expected);
        assert_eq!(lines(b"\xef\xbb\xbfone\r\n\ntwo two\nthree\n"), expected);
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn invalid_bytes_spoil_only_their_line() {
        let all = lines(b"ab\xffc\nfine");
        assert_eq!(all[0].1, Err("invalid UTF-8 at byte 3".into()));
        assert_eq!(all[1], (2, Ok("fine".into())));
    }

    #[test]
    fn an_endless_line_is_refused_without_being_held() {
        let endless = io::repeat(b'x').take(MAX_RECORD_BYTES as u64 + 1);
        let mut lines = Lines::new(BufReader::new(endless.chain(&b"\nfine\n"[..])));
        assert!(
            lines
                .next()
                .unwrap()
                .unwrap()
                .1
                .unwrap_err()
                .contains("64 MiB")
        );
        assert!(lines.line.capacity() <= 2 * MAX_RECORD_BYTES);
        assert_eq!(lines.next().unwrap(), Some((2, Ok("fine"))));
    }
}
