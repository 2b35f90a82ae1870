//! The settings of a training run: one TOML file, checked once into a value that the rest can trust.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use model_core::{
    attribute::{Attribute, CoarseClass},
    aux_lstm::{AuxLstmSizes, Role},
    bundle,
    card::ModelCard,
    joint_loss::Penalised,
};
use serde::{Deserialize, Serialize};

use crate::{
    device,
    settings::{self, at_least_one, at_least_zero, within},
};

pub use crate::settings::ConfigError;

/// All settings of a run. Paths are relative to the folder that the command runs in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The labelled users, one or more files.
    pub corpus: Vec<PathBuf>,
    /// Whether a bad record of the corpus ends the run; else it is reported and left out.
    pub strict: bool,
    /// Word vectors in word2vec's text or binary format, most frequent words first, or a bundle, for those in it.
    pub vectors: PathBuf,
    /// The run folder; made if it is not there.
    pub output: PathBuf,
    /// `cpu`, `wgpu`, `vulkan` or `cuda`.
    pub device: String,
    /// Decides the split, the initial parameters, the order of users and what is dropped out.
    pub seed: u64,
    /// A bundle that these settings made with test users held out: learn once more, now from those users too, and put its
    /// test figures on the card; empty: hold test users out.
    pub refit: PathBuf,
    /// How users are divided.
    pub split: Split,
    /// How text is read.
    pub text: Text,
    /// The network's sizes.
    pub network: Network,
    /// How it is trained.
    pub training: Training,
    /// The wide component beside it.
    pub wide: Wide,
    /// The probability from which on a prediction is called sure.
    pub confidence_threshold: f32,
    /// What is predicted; one task each.
    pub attributes: Vec<Task>,
    /// What the model card says; its figures are filled in by the run.
    pub card: ModelCard,
}

/// How users are divided into training, validation and test users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Split {
    /// The share of all users kept for the test, never looked at before.
    pub test: f64,
    /// The share of the others on which settings and the best epoch are chosen.
    pub validation: f64,
    /// Keep the share of each class of this attribute equal in all parts; empty: do not.
    pub stratify_by: String,
    /// The seed of the split alone, so that runs with different seeds can share one.
    pub seed: u64,
}

/// How text is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Text {
    /// A user's text is read up to this many words.
    pub max_words: usize,
    /// Words in the bundle at most; the first of the vectors' file are taken.
    pub vocabulary: usize,
    /// A jieba dictionary for Chinese, plain or compressed; empty: none.
    pub dictionary: PathBuf,
    /// Words to add to it, in jieba's format; empty: none.
    pub user_dictionary: PathBuf,
}

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
    /// The learning rate of the word vectors, which follow Adagrad whatever the rest does: it leaves a word alone that is not in
    /// the batch. It neither decays nor knows of l. 0: they are frozen.
    pub vector_learning_rate: f64,
}

/// How the network is trained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Training {
    /// Passes over the training users at most.
    pub epochs: usize,
    /// Stop after this many epochs without a better one; 0: never.
    pub patience: usize,
    /// What makes an epoch better on the validation users.
    pub select_by: SelectBy,
    /// Users in a batch.
    pub batch_size: usize,
    /// Each epoch reads a random stretch of this many words of every text; 0: the whole text.
    pub window_words: usize,
    /// The paper's optimiser is Adagrad.
    pub optimiser: Optimiser,
    /// The optimiser's learning rate.
    pub learning_rate: f64,
    /// How the learning rate falls.
    pub decay: Decay,
    /// Normalise the mean hidden states over the batch while training, which the paper does not: it learns much
    /// faster, and the bundle holds the paper's network all the same.
    pub normalise: bool,
    /// l of Eq. 19.
    pub l2: f64,
    /// What l weighs: all parameters or, the paper taken literally, the biases only.
    pub l2_on: Penalised,
    /// Weigh each class in the cost by its frequency to the power of minus this: 0 not at all, as in the
    /// paper, 1 so that all classes count alike.
    pub class_balance: f64,
    /// Steps between checkpoints; one is left after every epoch besides.
    pub checkpoint_steps: usize,
}

/// The wide component: a linear model over words and pairs of words beside the LSTMs, which the paper does not have. It is
/// learned when the network has been.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wide {
    /// How many words and pairs it may weigh, those that tell most; 0: there is no wide component, as in the paper.
    pub features: usize,
    /// How many training users must have a word or pair, or it is not considered.
    pub min_users: usize,
    /// The costs C of a linear machine among which each task chooses by the validation users.
    pub costs: Vec<f64>,
    /// Weigh each class by its frequency to the power of minus this, see [`Training::class_balance`].
    pub class_balance: f64,
}

/// What makes an epoch better than another, on the validation users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SelectBy {
    /// The mean over main tasks, or all where none is, of F, higher being better. It leaps from epoch to epoch where a class
    /// has few users.
    F,
    /// The mean over the same of the log loss, calibrated as a bundle is, lower being better.
    Loss,
}

/// How parameters follow their gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Optimiser {
    /// Duchi et al. 2011, as in the paper.
    Adagrad,
    /// Kingma and Ba 2015.
    Adam,
}

/// How the learning rate falls over the epochs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decay {
    /// Not at all, beyond what the optimiser does itself.
    None,
    /// In a straight line to 0 at the end of the last epoch.
    Linear,
}

/// One task: an attribute and its part in joint learning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Task {
    /// The field of a record that holds the attribute.
    pub name: String,
    /// Its classes, see [`Attribute::classes`].
    pub classes: Vec<String>,
    /// Coarser classes for display, see [`Attribute::groups`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coarse_classes: Vec<CoarseClass>,
    /// `main` or `auxiliary`.
    #[serde(default = "main")]
    pub role: Role,
    /// λ of Eq. 19 for this task.
    #[serde(default = "one")]
    pub weight: f64,
    /// The files of the corpus that this task learns from, by the names they have there, each with a factor of its users' part
    /// in the cost; none: all, with factor 1.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub corpora: BTreeMap<PathBuf, f64>,
}

impl Task {
    /// The factor of the users of a file, given as an index into the config's corpus; 0: this task does not learn from it.
    pub fn corpus_weight(&self, config: &Config, file: usize) -> f32 {
        match self.corpora.is_empty() {
            true => 1.0,
            false => self
                .corpora
                .get(&config.corpus[file])
                .copied()
                .unwrap_or(0.0) as f32,
        }
    }

    /// The attribute that this task learns.
    pub fn attribute(&self) -> Attribute {
        Attribute {
            name: self.name.clone(),
            classes: self.classes.clone(),
            coarse_classes: self.coarse_classes.clone(),
        }
    }
}

fn main() -> Role {
    Role::Main
}

fn one() -> f64 {
    1.0
}

impl Default for Config {
    fn default() -> Self {
        Self {
            corpus: Vec::new(),
            strict: false,
            vectors: PathBuf::new(),
            output: "runs/model".into(),
            device: device::DEFAULT.into(),
            seed: 1,
            refit: PathBuf::new(),
            split: Split::default(),
            text: Text::default(),
            network: Network::default(),
            training: Training::default(),
            wide: Wide::default(),
            confidence_threshold: bundle::CONFIDENCE_THRESHOLD,
            attributes: Vec::new(),
            card: ModelCard::default(),
        }
    }
}

impl Default for Split {
    fn default() -> Self {
        Self {
            test: 0.2,
            validation: 0.1,
            stratify_by: String::new(),
            seed: 1,
        }
    }
}

impl Default for Text {
    fn default() -> Self {
        Self {
            max_words: 30_000,
            vocabulary: 20_000,
            dictionary: PathBuf::new(),
            user_dictionary: PathBuf::new(),
        }
    }
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
            window_words: 700,
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
        }
    }
}

impl Config {
    /// Reads a config file and then applies `overrides`, see [`settings::read`].
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, ConfigError> {
        settings::read(&[path], overrides, Self::check)
    }

    /// The config as TOML with every setting written out. A path that is not UTF-8 cannot be.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        settings::to_toml(self)
    }

    /// The network that these settings describe, for vectors of `input_size` dimensions.
    pub fn sizes(&self, input_size: usize) -> AuxLstmSizes {
        AuxLstmSizes {
            input_size,
            auxiliary_hidden_size: self.network.auxiliary_hidden_size,
            main_hidden_size: self.network.main_hidden_size,
            dense_size: self.network.dense_size,
            tasks: self
                .attributes
                .iter()
                .map(|task| (task.role, task.classes.len()))
                .collect(),
        }
    }

    /// Whether the run learns from the test users too, see [`refit`](Self::refit).
    pub fn is_refit(&self) -> bool {
        !self.refit.as_os_str().is_empty()
    }

    fn check(&self) -> Result<(), String> {
        if self.corpus.is_empty() {
            return Err("corpus: name at least one file of labelled users".into());
        }
        if self.vectors.as_os_str().is_empty() {
            return Err("vectors: name a file of word vectors (auxlstm embed makes one)".into());
        }
        within(
            "confidence_threshold",
            f64::from(self.confidence_threshold),
            (0.0..=1.0).contains(&self.confidence_threshold),
            "from 0 to 1",
        )?;
        self.text.check()?;
        self.network.check()?;
        self.training.check()?;
        self.wide.check()?;
        let attributes: Vec<Attribute> = self.attributes.iter().map(Task::attribute).collect();
        check_attributes(&attributes)?;
        self.split.check(&attributes)?;
        for task in &self.attributes {
            let weight = task.weight;
            within(
                &format!("attributes: weight of {:?}", task.name),
                weight,
                weight > 0.0 && weight.is_finite(),
                "above 0",
            )?;
            for (path, &weight) in &task.corpora {
                let name = format!(
                    "attributes: weight of {} for {:?}",
                    path.display(),
                    task.name
                );
                within(&name, weight, weight > 0.0 && weight.is_finite(), "above 0")?;
                if !self.corpus.contains(path) {
                    return Err(format!(
                        "attributes: {:?} is to learn from {}, which is no file of the corpus",
                        task.name,
                        path.display()
                    ));
                }
            }
        }
        if !self.card.figures.is_empty() || self.card.refit {
            return Err(
                "card.figures and card.refit: the run fills them in, leave them out".into(),
            );
        }
        self.sizes(1)
            .check()
            .map_err(|what| format!("attributes and network: {what}"))
    }
}

impl Split {
    /// Whether users who have these attributes can be divided so.
    pub fn check(&self, attributes: &[Attribute]) -> Result<(), String> {
        for (name, share) in [
            ("split.test", self.test),
            ("split.validation", self.validation),
        ] {
            within(
                name,
                share,
                (0.0..0.9).contains(&share),
                "from 0 to below 0.9",
            )?;
        }
        let names: Vec<&str> = (attributes.iter())
            .map(|attribute| attribute.name.as_str())
            .collect();
        let stratify_by = self.stratify_by.as_str();
        if !stratify_by.is_empty() && !names.contains(&stratify_by) {
            return Err(format!(
                "split.stratify_by is {stratify_by:?}; permitted: empty, {}",
                names.join(", ")
            ));
        }
        Ok(())
    }
}

impl Text {
    /// Whether text can be read so.
    pub fn check(&self) -> Result<(), String> {
        at_least_one("text.max_words", self.max_words)?;
        at_least_one("text.vocabulary", self.vocabulary)
    }
}

impl Network {
    /// Whether the probability is one and the rate is one; sizes are checked with the tasks, see [`AuxLstmSizes::check`].
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
    /// The same trained as the paper says: by Adagrad, with nothing that the paper has not.
    pub fn as_in_the_paper(self) -> Self {
        Self {
            optimiser: Optimiser::Adagrad,
            decay: Decay::None,
            normalise: false,
            class_balance: 0.0,
            window_words: 0,
            ..self
        }
    }

    /// Whether a network can be trained so.
    pub fn check(&self) -> Result<(), String> {
        at_least_one("training.epochs", self.epochs)?;
        at_least_one("training.batch_size", self.batch_size)?;
        if self.normalise {
            within(
                "training.batch_size",
                self.batch_size,
                self.batch_size >= 8,
                "at least 8 with training.normalise, which compares the users of a batch",
            )?;
        }
        at_least_one("training.checkpoint_steps", self.checkpoint_steps)?;
        let rate = self.learning_rate;
        within(
            "training.learning_rate",
            rate,
            rate > 0.0 && rate.is_finite(),
            "above 0",
        )?;
        at_least_zero("training.l2", self.l2)?;
        check_balance("training.class_balance", self.class_balance)
    }
}

impl Wide {
    /// Whether a wide component can be learned so.
    pub fn check(&self) -> Result<(), String> {
        check_balance("wide.class_balance", self.class_balance)?;
        check_costs("wide.costs", &self.costs)
    }
}

/// Whether all these attributes can be learned by one model.
pub fn check_attributes(attributes: &[Attribute]) -> Result<(), String> {
    for (index, attribute) in attributes.iter().enumerate() {
        let name = &attribute.name;
        (attribute.check()).map_err(|what| format!("attributes: {what}"))?;
        if (attributes[..index].iter()).any(|other| other.name == *name) {
            return Err(format!("attributes: {name:?} is there twice"));
        }
    }
    Ok(())
}

/// Whether classes can be weighed by their frequency to the power of minus this.
pub fn check_balance(name: &str, balance: f64) -> Result<(), String> {
    within(name, balance, (0.0..=1.0).contains(&balance), "from 0 to 1")
}

/// Whether these are costs of linear machines to choose from.
pub fn check_costs(name: &str, costs: &[f64]) -> Result<(), String> {
    let sound = |cost: &f64| *cost > 0.0 && cost.is_finite();
    if costs.is_empty() || !costs.iter().all(sound) {
        return Err(format!("{name}: name at least one cost, each above 0"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = r#"
corpus = ["users.jsonl"]
vectors = "vectors.bin"
[[attributes]]
name = "gender"
classes = ["female", "male"]
"#;

    fn read(text: &str, overrides: &[&str]) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
        Config::read(&path, &overrides).map_err(|error| {
            error
                .to_string()
                .replace(&folder.path().display().to_string(), "")
        })
    }

    #[test]
    fn defaults_fill_in_and_the_printed_config_reads_the_same() {
        let config = read(SMALL, &[]).unwrap();
        assert_eq!(config.text.max_words, 30_000);
        assert_eq!(config.attributes[0].role, Role::Main);
        assert_eq!(read(&config.to_toml().unwrap(), &[]).unwrap(), config);
    }

    #[test]
    fn overrides_set_single_values() {
        let config = read(
            SMALL,
            &[
                "training.epochs=3",
                "device=wgpu",
                "training.optimiser=adam",
            ],
        )
        .unwrap();
        assert_eq!(
            (config.training.epochs, config.device.as_str()),
            (3, "wgpu")
        );
        assert_eq!(config.training.optimiser, Optimiser::Adam);
    }

    #[test]
    fn wrong_settings_are_named_with_what_is_permitted() {
        let error = |text: &str, overrides: &[&str]| read(text, overrides).unwrap_err();
        let typo = error(&format!("sede = 3\n{SMALL}"), &[]);
        assert!(
            typo.starts_with("/config.toml:1:") && typo.contains("sede") && typo.contains("seed"),
            "{typo}"
        );
        assert_eq!(
            error(SMALL, &["network.dropout=1.5"]),
            "/config.toml: network.dropout is 1.5; permitted: from 0 to below 1"
        );
        assert!(error(SMALL, &["training.optimiser=sgd"]).contains("adagrad"));
        assert!(error(SMALL, &["training.epochs=-1"]).contains("training.epochs=-1"));
        assert!(error(SMALL, &["split.stratify_by=age"]).contains("permitted: empty, gender"));
        assert!(error("vectors = \"v\"", &[]).contains("corpus"));
        assert!(error("corpus = [\"c\"]\nvectors = \"v\"", &[]).contains("no task"));
        let one_class = SMALL.replace(", \"male\"", "");
        assert!(error(&one_class, &[]).contains("at least two classes"));
    }
}
