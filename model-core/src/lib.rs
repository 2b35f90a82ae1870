//! Aux-LSTM: a writer's attributes learned jointly from text by LSTMs that share an auxiliary
//! representation (*Joint Learning on Relevant User Attributes in Micro-blog*, IJCAI 2017).
//!
//! Text goes in, one probability distribution per attribute comes out, and the same code does it in
//! training, on the command line and in the browser. This crate opens no file, reads no clock and prints
//! nothing: bytes and strings in, values out.
//!
//! Without the feature `model` there are only the types that describe a model and its predictions, and with `corpus`
//! the reading of users: what a program needs that shows predictions made elsewhere, such as the page whose worker
//! makes them.

pub mod attribute;
pub mod card;
#[cfg(feature = "corpus")]
pub mod corpus;
pub mod explanation;
pub mod language;
pub mod prediction;

#[cfg(feature = "model")]
pub mod aux_lstm;
#[cfg(feature = "model")]
pub mod bundle;
#[cfg(feature = "model")]
pub mod calibration;
#[cfg(feature = "model")]
pub mod embedding;
#[cfg(feature = "training")]
pub mod joint_loss;
#[cfg(feature = "model")]
pub mod lstm;
#[cfg(feature = "model")]
pub mod parameters;
#[cfg(feature = "model")]
pub mod predictor;
#[cfg(feature = "model")]
pub mod reader;
#[cfg(feature = "model")]
pub mod text;
#[cfg(feature = "model")]
pub mod vocabulary;
#[cfg(feature = "model")]
pub mod wide;
