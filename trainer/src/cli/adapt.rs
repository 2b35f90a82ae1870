//! `auxlstm adapt`: fits the calibration of a model to labelled users of another population.

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use model_core::bundle::{Bundle, Settings};
use model_core::card::AttributeFigures;
use model_core::language::Language;
use model_core::predictor::Predictor;
use model_core::word_frequencies::WordFrequencies;

use super::model::{ModelArguments, check_attributes};
use super::{CorpusArguments, Failure, LabelArguments, outputs, print_text, share};
use crate::adaptation::{Adapted, LEAST_USERS, adapt, expected_shares};
use crate::bundle::read_bundle;
use crate::config::Config;
use crate::evaluation::{are_fair_sample, in_language};
use crate::output::PendingFile;
use crate::progress::notice;
use crate::recalibration::{of_task, texts_by_length};
use crate::table::{Table, count, counted};
use crate::training::calibration::class_moments;
use crate::training::examples::{self, Example};

/// Fit a model to your own population, from some labelled users of it
///
/// Other users write differently: a model's probabilities, and the shares that `auxlstm population` estimates, do not hold for
/// them. This command leaves the network as it is and fits its calibration, base rates and class moments to labelled users. An
/// attribute is adapted if at least 50 users have a class of it, and at most 5 % of the labels are intervals of classes.
/// Figures before and after are printed, those after by cross-validation, and a learning curve shows what fewer users bring.
/// Where a fitted calibration has no lower log loss, the model's is kept. An attribute that is predicted no better than by the
/// shares of its classes is not adapted, and the reason is printed. Attributes that are not adapted lose their class moments,
/// which are those of other users.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    corpus: CorpusArguments,
    #[command(flatten)]
    labels: LabelArguments,
    /// The adapted bundle
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Adapt only this attribute. Can be repeated
    #[arg(long, value_name = "NAME")]
    attribute: Vec<String>,
    /// The accuracy that confident predictions must reach
    #[arg(long, value_name = "SHARE", value_parser = share(1.0), default_value_t = Config::default().accuracy_when_confident)]
    accuracy_when_confident: f64,
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    let model = arguments.model.bundle.as_path();
    let read = (arguments.corpus.files()).chain(arguments.model.other_files());
    let read = read.chain([model]);
    outputs::check([&arguments.output], read)?;
    let predictor = arguments.model.load()?;
    let mut bundle = read_bundle(&arguments.model.bundle)?;
    let output = PendingFile::create(&arguments.output)?;
    let (attributes, reader) = (predictor.attributes(), predictor.reader());
    check_attributes("--attribute", &arguments.attribute, attributes)?;
    arguments.corpus.reading.check_labels(attributes)?;
    let labels = arguments.labels.read_for(attributes)?;
    let corpus = arguments.corpus.open()?.with_labels(labels);
    let read = examples::read(corpus, attributes, reader, |_, _| {})?;
    for (index, attribute) in attributes.iter().enumerate() {
        if let Some(labels) = read.other_labels_of(index, |_| true) {
            notice!(
                "{}: labels that are not classes, left out: {labels}; --map ATTRIBUTE:LABEL=CLASS reads a label as a class",
                attribute.name
            );
        }
    }
    notice!(
        "{}; {}",
        counted(read.users.len() as u64, "labelled user"),
        read.left_out()
    );
    warn_of_seen(&read.users, &bundle);
    let users: Vec<&Example> = read.users.iter().collect();
    let mut reasons = Vec::new();
    let mut adapted_attributes = Vec::new();
    for language in predictor.settings().languages() {
        let mut adapted_tasks = Vec::new();
        let by_length = texts_by_length(&predictor, &users, language)?;
        for (task, attribute) in predictor.attributes().iter().enumerate() {
            let by_length = of_task(&by_length, task);
            let whole = by_length.last().map_or(&[][..], |(_, whole)| whole);
            let is_wanted =
                arguments.attribute.is_empty() || arguments.attribute.contains(&attribute.name);
            if whole.is_empty() || !is_wanted {
                continue;
            }
            let name = in_language(&attribute.name, language);
            let found = whole.iter().filter(|text| text.class().is_some()).count();
            let intervals = whole.len() - found;
            if !are_fair_sample(intervals, whole.len()) {
                reasons.push(format!(
                    "{name}: {} with an interval label, which covers several classes: so many that the {} with one class are \
                     not a fair sample",
                    counted(intervals as u64, "user"),
                    count(found as u64)
                ));
                continue;
            }
            if found < LEAST_USERS {
                reasons.push(format!(
                    "{name}: {} with a class of it; at least {LEAST_USERS} are needed",
                    counted(found as u64, "user")
                ));
                continue;
            }
            let before = predictor.settings().calibration(task, language);
            let accuracy = arguments.accuracy_when_confident;
            let mut adapted = adapt(before, attribute, whole, accuracy);
            print_text(&to_text(&name, whole.len(), &adapted))?;
            if let Some(reason) = useless(&adapted) {
                reasons.push(format!("{name}: {reason}"));
                continue;
            }
            let calibration = &mut adapted.calibration;
            calibration.moments = class_moments(&by_length, attribute, &calibration.calibration);
            if let Some(moments) = &mut calibration.moments {
                moments.expected_shares = expected_shares(whole, attribute);
            }
            if !adapted.is_fitted {
                notice!(
                    "{name}: the model's calibration is kept, because a fitted one has no lower log loss; its class moments \
                     are fitted"
                );
            }
            replace_figures(
                &mut bundle.card.figures,
                language,
                adapted.after().reports.clone(),
            );
            *bundle.settings.calibration_mut(task, language) = adapted.calibration;
            adapted_tasks.push(task);
            adapted_attributes.push(name);
        }
        if !adapted_tasks.is_empty() {
            replace_word_frequencies(&mut bundle.settings, &predictor, &users, language);
            forget_moments(&mut bundle.settings, &adapted_tasks, language);
        }
    }
    for reason in &reasons {
        notice!("not adapted: {reason}");
    }
    if adapted_attributes.is_empty() {
        return Err(match reasons.is_empty() {
            true => {
                let fields = arguments.corpus.known_fields();
                format!("no user has a label that is a class of the model{fields}").into()
            }
            false => "no attribute was adapted, so no bundle is written".into(),
        });
    }
    let names: Vec<String> = (arguments.corpus.paths.iter())
        .map(|path| path.display().to_string())
        .collect();
    let _ = write!(
        bundle.card.data,
        " Calibration fitted to {} users of {}: {}; the figures of these attributes are cross-validated on those users.",
        users.len(),
        names.join(", "),
        adapted_attributes.join(", ")
    );
    let bytes = bundle.to_bytes()?;
    output.finish(|out| out.write_all(&bytes))?;
    Ok(ExitCode::SUCCESS)
}

/// Warns of users that the model has learned from, as far as their posts tell.
fn warn_of_seen(users: &[Example], bundle: &Bundle) {
    let seen = bundle.seen();
    let learned_from = (users.iter())
        .filter(|user| seen.contains(&user.fingerprint))
        .count();
    if learned_from > 0 {
        notice!(
            "{} of these {} users are training or validation users of this model (by their posts), whom it judges better than \
             others: what is fitted to them does not hold for others; name users that the model has not learned from",
            count(learned_from as u64),
            count(users.len() as u64)
        );
    }
}

/// Why an attribute cannot be adapted; `None` if it can.
fn useless(adapted: &Adapted) -> Option<String> {
    let log_loss = adapted.after().reports[0].log_loss?;
    let alone = adapted.shares_alone;
    (log_loss >= alone).then(|| {
        format!(
            "the model is not informative about these users (log loss {log_loss:.3}; {alone:.3} for always predicting the shares \
             of the classes); train a model on such users instead"
        )
    })
}

/// Puts the figures of an attribute in a language in the place of earlier ones.
fn replace_figures(
    figures: &mut Vec<AttributeFigures>,
    language: Option<Language>,
    reports: Vec<crate::evaluation::Report>,
) {
    for report in reports
        .into_iter()
        .filter(|report| report.metrics.users > 0)
    {
        let new = AttributeFigures {
            language,
            adapted: true,
            ..AttributeFigures::from(report)
        };
        figures.retain(|old| (&old.attribute, old.language) != (&new.attribute, language));
        figures.push(new);
    }
}

/// The texts of the users become those that other texts are compared with.
fn replace_word_frequencies(
    settings: &mut Settings,
    predictor: &Predictor,
    users: &[&Example],
    language: Option<Language>,
) {
    let vocabulary = &predictor.reader().vocabulary;
    let is_in =
        |text: &&[u32]| language.is_none_or(|language| Language::of(text, vocabulary) == language);
    let texts = users.iter().map(|user| &user.words[..]).filter(is_in);
    let (languages, place) = (settings.languages().len(), settings.place_of(language));
    (settings.word_frequencies).resize_with(languages, WordFrequencies::default);
    let before = &mut settings.word_frequencies[place];
    *before = match before.words.is_empty() {
        true => WordFrequencies::of(texts, vocabulary.len()),
        false => before.of_same_words(texts, vocabulary.len()),
    };
}

/// Removes the class moments of the attributes that were not adapted. Texts are now compared with those of the labelled users,
/// so that texts like these would no longer be called unlike, but the moments are those of other users.
fn forget_moments(settings: &mut Settings, adapted: &[usize], language: Option<Language>) {
    for task in (0..settings.attributes.len()).filter(|task| !adapted.contains(task)) {
        if settings
            .calibration_mut(task, language)
            .moments
            .take()
            .is_some()
        {
            notice!(
                "{}: not adapted, so the adapted model estimates no shares of its classes; the model before does, for users like \
                 its training users",
                in_language(&settings.attributes[task].name, language)
            );
        }
    }
}

fn to_text(name: &str, users: usize, adapted: &Adapted) -> String {
    let mut text = format!("## {name}: {}\n\n", counted(users as u64, "user"));
    let mut figures = Table::new(["", "log loss", "accuracy", "macro-F1", "F (paper)", "ECE"]);
    for (name, of) in [("before", &adapted.before), ("fitted", &adapted.fitted)] {
        for report in of.reports.iter().filter(|report| report.metrics.users > 0) {
            let level = match report.attribute.ends_with("(coarse)") {
                true => ", coarse",
                false => "",
            };
            let cells = [
                report.log_loss,
                Some(report.metrics.accuracy),
                Some(report.metrics.macro_f1),
                Some(report.metrics.f),
                report.calibration_error,
            ];
            let cells =
                cells.map(|figure| figure.map_or("–".into(), |figure| format!("{figure:.3}")));
            figures.row([format!("{name}{level}")].into_iter().chain(cells));
        }
    }
    let alone = format!("{:.3}", adapted.shares_alone);
    figures.row([
        "shares alone".to_owned(),
        alone,
        "–".into(),
        "–".into(),
        "–".into(),
        "–".into(),
    ]);
    let mut shares = Table::new(["share of", "users", "estimated before", "estimated after"]);
    let percent = |share: Option<f64>| {
        share.map_or("–".to_owned(), |share| format!("{:.1} %", 100.0 * share))
    };
    let labels = &adapted.before.reports[0].labels;
    for (class, label) in labels.iter().enumerate() {
        let estimated =
            |shares: &Option<Vec<f64>>| percent(shares.as_ref().map(|shares| shares[class]));
        shares.row([
            label.clone(),
            percent(Some(adapted.shares[class])),
            estimated(&adapted.before.shares),
            estimated(&adapted.estimated_shares),
        ]);
    }
    let _ = write!(text, "{figures}\n{shares}\n");
    if !adapted.curve.is_empty() {
        let mut curve = Table::new([
            "labelled users",
            "log loss",
            "accuracy",
            "error of the shares",
        ]);
        for point in &adapted.curve {
            curve.row([
                point.users.to_string(),
                format!("{:.3}", point.log_loss),
                format!("{:.3}", point.accuracy),
                percent(Some(point.share_error).filter(|error| error.is_finite())),
            ]);
        }
        let _ = writeln!(text, "{curve}");
    }
    text
}
