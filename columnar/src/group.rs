//! Rows brought into order, so that those of each user are consecutive.

use std::collections::HashMap;

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use arrow_select::interleave::interleave_record_batch;
use model_core::corpus::Columns;

use crate::input::Input;

/// The most rows of a batch. Users have any number of rows, so the limit is small.
const BATCH_ROWS: usize = 4096;

/// A table in memory whose rows are given out by user: users in the order of their first rows, the rows of each as they were.
/// Rows without an id, and those of a table without ids, keep their places.
pub struct Grouped {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    /// Batch and row of each row, in their new order.
    order: std::vec::IntoIter<(usize, usize)>,
}

impl Grouped {
    /// Reads all batches of a table and puts their rows in order. The columns of texts and ids are found by [`Columns::places`].
    ///
    /// # Errors
    /// If the table cannot be read, or columns are missing or of types that cannot be read.
    pub fn new(source: impl RecordBatchReader, columns: &Columns) -> Result<Self, ArrowError> {
        let schema = source.schema();
        let input = Input::new(&schema, columns)?;
        let batches = source.collect::<Result<Vec<_>, _>>()?;
        let mut order = Vec::new();
        for (number, batch) in batches.iter().enumerate() {
            order.extend((0..batch.num_rows()).map(|row| (number, row)));
        }
        if input.is_grouped() {
            let users = users(&input, &batches)?;
            let mut ordered: Vec<_> = users.into_iter().zip(order).collect();
            ordered.sort_by_key(|(user, _)| *user);
            order = ordered.into_iter().map(|(_, place)| place).collect();
        }
        Ok(Self {
            schema,
            batches,
            order: order.into_iter(),
        })
    }
}

/// The number of the user of each row.
fn users(input: &Input, batches: &[RecordBatch]) -> Result<Vec<usize>, ArrowError> {
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut users = Vec::new();
    let mut next = 0;
    for batch in batches {
        for id in input.ids(batch)?.iter().flatten() {
            let known = id.and_then(|id| numbers.get(id).copied());
            users.push(known.unwrap_or(next));
            if known.is_none() {
                if let Some(id) = id {
                    numbers.insert(id.to_owned(), next);
                }
                next += 1;
            }
        }
    }
    Ok(users)
}

impl Iterator for Grouped {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows: Vec<_> = self.order.by_ref().take(BATCH_ROWS).collect();
        if rows.is_empty() {
            return None;
        }
        let batches: Vec<&RecordBatch> = self.batches.iter().collect();
        Some(interleave_record_batch(&batches, &rows))
    }
}

impl RecordBatchReader for Grouped {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
