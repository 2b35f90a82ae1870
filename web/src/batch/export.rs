//! The results of a batch as JSONL and as CSV.

use std::error::Error;
use std::iter;
use std::ops::Range;

use model_core::prediction::{Line, Named, UserPrediction};
use serde_json::Value;

use super::Batch;

/// A format of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// What `auxlstm predict` prints for the same users.
    Jsonl,
    /// For spreadsheets: a header and a row for each user. The columns are `id`, `words` and `known_words`, and for each
    /// attribute, here `age`, a column `age` with the most probable class, empty where there is none, and for each
    /// class, here `13`, a column `age.13` with its probability. If the attribute has coarse classes, here `young`, the
    /// columns `age coarse` and `age coarse.young` follow.
    ///
    /// An apostrophe is put before text that a spreadsheet would take for a formula.
    Csv,
}

impl Export {
    /// The extension of its files.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
        }
    }

    /// Its name for the user.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "JSONL",
            Self::Csv => "CSV",
        }
    }
}

impl Batch {
    /// The part of a file of results with these [`lines`](Self::lines). The parts in order are the file.
    ///
    /// # Errors
    /// If the predictions are by models of different attributes, or a line cannot be written as JSON; no such line is
    /// known.
    pub fn export(&self, format: Export, part: Range<usize>) -> Result<String, Box<dyn Error>> {
        match format {
            Export::Jsonl => self.jsonl(part),
            Export::Csv => self.csv(part),
        }
    }

    /// The newest estimate of the shares as `auxlstm population --json` writes it; `None` without one.
    pub fn shares_json(&self) -> Option<String> {
        let estimate = self.population()?.as_ref().ok()?;
        let json = serde_json::to_string_pretty(&[&**estimate]).ok()?;
        Some(json + "\n")
    }

    fn jsonl(&self, part: Range<usize>) -> Result<String, Box<dyn Error>> {
        let mut bytes = Vec::new();
        for line in self.lines.get(part).unwrap_or_default() {
            line.write(&mut bytes)?;
        }
        Ok(String::from_utf8(bytes)?)
    }

    fn csv(&self, part: Range<usize>) -> Result<String, Box<dyn Error>> {
        let header = self.header();
        let mut text = String::new();
        if part.start == 0 {
            push_row(&mut text, &header);
        }
        for line in self.lines.get(part).unwrap_or_default() {
            let row = row(line);
            if row.len() != header.len() {
                return Err("the predictions are of different attributes".into());
            }
            push_row(&mut text, &row);
        }
        Ok(text)
    }

    fn header(&self) -> Vec<String> {
        let mut header = ["id", "words", "known_words"].map(String::from).to_vec();
        if let Some(first) = self.lines.first() {
            for (name, _, probabilities) in distributions(&first.prediction) {
                header.push(harmless_name(&name));
                let classes = probabilities.iter();
                header.extend(classes.map(|(class, _)| harmless_name(&format!("{name}.{class}"))));
            }
        }
        header
    }
}

/// The cells of a user.
fn row(Line { id, prediction }: &Line) -> Vec<String> {
    let id = match id {
        Value::String(text) => harmless(text.clone()),
        // A number is no formula, even a negative one.
        other => other.to_string(),
    };
    let mut row = vec![
        id,
        prediction.words.to_string(),
        prediction.known_words.to_string(),
    ];
    for (_, label, probabilities) in distributions(prediction) {
        row.push(harmless_name(label.as_deref().unwrap_or_default()));
        row.extend(probabilities.iter().map(|(_, value)| value.to_string()));
    }
    row
}

/// Writes a row. In some countries the cells of spreadsheets end with a semicolon, so cells with one are quoted too.
fn push_row(text: &mut String, cells: &[String]) {
    for (column, cell) in cells.iter().enumerate() {
        if column > 0 {
            text.push(',');
        }
        if cell.contains([',', ';', '\t', '"', '\r', '\n']) {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(cell);
        }
    }
    text.push('\n');
}

/// The distributions of a prediction: name, most probable class, probabilities.
fn distributions(
    prediction: &UserPrediction,
) -> impl Iterator<Item = (String, &Option<String>, &Named<f32>)> {
    prediction.predictions.iter().flat_map(|(name, attribute)| {
        let coarse = attribute.coarse.as_ref().map(|coarse| {
            let name = format!("{name} coarse");
            (name, &coarse.label, &coarse.probabilities)
        });
        let classes = (name.to_owned(), &attribute.label, &attribute.probabilities);
        iter::once(classes).chain(coarse)
    })
}

/// Escapes text that a spreadsheet would read as a formula, because a formula can send the rest of the table to another
/// site. Spreadsheets of East Asia also read the full-width signs.
pub(super) fn harmless(text: String) -> String {
    let formula = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n'];
    if text.starts_with(formula) {
        format!("'{text}")
    } else {
        text
    }
}

/// A model's name of an attribute or class, likewise. Where cells end with a semicolon, quotes inside a row are no quotes:
/// what follows a semicolon begins a cell.
fn harmless_name(name: &str) -> String {
    let parts = name.split_inclusive([';', '\t', '\r', '\n']);
    parts.map(|part| harmless(part.into())).collect()
}
