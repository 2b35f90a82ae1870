//! Which labels of its training and validation users a run learns from: a share of those of the main attribute, and those of
//! the auxiliary attributes as they are or shuffled.

use std::collections::BTreeMap;

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};

use crate::training::batches::mix;
use crate::training::examples::{Example, Parts};

/// The part of a variant's name for shuffled auxiliary labels.
pub const SHUFFLED: &str = "auxiliary labels shuffled";
/// The part for a system that reads true classes of test users.
pub const TRUE_CLASSES: &str = "true classes";
/// The part for a share of the labels, before the number.
pub const SHARE: &str = "labels=";

/// The labels that a run learns from. Test users keep all of theirs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Labels {
    /// The share of the main attribute's labels, above 0 and at most 1.
    pub share: f64,
    /// Whether the labels of auxiliary attributes are shuffled among the users, so that they carry no information about a
    /// user: a gain that is left does not come from them.
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
mod tests;
