//! The command `auxlstm`: corpora, word vectors, training, evaluation and bulk prediction.

pub mod cli;
pub mod config;
pub mod corpus;
pub mod device;
pub mod evaluation;
pub mod output;
pub mod progress;
pub mod training;
pub mod word2vec;
