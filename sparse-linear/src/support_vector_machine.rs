//! Support vector machines.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::{
    Examples, Fit, LinearError, Valid, check_settings,
    dual::{Descent, DualProblem, one_versus_rest},
};

/// Settings of a linear support vector machine: LIBLINEAR's solvers 1 and 3.
///
/// The weights w minimise ½‖w‖² + Σᵢ Cᵢ ξᵢ², or with ξᵢ instead of ξᵢ² ([`Loss`]), where ξᵢ = max(0, 1 − yᵢ w·xᵢ), and yᵢ is
/// 1 for an example of the class and −1 for others. More than two classes are learned one against the rest.
///
/// ```
/// use sparse_linear::{Examples, Loss, SparseMatrix, SupportVectorMachine};
///
/// let mut features = SparseMatrix::new(2);
/// features.push_row([(0, 1.0)])?;
/// features.push_row([(1, 1.0)])?;
/// let examples = Examples::new(&features, &[0, 1], 2)?;
/// let settings = SupportVectorMachine { loss: Loss::Hinge, ..SupportVectorMachine::default() };
/// let model = settings.check()?.fit(&examples)?.model;
/// assert!(model.decision_values(features.row(1))[0] > 0.0);
/// # Ok::<(), sparse_linear::LinearError>(())
/// ```
///
/// The solver is dual coordinate descent with shrinking (Hsieh et al. 2008, *A Dual Coordinate Descent Method for Large-scale
/// Linear SVM*). Classes are divided among the threads; up to eight of them share a pass over the examples. The model does
/// not depend on the number of threads. Besides the features, training takes 20 bytes for each feature and class, and 18
/// for each example and class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SupportVectorMachine {
    /// C, the weight of the losses against the norm of the weights.
    pub cost: f64,
    /// The loss.
    pub loss: Loss,
    /// Factors of `cost` for the examples of each class; empty for 1 each. As in LIBLINEAR, with more than two classes a
    /// factor applies where its class is learned against the rest, whose examples have factor 1.
    pub class_weights: Vec<f64>,
    /// The value of the constant feature, LIBLINEAR's `-B`; 0 for no bias.
    pub bias: f64,
    /// Learning ends when the projected gradients of the dual problem, over all examples in one pass, neither differ by
    /// more than this nor exceed it: LIBLINEAR's `-e`.
    pub tolerance: f64,
    /// The limit of passes over the examples.
    pub max_passes: usize,
    /// The seed of the order of the examples.
    pub seed: u64,
}

/// The loss of an example that violates the margin by ξ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Loss {
    /// ξ: LIBLINEAR's solver 3.
    Hinge,
    /// ξ²: LIBLINEAR's solver 1.
    SquaredHinge,
}

impl Default for SupportVectorMachine {
    fn default() -> Self {
        Self {
            cost: 1.0,
            loss: Loss::SquaredHinge,
            class_weights: Vec::new(),
            bias: 1.0,
            tolerance: 0.1,
            max_passes: 1000,
            seed: 1,
        }
    }
}

impl SupportVectorMachine {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`LinearError::Setting`] if `cost`, `tolerance` or a class weight is not a finite number above 0, or `bias` not a finite
    /// number of at least 0.
    pub fn check(self) -> Result<Valid<Self>, LinearError> {
        check_settings(self.cost, &self.class_weights, self.bias, self.tolerance)?;
        Ok(Valid(self))
    }

    /// The bound of α and the diagonal of the dual problem, for a factor of the cost.
    fn side(&self, weight: f64) -> Side {
        let cost = self.cost * weight;
        match self.loss {
            Loss::Hinge => Side {
                bound: cost,
                diagonal: 0.0,
            },
            Loss::SquaredHinge => Side {
                bound: f64::INFINITY,
                diagonal: 0.5 / cost,
            },
        }
    }
}

impl Valid<SupportVectorMachine> {
    /// Learns from examples. Too few passes to converge are no error, see [`Fit::converged`].
    ///
    /// # Errors
    /// [`LinearError::ClassWeights`] if the number of class weights is not the number of classes.
    pub fn fit(&self, examples: &Examples) -> Result<Fit, LinearError> {
        let settings = &self.0;
        let weights = examples.class_weights(&settings.class_weights)?;
        let problem = |class, others, own| {
            let sides = [others, own].map(|weight| settings.side(weight));
            Margin::new(examples, class, sides)
        };
        let problems = one_versus_rest(&weights, problem);
        let descent = Descent {
            bias: settings.bias,
            tolerance: settings.tolerance,
            max_passes: settings.max_passes,
            seed: settings.seed,
        };
        Ok(descent.fit(examples, problems, None))
    }
}

/// One class against the others. The dual problem: minimise ½‖w‖² − Σᵢ αᵢ + ½ Σᵢ `diagonal`ᵢ αᵢ² over 0 ≤ αᵢ ≤ `bound`ᵢ,
/// where w = Σᵢ yᵢ αᵢ xᵢ.
#[derive(Clone)]
struct Margin<'a> {
    classes: &'a [usize],
    class: usize,
    /// For the examples of other classes, and of this one.
    sides: [Side; 2],
    /// One for each example.
    alphas: Vec<f64>,
    /// Whether an example takes part; shrinking sets others aside.
    active: Vec<bool>,
    /// The range of the projected gradients in this pass.
    gradients: Range<f64>,
    /// Shrinking sets an example aside if its α is at a bound and its gradient points past the bound and out of this range.
    kept: Range<f64>,
    converged: bool,
}

#[derive(Clone, Copy)]
struct Side {
    bound: f64,
    diagonal: f64,
}

/// The empty range, to be widened.
const EMPTY: Range<f64> = f64::INFINITY..f64::NEG_INFINITY;
/// The range of all numbers.
const ALL: Range<f64> = f64::NEG_INFINITY..f64::INFINITY;
/// Smaller gradients count as 0.
const NEGLIGIBLE: f64 = 1e-12;

impl<'a> Margin<'a> {
    fn new(examples: &Examples<'a>, class: usize, sides: [Side; 2]) -> Self {
        Self {
            classes: examples.classes,
            class,
            sides,
            alphas: vec![0.0; examples.len()],
            active: vec![true; examples.len()],
            gradients: EMPTY,
            kept: ALL,
            converged: false,
        }
    }
}

impl DualProblem for Margin<'_> {
    fn columns(&self) -> usize {
        1
    }

    fn is_active(&self, example: usize) -> bool {
        self.active[example]
    }

    fn step(&mut self, example: usize, scores: &[f64], squared_norm: f64, changes: &mut [f64]) {
        let is_class = self.classes[example] == self.class;
        let sign = if is_class { 1.0 } else { -1.0 };
        let Side { bound, diagonal } = self.sides[usize::from(is_class)];
        let alpha = &mut self.alphas[example];
        let gradient = sign * scores[0] - 1.0 + diagonal * *alpha;
        let (lowest, highest) = (*alpha == 0.0, *alpha == bound);
        if lowest && gradient > self.kept.end || highest && gradient < self.kept.start {
            self.active[example] = false;
            return;
        }
        let projected = if lowest {
            gradient.min(0.0)
        } else if highest {
            gradient.max(0.0)
        } else {
            gradient
        };
        self.gradients.start = self.gradients.start.min(projected);
        self.gradients.end = self.gradients.end.max(projected);
        if projected.abs() > NEGLIGIBLE {
            let before = *alpha;
            *alpha = (before - gradient / (squared_norm + diagonal)).clamp(0.0, bound);
            changes[0] = (*alpha - before) * sign;
        }
    }

    fn end_pass(&mut self, tolerance: f64) {
        if self.converged {
            return;
        }
        let Range { start, end } = std::mem::replace(&mut self.gradients, EMPTY);
        // This also holds if no example was active: then the start exceeds the end.
        if end - start <= tolerance && start >= -tolerance && end <= tolerance {
            // The examples set aside must agree.
            self.converged = self.active.iter().all(|&active| active);
            self.active.fill(!self.converged);
            self.kept = ALL;
        } else {
            self.kept.start = if start < 0.0 { start } else { ALL.start };
            self.kept.end = if end > 0.0 { end } else { ALL.end };
        }
    }

    fn converged(&self) -> bool {
        self.converged
    }
}
