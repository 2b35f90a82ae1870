//! Whether probabilities mean what they say.

use model_core::card::{CoveragePoint, ReliabilityBin};
use model_core::prediction::largest;

/// How many bins of equal width the confidences are sorted into.
const BINS: usize = 15;
/// How many thresholds of equal distance, from 0 up, the coverage is measured at.
const THRESHOLDS: u8 = 20;

/// How sure the answers were, and which of them were right: of each user the probability of the most probable class
/// (the confidence), and whether that is the true one.
pub struct Confidences(Vec<(f32, bool)>);

impl Confidences {
    /// `probabilities` has a row of classes a user; `gold` is each user's true class.
    pub fn new<P: AsRef<[f32]>>(gold: &[usize], probabilities: &[P]) -> Self {
        let of_user = |(row, &gold): (&P, &usize)| {
            let top = largest(row.as_ref())?;
            Some((row.as_ref()[top], top == gold))
        };
        Self(probabilities.iter().zip(gold).filter_map(of_user).collect())
    }

    /// The reliability diagram: users by confidence, in 15 bins of equal width without those that hold nobody.
    pub fn reliability(&self) -> Vec<ReliabilityBin> {
        let mut bins = [(0, 0.0, 0); BINS];
        for &(confidence, is_right) in &self.0 {
            let confidence = f64::from(confidence);
            // A bin holds its upper bound, not its lower one.
            let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
            let (users, sum, right) = &mut bins[bin];
            *users += 1;
            *sum += confidence;
            *right += usize::from(is_right);
        }
        (bins.into_iter().filter(|(users, ..)| *users > 0))
            .map(|(users, sum, right)| ReliabilityBin {
                users,
                confidence: sum / users as f64,
                accuracy: right as f64 / users as f64,
            })
            .collect()
    }

    /// What is left when answers below `threshold` are withheld; nothing if that is none.
    pub fn answered_from(&self, threshold: f32) -> Option<CoveragePoint> {
        let answered = || (self.0.iter()).filter(|(confidence, _)| *confidence >= threshold);
        let users = answered().count();
        let right = answered().filter(|(_, is_right)| *is_right).count();
        (users > 0).then(|| CoveragePoint {
            threshold,
            coverage: users as f64 / self.0.len() as f64,
            accuracy: right as f64 / users as f64,
        })
    }

    /// The same for the thresholds 0, 0.05 … 0.95.
    pub fn coverage(&self) -> Vec<CoveragePoint> {
        (0..THRESHOLDS)
            .map(|step| f32::from(step) / f32::from(THRESHOLDS))
            .filter_map(|threshold| self.answered_from(threshold))
            .collect()
    }
}

/// The expected calibration error: the mean over users of the distance, within their bin of the reliability diagram,
/// between the mean confidence and the share that was right. 0 for nobody.
pub fn calibration_error(reliability: &[ReliabilityBin]) -> f64 {
    let users: usize = reliability.iter().map(|bin| bin.users).sum();
    let gap = |bin: &ReliabilityBin| bin.users as f64 * (bin.confidence - bin.accuracy).abs();
    reliability.iter().map(gap).sum::<f64>() / users.max(1) as f64
}

/// The mean over users of −ln p of their true class, in nats. No p counts as less than the smallest difference of
/// a 32-bit float, so that one certain mistake does not make the mean infinite. 0 for nobody.
pub fn log_loss<P: AsRef<[f32]>>(gold: &[usize], probabilities: &[P]) -> f64 {
    let losses = probabilities.iter().zip(gold).map(|(row, &gold)| {
        let probability = row.as_ref().get(gold).copied().unwrap_or(0.0);
        -f64::from(probability.clamp(f32::EPSILON, 1.0)).ln()
    });
    losses.sum::<f64>() / probabilities.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn honest_probabilities_have_no_calibration_error() {
        let rows = vec![[0.75, 0.25]; 4];
        let error =
            |gold: &[usize]| calibration_error(&Confidences::new(gold, &rows).reliability());
        assert!(error(&[0, 0, 0, 1]).abs() < 1e-7);
        assert!((error(&[1, 1, 1, 1]) - 0.75).abs() < 1e-7);
    }

    #[test]
    fn nobody_has_neither_bins_nor_coverage() {
        let nobody = Confidences::new::<[f32; 2]>(&[], &[]);
        assert_eq!(nobody.reliability(), []);
        assert_eq!(nobody.coverage(), []);
        assert_eq!(calibration_error(&[]), 0.0);
    }

    #[test]
    fn who_is_as_sure_as_the_threshold_is_answered() {
        let rows = [[0.6, 0.4], [0.3, 0.7], [0.55, 0.45]];
        let confidences = Confidences::new(&[0, 0, 0], &rows);
        let point = confidences.answered_from(0.6).unwrap();
        assert_eq!((point.coverage, point.accuracy), (2.0 / 3.0, 0.5));
        assert_eq!(confidences.answered_from(0.75), None);
        let thresholds: Vec<f32> = (confidences.coverage().iter())
            .map(|point| point.threshold)
            .collect();
        assert_eq!((thresholds[1], thresholds.last()), (0.05, Some(&0.7)));
    }

    #[test]
    fn a_certain_mistake_costs_much_but_not_everything() {
        let loss = log_loss(&[1], &[[1.0, 0.0]]);
        assert!(loss > 15.0 && loss < 17.0, "{loss}");
        assert_eq!(log_loss::<[f32; 2]>(&[], &[]), 0.0);
    }
}
