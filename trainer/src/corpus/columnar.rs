//! Users in files of columns: Parquet, and Arrow IPC as a file (Feather) or a stream.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::iter;
use std::mem;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Arc;
use std::vec;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::{Buffer, MutableBuffer};
use arrow_cast::cast;
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_ipc::convert::fb_to_schema;
use arrow_ipc::reader::{FileDecoder, StreamDecoder, read_footer_length};
use arrow_ipc::{Block, root_as_footer};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use model_core::corpus::{
    Labels, Problem, Reading, Record, Records, Users, group_records, labels_in, lossy,
};
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
    let (names, records) = open_records(file, head, is_needed)?;
    group_records(&names, records, reading)
}

/// The labels in a file that starts with `head`.
///
/// # Errors
/// If it cannot be read.
pub(super) fn labels(file: File, head: &[u8], reading: &Reading) -> Result<Labels, String> {
    let (_, records) = open_records(file, head, |_| true)?;
    Ok(labels_in(records, reading))
}

/// The names of all columns and their fields, and the records with the columns that are needed.
fn open_records(
    file: File,
    head: &[u8],
    is_needed: impl Fn(&Field) -> bool,
) -> Result<(Vec<String>, Records), String> {
    let Table {
        names,
        schema,
        batches,
    } = unless_it_panics(|| open(file, head, is_needed)).map_err(|error| {
        format!(
            "a damaged or unknown Parquet or Arrow file: {}",
            reason(&error)
        )
    })?;
    let mut number = 0;
    let records = batches.flat_map(move |batch| {
        let mut unreadable = 0;
        let records = batch.and_then(|batch| records(&schema, &batch, &mut unreadable));
        let problem = |error: ArrowError| Problem::Stream(io::Error::other(reason(&error)));
        let (records, problem) = match records.map_err(problem) {
            Ok(records) => (records, None),
            Err(problem) => (Vec::new(), Some(Err(problem))),
        };
        let first = number + 1;
        number += records.len() as u64;
        let numbered = (first..).zip(records).map(move |(number, fields)| {
            Ok(Record {
                number,
                // Without lines, the row is named.
                line: number,
                fields,
                unreadable: mem::take(&mut unreadable),
            })
        });
        numbered.chain(problem)
    });
    Ok((names, Box::new(records)))
}

fn reason(error: &ArrowError) -> String {
    match error.to_string() {
        // The library's message is a page long.
        text if text.contains("Unaligned") => {
            "its parts are not aligned, as older versions of Polars write them; save it as Parquet"
                .to_owned()
        }
        text => text,
    }
}

/// The libraries panic at some damaged files, which is an error here.
fn unless_it_panics<T>(read: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, ArrowError> {
    panic::catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(ArrowError::ParseError("it is damaged".into())))
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
            let reader = Blocks::new(file)?;
            let (schema, needed) = (reader.schema.clone(), needed(&reader.schema));
            (schema, needed.clone(), sliced(reader, needed))
        }
        Some(Kind::ArrowStream) => {
            let reader = Stream::new(BufReader::new(file))?;
            let (schema, needed) = (reader.schema.clone(), needed(&reader.schema));
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
    let mut batches = batches.fuse();
    let batches =
        iter::from_fn(move || unless_it_panics(|| batches.next().transpose()).transpose());
    Ok(Table {
        names: all.fields().iter().flat_map(|field| names(field)).collect(),
        schema: Arc::new(all.project(&needed)?),
        batches: Box::new(batches),
    })
}

/// The batches of an Arrow file, at the places that its footer states. As with [`Stream`], memory grows with the bytes that are
/// there.
struct Blocks {
    file: File,
    decoder: FileDecoder,
    blocks: vec::IntoIter<Block>,
    schema: SchemaRef,
}

impl Blocks {
    /// Reads the footer and the dictionaries. After the footer stand its length and the mark.
    fn new(mut file: File) -> Result<Self, ArrowError> {
        const END: u64 = 10;
        let cut_off = || ArrowError::IpcError("it is cut off".into());
        let start_of_end = file
            .metadata()?
            .len()
            .checked_sub(END)
            .ok_or_else(cut_off)?;
        let mut end = [0; END as usize];
        file.seek(SeekFrom::Start(start_of_end))?;
        file.read_exact(&mut end)?;
        let length = read_footer_length(end).map_err(|_| cut_off())? as u64;
        let start = start_of_end.checked_sub(length).ok_or_else(cut_off)?;
        let bytes = bytes_at(&mut file, start, length)?;
        let footer = root_as_footer(&bytes)
            .map_err(|error| ArrowError::ParseError(format!("its footer: {error}")))?;
        let schema = footer.schema().ok_or_else(cut_off)?;
        if !schema.endianness().equals_to_target_endianness() {
            let what = "its numbers are in the order of bytes of another processor";
            return Err(ArrowError::IpcError(what.into()));
        }
        let schema = Arc::new(fb_to_schema(schema));
        let mut decoder = FileDecoder::new(Arc::clone(&schema), footer.version());
        for block in footer.dictionaries().iter().flatten() {
            let bytes = bytes_of(&mut file, block)?;
            decoder.read_dictionary(block, &bytes)?;
        }
        let blocks: Vec<Block> = footer.recordBatches().iter().flatten().copied().collect();
        Ok(Self {
            file,
            decoder,
            blocks: blocks.into_iter(),
            schema,
        })
    }
}

impl Iterator for Blocks {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        let block = self.blocks.next()?;
        let bytes = bytes_of(&mut self.file, &block);
        let batch = bytes.and_then(|bytes| self.decoder.read_record_batch(&block, &bytes));
        batch.transpose()
    }
}

fn bytes_of(file: &mut File, block: &Block) -> Result<Buffer, ArrowError> {
    let number = |number: i64| {
        let what = || ArrowError::IpcError("a block of it has no place".into());
        u64::try_from(number).map_err(|_| what())
    };
    let length = number(block.metaDataLength().into())?.saturating_add(number(block.bodyLength())?);
    bytes_at(file, number(block.offset())?, length)
}

/// Bytes of a file, aligned as the library needs them.
fn bytes_at(file: &mut File, start: u64, length: u64) -> Result<Buffer, ArrowError> {
    let end = start.checked_add(length);
    if end.is_none_or(|end| end > file.metadata().map_or(0, |file| file.len())) {
        return Err(ArrowError::IpcError("it is cut off".into()));
    }
    let mut bytes = MutableBuffer::from_len_zeroed(length as usize);
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes.into())
}

/// The batches of an Arrow stream. Memory grows with the bytes that are there, and not with the lengths that they state, as that
/// of the library's own readers does.
struct Stream<R> {
    reader: R,
    decoder: StreamDecoder,
    /// Bytes that are not decoded yet.
    buffer: Buffer,
    schema: SchemaRef,
}

impl<R: Read> Stream<R> {
    /// The most bytes that are read at once.
    const PIECE: u64 = 1 << 20;

    /// Reads the schema.
    fn new(reader: R) -> Result<Self, ArrowError> {
        let mut stream = Self {
            reader,
            decoder: StreamDecoder::new(),
            buffer: Buffer::default(),
            schema: Arc::new(Schema::empty()),
        };
        loop {
            // One byte after the schema's message completes it; a batch needs more.
            if let Some(schema) = stream.decoder.schema() {
                stream.schema = schema;
                return Ok(stream);
            }
            let mut byte = [0];
            if stream.reader.read(&mut byte)? == 0 {
                stream.decoder.finish()?;
                return Err(ArrowError::IpcError("it has no schema".into()));
            }
            let batch = stream.decoder.decode(&mut Buffer::from(&byte))?;
            debug_assert!(batch.is_none());
        }
    }
}

impl<R: Read> Iterator for Stream<R> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if self.buffer.is_empty() {
                let mut piece = Vec::new();
                let read = (&mut self.reader).take(Self::PIECE).read_to_end(&mut piece);
                match read {
                    Ok(0) => return self.decoder.finish().err().map(Err),
                    Ok(_) => self.buffer = piece.into(),
                    Err(error) => return Some(Err(error.into())),
                }
            }
            match self.decoder.decode(&mut self.buffer) {
                Ok(None) => {}
                Ok(Some(batch)) => return Some(Ok(batch)),
                Err(error) => return Some(Err(error)),
            }
        }
    }
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

/// The rows of a batch, without what is null. Adds the number of bytes of text that are not UTF-8 to `unreadable`.
fn records(
    schema: &Schema,
    batch: &RecordBatch,
    unreadable: &mut usize,
) -> Result<Vec<Map<String, Value>>, ArrowError> {
    let columns: Vec<(&Field, Vec<Value>)> = (schema.fields().iter().zip(batch.columns()))
        .map(|(field, column)| Ok((field.as_ref(), values(column, unreadable)?)))
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

/// UTC as an offset.
const UTC: &str = "+00:00";

/// The values of a column as JSON: numbers, booleans, strings, lists and objects as such, and everything else, such as dates,
/// as text. Adds to `unreadable` as [`records`].
fn values(column: &ArrayRef, unreadable: &mut usize) -> Result<Vec<Value>, ArrowError> {
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
            let mut text = |bytes: &[u8]| {
                let (text, invalid) = lossy(bytes);
                *unreadable += invalid;
                text.into_owned()
            };
            let column = column.as_binary_view().iter();
            column.map(|bytes| bytes.map(&mut text).into()).collect()
        }
        DataType::Dictionary(_, kind) => values(&cast(column, kind)?, unreadable)?,
        DataType::RunEndEncoded(_, field) => values(&cast(column, field.data_type())?, unreadable)?,
        DataType::List(item) | DataType::FixedSizeList(item, _) | DataType::LargeList(item) => {
            let column = cast(column, &DataType::LargeList(item.clone()))?;
            let lists = column.as_list::<i64>().iter();
            let list = |list: Option<ArrayRef>| match list {
                Some(list) => values(&list, unreadable).map(Value::Array),
                None => Ok(Value::Null),
            };
            lists.map(list).collect::<Result<_, _>>()?
        }
        DataType::Struct(fields) => {
            let structs = column.as_struct();
            let columns = fields.iter().zip(structs.columns());
            let columns = columns
                .map(|(field, column)| Ok((field.as_ref(), values(column, unreadable)?)))
                .collect::<Result<_, ArrowError>>()?;
            let objects = rows(columns, structs.len()).into_iter().enumerate();
            let object = |(row, fields)| match structs.is_null(row) {
                true => Value::Null,
                false => Value::Object(fields),
            };
            objects.map(object).collect()
        }
        // The names of time zones need a library of their own, and the moment is the same in UTC.
        DataType::Timestamp(unit, Some(zone)) if **zone != *UTC => {
            let utc = DataType::Timestamp(*unit, Some(UTC.into()));
            values(&cast(column, &utc)?, unreadable)?
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
    use rand::{SeedableRng, rngs::StdRng};

    use super::*;

    /// The users of posts as numbers, as texts, and in an object; the posts one a row, and as lists.
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

    /// Memory is not measured: the message of a panic within the libraries takes much, and a page of Parquet up to 2 GiB.
    #[test]
    fn damaged_files_ended_the_program() {
        let files = files();
        let posts: Vec<_> = files.iter().map(|file| read(file)).collect();
        assert_eq!(posts, [4, 4, 4, 3, 3, 3].map(Ok));
        for number in 0..1000 {
            let mut bytes = files[number as usize % files.len()].clone();
            fuzzing::damage(&mut StdRng::seed_from_u64(number), &mut bytes);
            // The first bytes tell the kind of a file; others never come here.
            if is_columnar(&bytes) {
                drop(read(&bytes));
            }
        }
    }
}
