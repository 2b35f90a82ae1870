//! Times the fused CPU kernels: `cargo bench -p fused-lstm --features autodiff,threads`.
//!
//! A batch has 64 sequences of 50 steps, 200 inputs and 128 hidden units. The argument is the number of distinct tokens:
//! 1,000 recur, 3,200 occur once each.

use burn::{
    module::Param,
    tensor::{Device, Distribution, Tensor},
};
use criterion::{BenchmarkId, Criterion};
use fused_lstm::{Lstm, PackedBatch, reference};

const BATCH: usize = 64;
const STEPS: usize = 50;
const INPUT: usize = 200;
const HIDDEN: usize = 128;

fn lstm(device: &Device) -> Lstm {
    let uniform = Distribution::Uniform(-0.1, 0.1);
    Lstm::new(
        Param::from_tensor(Tensor::random([INPUT, 4 * HIDDEN], uniform, device)),
        Param::from_tensor(Tensor::random([HIDDEN, 4 * HIDDEN], uniform, device)),
        Param::from_tensor(Tensor::zeros([4 * HIDDEN], device)),
    )
}

fn batch(device: &Device, distinct: usize) -> PackedBatch {
    let vectors = Tensor::random([distinct, INPUT], Distribution::Default, device);
    let sequences = (0..BATCH)
        .map(|sequence| {
            (0..STEPS)
                .map(|step| ((sequence * STEPS + step) % distinct) as u32)
                .collect()
        })
        .collect();
    PackedBatch::new(vectors, sequences)
}

fn fused(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fused");
    for distinct in [1000, BATCH * STEPS] {
        let device = Device::flex();
        let (plain, read) = (lstm(&device), batch(&device, distinct));
        group.bench_function(BenchmarkId::new("forward", distinct), |bencher| {
            bencher.iter(|| plain.forward(&read).into_data());
        });
        let device = device.autodiff();
        let (learning, read) = (lstm(&device), batch(&device, distinct));
        group.bench_function(BenchmarkId::new("step", distinct), |bencher| {
            bencher.iter(|| {
                let gradients = learning.forward(&read).sum().backward();
                (learning.recurrent.val().grad(&gradients)).map(|gradient| gradient.into_data())
            });
        });
    }
    group.finish();
}

fn plain_tensor_operations(criterion: &mut Criterion) {
    let device = Device::flex();
    let (lstm, batch) = (lstm(&device), batch(&device, BATCH * STEPS));
    let mut group = criterion.benchmark_group("reference");
    group.sample_size(20);
    group.bench_function("forward", |bencher| {
        bencher.iter(|| reference::forward(&lstm, &batch).into_data());
    });
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    fused(&mut criterion);
    plain_tensor_operations(&mut criterion);
    criterion.final_summary();
}
