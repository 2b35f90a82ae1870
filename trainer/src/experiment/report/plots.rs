//! The drawings of a report.

use super::entries::Gain;
use super::few_labels;
use super::figures::{ece, name, number, style};
use super::paper;
use super::results::{AttributeResults, Results, Row, label};
use crate::document::drawing::{Axis, Guide, Point, Series, confusion, plot, wide_plot};
use crate::document::{Document, Figure};
use crate::evaluation::{Confidences, Metrics};
use crate::experiment::Run;

/// The number of equally large parts into which users are divided by the number of their words.
const PARTS: usize = 6;
/// A part with fewer test users, over all seeds, is not drawn.
const FEWEST: usize = 30;

/// All plots except the ages.
pub fn plots(document: &mut Document, results: &Results, gains: &[Gain]) {
    let each = |figure: &dyn Fn(&AttributeResults) -> Vec<Figure>| -> Vec<Figure> {
        results.attributes.iter().flat_map(figure).collect()
    };
    if results.corpus.paper || !gains.is_empty() {
        document.figures(gain(gains));
    }
    let mut plots = |heading: &str, text: &str, figures: Vec<Figure>| {
        if results.corpus.paper || !figures.is_empty() {
            document.plots(heading, text, figures);
        }
    };
    plots(
        "Weight of the main task",
        "F of Aux-LSTM for weights λ of the main task in the joint cost (Eq. 19 of the paper, which takes 0.75); the \
         auxiliary task has 1 − λ. Points are means over seeds, bars one standard deviation to each side.",
        each(&|attribute| sweep(attribute).into_iter().collect()),
    );
    plots(
        "Few labels",
        "F of systems that learn the main attribute from a share of its labels, and the auxiliary attributes from all of \
         theirs. Points are means over seeds, bars one standard deviation to each side.",
        each(&|attribute| few_labels::figure(attribute).into_iter().collect()),
    );
    plots(
        "Learning curves",
        "F on the validation users and the mean cost of training, after each epoch; the mean over seeds, up to the last \
         epoch of the shortest run. The costs of different systems are not comparable.",
        each(&learning),
    );
    plots(
        "F by number of words",
        "Test users of all seeds, divided into six equally large parts by the number of words that were read; F in each \
         part, at the median of its words.",
        each(&|attribute| words(attribute).into_iter().collect()),
    );
    plots(
        "Reliability",
        "Test users of all seeds by the probability of their most probable class, in 15 bins of equal width, and \
         the share of correct predictions in each bin. The dashed line is perfect calibration. ECE is the mean distance \
         from it, over users; its mean over seeds is given.",
        each(&|attribute| by_level(attribute, reliability)),
    );
    plots(
        "Coverage and accuracy",
        "The share of test users whose most probable class reaches a threshold, and the share of correct predictions \
         among them, for thresholds 0, 0.05 … 0.95. All seeds together.",
        each(&|attribute| by_level(attribute, coverage)),
    );
    plots(
        "Confusion matrices",
        "For each true class, the percentage of its test users that was predicted to be of each class. All seeds together.",
        each(&|attribute| by_level(attribute, confusions)),
    );
}

/// Figures on the classes, and on the coarse classes where there are any.
fn by_level(
    attribute: &AttributeResults,
    figure: fn(&AttributeResults, usize) -> Vec<Figure>,
) -> Vec<Figure> {
    let coarse_classes = !attribute.summary.coarse_classes.is_empty();
    let levels = if coarse_classes { 0..2 } else { 0..1 };
    levels.flat_map(|level| figure(attribute, level)).collect()
}

/// The rows that plots of single systems show: SVM, LSTM and Aux-LSTM, and the best one on the validation users.
fn shown(attribute: &AttributeResults) -> Vec<&Row> {
    let is_shown = |row: &&Row| {
        let system = row.key.system.as_str();
        row.key.variant.is_empty() && ["svm", paper::LSTM, paper::AUX_LSTM].contains(&system)
    };
    let mut rows: Vec<&Row> = attribute.rows.iter().filter(is_shown).collect();
    rows.extend(
        attribute
            .best()
            .filter(|best| !rows.iter().any(|row| row.key == best.key)),
    );
    rows
}

/// A figure with a series for each row; none if no row has points.
fn figure(
    attribute: &AttributeResults,
    title: String,
    rows: &[&Row],
    points: impl Fn(&Row) -> Vec<Point>,
    legend: impl Fn(&Row) -> String,
    draw: impl Fn(&[Series]) -> String,
) -> Option<Figure> {
    let mut series = Vec::new();
    let mut names = Vec::new();
    for row in rows {
        let points = points(row);
        if points.is_empty() {
            continue;
        }
        let class = style(attribute, row, &row.key.variant);
        names.push((class.clone(), legend(row)));
        series.push(Series {
            class,
            joined: true,
            points,
        });
    }
    (!series.is_empty()).then(|| Figure {
        drawing: draw(&series),
        title,
        legend: names,
    })
}

fn all<'a>(series: &'a [Series], of: fn(&Point) -> f64) -> impl Iterator<Item = f64> + 'a {
    series.iter().flat_map(|one| &one.points).map(of)
}

/// A figure of a run after each epoch.
type Curve = fn(&Run) -> &[f64];

fn learning(attribute: &AttributeResults) -> Vec<Figure> {
    let rows: Vec<&Row> = (attribute.rows.iter())
        .filter(|row| row.key.variant.is_empty())
        .collect();
    let curve = |row: &Row, of: Curve| -> Vec<Point> {
        let curves: Vec<&[f64]> = row
            .runs
            .values()
            .map(|evaluated| of(&evaluated.run))
            .collect();
        let epochs = curves.iter().map(|curve| curve.len()).min().unwrap_or(0);
        (0..epochs)
            .map(|epoch| {
                let sum: f64 = curves.iter().map(|curve| curve[epoch]).sum();
                let y = sum / curves.len() as f64;
                Point {
                    x: (epoch + 1) as f64,
                    y,
                    title: format!("{}, epoch {}: {y:.3}", row.label(), epoch + 1),
                    ..Point::default()
                }
            })
            .collect()
    };
    let name = name(attribute, 0);
    let kinds: [(&str, Curve); 2] = [
        ("F on validation users", |run| &run.validation_curve),
        ("mean cost of training", |run| &run.training_curve),
    ];
    (kinds.into_iter())
        .filter_map(|(kind, of)| {
            let title = format!("{name}: {kind}");
            figure(
                attribute,
                title.clone(),
                &rows,
                |row| curve(row, of),
                Row::label,
                |series| {
                    let last = all(series, |point| point.x).fold(2.0, f64::max);
                    let x = Axis::between("epoch", 1.0, last);
                    let y = Axis::around(kind, all(series, |point| point.y));
                    plot(&title, &x, &y, &[], series)
                },
            )
        })
        .collect()
}

/// λ, from 0 to 1, of a row whose variant is a value of λ, or of Aux-LSTM without a variant.
fn weight(row: &Row) -> Option<f64> {
    let chosen = || {
        let mut chosen = row
            .runs
            .values()
            .flat_map(|evaluated| &evaluated.run.chosen);
        let (_, weight) = chosen.find(|(name, _)| name == "lambda")?;
        let as_it_is = row.key.system == paper::AUX_LSTM && row.key.variant.is_empty();
        as_it_is.then_some(weight.as_str())
    };
    let weight = row.key.variant.strip_prefix("lambda=").or_else(chosen)?;
    weight
        .parse()
        .ok()
        .filter(|weight| (0.0..=1.0).contains(weight))
}

/// Rows of Aux-LSTM by λ, a series for each auxiliary attribute.
fn sweep(attribute: &AttributeResults) -> Option<Figure> {
    let mut sweeps: Vec<(String, Series)> = Vec::new();
    for row in &attribute.rows {
        let f = row.spread(0, |report| report.metrics.f);
        let Some((weight, f)) = weight(row).zip(f) else {
            continue;
        };
        let point = Point {
            x: weight,
            y: f.mean,
            range: f.sd.map(|sd| (f.mean - sd, f.mean + sd)),
            title: format!("{}: {}", row.label(), number(Some(f))),
            ..Point::default()
        };
        let key = &row.key;
        let label = label(&key.system, &key.main, &key.auxiliary);
        match sweeps.iter_mut().find(|(other, _)| *other == label) {
            Some((_, series)) => series.points.push(point),
            None => {
                let base = attribute.row(&key.system, &key.auxiliary).unwrap_or(row);
                let series = Series {
                    class: style(attribute, base, &base.key.variant),
                    joined: true,
                    points: vec![point],
                };
                sweeps.push((label, series));
            }
        }
    }
    // A single value of λ is not a sweep.
    sweeps.retain(|(_, series)| series.points.len() > 1);
    let legend = (sweeps.iter())
        .map(|(label, series)| (series.class.clone(), label.clone()))
        .collect();
    let mut series: Vec<Series> = sweeps.into_iter().map(|(_, series)| series).collect();
    if series.is_empty() {
        return None;
    }
    for one in &mut series {
        one.points.sort_by(|a, b| a.x.total_cmp(&b.x));
    }
    let title = name(attribute, 0);
    let x = Axis::between("weight λ of the main task", 0.0, 1.0);
    let lstm = attribute
        .lstm()
        .and_then(|row| row.spread(0, |report| report.metrics.f));
    let ends = |point: &Point| match point.range {
        Some((low, high)) => [low, high],
        None => [point.y; 2],
    };
    let heights =
        (series.iter().flat_map(|one| &one.points).flat_map(ends)).chain(lstm.map(|f| f.mean));
    let y = Axis::around("F", heights);
    let guides: Vec<Guide> = (lstm.iter())
        .map(|f| Guide {
            from: (0.0, f.mean),
            to: (1.0, f.mean),
            label: "LSTM".into(),
        })
        .collect();
    Some(Figure {
        drawing: plot(&title, &x, &y, &guides, &series),
        title,
        legend,
    })
}

/// F by the number of words of the users.
fn words(attribute: &AttributeResults) -> Option<Figure> {
    let rows = shown(attribute);
    let users = |row: &Row| -> Vec<(usize, usize, usize)> {
        let mut users = Vec::new();
        for evaluated in row.runs.values() {
            for user in &evaluated.run.test {
                let best = model_core::prediction::largest(&user.probabilities).unwrap_or(0);
                users.push((user.words, user.class, best));
            }
        }
        users.sort_unstable();
        users
    };
    let mut counts: Vec<usize> = (rows.iter())
        .flat_map(|row| users(row))
        .map(|(words, ..)| words)
        .collect();
    counts.sort_unstable();
    if counts.is_empty() {
        return None;
    }
    let mut edges: Vec<usize> = (1..PARTS)
        .map(|part| counts[part * counts.len() / PARTS])
        .collect();
    edges.dedup();
    let classes = attribute.summary.classes.len();
    let points = |row: &Row| -> Vec<Point> {
        let mut parts: Vec<Vec<(usize, usize, usize)>> = vec![Vec::new(); edges.len() + 1];
        for user in users(row) {
            parts[edges.partition_point(|edge| *edge <= user.0)].push(user);
        }
        (parts.into_iter())
            .filter(|part| part.len() >= FEWEST)
            .map(|part| {
                let (gold, predicted): (Vec<usize>, Vec<usize>) =
                    part.iter().map(|(_, gold, best)| (*gold, *best)).unzip();
                let f = Metrics::new(&gold, &predicted, classes).f;
                let median = part[part.len() / 2].0;
                Point {
                    x: median as f64,
                    y: f,
                    title: format!(
                        "{}, {} words: F {f:.3} of {} users",
                        row.label(),
                        median,
                        part.len()
                    ),
                    ..Point::default()
                }
            })
            .collect()
    };
    let title = name(attribute, 0);
    figure(
        attribute,
        title.clone(),
        &rows,
        points,
        Row::label,
        |series| {
            let x = Axis::logarithmic("words read", all(series, |point| point.x));
            let y = Axis::around("F", all(series, |point| point.y));
            plot(&title, &x, &y, &[], series)
        },
    )
}

/// True classes and probabilities of the test users of all seeds, on classes or coarse classes.
fn pooled(attribute: &AttributeResults, row: &Row, level: usize) -> Confidences {
    let summary = attribute.summary.attribute();
    let (mut gold, mut probabilities) = (Vec::new(), Vec::new());
    for user in row.runs.values().flat_map(|evaluated| &evaluated.run.test) {
        if level == 0 {
            gold.push(user.class);
            probabilities.push(user.probabilities.clone());
        } else if let Some(class) = summary.coarse_class_of(user.class) {
            gold.push(class);
            probabilities.push(summary.coarse_probabilities(&user.probabilities));
        }
    }
    Confidences::new(&gold, &probabilities)
}

fn reliability(attribute: &AttributeResults, level: usize) -> Vec<Figure> {
    let title = name(attribute, level);
    let points = |row: &Row| -> Vec<Point> {
        (pooled(attribute, row, level).reliability().into_iter())
            .map(|bin| Point {
                x: bin.confidence,
                y: bin.accuracy,
                title: format!(
                    "{}: {} users at {:.3}, {:.3} of them correct",
                    row.label(),
                    bin.users,
                    bin.confidence,
                    bin.accuracy
                ),
                ..Point::default()
            })
            .collect()
    };
    let legend = |row: &Row| {
        let error = row.spread(level, ece);
        format!("{}, ECE {}", row.label(), number(error))
    };
    let figure = figure(
        attribute,
        title.clone(),
        &shown(attribute),
        points,
        legend,
        |series| {
            let x = Axis::between("probability of the most probable class", 0.0, 1.0);
            let y = Axis::between("share correct", 0.0, 1.0);
            let honest = Guide {
                from: (0.0, 0.0),
                to: (1.0, 1.0),
                label: String::new(),
            };
            plot(&title, &x, &y, &[honest], series)
        },
    );
    figure.into_iter().collect()
}

fn coverage(attribute: &AttributeResults, level: usize) -> Vec<Figure> {
    let title = name(attribute, level);
    let points = |row: &Row| -> Vec<Point> {
        (pooled(attribute, row, level).coverage().into_iter())
            .map(|point| Point {
                x: point.coverage,
                y: point.accuracy,
                title: format!(
                    "{}, threshold {:.2}: {:.3} of the users, {:.3} of them correct",
                    row.label(),
                    point.threshold,
                    point.coverage,
                    point.accuracy
                ),
                ..Point::default()
            })
            .collect()
    };
    let figure = figure(
        attribute,
        title.clone(),
        &shown(attribute),
        points,
        Row::label,
        |series| {
            let x = Axis::between("share of users above the threshold", 0.0, 1.0);
            let y = Axis::around("share correct among these", all(series, |point| point.y));
            plot(&title, &x, &y, &[], series)
        },
    );
    figure.into_iter().collect()
}

fn confusions(attribute: &AttributeResults, level: usize) -> Vec<Figure> {
    (shown(attribute).into_iter())
        .map(|row| {
            let title = format!("{}: {}", name(attribute, level), row.label());
            let levels = row.runs.values().map(|run| &run.levels[level].report);
            let mut labels: &[String] = &[];
            let mut sum: Vec<Vec<usize>> = Vec::new();
            for report in levels {
                labels = &report.labels;
                sum.resize(labels.len(), vec![0; labels.len()]);
                for (row, counts) in sum.iter_mut().zip(&report.metrics.confusion) {
                    for (sum, count) in row.iter_mut().zip(counts) {
                        *sum += count;
                    }
                }
            }
            Figure {
                drawing: confusion(&title, labels, &sum),
                title,
                legend: Vec::new(),
            }
        })
        .collect()
}

/// The gain of joint learning by the association of the attributes.
fn gain(gains: &[Gain]) -> Vec<Figure> {
    if gains.is_empty() {
        return Vec::new();
    }
    let points = (gains.iter()).map(|gain| Point {
        x: gain.association,
        y: gain.f.observed,
        range: Some(gain.f.interval),
        label: gain.pair.clone(),
        title: format!(
            "{}: V {:.3}, F {:+.3}",
            gain.label, gain.association, gain.f.observed
        ),
    });
    let series = Series {
        class: format!("c{} d0", paper::system_place(paper::AUX_LSTM)),
        joined: false,
        points: points.collect(),
    };
    let most = gains
        .iter()
        .map(|gain| gain.association)
        .fold(0.0, f64::max);
    let x = Axis::between(
        "Cramér's V of the two attributes",
        0.0,
        (most * 1.35).clamp(0.1, 1.0),
    );
    let ends = gains
        .iter()
        .flat_map(|gain| [gain.f.interval.0, gain.f.interval.1, 0.0]);
    let y = Axis::around("Δ of Aux-LSTM to LSTM in F", ends);
    let none = Guide {
        from: (0.0, 0.0),
        to: (1.0, 0.0),
        label: "no gain".into(),
    };
    let title = "Gain of joint learning, main+auxiliary, with 95 % intervals";
    vec![Figure {
        drawing: wide_plot(title, &x, &y, &[none], &[series]),
        title: title.into(),
        legend: Vec::new(),
    }]
}
