//! `auxlstm corpus stats`: statistics of corpora. `auxlstm corpus convert` is in [`super::convert`].

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use model_core::corpus::LabelFields;
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::{
    CorpusArguments, DictionaryArguments, Failure, LabelArguments, convert, print, print_text,
    report_bad_records,
};
use crate::corpus::{LabelCounts, MOST_VALUES, Statistics};
use crate::progress::{Progress, notice};
use crate::table::{Table, chart, count, percent};

/// Inspect corpora, or convert published ones
#[derive(Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Stats(Stats),
    Convert(convert::Convert),
}

/// Count users, posts and words, and the users of each label of an attribute
#[derive(Args)]
struct Stats {
    #[command(flatten)]
    corpus: CorpusArguments,
    /// Attribute whose labels are counted, may be repeated [default: all fields with at most 50 different labels,
    /// but those of text, ids and dates]
    #[arg(long = "attribute", value_name = "NAME")]
    attributes: Vec<String>,
    #[command(flatten)]
    labels: LabelArguments,
    #[command(flatten)]
    dictionaries: DictionaryArguments,
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    match arguments.command {
        Command::Stats(arguments) => stats(arguments),
        Command::Convert(arguments) => convert::run(arguments),
    }
}

fn stats(stats: Stats) -> Result<ExitCode, Failure> {
    let segmenter = stats.dictionaries.segmenter()?;
    let labels = stats.labels.read()?;
    let mut corpus = stats.corpus.open()?.with_labels(labels.clone());
    if !stats.attributes.is_empty() {
        let names = stats.attributes.iter().map(String::as_str);
        corpus = corpus.with_fields(names.chain(labels.attributes()));
    }
    let mut statistics = Statistics::new(&stats.attributes);
    let mut progress = Progress::new("counting", "users", None);
    corpus = corpus.with_report(progress.printer());
    let mut label_fields = LabelFields::new(&stats.corpus.columns());
    while let Some(mut users) = corpus.read_chunk()? {
        for user in &mut users {
            let is_label = |name: &String, _: &mut Value| {
                stats.attributes.contains(name) || label_fields.contains(name)
            };
            user.fields.retain(is_label);
        }
        let words: Vec<usize> = users
            .par_iter()
            .map(|user| {
                user.posts
                    .iter()
                    .map(|post| segmenter.words(post).len())
                    .sum()
            })
            .collect();
        for (user, words) in users.iter().zip(words) {
            statistics.add(user, words, corpus.file());
        }
        progress.set(statistics.users);
    }
    drop(progress);
    report_bad_records(&corpus);
    let mut names = labels
        .attributes()
        .chain(stats.attributes.iter().map(String::as_str));
    if let Some(name) = names.find(|&name| !statistics.fields.contains_key(name)) {
        let found: Vec<&str> = statistics.fields.keys().map(String::as_str).collect();
        return Err(match found.is_empty() {
            true => format!("no user has a label {name:?}, nor any other label"),
            false => format!(
                "no user has a label {name:?}; the fields with labels are: {}",
                found.join(", ")
            ),
        }
        .into());
    }
    let attributes = chosen(&statistics, &stats.attributes);
    if stats.json {
        print(&format!(
            "{:#}\n",
            to_json(
                &statistics,
                &attributes,
                corpus.files(),
                corpus.bad_records()
            )
        ))?;
    } else {
        print_text(&to_text(&statistics, &attributes, corpus.files()))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The fields of these names; without names all fields but those of many values, which are named in a line.
fn chosen<'a>(statistics: &'a Statistics, names: &[String]) -> Vec<(&'a str, &'a LabelCounts)> {
    let fields = || (statistics.fields.iter()).map(|(name, counts)| (name.as_str(), counts));
    if !names.is_empty() {
        let named = |name: &String| fields().find(|(other, _)| other == name);
        return names.iter().filter_map(named).collect();
    }
    let (many, few): (Vec<_>, Vec<_>) = fields().partition(|(_, counts)| counts.has_many());
    if !many.is_empty() {
        let names: Vec<&str> = many.into_iter().map(|(name, _)| name).collect();
        notice!(
            "left out, with more than {MOST_VALUES} different labels: {}; --attribute NAME counts them",
            names.join(", ")
        );
    }
    few
}

fn to_json(
    statistics: &Statistics,
    attributes: &[(&str, &LabelCounts)],
    files: &[PathBuf],
    bad_records: u64,
) -> Value {
    let attribute = |&(name, counts): &(&str, &LabelCounts)| {
        let classes: Map<String, Value> = counts
            .by_size()
            .into_iter()
            .map(|(class, users)| (class.to_owned(), users.into()))
            .collect();
        let unknown = statistics.users - counts.labelled;
        (
            name.to_owned(),
            json!({ "users": counts.labelled, "unknown": unknown, "classes": classes }),
        )
    };
    json!({
        "users": statistics.users,
        "posts": statistics.posts,
        "words": statistics.words,
        "bad_records": bad_records,
        "attributes": attributes.iter().map(attribute).collect::<Map<_, _>>(),
        "labelled_together": together(statistics, attributes).map(|together| {
            let of = |((file, labelled), users): ((usize, Vec<&str>), u64)| {
                let mut value = json!({ "attributes": labelled, "users": users });
                if files.len() > 1 {
                    value["file"] = files[file].to_string_lossy().into();
                }
                value
            };
            together.into_iter().map(of).collect::<Vec<Value>>()
        }),
    })
}

fn to_text(
    statistics: &Statistics,
    attributes: &[(&str, &LabelCounts)],
    files: &[PathBuf],
) -> String {
    let mut totals = Table::new(["", "total", "per user"]);
    let users = statistics.users.max(1) as f64;
    totals.row(["users", &count(statistics.users), ""]);
    for (what, number) in [("posts", statistics.posts), ("words", statistics.words)] {
        totals.row([
            what,
            &count(number),
            &format!("{:.1}", number as f64 / users),
        ]);
    }
    let mut text = totals.to_string();
    for &(name, counts) in attributes {
        let unknown = statistics.users - counts.labelled;
        let _ = write!(text, "\nUsers by {name}");
        if unknown > 0 {
            let _ = write!(text, " ({} unknown)", count(unknown));
        }
        text.push_str("\n\n");
        match counts.by_value() {
            Some(values) => text.push_str(&chart(&values)),
            None => text.push_str(&classes(name, counts)),
        }
    }
    if let Some(together) = together(statistics, attributes).filter(|together| together.len() > 1) {
        let header = ["labels", "users", "file"];
        let several = files.len() > 1;
        let columns = if several { 3 } else { 2 };
        let mut table = Table::new(header[..columns].to_vec());
        for ((file, labelled), users) in together {
            let labelled = match labelled.is_empty() {
                true => "none".into(),
                false => labelled.join(", "),
            };
            let mut row = vec![labelled, count(users)];
            if several {
                row.push(files[file].display().to_string());
            }
            table.row(row);
        }
        let _ = write!(text, "\nUsers by the labels that they have\n\n{table}");
    }
    text
}

/// The users of each file by the attributes for which they have labels.
fn together<'n>(
    statistics: &Statistics,
    attributes: &[(&'n str, &LabelCounts)],
) -> Option<BTreeMap<(usize, Vec<&'n str>), u64>> {
    let names: Vec<&str> = attributes.iter().map(|(name, _)| *name).collect();
    statistics.combinations(&names)
}

/// A table of classes and users, like the paper's Tables 1 and 2.
fn classes(name: &str, counts: &LabelCounts) -> String {
    let mut table = Table::new([name, "users", "share"]);
    for (class, users) in counts.by_size() {
        table.row([class, &count(users), &percent(users, counts.labelled)]);
    }
    table.to_string()
}
