//! Predictions as a Parquet file.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::builder::{Float32Builder, StringBuilder};
use arrow_array::{ArrayRef, ListArray, RecordBatch, StringArray, StructArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, SchemaRef};
use columnar::{Outcome, PredictionSchema};
use model_core::corpus::id_text;
use model_core::prediction::UserPrediction;
use model_core::prediction_table::{WordEvidence, free_name};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::corpus::User;
use crate::output::PendingFile;

/// The most users in a group of rows. A group is held in memory until it is complete.
const ROW_GROUP: usize = 1 << 16;

/// A file of predictions that is being written: the columns of [`PredictionSchema`], then those of copied fields as text, then
/// those of the strongest words as lists of structs.
pub(super) struct ParquetFile<'a> {
    writer: ArrowWriter<&'a mut PendingFile>,
    predictions: PredictionSchema,
    schema: SchemaRef,
    copied: Vec<String>,
    /// The number of columns of words.
    word_columns: usize,
}

impl<'a> ParquetFile<'a> {
    /// Begins a file that copies these fields of the records, with the words that speak for each of these distributions.
    pub(super) fn new(
        file: &'a mut PendingFile,
        predictions: PredictionSchema,
        copied: &[String],
        distributions: &[String],
    ) -> Result<Self, ParquetError> {
        let base = predictions.schema();
        let mut fields: Vec<Arc<Field>> = base.fields().to_vec();
        let mut taken: HashSet<String> = fields.iter().map(|field| field.name().clone()).collect();
        let mut add = |name: String, kind: DataType| {
            let name = free_name(name, &mut taken);
            fields.push(Arc::new(Field::new(name, kind, true)));
        };
        for field in copied {
            let name = match base.field_with_name(field) {
                Ok(_) => format!("record_{field}"),
                Err(_) => field.clone(),
            };
            add(name, DataType::Utf8);
        }
        for distribution in distributions {
            let words = Field::new_list_field(DataType::Struct(word_fields()), true);
            add(
                format!("{distribution}_evidence"),
                DataType::List(words.into()),
            );
        }
        let schema = Arc::new(Schema::new_with_metadata(fields, base.metadata().clone()));
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP))
            .build();
        Ok(Self {
            writer: ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))?,
            predictions,
            schema,
            copied: copied.to_vec(),
            word_columns: distributions.len(),
        })
    }

    /// Writes users with their predictions and the words of each distribution.
    pub(super) fn write(
        &mut self,
        users: &[User],
        predictions: Vec<UserPrediction>,
        words: &[Vec<WordEvidence>],
    ) -> Result<(), ParquetError> {
        let ids = users.iter().map(|user| Some(id_text(&user.id())));
        let ids = Arc::new(ids.collect::<StringArray>());
        let outcomes: Vec<Outcome> = predictions.into_iter().map(Ok).collect();
        let mut columns = self.predictions.batch(ids, &outcomes)?.columns().to_vec();
        for field in &self.copied {
            let values = users.iter().map(|user| user.fields.get(field));
            let texts = values.map(|value| value.filter(|value| !value.is_null()).map(id_text));
            columns.push(Arc::new(texts.collect::<StringArray>()));
        }
        for column in 0..self.word_columns {
            let of_column = words.iter().map(|of_user| of_user.get(column));
            columns.push(word_column(of_column)?);
        }
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        self.writer.write(&batch)
    }

    /// Writes the end of the file.
    pub(super) fn finish(self) -> Result<(), ParquetError> {
        self.writer.close().map(|_| ())
    }
}

fn word_fields() -> Fields {
    let word = Field::new("word", DataType::Utf8, true);
    let evidence = Field::new("evidence", DataType::Float32, true);
    vec![word, evidence].into()
}

/// A list of words for each user.
fn word_column<'a>(
    users: impl Iterator<Item = Option<&'a WordEvidence>>,
) -> Result<ArrayRef, ArrowError> {
    let (mut offsets, mut length) = (vec![0], 0);
    let (mut words, mut values) = (StringBuilder::new(), Float32Builder::new());
    for of_user in users {
        for (word, evidence) in of_user.into_iter().flatten() {
            words.append_value(word);
            values.append_value(*evidence);
            length += 1;
        }
        offsets.push(length);
    }
    let columns: Vec<ArrayRef> = vec![Arc::new(words.finish()), Arc::new(values.finish())];
    let structs = StructArray::try_new(word_fields(), columns, None)?;
    let field = Field::new_list_field(DataType::Struct(word_fields()), true);
    let offsets = OffsetBuffer::new(offsets.into());
    Ok(Arc::new(ListArray::try_new(
        field.into(),
        offsets,
        Arc::new(structs),
        None,
    )?))
}
