//! The fused LSTM against the readable body: forward and every gradient, on random shapes with padding.
#![cfg(feature = "training")]

use burn::tensor::{Device, Tensor, TensorData};
use model_core::lstm::{mean_hidden_state, reference};
use proptest::prelude::*;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Values of the mean, and of the gradients by the projected inputs and the recurrent weights.
type Results = [Vec<f32>; 3];

fn run(
    body: fn(Tensor<3>, Tensor<2>, &[usize]) -> Tensor<2>,
    shape: [usize; 3],
    lengths: &[usize],
    seed: u64,
) -> Results {
    let [batch, steps, hidden] = shape;
    let device = Device::flex().autodiff();
    let mut random = StdRng::seed_from_u64(seed);
    let mut values = |count: usize, bound: f32| -> Vec<f32> {
        (0..count)
            .map(|_| random.random_range(-bound..=bound))
            .collect()
    };
    let projected = values(batch * steps * 4 * hidden, 2.0);
    let recurrent = values(hidden * 4 * hidden, 1.0);
    let weights = values(batch * hidden, 1.0);
    let projected = Tensor::<3>::from_data(
        TensorData::new(projected, [batch, steps, 4 * hidden]),
        &device,
    )
    .require_grad();
    let recurrent =
        Tensor::<2>::from_data(TensorData::new(recurrent, [hidden, 4 * hidden]), &device)
            .require_grad();
    let weights = Tensor::<2>::from_data(TensorData::new(weights, [batch, hidden]), &device);
    let mean = body(projected.clone(), recurrent.clone(), lengths);
    let gradients = (mean.clone() * weights).sum().backward();
    let gradient =
        |data: Option<TensorData>| data.map(|data| data.iter().collect()).unwrap_or_default();
    [
        mean.into_data().iter().collect(),
        gradient(projected.grad(&gradients).map(|tensor| tensor.into_data())),
        gradient(recurrent.grad(&gradients).map(|tensor| tensor.into_data())),
    ]
}

fn assert_close(fused: &Results, expected: &Results) {
    for (what, (fused, expected)) in ["mean", "projected", "recurrent"]
        .iter()
        .zip(fused.iter().zip(expected))
    {
        assert_eq!(fused.len(), expected.len(), "{what}");
        for (a, b) in fused.iter().zip(expected) {
            assert!(
                (a - b).abs() <= 2e-5 * (1.0 + b.abs()),
                "{what}: {a} instead of {b}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn fused_equals_reference(
        (batch, steps, hidden, lengths) in (1usize..20, 1usize..12, 1usize..40).prop_flat_map(|(batch, steps, hidden)| {
            (Just(batch), Just(steps), Just(hidden), prop::collection::vec(0..=steps, batch))
        }),
        seed in any::<u64>(),
    ) {
        // The readable body reads no step where every sequence is empty, and so has no gradient to compare.
        prop_assume!(lengths.iter().any(|&length| length > 1));
        let shape = [batch, steps, hidden];
        assert_close(
            &run(mean_hidden_state, shape, &lengths, seed),
            &run(reference::mean_hidden_state, shape, &lengths, seed),
        );
    }
}

#[test]
fn padding_gets_no_gradient_and_changes_nothing() {
    let short = run(mean_hidden_state, [3, 4, 6], &[4, 2, 0], 7);
    let per_step = 4 * 6;
    let of =
        |sequence: usize, step: usize| &short[1][(sequence * 4 + step) * per_step..][..per_step];
    assert!(of(1, 1).iter().any(|&value| value != 0.0));
    for (sequence, step) in [(1, 2), (1, 3), (2, 0), (2, 3)] {
        assert!(of(sequence, step).iter().all(|&value| value == 0.0));
    }
    assert!(
        short[0][2 * 6..].iter().all(|&value| value == 0.0),
        "the mean over no step is zero"
    );
}

#[test]
fn a_sequence_does_not_depend_on_its_neighbours() {
    let device = Device::flex();
    let mut random = StdRng::seed_from_u64(3);
    let (batch, steps, hidden) = (13, 9, 21);
    let values: Vec<f32> = (0..batch * steps * 4 * hidden)
        .map(|_| random.random_range(-1.0..1.0))
        .collect();
    let weights: Vec<f32> = (0..hidden * 4 * hidden)
        .map(|_| random.random_range(-1.0..1.0))
        .collect();
    let lengths: Vec<usize> = (0..batch).map(|sequence| sequence % (steps + 1)).collect();
    let recurrent = Tensor::<2>::from_data(TensorData::new(weights, [hidden, 4 * hidden]), &device);
    let together: Vec<f32> = mean_hidden_state(
        Tensor::from_data(
            TensorData::new(values.clone(), [batch, steps, 4 * hidden]),
            &device,
        ),
        recurrent.clone(),
        &lengths,
    )
    .into_data()
    .iter()
    .collect();
    for sequence in 0..batch {
        let own = values[sequence * steps * 4 * hidden..][..steps * 4 * hidden].to_vec();
        let alone: Vec<f32> = mean_hidden_state(
            Tensor::from_data(TensorData::new(own, [1, steps, 4 * hidden]), &device),
            recurrent.clone(),
            &lengths[sequence..=sequence],
        )
        .into_data()
        .iter()
        .collect();
        assert_eq!(alone, together[sequence * hidden..][..hidden]);
    }
}
