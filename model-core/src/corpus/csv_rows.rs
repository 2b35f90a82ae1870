//! The rows of a CSV file: each a post with its fields.

use std::collections::HashSet;
use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use csv::{ByteRecord, ErrorKind, Position};
use serde_json::{Map, Value};

use super::lines::text;
use super::reader::Problem;
use super::{MAX_COLUMNS, MAX_RECORD_BYTES};

/// One row of a CSV file.
#[derive(Debug)]
pub struct Row {
    /// The line it begins in, counted from 1.
    pub line: u64,
    /// The cell of the column `text` or `posts`.
    pub post: String,
    /// The other cells by column name, empty ones left out.
    pub fields: Map<String, Value>,
    /// The length of all cells in bytes.
    pub bytes: usize,
}

/// Reads a CSV file row by row. It never holds more than [`MAX_RECORD_BYTES`] of a row. Reading ends with
/// a [`Problem::Stream`].
pub struct Rows<R> {
    reader: csv::Reader<Allowance<R>>,
    left: Arc<AtomicUsize>,
    columns: Vec<String>,
    text_column: usize,
}

impl<R: BufRead> Rows<R> {
    /// Reads the header; `None` if the file is empty.
    ///
    /// # Errors
    /// If the header cannot be read, has no column `text` or `posts`, or has two columns of one name: the error says what is
    /// wrong.
    pub fn new(reader: R) -> Result<Option<Self>, String> {
        let left = Arc::new(AtomicUsize::new(MAX_RECORD_BYTES));
        let mut reader = csv::Reader::from_reader(Allowance {
            reader,
            left: Arc::clone(&left),
        });
        let header = reader.byte_headers().map_err(|error| error.to_string())?;
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
        let text_column = columns
            .iter()
            .position(|name| name == "posts" || name == "text")
            .ok_or("neither a JSON object nor a CSV header with a column \"text\" or \"posts\"")?;
        if let Some(name) = repeated(&columns) {
            return Err(format!(
                "a CSV header with two columns {name:?}; rename or remove one of them"
            ));
        }
        Ok(Some(Self {
            reader,
            left,
            columns,
            text_column,
        }))
    }

    fn row(&self, record: &ByteRecord) -> Result<Row, Problem> {
        let line = record.position().map_or(0, Position::line);
        let mut row = Row {
            line,
            post: String::new(),
            fields: Map::new(),
            bytes: record.as_slice().len(),
        };
        for (index, (name, cell)) in self.columns.iter().zip(record).enumerate() {
            let cell = text(cell).map_err(|what| Problem::Record {
                line,
                what: format!("{what} of column {name:?}"),
            })?;
            if index == self.text_column {
                row.post = cell.to_owned();
            } else if !cell.is_empty() {
                row.fields.insert(name.clone(), cell.into());
            }
        }
        Ok(row)
    }
}

impl<R: BufRead> Iterator for Rows<R> {
    type Item = Result<Row, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left.store(MAX_RECORD_BYTES, Ordering::Relaxed);
        let mut record = ByteRecord::new();
        let line = self.reader.position().line();
        let error = match self.reader.read_byte_record(&mut record) {
            Ok(false) => return None,
            Ok(true) => return Some(self.row(&record)),
            Err(error) => error,
        };
        Some(Err(match error.into_kind() {
            ErrorKind::UnequalLengths {
                pos,
                expected_len,
                len,
            } => Problem::Record {
                line: pos.map_or(0, |position| position.line()),
                what: format!("{len} cells where the header has {expected_len}"),
            },
            ErrorKind::Io(error) => Problem::Stream(io::Error::new(
                error.kind(),
                format!("the row at line {line}: {error}"),
            )),
            other => Problem::Stream(io::Error::other(format!("{other:?}"))),
        }))
    }
}

/// The first name that a column shares with an earlier one.
fn repeated(columns: &[String]) -> Option<&String> {
    let mut seen = HashSet::new();
    // Spreadsheets write columns without a name. Nothing asks for their cells.
    let mut named = columns.iter().filter(|name| !name.is_empty());
    named.find(|name| !seen.insert(name.as_str()))
}

/// A reader that fails when a row is too long. An unclosed quote turns the rest of the file into one row.
struct Allowance<R> {
    reader: R,
    left: Arc<AtomicUsize>,
}

impl<R: Read> Read for Allowance<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.load(Ordering::Relaxed);
        if left == 0 {
            let limit = MAX_RECORD_BYTES >> 20;
            return Err(io::Error::other(format!(
                "a row longer than {limit} MiB; is a quote never closed?"
            )));
        }
        let length = buffer.len().min(left);
        let read = self.reader.read(&mut buffer[..length])?;
        self.left.store(left - read, Ordering::Relaxed);
        Ok(read)
    }
}
