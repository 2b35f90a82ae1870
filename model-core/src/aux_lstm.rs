//! Aux-LSTM (Sections 4.2 and 4.3, Eq. 8–18) for any number of tasks.
//!
//! All tasks share one auxiliary LSTM. An auxiliary task reads only that one; a main task has an LSTM of its own as well.
//! The model of the paper has one main and one auxiliary task. The single-task LSTM (Section 4.2) is one main task without
//! the shared LSTM. Three main tasks over one shared LSTM are the future work of the paper.
//!
//! ```
//! use burn::tensor::Device;
//! use model_core::aux_lstm::{AuxLstm, AuxLstmSizes, Role};
//! use model_core::embedding::Embedding;
//! use model_core::parameters::{Parameters, TensorSpec};
//!
//! // The paper's model: a main task of seven classes, and an auxiliary one of two.
//! let sizes = AuxLstmSizes {
//!     input_size: 2,
//!     auxiliary_hidden_size: 4,
//!     main_hidden_size: 4,
//!     dense_size: 4,
//!     tasks: vec![(Role::Main, 7), (Role::Auxiliary, 2)],
//! };
//! sizes.check()?;
//! // Parameters come from a bundle, or from `glorot_uniform` for training; here all are alike.
//! let source = |spec: &TensorSpec| Ok::<_, String>(vec![0.1; spec.len()]);
//! let device = Device::flex();
//! let network = AuxLstm::new(&mut Parameters::new(&device, source), &sizes, 0.0)?;
//!
//! let embedding = Embedding::quantise(&[0.0, 0.0, 0.1, 0.1, 1.0, 0.5], 2)?;
//! let texts: [&[u32]; 3] = [&[2, 1, 2], &[1], &[2]];
//! let logits = network.forward(&embedding.embed(&texts, &device));
//! assert_eq!(logits[0].dims(), [3, 7]);
//! assert_eq!(logits[1].dims(), [3, 2]);
//! # Ok::<(), String>(())
//! ```

use burn::{
    module::Module,
    nn::{Dropout, DropoutConfig, Linear},
    tensor::{Tensor, activation::relu},
};
use fused_lstm::{Lstm, PackedBatch, forward_together};
use serde::{Deserialize, Serialize};

use crate::parameters::Parameters;

#[cfg(feature = "training")]
mod normalised;
#[cfg(feature = "training")]
pub use normalised::{StateStatistics, UnitStatistics, normalised};

/// How a task takes part in joint learning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads its own LSTM and the shared one (Eq. 11–14).
    Main,
    /// Reads the shared LSTM only (Eq. 15–16).
    Auxiliary,
}

/// The sizes of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuxLstmSizes {
    /// Dimensions of a word vector.
    pub input_size: usize,
    /// Hidden units of the shared auxiliary LSTM; 0 for none, so that each task learns alone.
    pub auxiliary_hidden_size: usize,
    /// Hidden units of each main task's LSTM.
    pub main_hidden_size: usize,
    /// Units of every fully connected layer.
    pub dense_size: usize,
    /// The role and the number of classes of each task.
    pub tasks: Vec<(Role, usize)>,
}

/// The Aux-LSTM network; see the [module](self).
#[derive(Module, Debug)]
pub struct AuxLstm {
    auxiliary: Option<Lstm>,
    tasks: Vec<Task>,
}

/// The layers that belong to one task.
#[derive(Module, Debug)]
struct Task {
    /// LSTM_main of Eq. 11, in a main task.
    lstm: Option<Lstm>,
    /// The dense layer of Eq. 13, in a main task with a shared LSTM.
    auxiliary_dense: Option<Linear>,
    /// The dense layer of Eq. 14 (main) or 16 (auxiliary).
    dense: Linear,
    /// W and b of Eq. 17 (main) or 18 (auxiliary).
    output: Linear,
    /// D(p*) of Eq. 13, 14 and 16.
    dropout: Dropout,
}

impl AuxLstm {
    /// A network of the given sizes, which [`AuxLstmSizes::check`] must accept. `dropout` is the probability p* of Eq. 9,
    /// used in training only.
    ///
    /// # Errors
    /// The first error of the source of `parameters`.
    pub fn new<E>(
        parameters: &mut Parameters<'_, E>,
        sizes: &AuxLstmSizes,
        dropout: f64,
    ) -> Result<Self, E> {
        let &AuxLstmSizes {
            input_size,
            auxiliary_hidden_size,
            main_hidden_size,
            dense_size,
            ..
        } = sizes;
        let auxiliary = match auxiliary_hidden_size {
            0 => None,
            size => Some(parameters.lstm("auxiliary", input_size, size)?),
        };
        let mut tasks = Vec::new();
        for (index, &(role, classes)) in sizes.tasks.iter().enumerate() {
            let name = |part: &str| format!("tasks.{index}.{part}");
            let (lstm, auxiliary_dense, read) = match role {
                Role::Main => {
                    let lstm = parameters.lstm(&name("lstm"), input_size, main_hidden_size)?;
                    let dense = match auxiliary_hidden_size {
                        0 => None,
                        size => Some(linear(
                            parameters,
                            &name("auxiliary_dense"),
                            size,
                            dense_size,
                        )?),
                    };
                    let read = main_hidden_size + if dense.is_some() { dense_size } else { 0 };
                    (Some(lstm), dense, read)
                }
                Role::Auxiliary => (None, None, auxiliary_hidden_size),
            };
            tasks.push(Task {
                lstm,
                auxiliary_dense,
                dense: linear(parameters, &name("dense"), read, dense_size)?,
                output: linear(parameters, &name("output"), dense_size, classes)?,
                dropout: DropoutConfig::new(dropout).init(),
            });
        }
        Ok(Self { auxiliary, tasks })
    }

    /// The logits of every task, `[batch, classes]` each: the arguments of the softmax in Eq. 10, 17 and 18.
    pub fn forward(&self, words: &PackedBatch) -> Vec<Tensor<2>> {
        self.logits(self.mean_states(words))
    }

    /// The mean hidden state of every LSTM (Eq. 11, 12 and 15), in one pass over the words.
    pub fn mean_states(&self, words: &PackedBatch) -> MeanStates<Tensor<2>> {
        self.by_task(forward_together(&self.lstms(), words))
    }

    /// The same in a network without a shared LSTM whose tasks have word vectors of their own. `words` holds the batch once
    /// for each task.
    ///
    /// # Panics
    /// If there is a shared LSTM.
    #[cfg(feature = "training")]
    pub fn mean_states_apart(&self, words: &[PackedBatch]) -> MeanStates<Tensor<2>> {
        assert!(self.auxiliary.is_none(), "a shared LSTM reads one text");
        MeanStates {
            shared: None,
            own: (self.tasks.iter().zip(words))
                .map(|(task, words)| Some(task.lstm.as_ref()?.forward(words))) // Eq. 11
                .collect(),
        }
    }

    /// All LSTMs: the shared one, then those of the tasks.
    pub(crate) fn lstms(&self) -> Vec<&Lstm> {
        let own = self.tasks.iter().filter_map(|task| task.lstm.as_ref());
        self.auxiliary.iter().chain(own).collect()
    }

    /// Assigns a value for each LSTM, in the order of [`lstms`](Self::lstms).
    pub(crate) fn by_task<T>(&self, means: Vec<T>) -> MeanStates<T> {
        let mut means = means.into_iter();
        let mut mean = |_: &Lstm| means.next().expect("a mean for each LSTM");
        MeanStates {
            shared: self.auxiliary.as_ref().map(&mut mean), // Eq. 12, 15
            own: (self.tasks.iter())
                .map(|task| task.lstm.as_ref().map(&mut mean)) // Eq. 11
                .collect(),
        }
    }

    /// The logits of every task, `[batch, classes]` each, from mean states.
    pub fn logits(&self, MeanStates { shared, own }: MeanStates<Tensor<2>>) -> Vec<Tensor<2>> {
        (self.tasks.iter().zip(own))
            .map(|(task, own)| task.logits(own, shared.as_ref()))
            .collect()
    }
}

/// A value for the shared LSTM and for the LSTM of each task, where there is one.
#[derive(Clone, Debug)]
pub struct MeanStates<T> {
    shared: Option<T>,
    own: Vec<Option<T>>,
}

impl<T> MeanStates<T> {
    /// Combines the two values of each LSTM.
    pub(crate) fn zip_with<U, V>(
        self,
        others: MeanStates<U>,
        mut combine: impl FnMut(T, U) -> V,
    ) -> MeanStates<V> {
        let mut combine = |(one, other)| combine(one, other);
        MeanStates {
            shared: self.shared.zip(others.shared).map(&mut combine),
            own: (self.own.into_iter().zip(others.own))
                .map(|(one, other)| one.zip(other).map(&mut combine))
                .collect(),
        }
    }
}

impl Task {
    fn logits(&self, own: Option<Tensor<2>>, shared: Option<&Tensor<2>>) -> Tensor<2> {
        let representation = match (own, shared, &self.auxiliary_dense) {
            (Some(own), Some(shared), Some(dense)) => {
                let auxiliary = self.dropout.forward(relu(dense.forward(shared.clone()))); // Eq. 13
                Tensor::cat(vec![own, auxiliary], 1) // the ⊕ of Eq. 14
            }
            (Some(own), ..) => own, // no shared LSTM, Eq. 7
            (None, shared, _) => shared.expect("an auxiliary task has a shared LSTM").clone(), // Eq. 15
        };
        let features = self
            .dropout
            .forward(relu(self.dense.forward(representation))); // Eq. 8 (dense), 9 (dropout); 14, 16
        self.output.forward(features) // the logits of Eq. 10; 17, 18
    }
}

/// A dense layer with the parameters `NAME.weight`, `[from, to]`, and `NAME.bias`, `[to]`.
///
/// # Errors
/// The first error of the source of `parameters`.
pub fn linear<E>(
    parameters: &mut Parameters<'_, E>,
    name: &str,
    from: usize,
    to: usize,
) -> Result<Linear, E> {
    Ok(Linear {
        weight: parameters.matrix(&format!("{name}.weight"), from, to, 1)?,
        bias: Some(parameters.vector(&format!("{name}.bias"), to, 1)?),
    })
}

impl AuxLstmSizes {
    /// Checks that a network of these sizes can be built.
    ///
    /// # Errors
    /// One line that names the size at fault.
    pub fn check(&self) -> Result<(), String> {
        if self.tasks.is_empty() {
            return Err("there is no task".into());
        }
        // Far above any sensible size; below it no product of two sizes overflows, not even in 32 bits.
        const LIMIT: usize = 16_384;
        let sizes = [
            ("input_size", self.input_size),
            ("auxiliary_hidden_size", self.auxiliary_hidden_size),
            ("main_hidden_size", self.main_hidden_size),
            ("dense_size", self.dense_size),
        ];
        let classes =
            (self.tasks.iter()).map(|&(_, classes)| ("a task's number of classes", classes));
        if let Some((name, size)) = sizes
            .into_iter()
            .chain(classes)
            .find(|(_, size)| *size > LIMIT)
        {
            return Err(format!("{name} is {size}; permitted: at most {LIMIT}"));
        }
        for (name, size) in [
            ("input_size", self.input_size),
            ("dense_size", self.dense_size),
        ] {
            if size == 0 {
                return Err(format!("{name} is 0; permitted: at least 1"));
            }
        }
        for (role, classes) in &self.tasks {
            if *classes < 2 {
                return Err("every task needs at least two classes".into());
            }
            match role {
                Role::Main if self.main_hidden_size == 0 => {
                    return Err(
                        "main_hidden_size is 0; permitted: at least 1, as there is a main task"
                            .into(),
                    );
                }
                Role::Auxiliary if self.auxiliary_hidden_size == 0 => {
                    return Err(
                        "auxiliary_hidden_size is 0; permitted: at least 1, as there is an auxiliary task"
                            .into(),
                    );
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_no_network_has_was_ignored() {
        let read = |more: &str| {
            serde_json::from_str::<AuxLstmSizes>(&format!(
                r#"{{"input_size": 4, "auxiliary_hidden_size": 3, "main_hidden_size": 2, "dense_size": 3,
                    "tasks": [["main", 2]]{more}}}"#
            ))
        };
        assert!(read("").is_ok());
        let error = read(r#", "layers": 2"#).unwrap_err().to_string();
        assert!(error.contains("layers"), "{error}");
    }
}
