//! `auxlstm experiment`: the cells of an experiment.

use std::path::PathBuf;
use std::process::ExitCode;

use super::{Failure, INTERRUPTED, interrupt_flag, print, segmenter_of};
use crate::experiment::{self, Experiment, ExperimentError};

/// Learn and test systems on users, a grid of cells as a config says
///
/// Each cell is a system that learns one attribute, with others beside it if it is a joint system, from the users of one
/// random split. Finished cells are stored at once, and the same command goes on where it was interrupted. `auxlstm
/// report` makes tables and plots of them.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Settings in TOML, see --print-config for all of them; files are read as if they stood one after the other in one
    #[arg(value_name = "CONFIG.toml", required_unless_present = "print_config")]
    configs: Vec<PathBuf>,
    /// Change one setting of the config, such as systems.lstm.training.epochs=5; may be given several times
    #[arg(long, value_name = "KEY=VALUE", requires = "configs")]
    set: Vec<String>,
    /// The folder of the results, instead of the config's
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// What computes networks, instead of the config's choice: cpu, wgpu, vulkan or cuda
    #[arg(long)]
    device: Option<String>,
    /// Stop with an error at the first bad record of the corpus, whatever the config says
    #[arg(long)]
    strict: bool,
    /// Print every setting with its value, the defaults where there is no config, and do nothing
    #[arg(long)]
    print_config: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let mut settings = match arguments.configs.as_slice() {
        [] => Experiment::default(),
        paths => Experiment::read(paths, &arguments.set)?,
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
            print(&format!("{}\n", settings.output.display()))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(ExperimentError::Interrupted) => {
            let folder = settings.output.display();
            eprintln!("interrupted; finished cells are in {folder}, the same command goes on");
            Ok(ExitCode::from(INTERRUPTED))
        }
        Err(error) => Err(error.into()),
    }
}
