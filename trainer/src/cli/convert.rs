//! `auxlstm corpus convert`: archives, crawls and published corpora as the project's JSONL.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use formats::{FORMATS, Format, Part, Receiver, Recognised, Writers, recognise};
use model_core::corpus::User;

use super::{Failure, ReadingArguments, outputs};
use crate::conversion::{Converter, Counts, Options, Professions};
use crate::corpus::{
    Container, Corpus, LabelFile, Options as ReadingOptions, Packer, not_read, repeated_file,
};
use crate::output::{OutputError, PendingFile};
use crate::progress::{Progress, notice};
use crate::table::counted;

/// Convert archives, crawls, published corpora and any other file of users to JSONL, one user a line
///
/// Posts are grouped by writer and stand in order of time. Reposts, quoted text and posts of bots are left out. E-mail
/// addresses, links and numbers of eight or more characters are masked as <email>, <url> and <num>; users are numbered anew.
/// Names and dates are dropped, but files of no known format keep all fields except the writer's id. docs/formats.md describes
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
    /// Keep the ids or names by which the format tells writers apart
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
                let Recognised { parts, others } = recognise(container.files());
                if !others.is_empty() && !parts.is_empty() {
                    notice!("{}: {}", path.display(), not_read(&others));
                }
                parts
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
        without: arguments.without,
        max_words: arguments.max_words,
        keep_ids: arguments.keep_ids,
    });
    let (converter, left_out) = {
        let mut output = Output {
            converter,
            labels: options.labels.clone(),
            is_strict: options.strict,
            packer: Packer::new(path, &mut file).map_err(fail)?,
            failure: None,
            progress: Progress::new("converting", "users", None),
        };
        let left_out = read_all(inputs, &options, &mut output);
        if let Some(failure) = output.failure.take() {
            return Err(match failure {
                OutputFailure::Write(error) => fail(error).into(),
                OutputFailure::BadRecord(line) => format!("{line} (strict reading is on)").into(),
            });
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

type Inputs<'a> = Vec<(&'a PathBuf, Container, Vec<Part>)>;

/// Reads one format after the other from all inputs, which may hold posts of the same writers. What was left out.
fn read_all<W: Write>(
    mut inputs: Inputs<'_>,
    options: &ReadingOptions,
    output: &mut Output<W>,
) -> Result<formats::Counts, Failure> {
    let format_options = formats::Options {
        reposts: options.reposts,
        max_bytes: options.reading.most_bytes,
    };
    let mut left_out = formats::Counts::default();
    for format in FORMATS {
        let name = format.about().name;
        let is_it = |part: &&Part| part.format.about().name == name;
        let mut writers = Writers::new(format_options, output);
        for (path, container, parts) in &mut inputs {
            if let Some(part) = parts.iter().find(is_it) {
                (part.read(container.files(), &mut writers))
                    .map_err(|error| in_input(path, error))?;
            }
        }
        left_out += writers.finish_all()?;
    }
    let generic = inputs.iter().filter(|(.., parts)| parts.is_empty());
    let generic: Vec<PathBuf> = generic.map(|(path, ..)| (*path).clone()).collect();
    read_generic(&generic, options, output)?;
    Ok(left_out)
}

/// Reads the inputs that are of no format with a name.
fn read_generic<W: Write>(
    paths: &[PathBuf],
    options: &ReadingOptions,
    output: &mut Output<W>,
) -> Result<(), Failure> {
    let options = ReadingOptions {
        // The output applies it.
        labels: None,
        ..options.clone()
    };
    let corpus = Corpus::open(paths, options)?;
    let mut corpus = corpus.with_report(output.progress.printer());
    for user in &mut corpus {
        output.user(user?)?;
    }
    output.converter.add_bad_records(corpus.bad_records());
    Ok(())
}

/// Writes the users.
struct Output<W: Write> {
    converter: Converter,
    labels: Option<LabelFile>,
    is_strict: bool,
    packer: Packer<W>,
    /// Why reading was ended. The error of reading does not tell it from others.
    failure: Option<OutputFailure>,
    progress: Progress,
}

enum OutputFailure {
    Write(io::Error),
    BadRecord(String),
}

impl<W: Write> Receiver for Output<W> {
    fn user(&mut self, mut user: User) -> io::Result<()> {
        if self.failure.is_some() {
            return Err(io::ErrorKind::Other.into());
        }
        if let Some(labels) = &mut self.labels {
            labels.apply(&mut user);
        }
        if let Some(record) = self.converter.record(user) {
            serde_json::to_writer(&mut self.packer, &record)
                .map_err(io::Error::from)
                .and_then(|()| self.packer.write_all(b"\n"))
                .map_err(|error| {
                    self.failure = Some(OutputFailure::Write(error));
                    io::Error::other("the output cannot be written")
                })?;
        }
        self.progress.set(self.converter.counts().read);
        Ok(())
    }

    fn bad_record(&mut self, line: &str) {
        if self.is_strict {
            let failure = OutputFailure::BadRecord(line.to_owned());
            self.failure.get_or_insert(failure);
            return;
        }
        self.converter.add_bad_records(1);
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
