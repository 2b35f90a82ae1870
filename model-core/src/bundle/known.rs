//! How an attribute is known of texts in a language.

use serde::{Deserialize, Serialize};

use crate::temperature::Temperature;

/// How a model knows an attribute of writers in a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// Measured on writers in this language, and better than guessing.
    Measured,
    /// Learned from writers in another language, and not shown to work in this one: nobody measured it on enough writers, or it
    /// was no better than guessing.
    Transferred,
}

/// How one attribute is told of texts in a language.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// How it is known.
    pub basis: Basis,
    /// The calibration of its probabilities.
    pub temperature: Temperature,
    /// The probability from which on a prediction is called sure.
    pub sure_from: f32,
}

/// The least share of texts that a transferred attribute is taken to say nothing of, see [`Temperature::astray`]. With it the
/// most probable of many classes hardly gets beyond one half, whatever the network says.
const TRANSFERRED_ASTRAY: f32 = 0.5;
/// From which probability on a transferred attribute is called sure: only the sum over many classes gets there.
const TRANSFERRED_SURE_FROM: f32 = 0.8;

impl Known {
    /// An attribute measured on writers in the language.
    pub fn measured(temperature: Temperature, sure_from: f32) -> Self {
        Self {
            basis: Basis::Measured,
            temperature,
            sure_from,
        }
    }

    /// An attribute transferred from another language, in which it has this calibration.
    pub fn transferred(temperature: Temperature, sure_from: f32) -> Self {
        Self {
            basis: Basis::Transferred,
            temperature: Temperature {
                astray: temperature.astray.max(TRANSFERRED_ASTRAY),
                ..temperature
            },
            sure_from: sure_from.max(TRANSFERRED_SURE_FROM),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_transferred_never_looks_certain() {
        let known = Known::transferred(Temperature::ONE, 0.6);
        let sure = known
            .temperature
            .probabilities(&[1000.0, 0.0, 0.0, 0.0, 0.0], 5000);
        assert!(sure[0] < known.sure_from, "{sure:?}");
        let careful = Temperature {
            astray: 0.7,
            ..Temperature::ONE
        };
        let known = Known::transferred(careful, 0.9);
        assert_eq!((known.temperature, known.sure_from), (careful, 0.9));
        assert_eq!(Known::measured(careful, 0.6).temperature, careful);
    }
}
