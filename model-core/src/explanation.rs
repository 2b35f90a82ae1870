//! Why a prediction is what it is: for each word, what it does to each class.

use serde::{Deserialize, Serialize};

use crate::prediction::{Named, UserPrediction};

/// A prediction about one user with the evidence of every word that was read for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// What is predicted from the whole text.
    pub prediction: UserPrediction,
    /// The words that the model read, in order; of a text of more than 5,000 the first 5,000.
    pub words: Vec<ReadWord>,
    /// The evidence for each attribute, in the order of the model's tasks; a JSON object by attribute name.
    pub attributes: Named<AttributeEvidence>,
}

/// Where a word stands that the model read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadWord {
    /// The index of its post among those given.
    pub post: usize,
    /// The byte of that post (UTF-8) at which the word starts.
    pub start: usize,
    /// The byte of that post after the word's last.
    pub end: usize,
    /// Whether the model's vocabulary holds it. All words that it does not hold are one and the same to the model.
    pub known: bool,
}

/// What the words say about one attribute.
///
/// A word's evidence for a class is by how much the logarithm of the odds p / (1 − p) falls when this word is taken out
/// of the text, where p is the class's probability before anything is allowed for writers who do not write like others of
/// their class (`Calibration::uniform_weight`). Above 0 the word speaks for the class, below 0 against it; ln 2 ≈ 0.69 halves the
/// odds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttributeEvidence {
    /// The evidence for each class, a number a word; a JSON object by class.
    pub classes: Named<Vec<f32>>,
    /// The same for the attribute's coarse (age bands over single years), where it has coarse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coarse: Option<Named<Vec<f32>>>,
}
