//! The Blog Authorship Corpus as one CSV file, a post a row: Kaggle's `blogtext.csv`.

use std::collections::HashMap;
use std::io::{self, BufRead};

use model_core::corpus::{Problem, Row, Rows};
use serde_json::Value;

use crate::blogs::{date, labels, plain};
use crate::{About, Candidate, Files, Format, Post, Writers, accepted};

/// The columns that are read; `sign` is not.
const COLUMNS: [&str; 6] = ["id", "gender", "age", "topic", "date", "text"];

/// A CSV file with the columns `id,gender,age,topic,sign,date,text`. A user's rows may be apart, so the file is read
/// twice: first for the last row of each user, then for the posts. Only users of whom more rows are to come are held in
/// memory.
pub(crate) struct BlogTable;

const ABOUT: About = About {
    name: "blogs-csv",
    input: "the Blog Authorship Corpus as Kaggle's blogtext.csv, with the columns id, gender, age, topic, date and text",
    reads: "posts of the column `text`, grouped by `id`",
    labels: &["gender", "age", "industry", "profession"],
    leaves_out: "dates and star signs",
};

impl Format for BlogTable {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    fn accepts(&self, file: &mut Candidate<'_>) -> bool {
        file.may_be(&["csv"]) && file.has_columns(&COLUMNS)
    }

    fn read(&self, files: &mut dyn Files, writers: &mut Writers<'_>) -> io::Result<()> {
        for name in accepted(self, files)? {
            let place = files.place(&name);
            let last_rows = last_rows(rows(files, &name)?);
            for (index, row) in rows(files, &name)?.enumerate() {
                match row {
                    Ok(row) => {
                        let is_last = |id: &str| last_rows.get(id) == Some(&index);
                        if let Err(what) = add(writers, &row, &is_last)? {
                            writers.bad_record(&format!("{place}:{}: {what}", row.line));
                        }
                    }
                    Err(Problem::Record { line, what }) => {
                        writers.bad_record(&format!("{place}:{line}: {what}"));
                    }
                    Err(Problem::Stream(error)) => {
                        writers.bad_record(&format!("{place}: {error}"));
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

type InputRows<'a> = Rows<Box<dyn BufRead + 'a>>;

fn rows<'a>(files: &'a mut dyn Files, name: &str) -> io::Result<InputRows<'a>> {
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let rows = Rows::new(files.open(name)?).map_err(invalid)?;
    rows.ok_or_else(|| invalid("it is empty".to_owned()))
}

/// The index of the last row of each user.
fn last_rows(rows: InputRows<'_>) -> HashMap<String, usize> {
    let mut last_rows = HashMap::new();
    for (index, row) in rows.enumerate() {
        match row {
            Ok(row) => {
                if let Some(id) = field(&row, "id") {
                    last_rows.insert(id.to_owned(), index);
                }
            }
            Err(Problem::Record { .. }) => {}
            // The second reading reports it.
            Err(Problem::Stream(_)) => break,
        }
    }
    last_rows
}

fn field<'a>(row: &'a Row, column: &str) -> Option<&'a str> {
    row.fields.get(column).and_then(Value::as_str)
}

/// Adds the post of a row, and hands over the user if it is the last one. The inner error says what is wrong with the row.
fn add(
    writers: &mut Writers<'_>,
    row: &Row,
    is_last: &dyn Fn(&str) -> bool,
) -> io::Result<Result<(), String>> {
    let Some(writer) = field(row, "id") else {
        return Ok(Err("no id".to_owned()));
    };
    let [gender, age, topic] =
        ["gender", "age", "topic"].map(|column| field(row, column).unwrap_or_default());
    let labels = labels(gender, age, topic);
    writers.add(Post {
        writer,
        time: field(row, "date").and_then(date),
        text: plain(&row.post),
        ..Post::default()
    })?;
    if !is_last(writer) {
        return Ok(Ok(()));
    }
    match labels {
        Ok(labels) => {
            for (label, value) in labels {
                writers.label(writer, &label, value);
            }
            writers.finish(writer)?;
            Ok(Ok(()))
        }
        Err(what) => {
            writers.discard(writer);
            Ok(Err(format!("user {writer}: {what}")))
        }
    }
}
