//! An epoch of joint training on batches that the script has made: the paper's network, without dropout, normalised
//! states and penalty.

use std::{path::PathBuf, time::Instant};

use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use model_core::{
    aux_lstm::{AuxLstm, AuxLstmSizes, Role},
    embedding::Embedding,
    joint_loss::{Target, joint_loss},
    parameters::{Parameters, TensorSpec},
};
use serde::{Deserialize, Serialize};

use crate::{Failure, files};

/// An epoch.
#[derive(Deserialize)]
pub struct Request {
    /// Contains `table` (a vector for each word id), `ids` and `lengths` (of all texts in order), `labels.N` for each task
    /// (−1: none) and a file for each parameter.
    folder: PathBuf,
    /// Device name, as for `--device`.
    device: String,
    /// Dimensions of the word vectors.
    input: usize,
    shared_hidden: usize,
    main_hidden: usize,
    dense: usize,
    classes: Vec<usize>,
    batch: usize,
    learning_rate: f64,
}

/// Result.
#[derive(Serialize)]
pub struct Answer {
    ms: f64,
    /// The loss of every batch, before its step.
    losses: Vec<f32>,
}

impl Request {
    /// Trains from the given parameters over all texts once.
    pub fn run(&self) -> Result<Answer, Failure> {
        let device = trainer::device::choose(&self.device)?.autodiff();
        let sizes = AuxLstmSizes {
            input_size: self.input,
            auxiliary_hidden_size: self.shared_hidden,
            main_hidden_size: self.main_hidden,
            dense_size: self.dense,
            tasks: self
                .classes
                .iter()
                .map(|&classes| (Role::Main, classes))
                .collect(),
        };
        let source = |wanted: &TensorSpec| files::exactly(&self.folder, wanted.name, wanted.len());
        let mut network = AuxLstm::new(&mut Parameters::new(&device, source), &sizes, 0.0)?;
        let mut optimiser: ModuleOptimizer = AdamConfig::new().init();
        let embedding = Embedding::quantise(&files::floats(&self.folder, "table")?, self.input)?;
        let ids: Vec<u32> = (files::integers(&self.folder, "ids")?.into_iter())
            .map(|id| id as u32)
            .collect();
        let lengths: Vec<usize> = (files::integers(&self.folder, "lengths")?.into_iter())
            .map(|length| length as usize)
            .collect();
        let labels = (0..self.classes.len())
            .map(|task| files::integers(&self.folder, &format!("labels.{task}")))
            .collect::<Result<Vec<_>, _>>()?;

        let start = Instant::now();
        let mut losses = Vec::new();
        let mut rest = ids.as_slice();
        for (index, lengths) in lengths.chunks(self.batch).enumerate() {
            let texts: Vec<&[u32]> = (lengths.iter())
                .map(|&length| {
                    let (text, others) = rest.split_at(length);
                    rest = others;
                    text
                })
                .collect();
            let words = embedding.embed(&texts, &device);
            let users = index * self.batch..index * self.batch + lengths.len();
            let targets: Vec<Target> = (labels.iter().zip(&self.classes))
                .map(|(labels, &classes)| {
                    let labels = labels[users.clone()].iter();
                    let labels = labels.map(|&class| usize::try_from(class).ok());
                    Target::exact(labels, 1.0, vec![1.0; classes])
                })
                .collect();
            let loss = joint_loss(&network.forward(&words), &targets, &device);
            losses.push(loss.clone().into_scalar::<f32>());
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            network = optimiser.step(self.learning_rate, network, gradients);
        }
        let ms = start.elapsed().as_secs_f64() * 1e3;
        Ok(Answer { ms, losses })
    }
}
