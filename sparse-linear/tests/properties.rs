//! Properties of the learners that hold for any examples.

use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};
use sparse_linear::{
    Examples, Fit, LinearModel, LogisticRegression, Loss, Scheme, SparseMatrix,
    SupportVectorMachine,
};

/// Much smaller than the tolerances of the tests.
const TOLERANCE: f64 = 1e-10;
const PASSES: usize = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Learner {
    Svm(Loss),
    Logistic(Scheme),
}

#[derive(Clone, Debug)]
struct Case {
    learner: Learner,
    /// A value for each feature, many of them 0, and the class of each example.
    rows: Vec<(Vec<f32>, usize)>,
    classes: usize,
    cost: f64,
    class_weights: Vec<f64>,
    bias: f64,
}

fn case() -> impl Strategy<Value = Case> {
    let learner = prop_oneof![
        Just(Learner::Svm(Loss::Hinge)),
        Just(Learner::Svm(Loss::SquaredHinge)),
        Just(Learner::Logistic(Scheme::Multinomial)),
        Just(Learner::Logistic(Scheme::OneVersusRest)),
    ];
    (learner, 2..5usize, 1..12usize)
        .prop_flat_map(|(learner, classes, features)| {
            let value = prop_oneof![3 => Just(0.0), 2 => -2.0..2.0f32];
            let row = (prop::collection::vec(value, features), 0..classes);
            let weights = prop_oneof![Just(Vec::new()), prop::collection::vec(0.25..4.0, classes)];
            let bias = prop_oneof![Just(0.0), 0.5..2.0];
            (
                Just((learner, classes)),
                prop::collection::vec(row, 1..40),
                (-3.0..1.0f64).prop_map(|log| 10f64.powf(log)),
                weights,
                bias,
            )
        })
        .prop_map(
            |((learner, classes), rows, cost, class_weights, bias)| Case {
                learner,
                rows,
                classes,
                cost,
                class_weights,
                bias,
            },
        )
}

impl Case {
    fn fit(&self) -> Fit {
        let mut features = SparseMatrix::new(self.rows[0].0.len());
        for (row, _) in &self.rows {
            let values = (0..).zip(row.iter().copied());
            features
                .push_row(values.filter(|(_, value)| *value != 0.0))
                .unwrap();
        }
        let classes: Vec<usize> = self.rows.iter().map(|(_, class)| *class).collect();
        let examples = Examples::new(&features, &classes, self.classes).unwrap();
        match self.learner {
            Learner::Svm(loss) => SupportVectorMachine {
                cost: self.cost,
                loss,
                class_weights: self.class_weights.clone(),
                bias: self.bias,
                tolerance: TOLERANCE,
                max_passes: PASSES,
                seed: 3,
            }
            .check()
            .unwrap()
            .fit(&examples)
            .unwrap(),
            Learner::Logistic(scheme) => LogisticRegression {
                cost: self.cost,
                scheme,
                class_weights: self.class_weights.clone(),
                bias: self.bias,
                tolerance: TOLERANCE,
                max_passes: PASSES,
                seed: 3,
            }
            .check()
            .unwrap()
            .fit(&examples)
            .unwrap(),
        }
    }

    /// The rows with the constant feature as the last one.
    fn augmented(&self) -> Vec<(Vec<f64>, usize)> {
        (self.rows.iter())
            .map(|(row, class)| {
                let values = row.iter().map(|&value| f64::from(value));
                (values.chain([self.bias]).collect(), *class)
            })
            .collect()
    }

    /// The weights of each decision value, with that of the constant feature last.
    fn weights(&self, model: &LinearModel) -> Vec<Vec<f64>> {
        let columns = model.biases().len();
        let divisor = if self.bias == 0.0 { 1.0 } else { self.bias };
        (0..columns)
            .map(|column| {
                let weights = model.weights().iter().skip(column).step_by(columns);
                let weights = weights.map(|&weight| f64::from(weight));
                weights.chain([model.biases()[column] / divisor]).collect()
            })
            .collect()
    }

    /// The cost of an example of `class` where class `of` is learned.
    fn cost(&self, class: usize, of: usize, columns: usize) -> f64 {
        let multinomial = self.learner == Learner::Logistic(Scheme::Multinomial);
        let counts = columns == 1 || multinomial || class == of;
        let weight = self.class_weights.get(class).filter(|_| counts);
        self.cost * weight.unwrap_or(&1.0)
    }

    /// The objective as documented, and its gradient if it has one.
    fn objective(&self, weights: &[Vec<f64>]) -> (f64, Vec<Vec<f64>>) {
        let columns = weights.len();
        let mut value = weights
            .iter()
            .flatten()
            .map(|weight| 0.5 * weight * weight)
            .sum::<f64>();
        let mut gradient = weights.to_vec();
        for (row, class) in self.augmented() {
            let scores: Vec<f64> = (weights.iter())
                .map(|weights| weights.iter().zip(&row).map(|(w, x)| w * x).sum())
                .collect();
            let softmax = columns > 1 && self.learner == Learner::Logistic(Scheme::Multinomial);
            let sum: f64 = scores.iter().map(|score| score.exp()).sum();
            if softmax {
                value += self.cost(class, class, columns) * (sum.ln() - scores[class]);
            }
            for column in 0..columns {
                let of = if columns == 1 { 1 } else { column };
                let cost = self.cost(class, of, columns);
                let sign = if class == of { 1.0 } else { -1.0 };
                let slack = (1.0 - sign * scores[column]).max(0.0);
                let (loss, slope) = match self.learner {
                    _ if softmax => {
                        let truth = f64::from(u8::from(class == of));
                        (0.0, scores[column].exp() / sum - truth)
                    }
                    Learner::Svm(Loss::Hinge) => (slack, f64::NAN),
                    Learner::Svm(Loss::SquaredHinge) => (slack * slack, -2.0 * sign * slack),
                    Learner::Svm(loss) => panic!("{loss:?} has no primal objective here"),
                    Learner::Logistic(_) => {
                        let odds = (-sign * scores[column]).exp();
                        (odds.ln_1p(), -sign * odds / (1.0 + odds))
                    }
                };
                value += cost * loss;
                for (gradient, x) in gradient[column].iter_mut().zip(&row) {
                    *gradient += cost * slope * x;
                }
            }
        }
        (value, gradient)
    }

    /// A bound for the change of the gradient when the weights are rounded to 32 bits.
    fn rounding(&self, weights: &[Vec<f64>]) -> f64 {
        let squares = self
            .augmented()
            .iter()
            .map(|(row, _)| norm(row).powi(2))
            .sum::<f64>();
        1e-6 * (1.0 + 8.0 * self.cost * squares) * (1.0 + norm(weights.iter().flatten()))
    }
}

fn norm<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    values
        .into_iter()
        .map(|value| value * value)
        .sum::<f64>()
        .sqrt()
}

#[test]
fn maximum_entropy_of_a_large_cost_never_converged() {
    for seed in 0..8 {
        let mut random = StdRng::seed_from_u64(seed);
        let mut features = SparseMatrix::new(9);
        let mut classes = Vec::new();
        for _ in 0..40 {
            let values = (0..9).filter_map(|feature| {
                let is_there = random.random_bool(0.5);
                is_there.then(|| (feature, random.random_range(0.1..2.0_f32)))
            });
            let values: Vec<(u32, f32)> = values.collect();
            features.push_row(values).unwrap();
            classes.push(random.random_range(0..4));
        }
        let learner = LogisticRegression {
            cost: 30.0,
            tolerance: 1e-6,
            max_passes: 10_000,
            ..LogisticRegression::default()
        };
        let examples = Examples::new(&features, &classes, 4).unwrap();
        let fit = learner.check().unwrap().fit(&examples).unwrap();
        assert!(fit.converged, "seed {seed}: {} passes", fit.passes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_objective_is_at_its_minimum(case in case()) {
        let fit = case.fit();
        prop_assert!(fit.converged);
        let weights = case.weights(&fit.model);
        let (value, gradient) = case.objective(&weights);
        let nothing = vec![vec![0.0; weights[0].len()]; weights.len()];
        let (at_first, _) = case.objective(&nothing);
        prop_assert!(value <= at_first * (1.0 + 1e-9), "{value} of {at_first}");
        if case.learner == Learner::Svm(Loss::Hinge) {
            // This objective has kinks. No small change in any direction may improve it.
            for column in 0..weights.len() {
                for feature in 0..weights[0].len() {
                    for change in [-1e-3, 1e-3] {
                        let mut other = weights.clone();
                        other[column][feature] += change;
                        prop_assert!(case.objective(&other).0 >= value * (1.0 - 1e-6));
                    }
                }
            }
        } else {
            let norm = norm(gradient.iter().flatten());
            prop_assert!(norm <= case.rounding(&weights), "a gradient of {norm}");
        }
    }

    #[test]
    fn the_order_of_the_examples_makes_no_difference(case in case(), seed in any::<u64>()) {
        let fit = case.fit();
        let mut other = case.clone();
        let count = other.rows.len();
        other.rows.rotate_left(seed as usize % count);
        other.rows[..count / 2].reverse();
        let (weights, others) = (case.weights(&fit.model), case.weights(&other.fit().model));
        let differences: Vec<f64> = (weights.iter().flatten())
            .zip(others.iter().flatten())
            .map(|(one, other)| one - other)
            .collect();
        // The objective is at least as convex as ½‖W‖².
        prop_assert!(norm(&differences) <= 2.0 * case.rounding(&weights), "{differences:?}");
    }

    #[test]
    fn threads_make_no_difference_at_all(case in case()) {
        let fit = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| case.fit())
        };
        prop_assert_eq!(fit(1), fit(3));
    }
}
