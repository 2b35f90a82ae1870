//! What the linear learners learn.

use super::{Posterior, SparseRow};

/// A linear model of classes. It takes 4 bytes for each feature and machine: 16 MB for 200,000 features and 20 classes.
///
/// Two classes are told apart by one machine, more by one machine each.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearModel {
    features: usize,
    classes: usize,
    /// Row-major, a row of all machines' weights for each feature, so that a prediction reads a few whole stretches.
    weights: Vec<f32>,
    /// One a machine.
    biases: Vec<f64>,
    /// What makes probabilities of decision values. A support vector machine has none until it is calibrated.
    pub posterior: Option<Posterior>,
}

impl LinearModel {
    /// Of weights of the augmented features: a row of all machines' weights for each feature, and one more for the
    /// constant feature `bias`.
    pub(super) fn new(
        classes: usize,
        bias: f64,
        weights: Vec<f64>,
        posterior: Option<Posterior>,
    ) -> Self {
        let machines = machines(classes);
        let (weights, biases) = weights.split_at(weights.len() - machines);
        Self {
            features: weights.len() / machines,
            classes,
            weights: weights.iter().map(|&weight| weight as f32).collect(),
            biases: biases.iter().map(|&weight| weight * bias).collect(),
            posterior,
        }
    }

    /// How many features the model reads.
    pub fn features(&self) -> usize {
        self.features
    }

    /// How many classes the model knows.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The weights, a row of as many as there are [`biases`](Self::biases) for each feature.
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// What each machine adds to its decision values.
    pub fn biases(&self) -> &[f64] {
        &self.biases
    }

    /// w·x + b of each machine. Of two classes it is one number, positive for class 1; otherwise it is one for each class.
    ///
    /// Panics if the row has another number of features than the model.
    pub fn decision_values(&self, row: SparseRow) -> Vec<f64> {
        assert_eq!(
            row.columns(),
            self.features,
            "features of the row and of the model"
        );
        let mut values = vec![0.0; self.biases.len()];
        row.times(&self.weights, &mut values);
        for (value, bias) in values.iter_mut().zip(&self.biases) {
            *value += bias;
        }
        values
    }

    /// A number for each class, the highest for the one that is predicted: the [`decision_values`](Self::decision_values);
    /// of two classes −v/2 and v/2, whose softmax is the sigmoid of v. Panics as they do.
    pub fn scores(&self, row: SparseRow) -> Vec<f32> {
        match self.decision_values(row).as_slice() {
            &[value] => vec![-value as f32 / 2.0, value as f32 / 2.0],
            values => values.iter().map(|&value| value as f32).collect(),
        }
    }

    /// The class with the largest decision value. Panics as [`decision_values`](Self::decision_values) does.
    pub fn predict(&self, row: SparseRow) -> usize {
        predicted(&self.decision_values(row))
    }

    /// The probability of each class; nothing if the model has no [`posterior`](Self::posterior). Panics as
    /// [`decision_values`](Self::decision_values) does.
    pub fn probabilities(&self, row: SparseRow) -> Option<Vec<f64>> {
        let posterior = self.posterior.as_ref()?;
        Some(posterior.probabilities(&self.decision_values(row)))
    }
}

/// How many machines tell so many classes apart.
pub(super) fn machines(classes: usize) -> usize {
    if classes == 2 { 1 } else { classes }
}

/// The class that decision values stand for. Of equals it is the first one.
fn predicted(values: &[f64]) -> usize {
    match values {
        [value] => usize::from(*value > 0.0),
        _ => (1..values.len()).fold(0, |best, class| {
            if values[class] > values[best] {
                class
            } else {
                best
            }
        }),
    }
}
