//! `auxlstm population`: what share of a set of users is of each class.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;
use std::fs::File;
use std::io::{BufReader, Read};
use std::mem;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::value_parser;
use columnar::Model;
use futures_lite::future::block_on;
use model_core::attribute::Attribute;
use model_core::base_rates::BaseRates;
use model_core::bundle::Settings;
use model_core::language::Language;
use model_core::population::Method;
use model_core::prediction::Named;
use model_core::predictor::Predictor;
use model_core::user_set::{
    AttributeShares, JointShares, PopulationEstimate, Share, StoredSums, TextCheck, UserSet, hash,
};
use serde::Serialize;

use super::model::ModelArguments;
use super::prediction::each_chunk;
use super::{CorpusArguments, Failure, base_rates, outputs, print_text, too_many_groups};
use crate::bundle::read_bundle;
use crate::corpus::{Corpus, UserKey, fingerprint, repeated_file};
use crate::document::{Document, Figure, Grid, drawing};
use crate::output::PendingFile;
use crate::progress::{Progress, notice};
use crate::table::{Table, count, counted};

/// Estimate what share of a set of users is of each class
///
/// Counting predicted labels is badly biased: a rare class is predicted too often. The estimates correct this by what the
/// probabilities of validation users of each class look like. They hold if the users of a class write like the training
/// users of that class. The texts are compared with those of the training users, and a warning is printed where they are
/// unlike them: then the shares are not to be trusted without some labelled users, see `auxlstm adapt`.
///
/// Intervals are of 95 % and include that the users are a sample and that the validation users are few. With --by, shares are
/// estimated for each value of a field.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    corpus: CorpusArguments,
    /// Estimate the shares of each group of users with the same value of this field, such as a month or a community
    #[arg(long, value_name = "FIELD")]
    by: Option<String>,
    /// How the shares are estimated: cc (classify and count), pcc (mean probability), acc and pacc (adjusted), emq (maximum
    /// likelihood by expectation maximisation) or bayes (PACC weighted by what is known, with a prior)
    #[arg(long, value_name = "METHOD", default_value_t)]
    method: Method,
    /// How frequent each class is taken to be in the labels and probabilities that cc and pcc count: `corpus` (as among the
    /// training users), `equal`, or a JSON file of shares. The other methods do not depend on it [default: corpus]
    #[arg(long, value_name = "RATES")]
    base_rates: Option<String>,
    /// Read only the first WORDS words of each user
    #[arg(long, value_name = "WORDS", value_parser = value_parser!(u32).range(1..))]
    max_words: Option<u32>,
    /// Also write the estimates to this HTML page, with drawings
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Also write the estimates to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also write the sums over the users to this file, so that another run of the same model can add them
    #[arg(long, value_name = "FILE")]
    sums: Option<PathBuf>,
    /// Add the users of these files, which --sums wrote
    #[arg(long, value_name = "SUMS", num_args = 1..)]
    add: Vec<PathBuf>,
}

/// The most groups of --by. More are likely a field that differs for every user.
const MOST_GROUPS: usize = 1000;
/// The most bytes of a file of sums.
const MOST_BYTES: u64 = 1 << 32;

/// The users of each group; one group with an empty name without --by.
type Groups = BTreeMap<String, UserSet>;

/// The estimate of a group.
#[derive(Serialize)]
struct Group<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(flatten)]
    estimate: PopulationEstimate,
}

impl Arguments {
    /// Checks that no output overwrites a file that is read. Sums may replace those that are added to them.
    fn check_outputs(&self) -> Result<(), Failure> {
        let estimates = || self.output.iter().chain(&self.json);
        outputs::check(estimates(), self.add.iter().map(PathBuf::as_path))?;
        let base_rates = self.base_rates.as_deref().and_then(base_rates::file);
        let read = self
            .model
            .files()
            .chain(self.corpus.files())
            .chain(base_rates);
        outputs::check(estimates().chain(&self.sums), read)
    }
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    arguments.check_outputs()?;
    let Model {
        mut predictor,
        checksum,
    } = arguments.model.load_with_checksum()?;
    if let Some(words) = arguments.max_words {
        predictor.read_at_most(words as usize);
    }
    check_moments(&predictor, arguments.method, &arguments.model.bundle)?;
    let base_rates = base_rates(&arguments, predictor.attributes())?;
    let empty = UserSet::new(predictor.settings(), base_rates);
    let create = |path: &Option<PathBuf>| path.as_deref().map(PendingFile::create).transpose();
    let page = create(&arguments.output)?;
    let json = create(&arguments.json)?;
    let sums = create(&arguments.sums)?;
    let by = arguments.by.as_deref();
    let mut groups = Groups::new();
    if let Some(path) = repeated_file(&arguments.add) {
        return Err(format!(
            "{}: given twice; its users would count twice",
            path.display()
        )
        .into());
    }
    for path in &arguments.add {
        let fail = |what: String| format!("{}: {what}", path.display());
        let stored = read_sums(path, &checksum, predictor.settings()).map_err(fail)?;
        check_alike(&stored, &arguments).map_err(fail)?;
        for (group, set) in stored.groups {
            let known = groups.entry(group).or_insert_with(|| empty.clone());
            known.merge(&set).map_err(fail)?;
        }
    }
    add_users(
        &mut groups,
        &predictor,
        &empty,
        arguments.corpus.open()?.with_fields(by),
        by,
        &read_bundle(&arguments.model.bundle)?.seen(),
    )?;
    if let (Some(by), true) = (by, groups.is_empty()) {
        let fields = arguments.corpus.known_fields();
        return Err(format!("--by {by}: no user has this field{fields}").into());
    }

    let estimates: Vec<Group> = (groups.iter())
        .map(|(group, set)| Group {
            group: by.map(|_| group.as_str()),
            estimate: set.estimate(predictor.settings(), arguments.method),
        })
        .collect();
    if estimates.iter().all(|group| group.estimate.users == 0) {
        return Err("no user has a word that the model knows".into());
    }
    print_text(&to_text(&estimates, by))?;
    for group in &estimates {
        warn(group);
    }
    if let Some(file) = page {
        let page = page_of(&estimates, by).to_html();
        file.finish(|out| out.write_all(page.as_bytes()))?;
    }
    if let Some(file) = json {
        file.finish(|out| {
            serde_json::to_writer_pretty(&mut *out, &estimates)?;
            out.write_all(b"\n")
        })?;
    }
    if let Some(file) = sums {
        let Arguments { by, max_words, .. } = arguments;
        let stored = StoredSums::new(&checksum, by, max_words, groups);
        file.finish(|out| {
            serde_json::to_writer(&mut *out, &stored)?;
            out.write_all(b"\n")
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The base rates under which labels and probabilities are counted.
fn base_rates(arguments: &Arguments, attributes: &[Attribute]) -> Result<BaseRates, Failure> {
    let Some(rates) = &arguments.base_rates else {
        return Ok(BaseRates::Corpus);
    };
    let method = arguments.method;
    if !matches!(method, Method::Count | Method::ProbabilisticCount) {
        return Err(format!(
            "--base-rates: {method} estimates the shares whatever the base rates; leave the option out, or count with \
             --method cc or pcc"
        )
        .into());
    }
    let base_rates = base_rates::read(rates)?;
    base_rates.check(attributes)?;
    Ok(base_rates)
}

/// Fails if no attribute has class moments. Those that count need none, but without validation users nothing says how wrong they
/// are.
fn check_moments(predictor: &Predictor, method: Method, bundle: &Path) -> Result<(), Failure> {
    match UserSet::is_possible(predictor.settings()) {
        true => Ok(()),
        false => Err(format!(
            "{}: the model has no validation users from which {method} could estimate shares; train it with \
             split.validation above 0, or fit it to labelled users with `auxlstm adapt`",
            bundle.display()
        )
        .into()),
    }
}

/// Reads a file of sums.
fn read_sums(path: &Path, checksum: &str, settings: &Settings) -> Result<StoredSums, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    StoredSums::read(BufReader::new(file.take(MOST_BYTES)), checksum, settings)
}

/// Checks that users whose sums are stored were grouped and read as the command says.
fn check_alike(stored: &StoredSums, arguments: &Arguments) -> Result<(), String> {
    if stored.by != arguments.by {
        return Err(match &stored.by {
            Some(field) => format!("its users are grouped by {field:?}; use --by {field}"),
            None => "its users are not grouped; leave out --by".into(),
        });
    }
    if stored.max_words != arguments.max_words {
        return Err(match stored.max_words {
            Some(words) => format!("its users were read with --max-words {words}; use the same"),
            None => "its users were read without --max-words; leave it out".into(),
        });
    }
    Ok(())
}

/// Predicts the users of a corpus and adds each to its group. Warns of users whose posts the model has learned from: `seen` are
/// their fingerprints.
fn add_users(
    groups: &mut Groups,
    predictor: &Predictor,
    empty: &UserSet,
    corpus: Corpus,
    by: Option<&str>,
    seen: &HashSet<u32>,
) -> Result<(), Failure> {
    let progress = Progress::new("predicting", "users", None);
    let files = corpus.files().to_vec();
    let (mut all, mut without_field, mut learned_from) = (0, 0, 0);
    each_chunk(corpus, Some(progress), |file, users| {
        let read = users.len() as u64;
        all += read;
        let mut by_group: BTreeMap<String, (Vec<u64>, Vec<Vec<String>>)> = BTreeMap::new();
        for mut user in users {
            learned_from += u64::from(seen.contains(&fingerprint(&user)));
            let group = match by {
                None => String::new(),
                Some(field) => match user.label(field) {
                    Some(value) => value,
                    None => {
                        without_field += 1;
                        continue;
                    }
                },
            };
            let posts = mem::take(&mut user.posts);
            let key = UserKey::new(&files[file], &user);
            let (hashes, texts) = by_group.entry(group).or_default();
            hashes.push(hash(&key.to_string()));
            texts.push(posts);
        }
        for (group, (hashes, texts)) in by_group {
            if !groups.contains_key(&group) && groups.len() == MOST_GROUPS {
                return Err(too_many_groups(by.unwrap_or_default(), MOST_GROUPS));
            }
            let set = groups.entry(group).or_insert_with(|| empty.clone());
            block_on(predictor.predict_set(&texts, &hashes, set))?;
        }
        Ok(read)
    })?;
    if learned_from > 0 {
        notice!(
            "{} of these {} users are training or validation users of this model (by their posts), whom it judges better than \
             others: if there are many of them, the intervals are too narrow",
            count(learned_from),
            count(all)
        );
    }
    if without_field > 0 {
        notice!(
            "{} of {} users have no {:?} and are left out",
            count(without_field),
            count(all),
            by.unwrap_or_default()
        );
    }
    Ok(())
}

/// Warns of texts that are unlike those of the training users.
fn warn(group: &Group) {
    for warning in warnings(&group.estimate) {
        match group.group {
            Some(name) => notice!("{name}: {warning}"),
            None => notice!("{warning}"),
        }
    }
}

/// A line for each language whose texts are unlike those of the training users.
fn warnings(estimate: &PopulationEstimate) -> impl Iterator<Item = String> {
    (estimate.texts.iter().filter(|check| check.unlike)).filter_map(|check| {
        let divergence = check.divergence?;
        let language = before_texts(check);
        Some(format!(
            "{language}these texts are unlike the training corpus (word frequencies diverge by {:.2}, at most {:.2} in it; {:.0} % of \
             the words known): the shares are not to be trusted without labelled users; see `auxlstm adapt`",
            divergence.value,
            divergence.largest,
            100.0 * check.known_words
        ))
    })
}

/// The estimates as a page: a section for each group, with a drawing for each attribute.
fn page_of(groups: &[Group], by: Option<&str>) -> Document {
    let mut page = Document::new("Estimated shares");
    page.text(
        "What share of the users is of each class, estimated from their texts, with 95 % intervals. Single users are not \
         labelled.",
    );
    for group in groups {
        let estimate = &group.estimate;
        let users = counted(estimate.users, "user");
        page.section(match (by, group.group) {
            (Some(by), Some(name)) => format!("{by} {name}: {users}"),
            _ => users,
        });
        warnings(estimate).for_each(|warning| page.text(format!("Warning: {warning}.")));
        for check in &estimate.texts {
            page.text(about_texts(check));
        }
        let levels = (estimate.attributes.iter()).flat_map(|(name, shares)| {
            let coarse = shares
                .coarse
                .iter()
                .map(move |shares| (format!("{name} (coarse)"), shares));
            coarse.chain(
                shares
                    .shares
                    .iter()
                    .map(move |shares| (name.to_owned(), shares)),
            )
        });
        let figures = levels.map(|(title, shares)| {
            let bars: Vec<(String, f64, [f64; 2])> = (shares.iter())
                .map(|(class, share)| (class.to_owned(), share.share, [share.low, share.high]))
                .collect();
            Figure {
                drawing: drawing::shares(&title, &bars),
                title,
                legend: Vec::new(),
            }
        });
        page.figures(figures.collect());
        for (name, shares) in estimate.attributes.iter() {
            if shares.shares.is_none() {
                page.text(format!("{name}: {NOT_ESTIMATED}"));
            }
        }
        for joint in &estimate.joint {
            page.part(format!("{} and {}", joint.rows, joint.columns));
            let mut grid = Grid::new(joint_header(joint));
            joint_rows(joint).for_each(|row| grid.row(row));
            page.table(grid);
        }
    }
    page
}

/// In place of an attribute's shares.
const NOT_ESTIMATED: &str = "Not estimated: the model has no class moments of it for these users, because it was validated on \
                             none who write this language, or because it was adapted to users without such labels.";

fn to_text(groups: &[Group], by: Option<&str>) -> String {
    let mut text = String::new();
    match (groups, by) {
        ([group], None) => single(&mut text, &group.estimate),
        _ => of_groups(&mut text, groups, by.unwrap_or_default()),
    }
    text
}

fn single(text: &mut String, estimate: &PopulationEstimate) {
    text.push_str(&counted(estimate.users, "user"));
    if estimate.without_known_words > 0 {
        let _ = write!(
            text,
            "; left out, without a known word: {}",
            count(estimate.without_known_words)
        );
    }
    text.push('\n');
    for check in &estimate.texts {
        let _ = writeln!(text, "{}", about_texts(check));
    }
    for (attribute, shares) in estimate.attributes.iter() {
        let levels = [("", &shares.shares), (" (coarse)", &shares.coarse)];
        let of_attribute = shares.users;
        let of_all = of_attribute == estimate.users;
        if shares.shares.is_none() {
            let _ = writeln!(text, "\n## {attribute}\n\n{NOT_ESTIMATED}");
        }
        for (level, shares) in levels {
            let Some(shares) = shares else { continue };
            let mut table = Table::new(["class", "share", "from", "to"]);
            for (class, share) in shares.iter() {
                let Share { share, low, high } = share;
                table.row(row(class, [share, low, high].map(|share| percent(*share))));
            }
            let users = match of_all {
                true => String::new(),
                false => format!(" ({})", counted(of_attribute, "user")),
            };
            let _ = write!(text, "\n## {attribute}{level}{users}\n\n{table}");
        }
    }
    for joint in &estimate.joint {
        let mut table = Table::new(joint_header(joint));
        joint_rows(joint).for_each(|row| table.row(row));
        let _ = write!(text, "\n## {} and {}\n\n{table}", joint.rows, joint.columns);
    }
}

/// A table for each attribute with a row for each group; of coarse classes, if the attribute has any. Users in whose language
/// the attribute is not estimated are not among those of the row.
fn of_groups(text: &mut String, groups: &[Group], by: &str) {
    let Some(first) = groups.first() else { return };
    let mut users = Table::new([by, "users", "words", "divergence", ""]);
    for group in groups {
        let name = group.group.unwrap_or_default();
        // Users of several languages have a row for each.
        let mut row = |name: &str, number, check: Option<&TextCheck>| {
            let divergence = check.and_then(|check| check.divergence);
            users.row([
                name.to_owned(),
                count(number),
                check.map_or("–".into(), |check| format!("{:.0}", check.words)),
                divergence.map_or("–".into(), |divergence| {
                    format!("{:.3}", divergence.value)
                }),
                match check.is_some_and(|check| check.unlike) {
                    true => "unlike".into(),
                    false => String::new(),
                },
            ]);
        };
        match &group.estimate.texts[..] {
            [] => row(name, group.estimate.users, None),
            [check] => row(name, group.estimate.users, Some(check)),
            checks => checks.iter().for_each(|check| {
                let text = language(check).unwrap_or_default();
                row(&format!("{name}, {text}"), check.users, Some(check));
            }),
        }
    }
    let _ = write!(text, "{users}");
    let level = |shares: &AttributeShares| -> Option<Named<Share>> {
        shares.coarse.clone().or_else(|| shares.shares.clone())
    };
    for (attribute, _) in first.estimate.attributes.iter() {
        let of = |group: &Group| group.estimate.attributes.get(attribute).and_then(level);
        let Some(labels) = groups.iter().find_map(of) else {
            continue;
        };
        let users = |group: &Group| {
            let shares = group.estimate.attributes.get(attribute);
            shares.map_or(0, |shares| shares.users)
        };
        let are_all = groups
            .iter()
            .all(|group| users(group) == group.estimate.users);
        let header = (!are_all).then(|| "users".to_owned());
        let labels = labels.iter().map(|(label, _)| label.to_owned());
        let mut table = Table::new(row(by, header.into_iter().chain(labels)));
        for group in groups {
            let shares = of(group);
            let cells = shares
                .iter()
                .flat_map(|shares| shares.iter())
                .map(|(_, share)| {
                    let Share { share, low, high } = share;
                    format!("{} ({}–{})", percent(*share), percent(*low), percent(*high))
                });
            let users = (!are_all).then(|| count(users(group)));
            table.row(row(
                group.group.unwrap_or_default(),
                users.into_iter().chain(cells),
            ));
        }
        let _ = write!(text, "\n## {attribute}\n\n{table}");
    }
}

fn joint_header(joint: &JointShares) -> Vec<String> {
    let corner = format!("{} \\ {}", joint.rows, joint.columns);
    row(&corner, joint.column_labels.iter().cloned())
}

fn joint_rows(joint: &JointShares) -> impl Iterator<Item = Vec<String>> {
    let rows = joint.row_labels.iter().zip(&joint.shares);
    rows.map(|(label, shares)| row(label, shares.iter().map(|share| percent(*share))))
}

/// A row of a table: a label and further cells.
fn row(label: &str, cells: impl IntoIterator<Item = String>) -> Vec<String> {
    [label.to_owned()].into_iter().chain(cells).collect()
}

/// Of which language the texts are, if the model distinguishes languages.
fn language(check: &TextCheck) -> Option<&'static str> {
    check.language.map(|language| match language {
        Language::Chinese => "Chinese text",
        Language::Other => "Other text",
    })
}

/// The language before what is said of its texts.
fn before_texts(check: &TextCheck) -> String {
    language(check).map_or_else(String::new, |text| format!("{text}: "))
}

fn about_texts(check: &TextCheck) -> String {
    let language = before_texts(check);
    let divergence = match check.divergence {
        Some(divergence) => format!(
            "; word frequencies diverge from the training users' by {:.3} (like them: up to {:.3})",
            divergence.value.max(0.0),
            divergence.largest
        ),
        None => String::new(),
    };
    format!(
        "{language}{}, {:.0} words each, {:.1} % known{divergence}",
        counted(check.users, "user"),
        check.words,
        100.0 * check.known_words
    )
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}
