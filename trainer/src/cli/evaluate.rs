//! `auxlstm evaluate`: the figures of a model on labelled users.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::value_parser;
use model_core::base_rates::BaseRates;
use model_core::card::{AttributeFigures, ModelCard};
use model_core::predictor::Predictor;
use serde::Serialize;

use super::base_rates::BaseRatesArgument;
use super::model::ModelArguments;
use super::prediction::predict_chunks_of_files;
use super::{CorpusArguments, Failure, LabelArguments, in_language, print_text};
use crate::bundle::read_bundle;
use crate::corpus::{Corpus, Part, PartUsers, RecordKey, listed};
use crate::evaluation::{ClassMetrics, Evaluation, FEW_USERS, Report, few_users_warning};
use crate::output::PendingFile;
use crate::progress::{Progress, notice};
use crate::table::{Table, count};
use crate::training::SPLIT;

/// Score a model on labelled users that its training never saw
///
/// Users of the model's own run are found by the split.json beside it, and warned of unless --split names a split.
///
/// Prints for each attribute, and for its coarse classes, accuracy and the majority baseline, macro-F1 (the mean of the
/// classes' F1), the paper's F (2PR/(P+R) of P and R averaged over the classes), precision P and recall R averaged so, the
/// expected calibration error (ECE), the log loss (mean −ln p of the true class), coverage and accuracy at the model's
/// confidence threshold, a table of the classes, and the confusion matrix. Labels are those under --base-rates; ECE, log loss
/// and the mean probability of a class (mean p) are those under the training users' base rates. The JSON file also has the
/// reliability diagram, and coverage and accuracy at other thresholds. What was not measured, such as the precision of a
/// class that is never predicted, is "–", in JSON null; in an average over classes it counts as 0. Users without a label for
/// an attribute do not count for it.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    base_rates: BaseRatesArgument,
    #[command(flatten)]
    corpus: CorpusArguments,
    #[command(flatten)]
    labels: LabelArguments,
    /// Read only the first WORDS words of each user, to measure the model on shorter texts
    #[arg(long, value_name = "WORDS", value_parser = value_parser!(u32).range(1..))]
    max_words: Option<u32>,
    /// Score only the test users of this split, such as split.json beside the model. A corpus file is found in it by the
    /// path that training was given, by another path to the same file, or else by its base name
    #[arg(long, value_name = "FILE")]
    split: Option<PathBuf>,
    /// Also write the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the model with these figures in its card to this file, which may be BUNDLE itself
    #[arg(long, value_name = "FILE", conflicts_with = "max_words")]
    write_card: Option<PathBuf>,
}

/// What the two averages over classes are.
const MEANINGS: &str = "macro-F1 is the mean of the classes' F1. F (paper) is 2PR/(P+R), where P and R are averaged over the \
    classes.";

#[derive(Serialize)]
pub(super) struct Figures {
    users: u64,
    without_known_words: u64,
    bad_records: u64,
    /// The number of these users that the model was trained or validated on, where this is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    learned_from: Option<u64>,
    attributes: Vec<Report>,
}

impl Figures {
    /// The figures for a model card, without those of transferred attributes.
    pub(super) fn into_card(self) -> Vec<AttributeFigures> {
        let reports = self.attributes.into_iter();
        let (transferred, measured): (Vec<Report>, Vec<Report>) = reports
            .filter(|report| report.metrics.users > 0)
            .partition(|report| report.transferred);
        for report in &transferred {
            notice!(
                "{}: transferred, so its figures are not written to the card",
                title(report)
            );
        }
        measured.into_iter().map(AttributeFigures::from).collect()
    }
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let mut predictor = arguments.model.load()?;
    let base_rates = arguments.base_rates.read()?;
    base_rates.check(predictor.attributes())?;
    match check_unseen(predictor.card(), arguments.split.as_deref()) {
        Err(failure) if arguments.write_card.is_some() => return Err(failure),
        Err(warning) => notice!("{warning}"),
        Ok(()) => {}
    }
    if let Some(words) = arguments.max_words {
        predictor.read_at_most(words as usize);
    }
    let create = |path: &Option<PathBuf>| path.as_deref().map(PendingFile::create).transpose();
    let json = create(&arguments.json)?;
    let bundle = create(&arguments.write_card)?;
    let labels = arguments.labels.read()?;
    (labels.check(predictor.attributes())).map_err(|what| format!("--map: {what}"))?;
    let corpus = arguments.corpus.open()?.with_labels(labels);
    let figures = match &arguments.split {
        Some(split) => measure(&mut predictor, corpus, Some(split), &base_rates)?,
        None => {
            let split = arguments.model.bundle.with_file_name(SPLIT);
            let learned_from = learned_from(&split, &corpus);
            let users = Users::All { learned_from };
            let figures = score(&mut predictor, corpus, &users, &base_rates)?;
            warn_of_seen(&figures, predictor.card(), &split);
            figures
        }
    };
    print_text(&to_text(&figures))?;
    for report in &figures.attributes {
        let users: Vec<usize> = (report.metrics.classes.iter())
            .map(|class| class.support)
            .collect();
        if let Some(warning) = few_users_warning(&title(report), &report.labels, &users) {
            notice!("{warning}");
        }
    }
    if let Some(file) = json {
        file.finish(|out| {
            serde_json::to_writer_pretty(&mut *out, &figures)?;
            out.write_all(b"\n")
        })?;
    }
    if let Some(file) = bundle {
        let mut bundle = read_bundle(&arguments.model.bundle)?;
        bundle.card.figures = figures.into_card();
        bundle.card.refit = false;
        let bytes = bundle.to_bytes()?;
        file.finish(|out| out.write_all(&bytes))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The users that the run of this split has learned from; `None` without such a file.
fn learned_from(split: &Path, corpus: &Corpus) -> Option<PartUsers> {
    if !split.exists() {
        return None;
    }
    let users = PartUsers::learned_from(split, corpus.files());
    users.map_err(|error| notice!("{error}")).ok()
}

/// Warns of users that the model has learned from.
fn warn_of_seen(figures: &Figures, card: &ModelCard, split: &Path) {
    let Some(seen) = figures.learned_from.filter(|&seen| seen > 0) else {
        return;
    };
    let advice = match card.refit {
        true => {
            "this model is a refit, which has no test users: measure it on other users".to_owned()
        }
        false => format!(
            "score the test users alone with --split {}",
            split.display()
        ),
    };
    notice!(
        "{} of these {} users are training or validation users of {} (by file name and id), so the figures are too high; \
         {advice}",
        count(seen),
        count(figures.users),
        split.display()
    );
}

/// Fails if the test users of a split are training users of the model: a refit learns from them too.
pub(super) fn check_unseen(card: &ModelCard, split: Option<&Path>) -> Result<(), Failure> {
    match split {
        Some(split) if card.refit => Err(format!(
            "the model is a refit, whose training users include the test users of {}; measure it on other users, without --split",
            split.display()
        )
        .into()),
        _ => Ok(()),
    }
}

/// The figures of a model on the users of a corpus, or only on the test users of a split, with labels under these base rates.
/// It is an error if none of them has a label that is a class of the model.
pub(super) fn measure(
    predictor: &mut Predictor,
    corpus: Corpus,
    split: Option<&Path>,
    base_rates: &BaseRates,
) -> Result<Figures, Failure> {
    let users = match split {
        None => Users::All { learned_from: None },
        Some(split) => Users::Test {
            split,
            users: PartUsers::read(split, Part::Test, corpus.files())?,
        },
    };
    score(predictor, corpus, &users, base_rates)
}

/// The users of a corpus that are scored.
enum Users<'a> {
    All {
        /// Those of them that the model has learned from, where this is known.
        learned_from: Option<PartUsers>,
    },
    /// The test users of a split.
    Test { split: &'a Path, users: PartUsers },
}

fn score(
    predictor: &mut Predictor,
    corpus: Corpus,
    users: &Users,
    base_rates: &BaseRates,
) -> Result<Figures, Failure> {
    predictor.use_base_rates(BaseRates::Corpus)?;
    let (test_users, learned_from) = match users {
        Users::All { learned_from } => (None, learned_from.as_ref()),
        Users::Test { users, .. } => (Some(users), None),
    };
    let mut seen = 0;
    let mut evaluations = Evaluation::of_model(predictor.settings(), base_rates);
    let (mut all, mut without_known_words) = (0, 0);
    let bad_records = predict_chunks_of_files(
        predictor,
        corpus,
        test_users,
        Some(Progress::new("predicting", "users", None)),
        |file, users, predictions| {
            for (user, prediction) in users.iter().zip(predictions) {
                all += 1;
                let is_seen = |part: &PartUsers| part.contains(file, &RecordKey::new(user));
                seen += u64::from(learned_from.is_some_and(is_seen));
                without_known_words += u64::from(prediction.known_words == 0);
                // Evaluations and predictions are both in the order of the model's attributes.
                let of_language = (evaluations.iter_mut())
                    .filter(|evaluation| evaluation.language() == prediction.language);
                let predicted = prediction.predictions.iter();
                for (evaluation, (attribute, predicted)) in of_language.zip(predicted) {
                    evaluation.add(user.label(attribute), predicted);
                }
            }
            Ok(())
        },
    )?;
    if let (Users::Test { split, .. }, 0) = (users, all) {
        let split = split.display();
        return Err(format!("{split}: none of its test users is in the corpus").into());
    }
    let figures = Figures {
        users: all,
        without_known_words,
        bad_records,
        learned_from: learned_from.map(|_| seen),
        // A language without users is left out.
        attributes: (evaluations.into_iter())
            .flat_map(Evaluation::reports)
            .filter(|report| report.language.is_none() || !report.is_empty())
            .collect(),
    };
    if figures
        .attributes
        .iter()
        .all(|report| report.metrics.users == 0)
    {
        let names: Vec<&str> = predictor
            .attributes()
            .iter()
            .map(|attribute| attribute.name.as_str())
            .collect();
        // Reports on coarse classes, which have other names, have the same labels.
        let of_classes = |report: &&Report| names.contains(&report.attribute.as_str());
        let found: String = (figures.attributes.iter().filter(of_classes))
            .filter(|report| !report.other_labels.is_empty())
            .map(|report| format!("; labels of {}: {}", title(report), other_labels(report)))
            .collect();
        let names = names.join(", ");
        return Err(format!(
            "none of {all} users has a label that is a class of the model, which predicts: {names}{found}"
        )
        .into());
    }
    Ok(figures)
}

fn to_text(figures: &Figures) -> String {
    let mut text = format!("{} users", count(figures.users));
    if figures.without_known_words > 0 {
        let _ = write!(
            text,
            ", {} of them without a known word",
            count(figures.without_known_words)
        );
    }
    text.push_str("\n\n");
    let header = [
        "",
        "users",
        "accuracy",
        "majority",
        "macro-F1",
        "F (paper)",
        "P",
        "R",
        "ECE",
        "log loss",
    ];
    let mut table = Table::new(header);
    for report in &figures.attributes {
        let metrics = &report.metrics;
        let measured = |value: f64| (metrics.users > 0).then_some(value);
        let figures = [
            measured(metrics.accuracy),
            measured(metrics.majority),
            measured(metrics.macro_f1),
            measured(metrics.f),
            measured(metrics.precision),
            measured(metrics.recall),
            report.calibration_error,
            report.log_loss,
        ];
        let row = [title(report), count(metrics.users as u64)];
        table.row(row.into_iter().chain(figures.map(figure)));
    }
    let _ = writeln!(text, "{table}\n{MEANINGS}\n");
    for report in &figures.attributes {
        let _ = writeln!(text, "{}", attribute(report));
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// The section of one attribute: users left out, coverage, the table of classes and the confusion matrix.
fn attribute(report: &Report) -> String {
    let mut text = format!("## {}\n\n", title(report));
    let confidence_threshold = report.confidence_threshold;
    if report.unlabelled > 0 {
        let _ = writeln!(
            text,
            "Left out, without a label: {}\n",
            count(report.unlabelled as u64)
        );
    }
    if !report.other_labels.is_empty() {
        let _ = writeln!(
            text,
            "Left out, with a label that is not a class: {}. --map ATTRIBUTE:LABEL=CLASS reads a label as a class.\n",
            other_labels(report)
        );
    }
    if report.metrics.users == 0 {
        text.truncate(text.trim_end().len());
        return text + "\n";
    }
    let _ = match &report.confident {
        None => writeln!(
            text,
            "Coverage 0.0 % (no probability of at least {confidence_threshold:.2})\n"
        ),
        Some(confident) => writeln!(
            text,
            "Coverage {:.1} %, accuracy when confident {:.1} % (probability of at least {confidence_threshold:.2})\n",
            100.0 * confident.coverage,
            100.0 * confident.accuracy
        ),
    };
    let mut classes = Table::new(["class", "P", "R", "F1", "users", "share", "mean p"]);
    let users = report.metrics.users as f64;
    let is_small = |class: &ClassMetrics| class.support < FEW_USERS;
    let mean_probabilities = report.mean_probabilities.iter().flatten();
    for ((label, class), &mean_probability) in
        (report.labels.iter().zip(&report.metrics.classes)).zip(mean_probabilities)
    {
        let mark = if is_small(class) { " *" } else { "" };
        let share = class.support as f64 / users;
        classes.row(
            std::iter::once(format!("{label}{mark}"))
                .chain([class.precision, class.recall, class.f1].map(figure))
                .chain([count(class.support as u64)])
                .chain([Some(share), Some(mean_probability)].map(figure)),
        );
    }
    let note = match report.metrics.classes.iter().any(is_small) {
        true => format!("Marked *: fewer than {FEW_USERS} users\n\n"),
        false => String::new(),
    };
    let mut confusion = Table::new(
        std::iter::once("true \\ predicted").chain(report.labels.iter().map(String::as_str)),
    );
    for (label, row) in report.labels.iter().zip(&report.metrics.confusion) {
        confusion.row(
            std::iter::once(label.clone()).chain(row.iter().map(|&users| count(users as u64))),
        );
    }
    let _ = writeln!(text, "{classes}\n{note}{confusion}");
    text
}

/// The labels of users who are left out because of them.
fn other_labels(report: &Report) -> String {
    let labels = report.other_labels.iter();
    listed(labels.map(|(label, &users)| (label.as_str(), users)))
}

/// The attribute, with the language for a model of two languages.
fn title(report: &Report) -> String {
    in_language(&report.attribute, report.language)
}

fn figure(value: Option<f64>) -> String {
    value.map_or("–".into(), |value| format!("{value:.3}"))
}
