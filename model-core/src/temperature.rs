//! How sure a prediction may be: temperature scaling (Guo et al. 2017) that knows how long the text is.
//!
//! The mean of few words strays further from what a writer's many words would show than the mean of many, and a
//! network trained on long texts takes such straying for evidence. Its variance falls as one over the number
//! of words; so does the variance of the logits, and with it what they have to be drawn in by.

use serde::{Deserialize, Serialize};

/// What a task's logits are divided by before the softmax: √(`long`² + `short`² / words).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Temperature {
    /// The temperature of an endless text.
    pub long: f32,
    /// What short texts add to it: about the temperature of a single word.
    pub short: f32,
}

impl Temperature {
    /// Leaves logits as they are.
    pub const ONE: Self = Self {
        long: 1.0,
        short: 0.0,
    };

    /// The divisor for a text of this many words; of none, as for one.
    pub fn of(&self, words: usize) -> f32 {
        // Not as it is written above: the squares of small numbers are 0.
        self.long.hypot(self.short / (words.max(1) as f32).sqrt())
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
        powers.iter().map(|power| (power / sum) as f32).collect()
    }

    /// Whether probabilities come out whatever the logits are.
    pub fn is_sound(&self) -> bool {
        self.long.is_finite() && self.long > 0.0 && self.short.is_finite() && self.short >= 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_less_sure_and_nobody_is_sure_by_overflow() {
        let temperature = Temperature {
            long: 0.5,
            short: 10.0,
        };
        let sure = |words| temperature.probabilities(&[2.0, 0.0], words)[0];
        assert!(sure(1) < sure(10) && sure(10) < sure(1000));
        assert!((sure(usize::MAX) - 1.0 / (1.0 + (-4f32).exp())).abs() < 1e-6);
        assert_eq!(temperature.of(0), temperature.of(1));
        assert_eq!(Temperature::ONE.of(7), 1.0);
        let tiny = Temperature {
            long: 1e-38,
            short: 0.0,
        };
        assert_eq!(tiny.probabilities(&[1.0, 0.0], 9), [1.0, 0.0]);
        assert_eq!(Temperature::ONE.probabilities(&[1e4, -1e4], 9), [1.0, 0.0]);
    }
}
