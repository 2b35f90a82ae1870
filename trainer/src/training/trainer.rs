//! The training loop: it can be stopped after any batch and continued from there.

use fused_lstm::PackedBatch;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::{
    optim::{AdaGradConfig, AdamConfig, GradientsParams, ModuleOptimizer, OptimizerRecord},
    tensor::{Bytes, Device, Tensor, TensorData},
};
use model_core::{
    joint_loss::{joint_loss, penalty},
    parameters::{self, NamedTensor, Parameters, TensorSpec, glorot_uniform},
    predictor,
};
use rand::{SeedableRng, rngs::StdRng};

use super::{
    Architecture, Batch, TrainError,
    batches::{self, Item, mix},
    calibration::Scored,
    checkpoint::{Checkpoint, CheckpointError, Progress},
    data::Data,
    folder::RunFolder,
    metrics::EpochMetrics,
    vectors::Vectors,
};
use crate::{
    config::{Decay, Optimiser, Training},
    progress,
};

/// How many training users the statistics of the mean hidden states are computed over, where these are normalised.
const STATISTICS_USERS: usize = 2048;

/// What stands in the lines of epochs, which were evaluated on these users.
fn meanings(users: &str) -> String {
    format!(
        "the loss and scores of each epoch are those on the {users}: macro-F1 is the mean of the classes' F1, F \
         (paper) is 2PR/(P+R) of P and R averaged over the classes, and the last figure chooses the best epoch"
    )
}

/// What decides the result of training.
pub struct Setup<'a, A> {
    /// How the network is trained.
    pub training: Training,
    /// The seed of the initial parameters, the order of users, the text windows and dropout.
    pub seed: u64,
    /// Users and tasks.
    pub data: Data,
    /// The kind of network.
    pub architecture: A,
    /// Its word vectors.
    pub vectors: Vectors<'a>,
}

/// A network in training.
pub struct Trainer<'a, A: Architecture> {
    pub(super) setup: Setup<'a, A>,
    /// The device that computes, without gradients.
    pub(super) device: Device,
    /// Where checkpoints and figures are written, if anywhere.
    folder: Option<(RunFolder, Checksum)>,
    network: A::Network,
    optimiser: ModuleOptimizer,
    progress: Progress,
    pub(super) best_parameters: Vec<NamedTensor>,
}

/// The checksum of the data, which a checkpoint holds.
type Checksum = u32;

impl<'a, A: Architecture> Trainer<'a, A> {
    /// A trainer with new parameters. It writes no files, so an interrupted run is lost.
    pub fn new(setup: Setup<'a, A>, device: &Device) -> Result<Self, TrainError> {
        let mut random = StdRng::seed_from_u64(setup.seed);
        let initial = |spec: &TensorSpec| Ok::<_, TrainError>(glorot_uniform(spec, &mut random));
        let gradients_on = device.clone().autodiff();
        Ok(Self {
            network: (setup.architecture).network(&mut Parameters::new(&gradients_on, initial))?,
            device: device.clone(),
            folder: None,
            optimiser: match setup.training.optimiser {
                // The epsilon of the other implementations; burn's own default is larger.
                Optimiser::Adagrad => AdaGradConfig::new().with_epsilon(1e-10).init(),
                Optimiser::Adam => AdamConfig::new().init(),
            },
            progress: Progress::default(),
            best_parameters: Vec::new(),
            setup,
        })
    }

    /// Writes checkpoints and figures into `folder`, and continues from `checkpoint` if there is one. `checksum` is that of
    /// the data.
    pub fn in_folder(
        mut self,
        folder: RunFolder,
        checksum: u32,
        checkpoint: Option<Checkpoint>,
    ) -> Result<Self, TrainError> {
        let path = folder.checkpoint();
        self.folder = Some((folder, checksum));
        let Some(checkpoint) = checkpoint else {
            return Ok(self);
        };
        let Setup { data, training, .. } = &self.setup;
        let batches = batches::count(data.parts.training.len(), training.batch_size);
        (checkpoint.progress.check_batch(batches)).map_err(|what| CheckpointError::Damaged {
            path: path.display().to_string(),
            what,
        })?;
        let gradients_on = self.device.clone().autodiff();
        let source = parameters::source(&checkpoint.parameters);
        self.network = (self.setup.architecture)
            .network(&mut Parameters::new(&gradients_on, source))
            .map_err(does_not_fit)?;
        if let Some(vectors) = self.setup.vectors.trained_mut() {
            vectors.load(&checkpoint.vectors).map_err(does_not_fit)?;
        }
        let record = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(checkpoint.optimiser))
            .map_err(|error| does_not_fit(format!("{error:?}")))?;
        // Before the first step the record is empty, and there is nothing to load.
        if !record.is_empty() {
            self.optimiser = self.optimiser.load_record(record);
        }
        self.progress = checkpoint.progress;
        self.best_parameters = checkpoint.best_parameters;
        Ok(self)
    }

    /// The figures of the finished epochs.
    pub fn history(&self) -> &[EpochMetrics] {
        &self.progress.history
    }

    /// The index in [`history`](Self::history) of the best epoch.
    pub fn best(&self) -> Option<usize> {
        self.progress.best
    }

    /// Trains to the end and returns true. Where `interrupted` is set, writes a checkpoint after the current batch and
    /// returns false.
    pub fn train(&mut self, interrupted: &AtomicBool) -> Result<bool, TrainError> {
        let (mut words, all_words) = self.words();
        let mut bar = progress::Progress::new("training", "words", Some(all_words));
        bar.start_at(words);
        let print = bar.printer();
        if self.folder.is_some() {
            let (users, _) = self.setup.data.parts.evaluated();
            print(&meanings(users));
        }
        while !self.is_over() {
            let mut batches = self.batches(self.progress.epoch);
            for batch in batches.drain(self.progress.batch..) {
                words += word_count(std::slice::from_ref(&batch));
                self.step(&batch)?;
                bar.set(words);
                if interrupted.load(Ordering::Relaxed) {
                    self.write_checkpoint()?;
                    return Ok(false);
                }
                let steps = self.setup.training.checkpoint_steps as u64;
                if self.progress.step.is_multiple_of(steps) {
                    self.write_checkpoint()?;
                }
            }
            self.end_epoch()?;
            self.write_checkpoint()?;
            if let Some((folder, _)) = &self.folder {
                let last = self.progress.history.len() - 1;
                let best = match self.progress.best == Some(last) {
                    true => " (best so far)",
                    false => "",
                };
                let epoch = &self.progress.history[last];
                let (name, figure) = epoch.deciding_figure(self.setup.training.select_by);
                print(&format!("{epoch}; {name} {figure:.4}{best}"));
                folder.write_metrics(&self.progress.history, None)?;
            }
        }
        if let Some(vectors) = self.setup.vectors.trained_mut() {
            vectors.restore();
            vectors.quantise().map_err(|what| {
                TrainError::Unusable(format!(
                    "{what}; try a smaller network.vector_learning_rate"
                ))
            })?;
        }
        Ok(true)
    }

    fn is_over(&self) -> bool {
        let &Progress { epoch, best, .. } = &self.progress;
        let &Training {
            epochs, patience, ..
        } = &self.setup.training;
        epoch >= epochs || (patience > 0 && best.is_some_and(|best| epoch - best > patience))
    }

    fn batches(&self, epoch: usize) -> Vec<Vec<Item>> {
        let Setup {
            training,
            seed,
            data,
            ..
        } = &self.setup;
        batches::of_epoch(&data.users, &data.parts.training, training, *seed, epoch)
    }

    /// The words that were read so far, and those of all epochs.
    fn words(&self) -> (u64, u64) {
        let batches = self.batches(self.progress.epoch);
        let per_epoch = word_count(&batches);
        let read =
            per_epoch * self.progress.epoch as u64 + word_count(&batches[..self.progress.batch]);
        (read, per_epoch * self.setup.training.epochs as u64)
    }

    fn step(&mut self, items: &[Item]) -> Result<(), TrainError> {
        let Setup {
            training,
            seed,
            data,
            architecture,
            vectors,
        } = &mut self.setup;
        // Dropout draws random numbers of the device. They are seeded at every step, so that a continued run draws the same.
        self.device.seed(mix(*seed, self.progress.step));
        let device = self.device.clone().autodiff();
        let batch = data.batch(items);
        let targets = data.targets(&batch.users);
        let words = vectors.embed_for_training(&architecture.texts(&batch), &device);
        let mut logits = architecture.forward(&self.network, &batch, &words, &device);
        if training.mixes_lengths() {
            let factor = |text: &&[u32]| (1.0 / training.temperature(text.len())) as f32;
            let factors = batch.texts.iter().map(factor).collect();
            let factors = TensorData::new(factors, [batch.texts.len(), 1]);
            let factors = Tensor::<2>::from_data(factors, &device);
            for logits in &mut logits {
                *logits = logits.clone() * factors.clone();
            }
        }
        let mut loss = joint_loss(&logits, &targets, &device); // Eq. 19
        if training.l2 > 0.0 {
            loss = loss + penalty(&self.network, training.l2_on, &device) * training.l2;
        }
        let value = f64::from(loss.clone().into_scalar::<f32>());
        if !value.is_finite() {
            return Err(TrainError::Unusable(format!(
                "the cost became {value} at step {}; try a smaller training.learning_rate or network.vector_learning_rate",
                self.progress.step
            )));
        }
        let gradients = loss.backward();
        if let Some(vectors) = vectors.trained_mut() {
            vectors.apply_gradients(&gradients);
        }
        let gradients = GradientsParams::from_grads(gradients, &self.network);
        let users = batch.users.len();
        self.network = (self.optimiser).step(self.learning_rate(), self.network.clone(), gradients);
        self.progress.step += 1;
        self.progress.batch += 1;
        self.progress.loss_sum += value * users as f64;
        self.progress.loss_users += users;
        Ok(())
    }

    fn learning_rate(&self) -> f64 {
        let Setup { training, data, .. } = &self.setup;
        let factor = match training.decay {
            Decay::None => 1.0,
            Decay::Linear => {
                let batches = batches::count(data.parts.training.len(), training.batch_size);
                1.0 - self.progress.step as f64 / (batches * training.epochs) as f64
            }
        };
        training.learning_rate * factor
    }

    /// The network as it is evaluated and saved, without gradients.
    fn network_for_inference(&self) -> A::Network {
        let Setup {
            training,
            data,
            architecture,
            ..
        } = &self.setup;
        let batches = self.batches(self.progress.epoch);
        let batches = (batches.iter())
            .take(STATISTICS_USERS.div_ceil(training.batch_size))
            .map(|items| {
                let batch = data.batch(items);
                let words = self.embed(&batch);
                (batch, words)
            });
        architecture.for_inference(&self.network, batches, &self.device)
    }

    /// Evaluates the epoch on the validation users, and keeps its parameters if it is the best so far.
    fn end_epoch(&mut self) -> Result<(), TrainError> {
        let Setup { data, training, .. } = &self.setup;
        let (_, users) = data.parts.evaluated();
        let network = self.network_for_inference();
        let scores = self.scores(&network, users, usize::MAX)?;
        let progress = &mut self.progress;
        let metrics = EpochMetrics::new(
            progress.epoch + 1,
            progress.loss_sum / progress.loss_users.max(1) as f64,
            &data.tasks,
            &scores,
            training.select_by,
        );
        if (progress.best).is_none_or(|best| metrics.score > progress.history[best].score) {
            progress.best = Some(progress.history.len());
            self.best_parameters = parameters::save(&network);
            if let Some(vectors) = self.setup.vectors.trained_mut() {
                vectors.snapshot();
            }
        }
        progress.history.push(metrics);
        progress.epoch += 1;
        progress.batch = 0;
        progress.loss_sum = 0.0;
        progress.loss_users = 0;
        Ok(())
    }

    fn embed(&self, batch: &Batch) -> Vec<PackedBatch> {
        let texts = self.setup.architecture.texts(batch);
        self.setup.vectors.embed(&texts, &self.device)
    }

    /// The logits of the first `words` words of each of `users`, a task at a time. Users without a label for a task are
    /// left out of it.
    pub(super) fn scores(
        &self,
        network: &A::Network,
        users: &[usize],
        words: usize,
    ) -> Result<Vec<Vec<Scored>>, TrainError> {
        let Setup {
            data, architecture, ..
        } = &self.setup;
        let text = |&user: &usize| {
            let text = &data.users[user].words;
            &text[..text.len().min(words)]
        };
        let texts: Vec<&[u32]> = users.iter().map(text).collect();
        let forward = |places: &[usize]| {
            let batch = Batch {
                users: places.iter().map(|&place| users[place]).collect(),
                texts: places.iter().map(|&place| texts[place]).collect(),
            };
            architecture.evaluate(network, &batch, &self.embed(&batch), &self.device)
        };
        let logits = predictor::logits_by(&texts, forward);
        let logits = futures_lite::future::block_on(logits)?;
        let mut scores = vec![Vec::new(); data.tasks.len()];
        for ((&user, text), logits) in users.iter().zip(&texts).zip(logits) {
            for ((task, scores), logits) in scores.iter_mut().enumerate().zip(logits) {
                if let Some(classes) = data.users[user].classes_of(task) {
                    scores.push(Scored {
                        logits,
                        classes,
                        words: text.len(),
                    });
                }
            }
        }
        Ok(scores)
    }

    fn write_checkpoint(&self) -> Result<(), TrainError> {
        let Some((folder, checksum)) = &self.folder else {
            return Ok(());
        };
        let optimiser = self.optimiser.to_record().into_bytes().map_err(|error| {
            TrainError::Unusable(format!("the optimiser's state cannot be saved: {error:?}"))
        })?;
        let vectors = self.setup.vectors.trained();
        let checkpoint = Checkpoint {
            settings: folder.settings().to_owned(),
            data: *checksum,
            progress: self.progress.clone(),
            parameters: parameters::save(&self.network),
            best_parameters: self.best_parameters.clone(),
            vectors: vectors.map_or(Vec::new(), |vectors| vectors.save()),
            optimiser: optimiser.to_vec(),
        };
        Ok(checkpoint.write(&folder.checkpoint())?)
    }
}

fn word_count(batches: &[Vec<Item>]) -> u64 {
    let items = batches.iter().flatten();
    items.map(|item| item.words.len() as u64).sum()
}

fn does_not_fit(what: String) -> TrainError {
    TrainError::Unusable(format!("the checkpoint does not fit: {what}"))
}
