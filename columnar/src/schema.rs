//! The columns of predictions.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use arrow_array::builder::{Float32Builder, StringBuilder};
use arrow_array::{
    ArrayRef, BooleanArray, Float32Array, Int64Array, ListArray, RecordBatch, StringArray,
    StructArray,
};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef};
use model_core::attribute::Attribute;
use model_core::prediction::{AttributePrediction, Named, UserPrediction};
use model_core::prediction_table::{WordEvidence, free_name};

/// The version of the schema. It changes when a column changes its name, type or meaning, or goes.
pub const SCHEMA_VERSION: &str = "1";
/// The key of [`SCHEMA_VERSION`] in the metadata of the schema.
pub const VERSION_KEY: &str = "auxlstm.schema_version";
/// The key of the model's name, that of its card.
pub const MODEL_KEY: &str = "auxlstm.model";
/// The key of the [`checksum`](crate::checksum) of the model.
pub const CHECKSUM_KEY: &str = "auxlstm.checksum";

/// The outcome for a user: a prediction, or why there is none.
pub type Outcome = Result<Predicted, String>;

/// The prediction for a user.
#[derive(Clone, Debug)]
pub struct Predicted {
    /// The prediction.
    pub prediction: UserPrediction,
    /// The strongest words for each distribution, as [`strongest_words`] returns them; empty if there are no such columns.
    ///
    /// [`strongest_words`]: model_core::prediction_table::strongest_words
    pub words: Vec<WordEvidence>,
}

/// The columns of predictions by one model.
///
/// | column | type | |
/// |---|---|---|
/// | `id` | that of the ids | the id of the user |
/// | `words` | `Int64` | the words that the model read |
/// | `known_words` | `Int64` | those that its vocabulary holds |
/// | `language` | `Utf8` | `zh` or `other`; null if the model does not distinguish languages |
/// | `error` | `Utf8` | why there is no prediction; the columns other than `id` are then null |
/// | ATTRIBUTE | struct | one for each attribute, by its name |
///
/// The struct of an attribute:
///
/// | field | type | |
/// |---|---|---|
/// | `label` | `Utf8` | the most probable class; null if the text has no known word |
/// | `confident` | `Boolean` | whether its probability reaches the confidence threshold |
/// | `probabilities` | struct of `Float32` | the probability of each class, by its name |
/// | `status` | `Utf8` | `measured` or `transferred`, the validation status in the language of the text |
/// | `coarse` | struct | `label`, `confident` and `probabilities` of the coarse classes, if the attribute has any |
///
/// [With evidence](Self::with_evidence), columns with the words that speak most for the label follow: `ATTRIBUTE_evidence` for
/// each attribute, and `ATTRIBUTE_coarse_evidence` if it has coarse classes. Each is a list of structs of `word` (`Utf8`) and
/// `evidence` (`Float32`, in nats), strongest first. It is empty if there is no label.
///
/// An attribute with the name of another column gets a number, such as `words_2`. The metadata has [`VERSION_KEY`],
/// [`MODEL_KEY`] and [`CHECKSUM_KEY`].
#[derive(Clone, Debug)]
pub struct PredictionSchema {
    schema: SchemaRef,
    attributes: Vec<Attribute>,
}

/// The columns before those of the attributes.
const BEFORE: [&str; 5] = ["id", "words", "known_words", "language", "error"];

impl PredictionSchema {
    /// The columns for predictions of these attributes by the model with this name and checksum.
    pub fn new(name: &str, checksum: &str, attributes: &[Attribute], id: DataType) -> Self {
        let types = [
            id,
            DataType::Int64,
            DataType::Int64,
            DataType::Utf8,
            DataType::Utf8,
        ];
        let mut fields: Vec<Field> = (BEFORE.iter().zip(types))
            .map(|(name, kind)| Field::new(*name, kind, true))
            .collect();
        let mut taken: HashSet<String> = BEFORE.map(str::to_owned).into();
        for attribute in attributes {
            let name = free_name(attribute.name.clone(), &mut taken);
            let kind = DataType::Struct(attribute_fields(attribute));
            fields.push(Field::new(name, kind, true));
        }
        let metadata = [
            (VERSION_KEY, SCHEMA_VERSION),
            (MODEL_KEY, name),
            (CHECKSUM_KEY, checksum),
        ];
        let metadata: HashMap<String, String> = metadata
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        Self {
            schema: Arc::new(Schema::new_with_metadata(fields, metadata)),
            attributes: attributes.to_vec(),
        }
    }

    /// Adds the columns of evidence.
    pub fn with_evidence(mut self) -> Self {
        let mut fields: Vec<Arc<Field>> = self.schema.fields().to_vec();
        let names = fields.iter().map(|field| field.name().clone());
        let mut taken: HashSet<String> = names.collect();
        let distributions = self.attributes.iter().flat_map(|attribute| {
            let coarse = (!attribute.coarse_classes.is_empty()).then_some("_coarse");
            let ends = [""].into_iter().chain(coarse);
            ends.map(|end| format!("{}{end}_evidence", attribute.name))
        });
        for name in distributions {
            let name = free_name(name, &mut taken);
            fields.push(Arc::new(Field::new(
                name,
                DataType::List(word_item()),
                true,
            )));
        }
        let metadata = self.schema.metadata().clone();
        self.schema = Arc::new(Schema::new_with_metadata(fields, metadata));
        self
    }

    /// The schema.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// A batch of the users with these ids.
    ///
    /// # Errors
    /// If there is not one id per outcome, or the ids are of another type than that of the schema.
    pub fn batch(&self, ids: ArrayRef, outcomes: &[Outcome]) -> Result<RecordBatch, ArrowError> {
        let predicted = || outcomes.iter().map(|outcome| outcome.as_ref().ok());
        let predictions = || predicted().map(|predicted| Some(&predicted?.prediction));
        let count = |number: fn(&UserPrediction) -> usize| -> Int64Array {
            (predictions())
                .map(|prediction| i64::try_from(number(prediction?)).ok())
                .collect()
        };
        let languages: StringArray = predictions()
            .map(|prediction| Some(prediction?.language?.code()))
            .collect();
        let errors: StringArray = (outcomes.iter())
            .map(|outcome| outcome.as_ref().err().map(String::as_str))
            .collect();
        let mut columns: Vec<ArrayRef> = vec![
            ids,
            Arc::new(count(|prediction| prediction.words)),
            Arc::new(count(|prediction| prediction.known_words)),
            Arc::new(languages),
            Arc::new(errors),
        ];
        let fields = &self.schema.fields()[BEFORE.len()..];
        for (field, attribute) in fields.iter().zip(&self.attributes) {
            let of_users: Vec<Option<&AttributePrediction>> = predictions()
                .map(|prediction| prediction?.predictions.get(&attribute.name))
                .collect();
            columns.push(attribute_column(children(field), &of_users)?);
        }
        for place in 0..fields.len() - self.attributes.len() {
            let of_users = predicted().map(|predicted| Some(predicted?.words.get(place)));
            columns.push(word_column(of_users)?);
        }
        RecordBatch::try_new(self.schema(), columns)
    }
}

/// The fields of the struct of an attribute.
fn attribute_fields(attribute: &Attribute) -> Fields {
    let mut fields = distribution_fields(attribute.classes.iter());
    fields.push(Field::new("status", DataType::Utf8, true));
    if !attribute.coarse_classes.is_empty() {
        let labels = attribute.coarse_classes.iter().map(|coarse| &coarse.label);
        let coarse = DataType::Struct(distribution_fields(labels).into());
        fields.push(Field::new("coarse", coarse, true));
    }
    fields.into()
}

/// The fields of [`distribution_columns`].
fn distribution_fields<'a>(classes: impl Iterator<Item = &'a String>) -> Vec<Field> {
    let class = |label: &String| Field::new(label, DataType::Float32, true);
    let classes: Fields = classes.map(class).collect();
    vec![
        Field::new("label", DataType::Utf8, true),
        Field::new("confident", DataType::Boolean, true),
        Field::new("probabilities", DataType::Struct(classes), true),
    ]
}

/// The fields of a struct.
fn children(field: &Field) -> &Fields {
    match field.data_type() {
        DataType::Struct(fields) => fields,
        _ => unreachable!("{} is a struct", field.name()),
    }
}

/// A distribution over the classes of an attribute, or over its coarse classes.
struct Distribution<'a> {
    label: Option<&'a str>,
    confident: bool,
    probabilities: &'a Named<f32>,
}

fn attribute_column(
    fields: &Fields,
    users: &[Option<&AttributePrediction>],
) -> Result<ArrayRef, ArrowError> {
    let of_classes = users.iter().map(|user| {
        let user = (*user)?;
        Some(Distribution {
            label: user.label.as_deref(),
            confident: user.confident,
            probabilities: &user.probabilities,
        })
    });
    let mut columns = distribution_columns(fields, &of_classes.collect::<Vec<_>>())?;
    let statuses = users.iter().map(|user| Some((*user)?.status()));
    columns.push(Arc::new(statuses.collect::<StringArray>()));
    if let Some(field) = fields.get(columns.len()) {
        let coarse = users.iter().map(|user| {
            let coarse = (*user)?.coarse.as_ref()?;
            Some(Distribution {
                label: coarse.label.as_deref(),
                confident: coarse.confident,
                probabilities: &coarse.probabilities,
            })
        });
        let coarse: Vec<_> = coarse.collect();
        let parts = distribution_columns(children(field), &coarse)?;
        columns.push(structure(children(field), parts, &coarse)?);
    }
    structure(fields, columns, users)
}

/// Label, confidence and the probabilities of the classes, in the order of their fields.
fn distribution_columns(
    fields: &Fields,
    users: &[Option<Distribution>],
) -> Result<Vec<ArrayRef>, ArrowError> {
    let labels = users.iter().map(|user| user.as_ref()?.label);
    let confident = users.iter().map(|user| Some(user.as_ref()?.confident));
    let classes = children(&fields[2]);
    let of_class = |class: usize| -> ArrayRef {
        let values = users.iter().map(|user| {
            let (_, probability) = user.as_ref()?.probabilities.0.get(class)?;
            Some(*probability)
        });
        Arc::new(values.collect::<Float32Array>())
    };
    let probabilities = (0..classes.len()).map(of_class).collect();
    Ok(vec![
        Arc::new(labels.collect::<StringArray>()),
        Arc::new(confident.collect::<BooleanArray>()),
        structure(classes, probabilities, users)?,
    ])
}

fn word_fields() -> Fields {
    let word = Field::new("word", DataType::Utf8, true);
    let evidence = Field::new("evidence", DataType::Float32, true);
    vec![word, evidence].into()
}

/// The items of the lists of words.
fn word_item() -> Arc<Field> {
    Arc::new(Field::new_list_field(DataType::Struct(word_fields()), true))
}

/// A list of words for each user, which is null if there is no prediction.
fn word_column<'a>(
    users: impl Iterator<Item = Option<Option<&'a WordEvidence>>>,
) -> Result<ArrayRef, ArrowError> {
    let (mut words, mut values) = (StringBuilder::new(), Float32Builder::new());
    let (mut lengths, mut present) = (Vec::new(), Vec::new());
    for user in users {
        let list = user.flatten().map(Vec::as_slice).unwrap_or_default();
        for (word, evidence) in list {
            words.append_value(word);
            values.append_value(*evidence);
        }
        lengths.push(list.len());
        present.push(user.is_some());
    }
    let columns: Vec<ArrayRef> = vec![Arc::new(words.finish()), Arc::new(values.finish())];
    let structs = StructArray::try_new(word_fields(), columns, None)?;
    let offsets = OffsetBuffer::from_lengths(lengths);
    let nulls = Some(present.into());
    let lists = ListArray::try_new(word_item(), offsets, Arc::new(structs), nulls)?;
    Ok(Arc::new(lists))
}

/// A column of structs, which is null where there is no value.
fn structure<T>(
    fields: &Fields,
    columns: Vec<ArrayRef>,
    values: &[Option<T>],
) -> Result<ArrayRef, ArrowError> {
    let present: Vec<bool> = values.iter().map(Option::is_some).collect();
    let array = StructArray::try_new(fields.clone(), columns, Some(present.into()))?;
    Ok(Arc::new(array))
}
