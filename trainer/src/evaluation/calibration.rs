//! The calibration of predicted probabilities.

use model_core::card::{CoveragePoint, ReliabilityBin};
use model_core::prediction::largest;

/// The number of bins of a reliability diagram, all of the same width.
const BINS: usize = 15;
/// The number of confidence thresholds at which coverage is measured, evenly spaced from 0.
const THRESHOLDS: u8 = 20;

/// For each user the confidence, which is the probability of the predicted class, and whether that class is the true one.
pub struct Confidences(pub Vec<(f32, bool)>);

impl Confidences {
    /// Those of the most probable classes. `gold` is the true class of each user, `probabilities` is `[users, classes]`.
    pub fn new<P: AsRef<[f32]>>(gold: &[usize], probabilities: &[P]) -> Self {
        let of_user = |(row, &gold): (&P, &usize)| {
            let top = largest(row.as_ref())?;
            Some((row.as_ref()[top], top == gold))
        };
        Self(probabilities.iter().zip(gold).filter_map(of_user).collect())
    }

    /// The reliability diagram: users by confidence, in 15 bins of equal width. Bins without users are left out.
    pub fn reliability(&self) -> Vec<ReliabilityBin> {
        self.reliability_of(|_| 1)
    }

    /// The reliability diagram of a sample in which each user counts so many times.
    pub(super) fn reliability_of(&self, times: impl Fn(usize) -> usize) -> Vec<ReliabilityBin> {
        let mut bins = [(0, 0.0, 0); BINS];
        for (user, &(confidence, is_right)) in self.0.iter().enumerate() {
            let (times, confidence) = (times(user), f64::from(confidence));
            // A bin includes its upper bound and excludes its lower one.
            let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
            let (users, sum, right) = &mut bins[bin];
            *users += times;
            *sum += times as f64 * confidence;
            *right += times * usize::from(is_right);
        }
        (bins.into_iter().filter(|(users, ..)| *users > 0))
            .map(|(users, sum, right)| ReliabilityBin {
                users,
                confidence: sum / users as f64,
                accuracy: right as f64 / users as f64,
            })
            .collect()
    }

    /// Coverage and accuracy of the predictions with at least this confidence; `None` if there are none.
    pub fn at(&self, threshold: f32) -> Option<CoveragePoint> {
        self.at_of(threshold, |_| 1)
    }

    /// Coverage and accuracy in a sample in which each user counts so many times.
    pub(super) fn at_of(
        &self,
        threshold: f32,
        times: impl Fn(usize) -> usize,
    ) -> Option<CoveragePoint> {
        let (mut all, mut users, mut right) = (0, 0, 0);
        for (user, &(confidence, is_right)) in self.0.iter().enumerate() {
            let times = times(user);
            all += times;
            if confidence >= threshold {
                users += times;
                right += times * usize::from(is_right);
            }
        }
        (users > 0).then(|| CoveragePoint {
            threshold,
            coverage: users as f64 / all as f64,
            accuracy: right as f64 / users as f64,
        })
    }

    /// Coverage and accuracy at the thresholds 0, 0.05 … 0.95, as far as any prediction reaches them.
    pub fn coverage(&self) -> Vec<CoveragePoint> {
        (0..THRESHOLDS)
            .map(|step| f32::from(step) / f32::from(THRESHOLDS))
            .filter_map(|threshold| self.at(threshold))
            .collect()
    }
}

/// The expected calibration error (ECE): the mean over users of the difference between mean confidence and accuracy in the
/// user's bin of the reliability diagram. 0 without users.
pub fn calibration_error(reliability: &[ReliabilityBin]) -> f64 {
    let users: usize = reliability.iter().map(|bin| bin.users).sum();
    let gap = |bin: &ReliabilityBin| bin.users as f64 * (bin.confidence - bin.accuracy).abs();
    reliability.iter().map(gap).sum::<f64>() / users.max(1) as f64
}

/// The log loss: the mean of −ln p over users, in nats, from ln p of each user's true class. 0 without users.
pub fn log_loss(log_probabilities: impl IntoIterator<Item = f64>) -> f64 {
    let (mut sum, mut users) = (0.0, 0_usize);
    for log_probability in log_probabilities {
        sum -= log_probability;
        users += 1;
    }
    sum / users.max(1) as f64
}

/// ln p of a user's true class, from the probabilities of all classes. A probability counts as at least 2⁻²³, the precision
/// of a 32-bit float: a probability that was rounded to 0 must not make the mean infinite.
pub fn log_probability(gold: usize, probabilities: &[f32]) -> f64 {
    let probability = probabilities.get(gold).copied().unwrap_or(0.0);
    f64::from(probability.clamp(f32::EPSILON, 1.0)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibrated_probabilities_have_no_calibration_error() {
        let rows = vec![[0.75, 0.25]; 4];
        let error =
            |gold: &[usize]| calibration_error(&Confidences::new(gold, &rows).reliability());
        assert!(error(&[0, 0, 0, 1]).abs() < 1e-7);
        assert!((error(&[1, 1, 1, 1]) - 0.75).abs() < 1e-7);
    }

    #[test]
    fn without_users_there_are_neither_bins_nor_coverage() {
        let none = Confidences::new::<[f32; 2]>(&[], &[]);
        assert_eq!(none.reliability(), []);
        assert_eq!(none.coverage(), []);
        assert_eq!(calibration_error(&[]), 0.0);
    }

    #[test]
    fn a_confidence_equal_to_the_threshold_is_confident() {
        let rows = [[0.6, 0.4], [0.3, 0.7], [0.55, 0.45]];
        let confidences = Confidences::new(&[0, 0, 0], &rows);
        let point = confidences.at(0.6).unwrap();
        assert_eq!((point.coverage, point.accuracy), (2.0 / 3.0, 0.5));
        assert_eq!(confidences.at(0.75), None);
        let thresholds: Vec<f32> = (confidences.coverage().iter())
            .map(|point| point.threshold)
            .collect();
        assert_eq!((thresholds[1], thresholds.last()), (0.05, Some(&0.7)));
    }

    #[test]
    fn a_mistake_with_probability_1_has_a_large_but_finite_loss() {
        let loss = log_loss([log_probability(1, &[1.0, 0.0])]);
        assert!(loss > 15.0 && loss < 17.0, "{loss}");
        assert_eq!(log_loss([]), 0.0);
    }
}
