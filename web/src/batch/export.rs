//! The results of a batch as JSONL and as CSV.

use std::error::Error;
use std::ops::Range;

use model_core::prediction::Line;
use model_core::prediction_table::{PredictionTable, TableRow};

use super::Batch;

/// A format of the results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// What `auxlstm predict` prints for the same users.
    Jsonl,
    /// What `auxlstm predict --format csv` prints for the same users: a [`PredictionTable`].
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

    /// Its name for the visitor.
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
        let sample = self.lines.first().map(|line| &line.prediction);
        let table = PredictionTable::new(sample, Vec::new(), false);
        let mut text = String::new();
        if part.start == 0 {
            text.push_str(&table.csv_header());
        }
        for Line { id, prediction } in self.lines.get(part).unwrap_or_default() {
            text.push_str(&table.csv_row(&TableRow {
                id,
                fields: None,
                prediction,
                evidence: Vec::new(),
            })?);
        }
        Ok(text)
    }
}
