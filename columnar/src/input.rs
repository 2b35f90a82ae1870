//! The columns of the input: texts and ids of users, whatever their types.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, LargeListArray, RecordBatch, StringViewArray};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field, Schema};
use model_core::corpus::Columns;

/// Which columns hold texts and ids, and their types.
#[derive(Clone, Debug)]
pub(crate) struct Input {
    text: usize,
    user: Option<usize>,
    /// Whether a row has a list of texts.
    is_list: bool,
    /// The type of the ids in the output.
    id_type: DataType,
}

/// The rows of a batch.
pub(crate) struct Rows {
    texts: Texts,
    ids: Option<StringViewArray>,
    length: usize,
}

enum Texts {
    /// A post a row.
    Posts(StringViewArray),
    /// All posts of a user in a row: where the posts of each row begin and end.
    Lists(LargeListArray, StringViewArray),
}

impl Input {
    /// Finds the columns.
    ///
    /// # Errors
    /// If a column is missing, or has a type that cannot be read.
    pub fn new(schema: &Schema, columns: &Columns) -> Result<Self, ArrowError> {
        let names: Vec<String> = (schema.fields().iter())
            .map(|field| field.name().clone())
            .collect();
        let places = columns.places(&names).map_err(ArrowError::SchemaError)?;
        let wrong = |field: &Field, wanted: &str| {
            let (name, kind) = (field.name(), field.data_type());
            ArrowError::SchemaError(format!("column {name:?} is of type {kind}; {wanted}"))
        };
        let field = schema.field(places.text);
        let is_list = match field.data_type() {
            DataType::List(item)
            | DataType::LargeList(item)
            | DataType::FixedSizeList(item, _)
            | DataType::ListView(item)
            | DataType::LargeListView(item) => {
                if !is_text(item.data_type()) {
                    return Err(wrong(field, "its lists must hold text"));
                }
                true
            }
            kind if is_text(kind) => false,
            _ => return Err(wrong(field, "text or lists of texts are needed")),
        };
        let id_type = match places.user.map(|user| schema.field(user)) {
            None => DataType::Int64,
            Some(field) => id_type(field.data_type())
                .ok_or_else(|| wrong(field, "the ids of users must be integers or strings"))?,
        };
        Ok(Self {
            text: places.text,
            user: places.user,
            is_list,
            id_type,
        })
    }

    /// The type of the ids in the output: that of the input, or of the values of its dictionary. Without a column of ids, rows
    /// are numbered.
    pub fn id_type(&self) -> &DataType {
        &self.id_type
    }

    /// Whether there is a column of ids.
    pub fn has_ids(&self) -> bool {
        self.user.is_some()
    }

    /// Whether consecutive rows may belong to one user.
    pub fn is_grouped(&self) -> bool {
        self.user.is_some() && !self.is_list
    }

    /// The ids of a batch as text.
    pub fn ids(&self, batch: &RecordBatch) -> Result<Option<StringViewArray>, ArrowError> {
        let ids = self.user.map(|user| strings(batch.column(user)));
        ids.transpose()
    }

    /// The rows of a batch.
    pub fn rows(&self, batch: &RecordBatch) -> Result<Rows, ArrowError> {
        let column = batch.column(self.text);
        let texts = if self.is_list {
            let item = Field::new_list_field(DataType::Utf8View, true);
            let lists = cast(column, &DataType::LargeList(item.into()))?;
            let lists = lists.as_list::<i64>().clone();
            let values = lists.values().as_string_view().clone();
            Texts::Lists(lists, values)
        } else {
            Texts::Posts(strings(column)?)
        };
        Ok(Rows {
            texts,
            ids: self.ids(batch)?,
            length: batch.num_rows(),
        })
    }
}

impl Rows {
    pub fn len(&self) -> usize {
        self.length
    }

    /// The id of the user of a row; `None` if it is null or there are none.
    pub fn id(&self, row: usize) -> Option<&str> {
        value(self.ids.as_ref()?, row)
    }

    /// The posts of a row. Null is an empty text.
    pub fn posts(&self, row: usize) -> impl Iterator<Item = &str> {
        let (values, range) = match &self.texts {
            Texts::Posts(values) => (values, row..row + 1),
            Texts::Lists(lists, values) => {
                let offsets = lists.value_offsets();
                // A list that is null may still have values.
                let end = if lists.nulls().is_some_and(|nulls| nulls.is_null(row)) {
                    offsets[row]
                } else {
                    offsets[row + 1]
                };
                (values, offsets[row] as usize..end as usize)
            }
        };
        range.map(|place| value(values, place).unwrap_or_default())
    }
}

fn value(array: &StringViewArray, place: usize) -> Option<&str> {
    let is_null = array.nulls().is_some_and(|nulls| nulls.is_null(place));
    (!is_null).then(|| array.value(place))
}

/// A column of strings or integers as strings.
pub(crate) fn strings(column: &ArrayRef) -> Result<StringViewArray, ArrowError> {
    // The cast to strings knows dictionaries of few types.
    let plain = match column.data_type() {
        DataType::Dictionary(_, kind) => &cast(column, kind)?,
        _ => column,
    };
    let strings = cast(plain, &DataType::Utf8View)?;
    Ok(strings.as_string_view().clone())
}

fn is_text(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        DataType::Dictionary(_, kind) => is_text(kind),
        _ => false,
    }
}

fn id_type(kind: &DataType) -> Option<DataType> {
    match kind {
        DataType::Dictionary(_, kind) => id_type(kind),
        // All ids are missing, which is an error of each row.
        DataType::Null => Some(DataType::Utf8),
        kind if kind.is_integer() || kind.is_string() => Some(kind.clone()),
        _ => None,
    }
}
