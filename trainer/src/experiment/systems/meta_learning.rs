//! Meta-Learning (stacking): the posteriors of an SVM for each auxiliary attribute are features of a second SVM, which predicts
//! the main attribute.

use std::sync::Arc;

use model_core::attribute::Attribute;
use serde::{Deserialize, Serialize};
use sparse_linear::{Examples, Posterior, folds, out_of_fold};

use super::linear::{Choice, Classifier, Learner, LinearSettings, Rows, Scorer};
use crate::experiment::error::ExperimentError;
use crate::experiment::system::{Fitted, Problem, System, table};
use crate::features::Features;
use crate::settings::within;

/// The settings of Meta-Learning. Both stages are SVMs with the settings of svm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MetaLearningSettings {
    /// The number of parts of the training users. The auxiliary attribute of each part is predicted by an SVM fitted to the
    /// other parts.
    pub folds: usize,
    /// Read the true classes of the auxiliary attributes in place of the posteriors, those of test users too: what perfect
    /// posteriors would bring. No such system can be used.
    pub gold: bool,
}

impl Default for MetaLearningSettings {
    fn default() -> Self {
        Self {
            folds: 5,
            gold: false,
        }
    }
}

impl MetaLearningSettings {
    /// Whether all settings of this section are in range.
    pub fn check(&self) -> Result<(), String> {
        let folds = self.folds;
        within("meta-learning.folds", folds, folds >= 2, "at least 2")
    }
}

/// The system.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct MetaLearning {
    pub features: Features,
    pub svm: LinearSettings,
    pub meta_learning: MetaLearningSettings,
}

impl System for MetaLearning {
    fn settings(&self) -> toml::Table {
        table(self)
    }

    fn is_joint(&self) -> bool {
        true
    }

    fn reads_true_classes(&self) -> bool {
        self.meta_learning.gold
    }

    fn features(&self) -> Option<&Features> {
        Some(&self.features)
    }

    fn is_network(&self) -> bool {
        false
    }

    fn fit<'a>(&self, problem: &Problem<'a>) -> Result<Fitted<'a>, ExperimentError> {
        let svm = Classifier {
            learner: Learner::SupportVectorMachine,
            settings: &self.svm,
        };
        let features = &problem.features()?.matrix;
        let mut chosen = Vec::new();
        let mut posteriors = vec![Vec::new(); features.rows()];
        for &attribute in problem.auxiliary {
            if self.meta_learning.gold {
                let classes = problem.class_count(attribute);
                for (all, user) in posteriors.iter_mut().zip(problem.examples) {
                    let is_class = |class| f64::from(user.classes[attribute] == Some(class));
                    all.extend((0..classes).map(is_class));
                }
                continue;
            }
            let choice = svm.choose_alone(problem, attribute)?;
            let Attribute { name, .. } = &problem.attributes[attribute];
            chosen.extend(choice.named(&format!("{name} ")));
            let key = ("posteriors", attribute, &self.meta_learning, &self.svm);
            let of_attribute = (problem.cache)
                .get_or_make(key, || self.posteriors(problem, &svm, attribute, &choice))?;
            for (all, of_attribute) in posteriors.iter_mut().zip(of_attribute.iter()) {
                all.extend(of_attribute);
            }
        }
        let features = features.beside(&posteriors)?;
        let choice = svm.choose(problem, problem.main, &features)?;
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

impl MetaLearning {
    /// The probabilities of the classes of `attribute` for each user, from an SVM that was not fitted to this user: the second
    /// stage is then fitted to posteriors like those of test users.
    fn posteriors(
        &self,
        problem: &Problem,
        svm: &Classifier,
        attribute: usize,
        choice: &Choice,
    ) -> Result<Vec<Vec<f64>>, ExperimentError> {
        let features = &problem.features()?.matrix;
        let (training, classes) = problem.labelled(&problem.parts.training, attribute);
        let rows = features.select(&training);
        let class_count = problem.class_count(attribute);
        let examples = Examples::new(&rows, &classes, class_count)?;
        let folds = folds(&examples, self.meta_learning.folds, problem.seed)?;
        let values = out_of_fold(&examples, &folds, |examples| {
            svm.fit(examples, choice.cost, choice.class_balance)
        })?;
        let posterior = Posterior::calibrate(&values, &classes, class_count)?;
        let mut posteriors: Vec<Vec<f64>> = (0..features.rows())
            .map(|user| posterior.probabilities(&choice.model.decision_values(features.row(user))))
            .collect();
        let classifiers = values.len() / training.len();
        for (&user, values) in training.iter().zip(values.chunks_exact(classifiers)) {
            posteriors[user] = posterior.probabilities(values);
        }
        Ok(posteriors)
    }
}
