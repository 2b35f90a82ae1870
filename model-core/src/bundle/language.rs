//! How an attribute is known of texts in a language.

use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;

/// How a model knows an attribute of writers in a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValidationStatus {
    /// Measured on writers in this language, and better than guessing.
    Measured,
    /// Learned from writers in another language, and not shown to work in this one: nobody measured it on enough writers, or it
    /// was no better than guessing.
    Transferred,
}

/// How one attribute is told of texts in a language.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageCalibration {
    /// How it is calibrated.
    pub status: ValidationStatus,
    /// The calibration of its probabilities.
    pub calibration: Calibration,
    /// The probability from which on a prediction is called sure.
    pub confidence_threshold: f32,
}

/// The least share of texts that a transferred attribute is taken to say nothing of, see [`Calibration::uniform_weight`]. With it the
/// most probable of many classes hardly gets beyond one half, whatever the network says.
const TRANSFERRED_UNIFORM_WEIGHT: f32 = 0.5;
/// From which probability on a transferred attribute is called sure: only the sum over many classes gets there.
const TRANSFERRED_CONFIDENCE_THRESHOLD: f32 = 0.8;

impl LanguageCalibration {
    /// An attribute measured on writers in the language.
    pub fn measured(calibration: Calibration, confidence_threshold: f32) -> Self {
        Self {
            status: ValidationStatus::Measured,
            calibration,
            confidence_threshold,
        }
    }

    /// An attribute transferred from another language, in which it has this calibration.
    pub fn transferred(calibration: Calibration, confidence_threshold: f32) -> Self {
        Self {
            status: ValidationStatus::Transferred,
            calibration: Calibration {
                uniform_weight: calibration.uniform_weight.max(TRANSFERRED_UNIFORM_WEIGHT),
                ..calibration
            },
            confidence_threshold: confidence_threshold.max(TRANSFERRED_CONFIDENCE_THRESHOLD),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_transferred_never_looks_certain() {
        let calibrated = LanguageCalibration::transferred(Calibration::ONE, 0.6);
        let probabilities = calibrated
            .calibration
            .probabilities(&[1000.0, 0.0, 0.0, 0.0, 0.0], 5000);
        assert!(
            probabilities[0] < calibrated.confidence_threshold,
            "{probabilities:?}"
        );
        let careful = Calibration {
            uniform_weight: 0.7,
            ..Calibration::ONE
        };
        let calibrated = LanguageCalibration::transferred(careful, 0.9);
        assert_eq!(
            (calibrated.calibration, calibrated.confidence_threshold),
            (careful, 0.9)
        );
        assert_eq!(
            LanguageCalibration::measured(careful, 0.6).calibration,
            careful
        );
    }
}
