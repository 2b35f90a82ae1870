//! Which labels of its training and validation users a run learns from: a share of those of the main attribute, and those of
//! the auxiliary attributes as they are or shuffled.

use std::collections::BTreeMap;

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

use crate::training::batches::mix;
use crate::training::examples::{Example, Parts};

/// What the name of a variant says of shuffled auxiliary labels.
pub const SHUFFLED: &str = "auxiliary labels shuffled";
/// What it says of a share of the labels, before the number.
pub const SHARE: &str = "labels=";

/// The labels that a run learns from. Test users keep all of theirs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Labels {
    /// The share of the main attribute's labels, above 0 and at most 1.
    pub share: f64,
    /// Whether the labels of auxiliary attributes are shuffled among the users, so that they tell nothing about a user: a
    /// gain that is left does not come from them.
    pub shuffled: bool,
}

impl Labels {
    /// The users with these labels alone. `main` and `auxiliary` are attributes, as indices.
    ///
    /// Each class keeps the same share of its users in each part, and at least one user. A smaller share of the same seed is
    /// a part of a larger one.
    pub fn of(
        self,
        users: &[Example],
        parts: &Parts,
        main: usize,
        auxiliary: &[usize],
        seed: u64,
    ) -> Vec<Example> {
        let mut users = users.to_vec();
        let mut random = StdRng::seed_from_u64(mix(seed, 0x6C61_6265));
        for part in [&parts.training, &parts.validation] {
            if self.share < 1.0 {
                self.limit(&mut users, part, main, &mut random);
            }
            if self.shuffled {
                for &attribute in auxiliary {
                    shuffle(&mut users, part, attribute, &mut random);
                }
            }
        }
        users
    }

    fn limit(self, users: &mut [Example], part: &[usize], main: usize, random: &mut StdRng) {
        let mut strata: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for &user in part {
            if let Some(classes) = users[user].classes_of(main) {
                let stratum = strata.entry((classes.start, classes.end)).or_default();
                stratum.push(user);
            }
        }
        for mut members in strata.into_values() {
            members.shuffle(random);
            let kept = (members.len() as f64 * self.share).round().max(1.0);
            for user in members.into_iter().skip(kept as usize) {
                users[user].classes[main] = None;
                users[user].intervals[main] = None;
            }
        }
    }
}

/// Exchanges the labels of an attribute among the users of a part who have one.
fn shuffle(users: &mut [Example], part: &[usize], attribute: usize, random: &mut StdRng) {
    let labelled: Vec<usize> = (part.iter().copied())
        .filter(|&user| users[user].classes_of(attribute).is_some())
        .collect();
    let mut labels: Vec<_> = (labelled.iter())
        .map(|&user| {
            let user = &users[user];
            (user.classes[attribute], user.intervals[attribute].clone())
        })
        .collect();
    labels.shuffle(random);
    for (user, (class, interval)) in labelled.into_iter().zip(labels) {
        users[user].classes[attribute] = class;
        users[user].intervals[attribute] = interval;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{User, UserKey};
    use std::path::Path;

    /// All labels, as they are.
    const ALL: Labels = Labels {
        share: 1.0,
        shuffled: false,
    };

    /// 1,000 users: one in ten is of class 1 of the main attribute; the auxiliary class is the main one.
    fn users() -> (Vec<Example>, Parts) {
        let users = (0..1000)
            .map(|index| Example {
                key: UserKey::new(Path::new("users.jsonl"), &User::default()),
                words: [2].into(),
                classes: vec![Some(usize::from(index % 10 == 0)); 2],
                intervals: vec![None; 2],
                file: 0,
                fingerprint: 0,
            })
            .collect();
        let parts = Parts {
            training: (0..600).collect(),
            validation: (600..800).collect(),
            test: (800..1000).collect(),
        };
        (users, parts)
    }

    fn labelled(users: &[Example], part: &[usize], class: usize) -> Vec<usize> {
        let mut part = part.to_vec();
        part.retain(|&user| users[user].classes[0] == Some(class));
        part
    }

    #[test]
    fn each_class_keeps_its_share_and_smaller_shares_are_parts_of_larger_ones() {
        let (users, parts) = users();
        let of = |share: f64, seed: u64| {
            let labels = Labels { share, ..ALL };
            labels.of(&users, &parts, 0, &[1], seed)
        };
        let tenth = of(0.1, 1);
        for (part, class, expected) in [
            (&parts.training, 0, 54),
            (&parts.training, 1, 6),
            (&parts.validation, 0, 18),
            (&parts.validation, 1, 2),
            (&parts.test, 0, 180),
            (&parts.test, 1, 20),
        ] {
            assert_eq!(labelled(&tenth, part, class).len(), expected);
        }
        let fifth = labelled(&of(0.2, 1), &parts.training, 0);
        let tenth = labelled(&tenth, &parts.training, 0);
        assert!(tenth.iter().all(|user| fifth.contains(user)));
        assert_ne!(labelled(&of(0.1, 2), &parts.training, 0), tenth);
        // A class that would have none keeps one.
        assert_eq!(labelled(&of(0.001, 1), &parts.training, 1).len(), 1);
        // Auxiliary labels stay.
        assert!(of(0.1, 1).iter().all(|user| user.classes[1].is_some()));
    }

    #[test]
    fn shuffled_labels_are_as_many_and_tell_nothing() {
        let (users, parts) = users();
        let labels = Labels {
            shuffled: true,
            ..ALL
        };
        let shuffled = labels.of(&users, &parts, 0, &[1], 1);
        let is_rare = |user: &&usize| shuffled[**user].classes[1] == Some(1);
        assert_eq!(parts.training.iter().filter(is_rare).count(), 60);
        let both = (parts.training.iter().filter(is_rare))
            .filter(|&&user| shuffled[user].classes[0] == Some(1))
            .count();
        // A tenth of 60 by chance; all of them before.
        assert!((1..=14).contains(&both), "{both}");
        let main = shuffled.iter().map(|user| user.classes[0]);
        assert!(main.eq(users.iter().map(|user| user.classes[0])));
        assert_eq!(ALL.of(&users, &parts, 0, &[1], 1), users);
    }
}
