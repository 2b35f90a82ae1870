//! The rows of a CSV file: each a post with its fields.

use std::collections::HashSet;
use std::io::{self, BufRead, Read};

use csv::{ByteRecord, ErrorKind};
use serde_json::{Map, Value};

use super::csv_outline::Outline;
use super::lines::text;
use super::reader::Problem;
use super::user::BOTH_TEXTS;
use super::{MAX_COLUMNS, MAX_RECORD_BYTES};

/// One row of a CSV file.
#[derive(Debug)]
pub struct Row {
    /// The line it begins in, counted from 1.
    pub line: u64,
    /// The cell of the column `text` or `posts`; of the one that is not empty where the file has both columns.
    pub post: String,
    /// The other cells by column name, empty ones left out.
    pub fields: Map<String, Value>,
    /// The length of all cells in bytes.
    pub bytes: usize,
}

/// Reads a CSV file row by row. It never holds more than [`MAX_RECORD_BYTES`] of a row. Reading ends with
/// a [`Problem::Stream`], such as a quote that is never closed.
pub struct Rows<R> {
    reader: csv::Reader<Checked<R>>,
    columns: Vec<String>,
}

impl<R: BufRead> Rows<R> {
    /// Reads the header; `None` if the file is empty.
    ///
    /// # Errors
    /// If the header cannot be read, has no column `text` or `posts`, or has two columns of one name: the error says what is
    /// wrong.
    pub fn new(reader: R) -> Result<Option<Self>, String> {
        let mut reader = csv::Reader::from_reader(Checked {
            reader,
            left: MAX_RECORD_BYTES,
            outline: Outline::default(),
        });
        let header = reader
            .byte_headers()
            .map_err(|error| format!("no CSV header can be read: {error}"))?;
        if header.is_empty() {
            return Ok(None);
        }
        if header.len() > MAX_COLUMNS {
            return Err(format!("a CSV header with more than {MAX_COLUMNS} columns"));
        }
        let columns: Vec<String> = header
            .iter()
            .map(|name| text(name).map(|name| name.trim().to_owned()))
            .collect::<Result<_, _>>()?;
        if !columns.iter().any(|name| is_text(name)) {
            return Err(
                "neither a JSON object nor a CSV header with a column \"text\" or \"posts\"".into(),
            );
        }
        if let Some(name) = repeated(&columns) {
            return Err(format!(
                "a CSV header with two columns {name:?}; rename or remove one of them"
            ));
        }
        let start = reader.get_mut().outline.take_row();
        if let Some(line) = start.and_then(|start| start.misquoted) {
            return Err(format!("a CSV header in which {}", misquoted(line)));
        }
        Ok(Some(Self { reader, columns }))
    }

    fn row(&self, line: u64, record: &ByteRecord) -> Result<Row, Problem> {
        let fail = |what: String| Problem::Record { line, what };
        let mut row = Row {
            line,
            post: String::new(),
            fields: Map::new(),
            bytes: record.as_slice().len(),
        };
        for (name, cell) in self.columns.iter().zip(record) {
            let cell = text(cell).map_err(|what| fail(format!("{what} of column {name:?}")))?;
            if cell.is_empty() {
                continue;
            }
            if !is_text(name) {
                row.fields.insert(name.clone(), cell.into());
            } else if row.post.is_empty() {
                row.post = cell.to_owned();
            } else {
                return Err(fail(BOTH_TEXTS.into()));
            }
        }
        Ok(row)
    }
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = Result<Row, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        self.reader.get_mut().left = MAX_RECORD_BYTES;
        let mut record = ByteRecord::new();
        let read = self.reader.read_byte_record(&mut record);
        if let Ok(false) = read {
            return None;
        }
        let start = self.reader.get_mut().outline.take_row();
        // An error may come before any byte of the row.
        let (line, quote) = match start {
            Some(start) => (start.line, start.misquoted),
            None => (self.reader.position().line(), None),
        };
        Some(match (read.map_err(csv::Error::into_kind), quote) {
            (Err(ErrorKind::Io(error)), _) => Err(Problem::Stream(io::Error::new(
                error.kind(),
                format!("the row at line {line}: {error}"),
            ))),
            (_, Some(quote)) => Err(Problem::Record {
                line,
                what: misquoted(quote),
            }),
            (Ok(_), None) => self.row(line, &record),
            (
                Err(ErrorKind::UnequalLengths {
                    expected_len, len, ..
                }),
                None,
            ) => Err(Problem::Record {
                line,
                what: format!("{len} cells where the header has {expected_len}"),
            }),
            (Err(other), None) => Err(Problem::Stream(io::Error::other(format!("{other:?}")))),
        })
    }
}

/// What is wrong with a row where a cell goes on after its closing quote.
fn misquoted(line: u64) -> String {
    format!(
        "text follows the closing quote of the cell that begins in line {line}; close the cell, and double the quotes \
         inside it"
    )
}

/// Whether a column of this name holds posts.
fn is_text(name: &str) -> bool {
    name == "posts" || name == "text"
}

/// The first name that a column shares with an earlier one.
fn repeated(columns: &[String]) -> Option<&String> {
    let mut seen = HashSet::new();
    // Spreadsheets write columns without a name. Nothing asks for their cells.
    let mut named = columns.iter().filter(|name| !name.is_empty());
    named.find(|name| !seen.insert(name.as_str()))
}

/// A reader that fails when a row is too long, and at the end of the file inside of quotes. An unclosed quote turns the rest
/// of the file into one row, which the parser takes for a good one.
struct Checked<R> {
    reader: R,
    /// How many bytes the row may still take.
    left: usize,
    outline: Outline,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let open = self.outline.open();
        if self.left == 0 {
            let limit = MAX_RECORD_BYTES >> 20;
            let quote =
                open.map(|line| format!("; is the quote opened in line {line} never closed?"));
            let quote = quote.unwrap_or_default();
            return Err(io::Error::other(format!("longer than {limit} MiB{quote}")));
        }
        let length = buffer.len().min(self.left);
        let read = self.reader.read(&mut buffer[..length])?;
        if let Some(line) = open
            && read == 0
        {
            let what = format!("the quote opened in line {line} is never closed");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        self.left -= read;
        self.outline.follow(&buffer[..read]);
        Ok(read)
    }
}
