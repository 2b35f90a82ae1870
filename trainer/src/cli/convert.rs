//! `auxlstm corpus convert`: archives, crawls and published corpora as the project's JSONL.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use formats::{FORMATS, Format, Receiver, Writers, recognise};
use model_core::corpus::User;

use super::Failure;
use crate::conversion::{Converter, Counts, Input, Options, Professions};
use crate::corpus::{Packer, repeated_file};
use crate::output::{OutputError, PendingFile};
use crate::progress::{Progress, notice};
use crate::table::counted;

/// Convert archives, crawls and published corpora to JSONL, one user a line
///
/// Posts are grouped by writer and stand in order of time. Reposts, quoted text and posts of bots are left out. E-mail
/// addresses, links and numbers of eight or more characters are masked as <email>, <url> and <num>; users are numbered anew;
/// names and dates are dropped. docs/formats.md describes the formats, docs/corpora.md the corpora.
#[derive(Args)]
pub(super) struct Convert {
    /// Folder, zip or tar archive, or file; tar archives and files may be compressed with xz, gzip or zstd. Inputs of one
    /// format are read as one
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    /// File to write; a name that ends in .xz, .gz or .zst compresses it
    #[arg(short, long, value_name = "USERS.jsonl")]
    output: PathBuf,
    /// Format of the inputs [default: detected]
    #[arg(long, value_name = "NAME", value_parser = format_parser())]
    format: Option<&'static dyn Format>,
    /// Keep reposts and retweets, as far as their text is in the post
    #[arg(long)]
    reposts: bool,
    /// Keep the ids or names by which the format tells writers apart
    #[arg(long)]
    keep_ids: bool,
    /// Memory for posts that are to be grouped, in GiB
    #[arg(long, value_name = "GIB", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_memory: u32,
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
    let mut inputs = Vec::new();
    for path in &arguments.inputs {
        let fail = |error| in_input(path, error);
        let mut input = Input::open(path).map_err(fail)?;
        let skipped = skipped(&input);
        if !skipped.is_empty() {
            notice!("{}: skipped {}", path.display(), skipped.join(" and "));
        }
        let format = match arguments.format {
            Some(format) => format,
            None => recognise(input.files()).map_err(fail)?,
        };
        inputs.push((path, input, format));
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
        without: arguments.without,
        max_words: arguments.max_words,
        keep_ids: arguments.keep_ids,
    });
    let options = formats::Options {
        reposts: arguments.reposts,
        max_bytes: (arguments.max_memory as usize).saturating_mul(1 << 30),
    };
    let (converter, left_out) = {
        let mut output = Output {
            converter,
            packer: Packer::new(path, &mut file).map_err(fail)?,
            failure: None,
            progress: Progress::new("converting", "users", None),
        };
        let left_out = read_all(inputs, options, &mut output);
        if let Some(failure) = output.failure.take() {
            return Err(fail(failure).into());
        }
        output.packer.finish().map_err(fail)?;
        (output.converter, left_out?)
    };
    let counts = converter.counts();
    let left_out = left_out_of(counts, &left_out);
    if !left_out.is_empty() {
        notice!("left out: {}", left_out.join(", "));
    }
    if counts.users == 0 {
        return Err("no user is left to write".into());
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

type Inputs<'a> = Vec<(&'a PathBuf, Input, &'static dyn Format)>;

/// Reads the inputs of one format after those of another: they may hold posts of the same writers. What each format left out.
fn read_all(
    mut inputs: Inputs<'_>,
    options: formats::Options,
    output: &mut dyn Receiver,
) -> Result<Vec<formats::Counts>, Failure> {
    let mut left_out = Vec::new();
    while let Some(&(first, _, format)) = inputs.first() {
        let name = format.about().name;
        let same = inputs.extract_if(.., |(.., other)| other.about().name == name);
        let mut writers = Writers::new(options, output);
        for (path, mut input, format) in same {
            (format.read(input.files(), &mut writers)).map_err(|error| in_input(path, error))?;
        }
        left_out.push((writers.finish_all()).map_err(|error| in_input(first, error))?);
    }
    Ok(left_out)
}

/// Writes the users.
struct Output<W: Write> {
    converter: Converter,
    packer: Packer<W>,
    /// Why a user could not be written. The error of reading does not tell it from others.
    failure: Option<io::Error>,
    progress: Progress,
}

impl<W: Write> Receiver for Output<W> {
    fn user(&mut self, user: User) -> io::Result<()> {
        if let Some(record) = self.converter.record(user) {
            serde_json::to_writer(&mut self.packer, &record)
                .map_err(io::Error::from)
                .and_then(|()| self.packer.write_all(b"\n"))
                .map_err(|error| {
                    self.failure = Some(error);
                    io::Error::other("the output cannot be written")
                })?;
        }
        self.progress.set(self.converter.counts().read);
        Ok(())
    }

    fn bad_record(&mut self, line: &str) {
        self.converter.add_bad_record();
        self.progress.printer()(line);
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

fn skipped(input: &Input) -> Vec<String> {
    let skipped = input.skipped();
    existing([
        (skipped.linked_folders, "link", " to a folder"),
        (skipped.special_files, "special file", " (pipe or device)"),
    ])
}

fn left_out_of(counts: &Counts, posts: &[formats::Counts]) -> Vec<String> {
    let sum = |count: fn(&formats::Counts) -> u64| posts.iter().map(count).sum();
    existing([
        (counts.filtered, "user", " by --with or --without"),
        (counts.without_text, "user", " without text"),
        (sum(|posts| posts.reposts), "repost", ""),
        (sum(|posts| posts.quotations), "quotation", ""),
        (sum(|posts| posts.without_text), "post", " without text"),
        (sum(|posts| posts.duplicates), "duplicate", ""),
        (
            sum(|posts| posts.deleted),
            "post",
            " deleted or of a deleted account",
        ),
        (sum(|posts| posts.bots), "post", " of bots"),
        (sum(|posts| posts.system), "system message", ""),
        (counts.bad_records, "bad record", ""),
    ])
}

/// Numbers, what they count, and a remark: those of which there are some.
fn existing<const KINDS: usize>(kinds: [(u64, &str, &str); KINDS]) -> Vec<String> {
    let kinds = kinds.iter().filter(|(number, ..)| *number > 0);
    kinds
        .map(|(number, what, remark)| format!("{}{remark}", counted(*number, what)))
        .collect()
}
