//! Times the CPU kernels beside the reference body: `cargo bench -p fused-lstm --features autodiff,threads`.
//!
//! A batch has 64 sequences of 50 steps, 200 inputs and 128 hidden units. The argument is the number of distinct tokens:
//! 1,000 recur, 3,200 occur once each.

use burn::{
    module::Param,
    tensor::{Device, Distribution, Tensor},
};
use divan::Bencher;
use fused_lstm::{Lstm, PackedBatch, reference};

const BATCH: usize = 64;
const STEPS: usize = 50;
const INPUT: usize = 200;
const HIDDEN: usize = 128;
const DISTINCT: [usize; 2] = [1000, BATCH * STEPS];

fn main() {
    divan::main();
}

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

#[divan::bench(args = DISTINCT)]
fn forward(bencher: Bencher, distinct: usize) {
    let device = Device::flex();
    let (lstm, batch) = (lstm(&device), batch(&device, distinct));
    bencher.bench_local(|| lstm.forward(&batch).into_data());
}

#[divan::bench(args = DISTINCT)]
fn forward_and_backward(bencher: Bencher, distinct: usize) {
    let device = Device::flex().autodiff();
    let (lstm, batch) = (lstm(&device), batch(&device, distinct));
    bencher.bench_local(|| {
        let gradients = lstm.forward(&batch).sum().backward();
        (lstm.recurrent.val().grad(&gradients)).map(|gradient| gradient.into_data())
    });
}

#[divan::bench]
fn reference_forward(bencher: Bencher) {
    let device = Device::flex();
    let (lstm, batch) = (lstm(&device), batch(&device, BATCH * STEPS));
    bencher.bench_local(|| reference::forward(&lstm, &batch).into_data());
}
