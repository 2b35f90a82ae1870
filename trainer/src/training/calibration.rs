//! Temperature scaling (Guo et al. 2017): one number a task that makes its probabilities honest.

use model_core::predictor::softmax;

/// The temperature that gives the true classes the least log loss, for `logits` one row a user.
/// Without users it is 1.
pub fn temperature(logits: &[Vec<f32>], classes: &[usize]) -> f32 {
    if logits.is_empty() {
        return 1.0;
    }
    // The loss has one minimum in the logarithm of the temperature: golden-section search.
    let loss = |log: f64| log_loss(logits, classes, log.exp() as f32);
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (0.05f64.ln(), 20f64.ln());
    for _ in 0..40 {
        let width = high - low;
        if loss(high - ratio * width) < loss(low + ratio * width) {
            high = low + ratio * width;
        } else {
            low = high - ratio * width;
        }
    }
    ((low + high) / 2.0).exp() as f32
}

/// The mean of −ln p of the true classes.
pub fn log_loss(logits: &[Vec<f32>], classes: &[usize], temperature: f32) -> f64 {
    let sum: f64 = logits
        .iter()
        .zip(classes)
        .map(|(logits, &class)| {
            -f64::from(softmax(logits, temperature)[class].max(f32::MIN_POSITIVE)).ln()
        })
        .sum();
    sum / logits.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overconfidence_is_taken_back() {
        // Nine of ten are right, whatever the logits claim: σ(ln 9) = 0.9, so a claim of 4·ln 9 is 4 times too bold.
        let bold = 4.0 * 9f32.ln();
        let logits = vec![vec![bold, 0.0]; 1000];
        let classes: Vec<usize> = (0..1000).map(|user| usize::from(user % 10 == 0)).collect();
        assert!((temperature(&logits, &classes) - 4.0).abs() < 1e-3);
        assert_eq!(temperature(&[], &[]), 1.0);
    }
}
