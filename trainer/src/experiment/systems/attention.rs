//! Aux-LSTM with attention in place of the mean over a text, which the paper does not have.

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Device, Gradients, Tensor, TensorData, activation::softmax},
};
use fused_lstm::PackedBatch;
use model_core::{
    aux_lstm::{AuxLstm, AuxLstmSizes, MeanStates, Role, linear},
    parameters::Parameters,
};

use crate::training::vectors::Vectors;
use crate::training::{Architecture, Batch, folded};

/// Added to the score of a segment of another user's: its weight is 0.
const NEVER: f32 = -1e9;

/// Aux-LSTM that reads so.
pub struct AttentiveLstm<'a> {
    /// The word vectors.
    pub vectors: Vectors<'a>,
    /// The network's sizes.
    pub sizes: AuxLstmSizes,
    /// p* of Eq. 9.
    pub dropout: f64,
    /// Whether training puts each unit of the pooled states to mean 0 and variance 1 over the batch.
    pub normalise: bool,
    /// A text is read in segments of so many words, each on its own, and attention weighs them.
    pub segment: usize,
}

/// The LSTMs and the attention over what each of them makes of the segments.
#[derive(Module, Debug)]
pub struct Network {
    lstm: AuxLstm,
    attention: Vec<Attention>,
}

/// How much a segment counts, by the mean state h of an LSTM over it: uᵀ tanh(W h + b) (Yang et al. 2016, Eq. 8 and 9).
#[derive(Module, Debug)]
struct Attention {
    dense: Linear,
    score: Param<Tensor<2>>,
}

/// Which segments are whose.
struct Segments<'a> {
    texts: Vec<&'a [u32]>,
    /// The text that each is of.
    owners: Vec<usize>,
    /// How many texts there are.
    count: usize,
}

impl<'a> Segments<'a> {
    /// An empty text is one segment.
    fn of(texts: &[&'a [u32]], words: usize) -> Self {
        let mut segments = Self {
            texts: Vec::new(),
            owners: Vec::new(),
            count: texts.len(),
        };
        for (owner, text) in texts.iter().enumerate() {
            match text.is_empty() {
                true => segments.texts.push(text),
                false => segments.texts.extend(text.chunks(words)),
            }
            segments.owners.resize(segments.texts.len(), owner);
        }
        segments
    }

    /// What is added to the scores, `[texts, segments]`: the logarithm of the number of words, so that segments of equal
    /// scores weigh by their length, as words do in the mean.
    fn bias(&self, device: &Device) -> Tensor<2> {
        let bias = (0..self.count).flat_map(|text| {
            (self.owners.iter().zip(&self.texts)).map(move |(&owner, segment)| {
                match owner == text {
                    true => (segment.len().max(1) as f32).ln(),
                    false => NEVER,
                }
            })
        });
        let shape = [self.count, self.texts.len()];
        Tensor::from_data(TensorData::new(bias.collect(), shape), device)
    }
}

impl Network {
    /// The states of each text: the mean over its segments by their weights.
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

impl AttentiveLstm<'_> {
    fn evaluated(
        &self,
        network: &Network,
        batch: &Batch,
        device: &Device,
    ) -> MeanStates<Tensor<2>> {
        let segments = Segments::of(&batch.texts, self.segment);
        let words = self.vectors.embed(&segments.texts, device);
        network.states(&words, &segments, device)
    }
}

impl Architecture for AttentiveLstm<'_> {
    type Network = Network;

    fn network<E>(&self, parameters: &mut Parameters<'_, E>) -> Result<Network, E> {
        let sizes = &self.sizes;
        let lstm = parameters.of_part("lstm", |parameters| {
            AuxLstm::new(parameters, sizes, self.dropout)
        })?;
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

    fn forward(&mut self, network: &Network, batch: &Batch, device: &Device) -> Vec<Tensor<2>> {
        let segments = Segments::of(&batch.texts, self.segment);
        let words = self.vectors.embed_to_learn(&segments.texts, device);
        let states = network.states(&words, &segments, device);
        network.lstm.logits(if self.normalise {
            states.normalised()
        } else {
            states
        })
    }

    fn follow(&mut self, gradients: &Gradients) {
        self.vectors.follow(gradients);
    }

    fn finished<'b>(
        &self,
        network: &Network,
        batches: impl Iterator<Item = Batch<'b>>,
        device: &Device,
    ) -> Network {
        let network = network.valid();
        let lstm = folded(&network.lstm, self.normalise, batches, |_, batch| {
            self.evaluated(&network, batch, device)
        });
        Network { lstm, ..network }
    }

    fn evaluate(&self, network: &Network, batch: &Batch, device: &Device) -> Vec<Tensor<2>> {
        (network.lstm).logits(self.evaluated(network, batch, device))
    }

    fn keep(&mut self) {
        self.vectors.keep();
    }

    fn restore(&mut self) {
        self.vectors.restore();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Tolerance;
    use model_core::embedding::Embedding;
    use model_core::parameters::{NamedTensor, TensorSpec, glorot_uniform, save};
    use rand::{Rng, SeedableRng, rngs::StdRng};

    const TEXTS: [&[u32]; 3] = [&[2, 3, 2, 6, 5], &[3, 4], &[]];

    fn embedding() -> Embedding {
        let mut random = StdRng::seed_from_u64(5);
        let rows: Vec<f32> = (0..7 * 4).map(|_| random.random_range(-1.0..1.0)).collect();
        Embedding::quantise(&rows, 4).unwrap()
    }

    fn attentive(embedding: &Embedding, vector_learning_rate: f64) -> AttentiveLstm<'_> {
        AttentiveLstm {
            vectors: Vectors::new(embedding, vector_learning_rate),
            sizes: AuxLstmSizes {
                input_size: 4,
                auxiliary_hidden_size: 5,
                main_hidden_size: 3,
                dense_size: 6,
                tasks: vec![(Role::Main, 2), (Role::Auxiliary, 3)],
            },
            dropout: 0.0,
            normalise: false,
            segment: 2,
        }
    }

    fn network(attentive: &AttentiveLstm, device: &Device) -> Network {
        let mut random = StdRng::seed_from_u64(3);
        let source = |wanted: &TensorSpec| Ok::<_, ()>(glorot_uniform(wanted, &mut random));
        attentive
            .network(&mut Parameters::new(device, source))
            .unwrap()
    }

    fn batch(texts: &[&'static [u32]]) -> Batch<'static> {
        Batch {
            users: (0..texts.len()).collect(),
            texts: texts.to_vec(),
        }
    }

    #[test]
    fn segments_are_weighed_by_their_scores_and_lengths() {
        let device = Device::flex();
        let embedding = embedding();
        let attentive = attentive(&embedding, 0.0);
        let network = network(&attentive, &device);
        // The segments of the first text, each read as a text of its own by the LSTM of the main task.
        let segments: [&[u32]; 3] = [&[2, 3], &[2, 6], &[5]];
        let words = embedding.embed(&segments, &device);
        let alone = network.lstm.mean_states(&words);
        let pooled = attentive.evaluated(&network, &batch(&TEXTS), &device);
        let mut attention = network.attention.iter();
        let mut expected = Vec::new();
        alone.map(|states| {
            let [count, units] = states.dims();
            let states: Vec<f32> = states.into_data().iter().collect();
            let attention = attention.next().unwrap();
            let of = |tensor: TensorData| tensor.iter::<f32>().collect::<Vec<_>>();
            let weight = of(attention.dense.weight.val().into_data());
            let bias = of(attention.dense.bias.as_ref().unwrap().val().into_data());
            let score = of(attention.score.val().into_data());
            let mut weights: Vec<f32> = (0..count)
                .map(|segment| {
                    let state = &states[segment * units..][..units];
                    let dense = (0..units).map(|unit| {
                        let sum: f32 = (0..units)
                            .map(|k| state[k] * weight[k * units + unit])
                            .sum();
                        (sum + bias[unit]).tanh() * score[unit]
                    });
                    segments[segment].len() as f32 * dense.sum::<f32>().exp()
                })
                .collect();
            let sum: f32 = weights.iter().sum();
            weights.iter_mut().for_each(|weight| *weight /= sum);
            let mean = (0..units).map(|unit| {
                (0..count)
                    .map(|k| weights[k] * states[k * units + unit])
                    .sum()
            });
            expected.push(mean.collect::<Vec<f32>>());
        });
        assert_eq!(expected.len(), 2);
        let mut expected = expected.into_iter();
        pooled.map(|states| {
            let [texts, units] = states.dims();
            assert_eq!(texts, TEXTS.len());
            let expected = TensorData::new(expected.next().unwrap(), [1, units]);
            let first = states.clone().narrow(0, 0, 1).into_data();
            first.assert_approx_eq(&expected, Tolerance::<f32>::absolute(1e-6));
            // Of no word there is no state.
            let last = states.narrow(0, 2, 1).into_data();
            assert!(last.iter::<f32>().all(|value| value == 0.0));
        });
    }

    #[test]
    fn parameters_are_found_again_by_the_names_they_are_saved_under() {
        let device = Device::flex();
        let embedding = embedding();
        let attentive = attentive(&embedding, 0.01);
        let first = network(&attentive, &device);
        let all = save(&first);
        let source = |wanted: &TensorSpec| {
            let found = all.iter().find(|saved| saved.name == wanted.name);
            found
                .map(|saved: &NamedTensor| saved.values.clone())
                .ok_or(wanted.name.to_owned())
        };
        let again = attentive
            .network(&mut Parameters::new(&device, source))
            .unwrap();
        assert_eq!(save(&again), all);
    }

    #[test]
    fn vectors_and_attention_learn() {
        let (plain, device) = (Device::flex(), Device::flex().autodiff());
        let embedding = embedding();
        let mut attentive = attentive(&embedding, 0.01);
        let network = network(&attentive, &device);
        let cost = |logits: Vec<Tensor<2>>| {
            let costs = logits.into_iter().map(|logits| logits.square().sum());
            costs.reduce(|sum, cost| sum + cost).unwrap()
        };
        let finished = attentive.finished(&network, std::iter::empty(), &plain);
        let now = |attentive: &AttentiveLstm| {
            let logits = attentive.evaluate(&finished, &batch(&TEXTS), &plain);
            cost(logits).into_scalar::<f32>()
        };
        let before = now(&attentive);
        attentive.keep();
        let gradients = cost(attentive.forward(&network, &batch(&TEXTS), &device)).backward();
        for attention in &network.attention {
            let slopes = attention.score.val().grad(&gradients).unwrap().into_data();
            assert!(slopes.iter::<f32>().any(|slope| slope != 0.0));
        }
        attentive.follow(&gradients);
        assert!(now(&attentive) < before);
        attentive.restore();
        // Rounded once more, to what they were.
        assert!((now(&attentive) - before).abs() < 1e-4);
    }
}
