//! Names the kind of an unexpected file by its first bytes.

/// The number of first bytes that [`what_else`] looks at.
pub const KIND_BYTES: usize = 1 << 12;

/// Signatures at the beginning of files, and what has them.
const SIGNATURES: &[(&[u8], &str)] = &[
    (
        b"version https://git-lfs.github.com/",
        "a Git LFS pointer, not the file itself (run git lfs pull)",
    ),
    (b"%PDF-", "a PDF document (save its text)"),
    (
        b"PAR1",
        "a Parquet file (the command line reads it; or save it as CSV or JSON lines)",
    ),
    (
        b"ARROW1",
        "an Arrow file (the command line reads it; or save it as CSV or JSON lines)",
    ),
    (
        b"FEA1",
        "a Feather file of version 1 (save it as version 2, CSV or Parquet)",
    ),
    (
        b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
        "an old Excel workbook or Word document (save it as CSV or text)",
    ),
    (
        b"SQLite format 3\0",
        "an SQLite database (export its tables as CSV)",
    ),
    (b"\x28\xB5\x2F\xFD", "compressed with zstd"),
    (b"\x1F\x8B", "compressed with gzip"),
    (b"\xFD7zXZ\0", "compressed with xz"),
    (b"BZh", "compressed with bzip2 (unpack it first)"),
    (b"7z\xBC\xAF\x27\x1C", "a 7-Zip archive (unpack it first)"),
    (b"Rar!\x1A\x07", "a RAR archive (unpack it first)"),
    (b"\x89PNG\r\n", "a picture (PNG)"),
    (b"\xFF\xD8\xFF", "a picture (JPEG)"),
    (b"GIF8", "a picture (GIF)"),
    (b"\x89HDF\r\n", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"GGUF", "a GGUF model"),
    (b"{\\rtf", "an RTF document (save it as text)"),
    (b"\x04\x22\x4D\x18", "compressed with LZ4 (unpack it first)"),
    (b"\x1F\x9D", "compressed with compress (unpack it first)"),
    (b"]\0\0", "compressed with LZMA (unpack it first)"),
    (b"$FL2@(#)", "an SPSS file (export it as CSV)"),
    (b"$FL3@(#)", "an SPSS file (export it as CSV)"),
    (b"<stata_dta>", "a Stata file (export it as CSV)"),
    (b"X\n\0\0\0", "an R file (export it as CSV)"),
    (b"RDX2\n", "an R file (export it as CSV)"),
    (b"RDX3\n", "an R file (export it as CSV)"),
    (
        b"Obj\x01",
        "an Avro file (save it as Parquet, CSV or JSON lines)",
    ),
    (b"OggS", "a film or sound (Ogg)"),
    (b"\x1A\x45\xDF\xA3", "a film (Matroska)"),
];

/// The kind of a file that starts with `head`; `None` for text and unknown kinds.
///
/// ```
/// use model_core::file_kind::what_else;
///
/// assert_eq!(what_else(b"PK\x03\x04\x14\0\0\0"), Some("a ZIP archive (unpack it first)"));
/// assert_eq!(what_else(b"id,text\n"), None);
/// ```
pub fn what_else(head: &[u8]) -> Option<&'static str> {
    let head = &head[..head.len().min(KIND_BYTES)];
    let contains = |part: &[u8]| head.windows(part.len()).any(|window| window == part);
    if head.starts_with(b"PK\x03\x04") {
        return Some(if contains(b"xl/") {
            "an Excel workbook (save it as CSV)"
        } else if contains(b"[Content_Types].xml")
            || contains(b"word/")
            || contains(b"mimetypeapplication/vnd.oasis")
        {
            "an office document (save it as CSV or text)"
        } else if contains(b"/data.pkl") {
            "a PyTorch model"
        } else {
            "a ZIP archive (unpack it first)"
        });
    }
    if head.get(257..262) == Some(b"ustar") {
        return Some("a tar archive (unpack it first)");
    }
    if head.get(4..8) == Some(b"ftyp") {
        return Some("a film, sound or picture (MP4)");
    }
    if matches!(head, [0x80, 2..=5, ..]) {
        return Some("a Python pickle (save it as CSV or JSON lines)");
    }
    let text = head
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(head)
        .trim_ascii_start();
    let begins = |start: &str| {
        let beginning = text.get(..start.len());
        beginning.is_some_and(|beginning| beginning.eq_ignore_ascii_case(start.as_bytes()))
    };
    if begins("<!doctype html") || begins("<html") {
        return Some("an HTML page");
    }
    if begins("<?xml") {
        return Some("an XML file");
    }
    if begins("window.YTD.") {
        return Some("a file of an X (Twitter) archive, whose posts are in tweets.js");
    }
    let mut signatures = SIGNATURES.iter();
    let known = signatures.find(|(signature, _)| head.starts_with(signature));
    known.map(|(_, kind)| *kind)
}
