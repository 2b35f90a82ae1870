//! `auxlstm corpus convert`: archives, crawls and published corpora as the project's JSONL.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver as Receiving, SyncSender, sync_channel};
use std::{mem, thread};

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use formats::{FORMATS, Format, Grouping, Note, Part, Receiver, recognise};
use model_core::corpus::{self, RepeatedUsers, User};

use super::{Failure, ReadingArguments, outputs};
use crate::conversion::{Converter, Counts, Options, Professions};
use crate::corpus::{
    AlikeRecords, Container, Corpus, LabelFile, Options as ReadingOptions, Packer, repeated_file,
};
use crate::output::{OutputError, PendingFile};
use crate::progress::{Progress, notice};
use crate::table::counted;

/// Convert archives, crawls, published corpora and any other file of users to JSONL, one user a line
///
/// Posts are grouped by user and stand in order of time. Reposts, quoted text and posts of bots are left out. E-mail
/// addresses, links and numbers of eight or more characters are masked as <email>, <url> and <num>; users are numbered anew.
/// Names and dates are dropped, but files of no known format keep all fields except the user's id. docs/formats.md describes
/// the formats, docs/corpora.md the corpora.
#[derive(Args)]
pub(super) struct Convert {
    /// Folder, zip or tar archive, or file; tar archives and files may be compressed with xz, gzip or zstd. Inputs of one
    /// named format are read as one
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    /// File to write; a name that ends in .xz, .gz or .zst compresses it
    #[arg(short, long, value_name = "USERS.jsonl")]
    output: PathBuf,
    /// Format of the inputs [default: detected]
    #[arg(long, value_name = "NAME", value_parser = format_parser())]
    format: Option<&'static dyn Format>,
    /// Keep the ids or names by which the format tells users apart
    #[arg(long)]
    keep_ids: bool,
    /// Group the industries of the Blog Authorship Corpus into professions
    #[arg(long, value_enum, value_name = "GROUPS")]
    professions: Option<Professions>,
    /// Leave out users without this label
    #[arg(long, value_name = "LABEL")]
    with: Option<String>,
    /// Leave out users with this label
    #[arg(long, value_name = "LABEL")]
    without: Option<String>,
    /// Cut each user's posts after this many words
    #[arg(long, value_name = "WORDS")]
    max_words: Option<usize>,
    #[command(flatten)]
    reading: ReadingArguments,
}

fn format_parser() -> impl TypedValueParser<Value = &'static dyn Format> {
    let values = FORMATS.map(|format| {
        let about = format.about();
        PossibleValue::new(about.name).help(about.input)
    });
    PossibleValuesParser::new(values).try_map(|name| {
        let format = (FORMATS.into_iter()).find(|format| format.about().name == name);
        format.ok_or("no such format")
    })
}

pub(super) fn run(arguments: Convert) -> Result<ExitCode, Failure> {
    check_distinct(&arguments.inputs)?;
    let inputs = arguments.inputs.iter().map(PathBuf::as_path);
    outputs::check(
        [&arguments.output],
        inputs.chain(arguments.reading.label_file()),
    )?;
    check_name(&arguments.output)?;
    let options = arguments.reading.options()?;
    let mut inputs = Vec::new();
    for path in &arguments.inputs {
        let fail = |error| in_input(path, error);
        let mut container = Container::open(path, options.is_long).map_err(fail)?;
        let skipped = container.skipped();
        if !skipped.is_empty() {
            notice!("{}: skipped {skipped}", path.display());
        }
        let parts = match arguments.format {
            Some(format) => vec![Part::all(format, container.files())],
            None if options.reading.is_stated() => Vec::new(),
            None => {
                let found = recognise(container.files());
                if let Some(note) = found.note() {
                    notice!("{}: {note}", path.display());
                }
                found.parts
            }
        };
        inputs.push((path, container, parts));
    }
    let path = &arguments.output;
    let fail = |source| OutputError {
        path: path.clone(),
        source,
    };
    let mut file = PendingFile::create(path)?;
    let converter = Converter::new(Options {
        professions: arguments.professions,
        with: arguments.with,
        without: arguments.without.clone(),
        max_words: arguments.max_words,
        keep_ids: arguments.keep_ids,
    });
    let output = Output {
        converter,
        labels: options.labels.clone(),
        packer: Packer::new(path, &mut file).map_err(fail)?,
        progress: Progress::new("converting", "users", None),
    };
    let (converter, left_out) = thread::scope(|scope| {
        let (sender, chunks) = sync_channel(CHUNKS_AHEAD);
        let mut sent = Sent {
            sender,
            chunk: Vec::new(),
            bytes: 0,
            print: Arc::new(output.progress.printer()),
            bad_records: 0,
            alike_records: AlikeRecords::default(),
            repeated_users: RepeatedUsers::default(),
            is_strict: options.strict,
            refused: None,
        };
        let writing = scope.spawn(|| output.write(chunks));
        let left_out = read_all(inputs, &options, &mut sent);
        let (bad_records, refused) = sent.finish();
        let written = writing.join().unwrap_or_else(|panic| resume_unwind(panic));
        // Why nothing more could be written, or was to be read, comes before the error of reading that it made.
        let (mut converter, labels) = written.map_err(fail)?;
        if let Some(line) = refused {
            return Err(Failure::from(format!("{line} (strict reading is on)")));
        }
        converter.add_bad_records(bad_records);
        let left_out = left_out?;
        if let Some(labels) = labels {
            notice!("{}", labels.summary());
        }
        Ok((converter, left_out))
    })?;
    let counts = converter.counts();
    let left_out = left_out_of(counts, &left_out);
    if !left_out.is_empty() {
        notice!("left out: {}", left_out.join(", "));
    }
    if counts.users == 0 {
        return Err("no user is left to write".into());
    }
    if let Some(label) = arguments
        .without
        .filter(|_| counts.with_unwanted_label == 0)
    {
        notice!("--without {label}: no user has this label");
    }
    file.finish(|_| Ok(()))?;
    notice!(
        "{} with {} written to {}",
        counted(counts.users, "user"),
        counted(counts.posts, "post"),
        path.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Refuses the names of tables and plain text, which other commands would read as such.
fn check_name(output: &Path) -> Result<(), Failure> {
    let ending = output.extension().unwrap_or_default().to_ascii_lowercase();
    let is_columnar = ["parquet", "arrow", "xlsx"]
        .map(OsStr::new)
        .contains(&&*ending);
    let stated = corpus::Format::by_name(output);
    if is_columnar || stated.is_some_and(|format| format != corpus::Format::Jsonl) {
        return Err(format!(
            "{}: convert writes JSON lines; choose a name that ends in .jsonl",
            output.display()
        )
        .into());
    }
    Ok(())
}

type Inputs<'a> = Vec<(&'a PathBuf, Container, Vec<Part>)>;

/// Reads one format after the other from all inputs, which may hold posts of the same users. What was left out.
fn read_all(
    mut inputs: Inputs<'_>,
    options: &ReadingOptions,
    sent: &mut Sent,
) -> Result<formats::Counts, Failure> {
    let format_options = formats::Options {
        reposts: options.reading.reposts,
        max_bytes: options.reading.most_bytes,
    };
    let mut left_out = formats::Counts::default();
    for format in FORMATS {
        let name = format.about().name;
        let is_it = |part: &&Part| part.format.about().name == name;
        let mut grouping = Grouping::new(format_options, sent);
        for (path, container, parts) in &mut inputs {
            if let Some(part) = parts.iter().find(is_it) {
                (part.read(container.files(), &mut grouping))
                    .map_err(|error| in_input(path, error))?;
            }
        }
        left_out += grouping.finish_all()?;
    }
    let generic = inputs.iter().filter(|(.., parts)| parts.is_empty());
    let generic: Vec<PathBuf> = generic.map(|(path, ..)| (*path).clone()).collect();
    read_generic(&generic, options, sent)?;
    Ok(left_out)
}

/// Reads the inputs that are of no format with a name.
fn read_generic(
    paths: &[PathBuf],
    options: &ReadingOptions,
    sent: &mut Sent,
) -> Result<(), Failure> {
    let options = ReadingOptions {
        // The output applies it.
        labels: None,
        ..options.clone()
    };
    let corpus = Corpus::open(paths, options)?;
    let print = Arc::clone(&sent.print);
    let mut corpus = corpus.with_report(move |line| print(line));
    for user in &mut corpus {
        sent.add(user?)?;
    }
    sent.bad_records += corpus.bad_records();
    Ok(())
}

/// A chunk of users ends with the one who makes it reach this many bytes.
const CHUNK_BYTES: usize = 1 << 20;
/// How many chunks wait to be written.
const CHUNKS_AHEAD: usize = 4;

/// Sends the users to the thread that writes them.
struct Sent {
    sender: SyncSender<Vec<User>>,
    chunk: Vec<User>,
    bytes: usize,
    print: Arc<dyn Fn(&str) + Send + Sync>,
    bad_records: u64,
    alike_records: AlikeRecords,
    /// The users of formats; a [`Corpus`] says itself who comes twice.
    repeated_users: RepeatedUsers,
    is_strict: bool,
    /// The bad record that ended strict reading.
    refused: Option<String>,
}

impl Sent {
    fn add(&mut self, user: User) -> io::Result<()> {
        self.bytes += user.bytes();
        self.chunk.push(user);
        match self.bytes < CHUNK_BYTES {
            true => Ok(()),
            false => self.send(),
        }
    }

    fn send(&mut self) -> io::Result<()> {
        self.bytes = 0;
        let sent = self.sender.send(mem::take(&mut self.chunk));
        sent.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    /// Sends the last users. The number of bad records, and the one that ended strict reading.
    fn finish(mut self) -> (u64, Option<String>) {
        // The thread that writes says why it has ended.
        let _ = self.send();
        let notes = (self.alike_records.take_notes()).chain(self.repeated_users.take_notes());
        notes.for_each(|note| (self.print)(&note));
        (self.bad_records, self.refused)
    }
}

impl Receiver for Sent {
    fn user(&mut self, user: User) -> io::Result<()> {
        self.repeated_users.add(&user);
        self.add(user)
    }

    fn bad_record(&mut self, line: &str) -> io::Result<()> {
        if self.is_strict {
            self.refused = Some(line.to_owned());
            return Err(io::ErrorKind::Other.into());
        }
        self.bad_records += 1;
        if self.alike_records.add(line) {
            (self.print)(line);
        }
        Ok(())
    }

    fn note(&mut self, note: Note<'_>) {
        (self.print)(&note.to_string());
    }
}

/// Writes the users.
struct Output<W: Write> {
    converter: Converter,
    labels: Option<LabelFile>,
    packer: Packer<W>,
    progress: Progress,
}

impl<W: Write> Output<W> {
    fn write(mut self, chunks: Receiving<Vec<User>>) -> io::Result<(Converter, Option<LabelFile>)> {
        for mut user in chunks.into_iter().flatten() {
            if let Some(labels) = &mut self.labels {
                labels.apply(&mut user);
            }
            if let Some(record) = self.converter.record(user) {
                serde_json::to_writer(&mut self.packer, &record)?;
                self.packer.write_all(b"\n")?;
            }
            self.progress.set(self.converter.counts().read);
        }
        self.packer.finish()?;
        Ok((self.converter, self.labels))
    }
}

fn in_input(path: &Path, error: io::Error) -> Failure {
    format!("{}: {error}", path.display()).into()
}

/// Fails if a file or folder is given twice, by itself or in a folder: its users would be two each.
fn check_distinct(inputs: &[PathBuf]) -> Result<(), Failure> {
    let canonical = |path: &PathBuf| path.canonicalize().unwrap_or_default();
    let folders = inputs.iter().filter(|path| path.is_dir()).map(canonical);
    let folders: Vec<PathBuf> = folders.collect();
    let is_inside = |path: &&PathBuf| {
        let path = canonical(path);
        folders
            .iter()
            .any(|folder| path != *folder && path.starts_with(folder))
    };
    match repeated_file(inputs).or_else(|| inputs.iter().find(is_inside)) {
        Some(path) => Err(format!("{}: given twice", path.display()).into()),
        None => Ok(()),
    }
}

fn left_out_of(counts: &Counts, posts: &formats::Counts) -> Vec<String> {
    let of = |number, what, remark: &str| {
        (number > 0).then(|| format!("{}{remark}", counted(number, what)))
    };
    let users = [
        of(counts.filtered, "user", " by --with or --without"),
        of(counts.without_text, "user", " without text"),
    ];
    let bad = of(counts.bad_records, "bad record", "");
    (users.into_iter().flatten())
        .chain(posts.listed())
        .chain(bad)
        .collect()
}
