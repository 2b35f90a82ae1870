//! Training word vectors.

use std::collections::HashMap;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fasttext::args::{Args, LossName, ModelName};
use fasttext::dictionary::EOS;
use fasttext::{FastText, FastTextError};

use super::Vectors;
use super::reading::Reading;
use crate::temporary::TemporaryFile;

/// The settings of skip-gram training.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The length of a vector.
    pub dimensions: u16,
    /// The maximum distance of a word from the words that it predicts.
    pub window: u16,
    /// The minimum number of occurrences of a word with a vector.
    pub min_count: u32,
    /// The number of epochs.
    pub epochs: u16,
    /// The number of negative examples for each positive one.
    pub negative: u16,
    /// The learning rate at the beginning; it falls linearly to 0.
    pub learning_rate: f64,
    /// Words with a larger share of the text are skipped at random; 0 skips none.
    pub subsample: f64,
    /// The number of threads. They train without locks, so the vectors are reproducible with one thread only.
    pub threads: usize,
    /// The seed of all random numbers.
    pub seed: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            dimensions: 200,
            window: 5,
            min_count: 5,
            epochs: 5,
            negative: 5,
            learning_rate: 0.05,
            subsample: 1e-4,
            threads: 1,
            seed: 1,
        }
    }
}

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
    /// The threads cannot start.
    #[error("cannot start the threads")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// Training was interrupted.
    #[error("interrupted")]
    Interrupted,
    /// The vectors became NaN or infinite, which only happens if the learning rate is far too high.
    #[error("training diverged: the vectors became NaN; lower the learning rate")]
    Diverged,
    /// The `fasttext` crate returned an error.
    #[error("training word vectors")]
    Library(#[from] FastTextError),
    /// The `fasttext` crate panicked.
    #[error("training word vectors: the training thread panicked")]
    Panicked,
}

/// Segmented text in a temporary file: one post on each line, words separated by spaces.
pub struct Text {
    pub(super) file: TemporaryFile,
    pub(super) counts: HashMap<String, u64>,
    words: u64,
    posts: u64,
}

/// Writes a [`Text`].
pub struct TextWriter {
    file: BufWriter<TemporaryFile>,
    text: (HashMap<String, u64>, u64, u64),
}

impl TextWriter {
    /// An empty text.
    pub fn new() -> Result<Self, TrainingError> {
        let file = TemporaryFile::create("auxlstm-words-", &std::env::temp_dir(), None)
            .map_err(TrainingError::TemporaryFile)?;
        Ok(Self {
            file: BufWriter::with_capacity(1 << 20, file),
            text: Default::default(),
        })
    }

    /// Adds one post. Words with white space are left out.
    pub fn add_post<'a>(
        &mut self,
        words: impl Iterator<Item = &'a str>,
    ) -> Result<(), TrainingError> {
        let (counts, total, posts) = &mut self.text;
        let before = *total;
        for word in words.filter(|word| trainable(word)) {
            let gap = if *total > before { " " } else { "" };
            write!(self.file, "{gap}{word}").map_err(TrainingError::TemporaryFile)?;
            match counts.get_mut(word) {
                Some(count) => *count += 1,
                None => drop(counts.insert(word.to_owned(), 1)),
            }
            *total += 1;
        }
        if *total > before {
            *posts += 1;
            self.file
                .write_all(b"\n")
                .map_err(TrainingError::TemporaryFile)?;
        }
        Ok(())
    }

    /// Completes the text.
    pub fn finish(self) -> Result<Text, TrainingError> {
        let fail = |error: io::IntoInnerError<_>| TrainingError::TemporaryFile(error.into_error());
        let file = self.file.into_inner().map_err(fail)?;
        let (counts, words, posts) = self.text;
        Ok(Text {
            file,
            counts,
            words,
            posts,
        })
    }
}

/// Whether the `fasttext` crate can train a word: it reserves one for the end of a line, and treats NUL as white space.
fn trainable(word: &str) -> bool {
    !word.is_empty()
        && word != EOS
        && !word.contains(|letter: char| letter.is_whitespace() || letter == '\0')
}

impl Text {
    /// The number of words.
    pub fn words(&self) -> u64 {
        self.words
    }

    /// The number of different words that occur at least `min_count` times.
    pub fn vocabulary(&self, min_count: u32) -> usize {
        self.counts
            .values()
            .filter(|&&count| count >= min_count.into())
            .count()
    }

    /// The number of times that training reads the text. The crate measures an epoch by all words, but while it trains it
    /// counts only the words with vectors. So it reads the text more than once in an epoch.
    fn passes(&self, settings: &Settings) -> f64 {
        let kept: u64 = self
            .counts
            .values()
            .filter(|&&count| count >= settings.min_count.into())
            .sum();
        f64::from(settings.epochs) * (self.words + self.posts) as f64
            / (kept + self.posts).max(1) as f64
    }
}

/// Trains vectors for the words of `text`. `progress` is called from time to time with the share that is done. Setting
/// `interrupt` ends training with [`TrainingError::Interrupted`].
pub fn train(
    text: Text,
    settings: &Settings,
    interrupt: &Arc<AtomicBool>,
    mut progress: impl FnMut(f64),
) -> Result<Vectors, TrainingError> {
    if text.vocabulary(settings.min_count) == 0 {
        return Err(TrainingError::NoWords {
            min_count: settings.min_count,
            words: text.words,
        });
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(settings.threads)
        .build()?;
    let arguments = arguments(text.file.path(), settings);
    let passes = text.passes(settings);
    let mut reading = Reading::new(text.file.path());
    let model = std::thread::scope(|scope| {
        let training = scope.spawn(|| {
            pool.install(|| FastText::train_with_abort(arguments, Arc::clone(interrupt)))
        });
        while !training.is_finished() {
            std::thread::sleep(Duration::from_millis(50));
            // The first pass collects the vocabulary, which is quick and not part of training.
            if let Some(learned) = reading.passes().filter(|&read| read > 1.0) {
                progress(((learned - 1.0) / passes).min(1.0));
            }
        }
        training.join().map_err(|_| TrainingError::Panicked)
    })??;
    if interrupt.load(Ordering::Relaxed) {
        return Err(TrainingError::Interrupted);
    }
    vectors(&model)
}

fn arguments(text: &Path, settings: &Settings) -> Args {
    Args {
        input: text.to_owned(),
        model: ModelName::SkipGram,
        loss: LossName::NegativeSampling,
        dim: settings.dimensions.into(),
        ws: settings.window.into(),
        min_count: settings.min_count.try_into().unwrap_or(i32::MAX),
        epoch: settings.epochs.into(),
        neg: settings.negative.into(),
        lr: settings.learning_rate,
        // No word has a share above 1, so none is skipped.
        t: if settings.subsample == 0.0 {
            1.0
        } else {
            settings.subsample
        },
        thread: settings.threads.try_into().unwrap_or(i32::MAX),
        seed: settings.seed.into(),
        // Without character n-grams this is word2vec.
        minn: 0,
        maxn: 0,
        bucket: 0,
        // No word begins with a space, so none is a label.
        label: " ".into(),
        verbose: 0,
        ..Args::default()
    }
}

/// The vectors of the words, sorted by frequency and then alphabetically.
fn vectors(model: &FastText) -> Result<Vectors, TrainingError> {
    let mut entries: Vec<_> = model
        .dict()
        .words()
        .iter()
        .zip(0..)
        .filter(|(entry, _)| entry.word != EOS)
        .collect();
    entries.sort_by(|(a, _), (b, _)| b.count.cmp(&a.count).then_with(|| a.word.cmp(&b.word)));
    let values: Vec<f32> = entries
        .iter()
        .flat_map(|&(_, row)| model.input_matrix().row(row))
        .copied()
        .collect();
    if !values.iter().all(|value| value.is_finite()) {
        return Err(TrainingError::Diverged);
    }
    let dimensions = values.len() / entries.len().max(1);
    Ok(Vectors {
        words: entries
            .into_iter()
            .map(|(entry, _)| entry.word.clone())
            .collect(),
        values,
        dimensions,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            dimensions: 16,
            window: 2,
            min_count: 5,
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

    fn never() -> Arc<AtomicBool> {
        Arc::new(AtomicBool::new(false))
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
            (4801, 8, 9)
        );
        let mut shares = Vec::new();
        let vectors = train(text, &settings(), &never(), |share| shares.push(share)).unwrap();
        assert_eq!(vectors.dimensions, 16);
        assert_eq!(vectors.words.len(), 8);
        assert_eq!(vectors.values.len(), 8 * 16);
        assert!(cosine(&vectors, "cat", "dog") > cosine(&vectors, "cat", "rain") + 0.2);
        assert!(cosine(&vectors, "snow", "wind") > cosine(&vectors, "snow", "fur") + 0.2);
        assert!(shares.is_sorted());
    }

    #[test]
    fn one_thread_gives_the_same_vectors_each_time() {
        let run = |seed| train(text(), &Settings { seed, ..settings() }, &never(), |_| {}).unwrap();
        assert_eq!(run(1), run(1));
        assert_ne!(run(1).values, run(2).values);
    }

    #[test]
    fn too_little_text_is_an_error() {
        let error = train(
            text(),
            &Settings {
                min_count: 5000,
                ..settings()
            },
            &never(),
            |_| {},
        )
        .unwrap_err();
        assert!(error.to_string().contains("no word occurs 5000 times"));
        let empty = TextWriter::new().unwrap().finish().unwrap();
        assert!(matches!(
            train(empty, &settings(), &never(), |_| {}),
            Err(TrainingError::NoWords { .. })
        ));
    }

    #[test]
    fn training_can_be_interrupted() {
        let interrupt = Arc::new(AtomicBool::new(true));
        let error = train(text(), &settings(), &interrupt, |_| {}).unwrap_err();
        assert!(matches!(error, TrainingError::Interrupted));
    }
}
