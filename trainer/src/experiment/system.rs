//! What all systems have in common: they learn one attribute from users and predict it for others.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;
use model_core::attribute::Attribute;
use model_core::embedding::Embedding;

use super::cache::Cache;
use super::error::ExperimentError;
use super::users::{UserFeatures, Users};
use crate::evaluation::Metrics;
use crate::features::Features;
use crate::settings::within;
use crate::training::examples::{Example, Parts};

/// A way to learn an attribute, with its settings.
///
/// A file of `systems/` implements it; the registry in `systems/mod.rs` names it and gives it its settings.
pub trait System: Send + Sync {
    /// All settings that decide what is learned, by section as in a config.
    fn settings(&self) -> toml::Table;

    /// λ of Eq. 19 for the main task, if the system has it.
    fn lambda(&self) -> Option<f64> {
        None
    }

    /// Whether it learns several attributes jointly.
    fn is_joint(&self) -> bool {
        self.lambda().is_some()
    }

    /// Whether it reads true classes of test users, as only a control may.
    fn reads_true_classes(&self) -> bool {
        false
    }

    /// The textual features that it reads, if any.
    fn features(&self) -> Option<&Features> {
        None
    }

    /// Whether it is a network, which needs word vectors (or their vocabulary) and all cores. Others need one core each.
    fn is_network(&self) -> bool;

    /// Fits to the training users. The validation users choose hyper-parameters and the best epoch, and nothing else; the
    /// test users are not read.
    fn fit<'a>(&self, problem: &Problem<'a>) -> Result<Fitted<'a>, ExperimentError>;
}

/// A fitted system.
pub trait Model {
    /// A score for each class of the attribute, for each of `users` (indices): the higher, the more probable, like logits. The
    /// runner calibrates them on the validation users.
    ///
    /// All of `users` have a label.
    fn scores(&self, users: &[usize]) -> Result<Vec<Vec<f32>>, ExperimentError>;
}

/// A model and how it was chosen.
pub struct Fitted<'a> {
    /// The model.
    pub model: Box<dyn Model + 'a>,
    /// The hyper-parameters that were chosen on the validation users, by name.
    pub chosen: Vec<(String, String)>,
    /// F on the validation users after each epoch, for systems that learn in epochs.
    pub validation_curve: Vec<f64>,
    /// The mean cost over each epoch's batches, likewise.
    pub training_curve: Vec<f64>,
}

/// A learning problem.
#[derive(Clone, Copy)]
pub struct Problem<'a> {
    /// All attributes.
    pub attributes: &'a [Attribute],
    /// The attribute that is predicted, as an index.
    pub main: usize,
    /// The attributes learned beside it; none for a system that is not joint.
    pub auxiliary: &'a [usize],
    /// λ of Eq. 19 for the main task, if the system has it.
    pub lambda: Option<f64>,
    /// All users, with their features and vectors.
    pub users: &'a Users,
    /// All users, with the labels that are learned from.
    pub examples: &'a [Example],
    /// The division of the users. Not all of them have a label.
    pub parts: &'a Parts,
    /// The users' features, for systems that read them.
    pub features: Option<&'a UserFeatures>,
    /// The seed of all random choices.
    pub seed: u64,
    /// The device that computes networks.
    pub device: &'a Device,
    /// What other runs with these parts, labels and features have fitted.
    pub cache: &'a Cache,
    /// A folder for files that other runs can use.
    pub folder: &'a Path,
    /// Whether to stop, with [`ExperimentError::Interrupted`].
    pub interrupted: &'a Arc<AtomicBool>,
}

impl<'a> Problem<'a> {
    /// Those of `users` who have a label for an attribute, and their classes.
    pub fn labelled(&self, users: &[usize], attribute: usize) -> (Vec<usize>, Vec<usize>) {
        let class = |&user: &usize| Some((user, self.examples[user].classes[attribute]?));
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

    /// An error if the experiment was interrupted.
    pub fn check_interrupted(&self) -> Result<(), ExperimentError> {
        match self.interrupted.load(Ordering::Relaxed) {
            true => Err(ExperimentError::Interrupted),
            false => Ok(()),
        }
    }
}

/// Whether λ is in range.
pub fn check_lambda(name: &str, lambda: f64) -> Result<(), String> {
    let holds = lambda > 0.0 && lambda <= 1.0;
    within(name, lambda, holds, "above 0, at most 1")
}

/// Settings as a TOML table.
pub fn table(settings: &impl serde::Serialize) -> toml::Table {
    // An empty table would make all settings that fail equal to each other.
    toml::Table::try_from(settings)
        .expect("settings consist of numbers, strings, lists and tables, which TOML can express")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Such settings used to be an empty table, which equals every other one.
    #[test]
    #[should_panic(expected = "which TOML can express")]
    fn settings_that_toml_cannot_express_are_not_taken_for_none() {
        table(&BTreeMap::from([("number", u64::MAX)]));
    }
}
