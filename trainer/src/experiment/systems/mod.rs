//! The systems: those of the paper's tables, and their settings.

mod attention;
mod cnn;
mod learned;
mod linear;
mod lstm;
mod meta_learning;
mod multi_task_lstm;
mod networks;

use std::fmt;

use serde::{Deserialize, Serialize};

use super::config::{Plan, check_lambda};
use super::system::{ExperimentError, Fitted, Problem, System};
use crate::features::Features;
use cnn::{Cnn, CnnSettings, PcnnSettings};
pub use learned::Learned;
use linear::{Learner, Linear, LinearSettings};
use lstm::{Lstm, LstmSettings};
use meta_learning::{MetaLearning, MetaLearningSettings};
use multi_task_lstm::{MultiTaskLstm, MultiTaskSettings};

/// A system, by the name that configs call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SystemName {
    /// Linear support vector machine over textual features.
    Svm,
    /// Maximum entropy over the same.
    Me,
    /// Support vector machines in two stages, the second of which reads what the first says of the other attribute.
    MetaLearning,
    /// Convolution over bags of words.
    Cnn,
    /// Several such convolutions in parallel.
    Pcnn,
    /// One LSTM.
    Lstm,
    /// An LSTM for each attribute, over word vectors of its own and shared ones.
    MultiTaskLstm,
    /// The paper's own.
    AuxLstm,
}

impl SystemName {
    /// Whether it learns several attributes jointly.
    pub fn is_joint(self) -> bool {
        matches!(
            self,
            Self::MetaLearning | Self::MultiTaskLstm | Self::AuxLstm
        )
    }

    /// Whether it is made of linear machines, which need no device.
    pub fn is_linear(self) -> bool {
        matches!(self, Self::Svm | Self::Me | Self::MetaLearning)
    }

    /// Whether it reads textual features.
    pub fn reads_features(self) -> bool {
        self.is_linear() || matches!(self, Self::Cnn | Self::Pcnn)
    }

    /// Whether it reads word vectors or, of their file, the vocabulary.
    pub fn reads_vectors(self) -> bool {
        !self.is_linear()
    }
}

impl fmt::Display for SystemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The name that serde knows it by.
        self.serialize(f)
    }
}

/// The settings of all systems.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Systems {
    /// The features that svm, me and meta-learning read; cnn and pcnn read what of them are no terms.
    pub features: Features,
    /// Of svm and of both stages of meta-learning.
    pub svm: LinearSettings,
    /// Of me.
    pub me: LinearSettings,
    /// What meta-learning has besides.
    pub meta_learning: MetaLearningSettings,
    /// Of cnn; of the same layers is pcnn.
    pub cnn: CnnSettings,
    /// What pcnn has in place of cnn's region.
    pub pcnn: PcnnSettings,
    /// The network of lstm; of the same layers are aux-lstm and multi-task-lstm.
    pub lstm: LstmSettings,
    /// What multi-task-lstm has besides.
    pub multi_task_lstm: MultiTaskSettings,
    /// What aux-lstm has besides.
    pub aux_lstm: Joint,
}

/// How much a joint network learns of each task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Joint {
    /// λ of Eq. 19 for the main task; the auxiliary tasks share 1 − λ.
    pub lambda: f64,
}

impl Default for Joint {
    fn default() -> Self {
        Self { lambda: 0.75 }
    }
}

impl Systems {
    /// Whether all settings are in their ranges.
    pub fn check(&self) -> Result<(), String> {
        self.features.check().map_err(|error| error.to_string())?;
        (self.svm.check()).map_err(|what| format!("svm.{what}"))?;
        (self.me.check()).map_err(|what| format!("me.{what}"))?;
        (self.meta_learning.check()).map_err(|what| format!("meta-learning.{what}"))?;
        (self.cnn.check()).map_err(|what| format!("cnn.{what}"))?;
        (self.pcnn.check()).map_err(|what| format!("pcnn.{what}"))?;
        (self.lstm.check()).map_err(|what| format!("lstm.{what}"))?;
        (self.multi_task_lstm.check()).map_err(|what| format!("multi-task-lstm.{what}"))?;
        check_lambda("aux-lstm.lambda", self.aux_lstm.lambda)
    }

    /// All settings as TOML has them.
    pub fn as_table(&self) -> toml::Table {
        // They are made of nothing that TOML does not know.
        toml::Table::try_from(self).unwrap_or_default()
    }

    /// The settings that one system depends on.
    pub fn of(&self, system: SystemName) -> toml::Table {
        let sections: &[&str] = match system {
            SystemName::Svm => &["features", "svm"],
            SystemName::Me => &["features", "me"],
            SystemName::MetaLearning => &["features", "svm", "meta-learning"],
            SystemName::Cnn => &["features", "cnn"],
            SystemName::Pcnn => &["features", "cnn", "pcnn"],
            SystemName::Lstm => &["lstm"],
            SystemName::MultiTaskLstm => &["lstm", "multi-task-lstm"],
            SystemName::AuxLstm => &["lstm", "aux-lstm"],
        };
        let mut settings = self.as_table();
        settings.retain(|section, _| sections.contains(&section));
        settings
    }

    /// λ of a system that has it.
    pub fn lambda(&self, system: SystemName) -> Option<f64> {
        match system {
            SystemName::AuxLstm => Some(self.aux_lstm.lambda),
            SystemName::MultiTaskLstm => Some(self.multi_task_lstm.lambda),
            _ => None,
        }
    }
}

impl System for Plan {
    fn fit<'a>(&self, problem: &Problem<'a>) -> Result<Fitted<'a>, ExperimentError> {
        let settings = &self.settings;
        let linear = |learner, settings| Linear { learner, settings };
        match self.system {
            SystemName::Svm => linear(Learner::SupportVectorMachine, &settings.svm).fit(problem),
            SystemName::Me => linear(Learner::LogisticRegression, &settings.me).fit(problem),
            SystemName::MetaLearning => MetaLearning {
                settings: &settings.meta_learning,
                svm: &settings.svm,
            }
            .fit(problem),
            SystemName::Cnn => Cnn {
                settings: &settings.cnn,
                regions: &[settings.cnn.region],
            }
            .fit(problem),
            SystemName::Pcnn => Cnn {
                settings: &settings.cnn,
                regions: &settings.pcnn.regions,
            }
            .fit(problem),
            SystemName::MultiTaskLstm => MultiTaskLstm {
                settings: &settings.multi_task_lstm,
                lstm: &settings.lstm,
                lambda: self.lambda.unwrap_or(settings.multi_task_lstm.lambda),
            }
            .fit(problem),
            SystemName::Lstm | SystemName::AuxLstm => Lstm {
                settings: &settings.lstm,
                lambda: self.lambda,
            }
            .fit(problem),
        }
    }
}
