//! The rows of a table: CSV and its relatives, separated by commas, semicolons, tabs or `|`.

use std::io::{self, BufRead};

use memchr::memchr3;

use super::{BYTE_ORDER_MARK, MAX_COLUMNS, MAX_RECORD_BYTES};

/// The signs that may separate cells.
const SEPARATORS: [u8; 4] = *b",;\t|";
/// What separates the cells of a table with one column: nothing, as this ends a row.
const NO_SEPARATOR: u8 = b'\n';

/// The most bytes that are looked at before the length of a row is checked.
const PIECE_BYTES: usize = 1 << 16;

/// A table, row by row, after its header. It never holds more than [`MAX_RECORD_BYTES`] of a row.
pub struct Table<R> {
    rows: Rows<R>,
    /// The names of the columns, without the blanks around them.
    pub columns: Vec<String>,
}

/// A row. Lines are counted from 1.
#[derive(Debug, Default, PartialEq)]
pub struct Row {
    /// The line it begins in.
    pub line: u64,
    /// The line it ends in.
    pub last_line: u64,
    /// The line of the opening quote of the first cell that goes on after its closing quote.
    misquoted: Option<u64>,
    /// All cells one after the other.
    bytes: Vec<u8>,
    /// The end of each cell in `bytes`.
    ends: Vec<usize>,
}

impl Row {
    /// The cells. A row may be shorter or longer than the header.
    pub fn cells(&self) -> impl Iterator<Item = &[u8]> {
        let starts = [0].into_iter().chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.bytes[start..end])
    }

    /// What is wrong with a row in which a cell goes on after its closing quote.
    pub fn fault(&self) -> Option<String> {
        let line = self.misquoted?;
        let rest = match self.last_line > line {
            true => format!("; the row goes on to line {}", self.last_line),
            false => String::new(),
        };
        Some(misquoted(line) + &rest)
    }

    /// The number of cells.
    #[expect(clippy::len_without_is_empty, reason = "a row has a cell at least")]
    pub fn len(&self) -> usize {
        self.ends.len()
    }
}

/// A header as one of the separators divides it.
struct Header {
    /// Whether it has a column of text, and the number of columns.
    rank: (bool, usize),
    separator: u8,
    columns: Vec<String>,
    misquoted: Option<u64>,
}

impl<R: BufRead> Table<R> {
    /// Reads the header; `None` if the file is empty. The separator is the one that Excel's first line `sep=;` states, or
    /// else the one with which the header has a column that `is_text`, and then the most columns.
    ///
    /// # Errors
    /// If there is no header that can be read: the error says what is wrong.
    pub fn new(mut reader: R, is_text: impl Fn(&str) -> bool) -> Result<Option<Self>, String> {
        let unreadable = |error: io::Error| format!("no header of a table can be read: {error}");
        let mut scanner = Scanner::new(1, SEPARATORS);
        let mut header = raw_row(&mut reader, &mut scanner).map_err(unreadable)?;
        let stated = match header.as_slice() {
            [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', separator] => Some(*separator),
            _ => None,
        };
        if stated.is_some() {
            header = raw_row(&mut reader, &mut scanner).map_err(unreadable)?;
        }
        let line = scanner.row_line;
        let mut best: Option<Header> = None;
        for separator in stated.map_or(SEPARATORS.to_vec(), |stated| vec![stated]) {
            let mut rows = Rows {
                reader: header.as_slice(),
                scanner: Scanner::new(line, [separator; 4]),
            };
            let Some(row) = rows.next().map_err(unreadable)? else {
                return Ok(None);
            };
            let columns: Vec<String> = (row.cells())
                .map(|name| String::from_utf8_lossy(name).trim().to_owned())
                .collect();
            let rank = (columns.iter().any(|name| is_text(name)), columns.len());
            if best.as_ref().is_none_or(|best| rank > best.rank) {
                best = Some(Header {
                    rank,
                    separator,
                    columns,
                    misquoted: row.misquoted,
                });
            }
        }
        let Some(Header {
            separator,
            columns,
            misquoted: misquoted_line,
            ..
        }) = best
        else {
            return Ok(None);
        };
        if columns.len() > MAX_COLUMNS {
            return Err(format!("a header with more than {MAX_COLUMNS} columns"));
        }
        if let Some(line) = misquoted_line {
            return Err(format!("a header in which {}", misquoted(line)));
        }
        // In a table of one column, a comma is a comma.
        scanner.separators = [if columns.len() > 1 {
            separator
        } else {
            NO_SEPARATOR
        }; 4];
        let rows = Rows { reader, scanner };
        Ok(Some(Self { rows, columns }))
    }

    /// A note if a cell in quotes has lines that look like rows: a quote that somebody wrote in a text is closed by the next
    /// one, in another row.
    pub fn swallowed(&self, row: &Row) -> Option<String> {
        if row.line == row.last_line || self.columns.len() < 2 {
            return None;
        }
        let separator = self.rows.scanner.separators[0];
        let lines = |cell| lines_like_rows(cell, separator, self.columns.len());
        let lines = row.cells().map(lines).max().filter(|&lines| lines > 0)?;
        Some(format!(
            "lines {} to {} are one row, because of a quote that is closed only there, but {lines} of them look like rows; \
             where quotes are part of the text, put the cell in quotes and double those inside it",
            row.line, row.last_line
        ))
    }

    /// The next row that is not empty, and not the header again, as in tables that were put one after the other.
    ///
    /// # Errors
    /// If the file cannot be read on, such as after a quote that is never closed.
    pub fn next_row(&mut self) -> io::Result<Option<Row>> {
        loop {
            let row = self.rows.next()?;
            let is_header = |row: &Row| {
                let names = self.columns.iter().map(String::as_bytes);
                // In a table of one column, a post may be called as the column.
                self.columns.len() > 1 && row.cells().map(<[u8]>::trim_ascii).eq(names)
            };
            if !row.as_ref().is_some_and(is_header) {
                return Ok(row);
            }
        }
    }
}

/// The number of lines of a cell, after the first one, that look like rows of a table with this separator and as many columns;
/// 0 if too few do, or others are between them.
fn lines_like_rows(cell: &[u8], separator: u8, columns: usize) -> usize {
    let separators = |line: &[u8]| line.iter().filter(|&&byte| byte == separator).count();
    let mut lines: Vec<&[u8]> = cell.split(|&byte| byte == b'\n').skip(1).collect();
    // The last line may end within a row.
    if lines
        .last()
        .is_some_and(|line| separators(line) + 1 != columns)
    {
        lines.pop();
    }
    // Posts have commas, and seldom tabs.
    let least = match (separator, columns) {
        (b'\t', _) => 1,
        (_, 2) => 3,
        _ => 2,
    };
    let are_alike = lines.iter().all(|line| separators(line) + 1 == columns);
    if are_alike && lines.len() >= least {
        lines.len()
    } else {
        0
    }
}

/// The message about a row with a cell that continues after its closing quote.
fn misquoted(line: u64) -> String {
    format!(
        "text follows the closing quote of the cell that begins in line {line}; close the cell, and double the quotes \
         inside it"
    )
}

/// The bytes of the next row that is not empty, without its end.
fn raw_row(reader: &mut impl BufRead, scanner: &mut Scanner) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let buffer = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if buffer.is_empty() {
            scanner.check_end()?;
            return Ok(bytes);
        }
        let mut is_over = false;
        let mut taken = 0;
        for &byte in buffer.iter().take(PIECE_BYTES) {
            taken += 1;
            if bytes.is_empty() {
                scanner.row_line = scanner.line;
            }
            match scanner.step(byte) {
                Event::RowEnd if !bytes.is_empty() => {
                    is_over = true;
                    break;
                }
                Event::RowEnd | Event::LineFeed => {}
                _ => bytes.push(byte),
            }
            if bytes == BYTE_ORDER_MARK {
                bytes.clear();
                scanner.place = Cell::Start;
            }
        }
        reader.consume(taken);
        if is_over {
            return Ok(bytes);
        }
        if bytes.len() > MAX_RECORD_BYTES {
            return Err(scanner.too_long());
        }
    }
}

/// The rows of a table with a known separator.
struct Rows<R> {
    reader: R,
    scanner: Scanner,
}

impl<R: BufRead> Rows<R> {
    fn next(&mut self) -> io::Result<Option<Row>> {
        let mut row = Row::default();
        loop {
            let buffer = match self.reader.fill_buf() {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            let mut is_over = buffer.is_empty();
            if is_over {
                (self.scanner.check_end()).map_err(|error| in_row(row.line, &error))?;
                self.scanner.place = Cell::Start;
                if row.line == 0 {
                    return Ok(None);
                }
            }
            let piece = &buffer[..buffer.len().min(PIECE_BYTES)];
            let mut taken = 0;
            while let Some(&byte) = piece.get(taken) {
                if row.line == 0 && piece[taken..].starts_with(BYTE_ORDER_MARK) {
                    taken += BYTE_ORDER_MARK.len();
                    continue;
                }
                let text = self.scanner.skip_text(&piece[taken..]);
                if text > 0 {
                    row.bytes.extend_from_slice(&piece[taken..taken + text]);
                    taken += text;
                    continue;
                }
                let line = self.scanner.line;
                row.last_line = line;
                taken += 1;
                let event = self.scanner.step(byte);
                match event {
                    Event::LineFeed => continue,
                    Event::RowEnd if row.line == 0 => continue,
                    Event::RowEnd => {
                        is_over = true;
                        break;
                    }
                    Event::Text => row.bytes.push(byte),
                    Event::CellEnd => row.ends.push(row.bytes.len()),
                    Event::Stray => {
                        row.misquoted.get_or_insert(self.scanner.opened);
                        row.bytes.push(byte);
                    }
                    Event::Quote => {}
                }
                if row.line == 0 {
                    row.line = line;
                }
            }
            self.reader.consume(taken);
            if is_over {
                row.ends.push(row.bytes.len());
                return Ok(Some(row));
            }
            if row.bytes.len() + row.ends.len() > MAX_RECORD_BYTES {
                return Err(in_row(row.line, &self.scanner.too_long()));
            }
        }
    }
}

fn in_row(line: u64, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("the row at line {line}: {error}"))
}

/// Follows the bytes of a table.
struct Scanner {
    /// Each of them separates cells.
    separators: [u8; 4],
    place: Cell,
    /// The line of the next byte, counted from 1.
    line: u64,
    /// The line of the last opening quote.
    opened: u64,
    /// The line in which the row of [`raw_row`] begins.
    row_line: u64,
    after_cr: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Cell {
    /// Before its first byte.
    Start,
    /// In text without quotes, or behind the quotes.
    Plain,
    Quoted,
    /// After a quote in quotes: the closing one, or the first of two that stand for one.
    AfterQuote,
}

/// The role of a byte.
enum Event {
    Text,
    Quote,
    CellEnd,
    RowEnd,
    /// The second byte of a line end that was counted.
    LineFeed,
    /// Text after a closing quote.
    Stray,
}

impl Scanner {
    fn new(line: u64, separators: [u8; 4]) -> Self {
        Self {
            separators,
            place: Cell::Start,
            line,
            opened: line,
            row_line: line,
            after_cr: false,
        }
    }

    /// The number of bytes at the beginning of `bytes` that are text inside of a cell, with nothing to follow:
    /// [`step`](Self::step) calls each of them text.
    fn skip_text(&mut self, bytes: &[u8]) -> usize {
        let end = match self.place {
            Cell::Quoted => memchr3(b'"', b'\n', b'\r', bytes),
            // All separators are the same when rows are read.
            Cell::Plain => memchr3(self.separators[0], b'\n', b'\r', bytes),
            Cell::Start | Cell::AfterQuote => Some(0),
        };
        let length = end.unwrap_or(bytes.len());
        self.after_cr &= length == 0;
        length
    }

    fn step(&mut self, byte: u8) -> Event {
        let is_second = self.after_cr && byte == b'\n';
        self.after_cr = byte == b'\r';
        let ends_line = matches!(byte, b'\n' | b'\r');
        let line = self.line;
        self.line += u64::from(ends_line && !is_second);
        let event = match (self.place, byte) {
            (Cell::Start, b'"') => {
                self.opened = line;
                Event::Quote
            }
            (Cell::Quoted, b'"') => Event::Quote,
            (Cell::Quoted, _) | (Cell::AfterQuote, b'"') => Event::Text,
            _ if is_second => Event::LineFeed,
            _ if ends_line => Event::RowEnd,
            _ if self.separators.contains(&byte) => Event::CellEnd,
            // Blanks are harmless there.
            (Cell::AfterQuote, b' ' | b'\t') => Event::Text,
            (Cell::AfterQuote, _) => Event::Stray,
            _ => Event::Text,
        };
        self.place = match (self.place, &event) {
            (Cell::Start, Event::Quote) => Cell::Quoted,
            (_, Event::Quote) => Cell::AfterQuote,
            (Cell::Quoted, _) => Cell::Quoted,
            (Cell::AfterQuote, _) if byte == b'"' => Cell::Quoted,
            (_, Event::CellEnd | Event::RowEnd | Event::LineFeed) => Cell::Start,
            _ => Cell::Plain,
        };
        event
    }

    /// The error of a file that ends inside of quotes. They would swallow the rest of it.
    fn check_end(&self) -> io::Result<()> {
        match self.place {
            Cell::Quoted => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("the quote opened in line {} is never closed", self.opened),
            )),
            _ => Ok(()),
        }
    }

    fn too_long(&self) -> io::Error {
        let limit = MAX_RECORD_BYTES >> 20;
        let quote = match self.place {
            Cell::Quoted => format!(
                "; is the quote opened in line {} never closed?",
                self.opened
            ),
            _ => String::new(),
        };
        io::Error::other(format!("longer than {limit} MiB{quote}"))
    }
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use proptest::prelude::*;

    use super::*;

    /// The line and the cells of each row.
    type Cells = Vec<(u64, Vec<String>)>;

    /// The columns and the rows, or what is wrong.
    fn read(bytes: &[u8]) -> Result<(Vec<String>, Cells), String> {
        let reader = BufReader::with_capacity(3, bytes);
        let Some(mut table) = Table::new(reader, |name| name == "text")? else {
            return Ok((Vec::new(), Vec::new()));
        };
        let mut rows = Vec::new();
        while let Some(row) = table.next_row().map_err(|error| error.to_string())? {
            if let Some(line) = row.misquoted {
                return Err(misquoted(line));
            }
            let cells = row
                .cells()
                .map(|cell| String::from_utf8_lossy(cell).into_owned());
            rows.push((row.line, cells.collect()));
        }
        Ok((table.columns, rows))
    }

    fn cells(rows: &[(u64, &[&str])]) -> Cells {
        (rows.iter())
            .map(|(line, cells)| (*line, cells.iter().map(|cell| (*cell).to_owned()).collect()))
            .collect()
    }

    #[test]
    fn other_separators_were_not_seen() {
        let expected = cells(&[(2, &["1", "a, b; c\td|e", "x"]), (3, &["2", "", "y"])]);
        for separator in [",", ";", "\t", "|"] {
            let text = "id_text_gender\n1_\"a, b; c\td|e\"_x\n2__y\n".replace('_', separator);
            assert_eq!(read(text.as_bytes()).unwrap().1, expected, "{text}");
        }
        // The text decides, not the number of columns, and Excel's line decides before it.
        let (columns, _) = read(b"a,b,c;text\n").unwrap();
        assert_eq!(columns, ["a,b,c", "text"]);
        let (columns, rows) = read(b"\xef\xbb\xbfsep=^\r\nid^text,a\r\n1^b\r\n").unwrap();
        assert_eq!(columns, ["id", "text,a"]);
        assert_eq!(rows, cells(&[(3, &["1", "b"])]));
        // In one column a comma is a comma.
        let (_, rows) = read(b"text\nhello, you\n\"a\"\"b\"\n").unwrap();
        assert_eq!(rows, cells(&[(2, &["hello, you"]), (3, &["a\"b"])]));
    }

    #[test]
    fn lines_were_counted_without_those_between_rows() {
        let text = "\n\nid,text\n1,\"a\nb\"\n\n\n2,\"\"\n3";
        let expected = |end: &str| {
            cells(&[
                (4, &["1", &format!("a{end}b")]),
                (8, &["2", ""]),
                (9, &["3"]),
            ])
        };
        for end in ["\n", "\r\n", "\r"] {
            let (_, rows) = read(text.replace('\n', end).as_bytes()).unwrap();
            assert_eq!(rows, expected(end), "{end:?}");
        }
        assert_eq!(read(b"").unwrap().1, []);
        assert_eq!(read(b"text\n").unwrap().1, []);
    }

    #[test]
    fn an_open_quote_swallowed_the_rest_of_the_file() {
        for (text, message) in [
            (
                "id,text\n1,a\n2,\"b\nc\n3,d\n",
                "the row at line 3: the quote opened in line 3 is never closed",
            ),
            (
                "id,text,city\r\n1,\"a\nb\",\"c\r\n2,d,e\r\n",
                "the row at line 2: the quote opened in line 3 is never closed",
            ),
            (
                "text\n\"a\"\"",
                "the row at line 2: the quote opened in line 2 is never closed",
            ),
            (
                "\"id\",\"text\n1,a\n",
                "no header of a table can be read: the quote opened in line 1 is never closed",
            ),
        ] {
            assert_eq!(read(text.as_bytes()), Err(message.to_owned()), "{text:?}");
        }
        let endless = (&b"text\n\""[..]).chain(io::repeat(b'x'));
        let mut table = Table::new(BufReader::new(endless), |_| true)
            .unwrap()
            .unwrap();
        let message = table.next_row().unwrap_err().to_string();
        assert!(
            message.contains("is the quote opened in line 2 never closed?"),
            "{message}"
        );
    }

    #[test]
    fn an_open_quote_swallowed_rows_up_to_the_next_quote() {
        let what = misquoted(2);
        assert_eq!(read(b"id,text\n1,\"a\n2,\"b\"\n3,c\n"), Err(what));
        assert_eq!(read(b"id,text\n1,\"d\"e\"\n"), Err(misquoted(2)));
        assert!(
            read(b"id,\"te\"xt\n")
                .unwrap_err()
                .contains("a header in which text follows")
        );
        let (_, rows) = read(b"id,text\n1,\"say \"\"hi\"\"\" \n").unwrap();
        assert_eq!(rows, cells(&[(2, &["1", "say \"hi\" "])]));
    }

    proptest! {
        #[test]
        fn what_another_library_writes_is_read(
            rows in prop::collection::vec(prop::collection::vec("[a,;|\"\t\r\n é]{0,5}", 3), 0..5), tabs: bool, cr: bool
        ) {
            let mut writer = csv::WriterBuilder::new()
                .delimiter(if tabs { b'\t' } else { b',' })
                .terminator(if cr { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
                .from_writer(Vec::new());
            writer.write_record(["id", "text", "age"]).unwrap();
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let (_, found) = read(&writer.into_inner().unwrap()).unwrap();
            let found: Vec<Vec<String>> = found.into_iter().map(|(_, cells)| cells).collect();
            prop_assert_eq!(found, rows);
        }

        #[test]
        fn any_bytes_are_rows_or_an_error(bytes in prop::collection::vec(prop::sample::select(b"a\",;\t\r\n\xff\xef".to_vec()), 0..40)) {
            let text = [&b"id,text\n"[..], &bytes].concat();
            if let Ok((_, rows)) = read(&text) {
                prop_assert!(rows.is_sorted_by_key(|(line, _)| *line));
            }
        }
    }
}
