//! `auxlstm corpus stats`: statistics of corpora. `auxlstm corpus convert` is in [`super::convert`].

use std::fmt::Write;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use rayon::prelude::*;
use serde_json::{Map, Value, json};

use super::{
    CorpusArguments, DictionaryArguments, Failure, convert, print, print_text, report_bad_records,
};
use crate::corpus::{AttributeCounts, Statistics};
use crate::progress::Progress;
use crate::table::{Table, chart, count, percent};

/// The attributes that are counted by default, as far as users have them.
const USUAL_ATTRIBUTES: [&str; 3] = ["gender", "profession", "age"];

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

/// Count users, posts and words, and the users of each class of an attribute
#[derive(Args)]
struct Stats {
    #[command(flatten)]
    corpus: CorpusArguments,
    /// Attribute whose classes are counted, may be repeated [default: gender, profession and age, as far as present]
    #[arg(long = "attribute", value_name = "NAME")]
    attributes: Vec<String>,
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
    let named = !stats.attributes.is_empty();
    let attributes = if named {
        stats.attributes
    } else {
        USUAL_ATTRIBUTES.map(String::from).to_vec()
    };
    let segmenter = stats.dictionaries.segmenter()?;
    let mut corpus = stats.corpus.open()?;
    let mut statistics = Statistics::new(&attributes);
    let mut progress = Progress::new("counting", "users", None);
    corpus = corpus.with_report(progress.bad_record_printer());
    while let Some(users) = corpus.read_chunk()? {
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
            statistics.add(user, words);
        }
        progress.set(statistics.users);
    }
    drop(progress);
    report_bad_records(&corpus);
    if !named {
        statistics
            .attributes
            .retain(|attribute| attribute.labelled() > 0);
    }
    if stats.json {
        print(&format!(
            "{:#}\n",
            to_json(&statistics, corpus.bad_records())
        ))?;
    } else {
        print_text(&to_text(&statistics))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn to_json(statistics: &Statistics, bad_records: u64) -> Value {
    let attribute = |counts: &AttributeCounts| {
        let classes: Map<String, Value> = counts
            .by_size()
            .into_iter()
            .map(|(class, users)| (class.to_owned(), users.into()))
            .collect();
        let unknown = statistics.users - counts.labelled();
        (
            counts.name.clone(),
            json!({ "users": counts.labelled(), "unknown": unknown, "classes": classes }),
        )
    };
    json!({
        "users": statistics.users,
        "posts": statistics.posts,
        "words": statistics.words,
        "bad_records": bad_records,
        "attributes": statistics.attributes.iter().map(attribute).collect::<Map<_, _>>(),
    })
}

fn to_text(statistics: &Statistics) -> String {
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
    for attribute in &statistics.attributes {
        let unknown = statistics.users - attribute.labelled();
        let _ = write!(text, "\nUsers by {}", attribute.name);
        if unknown > 0 {
            let _ = write!(text, " ({} unknown)", count(unknown));
        }
        text.push_str("\n\n");
        match attribute.by_value() {
            Some(values) => text.push_str(&chart(&values)),
            None => text.push_str(&classes(attribute)),
        }
    }
    text
}

/// A table of classes and users, like the paper's Tables 1 and 2.
fn classes(attribute: &AttributeCounts) -> String {
    let mut table = Table::new([attribute.name.as_str(), "users", "share"]);
    for (class, users) in attribute.by_size() {
        table.row([class, &count(users), &percent(users, attribute.labelled())]);
    }
    table.to_string()
}
