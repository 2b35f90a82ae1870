//! The format and compression of a file, by its name and its first bytes.

use std::path::Path;

/// The number of first bytes that decide format and compression.
pub const HEAD_BYTES: usize = 64;

/// The format of a corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One JSON object a line.
    Jsonl,
    /// A header, then one post a row.
    Csv,
    /// One post a line.
    Text,
}

impl Format {
    /// The format of a file with this name whose content, decompressed, starts with `head`.
    pub fn of(path: &Path, head: &[u8]) -> Self {
        Self::by_name(path).unwrap_or_else(|| Self::by_content(head))
    }

    fn by_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let name = [".xz", ".gz", ".zst"]
            .iter()
            .find_map(|packed| name.strip_suffix(packed))
            .unwrap_or(&name);
        match name.rsplit_once('.')?.1 {
            "jsonl" | "ndjson" | "json" => Some(Self::Jsonl),
            "csv" => Some(Self::Csv),
            "txt" => Some(Self::Text),
            _ => None,
        }
    }

    fn by_content(head: &[u8]) -> Self {
        let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
        match head.trim_ascii_start().first() {
            Some(b'{') => Self::Jsonl,
            _ => Self::Csv,
        }
    }
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
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_goes_before_the_content() {
        let of = |name: &str, head: &[u8]| Format::of(Path::new(name), head);
        for (name, format) in [
            ("a.jsonl", Format::Jsonl),
            ("a.csv.json", Format::Jsonl),
            ("A.NDJSON.GZ", Format::Jsonl),
            ("folder.txt/a.csv", Format::Csv),
            ("a.csv.zst", Format::Csv),
            ("a.txt.xz", Format::Text),
        ] {
            assert_eq!(of(name, b"{"), format, "{name}");
            assert_eq!(of(name, b"id,text"), format, "{name}");
        }
        for name in ["a", "jsonl", "folder.csv/a", "a.txt.old", "-", ""] {
            assert_eq!(of(name, b"\xef\xbb\xbf \n{"), Format::Jsonl, "{name}");
            assert_eq!(of(name, b"text\n{"), Format::Csv, "{name}");
            assert_eq!(of(name, b""), Format::Csv, "{name}");
        }
    }
}
