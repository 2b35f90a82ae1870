//! The model card: training data, intended use, limits and test figures of a model.
//!
//! ```
//! use model_core::card::ModelCard;
//!
//! let card = ModelCard {
//!     name: "Gender of tea drinkers".into(),
//!     languages: vec!["en".into()],
//!     not_for: "Decisions about a person".into(),
//!     ..ModelCard::default()
//! };
//! // A card without figures is that of a model that was never tested.
//! assert!(card.figures.is_empty());
//! ```

use serde::{Deserialize, Serialize};

use crate::language::Language;

/// The model card of a bundle, shown wherever the model is used.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct ModelCard {
    /// The name of the model.
    pub name: String,
    /// The languages of the training text, as BCP 47 tags such as `"en"`.
    pub languages: Vec<String>,
    /// The training data, in a sentence or two.
    pub data: String,
    /// The terms of use of the data, and so of the model.
    pub licence: String,
    /// The intended use.
    pub intended_use: String,
    /// Uses that are ruled out.
    pub not_for: String,
    /// Known limits.
    pub limits: String,
    /// Works to cite.
    pub citations: Vec<String>,
    /// Figures for each attribute on test users, who took no part in training.
    pub figures: Vec<AttributeFigures>,
    /// Whether this model is a refit: trained with the same settings on the test users as well. The figures are then those of
    /// the model that was tested before the refit.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<bool>"))]
    pub refit: bool,
}

/// Test figures of one attribute; shares are from 0 to 1.
///
/// Labels and their probabilities are those under equal base rates; the calibration error and the reliability diagram are
/// measured under the base rates of the training users.
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
    /// The language of the text, if the model distinguishes languages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub language: Option<Language>,
    /// The corpus of the test users, if the model was tested on several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub corpus: Option<String>,
    /// Whether the calibration was fitted to these users by `auxlstm adapt`. Their figures are cross-validated.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "typescript", ts(optional, as = "Option<bool>"))]
    pub adapted: bool,
    /// The number of test users.
    pub users: usize,
    /// The share of the most frequent class: the accuracy of always predicting it.
    pub majority: f64,
    /// The share of correct predictions.
    pub accuracy: f64,
    /// Precision averaged over the classes.
    pub precision: f64,
    /// Recall averaged over the classes.
    pub recall: f64,
    /// Macro-F1, the mean of the classes' F1; missing in cards of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub macro_f1: Option<f64>,
    /// F (paper): 2PR / (P + R) of the two averages. It is not macro-F1.
    pub f: f64,
    /// The expected calibration error (ECE).
    pub calibration_error: f64,
    /// The reliability diagram: users by the probability of their most probable class, in 15 bins of equal width. Empty bins
    /// are left out.
    #[serde(default)]
    pub reliability: Vec<ReliabilityBin>,
    /// Coverage and accuracy for the confidence thresholds 0, 0.05 … 0.95, as long as the coverage is above 0.
    #[serde(default)]
    pub coverage: Vec<CoveragePoint>,
}

/// One bin of a reliability diagram.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct ReliabilityBin {
    /// The number of users.
    pub users: usize,
    /// The mean probability of their most probable class.
    pub confidence: f64,
    /// The share for whom that class is correct; equal to `confidence` under perfect calibration.
    pub accuracy: f64,
}

/// Coverage and accuracy at one confidence threshold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct CoveragePoint {
    /// The confidence threshold.
    pub threshold: f32,
    /// The share of users whose prediction is confident.
    pub coverage: f64,
    /// The share of confident predictions that are correct.
    pub accuracy: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_earlier_versions_are_read() {
        let text = r#"{"attribute": "age", "users": 2, "majority": 0.5, "accuracy": 1, "precision": 1, "recall": 1,
            "f": 1, "calibration_error": 0.1}"#;
        let figures: AttributeFigures = serde_json::from_str(text).unwrap();
        assert_eq!(figures.users, 2);
        assert!(figures.reliability.is_empty() && figures.coverage.is_empty());
        assert_eq!(figures.macro_f1, None);
    }
}
