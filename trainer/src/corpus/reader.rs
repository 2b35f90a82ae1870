//! The reader over all files of a corpus.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use model_core::corpus::{Problem, Reading, RepeatedUsers, User, Users, open_users};

use super::container::{self, Opened, unpacked};
use super::input::STANDARD_INPUT;
use super::{
    AlikeRecords, Container, LabelFile, LabelMap, Shard, columnar, known, members, repeated_file,
};
use crate::progress::notice;

/// How to read a corpus.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Whether the first bad record is an error.
    pub strict: bool,
    /// The format, encoding and columns of all files.
    pub reading: Reading,
    /// Whether files of zstd may take 2 GiB of memory to decompress.
    pub is_long: bool,
    /// Labels of the users.
    pub labels: Option<LabelFile>,
    /// The part of the users that is read; `None` reads all. A part of a folder or archive of no known format is every so many
    /// of its files.
    pub shard: Option<Shard>,
    /// The fields that are needed besides texts, ids, what orders posts, and labels of known names; `None` needs all. Files of
    /// columns are not decoded further. Other formats return all fields anyway.
    pub fields: Option<Vec<String>>,
    /// Whether the columns are stated by a config and not by flags, as messages must say.
    pub is_configured: bool,
}

impl Options {
    /// A message in which a flag is what the user has in its place.
    fn message(&self, what: &str) -> String {
        match self.is_configured {
            false => what.to_owned(),
            true => (what.replace("--text NAME", "columns.text in the config"))
                .replace("--user NAME", "columns.user in the config")
                .replace("; --reposts keeps them", ""),
        }
    }
}

/// A record that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRecord {
    /// The file of the record.
    pub path: PathBuf,
    /// The line in which the record begins, counted from 1; 0 if `what` names the place.
    pub line: u64,
    /// What is wrong with the record.
    pub what: String,
}

impl fmt::Display for BadRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return f.write_str(&self.what);
        }
        write!(f, "{}:{}: {}", name(&self.path), self.line, self.what)
    }
}

/// Why a corpus cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CorpusError {
    /// A file is missing, unreadable or truncated.
    #[error("{}", name(path))]
    File {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A file is not a corpus.
    #[error("{}: {what}", name(path))]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// A file is given twice.
    #[error("{}: given twice; its users would count twice", name(.0))]
    Repeated(PathBuf),
    /// A record is bad, and [`Options::strict`] is set.
    #[error("{0} (strict reading is on)")]
    BadRecord(BadRecord),
    /// A record of a file of labels has no id.
    #[error("{0}")]
    BadLabels(BadRecord),
}

/// The maximum number of users in a chunk.
const CHUNK_USERS: usize = 4096;
/// A chunk ends with the user who makes it reach this many bytes.
const CHUNK_BYTES: usize = 4 << 20;

/// Users from one or more files, one at a time. Bad records are reported, counted and skipped. Records are numbered from 1
/// within their file, and the number serves as the id of a user without one.
pub struct Corpus {
    files: Vec<PathBuf>,
    options: Options,
    /// The rest of the file that was opened last.
    current: Option<Users>,
    /// The number of files opened so far.
    opened: usize,
    /// The file that the last user, or chunk of users, came from.
    file: usize,
    report: Box<dyn FnMut(&str) + Send>,
    labels: LabelMap,
    repeated_users: RepeatedUsers,
    bad_records: u64,
    alike_records: AlikeRecords,
    failed: bool,
    /// The error of the next chunk.
    next_chunk: Option<CorpusError>,
    /// The first user of the next chunk, which is from another file.
    ahead: Option<User>,
}

impl Corpus {
    /// A corpus of these files; `-` is standard input.
    ///
    /// # Errors
    /// If a path is missing or given twice. All paths are checked first, so that a typo does not end a long run.
    pub fn open(paths: &[PathBuf], options: Options) -> Result<Self, CorpusError> {
        if let Some(path) = repeated_file(paths) {
            return Err(CorpusError::Repeated(path.clone()));
        }
        for path in paths
            .iter()
            .filter(|path| path.as_os_str() != STANDARD_INPUT)
        {
            std::fs::metadata(path).map_err(|source| CorpusError::File {
                path: path.clone(),
                source,
            })?;
        }
        Ok(Self {
            files: paths.to_vec(),
            options,
            current: None,
            opened: 0,
            file: 0,
            report: Box::new(|line| notice!("{line}")),
            labels: LabelMap::default(),
            repeated_users: RepeatedUsers::default(),
            bad_records: 0,
            alike_records: AlikeRecords::default(),
            failed: false,
            next_chunk: None,
            ahead: None,
        })
    }

    /// Reports bad records, and what else is to be known of the files, with `report`, a line each, instead of printing them to
    /// standard error.
    pub fn with_report(mut self, report: impl FnMut(&str) + Send + 'static) -> Self {
        self.report = Box::new(report);
        self
    }

    /// Reads these labels as classes.
    pub fn with_labels(mut self, labels: LabelMap) -> Self {
        self.labels = labels;
        self
    }

    /// Needs only these of the users' fields, see [`Options::fields`].
    pub fn with_fields<S: Into<String>>(mut self, fields: impl IntoIterator<Item = S>) -> Self {
        let fields: Vec<String> = fields.into_iter().map(Into::into).collect();
        self.options.reading.single_valued = fields.clone();
        self.options.fields = Some(fields);
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

    /// The number of bad records so far.
    pub fn bad_records(&self) -> u64 {
        self.bad_records
    }

    /// The next chunk of users, who are all from one file and take some megabytes; `None` at the end.
    pub fn read_chunk(&mut self) -> Result<Option<Vec<User>>, CorpusError> {
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
                // The users before the error come first.
                Some(Err(error)) => {
                    self.next_chunk = Some(error);
                    break;
                }
            }
        }
        Ok((!users.is_empty()).then_some(users))
    }

    /// Counts and reports what is wrong in the present file.
    fn bad_record(&mut self, line: u64, what: String) -> Result<(), CorpusError> {
        self.bad_records += 1;
        let bad = BadRecord {
            path: self.files[self.opened - 1].clone(),
            line,
            what: self.options.message(&what),
        };
        if self.options.strict {
            return Err(CorpusError::BadRecord(bad));
        }
        let message = bad.to_string();
        if self.alike_records.add(&message) {
            (self.report)(&message);
        }
        Ok(())
    }

    /// Reports how many bad records were not reported one by one.
    fn report_alike(&mut self) {
        for note in self.alike_records.take_notes() {
            (self.report)(&note);
        }
    }

    fn fail(&mut self, error: CorpusError) -> Option<Result<User, CorpusError>> {
        self.report_alike();
        self.failed = true;
        Some(Err(error))
    }
}

impl Iterator for Corpus {
    type Item = Result<User, CorpusError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.failed {
            let Some(users) = &mut self.current else {
                let Some(path) = self.files.get(self.opened).cloned() else {
                    self.report_alike();
                    if let Some(labels) = self.options.labels.take() {
                        (self.report)(&labels.summary());
                    }
                    if let Some(note) = std::mem::take(&mut self.labels).not_found() {
                        (self.report)(&note);
                    }
                    for note in self.repeated_users.take_notes() {
                        (self.report)(&note);
                    }
                    return None;
                };
                self.opened += 1;
                match users_of(&path, &self.options) {
                    Ok(users) => self.current = Some(users),
                    Err(error) => return self.fail(error),
                }
                continue;
            };
            match users.next() {
                None => self.current = None,
                Some(Ok(mut user)) => {
                    self.file = self.opened - 1;
                    self.repeated_users.add(&user);
                    if let Some(labels) = &mut self.options.labels {
                        labels.apply(&mut user);
                    }
                    self.labels.apply(&mut user);
                    return Some(Ok(user));
                }
                Some(Err(Problem::Note(what))) => {
                    let path = &self.files[self.opened - 1];
                    let what = self.options.message(&what);
                    (self.report)(&format!("{}: {what}", name(path)));
                }
                Some(Err(Problem::Stream(source)))
                    if source.kind() == io::ErrorKind::UnexpectedEof =>
                {
                    let path = name(&self.files[self.opened - 1]);
                    let what = format!("{path}: {source}; what stands before is read");
                    if let Err(error) = self.bad_record(0, what) {
                        return self.fail(error);
                    }
                }
                Some(Err(Problem::Stream(source))) => {
                    let path = self.files[self.opened - 1].clone();
                    return self.fail(CorpusError::File { path, source });
                }
                Some(Err(Problem::Record { line, what })) => {
                    if let Err(error) = self.bad_record(line, what) {
                        return self.fail(error);
                    }
                }
            }
        }
        None
    }
}

/// The most users whose fields [`known_fields`] reads.
const FIELDS_OF_USERS: usize = 1000;

/// The end of a message that a field is missing: the fields of the first users of a corpus, if there are any. Standard input
/// cannot be read again.
pub fn known_fields(files: &[PathBuf], options: &Options) -> String {
    let files: Vec<PathBuf> = (files.iter())
        .filter(|path| path.is_file() || path.is_dir())
        .cloned()
        .collect();
    let mut options = Options {
        fields: None,
        labels: None,
        ..options.clone()
    };
    // The first records are enough, whether or not a user has others further below.
    options.reading.is_sorted = true;
    let Ok(corpus) = Corpus::open(&files, options) else {
        return String::new();
    };
    let users = corpus.with_report(|_| {}).map_while(Result::ok);
    let names: BTreeSet<String> = (users.take(FIELDS_OF_USERS))
        .flat_map(|user| user.fields.into_iter().map(|(name, _)| name))
        .collect();
    let names: Vec<String> = names.into_iter().collect();
    match names.is_empty() {
        true => String::new(),
        false => format!("; the fields are: {}", names.join(", ")),
    }
}

/// The name of a file without its endings, as it stands on cards.
pub fn corpus_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').next().unwrap_or_default().to_owned()
}

/// The name of a path in messages.
pub(super) fn name(path: &Path) -> std::path::Display<'_> {
    if path.as_os_str() == STANDARD_INPUT {
        Path::new("standard input").display()
    } else {
        path.display()
    }
}

fn users_of(path: &Path, options: &Options) -> Result<Users, CorpusError> {
    let fail = |source| CorpusError::File {
        path: path.to_owned(),
        source,
    };
    let foreign = |what: String| CorpusError::Foreign {
        path: path.to_owned(),
        what: options.message(&what),
    };
    let in_shard = |users| match options.shard {
        Some(shard) => shard.of_users(users),
        None => users,
    };
    let of_formats = |container, found| {
        let formats = formats::Options {
            reposts: options.reading.reposts,
            max_bytes: options.reading.most_bytes,
        };
        in_shard(known::users(container, found, formats))
    };
    match container::open(path, options.is_long).map_err(fail)? {
        Opened::Container(mut container) => {
            let skipped = container.skipped();
            let note = (!skipped.is_empty()).then(|| Problem::Note(format!("skipped {skipped}")));
            let users = match known::formats_of(container.files(), &options.reading) {
                Some(found) => of_formats(container, found),
                None => members::users(container.files(), options).map_err(fail)?,
            };
            Ok(Box::new(note.map(Err).into_iter().chain(users)))
        }
        Opened::Columns(head, file) => {
            let users = columnar::users(file, &head, &options.reading, options.fields.as_deref());
            users.map(in_shard).map_err(foreign)
        }
        Opened::File(head, reader) => {
            let is_file = std::fs::metadata(path).is_ok_and(|metadata| metadata.is_file());
            let mut container = match is_file {
                true => Container::single(path, options.is_long),
                // A pipe can be read only once, so formats are found by its first bytes.
                false => Container::piped(path, io::Cursor::new(head.clone())),
            };
            if let Some(found) = known::formats_of(container.files(), &options.reading) {
                if !is_file {
                    container = Container::piped(path, unpacked(reader).map_err(fail)?);
                }
                return Ok(of_formats(container, found));
            }
            (open_users(path, &head, reader, &options.reading).map(in_shard)).map_err(foreign)
        }
    }
}
