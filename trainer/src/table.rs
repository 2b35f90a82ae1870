//! Tables and bar charts for a terminal, which are Markdown as well.
//!
//! Why not a crate such as tabled or comfy-table: their Markdown styles lack the colons by which Markdown aligns columns.

use std::fmt::{self, Write};

use unicode_width::UnicodeWidthStr;

use crate::progress::visible;

/// The length of the longest bar of a chart, in columns of the terminal.
const BAR: u64 = 50;
/// A chart over no more than this many values shows values without users too.
const WIDEST_GAPLESS: i64 = 120;

/// A table with a header. The first column is aligned to the left. The others hold numbers and are aligned to the right,
/// unless the table is made of text.
pub struct Table {
    rows: Vec<Vec<String>>,
    is_text: bool,
}

impl Table {
    /// A table with this header and no rows.
    pub fn new<S: Into<String>>(header: impl IntoIterator<Item = S>) -> Self {
        Self {
            rows: vec![header.into_iter().map(cell).collect()],
            is_text: false,
        }
    }

    /// Aligns all columns to the left.
    pub fn left(self) -> Self {
        Self {
            is_text: true,
            ..self
        }
    }

    /// Adds a row.
    pub fn row<S: Into<String>>(&mut self, cells: impl IntoIterator<Item = S>) {
        self.rows.push(cells.into_iter().map(cell).collect());
    }
}

/// Escapes what would break the row of a Markdown table, or control a terminal.
fn cell(text: impl Into<String>) -> String {
    visible(&text.into().replace('|', "\\|").replace(['\n', '\r'], " "))
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.width()).max().unwrap_or(0).max(3)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let is_left = |column: usize| column == 0 || self.is_text;
        for (index, row) in self.rows.iter().enumerate() {
            f.write_str("|")?;
            for (column, &width) in widths.iter().enumerate() {
                let cell = row.get(column).map_or("", String::as_str);
                let padding = " ".repeat(width - cell.width());
                match is_left(column) {
                    true => write!(f, " {cell}{padding} |")?,
                    false => write!(f, " {padding}{cell} |")?,
                }
            }
            writeln!(f)?;
            if index == 0 {
                f.write_str("|")?;
                for (column, &width) in widths.iter().enumerate() {
                    let line = "-".repeat(width);
                    match is_left(column) {
                        true => write!(f, ":{line}-|")?,
                        false => write!(f, "-{line}:|")?,
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

/// A number and what it counts, in the plural where it is not one.
pub fn counted(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", count(number))
}

/// A share as a percentage with one decimal.
pub fn percent(part: u64, whole: u64) -> String {
    format!("{:.1} %", 100.0 * part as f64 / whole.max(1) as f64)
}

/// Adds the values without users between others, unless there are many. `values` are in ascending order.
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

/// A bar chart with a bar for each value, as in the paper's Figure 2. The values are in ascending order.
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
    // Indented by four spaces, the chart is a code block in Markdown, which keeps spaces.
    rows.iter()
        .fold(String::new(), |mut chart, (value, users)| {
            // Rounded up, so that a single user is visible.
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
    fn columns_of_chinese_text_were_taken_for_half_as_wide() {
        let mut table = Table::new(["职业", "users"]);
        table.row(["学生", "7"]);
        table.row(["art", "12"]);
        assert_eq!(
            table.to_string(),
            "| 职业 | users |\n\
             |:-----|------:|\n\
             | 学生 |     7 |\n\
             | art  |    12 |\n"
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
