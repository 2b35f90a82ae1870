//! The settings of a bundle: its attributes, and the calibration of their probabilities.

use serde::{Deserialize, Serialize};

use super::LanguageCalibration;
use crate::{
    attribute::Attribute, aux_lstm::AuxLstmSizes, language::Language, vocabulary::Vocabulary,
    word_frequencies::WordFrequencies,
};

/// The settings of a trained model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The attributes, one for each task of the network, in its order.
    pub attributes: Vec<Attribute>,
    /// The sizes of the network.
    pub sizes: AuxLstmSizes,
    /// The most words that are read of a user's text.
    pub max_words: usize,
    /// The calibration of each task, fitted on validation users.
    pub calibrations: Vec<LanguageCalibration>,
    /// Whether Chinese was segmented with a dictionary in training, and must be segmented with one to predict.
    pub dictionary: bool,
    /// The user dictionary that extended it, see [`Segmenter::add_user_dictionary`]; empty for none.
    ///
    /// [`Segmenter::add_user_dictionary`]: crate::text::Segmenter::add_user_dictionary
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub user_dictionary: String,
    /// The word frequencies of the training users, for each of the [`languages`](Self::languages); empty if unknown.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub word_frequencies: Vec<WordFrequencies>,
    /// The calibration of each task for Chinese texts, if the model reads Chinese and another language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chinese: Option<Vec<LanguageCalibration>>,
}

impl Settings {
    /// The languages that the model distinguishes; `[None]` if it reads only one.
    pub fn languages(&self) -> Vec<Option<Language>> {
        match self.chinese {
            Some(_) => vec![Some(Language::Other), Some(Language::Chinese)],
            None => vec![None],
        }
    }

    /// The place of one of the [`languages`](Self::languages) among them; 0 for any other.
    pub fn place_of(&self, language: Option<Language>) -> usize {
        let languages = self.languages();
        (languages.iter().position(|other| *other == language)).unwrap_or(0)
    }

    /// The language of a text of word ids, if the model distinguishes languages.
    pub(crate) fn language_of(&self, text: &[u32], vocabulary: &Vocabulary) -> Option<Language> {
        (self.chinese.as_ref()).map(|_| Language::of(text, vocabulary))
    }

    /// The calibration of a task for texts in one of the [`languages`](Self::languages).
    pub fn calibration(&self, task: usize, language: Option<Language>) -> &LanguageCalibration {
        match (&self.chinese, language) {
            (Some(tasks), Some(Language::Chinese)) => &tasks[task],
            _ => &self.calibrations[task],
        }
    }

    /// The [`calibration`](Self::calibration), to be changed.
    pub fn calibration_mut(
        &mut self,
        task: usize,
        language: Option<Language>,
    ) -> &mut LanguageCalibration {
        match (&mut self.chinese, language) {
            (Some(tasks), Some(Language::Chinese)) => &mut tasks[task],
            _ => &mut self.calibrations[task],
        }
    }
}
