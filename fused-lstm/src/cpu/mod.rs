//! The LSTM fused for the CPU: the projection of the tokens, the loop over time, the gates and the mean of the states
//! in one operation, for any number of LSTMs that read the same tokens; and its backward pass.
//!
//! Sequences do not depend on one another, so blocks of them run on different threads with no barrier at a step.
//! What a block needs at a step stays in the cache, and nothing is allocated inside the loop over time. A block's
//! sequences are in order of falling length, so that those which still run are always its first: the work is
//! proportional to the tokens that are there, and padding costs none.
//!
//! Units are laid out by whole vectors: `lanes` units make a *panel*, whose gates i, f, o, g stand side by side. So a
//! product leaves all four gates of the same units in registers, where they are activated. Units that fill up a
//! last vector have weights of zero, and with them a state and gradients of zero.

// Serving has no backward pass. Taking it apart by features would tear this folder's one story into two.
#![cfg_attr(not(feature = "autodiff"), allow(dead_code))]

mod backward;
mod forward;
mod frozen;
mod layout;
mod vector;

#[cfg(feature = "autodiff")]
pub use backward::backward;
pub use forward::forward;
#[cfg(feature = "autodiff")]
pub use forward::{Kept, forward_keeping};
pub use frozen::Frozen;
pub use layout::{Batch, Layout, Weights};

use pulp::{Arch, WithSimd};

/// The gates i, f, o, g.
const GATES: usize = 4;

/// Which vector instructions a call uses: one choice for all of it, because memory is laid out by their width.
#[derive(Clone, Copy, Debug)]
pub enum Instructions {
    /// The best that a machine has.
    Best(Arch),
    /// Vectors of 16 played through, whatever the machine has.
    #[cfg(test)]
    Wide,
}

impl Instructions {
    /// Those of this machine.
    pub fn of_this_machine() -> Self {
        Self::Best(Arch::new())
    }

    fn run<T: WithSimd>(self, job: T) -> T::Output {
        match self {
            Self::Best(arch) => arch.dispatch(job),
            #[cfg(test)]
            Self::Wide => pulp::Simd::vectorize(pulp::Scalar512b, job),
        }
    }

    /// Runs every job, on this machine's threads where there are some.
    fn run_all<T: WithSimd<Output = ()> + Send>(self, jobs: Vec<T>) {
        #[cfg(feature = "threads")]
        {
            use rayon::prelude::*;
            jobs.into_par_iter().for_each(|job| self.run(job));
        }
        #[cfg(not(feature = "threads"))]
        jobs.into_iter().for_each(|job| self.run(job));
    }
}

fn threads() -> usize {
    #[cfg(feature = "threads")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "threads"))]
    1
}

/// Calls `$self.$tile` for tiles of some rows, from `$first` on, until all `$rows` are done. As many as fit the registers
/// of the instruction set `$simd` go together.
macro_rules! for_tiles {
    ($simd:ident, $rows:expr, |$first:ident| $self:ident . $tile:ident $(::<$width:literal>)? ($($argument:expr),*)) => {
        let rows = $rows;
        let mut $first = 0;
        while $first < rows {
            $first += match rows - $first {
                // Six rows of four sums, with what they are made of, take 29 registers; three rows take 16.
                6.. if crate::cpu::has_many_registers::<$simd>() => {
                    $self.$tile::<$simd, 6 $(, $width)?>($($argument),*);
                    6
                }
                3.. => {
                    $self.$tile::<$simd, 3 $(, $width)?>($($argument),*);
                    3
                }
                2 => {
                    $self.$tile::<$simd, 2 $(, $width)?>($($argument),*);
                    2
                }
                _ => {
                    $self.$tile::<$simd, 1 $(, $width)?>($($argument),*);
                    1
                }
            };
        }
    };
}
use for_tiles;

/// Whether there are 32 vector registers. Under wasm there are as many as the machine below has: 16, to be safe.
const fn has_many_registers<S: pulp::Simd>() -> bool {
    (S::REGISTER_COUNT >= 32 && !cfg!(target_arch = "wasm32")) || (cfg!(test) && S::F32_LANES == 16)
}

#[cfg(all(test, feature = "autodiff"))]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    /// The mean, and the gradients of input, recurrent, bias and vectors, for sequences of so many tokens; with `unused` vectors
    /// more than are read.
    fn run(instructions: Instructions, lengths: &[usize], unused: usize) -> [Vec<f32>; 5] {
        let mut random = StdRng::seed_from_u64(9);
        let mut numbers = |count: usize, bound: f32| -> Vec<f32> {
            (0..count)
                .map(|_| random.random_range(-bound..bound))
                .collect()
        };
        let (distinct, input) = (50, 19);
        let hidden = vec![21, 6, 37];
        let layout = Layout::new(instructions, input, &hidden);
        let total = layout.total_hidden();
        let (weights, bias) = (numbers(input * 4 * total, 0.3), numbers(4 * total, 0.3));
        let recurrent = numbers(hidden.iter().map(|hidden| 4 * hidden * hidden).sum(), 0.2);
        let mean_gradient = numbers(lengths.len() * total, 1.0);
        let mut vectors = numbers(distinct * input, 1.0);
        vectors.resize((distinct + unused) * input, 0.0);
        let tokens: Vec<u32> = (0..lengths.iter().sum::<usize>())
            .map(|place| (place * place % distinct) as u32)
            .collect();
        let batch = Batch {
            vectors: &vectors,
            tokens: &tokens,
            lengths,
        };
        assert_eq!(batch.recurs(input), unused == 0);
        let weights = Weights {
            input: &weights,
            recurrent: &recurrent,
            bias: &bias,
        };
        let (mean, kept) = forward_keeping(&layout, batch, weights);
        assert_eq!(mean, forward(&layout, batch, weights));
        let gradients = backward(&layout, batch, weights, kept, &mean_gradient, true);
        let mut vectors = gradients.vectors.unwrap();
        vectors.truncate(distinct * input);
        [
            mean,
            gradients.input,
            gradients.recurrent,
            gradients.bias,
            vectors,
        ]
    }

    #[test]
    fn results_depend_neither_on_threads_nor_instructions_nor_the_way_words_are_projected() {
        let best = Instructions::of_this_machine();
        let many: Vec<usize> = (0..37).map(|sequence| sequence * 5 % 23).collect();
        // And fewer sequences than threads.
        for lengths in [&many[..], &[200, 130]] {
            let expected = run(best, lengths, 0);
            #[cfg(feature = "threads")]
            for threads in [1, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                let pool = pool.unwrap();
                let run = |unused| pool.install(|| run(best, lengths, unused));
                assert_eq!(run(0), expected, "{threads} threads");
                for unused in [200, 10_000] {
                    let mean = &run(unused)[0];
                    assert_eq!(mean, &expected[0], "{threads} threads, {unused} unused");
                }
            }
            let wide = run(Instructions::Wide, lengths, 0);
            for (wide, expected) in wide.iter().zip(&expected) {
                let largest = expected
                    .iter()
                    .fold(0.0f32, |largest, value| largest.max(value.abs()));
                for (a, b) in wide.iter().zip(expected) {
                    assert!((a - b).abs() < 1e-5 * largest, "{a} instead of {b}");
                }
            }
        }
    }
}
