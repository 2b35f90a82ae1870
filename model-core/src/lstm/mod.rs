//! The LSTM of Eq. 1–6 over a whole padded batch, and the mean of its hidden states (Eq. 7–8).
//!
//! The input's share of all four gates at all steps is one matrix product; what remains is the loop over
//! time, [`mean_hidden_state`]. That loop has a readable body in plain tensor operations ([`mod@reference`]),
//! which runs on every device, and a fused one for the CPU (`cpu.rs`), tested against it.

mod cpu;
mod operation;
pub mod reference;

use burn::{
    module::{Module, Param},
    tensor::{Tensor, assert_shape},
};

use crate::parameters::Parameters;

/// A long short-term memory layer, its gates side by side in the order i, f, o, g of Eq. 1–4.
#[derive(Module, Debug)]
pub struct Lstm {
    /// W of the four gates, `[input size, 4 · hidden size]`.
    pub input: Param<Tensor<2>>,
    /// U of the four gates, `[hidden size, 4 · hidden size]`.
    pub recurrent: Param<Tensor<2>>,
    /// b of the four gates, `[4 · hidden size]`.
    pub bias: Param<Tensor<1>>,
}

impl Lstm {
    /// A layer of `hidden_size` units that reads vectors of `input_size`; its parameters are asked for
    /// under the names `NAME.input`, `NAME.recurrent` and `NAME.bias`.
    pub fn new<E>(
        parameters: &mut Parameters<'_, E>,
        name: &str,
        input_size: usize,
        hidden_size: usize,
    ) -> Result<Self, E> {
        Ok(Self {
            input: parameters.matrix(&format!("{name}.input"), input_size, hidden_size, 4)?,
            recurrent: parameters.matrix(
                &format!("{name}.recurrent"),
                hidden_size,
                hidden_size,
                4,
            )?,
            bias: parameters.vector(&format!("{name}.bias"), hidden_size, 4)?,
        })
    }

    /// The mean hidden state of each sequence over the steps that are there, `[batch, hidden size]`.
    ///
    /// `input` is `[batch, steps, input size]`; `lengths` holds the true number of steps of each sequence,
    /// at most `steps`. What stands behind a sequence's end counts for nothing. A sequence of length 0 has
    /// mean zero.
    pub fn forward(&self, input: Tensor<3>, lengths: &[usize]) -> Tensor<2> {
        let [batch, steps, input_size] = input.dims();
        let [_, gates] = self.input.dims();
        assert_shape!(input, [batch, steps, input_size]);
        let rows = input.reshape([batch * steps, input_size]);
        let projected = rows.matmul(self.input.val()) + self.bias.val().unsqueeze::<2>();
        mean_hidden_state(
            projected.reshape([batch, steps, gates]),
            self.recurrent.val(),
            lengths,
        )
    }
}

/// The loop over time: from the projected inputs `[batch, steps, 4 · hidden]` and the recurrent weights
/// `[hidden, 4 · hidden]` to the mean hidden state `[batch, hidden]` of each sequence.
///
/// Which body runs depends on the device alone; the result and its gradients are the same to rounding.
pub fn mean_hidden_state(
    projected: Tensor<3>,
    recurrent: Tensor<2>,
    lengths: &[usize],
) -> Tensor<2> {
    let [batch, steps, gates] = projected.dims();
    assert_eq!(lengths.len(), batch, "one length for each sequence");
    assert!(
        lengths.iter().all(|&length| length <= steps),
        "a length exceeds the number of steps"
    );
    assert_shape!(recurrent, [gates / 4, gates]);
    if operation::is_fused_on(&projected.device()) {
        operation::mean_hidden_state(projected, recurrent, lengths)
    } else {
        reference::mean_hidden_state(projected, recurrent, lengths)
    }
}
