#![doc = include_str!("../README.md")]

mod dual;
mod folds;
mod logistic_regression;
mod matrix;
mod model;
mod posterior;
mod support_vector_machine;

pub use folds::{folds, out_of_fold};
pub use logistic_regression::{LogisticRegression, Scheme};
pub use matrix::{SparseMatrix, SparseRow};
pub use model::LinearModel;
pub use posterior::{Posterior, Sigmoid};
pub use support_vector_machine::{Loss, SupportVectorMachine};

/// Examples to learn from: one row of features and one class each. They borrow both, so copies cost nothing.
///
/// ```
/// use sparse_linear::{Examples, SparseMatrix};
///
/// let mut features = SparseMatrix::new(3);
/// features.push_row([(0, 1.0), (2, 0.5)])?;
/// features.push_row([(1, 1.0)])?;
/// let examples = Examples::new(&features, &[0, 1], 2)?;
/// assert_eq!(examples.len(), 2);
/// assert!(Examples::new(&features, &[0, 2], 2).is_err(), "there is no class 2");
/// # Ok::<(), sparse_linear::LinearError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Examples<'a> {
    features: &'a SparseMatrix,
    classes: &'a [usize],
    class_count: usize,
}

impl<'a> Examples<'a> {
    /// Examples with the given classes, numbers below `class_count`. A class may have no example.
    ///
    /// # Errors
    /// If there are no examples, fewer than two classes, not one class for each row, or a class out of range.
    pub fn new(
        features: &'a SparseMatrix,
        classes: &'a [usize],
        class_count: usize,
    ) -> Result<Self, LinearError> {
        if classes.is_empty() {
            return Err(LinearError::NoExamples);
        }
        if class_count < 2 {
            return Err(LinearError::OneClass);
        }
        if features.rows() != classes.len() {
            return Err(LinearError::Lengths {
                what: "classes",
                count: classes.len(),
                examples: features.rows(),
            });
        }
        if let Some(row) = classes.iter().position(|&class| class >= class_count) {
            return Err(LinearError::Class {
                row,
                class: classes[row],
                class_count,
            });
        }
        Ok(Self {
            features,
            classes,
            class_count,
        })
    }

    /// The features, one row for each example.
    pub fn features(&self) -> &'a SparseMatrix {
        self.features
    }

    /// The class of each example.
    pub fn classes(&self) -> &'a [usize] {
        self.classes
    }

    /// The number of classes.
    pub fn class_count(&self) -> usize {
        self.class_count
    }

    /// The number of examples; at least one.
    #[expect(clippy::len_without_is_empty, reason = "examples are never empty")]
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// A weight for each class that evens out their numbers of examples: (examples / (classes · examples of the
    /// class))^`exponent`. A class without examples has weight 1 and does not count as a class.
    ///
    /// With the exponent 1, these are scikit-learn's "balanced" weights: all classes have the same total weight, and the
    /// mean over the examples is 1. With 0, all weights are 1.
    ///
    /// ```
    /// use sparse_linear::{Examples, SparseMatrix, SupportVectorMachine};
    ///
    /// let mut features = SparseMatrix::new(1);
    /// for value in [1.0, 2.0, 3.0, -1.0] {
    ///     features.push_row([(0, value)])?;
    /// }
    /// let examples = Examples::new(&features, &[0, 0, 0, 1], 2)?;
    /// let class_weights = examples.balanced_weights(1.0);
    /// assert_eq!(class_weights, [4.0 / 6.0, 2.0]);
    /// let svm = SupportVectorMachine { class_weights, ..SupportVectorMachine::default() };
    /// let model = svm.check()?.fit(&examples)?.model;
    /// # assert_eq!(model.classes(), 2);
    /// # Ok::<(), sparse_linear::LinearError>(())
    /// ```
    pub fn balanced_weights(&self, exponent: f64) -> Vec<f64> {
        let counts = self.class_counts();
        let occurring = counts.iter().filter(|&&count| count > 0).count();
        (counts.into_iter())
            .map(|count| match count {
                0 => 1.0,
                _ => (self.len() as f64 / (occurring * count) as f64).powf(exponent),
            })
            .collect()
    }

    fn class_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.class_count];
        for &class in self.classes {
            counts[class] += 1;
        }
        counts
    }

    /// The given weights, or ones if there are none.
    fn class_weights(&self, weights: &[f64]) -> Result<Vec<f64>, LinearError> {
        match weights.len() {
            0 => Ok(vec![1.0; self.class_count]),
            count if count == self.class_count => Ok(weights.to_vec()),
            count => Err(LinearError::ClassWeights {
                count,
                class_count: self.class_count,
            }),
        }
    }
}

/// Settings that have been checked, ready for `fit`: the result of [`SupportVectorMachine::check`] or
/// [`LogisticRegression::check`].
#[derive(Clone, Debug, PartialEq)]
pub struct Valid<S>(S);

/// The result of learning.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Fit {
    /// The model.
    pub model: LinearModel,
    /// Passes over the examples; the maximum over the classes.
    pub passes: usize,
    /// Whether the tolerance was reached within the limit of passes, for all classes.
    pub converged: bool,
}

/// Why a model cannot be learned.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LinearError {
    /// A row of features is invalid.
    #[error("row {row} of the features: feature {index} {wrong}")]
    Feature {
        /// The row's number.
        row: usize,
        /// The feature's number.
        index: u32,
        /// What is wrong with it.
        wrong: &'static str,
    },
    /// There are no examples.
    #[error("there are no examples to learn from")]
    NoExamples,
    /// There are fewer than two classes.
    #[error("there have to be two classes at least")]
    OneClass,
    /// There is not one of something for each example.
    #[error("{count} {what} for {examples} examples: one for each is needed")]
    Lengths {
        /// What there is one of for each example.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// The number of examples.
        examples: usize,
    },
    /// A class is out of range.
    #[error("example {row} is of class {class}; classes are numbers below {class_count}")]
    Class {
        /// The example's number.
        row: usize,
        /// Its class.
        class: usize,
        /// How many classes there are.
        class_count: usize,
    },
    /// The number of class weights is not the number of classes.
    #[error("class_weights: {count} weights for {class_count} classes; give one each, or none")]
    ClassWeights {
        /// How many were given.
        count: usize,
        /// How many classes there are.
        class_count: usize,
    },
    /// A setting is out of bounds.
    #[error("{name} = {value}: {wanted}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What is permitted.
        wanted: &'static str,
    },
    /// The number of decision values does not fit the examples and classes.
    #[error("{count} decision values instead of {wanted}: pass those of all examples, in rows")]
    DecisionValues {
        /// How many were given.
        count: usize,
        /// How many are needed.
        wanted: usize,
    },
    /// The number of folds is out of bounds.
    #[error(
        "{folds} folds of {examples} examples: there have to be two at least, and no more than examples"
    )]
    Folds {
        /// The requested number of folds.
        folds: usize,
        /// How many examples there are.
        examples: usize,
    },
}

/// Checks the settings that both learners have.
fn check_settings(
    cost: f64,
    class_weights: &[f64],
    bias: f64,
    tolerance: f64,
) -> Result<(), LinearError> {
    let positive = "it has to be a number above 0";
    let wanted = |name, value: f64, holds: bool, wanted| match holds && value.is_finite() {
        true => Ok(()),
        false => Err(LinearError::Setting {
            name,
            value,
            wanted,
        }),
    };
    wanted("cost", cost, cost > 0.0, positive)?;
    for &weight in class_weights {
        wanted("class_weights", weight, weight > 0.0, positive)?;
    }
    wanted(
        "bias",
        bias,
        bias >= 0.0,
        "it has to be a number, 0 or above",
    )?;
    wanted("tolerance", tolerance, tolerance > 0.0, positive)
}
