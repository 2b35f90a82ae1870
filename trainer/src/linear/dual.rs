//! Dual coordinate descent, what support vector machines and logistic regression share.

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use rayon::prelude::*;

use super::{Examples, Fit, LinearModel, Posterior};

/// Machines that go through the examples together: their weights of a feature fill a cache line.
const TOGETHER: usize = 8;

/// Something with a column of weights, or some that depend on each other. Its weights are Σᵢ βᵢ xᵢ over the examples: a
/// machine knows its β, and descends on one example's at a time.
pub(super) trait Machine: Clone + Send + Sync {
    /// How many columns of weights it has.
    fn columns(&self) -> usize;

    /// Whether there can be something to do for an example.
    fn is_active(&self, example: usize) -> bool;

    /// Finds better β for an active example, from its `scores` w·x and its ‖x‖². Returns by how much they change, in
    /// `changes`, which are 0.
    fn step(&mut self, example: usize, scores: &[f64], squared_norm: f64, changes: &mut [f64]);

    /// Takes note that all examples have been gone through.
    fn end_pass(&mut self, tolerance: f64);

    /// Whether the last pass met the tolerance.
    fn converged(&self) -> bool;
}

/// A machine for class 1 of two classes, or for each of more: made of a class and the weights of the examples of others and
/// of its own.
pub(super) fn one_versus_rest<M>(
    weights: &[f64],
    machine: impl Fn(usize, f64, f64) -> M,
) -> Vec<M> {
    match *weights {
        [others, own] => vec![machine(1, others, own)],
        _ => (weights.iter().enumerate())
            .map(|(class, &own)| machine(class, 1.0, own))
            .collect(),
    }
}

/// How machines learn.
pub(super) struct Descent {
    /// The value of the constant feature.
    pub bias: f64,
    pub tolerance: f64,
    pub max_passes: usize,
    pub seed: u64,
}

impl Descent {
    /// Machines side by side, whose columns of weights make a model. They are put into groups; within a group features are
    /// read once for all machines, and groups are divided among the threads. A machine goes through the same numbers in
    /// whatever group.
    pub fn fit<M: Machine>(
        &self,
        examples: &Examples,
        machines: Vec<M>,
        posterior: Option<Posterior>,
    ) -> Fit {
        let features = examples.features;
        let squared_norms: Vec<f64> = (0..features.rows())
            .map(|row| features.row(row).squared_norm() + self.bias.powi(2))
            .collect();
        let together = machines
            .len()
            .div_ceil(rayon::current_num_threads())
            .min(TOGETHER);
        let groups: Vec<Group> = (machines.par_chunks(together))
            .map(|machines| self.fit_group(examples, &squared_norms, machines.to_vec()))
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

    fn fit_group<M: Machine>(
        &self,
        examples: &Examples,
        squared_norms: &[f64],
        mut machines: Vec<M>,
    ) -> Group {
        let features = examples.features;
        let width = machines.iter().map(Machine::columns).sum();
        let mut weights = vec![0.0; features.columns() * width];
        let mut biases = vec![0.0; width];
        let (mut scores, mut changes) = (vec![0.0; width], vec![0.0; width]);
        let mut order: Vec<usize> = (0..features.rows()).collect();
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut passes = 0;
        while passes < self.max_passes && !machines.iter().all(Machine::converged) {
            // All examples, also those that no machine of this group wants: the order is the same in all groups.
            order.shuffle(&mut random);
            for &example in &order {
                if !machines.iter().any(|machine| machine.is_active(example)) {
                    continue;
                }
                let row = features.row(example);
                row.times(&weights, &mut scores);
                for (score, bias) in scores.iter_mut().zip(&biases) {
                    *score += bias * self.bias;
                }
                changes.fill(0.0);
                let mut first = 0;
                for machine in &mut machines {
                    let columns = first..first + machine.columns();
                    first = columns.end;
                    if machine.is_active(example) {
                        let changes = &mut changes[columns.clone()];
                        machine.step(example, &scores[columns], squared_norms[example], changes);
                    }
                }
                if changes.iter().any(|&change| change != 0.0) {
                    row.add_to(&changes, &mut weights);
                    for (bias, change) in biases.iter_mut().zip(&changes) {
                        *bias += change * self.bias;
                    }
                }
            }
            for machine in &mut machines {
                machine.end_pass(self.tolerance);
            }
            passes += 1;
        }
        weights.extend(biases);
        Group {
            weights,
            passes,
            converged: machines.iter().all(Machine::converged),
        }
    }
}

/// What a group of machines has learned: a row of all machines' weights for each feature, and one for the constant feature.
struct Group {
    weights: Vec<f64>,
    passes: usize,
    converged: bool,
}
