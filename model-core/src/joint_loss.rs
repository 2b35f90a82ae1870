//! The joint cost function, Eq. 19, for any number of tasks.

use burn::{
    module::{Module, ModuleVisitor, Param},
    tensor::{Device, Int, Tensor, TensorData, activation::log_softmax},
};
use serde::{Deserialize, Serialize};

/// What one task learns from in a batch.
#[derive(Clone, Debug)]
pub struct Target {
    /// The class of each user of the batch; a user without one is no example for this task.
    pub classes: Vec<Option<usize>>,
    /// λ of this task (1 − λ for the paper's auxiliary task).
    pub weight: f32,
    /// A factor for each class in the cost, 1 in the paper.
    pub class_weights: Vec<f32>,
}

/// The weighted sum of the tasks' cross entropies, a scalar `[1]`, without the penalty on the parameters.
///
/// Each task's sum over its users is divided by their number, so that the learning rate means the same for
/// every batch size. `logits` holds `[batch, classes]` for each task. A task without a user in this batch adds
/// nothing; where no task has one the cost is a constant zero.
pub fn joint_loss(logits: &[Tensor<2>], targets: &[Target], device: &Device) -> Tensor<1> {
    logits
        .iter()
        .zip(targets)
        .filter_map(|(logits, target)| task_loss(logits, target, device))
        .reduce(|sum, loss| sum + loss)
        .unwrap_or_else(|| Tensor::zeros([1], device))
}

fn task_loss(logits: &Tensor<2>, target: &Target, device: &Device) -> Option<Tensor<1>> {
    let examples: Vec<(usize, usize)> = target
        .classes
        .iter()
        .enumerate()
        .filter_map(|(row, class)| Some((row, (*class)?)))
        .collect();
    if examples.is_empty() {
        return None;
    }
    let count = examples.len();
    let indices =
        |values: Vec<i64>| Tensor::<1, Int>::from_data(TensorData::new(values, [count]), device);
    let rows = indices(examples.iter().map(|(row, _)| *row as i64).collect());
    let classes = indices(examples.iter().map(|(_, class)| *class as i64).collect());
    let weights: Vec<f32> = examples
        .iter()
        .map(|(_, class)| -target.weight * target.class_weights[*class] / count as f32)
        .collect();
    let log_probabilities = log_softmax(logits.clone().select(0, rows), 1);
    let of_true_class = log_probabilities.gather(1, classes.unsqueeze_dim(1));
    let weights = Tensor::<2>::from_data(TensorData::new(weights, [count, 1]), device);
    Some((of_true_class * weights).sum())
}

/// Which parameters the l/2 ‖θ‖² of Eq. 19 is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Penalised {
    /// Every parameter, as usual.
    All,
    /// The bias vectors only, the paper's words taken literally.
    Biases,
}

/// ‖θ‖² / 2 of the penalised parameters, a scalar `[1]`; times l it is the last term of Eq. 19.
pub fn penalty(network: &impl Module, penalised: Penalised, device: &Device) -> Tensor<1> {
    struct Sum {
        penalised: Penalised,
        sum: Tensor<1>,
    }
    impl ModuleVisitor for Sum {
        fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
            // Biases are this network's only vectors.
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
