//! The machine's peak speed: multiply-adds of all cores, and reads from the caches by one core.

use std::{hint::black_box, time::Instant};

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// The measurement and its number of repetitions.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Floating-point operations per second, of all threads.
    Operations(usize),
    /// Bytes per second, of one thread that reads the same memory repeatedly.
    Reading {
        /// Bytes per pass.
        bytes: usize,
        times: usize,
    },
}

/// Result.
#[derive(Serialize)]
pub struct Answer {
    per_second: f64,
}

impl Request {
    /// Runs the measurement.
    pub fn run(&self) -> Answer {
        let start = Instant::now();
        let done = match *self {
            Self::Operations(times) => {
                let count = |_| Arch::new().dispatch(MultiplyAdd(times));
                (0..rayon::current_num_threads())
                    .into_par_iter()
                    .map(count)
                    .sum()
            }
            Self::Reading { bytes, times } => {
                let numbers = vec![1_u64; bytes / size_of::<u64>()];
                for _ in 0..times {
                    black_box(combined(black_box(&numbers)));
                }
                bytes * times
            }
        };
        Answer {
            per_second: done as f64 / start.elapsed().as_secs_f64(),
        }
    }
}

/// Repeats a block of multiply-adds this many times; returns the number of operations.
struct MultiplyAdd(usize);

impl WithSimd for MultiplyAdd {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        // Enough accumulators to hide latency, few enough to stay in registers.
        let mut sums = [simd.splat_f32s(1.0); 12];
        let factor = black_box(simd.splat_f32s(0.5));
        for _ in 0..self.0 {
            for sum in &mut sums {
                *sum = simd.mul_add_e_f32s(*sum, factor, factor);
            }
        }
        black_box(sums);
        self.0 * sums.len() * 2 * S::F32_LANES
    }
}

/// A value that depends on every number. Sixteen accumulators hide latency.
fn combined(numbers: &[u64]) -> u64 {
    let mut results = [0; 16];
    for numbers in numbers.as_chunks::<16>().0 {
        for (result, number) in results.iter_mut().zip(numbers) {
            *result ^= number;
        }
    }
    results.iter().fold(0, |all, result| all ^ result)
}
