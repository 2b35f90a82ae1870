//! CNN: one convolution over bags of words.

use serde::Serialize;

use super::convolution::CnnSettings;
use crate::experiment::error::ExperimentError;
use crate::experiment::system::{Fitted, Problem, System, table};
use crate::features::Features;

/// The system.
#[derive(Serialize)]
pub struct Cnn {
    pub features: Features,
    pub cnn: CnnSettings,
}

impl System for Cnn {
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
        self.cnn.train(problem, &[self.cnn.region])
    }
}
