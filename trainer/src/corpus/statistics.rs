//! Counts of users, posts, words and classes in a corpus.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::User;

/// A field that is not asked for and has more values is taken to be no attribute.
pub const MOST_VALUES: usize = 50;

/// Counts over a corpus.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// The number of users.
    pub users: u64,
    /// The number of posts of all users.
    pub posts: u64,
    /// The number of words of all posts.
    pub words: u64,
    /// The counts of each field with labels, by its name. `id` is none.
    pub fields: BTreeMap<String, LabelCounts>,
    /// The fields that are counted however many values they have.
    asked_for: HashSet<String>,
    /// The number of users of each file, an index, who have labels for just these fields.
    combinations: BTreeMap<(usize, Vec<String>), u64>,
}

/// With more combinations of fields, they are not counted: records of a few kinds have a few.
const MOST_COMBINATIONS: usize = 1000;

/// The number of users of each label of a field.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelCounts {
    /// The number of users with a label.
    pub labelled: u64,
    /// Empty if there are more than [`MOST_VALUES`] and the field is not asked for.
    counts: HashMap<String, u64>,
    has_many: bool,
}

impl Statistics {
    /// Empty counts. These fields are counted however many values they have.
    pub fn new(asked_for: &[String]) -> Self {
        Self {
            asked_for: asked_for.iter().cloned().collect(),
            ..Self::default()
        }
    }

    /// Adds one user of a file, an index, whose posts have `words` words.
    pub fn add(&mut self, user: &User, words: usize, file: usize) {
        self.users += 1;
        self.posts += user.posts.len() as u64;
        self.words += words as u64;
        let mut labelled = Vec::new();
        for name in user.fields.keys().filter(|name| *name != "id") {
            let Some(label) = user.label(name) else {
                continue;
            };
            labelled.push(name.clone());
            let most = match self.asked_for.contains(name) {
                true => usize::MAX,
                false => MOST_VALUES,
            };
            match self.fields.get_mut(name) {
                Some(counts) => counts.add(label, most),
                None => (self.fields.entry(name.clone()).or_default()).add(label, most),
            }
        }
        if self.combinations.len() <= MOST_COMBINATIONS {
            *self.combinations.entry((file, labelled)).or_default() += 1;
        }
    }

    /// The number of users of each file, an index, who have labels for just some of these attributes; `None` if the fields
    /// with labels vary too much between users.
    pub fn combinations<'n>(
        &self,
        attributes: &[&'n str],
    ) -> Option<BTreeMap<(usize, Vec<&'n str>), u64>> {
        if self.combinations.len() > MOST_COMBINATIONS {
            return None;
        }
        let mut combinations = BTreeMap::new();
        for ((file, fields), users) in &self.combinations {
            let is_labelled = |name: &&str| fields.iter().any(|field| field == name);
            let labelled = attributes.iter().copied().filter(is_labelled).collect();
            *combinations.entry((*file, labelled)).or_default() += users;
        }
        Some(combinations)
    }
}

impl LabelCounts {
    fn add(&mut self, label: String, most: usize) {
        self.labelled += 1;
        if self.has_many {
            return;
        }
        *self.counts.entry(label).or_default() += 1;
        if self.counts.len() > most {
            self.has_many = true;
            self.counts = HashMap::new();
        }
    }

    /// Whether the labels are not counted, because they are too many.
    pub fn has_many(&self) -> bool {
        self.has_many
    }

    /// The labels with their number of users, largest first and then alphabetically.
    pub fn by_size(&self) -> Vec<(&str, u64)> {
        let mut labels: Vec<(&str, u64)> = self
            .counts
            .iter()
            .map(|(label, &users)| (label.as_str(), users))
            .collect();
        labels.sort_by(|(a, a_users), (b, b_users)| b_users.cmp(a_users).then(a.cmp(b)));
        labels
    }

    /// The values with their number of users in ascending order, if all labels are whole numbers.
    pub fn by_value(&self) -> Option<Vec<(i64, u64)>> {
        let mut values = BTreeMap::<i64, u64>::new();
        for (label, users) in &self.counts {
            // "5" and "05" are the same value.
            *values.entry(label.parse().ok()?).or_default() += users;
        }
        (!values.is_empty()).then(|| values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(records: &[&str]) -> Statistics {
        let mut statistics = Statistics::default();
        for record in records {
            statistics.add(&User::from_json(record).unwrap(), 10, 0);
        }
        statistics
    }

    #[test]
    fn users_are_counted_by_class() {
        let statistics = count(&[
            r#"{"posts": ["a", "b"], "gender": "male", "age": 30}"#,
            r#"{"posts": ["a"], "gender": "female", "age": 9}"#,
            r#"{"posts": [], "gender": "male", "age": 30}"#,
            r#"{"posts": ["a"], "gender": null}"#,
        ]);
        assert_eq!(
            (statistics.users, statistics.posts, statistics.words),
            (4, 4, 40)
        );
        let [gender, age] = ["gender", "age"].map(|name| &statistics.fields[name]);
        assert_eq!(gender.by_size(), [("male", 2), ("female", 1)]);
        assert_eq!((gender.labelled, gender.by_value()), (3, None));
        assert_eq!(age.by_value(), Some(vec![(9, 1), (30, 2)]));
    }

    #[test]
    fn users_are_counted_by_the_labels_that_they_have_together() {
        let mut statistics = Statistics::default();
        for (record, file) in [
            (
                r#"{"posts": [], "age": 30, "gender": "male", "town": 1}"#,
                0,
            ),
            (r#"{"posts": [], "age": 31, "gender": "female"}"#, 0),
            (r#"{"posts": [], "age": 30, "gender": null}"#, 1),
        ] {
            statistics.add(&User::from_json(record).unwrap(), 1, file);
        }
        let combinations = statistics.combinations(&["gender", "age"]).unwrap();
        let expected = [((0, vec!["gender", "age"]), 2), ((1, vec!["age"]), 1)];
        assert_eq!(combinations, BTreeMap::from(expected));
    }

    #[test]
    fn intervals_are_not_numbers() {
        let intervals = count(&[r#"{"posts": [], "age": "21-25"}"#]);
        assert_eq!(intervals.fields["age"].by_value(), None);
        assert_eq!(intervals.fields.len(), 1);
    }

    #[test]
    fn a_field_of_many_values_is_counted_only_if_it_is_asked_for() {
        let count = |asked_for: &[String]| {
            let mut statistics = Statistics::new(asked_for);
            for town in 0..=MOST_VALUES {
                let record = format!("{{\"posts\": [], \"town\": {town}, \"id\": {town}}}");
                statistics.add(&User::from_json(&record).unwrap(), 1, 0);
            }
            assert_eq!(statistics.fields.len(), 1);
            let town = &statistics.fields["town"];
            assert_eq!(town.labelled, MOST_VALUES as u64 + 1);
            (town.has_many(), town.by_size().len())
        };
        assert_eq!(count(&[]), (true, 0));
        assert_eq!(count(&["town".into()]), (false, MOST_VALUES + 1));
    }
}
