//! Linear classifiers of sparse features: support vector machines and logistic regression (maximum entropy), whose
//! solutions are those of LIBLINEAR (Fan et al. 2008).
//!
//! Settings are checked once and then fit a [`LinearModel`] to [`Examples`]:
//!
//! ```
//! use trainer::linear::{Examples, LogisticRegression, SparseMatrix};
//!
//! let mut features = SparseMatrix::new(3);
//! features.push_row([(0, 1.0), (2, 0.5)])?;
//! features.push_row([(1, 1.0)])?;
//! let examples = Examples::new(&features, &[0, 1], 2)?;
//! let fit = LogisticRegression::default().check()?.fit(&examples)?;
//! assert!(fit.converged);
//! assert_eq!(fit.model.predict(features.row(1)), 1);
//! # Ok::<(), trainer::linear::LinearError>(())
//! ```
//!
//! The bias is LIBLINEAR's: each example is given one more feature of a constant value, whose weight is penalised like
//! all others.

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

/// Examples to learn from: a row of features and a class each.
#[derive(Clone, Copy, Debug)]
pub struct Examples<'a> {
    features: &'a SparseMatrix,
    classes: &'a [usize],
    class_count: usize,
}

impl<'a> Examples<'a> {
    /// Examples with their classes, which are numbers below `class_count`. Not every class has to occur.
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
                rows: features.rows(),
                classes: classes.len(),
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

    /// One row of features an example.
    pub fn features(&self) -> &'a SparseMatrix {
        self.features
    }

    /// One class an example.
    pub fn classes(&self) -> &'a [usize] {
        self.classes
    }

    /// How many classes there are.
    pub fn class_count(&self) -> usize {
        self.class_count
    }

    /// How many examples there are.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Never: there is one at least.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// The factors of the classes' costs that make all classes weigh alike, with mean 1 over the examples: examples /
    /// (classes · examples of the class). It is scikit-learn's "balanced". 1 for a class that does not occur.
    pub fn balanced_weights(&self) -> Vec<f64> {
        let counts = self.class_counts();
        let occurring = counts.iter().filter(|&&count| count > 0).count();
        (counts.into_iter())
            .map(|count| match count {
                0 => 1.0,
                _ => self.len() as f64 / (occurring * count) as f64,
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

    /// The factors, or ones if there are none.
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

/// Settings that have been checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Valid<S>(S);

/// What came of learning.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// The model.
    pub model: LinearModel,
    /// How often the examples were gone through; the most of any class.
    pub passes: usize,
    /// Whether the tolerance was reached.
    pub converged: bool,
}

/// Why nothing can be learned.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum LinearError {
    /// A row of features is not as it has to be.
    #[error("row {row} of the features: feature {index} {wrong}")]
    Feature {
        /// The row's number.
        row: usize,
        /// The feature's number.
        index: u32,
        /// What is wrong with it.
        wrong: &'static str,
    },
    /// There is nothing to learn from.
    #[error("there are no examples to learn from")]
    NoExamples,
    /// There is nothing to tell apart.
    #[error("there have to be two classes at least")]
    OneClass,
    /// Features and classes do not belong together.
    #[error("{rows} rows of features, but {classes} classes: one class a row is needed")]
    Lengths {
        /// Rows of features.
        rows: usize,
        /// Classes given.
        classes: usize,
    },
    /// A class that does not exist.
    #[error("example {row} is of class {class}; classes are numbers below {class_count}")]
    Class {
        /// The example's number.
        row: usize,
        /// Its class.
        class: usize,
        /// How many classes there are.
        class_count: usize,
    },
    /// Not as many class weights as classes.
    #[error("class_weights: {count} weights for {class_count} classes; give one each, or none")]
    ClassWeights {
        /// How many there are.
        count: usize,
        /// How many classes there are.
        class_count: usize,
    },
    /// A setting out of bounds.
    #[error("{name} = {value}: {wanted}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// Its value.
        value: f64,
        /// What it has to be.
        wanted: &'static str,
    },
    /// Decision values of other examples or machines.
    #[error(
        "{count} decision values instead of {wanted}: one for each example and machine is needed"
    )]
    DecisionValues {
        /// How many there are.
        count: usize,
        /// How many there have to be.
        wanted: usize,
    },
    /// A number of folds that cannot be.
    #[error(
        "{folds} folds of {examples} examples: there have to be two at least, and no more than examples"
    )]
    Folds {
        /// How many folds were asked for.
        folds: usize,
        /// How many examples there are.
        examples: usize,
    },
}

/// Checks the settings that all learners have.
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
