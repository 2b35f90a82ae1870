//! Inference with caches.

use burn::tensor::{Device, Tensor, TensorData};

use super::{Lstm, concatenate, cpu, operation};

/// LSTMs with fixed weights, for repeated inference on the CPU.
///
/// Results equal those of [`forward_together`](crate::forward_together). The weights are packed once, and the projection
/// W·x + b of a token is cached over calls, up to about 32 MiB. All tokens are rows of one fixed table of vectors; the cache
/// also takes 4 bytes for each row number up to the largest one seen.
///
/// ```
/// use burn::{module::Param, tensor::{Device, Tensor}};
/// use fused_lstm::{FrozenLstms, Lstm};
///
/// let device = Device::flex();
/// let lstm = Lstm::new(
///     Param::from_tensor(Tensor::full([2, 12], 0.3, &device)),
///     Param::from_tensor(Tensor::full([3, 12], 0.2, &device)),
///     Param::from_tensor(Tensor::zeros([12], &device)),
/// );
/// let table = [[0.5, 1.0], [-1.0, 0.25]];
/// let append = |token: u32, vectors: &mut Vec<f32>| vectors.extend(table[token as usize]);
///
/// let mut frozen = FrozenLstms::new(&[&lstm], &device).expect("a CPU device");
/// let means = frozen.forward(&[&[0, 1, 1], &[1]], append);
/// assert_eq!(means[0].dims(), [2, 3]);
/// ```
#[derive(Debug)]
pub struct FrozenLstms {
    lstms: cpu::Frozen,
    hidden: Vec<usize>,
}

impl FrozenLstms {
    /// Copies the current weights of `lstms`. `None` unless `device` is the CPU without gradients, [`Device::flex`].
    ///
    /// # Panics
    /// If there is no LSTM, or if their input sizes differ.
    pub fn new(lstms: &[&Lstm], device: &Device) -> Option<Self> {
        let hidden: Vec<usize> = lstms.iter().map(|lstm| lstm.hidden_size()).collect();
        let (input, recurrent, bias) = concatenate(lstms);
        let lstms = operation::frozen(device, input, recurrent, bias, &hidden)?;
        Some(Self { lstms, hidden })
    }

    /// The mean hidden state of each sequence of tokens, `[batch, hidden size]` for each LSTM; zero for an empty sequence.
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
    ) -> Vec<Tensor<2>> {
        let means = self.lstms.mean_states(sequences, append);
        let shape = [sequences.len(), self.hidden.iter().sum()];
        Tensor::<2>::from_data(TensorData::new(means, shape), &Device::flex())
            .split_with_sizes(self.hidden.clone(), 1)
    }

    /// Clears the cache of projected tokens, for a new table of vectors.
    pub fn clear(&mut self) {
        self.lstms.clear();
    }
}
