//! CPU kernels: the projection of the tokens, the loop over time, the gates and the mean of the states in one operation, for
//! any number of LSTMs that read the same tokens; and its backward pass.
//!
//! Sequences are independent, so blocks of sequences run on different threads, without a barrier at each step. The data of
//! a step stays in the cache, and the loop over time allocates nothing. A block sorts its sequences by falling length. Those
//! still running at a step are therefore the first ones, and padding takes no time.
//!
//! Units are laid out in whole vectors. `lanes` units form a *panel*, whose gates i, f, o, g lie side by side. A product
//! thus leaves all four gates of the same units in registers, where they are activated. Units that fill up the last vector
//! have zero weights, states and gradients.

#[cfg(feature = "autodiff")]
mod backward;
mod forward;
mod frozen;
mod layout;
mod vector;

#[cfg(feature = "autodiff")]
pub use backward::backward;
#[cfg(any(feature = "burn", test))]
pub use forward::forward;
#[cfg(feature = "autodiff")]
pub use forward::{Kept, forward_keeping};
pub use frozen::Frozen;
#[cfg(feature = "burn")]
pub use layout::Batch;
pub use layout::{Layout, Weights};

use pulp::{Arch, WithSimd};

/// The gates i, f, o, g.
const GATES: usize = 4;

/// The vector instructions of a call. Their width determines the layout in memory.
#[derive(Clone, Copy, Debug)]
pub enum Instructions {
    /// The best of the machine.
    Best(Arch),
    /// Vectors of 16 numbers, emulated on any machine.
    #[cfg(test)]
    Wide,
}

impl Instructions {
    /// The best of this machine.
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

    /// Runs all jobs, on several threads with the feature `threads`.
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

/// Calls `$self.$tile` for tiles of rows that start at `$first`, until all `$rows` are done. A tile has as many rows as
/// fit the registers of the instruction set `$simd`.
macro_rules! for_tiles {
    ($simd:ident, $rows:expr, |$first:ident| $self:ident . $tile:ident $(::<$width:literal>)? ($($argument:expr),*)) => {
        let rows = $rows;
        let mut $first = 0;
        while $first < rows {
            $first += match rows - $first {
                // Six rows of four sums and their operands take 29 registers; three rows take 16.
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

/// Whether there are 32 vector registers. WebAssembly runs on machines with 16 or 32, so 16 are assumed.
const fn has_many_registers<S: pulp::Simd>() -> bool {
    (S::REGISTER_COUNT >= 32 && !cfg!(target_arch = "wasm32")) || (cfg!(test) && S::F32_LANES == 16)
}

#[cfg(all(test, feature = "autodiff"))]
mod tests {
    use super::*;
    use rand::{Rng, SeedableRng, rngs::StdRng};

    fn run(instructions: Instructions, lengths: &[usize], unused: usize) -> [Vec<f32>; 5] {
        run_sized(instructions, 50, 19, &[21, 6, 37], lengths, unused)
    }

    /// The mean, and the gradients of input, recurrent, bias and vectors, for sequences of the given lengths over `distinct`
    /// vectors. `unused` more vectors belong to no token.
    fn run_sized(
        instructions: Instructions,
        distinct: usize,
        input: usize,
        hidden: &[usize],
        lengths: &[usize],
        unused: usize,
    ) -> [Vec<f32>; 5] {
        let mut random = StdRng::seed_from_u64(9);
        let mut numbers = |count: usize, bound: f32| -> Vec<f32> {
            (0..count)
                .map(|_| random.random_range(-bound..bound))
                .collect()
        };
        let layout = Layout::new(instructions, input, hidden);
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

    /// Small enough for Miri, which has no vector instructions: those of this machine are scalar there.
    #[test]
    fn miri_small_batches_give_the_same_results_with_wide_vectors() {
        for (lengths, unused) in [(&[3, 0, 2][..], 0), (&[1][..], 20)] {
            let run = |instructions| run_sized(instructions, 2, 3, &[5, 2], lengths, unused);
            let expected = run(Instructions::of_this_machine());
            for (wide, expected) in run(Instructions::Wide).iter().zip(&expected) {
                for (a, b) in wide.iter().zip(expected) {
                    assert!((a - b).abs() < 1e-5, "{a} instead of {b}");
                }
            }
        }
    }

    #[test]
    fn results_do_not_depend_on_threads_instructions_or_the_projection_of_tokens() {
        let best = Instructions::of_this_machine();
        let many: Vec<usize> = (0..37).map(|sequence| sequence * 5 % 23).collect();
        // The second batch has fewer sequences than threads.
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
