//! Per-language calibration: how the predictions of an attribute are to be read for texts in one language.

use serde::{Deserialize, Serialize};

use crate::calibration::Calibration;

/// Whether an attribute was validated on users who write a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValidationStatus {
    /// Measured on users who write this language, with a mean recall significantly above chance.
    Measured,
    /// Learned from users who write another language and not shown to work in this one: there were too few test users, or
    /// the result was not significantly better than chance.
    Transferred,
}

/// The calibration of one attribute for texts in one language.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageCalibration {
    /// Whether it was validated in this language.
    pub status: ValidationStatus,
    /// The calibration of its probabilities.
    pub calibration: Calibration,
    /// A prediction is confident if its probability is at least this.
    pub confidence_threshold: f32,
}

/// The least [`Calibration::uniform_weight`] of a transferred attribute. It keeps the most probable of many classes near one
/// half at most, whatever the logits.
const TRANSFERRED_UNIFORM_WEIGHT: f32 = 0.5;
/// The least confidence threshold of a transferred attribute. Only a sum over many classes can reach it.
const TRANSFERRED_CONFIDENCE_THRESHOLD: f32 = 0.8;

impl LanguageCalibration {
    /// For an attribute measured on users who write the language.
    pub fn measured(calibration: Calibration, confidence_threshold: f32) -> Self {
        Self {
            status: ValidationStatus::Measured,
            calibration,
            confidence_threshold,
        }
    }

    /// For an attribute transferred from another language, where it has this calibration. The uniform weight and the
    /// threshold are raised so that it never looks certain.
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
    fn a_transferred_attribute_never_looks_certain() {
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
