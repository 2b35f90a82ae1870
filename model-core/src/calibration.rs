//! Calibration: from logits to probabilities by temperature scaling (Guo et al. 2017) with a bias per class (Alexandari et
//! al. 2020), both depending on the length of the text, mixed with the base rates.
//!
//! The mean over few words varies more than the mean over many, and a network trained on long texts mistakes that variance
//! for signal. The variance of the mean, and of the logits, falls as 1 / words, and so does the square of what the
//! temperature has to add.
//!
//! A network trained with class weights gives rare classes too much probability. The biases correct that: the mean
//! probability of a class over the users of the training corpus is the share of its users, at every length of text.
//!
//! A temperature cannot correct a network that is confident and wrong too often, as with users who do not write like others
//! of their class. Mixing with the base rates limits the confidence: a part of the texts is taken to be uninformative. Under
//! equal base rates this is the uniform distribution, and the order of the classes stays.

use serde::{Deserialize, Serialize};

use crate::lengths::set_length_weights;

/// The lengths in words for which [`Calibration::biases`] are stated. Between two of them, a bias is interpolated in the
/// logarithm of the length; outside, it is that of the nearest.
pub const BIAS_LENGTHS: [f32; 5] = [5.0, 20.0, 100.0, 1_000.0, 10_000.0];

/// The calibration of one task: logits are divided by the temperature √(`asymptote`² + `length_coefficient`² / words), the
/// bias of the class is added to each quotient, and the softmax p of the sums becomes
/// (1 − `base_rate_weight`) · p + `base_rate_weight` · π, with the base rates π.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// The temperature of an infinitely long text; above 0.
    pub asymptote: f32,
    /// How much short texts add: about the temperature of a single word.
    pub length_coefficient: f32,
    /// The weight in the mixture of the base rates, which are the uniform distribution where all classes are alike; from 0 to
    /// below 1.
    #[serde(default, rename = "uniform_weight")]
    pub base_rate_weight: f32,
    /// The bias of each class, `[BIAS_LENGTHS][classes]`; empty for none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub biases: Vec<Vec<f32>>,
    /// The base rates under which the probabilities hold: the share of each class among the training users, all above 0.
    /// Empty if all classes are alike.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub base_rates: Vec<f32>,
}

impl Calibration {
    /// Leaves the softmax of the logits as it is.
    pub const ONE: Self = Self {
        asymptote: 1.0,
        length_coefficient: 0.0,
        base_rate_weight: 0.0,
        biases: Vec::new(),
        base_rates: Vec::new(),
    };

    /// The temperature for a text of this many words; an empty text counts as one word.
    pub fn temperature(&self, words: usize) -> f32 {
        // `hypot` does not underflow where the squares would.
        self.asymptote
            .hypot(self.length_coefficient / (words.max(1) as f32).sqrt())
    }

    /// The logits over the temperature, plus the biases: ln p up to a constant, before the mixture.
    fn scaled(&self, logits: &[f32], words: usize) -> impl Iterator<Item = f64> + Clone {
        let temperature = f64::from(self.temperature(words));
        let biases = bias_weights(words);
        logits.iter().enumerate().map(move |(class, &logit)| {
            let bias: f64 = (biases.iter().zip(&self.biases))
                .map(|(weight, biases)| weight * f64::from(biases[class]))
                .sum();
            f64::from(logit) / temperature + bias
        })
    }

    /// Eq. 17–18: the probability of each class, from the logits of a text of this many words.
    ///
    /// ```
    /// use model_core::calibration::Calibration;
    ///
    /// let calibration = Calibration { asymptote: 2.0, base_rate_weight: 0.1, ..Calibration::ONE };
    /// let probabilities = calibration.probabilities(&[2.0 * 3_f32.ln(), 0.0], 100);
    /// // 0.9 · 3/4 + 0.1 · 1/2
    /// assert!((probabilities[0] - 0.725).abs() < 1e-6);
    /// ```
    pub fn probabilities(&self, logits: &[f32], words: usize) -> Vec<f32> {
        let scaled = self.scaled(logits, words);
        let largest = scaled.clone().fold(f64::NEG_INFINITY, f64::max);
        let powers: Vec<f64> = scaled.map(|logit| (logit - largest).exp()).collect();
        let sum: f64 = powers.iter().sum();
        let base_rate_weight = f64::from(self.base_rate_weight);
        (powers.iter().enumerate())
            .map(|(class, power)| {
                let base_rate = self.base_rate(class, logits.len());
                ((1.0 - base_rate_weight) * power / sum + base_rate_weight * base_rate) as f32
            })
            .collect()
    }

    /// The log probability of each class. It stays finite where the probability itself would round to 0, unless a logit is
    /// infinitely small.
    pub fn log_probabilities(&self, logits: &[f32], words: usize) -> Vec<f64> {
        let mut scaled: Vec<f64> = self.scaled(logits, words).collect();
        let sum = log_sum(scaled.iter().copied());
        let base_rate_weight = f64::from(self.base_rate_weight);
        let softmax_weight = (1.0 - base_rate_weight).ln();
        for (class, value) in scaled.iter_mut().enumerate() {
            let softmax = softmax_weight + *value - sum;
            *value = match self.base_rate_weight {
                0.0 => softmax,
                _ => {
                    let base_rate = self.base_rate(class, logits.len());
                    log_sum([softmax, (base_rate_weight * base_rate).ln()].into_iter())
                }
            };
        }
        scaled
    }

    /// The log probability that the class of a text is one of those for which `is_member` is true; −∞ without members.
    pub fn log_probability(
        &self,
        logits: &[f32],
        words: usize,
        is_member: impl Fn(usize) -> bool,
    ) -> f64 {
        let log_probabilities = self.log_probabilities(logits, words);
        log_sum(
            (0..logits.len())
                .filter(|&class| is_member(class))
                .map(|class| log_probabilities[class]),
        )
    }

    /// The base rate of one of this many classes.
    fn base_rate(&self, class: usize, classes: usize) -> f64 {
        match self.base_rates.get(class) {
            Some(&rate) => rate.into(),
            None => 1.0 / classes as f64,
        }
    }

    /// The base rate of each of this many classes, see [`base_rates`](Self::base_rates).
    pub fn base_rates(&self, classes: usize) -> Vec<f32> {
        match self.base_rates.as_slice() {
            [] => vec![1.0 / classes as f32; classes],
            rates => rates.to_vec(),
        }
    }

    /// Whether the parameters are in their ranges, so that any finite logits of this many classes give probabilities.
    pub(crate) fn is_sound(&self, classes: usize) -> bool {
        let Self {
            asymptote,
            length_coefficient,
            base_rate_weight,
            biases,
            base_rates,
        } = self;
        asymptote.is_finite()
            && *asymptote > 0.0
            && length_coefficient.is_finite()
            && *length_coefficient >= 0.0
            && (0.0..1.0).contains(base_rate_weight)
            && (biases.is_empty() || biases.len() == BIAS_LENGTHS.len())
            && (biases.iter())
                .all(|row| row.len() == classes && row.iter().all(|bias| bias.is_finite()))
            && (base_rates.is_empty() || base_rates.len() == classes)
            && (base_rates.iter()).all(|rate| *rate > 0.0 && *rate <= 1.0)
            && (base_rates.is_empty() || (base_rates.iter().sum::<f32>() - 1.0).abs() < 1e-3)
    }
}

/// The weight of the biases at each of [`BIAS_LENGTHS`] for a text of this many words.
pub fn bias_weights(words: usize) -> [f64; BIAS_LENGTHS.len()] {
    let mut weights = [0.0; BIAS_LENGTHS.len()];
    set_length_weights(&mut weights, &BIAS_LENGTHS, words);
    weights
}

/// ln Σ exp of numbers.
pub(crate) fn log_sum(numbers: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = numbers.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    largest
        + numbers
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
            ..Calibration::ONE
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
    fn mixing_with_the_base_rates_limits_confidence() {
        let calibration = Calibration {
            base_rate_weight: 0.2,
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
            calibration.is_sound(4)
                && !Calibration {
                    base_rate_weight: 1.0,
                    ..calibration
                }
                .is_sound(4)
        );
    }

    #[test]
    fn biases_depend_on_the_length() {
        let mut biases = vec![vec![0.0; 2]; BIAS_LENGTHS.len()];
        biases[0] = vec![3f32.ln(), 0.0];
        let calibration = Calibration {
            biases,
            ..Calibration::ONE
        };
        let first = |words| calibration.probabilities(&[0.0, 0.0], words)[0];
        for (words, expected) in [(0, 0.75), (5, 0.75), (20, 0.5), (100_000, 0.5)] {
            assert!((first(words) - expected).abs() < 1e-6, "{words}");
            let same = calibration.log_probability(&[0.0, 0.0], words, |class| class == 0);
            assert!((f64::from(expected).ln() - same).abs() < 1e-6, "{words}");
        }
        // Halfway between 5 and 20 in the logarithm.
        let half = f64::from(3f32).sqrt();
        assert!((f64::from(first(10)) - half / (half + 1.0)).abs() < 1e-6);
        assert!(calibration.is_sound(2) && !calibration.is_sound(3));
    }
}
