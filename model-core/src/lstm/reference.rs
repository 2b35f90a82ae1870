//! The LSTM in plain tensor operations: the body to read, and the one the fused kernels are tested against. Slow,
//! because every step is a dozen small operations.

use burn::tensor::{Tensor, TensorData, activation::sigmoid};

use super::Lstm;

/// See [`Lstm::forward`].
pub fn forward(lstm: &Lstm, words: Tensor<3>, lengths: &[usize]) -> Tensor<2> {
    let [batch, steps, input_size] = words.dims();
    let (device, hidden_size) = (words.device(), lstm.hidden_size());
    // The words' share of all gates at all steps is one product.
    let rows = words.reshape([batch * steps, input_size]);
    let projected = rows.matmul(lstm.input.val()) + lstm.bias.val().unsqueeze::<2>();
    let projected = projected.reshape([batch, steps, 4 * hidden_size]);
    let longest = lengths.iter().copied().max().unwrap_or(0);
    let mut hidden = Tensor::<2>::zeros([batch, hidden_size], &device);
    let mut cell = Tensor::<2>::zeros([batch, hidden_size], &device);
    let mut sum = Tensor::<2>::zeros([batch, hidden_size], &device);
    let present = presence(lengths, longest);
    for t in 0..longest {
        let z = projected.clone().narrow(1, t, 1).squeeze_dim::<2>(1)
            + hidden.matmul(lstm.recurrent.val());
        let gate = |index: usize| z.clone().narrow(1, index * hidden_size, hidden_size);
        let input_gate = sigmoid(gate(0)); // Eq. 1
        let forget_gate = sigmoid(gate(1)); // Eq. 2
        let output_gate = sigmoid(gate(2)); // Eq. 3
        let candidate = gate(3).tanh(); // Eq. 4
        cell = forget_gate * cell + input_gate * candidate; // Eq. 5
        hidden = output_gate * cell.clone().tanh(); // Eq. 6
        // A sequence that has ended runs on over padding, and what it computes there is left out of the sum.
        let here = &present[t * batch..(t + 1) * batch];
        sum = if here.iter().all(|&weight| weight == 1.0) {
            sum + hidden.clone()
        } else {
            let mask = Tensor::<2>::from_data(TensorData::new(here.to_vec(), [batch, 1]), &device);
            sum + hidden.clone() * mask
        };
    }
    let counts = lengths
        .iter()
        .map(|&length| 1.0 / length.max(1) as f32)
        .collect::<Vec<_>>();
    sum * Tensor::<2>::from_data(TensorData::new(counts, [batch, 1]), &device)
}

/// 1 where a sequence still has a word at a step, else 0: `[longest, batch]`, row by row.
fn presence(lengths: &[usize], longest: usize) -> Vec<f32> {
    (0..longest)
        .flat_map(|t| {
            lengths
                .iter()
                .map(move |&length| if t < length { 1.0 } else { 0.0 })
        })
        .collect()
}
