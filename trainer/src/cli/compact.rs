//! `auxlstm compact`: a smaller bundle of the same model.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::value_parser;
use model_core::base_rates::BaseRates;
use model_core::bundle::Bundle;
use model_core::card::AttributeFigures;

use super::evaluate::{Options, Trained, check_unseen, score};
use super::model::load;
use super::{Failure, LabelArguments, ReadingArguments, outputs, share};
use crate::bundle::read_bundle;
use crate::compaction::round_vectors;
use crate::config::Config;
use crate::corpus::{
    Corpus, CorpusError, Part, PartUsers, corpus_name, known_fields, repeated_file,
};
use crate::device;
use crate::output::PendingFile;
use crate::progress::notice;
use crate::recalibration::recalibrated;
use crate::table::count;
use crate::training::examples;

/// Make a smaller bundle, for browsers, and measure the loss
///
/// Keeps the most frequent words, and rounds word vectors and parameters more coarsely. Fewer words make the file itself
/// smaller. Rounding makes it compress better (Brotli, gzip), as web servers send it. Before they are rounded, the word
/// vectors are transformed into what this network reads of them; for a network of other attributes, take those of the trained
/// model instead. The smaller model's logits differ a little, so its calibration should be fitted anew, with
/// --validation-users. The card's test figures are measured anew on --test-users, or removed. Those of a refit are kept,
/// because they belong to the model that was tested. The fingerprints of the training users are removed, so `auxlstm evaluate`
/// no longer finds these users in renamed files.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The trained model, a bundle that `auxlstm train` wrote
    #[arg(value_name = "BUNDLE")]
    bundle: PathBuf,
    /// The smaller bundle
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Keep this many words; the others become unknown words
    #[arg(long, default_value_t = u32::MAX, hide_default_value = true, value_parser = value_parser!(u32).range(1..))]
    words: u32,
    /// Round word vectors to multiples of STEP, relative to the standard deviation of their numbers, once they are
    /// transformed for this network; 0 leaves them as they are
    #[arg(long, value_name = "STEP", default_value_t = 0.5, value_parser = step)]
    vector_step: f64,
    /// Quantise weights of the wide component to STEPS levels in each direction, relative to the largest of the class
    #[arg(long, value_name = "STEPS", default_value_t = 15, value_parser = value_parser!(i8).range(1..))]
    wide_steps: i8,
    /// Keep this many of the 23 bits of each parameter's fraction
    #[arg(long, value_name = "BITS", default_value_t = 8, value_parser = value_parser!(u32).range(1..=23))]
    parameter_bits: u32,
    /// Measure the smaller model on these labelled users, whom training must not have seen
    #[arg(long, value_name = "CORPUS", num_args = 1..)]
    test_users: Vec<PathBuf>,
    /// Fit the calibration of the smaller model anew to the validation users of --split in these files
    #[arg(long, value_name = "CORPUS", num_args = 1.., requires = "split")]
    validation_users: Vec<PathBuf>,
    /// Use only the validation and test users of this split, such as split.json beside the model
    #[arg(long, value_name = "FILE")]
    split: Option<PathBuf>,
    /// With --validation-users, the accuracy of confident predictions
    #[arg(long, value_name = "SHARE", value_parser = share(1.0), default_value_t = Config::default().accuracy_when_confident)]
    accuracy_when_confident: f64,
    /// Dictionary in jieba's format, required with --validation-users and --test-users by a model trained with one
    #[arg(long, value_name = "FILE")]
    dictionary: Option<PathBuf>,
    #[command(flatten)]
    reading: ReadingArguments,
    #[command(flatten)]
    labels: LabelArguments,
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let users = (arguments.validation_users.iter()).chain(&arguments.test_users);
    let read = (users
        .chain(&arguments.split)
        .chain(&arguments.dictionary)
        .chain([&arguments.bundle]))
    .map(PathBuf::as_path)
    .chain(arguments.reading.label_file());
    outputs::check([&arguments.output], read)?;
    let mut bundle = read_bundle(&arguments.bundle)?;
    (arguments.reading).check_labels(&bundle.settings.attributes)?;
    let labels = arguments.labels.read_for(&bundle.settings.attributes)?;
    let open = |files: &[PathBuf]| -> Result<Corpus, Failure> {
        let corpus = Corpus::open(files, arguments.reading.options()?)?;
        Ok(corpus.with_labels(labels.clone()))
    };
    let output = PendingFile::create(&arguments.output)?;
    bundle.vocabulary = bundle.vocabulary.first(arguments.words as usize);
    bundle.embedding = bundle.embedding.first(bundle.vocabulary.len());
    if arguments.vector_step > 0.0 {
        round_vectors(&mut bundle, arguments.vector_step)
            .map_err(|error| format!("{}: {error}", arguments.bundle.display()))?;
    }
    let seen = bundle.seen();
    bundle.seen_users.clear();
    let known = bundle.vocabulary.len() as u32;
    for words in &mut bundle.settings.word_frequencies {
        words.retain(|id| id < known);
    }
    let round = |value| rounded(value, arguments.parameter_bits);
    bundle.wide = (bundle.wide).map(|wide| {
        wide.retain(|words| words.iter().all(|&id| id < known))
            .coarser(arguments.wide_steps, round)
    });
    let parameters = bundle.parameters.iter_mut();
    for value in parameters.flat_map(|parameter| &mut parameter.values) {
        *value = round(*value);
    }
    let load = |bundle: &Bundle| {
        load(
            &bundle.to_bytes()?,
            &arguments.bundle,
            device::DEFAULT,
            arguments.dictionary.as_deref(),
        )
    };
    if let (Some(split), [_, ..]) = (&arguments.split, arguments.validation_users.as_slice()) {
        let predictor = load(&bundle)?;
        let corpus = &arguments.validation_users;
        let part = PartUsers::read(split, Part::Validation, corpus)?;
        let test = PartUsers::read(split, Part::Test, corpus)?;
        let (attributes, reader) = (predictor.attributes(), predictor.reader());
        let read = examples::read(open(corpus)?, attributes, reader, |_, _| {})?;
        let users = &read.users;
        let (mut training, mut validation) = (Vec::new(), Vec::new());
        for user in users {
            if part.contains(user.file, &user.key.record) {
                validation.push(user);
            } else if !test.contains(user.file, &user.key.record) {
                training.push(user);
            }
        }
        if validation.is_empty() {
            let split = split.display();
            let left_out = read.left_out();
            return Err(format!(
                "{split}: none of its validation users is among the users with a label that is a class; {left_out}"
            )
            .into());
        }
        let accuracy = arguments.accuracy_when_confident;
        bundle.settings = recalibrated(&predictor, &training, &validation, accuracy)?;
    }
    bundle.card.figures = match arguments.test_users.as_slice() {
        [] if bundle.card.refit => bundle.card.figures,
        [] => {
            if !bundle.card.figures.is_empty() {
                notice!(
                    "the card's test figures are left out, because they are those of the larger model; --test-users \
                     measures the smaller one"
                );
            }
            Vec::new()
        }
        users => {
            check_unseen(&bundle.card, arguments.split.as_deref())?;
            bundle.card.refit = false;
            let mut predictor = load(&bundle)?;
            if let Some(path) = repeated_file(users) {
                return Err(CorpusError::Repeated(path.clone()).into());
            }
            let trained = Trained {
                bundle: &arguments.bundle,
                seen: &seen,
            };
            let several = users.len() > 1;
            let mut figures = Vec::new();
            // As in training, the card has the figures of each corpus.
            for path in users {
                let file = std::slice::from_ref(path);
                let reading = arguments.reading.options()?;
                let measured = score(
                    &mut predictor,
                    trained,
                    open(file)?,
                    arguments.split.as_deref(),
                    &BaseRates::default(),
                    Options {
                        intervals: false,
                        by: None,
                        fields: &|| known_fields(file, &reading),
                    },
                )?;
                figures.extend(measured.into_card().into_iter().map(|of| AttributeFigures {
                    corpus: several.then(|| corpus_name(path)),
                    ..of
                }));
            }
            figures
        }
    };
    for figure in &bundle.card.figures {
        let corpus = figure.corpus.iter().map(|corpus| format!("{corpus}, "));
        let macro_f1 = (figure.macro_f1.iter()).map(|value| format!("macro-F1 {value:.3}, "));
        notice!(
            "{}{}: {}F (paper) {:.3}, accuracy {:.3} of {} users",
            corpus.collect::<String>(),
            figure.attribute,
            macro_f1.collect::<String>(),
            figure.f,
            figure.accuracy,
            count(figure.users as u64)
        );
    }
    let bytes = bundle.to_bytes()?;
    // A bundle whose network cannot be built could be written, but no command could use it.
    (bundle.network(&device::choose(device::DEFAULT)?))
        .map_err(|error| format!("{}: {error}", arguments.bundle.display()))?;
    output.finish(|out| out.write_all(&bytes))?;
    Ok(ExitCode::SUCCESS)
}

/// The argument of `--vector-step`.
fn step(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(step) if (0.0..=8.0).contains(&step) && (step == 0.0 || step >= 1e-3) => Ok(step),
        _ => Err("permitted: 0, and numbers from 0.001 to 8".into()),
    }
}

/// The nearest number whose fraction has at most this many bits.
fn rounded(value: f32, bits: u32) -> f32 {
    let dropped = 23 - bits;
    let half = (1_u32 << dropped) >> 1;
    let cut = value.to_bits().saturating_add(half) & !((1 << dropped) - 1);
    match f32::from_bits(cut) {
        rounded if rounded.is_finite() => rounded,
        // Rounding up went beyond the largest finite number.
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_rounded_to_the_nearest() {
        assert_eq!(rounded(1.0, 7), 1.0);
        assert_eq!(rounded(1.0 + 1.0 / 256.0, 7), 1.0 + 1.0 / 128.0);
        assert_eq!(rounded(-1.003, 7), -1.0);
        assert_eq!(rounded(0.1, 23), 0.1);
        assert_eq!(rounded(0.0, 1), 0.0);
        assert_eq!(rounded(f32::MAX, 1), f32::MAX);
        assert!((rounded(0.337, 7) / 0.337 - 1.0).abs() < 1.0 / 256.0);
    }
}
