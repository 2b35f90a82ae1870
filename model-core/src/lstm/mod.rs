//! The LSTM of Eq. 1–6 over a whole padded batch, and the mean of its hidden states (Eq. 7–8).
//!
//! It has a readable body in plain tensor operations ([`mod@reference`]), which runs on every device, and fused ones
//! for the CPU (`cpu/`) and for GPUs (`gpu.rs`), tested against it.

mod cpu;
#[cfg(feature = "gpu")]
mod gpu;
mod operation;
pub mod reference;
mod words;

pub use words::Words;

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

    /// The mean hidden state of each text over its words, `[batch, hidden size]`; zero for a text without words.
    pub fn forward(&self, words: &Words) -> Tensor<2> {
        forward_together(&[self], words).remove(0)
    }

    /// Hidden units.
    pub fn hidden_size(&self) -> usize {
        self.recurrent.dims()[0]
    }
}

/// [`Lstm::forward`] of several LSTMs that read the same words, in one pass over them.
///
/// Which body runs depends on the device and the sizes alone; the results and their gradients are the same to rounding.
pub fn forward_together(lstms: &[&Lstm], words: &Words) -> Vec<Tensor<2>> {
    let [distinct, input_size] = words.vectors.dims();
    assert!(
        !lstms.is_empty() && input_size > 0,
        "an LSTM and something to read"
    );
    assert!(
        (words.texts.iter().flatten()).all(|&word| (word as usize) < distinct),
        "a text has a word without a vector"
    );
    for lstm in lstms {
        let gates = 4 * lstm.hidden_size();
        assert!(gates > 0, "an LSTM without units");
        assert_shape!(lstm.input.val(), [input_size, gates]);
        assert_shape!(lstm.recurrent.val(), [gates / 4, gates]);
    }
    let hidden: Vec<usize> = lstms.iter().map(|lstm| lstm.hidden_size()).collect();
    if !operation::is_fused_on(&words.vectors.device(), &hidden, words.texts.len()) {
        return (lstms.iter())
            .map(|lstm| reference::forward(lstm, words))
            .collect();
    }
    let recurrent = |lstm: &&Lstm| lstm.recurrent.val().flatten(0, 1);
    let means = operation::mean_states(
        words,
        Tensor::cat(lstms.iter().map(|lstm| lstm.input.val()).collect(), 1),
        Tensor::cat(lstms.iter().map(recurrent).collect(), 0),
        Tensor::cat(lstms.iter().map(|lstm| lstm.bias.val()).collect(), 0),
        hidden.clone(),
    );
    means.split_with_sizes(hidden, 1)
}
