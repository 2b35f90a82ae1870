//! The summary of an experiment's corpus: the users of each class, and the association between attributes.

use std::collections::BTreeMap;
use std::path::Path;

use model_core::attribute::{Attribute, CoarseClass};
use serde::{Deserialize, Serialize};

use super::run::{MOST_USERS, StoredError, read_json, write_json};
use crate::evaluation::{cramers_v, cramers_v_corrected};
use crate::output::OutputError;

/// The corpus of an experiment, stored beside its runs as `corpus.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorpusSummary {
    /// Its name in the report.
    pub name: String,
    /// Whether the report compares it with the paper, see [`Experiment::paper`](super::Experiment::paper).
    #[serde(default)]
    pub paper: bool,
    /// The file of the word vectors; empty if there is none or it is not known.
    #[serde(default)]
    pub vectors: String,
    /// The version of auxlstm that ran the experiment last; empty if it is not known.
    #[serde(default)]
    pub version: String,
    /// All users, with and without labels.
    pub users: usize,
    /// The attributes that runs predict.
    pub attributes: Vec<AttributeSummary>,
    /// The users of each age in years, where ages are numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ages: Option<BTreeMap<i64, usize>>,
    /// The association of each pair of attributes.
    pub association: Vec<Association>,
}

/// An attribute and the users of each of its classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeSummary {
    /// The attribute's name.
    pub name: String,
    /// Its classes, in the order of the runs' probabilities.
    pub classes: Vec<String>,
    /// The users of each class.
    pub counts: Vec<usize>,
    /// Coarser classes that are evaluated too, such as age ranges; empty for none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coarse_classes: Vec<CoarseClass>,
}

/// The association of two attributes, over the users with a label for both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Association {
    /// One attribute.
    pub a: String,
    /// The other.
    pub b: String,
    /// Cramér's V: 0 where the attributes are independent, 1 where one determines the other.
    pub cramers_v: f64,
    /// Cramér's V corrected for its bias (Bergsma 2013): it is too large for few users in many classes.
    pub cramers_v_corrected: f64,
    /// The users with a label for both.
    pub users: usize,
}

impl CorpusSummary {
    /// Its file, in the experiment's folder.
    pub const FILE: &str = "corpus.json";

    /// Writes `corpus.json` into `folder`, completely or not at all.
    pub fn write(&self, folder: &Path) -> Result<(), OutputError> {
        let text = serde_json::to_string_pretty(self).expect("plain data is JSON");
        write_json(&folder.join(Self::FILE), &text)
    }

    /// Reads `corpus.json` in `folder`.
    pub fn read(folder: &Path) -> Result<Self, StoredError> {
        let path = folder.join(Self::FILE);
        if !path.exists() {
            return Err(StoredError {
                path: folder.to_owned(),
                what: format!(
                    "not the folder of an experiment (it has no {}); the report on a training run is its run.html",
                    Self::FILE
                ),
            });
        }
        let summary: Self = read_json(&path)?;
        match summary.check() {
            Ok(()) => Ok(summary),
            Err(what) => Err(StoredError { path, what }),
        }
    }

    /// The attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&AttributeSummary> {
        (self.attributes.iter()).find(|attribute| attribute.name == name)
    }

    /// The association of two attributes, if it was measured.
    pub fn association(&self, a: &str, b: &str) -> Option<&Association> {
        (self.association.iter())
            .find(|pair| (pair.a == a && pair.b == b) || (pair.a == b && pair.b == a))
    }

    fn check(&self) -> Result<(), String> {
        let ages = self.ages.iter().flat_map(BTreeMap::values);
        let counts = (self.attributes.iter()).flat_map(|attribute| &attribute.counts);
        let mut counts = counts.chain(ages).chain([&self.users]);
        if let Some(count) = counts.find(|&&count| count > MOST_USERS) {
            return Err(format!("{count} users; permitted: at most {MOST_USERS}"));
        }
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
    /// Measures the association of two attributes. `labels` has the class of each user in both, as indices; users without both
    /// labels are ignored.
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
            paper: false,
            vectors: "vectors.bin".into(),
            version: "0.1.0".into(),
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
    fn a_summary_is_read_as_it_was_written() {
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
