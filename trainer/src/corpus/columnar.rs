//! Users in files of columns: Parquet, and Arrow IPC as a file (Feather) or a stream.

use std::fs::File;
use std::io::{self, BufReader};
use std::iter;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use model_core::corpus::{Problem, Reading, Record, Users, group_records};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Map, Value};

/// The most rows that are taken apart at a time.
const ROWS: usize = 512;

/// The kinds of files of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Parquet,
    ArrowFile,
    ArrowStream,
}

impl Kind {
    /// The kind of a file that starts with `head`.
    fn of(head: &[u8]) -> Option<Self> {
        match head {
            [b'P', b'A', b'R', b'1', ..] => Some(Self::Parquet),
            [b'A', b'R', b'R', b'O', b'W', b'1', ..] => Some(Self::ArrowFile),
            // The mark of a message, and its length, which is a multiple of eight.
            [0xff, 0xff, 0xff, 0xff, length, _, _, 0, ..] if length % 8 == 0 => {
                Some(Self::ArrowStream)
            }
            _ => None,
        }
    }
}

/// Whether a file that starts with `head` is one of columns.
pub(super) fn is_columnar(head: &[u8]) -> bool {
    Kind::of(head).is_some()
}

/// Whether a file is one of columns by its name.
pub(super) fn has_columnar_name(name: &Path) -> bool {
    let ending = name.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| {
        ["parquet", "arrow", "arrows", "feather", "ipc"]
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    })
}

/// The users in a file that starts with `head`, grouped as those of a table. Of the columns, only those are decoded that may
/// hold a text, an id, an order, a known label or one of `fields`; all if that is `None`.
///
/// # Errors
/// If it cannot be read, or has no column of text.
pub(super) fn users(
    file: File,
    head: &[u8],
    reading: &Reading,
    fields: Option<&[String]>,
) -> Result<Users, String> {
    let is_known = reading.columns.known();
    let is_needed = |field: &Field| match fields {
        None => true,
        Some(fields) => fields.contains(field.name()) || names(field).any(|name| is_known(&name)),
    };
    let Table {
        names,
        schema,
        batches,
    } = open(file, head, is_needed)
        .map_err(|error| format!("a damaged or unknown Parquet or Arrow file: {error}"))?;
    let mut number = 0;
    let records = batches.flat_map(move |batch| {
        let records = batch.and_then(|batch| records(&schema, &batch));
        let problem = |error: ArrowError| Problem::Stream(io::Error::other(error.to_string()));
        let (records, problem) = match records.map_err(problem) {
            Ok(records) => (records, None),
            Err(problem) => (Vec::new(), Some(Err(problem))),
        };
        let first = number + 1;
        number += records.len() as u64;
        let numbered = (first..).zip(records).map(|(number, fields)| {
            Ok(Record {
                number,
                // What has no lines is told by its row.
                line: number,
                fields,
                is_lossy: false,
            })
        });
        numbered.chain(problem)
    });
    group_records(&names, Box::new(records), reading)
}

/// An iterator over batches of at most [`ROWS`] rows.
type Batches = Box<dyn Iterator<Item = Result<RecordBatch, ArrowError>> + Send>;

/// A file that is being read.
struct Table {
    /// The names of all columns and of their fields.
    names: Vec<String>,
    /// The columns that are needed.
    schema: SchemaRef,
    /// Their rows.
    batches: Batches,
}

fn open(file: File, head: &[u8], is_needed: impl Fn(&Field) -> bool) -> Result<Table, ArrowError> {
    let needed = |schema: &Schema| -> Vec<usize> {
        let fields = schema.fields().iter().enumerate();
        let needed = fields.filter(|(_, field)| is_needed(field));
        needed.map(|(place, _)| place).collect()
    };
    let (all, needed, batches) = match Kind::of(head) {
        Some(Kind::ArrowFile) => {
            let reader = FileReader::try_new(BufReader::new(file), None)?;
            let (schema, needed) = (reader.schema(), needed(&reader.schema()));
            (schema, needed.clone(), sliced(reader, needed))
        }
        Some(Kind::ArrowStream) => {
            let reader = StreamReader::try_new(BufReader::new(file), None)?;
            let (schema, needed) = (reader.schema(), needed(&reader.schema()));
            (schema, needed.clone(), sliced(reader, needed))
        }
        Some(Kind::Parquet) | None => {
            let reader = ParquetRecordBatchReaderBuilder::try_new(file)?.with_batch_size(ROWS);
            let (schema, needed) = (reader.schema().clone(), needed(reader.schema()));
            let columns = ProjectionMask::roots(reader.parquet_schema(), needed.iter().copied());
            let batches: Batches = Box::new(reader.with_projection(columns).build()?);
            (schema, needed, batches)
        }
    };
    Ok(Table {
        names: all.fields().iter().flat_map(|field| names(field)).collect(),
        schema: Arc::new(all.project(&needed)?),
        batches,
    })
}

/// The name of a column, and those of its fields as in `user.id`.
fn names(field: &Field) -> impl Iterator<Item = String> {
    let inner = match field.data_type() {
        DataType::Struct(inner) => &inner[..],
        _ => &[],
    };
    let dotted = inner
        .iter()
        .map(|inner| format!("{}.{}", field.name(), inner.name()));
    iter::once(field.name().clone()).chain(dotted)
}

/// These columns of the batches, in pieces. Programs write tables of any size as one batch.
fn sliced(
    reader: impl Iterator<Item = Result<RecordBatch, ArrowError>> + Send + 'static,
    columns: Vec<usize>,
) -> Batches {
    Box::new(reader.flat_map(move |batch| {
        let (batch, error) = match batch.and_then(|batch| batch.project(&columns)) {
            Ok(batch) => (Some(batch), None),
            Err(error) => (None, Some(Err(error))),
        };
        let pieces = batch.into_iter().flat_map(|batch| {
            let starts = (0..batch.num_rows()).step_by(ROWS);
            starts.map(move |start| Ok(batch.slice(start, ROWS.min(batch.num_rows() - start))))
        });
        pieces.chain(error)
    }))
}

/// The rows of a batch, without what is null.
fn records(schema: &Schema, batch: &RecordBatch) -> Result<Vec<Map<String, Value>>, ArrowError> {
    let columns: Vec<(&Field, Vec<Value>)> = (schema.fields().iter().zip(batch.columns()))
        .map(|(field, column)| Ok((field.as_ref(), values(column)?)))
        .collect::<Result<_, ArrowError>>()?;
    Ok(rows(columns, batch.num_rows()))
}

/// Columns turned into rows.
fn rows(columns: Vec<(&Field, Vec<Value>)>, count: usize) -> Vec<Map<String, Value>> {
    let mut rows = vec![Map::new(); count];
    for (field, values) in columns {
        for (row, value) in rows.iter_mut().zip(values) {
            if !value.is_null() {
                row.entry(field.name()).or_insert(value);
            }
        }
    }
    rows
}

/// The values of a column as JSON: numbers, booleans, strings, lists and objects as such, and everything else, such as dates,
/// as text.
fn values(column: &ArrayRef) -> Result<Vec<Value>, ArrowError> {
    let kind = column.data_type();
    Ok(match kind {
        DataType::Null => vec![Value::Null; column.len()],
        DataType::Boolean => column.as_boolean().iter().map(Value::from).collect(),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => {
            let column = cast(column, &DataType::Int64)?;
            let column = column.as_primitive::<Int64Type>();
            column.iter().map(Value::from).collect()
        }
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            let column = cast(column, &DataType::UInt64)?;
            let column = column.as_primitive::<UInt64Type>();
            column.iter().map(Value::from).collect()
        }
        DataType::Float16 | DataType::Float32 | DataType::Float64 => {
            let column = cast(column, &DataType::Float64)?;
            let column = column.as_primitive::<Float64Type>();
            column.iter().map(Value::from).collect()
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            let column = cast(column, &DataType::Utf8View)?;
            column.as_string_view().iter().map(Value::from).collect()
        }
        // Some programs do not mark text as such.
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => {
            let column = cast(column, &DataType::BinaryView)?;
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let column = column.as_binary_view().iter();
            column.map(|bytes| bytes.map(text).into()).collect()
        }
        DataType::Dictionary(_, kind) => values(&cast(column, kind)?)?,
        DataType::RunEndEncoded(_, field) => values(&cast(column, field.data_type())?)?,
        DataType::List(item) | DataType::FixedSizeList(item, _) | DataType::LargeList(item) => {
            let column = cast(column, &DataType::LargeList(item.clone()))?;
            let lists = column.as_list::<i64>().iter();
            let list = |list: Option<ArrayRef>| match list {
                Some(list) => values(&list).map(Value::Array),
                None => Ok(Value::Null),
            };
            lists.map(list).collect::<Result<_, _>>()?
        }
        DataType::Struct(fields) => {
            let structs = column.as_struct();
            let columns = fields.iter().zip(structs.columns());
            let columns = columns
                .map(|(field, column)| Ok((field.as_ref(), values(column)?)))
                .collect::<Result<_, ArrowError>>()?;
            let objects = rows(columns, structs.len()).into_iter().enumerate();
            let object = |(row, fields)| match structs.is_null(row) {
                true => Value::Null,
                false => Value::Object(fields),
            };
            objects.map(object).collect()
        }
        _ => {
            let options = FormatOptions::default();
            let texts = ArrayFormatter::try_new(column, &options)?;
            let text = |row| match column.is_null(row) {
                true => Ok(Value::Null),
                false => Ok(texts.value(row).try_to_string()?.into()),
            };
            (0..column.len())
                .map(text)
                .collect::<Result<_, ArrowError>>()?
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::Arc;

    use arrow_array::builder::{ListBuilder, StringBuilder};
    use arrow_array::{DictionaryArray, Int64Array, StringArray, StructArray};
    use arrow_ipc::writer::{FileWriter, StreamWriter};
    use parquet::arrow::ArrowWriter;

    use super::*;

    /// The writers of posts as numbers, as texts, and in an object; the posts one a row, and as lists.
    fn samples() -> [RecordBatch; 2] {
        let texts = ["rain tea", "", "essay, \"tea\" 今天", "football"];
        let text: ArrayRef = Arc::new(StringArray::from(texts.to_vec()));
        let id: ArrayRef = Arc::new(Int64Array::from(vec![7, 5, 7, 9]));
        let name: DictionaryArray<arrow_array::types::Int32Type> =
            ["a", "b", "a", "c"].into_iter().collect();
        let field = Arc::new(Field::new("id", DataType::Int64, true));
        let author: ArrayRef = Arc::new(StructArray::from(vec![(field, Arc::clone(&id))]));
        let mut posts = ListBuilder::new(StringBuilder::new());
        for posts_of_user in [&texts[..2], &texts[2..3]] {
            posts.append_value(posts_of_user.iter().map(Some));
        }
        let posts: ArrayRef = Arc::new(posts.finish());
        let ages: ArrayRef = Arc::new(arrow_array::Float64Array::from(vec![Some(24.0), None]));
        [
            vec![
                ("user_id", id),
                ("name", Arc::new(name)),
                ("author", author),
                ("text", text),
            ],
            vec![("posts", posts), ("age", ages)],
        ]
        .map(|columns| RecordBatch::try_from_iter(columns).unwrap())
    }

    fn files() -> Vec<Vec<u8>> {
        let samples = samples();
        let each = samples.iter().flat_map(|batch| {
            let schema = batch.schema();
            let mut file = FileWriter::try_new(Vec::new(), &schema).unwrap();
            file.write(batch).unwrap();
            let mut stream = StreamWriter::try_new(Vec::new(), &schema).unwrap();
            stream.write(batch).unwrap();
            let mut parquet = ArrowWriter::try_new(Vec::new(), schema, None).unwrap();
            parquet.write(batch).unwrap();
            [file.into_inner(), stream.into_inner()]
                .map(Result::unwrap)
                .into_iter()
                .chain([parquet.into_inner().unwrap()])
        });
        each.collect()
    }

    /// The posts that are found, or why there are none.
    fn read(bytes: &[u8]) -> Result<usize, String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        io::Seek::rewind(&mut file).unwrap();
        let users = users(file, bytes, &Reading::default(), None)?;
        Ok(users.flatten().map(|user| user.posts.len()).sum())
    }

    #[test]
    fn fuzz_columns() {
        let files = files();
        let posts: Vec<_> = files.iter().map(|file| read(file)).collect();
        assert_eq!(posts, [4, 4, 4, 3, 3, 3].map(Ok));
        // The first bytes tell the kind of a file; others never come here.
        fuzzing::fuzz("Parquet, Arrow", &files, |bytes| {
            if is_columnar(bytes) {
                drop(read(bytes));
            }
        });
    }
}
