//! The vocabulary: words and their ids.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use thiserror::Error;

/// The id of no word: its vector is 0, and it is the second word of a feature of one word.
pub const PADDING: u32 = 0;
/// The id of every word that the vocabulary does not hold.
pub const UNKNOWN: u32 = 1;

/// The number of special ids before the first word: [`PADDING`] and [`UNKNOWN`].
pub(crate) const SPECIAL: usize = 2;

/// The words that a model knows. Their ids start at 2, in the order given.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    words: Vec<String>,
    /// Ids only: comparing through `words` saves a second copy of every word.
    ids: HashTable<u32>,
    hasher: RandomState,
}

/// Why a list of words cannot be a vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VocabularyError {
    /// The word at this index (from 0) is empty.
    #[error("word {0} of the vocabulary is empty")]
    Empty(usize),
    /// A word that is listed twice.
    #[error("the vocabulary lists {0:?} twice")]
    Duplicate(String),
    /// More words than there are ids.
    #[error("{0} words are too many for a vocabulary, at most {max} fit", max = max_words())]
    TooMany(usize),
}

impl Vocabulary {
    /// Numbers `words` from 2.
    ///
    /// # Errors
    /// An empty word, a word listed twice, or more words than ids ([`u32`]).
    pub fn new(words: Vec<String>) -> Result<Self, VocabularyError> {
        if words.len() > max_words() {
            return Err(VocabularyError::TooMany(words.len()));
        }
        let hasher = RandomState::new();
        let mut ids = HashTable::with_capacity(words.len());
        for (index, (word, id)) in words.iter().zip(SPECIAL as u32..).enumerate() {
            if word.is_empty() {
                return Err(VocabularyError::Empty(index));
            }
            let same = |&other: &u32| at(&words, other) == Some(word);
            let hash = |&other: &u32| hasher.hash_one(at(&words, other).unwrap_or_default());
            match ids.entry(hasher.hash_one(word.as_str()), same, hash) {
                Entry::Vacant(entry) => entry.insert(id),
                Entry::Occupied(_) => return Err(VocabularyError::Duplicate(word.clone())),
            };
        }
        Ok(Self { words, ids, hasher })
    }

    /// Keeps the first `most` words, whose ids stay the same.
    pub fn first(mut self, most: usize) -> Self {
        self.words.truncate(most);
        let ids = self.len();
        self.ids.retain(|id| (*id as usize) < ids);
        self
    }

    /// The id of `word`, [`UNKNOWN`] if it is not in the vocabulary.
    ///
    /// ```
    /// use model_core::vocabulary::{UNKNOWN, Vocabulary};
    ///
    /// let vocabulary = Vocabulary::new(vec!["good".into(), "morning".into()])?;
    /// assert_eq!(vocabulary.word(vocabulary.id("morning")), Some("morning"));
    /// assert_eq!(vocabulary.id("evening"), UNKNOWN);
    /// # Ok::<(), model_core::vocabulary::VocabularyError>(())
    /// ```
    pub fn id(&self, word: &str) -> u32 {
        let hash = self.hasher.hash_one(word);
        self.ids
            .find(hash, |&id| self.word(id) == Some(word))
            .map_or(UNKNOWN, |&id| id)
    }

    /// The word with this id; `None` for [`PADDING`], [`UNKNOWN`] and ids past the last.
    pub fn word(&self, id: u32) -> Option<&str> {
        at(&self.words, id)
    }

    /// The number of ids: the words and the two special ids.
    #[allow(clippy::len_without_is_empty)] // never empty: the special ids are always there
    pub fn len(&self) -> usize {
        self.words.len() + SPECIAL
    }

    /// The words in the order of their ids; the first has id 2.
    pub fn words(&self) -> &[String] {
        &self.words
    }
}

/// Vocabularies are equal if they hold the same words in the same order.
impl PartialEq for Vocabulary {
    fn eq(&self, other: &Self) -> bool {
        self.words == other.words
    }
}

impl Eq for Vocabulary {}

fn at(words: &[String], id: u32) -> Option<&str> {
    let index = (id as usize).checked_sub(SPECIAL)?;
    words.get(index).map(String::as_str)
}

/// The most words that can have ids.
const fn max_words() -> usize {
    u32::MAX as usize - SPECIAL + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> Result<Vocabulary, VocabularyError> {
        Vocabulary::new(words.iter().map(|word| word.to_string()).collect())
    }

    #[test]
    fn words_are_numbered_from_two_and_found_again() {
        let vocabulary = of(&["the", "你好", "🙂"]).unwrap();
        assert_eq!(vocabulary.len(), 5);
        assert_eq!(
            ["the", "你好", "🙂", "The", ""].map(|word| vocabulary.id(word)),
            [2, 3, 4, UNKNOWN, UNKNOWN]
        );
        assert_eq!(vocabulary.word(3), Some("你好"));
        assert_eq!(
            [PADDING, UNKNOWN, 5, u32::MAX].map(|id| vocabulary.word(id)),
            [None; 4]
        );
        assert_eq!(vocabulary.words(), ["the", "你好", "🙂"]);
        let first = vocabulary.first(2);
        assert_eq!(["你好", "🙂"].map(|word| first.id(word)), [3, UNKNOWN]);
        assert_eq!(first, of(&["the", "你好"]).unwrap());
        assert_eq!(first.clone().first(9), first);
    }

    #[test]
    fn an_empty_list_still_has_the_special_ids() {
        let vocabulary = of(&[]).unwrap();
        assert_eq!(vocabulary.len(), 2);
        assert_eq!(vocabulary.id("the"), UNKNOWN);
    }

    #[test]
    fn many_words_keep_their_ids() {
        let words: Vec<String> = (0..50_000).map(|number| format!("word{number}")).collect();
        let vocabulary = Vocabulary::new(words.clone()).unwrap();
        for (index, word) in words.iter().enumerate() {
            assert_eq!(vocabulary.id(word), index as u32 + 2);
            assert_eq!(vocabulary.word(index as u32 + 2), Some(word.as_str()));
        }
    }

    #[test]
    fn lists_that_are_no_vocabulary_are_refused() {
        assert_eq!(
            of(&["a", "b", "a"]),
            Err(VocabularyError::Duplicate("a".into()))
        );
        assert_eq!(of(&["a", ""]), Err(VocabularyError::Empty(1)));
        assert_eq!(
            of(&["a", "a"]).unwrap_err().to_string(),
            "the vocabulary lists \"a\" twice"
        );
    }
}
