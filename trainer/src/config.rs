//! The settings of a training run: one TOML file, checked once into a value that the rest can trust.

use std::path::{Path, PathBuf};

use model_core::{
    attribute::{Attribute, Group},
    aux_lstm::{AuxLstmSizes, Role},
    bundle,
    card::ModelCard,
    joint_loss::Penalised,
};
use serde::{Deserialize, Serialize};

use crate::device;

/// All settings of a run. Paths are relative to the folder that the command runs in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The labelled users, one or more files.
    pub corpus: Vec<PathBuf>,
    /// Whether a bad record of the corpus ends the run; else it is reported and left out.
    pub strict: bool,
    /// Word vectors in word2vec's text or binary format, most frequent words first.
    pub vectors: PathBuf,
    /// The run folder; made if it is not there.
    pub output: PathBuf,
    /// `cpu`, `wgpu`, `vulkan` or `cuda`.
    pub device: String,
    /// Decides the split, the initial parameters, the order of users and what is dropped out.
    pub seed: u64,
    /// How users are divided.
    pub split: Split,
    /// How text is read.
    pub text: Text,
    /// The network's sizes.
    pub network: Network,
    /// How it is trained.
    pub training: Training,
    /// The wide branch beside it.
    pub wide: Wide,
    /// The probability from which on a prediction is called sure.
    pub sure_from: f32,
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

/// The wide branch: a linear model over words and pairs of words beside the LSTMs, which the paper does not have. It is
/// learned when the network has been.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Wide {
    /// How many words and pairs it may weigh, those that tell most; 0: there is no wide branch, as in the paper.
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
    /// The mean over main tasks of F.
    F,
    /// The joint loss, lower being better.
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
    pub groups: Vec<Group>,
    /// `main` or `auxiliary`.
    #[serde(default = "main")]
    pub role: Role,
    /// λ of Eq. 19 for this task.
    #[serde(default = "one")]
    pub weight: f64,
}

impl Task {
    /// The attribute that this task learns.
    pub fn attribute(&self) -> Attribute {
        Attribute {
            name: self.name.clone(),
            classes: self.classes.clone(),
            groups: self.groups.clone(),
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
            split: Split::default(),
            text: Text::default(),
            network: Network::default(),
            training: Training::default(),
            wide: Wide::default(),
            sure_from: bundle::SURE_FROM,
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
            max_words: 3000,
            vocabulary: 20_000,
            dictionary: PathBuf::new(),
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
        }
    }
}

impl Default for Training {
    fn default() -> Self {
        Self {
            epochs: 20,
            patience: 0,
            select_by: SelectBy::F,
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

/// A config that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the config {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A setting is misspelt, of the wrong type or out of its range.
    #[error("{where_}: {what}")]
    Setting {
        /// The file and line, or the override.
        where_: String,
        /// What is wrong, with what is permitted.
        what: String,
    },
}

impl Config {
    /// Reads a config file and then applies `overrides`, each `key.subkey=value` with a value as TOML has it
    /// (a bare word is taken as a string). The result is checked.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::File {
            path: path.to_owned(),
            source,
        })?;
        let file = path.display().to_string();
        let wrong = |where_: &str, what: String| ConfigError::Setting {
            where_: where_.to_owned(),
            what,
        };
        // Reading the text itself, before any override, gives errors with their line.
        toml::from_str::<Self>(&text).map_err(|error| {
            let line = error.span().map_or(1, |span| {
                1 + text[..span.start.min(text.len())].matches('\n').count()
            });
            wrong(&format!("{file}:{line}"), one_line(error.message()))
        })?;
        let mut table: toml::Table =
            toml::from_str(&text).map_err(|error| wrong(&file, one_line(error.message())))?;
        for setting in overrides {
            let where_ = format!("--set {setting}");
            let (key, value) = setting
                .split_once('=')
                .ok_or_else(|| wrong(&where_, "expected KEY=VALUE".into()))?;
            let value = toml::from_str::<toml::Table>(&format!("value = {value}"))
                .ok()
                .and_then(|mut table| table.remove("value"))
                .unwrap_or_else(|| toml::Value::String(value.to_owned()));
            set(&mut table, key.trim(), value).map_err(|what| wrong(&where_, what))?;
            toml::Value::Table(table.clone())
                .try_into::<Self>()
                .map_err(|error| wrong(&where_, one_line(error.message())))?;
        }
        let config: Self = toml::Value::Table(table)
            .try_into()
            .map_err(|error: toml::de::Error| wrong(&file, one_line(error.message())))?;
        config.check().map_err(|what| wrong(&file, what))?;
        Ok(config)
    }

    /// The config as TOML with every setting written out. A path that is not UTF-8 cannot be.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|error| ConfigError::Setting {
            where_: "the config".into(),
            what: one_line(&error.to_string()),
        })
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

    fn check(&self) -> Result<(), String> {
        let share = |name: &str, value: f64| {
            within(
                name,
                value,
                (0.0..0.9).contains(&value),
                "from 0 to below 0.9",
            )
        };
        let positive = |name: &str, value: usize| within(name, value, value > 0, "at least 1");
        if self.corpus.is_empty() {
            return Err("corpus: name at least one file of labelled users".into());
        }
        if self.vectors.as_os_str().is_empty() {
            return Err("vectors: name a file of word vectors (auxlstm embed makes one)".into());
        }
        share("split.test", self.split.test)?;
        share("split.validation", self.split.validation)?;
        positive("text.max_words", self.text.max_words)?;
        positive("text.vocabulary", self.text.vocabulary)?;
        within(
            "sure_from",
            f64::from(self.sure_from),
            (0.0..=1.0).contains(&self.sure_from),
            "from 0 to 1",
        )?;
        within(
            "network.dropout",
            self.network.dropout,
            (0.0..1.0).contains(&self.network.dropout),
            "from 0 to below 1",
        )?;
        let training = &self.training;
        positive("training.epochs", training.epochs)?;
        positive("training.batch_size", training.batch_size)?;
        if training.normalise {
            within(
                "training.batch_size",
                training.batch_size,
                training.batch_size >= 8,
                "at least 8 with training.normalise, which compares the users of a batch",
            )?;
        }
        positive("training.checkpoint_steps", training.checkpoint_steps)?;
        let rate = training.learning_rate;
        within(
            "training.learning_rate",
            rate,
            rate > 0.0 && rate.is_finite(),
            "above 0",
        )?;
        within(
            "training.l2",
            training.l2,
            training.l2 >= 0.0 && training.l2.is_finite(),
            "at least 0",
        )?;
        let balance = training.class_balance;
        within(
            "training.class_balance",
            balance,
            (0.0..=1.0).contains(&balance),
            "from 0 to 1",
        )?;
        let wide = &self.wide;
        within(
            "wide.class_balance",
            wide.class_balance,
            (0.0..=1.0).contains(&wide.class_balance),
            "from 0 to 1",
        )?;
        let sound = |cost: &f64| *cost > 0.0 && cost.is_finite();
        if wide.costs.is_empty() || !wide.costs.iter().all(sound) {
            return Err("wide.costs: name at least one cost, each above 0".into());
        }
        for (index, task) in self.attributes.iter().enumerate() {
            task.attribute()
                .check()
                .map_err(|what| format!("attributes: {what}"))?;
            let name = &task.name;
            if self.attributes[..index]
                .iter()
                .any(|other| other.name == *name)
            {
                return Err(format!("attributes: {name:?} is there twice"));
            }
            let weight = task.weight;
            within(
                &format!("attributes: weight of {name:?}"),
                weight,
                weight > 0.0 && weight.is_finite(),
                "above 0",
            )?;
        }
        if !self.card.figures.is_empty() {
            return Err("card.figures: the run fills them in, leave them out".into());
        }
        let stratify_by = &self.split.stratify_by;
        if !stratify_by.is_empty() && !self.attributes.iter().any(|task| task.name == *stratify_by)
        {
            let names: Vec<&str> = self
                .attributes
                .iter()
                .map(|task| task.name.as_str())
                .collect();
            return Err(format!(
                "split.stratify_by is {stratify_by:?}; permitted: empty, {}",
                names.join(", ")
            ));
        }
        self.sizes(1)
            .check()
            .map_err(|what| format!("attributes and network: {what}"))
    }
}

/// Sets `key` (dots go into tables) in `table`.
fn set(table: &mut toml::Table, key: &str, value: toml::Value) -> Result<(), String> {
    match key.split_once('.') {
        None => {
            table.insert(key.to_owned(), value);
            Ok(())
        }
        Some((first, rest)) => match table
            .entry(first)
            .or_insert_with(|| toml::Table::new().into())
        {
            toml::Value::Table(inner) => set(inner, rest, value),
            _ => Err(format!("{first:?} has no settings inside")),
        },
    }
}

fn within(
    name: &str,
    value: impl std::fmt::Display,
    holds: bool,
    permitted: &str,
) -> Result<(), String> {
    if holds {
        Ok(())
    } else {
        Err(format!("{name} is {value}; permitted: {permitted}"))
    }
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
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
        assert_eq!(config.text.max_words, 3000);
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
