//! The fused LSTM on the CPU and on a GPU (a software one does) against the readable body: forward and every gradient,
//! on random shapes with padding.

use burn::{
    module::Param,
    tensor::{Device, Tensor, TensorData},
};
use model_core::lstm::{Lstm, forward_together, reference};
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// A named tensor's values.
type Results = Vec<(&'static str, Vec<f32>)>;

/// What goes in.
#[derive(Debug)]
struct Case {
    batch: usize,
    steps: usize,
    input: usize,
    /// Of each LSTM.
    hidden: Vec<usize>,
    lengths: Vec<usize>,
    seed: u64,
}

fn reference_together(lstms: &[&Lstm], words: Tensor<3>, lengths: &[usize]) -> Vec<Tensor<2>> {
    (lstms.iter())
        .map(|lstm| reference::forward(lstm, words.clone(), lengths))
        .collect()
}

impl Case {
    /// The means, and the gradients of words and weights of a weighted sum of them.
    fn run(
        &self,
        body: fn(&[&Lstm], Tensor<3>, &[usize]) -> Vec<Tensor<2>>,
        device: Device,
    ) -> Results {
        let device = device.autodiff();
        let mut random = StdRng::seed_from_u64(self.seed);
        let mut data = |shape: &[usize], bound: f32| {
            let values: Vec<f32> = (0..shape.iter().product())
                .map(|_| random.random_range(-bound..=bound))
                .collect();
            TensorData::new(values, shape.to_vec())
        };
        let words =
            Tensor::<3>::from_data(data(&[self.batch, self.steps, self.input], 1.0), &device)
                .require_grad();
        let mut lstms = Vec::new();
        let mut upstream = Vec::new();
        for &hidden in &self.hidden {
            // As large as at the start of training; with larger ones, rounding errors grow from step to step.
            let bound = (1.0 / hidden as f32).sqrt();
            let mut matrix = |rows| {
                Param::from_tensor(Tensor::<2>::from_data(
                    data(&[rows, 4 * hidden], bound),
                    &device,
                ))
            };
            lstms.push(Lstm {
                input: matrix(self.input),
                recurrent: matrix(hidden),
                bias: Param::from_tensor(Tensor::from_data(data(&[4 * hidden], bound), &device)),
            });
            upstream.push(Tensor::<2>::from_data(
                data(&[self.batch, hidden], 1.0),
                &device,
            ));
        }
        let means = body(
            &lstms.iter().collect::<Vec<_>>(),
            words.clone(),
            &self.lengths,
        );
        let loss = (means.iter().zip(upstream))
            .map(|(mean, weights)| (mean.clone() * weights).sum())
            .reduce(|a, b| a + b)
            .unwrap();
        let gradients = loss.backward();
        let values = |data: TensorData| data.iter::<f32>().collect::<Vec<f32>>();
        let mut results = vec![("words", values(words.grad(&gradients).unwrap().into_data()))];
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

/// The fused body on `device` against the readable one on the CPU.
fn assert_fused_equals_reference(case: &Case, device: Device) {
    let fused = case.run(forward_together, device);
    let expected = case.run(reference_together, Device::flex());
    assert_eq!(fused.len(), expected.len());
    for ((what, fused), (_, expected)) in fused.iter().zip(&expected) {
        assert_eq!(fused.len(), expected.len(), "{what}");
        for (a, b) in fused.iter().zip(expected) {
            assert!(
                (a - b).abs() <= 3e-5 * (1.0 + b.abs()),
                "{what}: {a} instead of {b}, {case:?}"
            );
        }
    }
}

/// None where the GPU tests are left out.
fn gpu() -> Option<Device> {
    let left_out = std::env::var_os("AUXLSTM_NO_GPU").is_some();
    (!left_out)
        .then(|| trainer::device::choose("wgpu").expect("AUXLSTM_NO_GPU=1 leaves this test out"))
}

prop_compose! {
    fn case()(
        batch in 1usize..20,
        steps in 1usize..12,
        input in 1usize..40,
        hidden in prop::collection::vec(1usize..40, 1..4),
        seed in any::<u64>(),
    )(
        lengths in prop::collection::vec(0..=steps, batch),
        hidden in Just(hidden),
        (batch, steps, input, seed) in Just((batch, steps, input, seed)),
    ) -> Case {
        Case { batch, steps, input, hidden, lengths, seed }
    }
}

// Where no sequence has a second step, the readable body has no gradient of the recurrent weights to compare.
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

/// Several blocks of sequences, several parts of a long one, and more rows than fit any tile; on a GPU, more units than
/// a workgroup has threads.
fn large(hidden: Vec<usize>) -> Case {
    Case {
        batch: 70,
        steps: 140,
        input: 33,
        hidden,
        lengths: (0..70).map(|index| 140 - 2 * index).collect(),
        seed: 11,
    }
}

#[test]
fn fused_equals_reference_at_larger_sizes() {
    assert_fused_equals_reference(&large(vec![70, 17]), Device::flex());
}

#[test]
fn fused_equals_reference_at_larger_sizes_on_a_gpu() {
    if let Some(device) = gpu() {
        let mut case = large(vec![9, 300]);
        (case.batch, case.steps) = (3, 20);
        case.lengths = vec![20, 1, 13];
        assert_fused_equals_reference(&case, device);
    }
}

#[test]
fn sequences_of_one_word_or_none() {
    for lengths in [vec![1, 0, 1], vec![0, 0, 0]] {
        let case = Case {
            batch: 3,
            steps: 4,
            input: 5,
            hidden: vec![6],
            lengths,
            seed: 5,
        };
        let results = case.run(forward_together, Device::flex());
        let recurrent = results
            .iter()
            .find(|(what, _)| *what == "recurrent")
            .unwrap();
        assert!(
            recurrent.1.iter().all(|&value| value == 0.0),
            "no state goes into a step"
        );
        assert!(
            results
                .iter()
                .all(|(_, values)| values.iter().all(|value| value.is_finite()))
        );
    }
}

#[test]
fn padding_gets_no_gradient_and_changes_nothing() {
    let case = Case {
        batch: 3,
        steps: 4,
        input: 6,
        hidden: vec![6],
        lengths: vec![4, 2, 0],
        seed: 7,
    };
    let results = case.run(forward_together, Device::flex());
    let (words, mean) = (&results[0].1, &results[1].1);
    let of = |sequence: usize, step: usize| &words[(sequence * 4 + step) * 6..][..6];
    assert!(of(1, 1).iter().any(|&value| value != 0.0));
    for (sequence, step) in [(1, 2), (1, 3), (2, 0), (2, 3)] {
        assert!(of(sequence, step).iter().all(|&value| value == 0.0));
    }
    assert!(
        mean[2 * 6..].iter().all(|&value| value == 0.0),
        "the mean over no step is zero"
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
    let lstm = Lstm {
        input: matrix(values(input * 4 * hidden), input),
        recurrent: matrix(values(hidden * 4 * hidden), hidden),
        bias: Param::from_tensor(Tensor::from_floats(&values(4 * hidden)[..], &device)),
    };
    let words = values(batch * steps * input);
    let lengths: Vec<usize> = (0..batch).map(|sequence| sequence % (steps + 1)).collect();
    let run = |words: Vec<f32>, lengths: &[usize]| -> Vec<f32> {
        let words = TensorData::new(words, [lengths.len(), steps, input]);
        let mean = lstm.forward(Tensor::from_data(words, &device), lengths);
        mean.into_data().iter().collect()
    };
    let together = run(words.clone(), &lengths);
    for (sequence, own) in words.chunks(steps * input).enumerate() {
        let alone = run(own.to_vec(), &lengths[sequence..=sequence]);
        assert_eq!(alone, together[sequence * hidden..][..hidden]);
    }
}
