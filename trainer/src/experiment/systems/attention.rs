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
mod tests {
    use super::*;
    use crate::training::vectors::Vectors;
    use burn::tensor::Tolerance;
    use model_core::aux_lstm::AuxLstmSizes;
    use model_core::embedding::Embedding;
    use model_core::parameters::{NamedTensor, TensorSpec, glorot_uniform, save};
    use rand::{Rng, SeedableRng, rngs::StdRng};

    const TEXTS: [&[u32]; 3] = [&[2, 3, 2, 6, 5], &[3, 4], &[]];

    fn embedding() -> Embedding {
        let mut random = StdRng::seed_from_u64(5);
        let rows: Vec<f32> = (0..7 * 4).map(|_| random.random_range(-1.0..1.0)).collect();
        Embedding::quantise(&rows, 4).unwrap()
    }

    fn attentive() -> AttentiveLstm {
        AttentiveLstm {
            network: JointLstm {
                sizes: AuxLstmSizes {
                    input_size: 4,
                    auxiliary_hidden_size: 5,
                    main_hidden_size: 3,
                    dense_size: 6,
                    tasks: vec![(Role::Main, 2), (Role::Auxiliary, 3)],
                },
                dropout: 0.0,
                normalise: false,
                by_words: false,
            },
            segment_words: 2,
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
    fn segments_are_weighted_by_their_scores_and_lengths() {
        let device = Device::flex();
        let embedding = embedding();
        let attentive = attentive();
        let network = network(&attentive, &device);
        // The segments of the first text, as texts.
        let segments: [&[u32]; 3] = [&[2, 3], &[2, 6], &[5]];
        let words = embedding.embed(&segments, &device);
        let alone = network.lstm.mean_states(&words);
        let batch = batch(&TEXTS);
        let words = [embedding.embed(&attentive.texts(&batch), &device)];
        let pooled = attentive.states(&network, &batch, &words, &device);
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
            // The state of an empty text is 0.
            let last = states.narrow(0, 2, 1).into_data();
            assert!(last.iter::<f32>().all(|value| value == 0.0));
        });
    }

    #[test]
    fn parameters_are_read_by_the_names_they_are_saved_under() {
        let device = Device::flex();
        let attentive = attentive();
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
    fn vectors_and_attention_are_trained() {
        let (plain, device) = (Device::flex(), Device::flex().autodiff());
        let embedding = embedding();
        let mut vectors = Vectors::new(&embedding, 0.01);
        let attentive = attentive();
        let network = network(&attentive, &device);
        let cost = |logits: Vec<Tensor<2>>| {
            let costs = logits.into_iter().map(|logits| logits.square().sum());
            costs.reduce(|sum, cost| sum + cost).unwrap()
        };
        let batch = batch(&TEXTS);
        let texts = attentive.texts(&batch);
        let for_inference = attentive.for_inference(&network, std::iter::empty(), &plain);
        let now = |vectors: &Vectors| {
            let words = vectors.embed(&texts, &plain);
            let logits = attentive.evaluate(&for_inference, &batch, &words, &plain);
            cost(logits).into_scalar::<f32>()
        };
        let before = now(&vectors);
        vectors.trained_mut().unwrap().snapshot();
        let words = vectors.embed_for_training(&texts, &device);
        let gradients = cost(attentive.forward(&network, &batch, &words, &device)).backward();
        for attention in &network.attention {
            let slopes = attention.score.val().grad(&gradients).unwrap().into_data();
            assert!(slopes.iter::<f32>().any(|slope| slope != 0.0));
        }
        vectors.trained_mut().unwrap().apply_gradients(&gradients);
        assert!(now(&vectors) < before);
        vectors.trained_mut().unwrap().restore();
        // Rounded again, to the same values.
        assert!((now(&vectors) - before).abs() < 1e-4);
    }
}
