//! Trained models.

use super::{Posterior, SparseRow};

/// A trained linear classifier: one weight vector for two classes, and one for each class of more.
///
/// It takes 4 bytes for each feature and weight vector: 16 MB for 200,000 features and 20 classes.
#[derive(Clone, Debug, PartialEq)]
pub struct LinearModel {
    features: usize,
    classes: usize,
    /// Row-major, one row for each feature, so that a prediction reads whole rows.
    weights: Vec<f32>,
    /// One for each weight vector.
    biases: Vec<f64>,
    /// Turns decision values into probabilities. An SVM has none until it is calibrated, see [`Posterior::calibrate`].
    pub posterior: Option<Posterior>,
}

impl LinearModel {
    /// From the weights of the augmented features: one row for each feature, and a last one for the constant feature, whose
    /// value is `bias`.
    pub(super) fn new(
        classes: usize,
        bias: f64,
        weights: Vec<f64>,
        posterior: Option<Posterior>,
    ) -> Self {
        let columns = decision_value_count(classes);
        let (weights, biases) = weights.split_at(weights.len() - columns);
        Self {
            features: weights.len() / columns,
            classes,
            weights: weights.iter().map(|&weight| weight as f32).collect(),
            biases: biases.iter().map(|&weight| weight * bias).collect(),
            posterior,
        }
    }

    /// The number of features.
    pub fn features(&self) -> usize {
        self.features
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The weights, `[features, decision values]`, row-major. There are as many columns as [`biases`](Self::biases).
    pub fn weights(&self) -> &[f32] {
        &self.weights
    }

    /// The bias b of each decision value.
    pub fn biases(&self) -> &[f64] {
        &self.biases
    }

    /// The same model over the features alone, for a model whose last features are the decision values of other models over the
    /// others: a linear function of linear functions is one. Stacking then needs no second stage.
    ///
    /// ```
    /// use sparse_linear::{Examples, SparseMatrix, SupportVectorMachine};
    ///
    /// let mut features = SparseMatrix::new(2);
    /// for row in 0..20 {
    ///     features.push_row([(row % 2, 1.0)])?;
    /// }
    /// let svm = SupportVectorMachine::default().check()?;
    /// let classes: Vec<usize> = (0..20).map(|row| row % 2).collect();
    /// let other = svm.fit(&Examples::new(&features, &classes, 2)?)?.model;
    /// let values: Vec<_> = (0..20).map(|row| other.decision_values(features.row(row))).collect();
    /// let both = features.beside(&values)?;
    /// let stacked = svm.fit(&Examples::new(&both, &classes, 2)?)?.model;
    ///
    /// let one = stacked.without_stages(&[&other]);
    /// let difference = one.decision_values(features.row(0))[0] - stacked.decision_values(both.row(0))[0];
    /// assert!(one.features() == 2 && difference.abs() < 1e-6);
    /// # Ok::<(), sparse_linear::LinearError>(())
    /// ```
    ///
    /// # Panics
    /// If the other models have not the same number of features, or the numbers do not add up to this model's features.
    pub fn without_stages(&self, others: &[&Self]) -> Self {
        let columns = self.biases.len();
        let stages: usize = others.iter().map(|other| other.biases.len()).sum();
        let features = self.features - stages;
        let (own, mut of_stages) = self.weights.split_at(features * columns);
        let mut weights: Vec<f64> = own.iter().copied().map(f64::from).collect();
        let mut biases = self.biases.clone();
        for other in others {
            assert_eq!(other.features, features, "features of the other models");
            let (of_stage, rest) = of_stages.split_at(other.biases.len() * columns);
            of_stages = rest;
            // One row for each decision value of the other model.
            for (value, through) in of_stage.chunks_exact(columns).enumerate() {
                let of_value = other.weights.iter().skip(value).step_by(other.biases.len());
                for (row, &weight) in weights.chunks_exact_mut(columns).zip(of_value) {
                    for (sum, &through) in row.iter_mut().zip(through) {
                        *sum += f64::from(weight) * f64::from(through);
                    }
                }
                for (sum, &through) in biases.iter_mut().zip(through) {
                    *sum += other.biases[value] * f64::from(through);
                }
            }
        }
        Self {
            features,
            classes: self.classes,
            weights: weights.into_iter().map(|weight| weight as f32).collect(),
            biases,
            posterior: self.posterior.clone(),
        }
    }

    /// The decision values w·x + b: for two classes one number, which is positive for class 1; otherwise one for each class.
    ///
    /// # Panics
    /// If the row and the model have different numbers of features.
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

    /// One score for each class, highest for the predicted one: the [`decision_values`](Self::decision_values), or −v/2 and
    /// v/2 for two classes, whose softmax is the sigmoid of v.
    ///
    /// # Panics
    /// As [`decision_values`](Self::decision_values) does.
    pub fn scores(&self, row: SparseRow) -> Vec<f32> {
        match self.decision_values(row).as_slice() {
            &[value] => vec![-value as f32 / 2.0, value as f32 / 2.0],
            values => values.iter().map(|&value| value as f32).collect(),
        }
    }

    /// The class with the largest decision value; the first one of equals.
    ///
    /// # Panics
    /// As [`decision_values`](Self::decision_values) does.
    pub fn predict(&self, row: SparseRow) -> usize {
        predicted(&self.decision_values(row))
    }

    /// The probability of each class, with sum 1; `None` if the model has no [`posterior`](Self::posterior).
    ///
    /// # Panics
    /// As [`decision_values`](Self::decision_values) does.
    pub fn probabilities(&self, row: SparseRow) -> Option<Vec<f64>> {
        let posterior = self.posterior.as_ref()?;
        Some(posterior.probabilities(&self.decision_values(row)))
    }
}

/// The number of decision values for this number of classes.
pub(super) fn decision_value_count(classes: usize) -> usize {
    if classes == 2 { 1 } else { classes }
}

/// The class with the largest decision value; the first one of equals.
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
