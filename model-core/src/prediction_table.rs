//! Predictions as a table with a row for each user, for spreadsheets and data frames.

use std::collections::HashSet;
use std::iter;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::explanation::{AttributeEvidence, Explanation, spellings, sum_by_spelling};
use crate::prediction::{Named, UserPrediction};

/// A table of predictions, as CSV or as JSONL with the same columns and no objects inside a row.
///
/// The columns are `id`, copied fields of the record, `words`, `known_words`, `language` where the model distinguishes
/// languages, and for each attribute, here `gender`: `gender` with the most probable class, empty (null) where there is none;
/// `gender_probability` with its probability; `gender_confident`; a column with the probability of each class, such as
/// `gender_female`; and `gender_evidence` if words are wanted. If an attribute has coarse classes, here `age`, columns for
/// `age_coarse` follow likewise. A copied field that has the name of another column is called `record_NAME`. Any further
/// column whose name is taken gets a number, such as `gender_2`.
pub struct PredictionTable {
    columns: Vec<String>,
    copied: Vec<String>,
    has_evidence: bool,
}

/// A row of the table.
pub struct TableRow<'a> {
    /// The id of the user.
    pub id: &'a Value,
    /// The record of the user, without the posts; only copied fields are read.
    pub fields: Option<&'a Map<String, Value>>,
    /// The predictions for the user.
    pub prediction: &'a UserPrediction,
    /// The words of [`strongest_words`], written as in `"tea:1.52 rain:0.31"`; empty if the table has none.
    pub evidence: Vec<WordEvidence>,
}

/// Words of a user, each with its evidence in nats, see [`AttributeEvidence`].
pub type WordEvidence = Vec<(String, f32)>;

/// A row cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// Its predictions are of other attributes than those of the table.
    #[error("the predictions are of different attributes")]
    DifferentAttributes,
    /// It cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl PredictionTable {
    /// A table for predictions like `sample`, of any user by the same model. It copies the fields `copied` of each record.
    /// Without a sample there are no attributes.
    pub fn new(sample: Option<&UserPrediction>, copied: Vec<String>, has_evidence: bool) -> Self {
        let mut predicted = vec!["words".to_owned(), "known_words".into()];
        if let Some(sample) = sample {
            predicted.extend(sample.language.map(|_| "language".into()));
            for Distribution {
                name,
                probabilities,
                ..
            } in distributions(sample)
            {
                let of_classes = probabilities
                    .iter()
                    .map(|(class, _)| format!("{name}_{class}"));
                predicted.extend(["", "_probability", "_confident"].map(|end| name.clone() + end));
                predicted.extend(of_classes);
                predicted.extend(has_evidence.then(|| format!("{name}_evidence")));
            }
        }
        let own_name = |field: &String| match field == "id" || predicted.contains(field) {
            true => format!("record_{field}"),
            false => field.clone(),
        };
        let mut taken = HashSet::new();
        let columns = iter::once("id".to_owned())
            .chain(copied.iter().map(own_name))
            .chain(predicted.iter().cloned())
            .map(|name| free_name(name, &mut taken))
            .collect();
        Self {
            columns,
            copied,
            has_evidence,
        }
    }

    /// The header of the CSV file.
    pub fn csv_header(&self) -> String {
        csv_line(self.columns.iter().map(|name| harmless_name(name)))
    }

    /// A row of the CSV file.
    ///
    /// An apostrophe is put before text that a spreadsheet would take for a formula.
    ///
    /// # Errors
    /// If the predictions are of other attributes than those of the table.
    pub fn csv_row(&self, row: &TableRow) -> Result<String, RowError> {
        let cells = self.cells(row)?;
        let texts = cells.iter().enumerate().map(|(column, cell)| match cell {
            // Quotes protect the first cell of a row, see `harmless_name`.
            Cell::Value(Some(Value::String(id))) if column == 0 => harmless(id),
            other => other.to_csv(),
        });
        Ok(csv_line(texts))
    }

    /// A row as a JSON object on one line.
    ///
    /// # Errors
    /// If the predictions are of other attributes than those of the table. Other errors of JSON are not known.
    pub fn json_row(&self, row: &TableRow) -> Result<String, RowError> {
        let cells = self.cells(row)?;
        let json = serde_json::to_string(&JsonRow(&self.columns, &cells))?;
        Ok(json + "\n")
    }

    fn cells<'r>(&self, row: &'r TableRow) -> Result<Vec<Cell<'r>>, RowError> {
        let prediction = row.prediction;
        let mut cells = vec![Cell::Value(Some(row.id))];
        let field = |name| Cell::Value(row.fields.and_then(|fields| fields.get(name)));
        cells.extend(self.copied.iter().map(field));
        cells.extend([prediction.words, prediction.known_words].map(Cell::Count));
        let language = prediction.language.map(|language| language.code());
        cells.extend(language.map(|code| Cell::Text(Some(code))));
        let mut evidence = row.evidence.iter();
        for distribution in distributions(prediction) {
            let label = distribution.label.map(String::as_str);
            let probability = label.and_then(|label| distribution.probabilities.get(label));
            cells.push(Cell::Text(label));
            cells.push(Cell::Probability(probability.copied()));
            cells.push(Cell::Flag(distribution.confident));
            let probabilities = distribution.probabilities.iter();
            cells.extend(probabilities.map(|(_, value)| Cell::Probability(Some(*value))));
            if self.has_evidence {
                let words = evidence.next().map(Vec::as_slice);
                cells.push(Cell::Words(words.unwrap_or_default()));
            }
        }
        match cells.len() == self.columns.len() {
            true => Ok(cells),
            false => Err(RowError::DifferentAttributes),
        }
    }
}

/// The name of a column, numbered as in `gender_2` if a column before has `taken` it.
pub fn free_name(name: String, taken: &mut HashSet<String>) -> String {
    let numbered = (2..).map(|number| format!("{name}_{number}"));
    let mut names = iter::once(name.clone()).chain(numbered);
    let free = names.find(|name| taken.insert(name.clone()));
    free.unwrap_or(name)
}

/// For each attribute, and then its coarse classes, the `count` words that speak most for the predicted class, strongest first:
/// each with its evidence. The evidence of a word that occurs several times is summed.
pub fn strongest_words(
    explanation: &Explanation,
    posts: &[String],
    count: usize,
) -> Vec<WordEvidence> {
    let spellings = spellings(posts, &explanation.words);
    strongest_spellings(
        &explanation.prediction,
        &explanation.attributes,
        &spellings,
        count,
    )
}

/// Like [`strongest_words`], of words with these [spellings](crate::explanation::spelling).
pub fn strongest_spellings(
    prediction: &UserPrediction,
    attributes: &Named<AttributeEvidence>,
    spellings: &[String],
    count: usize,
) -> Vec<WordEvidence> {
    let words = |distribution: Distribution| {
        let evidence = attributes.get(distribution.attribute)?;
        let classes = match distribution.is_coarse {
            true => evidence.coarse.as_ref()?,
            false => &evidence.classes,
        };
        let weights = classes.get(distribution.label?)?;
        let sums = sum_by_spelling(spellings, weights);
        let words = sums.into_iter().take_while(|(_, sum)| *sum > 0.0);
        Some(words.take(count).collect())
    };
    distributions(prediction)
        .map(|distribution| words(distribution).unwrap_or_default())
        .collect()
}

/// A distribution of a prediction: that over the classes of an attribute, or over its coarse classes.
struct Distribution<'a> {
    /// The name of its columns.
    name: String,
    attribute: &'a str,
    is_coarse: bool,
    label: Option<&'a String>,
    confident: bool,
    probabilities: &'a Named<f32>,
}

fn distributions(prediction: &UserPrediction) -> impl Iterator<Item = Distribution<'_>> {
    (prediction.predictions.iter()).flat_map(|(attribute, prediction)| {
        let classes = Distribution {
            name: attribute.to_owned(),
            attribute,
            is_coarse: false,
            label: prediction.label.as_ref(),
            confident: prediction.confident,
            probabilities: &prediction.probabilities,
        };
        let coarse = prediction.coarse.as_ref().map(|coarse| Distribution {
            name: format!("{attribute}_coarse"),
            attribute,
            is_coarse: true,
            label: coarse.label.as_ref(),
            confident: coarse.confident,
            probabilities: &coarse.probabilities,
        });
        iter::once(classes).chain(coarse)
    })
}

enum Cell<'a> {
    /// A value of the record; empty where it is missing.
    Value(Option<&'a Value>),
    Text(Option<&'a str>),
    Words(&'a [(String, f32)]),
    Count(usize),
    Probability(Option<f32>),
    Flag(bool),
}

impl Cell<'_> {
    fn to_csv(&self) -> String {
        match self {
            Self::Value(None | Some(Value::Null)) | Self::Text(None) | Self::Probability(None) => {
                String::new()
            }
            Self::Value(Some(Value::String(text))) => harmless_name(text),
            // A number is no formula, even a negative one.
            Self::Value(Some(number @ Value::Number(_))) => number.to_string(),
            Self::Value(Some(other)) => harmless_name(&other.to_string()),
            Self::Text(Some(text)) => harmless_name(text),
            Self::Words(words) => harmless_name(&words_text(words)),
            Self::Count(count) => count.to_string(),
            Self::Probability(Some(value)) => value.to_string(),
            Self::Flag(value) => value.to_string(),
        }
    }
}

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Value(value) => value.serialize(serializer),
            Self::Text(text) => text.serialize(serializer),
            Self::Words(words) => words_text(words).serialize(serializer),
            Self::Count(count) => count.serialize(serializer),
            Self::Probability(value) => value.serialize(serializer),
            Self::Flag(value) => value.serialize(serializer),
        }
    }
}

/// Words with their evidence, such as `tea:1.52 rain:0.31`.
pub fn words_text(words: &[(String, f32)]) -> String {
    let words: Vec<String> = (words.iter())
        .map(|(word, evidence)| format!("{word}:{evidence:.2}"))
        .collect();
    words.join(" ")
}

struct JsonRow<'a>(&'a [String], &'a [Cell<'a>]);

impl Serialize for JsonRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(columns, cells) = self;
        let mut map = serializer.serialize_map(Some(columns.len()))?;
        for (name, cell) in columns.iter().zip(*cells) {
            map.serialize_entry(name, cell)?;
        }
        map.end()
    }
}

/// A line of cells. In some countries the cells of spreadsheets end with a semicolon, so cells with one are quoted too.
fn csv_line(cells: impl Iterator<Item = String>) -> String {
    let mut line = String::new();
    for (column, cell) in cells.enumerate() {
        if column > 0 {
            line.push(',');
        }
        if cell.contains([',', ';', '\t', '"', '\r', '\n']) {
            line.push('"');
            line.push_str(&cell.replace('"', "\"\""));
            line.push('"');
        } else {
            line.push_str(&cell);
        }
    }
    line.push('\n');
    line
}

/// Escapes text that a spreadsheet would read as a formula, because a formula can send the rest of the table to another
/// site. Spreadsheets of East Asia also read the full-width signs.
fn harmless(text: &str) -> String {
    let formula = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '\t', '\r', '\n'];
    if text.starts_with(formula) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// Text after the first cell of a row, likewise. Where cells end with a semicolon, quotes inside a row are no quotes: what
/// follows a semicolon begins a cell.
fn harmless_name(text: &str) -> String {
    let parts = text.split_inclusive([';', '\t', '\r', '\n']);
    parts.map(harmless).collect()
}
