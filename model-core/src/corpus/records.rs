//! The records of a file: the rows of a table, or the objects of a JSON file.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet, VecDeque};
use std::io::BufRead;
use std::mem;

use serde_json::{Map, Value};

use super::columns::Finder;
use super::json_records::{JsonRecord, JsonRecords};
use super::json_value::parse_object;
use super::python::bytes_as_text;
use super::reader::Problem;
use super::table::{Row, Table};

/// A record of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// Its position in the file, counted from 1, bad records included.
    pub number: u64,
    /// The line it begins in, counted from 1.
    pub line: u64,
    /// Its values by name. Empty cells of a table are left out, but for those of a column of posts.
    pub fields: Map<String, Value>,
    /// How many of its bytes are not UTF-8, which were read as U+FFFD.
    pub unreadable: usize,
}

/// An iterator over records and problems. A [`Problem::Stream`] is the last item.
pub type Records = Box<dyn Iterator<Item = Result<Record, Problem>> + Send>;

/// A table: its columns and its records.
pub(super) struct TableRecords {
    pub columns: Vec<String>,
    pub records: Records,
}

/// The records of a JSON file: its objects or, where programming interfaces return a page of posts, the objects in their list.
pub(super) fn json_records(reader: impl BufRead + Send + 'static, finder: Finder) -> Records {
    let mut records = Opened {
        found: JsonRecords::new(reader),
        finder,
        number: 0,
        waiting: VecDeque::new(),
        is_noted: false,
    };
    until_stream_error(move || records.next())
}

/// Records, with pages replaced by what is in them.
struct Opened<R> {
    found: JsonRecords<R>,
    finder: Finder,
    /// How many records there were, bad ones included.
    number: u64,
    /// Records without their numbers: one, or those of a page.
    waiting: VecDeque<Record>,
    /// Whether a note says that there are pages.
    is_noted: bool,
}

impl<R: BufRead> Opened<R> {
    fn next(&mut self) -> Option<Result<Record, Problem>> {
        while self.waiting.is_empty() {
            let JsonRecord { line, bytes } = match self.found.next() {
                Err(error) => return Some(Err(Problem::Stream(error))),
                Ok(found) => found?,
            };
            match bytes.and_then(|bytes| json_record(line, &bytes)) {
                Ok(record) => {
                    if let Some(note) = self.open(record) {
                        return Some(Err(note));
                    }
                }
                Err(what) => {
                    self.number += 1;
                    return Some(Err(Problem::Record { line, what }));
                }
            }
        }
        let record = self.waiting.pop_front()?;
        self.number += 1;
        Some(Ok(Record {
            number: self.number,
            ..record
        }))
    }

    /// Adds a record, or those of a page. Returns the note for the first page.
    fn open(&mut self, mut record: Record) -> Option<Problem> {
        if is_of_php_my_admin(&record.fields) {
            return None;
        }
        let Some(name) = list_of_page(&record.fields, &self.finder) else {
            self.waiting.push_back(record);
            return None;
        };
        if let Some(Value::Array(items)) = record.fields.remove(&name) {
            let records = items.into_iter().filter_map(|item| match item {
                Value::Object(fields) => Some(Record {
                    fields,
                    // Those of the page count once.
                    unreadable: mem::take(&mut record.unreadable),
                    ..record
                }),
                _ => None,
            });
            self.waiting.extend(records);
        }
        let is_first = !mem::replace(&mut self.is_noted, true);
        is_first.then(|| Problem::Note(format!("the records are the objects in {name:?}")))
    }
}

/// Whether an object says what phpMyAdmin has exported; the tables follow it as pages.
fn is_of_php_my_admin(fields: &Map<String, Value>) -> bool {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    match text("type") {
        Some("header") => text("comment").is_some_and(|comment| comment.contains("PHPMyAdmin")),
        Some("database") => fields.len() == 2 && text("name").is_some(),
        _ => false,
    }
}

/// The record of an object; the error says what is wrong with it.
fn json_record(line: u64, bytes: &[u8]) -> Result<Record, String> {
    let (text, unreadable) = lossy(bytes);
    let fields = parse_object(&text).map_err(|what| match bytes {
        [b'{', b'\'', ..] => NO_JSON.to_owned(),
        [b'{', ..] => what,
        _ => NO_OBJECT.to_owned(),
    })?;
    Ok(Record {
        number: 0,
        line,
        fields,
        unreadable,
    })
}

/// Bytes as text, and how many of them are not UTF-8 and were read as U+FFFD.
pub fn lossy(bytes: &[u8]) -> (Cow<'_, str>, usize) {
    let text = String::from_utf8_lossy(bytes);
    let unreadable = match text {
        Cow::Borrowed(_) => 0,
        Cow::Owned(_) => (bytes.utf8_chunks())
            .map(|chunk| chunk.invalid().len())
            .sum(),
    };
    (text, unreadable)
}

/// The note at the end of a file with bytes that are not UTF-8, see [`lossy`].
pub fn unreadable_note(bytes: usize) -> Option<String> {
    let plural = if bytes == 1 { " is" } else { "s are" };
    (bytes > 0).then(|| {
        format!("{bytes} byte{plural} not UTF-8 and read as \u{FFFD}; --encoding NAME states the encoding")
    })
}

/// A message without the flag of the command line that it ends with, for those who cannot give it.
pub fn without_flags(message: &str) -> &str {
    message
        .split_once("; --")
        .map_or(message, |(message, _)| message)
}

/// What is wrong with other JSON than objects.
const NO_OBJECT: &str = r#"a record must be a JSON object, such as {"id": 1, "text": "…"}"#;

/// What is wrong with a `dict` as Python prints it.
const NO_JSON: &str = "this is a dict as Python prints it, not JSON; write it with json.dumps";

/// The only list of objects in an object that is no post and no user.
fn list_of_page(fields: &Map<String, Value>, finder: &Finder) -> Option<String> {
    let is_list = |value: &Value| {
        let items = value.as_array().filter(|items| !items.is_empty());
        items.is_some_and(|items| items.iter().all(Value::is_object))
    };
    let mut lists = fields.iter().filter(|(_, value)| is_list(value));
    let (name, _) = lists.next()?;
    let is_page = lists.next().is_none() && !fields.keys().any(|name| finder.is_of_record(name));
    is_page.then(|| name.clone())
}

/// The records of a table in which the columns of posts are those of which `is_text` holds; `None` for an empty file.
///
/// # Errors
/// If the header cannot be read: the error says what is wrong.
pub(super) fn table_records(
    reader: impl BufRead + Send + 'static,
    is_text: impl Fn(&str) -> bool,
) -> Result<Option<TableRecords>, String> {
    let Some(mut table) = Table::new(reader, &is_text)? else {
        return Ok(None);
    };
    let columns = table.columns.clone();
    let texts: Vec<usize> = (0..columns.len())
        .filter(|&column| is_text(&columns[column]))
        .collect();
    let names = columns.clone();
    let mut number = 0;
    // After the note of a row.
    let mut waiting = None;
    let mut is_noted = false;
    let records = until_stream_error(move || {
        loop {
            let row = match waiting
                .take()
                .map_or_else(|| table.next_row(), |row| Ok(Some(row)))
            {
                Err(error) => return Some(Err(Problem::Stream(error))),
                Ok(row) => row?,
            };
            if !is_noted && let Some(note) = table.swallowed(&row) {
                is_noted = true;
                waiting = Some(row);
                return Some(Err(Problem::Note(note)));
            }
            // Spreadsheets write empty rows as separators.
            if row.fault().is_none() && row.len() > 1 && row.cells().all(<[u8]>::is_empty) {
                continue;
            }
            number += 1;
            return Some(record(&row, number, &names, &texts).map_or_else(
                |what| {
                    Err(Problem::Record {
                        line: row.line,
                        what,
                    })
                },
                |record| Ok(Record { number, ..record }),
            ));
        }
    });
    Ok(Some(TableRecords { columns, records }))
}

/// The names that are there more than once, each once. Spreadsheets write columns without a name.
pub(super) fn repeated(columns: &[String]) -> Vec<&str> {
    let (mut seen, mut again) = (HashSet::new(), Vec::new());
    for name in columns.iter().filter(|name| !name.is_empty()) {
        if !seen.insert(name) && !again.contains(&name.as_str()) {
            again.push(name);
        }
    }
    again
}

/// Each column whose name differs from an earlier one's by case only, after that one.
pub(super) fn alike(columns: &[String]) -> Vec<(&str, &str)> {
    let mut seen: HashMap<String, &str> = HashMap::new();
    let mut alike = Vec::new();
    for name in columns {
        let earlier = *seen.entry(name.to_lowercase()).or_insert(name);
        if earlier != name && !alike.contains(&(earlier, name.as_str())) {
            alike.push((earlier, name));
        }
    }
    alike
}

/// The message about a row of `cells` cells under a header of `columns`.
pub fn other_length(cells: usize, columns: usize) -> String {
    let plural = if cells == 1 { "" } else { "s" };
    let hint = match cells > columns {
        true => "; put texts that contain the separator in quotes",
        false => "",
    };
    format!("{cells} cell{plural} where the header has {columns}{hint}")
}

/// What is wrong with the row of this number if it has more cells than the header has columns.
pub fn too_many_cells(row: &Row, number: u64, columns: usize) -> Option<String> {
    let has_more = row.cells().skip(columns).any(|cell| !cell.is_empty());
    has_more.then(|| wrong_length(row, number, columns))
}

/// The message about a row of another length than the header, with what the cells show of its cause.
fn wrong_length(row: &Row, number: u64, columns: usize) -> String {
    let mut what = other_length(row.len(), columns);
    let first = row.cells().next().unwrap_or_default();
    if row.cells().any(|cell| cell.starts_with(b" \"")) {
        what += ", without a space before them";
    } else if row.len() == columns + 1 && first == number.to_string().as_bytes() {
        what += ", or in R write without row names";
    }
    what
}

/// What MySQL and PostgreSQL write into a cell that is null.
const NULL: &[u8] = br"\N";

fn record(row: &Row, number: u64, columns: &[String], texts: &[usize]) -> Result<Record, String> {
    if let Some(what) = row.fault() {
        return Err(what);
    }
    // Cells that are missing at the end are empty. A row without the cell of its text is cut off.
    let lacks_text = !texts.is_empty() && texts.iter().all(|&column| column >= row.len());
    if lacks_text {
        return Err(wrong_length(row, number, columns.len()));
    }
    if let Some(what) = too_many_cells(row, number, columns.len()) {
        return Err(what);
    }
    let mut record = Record {
        line: row.line,
        ..Record::default()
    };
    for (column, (name, cell)) in columns.iter().zip(row.cells()).enumerate() {
        let is_text = texts.contains(&column);
        // Some programs write a tab behind an id, so that spreadsheets take it for text.
        let cell = match cell.trim_ascii() {
            NULL => b"",
            trimmed if !is_text => trimmed,
            _ => cell,
        };
        let is_unknown = |value: &Value| value.as_str().is_some_and(str::is_empty);
        let is_free = record.fields.get(name).is_none_or(is_unknown);
        if name.is_empty() || !is_free || (cell.is_empty() && !is_text) {
            continue;
        }
        let (text, unreadable) = lossy(cell);
        record.unreadable += unreadable;
        let text = match is_text.then(|| bytes_as_text(&text)).flatten() {
            Some(text) => text,
            None => text.into_owned(),
        };
        record.fields.insert(name.clone(), text.into());
    }
    Ok(record)
}

/// An iterator that ends after a [`Problem::Stream`].
fn until_stream_error<T: 'static>(
    mut next: impl FnMut() -> Option<Result<T, Problem>> + Send + 'static,
) -> Box<dyn Iterator<Item = Result<T, Problem>> + Send> {
    let mut is_over = false;
    Box::new(std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        let item = next();
        is_over = matches!(item, None | Some(Err(Problem::Stream(_))));
        item
    }))
}
