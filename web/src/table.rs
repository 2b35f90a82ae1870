//! The table of writers: their order, which of them are shown, and which rows are drawn.

use std::borrow::Cow;
use std::cmp::Ordering;

use model_core::prediction::Line;
use serde_json::Value;

use crate::summary::first;

/// The most rows that are drawn at a time. More would make the page slow.
pub const DRAWN: usize = 100;

/// The most rows that can be scrolled to. Browsers limit the height of a page.
pub const MOST: usize = 200_000;

/// How many rows the drawn part moves at a time; so many are drawn above those in sight.
const STEP: usize = 20;

/// A column to sort by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    /// The ids: numbers by size, then texts by their characters.
    Writer,
    /// The number of words.
    Words,
    /// The classes of the attribute of this name that are shown first, in the model's order. Within a class the most
    /// probable ones come first, and writers without a class come last.
    Attribute(String),
}

/// The direction of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the first to the last.
    Ascending,
    /// From the last to the first.
    Descending,
}

impl Direction {
    /// Its name in HTML.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ascending => "ascending",
            Self::Descending => "descending",
        }
    }
}

/// What the visitor has chosen for the table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrangement {
    /// The column that sorts the writers; `None` for the order of the files.
    pub sorted_by: Option<(Column, Direction)>,
    /// The attribute of which only writers for whom the model abstains are shown; `None` for all writers.
    pub abstained_on: Option<String>,
}

impl Arrangement {
    /// Sorts by a column, in the other direction if it did already, and no more after both.
    pub fn click(&mut self, column: &Column) {
        self.sorted_by = match self.direction(column) {
            None => Some((column.clone(), Direction::Ascending)),
            Some(Direction::Ascending) => Some((column.clone(), Direction::Descending)),
            Some(Direction::Descending) => None,
        };
    }

    /// The direction in which a column sorts; `None` if it does not.
    pub fn direction(&self, column: &Column) -> Option<Direction> {
        let (sorted_by, direction) = self.sorted_by.as_ref()?;
        (sorted_by == column).then_some(*direction)
    }

    /// The places of the shown writers among `lines`, in their order; `None` for all as they are.
    pub fn order(&self, lines: &[Line]) -> Option<Vec<usize>> {
        if *self == Self::default() {
            return None;
        }
        let is_shown = |line: &Line| {
            (self.abstained_on.as_ref()).is_none_or(|attribute| abstains(line, attribute))
        };
        let places = (0..lines.len()).filter(|place| is_shown(&lines[*place]));
        let Some((column, direction)) = &self.sorted_by else {
            return Some(places.collect());
        };
        let mut keys: Vec<(Key, usize)> = places
            .map(|place| (key(&lines[place], column), place))
            .collect();
        keys.sort_by(|(one, _), (other, _)| {
            let ascending = one.compare(other);
            match direction {
                Direction::Ascending => ascending,
                Direction::Descending => ascending.reverse(),
            }
        });
        Some(keys.into_iter().map(|(_, place)| place).collect())
    }
}

/// What a writer is sorted by.
enum Key<'a> {
    Number(f64),
    Text(Cow<'a, str>),
}

impl Key<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(one), Self::Number(other)) => one.total_cmp(other),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
            (Self::Text(one), Self::Text(other)) => one.cmp(other),
        }
    }
}

fn key<'a>(line: &'a Line, column: &Column) -> Key<'a> {
    match column {
        Column::Writer => match &line.id {
            Value::String(text) => Key::Text(text.into()),
            Value::Number(number) => Key::Number(number.as_f64().unwrap_or(f64::INFINITY)),
            other => Key::Text(other.to_string().into()),
        },
        Column::Words => Key::Number(line.prediction.words as f64),
        Column::Attribute(name) => Key::Number(rank(line, name)),
    }
}

/// The place of the class that is shown first, plus 1 minus its probability.
fn rank(line: &Line, attribute: &str) -> f64 {
    let rank = || {
        let (label, probabilities, _) = first(line.prediction.predictions.get(attribute)?);
        let mut classes = probabilities.iter().enumerate();
        let (place, (_, probability)) = classes.find(|(_, (class, _))| Some(*class) == label)?;
        Some(place as f64 + 1.0 - f64::from(*probability))
    };
    rank().unwrap_or(f64::INFINITY)
}

fn abstains(line: &Line, attribute: &str) -> bool {
    let prediction = line.prediction.predictions.get(attribute);
    prediction.is_none_or(|prediction| {
        let (.., confident) = first(prediction);
        !confident
    })
}

/// The first row to draw of this many, where the visitor has scrolled past this share of their height.
pub fn first_drawn(share: f64, rows: usize) -> usize {
    let in_sight = (share * rows as f64) as usize;
    let first = (in_sight / STEP * STEP).saturating_sub(STEP);
    first.min(rows.saturating_sub(DRAWN))
}

/// The rows to draw from the row `first` on, each with its place in the table and the place of its line among `lines`. `order`
/// is that of [`Arrangement::order`].
pub fn drawn(lines: &[Line], order: Option<&[usize]>, first: usize) -> Vec<(usize, usize, Line)> {
    let rows = order.map_or(lines.len(), <[usize]>::len).min(MOST);
    let places = first..rows.min(first + DRAWN);
    let row = |place: usize| {
        let line = order.map_or(place, |order| order[place]);
        Some((place, line, lines.get(line)?.clone()))
    };
    places.filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use model_core::prediction::{AttributePrediction, Named, UserPrediction};
    use serde_json::json;

    use super::*;

    /// A writer whose gender is female with this probability, and whose confidence threshold is .7.
    fn line(id: Value, words: usize, female: f32) -> Line {
        let label = if female >= 0.5 { "female" } else { "male" };
        let gender = AttributePrediction {
            label: (words > 0).then(|| label.into()),
            confident: female.max(1.0 - female) >= 0.7,
            transferred: false,
            probabilities: Named(vec![
                ("female".into(), female),
                ("male".into(), 1.0 - female),
            ]),
            coarse: None,
        };
        Line {
            id,
            prediction: UserPrediction {
                words,
                known_words: words,
                language: None,
                predictions: Named(vec![("gender".into(), gender)]),
            },
        }
    }

    fn lines() -> Vec<Line> {
        vec![
            line(json!("bob"), 5, 0.2),
            line(json!(10), 0, 0.5),
            line(json!("ann"), 70, 0.9),
            line(json!(9), 5, 0.6),
            line(json!(null), 1, 0.45),
        ]
    }

    fn order(column: Column, direction: Direction) -> Vec<usize> {
        let arrangement = Arrangement {
            sorted_by: Some((column, direction)),
            abstained_on: None,
        };
        arrangement.order(&lines()).unwrap()
    }

    #[test]
    fn columns_sort_in_both_directions_and_keep_the_order_of_equals() {
        use Direction::{Ascending, Descending};
        let gender = || Column::Attribute("gender".into());
        assert_eq!(order(Column::Writer, Ascending), [3, 1, 2, 0, 4]);
        assert_eq!(order(Column::Words, Ascending), [1, 4, 0, 3, 2]);
        assert_eq!(order(Column::Words, Descending), [2, 0, 3, 4, 1]);
        assert_eq!(order(gender(), Ascending), [2, 3, 0, 4, 1]);
        assert_eq!(order(gender(), Descending), [1, 4, 0, 3, 2]);
        let unknown = Column::Attribute("shoe_size".into());
        assert_eq!(order(unknown, Ascending), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_third_click_brings_the_order_of_the_files_back() {
        let mut arrangement = Arrangement::default();
        let mut seen = Vec::new();
        for _ in 0..3 {
            arrangement.click(&Column::Words);
            seen.push(arrangement.direction(&Column::Words));
        }
        let (up, down) = (Direction::Ascending, Direction::Descending);
        assert_eq!(seen, [Some(up), Some(down), None]);
        assert_eq!(arrangement.order(&lines()), None);
        arrangement.click(&Column::Words);
        arrangement.click(&Column::Writer);
        assert_eq!(arrangement.direction(&Column::Words), None);
        assert_eq!(arrangement.direction(&Column::Writer), Some(up));
    }

    #[test]
    fn writers_for_whom_the_model_abstains_are_shown_alone_and_sorted() {
        let mut arrangement = Arrangement {
            sorted_by: None,
            abstained_on: Some("gender".into()),
        };
        assert_eq!(arrangement.order(&lines()), Some(vec![1, 3, 4]));
        arrangement.click(&Column::Words);
        let order = arrangement.order(&lines()).unwrap();
        assert_eq!(order, [1, 4, 3]);
        let drawn = drawn(&lines(), Some(&order), 1);
        let shown: Vec<(usize, usize, &Value)> = (drawn.iter())
            .map(|(place, number, line)| (*place, *number, &line.id))
            .collect();
        assert_eq!(shown, [(1, 4, &json!(null)), (2, 3, &json!(9))]);
    }

    #[test]
    fn rows_in_sight_are_among_those_that_are_drawn() {
        for rows in [0, 1, 99, 100, 101, 250, 100_000] {
            for percent in 0..=100 {
                let share = f64::from(percent) / 100.0;
                let first = first_drawn(share, rows);
                let in_sight = (share * rows as f64) as usize;
                assert!(first <= in_sight, "{rows} {percent}");
                // A screen shows some thirty of them.
                let end = (first + DRAWN).min(rows);
                assert!(end >= rows.min(in_sight + 40), "{rows} {percent}");
                assert!(rows < DRAWN || end - first == DRAWN);
            }
        }
        let many = vec![line(json!(1), 1, 0.5); 150];
        assert_eq!(drawn(&many, None, 0).len(), DRAWN);
        assert_eq!(drawn(&many, None, 140).len(), 10);
        // An order of lines that are gone, until a new one takes its place.
        assert_eq!(drawn(&many[..2], Some(&[0, 7, 1]), 0).len(), 2);
    }
}
