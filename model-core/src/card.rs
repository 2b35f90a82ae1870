//! The model card: what a model was made from, what it is for, and how well it was seen to work.

use serde::{Deserialize, Serialize};

/// The facts that travel in a bundle and are shown wherever it is used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelCard {
    /// What the model is called.
    pub name: String,
    /// The languages of its training text, as BCP 47 tags such as `"en"`.
    pub languages: Vec<String>,
    /// The training data, in a sentence or two.
    pub data: String,
    /// On what terms the data and so the model may be used.
    pub licence: String,
    /// What the model is meant for.
    pub intended_use: String,
    /// What it must not be used for.
    pub not_for: String,
    /// Where it is known to be weak.
    pub limits: String,
    /// What to cite.
    pub citations: Vec<String>,
    /// How well each attribute was predicted for users that training never saw.
    pub figures: Vec<AttributeFigures>,
}

/// Test figures of one attribute; shares are between 0 and 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeFigures {
    /// The attribute's name.
    pub attribute: String,
    /// Users tested.
    pub users: usize,
    /// The share of the most frequent class among them: what always guessing it would get right.
    pub majority: f64,
    /// The share predicted right.
    pub accuracy: f64,
    /// Precision averaged over the classes.
    pub precision: f64,
    /// Recall averaged over the classes.
    pub recall: f64,
    /// 2PR / (P + R) of the two averages, the paper's Macro-F1.
    pub f: f64,
    /// Expected calibration error: how far stated probabilities are from how often they come true.
    pub calibration_error: f64,
}
