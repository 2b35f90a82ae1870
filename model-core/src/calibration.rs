//! Calibration: from logits to probabilities by temperature scaling (Guo et al. 2017) that depends on the length of the
//! text, mixed with a uniform distribution.
//!
//! The mean over few words varies more than the mean over many, and a network trained on long texts mistakes that variance
//! for signal. The variance of the mean, and of the logits, falls as 1 / words, and so does the square of what the
//! temperature has to add.
//!
//! A temperature cannot correct a network that is confident and wrong too often, as with users who do not write like others
//! of their class. Mixing with the uniform distribution limits the confidence and keeps the order of the classes.

use serde::{Deserialize, Serialize};

/// The calibration of one task: logits are divided by the temperature √(`asymptote`² + `length_coefficient`² / words), and
/// the softmax p of the quotients becomes (1 − `uniform_weight`) · p + `uniform_weight` / classes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The temperature of an infinitely long text; above 0.
    pub asymptote: f32,
    /// How much short texts add: about the temperature of a single word.
    pub length_coefficient: f32,
    /// The weight of the uniform distribution in the mixture, from 0 to below 1.
    #[serde(default)]
    pub uniform_weight: f32,
}

impl Calibration {
    /// Leaves the softmax of the logits as it is.
    pub const ONE: Self = Self {
        asymptote: 1.0,
        length_coefficient: 0.0,
        uniform_weight: 0.0,
    };

    /// The temperature for a text of this many words; an empty text counts as one word.
    pub fn temperature(&self, words: usize) -> f32 {
        // `hypot` does not underflow where the squares would.
        self.asymptote
            .hypot(self.length_coefficient / (words.max(1) as f32).sqrt())
    }

    /// Eq. 17–18: the probability of each class, from the logits of a text of this many words.
    ///
    /// ```
    /// use model_core::calibration::Calibration;
    ///
    /// let calibration = Calibration { asymptote: 2.0, length_coefficient: 0.0, uniform_weight: 0.1 };
    /// let probabilities = calibration.probabilities(&[2.0 * 3_f32.ln(), 0.0], 100);
    /// // 0.9 · 3/4 + 0.1 · 1/2
    /// assert!((probabilities[0] - 0.725).abs() < 1e-6);
    /// ```
    pub fn probabilities(&self, logits: &[f32], words: usize) -> Vec<f32> {
        let temperature = self.temperature(words);
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let powers: Vec<f64> = logits
            .iter()
            .map(|logit| f64::from((logit - largest) / temperature).exp())
            .collect();
        let sum: f64 = powers.iter().sum();
        let uniform_weight = f64::from(self.uniform_weight);
        let uniform = uniform_weight / logits.len() as f64;
        powers
            .iter()
            .map(|power| ((1.0 - uniform_weight) * power / sum + uniform) as f32)
            .collect()
    }

    /// The log probability that the class of a text is one of those for which `is_member` is true. It stays finite where
    /// the probability itself would round to 0; without members it is −∞.
    pub fn log_probability(
        &self,
        logits: &[f32],
        words: usize,
        is_member: impl Fn(usize) -> bool,
    ) -> f64 {
        let divisor = f64::from(self.temperature(words));
        let scaled = || logits.iter().map(|&logit| f64::from(logit) / divisor);
        let members = || {
            (scaled().enumerate())
                .filter(|&(class, _)| is_member(class))
                .map(|(_, logit)| logit)
        };
        let scaled_softmax = log_sum(members) - log_sum(scaled);
        let uniform_weight = f64::from(self.uniform_weight);
        let uniform = uniform_weight * members().count() as f64 / logits.len() as f64;
        log_sum(|| [scaled_softmax + (1.0 - uniform_weight).ln(), uniform.ln()].into_iter())
    }

    /// Whether the parameters are in their ranges, so that any finite logits give probabilities.
    pub(crate) fn is_sound(&self) -> bool {
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
    fn short_texts_are_less_confident_and_small_temperatures_do_not_overflow() {
        let calibration = Calibration {
            asymptote: 0.5,
            length_coefficient: 10.0,
            uniform_weight: 0.0,
        };
        let confidence = |words| calibration.probabilities(&[2.0, 0.0], words)[0];
        assert!(confidence(1) < confidence(10) && confidence(10) < confidence(1000));
        assert!((confidence(usize::MAX) - 1.0 / (1.0 + (-4f32).exp())).abs() < 1e-6);
        assert_eq!(calibration.temperature(0), calibration.temperature(1));
        assert_eq!(Calibration::ONE.temperature(7), 1.0);
        let tiny = Calibration {
            asymptote: 1e-38,
            ..Calibration::ONE
        };
        assert_eq!(tiny.probabilities(&[1.0, 0.0], 9), [1.0, 0.0]);
        assert_eq!(Calibration::ONE.probabilities(&[1e4, -1e4], 9), [1.0, 0.0]);
    }

    #[test]
    fn the_uniform_mixture_limits_confidence() {
        let calibration = Calibration {
            uniform_weight: 0.2,
            ..Calibration::ONE
        };
        let logits = [3f32.ln(), 0.0, 0.0, 0.0];
        let expected = [0.8 / 2.0 + 0.05, 0.8 / 6.0 + 0.05];
        for (class, found) in calibration
            .probabilities(&logits, 9)
            .into_iter()
            .enumerate()
        {
            assert!((found - expected[class.min(1)]).abs() < 1e-6, "{found}");
            let same = calibration.log_probability(&logits, 9, |other| other == class);
            assert!((f64::from(found).ln() - same).abs() < 1e-6);
        }
        let most = calibration.probabilities(&[1e4, 0.0, 0.0, -1e4], 9);
        assert_eq!(most, [0.85, 0.05, 0.05, 0.05]);
        let pair = calibration.log_probability(&[1e4, 0.0, 0.0, -1e4], 9, |class| class > 1);
        assert!((pair - 0.1f64.ln()).abs() < 1e-6);
        let none = Calibration::ONE.log_probability(&[1e4, 0.0], 9, |class| class == 1);
        assert_eq!(none, -1e4);
        assert!(
            calibration.is_sound()
                && !Calibration {
                    uniform_weight: 1.0,
                    ..calibration
                }
                .is_sound()
        );
    }
}
