//! The LSTM in plain tensor operations: the body to read, and the one the fused kernels are tested against. Slow,
//! because every step is a dozen small operations.

use burn::tensor::{Int, Tensor, TensorData, activation::sigmoid};

use super::{Lstm, Words};

/// See [`Lstm::forward`].
pub fn forward(lstm: &Lstm, words: &Words) -> Tensor<2> {
    let (batch, hidden_size) = (words.texts.len(), lstm.hidden_size());
    let device = words.vectors.device();
    let lengths = words.lengths();
    let longest = lengths.iter().copied().max().unwrap_or(0);
    // The input's share of all gates: one product for all words.
    let projected =
        words.vectors.clone().matmul(lstm.input.val()) + lstm.bias.val().unsqueeze::<2>();
    let mut hidden = Tensor::<2>::zeros([batch, hidden_size], &device);
    let mut cell = Tensor::<2>::zeros([batch, hidden_size], &device);
    let mut sum = Tensor::<2>::zeros([batch, hidden_size], &device);
    for t in 0..longest {
        // A text that has ended runs on over any word, and what it computes there is left out of the sum.
        let here: Vec<i64> = (words.texts.iter())
            .map(|text| text.get(t).copied().unwrap_or(0).into())
            .collect();
        let here = Tensor::<1, Int>::from_data(TensorData::new(here, [batch]), &device);
        let z = projected.clone().select(0, here) + hidden.matmul(lstm.recurrent.val());
        let gate = |index: usize| z.clone().narrow(1, index * hidden_size, hidden_size);
        let input_gate = sigmoid(gate(0)); // Eq. 1
        let forget_gate = sigmoid(gate(1)); // Eq. 2
        let output_gate = sigmoid(gate(2)); // Eq. 3
        let candidate = gate(3).tanh(); // Eq. 4
        cell = forget_gate * cell + input_gate * candidate; // Eq. 5
        hidden = output_gate * cell.clone().tanh(); // Eq. 6
        let present = column(&lengths, |length| if t < length { 1.0 } else { 0.0 });
        sum = sum + hidden.clone() * Tensor::from_data(present, &device);
    }
    let scales = column(&lengths, |length| 1.0 / length.max(1) as f32);
    sum * Tensor::<2>::from_data(scales, &device) // Eq. 8
}

/// A number for each text, `[batch, 1]`.
fn column(lengths: &[usize], value: impl Fn(usize) -> f32) -> TensorData {
    let values: Vec<f32> = lengths.iter().map(|&length| value(length)).collect();
    TensorData::new(values, [lengths.len(), 1])
}
