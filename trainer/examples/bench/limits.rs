//! What the machine can do at most: how fast its cores multiply and add, and how fast one reads what lies in its caches.

use std::{hint::black_box, time::Instant};

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// What to find out, and how often to do it.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Floating point operations a second, of all threads.
    Operations(usize),
    /// Bytes a second, of one thread that reads so many again and again.
    Reading {
        /// How many.
        bytes: usize,
        times: usize,
    },
}

/// What was found.
#[derive(Serialize)]
pub struct Answer {
    a_second: f64,
}

impl Request {
    /// Finds it out.
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
            a_second: done as f64 / start.elapsed().as_secs_f64(),
        }
    }
}

/// Multiplies and adds so often, and says how many operations that were.
struct MultiplyAdd(usize);

impl WithSimd for MultiplyAdd {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        // So many that none waits for another, and all have a register.
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

/// Something that needs every number; sixteen at a time, so that none waits for another.
fn combined(numbers: &[u64]) -> u64 {
    let mut results = [0; 16];
    for numbers in numbers.as_chunks::<16>().0 {
        for (result, number) in results.iter_mut().zip(numbers) {
            *result ^= number;
        }
    }
    results.iter().fold(0, |all, result| all ^ result)
}
