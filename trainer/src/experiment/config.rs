//! What an experiment is: one TOML file, checked once into a value that the rest can trust.

use std::path::PathBuf;

use model_core::attribute::Attribute;
use serde::{Deserialize, Deserializer, Serialize};

use super::CellKey;
use super::systems::{SystemName, Systems};
use crate::config::{Split, Text, check_attributes};
use crate::device;
use crate::settings::{self, ConfigError, at_least_one, one_line, within};

/// All settings of an experiment. Paths are relative to the folder that the command runs in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Experiment {
    /// What the report calls the corpus.
    pub name: String,
    /// The labelled users, one or more files.
    pub corpus: Vec<PathBuf>,
    /// Whether a bad record of the corpus ends the experiment; else it is reported and left out.
    pub strict: bool,
    /// Word vectors in word2vec's text or binary format, most frequent words first, or a bundle, for those in it; they may
    /// be missing where no system reads them.
    pub vectors: PathBuf,
    /// The folder of the results; made if it is not there. An experiment that is begun again there goes on.
    pub output: PathBuf,
    /// What networks are computed on: `cpu`, `wgpu`, `vulkan` or `cuda`.
    pub device: String,
    /// The cells are learned once with each seed, which decides the split and all that is random in learning.
    pub seeds: Vec<u64>,
    /// How many cells of linear systems are learned at a time. Networks are learned one at a time, on all cores.
    pub parallel: usize,
    /// How users are divided.
    pub split: Shares,
    /// How text is read. A system may read less of it.
    pub text: Text,
    /// What is predicted.
    pub attributes: Vec<Attribute>,
    /// The settings of the systems.
    pub systems: Systems,
    /// What is learned.
    pub cells: Vec<Group>,
}

/// How users are divided into training, validation and test users; a cell's seed decides who is where.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shares {
    /// The share of all users kept for the test.
    pub test: f64,
    /// The share of the others on which hyper-parameters, the best epoch and the calibration are chosen.
    pub validation: f64,
    /// Keep the share of each class of this attribute equal in all parts; empty: do not.
    pub stratify_by: String,
}

/// Cells that differ in system, attributes, λ and seed, all with all.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Group {
    /// The systems.
    pub systems: Vec<SystemName>,
    /// The attributes that are predicted.
    pub main: Vec<String>,
    /// What joint systems learn beside them: an attribute's name each, or a list of names. What is predicted is not
    /// learned beside itself: such a pair is left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub auxiliary: Vec<Beside>,
    /// Values of λ of Eq. 19 for the main task, the auxiliary tasks having 1 − λ together; none: the system's own.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub lambda: Vec<f64>,
    /// What sets these cells apart from others of the same systems, in the report's words; empty: nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub variant: String,
    /// Settings of the systems that differ for these cells.
    #[serde(skip_serializing_if = "Overrides::is_empty")]
    pub settings: Overrides,
    /// Other seeds than the experiment's; none: these.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seeds: Vec<u64>,
}

/// One or more attributes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "expected an attribute's name or a list of names"
)]
pub enum Beside {
    /// One attribute.
    One(String),
    /// Several attributes.
    Several(Vec<String>),
}

/// Some of the settings of [`Systems`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Overrides(toml::Table);

/// What is learned in a cell, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What is learned.
    pub key: CellKey,
    /// The system.
    pub system: SystemName,
    /// The attribute that is predicted, as an index.
    pub main: usize,
    /// The attributes learned beside it.
    pub auxiliary: Vec<usize>,
    /// λ of the main task, where the system has it.
    pub lambda: Option<f64>,
    /// The settings of the systems.
    pub settings: Systems,
}

impl Default for Experiment {
    fn default() -> Self {
        Self {
            name: "corpus".into(),
            corpus: Vec::new(),
            strict: false,
            vectors: PathBuf::new(),
            output: "runs/experiment".into(),
            device: device::DEFAULT.into(),
            seeds: vec![1],
            parallel: 2,
            split: Shares::default(),
            text: Text::default(),
            attributes: Vec::new(),
            systems: Systems::default(),
            cells: Vec::new(),
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

impl Beside {
    fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

impl Overrides {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `settings` with these in their place.
    fn over(&self, settings: &Systems) -> Result<Systems, toml::de::Error> {
        settings::over(settings, self.0.clone())
    }
}

impl<'de> Deserialize<'de> for Overrides {
    /// Settings that no system has are an error already here, where the line is known.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let overrides = Self(toml::Table::deserialize(deserializer)?);
        match overrides.over(&Systems::default()) {
            Ok(_) => Ok(overrides),
            Err(error) => Err(serde::de::Error::custom(one_line(error.message()))),
        }
    }
}

impl Experiment {
    /// Reads config files and then applies `overrides`, see [`settings::read`].
    pub fn read(paths: &[PathBuf], overrides: &[String]) -> Result<Self, ConfigError> {
        settings::read(paths, overrides, Self::check)
    }

    /// The config as TOML with every setting written out. A path that is not UTF-8 cannot be.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        settings::to_toml(self)
    }

    fn check(&self) -> Result<(), String> {
        if self.corpus.is_empty() {
            return Err("corpus: name at least one file of labelled users".into());
        }
        if self.seeds.is_empty() {
            return Err("seeds: name at least one".into());
        }
        at_least_one("parallel", self.parallel)?;
        self.text.check()?;
        if self.attributes.is_empty() {
            return Err("attributes: there is none".into());
        }
        check_attributes(&self.attributes)?;
        let split = self.split.split(1);
        split.check(&self.attributes)?;
        for (name, share) in [
            ("split.test", split.test),
            ("split.validation", split.validation),
        ] {
            within(
                name,
                share,
                share > 0.0,
                "above 0, as all cells need such users",
            )?;
        }
        (self.systems.check()).map_err(|what| format!("systems.{what}"))?;
        let plans = self.plans()?;
        if self.vectors.as_os_str().is_empty()
            && let Some(plan) = plans.iter().find(|plan| plan.system.reads_vectors())
        {
            return Err(format!(
                "vectors: {} reads word vectors, name a file of them (auxlstm embed makes one)",
                plan.key.system
            ));
        }
        Ok(())
    }

    /// All cells, one seed after the other; those of linear systems stand together.
    pub fn plans(&self) -> Result<Vec<Plan>, String> {
        let mut plans: Vec<Plan> = Vec::new();
        for (number, group) in self.cells.iter().enumerate() {
            let wrong = |what: String| format!("cells, group {}: {what}", number + 1);
            for plan in self.plans_of(group).map_err(wrong)? {
                let settings = |plan: &Plan| plan.settings.of(plan.system);
                let mut others = plans
                    .iter()
                    .filter(|other| other.key.plan() == plan.key.plan());
                if others.any(|other| settings(other) != settings(&plan)) {
                    return Err(wrong(format!(
                        "an earlier group has {} with other settings: give these a variant of their own",
                        plan.key.plan()
                    )));
                }
                if !plans.iter().any(|other| other.key == plan.key) {
                    plans.push(plan);
                }
            }
        }
        if plans.is_empty() {
            return Err("cells: there is none, name systems and attributes in [[cells]]".into());
        }
        plans.sort_by_key(|plan| (plan.key.seed, !plan.system.is_linear()));
        Ok(plans)
    }

    fn plans_of(&self, group: &Group) -> Result<Vec<Plan>, String> {
        if group.systems.is_empty() || group.main.is_empty() {
            return Err("name at least one of systems and one of main".into());
        }
        let settings = (group.settings.over(&self.systems))
            .map_err(|error| format!("settings: {}", one_line(error.message())))?;
        (settings.check()).map_err(|what| format!("settings.{what}"))?;
        if !group.settings.is_empty() && group.variant.is_empty() {
            return Err("settings of its own need a variant that says what they are".into());
        }
        let joint = group.systems.iter().any(|system| system.is_joint());
        if joint == group.auxiliary.is_empty() {
            return Err(match joint {
                true => "a joint system needs auxiliary, the attributes learned beside main".into(),
                false => "auxiliary: none of these systems learns attributes jointly".to_owned(),
            });
        }
        let has_lambda = |system: &SystemName| settings.lambda(*system).is_some();
        if !group.lambda.is_empty() && !group.systems.iter().any(has_lambda) {
            return Err("lambda: none of these systems has it".into());
        }
        let seeds = match group.seeds.is_empty() {
            true => &self.seeds,
            false => &group.seeds,
        };
        let mut plans = Vec::new();
        for &system in &group.systems {
            let own = settings.lambda(system);
            for (main, index) in group.main.iter().zip(self.indices(&group.main)?) {
                for (beside, lambda) in group.beside(system, own) {
                    if beside.contains(main) {
                        continue;
                    }
                    let mut variant = group.variant.clone();
                    if let Some(lambda) = lambda.filter(|_| lambda != own) {
                        check_lambda("lambda", lambda)?;
                        let gap = if variant.is_empty() { "" } else { ", " };
                        variant += &format!("{gap}lambda={lambda}");
                    }
                    let auxiliary = self.indices(beside)?;
                    plans.extend(seeds.iter().map(|&seed| Plan {
                        key: CellKey {
                            system: system.to_string(),
                            main: main.clone(),
                            auxiliary: beside.to_vec(),
                            variant: variant.clone(),
                            seed,
                        },
                        system,
                        main: index,
                        auxiliary: auxiliary.clone(),
                        lambda,
                        settings: settings.clone(),
                    }));
                }
            }
        }
        Ok(plans)
    }

    /// The indices of attributes by their names.
    fn indices(&self, names: &[String]) -> Result<Vec<usize>, String> {
        let mut indices = Vec::new();
        for name in names {
            let mut attributes = self.attributes.iter();
            let index = attributes.position(|attribute| attribute.name == *name);
            let index = index.ok_or_else(|| {
                let names: Vec<&str> = (self.attributes.iter())
                    .map(|attribute| attribute.name.as_str())
                    .collect();
                format!(
                    "there is no attribute {name:?}; permitted: {}",
                    names.join(", ")
                )
            })?;
            if indices.contains(&index) {
                return Err(format!("{name:?} is there twice"));
            }
            indices.push(index);
        }
        Ok(indices)
    }
}

impl Group {
    /// What a system learns beside the main attribute, and with which λ; `own` is the system's own.
    fn beside(&self, system: SystemName, own: Option<f64>) -> Vec<(&[String], Option<f64>)> {
        if !system.is_joint() {
            return vec![(&[], None)];
        }
        let lambdas: Vec<Option<f64>> = match own {
            Some(_) if !self.lambda.is_empty() => self.lambda.iter().copied().map(Some).collect(),
            _ => vec![own],
        };
        (self.auxiliary.iter().map(Beside::names))
            .flat_map(|beside| lambdas.iter().map(move |&lambda| (beside, lambda)))
            .collect()
    }
}

/// Whether λ leaves the main task something to learn by.
pub fn check_lambda(name: &str, lambda: f64) -> Result<(), String> {
    let holds = lambda > 0.0 && lambda <= 1.0;
    within(name, lambda, holds, "above 0, at most 1")
}
