//! Interpolation between text lengths.

/// Sets the weight of each of the ascending `lengths` for a text of `words` words: that of linear interpolation in ln(words)
/// between two of them, and 1 for the nearest outside. `weights` are zeros before, and sum to 1 after unless there are none.
pub(crate) fn set_length_weights(weights: &mut [f64], lengths: &[f32], words: usize) {
    let words = words.max(1) as f64;
    let above = lengths.partition_point(|&length| f64::from(length) <= words);
    if above == 0 || above == lengths.len() {
        if let Some(weight) = weights.get_mut(above.saturating_sub(1)) {
            *weight = 1.0;
        }
        return;
    }
    let [low, high] = [above - 1, above].map(|at| f64::from(lengths[at]).ln());
    weights[above] = (words.ln() - low) / (high - low);
    weights[above - 1] = 1.0 - weights[above];
}
