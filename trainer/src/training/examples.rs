//! Labelled users as word ids, and their division into training, validation and test users.

use std::{
    collections::{BTreeMap, HashSet},
    ops::Range,
    path::PathBuf,
    sync::Arc,
};

use model_core::{attribute::Attribute, reader::Reader, text::Word};
use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

use crate::table::{count, counted};
use crate::{
    config::Split,
    corpus::{
        Corpus, CorpusError, Options, StoredSplit, User, UserKey, fingerprint, known_fields, listed,
    },
    cut_words,
    progress::{Progress, notice},
};

/// One labelled user.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// Identifies the user in splits and stored runs.
    pub key: UserKey,
    /// The ids of the user's words, up to the maximum. Shared, because every run of an experiment has a copy of its users.
    pub words: Arc<[u32]>,
    /// The class of each task, if the label is one of its classes.
    pub classes: Vec<Option<usize>>,
    /// The classes of each task that an interval label covers, if there are several.
    pub intervals: Vec<Option<Range<usize>>>,
    /// The file of the record, as an index into the corpus.
    pub file: usize,
    /// The [`fingerprint`] of the user's posts.
    pub fingerprint: u32,
}

impl Example {
    /// The possible classes of a task, one or several.
    pub fn classes_of(&self, task: usize) -> Option<Range<usize>> {
        let known = self.classes[task].map(|class| class..class + 1);
        known.or_else(|| self.intervals[task].clone())
    }

    /// Whether the user has a label for any task.
    pub fn is_labelled(&self) -> bool {
        (0..self.classes.len()).any(|task| self.classes_of(task).is_some())
    }
}

/// The users of a corpus.
#[derive(Debug)]
pub struct Examples {
    /// Users with at least one word and one label.
    pub users: Vec<Example>,
    /// The number of records that could not be read.
    pub bad_records: u64,
    /// The number of users left out because they have no words.
    pub without_words: usize,
    /// The number of users left out because they have no label for any task.
    pub without_labels: usize,
    /// The number of users with each label that is no class: by attribute and file, both as indices, and by label.
    pub other_labels: BTreeMap<(usize, usize, String), usize>,
}

impl Examples {
    /// How many users were left out, and why.
    pub fn left_out(&self) -> String {
        format!(
            "left out: {} without words, {} without labels, {}",
            count(self.without_words as u64),
            count(self.without_labels as u64),
            counted(self.bad_records, "bad record")
        )
    }

    /// Lists the labels that are no classes, in the files that `is_read` accepts for the attribute; both are indices.
    pub fn report_other_labels(
        &self,
        attributes: &[Attribute],
        is_read: impl Fn(usize, usize) -> bool,
    ) {
        for (index, attribute) in attributes.iter().enumerate() {
            if let Some(labels) = self.other_labels_of(index, |file| is_read(index, file)) {
                notice!(
                    "{}: labels that are not classes, left out: {labels}; map = {{ \"LABEL\" = \"CLASS\" }} in its \
                     [[attributes]] section reads a label as a class",
                    attribute.name
                );
            }
        }
    }

    /// Whether there are users, and some with a label of each attribute, be it a class or not. They were read from `corpus` with
    /// `options`.
    ///
    /// # Errors
    /// One line that names the attribute, and the fields that users have.
    pub fn check_labels(
        &self,
        attributes: &[Attribute],
        corpus: &[PathBuf],
        options: &Options,
    ) -> Result<(), String> {
        if self.users.len() + self.without_words + self.without_labels == 0 {
            return Err(format!(
                "the corpus has no users ({})",
                counted(self.bad_records, "bad record")
            ));
        }
        let has_labels = |index: usize| {
            let mut users = self.users.iter();
            users.any(|user| user.classes_of(index).is_some())
                || self.other_labels.keys().any(|(of, ..)| *of == index)
        };
        let missing = (0..attributes.len()).find(|&index| !has_labels(index));
        match missing.map(|index| &attributes[index].name) {
            None => Ok(()),
            Some(name) => Err(format!(
                "attribute {name:?}: no user has this field{}",
                known_fields(corpus, options)
            )),
        }
    }

    /// A list of the labels of an attribute (an index) that are no classes, with their numbers of users in the files that
    /// `is_read` accepts; `None` if there are none.
    pub fn other_labels_of(
        &self,
        attribute: usize,
        is_read: impl Fn(usize) -> bool,
    ) -> Option<String> {
        let mut labels: BTreeMap<&str, usize> = BTreeMap::new();
        for ((of, file, label), users) in &self.other_labels {
            if *of == attribute && is_read(*file) {
                *labels.entry(label).or_default() += users;
            }
        }
        (!labels.is_empty()).then(|| listed(labels))
    }
}

/// Reads users with their classes of `attributes`, and reports progress on standard error. `keep` is called with the record of
/// each of [`Examples::users`] and the words of its posts, up to the maximum.
pub fn read(
    corpus: Corpus,
    attributes: &[Attribute],
    reader: &Reader,
    mut keep: impl FnMut(User, &[Vec<Word>]),
) -> Result<Examples, CorpusError> {
    let mut bar = Progress::new("reading users", "users", None);
    let names = attributes.iter().map(|attribute| &attribute.name);
    let mut corpus = corpus.with_report(bar.printer()).with_fields(names);
    let mut examples = Examples {
        users: Vec::new(),
        bad_records: 0,
        without_words: 0,
        without_labels: 0,
        other_labels: BTreeMap::new(),
    };
    let mut keys = HashSet::new();
    let mut repeated_ids = 0;
    let mut texts = HashSet::new();
    let mut repeated_texts = 0;
    let mut words_cut = 0;
    let is_one = |classes: &Range<usize>| classes.len() == 1;
    let mut read = 0;
    while let Some(user) = corpus.next() {
        let (user, file) = (user?, corpus.file());
        read += 1;
        bar.set(read);
        let of_task = |(index, attribute): (usize, &Attribute)| {
            let label = user.label(&attribute.name)?;
            let classes = attribute.classes_of(&label);
            if classes.is_none() {
                let other = (examples.other_labels).entry((index, file, label));
                *other.or_default() += 1;
            }
            classes
        };
        let labels: Vec<Option<Range<usize>>> =
            attributes.iter().enumerate().map(of_task).collect();
        if labels.iter().all(Option::is_none) {
            examples.without_labels += 1;
            continue;
        }
        let posts: Vec<Vec<Word>> = reader.words(&user.posts).collect();
        words_cut += posts
            .iter()
            .map(|words| cut_words::count(words))
            .sum::<u64>();
        let words: Arc<[u32]> = (posts.iter().flatten())
            .map(|word| reader.vocabulary.id(&word.text))
            .collect();
        if words.is_empty() {
            examples.without_words += 1;
            continue;
        }
        let key = UserKey::new(&corpus.files()[file], &user);
        repeated_ids += usize::from(!keys.insert(key.clone()));
        let fingerprint = fingerprint(&user);
        repeated_texts += usize::from(!texts.insert((fingerprint, Arc::clone(&words))));
        examples.users.push(Example {
            key,
            words,
            classes: (labels.iter())
                .map(|label| label.clone().filter(is_one).map(|classes| classes.start))
                .collect(),
            intervals: (labels.into_iter())
                .map(|label| label.filter(|classes| !is_one(classes)))
                .collect(),
            file,
            fingerprint,
        });
        keep(user, &posts);
    }
    examples.bad_records = corpus.bad_records();
    drop(bar);
    cut_words::report(words_cut);
    if repeated_ids > 0 {
        notice!(
            "records with the id of an earlier one: {repeated_ids}; the same user may be in both training and test, and `evaluate --split` cannot tell them apart"
        );
    }
    if repeated_texts > 0 {
        notice!(
            "users with the same posts as an earlier one: {repeated_texts}; where one of them is in training and the other in \
             test, the test figures are too high; leave only one of them in the corpus"
        );
    }
    Ok(examples)
}

/// Adds the words and labels of users to a checksum.
pub fn add_to_checksum(users: &[Example], hasher: &mut crc32fast::Hasher) {
    let mut add = |number: u64| hasher.update(&number.to_le_bytes());
    for user in users {
        add(user.words.len() as u64);
        user.words.iter().for_each(|&word| add(word.into()));
        for class in &user.classes {
            // None is 0.
            add(class.map_or(0, |class| class as u64 + 1));
        }
        for interval in user.intervals.iter().flatten() {
            add(interval.start as u64);
            add(interval.end as u64);
        }
    }
}

/// Users by part, as indices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts {
    /// Users to whom parameters are fitted.
    pub training: Vec<usize>,
    /// Users who decide on the best epoch and the calibration.
    pub validation: Vec<usize>,
    /// Users who are scored once, at the end.
    pub test: Vec<usize>,
}

/// Divides the users of each file at random by the settings of `split`. With `stratify_by`, the users of each class of that
/// task, and those without the label, are divided separately.
pub fn divide(users: &[Example], split: &Split, stratify_by: Option<usize>) -> Parts {
    divide_by(users, split, stratify_by, |_, members| {
        0..(members as f64 * split.test).round() as usize
    })
}

/// [`divide`] for cross-validation: the test users are those of one of `folds` equal parts, `fold` counted from 0. The users of
/// all strata are dealt out to the parts in turn.
pub fn divide_fold(
    users: &[Example],
    split: &Split,
    stratify_by: Option<usize>,
    (fold, folds): (usize, usize),
) -> Parts {
    let dealt = |users: usize, fold: usize| (users + folds - 1 - fold) / folds;
    divide_by(users, split, stratify_by, |before, members| {
        let size = |fold: usize| dealt(before + members, fold) - dealt(before, fold);
        let start = (0..fold).map(size).sum();
        start..start + size(fold)
    })
}

/// `test` is the range of the test users of a stratum, from the numbers of users in earlier strata and in this one, whose order
/// is random.
fn divide_by(
    users: &[Example],
    split: &Split,
    stratify_by: Option<usize>,
    test: impl Fn(usize, usize) -> Range<usize>,
) -> Parts {
    let mut random = StdRng::seed_from_u64(split.seed);
    let stratum = |user: &Example| {
        let class = stratify_by.and_then(|task| user.classes[task]);
        (user.file, class)
    };
    let mut strata: Vec<_> = users.iter().map(stratum).collect();
    strata.sort_unstable();
    strata.dedup();
    let mut parts = Parts::default();
    let mut before = 0;
    for each in strata {
        let mut members: Vec<usize> = (0..users.len())
            .filter(|&user| stratum(&users[user]) == each)
            .collect();
        members.shuffle(&mut random);
        let Range { start, end } = test(before, members.len());
        before += members.len();
        members.rotate_left(start);
        let test = end - start;
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
    /// The users on whom epochs are evaluated, and what they are called: the validation users or, without any, the training
    /// users, which favours the last epoch.
    pub fn evaluated(&self) -> (&'static str, &[usize]) {
        match self.validation.is_empty() {
            true => ("training users", &self.training),
            false => ("validation users", &self.validation),
        }
    }

    /// Makes the test users training users.
    pub fn move_test_to_training(&mut self) {
        self.training.append(&mut self.test);
        self.training.sort_unstable();
    }

    /// The users by part and by file of `corpus`.
    pub fn to_split(&self, users: &[Example], corpus: &[PathBuf]) -> StoredSplit {
        let mut split = StoredSplit::of_files(corpus);
        for (part, stored) in [
            (&self.training, &mut split.training),
            (&self.validation, &mut split.validation),
            (&self.test, &mut split.test),
        ] {
            for key in part.iter().map(|&user| users[user].key.clone()) {
                stored.entry(key.file).or_default().push(key.record);
            }
        }
        split
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn users() -> Vec<Example> {
        (0..1000)
            .map(|index| Example {
                key: UserKey::new(Path::new("users.jsonl"), &User::default()),
                words: [2].into(),
                classes: vec![Some(usize::from(index % 10 == 0))],
                intervals: vec![None],
                file: 0,
                fingerprint: 0,
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
    fn every_user_is_a_test_user_of_one_fold() {
        let (users, split) = (users(), Split::default());
        let mut tested = Vec::new();
        for fold in 0..3 {
            let parts = divide_fold(&users, &split, Some(0), (fold, 3));
            let all = [&parts.training[..], &parts.validation, &parts.test].concat();
            assert_eq!(all.iter().collect::<HashSet<_>>().len(), 1000);
            let rare = |user: &&usize| users[**user].classes[0] == Some(1);
            assert!((33..=34).contains(&parts.test.iter().filter(rare).count()));
            tested.extend(parts.test);
        }
        tested.sort_unstable();
        assert!(tested.into_iter().eq(0..1000));
    }

    /// Each stratum used to give its remainder to the last folds, so that with many small strata these had twice the users.
    #[test]
    fn folds_of_many_small_strata_were_unequal() {
        let user = |user: usize| Example {
            classes: vec![Some(user % 60)],
            ..users()[0].clone()
        };
        let users: Vec<Example> = (0..480).map(user).collect();
        for fold in 0..5 {
            let parts = divide_fold(&users, &Split::default(), Some(0), (fold, 5));
            assert_eq!(parts.test.len(), 96);
        }
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
