//! How sure a prediction may be: temperature scaling (Guo et al. 2017) that knows how long the text is.
//!
//! The mean of few words strays further from what a writer's many words would show than the mean of many, and a
//! network trained on long texts takes such straying for evidence. Its variance falls as one over the number
//! of words; so does the variance of the logits, and with it what they have to be drawn in by.
//!
//! No temperature helps where a network is sure and wrong more often than it should be, as some writers simply do not write
//! like others of their class. A share of all texts, fitted likewise, is taken for theirs: of any class with the same
//! probability. The order of the classes stays as it is.

use serde::{Deserialize, Serialize};

/// What a task's logits are divided by before the softmax, √(`long`² + `short`² / words), and how many texts they say nothing
/// of.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The temperature of an endless text.
    pub asymptote: f32,
    /// What short texts add to it: about the temperature of a single word.
    pub length_coefficient: f32,
    /// The share of texts that are of any class, whatever their logits are.
    #[serde(default)]
    pub uniform_weight: f32,
}

impl Calibration {
    /// Leaves logits as they are.
    pub const ONE: Self = Self {
        asymptote: 1.0,
        length_coefficient: 0.0,
        uniform_weight: 0.0,
    };

    /// The divisor for a text of this many words; of none, as for one.
    pub fn of(&self, words: usize) -> f32 {
        // Not as it is written above: the squares of small numbers are 0.
        self.asymptote
            .hypot(self.length_coefficient / (words.max(1) as f32).sqrt())
    }

    /// Eq. 17–18: the probabilities of the classes, from their logits for a text of this many words.
    pub fn probabilities(&self, logits: &[f32], words: usize) -> Vec<f32> {
        let temperature = self.of(words);
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers: Vec<f64> = logits
            .iter()
            .map(|logit| f64::from((logit - largest) / temperature).exp())
            .collect();
        let sum: f64 = powers.iter().sum();
        let uniform_weight = f64::from(self.uniform_weight);
        let of_any = uniform_weight / logits.len() as f64;
        powers
            .iter()
            .map(|power| ((1.0 - uniform_weight) * power / sum + of_any) as f32)
            .collect()
    }

    /// The logarithm of the probability that a text with these logits and of this many words is of one of the classes of
    /// which `is_member` is true: finite where the probability itself would be rounded to 0, unless there are no such classes.
    pub fn log_probability(
        &self,
        logits: &[f32],
        words: usize,
        is_member: impl Fn(usize) -> bool,
    ) -> f64 {
        let divisor = f64::from(self.of(words));
        let scaled = || logits.iter().map(|&logit| f64::from(logit) / divisor);
        let members = || {
            (scaled().enumerate())
                .filter(|&(class, _)| is_member(class))
                .map(|(_, logit)| logit)
        };
        let said = log_sum(members) - log_sum(scaled);
        let uniform_weight = f64::from(self.uniform_weight);
        let of_any = uniform_weight * members().count() as f64 / logits.len() as f64;
        log_sum(|| [said + (1.0 - uniform_weight).ln(), of_any.ln()].into_iter())
    }

    /// Whether probabilities come out whatever the logits are.
    pub fn is_sound(&self) -> bool {
        let Self {
            asymptote,
            length_coefficient,
            uniform_weight,
        } = *self;
        asymptote.is_finite()
            && asymptote > 0.0
            && length_coefficient.is_finite()
            && length_coefficient >= 0.0
            && (0.0..1.0).contains(&uniform_weight)
    }
}

/// ln Σ exp of numbers.
fn log_sum<I: Iterator<Item = f64>>(numbers: impl Fn() -> I) -> f64 {
    let largest = numbers().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest
        + numbers()
            .map(|number| (number - largest).exp())
            .sum::<f64>()
            .ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_less_sure_and_nobody_is_sure_by_overflow() {
        let temperature = Calibration {
            asymptote: 0.5,
            length_coefficient: 10.0,
            uniform_weight: 0.0,
        };
        let sure = |words| temperature.probabilities(&[2.0, 0.0], words)[0];
        assert!(sure(1) < sure(10) && sure(10) < sure(1000));
        assert!((sure(usize::MAX) - 1.0 / (1.0 + (-4f32).exp())).abs() < 1e-6);
        assert_eq!(temperature.of(0), temperature.of(1));
        assert_eq!(Calibration::ONE.of(7), 1.0);
        let tiny = Calibration {
            asymptote: 1e-38,
            ..Calibration::ONE
        };
        assert_eq!(tiny.probabilities(&[1.0, 0.0], 9), [1.0, 0.0]);
        assert_eq!(Calibration::ONE.probabilities(&[1e4, -1e4], 9), [1.0, 0.0]);
    }

    #[test]
    fn texts_that_may_be_of_any_class_are_not_surer_than_that() {
        let temperature = Calibration {
            uniform_weight: 0.2,
            ..Calibration::ONE
        };
        let logits = [3f32.ln(), 0.0, 0.0, 0.0];
        let expected = [0.8 / 2.0 + 0.05, 0.8 / 6.0 + 0.05];
        for (class, found) in temperature
            .probabilities(&logits, 9)
            .into_iter()
            .enumerate()
        {
            assert!((found - expected[class.min(1)]).abs() < 1e-6, "{found}");
            let same = temperature.log_probability(&logits, 9, |other| other == class);
            assert!((f64::from(found).ln() - same).abs() < 1e-6);
        }
        let sure = temperature.probabilities(&[1e4, 0.0, 0.0, -1e4], 9);
        assert_eq!(sure, [0.85, 0.05, 0.05, 0.05]);
        let pair = temperature.log_probability(&[1e4, 0.0, 0.0, -1e4], 9, |class| class > 1);
        assert!((pair - 0.1f64.ln()).abs() < 1e-6);
        let none = Calibration::ONE.log_probability(&[1e4, 0.0], 9, |class| class == 1);
        assert_eq!(none, -1e4);
        assert!(
            temperature.is_sound()
                && !Calibration {
                    uniform_weight: 1.0,
                    ..temperature
                }
                .is_sound()
        );
    }
}
