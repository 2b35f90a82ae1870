//! CSV files as programs write them, with columns by name and rows of any length.

use std::collections::HashMap;
use std::io::{self, Read};
use std::rc::Rc;

use csv::StringRecord;
use encoding_rs::GB18030;

use crate::{Files, Writers};

/// The longest row in bytes. It bounds the memory that an unclosed quote can claim.
const MAX_ROW_BYTES: usize = 16 << 20;

/// A CSV file.
pub(crate) struct Table<R> {
    reader: csv::Reader<Checked<R>>,
    columns: Rc<HashMap<String, usize>>,
}

/// A row of a CSV file.
pub(crate) struct Row {
    cells: StringRecord,
    columns: Rc<HashMap<String, usize>>,
}

impl Row {
    /// The trimmed cell of a column; empty where there is none. Rows may be shorter than the header.
    pub(crate) fn cell(&self, column: &str) -> &str {
        let index = self.columns.get(column);
        let cell = index.and_then(|&index| self.cells.get(index));
        cell.unwrap_or_default().trim()
    }
}

impl<R: Read> Table<R> {
    /// Reads the header.
    pub(crate) fn new(reader: R) -> io::Result<Self> {
        let checked = Checked {
            reader,
            left: MAX_ROW_BYTES,
            has_open_quote: false,
        };
        let mut builder = csv::ReaderBuilder::new();
        let mut reader = builder.flexible(true).from_reader(checked);
        let header = reader.byte_headers()?;
        let names = header.iter().map(|name| {
            decode(name)
                .trim_start_matches('\u{FEFF}')
                .trim()
                .to_owned()
        });
        let columns = names
            .enumerate()
            .map(|(index, name)| (name, index))
            .collect();
        Ok(Self {
            reader,
            columns: Rc::new(columns),
        })
    }

    /// The names of the columns, in no order.
    pub(crate) fn columns(&self) -> Vec<String> {
        self.columns.keys().cloned().collect()
    }

    fn next(&mut self) -> io::Result<Option<Row>> {
        self.reader.get_mut().left = MAX_ROW_BYTES;
        let mut record = csv::ByteRecord::new();
        if !self.reader.read_byte_record(&mut record)? {
            return Ok(None);
        }
        Ok(Some(Row {
            cells: record.iter().map(decode).collect(),
            columns: Rc::clone(&self.columns),
        }))
    }
}

/// UTF-8 or else GB18030, as which Chinese spreadsheets save CSV files. In both, commas, quotes and line ends are never a part
/// of another character.
pub(crate) fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => GB18030.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

/// Calls `each` with every row of a CSV file. A file that cannot be read to its end costs a bad record.
///
/// # Errors
/// Those of `each`.
pub(crate) fn each_row(
    files: &mut dyn Files,
    name: &str,
    writers: &mut Writers<'_>,
    each: &mut dyn FnMut(&mut Writers<'_>, &Row) -> io::Result<()>,
) -> io::Result<()> {
    let place = files.place(name);
    let mut table = match files.open(name).and_then(Table::new) {
        Ok(table) => table,
        Err(error) => {
            writers.bad_record(&format!("{place}: {error}"));
            return Ok(());
        }
    };
    loop {
        let line = table.reader.position().line();
        match table.next() {
            Ok(None) => return Ok(()),
            Ok(Some(row)) => each(writers, &row)?,
            Err(error) => {
                writers.bad_record(&format!("{place}:{line}: {error}"));
                return Ok(());
            }
        }
    }
}

/// A reader that fails where a row is too long, and at the end of the file inside of quotes: the parser would take the rest
/// of the file for one row.
struct Checked<R> {
    reader: R,
    /// How many bytes the row may still take.
    left: usize,
    /// Whether an odd number of quotes was read. Quotes in cells are doubled.
    has_open_quote: bool,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            let limit = MAX_ROW_BYTES >> 20;
            return Err(io::Error::other(format!(
                "a row longer than {limit} MiB; is a quote never closed?"
            )));
        }
        let length = buffer.len().min(self.left);
        let read = self.reader.read(&mut buffer[..length])?;
        if read == 0 && self.has_open_quote {
            let what = "the file ends inside of quotes; is it cut off?";
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
        self.left -= read;
        let quotes = memchr::memchr_iter(b'"', &buffer[..read]).count();
        self.has_open_quote ^= quotes % 2 == 1;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_may_be_short_and_in_gb18030() {
        let csv = b"\xef\xbb\xbfid,\xe6\xad\xa3\xe6\x96\x87,x\r\n1\t,\"a\n\"\"b\"\r\n2,\xd6\xd0\xce\xc4,y,z\r\n";
        let mut table = Table::new(&csv[..]).unwrap();
        let row = table.next().unwrap().unwrap();
        assert_eq!(
            [row.cell("id"), row.cell("正文"), row.cell("x")],
            ["1", "a\n\"b", ""]
        );
        let row = table.next().unwrap().unwrap();
        assert_eq!([row.cell("正文"), row.cell("no")], ["中文", ""]);
        assert!(table.next().unwrap().is_none());
    }

    #[test]
    fn an_unclosed_quote_is_an_error() {
        let mut table = Table::new(&b"id,text\n1,a\n2,\"b\n3,c\n"[..]).unwrap();
        table.next().unwrap();
        let error = table.next().err().unwrap().to_string();
        assert!(error.contains("inside of quotes"), "{error}");
        let endless = (&b"id,text\n1,\""[..]).chain(io::repeat(b'x'));
        let error = Table::new(endless)
            .unwrap()
            .next()
            .err()
            .unwrap()
            .to_string();
        assert!(error.contains("longer than 16 MiB"), "{error}");
    }
}
