//! Reports as tables and drawings of a document.

use model_core::language::Language;

use super::intervals::{Interval, Intervals};
use super::metrics::{ClassMetrics, FEW_USERS};
use super::report::Report;
use crate::corpus::listed;
use crate::document::drawing::{self, Axis, Guide, Point, Series};
use crate::document::{Document, Figure, Grid};
use crate::table::{count, counted};

/// The explanation of averages over classes.
pub const MEANINGS: &str = "macro-F1 is the mean of the classes' F1. F (paper) is 2PR/(P+R), where P and R are averaged over the \
    classes.";

/// The explanation of the other figures.
const OTHER_MEANINGS: &str = concat!(
    "Majority is the accuracy of always predicting the most frequent class. ",
    "ECE, the expected calibration error, is the mean distance between the probability of the predicted class and the share of such ",
    "predictions that are right, over 15 bins of equal width. ",
    "Log loss is the mean −ln p of the true class, and mean p the mean probability of a class; ",
    "they and ECE are those under the training users' base rates. ",
    "Coverage is the share of confident predictions.",
);

/// The explanation of intervals.
pub const INTERVALS: &str =
    "Figures in parentheses are 95 % intervals, from 1,000 bootstrap samples of the users.";

/// The name of an attribute, with the language of the text for a model of two languages.
pub fn in_language(attribute: &str, language: Option<Language>) -> String {
    match language {
        Some(Language::Chinese) => format!("{attribute}, Chinese text"),
        Some(Language::Other) => format!("{attribute}, other text"),
        None => attribute.to_owned(),
    }
}

/// The attribute of a report, with the language for a model of two languages.
pub fn title(report: &Report) -> String {
    in_language(&report.attribute, report.language)
}

/// Adds a table of all reports and a section for each.
pub fn add_sections(document: &mut Document, reports: &[Report]) {
    document.table(summary(reports));
    document.text(format!("{MEANINGS} {OTHER_MEANINGS}"));
    if reports.iter().any(|report| report.intervals.is_some()) {
        document.text(INTERVALS);
    }
    for report in reports {
        document.section(title(report));
        add_report(document, report);
    }
}

/// A table of the main figures on test users with their intervals, beside those of a baseline, which `baseline_of` finds for a
/// report, and of the majority class.
pub fn comparison<'r>(
    reports: &'r [Report],
    model: &str,
    baseline: &str,
    baseline_of: impl Fn(&Report) -> Option<&'r Report>,
) -> Grid {
    let mut table = Grid::new(["", "users", "macro-F1", "F (paper)", "accuracy"]);
    for report in reports {
        let rows = [(model, Some(report)), (baseline, baseline_of(report))];
        for (name, report) in rows {
            let Some(report) = report else { continue };
            let (metrics, intervals) = (&report.metrics, report.intervals.as_ref());
            let cell = |value, interval: fn(&Intervals) -> Option<Interval>| {
                with_interval(Some(value), intervals.and_then(interval))
            };
            table.row([
                format!("{}: {name}", title(report)),
                count(metrics.users as u64),
                cell(metrics.macro_f1, |intervals| intervals.macro_f1),
                cell(metrics.f, |intervals| intervals.f),
                cell(metrics.accuracy, |intervals| intervals.accuracy),
            ]);
        }
        let always = report.metrics.always_majority();
        table.row([
            format!("{}: majority class", title(report)),
            count(always.users as u64),
            figure(Some(always.macro_f1)),
            figure(Some(always.f)),
            figure(Some(always.accuracy)),
        ]);
    }
    table
}

fn summary(reports: &[Report]) -> Grid {
    let mut table = Grid::new([
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
    ]);
    for report in reports {
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
    table
}

/// Adds the users left out, coverage, figures with intervals, the classes, confusion and reliability.
fn add_report(document: &mut Document, report: &Report) {
    let metrics = &report.metrics;
    if report.unlabelled > 0 {
        let users = count(report.unlabelled as u64);
        document.text(format!("Left out, without a label: {users}"));
    }
    if report.interval_labels > 0 {
        let users = counted(report.interval_labels as u64, "user");
        let others = match metrics.users {
            0 => {
                ". So many are left out that the others are not a fair sample, and no figures are stated"
            }
            _ => "",
        };
        document.text(format!(
            "Left out, with an interval label, which covers several classes: {users}{others}."
        ));
    }
    if !report.other_labels.is_empty() {
        let labels = report.other_labels.iter();
        document.text(format!(
            "Left out, with a label that is not a class: {}. --map ATTRIBUTE:LABEL=CLASS reads a label as a class.",
            listed(labels.map(|(label, &users)| (label.as_str(), users)))
        ));
    }
    if metrics.users == 0 {
        return;
    }
    let threshold = report.confidence_threshold;
    document.text(match &report.confident {
        None if report.transferred => {
            "Coverage 0.0 % (predictions of a transferred attribute are never confident)".into()
        }
        None if threshold >= 1.0 => "Coverage 0.0 % (the model has no confidence threshold: at none were enough predictions \
                                     for its validation users right)"
            .into(),
        None => format!("Coverage 0.0 % (no probability of at least {threshold:.2})"),
        Some(confident) => format!(
            "Coverage {:.1} %, accuracy when confident {:.1} % (probability of at least {threshold:.2})",
            100.0 * confident.coverage,
            100.0 * confident.accuracy
        ),
    });
    if let Some(intervals) = &report.intervals {
        let confident = report.confident.as_ref();
        let mut table = Grid::new(["figure", "value and 95 % interval"]);
        for (name, value, interval) in [
            ("accuracy", Some(metrics.accuracy), intervals.accuracy),
            ("majority class", Some(metrics.majority), intervals.majority),
            ("macro-F1", Some(metrics.macro_f1), intervals.macro_f1),
            ("F (paper)", Some(metrics.f), intervals.f),
            ("P", Some(metrics.precision), intervals.precision),
            ("R", Some(metrics.recall), intervals.recall),
            ("ECE", report.calibration_error, intervals.calibration_error),
            ("log loss", report.log_loss, intervals.log_loss),
            (
                "coverage",
                Some(confident.map_or(0.0, |point| point.coverage)),
                intervals.coverage,
            ),
            (
                "accuracy when confident",
                confident.map(|point| point.accuracy),
                intervals.accuracy_when_confident,
            ),
        ] {
            table.row([name.to_owned(), with_interval(value, interval)]);
        }
        document.table(table);
    }
    document.table(classes(report));
    if metrics.classes.iter().any(is_small) {
        document.text(format!("Marked *: fewer than {FEW_USERS} users"));
    }
    let header = std::iter::once("true \\ predicted");
    let mut confusion = Grid::new(header.chain(report.labels.iter().map(String::as_str)));
    for (label, row) in report.labels.iter().zip(&metrics.confusion) {
        let users = row.iter().map(|&users| count(users as u64));
        confusion.row(std::iter::once(label.clone()).chain(users));
    }
    document.table(confusion);
    document.figures(vec![
        Figure {
            drawing: drawing::confusion("confusion", &report.labels, &metrics.confusion),
            title: "Confusion, in per cent of the true class".into(),
            legend: Vec::new(),
        },
        reliability(report),
    ]);
}

fn is_small(class: &ClassMetrics) -> bool {
    class.support < FEW_USERS
}

/// The figures of each class, with the share of users predicted to be of it beside the true share.
fn classes(report: &Report) -> Grid {
    let mut table = Grid::new([
        "class",
        "P",
        "R",
        "F1",
        "users",
        "true share",
        "predicted share",
        "mean p",
    ]);
    let users = report.metrics.users as f64;
    let mean_probabilities = report.mean_probabilities.iter().flatten();
    let rows = report.labels.iter().zip(&report.metrics.classes);
    for (index, ((label, class), &mean_probability)) in rows.zip(mean_probabilities).enumerate() {
        let mark = if is_small(class) { " *" } else { "" };
        let intervals = report.intervals.as_ref().map(|all| &all.classes[index]);
        let cell =
            |value, interval: Option<Option<Interval>>| with_interval(value, interval.flatten());
        let share = |count: usize| Some(count as f64 / users);
        table.row([
            format!("{label}{mark}"),
            cell(class.precision, intervals.map(|class| class.precision)),
            cell(class.recall, intervals.map(|class| class.recall)),
            cell(class.f1, intervals.map(|class| class.f1)),
            count(class.support as u64),
            cell(share(class.support), intervals.map(|class| class.share)),
            cell(
                share(class.predicted),
                intervals.map(|class| class.predicted_share),
            ),
            figure(Some(mean_probability)),
        ]);
    }
    table
}

fn reliability(report: &Report) -> Figure {
    let points = (report.reliability.iter()).map(|bin| Point {
        x: bin.confidence,
        y: bin.accuracy,
        title: format!(
            "{} users at {:.3}, {:.3} of them correct",
            bin.users, bin.confidence, bin.accuracy
        ),
        ..Point::default()
    });
    let series = Series {
        class: "c0 d0".into(),
        joined: true,
        points: points.collect(),
    };
    let x = Axis::between("probability of the most probable class", 0.0, 1.0);
    let y = Axis::between("share correct", 0.0, 1.0);
    let perfect = Guide {
        from: (0.0, 0.0),
        to: (1.0, 1.0),
        label: String::new(),
    };
    Figure {
        drawing: drawing::plot("reliability", &x, &y, &[perfect], &[series]),
        title: "Reliability; the dashed line is perfect calibration".into(),
        legend: Vec::new(),
    }
}

/// Adds a section with the error of each group of users that has a value of a field: for each attribute a table.
pub fn add_groups(document: &mut Document, field: &str, groups: &[(String, Vec<Report>)]) {
    document.section(format!("By {field}"));
    document.text(
        "The error is the share of wrong predictions. Macro-F1 is that of groups with users of every class. The last column has \
         the most frequent error. Compare groups by their intervals: groups of few users differ by chance.",
    );
    let mut titles: Vec<String> = Vec::new();
    for report in groups.iter().flat_map(|(_, reports)| reports) {
        let title = title(report);
        if report.metrics.users > 0 && !titles.contains(&title) {
            titles.push(title);
        }
    }
    for name in titles {
        let mut table = Grid::new([
            field,
            "users",
            "error",
            "macro-F1",
            "coverage",
            "accuracy when confident",
            "most frequent error (true → predicted)",
        ]);
        let mut bars = Vec::new();
        for (group, reports) in groups {
            let report =
                (reports.iter()).find(|report| title(report) == name && report.metrics.users > 0);
            let Some(report) = report else { continue };
            let metrics = &report.metrics;
            let (confident, intervals) = (report.confident.as_ref(), report.intervals.as_ref());
            let error = 1.0 - metrics.accuracy;
            let of_error = intervals
                .and_then(|intervals| intervals.accuracy)
                .map(|[low, high]| [1.0 - high, 1.0 - low]);
            let has_all = metrics.classes.iter().all(|class| class.support > 0);
            bars.push((group.clone(), error, of_error.unwrap_or([error; 2])));
            table.row([
                group.clone(),
                count(metrics.users as u64),
                with_interval(Some(error), of_error),
                with_interval(
                    has_all.then_some(metrics.macro_f1),
                    intervals.and_then(|intervals| intervals.macro_f1),
                ),
                figure(Some(confident.map_or(0.0, |point| point.coverage))),
                figure(confident.map(|point| point.accuracy)),
                most_frequent_error(report),
            ]);
        }
        document.part(name.clone());
        document.table(table);
        document.figures(vec![Figure {
            drawing: drawing::shares(&format!("error of {name}"), &bars),
            title: "Error with its 95 % interval".into(),
            legend: Vec::new(),
        }]);
    }
}

fn most_frequent_error(report: &Report) -> String {
    let classes = 0..report.labels.len();
    let pairs = classes
        .clone()
        .flat_map(|of| classes.clone().map(move |to| (of, to)));
    let users = |&(of, to): &(usize, usize)| report.metrics.confusion[of][to];
    let wrong = pairs.filter(|pair| pair.0 != pair.1 && users(pair) > 0);
    match wrong.max_by_key(users) {
        Some(pair @ (of, to)) => {
            let (of, to) = (&report.labels[of], &report.labels[to]);
            format!("{of} → {to}: {}", count(users(&pair) as u64))
        }
        None => "–".into(),
    }
}

/// A figure, with its interval in parentheses if there is one.
pub fn with_interval(value: Option<f64>, interval: Option<Interval>) -> String {
    match (value, interval) {
        (Some(_), Some([low, high])) => format!("{} ({low:.3}–{high:.3})", figure(value)),
        _ => figure(value),
    }
}

fn figure(value: Option<f64>) -> String {
    value.map_or("–".into(), |value| format!("{value:.3}"))
}
