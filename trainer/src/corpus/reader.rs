//! The reader over all files of a corpus.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use model_core::corpus::{Format, HEAD_BYTES, Problem, User, Users, peek, read_users};

use super::input::{self, STANDARD_INPUT};

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

/// Users from one or more files, one at a time. Bad records are reported, counted and skipped. Records are numbered from 1
/// within their file, and the number serves as the id of a user without one.
pub struct Corpus {
    files: Vec<PathBuf>,
    options: Options,
    /// What is left of the last file that was opened.
    current: Option<Users>,
    /// How many of the files have been opened.
    opened: usize,
    /// The file that the last user, or chunk of users, came from.
    file: usize,
    report: Box<dyn FnMut(&BadRecord) + Send>,
    /// How many records of the current file were read, bad ones included.
    records: u64,
    bad_records: u64,
    failed: bool,
    /// What the next chunk fails with.
    next_chunk: Option<CorpusError>,
    /// The first user of the next chunk, which is from another file.
    ahead: Option<User>,
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
            files: paths.to_vec(),
            options,
            current: None,
            opened: 0,
            file: 0,
            report: Box::new(|bad| eprintln!("{bad}")),
            records: 0,
            bad_records: 0,
            failed: false,
            next_chunk: None,
            ahead: None,
        })
    }

    /// Reports bad records with `report` instead of printing them to standard error.
    pub fn with_report(mut self, report: impl FnMut(&BadRecord) + Send + 'static) -> Self {
        self.report = Box::new(report);
        self
    }

    /// The files, in the order in which they are read.
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// The file that the last user, or chunk of users, came from, as an index into [`files`](Self::files).
    pub fn file(&self) -> usize {
        self.file
    }

    /// How many bad records there were so far.
    pub fn bad_records(&self) -> u64 {
        self.bad_records
    }

    /// The next users, as many of a file as take some megabytes together; none at the end.
    pub fn read_chunk(&mut self) -> Result<Vec<User>, CorpusError> {
        if let Some(error) = self.next_chunk.take() {
            return Err(error);
        }
        let mut users = Vec::new();
        if let Some(user) = self.ahead.take() {
            users.push(user);
            self.file = self.opened - 1;
        }
        let mut bytes = 0;
        while users.len() < CHUNK_USERS && bytes < CHUNK_BYTES {
            let file = self.file;
            match self.next() {
                None => break,
                Some(Ok(user)) if self.file != file && !users.is_empty() => {
                    self.ahead = Some(user);
                    self.file = file;
                    break;
                }
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
            let Some(users) = &mut self.current else {
                let path = self.files.get(self.opened)?.clone();
                self.opened += 1;
                match open_users(&path, self.options.format) {
                    Ok(users) => {
                        self.current = Some(users);
                        self.records = 0;
                    }
                    Err(error) => return self.fail(error),
                }
                continue;
            };
            match users.next() {
                None => self.current = None,
                Some(Ok(mut user)) => {
                    self.records += 1;
                    self.file = self.opened - 1;
                    user.number(self.records);
                    return Some(Ok(user));
                }
                Some(Err(Problem::Stream(source))) => {
                    let path = self.files[self.opened - 1].clone();
                    return self.fail(CorpusError::File { path, source });
                }
                Some(Err(Problem::Record { line, what })) => {
                    self.records += 1;
                    self.bad_records += 1;
                    let bad = BadRecord {
                        path: self.files[self.opened - 1].clone(),
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
    let (head, reader) = peek(input::open(path).map_err(fail)?, HEAD_BYTES).map_err(fail)?;
    let format = format.unwrap_or_else(|| Format::of(path, &head));
    read_users(reader, format).map_err(|what| CorpusError::Foreign {
        path: path.to_owned(),
        what,
    })
}
