//! Batch normalisation of the mean states in training (Ioffe and Szegedy 2015), which the paper does not have.
//!
//! Averaged over hundreds of words, the state of a unit differs between users by a standard deviation of about 0.02, and
//! the layers above learn very slowly from such inputs. So training normalises each unit to mean 0 and variance 1 over the
//! batch. After training, the mean and variance over many users are folded into the layer above, so the network that is
//! evaluated and saved is the one of the paper.

use burn::{
    module::{Module, Param},
    nn::Linear,
    tensor::{Tensor, TensorData},
};

use fused_lstm::PackedBatch;

use super::{AuxLstm, MeanStates};

/// Added to a variance, to avoid a division by zero if a unit is equal for all users.
const EPSILON: f64 = 1e-6;

/// The mean and variance over users of each unit of the mean states.
#[derive(Clone, Debug, Default)]
pub struct StateStatistics {
    layers: Option<MeanStates<UnitStatistics>>,
}

/// The mean and variance over users of each unit of one layer.
#[derive(Clone, Debug, Default)]
pub struct UnitStatistics {
    /// The sum of the users' weights.
    weight: f64,
    sums: Vec<f64>,
    squares: Vec<f64>,
}

/// Normalises each unit of `state`, `[batch, units]`, to mean 0 and variance 1 over the batch, in which each user has a
/// weight.
pub fn normalised(state: Tensor<2>, weights: &[f32]) -> Tensor<2> {
    let sum: f32 = weights.iter().sum();
    let shares = weights.iter().map(|weight| weight / sum).collect();
    let shares = TensorData::new(shares, [1, weights.len()]);
    let shares = Tensor::<2>::from_data(shares, &state.device());
    let centred = state.clone() - shares.clone().matmul(state);
    let variance = shares.matmul(centred.clone().square());
    centred / (variance + EPSILON).sqrt()
}

impl MeanStates<Tensor<2>> {
    /// Normalises the states of each LSTM, see [`normalised`].
    pub fn normalised(self, weights: &[f32]) -> Self {
        self.map(|state| normalised(state, weights))
    }
}

impl StateStatistics {
    /// Adds the users of a batch, each with a weight.
    pub fn add(&mut self, states: MeanStates<Tensor<2>>, weights: &[f32]) {
        let empty = || states.clone().map(|_| UnitStatistics::default());
        let layers = self.layers.get_or_insert_with(empty);
        let of_batch = (states.shared.into_iter()).chain(states.own.into_iter().flatten());
        let layers = layers
            .shared
            .iter_mut()
            .chain(layers.own.iter_mut().flatten());
        for (statistics, state) in layers.zip(of_batch) {
            statistics.add(state, weights);
        }
    }
}

impl AuxLstm {
    /// Like [`forward`](Self::forward), with the mean states normalised over the batch, in which all users count alike.
    pub fn forward_normalised(&self, words: &PackedBatch) -> Vec<Tensor<2>> {
        let weights = vec![1.0; words.sequences().len()];
        self.logits(self.mean_states(words).normalised(&weights))
    }

    /// A network without gradients whose dense layers include the normalisation by `statistics`. If `statistics` has no
    /// users, it equals this network.
    pub fn fold(&self, statistics: &StateStatistics) -> AuxLstm {
        let mut network = self.valid();
        let Some(layers) = &statistics.layers else {
            return network;
        };
        for (task, own) in network.tasks.iter_mut().zip(&layers.own) {
            if let (Some(layer), Some(shared)) = (&mut task.auxiliary_dense, &layers.shared) {
                shared.fold_into(layer);
            }
            if let Some(read) = own.as_ref().or(layers.shared.as_ref()) {
                read.fold_into(&mut task.dense);
            }
        }
        network
    }
}

impl<T> MeanStates<T> {
    /// Applies `change` to each value: first to that of the shared LSTM, then to those of the tasks.
    pub fn map<U>(self, mut change: impl FnMut(T) -> U) -> MeanStates<U> {
        MeanStates {
            shared: self.shared.map(&mut change),
            own: (self.own.into_iter())
                .map(|own| own.map(&mut change))
                .collect(),
        }
    }
}

impl UnitStatistics {
    /// Adds the users of a batch, `[batch, units]`, each with a weight.
    pub fn add(&mut self, state: Tensor<2>, weights: &[f32]) {
        let [_, units] = state.dims();
        self.weight += weights.iter().copied().map(f64::from).sum::<f64>();
        self.sums.resize(units, 0.0);
        self.squares.resize(units, 0.0);
        for (at, value) in state.into_data().iter::<f64>().enumerate() {
            let weight = f64::from(weights[at / units]);
            self.sums[at % units] += weight * value;
            self.squares[at % units] += weight * value * value;
        }
    }

    /// The mean of each unit and the scale that makes its variance 1.
    fn mean_and_scale(&self) -> impl Iterator<Item = (f64, f64)> {
        self.sums.iter().zip(&self.squares).map(|(sum, squares)| {
            let mean = sum / self.weight;
            let variance = (squares / self.weight - mean * mean).max(0.0);
            (mean, 1.0 / (variance + EPSILON).sqrt())
        })
    }

    /// Folds the normalisation into `layer`, whose first inputs are these units. Its other inputs stay as they are.
    pub fn fold_into(&self, layer: &mut Linear) {
        let [inputs, _] = layer.weight.dims();
        let others = inputs - self.sums.len();
        let (means, scales): (Vec<f64>, Vec<f64>) = self
            .mean_and_scale()
            .chain(std::iter::repeat_n((0.0, 1.0), others))
            .unzip();
        let device = layer.weight.device();
        let row = |values: Vec<f64>| {
            Tensor::<2>::from_data(TensorData::new(values, [1, inputs]), &device)
        };
        let weight = layer.weight.val() * row(scales).transpose();
        let shift = row(means).matmul(weight.clone()).squeeze_dim::<1>(0);
        if let Some(bias) = &mut layer.bias {
            *bias = Param::initialized(bias.id, bias.val() - shift);
        }
        layer.weight = Param::initialized(layer.weight.id, weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        aux_lstm::{AuxLstmSizes, Role},
        parameters::{Parameters, TensorSpec, glorot_uniform},
    };
    use burn::tensor::{Device, Distribution};
    use rand::{SeedableRng, rngs::StdRng};

    fn network(
        device: &Device,
        auxiliary_hidden_size: usize,
        dense_size: usize,
        roles: &[Role],
    ) -> AuxLstm {
        let sizes = AuxLstmSizes {
            input_size: 6,
            auxiliary_hidden_size,
            main_hidden_size: 5,
            dense_size,
            tasks: roles.iter().map(|&role| (role, 3)).collect(),
        };
        let mut random = StdRng::seed_from_u64(5);
        let source = |spec: &TensorSpec| Ok::<_, ()>(glorot_uniform(spec, &mut random));
        AuxLstm::new(&mut Parameters::new(device, source), &sizes, 0.0).unwrap()
    }

    fn values(logits: &[Tensor<2>]) -> Vec<f32> {
        logits
            .iter()
            .flat_map(|logits| logits.to_data().iter::<f32>().collect::<Vec<_>>())
            .collect()
    }

    #[test]
    fn the_folded_network_normalises_as_training_does() {
        let device = Device::flex();
        let gradients_on = device.clone().autodiff();
        device.seed(3);
        let lengths = [7, 3, 5, 1, 0, 6];
        let words = Tensor::<3>::random([6, 7, 6], Distribution::Default, &device);
        for (auxiliary, dense, roles) in [
            (7, 4, vec![Role::Main, Role::Auxiliary, Role::Main]),
            (1, 1, vec![Role::Main, Role::Auxiliary]),
            (0, 4, vec![Role::Main]),
        ] {
            let network = network(&gradients_on, auxiliary, dense, &roles);
            let in_training = network.forward_normalised(&PackedBatch::padded(
                Tensor::from_inner(words.clone()),
                &lengths,
            ));
            let mut statistics = StateStatistics::default();
            // In two parts: statistics are over users, not over batches.
            let part = |range: std::ops::Range<usize>| {
                PackedBatch::padded(words.clone().slice(range.clone()), &lengths[range])
            };
            statistics.add(network.valid().mean_states(&part(0..2)), &[1.0; 2]);
            statistics.add(network.valid().mean_states(&part(2..6)), &[1.0; 4]);
            let folded = network.fold(&statistics).forward(&part(0..6));
            let plain = network.valid().forward(&part(0..6));
            let (a, b, plain) = (values(&in_training), values(&folded), values(&plain));
            for (a, b) in a.iter().zip(&b) {
                assert!((a - b).abs() < 1e-4, "{a} in training, {b} folded");
            }
            // One unit may be cut off by the rectifier for everybody.
            assert!(dense == 1 || a.iter().zip(&plain).any(|(a, b)| (a - b).abs() > 0.1));
        }
    }

    #[test]
    fn a_user_of_weight_two_counts_as_two() {
        let device = Device::flex();
        let states = |rows: &[[f32; 2]]| {
            let data = TensorData::new(rows.concat(), [rows.len(), 2]);
            Tensor::<2>::from_data(data, &device)
        };
        let (once, weights) = (
            states(&[[1.0, 4.0], [3.0, -2.0], [0.0, 1.0]]),
            [1.0, 2.0, 1.0],
        );
        let twice = states(&[[1.0, 4.0], [3.0, -2.0], [3.0, -2.0], [0.0, 1.0]]);
        let by_weight = values(&[normalised(once.clone(), &weights)]);
        let by_number = values(&[normalised(twice.clone(), &[1.0; 4])]);
        let by_number = [&by_number[..4], &by_number[6..]].concat();
        for (a, b) in by_weight.iter().zip(&by_number) {
            assert!((a - b).abs() < 1e-6, "{by_weight:?}, {by_number:?}");
        }
        let mut statistics = [UnitStatistics::default(), UnitStatistics::default()];
        statistics[0].add(once, &weights);
        statistics[1].add(twice, &[1.0; 4]);
        let [one, other] = statistics.each_ref().map(|all| all.mean_and_scale());
        for ((mean, scale), (other_mean, other_scale)) in one.zip(other) {
            assert!((mean - other_mean).abs() < 1e-9 && (scale - other_scale).abs() < 1e-9);
        }
    }

    #[test]
    fn a_batch_of_one_user_does_not_divide_by_zero() {
        let network = network(&Device::flex().autodiff(), 7, 4, &[Role::Main]);
        let words = Tensor::<3>::ones([1, 2, 6], &Device::flex().autodiff());
        let logits = network.forward_normalised(&PackedBatch::padded(words, &[2]));
        assert!(values(&logits).iter().all(|value| value.is_finite()));
    }
}
