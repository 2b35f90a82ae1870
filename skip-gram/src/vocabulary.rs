//! Counting words in bounded memory.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

/// The number of different words that are counted at the same time, unless stated otherwise. They take about half a gigabyte.
const MOST_WORDS: usize = 5_000_000;

/// The numbers of occurrences of words.
///
/// Where there are too many different words, the rarest are forgotten, at least half of them. A forgotten word that occurs
/// again is counted from 0. [`WordCounts::missed`] bounds the occurrences that are not counted.
#[derive(Clone, Debug)]
pub struct WordCounts {
    counts: HashMap<String, u64>,
    most_words: usize,
    missed: u64,
}

impl Default for WordCounts {
    fn default() -> Self {
        Self::with_limit(MOST_WORDS)
    }
}

impl WordCounts {
    /// No words. Memory is limited to about 100 bytes for each of `most_words` words of usual length.
    ///
    /// # Panics
    /// If `most_words` is 0.
    pub fn with_limit(most_words: usize) -> Self {
        assert!(most_words > 0, "a limit above 0");
        Self {
            counts: HashMap::new(),
            most_words,
            missed: 0,
        }
    }

    /// Counts one occurrence of a word.
    pub fn add(&mut self, word: &str) {
        if let Some(count) = self.counts.get_mut(word) {
            *count += 1;
            return;
        }
        if self.counts.len() == self.most_words {
            self.prune();
        }
        self.counts.insert(word.to_owned(), 1);
    }

    /// Forgets the rarest words, so that at most half of the limit stay.
    fn prune(&mut self) {
        let mut counts: Vec<u64> = self.counts.values().copied().collect();
        let (_, &mut threshold, _) =
            counts.select_nth_unstable_by(self.most_words / 2, |a, b| b.cmp(a));
        self.counts.retain(|_, count| *count > threshold);
        self.missed += threshold;
    }

    /// The largest number of occurrences of any word that may not be counted; 0 if no word was forgotten.
    pub fn missed(&self) -> u64 {
        self.missed
    }

    /// The counted occurrences of a word.
    pub fn get(&self, word: &str) -> u64 {
        self.counts.get(word).copied().unwrap_or(0)
    }

    /// The number of words that occur at least `min_count` times.
    pub fn at_least(&self, min_count: u64) -> usize {
        self.counts
            .values()
            .filter(|&&count| count >= min_count)
            .count()
    }

    /// The words that occur at least `min_count` times.
    ///
    /// # Panics
    /// If there are 2³² of them.
    pub fn vocabulary(self, min_count: u64) -> Vocabulary {
        let mut entries: Vec<(String, u64)> = self
            .counts
            .into_iter()
            .filter(|&(_, count)| count >= min_count)
            .collect();
        entries.sort_unstable_by(|(word, count), (other, others)| {
            others.cmp(count).then_with(|| word.cmp(other))
        });
        let (words, counts): (Vec<String>, Vec<u64>) = entries.into_iter().unzip();
        let hasher = DefaultHashBuilder::default();
        let mut ids = HashTable::with_capacity(words.len());
        let end = u32::try_from(words.len()).expect("fewer than 2³² words");
        for id in 0..end {
            let hash = |&id: &u32| hasher.hash_one(words[id as usize].as_str());
            ids.insert_unique(hash(&id), id, hash);
        }
        Vocabulary {
            words,
            counts,
            ids,
            hasher,
        }
    }
}

/// Words with vectors. Their ids are their positions, most frequent first and equally frequent ones alphabetically.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    words: Vec<String>,
    counts: Vec<u64>,
    ids: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

impl Vocabulary {
    /// The words by id.
    pub fn words(&self) -> &[String] {
        &self.words
    }

    /// The words by id.
    pub fn into_words(self) -> Vec<String> {
        self.words
    }

    /// The number of occurrences of each word, by id.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The id of a word. `None` if it has no vector.
    pub fn id(&self, word: &str) -> Option<u32> {
        let is_word = |&id: &u32| self.words[id as usize] == word;
        self.ids.find(self.hasher.hash_one(word), is_word).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn words_are_sorted_by_frequency_and_then_alphabetically() {
        let mut counts = WordCounts::default();
        for word in "rain wind rain sun wind snow rain snow fog".split(' ') {
            counts.add(word);
        }
        assert_eq!(
            (counts.at_least(2), counts.at_least(1), counts.missed()),
            (3, 5, 0)
        );
        assert_eq!((counts.get("rain"), counts.get("storm")), (3, 0));
        let vocabulary = counts.vocabulary(2);
        assert_eq!(vocabulary.words(), ["rain", "snow", "wind"]);
        assert_eq!(vocabulary.counts(), [3, 2, 2]);
        assert_eq!(
            ["wind", "sun", ""].map(|word| vocabulary.id(word)),
            [Some(2), None, None]
        );
    }

    proptest! {
        #[test]
        fn counts_in_bounded_memory_are_at_most_as_wrong_as_stated(
            text in prop::collection::vec(0_u32..60, 0..2000),
            rare in prop::collection::vec(0_u32..10_000, 0..500),
            most_words in 1_usize..50,
        ) {
            let mut counts = WordCounts::with_limit(most_words);
            let mut exact = BTreeMap::new();
            // Small numbers are more frequent.
            let text = text.iter().map(|&word| word * word / 60);
            for word in text.chain(rare).map(|word| word.to_string()) {
                counts.add(&word);
                *exact.entry(word).or_insert(0) += 1;
                prop_assert!(counts.at_least(1) <= most_words);
            }
            prop_assert_eq!(counts.missed() == 0, exact.len() <= most_words);
            for (word, exact) in exact {
                prop_assert!(counts.get(&word) <= exact);
                prop_assert!(counts.get(&word) + counts.missed() >= exact);
            }
        }
    }
}
