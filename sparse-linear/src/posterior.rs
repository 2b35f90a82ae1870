//! Probabilities from decision values.

use serde::{Deserialize, Serialize};

use super::{LinearError, model::decision_value_count};

/// Turns decision values into the probabilities of classes.
///
/// ```
/// use sparse_linear::Posterior;
///
/// let values = [2.0, -1.5, 1.0, -0.5, 0.5, -2.0];
/// let posterior = Posterior::calibrate(&values, &[1, 0, 1, 0, 0, 0], 2)?;
/// assert!(posterior.probabilities(&[3.0])[1] > posterior.probabilities(&[0.0])[1]);
/// # Ok::<(), sparse_linear::LinearError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Posterior {
    /// exp(sₖ) / Σ exp(sⱼ).
    Softmax,
    /// One sigmoid for each decision value. With two classes it is the probability of class 1; with more, the values are
    /// divided by their sum.
    Sigmoids(Vec<Sigmoid>),
}

/// 1 / (1 + exp(−(slope · s + offset))).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sigmoid {
    /// The factor of the decision value s.
    pub slope: f64,
    /// The summand.
    pub offset: f64,
}

impl Posterior {
    /// The posterior of a logistic regression.
    pub(super) fn logistic(count: usize) -> Self {
        Self::Sigmoids(vec![Sigmoid::LOGISTIC; count])
    }

    /// Fits a sigmoid to each column of decision values (Platt 1999).
    ///
    /// `decision_values` is `[examples, decision values]`, row-major, and `classes` has the class of each example. Take values
    /// [out of fold](super::out_of_fold): a model separates the examples that it learned from too well.
    ///
    /// # Errors
    /// [`LinearError::DecisionValues`] if their number does not fit the number of examples and classes.
    pub fn calibrate(
        decision_values: &[f64],
        classes: &[usize],
        class_count: usize,
    ) -> Result<Self, LinearError> {
        let count = decision_value_count(class_count);
        if decision_values.len() != classes.len() * count {
            return Err(LinearError::DecisionValues {
                count: decision_values.len(),
                wanted: classes.len() * count,
            });
        }
        let sigmoids = (0..count).map(|column| {
            let class = if count == 1 { 1 } else { column };
            let values = decision_values.chunks_exact(count);
            let scored: Vec<_> = (values.zip(classes))
                .map(|(values, &of)| (values[column], of == class))
                .collect();
            Sigmoid::fit(&scored)
        });
        Ok(Self::Sigmoids(sigmoids.collect()))
    }

    /// The probability of each class, with sum 1, given the [`decision_values`](super::LinearModel::decision_values) of an
    /// example.
    pub fn probabilities(&self, decision_values: &[f64]) -> Vec<f64> {
        let sigmoids = match self {
            Self::Softmax => {
                let mut scores = decision_values.to_vec();
                softmax(&mut scores);
                return scores;
            }
            Self::Sigmoids(sigmoids) => sigmoids,
        };
        let mut shares: Vec<f64> = (sigmoids.iter().zip(decision_values))
            .map(|(sigmoid, &value)| sigmoid.at(value))
            .collect();
        if let [probability] = shares[..] {
            return vec![1.0 - probability, probability];
        }
        let sum: f64 = shares.iter().sum();
        let equal = 1.0 / shares.len() as f64;
        for share in &mut shares {
            *share = if sum > 0.0 { *share / sum } else { equal };
        }
        shares
    }
}

impl Sigmoid {
    /// The sigmoid of logistic regression, whose decision values are log-odds.
    const LOGISTIC: Self = Self {
        slope: 1.0,
        offset: 0.0,
    };

    /// The probability at a decision value.
    pub fn at(self, decision_value: f64) -> f64 {
        logistic(self.slope * decision_value + self.offset)
    }

    /// Fits a sigmoid to decision values and whether each example is of the class. It minimises the log loss against Platt's
    /// targets, (n₊ + 1) / (n₊ + 2) and 1 / (n₋ + 2), which prevent overconfidence. The method is Newton's with backtracking
    /// (Lin, Lin and Weng 2007, *A note on Platt's probabilistic outputs for support vector machines*).
    pub fn fit(scored: &[(f64, bool)]) -> Self {
        let positive = scored.iter().filter(|(_, positive)| *positive).count() as f64;
        let negative = scored.len() as f64 - positive;
        let target = |is_positive| match is_positive {
            true => (positive + 1.0) / (positive + 2.0),
            false => 1.0 / (negative + 2.0),
        };
        let loss = |sigmoid: Self| -> f64 {
            (scored.iter())
                .map(|&(value, is_positive)| {
                    let log_odds = sigmoid.slope * value + sigmoid.offset;
                    log_loss(log_odds) - target(is_positive) * log_odds
                })
                .sum()
        };
        let mut sigmoid = Self {
            slope: 0.0,
            offset: ((positive + 1.0) / (negative + 1.0)).ln(),
        };
        for _ in 0..100 {
            // The gradient and the second derivatives. A small constant avoids a division by zero.
            let (mut by_slope, mut by_offset) = (0.0, 0.0);
            let (mut slopes, mut both, mut offsets) = (1e-12, 0.0, 1e-12);
            for &(value, is_positive) in scored {
                let probability = sigmoid.at(value);
                let error = probability - target(is_positive);
                by_slope += error * value;
                by_offset += error;
                let curvature = probability * (1.0 - probability);
                slopes += curvature * value * value;
                both += curvature * value;
                offsets += curvature;
            }
            if f64::max(by_slope.abs(), by_offset.abs()) < 1e-9 * scored.len() as f64 {
                break;
            }
            let determinant = slopes * offsets - both * both;
            let slope = (both * by_offset - offsets * by_slope) / determinant;
            let offset = (both * by_slope - slopes * by_offset) / determinant;
            let before = loss(sigmoid);
            let falls = 1e-4 * (by_slope * slope + by_offset * offset);
            let tried = (0..40).map(|halvings| {
                let share = 0.5f64.powi(halvings);
                let moved = Self {
                    slope: sigmoid.slope + share * slope,
                    offset: sigmoid.offset + share * offset,
                };
                (share, moved)
            });
            let mut better = tried.filter(|&(share, moved)| loss(moved) <= before + share * falls);
            match better.next() {
                Some((_, moved)) => sigmoid = moved,
                None => break,
            }
        }
        sigmoid
    }
}

/// σ(s).
pub(super) fn logistic(score: f64) -> f64 {
    1.0 / (1.0 + (-score).exp())
}

/// ln(1 + exp(s)), without overflow: the log loss of an example of the other class.
pub(super) fn log_loss(score: f64) -> f64 {
    score.max(0.0) + (-score.abs()).exp().ln_1p()
}

/// Replaces each sₖ by exp(sₖ) / Σ exp(sⱼ).
pub(super) fn softmax(scores: &mut [f64]) {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - largest).exp();
        sum += *score;
    }
    for score in scores {
        *score /= sum;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_are_finite_for_any_decision_values() {
        for values in [[1e300, -1e300, 0.0], [0.0; 3], [-1e300; 3]] {
            for posterior in [Posterior::Softmax, Posterior::logistic(3)] {
                let probabilities = posterior.probabilities(&values);
                assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
        assert_eq!(Posterior::logistic(1).probabilities(&[0.0]), [0.5, 0.5]);
        assert!(Posterior::logistic(1).probabilities(&[3.0])[1] > 0.9);
    }

    #[test]
    fn uninformative_decision_values_get_the_share_of_the_class() {
        let scored: Vec<_> = (0..400).map(|number| (1.0, number % 4 == 0)).collect();
        assert!((Sigmoid::fit(&scored).at(1.0) - 0.25).abs() < 0.01);
        // Examples of one class only, and no examples.
        assert!(Sigmoid::fit(&[(0.5, true); 98]).at(0.5) > 0.98);
        assert_eq!(Sigmoid::fit(&[]).at(7.0), 0.5);
    }

    #[test]
    fn a_wrong_number_of_decision_values_is_refused() {
        let error = Posterior::calibrate(&[0.0; 5], &[0, 2], 3).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("5 decision values instead of 6")
        );
    }
}
