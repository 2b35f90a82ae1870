//! Aux-LSTM: the attributes of a user, learned jointly from text by LSTMs that share an auxiliary representation (*Joint
//! Learning on Relevant User Attributes in Micro-blog*, IJCAI 2017).
//!
//! Text goes in, one probability distribution per attribute comes out, on the command line and in the browser alike. This
//! crate opens no file, reads no clock and prints nothing: bytes and strings in, values out.
//!
//! ```no_run
//! use model_core::predictor::Predictor;
//!
//! # async fn predict() -> Result<(), Box<dyn std::error::Error>> {
//! let predictor = Predictor::on_cpu(&std::fs::read("en.safetensors")?)?;
//! let users = [vec!["first post".to_owned(), "second post".to_owned()]];
//! for user in predictor.predict(&users).await? {
//!     let gender = user.predictions.get("gender").expect("an attribute of this model");
//!     println!("{:?} {:?}", gender.label, gender.probabilities);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | step | module | in the paper |
//! |---|---|---|
//! | posts → words | [`text`] | |
//! | words → ids | [`vocabulary`], [`reader`] | |
//! | ids → vectors | [`embedding`] | |
//! | vectors → mean hidden states | [`fused_lstm`] | Eq. 1–7 and the mean |
//! | mean hidden states → logits | [`aux_lstm`], [`wide`] | Eq. 8–18 |
//! | logits → probabilities | [`calibration`], [`base_rates`], [`predictor`] | the softmax of Eq. 10, 17 and 18 |
//! | the cost of training | `joint_loss` | Eq. 19 |
//! | a trained model in a file | [`bundle`], [`card`] | |
//! | shares of classes in a set of users | [`population`], [`user_set`], [`word_frequencies`] | |
//! | files of users, and tables of predictions | [`corpus`], [`prediction_table`] | |
//!
//! Without the feature `model` the crate has only the types of models and predictions, for programs that show predictions
//! made elsewhere, such as the page. With `model` a model predicts on the CPU. The feature `burn` adds the network as a module
//! of burn and prediction on any of its devices, `training` gradients and the joint loss, `gpu` the LSTM fused for GPUs,
//! `threads` more than one core, `jieba` the segmentation of Chinese with a dictionary, `corpus` the reading of users.

pub mod attribute;
pub mod base_rates;
pub mod card;
#[cfg(feature = "corpus")]
pub mod corpus;
pub mod explanation;
pub mod file_kind;
pub mod language;
mod lengths;
pub mod population;
pub mod prediction;
#[cfg(feature = "corpus")]
pub mod prediction_table;

#[cfg(feature = "model")]
pub mod aux_lstm;
#[cfg(feature = "model")]
pub mod bundle;
#[cfg(feature = "model")]
pub mod calibration;
#[cfg(feature = "model")]
pub mod embedding;
#[cfg(any(feature = "jieba", feature = "model"))]
pub mod jieba;
#[cfg(feature = "training")]
pub mod joint_loss;
#[cfg(feature = "model")]
pub mod parameters;
#[cfg(feature = "model")]
pub mod predictor;
#[cfg(feature = "model")]
pub mod reader;
#[cfg(feature = "model")]
pub mod text;
#[cfg(feature = "model")]
pub mod tfidf;
#[cfg(feature = "model")]
pub mod user_set;
#[cfg(feature = "model")]
pub mod vocabulary;
#[cfg(feature = "model")]
pub mod wide;
#[cfg(feature = "model")]
pub mod word_frequencies;
