//! `auxlstm experiment`: the runs of an experiment.

use std::path::PathBuf;
use std::process::ExitCode;

use super::interrupt::{INTERRUPTED, interrupt_flag};
use super::{Failure, print, print_path, segmenter_of};
use crate::experiment::{self, Experiment, ExperimentError};
use crate::progress::notice;

/// Fit and evaluate systems on a grid of runs that a config describes
///
/// A run is one system that learns one attribute, beside others if it is a joint system, from the users of one random
/// split. Each run is stored as soon as it is complete, and the same command continues an interrupted experiment. `auxlstm
/// report` makes tables and plots of the runs.
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
    let segmenter = segmenter_of(&settings.text)?;
    let interrupted = interrupt_flag()?;
    match experiment::run(&settings, segmenter, &interrupted) {
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
