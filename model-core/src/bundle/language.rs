//! Per-language calibration: how the predictions of an attribute are to be read for texts in one language.

use serde::{Deserialize, Serialize};

use crate::{calibration::Calibration, population::ClassMoments};

/// Whether an attribute was validated on users who write a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValidationStatus {
    /// Measured on users who write this language. In a second language, the mean recall was significantly above chance; in the
    /// first one it is on the model's card.
    Measured,
    /// Learned from users who write another language and not shown to work in this one: there were too few test users, or
    /// the result was not significantly better than chance.
    Transferred,
}

/// The least probabilities of confident predictions, under equal base rates. Below them the model abstains.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfidenceThresholds {
    /// That of a class.
    pub class: f32,
    /// That of a coarse class.
    pub coarse_class: f32,
}

impl ConfidenceThresholds {
    /// The same threshold for both.
    pub const fn both(threshold: f32) -> Self {
        Self {
            class: threshold,
            coarse_class: threshold,
        }
    }

    fn at_least(self, threshold: f32) -> Self {
        Self {
            class: self.class.max(threshold),
            coarse_class: self.coarse_class.max(threshold),
        }
    }
}

/// The calibration of one attribute for texts in one language.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LanguageCalibration {
    /// Whether it was validated in this language.
    pub status: ValidationStatus,
    /// The calibration of its probabilities.
    pub calibration: Calibration,
    /// When its predictions are confident.
    pub confidence_thresholds: ConfidenceThresholds,
    /// What the probabilities of users of each class look like, to estimate the shares of classes in a set of users.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moments: Option<ClassMoments>,
}

/// The least [`Calibration::base_rate_weight`] of a transferred attribute. Under the base rates of the training users, it keeps
/// the most probable of many classes near one half at most, whatever the logits. Under equal base rates, the probability of a
/// rare class can be higher.
const TRANSFERRED_BASE_RATE_WEIGHT: f32 = 0.5;
/// The least confidence threshold of a transferred attribute. The predictor is not confident above it either: see
/// [`AttributePrediction::confident`](crate::prediction::AttributePrediction::confident).
const TRANSFERRED_CONFIDENCE_THRESHOLD: f32 = 0.8;

impl LanguageCalibration {
    /// For an attribute measured on users who write the language.
    pub fn measured(calibration: Calibration, confidence_thresholds: ConfidenceThresholds) -> Self {
        Self {
            status: ValidationStatus::Measured,
            calibration,
            confidence_thresholds,
            moments: None,
        }
    }

    /// The calibration for texts in another language than this one is for. The weight of the base rates and the thresholds are raised,
    /// because nothing was measured there. The moments do not carry over.
    #[must_use]
    pub fn transferred(self) -> Self {
        let base_rate_weight = self.calibration.base_rate_weight;
        Self {
            status: ValidationStatus::Transferred,
            calibration: Calibration {
                base_rate_weight: base_rate_weight.max(TRANSFERRED_BASE_RATE_WEIGHT),
                ..self.calibration
            },
            confidence_thresholds: (self.confidence_thresholds)
                .at_least(TRANSFERRED_CONFIDENCE_THRESHOLD),
            moments: None,
        }
    }

    /// Whether any finite logits of this many classes give probabilities, and the thresholds are some.
    pub(crate) fn is_sound(&self, classes: usize) -> bool {
        let ConfidenceThresholds {
            class,
            coarse_class,
        } = self.confidence_thresholds;
        self.calibration.is_sound(classes)
            && [class, coarse_class]
                .iter()
                .all(|threshold| (0.0..=1.0).contains(threshold))
            && (self.moments.as_ref()).is_none_or(|moments| moments.is_sound(classes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attribute::Attribute,
        base_rates::{self, BaseRates},
        prediction::largest,
    };

    #[test]
    fn a_transferred_attribute_does_not_look_certain_under_the_corpus_base_rates() {
        let measured =
            LanguageCalibration::measured(Calibration::ONE, ConfidenceThresholds::both(0.6));
        let transferred = measured.transferred();
        let probabilities =
            (transferred.calibration).probabilities(&[1000.0, 0.0, 0.0, 0.0, 0.0], 5000);
        assert!(
            probabilities[0] < transferred.confidence_thresholds.class,
            "{probabilities:?}"
        );
        let careful = Calibration {
            base_rate_weight: 0.7,
            ..Calibration::ONE
        };
        let careful = LanguageCalibration::measured(careful, ConfidenceThresholds::both(0.9));
        assert_eq!(
            careful.clone().transferred(),
            LanguageCalibration {
                status: ValidationStatus::Transferred,
                ..careful
            }
        );
    }

    #[test]
    fn a_transferred_attribute_was_always_of_the_rarest_class() {
        let calibration = Calibration {
            base_rates: vec![0.53, 0.4, 0.04, 0.03],
            ..Calibration::ONE
        };
        let attribute = Attribute {
            name: "profession".into(),
            classes: ["Student", "IT", "Art", "Finance"]
                .map(String::from)
                .to_vec(),
            coarse_classes: Vec::new(),
        };
        let thresholds = ConfidenceThresholds::both(0.6);
        let transferred =
            LanguageCalibration::measured(calibration.clone(), thresholds).transferred();
        let factors = BaseRates::Equal.factors(&attribute, &calibration.base_rates);
        // The logits have the base rates too: the text says only that the user is rather a student.
        let logits: Vec<f32> = calibration
            .base_rates
            .iter()
            .map(|rate| rate.ln())
            .collect();
        let mut probabilities = (transferred.calibration)
            .probabilities(&[logits[0] + 1.0, logits[1], logits[2], logits[3]], 100);
        base_rates::adjust(&mut probabilities, &factors);
        assert_eq!(largest(&probabilities), Some(0), "{probabilities:?}");
        assert!(probabilities[0] < thresholds.class, "{probabilities:?}");
    }
}
