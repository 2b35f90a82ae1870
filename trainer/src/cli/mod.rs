//! The command line: one file for each subcommand, which checks its flags and makes one call.

mod adapt;
mod align;
mod base_rates;
mod compact;
mod convert;
mod corpus;
mod devices;
mod embed;
mod evaluate;
mod experiment;
mod interrupt;
mod model;
mod outputs;
mod parquet;
mod population;
mod predict;
mod prediction;
mod report;
mod segment;
mod shards;
mod train;

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use model_core::attribute::Attribute;
use model_core::corpus::{Columns, Encoding, Format, Reading};
use model_core::text::Segmenter;

use crate::config::Text;
use crate::corpus::{Corpus, LabelFile, LabelMap, Options, known_fields, open_input};
use crate::limited;
use crate::progress::{notice, visible};
use crate::table::{count, counted};

pub use interrupt::{block_ignored_signals, report_large_files};

/// Why a command failed.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Predicts attributes of users from what they write: age, gender, profession or any other, learned jointly.
#[derive(Parser)]
#[command(name = "auxlstm", version, about, after_help = EXIT_STATUS)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

const EXIT_STATUS: &str = "Exit status: 0 success, 1 failure, 2 wrong usage, 3 success but bad records were skipped \
    (predict), 130 interrupted.";

#[derive(Subcommand)]
enum Command {
    Corpus(corpus::Arguments),
    Segment(segment::Arguments),
    Embed(embed::Arguments),
    Align(align::Arguments),
    Train(train::Arguments),
    Evaluate(evaluate::Arguments),
    Predict(predict::Arguments),
    Population(population::Arguments),
    Adapt(adapt::Arguments),
    Experiment(experiment::Arguments),
    Report(report::Arguments),
    Compact(compact::Arguments),
    Devices(devices::Arguments),
}

/// Runs the command that the process was called with.
pub fn main() -> ExitCode {
    let result = match CommandLine::try_parse() {
        Ok(CommandLine { command }) => interrupt::install().and_then(|()| run(command)),
        Err(help) if !help.use_stderr() => show(&help),
        Err(wrong_usage) => wrong_usage.exit(),
    };
    match result {
        Ok(status) => status,
        // The reader of our output, such as `head`, closed it: that is not a failure.
        Err(failure) if is_broken_pipe(&*failure) => ExitCode::SUCCESS,
        Err(failure) => {
            notice!("auxlstm: {}", one_line(&*failure));
            ExitCode::FAILURE
        }
    }
}

/// Prints help or the version. Unlike clap's own way it fails where these cannot be printed.
fn show(help: &clap::Error) -> Result<ExitCode, Failure> {
    let shown = help.print().and_then(|()| io::stdout().flush());
    shown.map_err(StandardOutputError)?;
    Ok(ExitCode::SUCCESS)
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Corpus(arguments) => corpus::run(arguments),
        Command::Segment(arguments) => segment::run(arguments),
        Command::Embed(arguments) => embed::run(arguments),
        Command::Align(arguments) => align::run(arguments),
        Command::Train(arguments) => train::run(arguments),
        Command::Evaluate(arguments) => evaluate::run(arguments),
        Command::Predict(arguments) => predict::run(arguments),
        Command::Population(arguments) => population::run(arguments),
        Command::Adapt(arguments) => adapt::run(arguments),
        Command::Experiment(arguments) => experiment::run(arguments),
        Command::Report(arguments) => report::run(arguments),
        Command::Compact(arguments) => compact::run(arguments),
        Command::Devices(arguments) => devices::run(arguments),
    }
}

/// A failure and its causes, on one line.
fn one_line(failure: &(dyn Error + 'static)) -> String {
    let mut message = failure.to_string();
    for cause in causes(failure).skip(1).map(ToString::to_string) {
        if !message.ends_with(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_broken_pipe(failure: &(dyn Error + 'static)) -> bool {
    causes(failure).any(|cause| {
        cause
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
    })
}

fn causes<'a>(
    failure: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(failure), |&cause| cause.source())
}

/// Standard output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("standard output")]
struct StandardOutputError(#[from] io::Error);

/// Prints lines for people to standard output, with control characters escaped: names and labels from a corpus may have any.
fn print_text(text: &str) -> Result<(), StandardOutputError> {
    let lines: Vec<String> = text.split('\n').map(visible).collect();
    print(&lines.join("\n"))
}

/// Prints to standard output. Unlike `print!` it returns an error, such as that of a full disk, and does not panic.
fn print(text: &str) -> Result<(), StandardOutputError> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Prints the path of a result to standard output: as it is for programs, and with control characters escaped on a terminal.
fn print_path(path: &Path) -> Result<(), StandardOutputError> {
    let name = path.display().to_string();
    let name = match io::stdout().is_terminal() {
        true => visible(&name),
        false => name,
    };
    print(&format!("{name}\n"))
}

/// The flags of every command that reads a corpus.
#[derive(Args)]
struct CorpusArguments {
    /// Users as JSON, in tables (CSV, TSV), in Parquet or Arrow files, plain text (.txt) with a post on each line, or archives,
    /// crawls and published corpora (docs/formats.md); may be compressed with xz, gzip or zstd, or in folders and zip and tar
    /// archives; - is standard input
    #[arg(value_name = "CORPUS", required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    reading: ReadingArguments,
}

impl CorpusArguments {
    /// All files that are read, with that of labels.
    fn files(&self) -> impl Iterator<Item = &Path> {
        (self.paths.iter().map(PathBuf::as_path)).chain(self.reading.label_file())
    }

    fn open(&self) -> Result<Corpus, Failure> {
        Ok(Corpus::open(&self.paths, self.reading.options()?)?)
    }

    /// The columns that the flags name.
    fn columns(&self) -> Columns {
        self.reading.columns()
    }

    /// The end of a message that a field is missing.
    fn known_fields(&self) -> String {
        let options = self.reading.options();
        options.map_or_else(
            |_| String::new(),
            |options| known_fields(&self.paths, &options),
        )
    }
}

/// The flags that say how files of users are read.
#[derive(Args, Debug)]
#[command(next_help_heading = "Reading files of users")]
struct ReadingArguments {
    /// Stop at the first bad record instead of reporting and skipping it
    #[arg(long)]
    strict: bool,
    /// The column or JSON field of the text, if its name is not known; without a name, read plain text with a post on each
    /// line, whatever the file's name and content
    #[arg(long, value_name = "NAME", num_args = 0..=1)]
    text: Option<Option<String>>,
    /// The column or JSON field of the user's id, by which posts are grouped, if its name is not known
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// The column or JSON field that orders the posts of a user
    #[arg(long, value_name = "NAME")]
    order: Option<String>,
    /// The column or JSON field with the labels of an attribute, such as gender=Geschlecht. Can be repeated
    #[arg(long = "label", value_name = "ATTRIBUTE=NAME", value_parser = label_column)]
    label_columns: Vec<(String, String)>,
    /// Take labels from this file too, which names users by the same ids
    #[arg(long = "labels", value_name = "FILE")]
    label_file: Option<PathBuf>,
    /// The posts of each user are consecutive: do not hold all posts in memory to group them
    #[arg(long)]
    sorted: bool,
    /// The encoding of the text, such as gb18030, big5 or latin1 [default: recognised by content]
    #[arg(long, value_name = "NAME", value_parser = encoding)]
    encoding: Option<Encoding>,
    /// Keep reposts and retweets, as far as the format tells them apart and their text is in the post
    #[arg(long)]
    reposts: bool,
    /// Memory for posts that are grouped by user, in GiB
    #[arg(long, value_name = "GIB", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=4096))]
    max_memory: u32,
    /// Read files of zstd that take up to 2 GiB of memory to decompress
    #[arg(long)]
    long: bool,
}

impl ReadingArguments {
    fn label_file(&self) -> Option<&Path> {
        self.label_file.as_deref()
    }

    fn columns(&self) -> Columns {
        Columns {
            text: self.text.clone().flatten(),
            user: self.user.clone(),
            order: self.order.clone(),
            labels: self.label_columns.clone(),
        }
    }

    /// Checks that the columns of labels are those of attributes of a model with these.
    fn check_labels(&self, attributes: &[Attribute]) -> Result<(), Failure> {
        let names = self.label_columns.iter().map(|(attribute, _)| attribute);
        model::check_attributes("--label", names, attributes)
    }

    /// The options for a corpus. A file of labels is read for it.
    fn options(&self) -> Result<Options, Failure> {
        if let Some(Some(name)) = &self.text
            && (name == "-" || Path::new(name).is_file())
        {
            return Err(format!(
                "--text {name}: taken for the name of a column, but it is a file; write the file before --text"
            )
            .into());
        }
        let plain_text = matches!(self.text, Some(None));
        let mut reading = Reading {
            format: plain_text.then_some(Format::Text),
            encoding: self.encoding,
            columns: self.columns(),
            reposts: self.reposts,
            is_sorted: self.sorted,
            most_bytes: (self.max_memory as usize).saturating_mul(1 << 30),
            single_valued: Vec::new(),
        };
        let labels = match &self.label_file {
            None => None,
            Some(path) => {
                // The columns of labels are those of the file of labels.
                let labels = std::mem::take(&mut reading.columns.labels);
                let columns = Columns {
                    user: self.user.clone(),
                    labels,
                    ..Columns::default()
                };
                let reading = Reading {
                    columns,
                    ..Reading::default()
                };
                Some(LabelFile::read(path, &reading)?)
            }
        };
        Ok(Options {
            strict: self.strict,
            reading,
            is_long: self.long,
            labels,
            shard: None,
            fields: None,
            is_configured: false,
        })
    }
}

/// Attribute and column of the flag.
fn label_column(text: &str) -> Result<(String, String), String> {
    let (attribute, column) = text.split_once('=').unwrap_or_default();
    let (attribute, column) = (attribute.trim(), column.trim());
    match attribute.is_empty() || column.is_empty() {
        true => Err("expected ATTRIBUTE=NAME, such as gender=Geschlecht".into()),
        false => Ok((attribute.to_owned(), column.to_owned())),
    }
}

fn encoding(name: &str) -> Result<Encoding, String> {
    Encoding::by_name(name).ok_or_else(|| {
        "unknown; known are utf-8, utf-16le, utf-16be, gb18030, big5, shift_jis, euc-jp, euc-kr, koi8-r, windows-1251, \
         windows-1252, macintosh, ibm850, hz and the others of the WHATWG"
            .into()
    })
}

/// The flag of commands that read labels.
#[derive(Args)]
struct LabelArguments {
    /// Read the label LABEL of ATTRIBUTE as CLASS, such as gender:F=female. Can be repeated
    #[arg(long = "map", value_name = "ATTRIBUTE:LABEL=CLASS", value_parser = mapping)]
    mappings: Vec<[String; 3]>,
}

impl LabelArguments {
    fn read(&self) -> Result<LabelMap, Failure> {
        let mut labels = LabelMap::default();
        for [attribute, label, class] in &self.mappings {
            (labels.add(attribute, label, class)).map_err(|what| format!("--map: {what}"))?;
        }
        Ok(labels)
    }

    /// The labels that are read as classes of a model with these attributes.
    fn read_for(&self, attributes: &[Attribute]) -> Result<LabelMap, Failure> {
        let labels = self.read()?;
        (labels.check(attributes)).map_err(|what| format!("--map: {what}"))?;
        Ok(labels)
    }
}

/// Attribute, label and class of the flag.
fn mapping(text: &str) -> Result<[String; 3], String> {
    let parts = (text.split_once(':')).and_then(|(attribute, rest)| {
        let (label, class) = rest.rsplit_once('=')?;
        Some([attribute, label, class].map(|part| part.trim().to_owned()))
    });
    parts
        .filter(|parts| parts.iter().all(|part| !part.is_empty()))
        .ok_or_else(|| "expected ATTRIBUTE:LABEL=CLASS, such as gender:F=female".into())
}

/// The error of a field for `--by` that differs for nearly every user.
fn too_many_groups(field: &str, most: usize) -> Failure {
    format!("--by {field}: more than {most} values; name a field that many users share").into()
}

/// Reports the number of skipped records, if there are any.
fn report_bad_records(corpus: &Corpus) {
    match corpus.bad_records() {
        0 => {}
        1 => notice!("1 bad record was skipped"),
        number => notice!("{} bad records were skipped", count(number)),
    }
}

/// A parser of flags that are shares from 0 to `most`.
fn share(most: f64) -> impl Fn(&str) -> Result<f64, String> + Clone {
    move |text| match text.parse() {
        Ok(share) if (0.0..=most).contains(&share) => Ok(share),
        _ => Err(format!("expected a number from 0 to {most}")),
    }
}

/// The flags of every command that segments Chinese text without a model.
#[derive(Args)]
struct DictionaryArguments {
    /// Dictionary in jieba's format for segmenting Chinese, may be compressed; without one every character is a word
    #[arg(long, value_name = "FILE")]
    dictionary: Option<PathBuf>,
    /// Words to add to the dictionary, in jieba's format: on each line a word, optionally its frequency and part of speech
    #[arg(long, value_name = "FILE", requires = "dictionary")]
    user_dict: Option<PathBuf>,
}

impl DictionaryArguments {
    fn files(&self) -> impl Iterator<Item = &Path> {
        let files = [&self.dictionary, &self.user_dict];
        files.into_iter().filter_map(Option::as_deref)
    }

    fn segmenter(&self) -> Result<Segmenter, Failure> {
        segmenter(self.dictionary.as_deref(), self.user_dict.as_deref())
    }
}

/// The most bytes of a user dictionary. Its words may have no more than a quarter of that, see
/// [`Segmenter::add_user_dictionary`].
const MOST_BYTES: u64 = 64 << 20;

/// The segmenter with a Chinese dictionary and a user dictionary, as far as they are given.
fn segmenter(dictionary: Option<&Path>, user: Option<&Path>) -> Result<Segmenter, Failure> {
    let named = |path: &Path, error: &dyn Error| format!("dictionary {}: {error}", path.display());
    let mut segmenter = Segmenter::new();
    if let Some(path) = dictionary {
        let reader = open_input(path).map_err(|error| named(path, &error))?;
        segmenter = Segmenter::with_dictionary(reader).map_err(|error| named(path, &error))?;
    }
    if let Some(path) = user {
        let words = open_input(path)
            .and_then(|reader| limited::read_all(reader, MOST_BYTES, "a user dictionary"))
            .and_then(limited::text)
            .map_err(|error| named(path, &error))?;
        let added = segmenter.add_user_dictionary(&words);
        let left_out = added.map_err(|error| named(path, &error))?;
        if left_out > 0 {
            let words = counted(left_out as u64, "word");
            notice!(
                "dictionary {}: skipped {words} with characters that are not Chinese",
                path.display()
            );
        }
    }
    Ok(segmenter)
}

/// The dictionaries of a config. Their paths are empty where there are none.
fn dictionaries_of(text: &Text) -> [&PathBuf; 2] {
    [&text.dictionary, &text.user_dictionary]
}

/// The segmenter of a config.
fn segmenter_of(text: &Text) -> Result<Segmenter, Failure> {
    let [dictionary, user] = dictionaries_of(text)
        .map(|path| Some(path.as_path()).filter(|path| !path.as_os_str().is_empty()));
    segmenter(dictionary, user)
}
