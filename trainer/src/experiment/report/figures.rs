//! How figures and their names are written.

use super::paper;
use super::results::{AttributeResults, Row, capitalised};
use crate::evaluation::{Difference, Report, Spread};

/// In place of a figure that was not measured.
pub const NOT_RUN: &str = "not run";
/// In place of a figure that does not exist.
pub const NONE: &str = "–";
/// The header of the paper's figures.
pub const PAPER: &str = "paper (another corpus)";

/// The number of levels: the classes, and the coarse classes if there are any.
pub fn levels(attribute: &AttributeResults) -> usize {
    if attribute.summary.coarse_classes.is_empty() {
        1
    } else {
        2
    }
}

/// The name of an attribute with its classes (level 0) or coarse classes (level 1).
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

/// The labels of a level.
pub fn labels(attribute: &AttributeResults, level: usize) -> Vec<&str> {
    let summary = &attribute.summary;
    match level {
        0 => summary.classes.iter().map(String::as_str).collect(),
        _ => (summary.coarse_classes.iter())
            .map(|class| class.label.as_str())
            .collect(),
    }
}

/// The ECE of a run, which always has test users.
pub fn ece(report: &Report) -> f64 {
    report.calibration_error.unwrap_or(0.0)
}

/// A mean with its standard deviation, if there is one.
pub fn number(spread: Option<Spread>) -> String {
    match spread {
        None => NOT_RUN.into(),
        Some(Spread { mean, sd: None }) => share(mean),
        Some(Spread { mean, sd: Some(sd) }) => format!("{mean:.3} ± {sd:.3}"),
    }
}

/// A figure from 0 to 1.
pub fn share(value: f64) -> String {
    format!("{value:.3}")
}

/// A difference, with its sign.
pub fn signed(value: f64) -> String {
    format!("{value:+.3}").replace('-', "−")
}

/// The 95 % interval of a difference.
pub fn interval(difference: &Difference) -> String {
    let (low, high) = difference.interval;
    format!("{} to {}", signed(low), signed(high))
}

/// A p and, in parentheses, its corrected value.
pub fn p_values(p: Option<f64>, corrected: Option<f64>) -> String {
    let text = |p: f64| match p {
        _ if p < 0.001 => "<0.001".to_owned(),
        _ => format!("{p:.3}"),
    };
    match p.zip(corrected) {
        None => NONE.into(),
        Some((p, corrected)) => format!("{} ({})", text(p), text(corrected)),
    }
}

/// The style class of a row: a colour for its system, dashes for its auxiliary attributes. All that the paper does not have,
/// which `variant` names, shares one colour.
pub fn style(attribute: &AttributeResults, row: &Row, variant: &str) -> String {
    let mut auxiliaries: Vec<&[String]> = Vec::new();
    for other in attribute
        .rows
        .iter()
        .map(|row| row.key.auxiliary.as_slice())
    {
        if !other.is_empty() && !auxiliaries.contains(&other) {
            auxiliaries.push(other);
        }
    }
    let dashes = auxiliaries
        .iter()
        .position(|other| *other == row.key.auxiliary);
    let colour = match variant {
        "" => paper::system_place(&row.key.system),
        _ => paper::system_place(""),
    };
    format!("c{colour} d{}", dashes.unwrap_or(0).min(3))
}
