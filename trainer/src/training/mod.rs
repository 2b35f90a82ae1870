//! Training: from a config to a run folder with a bundle in it.
//!
//! [`train`] is the command. `prepare` reads the files, a [`Trainer`] trains a network of some [`Architecture`] and can be
//! stopped at any batch, [`Trained`] is the best epoch with its wide component, and `export` makes the bundle of it. The
//! experiments use the same [`Trainer`], without a folder.

mod architecture;
pub mod batches;
pub mod calibration;
pub mod checkpoint;
mod data;
pub mod examples;
mod export;
mod folder;
mod metrics;
mod prepare;
mod trained;
mod trainer;
pub mod vectors;
mod wide;

use std::{path::PathBuf, sync::atomic::AtomicBool};

use model_core::{predictor::PredictError, text::Segmenter};
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
pub use data::{Data, Task, class_counts};
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
    let device = device::choose(&config.device)?;
    let tested = export::tested(config)?;
    let (folder, checkpoint) = RunFolder::open(config, resume)?;
    let user_dictionary = segmenter.user_dictionary().to_owned();
    let prepared = prepare::prepare(config, segmenter)?;
    prepared.data.check_wide(&config.wide)?;
    let checksum = prepared.checksum;
    folder.begin(
        &prepared.data,
        &config.corpus,
        checksum,
        checkpoint.as_ref(),
    )?;
    let embedding = &prepared.embedding;
    let sizes = config.sizes(embedding.dimensions());
    // The config was checked without the vectors. A bundle of these sizes could not be written at the end of the run.
    sizes
        .check()
        .map_err(|what| TrainError::Unusable(format!("network and vectors: {what}")))?;
    let setup = Setup {
        training: config.training.clone(),
        seed: config.seed,
        data: prepared.data,
        architecture: JointLstm {
            sizes,
            dropout: config.network.dropout,
            normalise: config.training.normalise,
            by_words: config.training.mixes_lengths(),
        },
        vectors: Vectors::new(embedding, config.network.vector_learning_rate),
    };
    let trainer = Trainer::new(setup, &device)?;
    let mut trainer = trainer.in_folder(folder.clone(), checksum, checkpoint)?;
    if !trainer.train(interrupted)? {
        return Ok(Outcome::Interrupted(folder.checkpoint()));
    }
    let parts = export::Parts {
        embedding: match trainer.setup.vectors.trained() {
            Some(vectors) => vectors.embedding().map_err(TrainError::Unusable)?,
            None => embedding.clone(),
        },
        vocabulary: prepared.vocabulary,
        user_dictionary,
        tested,
    };
    let warnings = trainer.setup.data.test_warnings();
    let trained = Trained::new(trainer, &config.wide, &parts.vocabulary)?;
    export::export(trained, config, parts, &folder)?;
    for warning in warnings {
        notice!("test users: {warning}");
    }
    Ok(Outcome::Complete(folder.bundle()))
}
