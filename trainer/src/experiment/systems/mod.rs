//! The systems, and their registry: a new system is a file here and a line in [`REGISTRY`], with a field of [`Settings`] if it
//! has settings of its own, which [`Settings::check`] checks.

mod attention;
mod aux_lstm;
mod cnn;
mod convolution;
mod linear;
mod lstm;
mod me;
mod meta_learning;
mod multi_task_lstm;
mod networks;
mod pcnn;
mod svm;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize};

use super::system::System;
use crate::features::Features;

/// The settings of all systems, by section. A system may read those of others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Settings {
    /// The features of svm, me and meta-learning. Cnn and pcnn read those that are not terms.
    pub features: Features,
    /// Svm, and both stages of meta-learning.
    pub svm: linear::LinearSettings,
    /// Me.
    pub me: linear::LinearSettings,
    /// Meta-learning, in addition to svm.
    pub meta_learning: meta_learning::MetaLearningSettings,
    /// Cnn, and the layers of pcnn.
    pub cnn: convolution::CnnSettings,
    /// Pcnn: the regions in place of the one of cnn.
    pub pcnn: pcnn::PcnnSettings,
    /// The networks of lstm, aux-lstm and multi-task-lstm.
    pub lstm: lstm::LstmSettings,
    /// Multi-task-lstm, in addition to lstm.
    pub multi_task_lstm: multi_task_lstm::MultiTaskSettings,
    /// Aux-lstm, in addition to lstm.
    pub aux_lstm: aux_lstm::JointSettings,
}

/// A system with its part of the settings.
type Build = fn(Settings) -> Arc<dyn System>;

/// The systems, by the names that configs use.
const REGISTRY: [(&str, Build); 8] = [
    ("svm", |all| {
        Arc::new(svm::Svm {
            features: all.features,
            svm: all.svm,
        })
    }),
    ("me", |all| {
        Arc::new(me::Me {
            features: all.features,
            me: all.me,
        })
    }),
    ("meta-learning", |all| {
        Arc::new(meta_learning::MetaLearning {
            features: all.features,
            svm: all.svm,
            meta_learning: all.meta_learning,
        })
    }),
    ("cnn", |all| {
        Arc::new(cnn::Cnn {
            features: all.features,
            cnn: all.cnn,
        })
    }),
    ("pcnn", |all| {
        Arc::new(pcnn::Pcnn {
            features: all.features,
            cnn: all.cnn,
            pcnn: all.pcnn,
        })
    }),
    ("lstm", |all| Arc::new(lstm::Lstm { lstm: all.lstm })),
    ("multi-task-lstm", |all| {
        Arc::new(multi_task_lstm::MultiTaskLstm {
            lstm: all.lstm,
            multi_task_lstm: all.multi_task_lstm,
        })
    }),
    ("aux-lstm", |all| {
        Arc::new(aux_lstm::AuxLstm {
            lstm: all.lstm,
            aux_lstm: all.aux_lstm,
        })
    }),
];

impl Settings {
    /// Whether the settings of all systems are in range.
    ///
    /// # Errors
    /// One line that names the setting, beginning with its section.
    pub fn check(&self) -> Result<(), String> {
        let Self {
            features,
            svm,
            me,
            meta_learning,
            cnn,
            pcnn,
            lstm,
            multi_task_lstm,
            aux_lstm,
        } = self;
        features.check().map_err(|error| error.to_string())?;
        svm.check("svm")?;
        me.check("me")?;
        meta_learning.check()?;
        cnn.check()?;
        pcnn.check()?;
        lstm.check()?;
        multi_task_lstm.check()?;
        aux_lstm.check()
    }
}

/// A system by its name, as a config gives it.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(into = "&'static str")]
pub struct SystemName {
    name: &'static str,
    build: Build,
}

impl SystemName {
    /// The system with these settings.
    pub fn build(self, settings: &Settings) -> Arc<dyn System> {
        (self.build)(settings.clone())
    }
}

impl PartialEq for SystemName {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl From<SystemName> for &'static str {
    fn from(system: SystemName) -> Self {
        system.name
    }
}

impl fmt::Display for SystemName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<'de> Deserialize<'de> for SystemName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match REGISTRY.iter().find(|(name, _)| *name == text) {
            Some(&(name, build)) => Ok(Self { name, build }),
            None => {
                let names = REGISTRY.map(|(name, _)| name).join(", ");
                let what = format!("unknown system {text:?}; permitted: {names}");
                Err(serde::de::Error::custom(what))
            }
        }
    }
}
