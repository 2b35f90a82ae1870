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

use crate::config::Training;

/// The users of a batch and the words that are read of each.
pub struct Batch<'a> {
    /// Indices of the users.
    pub users: Vec<usize>,
    /// Word ids, a text for each user.
    pub texts: Vec<&'a [u32]>,
}

/// A kind of network: the layers that read the words of a batch, and the layers above that make logits of their states.
///
/// The words that it reads come with their vectors: the texts of [`texts`](Self::texts), once for each table of
/// [`Vectors`](super::vectors::Vectors).
pub trait Architecture {
    /// Its layers.
    type Network: Module;
    /// What the layers above read of a batch.
    type States;

    /// The layers, with these parameters.
    fn network<E>(&self, parameters: &mut Parameters<'_, E>) -> Result<Self::Network, E>;

    /// The texts whose words are embedded for a batch: those of the batch, or parts of them.
    fn texts<'a>(&self, batch: &Batch<'a>) -> Vec<&'a [u32]> {
        batch.texts.clone()
    }

    /// The states of a batch.
    fn states(
        &self,
        network: &Self::Network,
        batch: &Batch,
        words: &[PackedBatch],
        device: &Device,
    ) -> Self::States;

    /// The states of a batch as the layers above read them in training: normalised over the batch, if the settings say so.
    fn normalised(&self, batch: &Batch, states: Self::States) -> Self::States;

    /// The logits of each task, `[batch, classes]`.
    fn logits(
        &self,
        network: &Self::Network,
        batch: &Batch,
        states: Self::States,
        device: &Device,
    ) -> Vec<Tensor<2>>;

    /// `network`, which has no gradients, with the normalisation of training in the weights of the layers above. Its
    /// statistics are those of the states of these batches.
    fn folded<'a>(
        &self,
        network: &Self::Network,
        batches: impl Iterator<Item = (Batch<'a>, Self::States)>,
    ) -> Self::Network;

    /// The logits of each task, `[batch, classes]`, in training.
    fn forward(
        &self,
        network: &Self::Network,
        batch: &Batch,
        words: &[PackedBatch],
        device: &Device,
    ) -> Vec<Tensor<2>> {
        let states = self.states(network, batch, words, device);
        self.logits(network, batch, self.normalised(batch, states), device)
    }

    /// The network without gradients, ready to be evaluated and saved: statistics over `batches` of training users replace
    /// those over single batches that training uses.
    fn for_inference<'a>(
        &self,
        network: &Self::Network,
        batches: impl Iterator<Item = (Batch<'a>, Vec<PackedBatch>)>,
        device: &Device,
    ) -> Self::Network {
        let network = network.valid();
        let states = batches.map(|(batch, words)| {
            let states = self.states(&network, &batch, &words, device);
            (batch, states)
        });
        self.folded(&network, states)
    }

    /// The logits of each task, `[batch, classes]`, of a network [`for_inference`](Self::for_inference).
    fn evaluate(
        &self,
        network: &Self::Network,
        batch: &Batch,
        words: &[PackedBatch],
        device: &Device,
    ) -> Vec<Tensor<2>> {
        let states = self.states(network, batch, words, device);
        self.logits(network, batch, states, device)
    }
}

/// Aux-LSTM, see [`AuxLstm`].
///
/// With several tables of word vectors there is no shared LSTM. The last table is that of all tasks, the others are those of
/// the tasks in order, and a task's LSTM reads both vectors of a word, concatenated.
pub struct JointLstm {
    /// The network's sizes.
    pub sizes: AuxLstmSizes,
    /// p* of Eq. 9.
    pub dropout: f64,
    /// Whether training normalises each unit of the mean states to mean 0 and variance 1 over the batch.
    pub normalise: bool,
    /// Whether a text counts as many times in mean and variance as it has words, and not once. The states of short texts vary
    /// more, and a few of them would hide how long texts differ.
    pub by_words: bool,
}

impl JointLstm {
    /// The network of these sizes, trained by these settings.
    pub fn new(sizes: AuxLstmSizes, dropout: f64, training: &Training) -> Self {
        Self {
            sizes,
            dropout,
            normalise: training.normalise,
            by_words: training.mixes_lengths(),
        }
    }

    /// The weight of each text of a batch in mean and variance.
    fn weights(&self, batch: &Batch) -> Vec<f32> {
        let weight = |text: &&[u32]| match self.by_words {
            true => text.len().max(1) as f32,
            false => 1.0,
        };
        batch.texts.iter().map(weight).collect()
    }
}

impl Architecture for JointLstm {
    type Network = AuxLstm;
    type States = MeanStates<Tensor<2>>;

    fn network<E>(&self, parameters: &mut Parameters<'_, E>) -> Result<AuxLstm, E> {
        AuxLstm::new(parameters, &self.sizes, self.dropout)
    }

    fn states(
        &self,
        network: &AuxLstm,
        _batch: &Batch,
        words: &[PackedBatch],
        _device: &Device,
    ) -> MeanStates<Tensor<2>> {
        let (shared, own) = words.split_last().expect("there is a table of vectors");
        if own.is_empty() {
            return network.mean_states(shared);
        }
        let words = own.iter().map(|own| {
            let vectors = Tensor::cat(vec![own.vectors().clone(), shared.vectors().clone()], 1);
            PackedBatch::new(vectors, own.sequences().to_vec())
        });
        network.mean_states_apart(&words.collect::<Vec<_>>())
    }

    fn normalised(&self, batch: &Batch, states: MeanStates<Tensor<2>>) -> MeanStates<Tensor<2>> {
        match self.normalise {
            true => states.normalised(&self.weights(batch)),
            false => states,
        }
    }

    fn logits(
        &self,
        network: &AuxLstm,
        _batch: &Batch,
        states: MeanStates<Tensor<2>>,
        _device: &Device,
    ) -> Vec<Tensor<2>> {
        network.logits(states)
    }

    fn folded<'a>(
        &self,
        network: &AuxLstm,
        batches: impl Iterator<Item = (Batch<'a>, MeanStates<Tensor<2>>)>,
    ) -> AuxLstm {
        let mut statistics = StateStatistics::default();
        if self.normalise {
            for (batch, states) in batches {
                statistics.add(states, &self.weights(&batch));
            }
        }
        network.fold(&statistics)
    }
}
