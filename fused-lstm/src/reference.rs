//! The LSTM in plain tensor operations, to read and to test the fused kernels against. It is slow, because each step takes a
//! dozen small operations.

use burn::tensor::{Int, Tensor, TensorData, activation::sigmoid};

use super::{Lstm, PackedBatch};

/// The mean over time of the hidden states of Eq. 7 for each sequence, `[batch, hidden size]`, on any device and backend:
/// [`Lstm::forward`] without the fused kernels.
///
/// ```
/// use burn::{module::Param, tensor::{Device, Tensor, Tolerance}};
/// use fused_lstm::{Lstm, PackedBatch, reference};
///
/// let device = Device::flex();
/// let lstm = Lstm::new(
///     Param::from_tensor(Tensor::full([3, 8], 0.3, &device)),
///     Param::from_tensor(Tensor::full([2, 8], 0.2, &device)),
///     Param::from_tensor(Tensor::zeros([8], &device)),
/// );
/// let batch = PackedBatch::padded(Tensor::ones([2, 4, 3], &device), &[4, 1]);
/// let expected = reference::forward(&lstm, &batch).into_data();
/// lstm.forward(&batch).into_data().assert_approx_eq::<f32>(&expected, Tolerance::default());
/// ```
///
/// # Panics
/// If the vectors of the batch do not have [`input_size`](Lstm::input_size) numbers.
pub fn forward(lstm: &Lstm, batch: &PackedBatch) -> Tensor<2> {
    let (count, hidden_size) = (batch.sequences().len(), lstm.hidden_size());
    let device = batch.vectors().device();
    let lengths = batch.lengths();
    let longest = lengths.iter().copied().max().unwrap_or(0);
    // W·x + b of Eq. 1–4, one product for all tokens.
    let projected =
        batch.vectors().clone().matmul(lstm.input.val()) + lstm.bias.val().unsqueeze::<2>();
    let mut hidden = Tensor::<2>::zeros([count, hidden_size], &device);
    let mut cell = Tensor::<2>::zeros([count, hidden_size], &device);
    let mut sum = Tensor::<2>::zeros([count, hidden_size], &device);
    for t in 0..longest {
        // A sequence that has ended continues with token 0. The sum below leaves these states out.
        let tokens: Vec<i64> = (batch.sequences().iter())
            .map(|sequence| sequence.get(t).copied().unwrap_or(0).into())
            .collect();
        let tokens = Tensor::<1, Int>::from_data(TensorData::new(tokens, [count]), &device);
        let z = projected.clone().select(0, tokens) + hidden.matmul(lstm.recurrent.val());
        let gate = |index: usize| z.clone().narrow(1, index * hidden_size, hidden_size);
        let input_gate = sigmoid(gate(0)); // Eq. 1
        let forget_gate = sigmoid(gate(1)); // Eq. 2
        let output_gate = sigmoid(gate(2)); // Eq. 3
        let candidate = gate(3).tanh(); // Eq. 4
        cell = forget_gate * cell + input_gate * candidate; // Eq. 5
        hidden = output_gate * cell.clone().tanh(); // Eq. 6
        let present = column(&lengths, |length| if t < length { 1.0 } else { 0.0 });
        sum = sum + hidden.clone() * Tensor::from_data(present, &device); // sum for the mean over time
    }
    let scales = column(&lengths, |length| 1.0 / length.max(1) as f32);
    sum * Tensor::<2>::from_data(scales, &device) // the mean over time (between Eq. 7 and 8)
}

/// One number for each sequence, `[batch, 1]`.
fn column(lengths: &[usize], value: impl Fn(usize) -> f32) -> TensorData {
    let values: Vec<f32> = lengths.iter().map(|&length| value(length)).collect();
    TensorData::new(values, [lengths.len(), 1])
}
