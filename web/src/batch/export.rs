//! The results of a batch as JSONL and as CSV.

use std::error::Error;
use std::iter;

use model_core::prediction::{Line, Named, UserPrediction};
use serde_json::Value;

use super::Batch;

impl Batch {
    /// The results as JSONL: what `auxlstm predict` prints for the same users.
    ///
    /// # Errors
    /// If a line cannot be written as JSON; no such line is known.
    pub fn to_jsonl(&self) -> Result<String, Box<dyn Error>> {
        let mut bytes = Vec::new();
        for line in &self.lines {
            line.write(&mut bytes)?;
        }
        Ok(String::from_utf8(bytes)?)
    }

    /// The results as CSV, for spreadsheets: a header and a row for each user. The columns are `id`, `words` and
    /// `known_words`, and for each attribute, here `age`, a column `age` with the most probable class, empty where
    /// there is none, and for each class, here `13`, a column `age.13` with its probability. If the attribute has
    /// coarse classes, here `young`, the columns `age coarse` and `age coarse.young` follow.
    ///
    /// An apostrophe is put before text that a spreadsheet would take for a formula.
    ///
    /// # Errors
    /// If the predictions are by models of different attributes.
    pub fn to_csv(&self) -> Result<String, Box<dyn Error>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut header = ["id", "words", "known_words"].map(String::from).to_vec();
        if let Some(first) = self.lines.first() {
            for (name, _, probabilities) in distributions(&first.prediction) {
                header.push(name.clone());
                let classes = probabilities.iter();
                header.extend(classes.map(|(class, _)| format!("{name}.{class}")));
            }
        }
        writer.write_record(header.into_iter().map(harmless))?;
        for Line { id, prediction } in &self.lines {
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
                row.push(harmless(label.clone().unwrap_or_default()));
                row.extend(probabilities.iter().map(|(_, value)| value.to_string()));
            }
            writer.write_record(row)?;
        }
        Ok(String::from_utf8(writer.into_inner()?)?)
    }
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
/// site.
pub(super) fn harmless(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        format!("'{text}")
    } else {
        text
    }
}
