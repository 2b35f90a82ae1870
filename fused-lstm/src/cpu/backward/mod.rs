//! The backward pass. A loop over time from the end replaces the activated gates by the gradients of their arguments dz, and
//! the cells by the hidden states. Products over all tokens then give the gradients of the weights.

mod sum_over_tokens;
mod through_time;
mod vector_gradients;

use sum_over_tokens::{Finished, sum_over_tokens, weight_gradients};
use through_time::through_time;
use vector_gradients::vector_gradients;

use super::{
    forward::Kept,
    layout::{Batch, Layout, Weights},
};

/// Tokens whose contributions to the gradients of the weights are summed at once. The gates of a panel for so many tokens
/// fit the L1 cache.
const TOKENS_AT_ONCE: usize = 64;

/// The gradients, each in the shape of its value.
#[derive(Debug)]
pub struct Gradients {
    /// Of [`Batch::vectors`], if requested.
    pub vectors: Option<Vec<f32>>,
    /// Of [`Weights::input`].
    pub input: Vec<f32>,
    /// Of [`Weights::recurrent`].
    pub recurrent: Vec<f32>,
    /// Of [`Weights::bias`].
    pub bias: Vec<f32>,
}

/// The gradients, given the intermediate values of [`forward_keeping`](super::forward_keeping) for the same arguments and the
/// gradient of the means, `[batch, Σ hidden]`.
pub fn backward(
    layout: &Layout,
    batch: Batch<'_>,
    weights: Weights<'_>,
    Kept(mut kept): Kept,
    mean_gradient: &[f32],
    asks_for_vectors: bool,
) -> Gradients {
    through_time(layout, weights, batch.lengths, &mut kept, mean_gradient);
    let sequences: Vec<_> = (batch.sequences().zip(&kept))
        .map(|(tokens, kept)| Finished {
            tokens,
            gates: &kept.gates,
            states: &kept.cells,
        })
        .collect();
    let by_token = asks_for_vectors || batch.recurs(layout.input);
    let groups = sum_over_tokens(layout, batch, &sequences, by_token);
    let mut gradients = weight_gradients(layout, &groups);
    gradients.vectors = asks_for_vectors.then(|| vector_gradients(layout, weights, &groups));
    gradients
}

/// Cuts a number of vectors into fours, a two and a one.
fn widths(vectors: usize) -> impl Iterator<Item = usize> {
    let mut left = vectors;
    std::iter::from_fn(move || {
        let width = [4, 2, 1].into_iter().find(|&width| width <= left)?;
        left -= width;
        Some(width)
    })
}
