//! The network as a module of burn: Eq. 8–18, for training and for prediction on any device.

use burn::{
    module::Module,
    nn::{Dropout, DropoutConfig, Linear},
    tensor::{Tensor, activation::relu},
};
use fused_lstm::{Lstm, PackedBatch, forward_together};

use super::{AuxLstmSizes, Role};
use crate::parameters::Parameters;

/// The Aux-LSTM network; see the [module](super).
#[derive(Module, Debug)]
pub struct AuxLstm {
    auxiliary: Option<Lstm>,
    pub(super) tasks: Vec<Task>,
}

/// The layers that belong to one task.
#[derive(Module, Debug)]
pub(super) struct Task {
    /// LSTM_main of Eq. 11, in a main task.
    pub(super) lstm: Option<Lstm>,
    /// The dense layer of Eq. 13, in a main task with a shared LSTM.
    pub(super) auxiliary_dense: Option<Linear>,
    /// The dense layer of Eq. 14 (main) or 16 (auxiliary).
    pub(super) dense: Linear,
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
            let (lstm, auxiliary_dense) = match role {
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
                    (Some(lstm), dense)
                }
                Role::Auxiliary => (None, None),
            };
            tasks.push(Task {
                lstm,
                auxiliary_dense,
                dense: linear(
                    parameters,
                    &name("dense"),
                    sizes.read_size(role),
                    dense_size,
                )?,
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
    fn by_task<T>(&self, means: Vec<T>) -> MeanStates<T> {
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
    pub(super) shared: Option<T>,
    pub(super) own: Vec<Option<T>>,
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
