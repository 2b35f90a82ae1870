//! Aux-LSTM: the paper's joint learning (section 4.3).

use serde::{Deserialize, Serialize};

use super::lstm::LstmSettings;
use crate::experiment::error::ExperimentError;
use crate::experiment::system::{Fitted, Problem, System, check_lambda, table};

/// The settings of Aux-LSTM in addition to those of LSTM.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JointSettings {
    /// λ of Eq. 19 for the main task; the auxiliary tasks share 1 − λ.
    pub lambda: f64,
}

impl Default for JointSettings {
    fn default() -> Self {
        Self { lambda: 0.75 }
    }
}

impl JointSettings {
    /// Whether all settings of this section are in range.
    pub fn check(&self) -> Result<(), String> {
        check_lambda("aux-lstm.lambda", self.lambda)
    }
}

/// The system.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct AuxLstm {
    pub lstm: LstmSettings,
    pub aux_lstm: JointSettings,
}

impl System for AuxLstm {
    fn settings(&self) -> toml::Table {
        table(self)
    }

    fn lambda(&self) -> Option<f64> {
        Some(self.aux_lstm.lambda)
    }

    fn is_network(&self) -> bool {
        true
    }

    fn fit<'a>(&self, problem: &Problem<'a>) -> Result<Fitted<'a>, ExperimentError> {
        self.lstm.train(problem)
    }
}
