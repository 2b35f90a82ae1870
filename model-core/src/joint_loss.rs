//! The joint cost function (Eq. 19) for any number of tasks.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use model_core::joint_loss::{Target, joint_loss};
//!
//! let device = Device::flex();
//! // Two users: the first has a label for both tasks, the second only for the auxiliary one. The logits say nothing.
//! let logits = [Tensor::zeros([2, 7], &device), Tensor::zeros([2, 2], &device)];
//! let targets = [
//!     Target::exact([Some(3), None], 0.75, vec![1.0; 7]),
//!     Target::exact([Some(0), Some(1)], 0.25, vec![1.0; 2]),
//! ];
//! let cost = joint_loss(&logits, &targets, &device).into_scalar::<f32>();
//! assert!((cost - (0.75 * 7f32.ln() + 0.25 * 2f32.ln())).abs() < 1e-5);
//! ```

use std::ops::Range;

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Device, Int, Tensor, TensorData, activation::log_softmax},
};
use serde::{Deserialize, Serialize};

/// The labels of one task in a batch, and their weights.
#[derive(Clone, Debug)]
pub struct Target {
    /// The label of each user: a range of one class, or of several for an interval label. Users without a label are ignored.
    pub classes: Vec<Option<Range<usize>>>,
    /// The weight of each user in the cost; 1 in the paper.
    pub user_weights: Vec<f32>,
    /// λ of this task (1 − λ for the paper's auxiliary task).
    pub weight: f32,
    /// The weight of each class in the cost; 1 in the paper.
    pub class_weights: Vec<f32>,
}

impl Target {
    /// A target of users with one class or no label, each of weight 1.
    pub fn exact(
        classes: impl IntoIterator<Item = Option<usize>>,
        weight: f32,
        class_weights: Vec<f32>,
    ) -> Self {
        let one = |class: usize| class..class + 1;
        let classes: Vec<_> = (classes.into_iter()).map(|class| class.map(one)).collect();
        Self {
            user_weights: vec![1.0; classes.len()],
            classes,
            weight,
            class_weights,
        }
    }
}

/// Eq. 19 without the penalty: the weighted sum of the cross entropies of the tasks, a scalar `[1]`. `logits` holds
/// `[batch, classes]` for each task.
///
/// An interval label costs −ln of the sum of the probabilities of its classes. The sum over the users of a task is divided by
/// their number, so that a learning rate means the same for every batch size. A task without a labelled user in the batch adds
/// nothing; if no task has one, the cost is a constant zero.
pub fn joint_loss(logits: &[Tensor<2>], targets: &[Target], device: &Device) -> Tensor<1> {
    logits
        .iter()
        .zip(targets)
        .filter_map(|(logits, target)| task_loss(logits, target, device))
        .reduce(|sum, loss| sum + loss)
        .unwrap_or_else(|| Tensor::zeros([1], device))
}

fn task_loss(logits: &Tensor<2>, target: &Target, device: &Device) -> Option<Tensor<1>> {
    let examples: Vec<(usize, &Range<usize>)> = (target.classes.iter().enumerate())
        .filter_map(|(row, classes)| Some((row, classes.as_ref()?)))
        .collect();
    if examples.is_empty() {
        return None;
    }
    let count = examples.len();
    let indices =
        |values: Vec<i64>| Tensor::<1, Int>::from_data(TensorData::new(values, [count]), device);
    let rows = indices(examples.iter().map(|(row, _)| *row as i64).collect());
    let weight = |&(row, classes): &(usize, &Range<usize>)| {
        let of_classes = &target.class_weights[classes.clone()];
        let class_weight = of_classes.iter().sum::<f32>() / of_classes.len() as f32;
        -target.weight * target.user_weights[row] * class_weight / count as f32
    };
    let weights: Vec<f32> = examples.iter().map(weight).collect();
    let log_probabilities = log_softmax(logits.clone().select(0, rows), 1); // Eq. 17–18
    let log_likelihood = if examples.iter().all(|(_, classes)| classes.len() == 1) {
        let classes = examples.iter().map(|(_, classes)| classes.start as i64);
        log_probabilities.gather(1, indices(classes.collect()).unsqueeze_dim(1))
    } else {
        let classes = target.class_weights.len();
        let others: Vec<f32> = (examples.iter())
            .flat_map(|(_, own)| {
                (0..classes).map(|class| {
                    if own.contains(&class) {
                        0.0
                    } else {
                        IMPOSSIBLE
                    }
                })
            })
            .collect();
        let others = Tensor::<2>::from_data(TensorData::new(others, [count, classes]), device);
        let own = log_probabilities + others;
        let largest = own.clone().detach().max_dim(1);
        (own - largest.clone()).exp().sum_dim(1).log() + largest
    };
    let weights = Tensor::<2>::from_data(TensorData::new(weights, [count, 1]), device);
    Some((log_likelihood * weights).sum())
}

/// Stands for ln 0. It is finite so that sums and differences do not become NaN.
const IMPOSSIBLE: f32 = -1e9;

/// The parameters in the penalty l/2 ‖θ‖² of Eq. 19.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Penalised {
    /// All parameters.
    All,
    /// Bias vectors only, the literal reading of the paper.
    Biases,
}

/// ‖θ‖² / 2 of the penalised parameters, a scalar `[1]`. The last term of Eq. 19 is l times this.
pub fn penalty(network: &impl Module, penalised: Penalised, device: &Device) -> Tensor<1> {
    struct Sum {
        penalised: Penalised,
        sum: Tensor<1>,
    }
    impl ModuleVisitor for Sum {
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            // The only vectors of the network are biases.
            if self.penalised == Penalised::All || D == 1 {
                self.sum = self.sum.clone() + parameter.val().square().sum() * 0.5;
            }
        }
    }
    let mut visitor = Sum {
        penalised,
        sum: Tensor::zeros([1], device),
    };
    network.visit(&mut visitor);
    visitor.sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cost of logits of two users, and its gradient.
    fn cost(values: [f32; 6], targets: &[Target]) -> (f32, Vec<f32>) {
        let device = Device::flex().autodiff();
        let logits = Tensor::<2>::from_data(TensorData::new(values.to_vec(), [2, 3]), &device);
        let logits = logits.require_grad();
        let loss = joint_loss(std::slice::from_ref(&logits), targets, &device);
        let gradient = logits.grad(&loss.backward()).unwrap();
        let gradient = gradient.into_data().iter().collect();
        (loss.into_scalar::<f32>(), gradient)
    }

    #[test]
    fn an_interval_label_costs_the_log_of_the_summed_probability() {
        let logits = [0.5, 1.5, -1.0, 40.0, -50.0, -60.0];
        let target = Target {
            classes: vec![Some(1..3), Some(1..2)],
            user_weights: vec![2.0, 1.0],
            weight: 0.5,
            class_weights: vec![1.0, 2.0, 4.0],
        };
        let targets = [target];
        let powers = logits.map(|logit: f32| f64::from(logit).exp());
        let of_interval = (powers[1] + powers[2]) / (powers[0] + powers[1] + powers[2]);
        // The mean weight of the classes, half of two users, λ.
        let expected = -of_interval.ln() * 2.0 * 3.0 / 2.0 * 0.5 + 90.0 * 1.0 * 2.0 / 2.0 * 0.5;
        let (found, gradient) = cost(logits, &targets);
        assert!(
            (f64::from(found) - expected).abs() < 1e-4,
            "{found} is not {expected}"
        );
        for place in 0..6 {
            let moved = |by: f32| {
                let mut logits = logits;
                logits[place] += by;
                cost(logits, &targets).0
            };
            let slope = (moved(0.02) - moved(-0.02)) / 0.04;
            assert!(
                (gradient[place] - slope).abs() < 2e-3,
                "{place}: {gradient:?}, {slope}"
            );
        }
    }

    #[test]
    fn an_interval_of_one_class_is_that_class() {
        let logits = [0.5, 1.5, -1.0, 0.2, -0.5, 0.6];
        let of = |classes: [Range<usize>; 2]| Target {
            classes: classes.map(Some).to_vec(),
            ..Target::exact([None, None], 1.0, vec![1.0; 3])
        };
        let whole = cost(logits, &[of([0..1, 0..3])]);
        let first = cost(logits, &[Target::exact([Some(0), None], 0.5, vec![1.0; 3])]);
        // An interval over all classes costs nothing.
        assert!((whole.0 - first.0).abs() < 1e-6);
        for (one, other) in whole.1.iter().zip(&first.1) {
            assert!((one - other).abs() < 1e-6, "{:?} {:?}", whole.1, first.1);
        }
    }
}
