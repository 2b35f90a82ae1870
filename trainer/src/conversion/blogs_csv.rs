//! The Blog Authorship Corpus as one CSV file, a post a row: Kaggle's `blogtext.csv`.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};
use std::iter::Enumerate;
use std::path::Path;

use model_core::corpus::{
    Format, HEAD_BYTES, Problem, Reading, Record, Records, User, open_records, peek,
};
use serde_json::Value;

use super::blogs::{Post, in_order, labels};
use super::{CorpusFormat, Input, Users};

/// The columns that are read; `sign` is not.
const COLUMNS: [&str; 6] = ["id", "gender", "age", "topic", "date", "text"];
/// The longest header that is looked for.
const LONGEST_HEADER: u64 = 1024;

/// A CSV file with the columns `id,gender,age,topic,sign,date,text`. A user's rows may be apart, so the file is read
/// twice: first for the last row of each user, then for the posts. Only users of whom more rows are to come are held in
/// memory.
pub(super) struct BlogTable;

impl CorpusFormat for BlogTable {
    fn name(&self) -> &'static str {
        "blogs-csv"
    }

    fn description(&self) -> &'static str {
        "a CSV file with the columns id, gender, age, topic, date and text"
    }

    fn recognises(&self, input: &Input) -> io::Result<bool> {
        Ok(find(input)?.is_some())
    }

    fn users<'a>(&self, input: &'a Input) -> io::Result<Users<'a>> {
        let Some(name) = find(input)? else {
            let message = format!("not {}", self.description());
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        };
        let last_rows = last_rows(rows(input, &name)?)?;
        Ok(Box::new(Table {
            place: input.place(&name),
            rows: Some(rows(input, &name)?.enumerate()),
            last_rows,
            unfinished: HashMap::new(),
        }))
    }
}

/// The name of the first file with the right header.
fn find(input: &Input) -> io::Result<Option<String>> {
    let may_be_csv = |name: &&String| name.to_ascii_lowercase().contains(".csv");
    let names: Vec<String> = if input.is_file() {
        input.names().to_vec()
    } else {
        input.names().iter().filter(may_be_csv).cloned().collect()
    };
    for name in names {
        let mut header = Vec::new();
        let mut file = input.read(&name)?.take(LONGEST_HEADER);
        file.read_until(b'\n', &mut header)?;
        let header = String::from_utf8_lossy(&header);
        let columns = header.trim_start_matches('\u{FEFF}').trim().split(',');
        let columns: Vec<&str> = columns.map(|name| name.trim_matches('"')).collect();
        if COLUMNS.iter().all(|column| columns.contains(column)) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn rows(input: &Input, name: &str) -> io::Result<Records> {
    let reading = Reading {
        format: Some(Format::Csv),
        ..Reading::default()
    };
    let (head, reader) = peek(input.read(name)?, HEAD_BYTES)?;
    open_records(Path::new(name), &head, reader, &reading)
        .map_err(|what| io::Error::new(io::ErrorKind::InvalidData, what))
}

/// The index of the last row of each user.
fn last_rows(rows: Records) -> io::Result<HashMap<String, usize>> {
    let mut last_rows = HashMap::new();
    for (index, row) in rows.enumerate() {
        match row {
            Ok(row) => {
                if let Some(id) = field(&row, "id") {
                    last_rows.insert(id.to_owned(), index);
                }
            }
            Err(Problem::Record { .. } | Problem::Note(_)) => {}
            Err(Problem::Stream(error)) => return Err(error),
        }
    }
    Ok(last_rows)
}

fn field<'a>(row: &'a Record, column: &str) -> Option<&'a str> {
    row.fields.get(column).and_then(Value::as_str)
}

/// The users of the file in the order of their last rows.
struct Table {
    place: String,
    /// `None` once reading has failed.
    rows: Option<Enumerate<Records>>,
    last_rows: HashMap<String, usize>,
    unfinished: HashMap<String, Vec<Post>>,
}

impl Table {
    /// Adds the post of a row; the user, if it was the last one.
    fn add(&mut self, index: usize, row: Record) -> Option<Result<User, String>> {
        let line = row.line;
        let Some(id) = field(&row, "id").map(str::to_owned) else {
            return Some(Err(format!("{}:{line}: no id", self.place)));
        };
        let text = field(&row, "text").unwrap_or_default().to_owned();
        let date = field(&row, "date").unwrap_or_default().to_owned();
        let mut posts = self.unfinished.remove(&id).unwrap_or_default();
        posts.push(Post { date, text });
        if self.last_rows.get(&id).is_some_and(|&last| index < last) {
            self.unfinished.insert(id, posts);
            return None;
        }
        let [gender, age, topic] =
            ["gender", "age", "topic"].map(|column| field(&row, column).unwrap_or_default());
        let user = labels(gender, age, topic).map(|fields| User {
            posts: in_order(posts),
            fields,
            ..User::default()
        });
        Some(user.map_err(|what| format!("{}:{line}: user {id}: {what}", self.place)))
    }
}

impl Iterator for Table {
    type Item = Result<User, String>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (index, row) = self.rows.as_mut()?.next()?;
            let found = match row {
                Ok(row) => self.add(index, row),
                Err(Problem::Note(_)) => None,
                Err(Problem::Record { line, what }) => {
                    Some(Err(format!("{}:{line}: {what}", self.place)))
                }
                Err(Problem::Stream(error)) => {
                    self.rows = None;
                    Some(Err(format!("{}: {error}", self.place)))
                }
            };
            if found.is_some() {
                return found;
            }
        }
    }
}
