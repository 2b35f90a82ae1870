//! The figures of epochs and of tasks.

use std::fmt;

use model_core::{aux_lstm::Role, calibration::Calibration};
use serde::{Deserialize, Serialize};

use super::{
    calibration::{self, Scored},
    data::Task,
};
use crate::{config::SelectBy, evaluation::Metrics};

/// The figures of one epoch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EpochMetrics {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// The mean cost (Eq. 19) over the epoch's batches, with dropout.
    pub training_loss: f64,
    /// The tasks' log losses on the validation users, weighted by λ; without dropout, class weights and penalty. Where
    /// there are no validation users, this and all that follows are figures of the training users.
    pub validation_loss: f64,
    /// The figure by which epochs are compared, higher being better, see [`SelectBy`].
    pub score: f64,
    /// Figures of each task on the validation users.
    pub tasks: Vec<TaskMetrics>,
}

/// The figures of one task on some users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskMetrics {
    /// The attribute.
    pub attribute: String,
    /// Users with a label.
    pub users: usize,
    /// The share of correct predictions.
    pub accuracy: f64,
    /// Precision averaged over classes.
    pub precision: f64,
    /// Recall averaged over classes.
    pub recall: f64,
    /// The mean of the classes' F1.
    pub macro_f1: f64,
    /// 2PR / (P + R) of the averages, as in the paper.
    pub f: f64,
    /// The mean of −ln p of the true class.
    pub log_loss: f64,
}

impl TaskMetrics {
    /// The figures of texts before calibration. The log loss includes users with an interval label, the others do not.
    pub fn new(task: &Task, scores: &[Scored]) -> Self {
        let (classes, logits): (Vec<usize>, Vec<&[f32]>) = (scores.iter())
            .filter_map(|text| Some((text.class()?, text.logits.as_slice())))
            .unzip();
        let metrics = Metrics::of(&classes, &logits, task.class_count());
        Self {
            attribute: task.attribute.name.clone(),
            users: metrics.users,
            accuracy: metrics.accuracy,
            precision: metrics.precision,
            recall: metrics.recall,
            macro_f1: metrics.macro_f1,
            f: metrics.f,
            log_loss: calibration::log_loss(scores, &Calibration::ONE),
        }
    }
}

impl EpochMetrics {
    /// The figures of an epoch, from the `scores` of the validation users, a task at a time.
    pub fn new(
        epoch: usize,
        training_loss: f64,
        tasks: &[Task],
        scores: &[Vec<Scored>],
        select_by: SelectBy,
    ) -> Self {
        let metrics: Vec<TaskMetrics> = (tasks.iter().zip(scores))
            .map(|(task, scores)| TaskMetrics::new(task, scores))
            .collect();
        let weighted = tasks.iter().zip(&metrics);
        let validation_loss = weighted.map(|(task, metrics)| task.weight * metrics.log_loss);
        let has_main = tasks.iter().any(|task| task.role == Role::Main);
        let compared: Vec<f64> = (tasks.iter().zip(&metrics).zip(scores))
            .filter(|((task, _), _)| task.role == Role::Main || !has_main)
            .map(|((_, metrics), scores)| match select_by {
                SelectBy::F => metrics.f,
                SelectBy::Loss => -calibration::log_loss(scores, &calibration::fit(scores)),
            })
            .collect();
        Self {
            epoch,
            training_loss,
            validation_loss: validation_loss.sum(),
            score: compared.iter().sum::<f64>() / compared.len() as f64,
            tasks: metrics,
        }
    }

    /// The figure that the [`score`](Self::score) stands for, with its name.
    pub fn deciding_figure(&self, select_by: SelectBy) -> (&'static str, f64) {
        match select_by {
            SelectBy::F => ("mean F (paper)", self.score),
            SelectBy::Loss => ("mean calibrated log loss", -self.score),
        }
    }
}

impl fmt::Display for TaskMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} macro-F1 {:.3}, F (paper) {:.3}, accuracy {:.3}",
            self.attribute, self.macro_f1, self.f, self.accuracy
        )
    }
}

impl fmt::Display for EpochMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tasks: Vec<String> = self.tasks.iter().map(ToString::to_string).collect();
        write!(
            f,
            "epoch {}: cost {:.4}, loss {:.4}; {}",
            self.epoch,
            self.training_loss,
            self.validation_loss,
            tasks.join("; ")
        )
    }
}
