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
    tensor::{Device, Tensor, TensorData, assert_shape},
};

use crate::{embedding::Embedding, parameters::Parameters};

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
    let (input, recurrent, bias) = together(lstms);
    operation::mean_states(words, input, recurrent, bias, hidden.clone())
        .split_with_sizes(hidden, 1)
}

/// The weights of several LSTMs as one: W `[input, Σ 4 · hidden]`, U one after the other, b `[Σ 4 · hidden]`.
fn together(lstms: &[&Lstm]) -> (Tensor<2>, Tensor<1>, Tensor<1>) {
    let recurrent = |lstm: &&Lstm| lstm.recurrent.val().flatten(0, 1);
    (
        Tensor::cat(lstms.iter().map(|lstm| lstm.input.val()).collect(), 1),
        Tensor::cat(lstms.iter().map(recurrent).collect(), 0),
        Tensor::cat(lstms.iter().map(|lstm| lstm.bias.val()).collect(), 0),
    )
}

/// LSTMs that learn no more and read the words of one table, on the CPU: like [`forward_together`], but what follows from
/// the weights alone, or from a single word, is computed once for all calls.
#[derive(Debug)]
pub struct Serving {
    lstms: cpu::Serving,
    hidden: Vec<usize>,
}

impl Serving {
    /// Takes over the weights that these LSTMs have now; `None` where it is not the CPU that runs them.
    pub fn new(lstms: &[&Lstm], device: &Device) -> Option<Self> {
        let hidden: Vec<usize> = lstms.iter().map(|lstm| lstm.hidden_size()).collect();
        let (input, recurrent, bias) = together(lstms);
        let lstms = operation::serving(device, input, recurrent, bias, &hidden)?;
        Some(Self { lstms, hidden })
    }

    /// The mean hidden states of each text of word ids, `[batch, hidden size]` for each LSTM. The table of vectors must be
    /// the same at every call.
    pub fn forward(&mut self, embedding: &Embedding, texts: &[&[u32]]) -> Vec<Tensor<2>> {
        let means = (self.lstms).mean_states(texts, |id, vectors| embedding.append(id, vectors));
        let shape = [texts.len(), self.hidden.iter().sum()];
        Tensor::<2>::from_data(TensorData::new(means, shape), &Device::flex())
            .split_with_sizes(self.hidden.clone(), 1)
    }

    /// Forgets the words that it has read.
    pub fn forget(&mut self) {
        self.lstms.forget();
    }
}
