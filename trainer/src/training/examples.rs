//! Labelled users as the network reads them, divided into training, validation and test.

use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
    path::{Path, PathBuf},
};

use model_core::{attribute::Attribute, reader::Reader};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    config::Split,
    corpus::{Corpus, CorpusError, Options, User},
    progress::Progress,
};

/// One user.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The record's id.
    pub id: Value,
    /// The ids of the user's words, cut at the maximum.
    pub words: Vec<u32>,
    /// The class of each task, where the record has a label that is one of its classes.
    pub classes: Vec<Option<usize>>,
    /// The classes that the user may be of, where the label is an interval over several.
    pub intervals: Vec<Option<Range<usize>>>,
    /// The file that the record is from, as an index into the corpus.
    pub file: usize,
}

impl Example {
    /// The classes of a task that the user may be of.
    pub fn classes_of(&self, task: usize) -> Option<Range<usize>> {
        let known = self.classes[task].map(|class| class..class + 1);
        known.or_else(|| self.intervals[task].clone())
    }

    /// Whether there is a task that the user is an example for.
    pub fn is_labelled(&self) -> bool {
        (0..self.classes.len()).any(|task| self.classes_of(task).is_some())
    }
}

/// What was read.
#[derive(Debug)]
pub struct Examples {
    /// Users with at least one word and one label.
    pub users: Vec<Example>,
    /// Records that could not be read.
    pub bad_records: u64,
    /// Users left out because they have no word.
    pub without_words: usize,
    /// Users left out because they have no label that is a class of a task.
    pub without_labels: usize,
}

/// Reads users with their classes of `attributes`, telling on standard error how far it has come; `keep` is given the whole
/// record of each of [`Examples::users`].
pub fn read(
    corpus: &[PathBuf],
    strict: bool,
    attributes: &[Attribute],
    reader: &Reader,
    mut keep: impl FnMut(User),
) -> Result<Examples, CorpusError> {
    let mut bar = Progress::new("reading users", "users", None);
    let options = Options {
        strict,
        format: None,
    };
    let mut corpus = Corpus::open(corpus, options)?.with_report(bar.bad_record_printer());
    let mut examples = Examples {
        users: Vec::new(),
        bad_records: 0,
        without_words: 0,
        without_labels: 0,
    };
    let mut ids = HashSet::new();
    let mut repeated_ids = 0;
    let is_one = |classes: &Range<usize>| classes.len() == 1;
    let mut read = 0;
    while let Some(user) = corpus.next() {
        let (user, file) = (user?, corpus.file());
        read += 1;
        bar.set(read);
        let of_task = |attribute: &Attribute| attribute.classes_of(&user.label(&attribute.name)?);
        let labels: Vec<Option<Range<usize>>> = attributes.iter().map(of_task).collect();
        if labels.iter().all(Option::is_none) {
            examples.without_labels += 1;
            continue;
        }
        let words = reader.encode(&user.posts);
        if words.is_empty() {
            examples.without_words += 1;
            continue;
        }
        // JSON text, because 1 and "1" are different ids.
        repeated_ids += usize::from(!ids.insert((file, user.id().to_string())));
        examples.users.push(Example {
            id: user.id(),
            words,
            classes: (labels.iter())
                .map(|label| label.clone().filter(is_one).map(|classes| classes.start))
                .collect(),
            intervals: (labels.into_iter())
                .map(|label| label.filter(|classes| !is_one(classes)))
                .collect(),
            file,
        });
        keep(user);
    }
    examples.bad_records = corpus.bad_records();
    drop(bar);
    if repeated_ids > 0 {
        eprintln!(
            "records with the id of an earlier one: {repeated_ids}; if they are the same person's, that person may be in both training and test"
        );
    }
    Ok(examples)
}

/// Users by part, as indices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts {
    /// Users that parameters are fitted to.
    pub training: Vec<usize>,
    /// Users on which the best epoch and the calibration are chosen.
    pub validation: Vec<usize>,
    /// Users that are scored once, at the end.
    pub test: Vec<usize>,
}

/// The ids of the users of each part, as written to a run's `split.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SplitIds {
    /// Training users.
    pub training: Ids,
    /// Validation users.
    pub validation: Ids,
    /// Test users.
    pub test: Ids,
}

/// The ids of some users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Ids {
    /// Of a corpus of one file.
    Of(Vec<Value>),
    /// Of a corpus of several, by the names of the files without their folders: users of two files may have the same id.
    ByFile(BTreeMap<String, Vec<Value>>),
}

impl Ids {
    /// Tells whether the user with an id, from a file, is one of them.
    pub fn lookup(&self) -> impl Fn(&Path, &Value) -> bool + use<> {
        // JSON text, because 1 and "1" are different ids.
        let set =
            |ids: &Vec<Value>| -> HashSet<String> { ids.iter().map(Value::to_string).collect() };
        let (all, by_file) = match self {
            Self::Of(ids) => (set(ids), BTreeMap::new()),
            Self::ByFile(files) => {
                let files = files.iter();
                let files = files.map(|(name, ids)| (name.clone(), set(ids)));
                (HashSet::new(), files.collect())
            }
        };
        move |file, id| {
            let ids = match by_file.is_empty() {
                true => Some(&all),
                false => by_file.get(&file_name(file)),
            };
            ids.is_some_and(|ids| ids.contains(&id.to_string()))
        }
    }
}

/// A file's name without its folder.
fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Divides users at random by the settings of `split`, those of each file on their own. With `stratify_by` so are the users of
/// each class of that task, and those without the label.
pub fn divide(users: &[Example], split: &Split, stratify_by: Option<usize>) -> Parts {
    let mut random = StdRng::seed_from_u64(split.seed);
    let stratum = |user: &Example| {
        let class = stratify_by.and_then(|task| user.classes[task]);
        (user.file, class)
    };
    let mut strata: Vec<_> = users.iter().map(stratum).collect();
    strata.sort_unstable();
    strata.dedup();
    let mut parts = Parts::default();
    for each in strata {
        let mut members: Vec<usize> = (0..users.len())
            .filter(|&user| stratum(&users[user]) == each)
            .collect();
        members.shuffle(&mut random);
        let test = (members.len() as f64 * split.test).round() as usize;
        let validation = ((members.len() - test) as f64 * split.validation).round() as usize;
        parts.test.extend(&members[..test]);
        parts.validation.extend(&members[test..test + validation]);
        parts.training.extend(&members[test + validation..]);
    }
    for part in [&mut parts.training, &mut parts.validation, &mut parts.test] {
        part.sort_unstable();
    }
    parts
}

impl Parts {
    /// Makes training users of the test users.
    pub fn hold_nobody_out(&mut self) {
        self.training.append(&mut self.test);
        self.training.sort_unstable();
    }

    /// The users' ids by part; their files are those of `corpus`.
    pub fn ids(&self, users: &[Example], corpus: &[PathBuf]) -> SplitIds {
        let ids = |part: &[usize]| match corpus {
            [] | [_] => Ids::Of(part.iter().map(|&user| users[user].id.clone()).collect()),
            _ => {
                let mut files: BTreeMap<String, Vec<Value>> = BTreeMap::new();
                for user in part.iter().map(|&user| &users[user]) {
                    let of_file = files.entry(file_name(&corpus[user.file])).or_default();
                    of_file.push(user.id.clone());
                }
                Ids::ByFile(files)
            }
        };
        SplitIds {
            training: ids(&self.training),
            validation: ids(&self.validation),
            test: ids(&self.test),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users() -> Vec<Example> {
        (0..1000)
            .map(|index| Example {
                id: Value::from(index),
                words: vec![2],
                classes: vec![Some(usize::from(index % 10 == 0))],
                intervals: vec![None],
                file: 0,
            })
            .collect()
    }

    #[test]
    fn parts_are_disjoint_complete_and_repeatable() {
        let split = Split::default();
        let parts = divide(&users(), &split, None);
        assert_eq!(
            (
                parts.test.len(),
                parts.validation.len(),
                parts.training.len()
            ),
            (200, 80, 720)
        );
        let mut all = [
            parts.training.clone(),
            parts.validation.clone(),
            parts.test.clone(),
        ]
        .concat();
        all.sort_unstable();
        assert!(all.into_iter().eq(0..1000));
        assert_eq!(divide(&users(), &split, None), parts);
        assert_ne!(divide(&users(), &Split { seed: 2, ..split }, None), parts);
    }

    #[test]
    fn strata_keep_their_shares() {
        let users = users();
        let parts = divide(&users, &Split::default(), Some(0));
        let rare = |part: &[usize]| {
            part.iter()
                .filter(|&&user| users[user].classes[0] == Some(1))
                .count()
        };
        assert_eq!(
            (
                rare(&parts.test),
                rare(&parts.validation),
                rare(&parts.training)
            ),
            (20, 8, 72)
        );
    }
}
