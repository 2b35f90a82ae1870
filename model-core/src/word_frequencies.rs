//! Whether texts are like those of the training users, by how often they have the most frequent words.
//!
//! Estimated shares of a set of users hold if the users of a class write like the training users of that class. That cannot be
//! tested without labels. But if a set has quite other word frequencies, it is not so. Sets of training users of one class differ
//! much less from all training users than texts of another kind do.

use serde::{Deserialize, Serialize};

use crate::vocabulary::SPECIAL;

pub use crate::population::Divergence;

/// How many words are counted.
pub const WORDS: usize = 300;
/// Frequencies below this are taken for it, so that a word that the training users hardly have does not decide alone.
const LEAST_FREQUENCY: f64 = 1e-4;
/// The largest divergence of texts like those of the training users. Of bloggers with 200 words or more, sets drawn at random
/// have .003, sets of one age group up to .042; blog posts of other sites have .066, tweets .15.
const LARGEST_DIVERGENCE: f64 = 0.04;
/// How much short texts add: the first words of a text are unlike the others. The first 20 words of bloggers have .073, tweets
/// of 20 words .15.
const LARGEST_DIVERGENCE_PER_WORD: f64 = 1.2;

/// The mean over the training users of the relative frequency of each of the most frequent words.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WordFrequencies {
    /// The ids of the words, ascending.
    pub words: Vec<u32>,
    /// The frequency of each, from 0 to 1. The rest are all other words.
    pub frequencies: Vec<f32>,
    /// The number of users.
    pub users: u32,
}

impl WordFrequencies {
    /// The frequencies of the [`WORDS`] most frequent words in these texts of word ids below `ids`. The unknown word counts
    /// among the others, so that a smaller vocabulary changes nothing.
    pub fn of<'t>(texts: impl IntoIterator<Item = &'t [u32]>, ids: usize) -> Self {
        let sums = WordSum::of(texts, ids);
        let mut words: Vec<u32> = (SPECIAL as u32..ids as u32).collect();
        words.sort_by(|&one, &other| {
            let sum = |id: u32| sums.frequencies[id as usize];
            sum(other).total_cmp(&sum(one)).then(one.cmp(&other))
        });
        words.truncate(WORDS);
        words.retain(|&id| sums.frequencies[id as usize] > 0.0);
        words.sort_unstable();
        sums.of_words(words)
    }

    /// The frequencies of the same words in other texts of word ids below `ids`.
    #[must_use]
    pub fn of_same_words<'t>(
        &self,
        texts: impl IntoIterator<Item = &'t [u32]>,
        ids: usize,
    ) -> Self {
        WordSum::of(texts, ids).of_words(self.words.clone())
    }

    /// Leaves out the words for which `is_kept` is false, which then count among the others.
    pub fn retain(&mut self, is_kept: impl Fn(u32) -> bool) {
        let kept = (self.words.iter().zip(&self.frequencies)).filter(|(id, _)| is_kept(**id));
        (self.words, self.frequencies) = kept.unzip();
    }

    /// Whether the ids are ascending and below `ids`, and the frequencies sum to at most 1.
    pub(crate) fn is_sound(&self, ids: usize) -> bool {
        let sum: f32 = self.frequencies.iter().sum();
        self.words.len() == self.frequencies.len()
            && self.words.is_sorted_by(|one, other| one < other)
            && self.words.iter().all(|&id| (id as usize) < ids)
            && self.frequencies.iter().all(|frequency| *frequency >= 0.0)
            && sum <= 1.001
    }
}

/// The sum over users of the relative frequency of each word.
struct WordSum {
    /// By word id.
    frequencies: Vec<f64>,
    users: u32,
}

impl WordSum {
    fn of<'t>(texts: impl IntoIterator<Item = &'t [u32]>, ids: usize) -> Self {
        let mut sum = Self {
            frequencies: vec![0.0; ids],
            users: 0,
        };
        for text in texts.into_iter().filter(|text| !text.is_empty()) {
            sum.users += 1;
            for &id in text {
                sum.frequencies[id as usize] += 1.0 / text.len() as f64;
            }
        }
        sum
    }

    fn of_words(&self, words: Vec<u32>) -> WordFrequencies {
        let users = f64::from(self.users.max(1));
        let mean = |&id: &u32| self.frequencies[id as usize] / users;
        WordFrequencies {
            frequencies: words
                .iter()
                .map(|id| (mean(id) * 1e6).round() as f32 / 1e6)
                .collect(),
            words,
            users: self.users,
        }
    }
}

/// Sums of word frequencies over the users of a set. Sums of parts of a set add up.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WordSums {
    /// The number of users.
    pub users: u64,
    /// The number of their words.
    pub words: u64,
    /// The sum over users of the relative frequency of each word, and of all others.
    sums: Vec<f64>,
    /// The sum of its square.
    squares: Vec<f64>,
}

impl WordSums {
    /// Adds the text of a user, of word ids.
    pub fn add(&mut self, reference: &WordFrequencies, text: &[u32]) {
        if text.is_empty() {
            return;
        }
        let mut counts = vec![0_u32; reference.words.len() + 1];
        for id in text {
            let place = reference.words.binary_search(id);
            counts[place.unwrap_or(reference.words.len())] += 1;
        }
        self.sums.resize(counts.len(), 0.0);
        self.squares.resize(counts.len(), 0.0);
        for ((sum, square), count) in self.sums.iter_mut().zip(&mut self.squares).zip(counts) {
            let frequency = f64::from(count) / text.len() as f64;
            *sum += frequency;
            *square += frequency * frequency;
        }
        self.users += 1;
        self.words += text.len() as u64;
    }

    /// Whether all sums are finite.
    pub(crate) fn is_sound(&self) -> bool {
        self.sums.len() == self.squares.len()
            && (self.sums.iter().chain(&self.squares)).all(|sum| sum.is_finite())
    }

    /// Adds the sums of other users, with the same reference.
    pub fn merge(&mut self, other: &Self) {
        self.sums.resize(self.sums.len().max(other.sums.len()), 0.0);
        self.squares.resize(self.sums.len(), 0.0);
        let add = |sums: &mut [f64], others: &[f64]| {
            (sums.iter_mut().zip(others)).for_each(|(sum, other)| *sum += other);
        };
        add(&mut self.sums, &other.sums);
        add(&mut self.squares, &other.squares);
        self.users += other.users;
        self.words += other.words;
    }

    /// The divergence from the training users; `None` for fewer than two users, or without a reference.
    pub fn divergence(&self, reference: &WordFrequencies) -> Option<Divergence> {
        if self.users < 2 || reference.words.is_empty() {
            return None;
        }
        let users = self.users as f64;
        // Both means vary. The frequencies of a training user are taken to vary as much as those of a user of the set.
        let noise_scale = 1.0 + users / f64::from(reference.users.max(1));
        let known: f32 = reference.frequencies.iter().sum();
        let frequencies = reference.frequencies.iter().copied().chain([1.0 - known]);
        let (mut value, mut variance) = (0.0, 0.0);
        for ((sum, square), frequency) in self.sums.iter().zip(&self.squares).zip(frequencies) {
            let frequency = f64::from(frequency);
            let mean = sum / users;
            let noise = noise_scale * ((square / users - mean * mean) / (users - 1.0)).max(0.0);
            let weight = ((mean + frequency) / 2.0).max(LEAST_FREQUENCY);
            let difference = (mean - frequency).powi(2) - noise;
            value += difference / weight;
            variance += (2.0 * noise + 4.0 * difference.max(0.0)) * noise / (weight * weight);
        }
        let mean_words = self.words as f64 / users;
        Some(Divergence {
            value,
            standard_error: variance.sqrt(),
            largest: LARGEST_DIVERGENCE + LARGEST_DIVERGENCE_PER_WORD / mean_words,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Texts of 200 words that favour even words, odd ones, or none.
    fn texts(users: u64, favoured: Option<u32>) -> Vec<Vec<u32>> {
        let mut state = users;
        let mut random = |below: u32| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as u32 % below
        };
        let mut text = |_| {
            let word = |_| {
                let word = 2 + random(50);
                match favoured {
                    Some(parity) if word % 2 != parity && random(2) == 0 => word ^ 1,
                    _ => word,
                }
            };
            (0..200).map(word).collect()
        };
        (0..users).map(&mut text).collect()
    }

    fn sums(reference: &WordFrequencies, texts: &[Vec<u32>]) -> WordSums {
        let mut sums = WordSums::default();
        texts.iter().for_each(|text| sums.add(reference, text));
        sums
    }

    #[test]
    fn other_word_frequencies_are_unlike_and_more_users_do_not_change_the_divergence() {
        let training = texts(500, None);
        let reference = WordFrequencies::of(training.iter().map(Vec::as_slice), 52);
        assert!(reference.is_sound(52) && !reference.is_sound(51));
        let divergence = |users, favoured| {
            let sums = sums(&reference, &texts(users, favoured));
            sums.divergence(&reference).unwrap()
        };
        for users in [40, 100, 400] {
            let same = divergence(users, None);
            assert!(
                !same.is_unlike() && same.value.abs() < 3.0 * same.standard_error,
                "{same:?}"
            );
            // Half of the words have 1.5 times their frequency, half .5 times: ½ · (½)² · (1 / 1.25 + 1 / .75).
            let other = divergence(users, Some(0));
            assert!(
                (other.value - 0.267).abs() < 0.06 && other.is_unlike(),
                "{other:?}"
            );
        }
    }

    #[test]
    fn sums_of_parts_add_up() {
        let all = texts(40, None);
        let reference = WordFrequencies::of(all.iter().map(Vec::as_slice), 60);
        let whole = sums(&reference, &all);
        let mut merged = WordSums::default();
        for part in all.chunks(7) {
            merged.merge(&sums(&reference, part));
        }
        let [whole, merged] = [whole, merged].map(|sums| sums.divergence(&reference).unwrap());
        assert!((whole.value - merged.value).abs() < 1e-12);
        assert_eq!(WordSums::default().divergence(&reference), None);
    }

    #[test]
    fn unknown_words_count_among_the_others() {
        let reference = WordFrequencies::of([[2, 2, 3, 1].as_slice(), &[2, 3]], 4);
        assert_eq!(reference.words, [2, 3]);
        assert_eq!(reference.frequencies, [0.5, 0.375]);
        let mut sums = WordSums::default();
        sums.add(&reference, &[1, 1, 9]);
        sums.add(&reference, &[]);
        assert_eq!(
            (sums.users, sums.words, sums.sums),
            (1, 3, vec![0.0, 0.0, 1.0])
        );
    }
}
