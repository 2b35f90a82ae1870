//! Word vectors: training by skip-gram with negative sampling (word2vec), and the two file formats of word2vec.
//!
//! Training uses the `fasttext` crate, without its character n-grams.

mod code_switching;
mod format;
mod reading;
mod training;

pub use format::{Format, VectorsError, read_vectors, write_vectors};
pub use training::{Settings, Text, TextWriter, TrainingError, train};

/// A table of word vectors.
#[derive(Clone, Debug, PartialEq)]
pub struct Vectors {
    /// The words, most frequent first.
    pub words: Vec<String>,
    /// The vectors, `[words, dimensions]`.
    pub values: Vec<f32>,
    /// The length of a vector.
    pub dimensions: usize,
}
