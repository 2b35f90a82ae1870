//! The reader over all files of a corpus.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use super::User;
use super::csv_users::CsvUsers;
use super::input::{self, STANDARD_INPUT};
use super::lines::Lines;

/// How a corpus is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A JSON object a line.
    Jsonl,
    /// A header, then a post a row.
    Csv,
    /// A post a line.
    Text,
}

/// How to read a corpus.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Whether the first bad record ends the reading.
    pub strict: bool,
    /// The format of all files, if it is not to be told from their names and first characters.
    pub format: Option<Format>,
}

/// A record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecord {
    /// The file it stands in.
    pub path: PathBuf,
    /// The line it begins in, counted from 1.
    pub line: u64,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for BadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", name(&self.path), self.line, self.what)
    }
}

/// Why reading a corpus ended early.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// A file is missing, unreadable, or breaks off (a damaged xz file, a lost disk).
    #[error("{}", name(path))]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is no corpus at all.
    #[error("{}: {what}", name(path))]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// A bad record, where every record must be good.
    #[error("{0} (--strict: nothing more is read)")]
    BadRecord(BadRecord),
}

/// How many users are read at a time, at most.
const CHUNK_USERS: usize = 4096;
/// No more users are read at a time once they take this much memory.
const CHUNK_BYTES: usize = 4 << 20;

/// What one file's reader comes upon.
pub(super) enum Problem {
    /// A record is bad, and the next one may be good.
    Record { line: u64, what: String },
    /// The file cannot be read on.
    Stream(io::Error),
}

type Users = Box<dyn Iterator<Item = Result<User, Problem>> + Send>;

/// Users from one or more files, one at a time. Bad records are reported, counted and passed over.
pub struct Corpus {
    paths: VecDeque<PathBuf>,
    options: Options,
    current: Option<(PathBuf, Users)>,
    report: Box<dyn FnMut(&BadRecord) + Send>,
    records: u64,
    bad_records: u64,
    failed: bool,
    /// What the next chunk fails with.
    next_chunk: Option<CorpusError>,
}

impl Corpus {
    /// A corpus made of these files, `-` being standard input.
    ///
    /// # Errors
    /// If a file is not there, or no file: before anything is read, so that a long run does not end at a typo.
    pub fn open(paths: &[PathBuf], options: Options) -> Result<Self, CorpusError> {
        for path in paths
            .iter()
            .filter(|path| path.as_os_str() != STANDARD_INPUT)
        {
            let fail = |source| CorpusError::File {
                path: path.clone(),
                source,
            };
            if std::fs::metadata(path).map_err(fail)?.is_dir() {
                return Err(fail(io::ErrorKind::IsADirectory.into()));
            }
        }
        Ok(Self {
            paths: paths.iter().cloned().collect(),
            options,
            current: None,
            report: Box::new(|bad| eprintln!("{bad}")),
            records: 0,
            bad_records: 0,
            failed: false,
            next_chunk: None,
        })
    }

    /// Reports bad records with `report` instead of printing them to standard error.
    pub fn with_report(mut self, report: impl FnMut(&BadRecord) + Send + 'static) -> Self {
        self.report = Box::new(report);
        self
    }

    /// How many bad records there were so far.
    pub fn bad_records(&self) -> u64 {
        self.bad_records
    }

    /// The next users, as many as take some megabytes together; none at the end.
    pub fn read_chunk(&mut self) -> Result<Vec<User>, CorpusError> {
        if let Some(error) = self.next_chunk.take() {
            return Err(error);
        }
        let mut users = Vec::new();
        let mut bytes = 0;
        while users.len() < CHUNK_USERS && bytes < CHUNK_BYTES {
            match self.next() {
                None => break,
                Some(Ok(user)) => {
                    bytes += user.bytes();
                    users.push(user);
                }
                Some(Err(error)) if users.is_empty() => return Err(error),
                // First the users before it.
                Some(Err(error)) => {
                    self.next_chunk = Some(error);
                    break;
                }
            }
        }
        Ok(users)
    }

    fn fail(&mut self, error: CorpusError) -> Option<Result<User, CorpusError>> {
        self.failed = true;
        Some(Err(error))
    }
}

impl Iterator for Corpus {
    type Item = Result<User, CorpusError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            let Some((path, users)) = &mut self.current else {
                let path = self.paths.pop_front()?;
                match open_users(&path, self.options.format) {
                    Ok(users) => self.current = Some((path, users)),
                    Err(error) => return self.fail(error),
                }
                continue;
            };
            match users.next() {
                None => self.current = None,
                Some(Ok(mut user)) => {
                    self.records += 1;
                    if user.id().is_null() {
                        user.fields.insert("id".into(), self.records.into());
                    }
                    return Some(Ok(user));
                }
                Some(Err(Problem::Stream(source))) => {
                    let path = path.clone();
                    return self.fail(CorpusError::File { path, source });
                }
                Some(Err(Problem::Record { line, what })) => {
                    self.records += 1;
                    self.bad_records += 1;
                    let bad = BadRecord {
                        path: path.clone(),
                        line,
                        what,
                    };
                    if self.options.strict {
                        return self.fail(CorpusError::BadRecord(bad));
                    }
                    (self.report)(&bad);
                }
            }
        }
        None
    }
}

/// What a path is called in a message.
fn name(path: &Path) -> std::path::Display<'_> {
    if path.as_os_str() == STANDARD_INPUT {
        Path::new("standard input").display()
    } else {
        path.display()
    }
}

fn open_users(path: &Path, format: Option<Format>) -> Result<Users, CorpusError> {
    let fail = |source| CorpusError::File {
        path: path.to_owned(),
        source,
    };
    let (head, reader) = input::peek(input::open(path).map_err(fail)?, 64).map_err(fail)?;
    let format = format
        .or_else(|| format_by_name(path))
        .unwrap_or_else(|| format_by_content(&head));
    Ok(match format {
        Format::Jsonl => Box::new(LineUsers {
            lines: Lines::new(reader),
            user: jsonl_user,
        }),
        Format::Text => Box::new(LineUsers {
            lines: Lines::new(reader),
            user: text_user,
        }),
        Format::Csv => {
            let foreign = |what| CorpusError::Foreign {
                path: path.to_owned(),
                what,
            };
            Box::new(CsvUsers::new(reader).map_err(foreign)?)
        }
    })
}

fn jsonl_user(line: &str) -> Result<Option<User>, String> {
    if line.trim().is_empty() {
        Ok(None)
    } else {
        User::from_json(line).map(Some)
    }
}

fn text_user(line: &str) -> Result<Option<User>, String> {
    Ok(Some(User {
        posts: vec![line.to_owned()],
        ..User::default()
    }))
}

fn format_by_name(path: &Path) -> Option<Format> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let name = [".xz", ".gz", ".zst"]
        .iter()
        .find_map(|packed| name.strip_suffix(packed))
        .unwrap_or(&name);
    match name.rsplit_once('.')?.1 {
        "jsonl" | "ndjson" | "json" => Some(Format::Jsonl),
        "csv" => Some(Format::Csv),
        "txt" => Some(Format::Text),
        _ => None,
    }
}

fn format_by_content(head: &[u8]) -> Format {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    match head.trim_ascii_start().first() {
        Some(b'{') => Format::Jsonl,
        _ => Format::Csv,
    }
}

/// Users that stand one a line.
struct LineUsers<R> {
    lines: Lines<R>,
    /// The user of a line, `None` if the line holds nothing.
    user: fn(&str) -> Result<Option<User>, String>,
}

impl<R: BufRead> Iterator for LineUsers<R> {
    type Item = Result<User, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (number, line) = match self.lines.next() {
                Ok(line) => line?,
                Err(error) => return Some(Err(Problem::Stream(error))),
            };
            match line.and_then(self.user) {
                Ok(Some(user)) => return Some(Ok(user)),
                Ok(None) => {}
                Err(what) => return Some(Err(Problem::Record { line: number, what })),
            }
        }
    }
}
