//! Arrow streams to and from other Python packages, by the Arrow PyCapsule interface.

use std::ffi::CStr;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::cast::AsArray;
use arrow_array::ffi::from_ffi_and_data_type;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{
    Array, ArrayRef, LargeStringArray, NullArray, RecordBatch, RecordBatchIterator,
    RecordBatchReader, make_array,
};
use arrow_cast::cast;
use arrow_data::ArrayData;
use arrow_data::ffi::FFI_ArrowArray;
use arrow_schema::ffi::FFI_ArrowSchema;
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use columnar::Columns;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

use crate::{arrow_error, value_error};

/// The name that the interface gives to its capsules.
const NAME: &CStr = c"arrow_array_stream";

/// A reader of record batches that can be handed from thread to thread.
pub type Reader = Box<dyn RecordBatchReader + Send>;

/// A stream of record batches.
#[pyclass(frozen, module = "auxlstm._native")]
pub struct Stream(Batches);

enum Batches {
    /// Batches that are computed as they are read, once.
    Lazy(Mutex<Option<Reader>>),
    /// Batches in memory. DuckDB reads a stream twice: the first time for its schema.
    InMemory(SchemaRef, Vec<RecordBatch>),
}

impl Stream {
    /// A stream of the batches of a reader.
    pub(crate) fn lazy(reader: Reader) -> Self {
        Self(Batches::Lazy(Mutex::new(Some(reader))))
    }

    /// A stream of batches of this schema.
    pub(crate) fn of(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self(Batches::InMemory(schema, batches))
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
        let reader: Reader = match &self.0 {
            Batches::Lazy(reader) => {
                let reader = reader.lock().unwrap_or_else(PoisonError::into_inner).take();
                reader.ok_or_else(|| {
                    PyValueError::new_err(
                        "the stream of predictions was read already; predict again",
                    )
                })?
            }
            Batches::InMemory(schema, batches) => Box::new(RecordBatchIterator::new(
                batches.clone().into_iter().map(Ok),
                Arc::clone(schema),
            )),
        };
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(reader), NAME)
    }
}

/// The record batches of an object with the method `__arrow_c_stream__`: the columns of texts, ids and the labels of
/// `attributes`. The others are columns of nulls.
pub fn import(
    source: &Bound<'_, PyAny>,
    columns: &Columns,
    attributes: &[String],
) -> PyResult<Reader> {
    let capsule = source.call_method0("__arrow_c_stream__")?;
    let capsule = capsule.cast::<PyCapsule>()?;
    let pointer = capsule.pointer_checked(Some(NAME))?;
    // SAFETY: a capsule of this name holds a stream, which is moved out of it and so released once.
    let mut stream = unsafe { FFI_ArrowArrayStream::from_raw(pointer.as_ptr().cast()) };
    let schema = schema(&mut stream).map_err(arrow_error)?;
    if schema.format() != "+s" {
        return Err(PyTypeError::new_err(format!(
            "expected a data frame; this {} is a column",
            source.get_type().name()?
        )));
    }
    let names: Vec<String> = (schema.children())
        .map(|column| column.name().unwrap_or_default().to_owned())
        .collect();
    let places = columns.places(&names).map_err(value_error)?;
    let mut needed = vec![false; names.len()];
    needed[places.text] = true;
    if let Some(user) = places.user {
        needed[user] = true;
    }
    for attribute in attributes {
        let label = columns.label_place(&names, attribute);
        needed[label.map_err(value_error)?] = true;
    }
    let fields = names.iter().zip(&needed).zip(schema.children());
    let fields = fields.map(|((name, needed), column)| match needed {
        true => Field::try_from(column)
            .map_err(|error| value_error(format!("column {name:?}: {error}"))),
        false => Ok(Field::new(name, DataType::Null, true)),
    });
    let fields: Vec<Field> = fields.collect::<PyResult<_>>()?;
    Ok(Box::new(Imported {
        stream,
        schema: Arc::new(Schema::new(fields)),
        needed,
    }))
}

/// Record batches of another program. arrow-rs would import all their columns, and fail at one of a type that it lacks.
struct Imported {
    stream: FFI_ArrowArrayStream,
    schema: SchemaRef,
    /// Whether each column is read.
    needed: Vec<bool>,
}

impl Imported {
    fn batch(&self, batch: FFI_ArrowArray) -> Result<RecordBatch, ArrowError> {
        if batch.num_children() != self.needed.len() {
            return Err(ArrowError::CDataInterface(
                "a record batch has other columns than its schema".into(),
            ));
        }
        let columns = self.schema.fields().iter().zip(&self.needed).enumerate();
        let columns = columns.map(|(place, (field, needed))| match needed {
            true => {
                // SAFETY: there are so many children. The interface permits to move them out of a batch that is then released.
                let column = unsafe { FFI_ArrowArray::from_raw(*batch.children.add(place)) };
                let (start, length) = (batch.offset(), batch.len());
                column_of(column, field.data_type(), start, length)
            }
            false => Ok(Arc::new(NullArray::new(batch.len())) as ArrayRef),
        });
        RecordBatch::try_new(Arc::clone(&self.schema), columns.collect::<Result<_, _>>()?)
    }
}

impl Iterator for Imported {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut batch = FFI_ArrowArray::empty();
        let get_next = self.stream.get_next?;
        // SAFETY: the stream was not released.
        match unsafe { get_next(&mut self.stream, &mut batch) } {
            0 if batch.is_released() => None,
            0 => Some(self.batch(batch)),
            code => Some(Err(last_error(&mut self.stream, code))),
        }
    }
}

impl RecordBatchReader for Imported {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

fn schema(stream: &mut FFI_ArrowArrayStream) -> Result<FFI_ArrowSchema, ArrowError> {
    let mut schema = FFI_ArrowSchema::empty();
    let get_schema = stream.get_schema;
    let get_schema = get_schema
        .ok_or_else(|| ArrowError::CDataInterface("the stream was read already".into()))?;
    // SAFETY: the stream was not released.
    match unsafe { get_schema(stream, &mut schema) } {
        0 => Ok(schema),
        code => Err(last_error(stream, code)),
    }
}

fn last_error(stream: &mut FFI_ArrowArrayStream, code: i32) -> ArrowError {
    // SAFETY: the stream was not released, and the text lives until it is called again.
    let text = unsafe {
        let error = stream.get_last_error.map(|get| get(stream));
        error
            .filter(|error| !error.is_null())
            .map(|error| CStr::from_ptr(error).to_string_lossy().into_owned())
    };
    ArrowError::CDataInterface(text.unwrap_or_else(|| format!("the stream failed ({code})")))
}

/// Rows of a column of another program.
fn column_of(
    mut column: FFI_ArrowArray,
    kind: &DataType,
    start: usize,
    length: usize,
) -> Result<ArrayRef, ArrowError> {
    drop_null_buffers(&mut column, kind);
    // SAFETY: the array is one of this type, as the schema of its stream says.
    let data = unsafe { from_ffi_and_data_type(column, kind.clone()) }?;
    if data.len() < start + length {
        return Err(ArrowError::CDataInterface(
            "a column is shorter than its record batch".into(),
        ));
    }
    Ok(make_array(valid(data.slice(start, length))?))
}

/// Polars gives columns of nulls a buffer, which the interface does not know and arrow-rs refuses.
fn drop_null_buffers(array: &mut FFI_ArrowArray, kind: &DataType) {
    match kind {
        DataType::Null => array.n_buffers = 0,
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _)
            if array.num_children() == 1 =>
        {
            // SAFETY: there is one child, which belongs to this array.
            if let Some(child) = unsafe { (*array.children).as_mut() } {
                drop_null_buffers(child, item.data_type());
            }
        }
        _ => {}
    }
}

/// Checks a column of another program. Bytes that are not UTF-8 would break Rust's strings and become U+FFFD.
fn valid(data: ArrayData) -> Result<ArrayData, ArrowError> {
    if data.validate_full().is_ok() {
        return Ok(data);
    }
    let kind = data.data_type().clone();
    let binary = match kind {
        DataType::Utf8 => DataType::Binary,
        DataType::LargeUtf8 => DataType::LargeBinary,
        DataType::Utf8View => DataType::BinaryView,
        _ => {
            let children = data.child_data().iter().cloned().map(valid);
            let children = children.collect::<Result<_, _>>()?;
            return data.into_builder().child_data(children).build();
        }
    };
    let bytes = make_array(data.into_builder().data_type(binary).build()?);
    let bytes = cast(&bytes, &DataType::LargeBinary)?;
    let texts: LargeStringArray = (bytes.as_binary::<i64>().iter())
        .map(|text| Some(String::from_utf8_lossy(text?)))
        .collect();
    Ok(cast(&texts, &kind)?.to_data())
}
