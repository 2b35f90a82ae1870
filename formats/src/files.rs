//! The files of an input, and a first look into one.

use std::io::{self, BufRead, Read};

use model_core::corpus::{Decoded, Encoding, HEAD_BYTES, Packing, peek};
use serde_json::Value;

use crate::json::{PLACES, Paths, Records};
use crate::labels::attribute;
use crate::table::open_table;

/// How many bytes are read for the first records of a JSON file, which may be pages of posts.
const RECORD_BYTES: u64 = 4 << 20;
/// How many records show what a file is. Streams may begin with notices.
const FIRST_RECORDS: usize = 32;

/// An input: files with names, such as those of a folder or an archive.
pub trait Files {
    /// The names of the files with the folders that they are in, separated by `/`, in a fixed order.
    fn names(&self) -> &[String];

    /// A file of the input as messages name it.
    fn place(&self, name: &str) -> String;

    /// The bytes of the file of this name.
    ///
    /// # Errors
    /// If it cannot be read.
    fn open(&mut self, name: &str) -> io::Result<Box<dyn BufRead + '_>>;
}

/// A file that may belong to a format.
pub struct Candidate<'a> {
    files: &'a mut dyn Files,
    name: &'a str,
    /// Read once for all formats.
    head: Option<String>,
    /// The first records at some paths, read once for all formats.
    records: Vec<(Paths, Vec<Value>)>,
}

impl<'a> Candidate<'a> {
    /// The file of this name.
    pub fn new(files: &'a mut dyn Files, name: &'a str) -> Self {
        Self {
            files,
            name,
            head: None,
            records: Vec::new(),
        }
    }

    /// The name of the file with the folders that it is in.
    pub fn name(&self) -> &str {
        self.name
    }

    /// Whether the name ends in `.` and one of `extensions`, before `.xz` and the like. The only file of an input may have
    /// any name.
    pub fn may_be(&self, extensions: &[&str]) -> bool {
        self.is_alone() || extensions.contains(&extension(self.name).as_str())
    }

    /// Whether it is all of the input.
    pub(crate) fn is_alone(&self) -> bool {
        self.files.names().len() == 1
    }

    /// The begin of the file as text; empty if it cannot be read.
    pub fn head(&mut self) -> &str {
        self.head.get_or_insert_with(|| {
            let mut bytes = Vec::new();
            if let Ok(file) = open_text(self.files, self.name) {
                // Reading the whole file meets the error again and reports it.
                let _ = file.take(HEAD_BYTES as u64).read_to_end(&mut bytes);
            }
            let head = String::from_utf8_lossy(&bytes);
            head.trim_start_matches('\u{FEFF}').to_owned()
        })
    }

    /// The columns of a CSV file; none if it is not one.
    pub fn columns(&mut self) -> Vec<String> {
        let table = open_table(self.head().as_bytes());
        table.map_or_else(|_| Vec::new(), |table| table.columns)
    }

    /// Whether this is a CSV file with all these columns.
    pub fn has_columns(&mut self, columns: &[&str]) -> bool {
        let found = self.columns();
        (columns.iter()).all(|column| found.iter().any(|name| name == column))
    }

    /// Whether this is a CSV file to which somebody has added labels of the users. Such a file is read as a table of no known
    /// format, which keeps all columns.
    pub(crate) fn has_labels(&mut self) -> bool {
        let columns = self.columns();
        columns.iter().any(|name| attribute(name).is_some())
    }

    /// The first record of a JSON file, see [`Records`]; null if there is none.
    pub(crate) fn first_record(&mut self, paths: Paths) -> Value {
        self.first_records(paths)
            .first()
            .cloned()
            .unwrap_or_default()
    }

    /// Whether one of the first records of a JSON file is of a kind.
    pub(crate) fn has_record(&mut self, paths: Paths, is_it: impl Fn(&Value) -> bool) -> bool {
        self.first_records(paths).iter().any(is_it)
    }

    /// Where a JSON file has its posts, one of [`PLACES`]; none if none of the first records is one. A record with a list of
    /// posts is a user of a corpus, whatever fields it has kept.
    pub(crate) fn place_of_posts(&mut self, is_post: impl Fn(&Value) -> bool) -> Option<Paths> {
        let is_post = |record: &Value| !record["posts"].is_array() && is_post(record);
        (PLACES.into_iter()).find(|paths| self.has_record(paths, is_post))
    }

    /// The first records of a JSON file at some paths.
    pub(crate) fn first_records(&mut self, paths: Paths) -> &[Value] {
        let known = self.records.iter().position(|(other, _)| *other == paths);
        let index = known.unwrap_or_else(|| {
            let mut found = Vec::new();
            if let Ok(file) = open_text(self.files, self.name) {
                let mut records = Records::new(file.take(RECORD_BYTES), paths);
                while found.len() < FIRST_RECORDS
                    && let Ok(Some(record)) = records.next()
                {
                    found.extend(record.value);
                }
            }
            self.records.push((paths, found));
            self.records.len() - 1
        });
        &self.records[index].1
    }
}

/// The name without the folders that it is in, and without the number that a browser gives a second download:
/// `messages (1).json` is `messages.json`.
pub(crate) fn base(name: &str) -> String {
    let base = name.rsplit('/').next().unwrap_or(name);
    let numbered = base.rsplit_once('(').and_then(|(start, rest)| {
        let (number, ending) = rest.split_once(')')?;
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let is_last = ending.is_empty() || ending.starts_with('.');
        let start = start.trim_end();
        (is_number && is_last && !start.is_empty()).then(|| format!("{start}{ending}"))
    });
    numbered.unwrap_or_else(|| base.to_owned())
}

/// The folder that a file is in, with `/` at its end; empty for the outermost one. Of a folder, the one around it.
pub(crate) fn folder(name: &str) -> &str {
    let name = name.trim_end_matches('/');
    &name[..name.rfind('/').map_or(0, |end| end + 1)]
}

/// The innermost folder around a file that has another name than these, in any case. It ends with `/`.
pub(crate) fn folder_outside<'n>(name: &'n str, inner: &[&str]) -> &'n str {
    let mut found = folder(name);
    while inner
        .iter()
        .any(|inner| base(found.trim_end_matches('/')).eq_ignore_ascii_case(inner))
    {
        found = folder(found);
    }
    found
}

/// The name without folders and without the ending.
pub(crate) fn stem(name: &str) -> String {
    let base = base(name);
    base.split('.').next().unwrap_or_default().to_owned()
}

/// The ending of a name in lower case, before `.xz` and the like.
pub(crate) fn extension(name: &str) -> String {
    let name = base(name).to_ascii_lowercase();
    let name = Packing::strip_ending(&name).unwrap_or(&name);
    name.rsplit_once('.')
        .map_or("", |(_, ending)| ending)
        .to_owned()
}

/// A file with its first bytes and the encoding that they show.
struct Opened<R> {
    head: Vec<u8>,
    encoding: Encoding,
    reader: R,
}

fn open<'a>(files: &'a mut dyn Files, name: &str) -> io::Result<Opened<impl BufRead + use<'a>>> {
    let (head, reader) = peek(files.open(name)?, HEAD_BYTES)?;
    let encoding = Encoding::recognise(&head).unwrap_or(Encoding::Utf8);
    Ok(Opened {
        head,
        encoding,
        reader,
    })
}

/// The text of a file in UTF-8, whatever its encoding is.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn open_text<'a>(
    files: &'a mut dyn Files,
    name: &str,
) -> io::Result<Decoded<impl BufRead + use<'a>>> {
    open(files, name).map(|file| file.encoding.decode(file.reader))
}

/// The same where the posts of a file are read: its encoding is noted. `None` if it cannot be read, which costs a bad record.
///
/// # Errors
/// If the bad record is refused.
pub(crate) fn open_noted<'a>(
    files: &'a mut dyn Files,
    name: &str,
    grouping: &mut crate::Grouping<'_>,
) -> io::Result<Option<Decoded<impl BufRead + use<'a>>>> {
    let place = files.place(name);
    match open(files, name) {
        Ok(file) => {
            grouping.note(&place, file.encoding.note(&file.head));
            Ok(Some(file.encoding.decode(file.reader)))
        }
        Err(error) => {
            grouping.bad_record(&format!("{place}: {error}"))?;
            Ok(None)
        }
    }
}

/// The most bytes of a file that is read whole.
const MOST_BYTES: usize = 64 << 20;

/// All of a text.
///
/// # Errors
/// If it cannot be read, or has more than 64 MiB.
pub(crate) fn read_all(text: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    text.take(MOST_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MOST_BYTES {
        let what = format!("longer than {} MiB", MOST_BYTES >> 20);
        return Err(io::Error::other(what));
    }
    Ok(bytes)
}

/// All text of a file, without its byte order mark. Its encoding is noted, and its unreadable bytes are counted. `None` if it
/// cannot be read or has more than 64 MiB, which costs a bad record.
///
/// # Errors
/// If the bad record is refused.
pub(crate) fn read_text(
    files: &mut dyn Files,
    name: &str,
    grouping: &mut crate::Grouping<'_>,
) -> io::Result<Option<String>> {
    let place = files.place(name);
    let read = open(files, name).and_then(|file| {
        let bytes = read_all(file.encoding.decode(file.reader))?;
        Ok((bytes, file.encoding.note(&file.head)))
    });
    match read {
        Ok((bytes, note)) => {
            grouping.note(&place, note);
            let text = grouping.text(&bytes);
            Ok(Some(text.trim_start_matches('\u{FEFF}').to_owned()))
        }
        Err(error) => {
            grouping.bad_record(&format!("{place}: {error}"))?;
            Ok(None)
        }
    }
}

/// Calls `each` with the number and the text of every line that is not empty, without the line end. A file that cannot be
/// read to its end costs a bad record.
///
/// # Errors
/// Those of `each`, and if a bad record is refused.
pub(crate) fn each_line(
    files: &mut dyn Files,
    name: &str,
    grouping: &mut crate::Grouping<'_>,
    each: &mut dyn FnMut(&mut crate::Grouping<'_>, u64, &str) -> io::Result<()>,
) -> io::Result<()> {
    let place = files.place(name);
    let Some(mut file) = open_noted(files, name, grouping)? else {
        return Ok(());
    };
    // Old programs for the Mac end lines by CR. An error is met again below.
    let end = file.fill_buf().map_or(b'\n', line_end);
    let mut bytes = Vec::new();
    for number in 1.. {
        bytes.clear();
        match file
            .by_ref()
            .take(MAX_LINE_BYTES)
            .read_until(end, &mut bytes)
        {
            Ok(0) => break,
            Ok(_) if bytes.len() as u64 == MAX_LINE_BYTES => {
                let limit = MAX_LINE_BYTES >> 20;
                grouping.bad_record(&format!(
                    "{place}:{number}: longer than {limit} MiB; reading ends here"
                ))?;
                break;
            }
            Ok(_) => {}
            Err(error) => {
                grouping.bad_record(&format!("{place}:{number}: {error}"))?;
                break;
            }
        }
        let line = grouping.text(&bytes);
        let line = line
            .trim_start_matches('\u{FEFF}')
            .trim_end_matches(['\n', '\r']);
        if !line.is_empty() {
            each(grouping, number, line)?;
        }
    }
    Ok(())
}

/// The lines of a text that ends them as [`each_line`] does.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let end = char::from(line_end(text.as_bytes()));
    text.split(end).map(|line| line.trim_end_matches('\r'))
}

/// The last byte of the line ends of a text: CR if there is no LF.
fn line_end(text: &[u8]) -> u8 {
    match memchr::memchr(b'\n', text).is_none() && memchr::memchr(b'\r', text).is_some() {
        true => b'\r',
        false => b'\n',
    }
}

/// The longest line that is read.
const MAX_LINE_BYTES: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_download_was_of_no_format() {
        for (name, expected) in [
            ("a/messages (1).json", "messages.json"),
            ("tweets(12).js", "tweets.js"),
            ("tweets-part1 (2).js.gz", "tweets-part1.js.gz"),
            ("folder (1)/users.csv", "users.csv"),
            ("chat (of 2024).txt", "chat (of 2024).txt"),
            ("(1).json", "(1).json"),
            ("a (1) b.txt", "a (1) b.txt"),
        ] {
            assert_eq!(base(name), expected, "{name}");
        }
        assert_eq!(stem("x/17 (1).csv"), "17");
    }
}
