//! Meta-Learning: a support vector machine tells the auxiliary attribute, and what it says is read by another that tells
//! the main one.

use std::sync::Arc;

use model_core::attribute::Attribute;
use serde::{Deserialize, Serialize};
use sparse_linear::{Examples, Posterior, SparseMatrix, folds, out_of_fold};

use super::linear::{Choice, Learner, Linear, LinearSettings, Rows, Scorer};
use crate::experiment::system::{ExperimentError, Fitted, Problem, System};
use crate::settings::within;

/// The settings of Meta-Learning; both stages are machines with the settings of svm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetaLearningSettings {
    /// The training users are told their auxiliary attribute by machines that have not seen them: one for each of so many
    /// parts of these users, learned from the other parts.
    pub folds: usize,
}

impl Default for MetaLearningSettings {
    fn default() -> Self {
        Self { folds: 5 }
    }
}

impl MetaLearningSettings {
    /// Whether all settings are in their ranges.
    pub fn check(&self) -> Result<(), String> {
        within("folds", self.folds, self.folds >= 2, "at least 2")
    }
}

/// The system.
pub struct MetaLearning<'s> {
    pub settings: &'s MetaLearningSettings,
    pub svm: &'s LinearSettings,
}

impl System for MetaLearning<'_> {
    fn fit<'a>(&self, problem: &Problem<'a>) -> Result<Fitted<'a>, ExperimentError> {
        let machine = Linear {
            learner: Learner::SupportVectorMachine,
            settings: self.svm,
        };
        let features = &problem.features()?.matrix;
        let mut chosen = Vec::new();
        let mut posteriors = vec![Vec::new(); features.rows()];
        for &attribute in problem.auxiliary {
            let choice = machine.choose_alone(problem, attribute)?;
            let Attribute { name, .. } = &problem.attributes[attribute];
            chosen.extend(choice.named(&format!("{name} ")));
            let key = (attribute, self.settings.clone(), self.svm.clone());
            let of_attribute = (problem.learned.posteriors).get_or_make(key, || {
                self.posteriors(problem, &machine, attribute, &choice)
            })?;
            for (all, of_attribute) in posteriors.iter_mut().zip(of_attribute.iter()) {
                all.extend(of_attribute);
            }
        }
        let features = beside(features, &posteriors)?;
        let choice = machine.choose(problem, problem.main, &features)?;
        chosen.extend(choice.named(""));
        Ok(Fitted {
            chosen,
            validation_curve: Vec::new(),
            training_curve: Vec::new(),
            model: Box::new(Scorer {
                choice: Arc::new(choice),
                features: Rows::Own(features),
            }),
        })
    }
}

impl MetaLearning<'_> {
    /// The probabilities of the classes of `attribute` for each user, said by a machine that has not learned from this user:
    /// so the second stage learns from what it will see in the test.
    fn posteriors(
        &self,
        problem: &Problem,
        machine: &Linear,
        attribute: usize,
        choice: &Choice,
    ) -> Result<Vec<Vec<f64>>, ExperimentError> {
        let features = &problem.features()?.matrix;
        let (training, classes) = problem.labelled(&problem.parts.training, attribute);
        let rows = features.select(&training);
        let class_count = problem.class_count(attribute);
        let examples = Examples::new(&rows, &classes, class_count)?;
        let folds = folds(&examples, self.settings.folds, problem.seed)?;
        let values = out_of_fold(&examples, &folds, |examples| {
            machine.learn(examples, choice.cost, choice.class_balance)
        })?;
        let posterior = Posterior::calibrate(&values, &classes, class_count)?;
        let mut posteriors: Vec<Vec<f64>> = (0..features.rows())
            .map(|user| posterior.probabilities(&choice.model.decision_values(features.row(user))))
            .collect();
        let machines = values.len() / training.len();
        for (&user, values) in training.iter().zip(values.chunks_exact(machines)) {
            posteriors[user] = posterior.probabilities(values);
        }
        Ok(posteriors)
    }
}

/// Features with others in columns of their own.
fn beside(features: &SparseMatrix, others: &[Vec<f64>]) -> Result<SparseMatrix, ExperimentError> {
    let width = features.columns();
    let mut both = SparseMatrix::new(width + others.first().map_or(0, Vec::len));
    for (user, others) in others.iter().enumerate() {
        let others = (width as u32..).zip(others.iter().map(|&value| value as f32));
        both.push_row(features.row(user).iter().chain(others))?;
    }
    Ok(both)
}
