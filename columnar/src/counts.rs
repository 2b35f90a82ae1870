//! Counts of users, posts, words and labels in a corpus, as rows that add up.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use model_core::corpus::{Columns, label_text};
use model_core::text::Segmenter;
use rayon::prelude::*;

use crate::input::{Input, strings};
use crate::predictions::hash;

/// The columns of numbers, which add up.
const NUMBERS: [&str; 4] = ["users", "posts", "words", "bad_records"];

/// Counts the users of a table, all their posts and words, and those of each label of some attributes.
///
/// [`finish`](Self::finish) returns the counts as rows with the columns `attribute` and `class` (`Utf8`), then `users`,
/// `posts`, `words` and `bad_records` (`Int64`). The first row, without an attribute, counts all users. For each attribute
/// follow a row for the users without a label, if there are any, and one for each label, in alphabetical order. So the
/// counts of parts of a corpus add up by `attribute` and `class`, if all rows of each user are in one part, and the sums are
/// the numbers of `auxlstm corpus stats`. Only the first row counts bad records: rows without an id, and rows of users whose
/// rows are not consecutive.
pub struct CorpusCounts {
    input: Input,
    attributes: Vec<String>,
    /// The column of each attribute.
    places: Vec<usize>,
    sums: Sums,
    /// Hashes of the ids of all users so far.
    seen: HashSet<u64>,
    /// The user whose rows are being read.
    current: Option<User>,
}

/// The numbers of each attribute and class. Attribute 0 is none, and the others count from 1. A missing class is in front.
type Sums = BTreeMap<(usize, Option<String>), [i64; NUMBERS.len()]>;

struct User {
    id: Option<String>,
    posts: usize,
    words: usize,
    /// The first label of each attribute.
    labels: Vec<Option<String>>,
}

impl CorpusCounts {
    /// No counts yet of a table with this schema. The columns of its texts and ids are found by [`Columns::places`], those of
    /// the attributes' labels by [`Columns::label_place`].
    ///
    /// # Errors
    /// If columns are missing or of types that cannot be read.
    pub fn new(
        schema: &Schema,
        columns: &Columns,
        attributes: Vec<String>,
    ) -> Result<Self, ArrowError> {
        Ok(Self {
            input: Input::new(schema, columns)?,
            places: places(schema, columns, &attributes)?,
            attributes,
            sums: Sums::from([((0, None), [0; NUMBERS.len()])]),
            seen: HashSet::new(),
            current: None,
        })
    }

    /// The schema of the counts.
    pub fn schema() -> SchemaRef {
        let texts = ["attribute", "class"].map(|name| Field::new(name, DataType::Utf8, true));
        let numbers = NUMBERS.map(|name| Field::new(name, DataType::Int64, false));
        let fields: Vec<Field> = texts.into_iter().chain(numbers).collect();
        Arc::new(Schema::new(fields))
    }

    /// Counts the next rows, whose words are those of `segmenter`.
    ///
    /// # Errors
    /// If the batch is not of the schema.
    pub fn add(&mut self, batch: &RecordBatch, segmenter: &Segmenter) -> Result<(), ArrowError> {
        let rows = self.input.rows(batch)?;
        let labels: Vec<Vec<Option<String>>> = (self.places.iter())
            .map(|&place| texts(batch.column(place)))
            .collect::<Result<_, _>>()?;
        let count = |post| segmenter.words(post).len();
        let words: Vec<usize> = (0..rows.len())
            .into_par_iter()
            .map(|row| rows.posts(row).map(count).sum())
            .collect();
        for (row, words) in words.into_iter().enumerate() {
            let Some(user) = self.user(rows.id(row)) else {
                continue;
            };
            user.posts += rows.posts(row).count();
            user.words += words;
            for (label, labels) in user.labels.iter_mut().zip(&labels) {
                if label.is_none() {
                    label.clone_from(&labels[row]);
                }
            }
        }
        Ok(())
    }

    /// The counts of all rows.
    ///
    /// # Errors
    /// Never, as the columns are those of the schema.
    pub fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        self.end_user();
        let name = |place: usize| Some(self.attributes[place.checked_sub(1)?].as_str());
        let names: StringArray = self.sums.keys().map(|(place, _)| name(*place)).collect();
        let classes: StringArray = self
            .sums
            .keys()
            .map(|(_, class)| class.as_deref())
            .collect();
        let mut columns: Vec<ArrayRef> = vec![Arc::new(names), Arc::new(classes)];
        for place in 0..NUMBERS.len() {
            let numbers = self.sums.values().map(|numbers| numbers[place]);
            columns.push(Arc::new(Int64Array::from_iter_values(numbers)));
        }
        RecordBatch::try_new(Self::schema(), columns)
    }

    /// The user of a row with this id; `None` if the row is bad.
    fn user(&mut self, id: Option<&str>) -> Option<&mut User> {
        let is_grouped = self.input.is_grouped();
        let goes_on = |user: &User| is_grouped && user.id.as_deref() == id;
        if !self.current.as_ref().is_some_and(goes_on) {
            self.end_user();
            let is_bad = match id {
                None => self.input.has_ids(),
                Some(id) => is_grouped && !self.seen.insert(hash(id)),
            };
            if is_bad {
                self.sums.entry((0, None)).or_default()[3] += 1;
                return None;
            }
            self.current = Some(User {
                id: id.map(str::to_owned),
                posts: 0,
                words: 0,
                labels: vec![None; self.places.len()],
            });
        }
        self.current.as_mut()
    }

    fn end_user(&mut self) {
        let Some(user) = self.current.take() else {
            return;
        };
        let numbers = [1, user.posts as i64, user.words as i64, 0];
        let labels = user.labels.iter().map(|label| {
            let label = label.as_deref()?;
            label_text(&label.into())
        });
        let classes = (1..).zip(labels);
        for class in std::iter::once((0, None)).chain(classes) {
            let sums = self.sums.entry(class).or_default();
            for (sum, number) in sums.iter_mut().zip(numbers) {
                *sum += number;
            }
        }
    }
}

/// The column of each attribute.
fn places(
    schema: &Schema,
    columns: &Columns,
    attributes: &[String],
) -> Result<Vec<usize>, ArrowError> {
    let names: Vec<String> = (schema.fields().iter())
        .map(|field| field.name().clone())
        .collect();
    let place = |attribute: &String| {
        let place = columns.label_place(&names, attribute);
        let place = place.map_err(ArrowError::SchemaError)?;
        match schema.field(place).data_type() {
            kind if kind.is_nested() => Err(ArrowError::SchemaError(format!(
                "column {:?} is of type {kind}; labels must be text, numbers or booleans",
                schema.field(place).name()
            ))),
            _ => Ok(place),
        }
    };
    attributes.iter().map(place).collect()
}

/// The values of a column of labels as text.
fn texts(column: &ArrayRef) -> Result<Vec<Option<String>>, ArrowError> {
    if let DataType::Dictionary(_, kind) = column.data_type() {
        return texts(&cast(column, kind)?);
    }
    if column.data_type().is_floating() {
        let column = cast(column, &DataType::Float64)?;
        let numbers = column.as_primitive::<Float64Type>().iter();
        return Ok(numbers.map(|number| label_text(&number?.into())).collect());
    }
    let strings = strings(column)?;
    Ok(strings.iter().map(|text| text.map(str::to_owned)).collect())
}
