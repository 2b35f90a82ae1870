//! The bundle: a trained model in one file.
//!
//! ```
//! use model_core::bundle::Bundle;
//!
//! let bundle = Bundle::from_bytes(&std::fs::read("../public/models/en.safetensors")?)?;
//! let names = bundle.settings.attributes.iter().map(|attribute| attribute.name.as_str());
//! assert!(names.eq(["profession", "age", "gender"]));
//! assert!(bundle.card.not_for.contains("have not agreed"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod format;
mod language;
mod settings;

use std::collections::HashSet;

#[cfg(feature = "burn")]
use burn::tensor::Device;

use crate::{
    attribute::{Attribute, repeated},
    card::ModelCard,
    embedding::Embedding,
    parameters::NamedTensor,
    vocabulary::Vocabulary,
    wide::Wide,
};
#[cfg(feature = "burn")]
use crate::{
    aux_lstm::AuxLstm,
    parameters::{Parameters, source},
};

pub use format::{FORMAT_VERSION, METADATA_KEY};
pub use language::{ConfidenceThresholds, LanguageCalibration, ValidationStatus};
pub use settings::Settings;

/// A trained model with all that is needed to use it.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// The attributes, the sizes of the network and its calibration.
    pub settings: Settings,
    /// What the model was trained on and how well it works.
    pub card: ModelCard,
    /// The words that it knows.
    pub vocabulary: Vocabulary,
    /// The vectors of the words.
    pub embedding: Embedding,
    /// The network's parameters.
    pub parameters: Vec<NamedTensor>,
    /// The wide component, if the model has one.
    pub wide: Option<Wide>,
    /// A fingerprint of each training and validation user, by which `auxlstm evaluate` finds them among other users: the CRC-32
    /// of the user's posts, each followed by a line feed. Ascending. Empty where they are not known.
    pub seen_users: Vec<u32>,
}

/// Why a file cannot be used as a bundle, or a model not be written as one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The file is shorter or longer than its header states.
    #[error("the file is cut off or incomplete: {0}")]
    Truncated(String),
    /// The file is not a bundle.
    #[error("the file is not an auxlstm bundle: {0}")]
    Foreign(String),
    /// The file is from a newer program.
    #[error(
        "the bundle has format version {0}, this program reads version {FORMAT_VERSION}: use a newer program"
    )]
    Newer(u32),
    /// The file was written before version 0.1.0.
    #[error(
        "the bundle has format version {0}, which only programs before 0.1.0 read: train the model again"
    )]
    Older(u32),
    /// The contents contradict the checksum or one another.
    #[error("the bundle is damaged: {0}")]
    Corrupt(String),
    /// The parts of the model contradict one another, or a number is not finite.
    #[error("the model cannot be written as a bundle: {0}")]
    Unwritable(String),
}

impl Bundle {
    /// Builds the network on `device` from the parameters.
    ///
    /// # Errors
    /// If a parameter is missing or has another number of values.
    #[cfg(feature = "burn")]
    pub fn network(&self, device: &Device) -> Result<AuxLstm, BundleError> {
        let mut parameters = Parameters::new(device, source(&self.parameters));
        AuxLstm::new(&mut parameters, &self.settings.sizes, 0.0).map_err(BundleError::Corrupt)
    }

    /// [`seen_users`](Self::seen_users) as a set.
    pub fn seen(&self) -> HashSet<u32> {
        self.seen_users.iter().copied().collect()
    }

    /// Checks that the parts fit one another, that no number is too large to predict with, and that sizes fit into 32 bits:
    /// the same bundles are valid in a browser as elsewhere.
    fn check(&self) -> Result<(), String> {
        let Settings {
            attributes,
            sizes,
            max_words,
            calibrations,
            dictionary,
            user_dictionary,
            word_frequencies,
            chinese,
        } = &self.settings;
        sizes.check()?;
        attributes.iter().try_for_each(Attribute::check)?;
        if let Some(name) = repeated(attributes.iter().map(|attribute| &attribute.name)) {
            return Err(format!("its attribute {name:?} is there twice"));
        }
        let classes: Vec<usize> = attributes
            .iter()
            .map(|attribute| attribute.classes.len())
            .collect();
        let tasks = sizes.tasks.iter().map(|(_, classes)| *classes);
        if !tasks.eq(classes.iter().copied()) {
            return Err("its tasks and its attributes differ in number or classes".into());
        }
        if *max_words == 0 {
            return Err("it reads no word of a text".into());
        }
        check_count("max_words", *max_words)?;
        for figures in &self.card.figures {
            check_count("the number of users in its card", figures.users)?;
            for bin in &figures.reliability {
                check_count("the number of users in its card", bin.users)?;
            }
        }
        for (tasks, what) in [
            (Some(calibrations), ""),
            (chinese.as_ref(), " for Chinese text"),
        ] {
            let is_sound =
                |(task, &classes): (&LanguageCalibration, &usize)| task.is_sound(classes);
            if tasks.is_some_and(|tasks| {
                tasks.len() != classes.len() || !tasks.iter().zip(&classes).all(is_sound)
            }) {
                return Err(format!("it needs a sound calibration{what} for each task"));
            }
        }
        if !dictionary && !user_dictionary.is_empty() {
            return Err("it has a user dictionary and no dictionary that it adds to".into());
        }
        if self.vocabulary.len() != self.embedding.len() {
            return Err("its word vectors and its vocabulary differ in number".into());
        }
        let ids = self.vocabulary.len();
        let is_for_each_language = word_frequencies.is_empty()
            || word_frequencies.len() == self.settings.languages().len();
        if !is_for_each_language || !word_frequencies.iter().all(|words| words.is_sound(ids)) {
            return Err("its word frequencies do not fit its vocabulary".into());
        }
        let mut words = self.vocabulary.words().iter();
        if let Some(word) = words.find(|word| word.contains('\n')) {
            return Err(format!("its word {word:?} contains a line end"));
        }
        if self.embedding.dimensions() != sizes.input_size {
            return Err("its word vectors and its network differ in dimensions".into());
        }
        let classes: usize = classes.iter().sum();
        if self
            .wide
            .as_ref()
            .is_some_and(|wide| wide.bias().len() != classes)
        {
            return Err("its wide component and its attributes differ in classes".into());
        }
        self.check_numbers()
    }
}

/// Checks that a number fits into 32 bits, the size of a browser's.
fn check_count(name: &str, count: usize) -> Result<(), String> {
    match u32::try_from(count) {
        Ok(_) => Ok(()),
        Err(_) => Err(format!(
            "{name} is {count}; permitted: at most {}",
            u32::MAX
        )),
    }
}

#[cfg(test)]
mod tests;
