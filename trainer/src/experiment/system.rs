//! What all systems have in common: they learn one attribute from users, and then tell it of others.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;
use model_core::attribute::Attribute;
use model_core::embedding::Embedding;
use model_core::predictor::PredictError;
use sparse_linear::LinearError;

use super::CellError;
use super::systems::Learned;
use super::users::{UserFeatures, Users};
use crate::config::ConfigError;
use crate::corpus::CorpusError;
use crate::device::DeviceError;
use crate::evaluation::Metrics;
use crate::features::FeatureError;
use crate::output::OutputError;
use crate::training::TrainError;
use crate::training::examples::Parts;
use crate::word2vec::{TrainingError, VectorsError};

/// A way to learn an attribute.
pub trait System {
    /// Learns from the training users. The validation users decide on hyper-parameters and the best epoch, and on nothing
    /// else; the test users are not looked at.
    fn fit<'a>(&self, problem: &Problem<'a>) -> Result<Fitted<'a>, ExperimentError>;
}

/// What a system has learned.
pub trait Model {
    /// A number for each class of the attribute, for each of `users` (indices): the higher, the more likely, as logits
    /// are. What makes probabilities of them is one for all systems, a temperature fitted on the validation users.
    ///
    /// All of `users` have a label.
    fn scores(&self, users: &[usize]) -> Result<Vec<Vec<f32>>, ExperimentError>;
}

/// A model, and how it was come by.
pub struct Fitted<'a> {
    /// The model.
    pub model: Box<dyn Model + 'a>,
    /// What the validation users decided, by name.
    pub chosen: Vec<(String, String)>,
    /// F on the validation users after each epoch, for systems that learn in epochs.
    pub validation_curve: Vec<f64>,
    /// The mean cost over each epoch's batches, likewise.
    pub training_curve: Vec<f64>,
}

/// What is to be learned.
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    /// The attributes that there are.
    pub attributes: &'a [Attribute],
    /// The attribute that is predicted, as an index.
    pub main: usize,
    /// The attributes that may be learned beside it.
    pub auxiliary: &'a [usize],
    /// All users.
    pub users: &'a Users,
    /// Who is for what. Not all have a label.
    pub parts: &'a Parts,
    /// The users' features, for systems that read them.
    pub features: Option<&'a UserFeatures>,
    /// The seed of all that is random.
    pub seed: u64,
    /// What networks are computed on.
    pub device: &'a Device,
    /// What other cells with these parts and features have learned already.
    pub learned: &'a Learned,
    /// A folder for what takes long to make and cells of other runs can use.
    pub folder: &'a Path,
    /// Whether to stop, with [`ExperimentError::Interrupted`].
    pub interrupted: &'a Arc<AtomicBool>,
}

impl<'a> Problem<'a> {
    /// Those of `users` who have a label for an attribute, with their class.
    pub fn labelled(&self, users: &[usize], attribute: usize) -> (Vec<usize>, Vec<usize>) {
        let class = |&user: &usize| Some((user, self.users.examples[user].classes[attribute]?));
        users.iter().filter_map(class).unzip()
    }

    /// The number of an attribute's classes.
    pub fn class_count(&self, attribute: usize) -> usize {
        self.attributes[attribute].classes.len()
    }

    /// The users' features.
    pub fn features(&self) -> Result<&'a UserFeatures, ExperimentError> {
        (self.features).ok_or_else(|| ExperimentError::Unusable("there are no features".into()))
    }

    /// The word vectors.
    pub fn embedding(&self) -> Result<&'a Embedding, ExperimentError> {
        (self.users.embedding.as_ref())
            .ok_or_else(|| ExperimentError::Unusable("there are no word vectors".into()))
    }

    /// F of scores for users of these classes.
    pub fn f(&self, attribute: usize, classes: &[usize], scores: &[Vec<f32>]) -> f64 {
        Metrics::of(classes, scores, self.class_count(attribute)).f
    }

    /// The error that ends the work, if that was asked for.
    pub fn go_on(&self) -> Result<(), ExperimentError> {
        match self.interrupted.load(Ordering::Relaxed) {
            true => Err(ExperimentError::Interrupted),
            false => Ok(()),
        }
    }
}

/// Why an experiment ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError {
    /// It was told to stop.
    #[error("interrupted")]
    Interrupted,
    /// The corpus cannot be read.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// A file of word vectors cannot be read.
    #[error(transparent)]
    Vectors(#[from] VectorsError),
    /// Word vectors cannot be learned.
    #[error(transparent)]
    Embedding(#[from] TrainingError),
    /// The device cannot be had.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The device failed while computing.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// A network cannot be trained.
    #[error(transparent)]
    Training(#[from] TrainError),
    /// There are no features.
    #[error(transparent)]
    Features(#[from] FeatureError),
    /// A linear system cannot be learned.
    #[error(transparent)]
    Linear(#[from] LinearError),
    /// The settings cannot be written down.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A result cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// What is stored cannot be used.
    #[error(transparent)]
    Stored(#[from] CellError),
    /// What was read cannot be learned from.
    #[error("{0}")]
    Unusable(String),
    /// A cell cannot be learned.
    #[error("{cell}")]
    Cell {
        /// What it is called.
        cell: String,
        /// Why.
        source: Box<ExperimentError>,
    },
}
