//! The tables of a report.

use super::document::{Document, Figure, Grid};
use super::drawing;
use super::paper::{self, Scores};
use super::results::{AttributeResults, Comparison, Results, Row, capitalised, label};
use crate::evaluation::{Difference, Metrics, Report, Spread};
use crate::table::{chart, count, gapless, percent};

/// What is written where nothing was measured.
const NOT_RUN: &str = "not run";
/// Where there is nothing to measure.
const NONE: &str = "–";
/// What the paper's figures are called beside ours.
const PAPER: &str = "paper (another corpus)";

/// How many there are and how good the best system is.
pub fn overview(document: &mut Document, results: &Results) {
    let header = [
        "attribute",
        "classes",
        "test users",
        "largest class",
        "F of SVM",
        "F of LSTM",
        "best on validation users",
        "its F",
        "its accuracy",
        "its ECE",
    ];
    let mut table = Grid::new(header);
    for attribute in &results.attributes {
        let best = attribute.best();
        for level in 0..levels(attribute) {
            let of = |row: Option<&Row>, figure: fn(&Report) -> f64| {
                row.and_then(|row| row.spread(level, figure))
            };
            let f = |row| number(of(row, |report| report.metrics.f));
            let users = of(best, |report| report.metrics.users as f64);
            table.row([
                name(attribute, level),
                labels(attribute, level).len().to_string(),
                users.map_or(NOT_RUN.into(), |users| count(users.mean.round() as u64)),
                number(of(best, |report| report.metrics.majority)),
                f(attribute.row("svm", &[])),
                f(attribute.lstm()),
                best.map_or(NOT_RUN.into(), Row::label),
                f(best),
                number(of(best, |report| report.metrics.accuracy)),
                number(of(best, |report| report.calibration_error)),
            ]);
        }
    }
    document.table(table);
}

/// Tables 1 and 2, and their like for other attributes.
pub fn users(document: &mut Document, results: &Results) {
    document.section("Tables 1 and 2: users by class");
    document.text(format!(
        "The users of each class, of {} in the corpus. Beside them the paper's, who are other people.",
        count(results.corpus.users as u64)
    ));
    for attribute in &results.attributes {
        let summary = &attribute.summary;
        let paper = paper::attribute(&summary.name).and_then(|attribute| attribute.users);
        let heading = match paper {
            Some((number, _)) => format!("Table {number}: {}", summary.name),
            None => capitalised(&summary.name),
        };
        document.part(heading);
        let theirs = paper.map_or(&[][..], |(_, classes)| classes);
        let of_paper = |class: &str| {
            let mut theirs = theirs.iter();
            theirs.find(|(other, _)| other.eq_ignore_ascii_case(class))
        };
        let labelled: usize = summary.counts.iter().sum();
        let mut header = vec!["class", "users", "share"];
        header.extend(paper.map(|_| PAPER));
        let mut table = Grid::new(header);
        let mut row = |class: &str, ours: Option<usize>, theirs: Option<u64>| {
            let ours = ours.map(|users| users as u64);
            let mut cells = vec![
                class.to_owned(),
                ours.map_or(NONE.into(), count),
                ours.map_or(NONE.into(), |users| percent(users, labelled as u64)),
            ];
            cells.extend(paper.map(|_| theirs.map_or(NONE.into(), count)));
            table.row(cells);
        };
        for (class, &users) in summary.classes.iter().zip(&summary.counts) {
            row(class, Some(users), of_paper(class).map(|(_, users)| *users));
        }
        for (class, users) in theirs {
            let known = |other: &String| other.eq_ignore_ascii_case(class);
            if !summary.classes.iter().any(known) {
                row(class, None, Some(*users));
            }
        }
        document.table(table);
    }
}

/// Figure 2.
pub fn ages(document: &mut Document, results: &Results) {
    document.section("Figure 2: users by age");
    let Some(ages) = &results.corpus.ages else {
        document.text("No age in years is known of these users.");
        return;
    };
    document.text(
        "How many users state each age. The paper shows its own only as a drawing: most of its users are between 18 \
         and 28, and its eleven classes of age are these years.",
    );
    let ages: Vec<(i64, u64)> = (ages.iter())
        .map(|(age, users)| (*age, *users as u64))
        .collect();
    let bars: Vec<(String, u64)> = (gapless(&ages).into_iter())
        .map(|(age, users)| (age.to_string(), users))
        .collect();
    let figure = Figure {
        title: "Users by age".into(),
        drawing: drawing::bars("Users by age", "age in years", "users", &bars),
        legend: Vec::new(),
    };
    document.chart(chart(&ages), figure);
}

/// Table 3.
pub fn individual(document: &mut Document, results: &Results) {
    document.section("Table 3: systems that learn one attribute alone");
    for attribute in &results.attributes {
        document.part(capitalised(&attribute.summary.name));
        let entries = individual_entries(attribute);
        scores(document, attribute, 0, &entries, &against_lstm(&entries));
    }
}

/// Tables 4 to 6, and their like for other attributes.
pub fn joint(document: &mut Document, results: &Results) {
    let mut attributes: Vec<&AttributeResults> = results.attributes.iter().collect();
    let number = |attribute: &AttributeResults| {
        paper::attribute(&attribute.summary.name).map(|attribute| attribute.joint_table)
    };
    attributes.sort_by_key(|attribute| number(attribute).unwrap_or(u8::MAX));
    for attribute in attributes {
        let name = &attribute.summary.name;
        let entries = joint_entries(attribute);
        if entries.len() == 1 {
            // Not in the paper, and nothing was run.
            continue;
        }
        document.section(match number(attribute) {
            Some(number) => format!("Table {number}: joint learning for {name}"),
            None => format!("Joint learning for {name}"),
        });
        let mut pairs = against_lstm(&entries);
        pairs.extend(against_aux_lstm(&entries));
        scores(document, attribute, 0, &entries, &pairs);
    }
}

/// The same systems on groups of classes.
pub fn coarse_classes(document: &mut Document, results: &Results) {
    for attribute in &results.attributes {
        if levels(attribute) < 2 {
            continue;
        }
        document.section(name(attribute, 1));
        document.text(format!(
            "The same cells, with the classes of {} put together into {}: a group's probability is the sum of its \
             classes'. The paper has no such figures.",
            attribute.summary.name,
            labels(attribute, 1).join(", "),
        ));
        let mut entries = individual_entries(attribute);
        entries.extend(joint_entries(attribute).into_iter().skip(1));
        for entry in &mut entries {
            entry.paper = None;
        }
        let mut pairs = against_lstm(&entries);
        pairs.extend(against_aux_lstm(&entries));
        scores(document, attribute, 1, &entries, &pairs);
    }
}

/// All cells that are in no table of the paper.
pub fn others(document: &mut Document, results: &Results) {
    document.section("Beyond the paper's tables");
    document.text(
        "Variants, sweeps of a setting, more than two attributes, and systems of our own. A variant is compared with \
         its system as it is, other rows with LSTM, and all of them with SVM.",
    );
    let mut any = false;
    for attribute in &results.attributes {
        let mut entries: Vec<Entry> = (attribute.rows.iter())
            .filter(|row| !is_of_paper(row))
            .map(Entry::of)
            .collect();
        let ours = entries.len();
        if ours == 0 {
            continue;
        }
        any = true;
        let mut pairs = Vec::new();
        for index in 0..ours {
            let Some(row) = entries[index].row else {
                continue;
            };
            let base = (attribute.row(&row.key.system, &row.key.auxiliary))
                .filter(|base| base.key != row.key)
                .or(attribute.lstm());
            for reference in [base, attribute.row("svm", &[])].into_iter().flatten() {
                let known = |entry: &Entry| (entry.row).is_some_and(|row| row.key == reference.key);
                let place = entries.iter().position(known).unwrap_or_else(|| {
                    entries.push(Entry::of(reference));
                    entries.len() - 1
                });
                pairs.push((index, place));
            }
        }
        document.part(capitalised(&attribute.summary.name));
        scores(document, attribute, 0, &entries, &pairs);
        if levels(attribute) > 1 {
            document.part(name(attribute, 1));
            scores(document, attribute, 1, &entries, &pairs);
        }
    }
    if !any {
        document.text(NOT_RUN);
    }
}

/// What Aux-LSTM gains over LSTM, and how much the two attributes say of each other.
pub struct Gain {
    /// Such as `gender+age`.
    pub pair: String,
    /// The system's label.
    pub label: String,
    /// Cramér's V.
    pub association: f64,
    /// What F gains.
    pub f: Difference,
}

/// The gain of every pair that was run.
pub fn gains(results: &Results) -> Vec<Gain> {
    let mut gains = Vec::new();
    for attribute in &results.attributes {
        let main = &attribute.summary.name;
        let Some(lstm) = attribute.lstm() else {
            continue;
        };
        for row in &attribute.rows {
            let [auxiliary] = row.key.auxiliary.as_slice() else {
                continue;
            };
            if row.key.system != paper::AUX_LSTM || !row.key.variant.is_empty() {
                continue;
            }
            let association = results.corpus.association(main, auxiliary);
            if let (Some(association), Some(comparison)) = (association, row.compare(lstm, 0)) {
                gains.push(Gain {
                    pair: format!("{main}+{auxiliary}"),
                    label: row.label(),
                    association: association.cramers_v,
                    f: comparison.f,
                });
            }
        }
    }
    gains
}

/// How much attributes say of each other, and what joint learning makes of it.
pub fn association(document: &mut Document, results: &Results, gains: &[Gain]) {
    document.section("Joint gain against the attributes' association");
    document.text(
        "Cramér's V of two attributes over all users with a label for both: 0 where neither says anything of the \
         other, 1 where one tells the other; corrected for what chance makes of it (Bergsma 2013). The gain is F of \
         Aux-LSTM less F of LSTM, the mean over the seeds that both have, with its 95 % interval.",
    );
    let mut table = Grid::new(["attributes", "users", "Cramér's V", "corrected"]);
    for pair in &results.corpus.association {
        table.row([
            format!("{}, {}", pair.a, pair.b),
            count(pair.users as u64),
            share(pair.cramers_v),
            share(pair.cramers_v_corrected),
        ]);
    }
    if !table.is_empty() {
        document.table(table);
    }
    let mut table = Grid::new([
        "main task, auxiliary task",
        "Cramér's V",
        "gain in F",
        "95 % interval",
    ]);
    for gain in gains {
        table.row([
            gain.pair.clone(),
            share(gain.association),
            signed(gain.f.observed),
            interval(&gain.f),
        ]);
    }
    match table.is_empty() {
        true => document.text(NOT_RUN),
        false => document.table(table),
    }
}

/// A line of a table.
struct Entry<'a> {
    label: String,
    row: Option<&'a Row>,
    paper: Option<Scores>,
}

impl<'a> Entry<'a> {
    /// That of a system as it is, run or not.
    fn new(attribute: &'a AttributeResults, system: &str, auxiliary: &[String]) -> Self {
        let main = &attribute.summary.name;
        Self {
            label: label(system, main, auxiliary),
            row: attribute.row(system, auxiliary),
            paper: paper::scores(system, main, auxiliary),
        }
    }

    /// That of a row the paper does not have.
    fn of(row: &'a Row) -> Self {
        Self {
            label: row.label(),
            row: Some(row),
            paper: None,
        }
    }
}

/// Whether a row has a place in one of Tables 3 to 6 or their like.
fn is_of_paper(row: &Row) -> bool {
    let is = |systems: &[(&str, &str)]| systems.iter().any(|(id, _)| *id == row.key.system);
    row.key.variant.is_empty()
        && match row.key.auxiliary.len() {
            0 => is(&paper::INDIVIDUAL),
            1 => is(&paper::JOINT),
            _ => false,
        }
}

fn individual_entries(attribute: &AttributeResults) -> Vec<Entry<'_>> {
    (paper::INDIVIDUAL.iter())
        .map(|(system, _)| Entry::new(attribute, system, &[]))
        .collect()
}

/// LSTM, then the joint systems for each auxiliary attribute: those of the paper, and all others that were run.
fn joint_entries(attribute: &AttributeResults) -> Vec<Entry<'_>> {
    let of_paper = paper::attribute(&attribute.summary.name);
    let mut auxiliaries: Vec<&str> = of_paper.map_or(Vec::new(), |paper| paper.auxiliary.to_vec());
    for row in attribute.rows.iter().filter(|row| is_of_paper(row)) {
        for auxiliary in &row.key.auxiliary {
            if !auxiliaries.contains(&auxiliary.as_str()) {
                auxiliaries.push(auxiliary);
            }
        }
    }
    let mut entries = vec![Entry::new(attribute, paper::LSTM, &[])];
    for auxiliary in auxiliaries {
        let auxiliary = [auxiliary.to_owned()];
        let of_system = |(system, _): &(&str, &str)| Entry::new(attribute, system, &auxiliary);
        entries.extend(paper::JOINT.iter().map(of_system));
    }
    entries
}

/// Every other entry and that of LSTM.
fn against_lstm(entries: &[Entry]) -> Vec<(usize, usize)> {
    let is_lstm = |entry: &Entry| {
        let key = entry.row.map(|row| &row.key);
        key.is_some_and(|key| key.system == paper::LSTM && key.variant.is_empty())
    };
    let lstm = entries.iter().position(is_lstm);
    lstm.map_or(Vec::new(), |lstm| {
        let others = (0..entries.len()).filter(|index| *index != lstm);
        others.map(|index| (index, lstm)).collect()
    })
}

/// Every other joint system and Aux-LSTM on the same attributes.
fn against_aux_lstm(entries: &[Entry]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let Some(row) = entry.row.filter(|row| !row.key.auxiliary.is_empty()) else {
            continue;
        };
        let same = |other: &Entry| {
            let key = other.row.map(|row| &row.key);
            key.is_some_and(|key| {
                key.system == paper::AUX_LSTM && key.auxiliary == row.key.auxiliary
            })
        };
        if let Some(aux) = entries.iter().position(same).filter(|aux| *aux != index) {
            pairs.push((index, aux));
        }
    }
    pairs
}

/// A table of scores and, below, one of the pairs' differences.
fn scores(
    document: &mut Document,
    attribute: &AttributeResults,
    level: usize,
    entries: &[Entry],
    pairs: &[(usize, usize)],
) {
    let mut compared: Vec<(usize, usize, Comparison)> = (pairs.iter())
        .filter_map(|&(a, b)| Some((a, b, entries[a].row?.compare(entries[b].row?, level)?)))
        .collect();
    let comparisons = compared.iter_mut().map(|(.., comparison)| comparison);
    Comparison::correct(&mut comparisons.collect::<Vec<_>>());

    let with_paper = entries.iter().any(|entry| entry.paper.is_some());
    let mut header = vec!["system", "P", "R", "F", ""];
    if with_paper {
        header.push(PAPER);
    }
    header.extend(["mean class F1", "accuracy", "ECE", "seeds"]);
    let mut table = Grid::new(header);
    for (index, entry) in entries.iter().enumerate() {
        let figure = |figure: fn(&Report) -> f64| {
            number(entry.row.and_then(|row| row.spread(level, figure)))
        };
        let marks = (compared.iter()).filter(|(a, ..)| *a == index);
        let mut cells = vec![
            entry.label.clone(),
            figure(|report| report.metrics.precision),
            figure(|report| report.metrics.recall),
            figure(|report| report.metrics.f),
            marks
                .filter_map(|(_, b, comparison)| mark(entries[*b].row?, comparison))
                .collect(),
        ];
        if with_paper {
            cells.push((entry.paper).map_or(NONE.into(), |scores| scores.map(share).join(" / ")));
        }
        cells.extend([
            figure(|report| report.metrics.mean_class_f1),
            figure(|report| report.metrics.accuracy),
            figure(|report| report.calibration_error),
            entry
                .row
                .map_or("0".into(), |row| row.runs.len().to_string()),
        ]);
        table.row(cells);
    }
    document.table(table);
    document.text(chance(attribute, level));
    if !compared.is_empty() {
        document.table(differences(entries, &compared, with_paper));
    }
}

/// What anybody reaches who knows the classes only.
fn chance(attribute: &AttributeResults, level: usize) -> String {
    let figure = |figure: fn(&Metrics) -> f64| {
        let first = attribute.rows.first();
        first.and_then(|row| row.spread(level, |report| figure(&report.metrics)))
    };
    match (
        figure(|metrics| metrics.users as f64),
        figure(|metrics| metrics.majority),
    ) {
        (Some(users), Some(majority)) => format!(
            "{} test users a seed; always guessing their largest class has accuracy {}.",
            count(users.mean.round() as u64),
            share(majority.mean)
        ),
        _ => "No cell of this attribute was run.".into(),
    }
}

fn differences(
    entries: &[Entry],
    compared: &[(usize, usize, Comparison)],
    with_paper: bool,
) -> Grid {
    let mut header = vec!["difference", "F", "95 % interval", "p (Holm)"];
    if with_paper {
        header.push(PAPER);
    }
    header.extend([
        "accuracy",
        "95 % interval",
        "p (Holm)",
        "t-test p (Holm)",
        "seeds",
    ]);
    let mut table = Grid::new(header);
    for (a, b, comparison) in compared {
        let (a, b) = (&entries[*a], &entries[*b]);
        let [f, accuracy, t_test] = comparison.corrected;
        let mut cells = vec![
            format!("{} less {}", a.label, b.label),
            signed(comparison.f.observed),
            interval(&comparison.f),
            p_values(Some(comparison.f.p), f),
        ];
        if with_paper {
            let papers = a.paper.zip(b.paper);
            cells.push(papers.map_or(NONE.into(), |(a, b)| signed(a[2] - b[2])));
        }
        cells.extend([
            signed(comparison.accuracy.observed),
            interval(&comparison.accuracy),
            p_values(Some(comparison.accuracy.p), accuracy),
            p_values(comparison.t_test, t_test),
            comparison.seeds.to_string(),
        ]);
        table.row(cells);
    }
    table
}

/// Whether F is significantly above or below that of LSTM (filled) or Aux-LSTM (hollow).
fn mark(reference: &Row, comparison: &Comparison) -> Option<&'static str> {
    let filled = match reference.key.system.as_str() {
        paper::LSTM => true,
        paper::AUX_LSTM => false,
        _ => return None,
    };
    Some(match (filled, comparison.verdict()?) {
        (true, true) => "▲",
        (true, false) => "▼",
        (false, true) => "△",
        (false, false) => "▽",
    })
}

/// One for the classes, and one for the groups where there are any.
fn levels(attribute: &AttributeResults) -> usize {
    if attribute.summary.coarse_classes.is_empty() {
        1
    } else {
        2
    }
}

/// What an attribute is called on its classes or groups.
pub fn name(attribute: &AttributeResults, level: usize) -> String {
    let name = capitalised(&attribute.summary.name);
    match level {
        0 => name,
        _ => format!(
            "{name} in {} coarse classes",
            attribute.summary.coarse_classes.len()
        ),
    }
}

fn labels(attribute: &AttributeResults, level: usize) -> Vec<&str> {
    let summary = &attribute.summary;
    match level {
        0 => summary.classes.iter().map(String::as_str).collect(),
        _ => (summary.coarse_classes.iter())
            .map(|group| group.label.as_str())
            .collect(),
    }
}

/// A mean, and its standard deviation where there is one.
pub fn number(spread: Option<Spread>) -> String {
    match spread {
        None => NOT_RUN.into(),
        Some(Spread { mean, sd: None }) => share(mean),
        Some(Spread { mean, sd: Some(sd) }) => format!("{mean:.3} ± {sd:.3}"),
    }
}

fn share(value: f64) -> String {
    format!("{value:.3}")
}

/// With its sign.
fn signed(value: f64) -> String {
    format!("{value:+.3}").replace('-', "−")
}

fn interval(difference: &Difference) -> String {
    let (low, high) = difference.interval;
    format!("{} to {}", signed(low), signed(high))
}

/// A p as it is and, in brackets, as corrected.
fn p_values(p: Option<f64>, corrected: Option<f64>) -> String {
    let text = |p: f64| match p {
        _ if p < 0.001 => "<0.001".to_owned(),
        _ => format!("{p:.3}"),
    };
    match p.zip(corrected) {
        None => NONE.into(),
        Some((p, corrected)) => format!("{} ({})", text(p), text(corrected)),
    }
}
