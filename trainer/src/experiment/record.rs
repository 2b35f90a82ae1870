//! The settings and data of the runs in a folder, so that runs with others are not mixed with them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::config::{Experiment, MappedAttribute, Shares};
use super::error::ExperimentError;
use super::plan::Plan;
use super::run::{read_json, write_json};
use super::systems::Settings;
use super::users::Users;
use crate::config::Text;
use crate::output::OutputError;
use crate::settings::{first_difference, to_toml};

/// The settings and data of the runs in a folder. Runs that are added later must have the same.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The checksum of the users.
    users: Option<u32>,
    /// The checksum of the word vectors, where a system reads them.
    vectors: Option<u32>,
    /// The settings that all runs share, as TOML.
    common: Option<String>,
    /// The attributes that runs predict. Others are auxiliary only.
    pub predicted: BTreeSet<String>,
    /// The settings of each system and of each of its variants, as TOML.
    systems: BTreeMap<String, String>,
}

/// The settings that all runs share.
#[derive(Serialize)]
struct Common<'a> {
    split: &'a Shares,
    text: &'a Text,
    attributes: &'a [MappedAttribute],
}

impl Record {
    /// Its file, in the experiment's folder.
    pub const FILE: &str = "experiment.json";

    /// The record of a folder, empty for a new one.
    pub fn read(folder: &Path) -> Result<Self, ExperimentError> {
        let path = folder.join(Self::FILE);
        match path.exists() {
            true => Ok(read_json(&path)?),
            false => Ok(Self::default()),
        }
    }

    /// Writes the record into a folder, completely or not at all.
    pub fn write(&self, folder: &Path) -> Result<(), OutputError> {
        let text = serde_json::to_string_pretty(self).expect("plain data is JSON");
        write_json(&folder.join(Self::FILE), &text)
    }

    /// Adds the settings of an experiment.
    ///
    /// # Errors
    /// A setting that differs from the recorded one.
    pub fn add_settings(
        &mut self,
        experiment: &Experiment,
        plans: &[Plan],
        folder: &Path,
    ) -> Result<(), ExperimentError> {
        let common = |experiment: &Experiment| {
            to_toml(&Common {
                split: &experiment.split,
                text: &experiment.text,
                attributes: &experiment.attributes,
            })
        };
        let common_defaults = common(&Experiment::default())?;
        let systems_defaults = to_toml(&Settings::default())?;
        let common = common(experiment)?;
        let before = self.common.get_or_insert_with(|| common.clone());
        if let Some(difference) = first_difference(before, &common, &common_defaults, |_| false) {
            return Err(other(folder, &format!("settings: {difference}")));
        }
        for plan in plans {
            self.predicted.insert(plan.key.main.clone());
            let name = plan.key.configuration();
            let settings = to_toml(&plan.system.settings())?;
            let before = (self.systems.entry(name.clone())).or_insert_with(|| settings.clone());
            let difference = first_difference(before, &settings, &systems_defaults, |_| false);
            if let Some(difference) = difference {
                return Err(other(folder, &format!("settings of {name}: {difference}")));
            }
        }
        Ok(())
    }

    /// Adds the checksums of the data.
    ///
    /// # Errors
    /// Users or vectors that differ from the recorded ones.
    pub fn add_data(&mut self, users: &Users, folder: &Path) -> Result<(), ExperimentError> {
        if *self.users.get_or_insert(users.checksum) != users.checksum {
            return Err(other(
                folder,
                "users: the corpus, its ids or the paths of its files have changed since, or the content of a dictionary",
            ));
        }
        if let Some(now) = users.vectors_checksum()
            && *self.vectors.get_or_insert(now) != now
        {
            return Err(other(folder, "vectors: their file has changed since"));
        }
        Ok(())
    }
}

fn other(folder: &Path, what: &str) -> ExperimentError {
    ExperimentError::Unusable(format!(
        "{} contains runs with other {what}; choose another folder with --output",
        folder.display()
    ))
}
