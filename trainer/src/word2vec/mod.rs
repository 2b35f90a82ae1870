//! Word vectors: skip-gram with negative sampling (word2vec) through the `fasttext` library, without its
//! character n-grams, and the two file formats of word2vec.

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
    /// A row of `dimensions` values a word, row after row.
    pub values: Vec<f32>,
    /// The length of a vector.
    pub dimensions: usize,
}
