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
    /// A setting is 0 or negative.
    #[error("the setting {0} must be above 0")]
    Setting(&'static str),
    /// The threads cannot start.
    #[error("cannot start the threads")]
    Threads(#[source] io::Error),
    /// Training was interrupted.
    #[error("interrupted")]
    Interrupted,
    /// The vectors became NaN or infinite, which only happens if the learning rate is far too high.
    #[error("training diverged: the vectors became NaN; lower the learning rate")]
    Diverged,
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
            Error::Setting(name) => TrainingError::Setting(name),
            Error::Source(error) => TrainingError::TemporaryFile(error),
            Error::Threads(error) => TrainingError::Threads(error),
            Error::Interrupted => TrainingError::Interrupted,
            Error::Diverged => TrainingError::Diverged,
        },
    )?;
    Ok(Vectors {
        words: text.vocabulary.into_words(),
        values,
        dimensions: settings.dimensions.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::word2vec::TextWriter;

    fn settings() -> Settings {
        Settings {
            dimensions: 16,
            window: 2,
            epochs: 30,
            negative: 5,
            learning_rate: 0.05,
            subsample: 0.0,
            threads: 1,
            seed: 1,
        }
    }

    /// Two topics whose words never meet, and a word too rare to learn.
    fn text() -> Text {
        let mut writer = TextWriter::new().unwrap();
        for round in 0..400 {
            let topic = if round % 2 == 0 {
                ["cat", "dog", "paw", "fur"]
            } else {
                ["rain", "wind", "snow", "sun"]
            };
            let words: Vec<&str> = (0..12)
                .map(|place| topic[(place * 5 + round / 2 + place / 3) % 4])
                .collect();
            writer.add_post(words.into_iter()).unwrap();
        }
        writer
            .add_post(["rare", "</s>", "with space", "nul\0", ""].into_iter())
            .unwrap();
        writer.finish().unwrap()
    }

    fn never() -> AtomicBool {
        AtomicBool::new(false)
    }

    fn cosine(vectors: &Vectors, one: &str, other: &str) -> f32 {
        let row = |word: &str| {
            let index = vectors
                .words
                .iter()
                .position(|candidate| candidate == word)
                .unwrap();
            &vectors.values[index * vectors.dimensions..][..vectors.dimensions]
        };
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
        let (a, b) = (row(one), row(other));
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }

    #[test]
    fn words_of_one_topic_come_to_lie_together() {
        let text = text();
        assert_eq!(
            (text.words(), text.vocabulary(5), text.vocabulary(1)),
            (4802, 8, 10)
        );
        let mut shares = Vec::new();
        let vectors = train(text, 5, &settings(), &never(), |share| shares.push(share)).unwrap();
        assert_eq!(vectors.dimensions, 16);
        assert_eq!(vectors.words.len(), 8);
        assert_eq!(vectors.values.len(), 8 * 16);
        assert!(cosine(&vectors, "cat", "dog") > cosine(&vectors, "cat", "rain") + 0.05);
        assert!(cosine(&vectors, "snow", "wind") > cosine(&vectors, "snow", "fur") + 0.05);
        assert!(shares.is_sorted());
    }

    #[test]
    fn one_thread_gives_the_same_vectors_each_time() {
        let run = |seed| {
            train(
                text(),
                5,
                &Settings { seed, ..settings() },
                &never(),
                |_| {},
            )
            .unwrap()
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1).values, run(2).values);
    }

    #[test]
    fn too_little_text_is_an_error() {
        let error = train(text(), 5000, &settings(), &never(), |_| {}).unwrap_err();
        assert!(error.to_string().contains("no word occurs 5000 times"));
        let empty = TextWriter::new().unwrap().finish().unwrap();
        assert!(matches!(
            train(empty, 5, &settings(), &never(), |_| {}),
            Err(TrainingError::NoWords { .. })
        ));
    }

    #[test]
    fn training_can_be_interrupted() {
        let interrupt = AtomicBool::new(true);
        let error = train(text(), 5, &settings(), &interrupt, |_| {}).unwrap_err();
        assert!(matches!(error, TrainingError::Interrupted));
    }
}
