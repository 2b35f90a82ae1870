//! Patterns: frequent and cohesive sequences of parts of speech, mined as by Mukherjee and Liu (EMNLP 2010).
//!
//! The probability of a sequence is the share of users in whose posts it occurs. With its share of all words instead, no
//! sequence of the English blogs comes near the paper's minimum adherence of 0.2.

use hashbrown::HashMap;
use model_core::tfidf;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::PartOfSpeech;

/// The settings of patterns. The default support and adherence are those of Mukherjee and Liu. With the default weight a
/// linear SVM on the English blogs is as good as with words alone; with a weight of 1 it was worse on gender and age.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Patterns {
    /// The minimum share of training users in whose posts a pattern occurs.
    pub min_support: f64,
    /// The minimum adherence of a pattern of several parts of speech, which is its [`fair_scp`], from 0 to 1.
    pub min_adherence: f64,
    /// The maximum number of parts of speech in a pattern.
    pub longest: usize,
    /// The value of a column.
    pub value: Value,
    /// The Euclidean length of the patterns in each row; 0 leaves them out.
    pub weight: f32,
}

/// The value of a pattern's column, before the row is scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Value {
    /// 1 if the pattern occurs, as in the paper.
    Boolean,
    /// The share of the sequences of this length that are the pattern.
    Frequency,
}

impl Default for Patterns {
    fn default() -> Self {
        Self {
            min_support: 0.3,
            min_adherence: 0.2,
            longest: 5,
            value: Value::Boolean,
            weight: 0.3,
        }
    }
}

/// The maximum number of parts of speech in a pattern, which is what a [`code`] holds.
const LONGEST: usize = 12;

/// The parts of speech of each of a user's posts.
pub type Posts = [Vec<PartOfSpeech>];

/// A sequence as one number, which hashes faster: five bits for each part of speech, never all 0.
fn code(sequence: &[PartOfSpeech]) -> u64 {
    (sequence.iter()).fold(0, |code, &part| (code << 5) | (part as u64 + 1))
}

impl Patterns {
    pub(super) fn check(&self) -> Result<(), String> {
        for (name, value) in [
            ("min_support", self.min_support),
            ("min_adherence", self.min_adherence),
        ] {
            if !(0.0..=1.0).contains(&value) {
                return Err(format!(
                    "patterns.{name} is {value}; permitted: from 0 to 1"
                ));
            }
        }
        if !(1..=LONGEST).contains(&self.longest) {
            return Err(format!(
                "patterns.longest is {}; permitted: from 1 to {LONGEST}",
                self.longest
            ));
        }
        Ok(())
    }

    /// Mines the posts of the training users.
    ///
    /// # Errors
    /// A setting is out of its range, or no part of speech is frequent.
    pub fn fit(&self, users: &[&Posts]) -> Result<FittedPatterns, String> {
        self.check()?;
        // A sequence is frequent only if its parts are (Agrawal and Srikant 1994). So for each length, only the sequences
        // whose beginning and end were frequent are counted.
        let enough = self.min_support * users.len() as f64;
        let mut frequent = HashMap::new();
        let mut patterns = Vec::new();
        for length in 1..=self.longest {
            let mut counted = count(users, length, &frequent);
            counted.retain(|_, seen| f64::from(seen.users) >= enough);
            if counted.is_empty() {
                break;
            }
            let mut found: Vec<_> = counted.values().map(|seen| seen.sequence).collect();
            frequent.extend(counted);
            let probability = |sequence: &[PartOfSpeech]| {
                f64::from(frequent[&code(sequence)].users) / users.len() as f64
            };
            found.retain(|pattern| {
                length == 1 || fair_scp(pattern, probability) >= self.min_adherence
            });
            found.sort_unstable();
            patterns.extend(found.into_iter().map(<[_]>::to_vec));
        }
        if patterns.is_empty() {
            return Err(format!(
                "no part of speech occurs with {} of the {} training users: lower patterns.min_support",
                self.min_support,
                users.len()
            ));
        }
        let codes = patterns.iter().map(|pattern| code(pattern));
        Ok(FittedPatterns {
            settings: self.clone(),
            columns: codes.zip(0..).collect(),
            patterns,
        })
    }
}

/// A sequence and the number of users in whose posts it occurs.
#[derive(Clone, Copy)]
struct Seen<'a> {
    sequence: &'a [PartOfSpeech],
    users: u32,
}

/// Counts the sequences of this length whose beginning and end are frequent, by their codes.
fn count<'a>(
    users: &[&'a Posts],
    length: usize,
    frequent: &HashMap<u64, Seen>,
) -> HashMap<u64, Seen<'a>> {
    let may_be_frequent = |sequence: &[PartOfSpeech]| {
        length == 1
            || (frequent.contains_key(&code(&sequence[1..]))
                && frequent.contains_key(&code(&sequence[..length - 1])))
    };
    let merge = |mut all: HashMap<u64, Seen<'a>>, more: HashMap<u64, Seen<'a>>| {
        for (code, seen) in more {
            (all.entry(code))
                .and_modify(|all| all.users += seen.users)
                .or_insert(seen);
        }
        all
    };
    let of_user = |posts: &&'a Posts| -> HashMap<u64, Seen<'a>> {
        (posts.iter().flat_map(|post| post.windows(length)))
            .filter(|sequence| may_be_frequent(sequence))
            .map(|sequence| (code(sequence), Seen { sequence, users: 1 }))
            .collect()
    };
    (users.par_iter().map(of_user)).reduce(HashMap::new, merge)
}

fn number_of_windows(posts: &Posts, length: usize) -> u64 {
    let windows = |post: &Vec<_>| (post.len() + 1).saturating_sub(length) as u64;
    posts.iter().map(windows).sum()
}

/// The fair symmetrical conditional probability of a sequence of at least two (Silva and Lopes 1999): its probability
/// squared, divided by the mean over its splits into two parts of the product of both parts' probabilities. It is 1 if no
/// part ever occurs without the other.
pub fn fair_scp<T>(sequence: &[T], probability: impl Fn(&[T]) -> f64) -> f64 {
    let parted = |place| {
        let (start, end) = sequence.split_at(place);
        probability(start) * probability(end)
    };
    let places = 1..sequence.len();
    let mean = places.clone().map(parted).sum::<f64>() / places.len() as f64;
    probability(sequence).powi(2) / mean
}

/// Patterns with one column each, sorted by length and then alphabetically.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedPatterns {
    settings: Patterns,
    patterns: Vec<Vec<PartOfSpeech>>,
    /// The column of each pattern, by its code.
    columns: HashMap<u64, u32>,
}

impl FittedPatterns {
    /// The number of columns, one for each of the patterns; at least 1.
    pub fn width(&self) -> usize {
        self.patterns.len()
    }

    /// The patterns in the order of their columns.
    pub fn patterns(&self) -> &[Vec<PartOfSpeech>] {
        &self.patterns
    }

    /// The nonzero columns of one user's posts, in ascending order.
    pub fn columns(&self, posts: &Posts) -> Vec<(u32, f32)> {
        let longest = self.patterns.iter().map(Vec::len).max().unwrap_or(0);
        let mut counts: HashMap<u32, f64> = HashMap::new();
        for length in 1..=longest {
            let value = match self.settings.value {
                Value::Boolean => 0.0,
                Value::Frequency => 1.0 / number_of_windows(posts, length) as f64,
            };
            for sequence in posts.iter().flat_map(|post| post.windows(length)) {
                if let Some(&column) = self.columns.get(&code(sequence)) {
                    *counts.entry(column).or_insert(0.0) += value;
                }
            }
        }
        if self.settings.value == Value::Boolean {
            counts.values_mut().for_each(|value| *value = 1.0);
        }
        let mut columns: Vec<_> = counts.into_iter().collect();
        columns.sort_unstable_by_key(|&(column, _)| column);
        tfidf::scaled(&columns, self.settings.weight)
    }
}

#[cfg(test)]
mod tests {
    use harper_brill::UPOS::{ADJ, DET, NOUN, VERB};

    use super::*;

    #[test]
    fn fair_scp_is_what_a_hand_computes() {
        // Of 10 users, 8 have a, 5 have b, 6 have c, 4 have ab, 3 have bc, 2 have abc.
        let probability = |sequence: &[char]| match sequence {
            ['a'] => 0.8,
            ['b'] => 0.5,
            ['c'] => 0.6,
            ['a', 'b'] => 0.4,
            ['b', 'c'] => 0.3,
            ['a', 'b', 'c'] => 0.2,
            _ => panic!("{sequence:?} is no part"),
        };
        // 0.4² / (0.8 · 0.5), and 0.2² / ((0.8 · 0.3 + 0.4 · 0.6) / 2).
        assert!((fair_scp(&['a', 'b'], probability) - 0.4).abs() < 1e-12);
        assert!((fair_scp(&['a', 'b', 'c'], probability) - 1.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn patterns_need_support_and_adherence() {
        // "Determiner noun" occurs with three of four users, twice with the first; the last has it only over the end
        // of a post.
        let users = [
            vec![vec![DET, NOUN, VERB, DET, NOUN]],
            vec![vec![DET, NOUN], vec![VERB]],
            vec![vec![VERB, DET, NOUN]],
            vec![vec![NOUN, DET], vec![NOUN, ADJ]],
        ];
        let users: Vec<&Posts> = users.iter().map(Vec::as_slice).collect();
        let mut settings = Patterns {
            min_support: 0.5,
            min_adherence: 0.0,
            weight: 1.0,
            ..Patterns::default()
        };
        let singles = [vec![DET], vec![NOUN], vec![VERB]];
        let pairs = [vec![DET, NOUN], vec![VERB, DET]];
        let patterns = settings.fit(&users).unwrap();
        let triple = vec![VERB, DET, NOUN];
        assert_eq!(
            patterns.patterns(),
            [&singles[..], &pairs, &[triple]].concat()
        );
        // Fair SCP: (3/4)² / (1 · 1) = 0.56, (2/4)² / (3/4 · 1) = 0.33, (2/4)² / ((3/4 · 3/4 + 2/4 · 1) / 2) = 0.47.
        settings.min_adherence = 0.5;
        let patterns = settings.fit(&users).unwrap();
        assert_eq!(patterns.patterns(), [&singles[..], &pairs[..1]].concat());
        // "Determiner noun" is 2 of the first user's 4 pairs; each single is 2, 2 and 1 of 5.
        settings.value = Value::Frequency;
        let row = settings.fit(&users).unwrap().columns(users[0]);
        let shares = [0.4f32, 0.4, 0.2, 0.5];
        let length = shares.iter().map(|share| share * share).sum::<f32>().sqrt();
        for (cell, (column, share)) in row.iter().zip((0..).zip(shares)) {
            assert_eq!(cell.0, column);
            assert!((cell.1 - share / length).abs() < 1e-6);
        }
        assert_eq!(row.len(), shares.len());
    }

    #[test]
    fn different_sequences_have_different_codes() {
        assert_ne!(code(&[ADJ]), code(&[ADJ, ADJ]));
        assert_ne!(code(&[DET, NOUN]), code(&[NOUN, DET]));
        assert_eq!(code(&[VERB; LONGEST]) >> 60, 0);
    }
}
