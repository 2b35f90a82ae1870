//! Training on all threads.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use std::{io, panic, thread};

use crate::Settings;
use crate::random::Random;
use crate::worker::{Model, Worker};

/// Longer sentences are cut, so that the learning rate falls evenly and an interruption is soon noticed.
const MAX_SENTENCE: usize = 1000;
/// The time between two reports of progress.
const REPORT_EVERY: Duration = Duration::from_millis(50);

/// Text that is read once in each epoch, by several threads at the same time.
pub trait Source: Sync {
    /// Why text cannot be read.
    type Error: Send;

    /// The number of parts. Each is read by one thread, so there should be many more than threads; a million words are a good
    /// size.
    fn parts(&self) -> usize;

    /// Calls `visit` with each sentence of a part, the ids of its words in order, until it breaks. Words without a vector are
    /// left out.
    ///
    /// # Errors
    /// If the text cannot be read.
    fn read(
        &self,
        part: usize,
        visit: &mut dyn FnMut(&[u32]) -> ControlFlow<()>,
    ) -> Result<(), Self::Error>;
}

/// Sentences in memory.
#[derive(Clone, Copy, Debug)]
pub struct Sentences<'a>(pub &'a [Vec<u32>]);

impl Sentences<'_> {
    /// The number of sentences in a part.
    const PART: usize = 1000;
}

impl Source for Sentences<'_> {
    type Error = Infallible;

    fn parts(&self) -> usize {
        self.0.len().div_ceil(Self::PART)
    }

    fn read(
        &self,
        part: usize,
        visit: &mut dyn FnMut(&[u32]) -> ControlFlow<()>,
    ) -> Result<(), Infallible> {
        let mut sentences = self.0.iter().skip(part * Self::PART).take(Self::PART);
        let _ = sentences.try_for_each(|sentence| visit(sentence));
        Ok(())
    }
}

/// Why vectors cannot be trained.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E> {
    /// The vocabulary is empty.
    #[error("no words to train vectors for")]
    NoWords,
    /// A setting is not in its range.
    #[error("the setting {name} must be {permitted}")]
    Setting {
        /// The name of the setting.
        name: &'static str,
        /// Its range, such as `above 0`.
        permitted: &'static str,
    },
    /// The text cannot be read.
    #[error("cannot read the text")]
    Source(#[source] E),
    /// A thread cannot start.
    #[error("cannot start the threads")]
    Threads(#[source] io::Error),
    /// Training was interrupted.
    #[error("interrupted")]
    Interrupted,
    /// The vectors became NaN or infinite, which only happens if the learning rate is far too high.
    #[error("training diverged: the vectors became NaN; lower the learning rate")]
    Diverged,
}

/// Trains vectors for the words of a vocabulary: `[words, dimensions]`, a row for each id.
///
/// `counts` are the words' numbers of occurrences, best sorted so that they fall. `progress` is called from time to time with
/// the share that is done, from 0 to 1. Setting `interrupt` ends training with [`Error::Interrupted`].
///
/// Memory: `8 · words · dimensions` bytes for the vectors, whose dimensions are filled up to whole vectors of the instruction
/// set (at most 16 numbers), and 16 bytes for each word.
///
/// # Errors
/// If there are no words, a setting is not in its range, text cannot be read, threads cannot start, or training diverges or is
/// interrupted.
///
/// # Panics
/// If a sentence has an id without a count.
pub fn train<S: Source>(
    source: &S,
    counts: &[u64],
    settings: &Settings,
    interrupt: &AtomicBool,
    mut progress: impl FnMut(f64),
) -> Result<Vec<f32>, Error<S::Error>> {
    if counts.is_empty() {
        return Err(Error::NoWords);
    }
    if let Some((name, permitted)) = settings.wrong() {
        return Err(Error::Setting { name, permitted });
    }
    let model = Model::new(counts, settings);
    let training = Training {
        source,
        settings,
        model: &model,
        interrupt,
        all_words: counts.iter().sum::<u64>() as f64 * f64::from(settings.epochs),
        words: AtomicU64::new(0),
        parts: source.parts() * usize::from(settings.epochs),
        next: AtomicUsize::new(0),
    };
    thread::scope(|scope| {
        // No message is sent: a receiver also learns that all senders are gone.
        let (sender, ended) = mpsc::channel::<()>();
        let mut threads = Vec::new();
        for _ in 0..settings.threads {
            let (training, sender) = (&training, sender.clone());
            let thread = thread::Builder::new().spawn_scoped(scope, move || {
                let _sender = sender;
                training.run()
            });
            threads.push(thread.map_err(|error| training.stop(Error::Threads(error)))?);
        }
        drop(sender);
        while ended.recv_timeout(REPORT_EVERY) == Err(RecvTimeoutError::Timeout) {
            progress(training.share());
        }
        let join = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread
                .join()
                .unwrap_or_else(|panic| panic::resume_unwind(panic))
        };
        threads.into_iter().try_for_each(join)
    })?;
    let vectors = model.into_vectors();
    match vectors.iter().all(|value| value.is_finite()) {
        true => Ok(vectors),
        false => Err(Error::Diverged),
    }
}

/// The state that the threads share.
struct Training<'a, S> {
    source: &'a S,
    settings: &'a Settings,
    model: &'a Model,
    interrupt: &'a AtomicBool,
    /// The number of words in all epochs.
    all_words: f64,
    /// The number of words so far.
    words: AtomicU64,
    /// The number of parts in all epochs.
    parts: usize,
    /// The part that the next free thread takes.
    next: AtomicUsize,
}

impl<S: Source> Training<'_, S> {
    /// The share that is done.
    fn share(&self) -> f64 {
        (self.words.load(Ordering::Relaxed) as f64 / self.all_words).min(1.0)
    }

    /// Lets no thread take another part.
    fn stop(&self, error: Error<S::Error>) -> Error<S::Error> {
        self.next.store(self.parts, Ordering::Relaxed);
        error
    }

    /// The work of one thread.
    fn run(&self) -> Result<(), Error<S::Error>> {
        let mut worker = Worker::new(self.model, self.settings);
        loop {
            let part = self.next.fetch_add(1, Ordering::Relaxed);
            if part >= self.parts {
                return Ok(());
            }
            worker.begin(Random::stream(self.settings.seed, 1 + part as u64));
            let mut visit = |sentence: &[u32]| self.sentence(&mut worker, sentence);
            let parts = self.parts / usize::from(self.settings.epochs);
            let read = self.source.read(part % parts, &mut visit);
            read.map_err(|error| self.stop(Error::Source(error)))?;
            worker.end();
            if self.interrupt.load(Ordering::Relaxed) {
                return Err(Error::Interrupted);
            }
        }
    }

    fn sentence(&self, worker: &mut Worker<'_>, sentence: &[u32]) -> ControlFlow<()> {
        for words in sentence.chunks(MAX_SENTENCE) {
            if self.interrupt.load(Ordering::Relaxed) {
                return ControlFlow::Break(());
            }
            let rate = self.settings.learning_rate * (1.0 - self.share());
            self.words.fetch_add(words.len() as u64, Ordering::Relaxed);
            worker.train(words, rate as f32);
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests;
