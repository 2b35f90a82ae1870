//! `auxlstm evaluate`: how well a model predicts labelled users.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::value_parser;
use futures_lite::future::block_on;
use model_core::bundle::Bundle;
use model_core::card::{AttributeFigures, ModelCard};
use model_core::language::Language;
use model_core::predictor::Predictor;
use serde::Serialize;
use serde_json::Value;

use super::model::{ModelArguments, read_bundle};
use super::{CorpusArguments, Failure, print, report_bad_records};
use crate::corpus::Corpus;
use crate::evaluation::{Evaluation, Report};
use crate::output::PendingFile;
use crate::progress::Progress;
use crate::table::{Table, count};
use crate::training::examples::SplitIds;

/// Score a model on labelled users that its training never saw
///
/// Prints for each attribute, and for its groups, the figures of the paper (macro precision P, macro recall R, and
/// F = 2PR/(P+R)), accuracy beside the majority baseline, the mean of the classes' F1, the expected calibration
/// error (ECE), the mean −ln p of the true class (log loss), how many the model is sure about and how many of these it
/// gets right, a table of the classes, and the confusion matrix. The JSON file also has the reliability diagram, and
/// coverage and accuracy at other probabilities. Users without a label for an attribute are no examples for it.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    corpus: CorpusArguments,
    /// Read only so many words of each user, to see how the model does on shorter texts
    #[arg(long, value_name = "WORDS", value_parser = value_parser!(u32).range(1..))]
    max_words: Option<u32>,
    /// Only the test users of this split: `auxlstm train` leaves its own beside the model, as split.json
    #[arg(long, value_name = "FILE")]
    split: Option<PathBuf>,
    /// Write the figures to this file too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the model to this file, with these figures in its card; it may be BUNDLE itself
    #[arg(long, value_name = "FILE", conflicts_with = "max_words")]
    write_card: Option<PathBuf>,
}

/// Foreign labels that are named at most: a field of free text has thousands.
const MOST_LABELS: usize = 10;

#[derive(Serialize)]
pub(super) struct Figures {
    users: u64,
    without_known_words: u64,
    bad_records: u64,
    attributes: Vec<Report>,
}

impl Figures {
    /// What a model card says of them: nothing of an attribute that the model calls transferred.
    pub(super) fn into_card(self) -> Vec<AttributeFigures> {
        let reports = self.attributes.into_iter();
        let (transferred, measured): (Vec<Report>, Vec<Report>) = reports
            .filter(|report| report.metrics.users > 0)
            .partition(|report| report.transferred);
        for report in &transferred {
            eprintln!(
                "{}: the model calls it transferred; its figures are left off the card",
                title(report)
            );
        }
        measured.into_iter().map(AttributeFigures::from).collect()
    }
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let mut predictor = arguments.model.load()?;
    if arguments.write_card.is_some() {
        check_unseen(predictor.card(), arguments.split.as_deref())?;
    }
    if let Some(words) = arguments.max_words {
        predictor.read_at_most(words as usize);
    }
    let create = |path: &Option<PathBuf>| path.as_deref().map(PendingFile::create).transpose();
    let json = create(&arguments.json)?;
    let bundle = create(&arguments.write_card)?;
    let corpus = arguments.corpus.open()?;
    let figures = measure(&predictor, corpus, arguments.split.as_deref())?;
    print(&to_text(&figures))?;
    if let Some(file) = json {
        file.finish(|out| {
            serde_json::to_writer_pretty(&mut *out, &figures)?;
            out.write_all(b"\n")
        })?;
    }
    if let Some(file) = bundle {
        let mut bundle = Bundle::from_bytes(&read_bundle(&arguments.model.bundle)?)?;
        bundle.card.figures = figures.into_card();
        bundle.card.refit = false;
        let bytes = bundle.to_bytes()?;
        file.finish(|out| out.write_all(&bytes))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether the test users of a split may be called unseen by the model on its card: not where it is a refit.
pub(super) fn check_unseen(card: &ModelCard, split: Option<&Path>) -> Result<(), Failure> {
    match split {
        Some(split) if card.refit => Err(format!(
            "the model is a refit, which has learned from the test users of {} too: measure it on others, without --split",
            split.display()
        )
        .into()),
        _ => Ok(()),
    }
}

/// How well a model predicts the users of a corpus, or only the test users of a split. None of them with a label that it
/// knows is an error.
pub(super) fn measure(
    predictor: &Predictor,
    corpus: Corpus,
    split: Option<&Path>,
) -> Result<Figures, Failure> {
    let is_wanted = split.map(test_users).transpose()?;
    let mut evaluations = Evaluation::of_model(predictor.settings());
    let (mut all, mut without_known_words) = (0, 0);
    let mut progress = Progress::new("predicting", "users", None);
    let mut corpus = corpus.with_report(progress.bad_record_printer());
    loop {
        let mut users = corpus.read_chunk()?;
        if users.is_empty() {
            break;
        }
        if let Some(is_wanted) = &is_wanted {
            users.retain(|user| is_wanted(corpus.path(), &user.id()));
        }
        let posts: Vec<Vec<String>> = users
            .iter_mut()
            .map(|user| std::mem::take(&mut user.posts))
            .collect();
        for (user, prediction) in users.iter().zip(block_on(predictor.predict(&posts))?) {
            all += 1;
            without_known_words += u64::from(prediction.known_words == 0);
            // Evaluations and predictions are both in the order of the model's attributes.
            let of_language = (evaluations.iter_mut())
                .filter(|evaluation| evaluation.language() == prediction.language);
            let predicted = prediction.predictions.iter();
            for (evaluation, (attribute, predicted)) in of_language.zip(predicted) {
                evaluation.add(user.label(attribute), predicted);
            }
        }
        progress.set(all);
    }
    drop(progress);
    report_bad_records(&corpus);
    if let Some(split) = split.filter(|_| all == 0) {
        let split = split.display();
        return Err(format!("{split}: none of its test users is in the corpus").into());
    }
    let figures = Figures {
        users: all,
        without_known_words,
        bad_records: corpus.bad_records(),
        // Of a language that nobody of them writes there is nothing to say.
        attributes: (evaluations.into_iter())
            .flat_map(Evaluation::reports)
            .filter(|report| report.language.is_none() || !report.is_of_nobody())
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
        let names = names.join(", ");
        return Err(format!(
            "none of {all} users has a label that the model knows; it predicts: {names}"
        )
        .into());
    }
    Ok(figures)
}

/// Whether the user of a file with an id is a test user of a split.
fn test_users(split: &Path) -> Result<impl Fn(&Path, &Value) -> bool, Failure> {
    let name = split.display();
    let text = std::fs::read_to_string(split).map_err(|error| format!("{name}: {error}"))?;
    let ids: SplitIds = serde_json::from_str(&text)
        .map_err(|error| format!("{name}: not the split of a training run: {error}"))?;
    Ok(ids.test.lookup())
}

fn to_text(figures: &Figures) -> String {
    let mut text = format!("{} users", count(figures.users));
    if figures.without_known_words > 0 {
        let _ = write!(
            text,
            ", {} of them without a word that the model knows",
            count(figures.without_known_words)
        );
    }
    text.push_str("\n\n");
    let header = [
        "",
        "users",
        "accuracy",
        "majority",
        "P",
        "R",
        "F",
        "mean class F1",
        "ECE",
        "log loss",
    ];
    let mut table = Table::new(header);
    for report in &figures.attributes {
        let Report {
            metrics,
            calibration_error,
            log_loss,
            ..
        } = report;
        let mut row = vec![title(report), count(metrics.users as u64)];
        if metrics.users == 0 {
            row.resize(header.len(), "–".into());
            table.row(row);
            continue;
        }
        let shares = [
            metrics.accuracy,
            metrics.majority,
            metrics.precision,
            metrics.recall,
            metrics.f,
        ];
        row.extend(
            shares
                .iter()
                .chain([&metrics.mean_class_f1, calibration_error, log_loss])
                .copied()
                .map(figure),
        );
        table.row(row);
    }
    let _ = writeln!(text, "{table}");
    for report in &figures.attributes {
        let _ = writeln!(text, "{}", attribute(report));
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// How far one attribute can be believed, its classes, and how often each was taken for each other.
fn attribute(report: &Report) -> String {
    let mut text = format!("## {}\n\n", title(report));
    let confidence_threshold = report.confidence_threshold;
    if report.unlabelled > 0 {
        let _ = writeln!(
            text,
            "Without a label, and left out: {}\n",
            count(report.unlabelled as u64)
        );
    }
    if !report.other_labels.is_empty() {
        let mut labels: Vec<_> = report.other_labels.iter().collect();
        labels.sort_by_key(|(_, users)| std::cmp::Reverse(**users));
        let mut shown: Vec<String> = (labels.iter().take(MOST_LABELS))
            .map(|(label, users)| format!("{label:?} ({users})"))
            .collect();
        if labels.len() > MOST_LABELS {
            shown.push(format!(
                "and {} other labels",
                count((labels.len() - MOST_LABELS) as u64)
            ));
        }
        let _ = writeln!(
            text,
            "With a label that is none of the classes, and left out: {}\n",
            shown.join(", ")
        );
    }
    if report.metrics.users == 0 {
        text.truncate(text.trim_end().len());
        return text + "\n";
    }
    let _ = match &report.confident {
        None => writeln!(
            text,
            "Confident ({confidence_threshold:.2} or more) about nobody\n"
        ),
        Some(confident) => writeln!(
            text,
            "Confident ({confidence_threshold:.2} or more) about {:.1} % of the users, right about {:.1} % of these\n",
            100.0 * confident.coverage,
            100.0 * confident.accuracy
        ),
    };
    let mut classes = Table::new(["class", "P", "R", "F1", "users"]);
    for (label, class) in report.labels.iter().zip(&report.metrics.classes) {
        let shares = [class.precision, class.recall, class.f1].map(figure);
        classes.row(
            std::iter::once(label.clone())
                .chain(shares)
                .chain([count(class.support as u64)]),
        );
    }
    let mut confusion = Table::new(
        std::iter::once("true \\ predicted").chain(report.labels.iter().map(String::as_str)),
    );
    for (label, row) in report.labels.iter().zip(&report.metrics.confusion) {
        confusion.row(
            std::iter::once(label.clone()).chain(row.iter().map(|&users| count(users as u64))),
        );
    }
    let _ = writeln!(text, "{classes}\n{confusion}");
    text
}

/// The attribute, with the language where the model reads two.
fn title(report: &Report) -> String {
    match report.language {
        Some(Language::Chinese) => format!("{}, Chinese text", report.attribute),
        Some(Language::Other) => format!("{}, other text", report.attribute),
        None => report.attribute.clone(),
    }
}

fn figure(value: f64) -> String {
    format!("{value:.3}")
}
