//! The linear learners.

use std::{path::PathBuf, time::Instant};

use serde::{Deserialize, Serialize};
use sparse_linear::{Examples, LogisticRegression, SparseMatrix, SupportVectorMachine};

use crate::{Failure, files};

/// The training examples and the learner.
#[derive(Deserialize)]
pub struct Request {
    /// Contains `starts`, `indices` and `values` of the features, by rows, and `classes`. Receives `weights` and `biases`.
    folder: PathBuf,
    columns: usize,
    classes: usize,
    learner: Learner,
}

/// The learner and its settings.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Learner {
    SupportVectorMachine(SupportVectorMachine),
    LogisticRegression(LogisticRegression),
}

/// The time of the fit, without reading and writing.
#[derive(Serialize)]
pub struct Answer {
    ms: f64,
}

impl Request {
    /// Fits the model.
    pub fn run(self) -> Result<Answer, Failure> {
        let starts = files::integers(&self.folder, "starts")?;
        let indices = files::integers(&self.folder, "indices")?;
        let values = files::floats(&self.folder, "values")?;
        let mut features = SparseMatrix::new(self.columns);
        for ends in starts.windows(2) {
            let range = ends[0] as usize..ends[1] as usize;
            let indices = indices[range.clone()].iter().map(|&index| index as u32);
            features.push_row(indices.zip(values[range].iter().copied()))?;
        }
        let classes = files::integers(&self.folder, "classes")?;
        let classes: Vec<usize> = classes.into_iter().map(|class| class as usize).collect();
        let examples = Examples::new(&features, &classes, self.classes)?;
        let start = Instant::now();
        let fit = match self.learner {
            Learner::SupportVectorMachine(settings) => settings.check()?.fit(&examples)?,
            Learner::LogisticRegression(settings) => settings.check()?.fit(&examples)?,
        };
        let ms = start.elapsed().as_secs_f64() * 1e3;
        let bytes = |value: f32| value.to_le_bytes();
        let weights = fit.model.weights().iter().map(|&weight| bytes(weight));
        files::write(&self.folder, "weights", weights)?;
        let biases = fit.model.biases().iter().map(|&bias| bytes(bias as f32));
        files::write(&self.folder, "biases", biases)?;
        Ok(Answer { ms })
    }
}
