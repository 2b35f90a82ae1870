//! The settings of networks: their sizes, how they are trained, and the wide component beside them.

use model_core::{
    aux_lstm::{AuxLstmSizes, Role},
    joint_loss::Penalised,
};
use serde::{Deserialize, Serialize};

use crate::settings::{above_zero, at_least_one, at_least_zero, within};

/// The network's sizes, see [`AuxLstmSizes`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// Hidden units of the shared auxiliary LSTM; 0: none.
    pub auxiliary_hidden_size: usize,
    /// Hidden units of each main task's LSTM.
    pub main_hidden_size: usize,
    /// Units of every fully connected layer.
    pub dense_size: usize,
    /// The probability p* of Eq. 9.
    pub dropout: f64,
    /// The learning rate of the word vectors; 0: they are frozen. They are always trained by Adagrad, which leaves words
    /// outside the batch unchanged; the rate does not decay, and the penalty l does not apply.
    pub vector_learning_rate: f64,
}

/// How the network is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Training {
    /// The maximum number of passes over the training users.
    pub epochs: usize,
    /// Stop after this many epochs without a better one; 0: never.
    pub patience: usize,
    /// The figure on the validation users by which the best epoch is chosen.
    pub select_by: SelectBy,
    /// Users in a batch.
    pub batch_size: usize,
    /// Which users share a batch.
    pub batches: Batches,
    /// Each epoch reads a random window of this many words of every text; 0: the whole text.
    pub window_words: usize,
    /// The length of each window is drawn from this many words up to `window_words`, uniformly in its logarithm, so that the
    /// network meets short texts too; 0: all windows have `window_words`.
    pub min_window_words: usize,
    /// c, in words: the logits of a text of n words are divided by √(1 + c / n) in the cost, as calibration will divide them,
    /// because the mean over few words varies more. Long and short texts then share batches, and in
    /// the [normalisation](Self::normalise) of mean hidden states a text counts as many times as it has words; the pooled values
    /// of a CNN are no means, so there each text counts once. 0: texts of all lengths are treated
    /// alike, as in the paper.
    pub length_temperature: f64,
    /// The paper's optimiser is Adagrad.
    pub optimiser: Optimiser,
    /// The optimiser's learning rate.
    pub learning_rate: f64,
    /// How the learning rate falls.
    pub decay: Decay,
    /// Normalise the mean hidden states over the batch while training, which speeds up learning. The paper does not; the
    /// statistics are folded into the weights, so the bundle holds the paper's network either way.
    pub normalise: bool,
    /// l of Eq. 19.
    pub l2: f64,
    /// The parameters that l penalises: all, or only the biases as the paper literally says.
    pub l2_on: Penalised,
    /// Weight each class in the cost by its frequency to the power of −`class_balance`: 0 weights no class, as in the
    /// paper; with 1 all classes count alike.
    pub class_balance: f64,
    /// Steps between checkpoints. One is also written after every epoch.
    pub checkpoint_steps: usize,
}

/// The wide component (Cheng et al. 2016): linear classifiers over words and word pairs, fitted after the network and added
/// to its logits. The paper has none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wide {
    /// The maximum number of words and pairs, the most informative ones; 0: no wide component, as in the paper.
    pub features: usize,
    /// The number of training users who must have used a word or pair for it to be considered.
    pub min_users: usize,
    /// The costs C of a linear classifier, from which each task chooses on the validation users.
    pub costs: Vec<f64>,
    /// Weight each class by its frequency to the power of minus this, see [`Training::class_balance`].
    pub class_balance: f64,
    /// Let each task's classifier also read the scores that the classifiers of the other tasks give a user (stacking, Wolpert
    /// 1992), where that lowers the log loss on the validation users. It helps a task with few labels beside tasks with many.
    pub stacking: bool,
}

/// The figure on the validation users by which epochs are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SelectBy {
    /// The mean of the paper's F, [`Metrics::f`](crate::evaluation::Metrics::f), of the main tasks, or of all tasks where none
    /// is a main task. It varies much between epochs where a class has few users.
    F,
    /// The mean log loss of the same tasks, after calibration.
    Loss,
}

/// The optimiser of the network's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimiser {
    /// Duchi et al. 2011, as in the paper.
    Adagrad,
    /// Kingma and Ba 2015.
    Adam,
}

/// Which users share a batch. A task learns from those who have a label for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Batches {
    /// Random ones.
    Random,
    /// Random ones of each file of the corpus, as many of each as in the whole corpus: so each task has its share in every
    /// batch, where files have labels for different tasks.
    Even,
}

/// How the learning rate falls over the epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decay {
    /// It is constant.
    None,
    /// Linearly to 0 at the end of the last epoch.
    Linear,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            auxiliary_hidden_size: 64,
            main_hidden_size: 32,
            dense_size: 32,
            dropout: 0.3,
            vector_learning_rate: 0.0,
        }
    }
}

impl Default for Training {
    fn default() -> Self {
        Self {
            epochs: 20,
            patience: 0,
            select_by: SelectBy::Loss,
            batch_size: 32,
            batches: Batches::Random,
            window_words: 700,
            min_window_words: 0,
            length_temperature: 0.0,
            optimiser: Optimiser::Adam,
            learning_rate: 0.002,
            decay: Decay::Linear,
            normalise: true,
            l2: 0.0,
            l2_on: Penalised::All,
            class_balance: 0.5,
            checkpoint_steps: 200,
        }
    }
}

impl Default for Wide {
    fn default() -> Self {
        Self {
            features: 30_000,
            min_users: 3,
            costs: vec![0.1, 0.3, 1.0, 3.0],
            class_balance: 1.0,
            stacking: false,
        }
    }
}

impl Network {
    /// The network for vectors of `input_size` dimensions and these tasks, each with its number of classes.
    pub fn sizes(
        &self,
        input_size: usize,
        tasks: impl IntoIterator<Item = (Role, usize)>,
    ) -> AuxLstmSizes {
        AuxLstmSizes {
            input_size,
            auxiliary_hidden_size: self.auxiliary_hidden_size,
            main_hidden_size: self.main_hidden_size,
            dense_size: self.dense_size,
            tasks: tasks.into_iter().collect(),
        }
    }

    /// Whether dropout and learning rate are in range. The sizes are checked with the tasks, see [`AuxLstmSizes::check`].
    pub fn check(&self) -> Result<(), String> {
        within(
            "network.dropout",
            self.dropout,
            (0.0..1.0).contains(&self.dropout),
            "from 0 to below 1",
        )?;
        at_least_zero("network.vector_learning_rate", self.vector_learning_rate)
    }
}

impl Training {
    /// Whether texts of different lengths share batches, see [`length_temperature`](Self::length_temperature).
    pub fn mixes_lengths(&self) -> bool {
        self.length_temperature > 0.0
    }

    /// The divisor of the logits of a text of this many words in the cost.
    pub fn temperature(&self, words: usize) -> f64 {
        (1.0 + self.length_temperature / words.max(1) as f64).sqrt()
    }

    /// Whether all settings are in range.
    pub fn check(&self) -> Result<(), String> {
        at_least_one("training.epochs", self.epochs)?;
        at_least_one("training.batch_size", self.batch_size)?;
        if self.normalise {
            within(
                "training.batch_size",
                self.batch_size,
                self.batch_size >= 8,
                "at least 8 with training.normalise, which needs the statistics of a batch",
            )?;
        }
        if self.min_window_words > self.window_words {
            return Err(format!(
                "training.min_window_words is {}, above training.window_words, which is {}",
                self.min_window_words, self.window_words
            ));
        }
        at_least_one("training.checkpoint_steps", self.checkpoint_steps)?;
        at_least_zero("training.length_temperature", self.length_temperature)?;
        above_zero("training.learning_rate", self.learning_rate)?;
        at_least_zero("training.l2", self.l2)?;
        check_balance("training.class_balance", self.class_balance)
    }
}

impl Wide {
    /// No wide component.
    pub fn none() -> Self {
        Self {
            features: 0,
            ..Self::default()
        }
    }

    /// Whether all settings are in range.
    pub fn check(&self) -> Result<(), String> {
        check_balance("wide.class_balance", self.class_balance)?;
        check_costs("wide.costs", &self.costs)
    }
}

/// Whether an exponent of class frequencies is in range.
pub fn check_balance(name: &str, balance: f64) -> Result<(), String> {
    within(name, balance, (0.0..=1.0).contains(&balance), "from 0 to 1")
}

/// Whether there is at least one cost C, and all are above 0.
pub fn check_costs(name: &str, costs: &[f64]) -> Result<(), String> {
    let is_valid = |cost: &f64| *cost > 0.0 && cost.is_finite();
    if costs.is_empty() || !costs.iter().all(is_valid) {
        return Err(format!("{name}: name at least one cost, each above 0"));
    }
    Ok(())
}
