//! The layer as a module of burn.

use burn::{
    module::{Module, Param},
    tensor::Tensor,
};

use crate::{PackedBatch, operation, reference};

/// A long short-term memory layer, a module of burn. The gates lie side by side in the order i, f, o, g (Eq. 1–4).
#[derive(Module, Debug)]
#[non_exhaustive]
pub struct Lstm {
    /// W of the four gates, `[input size, 4 · hidden size]`.
    pub input: Param<Tensor<2>>,
    /// U of the four gates, `[hidden size, 4 · hidden size]`.
    pub recurrent: Param<Tensor<2>>,
    /// b of the four gates, `[4 · hidden size]`.
    pub bias: Param<Tensor<1>>,
}

impl Lstm {
    /// A layer with the given weights: `input` `[i, 4 · h]`, `recurrent` `[h, 4 · h]` and `bias` `[4 · h]`. The caller
    /// chooses the initialisation.
    ///
    /// ```
    /// use burn::{module::Param, tensor::{Device, Distribution, Tensor}};
    /// use fused_lstm::Lstm;
    ///
    /// let (device, input, hidden) = (Device::flex(), 3, 5);
    /// let uniform = Distribution::Uniform(-0.4, 0.4);
    /// let lstm = Lstm::new(
    ///     Param::from_tensor(Tensor::random([input, 4 * hidden], uniform, &device)),
    ///     Param::from_tensor(Tensor::random([hidden, 4 * hidden], uniform, &device)),
    ///     Param::from_tensor(Tensor::zeros([4 * hidden], &device)),
    /// );
    /// assert_eq!((lstm.input_size(), lstm.hidden_size()), (3, 5));
    /// ```
    ///
    /// # Panics
    /// If the shapes do not fit one another or a size is 0.
    pub fn new(
        input: Param<Tensor<2>>,
        recurrent: Param<Tensor<2>>,
        bias: Param<Tensor<1>>,
    ) -> Self {
        let [input_size, gates] = input.dims();
        let hidden_size = gates / 4;
        assert!(
            input_size > 0 && hidden_size > 0,
            "an LSTM needs at least one input and one hidden unit"
        );
        assert_eq!(gates, 4 * hidden_size, "an LSTM has four gates");
        assert_eq!(recurrent.dims(), [hidden_size, gates], "recurrent weights");
        assert_eq!(bias.dims(), [gates], "bias");
        Self {
            input,
            recurrent,
            bias,
        }
    }

    /// The mean hidden state of each sequence (Eq. 1–7 and the mean over time), `[batch, hidden size]`; zero for an empty
    /// sequence.
    ///
    /// The layer and the batch must be on the same device.
    ///
    /// # Panics
    /// If the vectors of the batch do not have [`input_size`](Self::input_size) numbers, or if a batch for a GPU has 2³¹ tokens
    /// or more.
    pub fn forward(&self, batch: &PackedBatch) -> Tensor<2> {
        forward_together(&[self], batch).remove(0)
    }

    /// The number of values of an input vector.
    pub fn input_size(&self) -> usize {
        self.input.dims()[0]
    }

    /// The number of hidden units.
    pub fn hidden_size(&self) -> usize {
        self.recurrent.dims()[0]
    }
}

/// Runs several LSTMs over the same batch in one pass. The results are those of [`Lstm::forward`], `[batch, hidden size]` each,
/// in the order of `lstms`.
///
/// The device and the sizes decide whether the fused kernels or the [`reference`](mod@crate::reference) runs. Results and gradients of both are
/// equal up to rounding.
///
/// ```
/// use burn::{module::Param, tensor::{Device, Tensor}};
/// use fused_lstm::{Lstm, PackedBatch, forward_together};
///
/// let device = Device::flex();
/// let lstm = |hidden: usize| {
///     Lstm::new(
///         Param::from_tensor(Tensor::full([3, 4 * hidden], 0.1, &device)),
///         Param::from_tensor(Tensor::full([hidden, 4 * hidden], 0.1, &device)),
///         Param::from_tensor(Tensor::zeros([4 * hidden], &device)),
///     )
/// };
/// let batch = PackedBatch::padded(Tensor::ones([2, 7, 3], &device), &[7, 4]);
/// let means = forward_together(&[&lstm(5), &lstm(8)], &batch);
/// assert_eq!(means[0].dims(), [2, 5]);
/// assert_eq!(means[1].dims(), [2, 8]);
/// ```
///
/// # Panics
/// If there is no LSTM, and as [`Lstm::forward`] does.
pub fn forward_together(lstms: &[&Lstm], batch: &PackedBatch) -> Vec<Tensor<2>> {
    let [_, input_size] = batch.vectors().dims();
    assert!(!lstms.is_empty(), "there is no LSTM to run");
    for lstm in lstms {
        assert_eq!(
            lstm.input_size(),
            input_size,
            "the LSTM and the batch have different input sizes"
        );
    }
    let hidden: Vec<usize> = lstms.iter().map(|lstm| lstm.hidden_size()).collect();
    if !operation::is_fused_on(&batch.vectors().device(), &hidden, batch.sequences().len()) {
        return (lstms.iter())
            .map(|lstm| reference::forward(lstm, batch))
            .collect();
    }
    let (input, recurrent, bias) = concatenate(lstms);
    operation::mean_states(batch, input, recurrent, bias, hidden.clone())
        .split_with_sizes(hidden, 1)
}

/// The weights of several LSTMs: W `[input, Σ 4 · hidden]`, U of each LSTM one after the other, b `[Σ 4 · hidden]`.
fn concatenate(lstms: &[&Lstm]) -> (Tensor<2>, Tensor<1>, Tensor<1>) {
    let recurrent = |lstm: &&Lstm| lstm.recurrent.val().flatten(0, 1);
    (
        Tensor::cat(lstms.iter().map(|lstm| lstm.input.val()).collect(), 1),
        Tensor::cat(lstms.iter().map(recurrent).collect(), 0),
        Tensor::cat(lstms.iter().map(|lstm| lstm.bias.val()).collect(), 0),
    )
}
