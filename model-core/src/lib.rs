//! Aux-LSTM: a writer's attributes learned jointly from text by LSTMs that share an auxiliary
//! representation (*Joint Learning on Relevant User Attributes in Micro-blog*, IJCAI 2017).
//!
//! Text goes in, one probability distribution per attribute comes out, and the same code does it in
//! training, on the command line and in the browser. This crate opens no file, reads no clock and prints
//! nothing: bytes and strings in, values out.

pub mod attribute;
pub mod aux_lstm;
pub mod bundle;
pub mod card;
pub mod embedding;
#[cfg(feature = "training")]
pub mod joint_loss;
pub mod lstm;
pub mod parameters;
pub mod predictor;
pub mod reader;
pub mod text;
pub mod vocabulary;
