//! The format and compression of a file, by its name and its first bytes.

use std::path::Path;

use super::BYTE_ORDER_MARK;
use super::columns::Finder;

/// The number of first bytes that decide format, encoding and compression.
pub const HEAD_BYTES: usize = 1 << 16;

/// The format of a corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JSON objects: one a line, one after the other, or in an array.
    Jsonl,
    /// A table: a header, then one post a row, separated by commas, semicolons, tabs or `|`.
    Csv,
    /// One post a line.
    Text,
}

impl Format {
    /// The format of a file with this name whose text starts with `head`. The name goes before the content, unless this is
    /// clearly JSON objects or the header of a table with a column of text: Excel calls tables `.txt`.
    pub(super) fn of(path: &Path, head: &[u8], finder: &Finder) -> Self {
        match Self::by_name(path) {
            Some(Self::Text | Self::Csv) if is_json(head) => Self::Jsonl,
            Some(Self::Text | Self::Jsonl) if is_header(head, finder) => Self::Csv,
            Some(format) => format,
            None => Self::by_content(head),
        }
    }

    /// The format that the name of a file states.
    pub fn by_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let name = Packing::strip_ending(&name).unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "jsonl" | "ndjson" | "json" => Some(Self::Jsonl),
            "csv" | "tsv" | "tab" => Some(Self::Csv),
            "txt" => Some(Self::Text),
            _ => None,
        }
    }

    fn by_content(head: &[u8]) -> Self {
        let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
        match head.trim_ascii_start().first() {
            Some(b'{' | b'[') => Self::Jsonl,
            _ => Self::Csv,
        }
    }
}

/// Whether a text begins with an object that has a field, or with a list of these.
fn is_json(head: &[u8]) -> bool {
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    let list = head.trim_ascii_start();
    let list = list.strip_prefix(b"[").unwrap_or(list);
    let object = list.trim_ascii_start().strip_prefix(b"{");
    object.is_some_and(|object| object.trim_ascii_start().starts_with(b"\""))
}

/// Whether the first line names columns, a text among them, between tabs; or between other separators if one names the user.
fn is_header(head: &[u8], finder: &Finder) -> bool {
    let head = head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(head);
    let first = head.split(|byte| matches!(byte, b'\n' | b'\r')).next();
    let first = String::from_utf8_lossy(first.unwrap_or_default());
    [b'\t', b',', b';', b'|']
        .map(char::from)
        .iter()
        .any(|separator| {
            let columns = first.split(*separator);
            let columns: Vec<String> = columns
                .map(|name| name.trim().trim_matches('"').to_owned())
                .collect();
            columns.len() > 1
                && columns.iter().any(|name| finder.is_text(name))
                && (*separator == '\t' || finder.has_user(&columns))
        })
}

/// The compression of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    /// xz.
    Xz,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

impl Packing {
    /// The compression of a file that starts with `head`, if it is compressed. The name does not matter.
    pub fn by_content(head: &[u8]) -> Option<Self> {
        match head {
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            // A frame, or one to be skipped, with which parallel and seekable files begin.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// A name in lower case without its last ending, if this says that the file is compressed, be it with bzip2, which is not read.
    pub fn strip_ending(name: &str) -> Option<&str> {
        let endings = [".xz", ".gz", ".zst", ".bz2"];
        endings.iter().find_map(|ending| name.strip_suffix(ending))
    }

    /// The name of the program that unpacks it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Xz => "xz",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Columns;
    use super::*;

    #[test]
    fn content_of_another_format_than_the_name_states_was_not_seen() {
        let finder = Finder::new(&Columns::default());
        let of = |name: &str, head: &[u8]| Format::of(Path::new(name), head, &finder);
        for name in ["a.txt", "a.csv", "a.jsonl"] {
            for json in [&b"{\"id\": 1}"[..], b"\xef\xbb\xbf[ {\n \"id\""] {
                assert_eq!(of(name, json), Format::Jsonl, "{name}");
            }
        }
        for name in ["a.txt", "a.csv", "a.json"] {
            for table in [
                &b"user_id,text\n7,a"[..],
                b"\"id\";\"text\"\n",
                b"id|text\n",
            ] {
                assert_eq!(of(name, table), Format::Csv, "{name}");
            }
        }
        for text in [
            &b"text, more text\n"[..],
            b"{so} what",
            b"[sic] {\"a\"}",
            b"user\n",
        ] {
            assert_eq!(of("a.txt", text), Format::Text);
        }
    }

    #[test]
    fn a_name_goes_before_the_content() {
        let finder = Finder::new(&Columns::default());
        let of = |name: &str, head: &[u8]| Format::of(Path::new(name), head, &finder);
        for (name, format) in [
            ("a.jsonl", Format::Jsonl),
            ("a.csv.json", Format::Jsonl),
            ("A.NDJSON.GZ", Format::Jsonl),
            ("folder.txt/a.csv", Format::Csv),
            ("a.csv.zst", Format::Csv),
            ("a.TSV", Format::Csv),
            ("a.txt.xz", Format::Text),
        ] {
            assert_eq!(of(name, b"{"), format, "{name}");
            assert_eq!(of(name, b"words,more"), format, "{name}");
        }
        for name in ["a", "jsonl", "folder.csv/a", "a.txt.old", "-", ""] {
            assert_eq!(of(name, b"\xef\xbb\xbf \n{"), Format::Jsonl, "{name}");
            assert_eq!(of(name, b"text\n{"), Format::Csv, "{name}");
            assert_eq!(of(name, b""), Format::Csv, "{name}");
        }
        assert_eq!(of("a", b"[{"), Format::Jsonl);
        // Excel's "Unicode text".
        assert_eq!(of("a.txt", b"\xef\xbb\xbfid\ttext\r\n1\ta"), Format::Csv);
        assert_eq!(of("a.txt", b"text\n1\ttext"), Format::Text);
    }
}
