//! `auxlstm report`: tables and figures of an experiment's runs.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::value_parser;

use super::{Failure, print_path};
use crate::evaluation::RESAMPLES;
use crate::experiment::{CorpusSummary, Report, Run, average};
use crate::output::{PendingFile, make_folder};

/// Write tables and figures of the runs of an experiment
///
/// Reads the runs that `auxlstm experiment` has stored so far, and writes report.md (tables) and report.html (tables and
/// plots on one self-contained page).
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The folder of the experiment, with corpus.json and the folder runs
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// The folder for report.md and report.html, created if it does not exist [default: the experiment's folder]
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// Add a row for the average of several systems: their names joined by " + ", with variants in parentheses, such as
    /// "svm + aux-lstm (with a wide component)". Their probabilities of each test user are averaged. Where a joint system has
    /// runs with several sets of auxiliary attributes, the largest set is used. Can be repeated
    #[arg(long, value_name = "SYSTEMS")]
    average: Vec<String>,
    /// The number of samples of the significance tests
    #[arg(long, value_name = "SAMPLES", default_value_t = RESAMPLES as u32, value_parser = value_parser!(u32).range(100..=1_000_000))]
    resamples: u32,
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let folder = &arguments.folder;
    let corpus = CorpusSummary::read(folder)?;
    let stored = folder.join(Run::FOLDER);
    let mut runs = Run::read_all(&stored)?;
    if runs.is_empty() {
        return Err(format!(
            "{}: no runs; run auxlstm experiment first",
            stored.display()
        )
        .into());
    }
    let averages = (arguments.average.iter()).map(|systems| average(&runs, systems));
    let averages = averages.collect::<Result<Vec<_>, _>>();
    let averages = averages.map_err(|what| format!("--average: {what}"))?;
    runs.extend(averages.into_iter().flatten());
    let output = arguments.output.as_ref().unwrap_or(folder);
    make_folder(output)?;
    let [markdown, html] = ["report.md", "report.html"].map(|name| output.join(name));
    let files = (PendingFile::create(&markdown)?, PendingFile::create(&html)?);
    let report = Report::new(corpus, runs, arguments.resamples as usize)
        .map_err(|what| format!("{}: {what}", folder.display()))?;
    (files.0).finish(|out| out.write_all(report.markdown.as_bytes()))?;
    (files.1).finish(|out| out.write_all(report.html.as_bytes()))?;
    print_path(&markdown)?;
    print_path(&html)?;
    Ok(ExitCode::SUCCESS)
}
