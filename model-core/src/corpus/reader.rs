//! Readers of users in any of the formats.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::io::{self, BufRead, Cursor, Read};
use std::path::Path;

use serde_json::{Map, Value};

use super::columns::{Columns, Finder, ID, Parts};
use super::grouping::{Grouping, Order, Post};
use super::lines::{Line, Lines};
use super::records::{
    Record, Records, TableRecords, alike, json_records, lossy, repeated, table_records,
    unreadable_note,
};
use super::user::{Entry, ROUNDED, entry, id_key, is_rounded, listed, text_in_object};
use super::{Encoding, Format, Packing, User};
use crate::attribute::is_missing;
use crate::file_kind::what_else;

/// Why a user could not be read, or what else is to be known of a file.
#[derive(Debug)]
pub enum Problem {
    /// A record is invalid. Reading continues with the next one.
    Record {
        /// The line in which it begins, counted from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// How the file is read, where another way was possible: nothing is wrong.
    Note(String),
    /// The rest of the bytes cannot be read.
    Stream(io::Error),
}

/// An iterator over users and problems. A [`Problem::Stream`] is the last item.
pub type Users = Box<dyn Iterator<Item = Result<User, Problem>> + Send>;

/// How to read a corpus.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The format; `None` recognises it by name and content.
    pub format: Option<Format>,
    /// The encoding; `None` recognises it by content.
    pub encoding: Option<Encoding>,
    /// The columns, where they have no name that is known.
    pub columns: Columns,
    /// Whether reposts are read that a field marks, such as `retweet_id`.
    pub reposts: bool,
    /// Whether the posts of each user are consecutive. Posts then need not be held until the end of the file.
    pub is_sorted: bool,
    /// The most bytes of posts that are held at a time, to group them by user.
    pub most_bytes: usize,
    /// Fields of which a user is taken to have one value, in addition to the labels. A note says how many users have several.
    pub single_valued: Vec<String>,
}

/// The most bytes of posts that are grouped by user, where nothing else is stated: half of what small computers have.
#[cfg(not(target_pointer_width = "32"))]
const MOST_BYTES: usize = 4 << 30;
/// In a browser.
#[cfg(target_pointer_width = "32")]
const MOST_BYTES: usize = 1 << 30;

impl Default for Reading {
    fn default() -> Self {
        Self {
            format: None,
            encoding: None,
            columns: Columns::default(),
            reposts: false,
            is_sorted: false,
            most_bytes: MOST_BYTES,
            single_valued: Vec::new(),
        }
    }
}

impl Reading {
    /// Whether it says more of the files than can be seen in them.
    pub fn is_stated(&self) -> bool {
        self.format.is_some()
            || self.encoding.is_some()
            || self.is_sorted
            || self.columns.stated().next().is_some()
    }
}

/// Reads the users of a file of any format and encoding, see [`read_users`]. `head` are its first [`HEAD_BYTES`](super::HEAD_BYTES),
/// with which `reader` begins too.
///
/// # Errors
/// If the content is not a corpus; the error says what it is.
pub fn open_users(
    name: &Path,
    head: &[u8],
    reader: impl BufRead + Send + 'static,
    reading: &Reading,
) -> Result<Users, String> {
    let Text {
        reader,
        format,
        note,
    } = decoded(name, head, reader, reading)?;
    let users = read_users(reader, format, reading)?;
    Ok(Box::new(note.map(Err).into_iter().chain(users)))
}

/// Reads the records of a file, as [`open_users`] reads users. Plain text has none.
///
/// # Errors
/// If the content is neither JSON nor a table; the error says what it is.
fn open_records(
    name: &Path,
    head: &[u8],
    reader: impl BufRead + Send + 'static,
    reading: &Reading,
) -> Result<Records, String> {
    let Text {
        reader,
        format,
        note,
    } = decoded(name, head, reader, reading)?;
    let finder = Finder::new(&reading.columns);
    let records: Records = match format {
        Format::Jsonl => json_records(reader, finder),
        Format::Csv | Format::Text => match table_records(reader, |name| finder.is_text(name))? {
            Some(TableRecords { records, .. }) => records,
            None => Box::new(std::iter::empty()),
        },
    };
    Ok(Box::new(note.map(Err).into_iter().chain(records)))
}

/// An iterator over users' ids, as [`id_key`], and fields.
pub type Labels = Box<dyn Iterator<Item = Result<(String, Map<String, Value>), Problem>> + Send>;

/// The labels in a file, each user's with the id. Its columns are those of [`Reading::columns`], but where it has no
/// column with the stated name of the user, a known name will do.
///
/// # Errors
/// If the content is neither JSON nor a table; the error says what it is.
pub fn open_labels(
    name: &Path,
    head: &[u8],
    reader: impl BufRead + Send + 'static,
    reading: &Reading,
) -> Result<Labels, String> {
    open_records(name, head, reader, reading).map(|records| labels_in(records, reading))
}

/// The labels in records, see [`open_labels`].
pub fn labels_in(mut records: Records, reading: &Reading) -> Labels {
    let mut finder = Finder::new(&reading.columns);
    let mut known = Finder::new(&Columns::default());
    let mut first: Option<String> = None;
    Box::new(std::iter::from_fn(move || match records.next() {
        Some(Ok(record)) => {
            first.get_or_insert_with(|| names(&record.fields));
            Some(labels_of(record, &mut finder, &mut known))
        }
        Some(Err(problem)) => Some(Err(problem)),
        None => {
            let what = missing(&finder, &first.take()?).next()?;
            let error = io::Error::new(io::ErrorKind::InvalidData, what);
            Some(Err(Problem::Stream(error)))
        }
    }))
}

/// The id and the labels of a record.
fn labels_of(
    record: Record,
    finder: &mut Finder,
    known: &mut Finder,
) -> Result<(String, Map<String, Value>), Problem> {
    let Record { line, fields, .. } = record;
    let other_id = match finder.stated_user() {
        Some(_) => known.take(fields.clone()).user_id,
        None => None,
    };
    let Parts {
        user_id,
        mut fields,
        ..
    } = finder.take(fields);
    let Some(id) = user_id.or(other_id) else {
        let found = names(&fields);
        let what = format!(
            "no id of a user; its fields are: {found}; --user NAME states the one with the id"
        );
        return Err(Problem::Record { line, what });
    };
    fields.shift_remove(ID);
    Ok((id_key(&id).into_owned(), fields))
}

/// The names of these fields in a list.
fn names(fields: &Map<String, Value>) -> String {
    listed(fields.keys().map(String::as_str))
}

/// The note at the end of a file in which no record has a stated field; `first` lists the fields of the first record.
fn missing(finder: &Finder, first: &str) -> impl Iterator<Item = String> {
    finder.missing().map(move |name| {
        format!("no record has the field {name:?}; the fields of the first one are: {first}")
    })
}

/// An id as text, for files whose ids are text.
pub fn id_text(id: &Value) -> String {
    match id {
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    }
}

/// The text of a file.
struct Text {
    /// In UTF-8.
    reader: Box<dyn BufRead + Send>,
    format: Format,
    /// See [`Encoding::note`].
    note: Option<Problem>,
}

fn decoded(
    name: &Path,
    head: &[u8],
    reader: impl BufRead + Send + 'static,
    reading: &Reading,
) -> Result<Text, String> {
    if let Some(packing) = Packing::by_content(head) {
        return Err(format!(
            "compressed with {}; unpack it first",
            packing.name()
        ));
    }
    if let Some(kind) = what_else(head) {
        return Err(format!("it is {kind}"));
    }
    let Some(encoding) = reading.encoding.or_else(|| Encoding::recognise(head)) else {
        return Err(NO_TEXT.to_owned());
    };
    let format = reading.format.unwrap_or_else(|| {
        let finder = Finder::new(&reading.columns);
        Format::of(name, &encoding.decode_head(head), &finder)
    });
    let note = match reading.encoding {
        None => encoding.note(head),
        Some(_) => None,
    };
    Ok(Text {
        reader: Box::new(encoding.decode(reader)),
        format,
        note: note.map(Problem::Note),
    })
}

/// Reads the users of `reader`, which is text in UTF-8 and in `format`. Posts are grouped by their users, wherever these are
/// named; users come in the order of their first posts. Records are numbered from 1, and bad records count.
///
/// ```
/// use model_core::corpus::{Format, Reading, read_users};
///
/// let lines = r#"{"id": 17, "gender": "female", "posts": ["first post", "second post"]}"#;
/// for user in read_users(lines.as_bytes(), Format::Jsonl, &Reading::default())? {
///     let user = user.map_err(|_| "a bad record")?;
///     assert_eq!(user.posts.len(), 2);
///     assert_eq!(user.label("gender").as_deref(), Some("female"));
/// }
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
/// If the content is not a corpus, such as a table without a column of text. The error names the columns found.
pub fn read_users(
    reader: impl BufRead + Send + 'static,
    format: Format,
    reading: &Reading,
) -> Result<Users, String> {
    let finder = Finder::new(&reading.columns);
    match format {
        Format::Text => Ok(text_users(reader, reading.format.is_none())),
        Format::Jsonl => Ok(Box::new(Grouped::new(
            json_records(reader, Finder::new(&reading.columns)),
            finder,
            reading,
        ))),
        Format::Csv => match table_records(reader, |name| finder.is_text(name))? {
            None => Ok(Box::new(std::iter::empty())),
            Some(TableRecords { columns, records }) => Ok(Box::new(Grouped::of_table(
                &columns, records, finder, reading,
            )?)),
        },
    }
}

/// The users of a table that was read elsewhere, such as a file of columns. Posts are grouped by their users as those of
/// [`read_users`]; a text that is null or missing is empty. `columns` are the names of all columns, and of their fields as in
/// `user.id`.
///
/// # Errors
/// If there is no column of text, or a stated one is not there. The error names the columns found.
pub fn group_records(
    columns: &[String],
    records: Records,
    reading: &Reading,
) -> Result<Users, String> {
    let finder = Finder::new(&reading.columns);
    let is_text = |name: &&String| finder.is_text(name) && !name.contains('.');
    let texts: Vec<String> = columns.iter().filter(is_text).cloned().collect();
    let records = Box::new(records.map(move |record| {
        let mut record = record?;
        for name in &texts {
            let value = record.fields.entry(name.clone()).or_insert(Value::Null);
            if value.is_null() {
                *value = Value::String(String::new());
            }
        }
        Ok(record)
    }));
    Ok(Box::new(Grouped::of_table(
        columns, records, finder, reading,
    )?))
}

/// Whether a table with these columns has a text and all that the user has stated.
fn check(columns: &[String], finder: &Finder, stated: &Columns) -> Result<(), String> {
    stated.check(columns)?;
    match columns.iter().any(|name| finder.is_text(name)) {
        true => Ok(()),
        false => Err(format!(
            "neither JSON nor a table with a column of text in its first line; its columns are: {}; --text NAME states the one with the text",
            listed(columns.iter().map(String::as_str))
        )),
    }
}

/// What is wrong with bytes of no known kind and encoding.
const NO_TEXT: &str =
    "it is no text, or text in an encoding that is not read here; save it as text in UTF-8";

/// A note about the columns of a table, if there is one to make.
fn notes(columns: &[String], finder: &Finder) -> Vec<String> {
    let mut notes: Vec<String> = (repeated(columns).into_iter())
        .map(|name| {
            format!("several columns are called {name:?}; of each row the first of their cells that is not empty is read")
        })
        .collect();
    notes.extend(alike(columns).into_iter().map(|(name, other)| {
        format!("the columns {name:?} and {other:?} differ by case only, and one may be read for the other; rename one of them")
    }));
    if !finder.has_user(columns) {
        notes.push(EACH_A_USER.to_owned());
    }
    notes
}

/// The note for a file without users.
const EACH_A_USER: &str = "no field names the users, so each record is taken for a user; if one person wrote all, add a column user with the same name in each row; --user NAME states the field";
/// The note for a file in which some records have no user: spreadsheets leave cells empty, and crawlers lose users.
const NAMELESS: &str = "the user's id is missing or empty, so the record is taken for a user; others without an id are too";
/// The note for a file in which `id` may name posts.
const EACH_ID_ONCE: &str = "each id is there only once, so each record is a user, unless these are the ids of posts; if one person wrote all, add a column user with the same name in each row; --user NAME states the field of the users";
/// The most records of which two fields that may name the users are compared, to bound the memory.
const RECORDS_COMPARED: usize = 10_000;

/// The note for a file in which ids of posts may have the name of a user's.
fn each_once_but(other: &str) -> String {
    format!(
        "each user has only one record, but {other:?} has the same value in several; --user NAME states the field of the users"
    )
}
/// The note for a file in which Python has written the users as objects.
const OBJECT_AS_TEXT: &str = "the id of the user is the text of an object; a user of whom anything in it changes is read as several";
/// The note for a file whose texts count something, or are ids.
const NUMBERS: &str =
    "all texts are numbers, as where another field has the posts; --text NAME states it";
/// The note for a file whose texts are pieces of HTML.
const HTML: &str =
    "texts have HTML entities such as &amp;, which are read as words; decode them first";
/// The note at the end of a file with reposts.
fn reposts(count: usize) -> Option<Problem> {
    let plural = if count == 1 { "" } else { "s" };
    (count > 0).then(|| {
        Problem::Note(format!(
            "left out {count} repost{plural} that a field such as retweet_id marks; --reposts keeps them"
        ))
    })
}

/// The note at the end of a file with texts that are missing.
fn missing_texts(count: usize) -> Option<Problem> {
    let plural = if count == 1 { " is" } else { "s are" };
    (count > 0).then(|| {
        Problem::Note(format!(
            "{count} post{plural} NA or the like, which programs write for a text that is missing; it is read as a word"
        ))
    })
}

/// Users from records, with posts grouped by user.
struct Grouped {
    records: Records,
    finder: Finder,
    is_order_stated: bool,
    /// Whether reposts are read.
    reads_reposts: bool,
    /// The number of those that are not.
    reposts: usize,
    users: Grouping,
    /// Problems that are returned after the users who are ready.
    problems: VecDeque<Problem>,
    is_over: bool,
    /// Whether the columns are known, and so were checked, before the records.
    is_table: bool,
    /// Else the fields of the first record.
    first: Option<String>,
    /// Whether the table has a column of users, or a record had one.
    has_user_ids: bool,
    /// Whether a note says that a record, or the file, does not name its user.
    is_noted: bool,
    /// Whether a note says that ids may be wrong.
    is_doubted: bool,
    /// The number of bytes that are not UTF-8.
    unreadable: usize,
    is_html: bool,
    /// The number of posts that are `NA` or the like.
    missing_texts: usize,
    /// Whether all texts so far are numbers; `None` before the first one.
    are_numbers: Option<bool>,
    /// Whether each record so far has another user.
    is_each_once: bool,
    /// Values of another field that may name the users, with its name, and in how many of the first records.
    others: BTreeMap<String, (HashSet<String>, usize)>,
    /// The number of dated records whose user is their `id`.
    by_id: usize,
    /// The first line with a value that should order posts and is neither a number nor a date of a known form, the value, and
    /// whether it is sorted as text.
    unknown_order: Option<(u64, Value, bool)>,
}

impl Iterator for Grouped {
    type Item = Result<User, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(user) = self.users.take() {
                return Some(Ok(user));
            }
            if let Some(problem) = self.problems.pop_front() {
                self.is_over |= matches!(problem, Problem::Stream(_));
                return Some(Err(problem));
            }
            if self.is_over {
                return None;
            }
            let added = match self.records.next() {
                Some(record) => record.and_then(|record| self.add(record)),
                None => {
                    let note = unreadable_note(self.unreadable);
                    self.problems.extend(note.map(Problem::Note));
                    self.problems.extend(reposts(self.reposts));
                    self.problems.extend(missing_texts(self.missing_texts));
                    if self.are_numbers == Some(true) && self.finder.stated_text().is_none() {
                        self.problems.push_back(Problem::Note(NUMBERS.to_owned()));
                    }
                    if let Some((line, value, is_text)) =
                        self.unknown_order.take().filter(|_| !self.is_each_once)
                    {
                        let note = unknown_order(line, &value, is_text);
                        self.problems.push_back(Problem::Note(note));
                    }
                    let ambiguity = self.users.ambiguity();
                    self.problems.extend(ambiguity.map(Problem::Note));
                    if self.by_id > 1 && self.by_id == self.users.count() {
                        let note = Problem::Note(EACH_ID_ONCE.to_owned());
                        self.problems.push_back(note);
                    }
                    let other = (self.others.iter())
                        .filter(|_| self.is_each_once)
                        .find(|(_, (ids, records))| ids.len() < *records);
                    let other = other.map(|(name, _)| each_once_but(name));
                    self.problems.extend(other.map(Problem::Note));
                    if let Some(first) = &self.first {
                        let missing = missing(&self.finder, first);
                        self.problems.extend(missing.map(Problem::Note));
                    }
                    self.users.finish();
                    self.is_over = true;
                    continue;
                }
            };
            if let Err(problem) = added {
                // The users before it are not lost.
                if matches!(problem, Problem::Stream(_)) {
                    self.users.finish();
                }
                self.problems.push_back(problem);
            }
        }
    }
}

impl Grouped {
    fn new(records: Records, finder: Finder, reading: &Reading) -> Self {
        Self {
            records,
            users: Grouping::new(reading),
            problems: VecDeque::new(),
            is_order_stated: reading.columns.order.is_some(),
            reads_reposts: reading.reposts,
            reposts: 0,
            finder,
            is_over: false,
            is_table: false,
            first: None,
            has_user_ids: false,
            is_noted: false,
            is_doubted: false,
            unreadable: 0,
            is_html: false,
            missing_texts: 0,
            are_numbers: None,
            is_each_once: true,
            others: BTreeMap::new(),
            by_id: 0,
            unknown_order: None,
        }
    }

    /// The users of a table with these columns.
    fn of_table(
        columns: &[String],
        records: Records,
        finder: Finder,
        reading: &Reading,
    ) -> Result<Self, String> {
        check(columns, &finder, &reading.columns)?;
        let notes = notes(columns, &finder);
        let has_user_ids = finder.has_user(columns);
        Ok(Self {
            problems: notes.into_iter().map(Problem::Note).collect(),
            is_table: true,
            has_user_ids,
            is_noted: !has_user_ids,
            ..Self::new(records, finder, reading)
        })
    }

    fn add(&mut self, record: Record) -> Result<(), Problem> {
        let Record {
            number,
            line,
            fields,
            unreadable,
        } = record;
        self.unreadable += unreadable;
        let bad = |what| Problem::Record { line, what };
        if !self.is_table && self.first.is_none() {
            self.first = Some(names(&fields));
        }
        let mut left_out = Vec::new();
        let parts = self.finder.take(fields);
        if let Some(name) = self.finder.stated_text()
            && parts.text.is_none()
            && !parts.is_null
        {
            return Err(bad(format!(
                "no field {name:?} with the text; its fields are: {}{}",
                names(&parts.fields),
                text_in_object(&parts.fields)
                    .map_or(String::new(), |name| format!(", such as {name}"))
            )));
        }
        let Entry {
            user,
            is_whole,
            user_id,
            is_by_id,
            is_repost,
            order: value,
        } = entry(parts, &mut left_out).map_err(bad)?;
        if is_repost && !self.reads_reposts {
            self.reposts += 1;
            return Ok(());
        }
        self.problems.extend(left_out.into_iter().map(bad));
        if !self.is_html && user.posts.iter().any(|post| has_entity(post)) {
            self.is_html = true;
            let what = format!("line {line}: {HTML}");
            self.problems.push_back(Problem::Note(what));
        }
        let missing = user.posts.iter().filter(|post| is_missing(post));
        self.missing_texts += missing.count();
        if self.are_numbers != Some(false) {
            let texts = user.posts.iter().map(|post| post.trim());
            self.are_numbers = texts
                .filter(|text| !text.is_empty())
                .map(|text| text.parse::<f64>().is_ok())
                .chain(self.are_numbers)
                .reduce(|are, is| are && is);
        }
        let user = User {
            record: number,
            ..user
        };
        match user_id {
            _ if is_whole => self.users.pass(user, line),
            Some(Value::Array(ids)) if ids.len() > 1 && ids.len() == user.posts.len() => {
                Err(bad(LIST_OF_IDS.into()))
            }
            Some(user_id) => {
                self.has_user_ids = true;
                if !self.is_doubted
                    && let Some(doubt) = doubt(&user_id)
                {
                    self.is_doubted = true;
                    let what = format!("line {line}: {doubt}");
                    self.problems.push_back(Problem::Note(what));
                }
                self.by_id += usize::from(is_by_id && value.is_some());
                let order =
                    (value.as_ref()).and_then(|value| Order::new(value, self.is_order_stated));
                if let (Some(value), None | Some(Order::Text(_))) = (value, &order) {
                    (self.unknown_order).get_or_insert((line, value, order.is_some()));
                }
                if self.is_each_once
                    && self.finder.stated_user().is_none()
                    && let Some((name, id)) = self.finder.other_user(&user.fields)
                {
                    let (ids, records) = self.others.entry(name).or_default();
                    if *records < RECORDS_COMPARED {
                        ids.insert(id);
                        *records += 1;
                    }
                }
                let count = self.users.count();
                let added = self.users.add(Post {
                    line,
                    user_id,
                    order,
                    user,
                });
                self.is_each_once &= self.users.count() > count;
                added
            }
            None if let Some(name) = self.finder.stated_user() => Err(bad(format!(
                "the field {name:?} of the user is missing or empty"
            ))),
            None => {
                if !std::mem::replace(&mut self.is_noted, true) {
                    let what = match self.has_user_ids {
                        true => format!("line {line}: {NAMELESS}"),
                        false => EACH_A_USER.to_owned(),
                    };
                    self.problems.push_back(Problem::Note(what));
                }
                self.users.pass(user, line)
            }
        }
    }
}

/// The note for a file whose posts are not in order of time.
fn unknown_order(line: u64, value: &Value, is_text: bool) -> String {
    let value = id_text(value);
    let value: String = value.chars().take(40).collect();
    let consequence = match is_text {
        true => "such values are sorted as text",
        false => "posts of users with such values stay in the order of the file",
    };
    format!(
        "line {line}: {value:?} is neither a number nor a date of a known form (such as 2024-01-31 10:00), so {consequence}"
    )
}

/// What is wrong with a record that lists the values of many.
const LIST_OF_IDS: &str = "the user's id is a list; a file that lists the values of each column must be written as one object per row";

/// Whether a text has an entity that web pages and Twitter have for signs that people write.
fn has_entity(text: &str) -> bool {
    let mut after = text.split('&').skip(1);
    after.any(|after| {
        let Some((name, _)) = after.split_once(';') else {
            return false;
        };
        match name.strip_prefix('#') {
            Some(number) => {
                let digits = number.trim_start_matches(['x', 'X']);
                !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
            }
            // The longest are some thirty letters; one letter is a name, as in R&B;
            None => {
                (2..32).contains(&name.len())
                    && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
            }
        }
    })
}

/// What may be wrong with an id: it is rounded, or Python has written an object, as in {'username': 'ann', 'followers': 9}.
fn doubt(id: &Value) -> Option<&'static str> {
    let text = id_key(id);
    if text.starts_with('{') && text.ends_with('}') {
        return Some(OBJECT_AS_TEXT);
    }
    is_rounded(&text).then_some(ROUNDED)
}

/// The note for plain text that was not asked for.
const EACH_LINE_A_USER: &str = "plain text: each line is taken for a user; if lines name their users, as in a chat, make a table with the columns user and text of them";

/// Reads one user a line; `is_to_tell` says so before the first one.
fn text_users(reader: impl BufRead + Send + 'static, mut is_to_tell: bool) -> Users {
    let mut lines = Lines::new(reader);
    let mut is_over = false;
    let mut invalid = 0;
    Box::new(std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        if std::mem::take(&mut is_to_tell) {
            return Some(Err(Problem::Note(EACH_LINE_A_USER.to_owned())));
        }
        let Line { number, bytes } = match lines.next() {
            Ok(Some(line)) => line,
            Ok(None) => {
                is_over = true;
                return unreadable_note(invalid).map(|note| Err(Problem::Note(note)));
            }
            Err(error) => {
                is_over = true;
                return Some(Err(Problem::Stream(error)));
            }
        };
        Some(match bytes {
            Ok(bytes) => {
                let (text, unreadable) = lossy(bytes);
                invalid += unreadable;
                Ok(User {
                    posts: vec![text.into_owned()],
                    record: number,
                    ..User::default()
                })
            }
            Err(what) => Err(Problem::Record { line: number, what }),
        })
    }))
}

/// The first `length` bytes of `reader`, or fewer at its end, and a reader of all bytes. Unlike a look into the buffer of the
/// reader, this does not depend on how the bytes arrive. A compressed file that is cut off is no error here: the reader meets
/// the cut.
pub fn peek<R: BufRead>(
    mut reader: R,
    length: usize,
) -> io::Result<(Vec<u8>, impl BufRead + use<R>)> {
    let mut head = Vec::new();
    let read = reader.by_ref().take(length as u64).read_to_end(&mut head);
    read.map(drop).or_else(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => Ok(()),
        _ => Err(error),
    })?;
    Ok((head.clone(), Cursor::new(head).chain(reader)))
}

#[cfg(test)]
mod tests;
