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
