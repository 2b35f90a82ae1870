//! ME: maximum entropy, that is logistic regression, over textual features.

use serde::Serialize;

use super::linear::{Classifier, Learner, LinearSettings};
use crate::experiment::error::ExperimentError;
use crate::experiment::system::{Fitted, Problem, System, table};
use crate::features::Features;

/// The system.
#[derive(Serialize)]
pub struct Me {
    pub features: Features,
    pub me: LinearSettings,
}

impl System for Me {
    fn settings(&self) -> toml::Table {
        table(self)
    }

    fn features(&self) -> Option<&Features> {
        Some(&self.features)
    }

    fn is_network(&self) -> bool {
        false
    }

    fn fit<'a>(&self, problem: &Problem<'a>) -> Result<Fitted<'a>, ExperimentError> {
        Classifier {
            learner: Learner::LogisticRegression,
            settings: &self.me,
        }
        .fit_alone(problem)
    }
}
