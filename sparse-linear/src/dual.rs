//! Dual coordinate descent, for SVMs and logistic regression alike.

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use rayon::prelude::*;

use super::{Examples, Fit, LinearModel, Posterior};

/// Problems that share a pass over the examples: their weights of one feature fill a cache line.
const TOGETHER: usize = 8;

/// An optimisation problem with one column of weights, or with several that depend on each other. The weights are
/// Σᵢ βᵢ xᵢ over the examples. A problem stores its β and improves those of one example at a time.
pub(super) trait DualProblem: Clone + Send + Sync {
    /// The number of columns of weights.
    fn columns(&self) -> usize;

    /// Whether a step for the example can change something.
    fn is_active(&self, example: usize) -> bool;

    /// Improves the β of an active example, given its `scores` w·x and its ‖x‖². Adds the differences to `changes`, which
    /// are 0 before.
    fn step(&mut self, example: usize, scores: &[f64], squared_norm: f64, changes: &mut [f64]);

    /// Ends a pass over all examples.
    fn end_pass(&mut self, tolerance: f64);

    /// Whether the last pass was within the tolerance.
    fn converged(&self) -> bool;
}

/// One problem for class 1 of two classes, or one for each class of more. `problem` receives the class, the weight of the
/// examples of other classes and the weight of its own examples.
pub(super) fn one_versus_rest<P>(
    weights: &[f64],
    problem: impl Fn(usize, f64, f64) -> P,
) -> Vec<P> {
    match *weights {
        [others, own] => vec![problem(1, others, own)],
        _ => (weights.iter().enumerate())
            .map(|(class, &own)| problem(class, 1.0, own))
            .collect(),
    }
}

/// The settings of the descent.
pub(super) struct Descent {
    /// The value of the constant feature.
    pub bias: f64,
    pub tolerance: f64,
    pub max_passes: usize,
    pub seed: u64,
}

impl Descent {
    /// Solves problems side by side, whose columns of weights form a model. Groups of problems are divided among the
    /// threads; within a group, the features are read once for all. A problem has the same result in any group.
    pub fn fit<P: DualProblem>(
        &self,
        examples: &Examples,
        problems: Vec<P>,
        posterior: Option<Posterior>,
    ) -> Fit {
        let features = examples.features;
        let squared_norms: Vec<f64> = (0..features.rows())
            .map(|row| features.row(row).squared_norm() + self.bias.powi(2))
            .collect();
        let together = problems
            .len()
            .div_ceil(rayon::current_num_threads())
            .min(TOGETHER);
        let groups: Vec<Group> = (problems.par_chunks(together))
            .map(|problems| self.fit_group(examples, &squared_norms, problems.to_vec()))
            .collect();
        let rows = features.columns() + 1;
        let mut weights = Vec::new();
        for row in 0..rows {
            for group in &groups {
                let width = group.weights.len() / rows;
                weights.extend_from_slice(&group.weights[row * width..(row + 1) * width]);
            }
        }
        Fit {
            model: LinearModel::new(examples.class_count, self.bias, weights, posterior),
            passes: groups.iter().map(|group| group.passes).max().unwrap_or(0),
            converged: groups.iter().all(|group| group.converged),
        }
    }

    fn fit_group<P: DualProblem>(
        &self,
        examples: &Examples,
        squared_norms: &[f64],
        mut problems: Vec<P>,
    ) -> Group {
        let features = examples.features;
        let width = problems.iter().map(DualProblem::columns).sum();
        let count = features.columns().checked_mul(width);
        let mut weights = vec![0.0; count.expect("a weight for each feature and class")];
        let mut biases = vec![0.0; width];
        let (mut scores, mut changes) = (vec![0.0; width], vec![0.0; width]);
        let mut order: Vec<usize> = (0..features.rows()).collect();
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut passes = 0;
        while passes < self.max_passes && !problems.iter().all(DualProblem::converged) {
            // Shuffle all examples, including inactive ones: the order is the same in all groups.
            order.shuffle(&mut random);
            for &example in &order {
                if !problems.iter().any(|problem| problem.is_active(example)) {
                    continue;
                }
                let row = features.row(example);
                row.times(&weights, &mut scores);
                for (score, bias) in scores.iter_mut().zip(&biases) {
                    *score += bias * self.bias;
                }
                changes.fill(0.0);
                let mut first = 0;
                for problem in &mut problems {
                    let columns = first..first + problem.columns();
                    first = columns.end;
                    if problem.is_active(example) {
                        let changes = &mut changes[columns.clone()];
                        problem.step(example, &scores[columns], squared_norms[example], changes);
                    }
                }
                if changes.iter().any(|&change| change != 0.0) {
                    row.add_to(&changes, &mut weights);
                    for (bias, change) in biases.iter_mut().zip(&changes) {
                        *bias += change * self.bias;
                    }
                }
            }
            for problem in &mut problems {
                problem.end_pass(self.tolerance);
            }
            passes += 1;
        }
        weights.extend(biases);
        Group {
            weights,
            passes,
            converged: problems.iter().all(DualProblem::converged),
        }
    }
}

/// The solution of a group: for each feature a row of the weights of all columns, and one for the constant feature.
struct Group {
    weights: Vec<f64>,
    passes: usize,
    converged: bool,
}
