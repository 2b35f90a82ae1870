//! What is known of an experiment's corpus beside its cells: how many users there are of each class, and how much one
//! attribute says of another.

use std::collections::BTreeMap;
use std::path::Path;

use model_core::attribute::{Attribute, CoarseClass};
use serde::{Deserialize, Serialize};

use super::CellError;
use crate::evaluation::{cramers_v, cramers_v_corrected};
use crate::output::{OutputError, PendingFile};

/// The corpus of an experiment, stored beside its cells as `corpus.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusSummary {
    /// What the report calls it.
    pub name: String,
    /// All users, with labels or without.
    pub users: usize,
    /// The attributes that cells are about.
    pub attributes: Vec<AttributeSummary>,
    /// How many users state each age in years, where ages are numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ages: Option<BTreeMap<i64, usize>>,
    /// How much one attribute says of another, a pair of attributes each.
    pub association: Vec<Association>,
}

/// An attribute and how many users are of each of its classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeSummary {
    /// The attribute's name.
    pub name: String,
    /// Its classes, in the order of the cells' probabilities.
    pub classes: Vec<String>,
    /// The users of each class.
    pub counts: Vec<usize>,
    /// Coarser classes that are scored too, such as bands of ages; empty for none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coarse_classes: Vec<CoarseClass>,
}

/// How much one attribute says of another, over the users with a label for both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Association {
    /// One attribute.
    pub a: String,
    /// The other.
    pub b: String,
    /// Cramér's V: 0 where neither says anything of the other, 1 where one tells the other.
    pub cramers_v: f64,
    /// The same corrected for its bias: few users in many classes make it too large.
    pub cramers_v_corrected: f64,
    /// The users with a label for both.
    pub users: usize,
}

impl CorpusSummary {
    /// The name of its file, in the folder that holds the folder of the cells.
    pub const FILE: &str = "corpus.json";

    /// Writes `corpus.json` into `folder`, whole or not at all.
    pub fn write(&self, folder: &Path) -> Result<(), OutputError> {
        PendingFile::create(&folder.join(Self::FILE))?
            .finish(|out| Ok(serde_json::to_writer_pretty(out, self)?))
    }

    /// Reads `corpus.json` in `folder`.
    pub fn read(folder: &Path) -> Result<Self, CellError> {
        let path = folder.join(Self::FILE);
        let result = std::fs::read(&path)
            .map_err(|error| error.to_string())
            .and_then(|text| serde_json::from_slice(&text).map_err(|error| error.to_string()))
            .and_then(|summary: Self| summary.check().map(|()| summary));
        result.map_err(|what| CellError { path, what })
    }

    /// The attribute of this name, if cells can be about it.
    pub fn attribute(&self, name: &str) -> Option<&AttributeSummary> {
        (self.attributes.iter()).find(|attribute| attribute.name == name)
    }

    /// How much two attributes say of each other, if that was measured.
    pub fn association(&self, a: &str, b: &str) -> Option<&Association> {
        (self.association.iter())
            .find(|pair| (pair.a == a && pair.b == b) || (pair.a == b && pair.b == a))
    }

    fn check(&self) -> Result<(), String> {
        for attribute in &self.attributes {
            attribute.attribute().check()?;
            let (classes, counts) = (attribute.classes.len(), attribute.counts.len());
            if classes != counts {
                let name = &attribute.name;
                return Err(format!(
                    "attribute {name:?} has {classes} classes but {counts} counts of users"
                ));
            }
        }
        Ok(())
    }
}

impl AttributeSummary {
    /// The attribute itself.
    pub fn attribute(&self) -> Attribute {
        Attribute {
            name: self.name.clone(),
            classes: self.classes.clone(),
            coarse_classes: self.coarse_classes.clone(),
        }
    }
}

impl Association {
    /// Measures how much two attributes say of each other. `labels` has of each user the class in the one and in the
    /// other, as indices; users without both are no examples.
    pub fn measure(
        a: &Attribute,
        b: &Attribute,
        labels: impl IntoIterator<Item = (Option<usize>, Option<usize>)>,
    ) -> Self {
        let mut counts = vec![vec![0; b.classes.len()]; a.classes.len()];
        let mut users = 0;
        for (row, column) in (labels.into_iter()).filter_map(|(a, b)| a.zip(b)) {
            counts[row][column] += 1;
            users += 1;
        }
        Self {
            a: a.name.clone(),
            b: b.name.clone(),
            cramers_v: cramers_v(&counts),
            cramers_v_corrected: cramers_v_corrected(&counts),
            users,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attribute(name: &str, classes: &[&str]) -> Attribute {
        Attribute {
            name: name.into(),
            classes: classes.iter().map(|class| (*class).to_owned()).collect(),
            coarse_classes: Vec::new(),
        }
    }

    fn summary() -> CorpusSummary {
        let age = attribute("age", &["13", "23+"]);
        let gender = attribute("gender", &["female", "male"]);
        let labels = [
            (Some(0), Some(0)),
            (Some(1), Some(1)),
            (Some(1), Some(1)),
            (Some(0), None),
        ];
        CorpusSummary {
            name: "invented users".into(),
            users: 4,
            attributes: vec![AttributeSummary {
                name: "age".into(),
                classes: age.classes.clone(),
                counts: vec![2, 2],
                coarse_classes: Vec::new(),
            }],
            ages: Some(BTreeMap::from([(13, 2), (25, 1), (40, 1)])),
            association: vec![Association::measure(&age, &gender, labels)],
        }
    }

    #[test]
    fn a_summary_comes_back_as_it_was() {
        let summary = summary();
        let pair = summary.association("gender", "age").unwrap();
        assert_eq!(pair.users, 3);
        assert!((pair.cramers_v - 1.0).abs() < 1e-12, "{}", pair.cramers_v);
        let folder = tempfile::tempdir().unwrap();
        summary.write(folder.path()).unwrap();
        assert_eq!(CorpusSummary::read(folder.path()).unwrap(), summary);
    }

    #[test]
    fn counts_that_do_not_fit_the_classes_are_named() {
        let mut summary = summary();
        summary.attributes[0].counts.pop();
        let folder = tempfile::tempdir().unwrap();
        summary.write(folder.path()).unwrap();
        let error = CorpusSummary::read(folder.path()).unwrap_err().to_string();
        assert!(
            error.contains("corpus.json") && error.contains("1 counts"),
            "{error}"
        );
    }
}
