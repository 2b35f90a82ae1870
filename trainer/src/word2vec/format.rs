//! The text and the binary format of word2vec.
//!
//! Both begin with a line `<words> <dimensions>`. In the text format, each word has a line with the word and its values,
//! separated by spaces. In the binary format, each word is followed by a space and its values as little-endian 32-bit
//! floats.

use std::io::{self, BufRead, Read, Write};
use std::path::{Path, PathBuf};

use model_core::file_kind::what_else;

use super::Vectors;
use crate::corpus;

/// A file format of vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Decimal numbers; the file is about three times as large.
    Text,
    /// 32-bit floats.
    Binary,
}

impl Format {
    /// The format of a file by its extension: `.txt`, `.vec` or `.bin`.
    pub fn of_name(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "txt" | "vec" => Some(Self::Text),
            "bin" => Some(Self::Binary),
            _ => None,
        }
    }
}

/// Why word vectors cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum VectorsError {
    /// The file is missing or unreadable.
    #[error("word vectors {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// The file is not in either format.
    #[error("word vectors {}: {what}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        what: String,
    },
}

/// Writes `vectors` in one of the two formats.
pub fn write_vectors(out: &mut dyn Write, vectors: &Vectors, format: Format) -> io::Result<()> {
    writeln!(out, "{} {}", vectors.words.len(), vectors.dimensions)?;
    for (word, row) in vectors
        .words
        .iter()
        .zip(vectors.values.chunks_exact(vectors.dimensions.max(1)))
    {
        write!(out, "{word}")?;
        match format {
            Format::Text => row.iter().try_for_each(|value| write!(out, " {value}"))?,
            Format::Binary => {
                let bytes: Vec<u8> = row.iter().flat_map(|value| value.to_le_bytes()).collect();
                out.write_all(b" ")?;
                out.write_all(&bytes)?;
            }
        }
        writeln!(out)?;
    }
    Ok(())
}

/// Reads vectors in either format, compressed or not.
///
/// # Errors
/// If the file cannot be read or is in neither format. Memory grows with the content of the file, not with the counts in
/// its header.
pub fn read_vectors(path: &Path) -> Result<Vectors, VectorsError> {
    let file = |source| VectorsError::File {
        path: path.to_owned(),
        source,
    };
    let mut reader = corpus::open_input(path).map_err(file)?;
    read(&mut *reader).map_err(|error| match error {
        ReadError::Io(source) => file(source),
        ReadError::Content(what) => VectorsError::Content {
            path: path.to_owned(),
            what,
        },
    })
}

enum ReadError {
    Io(io::Error),
    Content(String),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

fn read(reader: &mut dyn BufRead) -> Result<Vectors, ReadError> {
    let (count, dimensions) = header(reader)?;
    let mut vectors = Vectors {
        words: Vec::new(),
        values: Vec::new(),
        dimensions,
    };
    let (head, mut reader) = corpus::peek(reader, 1024)?;
    let format = recognise(&head, dimensions);
    for number in 1..=count {
        let what = |what: String| ReadError::Content(format!("word {number} of {count}: {what}"));
        let values = (vectors.values.len() + dimensions) as u64;
        if number > MOST_WORDS || values > MOST_VALUES {
            return Err(what(format!(
                "permitted: at most {MOST_WORDS} words and {MOST_VALUES} numbers"
            )));
        }
        let word = word(&mut reader, number == 1)?
            .ok_or_else(|| what("the file ends before it".into()))?;
        let start = vectors.values.len();
        match format {
            Format::Text => text_row(&mut reader, dimensions, &mut vectors.values)?,
            Format::Binary => binary_row(&mut reader, dimensions, &mut vectors.values)?,
        }
        .map_err(|problem| what(format!("{word:?} {problem}")))?;
        if let Some(value) = vectors.values[start..]
            .iter()
            .find(|value| value.abs() > LARGEST_VALUE || value.is_nan())
        {
            return Err(what(format!(
                "{word:?} has the value {value:e}; permitted: at most {LARGEST_VALUE:e} in size"
            )));
        }
        vectors.words.push(word);
    }
    Ok(vectors)
}

/// The most dimensions of a vector: the largest input of a network, see
/// [`AuxLstmSizes::check`](model_core::aux_lstm::AuxLstmSizes::check).
const MOST_DIMENSIONS: usize = 16_384;

/// The most words of a file: more than in any that is published.
const MOST_WORDS: u64 = 1 << 24;
/// The most numbers of a file, of 4 bytes each.
const MOST_VALUES: u64 = 1 << 32;
/// The largest size of a number, as in a bundle. Vectors that are any use are nearer to 1.
const LARGEST_VALUE: f32 = 1e8;
/// The most bytes of a word, and of a number in the text format with the space after it.
const LONGEST_WORD: u64 = 1 << 16;
const LONGEST_NUMBER: u64 = 64;

/// The counts of words and dimensions in the first line.
fn header(reader: &mut dyn BufRead) -> Result<(u64, usize), ReadError> {
    let mut line = Vec::new();
    (&mut *reader).take(64).read_until(b'\n', &mut line)?;
    if let Some(kind) = what_else(&line) {
        return Err(ReadError::Content(format!(
            "not a word2vec file, but {kind}"
        )));
    }
    if line.is_empty() {
        return Err(ReadError::Content("it is empty".into()));
    }
    let counts: Option<(u64, usize)> = std::str::from_utf8(&line).ok().and_then(|line| {
        let (count, dimensions) = line.trim().split_once(' ')?;
        Some((
            count.parse().ok()?,
            dimensions
                .parse()
                .ok()
                .filter(|&dimensions| dimensions > 0)?,
        ))
    });
    let what: String = match counts {
        None => "not a word2vec file: its first line is not \"<words> <dimensions>\"".into(),
        Some((0, _)) => "it has no words".into(),
        Some((_, dimensions)) if dimensions > MOST_DIMENSIONS => {
            format!("it has {dimensions} dimensions; permitted: at most {MOST_DIMENSIONS}")
        }
        Some(counts) => return Ok(counts),
    };
    Err(ReadError::Content(what))
}

/// Recognises the format by the bytes after the first word. Text is printable, and each of its values takes at least a digit
/// and a space. The bytes of floats hardly ever look like this.
fn recognise(head: &[u8], dimensions: usize) -> Format {
    let start = head
        .iter()
        .position(|&byte| byte == b' ')
        .map_or(head.len(), |space| space + 1);
    let values = &head[start..head.len().min(start + 32)];
    let (row, whole) = match values.iter().position(|&byte| byte == b'\n') {
        Some(end) => (&values[..end], true),
        None => (values, false),
    };
    let printable = row
        .iter()
        .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace());
    let too_short = whole && row.len() + 1 < dimensions.saturating_mul(2);
    if printable && !too_short {
        Format::Text
    } else {
        Format::Binary
    }
}

/// The next word, `None` at the end of the file.
fn word(reader: &mut dyn BufRead, first: bool) -> Result<Option<String>, ReadError> {
    let mut word = Vec::new();
    (&mut *reader)
        .take(LONGEST_WORD)
        .read_until(b' ', &mut word)?;
    if word.len() as u64 == LONGEST_WORD {
        let what = format!("a word is longer than {LONGEST_WORD} bytes");
        return Err(ReadError::Content(what));
    }
    if word.pop() != Some(b' ') {
        return Ok(None);
    }
    // Some binary files have a line end after each row.
    let word = if first {
        &word[..]
    } else {
        word.strip_prefix(b"\n").unwrap_or(&word)
    };
    match std::str::from_utf8(word) {
        Ok(word) if word.contains('\n') => Err(ReadError::Content(format!(
            "a line end within the word {word:?}"
        ))),
        Ok(word) => Ok(Some(word.to_owned())),
        Err(_) => Err(ReadError::Content(format!(
            "a word is not UTF-8: {:?}",
            String::from_utf8_lossy(word)
        ))),
    }
}

type Row = Result<(), String>;

fn text_row(reader: &mut dyn BufRead, dimensions: usize, values: &mut Vec<f32>) -> io::Result<Row> {
    let mut line = Vec::new();
    let longest = LONGEST_NUMBER * (dimensions as u64 + 1);
    (&mut *reader).take(longest).read_until(b'\n', &mut line)?;
    if line.len() as u64 == longest {
        return Ok(Err(format!("has a line of more than {longest} bytes")));
    }
    let before = values.len();
    for value in line
        .split(u8::is_ascii_whitespace)
        .filter(|value| !value.is_empty())
    {
        match std::str::from_utf8(value)
            .ok()
            .and_then(|value| value.parse().ok())
        {
            Some(value) => values.push(value),
            None => {
                return Ok(Err(format!(
                    "has {:?} instead of a number",
                    String::from_utf8_lossy(value)
                )));
            }
        }
    }
    Ok(match values.len() - before {
        found if found == dimensions => Ok(()),
        found => Err(format!("has {found} values instead of {dimensions}")),
    })
}

fn binary_row(
    reader: &mut dyn BufRead,
    dimensions: usize,
    values: &mut Vec<f32>,
) -> io::Result<Row> {
    let mut bytes = [0; 4];
    for _ in 0..dimensions {
        match reader.read_exact(&mut bytes) {
            Ok(()) => values.push(f32::from_le_bytes(bytes)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Ok(Err(format!(
                    "has fewer than {dimensions} values: the file is cut short"
                )));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model_core::aux_lstm::{AuxLstmSizes, Role};

    fn vectors() -> Vectors {
        let words = ["und", "é", "</x>"].map(String::from).to_vec();
        let values = vec![0.5, -1.25e-7, 3.0, 1.0 / 3.0, 1e7, 0.0, -0.0, 1.0, 2.0];
        Vectors {
            words,
            values,
            dimensions: 3,
        }
    }

    fn bytes(format: Format) -> Vec<u8> {
        let mut out = Vec::new();
        write_vectors(&mut out, &vectors(), format).unwrap();
        out
    }

    fn error(bytes: &[u8]) -> String {
        match read(&mut &*bytes) {
            Ok(vectors) => panic!("read {vectors:?}"),
            Err(ReadError::Io(error)) => error.to_string(),
            Err(ReadError::Content(what)) => what,
        }
    }

    #[test]
    fn both_formats_come_back_as_they_were() {
        for format in [Format::Text, Format::Binary] {
            let written = bytes(format);
            assert_eq!(recognise(&written[4..], 3), format);
            assert_eq!(read(&mut written.as_slice()).ok(), Some(vectors()));
        }
        assert!(bytes(Format::Text).starts_with(b"3 3\nund 0.5 -0.000000125 3\n"));
    }

    #[test]
    fn rows_without_line_ends_are_read_too() {
        let mut out = b"2 1\na ".to_vec();
        out.extend(1.5f32.to_le_bytes());
        out.extend(b"b ");
        out.extend(2.5f32.to_le_bytes());
        assert_eq!(read(&mut out.as_slice()).ok().unwrap().values, [1.5, 2.5]);
    }

    #[test]
    fn cut_files_are_errors_wherever_they_are_cut() {
        for format in [Format::Text, Format::Binary] {
            let whole = bytes(format);
            // A missing line end at the end is accepted, and the last number of a text may be a number even if it is cut.
            for length in 0..whole.len() - 2 {
                assert!(
                    !error(&whole[..length]).is_empty(),
                    "{format:?} cut at {length}"
                );
            }
        }
    }

    #[test]
    fn wrong_files_are_errors_that_say_what_is_wrong() {
        for (content, what) in [
            (&b""[..], "it is empty"),
            (b"PK\x03\x04\0\0", "not a word2vec file, but a ZIP archive"),
            (b"{\"posts\": []}", "first line"),
            (b"2 0\n", "first line"),
            (
                b"2 2\na 1 2\nb 1\n",
                "word 2 of 2: \"b\" has 1 values instead of 2",
            ),
            (b"1 2\na 1 x\n", "\"x\" instead of a number"),
            (b"1 2\na 1 NaN\n", "word 1 of 1: \"a\" has the value NaN"),
            (b"2 2\na 1 1e8\nb 1 -1e400\n", "\"b\" has the value -inf"),
            (
                b"2 2\na 1 1e8\nb 1 -1e30\n",
                "word 2 of 2: \"b\" has the value -1e30; permitted: at most 1e8 in size",
            ),
            (
                b"18446744073709551615 16384\na 1 2\n",
                "\"a\" has fewer than 16384 values",
            ),
            (
                b"9999999999 2\na 1 2\n",
                "word 2 of 9999999999: the file ends",
            ),
        ] {
            let error = error(content);
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn endless_words_and_lines_claimed_all_memory() {
        let endless = |start: &str, letter: u8| {
            let start = io::Cursor::new(start.as_bytes().to_vec());
            let mut file = io::BufReader::new(start.chain(io::repeat(letter)));
            match read(&mut file) {
                Err(ReadError::Content(what)) => what,
                _ => panic!("it was read"),
            }
        };
        assert_eq!(
            endless("2 2\na 1 2\n", b'x'),
            "a word is longer than 65536 bytes"
        );
        assert_eq!(
            endless("2 2\na 1 2\nb ", b' '),
            "word 2 of 2: \"b\" has a line of more than 192 bytes"
        );
    }

    /// Such a file was read as a table of no rows. A table with rows for the special ids then overflowed.
    #[test]
    fn a_file_without_words_was_read_with_any_number_of_dimensions() {
        for (content, what) in [
            (&b"0 4611686018427387904\n"[..], "it has no words"),
            (b"0 2\n", "it has no words"),
            (
                b"1 4611686018427387904\na 1 2\n",
                "it has 4611686018427387904 dimensions; permitted: at most 16384",
            ),
        ] {
            assert_eq!(error(content), what);
        }
    }

    #[test]
    fn a_network_can_read_vectors_of_the_most_dimensions_and_no_longer_ones() {
        let check = |input_size: usize| {
            let sizes = AuxLstmSizes {
                input_size,
                auxiliary_hidden_size: 1,
                main_hidden_size: 1,
                dense_size: 1,
                tasks: vec![(Role::Main, 2)],
            };
            sizes.check()
        };
        assert_eq!(check(MOST_DIMENSIONS), Ok(()));
        assert!(check(MOST_DIMENSIONS + 1).is_err());
    }

    #[test]
    fn fuzz_vectors() {
        let seeds = [bytes(Format::Text), bytes(Format::Binary)];
        fuzzing::fuzz("word vectors", &seeds, |bytes| drop(read(&mut &*bytes)));
    }
}
