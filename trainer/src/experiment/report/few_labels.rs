//! Runs that learn the main attribute from a share of its labels: what joint learning brings where labels are few.

use super::entries::Entry;
use super::figures::{name, number, style};
use super::paper;
use super::results::{
    AttributeResults, Results, Row, capitalised, has_few, label, share_of_labels,
};
use super::scores::scores;
use crate::document::drawing::{Axis, Point, Series, plot};
use crate::document::{Document, Figure};
use crate::experiment::labels::SHUFFLED;

/// The rows of systems that learned from several shares of the labels, those of the smallest share first.
fn swept(attribute: &AttributeResults) -> Vec<&Row> {
    let series = |row: &Row| {
        (
            row.key.system.clone(),
            row.key.auxiliary.clone(),
            share_of_labels(row).1,
        )
    };
    let few = attribute.rows.iter().filter(|row| has_few(row));
    let few: Vec<_> = few.map(series).collect();
    let rows = attribute.rows.iter();
    let mut rows: Vec<&Row> = rows.filter(|row| few.contains(&series(row))).collect();
    rows.sort_by(|one, other| share_of_labels(one).0.total_cmp(&share_of_labels(other).0));
    rows
}

/// The row of the same share and variant that learns the attribute alone: LSTM for a joint network, SVM for Meta-Learning.
fn alone<'a>(rows: &[&'a Row], row: &Row) -> Option<&'a Row> {
    let system = match row.key.system.as_str() {
        paper::AUX_LSTM | "multi-task-lstm" => paper::LSTM,
        "meta-learning" => "svm",
        _ => return None,
    };
    let plain = |variant: &str| {
        let parts = variant.split(", ").filter(|part| *part != SHUFFLED);
        parts.collect::<Vec<_>>().join(", ")
    };
    let (of, variant) = share_of_labels(row);
    let is_alone = |other: &&&Row| {
        let (share, own) = share_of_labels(other);
        other.key.system == system && share == of && (own == plain(&variant) || own.is_empty())
    };
    // The same variant, or none where a variant is of the joint system alone.
    let found = rows.iter().filter(is_alone);
    found
        .max_by_key(|other| share_of_labels(other).1.len())
        .copied()
}

/// Tables of these runs, with the differences of joint learning to learning alone.
pub fn tables(document: &mut Document, results: &Results) {
    let with_runs = results
        .attributes
        .iter()
        .map(|attribute| (attribute, swept(attribute)));
    let with_runs: Vec<_> = with_runs.filter(|(_, rows)| !rows.is_empty()).collect();
    if with_runs.is_empty() {
        return;
    }
    document.section("Few labels of the main attribute");
    document.text(
        "Training and validation users keep a share of the main attribute's labels, the same share of each class, and all \
         labels of the auxiliary attributes. Test users are those of the other tables. Joint systems are compared with \
         learning alone from the same labels: networks with LSTM, Meta-Learning with SVM. Where the auxiliary labels are \
         shuffled among the users, they carry no information, and a gain that is left comes from elsewhere.",
    );
    for (attribute, rows) in with_runs {
        let entries: Vec<Entry> = rows.iter().map(|row| Entry::of(row)).collect();
        let place = |row: &Row| rows.iter().position(|other| other.key == row.key);
        let pairs: Vec<(usize, usize)> = (rows.iter().enumerate())
            .filter_map(|(index, row)| Some((index, place(alone(&rows, row)?)?)))
            .collect();
        document.part(capitalised(&attribute.summary.name));
        scores(document, attribute, 0, &entries, &pairs);
    }
}

/// F by the share of the labels, a series for each system with its auxiliary attributes and variant.
pub fn figure(attribute: &AttributeResults) -> Option<Figure> {
    let mut all: Vec<(String, Series)> = Vec::new();
    for row in swept(attribute) {
        let Some(f) = row.spread(0, |report| report.metrics.f) else {
            continue;
        };
        let (share, variant) = share_of_labels(row);
        let point = Point {
            x: 100.0 * share,
            y: f.mean,
            range: f.sd.map(|sd| (f.mean - sd, f.mean + sd)),
            title: format!("{}: {}", row.label(), number(Some(f))),
            ..Point::default()
        };
        let mut label = label(&row.key.system, &row.key.main, &row.key.auxiliary);
        if !variant.is_empty() {
            label += &format!(", {variant}");
        }
        match all.iter_mut().find(|(other, _)| *other == label) {
            Some((_, series)) => series.points.push(point),
            None => {
                let series = Series {
                    class: style(attribute, row, &variant),
                    joined: true,
                    points: vec![point],
                };
                all.push((label, series));
            }
        }
    }
    let legend = (all.iter())
        .map(|(label, series)| (series.class.clone(), label.clone()))
        .collect();
    let series: Vec<Series> = all.into_iter().map(|(_, series)| series).collect();
    if series.is_empty() {
        return None;
    }
    let points = || series.iter().flat_map(|one| &one.points);
    let ends = points().flat_map(|point| match point.range {
        Some((low, high)) => [low, high],
        None => [point.y; 2],
    });
    let title = name(attribute, 0);
    let x = Axis::logarithmic(
        "labels of the main attribute, %",
        points().map(|point| point.x),
    );
    let y = Axis::around("F", ends);
    Some(Figure {
        drawing: plot(&title, &x, &y, &[], &series),
        title,
        legend,
    })
}
