//! The rows of tables, and which of them are compared.

use super::paper::{self, Scores};
use super::results::{AttributeResults, Results, Row, label};
use crate::evaluation::Difference;

/// A row of a table of scores.
pub struct Entry<'a> {
    /// The system's label.
    pub label: String,
    /// Our results, if it was run.
    pub row: Option<&'a Row>,
    /// The paper's figures, if it has them.
    pub paper: Option<Scores>,
}

impl<'a> Entry<'a> {
    /// A system without a variant, run or not.
    pub fn new(attribute: &'a AttributeResults, system: &str, auxiliary: &[String]) -> Self {
        let main = &attribute.summary.name;
        Self {
            label: label(system, main, auxiliary),
            row: attribute.row(system, auxiliary),
            paper: paper::scores(system, main, auxiliary),
        }
    }

    /// Results for which the paper has no figures.
    pub fn of(row: &'a Row) -> Self {
        Self {
            label: row.label(),
            row: Some(row),
            paper: None,
        }
    }
}

/// Entries as the report shows them: without a comparison with the paper only the systems that were run, without the paper's
/// figures.
pub fn shown<'a>(results: &Results, entries: Vec<Entry<'a>>) -> Vec<Entry<'a>> {
    if results.corpus.paper {
        return entries;
    }
    let own = |entry: Entry<'a>| Entry {
        paper: None,
        ..entry
    };
    (entries.into_iter())
        .filter(|entry| entry.row.is_some())
        .map(own)
        .collect()
}

/// Whether a row belongs in one of Tables 3 to 6 or their counterparts for other attributes.
pub fn is_of_paper(row: &Row) -> bool {
    let is = |systems: &[(&str, &str)]| systems.iter().any(|(id, _)| *id == row.key.system);
    row.key.variant.is_empty()
        && match row.key.auxiliary.len() {
            0 => is(&paper::INDIVIDUAL),
            1 => is(&paper::JOINT),
            _ => false,
        }
}

/// The systems of Table 3.
pub fn individual_entries(attribute: &AttributeResults) -> Vec<Entry<'_>> {
    (paper::INDIVIDUAL.iter())
        .map(|(system, _)| Entry::new(attribute, system, &[]))
        .collect()
}

/// LSTM, then the joint systems for each auxiliary attribute: those of the paper, and all others that were run.
pub fn joint_entries(attribute: &AttributeResults) -> Vec<Entry<'_>> {
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

/// The comparisons of every other entry with LSTM.
pub fn against_lstm(entries: &[Entry]) -> Vec<(usize, usize)> {
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

/// The comparisons of every other joint system with Aux-LSTM on the same attributes.
pub fn against_aux_lstm(entries: &[Entry]) -> Vec<(usize, usize)> {
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

/// The gain of Aux-LSTM over LSTM, and the association of its two attributes.
pub struct Gain {
    /// Such as `gender+age`.
    pub pair: String,
    /// The system's label.
    pub label: String,
    /// Cramér's V.
    pub association: f64,
    /// The difference in F.
    pub f: Difference,
}

/// The gain of every pair of attributes that was run.
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
