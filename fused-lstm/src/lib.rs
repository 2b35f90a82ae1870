#![doc = include_str!("../README.md")]
//!
//! # Equations
//!
//! | symbol | here | equation |
//! |---|---|---|
//! | iₜ = σ(Wᵢ xₜ + Uᵢ hₜ₋₁ + bᵢ) | columns `0..h` of the gates | 1 |
//! | fₜ = σ(W_f xₜ + U_f hₜ₋₁ + b_f) | columns `h..2h` | 2 |
//! | oₜ = σ(Wₒ xₜ + Uₒ hₜ₋₁ + bₒ) | columns `2h..3h` | 3 |
//! | gₜ = tanh(W_g xₜ + U_g hₜ₋₁ + b_g) | columns `3h..4h` | 4 |
//! | cₜ = fₜ ⊙ cₜ₋₁ + iₜ ⊙ gₜ | the memory cell | 5 |
//! | hₜ = oₜ ⊙ tanh cₜ | the hidden state | 6 |
//! | h = LSTM(L) = (h₁, …, h_T) | all hidden states of a sequence | 7 |
//! | (1/T) Σₜ hₜ | the mean over time, the result | between 7 and 8 |
//!
//! The numbers are those of *Joint Learning on Relevant User Attributes in Micro-blog* (IJCAI 2017). The module
//! [`mod@reference`] writes them out as tensor operations; the fused kernels for the CPU and for GPUs are tested against it.

mod cpu;
mod frozen;
#[cfg(feature = "gpu")]
mod gpu;
#[cfg(feature = "burn")]
mod lstm;
#[cfg(feature = "burn")]
mod operation;
#[cfg(feature = "burn")]
mod packed_batch;
#[cfg(feature = "burn")]
pub mod reference;

pub use frozen::{FrozenLstms, LstmWeights};
#[cfg(feature = "burn")]
pub use lstm::{Lstm, forward_together};
#[cfg(feature = "burn")]
pub use packed_batch::PackedBatch;
