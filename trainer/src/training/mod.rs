//! Training: from a config to a run folder with the bundle in it.
//!
//! `prepare` reads what the config names, [`Run`] holds a network while it learns and can be stopped and taken
//! up at any batch, `finish` makes the bundle of the best epoch and scores it on the test users. What kind of network
//! learns is the [`Architecture`]'s matter.

mod architecture;
pub mod batches;
pub mod calibration;
pub mod checkpoint;
pub mod examples;
mod finish;
mod prepare;
pub mod vectors;
mod wide;

use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use burn::{
    optim::{AdaGradConfig, AdamConfig, GradientsParams, ModuleOptimizer, OptimizerRecord},
    tensor::{Bytes, Device},
};
use model_core::{
    aux_lstm::Role,
    calibration::Calibration,
    card::AttributeFigures,
    joint_loss::{joint_loss, penalty},
    parameters::{self, NamedTensor, Parameters, TensorSpec, glorot_uniform},
    predictor::{self, PredictError},
    text::Segmenter,
};
use rand::{SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};

use crate::{
    config::{Config, ConfigError, Decay, Optimiser, SelectBy, Task},
    corpus::CorpusError,
    device::{self, DeviceError},
    evaluation::Metrics,
    linear::LinearError,
    output::{OutputError, PendingFile, make_folder},
    progress, settings,
    word2vec::VectorsError,
};
use batches::{Item, mix};
use calibration::Scored;
use checkpoint::{Checkpoint, CheckpointError, Progress};
use vectors::Vectors;

pub use architecture::{Architecture, Batch, JointLstm, folded};
pub use finish::Finished;
pub use prepare::{Data, class_counts, read_vectors};

/// The files of a run folder.
pub const BUNDLE: &str = "model.safetensors";
/// Where a run can be taken up.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// The settings as used.
pub const CONFIG: &str = "config.toml";
/// The users of each part.
pub const SPLIT: &str = "split.json";
/// Figures of every epoch and of the test, a JSON object a line.
pub const METRICS: &str = "metrics.jsonl";

/// Over how many training users the statistics of the mean hidden states are taken, where they are normalised.
const COUNTED: usize = 2048;

/// The figures of one epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// The mean cost (Eq. 19) over the epoch's batches, with dropout.
    pub training_loss: f64,
    /// The tasks' log losses on the validation users, weighed by λ; without dropout, class weights and penalty.
    /// Where there are no validation users, this and all that follows are the training users'.
    pub validation_loss: f64,
    /// What the epoch is judged by, higher being better.
    pub score: f64,
    /// Figures of each task on the validation users.
    pub tasks: Vec<TaskMetrics>,
}

/// The figures of one task on some users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskMetrics {
    /// The attribute.
    pub attribute: String,
    /// Users with a label.
    pub users: usize,
    /// The share predicted right.
    pub accuracy: f64,
    /// Precision averaged over classes.
    pub precision: f64,
    /// Recall averaged over classes.
    pub recall: f64,
    /// 2PR / (P + R) of the averages.
    pub f: f64,
    /// The mean of −ln p of the true class.
    pub log_loss: f64,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It came to its end; the bundle is written.
    Finished(PathBuf),
    /// It was interrupted; the checkpoint is written.
    Interrupted(PathBuf),
}

/// Why training failed.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The corpus cannot be read.
    #[error(transparent)]
    Corpus(#[from] CorpusError),
    /// The word vectors cannot be read.
    #[error(transparent)]
    Vectors(#[from] VectorsError),
    /// The device cannot be had.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A file of the run folder cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The settings cannot be written down.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The checkpoint cannot be used.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The device failed while computing.
    #[error(transparent)]
    Predict(#[from] PredictError),
    /// The wide component cannot be learned.
    #[error(transparent)]
    Linear(#[from] LinearError),
    /// What was read cannot be learned from, or the run folder is not as asked for.
    #[error("{0}")]
    Unusable(String),
}

/// Trains as `config` says, into its run folder; `segmenter` cuts the posts. With `resume` an interrupted run is
/// taken up where its last checkpoint was written. Setting `interrupted` ends the run after the batch in hand, with
/// a checkpoint.
pub fn train(
    config: &Config,
    segmenter: Segmenter,
    resume: bool,
    interrupted: &AtomicBool,
) -> Result<Outcome, TrainError> {
    let device = device::choose(&config.device)?;
    let folder = config.output.as_path();
    let tested = finish::tested(config)?;
    let earlier = open_folder(config, resume)?;
    let user_dictionary = segmenter.user_dictionary().to_owned();
    let prepared = prepare::prepare(config, segmenter)?;
    if earlier
        .as_ref()
        .is_some_and(|earlier| earlier.data != prepared.checksum)
    {
        return Err(TrainError::Unusable(format!(
            "{} was begun with other data: the corpus, the vectors or the dictionary has changed since",
            folder.display()
        )));
    }
    write_config(folder, &config.to_toml()?)?;
    (prepared.data).write_split(&folder.join(SPLIT), &config.corpus)?;
    let embedding = prepared.embedding;
    let architecture = JointLstm {
        vectors: Vectors::new(&embedding, config.network.vector_learning_rate),
        sizes: config.sizes(embedding.dimensions()),
        dropout: config.network.dropout,
        normalise: config.training.normalise,
    };
    let folder = Folder {
        path: folder.to_owned(),
        checksum: prepared.checksum,
    };
    let mut run = Run::new(
        config.clone(),
        prepared.data,
        architecture,
        &device,
        Some(folder),
        earlier,
    )?;
    if !run.learn(interrupted)? {
        return Ok(Outcome::Interrupted(config.output.join(CHECKPOINT)));
    }
    let bundle = config.output.join(BUNDLE);
    let embedding = (run.architecture.vectors.embedding()).map_err(TrainError::Unusable)?;
    finish::finish(
        run,
        prepared.vocabulary,
        embedding,
        user_dictionary,
        tested,
        &bundle,
    )?;
    Ok(Outcome::Finished(bundle))
}

/// Makes the run folder and leaves the settings in it; gives the checkpoint to go on from.
fn open_folder(config: &Config, resume: bool) -> Result<Option<Checkpoint>, TrainError> {
    let folder = config.output.as_path();
    let path = folder.join(CHECKPOINT);
    if resume && !path.exists() {
        eprintln!("{} holds no checkpoint: the run begins", folder.display());
    }
    let earlier = match (path.exists(), resume) {
        (true, true) => Some(Checkpoint::read(&path)?),
        (true, false) => {
            return Err(TrainError::Unusable(format!(
                "{} holds a run already: go on with it by --resume, or choose another folder with --output",
                folder.display()
            )));
        }
        (false, _) => None,
    };
    let now = config.to_toml()?;
    let defaults = Config::default().to_toml()?;
    let is_free = |setting: &str| is_free(config, setting);
    if let Some(earlier) = &earlier
        && let Some(difference) =
            settings::first_difference(&earlier.config, &now, &defaults, is_free)
    {
        return Err(TrainError::Unusable(format!(
            "{} was begun with other settings: {difference}",
            folder.display()
        )));
    }
    if earlier.is_none() {
        // Before any work: the folder may not be writable.
        make_folder(folder)?;
        write_config(folder, &now)?;
    }
    Ok(earlier)
}

fn write_config(folder: &Path, settings: &str) -> Result<(), OutputError> {
    PendingFile::create(&folder.join(CONFIG))?.finish(|out| out.write_all(settings.as_bytes()))
}

/// Whether a setting changes nothing that is learned at a step.
fn is_free(config: &Config, setting: &str) -> bool {
    const FREE: [&str; 5] = [
        "output",
        "confidence_threshold",
        "strict",
        "training.patience",
        "training.checkpoint_steps",
    ];
    // The wide component is learned, and the card written, at the end of the run.
    FREE.contains(&setting)
        || setting.starts_with("wide.")
        || setting.starts_with("card.")
        || setting == "training.epochs" && config.training.decay == Decay::None
}

/// A network on its way.
pub struct Run<A: Architecture> {
    config: Config,
    data: Data,
    architecture: A,
    /// The device that computes, without gradients.
    device: Device,
    /// Where checkpoints and figures are left, if anywhere.
    folder: Option<Folder>,
    network: A::Network,
    optimiser: ModuleOptimizer,
    progress: Progress,
    best_parameters: Vec<NamedTensor>,
}

/// The folder of a run.
struct Folder {
    path: PathBuf,
    /// The checksum of the data that is learned from.
    checksum: u32,
}

impl<A: Architecture> Run<A> {
    /// A run without a folder: nothing is written, and where it is interrupted it is lost.
    pub fn without_folder(
        config: Config,
        data: Data,
        architecture: A,
        device: &Device,
    ) -> Result<Self, TrainError> {
        Self::new(config, data, architecture, device, None, None)
    }

    fn new(
        config: Config,
        data: Data,
        mut architecture: A,
        device: &Device,
        folder: Option<Folder>,
        earlier: Option<Checkpoint>,
    ) -> Result<Self, TrainError> {
        let optimiser = match config.training.optimiser {
            // The epsilon of the other implementations; burn's own default is larger.
            Optimiser::Adagrad => AdaGradConfig::new().with_epsilon(1e-10).init(),
            Optimiser::Adam => AdamConfig::new().init(),
        };
        let gradients_on = device.clone().autodiff();
        let Some(mut earlier) = earlier else {
            let mut random = StdRng::seed_from_u64(config.seed);
            let source =
                |wanted: &TensorSpec| Ok::<_, TrainError>(glorot_uniform(wanted, &mut random));
            return Ok(Self {
                network: architecture.network(&mut Parameters::new(&gradients_on, source))?,
                config,
                data,
                architecture,
                device: device.clone(),
                folder,
                optimiser,
                progress: Progress::default(),
                best_parameters: Vec::new(),
            });
        };
        let record = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(earlier.optimiser))
            .map_err(|error| does_not_fit(format!("{error:?}")))?;
        architecture
            .resume(&mut earlier.parameters, &mut earlier.best_parameters)
            .map_err(does_not_fit)?;
        let source = saved(&earlier.parameters);
        Ok(Self {
            network: architecture.network(&mut Parameters::new(&gradients_on, source))?,
            config,
            data,
            architecture,
            device: device.clone(),
            folder,
            // A record of no step yet has nothing to load.
            optimiser: if record.is_empty() {
                optimiser
            } else {
                optimiser.load_record(record)
            },
            progress: earlier.progress,
            best_parameters: earlier.best_parameters,
        })
    }

    /// The figures of the epochs behind the run.
    pub fn history(&self) -> &[EpochMetrics] {
        &self.progress.history
    }

    /// The index in [`history`](Self::history) of the best epoch.
    pub fn best(&self) -> Option<usize> {
        self.progress.best
    }

    /// Trains to the end, or until it is interrupted; whether it came to the end.
    pub fn learn(&mut self, interrupted: &AtomicBool) -> Result<bool, TrainError> {
        let (mut words, words_in_all) = self.words();
        let mut bar = progress::Progress::new("training", "words", Some(words_in_all));
        bar.start_at(words);
        let print = bar.printer();
        while !self.is_over() {
            for batch in self.batches_left() {
                words += batch
                    .iter()
                    .map(|item| item.words.len() as u64)
                    .sum::<u64>();
                self.step(&batch)?;
                bar.set(words);
                if interrupted.load(Ordering::Relaxed) {
                    self.write_checkpoint()?;
                    return Ok(false);
                }
                if self
                    .progress
                    .step
                    .is_multiple_of(self.config.training.checkpoint_steps as u64)
                {
                    self.write_checkpoint()?;
                }
            }
            let metrics = self.end_epoch()?;
            if self.folder.is_some() {
                let is_best = self.progress.best == Some(self.progress.history.len() - 1);
                print(&line(&metrics, is_best));
            }
            self.write_checkpoint()?;
            self.write_metrics(None)?;
        }
        self.architecture.restore();
        Ok(true)
    }

    fn is_over(&self) -> bool {
        let &Progress { epoch, best, .. } = &self.progress;
        let patience = self.config.training.patience;
        epoch >= self.config.training.epochs
            || (patience > 0 && best.is_some_and(|best| epoch - best > patience))
    }

    fn batches(&self, epoch: usize) -> Vec<Vec<Item>> {
        let training = &self.config.training;
        batches::of_epoch(
            &self.data.users,
            &self.data.parts.training,
            training.batch_size,
            training.window_words,
            self.config.seed,
            epoch,
        )
    }

    fn batches_left(&self) -> Vec<Vec<Item>> {
        self.batches(self.progress.epoch)
            .split_off(self.progress.batch)
    }

    /// Words behind the run, and words of all epochs.
    fn words(&self) -> (u64, u64) {
        let count = |batches: &[Vec<Item>]| {
            batches
                .iter()
                .flatten()
                .map(|item| item.words.len() as u64)
                .sum::<u64>()
        };
        let batches = self.batches(self.progress.epoch);
        let per_epoch = count(&batches);
        let behind =
            per_epoch * self.progress.epoch as u64 + count(&batches[..self.progress.batch]);
        (behind, per_epoch * self.config.training.epochs as u64)
    }

    fn step(&mut self, batch: &[Item]) -> Result<(), TrainError> {
        // Dropout draws from the device: seeded at every step, so that it does not matter where a run began.
        self.device.seed(mix(self.config.seed, self.progress.step));
        let device = self.device.clone().autodiff();
        let targets = self
            .data
            .targets(&self.config, batch.iter().map(|item| item.user));
        let training = &self.config.training;
        let batch = self.data.batch(batch);
        let logits = self.architecture.forward(&self.network, &batch, &device);
        let mut loss = joint_loss(&logits, &targets, &device);
        if training.l2 > 0.0 {
            loss = loss + penalty(&self.network, training.l2_on, &device) * training.l2;
        }
        let value = f64::from(loss.clone().into_scalar::<f32>());
        if !value.is_finite() {
            return Err(TrainError::Unusable(format!(
                "the cost became {value} at step {}: a smaller training.learning_rate or network.vector_learning_rate may help",
                self.progress.step
            )));
        }
        let gradients = loss.backward();
        self.architecture.follow(&gradients);
        let gradients = GradientsParams::from_grads(gradients, &self.network);
        self.network = (self.optimiser).step(self.learning_rate(), self.network.clone(), gradients);
        self.progress.step += 1;
        self.progress.batch += 1;
        self.progress.loss_sum += value * batch.users.len() as f64;
        self.progress.loss_users += batch.users.len();
        Ok(())
    }

    fn learning_rate(&self) -> f64 {
        let training = &self.config.training;
        let left = match training.decay {
            Decay::None => 1.0,
            Decay::Linear => {
                let batches = batches::count(self.data.parts.training.len(), training.batch_size);
                1.0 - self.progress.step as f64 / (batches * training.epochs) as f64
            }
        };
        training.learning_rate * left
    }

    /// The network as it is evaluated and saved, without gradients.
    fn finished_network(&self) -> A::Network {
        let enough = COUNTED.div_ceil(self.config.training.batch_size);
        let batches = self.batches(self.progress.epoch);
        let batches = batches.iter().take(enough);
        let batches = batches.map(|batch| self.data.batch(batch));
        (self.architecture).finished(&self.network, batches, &self.device)
    }

    /// Scores the epoch on the validation users, and keeps its parameters if it is the best so far.
    fn end_epoch(&mut self) -> Result<EpochMetrics, TrainError> {
        let validation = &self.data.parts.validation;
        // Without validation users the training users must do, which favours the last epoch.
        let judged_on = if validation.is_empty() {
            &self.data.parts.training
        } else {
            validation
        };
        let network = self.finished_network();
        let scores = self.scores(&network, judged_on, usize::MAX)?;
        let tasks: Vec<TaskMetrics> = (self.config.attributes.iter().zip(&scores))
            .map(|(task, scores)| task_metrics(task, scores))
            .collect();
        let weighted = |metrics: &TaskMetrics, weight: f64| weight * metrics.log_loss;
        let validation_loss: f64 = tasks
            .iter()
            .zip(&self.config.attributes)
            .map(|(metrics, task)| weighted(metrics, task.weight))
            .sum();
        let score = self.score(&tasks, &scores);
        let progress = &mut self.progress;
        let metrics = EpochMetrics {
            epoch: progress.epoch + 1,
            training_loss: progress.loss_sum / progress.loss_users.max(1) as f64,
            validation_loss,
            score,
            tasks,
        };
        if progress
            .best
            .is_none_or(|best| score > progress.history[best].score)
        {
            progress.best = Some(progress.history.len());
            self.best_parameters = parameters::save(&network);
            self.architecture.keep();
        }
        progress.history.push(metrics.clone());
        progress.epoch += 1;
        progress.batch = 0;
        progress.loss_sum = 0.0;
        progress.loss_users = 0;
        Ok(metrics)
    }

    /// How good an epoch is, higher being better, by its figures and what it says of the users that it is judged on, a task at a
    /// time: see [`SelectBy`].
    fn score(&self, metrics: &[TaskMetrics], scores: &[Vec<Scored>]) -> f64 {
        let is_main: Vec<bool> = (self.config.attributes.iter())
            .map(|task| task.role == Role::Main)
            .collect();
        let judging: Vec<usize> = (0..is_main.len())
            .filter(|&task| is_main[task] || !is_main.contains(&true))
            .collect();
        let of_task = |&task: &usize| match self.config.training.select_by {
            SelectBy::F => metrics[task].f,
            SelectBy::Loss => {
                let scores = &scores[task];
                -calibration::log_loss(scores, calibration::fit(scores))
            }
        };
        judging.iter().map(of_task).sum::<f64>() / judging.len() as f64
    }

    /// What `network` says of the first `words` words of each user of `part`, a task at a time; a user without a
    /// label for a task is none of its.
    fn scores(
        &self,
        network: &A::Network,
        part: &[usize],
        words: usize,
    ) -> Result<Vec<Vec<Scored>>, TrainError> {
        let users = &self.data.users;
        let texts: Vec<&[u32]> = part
            .iter()
            .map(|&user| &users[user].words[..users[user].words.len().min(words)])
            .collect();
        let forward = |places: &[usize]| {
            let batch = Batch {
                users: places.iter().map(|&place| part[place]).collect(),
                texts: places.iter().map(|&place| texts[place]).collect(),
            };
            (self.architecture).evaluate(network, &batch, &self.device)
        };
        let logits = predictor::logits_by(&texts, forward);
        let logits = futures_lite::future::block_on(logits)?;
        let mut scores = vec![Vec::new(); self.config.attributes.len()];
        for ((&user, text), logits) in part.iter().zip(&texts).zip(logits) {
            for ((task, scores), logits) in scores.iter_mut().enumerate().zip(logits) {
                if let Some(classes) = users[user].classes_of(task) {
                    let words = text.len();
                    scores.push(Scored {
                        logits,
                        classes,
                        words,
                    });
                }
            }
        }
        Ok(scores)
    }

    fn write_checkpoint(&self) -> Result<(), TrainError> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let optimiser = self.optimiser.to_record().into_bytes();
        let [beside, best_beside] = self.architecture.save();
        let checkpoint = Checkpoint {
            config: self.config.to_toml()?,
            data: folder.checksum,
            progress: self.progress.clone(),
            parameters: [parameters::save(&self.network), beside].concat(),
            best_parameters: [self.best_parameters.clone(), best_beside].concat(),
            optimiser: optimiser
                .map_err(|error| {
                    TrainError::Unusable(format!(
                        "the optimiser's state cannot be saved: {error:?}"
                    ))
                })?
                .to_vec(),
        };
        Ok(checkpoint.write(&folder.path.join(CHECKPOINT))?)
    }

    /// Writes the figures of the epochs, a line each, and a last line with the test figures if there are any.
    fn write_metrics(&self, test: Option<&[AttributeFigures]>) -> Result<(), TrainError> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let file = PendingFile::create(&folder.path.join(METRICS))?;
        file.finish(|out| {
            for epoch in &self.progress.history {
                serde_json::to_writer(&mut *out, epoch)?;
                out.write_all(b"\n")?;
            }
            if let Some(test) = test {
                serde_json::to_writer(&mut *out, &serde_json::json!({ "test": test }))?;
                out.write_all(b"\n")?;
            }
            Ok(())
        })?;
        Ok(())
    }
}

/// Parameters as they were saved.
fn saved(
    parameters: &[NamedTensor],
) -> impl FnMut(&TensorSpec) -> Result<Vec<f32>, TrainError> + '_ {
    |wanted| {
        parameters
            .iter()
            .find(|saved| saved.name == wanted.name && saved.values.len() == wanted.len())
            .map(|saved| saved.values.clone())
            .ok_or_else(|| {
                let name = wanted.name;
                does_not_fit(format!("parameter {name:?} is missing or of another size"))
            })
    }
}

fn does_not_fit(what: String) -> TrainError {
    TrainError::Unusable(format!("the checkpoint does not fit: {what}"))
}

/// What a task's scores come to before they are calibrated. The log loss is also of users of whom several classes are possible.
fn task_metrics(task: &Task, scores: &[Scored]) -> TaskMetrics {
    let (classes, logits): (Vec<usize>, Vec<&[f32]>) = (scores.iter())
        .filter_map(|text| Some((text.class()?, text.logits.as_slice())))
        .unzip();
    let metrics = Metrics::of(&classes, &logits, task.classes.len());
    TaskMetrics {
        attribute: task.name.clone(),
        users: metrics.users,
        accuracy: metrics.accuracy,
        precision: metrics.precision,
        recall: metrics.recall,
        f: metrics.f,
        log_loss: calibration::log_loss(scores, Calibration::ONE),
    }
}

fn line(metrics: &EpochMetrics, best: bool) -> String {
    let tasks: Vec<String> = metrics
        .tasks
        .iter()
        .map(|task| {
            format!(
                "{} F {:.3} accuracy {:.3}",
                task.attribute, task.f, task.accuracy
            )
        })
        .collect();
    format!(
        "epoch {}: cost {:.4}, on validation users {:.4}; {}{}",
        metrics.epoch,
        metrics.training_loss,
        metrics.validation_loss,
        tasks.join("; "),
        if best { " (best so far)" } else { "" }
    )
}
