//! `auxlstm report`: what the cells of an experiment say.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::value_parser;

use super::{Failure, print};
use crate::evaluation::RESAMPLES;
use crate::experiment::{Cell, CorpusSummary, Report, average};
use crate::output::{PendingFile, make_folder};

/// Write the paper's tables and figures from the results of an experiment
///
/// Reads the cells that `auxlstm experiment` has stored, finished or not, and writes report.md (tables) and report.html
/// (tables and plots on one page that needs no other file).
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The folder of the experiment, with corpus.json and the folder cells
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Folder for report.md and report.html, made if it is not there, instead of the experiment's
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Add a row for systems averaged: their names joined by " + ", with variants in parentheses, such as
    /// "svm + aux-lstm (with a wide component)". Their probabilities of each test user are averaged; where a system learned an
    /// attribute beside several sets of others, the largest set is taken. May be given several times
    #[arg(long, value_name = "SYSTEMS")]
    average: Vec<String>,
    /// Samples of users that tests of significance draw
    #[arg(long, value_name = "SAMPLES", default_value_t = RESAMPLES as u32, value_parser = value_parser!(u32).range(100..=1_000_000))]
    resamples: u32,
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let folder = &arguments.folder;
    let corpus = CorpusSummary::read(folder)?;
    let cells = folder.join(Cell::FOLDER);
    let mut found = Cell::read_all(&cells)?;
    if found.is_empty() {
        return Err(format!("{}: no cells: run the experiment first", cells.display()).into());
    }
    let averages = (arguments.average.iter()).map(|systems| average(&found, systems));
    let averages = averages.collect::<Result<Vec<_>, _>>();
    let averages = averages.map_err(|what| format!("--average: {what}"))?;
    found.extend(averages.into_iter().flatten());
    let output = arguments.output.as_ref().unwrap_or(folder);
    make_folder(output)?;
    let [markdown, html] = ["report.md", "report.html"].map(|name| output.join(name));
    let files = (PendingFile::create(&markdown)?, PendingFile::create(&html)?);
    let report = Report::new(corpus, found, arguments.resamples as usize)
        .map_err(|what| format!("{}: {what}", folder.display()))?;
    (files.0).finish(|out| out.write_all(report.markdown.as_bytes()))?;
    (files.1).finish(|out| out.write_all(report.html.as_bytes()))?;
    print(&format!("{}\n{}\n", markdown.display(), html.display()))?;
    Ok(ExitCode::SUCCESS)
}
