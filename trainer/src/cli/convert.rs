//! `auxlstm corpus convert`: a published corpus as the project's JSONL.

use std::collections::HashSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::Failure;
use crate::conversion::{
    Converter, CorpusFormat, Counts, FORMATS, Input, Options, Professions, recognise,
};
use crate::corpus::{Packer, repeated_file};
use crate::output::{OutputError, PendingFile};
use crate::progress::{Progress, notice};
use crate::table::counted;

/// Convert a published corpus to JSONL, one user a line
///
/// Posts stand in order of date. E-mail addresses, links and numbers of eight or more characters are masked as <email>, <url>
/// and <num>; users are numbered anew; names and dates are dropped. docs/corpora.md describes the corpora.
#[derive(Args)]
pub(super) struct Convert {
    /// Folder or file of the corpus; files may be compressed with xz, gzip or zstd
    #[arg(value_name = "INPUT", required = true)]
    inputs: Vec<PathBuf>,
    /// File to write; a name that ends in .xz, .gz or .zst compresses it
    #[arg(short, long, value_name = "USERS.jsonl")]
    output: PathBuf,
    /// Format of the inputs [default: detected]
    #[arg(long, value_name = "NAME", value_parser = format_parser())]
    format: Option<&'static dyn CorpusFormat>,
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

fn format_parser() -> impl TypedValueParser<Value = &'static dyn CorpusFormat> {
    PossibleValuesParser::new(FORMATS.map(|format| format.name())).try_map(|name| {
        let format = FORMATS.into_iter().find(|format| format.name() == name);
        format.ok_or("no such format")
    })
}

pub(super) fn run(arguments: Convert) -> Result<ExitCode, Failure> {
    let mut inputs = Vec::new();
    check_distinct(&arguments.inputs)?;
    for path in &arguments.inputs {
        let fail = |error| in_input(path, error);
        let input = Input::open(path).map_err(fail)?;
        let skipped = skipped(&input);
        if !skipped.is_empty() {
            notice!(
                "{}: skipped {}; only the files directly in a folder are read",
                path.display(),
                skipped.join(" and ")
            );
        }
        let format = match arguments.format {
            Some(format) => format,
            None => recognise(&input).map_err(fail)?,
        };
        inputs.push((path, input, format));
    }
    let mut converter = Converter::new(Options {
        professions: arguments.professions,
        with: arguments.with,
        without: arguments.without,
        max_words: arguments.max_words,
    });
    let path = &arguments.output;
    let fail = |source| OutputError {
        path: path.clone(),
        source,
    };
    let mut file = PendingFile::create(path)?;
    let mut writer = Packer::new(path, &mut file).map_err(fail)?;
    let mut progress = Progress::new("converting", "users", None);
    let print = progress.printer();
    for (path, input, format) in &inputs {
        let users = format.users(input).map_err(|error| in_input(path, error))?;
        for user in users {
            match user {
                Ok(user) => {
                    if let Some(record) = converter.record(user) {
                        serde_json::to_writer(&mut writer, &record)
                            .map_err(io::Error::from)
                            .and_then(|()| writer.write_all(b"\n"))
                            .map_err(fail)?;
                    }
                    progress.set(converter.counts().read);
                }
                Err(line) => {
                    converter.add_bad_record();
                    print(&line);
                }
            }
        }
    }
    drop(progress);
    writer.finish().map_err(fail)?;
    let counts = converter.counts();
    let left_out = left_out(counts);
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

fn in_input(path: &Path, error: io::Error) -> Failure {
    format!("{}: {error}", path.display()).into()
}

/// Fails if a file is given twice, by itself or in its folder: its users would be two each.
fn check_distinct(inputs: &[PathBuf]) -> Result<(), Failure> {
    let folders = inputs.iter().filter(|path| path.is_dir());
    let folders: HashSet<PathBuf> = folders
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    let is_inside = |path: &&PathBuf| {
        let file = path.canonicalize().unwrap_or_default();
        path.is_file() && file.parent().is_some_and(|folder| folders.contains(folder))
    };
    match repeated_file(inputs).or_else(|| inputs.iter().find(is_inside)) {
        Some(path) => Err(format!("{}: given twice", path.display()).into()),
        None => Ok(()),
    }
}

fn skipped(input: &Input) -> Vec<String> {
    let skipped = input.skipped();
    existing([
        (skipped.subfolders, "subfolder", ""),
        (skipped.special_files, "special file", " (pipe or device)"),
    ])
}

fn left_out(counts: &Counts) -> Vec<String> {
    existing([
        (counts.filtered, "user", " by --with or --without"),
        (counts.without_text, "user", " without text"),
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
