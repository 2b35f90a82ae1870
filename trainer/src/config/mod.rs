//! The settings of `auxlstm train`: one TOML file, checked once so that the rest can rely on it.

mod training;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use model_core::{
    attribute::{Attribute, CoarseClass},
    aux_lstm::{AuxLstmSizes, Role},
    card::ModelCard,
    corpus::{self, Reading},
};
use serde::{Deserialize, Serialize};

use crate::{
    corpus::{LabelMap, Options, attribute_index},
    device,
    settings::{self, above_zero, at_least_one, within},
};

pub use crate::settings::ConfigError;
pub use training::{
    Batches, Decay, Network, Optimiser, SelectBy, Training, Wide, check_balance, check_costs,
};

/// All settings of a training run. Paths are relative to the working directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The labelled users, one or more files.
    pub corpus: Vec<PathBuf>,
    /// Whether a bad record of the corpus ends the run. If not, it is reported and left out.
    pub strict: bool,
    /// Word vectors in word2vec's text or binary format, most frequent words first, or a bundle.
    pub vectors: PathBuf,
    /// The run folder, created if it does not exist.
    pub output: PathBuf,
    /// `cpu`, `wgpu`, `vulkan` or `cuda`.
    pub device: String,
    /// The seed of the initial parameters, the order of users, the text windows and dropout.
    pub seed: u64,
    /// A bundle that these settings made with test users held out. The run then trains on those users too, and its card has
    /// that bundle's test figures. Empty: hold test users out.
    pub refit: PathBuf,
    /// The columns of the corpus that have no known name.
    pub columns: Columns,
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
    /// The accuracy of confident predictions. The confidence thresholds are the lowest with which predictions on the
    /// validation users reach it.
    pub accuracy_when_confident: f64,
    /// The attributes that are predicted, a task each.
    pub attributes: Vec<AttributeSettings>,
    /// The text of the model card. The run fills in its figures.
    pub card: ModelCard,
}

/// The columns of tables, or fields of objects, that have no known name, as the flags `--text`, `--user`, `--order` and
/// `--label` of other commands state them. Empty: those of known names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Columns {
    /// The text of a post.
    pub text: String,
    /// The id of the user.
    pub user: String,
    /// What orders the posts of a user.
    pub order: String,
    /// The labels of attributes, each with its column, such as `{ gender = "Geschlecht" }`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// How users are divided into training, validation and test users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Split {
    /// The share of all users kept for the test.
    pub test: f64,
    /// The share of the others on which the best epoch, the wide component and the calibration are chosen.
    pub validation: f64,
    /// Keep the share of each class of this attribute equal in all parts; empty: no stratification.
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
    /// The maximum size of the vocabulary: the first words of the file of vectors.
    pub vocabulary: usize,
    /// A jieba dictionary for Chinese, plain or compressed; empty: none.
    pub dictionary: PathBuf,
    /// Words to add to it, in jieba's format; empty: none.
    pub user_dictionary: PathBuf,
}

/// An attribute and its part in joint learning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeSettings {
    /// The field of a record that holds the attribute.
    pub name: String,
    /// Its classes, see [`Attribute::classes`].
    pub classes: Vec<String>,
    /// Coarser classes for display, see [`Attribute::coarse_classes`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coarse_classes: Vec<CoarseClass>,
    /// `main` or `auxiliary`.
    #[serde(default = "main")]
    pub role: Role,
    /// λ of Eq. 19 for this task.
    #[serde(default = "one")]
    pub weight: f64,
    /// The files of the corpus that this task learns from, named as in `corpus`, each with a weight of its users in the cost.
    /// None: all files, with weight 1.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub corpora: BTreeMap<PathBuf, f64>,
    /// Labels that are read as classes, such as `{ "F" = "female" }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, String>,
}

impl AttributeSettings {
    /// The weight of a file's users in the cost; 0: the task does not learn from it.
    pub fn file_weight(&self, file: &Path) -> f32 {
        match self.corpora.is_empty() {
            true => 1.0,
            false => self.corpora.get(file).copied().unwrap_or(0.0) as f32,
        }
    }

    /// The attribute itself.
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
            columns: Columns::default(),
            split: Split::default(),
            text: Text::default(),
            network: Network::default(),
            training: Training::default(),
            wide: Wide::default(),
            accuracy_when_confident: 0.75,
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

impl Config {
    /// Reads a config file and then applies `overrides`, see [`settings::read`].
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, ConfigError> {
        settings::read(&[path], overrides, Self::check)
    }

    /// The config as TOML with every setting written out, see [`settings::to_toml`].
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        settings::to_toml(self)
    }

    /// The network that these settings describe, for vectors of `input_size` dimensions.
    pub fn sizes(&self, input_size: usize) -> AuxLstmSizes {
        let tasks = self.attributes.iter();
        let tasks = tasks.map(|task| (task.role, task.classes.len()));
        self.network.sizes(input_size, tasks)
    }

    /// The labels that are read as classes.
    ///
    /// # Errors
    /// A label that differs from another one by spaces only and is read as another class, or a class that its attribute does
    /// not have.
    pub fn labels(&self) -> Result<LabelMap, String> {
        let attributes: Vec<Attribute> = (self.attributes.iter())
            .map(AttributeSettings::attribute)
            .collect();
        label_map(&attributes, self.attributes.iter().map(|task| &task.map))
    }

    /// Whether the run trains on the test users too, see [`refit`](Self::refit).
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
            "accuracy_when_confident",
            self.accuracy_when_confident,
            (0.0..=1.0).contains(&self.accuracy_when_confident),
            "from 0 to 1",
        )?;
        self.text.check()?;
        self.network.check()?;
        self.training.check()?;
        self.wide.check()?;
        let attributes: Vec<Attribute> = (self.attributes.iter())
            .map(AttributeSettings::attribute)
            .collect();
        check_attributes(&attributes)?;
        self.columns.check(&attributes)?;
        (self.labels()).map_err(|what| format!("attributes: map: {what}"))?;
        self.split.check(&attributes)?;
        if self.split.validation == 0.0 && self.wide.features > 0 {
            return Err(
                "split.validation is 0, but the wide component needs validation users; set wide.features = 0 too".into(),
            );
        }
        for task in &self.attributes {
            let name = format!("attributes: weight of {:?}", task.name);
            above_zero(&name, task.weight)?;
            for (path, &weight) in &task.corpora {
                let name = format!(
                    "attributes: weight of {} for {:?}",
                    path.display(),
                    task.name
                );
                above_zero(&name, weight)?;
                if !self.corpus.contains(path) {
                    return Err(format!(
                        "attributes: {:?} names {}, which is not a file of corpus",
                        task.name,
                        path.display()
                    ));
                }
            }
        }
        if !self.card.figures.is_empty() || self.card.refit {
            return Err(
                "card.figures and card.refit: the run fills these in, leave them out".into(),
            );
        }
        self.sizes(1)
            .check()
            .map_err(|what| format!("attributes and network: {what}"))
    }
}

impl Columns {
    /// Whether each label is that of one of these attributes.
    ///
    /// # Errors
    /// One line that names the setting and what is permitted.
    pub fn check(&self, attributes: &[Attribute]) -> Result<(), String> {
        for name in self.labels.keys() {
            attribute_index(attributes, name).map_err(|what| format!("columns.labels: {what}"))?;
        }
        Ok(())
    }

    /// How to read a corpus with these columns; with `strict` the first bad record is an error.
    pub fn options(&self, strict: bool) -> Options {
        let stated = |name: &String| (!name.is_empty()).then(|| name.clone());
        let columns = corpus::Columns {
            text: stated(&self.text),
            user: stated(&self.user),
            order: stated(&self.order),
            labels: self.labels.clone().into_iter().collect(),
        };
        Options {
            strict,
            reading: Reading {
                columns,
                ..Reading::default()
            },
            is_configured: true,
            ..Options::default()
        }
    }
}

impl Split {
    /// Whether the shares are in range and `stratify_by` is one of these attributes.
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
    /// Whether all settings are in range.
    pub fn check(&self) -> Result<(), String> {
        let words = self.max_words;
        // A bundle holds the number, and browsers have 32 bits.
        let fits = words > 0 && u32::try_from(words).is_ok();
        within("text.max_words", words, fits, "from 1 to 4294967295")?;
        at_least_one("text.vocabulary", self.vocabulary)
    }
}

/// The labels that are read as classes, from the `map` of each attribute.
///
/// # Errors
/// See [`Config::labels`].
pub fn label_map<'a>(
    attributes: &[Attribute],
    maps: impl Iterator<Item = &'a BTreeMap<String, String>>,
) -> Result<LabelMap, String> {
    let mut labels = LabelMap::default();
    for (attribute, map) in attributes.iter().zip(maps) {
        for (label, class) in map {
            labels.add(&attribute.name, label, class)?;
        }
    }
    labels.check(attributes)?;
    Ok(labels)
}

/// Whether the attributes are valid and their names differ.
pub fn check_attributes(attributes: &[Attribute]) -> Result<(), String> {
    for (index, attribute) in attributes.iter().enumerate() {
        let name = &attribute.name;
        (attribute.check()).map_err(|what| format!("attributes: {what}"))?;
        if (attributes[..index].iter()).any(|other| other.name == *name) {
            return Err(format!(
                "attributes: {name:?} is listed twice; an attribute has one [[attributes]] section"
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
