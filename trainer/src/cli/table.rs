//! Tables that read well on a terminal and are Markdown too.

use std::fmt;

/// A table: a header and rows, the first column to the left, the others, being numbers, to the right.
pub(super) struct Table {
    rows: Vec<Vec<String>>,
    text: bool,
}

impl Table {
    pub(super) fn new<S: Into<String>>(header: impl IntoIterator<Item = S>) -> Self {
        Self {
            rows: vec![header.into_iter().map(cell).collect()],
            text: false,
        }
    }

    /// The same with all columns to the left, because they hold text.
    pub(super) fn left(self) -> Self {
        Self { text: true, ..self }
    }

    pub(super) fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(cell).collect());
    }
}

/// A label may hold anything; a bar or a line end would tear the table.
fn cell(text: impl Into<String>) -> String {
    text.into().replace('|', "\\|").replace(['\n', '\r'], " ")
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
                .max(3)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (index, row) in self.rows.iter().enumerate() {
            for (column, &width) in widths.iter().enumerate() {
                let cell = row.get(column).map_or("", String::as_str);
                match column {
                    0 => write!(f, "| {cell:<width$} |")?,
                    _ if self.text => write!(f, " {cell:<width$} |")?,
                    _ => write!(f, " {cell:>width$} |")?,
                }
            }
            writeln!(f)?;
            if index == 0 {
                for (column, &width) in widths.iter().enumerate() {
                    let line = "-".repeat(width);
                    match column {
                        0 => write!(f, "|:{line}-|")?,
                        _ if self.text => write!(f, ":{line}-|")?,
                        _ => write!(f, "-{line}:|")?,
                    }
                }
                writeln!(f)?;
            }
        }
        Ok(())
    }
}

/// A count with commas between thousands.
pub(super) fn count(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// A share as a percentage with one decimal.
pub(super) fn percent(part: u64, whole: u64) -> String {
    format!("{:.1} %", 100.0 * part as f64 / whole.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(["class", "users"]);
        table.row(["a|b", "12,345,678"]);
        table.row(["é", "7"]);
        assert_eq!(
            table.to_string(),
            "| class |      users |\n\
             |:------|-----------:|\n\
             | a\\|b  | 12,345,678 |\n\
             | é     |          7 |\n"
        );
    }
}
