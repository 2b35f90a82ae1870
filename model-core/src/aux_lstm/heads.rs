//! The layers above the LSTMs for one text at a time, in plain numbers: serving needs no tensors, and so none of burn's code.

use super::{AuxLstmSizes, Role};
use crate::parameters::{NamedTensor, values};

/// The layers above the LSTMs of all tasks, as those of [`AuxLstm`](super::AuxLstm) without dropout.
pub struct Heads {
    shared_size: usize,
    tasks: Vec<Head>,
}

struct Head {
    /// The units of the task's own LSTM; 0 in an auxiliary task.
    own_size: usize,
    auxiliary_dense: Option<Dense>,
    dense: Dense,
    output: Dense,
}

/// A fully connected layer.
struct Dense {
    /// `[from, to]`, row by row.
    weight: Vec<f32>,
    /// `[to]`.
    bias: Vec<f32>,
}

impl Heads {
    /// # Errors
    /// If a parameter is missing or has another number of values.
    pub fn new(parameters: &[NamedTensor], sizes: &AuxLstmSizes) -> Result<Self, String> {
        let shared_size = sizes.auxiliary_hidden_size;
        let task = |(index, &(role, classes)): (usize, &(Role, usize))| {
            let dense = |part: &str, from: usize, to: usize| {
                let values = |what: &str, length: usize| {
                    let name = format!("tasks.{index}.{part}.{what}");
                    values(parameters, &name, length).map(<[f32]>::to_vec)
                };
                Ok::<_, String>(Dense {
                    weight: values("weight", from * to)?,
                    bias: values("bias", to)?,
                })
            };
            let is_main = role == Role::Main;
            let is_joint = is_main && shared_size > 0;
            let auxiliary_dense = || dense("auxiliary_dense", shared_size, sizes.dense_size);
            Ok(Head {
                own_size: if is_main { sizes.main_hidden_size } else { 0 },
                auxiliary_dense: is_joint.then(auxiliary_dense).transpose()?,
                dense: dense("dense", sizes.read_size(role), sizes.dense_size)?,
                output: dense("output", sizes.dense_size, classes)?,
            })
        };
        let tasks = sizes
            .tasks
            .iter()
            .enumerate()
            .map(task)
            .collect::<Result<_, String>>()?;
        Ok(Self { shared_size, tasks })
    }

    /// The logits `[task][class]` of a text from its mean states, those of the shared LSTM first and then those of the tasks.
    pub fn logits(&self, states: &[f32]) -> Vec<Vec<f32>> {
        let (shared, mut rest) = states.split_at(self.shared_size);
        let logits = |task: &Head| {
            let (own, others) = rest.split_at(task.own_size);
            rest = others;
            task.logits(own, shared)
        };
        self.tasks.iter().map(logits).collect()
    }
}

impl Head {
    fn logits(&self, own: &[f32], shared: &[f32]) -> Vec<f32> {
        let representation = match &self.auxiliary_dense {
            Some(dense) => [own, &relu(dense.forward(shared))].concat(), // Eq. 13, and the ⊕ of Eq. 14
            None if self.own_size > 0 => own.to_vec(),                   // no shared LSTM, Eq. 7
            None => shared.to_vec(),                                     // Eq. 15
        };
        let features = relu(self.dense.forward(&representation)); // Eq. 8 (dense), 14, 16
        self.output.forward(&features) // the logits of Eq. 10, 17, 18
    }
}

impl Dense {
    fn forward(&self, from: &[f32]) -> Vec<f32> {
        let mut to = self.bias.clone();
        for (value, weights) in from.iter().zip(self.weight.chunks_exact(to.len())) {
            for (sum, weight) in to.iter_mut().zip(weights) {
                *sum += value * weight;
            }
        }
        to
    }
}

fn relu(mut values: Vec<f32>) -> Vec<f32> {
    for value in &mut values {
        // `max` would turn NaN into 0, and hide it from the check of the logits.
        if *value < 0.0 {
            *value = 0.0;
        }
    }
    values
}

#[cfg(all(test, feature = "burn"))]
mod tests {
    use burn::tensor::{Device, Tensor};
    use fused_lstm::forward_together;

    use super::*;
    use crate::{
        aux_lstm::AuxLstm,
        embedding::Embedding,
        parameters::{Parameters, TensorSpec, save},
    };

    #[test]
    fn logits_are_those_of_the_network() {
        let device = Device::flex();
        let cases = [
            (
                4,
                vec![(Role::Main, 3), (Role::Auxiliary, 2), (Role::Main, 2)],
            ),
            (4, vec![(Role::Auxiliary, 2)]),
            (0, vec![(Role::Main, 2), (Role::Main, 5)]),
        ];
        for (auxiliary_hidden_size, tasks) in cases {
            let sizes = AuxLstmSizes {
                input_size: 2,
                auxiliary_hidden_size,
                main_hidden_size: 3,
                dense_size: 5,
                tasks,
            };
            let mut drawn = 0;
            let source = |spec: &TensorSpec| {
                let number = |_| {
                    drawn += 1;
                    (drawn * 37 % 101) as f32 / 50.0 - 1.0
                };
                Ok::<_, String>((0..spec.len()).map(number).collect())
            };
            let network = AuxLstm::new(&mut Parameters::new(&device, source), &sizes, 0.0).unwrap();
            let heads = Heads::new(&save(&network), &sizes).unwrap();

            let rows = [0.0, 0.0, 0.1, 0.9, 1.0, -0.5, -0.5, 1.0];
            let texts: [&[u32]; 3] = [&[2, 3, 2], &[], &[1, 3]];
            let batch = Embedding::quantise(&rows, 2)
                .unwrap()
                .embed(&texts, &device);
            let values = |tensor: Tensor<2>| tensor.into_data().iter::<f32>().collect::<Vec<_>>();
            let expected = values(Tensor::cat(network.forward(&batch), 1));
            let states = values(Tensor::cat(forward_together(&network.lstms(), &batch), 1));
            let states = states.chunks_exact(states.len() / texts.len());
            let found: Vec<f32> = states
                .flat_map(|states| heads.logits(states).concat())
                .collect();
            assert_eq!(found.len(), expected.len());
            for (a, b) in found.iter().zip(&expected) {
                assert!((a - b).abs() < 1e-5, "{found:?} instead of {expected:?}");
            }
        }
    }

    /// Every user used to get the same prediction where a GPU had returned NaN.
    #[test]
    fn states_that_are_no_numbers_looked_like_empty_texts() {
        let sizes = AuxLstmSizes {
            input_size: 2,
            auxiliary_hidden_size: 1,
            main_hidden_size: 1,
            dense_size: 2,
            tasks: vec![(Role::Main, 2)],
        };
        let device = Device::flex();
        let source = |spec: &TensorSpec| Ok::<_, String>(vec![0.5; spec.len()]);
        let network = AuxLstm::new(&mut Parameters::new(&device, source), &sizes, 0.0).unwrap();
        let heads = Heads::new(&save(&network), &sizes).unwrap();
        for states in [[f32::NAN, 1.0], [1.0, f32::NAN]] {
            let logits = heads.logits(&states).concat();
            assert!(logits.iter().all(|logit| logit.is_nan()), "{logits:?}");
        }
    }

    #[test]
    fn a_missing_layer_is_named() {
        let sizes = AuxLstmSizes {
            input_size: 2,
            auxiliary_hidden_size: 0,
            main_hidden_size: 3,
            dense_size: 5,
            tasks: vec![(Role::Main, 2)],
        };
        let error = Heads::new(&[], &sizes).err();
        assert_eq!(
            error.as_deref(),
            Some("tensor \"tasks.0.dense.weight\" is missing")
        );
    }
}
