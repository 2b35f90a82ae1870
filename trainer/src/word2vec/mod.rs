//! Word vectors: training by skip-gram with negative sampling (word2vec), and the two file formats of word2vec.
//!
//! The crate `skip-gram` does the training. Here is the text that it reads.

mod code_switching;
mod format;
mod text;
mod training;

pub use format::{Format, VectorsError, read_vectors, write_vectors};
pub use skip_gram::Settings;
pub use text::{Text, TextWriter};
pub use training::{MIN_COUNT, TrainingError, train};

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
