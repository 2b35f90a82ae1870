//! Arrow streams to and from other Python packages, by the Arrow PyCapsule interface.

use std::ffi::CStr;
use std::sync::{Mutex, PoisonError};

use arrow_array::ffi_stream::{ArrowArrayStreamReader, FFI_ArrowArrayStream};
use arrow_array::{Array, RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::value_error;

/// The name that the interface gives to its capsules.
const NAME: &CStr = c"arrow_array_stream";

/// A reader of record batches that can be handed from thread to thread.
pub type Reader = Box<dyn RecordBatchReader + Send>;

/// A stream of record batches, which can be read once.
#[pyclass(frozen, module = "auxlstm._native")]
pub struct Stream(Mutex<Option<Reader>>);

impl Stream {
    /// A stream of the batches of a reader.
    pub(crate) fn new(reader: Reader) -> Self {
        Self(Mutex::new(Some(reader)))
    }
}

#[pymethods]
impl Stream {
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // The interface lets a producer ignore what it cannot fulfil.
        drop(requested_schema);
        let reader = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let reader = reader.ok_or_else(|| {
            PyValueError::new_err("the stream of predictions was read already; predict again")
        })?;
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(reader), NAME)
    }
}

/// The record batches of an object with the method `__arrow_c_stream__`.
pub fn import(source: &Bound<'_, PyAny>) -> PyResult<Reader> {
    let capsule = source.call_method0("__arrow_c_stream__")?;
    let capsule = capsule.cast::<PyCapsule>()?;
    let pointer = capsule.pointer_checked(Some(NAME))?;
    // SAFETY: a capsule of this name holds a stream, which is moved out of it and so released once.
    let reader = unsafe { ArrowArrayStreamReader::from_raw(pointer.as_ptr().cast()) };
    Ok(Box::new(Validated(reader.map_err(value_error)?)))
}

/// Checks what comes from other programs: text that is not UTF-8 would break Rust's strings.
struct Validated<R>(R);

impl<R: RecordBatchReader> Iterator for Validated<R> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.0.next()?;
        Some(batch.and_then(|batch| {
            for column in batch.columns() {
                column.to_data().validate_full()?;
            }
            Ok(batch)
        }))
    }
}

impl<R: RecordBatchReader> RecordBatchReader for Validated<R> {
    fn schema(&self) -> SchemaRef {
        self.0.schema()
    }
}
