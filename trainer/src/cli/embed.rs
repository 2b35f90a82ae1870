//! `auxlstm embed`: trains word vectors on the posts of corpora.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::value_parser;
use model_core::language::is_han;
use model_core::text::Segmenter;
use rayon::prelude::*;

use super::align::read_dictionary;
use super::interrupt::{INTERRUPTED, interrupt_flag};
use super::{CorpusArguments, DictionaryArguments, Failure, outputs, report_bad_records, share};
use crate::alignment::{self, is_held_out};
use crate::corpus::Corpus;
use crate::cut_words;
use crate::output::PendingFile;
use crate::progress::{Progress, notice};
use crate::table::counted;
use crate::word2vec::{self, Format, MIN_COUNT, Settings, Text, TextWriter, TrainingError};

/// More than this have too little text each on a machine of today.
const MOST_THREADS: i64 = 256;

/// Train word vectors (skip-gram word2vec) on the posts of corpora, without their labels
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    corpus: CorpusArguments,
    /// File to write: .bin for the binary format of word2vec, .txt or .vec for the text format
    #[arg(short, long, value_name = "VECTORS")]
    output: PathBuf,
    /// Format of the file [default: by its extension]
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Length of a vector
    #[arg(long, default_value_t = Settings::default().dimensions, value_parser = value_parser!(u16).range(1..=4096))]
    dimensions: u16,
    /// Context window: maximum distance between a word and the words that it predicts
    #[arg(long, default_value_t = Settings::default().window, value_parser = value_parser!(u16).range(1..=1000))]
    window: u16,
    /// Minimum number of occurrences of a word with a vector
    #[arg(long, default_value_t = MIN_COUNT, value_parser = value_parser!(u32).range(1..=1_000_000_000))]
    min_count: u32,
    /// Number of epochs
    #[arg(long, default_value_t = Settings::default().epochs, value_parser = value_parser!(u16).range(1..=1000))]
    epochs: u16,
    /// Number of negative examples for each positive one
    #[arg(long, default_value_t = Settings::default().negative, value_parser = value_parser!(u16).range(1..=100))]
    negative: u16,
    /// Initial learning rate, which falls linearly to 0
    #[arg(long, default_value_t = Settings::default().learning_rate, value_parser = learning_rate)]
    learning_rate: f64,
    /// Skip words with a larger share of the text at random; 0 skips none
    #[arg(long, default_value_t = Settings::default().subsample, value_parser = share(1.0))]
    subsample: f64,
    /// Number of threads [default: all cores]; results are reproducible with one thread only
    #[arg(long, value_parser = value_parser!(u16).range(1..=MOST_THREADS))]
    threads: Option<u16>,
    /// Seed of all random numbers
    #[arg(long, default_value_t = Settings::default().seed)]
    seed: u64,
    #[command(flatten)]
    dictionaries: DictionaryArguments,
    /// Train the words of two languages in one space: replace half of the words by a translation of this bilingual
    /// dictionary, which is read as by align
    #[arg(long, value_name = "FILE")]
    translations: Option<PathBuf>,
    /// Share of the words of --translations that are never replaced, so that align can be measured on them
    #[arg(long, default_value_t = alignment::Settings::default().held_out, value_parser = share(0.9), requires = "translations")]
    held_out: f64,
}

fn learning_rate(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(rate) if rate > 0.0 && rate <= 10.0 => Ok(rate),
        _ => Err("expected a number above 0, at most 10".into()),
    }
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    match embed(arguments) {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(failure) if matches!(failure.downcast_ref(), Some(TrainingError::Interrupted)) => {
            notice!("interrupted; nothing was written");
            Ok(ExitCode::from(INTERRUPTED))
        }
        Err(failure) => Err(failure),
    }
}

fn embed(arguments: Arguments) -> Result<(), Failure> {
    let format = arguments
        .format
        .or_else(|| Format::of_name(&arguments.output))
        .ok_or_else(|| {
            format!(
                "{}: unknown format; name the file .bin, .txt or .vec, or add --format",
                arguments.output.display()
            )
        })?;
    let threads = match arguments.threads {
        Some(threads) => threads.into(),
        None => std::thread::available_parallelism()?
            .get()
            .min(MOST_THREADS as usize),
    };
    let settings = Settings {
        dimensions: arguments.dimensions,
        window: arguments.window,
        epochs: arguments.epochs,
        negative: arguments.negative,
        learning_rate: arguments.learning_rate,
        subsample: arguments.subsample,
        threads,
        seed: arguments.seed,
    };
    let dictionaries = (arguments.dictionaries.files()).chain(arguments.translations.as_deref());
    outputs::check(
        [&arguments.output],
        arguments.corpus.files().chain(dictionaries),
    )?;
    let segmenter = arguments.dictionaries.segmenter()?;
    let translations = (arguments.translations.as_deref())
        .map(read_dictionary)
        .transpose()?;
    let corpus = arguments.corpus.open()?.with_fields(None::<&str>);
    let output = PendingFile::create(&arguments.output)?;
    let interrupt = interrupt_flag()?;

    let mut text = segment(corpus, &segmenter, threads, &interrupt)?;
    if let Some(mut pairs) = translations {
        let seed = alignment::Settings::default().seed;
        // Align maps Chinese words.
        let source = |pair: &(String, String)| match pair.1.contains(is_han) {
            true => pair.1.clone(),
            false => pair.0.clone(),
        };
        pairs.retain(|pair| !is_held_out(&source(pair), arguments.held_out, seed));
        text = text.code_switched(&pairs, arguments.min_count, settings.seed)?;
    }
    let (words, vocabulary) = (text.words(), text.vocabulary(arguments.min_count));
    notice!(
        "{}, {} at least {} times",
        counted(words, "word"),
        counted(vocabulary as u64, "different word"),
        arguments.min_count
    );
    if text.missed() > 0 {
        notice!(
            "too many different words: up to {} occurrences of a rare word are not counted",
            text.missed()
        );
    }
    let all_words = words * u64::from(settings.epochs);
    let mut progress = Progress::new("training", "words", Some(all_words));
    let vectors = word2vec::train(text, arguments.min_count, &settings, &interrupt, |share| {
        progress.set((share * all_words as f64) as u64)
    })?;
    drop(progress);
    output.finish(|out| word2vec::write_vectors(out, &vectors, format))?;
    notice!(
        "{}: {vocabulary} words in {} dimensions",
        arguments.output.display(),
        vectors.dimensions
    );
    Ok(())
}

/// Segments all posts in parallel and writes their words to a temporary file.
fn segment(
    corpus: Corpus,
    segmenter: &Segmenter,
    threads: usize,
    interrupt: &AtomicBool,
) -> Result<Text, Failure> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()?;
    let mut progress = Progress::new("segmenting", "bytes", None);
    let mut corpus = corpus.with_report(progress.printer());
    let mut text = TextWriter::new()?;
    let (mut bytes, mut words_cut) = (0, 0);
    while let Some(users) = corpus.read_chunk()? {
        if interrupt.load(Ordering::Relaxed) {
            return Err(TrainingError::Interrupted.into());
        }
        let posts: Vec<String> = users.into_iter().flat_map(|user| user.posts).collect();
        let segmented: Vec<_> =
            pool.install(|| posts.par_iter().map(|post| segmenter.words(post)).collect());
        for words in segmented {
            words_cut += cut_words::count(&words);
            text.add_post(words.iter().map(|word| word.text.as_str()))?;
        }
        bytes += posts.iter().map(String::len).sum::<usize>() as u64;
        progress.set(bytes);
    }
    drop(progress);
    report_bad_records(&corpus);
    cut_words::report(words_cut);
    Ok(text.finish()?)
}
