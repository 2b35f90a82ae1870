//! Linear classifiers over textual features, whose hyper-parameters are chosen on the validation users.

use std::sync::Arc;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sparse_linear::{
    Examples, LinearError, LinearModel, LogisticRegression, SparseMatrix, SupportVectorMachine,
};

use crate::config::{check_balance, check_costs};
use crate::experiment::error::ExperimentError;
use crate::experiment::system::{Fitted, Model, Problem};

/// The hyper-parameters of a linear classifier. The best combination is chosen on the validation users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LinearSettings {
    /// The costs C of an error.
    pub costs: Vec<f64>,
    /// Classes are weighted by their frequency to the power of minus this: 0 weights all users equally, 1 all classes.
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
    /// Whether all settings of this section are in range.
    pub fn check(&self, section: &str) -> Result<(), String> {
        check_costs(&format!("{section}.costs"), &self.costs)?;
        let name = format!("{section}.class_balances");
        if self.class_balances.is_empty() {
            return Err(format!("{name}: name at least one"));
        }
        (self.class_balances.iter()).try_for_each(|&balance| check_balance(&name, balance))
    }
}

/// The kind of classifier.
#[derive(Clone, Copy, Debug)]
pub enum Learner {
    SupportVectorMachine,
    LogisticRegression,
}

/// A kind of classifier with its hyper-parameters.
pub struct Classifier<'s> {
    pub learner: Learner,
    pub settings: &'s LinearSettings,
}

impl Classifier<'_> {
    /// Learns the main attribute alone.
    pub fn fit_alone<'a>(&self, problem: &Problem<'a>) -> Result<Fitted<'a>, ExperimentError> {
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

    /// Learns `attribute` from the users' own features. The result is cached for other runs.
    pub fn choose_alone(
        &self,
        problem: &Problem,
        attribute: usize,
    ) -> Result<Arc<Choice>, ExperimentError> {
        let key = ("choice", attribute, self.learner, self.settings);
        let features = &problem.features()?.matrix;
        (problem.cache).get_or_make(key, || self.choose(problem, attribute, features))
    }

    /// Fits to the training users with every combination of the hyper-parameters, and chooses the one with the best F on the
    /// validation users. `features` has a row for each user.
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
        let compared = grid.into_par_iter().map(|(cost, class_balance)| {
            problem.check_interrupted()?;
            let model = self.fit(&examples, cost, class_balance)?;
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
        let compared = compared.collect::<Result<Vec<_>, _>>()?;
        // Of equals the first in the order of the settings: by class balance, then by cost.
        let best = (compared.into_iter().rev()).max_by(|(one, _), (other, _)| one.total_cmp(other));
        let (_, choice) = best.ok_or(LinearError::NoExamples)?;
        Ok(choice)
    }

    /// Fits to examples with these hyper-parameters.
    pub fn fit(
        &self,
        examples: &Examples,
        cost: f64,
        class_balance: f64,
    ) -> Result<LinearModel, LinearError> {
        let class_weights = examples.balanced_weights(class_balance);
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

/// The best of the models that the settings permit.
pub struct Choice {
    pub model: LinearModel,
    pub cost: f64,
    pub class_balance: f64,
}

impl Choice {
    /// The chosen hyper-parameters, by name.
    pub fn named(&self, prefix: &str) -> Vec<(String, String)> {
        [("cost", self.cost), ("class_balance", self.class_balance)]
            .map(|(name, value)| (format!("{prefix}{name}"), value.to_string()))
            .to_vec()
    }
}

/// A model with the features of all users.
pub struct Scorer<'a> {
    pub choice: Arc<Choice>,
    pub features: Rows<'a>,
}

/// A row of features for each user.
pub enum Rows<'a> {
    /// The features of the problem.
    Shared(&'a SparseMatrix),
    /// Features of this model alone.
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
