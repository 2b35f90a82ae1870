//! Training word vectors.

use std::io;
use std::sync::atomic::AtomicBool;

use skip_gram::{Error, Settings};

use super::{Text, Vectors};

/// The minimum number of occurrences of a word with a vector, unless stated otherwise.
pub const MIN_COUNT: u32 = 5;

/// Why vectors cannot be trained.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// The temporary file with the words cannot be written or read.
    #[error("temporary file in {} (TMPDIR chooses another folder)", std::env::temp_dir().display())]
    TemporaryFile(#[source] io::Error),
    /// No word is frequent enough.
    #[error("no word occurs {min_count} times, the minimum count, in {words} words of text")]
    NoWords {
        /// The minimum number of occurrences.
        min_count: u32,
        /// The number of words in the text.
        words: u64,
    },
    /// Training was interrupted.
    #[error("interrupted")]
    Interrupted,
    /// Another error of training.
    #[error(transparent)]
    SkipGram(Error<io::Error>),
}

/// Trains vectors for the words of `text` that occur at least `min_count` times. `progress` is called from time to time with the
/// share that is done. Setting `interrupt` ends training with [`TrainingError::Interrupted`].
///
/// # Errors
/// If no word is frequent enough, the temporary file cannot be read, or training diverges or is interrupted.
pub fn train(
    text: Text,
    min_count: u32,
    settings: &Settings,
    interrupt: &AtomicBool,
    progress: impl FnMut(f64),
) -> Result<Vectors, TrainingError> {
    let words = text.words();
    let text = text.with_vocabulary(min_count);
    let counts = text.vocabulary.counts();
    let values = skip_gram::train(&text, counts, settings, interrupt, progress).map_err(
        |error| match error {
            Error::NoWords => TrainingError::NoWords { min_count, words },
            Error::Source(error) => TrainingError::TemporaryFile(error),
            Error::Interrupted => TrainingError::Interrupted,
            error => TrainingError::SkipGram(error),
        },
    )?;
    Ok(Vectors {
        words: text.vocabulary.into_words(),
        values,
        dimensions: settings.dimensions.into(),
    })
}

#[cfg(test)]
mod tests;
