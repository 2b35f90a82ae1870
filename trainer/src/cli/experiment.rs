//! `auxlstm experiment`: the runs of an experiment.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use super::interrupt::{INTERRUPTED, interrupt_flag};
use super::{Failure, dictionaries_of, outputs, print, print_path, segmenter_of};
use crate::corpus::Shard;
use crate::experiment::{self, Chosen, Experiment, ExperimentError};
use crate::progress::notice;

/// Fit and evaluate systems on a grid of runs that a config describes
///
/// A run is one system that learns one attribute, beside others if it is a joint system, from the users of one random
/// split. Each run is stored as soon as it is complete, and the same command continues an interrupted experiment. Processes that
/// work in the same folder, on one machine or on several, share the runs. `auxlstm report` makes tables and plots of them.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Settings in TOML, see --print-config for all of them. Several files are read as if they were one
    #[arg(value_name = "CONFIG.toml", required_unless_present = "print_config")]
    configs: Vec<PathBuf>,
    /// Change one setting of the config, such as systems.lstm.training.epochs=5. Can be repeated
    #[arg(long, value_name = "KEY=VALUE", requires = "configs")]
    set: Vec<String>,
    /// The folder of the results, in place of the config's
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// The device that computes networks, in place of the config's: cpu, wgpu, vulkan or cuda
    #[arg(long)]
    device: Option<String>,
    /// Stop with an error at the first bad record of the corpus; overrides the config
    #[arg(long)]
    strict: bool,
    /// Print the name of each run and whether it is stored, and exit
    #[arg(long, requires = "configs")]
    list: bool,
    /// Make only the I-th of N parts of the runs, or the run of this name (see --list). A name can be repeated
    #[arg(long, value_name = "I/N or NAME", requires = "configs")]
    runs: Vec<String>,
    /// Print all settings and exit; without a config, the defaults
    #[arg(long)]
    print_config: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let mut settings = match arguments.configs.as_slice() {
        [] => Experiment::default(),
        paths => experiment::read(paths, &arguments.set)?,
    };
    if let Some(output) = arguments.output {
        settings.output = output;
    }
    if let Some(device) = arguments.device {
        settings.device = device;
    }
    settings.strict |= arguments.strict;
    if arguments.print_config {
        print(&settings.to_toml()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.list {
        let mut lines = String::new();
        for (run, is_stored) in experiment::list(&settings)? {
            let state = if is_stored { "stored" } else { "missing" };
            writeln!(lines, "{}\t{state}", run.name())?;
        }
        print(&lines)?;
        return Ok(ExitCode::SUCCESS);
    }
    let chosen = chosen(arguments.runs)?;
    let read = (settings.corpus.iter().chain([&settings.vectors]))
        .chain(dictionaries_of(&settings.text))
        .chain(&arguments.configs);
    outputs::check(
        &experiment::files(&settings.output),
        read.map(PathBuf::as_path),
    )?;
    let segmenter = segmenter_of(&settings.text)?;
    let interrupted = interrupt_flag()?;
    match experiment::run(&settings, &chosen, segmenter, &interrupted) {
        Ok(()) => {
            print_path(&settings.output)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(ExperimentError::Interrupted) => {
            let folder = settings.output.display();
            notice!("interrupted; complete runs are in {folder}, the same command continues");
            Ok(ExitCode::from(INTERRUPTED))
        }
        Err(error) => Err(error.into()),
    }
}

/// The runs that the values of `--runs` choose. Names of runs have no slash.
fn chosen(runs: Vec<String>) -> Result<Chosen, Failure> {
    match runs.as_slice() {
        [] => Ok(Chosen::All),
        [part] if part.contains('/') => {
            let part = part.parse::<Shard>();
            Ok(Chosen::Part(
                part.map_err(|what| format!("--runs: {what}"))?,
            ))
        }
        _ => Ok(Chosen::Named(runs)),
    }
}
