//! Kinds of networks that can be trained: how words become logits in each.

use burn::{
    module::Module,
    tensor::{Device, Tensor},
};
use fused_lstm::PackedBatch;
use model_core::{
    aux_lstm::{AuxLstm, AuxLstmSizes, MeanStates, StateStatistics},
    parameters::Parameters,
};

/// The users of a batch and the words that are read of each.
pub struct Batch<'a> {
    /// Indices of the users.
    pub users: Vec<usize>,
    /// Word ids, a text for each user.
    pub texts: Vec<&'a [u32]>,
}

/// A kind of network.
///
/// The words that it reads come with their vectors: the texts of [`texts`](Self::texts), once for each table of
/// [`Vectors`](super::vectors::Vectors).
pub trait Architecture {
    /// Its layers.
    type Network: Module;

    /// The layers, with these parameters.
    fn network<E>(&self, parameters: &mut Parameters<'_, E>) -> Result<Self::Network, E>;

    /// The texts whose words are embedded for a batch: those of the batch, or parts of them.
    fn texts<'a>(&self, batch: &Batch<'a>) -> Vec<&'a [u32]> {
        batch.texts.clone()
    }

    /// The logits of each task, `[batch, classes]`, in training.
    fn forward(
        &self,
        network: &Self::Network,
        batch: &Batch,
        words: &[PackedBatch],
        device: &Device,
    ) -> Vec<Tensor<2>>;

    /// The network without gradients, ready to be evaluated and saved: statistics over `batches` of training users replace
    /// those over single batches that training uses.
    fn for_inference<'a>(
        &self,
        network: &Self::Network,
        batches: impl Iterator<Item = (Batch<'a>, Vec<PackedBatch>)>,
        device: &Device,
    ) -> Self::Network;

    /// The logits of each task, `[batch, classes]`, of a network [`for_inference`](Self::for_inference).
    fn evaluate(
        &self,
        network: &Self::Network,
        batch: &Batch,
        words: &[PackedBatch],
        device: &Device,
    ) -> Vec<Tensor<2>>;
}

/// Aux-LSTM, see [`AuxLstm`].
pub struct JointLstm {
    /// The network's sizes.
    pub sizes: AuxLstmSizes,
    /// p* of Eq. 9.
    pub dropout: f64,
    /// Whether training normalises each unit of the mean states to mean 0 and variance 1 over the batch.
    pub normalise: bool,
}

impl Architecture for JointLstm {
    type Network = AuxLstm;

    fn network<E>(&self, parameters: &mut Parameters<'_, E>) -> Result<AuxLstm, E> {
        AuxLstm::new(parameters, &self.sizes, self.dropout)
    }

    fn forward(
        &self,
        network: &AuxLstm,
        _batch: &Batch,
        words: &[PackedBatch],
        _device: &Device,
    ) -> Vec<Tensor<2>> {
        match self.normalise {
            true => network.forward_normalised(&words[0]),
            false => network.forward(&words[0]),
        }
    }

    fn for_inference<'a>(
        &self,
        network: &AuxLstm,
        batches: impl Iterator<Item = (Batch<'a>, Vec<PackedBatch>)>,
        _device: &Device,
    ) -> AuxLstm {
        folded(network, self.normalise, batches, |network, _, words| {
            network.mean_states(&words[0])
        })
    }

    fn evaluate(
        &self,
        network: &AuxLstm,
        _batch: &Batch,
        words: &[PackedBatch],
        _device: &Device,
    ) -> Vec<Tensor<2>> {
        network.forward(&words[0])
    }
}

/// LSTMs without gradients. If training normalises their mean states over the batch, the mean and variance of `states` over
/// `batches` become part of the weights.
pub fn folded<'a>(
    network: &AuxLstm,
    normalise: bool,
    batches: impl Iterator<Item = (Batch<'a>, Vec<PackedBatch>)>,
    states: impl Fn(&AuxLstm, &Batch, &[PackedBatch]) -> MeanStates<Tensor<2>>,
) -> AuxLstm {
    let mut statistics = StateStatistics::default();
    if normalise {
        let network = network.valid();
        for (batch, words) in batches {
            statistics.add(states(&network, &batch, &words));
        }
    }
    network.fold(&statistics)
}
