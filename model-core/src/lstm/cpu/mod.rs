//! The LSTM fused for the CPU: the projection of the words, the loop over time, the gates and the mean of the states
//! in one operation, for any number of LSTMs that read the same words; and its backward pass.
//!
//! Sequences do not depend on one another, so blocks of them run on different threads with no barrier at a step.
//! What a block needs at a step stays in the cache, and nothing is allocated inside the loop over time. A block's
//! sequences are in order of falling length, so that those which still run are always its first: the work is
//! proportional to the words that are there, and padding costs none.
//!
//! Units are laid out by whole vectors: `lanes` units make a *panel*, whose gates i, f, o, g stand side by side. So a
//! product leaves all four gates of the same units in registers, where they are activated. Units that fill up a
//! last vector have weights of zero, and with them a state and gradients of zero.

// Serving has no backward pass. Taking it apart by features would tear this folder's one story into two.
#![cfg_attr(not(feature = "training"), allow(dead_code))]

mod backward;
mod forward;
mod layout;
mod vector;

pub use backward::backward;
pub use forward::{Kept, forward, forward_keeping};
pub use layout::{Batch, Sizes, Weights};

use pulp::{Arch, WithSimd};

/// The gates i, f, o, g.
const GATES: usize = 4;

/// Runs every job with the best instructions that this machine has, on its threads where there are some.
fn for_each<T: Send>(jobs: Vec<T>)
where
    T: WithSimd<Output = ()>,
{
    let arch = Arch::new();
    #[cfg(feature = "threads")]
    {
        use rayon::prelude::*;
        jobs.into_par_iter().for_each(|job| arch.dispatch(job));
    }
    #[cfg(not(feature = "threads"))]
    jobs.into_iter().for_each(|job| arch.dispatch(job));
}

fn threads() -> usize {
    #[cfg(feature = "threads")]
    return rayon::current_num_threads();
    #[cfg(not(feature = "threads"))]
    1
}

/// Calls `$self.$tile::<R>(first row, …)` for tiles of R rows until all `$rows` are done. As many as fit the
/// registers of the instruction set `$simd` go together.
macro_rules! for_tiles {
    ($simd:ident, $rows:expr, |$first:ident| $self:ident . $tile:ident ($($argument:expr),*)) => {
        let rows = $rows;
        let mut $first = 0;
        while $first < rows {
            $first += match rows - $first {
                // Six rows of four sums, with what they are made of, take 29 registers; three rows take 16.
                6.. if crate::lstm::cpu::has_many_registers::<$simd>() => {
                    $self.$tile::<$simd, 6>($($argument),*);
                    6
                }
                3.. => {
                    $self.$tile::<$simd, 3>($($argument),*);
                    3
                }
                2 => {
                    $self.$tile::<$simd, 2>($($argument),*);
                    2
                }
                _ => {
                    $self.$tile::<$simd, 1>($($argument),*);
                    1
                }
            };
        }
    };
}
use for_tiles;

/// Whether there are 32 vector registers. Under wasm there are as many as the machine below has: 16, to be safe.
const fn has_many_registers<S: pulp::Simd>() -> bool {
    S::REGISTER_COUNT >= 32 && !cfg!(target_arch = "wasm32")
}
