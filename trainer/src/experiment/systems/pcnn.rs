//! PCNN: several convolutions over bags of words, in parallel.

use serde::{Deserialize, Serialize};

use super::convolution::CnnSettings;
use crate::experiment::error::ExperimentError;
use crate::experiment::system::{Fitted, Problem, System, table};
use crate::features::Features;
use crate::settings::at_least_one;

/// The settings of PCNN in addition to those of CNN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PcnnSettings {
    /// Words of a region, for each convolution.
    pub regions: Vec<usize>,
}

impl Default for PcnnSettings {
    fn default() -> Self {
        Self {
            regions: vec![2, 4],
        }
    }
}

impl PcnnSettings {
    /// Whether all settings of this section are in range.
    pub fn check(&self) -> Result<(), String> {
        if self.regions.len() < 2 {
            return Err("pcnn.regions: name at least two".into());
        }
        (self.regions.iter()).try_for_each(|&region| at_least_one("pcnn.regions", region))
    }
}

/// The system.
#[derive(Serialize)]
pub struct Pcnn {
    pub features: Features,
    pub cnn: CnnSettings,
    pub pcnn: PcnnSettings,
}

impl System for Pcnn {
    fn settings(&self) -> toml::Table {
        table(self)
    }

    fn features(&self) -> Option<&Features> {
        Some(&self.features)
    }

    fn is_network(&self) -> bool {
        true
    }

    fn fit<'a>(&self, problem: &Problem<'a>) -> Result<Fitted<'a>, ExperimentError> {
        self.cnn.train(problem, &self.pcnn.regions)
    }
}
