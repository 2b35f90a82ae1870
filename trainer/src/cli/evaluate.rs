//! `auxlstm evaluate`: the figures of a model on labelled users.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::value_parser;
use model_core::attribute::Attribute;
use model_core::base_rates::BaseRates;
use model_core::card::{AttributeFigures, ModelCard};
use model_core::prediction::UserPrediction;
use model_core::predictor::Predictor;
use serde::Serialize;

use super::base_rates::BaseRatesArgument;
use super::model::ModelArguments;
use super::prediction::predict_chunks;
use super::{CorpusArguments, Failure, LabelArguments, outputs, print_text, too_many_groups};
use crate::bundle::read_bundle;
use crate::corpus::{Corpus, Part, PartUsers, RecordKey, User, fingerprint, listed};
use crate::document::Document;
use crate::evaluation::{Evaluation, Report, add_groups, add_sections, few_users_warning, title};
use crate::output::PendingFile;
use crate::progress::{Progress, notice};
use crate::table::{count, counted};
use crate::training::SPLIT;

/// Score a model on labelled users that its training never saw
///
/// Training users of the model are found by their posts, or by the split.json beside it, and warned of unless --split names a
/// split.
///
/// Prints for each attribute, and for its coarse classes, accuracy and the majority baseline, macro-F1 (the mean of the
/// classes' F1), the paper's F (2PR/(P+R) of P and R averaged over the classes), precision P and recall R averaged so, the
/// expected calibration error (ECE), the log loss (mean −ln p of the true class), coverage and accuracy at the model's
/// confidence threshold, a table of the classes with their true and predicted shares, and the confusion matrix. Intervals are
/// of 95 %, from 1,000 bootstrap samples of the users. Labels are those under --base-rates; ECE, log loss
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
    /// Also score each group of users with the same value of this field, to see who is misjudged. An attribute of the model
    /// gives a group for each of its classes
    #[arg(long, value_name = "FIELD")]
    by: Option<String>,
    /// Also write the figures to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also write the figures to this HTML page, with drawings
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the model with these figures, under equal base rates, in its card to this file, which may be BUNDLE itself
    #[arg(long, value_name = "FILE", conflicts_with = "max_words")]
    write_card: Option<PathBuf>,
}

/// The fewest users of one language whose figures go to the card of a model of two. A corpus may have a few users who write
/// the other language.
const FEWEST_OF_LANGUAGE: usize = 30;

/// The most groups of --by. More are likely a field that differs for every user.
const MOST_GROUPS: usize = 100;

#[derive(Serialize)]
pub(super) struct Figures {
    users: u64,
    without_known_words: u64,
    bad_records: u64,
    /// The number of these users that the model was trained or validated on, where this is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    learned_from: Option<u64>,
    /// What makes the figures doubtful.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    attributes: Vec<Report>,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Groups>,
}

/// The figures of groups of users with the same value of a field.
#[derive(Serialize)]
struct Groups {
    field: String,
    without_field: u64,
    groups: Vec<Group>,
}

#[derive(Serialize)]
struct Group {
    group: String,
    attributes: Vec<Report>,
}

impl Figures {
    /// The figures for a model card, without those of transferred attributes and of languages with few users.
    pub(super) fn into_card(self) -> Vec<AttributeFigures> {
        let measured = self.attributes.into_iter().filter(|report| {
            let users = report.metrics.users;
            let why = match report.transferred {
                true => "transferred".to_owned(),
                false if report.language.is_some() && users < FEWEST_OF_LANGUAGE => {
                    format!("only {users} users")
                }
                false => return users > 0,
            };
            if users > 0 {
                notice!(
                    "{}: {why}, so its figures are not written to the card",
                    title(report)
                );
            }
            false
        });
        measured.map(AttributeFigures::from).collect()
    }
}

impl Arguments {
    /// Checks that no output overwrites a file that is read. --write-card may replace the bundle.
    fn check_outputs(&self) -> Result<(), Failure> {
        let figures = || self.json.iter().chain(&self.html);
        outputs::check(figures(), [self.model.bundle.as_path()])?;
        let read = (self.corpus.files().chain(self.split.as_deref()))
            .chain(self.model.other_files())
            .chain(self.base_rates.file());
        outputs::check(figures().chain(&self.write_card), read)
    }
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    arguments.check_outputs()?;
    let mut predictor = arguments.model.load()?;
    let base_rates = arguments.base_rates.read()?;
    base_rates.check(predictor.attributes())?;
    if arguments.write_card.is_some() && base_rates != BaseRates::Equal {
        let what = "--write-card: the figures of a card are those under equal base rates; leave --base-rates out";
        return Err(what.into());
    }
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
    let html = create(&arguments.html)?;
    let bundle = create(&arguments.write_card)?;
    (arguments.corpus.reading).check_labels(predictor.attributes())?;
    let labels = arguments.labels.read_for(predictor.attributes())?;
    let corpus = arguments.corpus.open()?.with_labels(labels);
    let mut trained = read_bundle(&arguments.model.bundle)?;
    let figures = score(
        &mut predictor,
        Trained {
            bundle: &arguments.model.bundle,
            seen: &trained.seen(),
        },
        corpus,
        arguments.split.as_deref(),
        &base_rates,
        Options {
            intervals: true,
            by: arguments.by.as_deref(),
            fields: &|| arguments.corpus.known_fields(),
        },
    )?;
    print_text(document(&figures, &arguments, false).body().trim_start())?;
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
    if let Some(file) = html {
        let page = document(&figures, &arguments, true).to_html();
        file.finish(|out| out.write_all(page.as_bytes()))?;
    }
    if let Some(file) = bundle {
        trained.card.figures = figures.into_card();
        trained.card.refit = false;
        let bytes = trained.to_bytes()?;
        file.finish(|out| out.write_all(&bytes))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The users that a model was trained or validated on, as far as they are known.
struct Seen<'a> {
    /// The fingerprints of their posts.
    posts: &'a HashSet<u32>,
    /// Those of the split of the model's run.
    split: Option<PartUsers>,
}

impl<'a> Seen<'a> {
    /// With those of the split beside the model.
    fn read(model: Trained<'a>, corpus: &Corpus) -> Self {
        let split = model.bundle.with_file_name(SPLIT);
        let learned_from = || {
            let users = PartUsers::learned_from(&split, corpus.files());
            users.map_err(|error| notice!("{error}")).ok()
        };
        Self {
            split: split.exists().then(learned_from).flatten(),
            ..Self::by_posts(model)
        }
    }

    /// The users as far as their posts tell.
    fn by_posts(model: Trained<'a>) -> Self {
        Self {
            posts: model.seen,
            split: None,
        }
    }

    fn is_empty(&self) -> bool {
        self.posts.is_empty() && self.split.is_none()
    }

    /// Whether a user of this file of the corpus (an index) is one of them.
    fn contains(&self, file: usize, user: &User) -> bool {
        let is_in_split = |part: &PartUsers| part.contains(file, &RecordKey::new(user));
        self.posts.contains(&fingerprint(user)) || self.split.as_ref().is_some_and(is_in_split)
    }
}

/// A warning of users that the model has learned from, or that nothing is known of them. `split` is the one whose test users
/// they are, if any.
fn seen_warning(
    figures: &Figures,
    card: &ModelCard,
    bundle: &Path,
    split: Option<&Path>,
) -> Option<String> {
    let (seen, users) = match (figures.learned_from, split) {
        (Some(0), _) | (None, Some(_)) => return None,
        (None, None) => {
            return Some(format!(
                "whether the model has learned from these users was not checked: {} has no list of its training users \
                 (compact leaves it out); figures of users that it has learned from are too high",
                bundle.display()
            ));
        }
        (Some(seen), _) => (count(seen), count(figures.users)),
    };
    if let Some(split) = split {
        return Some(format!(
            "{seen} of these {users} test users have the posts of training or validation users of this model, so the figures \
             are too high: other users wrote the same, or the corpus is not the one that {} divides",
            split.display()
        ));
    }
    let split = bundle.with_file_name(SPLIT);
    let advice = match card.refit {
        true => {
            "this model is a refit, which has no test users: measure it on other users".to_owned()
        }
        false if split.exists() => format!(
            "if this is the corpus of its training, score only the test users with --split {}",
            split.display()
        ),
        false => "if this is the corpus of its training, score only the test users: --split names the split.json of the run".to_owned(),
    };
    Some(format!(
        "{seen} of these {users} users are training or validation users of this model, or have posts like theirs, so the figures \
         are too high; {advice}"
    ))
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

/// A model as it was trained.
#[derive(Clone, Copy)]
pub(super) struct Trained<'a> {
    /// The file that holds it.
    pub(super) bundle: &'a Path,
    /// See [`Bundle::seen`](model_core::bundle::Bundle::seen).
    pub(super) seen: &'a HashSet<u32>,
}

/// What is reported beside the figures of all users.
#[derive(Clone, Copy)]
pub(super) struct Options<'a> {
    pub(super) intervals: bool,
    /// The field whose values divide the users into groups.
    pub(super) by: Option<&'a str>,
    /// The end of a message that a field is missing.
    pub(super) fields: &'a dyn Fn() -> String,
}

/// The figures of a model on the users of a corpus, or only on the test users of a split, with labels under these base rates.
/// Warns of users that the model has learned from, and of test users that are missing.
/// It is an error if no user has a label that is a class of the model.
pub(super) fn score(
    predictor: &mut Predictor,
    model: Trained<'_>,
    corpus: Corpus,
    split: Option<&Path>,
    base_rates: &BaseRates,
    options: Options,
) -> Result<Figures, Failure> {
    let test_users = split
        .map(|split| PartUsers::read(split, Part::Test, corpus.files()))
        .transpose()?;
    let seen = match split {
        None => Seen::read(model, &corpus),
        Some(_) => Seen::by_posts(model),
    };
    let seen = Some(&seen).filter(|seen| !seen.is_empty());
    predictor.use_base_rates(BaseRates::Corpus)?;
    let names = predictor.attributes().iter().map(|of| of.name.as_str());
    let corpus = corpus.with_fields(names.chain(options.by));
    let new_evaluations = || -> Vec<Evaluation> {
        let evaluations = Evaluation::of_model(predictor.settings(), base_rates).into_iter();
        match options.intervals {
            true => evaluations.map(Evaluation::with_intervals).collect(),
            false => evaluations.collect(),
        }
    };
    let mut learned_from = 0;
    let mut evaluations = new_evaluations();
    let mut by_group: BTreeMap<String, Vec<Evaluation>> = BTreeMap::new();
    let (mut all, mut without_known_words, mut without_field) = (0, 0, 0);
    let bad_records = predict_chunks(
        predictor,
        corpus,
        test_users.as_ref(),
        Some(Progress::new("predicting", "users", None)),
        |file, users, predictions| {
            for (user, prediction) in users.iter().zip(predictions) {
                all += 1;
                learned_from += u64::from(seen.is_some_and(|seen| seen.contains(file, user)));
                without_known_words += u64::from(prediction.known_words == 0);
                add(&mut evaluations, user, &prediction);
                let Some(field) = options.by else { continue };
                match group_of(user, field, predictor.attributes()) {
                    None => without_field += 1,
                    Some(group) => {
                        if !by_group.contains_key(&group) && by_group.len() == MOST_GROUPS {
                            return Err(too_many_groups(field, MOST_GROUPS));
                        }
                        let evaluations = by_group.entry(group).or_insert_with(new_evaluations);
                        add(evaluations, user, &prediction);
                    }
                }
            }
            Ok(())
        },
    )?;
    if let (Some(split), Some(wanted)) = (split, &test_users) {
        let (split, wanted) = (split.display(), wanted.count() as u64);
        match wanted.saturating_sub(all) {
            0 if all > 0 => {}
            _ if all == 0 => {
                return Err(format!("{split}: none of its test users is in the corpus").into());
            }
            missing => notice!(
                "{split}: {} of its {} test users are not in the corpus",
                count(missing),
                count(wanted)
            ),
        }
    }
    if all == 0 {
        let bad = counted(bad_records, "bad record");
        return Err(format!("the corpus has no users ({bad})").into());
    }
    if let Some(field) = options.by.filter(|_| by_group.is_empty()) {
        let fields = (options.fields)();
        return Err(format!("--by {field}: no user has this field{fields}").into());
    }
    let by = options.by.map(|field| Groups {
        field: field.to_owned(),
        without_field,
        groups: (by_group.into_iter())
            .map(|(group, evaluations)| Group {
                group,
                attributes: reports(evaluations),
            })
            .collect(),
    });
    let mut figures = Figures {
        warning: None,
        by,
        users: all,
        without_known_words,
        bad_records,
        learned_from: seen.map(|_| learned_from),
        attributes: reports(evaluations),
    };
    if figures
        .attributes
        .iter()
        .all(|report| report.metrics.users == 0)
    {
        let attributes = predictor.attributes();
        // Reports on coarse classes, which have other names, have the same labels.
        let of_classes = |report: &&Report| {
            let name = &report.attribute;
            attributes.iter().any(|attribute| attribute.name == *name)
        };
        let found: String = (figures.attributes.iter().filter(of_classes))
            .filter(|report| !report.other_labels.is_empty())
            .map(|report| format!("; labels of {}: {}", title(report), other_labels(report)))
            .collect();
        let found = match found.is_empty() {
            true => (options.fields)(),
            false => format!("{found}; --map ATTRIBUTE:LABEL=CLASS reads a label as a class"),
        };
        let predicted: Vec<String> = (attributes.iter())
            .map(|attribute| format!("{} ({})", attribute.name, attribute.classes.join(", ")))
            .collect();
        return Err(format!(
            "none of {} has a label that is a class of the model, which predicts: {}{found}",
            counted(all, "user"),
            predicted.join(", ")
        )
        .into());
    }
    figures.warning = seen_warning(&figures, predictor.card(), model.bundle, split);
    if let Some(warning) = &figures.warning {
        notice!("{warning}");
    }
    Ok(figures)
}

/// The reports of some evaluations, without those of a language without users.
fn reports(evaluations: Vec<Evaluation>) -> Vec<Report> {
    (evaluations.into_iter())
        .flat_map(Evaluation::reports)
        .filter(|report| report.language.is_none() || !report.is_empty())
        .collect()
}

/// Adds the prediction for a user to the evaluations of the user's language.
fn add(evaluations: &mut [Evaluation], user: &User, prediction: &UserPrediction) {
    // Evaluations and predictions are both in the order of the model's attributes.
    let of_language =
        (evaluations.iter_mut()).filter(|evaluation| evaluation.language() == prediction.language);
    let predicted = prediction.predictions.iter();
    for (evaluation, (attribute, predicted)) in of_language.zip(predicted) {
        evaluation.add(user.label(attribute), predicted);
    }
}

/// The group of a user: the value of the field or, for an attribute, the class that the value belongs to.
fn group_of(user: &User, field: &str, attributes: &[Attribute]) -> Option<String> {
    let value = user.label(field)?;
    let attribute = attributes.iter().find(|attribute| attribute.name == field);
    let class = attribute.and_then(|attribute| Some((attribute, attribute.class_of(&value)?)));
    Some(match class {
        Some((attribute, class)) => attribute.classes[class].clone(),
        None => value,
    })
}

/// The figures as a document. A page, which outlives the command and its messages, also says how they came about.
fn document(figures: &Figures, arguments: &Arguments, is_page: bool) -> Document {
    let mut document = Document::new(format!(
        "Evaluation of {}",
        arguments.model.bundle.display()
    ));
    let users = counted(figures.users, "user");
    document.text(match figures.without_known_words {
        0 => users,
        without => format!("{users}, {} of them without a known word", count(without)),
    });
    if is_page {
        let files: Vec<String> = (arguments.corpus.files())
            .map(|file| file.display().to_string())
            .collect();
        let part = match &arguments.split {
            Some(split) => format!(", only the test users of {}", split.display()),
            None => String::new(),
        };
        document.text(format!(
            "From {}{part}. Labels are those under {} base rates.",
            files.join(", "),
            arguments.base_rates.name()
        ));
        if let Some(warning) = &figures.warning {
            document.text(format!("Warning: {warning}"));
        }
    }
    add_sections(&mut document, &figures.attributes);
    if let Some(Groups {
        field,
        without_field,
        groups,
    }) = &figures.by
    {
        let groups: Vec<(String, Vec<Report>)> = (groups.iter())
            .map(|group| (group.group.clone(), group.attributes.clone()))
            .collect();
        add_groups(&mut document, field, &groups);
        if *without_field > 0 {
            let users = count(*without_field);
            document.text(format!("In no group, without the field: {users}"));
        }
    }
    document
}

/// The labels of users who are left out because of them.
fn other_labels(report: &Report) -> String {
    let labels = report.other_labels.iter();
    listed(labels.map(|(label, &users)| (label.as_str(), users)))
}
