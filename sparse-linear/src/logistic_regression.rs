//! Logistic regression; with more than two classes, maximum entropy.

use serde::{Deserialize, Serialize};

use super::{
    Examples, Fit, LinearError, Posterior, Valid, check_settings,
    dual::{Descent, DualProblem, one_versus_rest},
    model::decision_value_count,
    posterior::{logistic, softmax},
};

/// Settings of L2-regularised logistic regression.
///
/// The weights W minimise ½‖W‖² + Σᵢ Cᵢ (−ln pᵢ), where pᵢ is the model's probability of the class of example i. With two
/// classes this is the sigmoid of ±w·x (LIBLINEAR's solvers 0 and 7). With more it is the softmax of W·x, called maximum
/// entropy (Berger, Della Pietra and Della Pietra 1996), or one against the rest, as in LIBLINEAR.
///
/// ```
/// use sparse_linear::{Examples, LogisticRegression, SparseMatrix};
///
/// let mut features = SparseMatrix::new(3);
/// for class in [0, 1, 2] {
///     features.push_row([(class, 1.0)])?;
/// }
/// let examples = Examples::new(&features, &[0, 1, 2], 3)?;
/// let settings = LogisticRegression { cost: 10.0, ..LogisticRegression::default() };
/// let model = settings.check()?.fit(&examples)?.model;
/// assert_eq!(model.predict(features.row(2)), 2);
/// # Ok::<(), sparse_linear::LinearError>(())
/// ```
///
/// The solver is dual coordinate descent over all classes of an example at a time (Yu, Huang and Lin 2011, *Dual coordinate
/// descent methods for logistic regression and maximum entropy models*). The step of an example depends only on its scores;
/// a few iterations of Newton's method compute it.
///
/// One against the rest, classes are divided among the threads; maximum entropy uses one thread. Besides the features,
/// training takes 20 bytes for each feature and class, and 16 for each example and class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogisticRegression {
    /// C, the weight of the losses against the norm of the weights.
    pub cost: f64,
    /// The model for more than two classes.
    pub scheme: Scheme,
    /// Factors of `cost` for the examples of each class; empty for 1 each. One against the rest, they apply as in
    /// [`SupportVectorMachine`](super::SupportVectorMachine).
    pub class_weights: Vec<f64>,
    /// The value of the constant feature, LIBLINEAR's `-B`; 0 for no bias.
    pub bias: f64,
    /// Learning ends after a pass in which no probability of the model differed from the one in the dual problem by more
    /// than this. At a fixed point, the gradient is Σᵢ Cᵢ xᵢ times these differences.
    pub tolerance: f64,
    /// The limit of passes over the examples.
    pub max_passes: usize,
    /// The seed of the order of the examples.
    pub seed: u64,
}

/// The model for more than two classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Scheme {
    /// All classes at once, by the softmax of their scores: maximum entropy.
    Multinomial,
    /// Each class against the rest; probabilities are sigmoids divided by their sum.
    OneVersusRest,
}

impl Default for LogisticRegression {
    fn default() -> Self {
        Self {
            cost: 1.0,
            scheme: Scheme::Multinomial,
            class_weights: Vec::new(),
            bias: 1.0,
            tolerance: 0.001,
            max_passes: 1000,
            seed: 1,
        }
    }
}

impl LogisticRegression {
    /// Checks the settings.
    ///
    /// # Errors
    /// [`LinearError::Setting`] if `cost`, `tolerance` or a class weight is not a finite number above 0, or `bias` not a finite
    /// number of at least 0.
    pub fn check(self) -> Result<Valid<Self>, LinearError> {
        check_settings(self.cost, &self.class_weights, self.bias, self.tolerance)?;
        Ok(Valid(self))
    }
}

impl Valid<LogisticRegression> {
    /// Learns from examples. Too few passes to converge are no error, see [`Fit::converged`].
    ///
    /// # Errors
    /// [`LinearError::ClassWeights`] if the number of class weights is not the number of classes.
    pub fn fit(&self, examples: &Examples) -> Result<Fit, LinearError> {
        let settings = &self.0;
        let weights = examples.class_weights(&settings.class_weights)?;
        let columns = decision_value_count(examples.class_count);
        let costs = weights.iter().map(|weight| settings.cost * weight);
        let (problems, posterior) = if columns > 1 && settings.scheme == Scheme::Multinomial {
            let costs: Vec<f64> = costs.collect();
            let examples = examples.classes.iter();
            let own = examples.map(|&class| (Some(class), costs[class]));
            (vec![Likelihood::new(columns, own)], Posterior::Softmax)
        } else {
            let sigmoid = |class, others, own| {
                let examples = examples.classes.iter();
                let own = examples.map(|&of| match of == class {
                    true => (Some(0), settings.cost * own),
                    false => (None, settings.cost * others),
                });
                Likelihood::new(1, own)
            };
            let posterior = Posterior::logistic(columns);
            (one_versus_rest(&weights, sigmoid), posterior)
        };
        let descent = Descent {
            bias: settings.bias,
            tolerance: settings.tolerance,
            max_passes: settings.max_passes,
            seed: settings.seed,
        };
        Ok(descent.fit(examples, problems, Some(posterior)))
    }
}

/// The dual problem: minimise ½‖W‖² − Σᵢ Cᵢ H(qᵢ), where H is the entropy of the probabilities q of an example, wₖ =
/// Σᵢ Cᵢ (tᵢₖ − qᵢₖ) xᵢ, and tᵢₖ is 1 for the class of the example and 0 for others. At the minimum, qᵢ are the model's
/// probabilities for xᵢ.
///
/// The probability of a single column is the sigmoid of its score; those of several are the softmax.
#[derive(Clone)]
struct Likelihood {
    /// Cᵢ.
    costs: Vec<f64>,
    /// qᵢ, one row for each example.
    probabilities: Vec<f64>,
    point: Point,
    /// The largest difference between the model's probabilities and q in this pass.
    distance: f64,
    converged: bool,
}

impl Likelihood {
    /// A problem from the column of the class of each example, if it has one, and its cost. As q starts at t, W starts at 0.
    fn new(columns: usize, own: impl Iterator<Item = (Option<usize>, f64)>) -> Self {
        let (mut costs, mut probabilities) = (Vec::new(), Vec::new());
        for (own, cost) in own {
            costs.push(cost);
            probabilities.extend((0..columns).map(|column| f64::from(own == Some(column))));
        }
        Self {
            costs,
            probabilities,
            point: Point::new(columns),
            distance: 0.0,
            converged: false,
        }
    }
}

impl DualProblem for Likelihood {
    fn columns(&self) -> usize {
        self.point.scores.len()
    }

    fn is_active(&self, _: usize) -> bool {
        !self.converged
    }

    fn step(&mut self, example: usize, scores: &[f64], squared_norm: f64, changes: &mut [f64]) {
        let columns = scores.len();
        let cost = self.costs[example];
        let curvature = cost * squared_norm;
        let old = &mut self.probabilities[example * columns..(example + 1) * columns];
        self.point.set(scores);
        let differences = self.point.probabilities.iter().zip(&*old);
        let distance = differences.fold(0.0, |most, (p, q)| f64::max(most, (p - q).abs()));
        self.distance = self.distance.max(distance);
        self.point.solve(scores, old, curvature);
        for ((old, new), change) in old.iter_mut().zip(&self.point.probabilities).zip(changes) {
            *change = cost * (*old - new);
            *old = *new;
        }
    }

    fn end_pass(&mut self, tolerance: f64) {
        self.converged = self.distance <= tolerance;
        self.distance = 0.0;
    }

    fn converged(&self) -> bool {
        self.converged
    }
}

/// The equation of the step of an example, s + a (q − p) − z = 0: for scores z with probabilities p, old scores s, old
/// probabilities q and a = C‖x‖².
#[derive(Clone)]
struct Point {
    scores: Vec<f64>,
    probabilities: Vec<f64>,
    residual: Vec<f64>,
    direction: Vec<f64>,
}

/// The limits of Newton steps, and of halvings of each.
const STEPS: usize = 20;
const HALVINGS: usize = 10;
/// The share of the squared residual that may remain. Where C‖x‖² is in the hundreds, a share of 1e-4 keeps maximum entropy
/// from converging at all: the errors of the examples' steps undo each other's progress.
const LEFT: f64 = 1e-8;

impl Point {
    fn new(columns: usize) -> Self {
        Self {
            scores: vec![0.0; columns],
            probabilities: vec![0.0; columns],
            residual: vec![0.0; columns],
            direction: vec![0.0; columns],
        }
    }

    /// Sets z.
    fn set(&mut self, scores: &[f64]) {
        self.scores.copy_from_slice(scores);
        self.find_probabilities();
    }

    fn find_probabilities(&mut self) {
        self.probabilities.copy_from_slice(&self.scores);
        match &mut self.probabilities[..] {
            [score] => *score = logistic(*score),
            scores => softmax(scores),
        }
    }

    /// Computes the residual and returns its square.
    fn find_residual(&mut self, scores: &[f64], old: &[f64], curvature: f64) -> f64 {
        let mut square = 0.0;
        for column in 0..scores.len() {
            let residual = scores[column] - self.scores[column]
                + curvature * (old[column] - self.probabilities[column]);
            self.residual[column] = residual;
            square += residual * residual;
        }
        square
    }

    /// Computes the Newton direction: the inverse of the derivative of z + a p, times the residual.
    fn find_direction(&mut self, curvature: f64) {
        if let [p] = self.probabilities[..] {
            self.direction[0] = self.residual[0] / (1.0 + curvature * p * (1.0 - p));
            return;
        }
        // The derivative is a diagonal matrix minus a p pᵀ, inverted by the formula of Sherman and Morrison (1950).
        let (mut above, mut below) = (0.0, 0.0);
        for (p, residual) in self.probabilities.iter().zip(&self.residual) {
            let share = p / (1.0 + curvature * p);
            above += share * residual;
            below += share;
        }
        let shift = curvature * above / below;
        for (column, p) in self.probabilities.iter().enumerate() {
            self.direction[column] = (self.residual[column] + shift * p) / (1.0 + curvature * p);
        }
    }

    /// Solves for z by Newton's method, starting from `scores`, to which z has been set.
    fn solve(&mut self, scores: &[f64], old: &[f64], curvature: f64) {
        let mut square = self.find_residual(scores, old, curvature);
        let wanted = LEFT * square;
        for _ in 0..STEPS {
            if square <= wanted {
                break;
            }
            self.find_direction(curvature);
            let (mut size, before) = (1.0, square);
            self.go(size);
            square = self.find_residual(scores, old, curvature);
            for _ in 0..HALVINGS {
                if square < before {
                    break;
                }
                size *= 0.5;
                self.go(-size);
                square = self.find_residual(scores, old, curvature);
            }
        }
    }

    /// Moves z by `size` times the direction.
    fn go(&mut self, size: f64) {
        for (score, direction) in self.scores.iter_mut().zip(&self.direction) {
            *score += size * direction;
        }
        self.find_probabilities();
    }
}
