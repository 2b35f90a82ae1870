//! What a run can teach: kinds of networks, and how texts become logits in them.

use burn::{
    module::Module,
    tensor::{Device, Gradients, Tensor},
};
use model_core::{
    aux_lstm::{AuxLstm, AuxLstmSizes, MeanStates, StateStatistics},
    parameters::{NamedTensor, Parameters},
};

use super::vectors::Vectors;

/// Users of a batch and the words that are read of each.
pub struct Batch<'a> {
    /// Indices of the users.
    pub users: Vec<usize>,
    /// Word ids, a text for each user.
    pub texts: Vec<&'a [u32]>,
}

/// A kind of network.
pub trait Architecture {
    /// Its layers.
    type Network: Module;

    /// The layers, with these parameters.
    fn network<E>(&self, parameters: &mut Parameters<'_, E>) -> Result<Self::Network, E>;

    /// The logits of each task, `[batch, classes]`, as they are in training.
    fn forward(
        &mut self,
        network: &Self::Network,
        batch: &Batch,
        device: &Device,
    ) -> Vec<Tensor<2>>;

    /// What is learned beside the network's parameters follows its gradients in the last [`forward`](Self::forward).
    fn follow(&mut self, _gradients: &Gradients) {}

    /// The network as it is evaluated and saved, without gradients. `batches` are of training users.
    fn finished<'b>(
        &self,
        network: &Self::Network,
        _batches: impl Iterator<Item = Batch<'b>>,
        _device: &Device,
    ) -> Self::Network {
        network.valid()
    }

    /// The logits of each task, `[batch, classes]`, of a finished network.
    fn evaluate(&self, network: &Self::Network, batch: &Batch, device: &Device) -> Vec<Tensor<2>>;

    /// What is learned beside the network's parameters is the best so far.
    fn keep(&mut self) {}

    /// The best takes the place of what was learned last.
    fn restore(&mut self) {}

    /// What is learned beside the network, for a checkpoint: as it is now, and as it was at its best.
    fn save(&self) -> [Vec<NamedTensor>; 2] {
        [Vec::new(), Vec::new()]
    }

    /// Goes on from what was saved, and takes it from there; the error says what does not fit.
    fn resume(
        &mut self,
        _now: &mut Vec<NamedTensor>,
        _best: &mut Vec<NamedTensor>,
    ) -> Result<(), String> {
        Ok(())
    }
}

/// Aux-LSTM, see [`AuxLstm`].
pub struct JointLstm<'a> {
    /// The word vectors.
    pub vectors: Vectors<'a>,
    /// The network's sizes.
    pub sizes: AuxLstmSizes,
    /// p* of Eq. 9.
    pub dropout: f64,
    /// Whether training puts each unit of the mean states to mean 0 and variance 1 over the batch.
    pub normalise: bool,
}

impl Architecture for JointLstm<'_> {
    type Network = AuxLstm;

    fn network<E>(&self, parameters: &mut Parameters<'_, E>) -> Result<AuxLstm, E> {
        AuxLstm::new(parameters, &self.sizes, self.dropout)
    }

    fn forward(&mut self, network: &AuxLstm, batch: &Batch, device: &Device) -> Vec<Tensor<2>> {
        let words = self.vectors.embed_to_learn(&batch.texts, device);
        if self.normalise {
            network.forward_normalised(&words)
        } else {
            network.forward(&words)
        }
    }

    fn follow(&mut self, gradients: &Gradients) {
        self.vectors.follow(gradients);
    }

    fn finished<'b>(
        &self,
        network: &AuxLstm,
        batches: impl Iterator<Item = Batch<'b>>,
        device: &Device,
    ) -> AuxLstm {
        folded(network, self.normalise, batches, |network, batch| {
            network.mean_states(&self.vectors.embed(&batch.texts, device))
        })
    }

    fn evaluate(&self, network: &AuxLstm, batch: &Batch, device: &Device) -> Vec<Tensor<2>> {
        network.forward(&self.vectors.embed(&batch.texts, device))
    }

    fn keep(&mut self) {
        self.vectors.keep();
    }

    fn restore(&mut self) {
        self.vectors.restore();
    }

    fn save(&self) -> [Vec<NamedTensor>; 2] {
        self.vectors.save()
    }

    fn resume(
        &mut self,
        now: &mut Vec<NamedTensor>,
        best: &mut Vec<NamedTensor>,
    ) -> Result<(), String> {
        self.vectors.resume(now, best)
    }
}

/// LSTMs without gradients; if training has normalised their mean states over the batch, mean and variance of these over
/// `batches` are part of the weights. `states` gives them.
pub fn folded<'b>(
    network: &AuxLstm,
    normalise: bool,
    batches: impl Iterator<Item = Batch<'b>>,
    states: impl Fn(&AuxLstm, &Batch) -> MeanStates<Tensor<2>>,
) -> AuxLstm {
    let mut statistics = StateStatistics::default();
    if normalise {
        let network = network.valid();
        for batch in batches {
            statistics.add(states(&network, &batch));
        }
    }
    network.fold(&statistics)
}
