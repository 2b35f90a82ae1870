//! Predictions as a Parquet file.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::{RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use columnar::{Outcome, PredictionSchema};
use model_core::corpus::id_text;
use model_core::prediction_table::free_name;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

use crate::corpus::User;
use crate::output::PendingFile;

/// The most users in a group of rows. A group is held in memory until it is complete.
const ROW_GROUP: usize = 1 << 16;

/// A file of predictions that is being written: the columns of [`PredictionSchema`], then those of copied fields as text.
pub(super) struct ParquetFile<'a> {
    writer: ArrowWriter<&'a mut PendingFile>,
    predictions: PredictionSchema,
    schema: SchemaRef,
    copied: Vec<String>,
}

impl<'a> ParquetFile<'a> {
    /// Begins a file that copies these fields of the records.
    pub(super) fn new(
        file: &'a mut PendingFile,
        predictions: PredictionSchema,
        copied: &[String],
    ) -> Result<Self, ParquetError> {
        let base = predictions.schema();
        let mut fields: Vec<Arc<Field>> = base.fields().to_vec();
        let mut taken: HashSet<String> = fields.iter().map(|field| field.name().clone()).collect();
        for field in copied {
            let name = match base.field_with_name(field) {
                Ok(_) => format!("record_{field}"),
                Err(_) => field.clone(),
            };
            let name = free_name(name, &mut taken);
            fields.push(Arc::new(Field::new(name, DataType::Utf8, true)));
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
        })
    }

    /// Writes users with what is known of them.
    pub(super) fn write(
        &mut self,
        users: &[User],
        outcomes: &[Outcome],
    ) -> Result<(), ParquetError> {
        let ids = users.iter().map(|user| Some(id_text(&user.id())));
        let ids = Arc::new(ids.collect::<StringArray>());
        let mut columns = self.predictions.batch(ids, outcomes)?.columns().to_vec();
        for field in &self.copied {
            let values = users.iter().map(|user| user.fields.get(field));
            let texts = values.map(|value| value.filter(|value| !value.is_null()).map(id_text));
            columns.push(Arc::new(texts.collect::<StringArray>()));
        }
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns)?;
        self.writer.write(&batch)
    }

    /// Writes the end of the file.
    pub(super) fn finish(self) -> Result<(), ParquetError> {
        self.writer.close().map(|_| ())
    }
}
