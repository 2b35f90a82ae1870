//! The rows of tables, with cells by the names of their columns.

use std::collections::HashMap;
use std::io::{self, BufRead};
use std::rc::Rc;

use model_core::corpus::{Table, lossy, too_many_cells};
use serde_json::Value;

use crate::files::open_noted;
use crate::{Files, Grouping};

/// A row of a table.
pub(crate) struct Row {
    /// The line it begins in, counted from 1.
    pub(crate) line: u64,
    cells: Vec<String>,
    /// How many bytes of the cells are not UTF-8.
    unreadable: usize,
    columns: Rc<Columns>,
}

/// The columns of a table.
struct Columns {
    places: HashMap<String, usize>,
    /// The same in the order of the table.
    in_order: Vec<(String, usize)>,
}

impl Columns {
    /// Of columns with the same name, the last one counts.
    fn new(names: &[String]) -> Self {
        let places = names.iter().cloned().enumerate();
        let places: HashMap<String, usize> = places.map(|(index, name)| (name, index)).collect();
        let mut in_order: Vec<(String, usize)> = places
            .iter()
            .map(|(name, index)| (name.clone(), *index))
            .collect();
        in_order.sort_unstable_by_key(|(_, index)| *index);
        Self { places, in_order }
    }
}

impl Row {
    /// Whether the table has a column of this name.
    pub(crate) fn has(&self, column: &str) -> bool {
        self.columns.places.contains_key(column)
    }

    /// The trimmed cell of a column; empty where there is none. Rows may be shorter than the header.
    pub(crate) fn cell(&self, column: &str) -> &str {
        let index = self.columns.places.get(column);
        index.map_or("", |index| self.cell_at(*index))
    }

    fn cell_at(&self, index: usize) -> &str {
        self.cells.get(index).map_or("", |cell| cell.trim())
    }

    /// All cells with the names of their columns.
    pub(crate) fn named_cells(&self) -> impl Iterator<Item = (&str, &str)> {
        let columns = self.columns.in_order.iter();
        columns.map(|(name, index)| (name.as_str(), self.cell_at(*index)))
    }

    /// All cells as a record.
    pub(crate) fn record(&self) -> Value {
        let cells = self.named_cells();
        Value::Object(
            cells
                .map(|(name, cell)| (name.to_owned(), cell.into()))
                .collect(),
        )
    }

    /// The number of cells where a column's is missing at the end, and the number of columns.
    pub(crate) fn lacks(&self, column: &str) -> Option<(usize, usize)> {
        let index = self.columns.places.get(column)?;
        (self.cells.len() <= *index).then_some((self.cells.len(), self.columns.places.len()))
    }
}

/// Reads the header of a table.
///
/// # Errors
/// If there is none.
pub(crate) fn open_table<R: BufRead>(reader: R) -> io::Result<Table<R>> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
    let table = Table::new(reader, |_| false).map_err(|what| invalid(&what))?;
    table.ok_or_else(|| invalid("it is empty"))
}

/// Reads the rows of a table, without its header.
pub(crate) struct Rows<R> {
    table: Table<R>,
    columns: Rc<Columns>,
    /// The number of rows so far.
    number: u64,
}

impl<R: BufRead> Rows<R> {
    /// # Errors
    /// If the table has no header.
    pub(crate) fn new(reader: R) -> io::Result<Self> {
        let table = open_table(reader)?;
        let columns = Rc::new(Columns::new(&table.columns));
        Ok(Self {
            table,
            columns,
            number: 0,
        })
    }

    /// The next row. The inner error is the line of a row with misplaced quotes or more cells than the header, and what is
    /// wrong with it.
    ///
    /// # Errors
    /// If the table cannot be read to its end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Result<Row, (u64, String)>>> {
        let Some(row) = self.table.next_row()? else {
            return Ok(None);
        };
        self.number += 1;
        let too_many = || too_many_cells(&row, self.number, self.table.columns.len());
        if let Some(what) = row.fault().or_else(too_many) {
            return Ok(Some(Err((row.line, what))));
        }
        let mut read = Row {
            line: row.line,
            cells: Vec::with_capacity(row.len()),
            unreadable: 0,
            columns: Rc::clone(&self.columns),
        };
        for cell in row.cells() {
            let (text, unreadable) = lossy(cell);
            read.cells.push(text.into_owned());
            read.unreadable += unreadable;
        }
        Ok(Some(Ok(read)))
    }
}

/// Calls `each` with every row of a table in a file, see [`rows_of`].
///
/// # Errors
/// Those of `each`, and if a bad record is refused.
pub(crate) fn each_row(
    files: &mut dyn Files,
    name: &str,
    grouping: &mut Grouping<'_>,
    each: &mut dyn FnMut(&mut Grouping<'_>, &Row) -> io::Result<()>,
) -> io::Result<()> {
    let place = files.place(name);
    match open_noted(files, name, grouping)? {
        Some(text) => rows_of(text, &place, grouping, each),
        None => Ok(()),
    }
}

/// Calls `each` with every row of a table, which messages call `place`. Rows with misplaced quotes or more cells than the
/// header are left out, and text that cannot be read to its end costs a bad record.
///
/// # Errors
/// Those of `each`, and if a bad record is refused.
pub(crate) fn rows_of(
    text: impl BufRead,
    place: &str,
    grouping: &mut Grouping<'_>,
    each: &mut dyn FnMut(&mut Grouping<'_>, &Row) -> io::Result<()>,
) -> io::Result<()> {
    let mut rows = match Rows::new(text) {
        Ok(rows) => rows,
        Err(error) => return grouping.bad_record(&format!("{place}: {error}")),
    };
    loop {
        match rows.next() {
            Ok(Some(Ok(row))) => {
                grouping.add_unreadable(row.unreadable);
                each(grouping, &row)?;
            }
            Ok(Some(Err((line, what)))) => {
                grouping.bad_record(&format!("{place}:{line}: {what}"))?
            }
            Ok(None) => return Ok(()),
            Err(error) => return grouping.bad_record(&format!("{place}: {error}")),
        }
    }
}
