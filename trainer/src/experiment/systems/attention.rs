//! LSTM and Aux-LSTM with attention over segments of a text in place of the mean over its words. The paper has none.

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Device, Tensor, TensorData, activation::softmax},
};
use fused_lstm::PackedBatch;
use model_core::{
    aux_lstm::{AuxLstm, MeanStates, Role, linear},
    parameters::Parameters,
};

use crate::training::{Architecture, Batch, JointLstm};

/// Added to the score of another text's segment, so that its weight is 0.
const MASKED: f32 = -1e9;

/// The architecture.
pub struct AttentiveLstm {
    /// The LSTMs and the layers above them.
    pub network: JointLstm,
    /// The number of words of a segment. Each segment is read by itself, and attention weights their mean states.
    pub segment_words: usize,
}

/// The LSTMs, and for each the attention over its mean states.
#[derive(Module, Debug)]
pub struct Network {
    lstm: AuxLstm,
    attention: Vec<Attention>,
}

/// The score of a segment with the mean state h: uᵀ tanh(W h + b) (Yang et al. 2016, Eq. 8 and 9).
#[derive(Module, Debug)]
struct Attention {
    dense: Linear,
    score: Param<Tensor<2>>,
}

/// The segments of texts.
struct Segments<'a> {
    segments: Vec<&'a [u32]>,
    /// The text of each segment.
    texts: Vec<usize>,
    /// The number of texts.
    text_count: usize,
}

impl<'a> Segments<'a> {
    /// Segments of `words` words; the last one of a text may be shorter. An empty text is one segment.
    fn of(texts: &[&'a [u32]], words: usize) -> Self {
        let mut all = Self {
            segments: Vec::new(),
            texts: Vec::new(),
            text_count: texts.len(),
        };
        for (index, text) in texts.iter().enumerate() {
            match text.is_empty() {
                true => all.segments.push(text),
                false => all.segments.extend(text.chunks(words)),
            }
            all.texts.resize(all.segments.len(), index);
        }
        all
    }

    /// The bias of the scores, `[texts, segments]`: the logarithm of the number of words, so that segments of equal scores
    /// are weighted by their length, as in the mean over words.
    fn bias(&self, device: &Device) -> Tensor<2> {
        let bias = (0..self.text_count).flat_map(|text| {
            (self.texts.iter().zip(&self.segments)).map(move |(&other, segment)| {
                match other == text {
                    true => (segment.len().max(1) as f32).ln(),
                    false => MASKED,
                }
            })
        });
        let shape = [self.text_count, self.segments.len()];
        Tensor::from_data(TensorData::new(bias.collect(), shape), device)
    }
}

impl Network {
    /// The state of each text: the weighted mean over its segments.
    fn states(
        &self,
        words: &PackedBatch,
        segments: &Segments,
        device: &Device,
    ) -> MeanStates<Tensor<2>> {
        let bias = segments.bias(device);
        let mut attention = self.attention.iter();
        self.lstm.mean_states(words).map(|states| {
            let attention = attention.next().expect("each LSTM has its attention");
            let scores = (attention.dense.forward(states.clone()).tanh())
                .matmul(attention.score.val())
                .transpose();
            softmax(bias.clone() + scores, 1).matmul(states)
        })
    }
}

impl Architecture for AttentiveLstm {
    type Network = Network;
    type States = MeanStates<Tensor<2>>;

    fn network<E>(&self, parameters: &mut Parameters<'_, E>) -> Result<Network, E> {
        let sizes = &self.network.sizes;
        let lstm = parameters.of_part("lstm", |parameters| self.network.network(parameters))?;
        let mains = (sizes.tasks.iter()).filter(|(role, _)| *role == Role::Main);
        let units = Some(sizes.auxiliary_hidden_size).filter(|&units| units > 0);
        let units = (units.into_iter()).chain(mains.map(|_| sizes.main_hidden_size));
        let attention = |(index, units)| {
            let name = |part: &str| format!("attention.{index}.{part}");
            Ok(Attention {
                dense: linear(parameters, &name("dense"), units, units)?,
                score: parameters.matrix(&name("score"), units, 1, 1)?,
            })
        };
        let attention = units.enumerate().map(attention).collect::<Result<_, E>>()?;
        Ok(Network { lstm, attention })
    }

    fn texts<'b>(&self, batch: &Batch<'b>) -> Vec<&'b [u32]> {
        Segments::of(&batch.texts, self.segment_words).segments
    }

    fn states(
        &self,
        network: &Network,
        batch: &Batch,
        words: &[PackedBatch],
        device: &Device,
    ) -> MeanStates<Tensor<2>> {
        let segments = Segments::of(&batch.texts, self.segment_words);
        network.states(&words[0], &segments, device)
    }

    fn normalised(&self, batch: &Batch, states: MeanStates<Tensor<2>>) -> MeanStates<Tensor<2>> {
        self.network.normalised(batch, states)
    }

    fn logits(
        &self,
        network: &Network,
        batch: &Batch,
        states: MeanStates<Tensor<2>>,
        device: &Device,
    ) -> Vec<Tensor<2>> {
        self.network.logits(&network.lstm, batch, states, device)
    }

    fn folded<'a>(
        &self,
        network: &Network,
        batches: impl Iterator<Item = (Batch<'a>, MeanStates<Tensor<2>>)>,
    ) -> Network {
        Network {
            lstm: self.network.folded(&network.lstm, batches),
            attention: network.attention.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
