//! SVM: linear support vector machines over textual features, one against the rest for more than two classes.

use serde::Serialize;

use super::linear::{Classifier, Learner, LinearSettings};
use crate::experiment::error::ExperimentError;
use crate::experiment::system::{Fitted, Problem, System, table};
use crate::features::Features;

/// The system.
#[derive(Serialize)]
pub struct Svm {
    pub features: Features,
    pub svm: LinearSettings,
}

impl System for Svm {
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
            learner: Learner::SupportVectorMachine,
            settings: &self.svm,
        }
        .fit_alone(problem)
    }
}
