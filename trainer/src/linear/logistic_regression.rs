//! Logistic regression, of many classes maximum entropy.

use serde::{Deserialize, Serialize};

use super::{
    Examples, Fit, LinearError, Posterior, Valid, check_settings,
    dual::{Descent, Machine, one_versus_rest},
    model::machines,
    posterior::{logistic, softmax},
};

/// Settings of L2-regularised logistic regression.
///
/// The weights W minimise ½‖W‖² + Σᵢ Cᵢ (−ln pᵢ), where pᵢ is the probability that the model gives to the class of example
/// i. Of two classes that is the sigmoid of ±w·x: LIBLINEAR's solvers 0 and 7. Of more it is the softmax of W·x, maximum
/// entropy (Berger, Della Pietra and Della Pietra 1996), or one against the rest, as LIBLINEAR has it.
///
/// The dual problem is solved by coordinate descent, all classes of an example at a time (Yu, Huang and Lin 2011, *Dual
/// coordinate descent methods for logistic regression and maximum entropy models*). What an example changes depends on its
/// scores alone; a few steps of Newton's method find it.
///
/// One against the rest, classes are divided among the threads; maximum entropy learns on one. Besides the features,
/// training takes 20 bytes for each feature and class, and 16 for each example and class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogisticRegression {
    /// C: what an example's loss weighs beside the weights' norm.
    pub cost: f64,
    /// How more than two classes are told apart.
    pub scheme: Scheme,
    /// Factors of `cost` for the examples of each class; none: 1 each. One against the rest, they count as those of a
    /// [`SupportVectorMachine`](super::SupportVectorMachine).
    pub class_weights: Vec<f64>,
    /// The value of the constant feature, LIBLINEAR's `-B`; 0: none.
    pub bias: f64,
    /// Learning ends when in one pass no probability of an example, as the model gives it, was further than this from the
    /// one that stands in the dual problem. Where they stand still, the gradient is Σᵢ Cᵢ xᵢ times these distances.
    pub tolerance: f64,
    /// Passes through the examples at most.
    pub max_passes: usize,
    /// The seed of the examples' order.
    pub seed: u64,
}

/// How more than two classes are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scheme {
    /// All at once, by the softmax of their scores: maximum entropy.
    Multinomial,
    /// Each from all others; probabilities are sigmoids divided by their sum.
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
    /// The settings, if they are possible ones.
    pub fn check(self) -> Result<Valid<Self>, LinearError> {
        check_settings(self.cost, &self.class_weights, self.bias, self.tolerance)?;
        Ok(Valid(self))
    }
}

impl Valid<LogisticRegression> {
    /// Learns from examples. The only thing that can be wrong is the number of class weights.
    pub fn fit(&self, examples: &Examples) -> Result<Fit, LinearError> {
        let settings = &self.0;
        let weights = examples.class_weights(&settings.class_weights)?;
        let machines = machines(examples.class_count);
        let costs = weights.iter().map(|weight| settings.cost * weight);
        let (machines, posterior) = if machines > 1 && settings.scheme == Scheme::Multinomial {
            let costs: Vec<f64> = costs.collect();
            let examples = examples.classes.iter();
            let own = examples.map(|&class| (Some(class), costs[class]));
            (vec![Likelihood::new(machines, own)], Posterior::Softmax)
        } else {
            let sigmoid = |class, others, own| {
                let examples = examples.classes.iter();
                let own = examples.map(|&of| match of == class {
                    true => (Some(0), settings.cost * own),
                    false => (None, settings.cost * others),
                });
                Likelihood::new(1, own)
            };
            let posterior = Posterior::logistic(machines);
            (one_versus_rest(&weights, sigmoid), posterior)
        };
        let descent = Descent {
            bias: settings.bias,
            tolerance: settings.tolerance,
            max_passes: settings.max_passes,
            seed: settings.seed,
        };
        Ok(descent.fit(examples, machines, Some(posterior)))
    }
}

/// The dual problem: minimise ½‖W‖² − Σᵢ Cᵢ H(qᵢ), where H is the entropy of an example's probabilities q, wₖ =
/// Σᵢ Cᵢ (tᵢₖ − qᵢₖ) xᵢ, and tᵢₖ is 1 for the example's class and 0 for others. At the minimum, qᵢ is what W makes of xᵢ.
///
/// One column is the sigmoid of its score, more are the softmax of theirs.
#[derive(Clone)]
struct Likelihood {
    /// Cᵢ.
    costs: Vec<f64>,
    /// qᵢ, a row of all columns' for each example.
    probabilities: Vec<f64>,
    point: Point,
    /// The largest distance of the model's probabilities from those here, in this pass.
    distance: f64,
    converged: bool,
}

impl Likelihood {
    /// Of the examples' own columns, if they have any, and costs. W begins as 0 if q begins as t.
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

impl Machine for Likelihood {
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

/// Where an example's step leads: scores z, their probabilities p, and the residual s + a (q − p) − z, which is to become
/// 0. Here s are the scores before, q the probabilities in the dual problem, and a = C‖x‖².
#[derive(Clone)]
struct Point {
    scores: Vec<f64>,
    probabilities: Vec<f64>,
    residual: Vec<f64>,
    direction: Vec<f64>,
}

/// Newton's steps, and halvings of each, at most.
const STEPS: usize = 20;
const HALVINGS: usize = 10;
/// What may be left of the residual, squared. The example's turn comes again.
const LEFT: f64 = 1e-4;

impl Point {
    fn new(columns: usize) -> Self {
        Self {
            scores: vec![0.0; columns],
            probabilities: vec![0.0; columns],
            residual: vec![0.0; columns],
            direction: vec![0.0; columns],
        }
    }

    /// Goes to these scores.
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

    /// Finds the residual, and returns its square.
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

    /// Solves the derivative of z + a p against the residual.
    fn find_direction(&mut self, curvature: f64) {
        if let [p] = self.probabilities[..] {
            self.direction[0] = self.residual[0] / (1.0 + curvature * p * (1.0 - p));
            return;
        }
        // A diagonal matrix less the product of p with itself (Sherman and Morrison 1950).
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

    /// Solves for z from `scores` on, to which this point has been set, by Newton's method.
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

    /// Goes so many times the direction.
    fn go(&mut self, size: f64) {
        for (score, direction) in self.scores.iter_mut().zip(&self.direction) {
            *score += size * direction;
        }
        self.find_probabilities();
    }
}
