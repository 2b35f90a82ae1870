//! Errors of experiments.

use model_core::predictor::PredictError;

use super::run::StoredError;
use crate::config::ConfigError;
use crate::corpus::CorpusError;
use crate::device::DeviceError;
use crate::features::FeatureError;
use crate::lock::LockError;
use crate::output::OutputError;
use crate::training::TrainError;
use crate::word2vec::{TrainingError, VectorsError};
use sparse_linear::LinearError;

/// Why an experiment ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// It was interrupted.
    #[error("interrupted")]
    Interrupted,
    /// The corpus cannot be read.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// A file of word vectors cannot be read.
    #[error(transparent)]
    Vectors(#[from] VectorsError),
    /// Word vectors cannot be trained.
    #[error(transparent)]
    Embedding(#[from] TrainingError),
    /// The device is not available.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The device failed while computing.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// A network cannot be trained.
    #[error(transparent)]
    Training(#[from] TrainError),
    /// Features cannot be extracted.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// A linear classifier cannot be fitted.
    #[error(transparent)]
    Linear(#[from] LinearError),
    /// The folder of the results is in use.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The settings cannot be written as TOML.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A result cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A stored result cannot be used.
    #[error(transparent)]
    Stored(#[from] StoredError),
    /// The data or the settings do not permit the experiment.
    #[error("{0}")]
    Unusable(String),
    /// A run failed.
    #[error("{run}")]
    Run {
        /// The run's name.
        run: String,
        /// The cause.
        source: Box<ExperimentError>,
    },
}
