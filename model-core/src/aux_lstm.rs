//! Aux-LSTM (Sections 4.2 and 4.3, Eq. 8–18) for any number of tasks.
//!
//! All tasks share one auxiliary LSTM. An auxiliary task reads only that one; a main task has an LSTM of its own as well.
//! The model of the paper has one main and one auxiliary task. The single-task LSTM (Section 4.2) is one main task without
//! the shared LSTM. Three main tasks over one shared LSTM are the future work of the paper.
//!
//! ```
//! use burn::tensor::Device;
//! use model_core::aux_lstm::{AuxLstm, AuxLstmSizes, Role};
//! use model_core::embedding::Embedding;
//! use model_core::parameters::{Parameters, TensorSpec};
//!
//! // The paper's model: a main task of seven classes, and an auxiliary one of two.
//! let sizes = AuxLstmSizes {
//!     input_size: 2,
//!     auxiliary_hidden_size: 4,
//!     main_hidden_size: 4,
//!     dense_size: 4,
//!     tasks: vec![(Role::Main, 7), (Role::Auxiliary, 2)],
//! };
//! sizes.check()?;
//! // Parameters come from a bundle, or from `glorot_uniform` for training; here all are alike.
//! let source = |spec: &TensorSpec| Ok::<_, String>(vec![0.1; spec.len()]);
//! let device = Device::flex();
//! let network = AuxLstm::new(&mut Parameters::new(&device, source), &sizes, 0.0)?;
//!
//! let embedding = Embedding::quantise(&[0.0, 0.0, 0.1, 0.1, 1.0, 0.5], 2)?;
//! let texts: [&[u32]; 3] = [&[2, 1, 2], &[1], &[2]];
//! let logits = network.forward(&embedding.embed(&texts, &device));
//! assert_eq!(logits[0].dims(), [3, 7]);
//! assert_eq!(logits[1].dims(), [3, 2]);
//! # Ok::<(), String>(())
//! ```

mod heads;
#[cfg(feature = "burn")]
mod network;
#[cfg(feature = "training")]
mod normalised;
mod sizes;

pub(crate) use heads::Heads;
#[cfg(feature = "burn")]
pub use network::{AuxLstm, MeanStates, linear};
#[cfg(feature = "training")]
pub use normalised::{StateStatistics, UnitStatistics, normalised};
pub use sizes::{AuxLstmSizes, Role};
