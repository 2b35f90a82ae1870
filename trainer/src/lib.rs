//! The command `auxlstm`: corpora, word vectors, training, evaluation and bulk prediction.

pub mod cli;
pub mod corpus;
pub mod output;
pub mod progress;
pub mod word2vec;
