//! SVM and ME over textual features.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sparse_linear::{
    Examples, LinearError, LinearModel, LogisticRegression, SparseMatrix, SupportVectorMachine,
};

use crate::config::{check_balance, check_costs};
use crate::experiment::system::{ExperimentError, Fitted, Model, Problem, System};

/// The settings of a linear system: what is chosen from on the validation users, all with all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinearSettings {
    /// The costs C of an error.
    pub costs: Vec<f64>,
    /// Classes are weighed by their frequency to the power of minus this: 0 not at all, 1 so that all count alike.
    pub class_balances: Vec<f64>,
}

impl Default for LinearSettings {
    fn default() -> Self {
        Self {
            costs: vec![0.1, 0.3, 1.0, 3.0, 10.0],
            class_balances: vec![0.0, 0.5, 1.0],
        }
    }
}

impl LinearSettings {
    /// Whether all settings are in their ranges.
    pub fn check(&self) -> Result<(), String> {
        check_costs("costs", &self.costs)?;
        if self.class_balances.is_empty() {
            return Err("class_balances: name at least one".into());
        }
        (self.class_balances.iter())
            .try_for_each(|&balance| check_balance("class_balances", balance))
    }
}

/// What is learned with the settings.
#[derive(Clone, Copy, PartialEq)]
pub enum Learner {
    /// One against the rest, where there are more than two classes.
    SupportVectorMachine,
    /// Maximum entropy.
    LogisticRegression,
}

/// A linear system that learns the main attribute alone.
pub struct Linear<'s> {
    pub learner: Learner,
    pub settings: &'s LinearSettings,
}

impl System for Linear<'_> {
    fn fit<'a>(&self, problem: &Problem<'a>) -> Result<Fitted<'a>, ExperimentError> {
        let features = &problem.features()?.matrix;
        let choice = self.choose_alone(problem, problem.main)?;
        Ok(Fitted {
            chosen: choice.named(""),
            validation_curve: Vec::new(),
            training_curve: Vec::new(),
            model: Box::new(Scorer {
                choice,
                features: Rows::Shared(features),
            }),
        })
    }
}

/// The best of the models that the settings permit.
pub struct Choice {
    pub model: LinearModel,
    pub cost: f64,
    pub class_balance: f64,
}

impl Choice {
    /// What was chosen, by name.
    pub fn named(&self, prefix: &str) -> Vec<(String, String)> {
        [("cost", self.cost), ("class_balance", self.class_balance)]
            .map(|(name, value)| (format!("{prefix}{name}"), value.to_string()))
            .to_vec()
    }
}

impl Linear<'_> {
    /// Learns `attribute` from the users' own features. What is chosen is kept for other cells.
    pub fn choose_alone(
        &self,
        problem: &Problem,
        attribute: usize,
    ) -> Result<Arc<Choice>, ExperimentError> {
        let key = (attribute, self.learner, self.settings.clone());
        let features = &problem.features()?.matrix;
        (problem.learned.choices).get_or_make(key, || self.choose(problem, attribute, features))
    }

    /// Learns `attribute` from the training users in every way that the settings permit, and takes what has the best F
    /// on the validation users. `features` has a row for each user.
    pub fn choose(
        &self,
        problem: &Problem,
        attribute: usize,
        features: &SparseMatrix,
    ) -> Result<Choice, ExperimentError> {
        let (training, classes) = problem.labelled(&problem.parts.training, attribute);
        let rows = features.select(&training);
        let examples = Examples::new(&rows, &classes, problem.class_count(attribute))?;
        let (validation, validation_classes) =
            problem.labelled(&problem.parts.validation, attribute);
        let LinearSettings {
            costs,
            class_balances,
        } = self.settings;
        let grid: Vec<(f64, f64)> = (class_balances.iter())
            .flat_map(|&balance| costs.iter().map(move |&cost| (cost, balance)))
            .collect();
        let judged = grid.into_par_iter().map(|(cost, class_balance)| {
            problem.go_on()?;
            let model = self.learn(&examples, cost, class_balance)?;
            let scores: Vec<Vec<f32>> = (validation.iter())
                .map(|&user| model.scores(features.row(user)))
                .collect();
            let f = problem.f(attribute, &validation_classes, &scores);
            let choice = Choice {
                model,
                cost,
                class_balance,
            };
            Ok::<_, ExperimentError>((f, choice))
        });
        let judged = judged.collect::<Result<Vec<_>, _>>()?;
        // Of equals the first one: the smaller cost.
        let best = (judged.into_iter().rev()).max_by(|(one, _), (other, _)| one.total_cmp(other));
        let (_, choice) = best.ok_or(LinearError::NoExamples)?;
        Ok(choice)
    }

    /// Learns from examples.
    pub fn learn(
        &self,
        examples: &Examples,
        cost: f64,
        class_balance: f64,
    ) -> Result<LinearModel, LinearError> {
        let class_weights = (examples.balanced_weights().into_iter())
            .map(|weight| weight.powf(class_balance))
            .collect();
        let fit = match self.learner {
            Learner::SupportVectorMachine => SupportVectorMachine {
                cost,
                class_weights,
                ..SupportVectorMachine::default()
            }
            .check()?
            .fit(examples)?,
            Learner::LogisticRegression => LogisticRegression {
                cost,
                class_weights,
                ..LogisticRegression::default()
            }
            .check()?
            .fit(examples)?,
        };
        Ok(fit.model)
    }
}

/// A model with the features of all users.
pub struct Scorer<'a> {
    pub choice: Arc<Choice>,
    pub features: Rows<'a>,
}

/// Features of one model or of several.
pub enum Rows<'a> {
    Shared(&'a SparseMatrix),
    Own(SparseMatrix),
}

impl Model for Scorer<'_> {
    fn scores(&self, users: &[usize]) -> Result<Vec<Vec<f32>>, ExperimentError> {
        let features = match &self.features {
            Rows::Shared(features) => features,
            Rows::Own(features) => features,
        };
        let scores = |&user: &usize| self.choice.model.scores(features.row(user));
        Ok(users.par_iter().map(scores).collect())
    }
}
