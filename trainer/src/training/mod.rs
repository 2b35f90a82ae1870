//! Training: from a config to a run folder with the bundle in it.
//!
//! `prepare` reads what the config names, `Run` holds the network while it learns and can be stopped and taken
//! up at any batch, `finish` makes the bundle of the best epoch and scores it on the test users.

pub mod batches;
pub mod calibration;
pub mod checkpoint;
pub mod examples;
mod finish;
mod prepare;
mod wide;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use burn::{
    module::Module,
    optim::{AdaGradConfig, AdamConfig, GradientsParams, ModuleOptimizer, OptimizerRecord},
    tensor::{Bytes, Device},
};
use model_core::{
    aux_lstm::{AuxLstm, Role, StateStatistics},
    card::AttributeFigures,
    joint_loss::{joint_loss, penalty},
    lstm::Words,
    parameters::{self, Parameters, Saved, Wanted, glorot_uniform},
    predictor::{self, PredictError},
    temperature::Temperature,
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
    output::{OutputError, PendingFile},
    progress,
    word2vec::VectorsError,
};
use batches::{Item, mix};
use calibration::Scored;
use checkpoint::{Checkpoint, CheckpointError, Progress};
use prepare::Prepared;

/// The files of a run folder.
pub const BUNDLE: &str = "model.safetensors";
/// Where a run can be taken up.
pub const CHECKPOINT: &str = "checkpoint.safetensors";
/// The settings as used.
pub const CONFIG: &str = "config.toml";
/// The ids of the users of each part.
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
    /// The wide branch cannot be learned.
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
    let earlier = open_folder(config, resume)?;
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
    prepared.write_split(&folder.join(SPLIT))?;
    let mut run = Run::new(config, &prepared, &device, earlier)?;
    if !run.learn(interrupted)? {
        return Ok(Outcome::Interrupted(folder.join(CHECKPOINT)));
    }
    finish::finish(&run, &folder.join(BUNDLE))?;
    Ok(Outcome::Finished(folder.join(BUNDLE)))
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
    let settings = config.to_toml()?;
    if let Some(earlier) = &earlier
        && let Some(difference) = first_difference(&earlier.config, &settings)
    {
        return Err(TrainError::Unusable(format!(
            "{} was begun with other settings: {difference}",
            folder.display()
        )));
    }
    if earlier.is_none() {
        // Before any work: the folder may not be writable.
        std::fs::create_dir_all(folder).map_err(|source| OutputError {
            path: folder.to_owned(),
            source,
        })?;
        write_config(folder, &settings)?;
    }
    Ok(earlier)
}

fn write_config(folder: &Path, settings: &str) -> Result<(), OutputError> {
    PendingFile::create(&folder.join(CONFIG))?.finish(|out| out.write_all(settings.as_bytes()))
}

/// The first setting that differs, but for those that do not change what is learned at a step.
fn first_difference(before: &str, now: &str) -> Option<String> {
    const FREE: [&str; 5] = [
        "output",
        "strict",
        "training.epochs",
        "training.patience",
        "training.checkpoint_steps",
    ];
    let (before, now) = (flat(before), flat(now));
    let decays = now.get("training.decay") != Some(&toml::Value::from("none"));
    // The wide branch is learned at the end of the run.
    let is_free = |name: &str| {
        name.starts_with("wide.") || FREE.contains(&name) && !(decays && name == "training.epochs")
    };
    let mut names = before.keys().chain(now.keys());
    let name = names.find(|name| !is_free(name) && before.get(*name) != now.get(*name))?;
    let value = |settings: &Flat| {
        settings
            .get(name)
            .map_or("nothing".into(), ToString::to_string)
    };
    Some(format!(
        "{name} = {} then, {} now",
        value(&before),
        value(&now)
    ))
}

type Flat = BTreeMap<String, toml::Value>;

/// The settings of a config by their whole names.
fn flat(text: &str) -> Flat {
    fn add(flat: &mut Flat, prefix: &str, table: toml::Table) {
        for (key, value) in table {
            let name = format!("{prefix}{key}");
            match value {
                toml::Value::Table(table) => add(flat, &format!("{name}."), table),
                value => drop(flat.insert(name, value)),
            }
        }
    }
    let mut settings = Flat::new();
    add(&mut settings, "", toml::from_str(text).unwrap_or_default());
    settings
}

/// A network on its way.
struct Run<'a> {
    config: &'a Config,
    prepared: &'a Prepared,
    /// The device that computes, without gradients.
    device: Device,
    network: AuxLstm,
    optimiser: ModuleOptimizer,
    progress: Progress,
    best_parameters: Vec<Saved>,
}

impl<'a> Run<'a> {
    fn new(
        config: &'a Config,
        prepared: &'a Prepared,
        device: &Device,
        earlier: Option<Checkpoint>,
    ) -> Result<Self, TrainError> {
        let optimiser = match config.training.optimiser {
            // The epsilon of the other implementations; burn's own default is larger.
            Optimiser::Adagrad => AdaGradConfig::new().with_epsilon(1e-10).init(),
            Optimiser::Adam => AdamConfig::new().init(),
        };
        let gradients_on = device.clone().autodiff();
        let Some(earlier) = earlier else {
            let mut random = StdRng::seed_from_u64(config.seed);
            let source = |wanted: &Wanted| Ok::<_, TrainError>(glorot_uniform(wanted, &mut random));
            return Ok(Self {
                config,
                prepared,
                device: device.clone(),
                network: prepared.network(&mut Parameters::new(&gradients_on, source), config)?,
                optimiser,
                progress: Progress::default(),
                best_parameters: Vec::new(),
            });
        };
        let damaged =
            |what: String| TrainError::Unusable(format!("the checkpoint does not fit: {what}"));
        let record = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(earlier.optimiser))
            .map_err(|error| damaged(format!("{error:?}")))?;
        let parameters = earlier.parameters;
        let source = |wanted: &Wanted| {
            parameters
                .iter()
                .find(|saved| saved.name == wanted.name && saved.values.len() == wanted.len())
                .map(|saved| saved.values.clone())
                .ok_or_else(|| {
                    damaged(format!(
                        "parameter {:?} is missing or of another size",
                        wanted.name
                    ))
                })
        };
        Ok(Self {
            config,
            prepared,
            device: device.clone(),
            network: prepared.network(&mut Parameters::new(&gradients_on, source), config)?,
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

    /// Trains to the end, or until it is interrupted; whether it came to the end.
    fn learn(&mut self, interrupted: &AtomicBool) -> Result<bool, TrainError> {
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
            print(&line(
                &metrics,
                self.progress.best == Some(self.progress.history.len() - 1),
            ));
            self.write_checkpoint()?;
            self.write_metrics(None)?;
        }
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
            &self.prepared.users,
            &self.prepared.parts.training,
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
        let words = self.look_up(batch, &device);
        let targets = self
            .prepared
            .targets(self.config, batch.iter().map(|item| item.user));
        let training = &self.config.training;
        let logits = if training.normalise {
            self.network.forward_normalised(&words)
        } else {
            self.network.forward(&words)
        };
        let mut loss = joint_loss(&logits, &targets, &device);
        if training.l2 > 0.0 {
            loss = loss + penalty(&self.network, training.l2_on, &device) * training.l2;
        }
        let value = f64::from(loss.clone().into_scalar::<f32>());
        if !value.is_finite() {
            return Err(TrainError::Unusable(format!(
                "the cost became {value} at step {}: a smaller training.learning_rate may help",
                self.progress.step
            )));
        }
        let gradients = GradientsParams::from_grads(loss.backward(), &self.network);
        self.network = (self.optimiser).step(self.learning_rate(), self.network.clone(), gradients);
        self.progress.step += 1;
        self.progress.batch += 1;
        self.progress.loss_sum += value * batch.len() as f64;
        self.progress.loss_users += batch.len();
        Ok(())
    }

    fn learning_rate(&self) -> f64 {
        let training = &self.config.training;
        let left = match training.decay {
            Decay::None => 1.0,
            Decay::Linear => {
                let batches =
                    batches::count(self.prepared.parts.training.len(), training.batch_size);
                1.0 - self.progress.step as f64 / (batches * training.epochs) as f64
            }
        };
        training.learning_rate * left
    }

    /// The words of a batch with their vectors on `device`.
    fn look_up(&self, batch: &[Item], device: &Device) -> Words {
        let texts: Vec<&[u32]> = batch
            .iter()
            .map(|item| &self.prepared.users[item.user].words[item.words.clone()])
            .collect();
        self.prepared.embedding.look_up(&texts, device)
    }

    /// The network as it is evaluated and saved, without gradients.
    fn finished_network(&self) -> AuxLstm {
        let mut statistics = StateStatistics::default();
        if self.config.training.normalise {
            let network = self.network.valid();
            let batches = COUNTED.div_ceil(self.config.training.batch_size);
            for batch in self.batches(self.progress.epoch).iter().take(batches) {
                let words = self.look_up(batch, &self.device);
                network.count_states(&words, &mut statistics);
            }
        }
        self.network.fold(&statistics)
    }

    /// Scores the epoch on the validation users, and keeps its parameters if it is the best so far.
    fn end_epoch(&mut self) -> Result<EpochMetrics, TrainError> {
        let validation = &self.prepared.parts.validation;
        // Without validation users the training users must do, which favours the last epoch.
        let judged_on = if validation.is_empty() {
            &self.prepared.parts.training
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
        let mains: Vec<f64> = (tasks.iter().zip(&self.config.attributes))
            .filter(|(_, task)| task.role == Role::Main)
            .map(|(metrics, _)| metrics.f)
            .collect();
        let score = match self.config.training.select_by {
            SelectBy::F if !mains.is_empty() => mains.iter().sum::<f64>() / mains.len() as f64,
            SelectBy::F | SelectBy::Loss => -validation_loss,
        };
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
        }
        progress.history.push(metrics.clone());
        progress.epoch += 1;
        progress.batch = 0;
        progress.loss_sum = 0.0;
        progress.loss_users = 0;
        Ok(metrics)
    }

    /// What `network` says of the first `words` words of each user of `part`, a task at a time; a user without a
    /// label for a task is none of its.
    fn scores(
        &self,
        network: &AuxLstm,
        part: &[usize],
        words: usize,
    ) -> Result<Vec<Vec<Scored>>, TrainError> {
        let users = &self.prepared.users;
        let texts: Vec<&[u32]> = part
            .iter()
            .map(|&user| &users[user].words[..users[user].words.len().min(words)])
            .collect();
        let logits = futures_lite::future::block_on(predictor::logits(
            network,
            &self.prepared.embedding,
            &texts,
            &self.device,
        ))?;
        let mut scores = vec![Vec::new(); self.config.attributes.len()];
        for ((&user, text), logits) in part.iter().zip(texts).zip(logits) {
            for ((scores, class), logits) in scores.iter_mut().zip(&users[user].classes).zip(logits)
            {
                if let Some(class) = *class {
                    let words = text.len();
                    scores.push(Scored {
                        logits,
                        class,
                        words,
                    });
                }
            }
        }
        Ok(scores)
    }

    fn write_checkpoint(&self) -> Result<(), TrainError> {
        let optimiser = self.optimiser.to_record().into_bytes();
        let checkpoint = Checkpoint {
            config: self.config.to_toml()?,
            data: self.prepared.checksum,
            progress: self.progress.clone(),
            parameters: parameters::save(&self.network),
            best_parameters: self.best_parameters.clone(),
            optimiser: optimiser
                .map_err(|error| {
                    TrainError::Unusable(format!(
                        "the optimiser's state cannot be saved: {error:?}"
                    ))
                })?
                .to_vec(),
        };
        Ok(checkpoint.write(&self.config.output.join(CHECKPOINT))?)
    }

    /// Writes the figures of the epochs, a line each, and a last line with the test figures if there are any.
    fn write_metrics(&self, test: Option<&[AttributeFigures]>) -> Result<(), TrainError> {
        let file = PendingFile::create(&self.config.output.join(METRICS))?;
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

/// What a task's scores come to before they are calibrated.
fn task_metrics(task: &Task, scores: &[Scored]) -> TaskMetrics {
    let classes: Vec<usize> = scores.iter().map(|text| text.class).collect();
    let logits: Vec<&[f32]> = scores.iter().map(|text| text.logits.as_slice()).collect();
    let metrics = Metrics::of(&classes, &logits, task.classes.len());
    TaskMetrics {
        attribute: task.name.clone(),
        users: metrics.users,
        accuracy: metrics.accuracy,
        precision: metrics.precision,
        recall: metrics.recall,
        f: metrics.f,
        log_loss: calibration::log_loss(scores, Temperature::ONE),
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
