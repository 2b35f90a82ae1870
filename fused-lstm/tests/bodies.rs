//! Compares the fused kernels on the CPU and on a GPU (a software one is enough) with the reference: the forward pass and every
//! gradient, on random shapes with empty sequences.

use burn::{
    module::Param,
    tensor::{Device, Tensor, TensorData},
};
use fused_lstm::{Lstm, PackedBatch, forward_together, reference};
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// The values of named tensors.
type Results = Vec<(&'static str, Vec<f32>)>;

/// The input of a comparison.
#[derive(Debug)]
struct Case {
    /// The number of vectors to draw tokens from. With few, tokens recur.
    distinct: usize,
    /// Whether the vectors have gradients too.
    learns_vectors: bool,
    input: usize,
    /// The hidden units of each LSTM.
    hidden: Vec<usize>,
    lengths: Vec<usize>,
    seed: u64,
}

type Body = fn(&[&Lstm], &PackedBatch) -> Vec<Tensor<2>>;

fn reference_together(lstms: &[&Lstm], packed: &PackedBatch) -> Vec<Tensor<2>> {
    (lstms.iter())
        .map(|lstm| reference::forward(lstm, packed))
        .collect()
}

impl Case {
    /// The means, and the gradients of vectors and weights of a weighted sum of them.
    fn run(&self, body: Body, device: Device) -> Results {
        let device = device.autodiff();
        let mut random = StdRng::seed_from_u64(self.seed);
        let sequences = (self.lengths.iter())
            .map(|&length| {
                (0..length)
                    .map(|_| random.random_range(0..self.distinct as u32))
                    .collect()
            })
            .collect();
        let mut data = |shape: &[usize], bound: f32| {
            let values: Vec<f32> = (0..shape.iter().product())
                .map(|_| random.random_range(-bound..=bound))
                .collect();
            TensorData::new(values, shape.to_vec())
        };
        let batch = self.lengths.len();
        let vectors = Tensor::<2>::from_data(data(&[self.distinct, self.input], 1.0), &device);
        let vectors = vectors.set_require_grad(self.learns_vectors);
        let packed = PackedBatch::new(vectors.clone(), sequences);
        let mut lstms = Vec::new();
        let mut upstream = Vec::new();
        for &hidden in &self.hidden {
            // The size at the start of training. With larger weights, rounding errors grow at every step.
            let bound = (1.0 / hidden as f32).sqrt();
            let mut matrix = |rows| {
                Param::from_tensor(Tensor::<2>::from_data(
                    data(&[rows, 4 * hidden], bound),
                    &device,
                ))
            };
            let (input, recurrent) = (matrix(self.input), matrix(hidden));
            let bias = Tensor::from_data(data(&[4 * hidden], bound), &device);
            lstms.push(Lstm::new(input, recurrent, Param::from_tensor(bias)));
            upstream.push(Tensor::<2>::from_data(data(&[batch, hidden], 1.0), &device));
        }
        let means = body(&lstms.iter().collect::<Vec<_>>(), &packed);
        let loss = (means.iter().zip(upstream))
            .map(|(mean, weights)| (mean.clone() * weights).sum())
            .reduce(|a, b| a + b)
            .unwrap();
        let gradients = loss.backward();
        let values = |data: TensorData| data.iter::<f32>().collect::<Vec<f32>>();
        let mut results = Vec::new();
        if self.learns_vectors {
            results.push((
                "vectors",
                values(vectors.grad(&gradients).unwrap().into_data()),
            ));
        }
        for (lstm, mean) in lstms.iter().zip(means) {
            let matrix = |weights: &Param<Tensor<2>>| {
                values(weights.val().grad(&gradients).unwrap().into_data())
            };
            results.push(("mean", values(mean.into_data())));
            results.push(("input", matrix(&lstm.input)));
            results.push(("recurrent", matrix(&lstm.recurrent)));
            results.push((
                "bias",
                values(lstm.bias.val().grad(&gradients).unwrap().into_data()),
            ));
        }
        results
    }
}

/// The GPU to test on: AUXLSTM_GPU names its kind, `wgpu` by default. `None` if AUXLSTM_NO_GPU is set, for machines
/// without a driver. A missing GPU fails the tests, so that they are never skipped unnoticed.
#[cfg(any(feature = "webgpu", feature = "vulkan", feature = "cuda"))]
fn gpu() -> Option<Device> {
    use burn::tensor::DeviceType;
    if std::env::var_os("AUXLSTM_NO_GPU").is_some() {
        return None;
    }
    let name = std::env::var("AUXLSTM_GPU").unwrap_or_else(|_| "wgpu".to_owned());
    let kind = match name.as_str() {
        #[cfg(feature = "webgpu")]
        "wgpu" => DeviceType::Wgpu,
        #[cfg(feature = "vulkan")]
        "vulkan" => DeviceType::Vulkan,
        #[cfg(feature = "cuda")]
        "cuda" => DeviceType::Cuda,
        _ => panic!("enable the feature for {name}, or set AUXLSTM_NO_GPU=1"),
    };
    let device = Device::enumerate(kind).into_vec().into_iter().next();
    Some(device.expect("a GPU; AUXLSTM_NO_GPU=1 skips these tests"))
}

/// This build has no kernels for GPUs.
#[cfg(not(any(feature = "webgpu", feature = "vulkan", feature = "cuda")))]
fn gpu() -> Option<Device> {
    None
}

/// Compares the fused body on `device` with the reference on the CPU.
fn assert_fused_equals_reference(case: &Case, device: Device) {
    let fused = case.run(forward_together, device);
    let expected = case.run(reference_together, Device::flex());
    assert_eq!(fused.len(), expected.len());
    for ((what, fused), (_, expected)) in fused.iter().zip(&expected) {
        assert_eq!(fused.len(), expected.len(), "{what}");
        let largest = (expected.iter()).fold(0.0f32, |largest, value| largest.max(value.abs()));
        for (a, b) in fused.iter().zip(expected) {
            assert!(
                (a - b).abs() <= 1e-4 * largest,
                "{what}: {a} instead of {b}, {case:?}"
            );
        }
    }
}

prop_compose! {
    fn case()(
        distinct in 1usize..60,
        learns_vectors in any::<bool>(),
        input in 1usize..40,
        hidden in prop::collection::vec(1usize..40, 1..4),
        lengths in prop::collection::vec(0usize..12, 1..20),
        seed in any::<u64>(),
    ) -> Case {
        Case { distinct, learns_vectors, input, hidden, lengths, seed }
    }
}

// If no sequence has a second step, the reference has no gradient of the recurrent weights to compare.
fn has_gradients(case: &Case) -> bool {
    case.lengths.iter().any(|&length| length > 1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn fused_equals_reference(case in case()) {
        prop_assume!(has_gradients(&case));
        assert_fused_equals_reference(&case, Device::flex());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn fused_equals_reference_on_a_gpu(case in case()) {
        prop_assume!(has_gradients(&case));
        if let Some(device) = gpu() {
            assert_fused_equals_reference(&case, device);
        }
    }
}

/// Several blocks of sequences, a sequence of several parts, and more rows than fit any tile.
fn large(distinct: usize) -> Case {
    Case {
        distinct,
        learns_vectors: distinct > 1000,
        input: 33,
        hidden: vec![70, 17],
        lengths: (0..70).map(|index| 140 - 2 * index).collect(),
        seed: 11,
    }
}

#[test]
fn fused_equals_reference_at_larger_sizes() {
    for distinct in [200, 3000, 5000] {
        assert_fused_equals_reference(&large(distinct), Device::flex());
    }
}

/// More units than a workgroup has threads.
#[test]
fn fused_equals_reference_at_larger_sizes_on_a_gpu() {
    if let Some(device) = gpu() {
        let case = Case {
            hidden: vec![9, 300],
            lengths: vec![20, 1, 13],
            ..large(30)
        };
        assert_fused_equals_reference(&case, device);
    }
}

#[test]
fn sequences_of_one_token_or_none() {
    for lengths in [vec![1, 0, 1], vec![0, 0, 0]] {
        for device in [Some(Device::flex()), gpu()].into_iter().flatten() {
            let case = Case {
                distinct: 4,
                learns_vectors: true,
                input: 5,
                hidden: vec![6],
                lengths: lengths.clone(),
                seed: 5,
            };
            let results = case.run(forward_together, device);
            let of = |name| &results.iter().find(|(what, _)| *what == name).unwrap().1;
            assert!(
                of("recurrent").iter().all(|&value| value == 0.0),
                "no step has a state before it"
            );
            assert!(
                results
                    .iter()
                    .all(|(_, values)| values.iter().all(|value| value.is_finite()))
            );
            if lengths == [0, 0, 0] {
                let all = results.iter().flat_map(|(_, values)| values);
                assert!(all.copied().all(|value| value == 0.0), "there is no token");
            }
            let is_there = |mean: &[f32]| mean.iter().any(|&value| value != 0.0);
            let there: Vec<bool> = of("mean").chunks(6).map(is_there).collect();
            assert_eq!(
                there,
                lengths.iter().map(|&length| length > 0).collect::<Vec<_>>()
            );
        }
    }
}

#[test]
fn padding_is_ignored() {
    let device = Device::flex();
    let packed = |behind: f32| {
        let mut values = vec![0.5; 2 * 3 * 4];
        values[4..12].fill(behind);
        PackedBatch::padded(
            Tensor::from_data(TensorData::new(values, [2, 3, 4]), &device),
            &[1, 3],
        )
    };
    let lstm = Lstm::new(
        Param::from_tensor(Tensor::full([4, 20], 0.3, &device)),
        Param::from_tensor(Tensor::full([5, 20], 0.2, &device)),
        Param::from_tensor(Tensor::full([20], 0.1, &device)),
    );
    let mean = |behind| {
        lstm.forward(&packed(behind))
            .into_data()
            .iter::<f32>()
            .collect::<Vec<_>>()
    };
    assert_eq!(mean(0.0), mean(100.0));

    let device = device.autodiff();
    let padded = Tensor::<3>::ones([2, 3, 4], &device).require_grad();
    let sum = lstm
        .forward(&PackedBatch::padded(padded.clone(), &[1, 3]))
        .sum();
    let gradients = sum.backward();
    let gradient: Vec<f32> = padded
        .grad(&gradients)
        .unwrap()
        .into_data()
        .iter()
        .collect();
    let learns: Vec<bool> = gradient
        .chunks(4)
        .map(|token| token.iter().all(|&g| g != 0.0))
        .collect();
    assert_eq!(learns, [true, false, false, true, true, true]);
    assert!(
        gradient[4..12].iter().all(|&g| g == 0.0),
        "padding gets no gradient"
    );
}

#[test]
fn a_sequence_does_not_depend_on_its_neighbours() {
    let device = Device::flex();
    let mut random = StdRng::seed_from_u64(3);
    let (batch, steps, input, hidden) = (13, 9, 10, 21);
    let mut values =
        |count: usize| -> Vec<f32> { (0..count).map(|_| random.random_range(-1.0..1.0)).collect() };
    let matrix = |values, rows| {
        Param::from_tensor(Tensor::from_data(
            TensorData::new(values, [rows, 4 * hidden]),
            &device,
        ))
    };
    let lstm = Lstm::new(
        matrix(values(input * 4 * hidden), input),
        matrix(values(hidden * 4 * hidden), hidden),
        Param::from_tensor(Tensor::from_floats(&values(4 * hidden)[..], &device)),
    );
    let tokens = values(batch * steps * input);
    let lengths: Vec<usize> = (0..batch).map(|sequence| sequence % (steps + 1)).collect();
    let run = |tokens: Vec<f32>, lengths: &[usize]| -> Vec<f32> {
        let tokens = TensorData::new(tokens, [lengths.len(), steps, input]);
        let mean = lstm.forward(&PackedBatch::padded(
            Tensor::from_data(tokens, &device),
            lengths,
        ));
        mean.into_data().iter().collect()
    };
    let together = run(tokens.clone(), &lengths);
    for (sequence, own) in tokens.chunks(steps * input).enumerate() {
        let alone = run(own.to_vec(), &lengths[sequence..=sequence]);
        assert_eq!(alone, together[sequence * hidden..][..hidden]);
    }
}
