//! Tables of scores and of differences.

use super::entries::Entry;
use super::figures::{NONE, PAPER, ece, interval, number, p_values, share, signed};
use super::paper;
use super::results::{AttributeResults, Comparison, Row};
use crate::document::{Document, Grid};
use crate::evaluation::{Metrics, Report, few_users_warning};
use crate::table::count;

/// A table of scores and, below it, one of the differences of the pairs.
pub fn scores(
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
    let mut header = vec!["system", "macro-F1", "F (paper)", "", "P", "R"];
    if with_paper {
        header.push(PAPER);
    }
    header.extend(["accuracy", "ECE", "seeds"]);
    let mut table = Grid::new(header);
    for (index, entry) in entries.iter().enumerate() {
        let figure = |figure: fn(&Report) -> f64| {
            number(entry.row.and_then(|row| row.spread(level, figure)))
        };
        let marks = (compared.iter()).filter(|(a, ..)| *a == index);
        let mut columns = vec![
            entry.label.clone(),
            figure(|report| report.metrics.macro_f1),
            figure(|report| report.metrics.f),
            marks
                .filter_map(|(_, b, comparison)| mark(entries[*b].row?, comparison))
                .collect(),
            figure(|report| report.metrics.precision),
            figure(|report| report.metrics.recall),
        ];
        if with_paper {
            columns.push((entry.paper).map_or(NONE.into(), |scores| scores.map(share).join(" / ")));
        }
        columns.extend([
            figure(|report| report.metrics.accuracy),
            figure(ece),
            entry
                .row
                .map_or("0".into(), |row| row.runs.len().to_string()),
        ]);
        table.row(columns);
    }
    document.table(table);
    document.text(baseline(attribute, level));
    if let Some(warning) = few_users(attribute, level) {
        document.text(warning);
    }
    if !compared.is_empty() {
        document.table(differences(entries, &compared, with_paper));
    }
}

/// The number of test users and the accuracy of the majority class.
fn baseline(attribute: &AttributeResults, level: usize) -> String {
    let figure = |figure: fn(&Metrics) -> f64| {
        let first = attribute.rows.first();
        first.and_then(|row| row.spread(level, |report| figure(&report.metrics)))
    };
    match (
        figure(|metrics| metrics.users as f64),
        figure(|metrics| metrics.majority),
    ) {
        (Some(users), Some(majority)) => format!(
            "{} test users per seed; always predicting their largest class has accuracy {}.",
            count(users.mean.round() as u64),
            share(majority.mean)
        ),
        _ => "There are no runs of this attribute.".into(),
    }
}

/// A warning of the classes with few test users, on average over the seeds.
fn few_users(attribute: &AttributeResults, level: usize) -> Option<String> {
    let first = attribute.rows.first()?;
    let report = &first.runs.values().next()?.levels.get(level)?.report;
    let users: Vec<usize> = (0..report.labels.len())
        .filter_map(|class| {
            let users = |report: &Report| report.metrics.classes[class].support as f64;
            Some(first.spread(level, users)?.mean.round() as usize)
        })
        .collect();
    few_users_warning(&report.attribute, &report.labels, &users)
}

fn differences(
    entries: &[Entry],
    compared: &[(usize, usize, Comparison)],
    with_paper: bool,
) -> Grid {
    let mut header = vec!["difference"];
    for figure in ["macro-F1", "F (paper)"] {
        header.extend([figure, "95 % interval", "p (Holm)"]);
    }
    if with_paper {
        header.push(PAPER);
    }
    header.extend(["accuracy", "95 % interval", "p (Holm)"]);
    if with_paper {
        header.push("t-test p (Holm)");
    }
    header.push("seeds");
    let mut table = Grid::new(header);
    for (a, b, comparison) in compared {
        let (a, b) = (&entries[*a], &entries[*b]);
        let [macro_f1, f, accuracy, t_test] = comparison.corrected;
        let mut columns = vec![
            format!("{} Δ to {}", a.label, b.label),
            signed(comparison.macro_f1.observed),
            interval(&comparison.macro_f1),
            p_values(Some(comparison.macro_f1.p), macro_f1),
            signed(comparison.f.observed),
            interval(&comparison.f),
            p_values(Some(comparison.f.p), f),
        ];
        if with_paper {
            let papers = a.paper.zip(b.paper);
            columns.push(papers.map_or(NONE.into(), |(a, b)| signed(a[2] - b[2])));
        }
        columns.extend([
            signed(comparison.accuracy.observed),
            interval(&comparison.accuracy),
            p_values(Some(comparison.accuracy.p), accuracy),
        ]);
        if with_paper {
            columns.push(p_values(comparison.t_test, t_test));
        }
        columns.push(comparison.seeds.to_string());
        table.row(columns);
    }
    table
}

/// The mark of a significant difference in F: filled to LSTM, hollow to Aux-LSTM.
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
