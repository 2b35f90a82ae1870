//! Inference with caches.

use crate::cpu::{Frozen, Instructions, Layout, Weights};

/// The weights of one LSTM, row by row, with the gates side by side in the order i, f, o, g (Eq. 1–4).
#[derive(Clone, Copy, Debug)]
pub struct LstmWeights<'a> {
    /// The number of hidden units.
    pub hidden_size: usize,
    /// W of the four gates, `[input size, 4 · hidden size]`.
    pub input: &'a [f32],
    /// U of the four gates, `[hidden size, 4 · hidden size]`.
    pub recurrent: &'a [f32],
    /// b of the four gates, `[4 · hidden size]`.
    pub bias: &'a [f32],
}

/// LSTMs with fixed weights, for repeated inference on the CPU. They need no tensors, and so no `burn`.
///
/// Results equal those of `forward_together`. The weights are packed once, and the projection W·x + b of a token is cached
/// over calls, until the cache exceeds 32 MiB; a call adds all its tokens, however many. All tokens are rows of one fixed
/// table of vectors; the cache also takes 4 bytes for each row number up to the largest one seen.
///
/// ```
/// use fused_lstm::{FrozenLstms, LstmWeights};
///
/// let lstm = LstmWeights { hidden_size: 3, input: &[0.3; 2 * 12], recurrent: &[0.2; 3 * 12], bias: &[0.0; 12] };
/// let table = [[0.5, 1.0], [-1.0, 0.25]];
/// let append = |token: u32, vectors: &mut Vec<f32>| vectors.extend(table[token as usize]);
///
/// let mut frozen = FrozenLstms::new(2, &[lstm]);
/// let means = frozen.forward(&[&[0, 1, 1], &[1]], append);
/// assert_eq!(means.len(), 2 * 3);
/// ```
#[derive(Debug)]
pub struct FrozenLstms {
    lstms: Frozen,
}

impl FrozenLstms {
    /// Copies the weights of LSTMs that read vectors of `input_size` numbers.
    ///
    /// # Panics
    /// If there is no LSTM, a size is 0, or the weights do not fit the sizes.
    pub fn new(input_size: usize, lstms: &[LstmWeights<'_>]) -> Self {
        assert!(input_size > 0 && !lstms.is_empty(), "no LSTM, or no input");
        for lstm in lstms {
            let gates = 4 * lstm.hidden_size;
            assert!(gates > 0, "an LSTM needs at least one hidden unit");
            assert_eq!(lstm.input.len(), input_size * gates, "input weights");
            assert_eq!(
                lstm.recurrent.len(),
                lstm.hidden_size * gates,
                "recurrent weights"
            );
            assert_eq!(lstm.bias.len(), gates, "bias");
        }
        let row = |index: usize| {
            let columns = |lstm: &LstmWeights<'_>| {
                let gates = 4 * lstm.hidden_size;
                lstm.input[index * gates..][..gates].to_vec()
            };
            lstms.iter().flat_map(columns).collect::<Vec<f32>>()
        };
        let input: Vec<f32> = (0..input_size).flat_map(row).collect();
        let recurrent: Vec<&[f32]> = lstms.iter().map(|lstm| lstm.recurrent).collect();
        let bias: Vec<&[f32]> = lstms.iter().map(|lstm| lstm.bias).collect();
        let weights = Weights {
            input: &input,
            recurrent: &recurrent.concat(),
            bias: &bias.concat(),
        };
        let hidden: Vec<usize> = lstms.iter().map(|lstm| lstm.hidden_size).collect();
        let layout = Layout::new(Instructions::of_this_machine(), input_size, &hidden);
        Self {
            lstms: Frozen::new(&layout, weights),
        }
    }

    /// The mean hidden state of each sequence of tokens (Eq. 1–7 and the mean over time), `[batch, Σ hidden size]` with the
    /// LSTMs side by side; zero for an empty sequence.
    ///
    /// `append` adds the vector of a token to a list of numbers. It is called once for each token that is not cached, and
    /// must give the same vector for a token in every call of `forward`.
    ///
    /// # Panics
    /// If the total number of values that `append` adds is not the input size times the number of its calls.
    pub fn forward(
        &mut self,
        sequences: &[&[u32]],
        append: impl Fn(u32, &mut Vec<f32>),
    ) -> Vec<f32> {
        self.lstms.mean_states(sequences, append)
    }
}
