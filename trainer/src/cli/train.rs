//! `auxlstm train`: from a config to a bundle.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::value_parser;

use super::interrupt::{INTERRUPTED, interrupt_flag};
use super::{Failure, dictionaries_of, outputs, print, print_path, print_text, segmenter_of};
use crate::config::Config;
use crate::progress::notice;
use crate::training::{self, Outcome};

/// The largest integer in TOML.
const LARGEST_SEED: u64 = i64::MAX as u64;

/// Train a model by a config, in a run folder with the settings, checkpoints, metrics and the bundle
///
/// The run ends with a table of its test figures beside those of a linear baseline and of the majority class. run.md and
/// run.html in the run folder report on the run.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Settings in TOML, see --print-config for all of them
    #[arg(value_name = "CONFIG.toml", required_unless_present = "print_config")]
    config: Option<PathBuf>,
    /// Change one setting of the config, such as training.epochs=5. Can be repeated
    #[arg(long, value_name = "KEY=VALUE", requires = "config")]
    set: Vec<String>,
    /// The run folder, in place of the config's
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
    /// The device that computes, in place of the config's: cpu, wgpu, vulkan or cuda
    #[arg(long)]
    device: Option<String>,
    /// The seed, in place of the config's
    #[arg(long, value_parser = value_parser!(u64).range(..=LARGEST_SEED))]
    seed: Option<u64>,
    /// Refit this model: repeat its training with its test users included; the card keeps its test figures
    #[arg(long, value_name = "BUNDLE")]
    refit: Option<PathBuf>,
    /// Words to add to the config's Chinese dictionary, in jieba's format, in place of the config's user dictionary
    #[arg(long, value_name = "FILE")]
    user_dict: Option<PathBuf>,
    /// Stop with an error at the first bad record of the corpus; overrides the config
    #[arg(long)]
    strict: bool,
    /// Continue an interrupted run from its last checkpoint
    #[arg(long)]
    resume: bool,
    /// Measure instead of making a model: divide the users into K parts, train K models, each on K − 1 of the parts, test each
    /// on the part that is left, and print the mean and standard deviation of the figures. split.test is ignored
    #[arg(long, value_name = "K", value_parser = value_parser!(u32).range(2..=1000), conflicts_with_all = ["resume", "refit", "output"])]
    cross_validate: Option<u32>,
    /// Print all settings and exit; without a config, the defaults
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
        let hint = "vectors = \"\"  # of `auxlstm embed`, or a bundle: \"public/models/en.safetensors\" for English";
        let attributes =
            "attributes = []  # a section [[attributes]] for each, see docs/training.md";
        let text = config.to_toml()?.replace("vectors = \"\"", hint);
        print(&text.replace("attributes = []", attributes))?;
        return Ok(ExitCode::SUCCESS);
    }
    let segmenter = segmenter_of(&config.text)?;
    let interrupted = interrupt_flag()?;
    if let Some(folds) = arguments.cross_validate {
        let table = training::cross_validate(&config, segmenter, folds as usize, &interrupted)?;
        return Ok(match table {
            Some(table) => {
                print_text(&table)?;
                notice!("no model was written; train without --cross-validate to make one");
                ExitCode::SUCCESS
            }
            None => {
                notice!("interrupted; nothing was written");
                ExitCode::from(INTERRUPTED)
            }
        });
    }
    check_outputs(&config, arguments.config.as_deref())?;
    match training::train(&config, segmenter, arguments.resume, &interrupted)? {
        Outcome::Complete(bundle) => {
            let [_, page] = training::REPORT;
            notice!(
                "report on the run: {}",
                bundle.with_file_name(page).display()
            );
            print_path(&bundle)?;
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Interrupted(checkpoint) => {
            notice!(
                "interrupted; continue with --resume, from {}",
                checkpoint.display()
            );
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

/// Checks that the run overwrites none of the files that it reads. The settings that an earlier run wrote into its folder may
/// be read again.
fn check_outputs(config: &Config, read: Option<&Path>) -> Result<(), Failure> {
    // Refused when the folder is made.
    if config.output.as_os_str().is_empty() {
        return Ok(());
    }
    let outputs = training::files(&config.output);
    let is_own = |path: &Path| {
        config.output.join(training::CHECKPOINT).exists()
            || std::fs::read_to_string(path).ok() == config.to_toml().ok()
    };
    let files = (config.corpus.iter())
        .chain([&config.vectors, &config.refit])
        .chain(dictionaries_of(&config.text))
        .map(PathBuf::as_path)
        .chain(read.filter(|path| path.is_file() && !is_own(path)));
    outputs::check(&outputs, files)
}
