//! The model card: what a model was made from, what it is for, and how well it was seen to work.

use serde::{Deserialize, Serialize};

use crate::language::Language;

/// The facts that travel in a bundle and are shown wherever it is used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
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
    /// Whether they are those of another model, made by the same settings without the test users: this one learned from them
    /// too, once the figures had been taken.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<bool>"))]
    pub refit: bool,
}

/// Test figures of one attribute; shares are between 0 and 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct AttributeFigures {
    /// The attribute's name.
    pub attribute: String,
    /// The language of their text, where the model reads Chinese and another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub language: Option<Language>,
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
    /// The reliability diagram: users sorted by the probability of their most probable class into 15 bins of equal
    /// width, without the bins that hold nobody. Cards that were written before there was one have none.
    #[serde(default)]
    pub reliability: Vec<ReliabilityBin>,
    /// What answering only from a probability on gains in accuracy and costs in answers: for 0, 0.05 … 0.95, as long as
    /// anybody is answered. Cards that were written before there was one have none.
    #[serde(default)]
    pub coverage: Vec<CoveragePoint>,
}

/// Users whose most probable class is stated to be about as probable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct ReliabilityBin {
    /// How many they are.
    pub users: usize,
    /// The mean of these probabilities.
    pub confidence: f64,
    /// The share for whom that class is the true one; equal to `confidence` where probabilities mean what they say.
    pub accuracy: f64,
}

/// What is left when less probable answers are withheld.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct CoveragePoint {
    /// Users are answered whose most probable class is at least so probable.
    pub threshold: f32,
    /// Their share of all users.
    pub coverage: f64,
    /// The share of them for whom that class is the true one.
    pub accuracy: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_without_a_diagram_are_read() {
        let text = r#"{"attribute": "age", "users": 2, "majority": 0.5, "accuracy": 1, "precision": 1, "recall": 1,
            "f": 1, "calibration_error": 0.1}"#;
        let figures: AttributeFigures = serde_json::from_str(text).unwrap();
        assert_eq!(figures.users, 2);
        assert!(figures.reliability.is_empty() && figures.coverage.is_empty());
    }
}
