//! `auxlstm train`: from a config to a bundle.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::value_parser;

use super::{Failure, INTERRUPTED, interrupt_flag, print, segmenter_of};
use crate::config::Config;
use crate::training::{self, Outcome};

/// TOML knows no larger whole numbers.
const LARGEST_SEED: u64 = i64::MAX as u64;

/// Train a model as a config says: a run folder with the config as used, checkpoints, metrics and the bundle
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Settings in TOML; see --print-config for all of them
    #[arg(value_name = "CONFIG.toml", required_unless_present = "print_config")]
    config: Option<PathBuf>,
    /// Change one setting of the config, such as training.epochs=5; may be given several times
    #[arg(long, value_name = "KEY=VALUE", requires = "config")]
    set: Vec<String>,
    /// The run folder, instead of the config's
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// What computes, instead of the config's choice: cpu, wgpu, vulkan or cuda
    #[arg(long)]
    device: Option<String>,
    /// The seed, instead of the config's
    #[arg(long, value_parser = value_parser!(u64).range(..=LARGEST_SEED))]
    seed: Option<u64>,
    /// Learn once more by the config that made this model, now from its test users too; its figures are put on the card
    #[arg(long, value_name = "BUNDLE")]
    refit: Option<PathBuf>,
    /// Words to add to the config's dictionary for Chinese, instead of the config's own, in jieba's format
    #[arg(long, value_name = "FILE")]
    user_dict: Option<PathBuf>,
    /// Stop with an error at the first bad record of the corpus, whatever the config says
    #[arg(long)]
    strict: bool,
    /// Go on with an interrupted run from its last checkpoint
    #[arg(long)]
    resume: bool,
    /// Print every setting with its value, the defaults where there is no config, and do nothing
    #[arg(long)]
    print_config: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let mut config = match &arguments.config {
        Some(path) => Config::read(path, &arguments.set)?,
        None => Config::default(),
    };
    if let Some(output) = arguments.output {
        config.output = output;
    }
    if let Some(device) = arguments.device {
        config.device = device;
    }
    if let Some(seed) = arguments.seed {
        config.seed = seed;
    }
    if let Some(user_dict) = arguments.user_dict {
        config.text.user_dictionary = user_dict;
    }
    if let Some(refit) = arguments.refit {
        config.refit = refit;
    }
    config.strict |= arguments.strict;
    if arguments.print_config {
        print(&config.to_toml()?)?;
        return Ok(ExitCode::SUCCESS);
    }
    let segmenter = segmenter_of(&config.text)?;
    let interrupted = interrupt_flag()?;
    match training::train(&config, segmenter, arguments.resume, &interrupted)? {
        Outcome::Finished(bundle) => {
            print(&format!("{}\n", bundle.display()))?;
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Interrupted(checkpoint) => {
            eprintln!(
                "interrupted; {} is left, go on with --resume",
                checkpoint.display()
            );
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}
