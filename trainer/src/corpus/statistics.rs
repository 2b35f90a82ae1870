//! Counts of users, posts, words and classes in a corpus.

use std::collections::{BTreeMap, HashMap};

use super::User;

/// Counts over a corpus.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Statistics {
    /// The number of users.
    pub users: u64,
    /// The number of posts of all users.
    pub posts: u64,
    /// The number of words of all posts.
    pub words: u64,
    /// The counts of each attribute's classes, in the order of [`new`](Self::new).
    pub attributes: Vec<AttributeCounts>,
}

/// The number of users of each class of one attribute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AttributeCounts {
    /// The attribute's name.
    pub name: String,
    counts: HashMap<String, u64>,
}

impl Statistics {
    /// Empty counts for these attributes.
    pub fn new(attributes: &[String]) -> Self {
        let table = |name: &String| AttributeCounts {
            name: name.clone(),
            ..AttributeCounts::default()
        };
        Self {
            attributes: attributes.iter().map(table).collect(),
            ..Self::default()
        }
    }

    /// Adds one user, whose posts have `words` words.
    pub fn add(&mut self, user: &User, words: usize) {
        self.users += 1;
        self.posts += user.posts.len() as u64;
        self.words += words as u64;
        for attribute in &mut self.attributes {
            if let Some(label) = user.label(&attribute.name) {
                *attribute.counts.entry(label).or_default() += 1;
            }
        }
    }
}

impl AttributeCounts {
    /// The number of users with a label.
    pub fn labelled(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The classes with their number of users, largest first and then alphabetically.
    pub fn by_size(&self) -> Vec<(&str, u64)> {
        let mut classes: Vec<(&str, u64)> = self
            .counts
            .iter()
            .map(|(class, &users)| (class.as_str(), users))
            .collect();
        classes.sort_by(|(a, a_users), (b, b_users)| b_users.cmp(a_users).then(a.cmp(b)));
        classes
    }

    /// The values with their number of users in ascending order, if all labels are whole numbers.
    pub fn by_value(&self) -> Option<Vec<(i64, u64)>> {
        let mut values = BTreeMap::<i64, u64>::new();
        for (class, users) in &self.counts {
            // "5" and "05" are the same value.
            *values.entry(class.parse().ok()?).or_default() += users;
        }
        (!values.is_empty()).then(|| values.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(records: &[&str]) -> Statistics {
        let mut statistics = Statistics::new(&["gender".into(), "age".into()]);
        for record in records {
            statistics.add(&User::from_json(record).unwrap(), 10);
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
        let [gender, age] = &statistics.attributes[..] else {
            panic!("two attributes were asked for");
        };
        assert_eq!(gender.by_size(), [("male", 2), ("female", 1)]);
        assert_eq!((gender.labelled(), gender.by_value()), (3, None));
        assert_eq!(age.by_value(), Some(vec![(9, 1), (30, 2)]));
    }

    #[test]
    fn intervals_are_not_numbers() {
        let intervals = count(&[r#"{"posts": [], "age": "21-25"}"#]);
        assert_eq!(intervals.attributes[1].by_value(), None);
        assert_eq!(intervals.attributes[0].by_value(), None);
    }
}
