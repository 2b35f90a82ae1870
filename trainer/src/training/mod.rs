//! Training: from a config to a run folder with a bundle in it.
//!
//! [`train`] is the command. `prepare` reads the files, a [`Trainer`] trains a network of some [`Architecture`] and can be
//! stopped at any batch, [`Trained`] is the best epoch with its wide component, and `export` makes the bundle of it. The
//! experiments use the same [`Trainer`], without a folder.

mod architecture;
mod baseline;
pub mod batches;
pub mod calibration;
pub mod checkpoint;
mod cross_validation;
mod data;
pub mod examples;
mod export;
mod folder;
mod metrics;
mod prepare;
pub mod reference_corpus;
mod run_report;
mod trained;
mod trainer;
pub mod vectors;
mod wide;

use std::{
    path::{Path, PathBuf},
    sync::atomic::AtomicBool,
    time::Instant,
};

use model_core::{embedding::Embedding, predictor::PredictError, text::Segmenter};
use sparse_linear::LinearError;

use crate::{
    config::{Config, ConfigError},
    corpus::CorpusError,
    device::{self, DeviceError},
    lock::LockError,
    output::OutputError,
    progress::notice,
    word2vec::VectorsError,
};
use checkpoint::CheckpointError;
use folder::RunFolder;
use vectors::Vectors;

pub use architecture::{Architecture, Batch, JointLstm};
pub use cross_validation::cross_validate;
pub use data::{Data, Task, class_counts};
pub use export::TestFigures;
pub use metrics::{EpochMetrics, TaskMetrics};
pub use prepare::read_vectors;
pub use trained::Trained;
pub use trainer::{Setup, Trainer};

/// The file of a run folder that is its result.
pub const BUNDLE: &str = "model.safetensors";
/// The state from which an interrupted run continues.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// The settings as used.
pub const CONFIG: &str = "config.toml";
/// The users of each part.
pub const SPLIT: &str = "split.json";
/// The figures of every epoch and of the test, one JSON object per line.
pub const METRICS: &str = "metrics.jsonl";

/// What the run was and how good its model is, as Markdown and as an HTML page.
pub const REPORT: [&str; 2] = ["run.md", "run.html"];

/// The files that a run writes into its folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let names = [BUNDLE, CHECKPOINT, CONFIG, SPLIT, METRICS];
    let names = names.into_iter().chain(REPORT);
    names.map(|name| folder.join(name)).collect()
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is complete; this is the bundle.
    Complete(PathBuf),
    /// It was interrupted; this is the checkpoint.
    Interrupted(PathBuf),
}

/// Why training failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The corpus cannot be read.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// The word vectors cannot be read.
    #[error(transparent)]
    Vectors(#[from] VectorsError),
    /// The device is not available.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A file of the run folder cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The run folder is in use.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The settings cannot be written as TOML.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The device failed while computing.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// The wide component cannot be fitted.
    #[error(transparent)]
    Linear(#[from] LinearError),
    /// The data cannot be trained on, or the run folder is not the expected one.
    #[error("{0}")]
    Unusable(String),
}

/// Trains a model by `config` in its run folder. `segmenter` segments the posts.
///
/// With `resume` an interrupted run is continued from its last checkpoint. When `interrupted` becomes true, the run ends after
/// the current batch, with a checkpoint.
pub fn train(
    config: &Config,
    segmenter: Segmenter,
    resume: bool,
    interrupted: &AtomicBool,
) -> Result<Outcome, TrainError> {
    let start = Instant::now();
    let device = device::choose(&config.device)?;
    let tested = export::tested(config)?;
    let (folder, checkpoint) = RunFolder::open(config, resume)?;
    let user_dictionary = segmenter.user_dictionary().to_owned();
    let prepared = prepare::prepare(config, segmenter)?;
    prepared.data.check_validation(&config.wide)?;
    let checksum = prepared.checksum;
    folder.begin(
        &prepared.data,
        &config.corpus,
        checksum,
        checkpoint.as_ref(),
    )?;
    let embedding = &prepared.embedding;
    let setup = setup(config, prepared.data, embedding)?;
    let trainer = Trainer::new(setup, &device)?;
    let mut trainer = trainer.in_folder(folder.clone(), checksum, checkpoint)?;
    let reading = start.elapsed();
    if !trainer.train(interrupted)? {
        return Ok(Outcome::Interrupted(folder.checkpoint()));
    }
    let learning = start.elapsed() - reading;
    let parts = export::Parts {
        embedding: trained_embedding(&trainer, embedding)?,
        vocabulary: prepared.vocabulary,
        user_dictionary,
        tested,
    };
    let warnings = trainer.setup.data.test_warnings();
    let trained = Trained::new(trainer, &config.wide, &parts.vocabulary)?;
    let figures = export::export(&trained, config, parts, &folder)?;
    let document = run_report::RunReport {
        config,
        settings: folder.settings(),
        data: &trained.trainer.setup.data,
        history: trained.trainer.history(),
        best: trained.trainer.best(),
        figures: &figures,
        times: [reading, learning, start.elapsed() - reading - learning],
    }
    .document();
    folder.write_report(&document)?;
    run_report::print_test_table(&figures);
    for warning in warnings {
        notice!("test users: {warning}");
    }
    Ok(Outcome::Complete(folder.bundle()))
}

/// What decides the result of training by a config.
fn setup<'a>(
    config: &Config,
    data: Data,
    embedding: &'a Embedding,
) -> Result<Setup<'a, JointLstm>, TrainError> {
    let sizes = config.sizes(embedding.dimensions());
    // The config was checked without the vectors. A bundle of these sizes could not be written at the end of the run.
    sizes
        .check()
        .map_err(|what| TrainError::Unusable(format!("network and vectors: {what}")))?;
    Ok(Setup {
        training: config.training.clone(),
        seed: config.seed,
        data,
        architecture: JointLstm::new(sizes, config.network.dropout, &config.training),
        vectors: Vectors::new(embedding, config.network.vector_learning_rate),
    })
}

/// The word vectors of a trained network.
fn trained_embedding(
    trainer: &Trainer<JointLstm>,
    embedding: &Embedding,
) -> Result<Embedding, TrainError> {
    match trainer.setup.vectors.trained() {
        Some(vectors) => vectors.embedding().map_err(TrainError::Unusable),
        None => Ok(embedding.clone()),
    }
}
