//! Attributes of users: their classes, and how a class is read from a record.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::prediction::largest;

/// An attribute of users with its classes, such as gender with female and male.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct Attribute {
    /// The name of the field that holds the attribute in a record, such as `"age"`.
    pub name: String,
    /// The classes, in the order of the outputs of the network. A class is a literal value (`"female"`) or, for whole
    /// numbers, a range (`"23-27"`) or a lower bound (`"33+"`).
    pub classes: Vec<String>,
    /// Coarser classes that are reported as well, such as age ranges over single years; empty for none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coarse_classes: Vec<CoarseClass>,
}

/// A coarse class: several classes taken together. Its probability is the sum of theirs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct CoarseClass {
    /// The name of the coarse class, such as `"13-17"`.
    pub label: String,
    /// The labels of its classes.
    pub classes: Vec<String>,
}

impl Attribute {
    /// The index of the class that `value` belongs to, if any. Ranges and bounds match whole numbers only. A literal class
    /// takes precedence over a range.
    ///
    /// ```
    /// use model_core::attribute::Attribute;
    ///
    /// let age = Attribute {
    ///     name: "age".into(),
    ///     classes: ["13-17", "23-27", "33+"].map(String::from).to_vec(),
    ///     coarse_classes: vec![],
    /// };
    /// assert_eq!(age.class_of("24"), Some(1));
    /// assert_eq!(age.class_of("20"), None);
    /// ```
    pub fn class_of(&self, value: &str) -> Option<usize> {
        let value = whole_number(value.trim());
        self.classes
            .iter()
            .position(|class| whole_number(class) == value)
            .or_else(|| {
                let number: i64 = value.parse().ok()?;
                self.classes.iter().position(|class| {
                    range(class).is_some_and(|(from, to)| (from..=to).contains(&number))
                })
            })
    }

    /// The classes that `value` may belong to: the one of [`class_of`](Self::class_of), or for an interval label such as
    /// `"21-25"` or `"31+"` all classes that it overlaps. `None` if these are not consecutive.
    pub fn classes_of(&self, value: &str) -> Option<Range<usize>> {
        if let Some(class) = self.class_of(value) {
            return Some(class..class + 1);
        }
        let (from, to) = range(value.trim()).filter(|(from, to)| from <= to)?;
        let overlaps = |class: &String| {
            let years = class.parse().map(|year: i64| (year, year)).ok();
            years
                .or_else(|| range(class))
                .is_some_and(|(start, end)| start <= to && from <= end)
        };
        let start = self.classes.iter().position(overlaps)?;
        let end = start
            + self.classes[start..]
                .iter()
                .take_while(|class| overlaps(class))
                .count();
        let goes_on = self.classes[end..].iter().any(overlaps);
        (!goes_on).then_some(start..end)
    }

    /// The coarse class that holds all these classes, if there is one.
    pub fn coarse_class_of_all(&self, classes: Range<usize>) -> Option<usize> {
        let mut coarse_classes = classes.map(|class| self.coarse_class_of(class));
        let coarse = coarse_classes.next()??;
        coarse_classes
            .all(|other| other == Some(coarse))
            .then_some(coarse)
    }

    /// Whether a prediction can be scored for a user with this label: it is one class, or one coarse class holds all.
    pub fn can_score(&self, classes: &Range<usize>) -> bool {
        classes.len() == 1 || self.coarse_class_of_all(classes.clone()).is_some()
    }

    /// The index of the coarse class that holds class `class`, if any.
    pub fn coarse_class_of(&self, class: usize) -> Option<usize> {
        let label = self.classes.get(class)?;
        self.coarse_classes
            .iter()
            .position(|coarse| coarse.classes.contains(label))
    }

    /// The indices of the classes of each coarse class.
    pub fn classes_by_coarse(&self) -> Vec<Vec<usize>> {
        let mut classes = vec![Vec::new(); self.coarse_classes.len()];
        for class in 0..self.classes.len() {
            if let Some(coarse) = self.coarse_class_of(class) {
                classes[coarse].push(class);
            }
        }
        classes
    }

    /// The labels of the coarse classes, or of the classes if there are no coarse ones.
    pub fn coarsest_labels(&self) -> Vec<String> {
        match self.coarse_classes.as_slice() {
            [] => self.classes.clone(),
            coarse => coarse.iter().map(|coarse| coarse.label.clone()).collect(),
        }
    }

    /// The predicted label, as the index of a class and of the coarse class that holds it, if there are any: the most probable
    /// coarse class, and within it the most probable class. So the two never disagree. `None` without classes.
    pub fn label(&self, probabilities: &[f32]) -> Option<(usize, Option<usize>)> {
        let coarse = largest(&self.coarse_probabilities(probabilities));
        let is_within = |class: usize| coarse.is_none() || self.coarse_class_of(class) == coarse;
        let more = |best: usize, other: usize| match probabilities[other] > probabilities[best] {
            true => other,
            false => best,
        };
        let class = (0..probabilities.len())
            .filter(|&class| is_within(class))
            .reduce(more)?;
        Some((class, coarse))
    }

    /// Equal base rates: each coarse class is as likely as any other, and so is each class within its coarse class.
    pub fn equal_base_rates(&self) -> Vec<f64> {
        let mut rates = vec![1.0 / self.classes.len() as f64; self.classes.len()];
        let by_coarse = self.classes_by_coarse();
        for classes in &by_coarse {
            for &class in classes {
                rates[class] = 1.0 / (by_coarse.len() * classes.len()) as f64;
            }
        }
        rates
    }

    /// The probability of each coarse class: the sum of the `probabilities` of its classes.
    pub fn coarse_probabilities(&self, probabilities: &[f32]) -> Vec<f32> {
        let mut sums = vec![0.0; self.coarse_classes.len()];
        for (class, probability) in probabilities.iter().enumerate() {
            if let Some(coarse) = self.coarse_class_of(class) {
                sums[coarse] += probability;
            }
        }
        sums
    }

    /// Checks that every class can have members and no two ranges overlap.
    fn check_values(&self) -> Result<(), String> {
        let name = &self.name;
        let mut ranges: Vec<(i64, i64, &str)> = Vec::new();
        for class in &self.classes {
            if class.trim() != class || class.is_empty() {
                return Err(format!(
                    "attribute {name:?} has class {class:?}; a class must not be empty, nor begin or end with a space"
                ));
            }
            let Some((from, to)) = range(class) else {
                continue;
            };
            if from > to {
                return Err(format!(
                    "attribute {name:?} has class {class:?}, which has a lower bound above its upper one"
                ));
            }
            if let Some((.., other)) =
                (ranges.iter()).find(|other| from <= other.1 && other.0 <= to)
            {
                return Err(format!(
                    "attribute {name:?} has classes {other:?} and {class:?}, which overlap"
                ));
            }
            ranges.push((from, to, class));
        }
        Ok(())
    }

    /// Checks that the attribute can be learned and shown.
    ///
    /// # Errors
    /// One line that names the class at fault.
    pub fn check(&self) -> Result<(), String> {
        let name = &self.name;
        if name.is_empty() {
            return Err("an attribute has an empty name".into());
        }
        if self.classes.len() < 2 {
            return Err(format!(
                "attribute {name:?} needs at least two classes, it has {}",
                self.classes.len()
            ));
        }
        if let Some(class) = repeated(self.classes.iter()) {
            return Err(format!("attribute {name:?} names class {class:?} twice"));
        }
        let is_unknown = |class: &&String| class.trim().is_empty() || is_missing(class);
        if let Some(class) = self.classes.iter().find(is_unknown) {
            return Err(format!(
                "attribute {name:?} names class {class:?}, which stands for an unknown label in files"
            ));
        }
        self.check_values()?;
        if self.coarse_classes.is_empty() {
            return Ok(());
        }
        if self
            .coarse_classes
            .iter()
            .any(|coarse| coarse.label.is_empty())
        {
            return Err(format!(
                "attribute {name:?} has a coarse class with an empty label"
            ));
        }
        if let Some(coarse) = repeated(self.coarse_classes.iter().map(|coarse| &coarse.label)) {
            return Err(format!(
                "attribute {name:?} names coarse class {coarse:?} twice"
            ));
        }
        // Of shares, it would take some and be none.
        if let Some(coarse) = (self.coarse_classes.iter()).find(|coarse| coarse.classes.is_empty())
        {
            return Err(format!(
                "attribute {name:?} has coarse class {:?} without classes",
                coarse.label
            ));
        }
        let in_coarse = || (self.coarse_classes.iter()).flat_map(|coarse| &coarse.classes);
        if let Some(class) = in_coarse().find(|class| !self.classes.contains(class)) {
            return Err(format!(
                "a coarse class of attribute {name:?} names {class:?}, which is none of its classes"
            ));
        }
        if let Some(class) = repeated(in_coarse()) {
            return Err(format!(
                "attribute {name:?} has class {class:?} in two coarse classes"
            ));
        }
        match self
            .classes
            .iter()
            .find(|class| !in_coarse().any(|other| other == *class))
        {
            Some(class) => Err(format!(
                "attribute {name:?} has class {class:?} in no coarse class"
            )),
            None => Ok(()),
        }
    }
}

/// What stands in the place of a value that is missing: R, pandas, databases and Python write these, and Reddit the last one.
pub(crate) const MISSING: [&str; 10] = [
    "NA",
    "N/A",
    "#N/A",
    "<NA>",
    "NaN",
    "nan",
    "NULL",
    "null",
    "None",
    "[deleted]",
];

/// Whether a text stands in the place of a value that is missing.
pub(crate) fn is_missing(text: &str) -> bool {
    MISSING.contains(&text.trim())
}

/// The whole numbers of a class such as `"23-27"` or `"33+"`.
fn range(class: &str) -> Option<(i64, i64)> {
    if let Some(from) = class.strip_suffix('+') {
        return Some((from.parse().ok()?, i64::MAX));
    }
    let (from, to) = class.split_once('-')?;
    Some((from.parse().ok()?, to.parse().ok()?))
}

/// The first label that comes twice.
pub(crate) fn repeated<'a>(labels: impl Iterator<Item = &'a String>) -> Option<&'a String> {
    let mut seen = std::collections::HashSet::new();
    labels.into_iter().find(|label| !seen.insert(*label))
}

/// The digits of a whole number with a fraction of zeros, which some tools write in a column that has gaps, as in 24.0 and,
/// with the decimal comma of other languages, 24,0. Any other text is returned as it is.
pub(crate) fn whole_number(text: &str) -> &str {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once(['.', ',']) {
        // Three zeros would be thousands.
        Some((whole, "0" | "00")) if is_digits(whole) => whole,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn age() -> Attribute {
        Attribute {
            name: "age".into(),
            classes: ["13", "14", "23-27", "33+"].map(String::from).to_vec(),
            coarse_classes: vec![
                CoarseClass {
                    label: "young".into(),
                    classes: vec!["13".into(), "14".into()],
                },
                CoarseClass {
                    label: "grown".into(),
                    classes: vec!["23-27".into(), "33+".into()],
                },
            ],
        }
    }

    #[test]
    fn values_find_their_class() {
        let age = age();
        assert_eq!(age.class_of("14"), Some(1));
        assert_eq!(age.class_of("25"), Some(2));
        assert_eq!(age.class_of("23-27"), Some(2));
        assert_eq!(age.class_of("33"), Some(3));
        assert_eq!(age.class_of("48"), Some(3));
        assert_eq!(age.class_of("18"), None);
        assert_eq!(age.class_of("unknown"), None);
    }

    #[test]
    fn an_interval_label_may_be_of_all_classes_that_it_overlaps() {
        let age = age();
        assert_eq!(age.classes_of("14"), Some(1..2));
        assert_eq!(age.classes_of("10-15"), Some(0..2));
        assert_eq!(age.classes_of("21-25"), Some(2..3));
        assert_eq!(age.classes_of("27-40"), Some(2..4));
        assert_eq!(age.classes_of("31+"), Some(3..4));
        for none in ["18-22", "21-", "-25", "unknown", "40-35", ""] {
            assert_eq!(age.classes_of(none), None, "{none}");
        }
        assert_eq!(age.coarse_class_of_all(0..2), Some(0));
        assert_eq!(age.coarse_class_of_all(1..3), None);
        assert_eq!(age.coarse_class_of_all(1..1), None);
        // The classes of an interval must be consecutive in the list.
        let mixed = Attribute {
            classes: ["13", "33+", "14"].map(String::from).to_vec(),
            coarse_classes: vec![],
            ..age
        };
        assert_eq!(mixed.classes_of("13-14"), None);
    }

    #[test]
    fn a_coarse_class_sums_its_classes() {
        let sums = age().coarse_probabilities(&[0.1, 0.2, 0.3, 0.4]);
        assert!((sums[0] - 0.3).abs() < 1e-6 && (sums[1] - 0.7).abs() < 1e-6);
    }

    #[test]
    fn an_age_of_33_stood_beside_the_range_23_to_27() {
        let age = age();
        // 33+ is the most probable class, but its coarse class is not the most probable one.
        let one_in_young = [0.3, 0.25, 0.05, 0.4];
        assert_eq!(age.label(&one_in_young), Some((0, Some(0))));
        assert_eq!(age.label(&[0.2, 0.25, 0.15, 0.4]), Some((3, Some(1))));
        let flat = Attribute {
            coarse_classes: vec![],
            ..age
        };
        assert_eq!(flat.label(&one_in_young), Some((3, None)));
        assert_eq!(flat.label(&[]), None);
    }

    #[test]
    fn equal_base_rates_are_equal_over_coarse_classes_first() {
        let mut age = age();
        assert_eq!(age.equal_base_rates(), [0.25; 4]);
        age.classes.insert(0, "12".into());
        age.coarse_classes[0].classes.insert(0, "12".into());
        let sixth = 1.0 / 6.0;
        assert_eq!(age.equal_base_rates(), [sixth, sixth, sixth, 0.25, 0.25]);
        age.coarse_classes.clear();
        assert_eq!(age.equal_base_rates(), [0.2; 5]);
    }

    #[test]
    fn checks_name_what_is_wrong() {
        assert_eq!(age().check(), Ok(()));
        let mut one = age();
        one.classes.truncate(1);
        assert!(one.check().unwrap_err().contains("at least two classes"));
        let mut stray = age();
        stray.coarse_classes[0].classes.pop();
        assert!(
            stray
                .check()
                .unwrap_err()
                .contains("\"14\" in no coarse class")
        );
        for (class, what) in [
            ("24-30", "overlap"),
            ("40-35", "lower bound above"),
            (" 14", "space"),
            ("NA", "stands for an unknown label"),
        ] {
            let mut wrong = age();
            wrong.coarse_classes.clear();
            wrong.classes.push(class.into());
            assert!(wrong.check().unwrap_err().contains(what), "{class}");
        }
        // Its share was taken from the others.
        let mut empty = age();
        empty.coarse_classes.push(CoarseClass {
            label: "nobody".into(),
            classes: Vec::new(),
        });
        assert!(
            empty
                .check()
                .unwrap_err()
                .ends_with("\"nobody\" without classes")
        );
        let mut nameless = age();
        nameless.coarse_classes[0].label.clear();
        assert!(nameless.check().unwrap_err().contains("empty label"));
        let mut twice = age();
        twice.classes[1] = "13".into();
        assert!(twice.check().unwrap_err().contains("twice"));
    }
}
