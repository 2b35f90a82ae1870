//! Tables and bars that read well on a terminal and are Markdown too.

use std::fmt::{self, Write};

/// The length of the longest bar of a distribution.
const BAR: u64 = 50;
/// Values without users are shown in a distribution that spans no more than this.
const WIDEST_GAPLESS: i64 = 120;

/// A table: a header and rows, the first column to the left, the others, being numbers, to the right.
pub struct Table {
    rows: Vec<Vec<String>>,
    text: bool,
}

impl Table {
    /// A table with this header and no rows.
    pub fn new<S: Into<String>>(header: impl IntoIterator<Item = S>) -> Self {
        Self {
            rows: vec![header.into_iter().map(cell).collect()],
            text: false,
        }
    }

    /// The same with all columns to the left, because they hold text.
    pub fn left(self) -> Self {
        Self { text: true, ..self }
    }

    /// Adds a row.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
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
pub fn count(number: u64) -> String {
    indicatif::HumanCount(number).to_string()
}

/// A share as a percentage with one decimal.
pub fn percent(part: u64, whole: u64) -> String {
    format!("{:.1} %", 100.0 * part as f64 / whole.max(1) as f64)
}

/// The values in rising order with their users, those without users too unless there are many of them.
pub fn gapless(values: &[(i64, u64)]) -> Vec<(i64, u64)> {
    match (values.first(), values.last()) {
        (Some(&(first, _)), Some(&(last, _))) if last.saturating_sub(first) <= WIDEST_GAPLESS => {
            let users = |value| {
                (values.iter().find(|(other, _)| *other == value)).map_or(0, |(_, users)| *users)
            };
            (first..=last).map(|value| (value, users(value))).collect()
        }
        _ => values.to_vec(),
    }
}

/// A bar a value, as in the paper's Figure 2. The values are in rising order.
pub fn chart(values: &[(i64, u64)]) -> String {
    let rows = gapless(values);
    let most = rows
        .iter()
        .map(|(_, users)| *users)
        .max()
        .unwrap_or(0)
        .max(1);
    let width = rows
        .iter()
        .map(|(value, _)| value.to_string().len())
        .max()
        .unwrap_or(0);
    // Indented by four it is a block of code in Markdown, where spaces count.
    rows.iter()
        .fold(String::new(), |mut chart, (value, users)| {
            // Whoever is there is seen.
            let length = (users * BAR).div_ceil(most) as usize;
            let bar = "█".repeat(length);
            let gap = if length > 0 { " " } else { "" };
            let _ = writeln!(chart, "    {value:>width$}  {bar}{gap}{}", count(*users));
            chart
        })
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

    #[test]
    fn a_chart_shows_gaps_and_proportions() {
        let chart = chart(&[(9, 1), (11, 200)]);
        let lines: Vec<&str> = chart.lines().collect();
        assert_eq!(lines[..2], ["     9  █ 1", "    10  0"]);
        assert_eq!(lines[2], format!("    11  {} 200", "█".repeat(50)));
    }
}
