//! Whether probabilities mean what they say.

use model_core::prediction::largest;

/// How many bins of equal width the confidences are sorted into.
const BINS: usize = 15;

/// The expected calibration error: users are sorted into 15 bins of equal width by the probability of their most
/// probable class; the error is the mean over users of the distance, within a bin, between the mean of these
/// probabilities and the share that was right. 0 for nobody.
///
/// `probabilities` has a row of classes a user; `gold` is each user's true class.
pub fn calibration_error<P: AsRef<[f32]>>(gold: &[usize], probabilities: &[P]) -> f64 {
    // By bin: the sum of the confidences minus the number of those who are right.
    let mut gaps = [0.0; BINS];
    let mut users = 0;
    for (row, &gold) in probabilities.iter().zip(gold) {
        let Some(top) = largest(row.as_ref()) else {
            continue;
        };
        let confidence = f64::from(row.as_ref()[top]);
        // A bin holds its upper bound, not its lower one.
        let bin = ((confidence * BINS as f64).ceil() as usize).clamp(1, BINS) - 1;
        gaps[bin] += confidence - f64::from(u8::from(top == gold));
        users += 1;
    }
    gaps.iter().map(|gap| gap.abs()).sum::<f64>() / f64::from(users.max(1))
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
        assert!(calibration_error(&[0, 0, 0, 1], &rows).abs() < 1e-7);
        assert!((calibration_error(&[1, 1, 1, 1], &rows) - 0.75).abs() < 1e-7);
        assert_eq!(calibration_error::<[f32; 2]>(&[], &[]), 0.0);
    }

    #[test]
    fn a_certain_mistake_costs_much_but_not_everything() {
        let loss = log_loss(&[1], &[[1.0, 0.0]]);
        assert!(loss > 15.0 && loss < 17.0, "{loss}");
        assert_eq!(log_loss::<[f32; 2]>(&[], &[]), 0.0);
    }
}
