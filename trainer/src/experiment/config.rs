//! The settings of `auxlstm experiment`: one or more TOML files, checked once so that the rest can rely on them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use model_core::attribute::{Attribute, CoarseClass};
use serde::{Deserialize, Deserializer, Serialize};

use super::systems::{Settings, SystemName};
use crate::config::{Columns, Split, Text, check_attributes, label_map};
use crate::corpus::LabelMap;
use crate::device;
use crate::settings::{self, ConfigError, at_least_one, one_line, within};

/// All settings of an experiment. Paths are relative to the working directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Experiment {
    /// The name of the corpus in the report.
    pub name: String,
    /// Whether the report compares the corpus with the paper: it then has the paper's tables with its figures, and rows for
    /// the paper's systems that were not run.
    pub paper: bool,
    /// The labelled users, one or more files.
    pub corpus: Vec<PathBuf>,
    /// Whether a bad record of the corpus ends the experiment. If not, it is reported and left out.
    pub strict: bool,
    /// Word vectors in word2vec's text or binary format, most frequent words first, or a bundle. May be empty where all systems
    /// are linear.
    pub vectors: PathBuf,
    /// The folder of the results, created if it does not exist. Runs that it contains are not repeated.
    pub output: PathBuf,
    /// The device that computes networks: `cpu`, `wgpu`, `vulkan` or `cuda`.
    pub device: String,
    /// The seeds of the runs. A seed decides the split of the users and all random choices in learning.
    pub seeds: Vec<u64>,
    /// How many linear systems are fitted at a time. Networks are trained one at a time, on all cores.
    pub parallel: usize,
    /// The columns of the corpus that have no known name.
    pub columns: Columns,
    /// How users are divided.
    pub split: Shares,
    /// How text is read. A system may read less of it.
    pub text: Text,
    /// The attributes.
    pub attributes: Vec<MappedAttribute>,
    /// The settings of the systems.
    pub systems: Settings,
    /// The runs.
    pub runs: Vec<Group>,
}

/// An attribute with the labels that are read as its classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MappedAttribute {
    /// The field of a record that holds the attribute.
    pub name: String,
    /// Its classes, see [`Attribute::classes`].
    pub classes: Vec<String>,
    /// Coarser classes that are reported as well, see [`Attribute::coarse_classes`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coarse_classes: Vec<CoarseClass>,
    /// Labels that are read as classes, such as `{ "F" = "female" }`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub map: BTreeMap<String, String>,
}

/// How users are divided into training, validation and test users. The seed of a run decides which users are in which part.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shares {
    /// The share of all users kept for the test.
    pub test: f64,
    /// The share of the others on which hyper-parameters, the best epoch and the calibration are chosen.
    pub validation: f64,
    /// Keep the share of each class of this attribute equal in all parts; empty: no stratification.
    pub stratify_by: String,
}

/// Runs of all combinations of these systems, attributes, values of λ and seeds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Group {
    /// The systems.
    pub systems: Vec<SystemName>,
    /// The attributes that are predicted.
    pub main: Vec<String>,
    /// What joint systems learn beside each of them: the name of an attribute, or a list of names. Combinations of an
    /// attribute with itself are skipped, and one with another must remain for each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub auxiliary: Vec<Auxiliary>,
    /// Values of λ of Eq. 19 for the main task; the auxiliary tasks share 1 − λ. None: the system's own value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lambda: Vec<f64>,
    /// Shares of the main attribute's labels that training and validation users keep, each above 0 and at most 1, such as 0.05
    /// for one label in twenty; auxiliary attributes keep all labels. None: all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<f64>,
    /// Shuffle the labels of the auxiliary attributes among the users: a control, whose gain must vanish.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub shuffled: bool,
    /// What distinguishes these runs from others of the same systems, as shown in the report; empty: nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// Settings of the systems that differ for these runs.
    #[serde(skip_serializing_if = "Overrides::is_empty")]
    pub settings: Overrides,
    /// Seeds in place of the experiment's; none: those.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seeds: Vec<u64>,
}

/// One or more attributes that are learned beside another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected an attribute's name or a list of names"
)]
pub enum Auxiliary {
    /// One attribute.
    One(String),
    /// Several attributes.
    Several(Vec<String>),
}

/// Some of the [`Settings`] of systems, laid over the experiment's.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Overrides(toml::Table);

impl Default for Experiment {
    fn default() -> Self {
        Self {
            name: "corpus".into(),
            paper: false,
            corpus: Vec::new(),
            strict: false,
            vectors: PathBuf::new(),
            output: "runs/experiment".into(),
            device: device::DEFAULT.into(),
            seeds: vec![1],
            parallel: 2,
            columns: Columns::default(),
            split: Shares::default(),
            text: Text::default(),
            attributes: Vec::new(),
            systems: Settings::default(),
            runs: Vec::new(),
        }
    }
}

impl Default for Shares {
    fn default() -> Self {
        let split = Split::default();
        Self {
            test: split.test,
            validation: split.validation,
            stratify_by: split.stratify_by,
        }
    }
}

impl Shares {
    /// The split of a seed.
    pub fn split(&self, seed: u64) -> Split {
        Split {
            test: self.test,
            validation: self.validation,
            stratify_by: self.stratify_by.clone(),
            seed,
        }
    }
}

impl Auxiliary {
    /// The names of the attributes.
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

impl Overrides {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `settings` with these laid over them.
    pub fn over(&self, settings: &Settings) -> Result<Settings, String> {
        settings::over(settings, self.0.clone()).map_err(|error| one_line(error.message()))
    }
}

impl<'de> Deserialize<'de> for Overrides {
    /// Reports unknown settings already here, where the line is known.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let overrides = Self(toml::Table::deserialize(deserializer)?);
        match overrides.over(&Settings::default()) {
            Ok(_) => Ok(overrides),
            Err(error) => Err(serde::de::Error::custom(error)),
        }
    }
}

impl Experiment {
    /// The config as TOML with every setting written out, see [`settings::to_toml`].
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        settings::to_toml(self)
    }

    /// The attributes themselves.
    pub fn attributes(&self) -> Vec<Attribute> {
        let attributes = self.attributes.iter().map(|mapped| Attribute {
            name: mapped.name.clone(),
            classes: mapped.classes.clone(),
            coarse_classes: mapped.coarse_classes.clone(),
        });
        attributes.collect()
    }

    /// The labels that are read as classes.
    ///
    /// # Errors
    /// A label that differs from another one by spaces only and is read as another class, or a class that its attribute does
    /// not have.
    pub fn labels(&self) -> Result<LabelMap, String> {
        let maps = self.attributes.iter().map(|mapped| &mapped.map);
        label_map(&self.attributes(), maps)
    }

    /// Whether all settings are in range. The runs are checked by `plans`.
    ///
    /// # Errors
    /// One line that names the setting and what is permitted.
    pub fn check(&self) -> Result<(), String> {
        if self.corpus.is_empty() {
            return Err("corpus: name at least one file of labelled users".into());
        }
        if self.seeds.is_empty() {
            return Err("seeds: name at least one".into());
        }
        at_least_one("parallel", self.parallel)?;
        self.text.check()?;
        if self.attributes.is_empty() {
            return Err("attributes: name at least one in [[attributes]]".into());
        }
        let attributes = self.attributes();
        check_attributes(&attributes)?;
        self.columns.check(&attributes)?;
        (self.labels()).map_err(|what| format!("attributes: map: {what}"))?;
        let split = self.split.split(1);
        split.check(&attributes)?;
        for (name, share) in [
            ("split.test", split.test),
            ("split.validation", split.validation),
        ] {
            within(
                name,
                share,
                share > 0.0,
                "above 0, because all runs need such users",
            )?;
        }
        (self.systems.check()).map_err(|what| format!("systems.{what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SelectBy;

    fn read(text: &str) -> Result<Experiment, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("experiment.toml");
        std::fs::write(&path, format!("{text}{RUNS}")).unwrap();
        settings::read(&[path], &[], Experiment::check)
    }

    const RUNS: &str = r#"
[[attributes]]
name = "age"
classes = ["13-20", "21+"]

[[runs]]
systems = ["cnn", "pcnn", "lstm", "aux-lstm"]
main = ["age"]
auxiliary = ["age"]
"#;

    /// `[systems.lstm.wide]` with one key used to turn the wide component on, and the same key in a run's settings did not.
    #[test]
    fn one_key_of_the_wide_component_does_not_turn_it_on() {
        let corpus = "corpus = ['users.jsonl']\nvectors = 'vectors.bin'\n";
        let whole = read(&format!("{corpus}[systems.lstm.wide]\nmin_users = 9")).unwrap();
        let runs: Overrides = toml::from_str("[lstm.wide]\nmin_users = 9").unwrap();
        for settings in [whole.systems, runs.over(&Settings::default()).unwrap()] {
            assert_eq!(
                (settings.lstm.wide.min_users, settings.lstm.wide.features),
                (9, 0)
            );
        }
    }

    /// A default of CNN's training, F, used to be lost where `[systems.cnn.training]` named another key.
    #[test]
    fn one_key_of_cnn_training_keeps_the_defaults_of_cnn() {
        let corpus = "corpus = ['users.jsonl']\nvectors = 'vectors.bin'\n";
        let whole = read(&format!("{corpus}[systems.cnn.training]\nepochs = 3")).unwrap();
        let runs: Overrides = toml::from_str("[cnn.training]\nepochs = 3").unwrap();
        for settings in [whole.systems, runs.over(&Settings::default()).unwrap()] {
            let training = settings.cnn.training;
            assert_eq!((training.epochs, training.select_by), (3, SelectBy::F));
            assert_eq!(settings.lstm.training.select_by, SelectBy::Loss);
        }
    }

    #[test]
    fn a_list_in_a_runs_settings_replaces_that_of_the_experiment() {
        let runs: Overrides = toml::from_str("[[features.terms]]\nweight = 0.5").unwrap();
        let settings = runs.over(&Settings::default()).unwrap();
        assert_eq!(settings.features.terms.len(), 1);
    }
}
