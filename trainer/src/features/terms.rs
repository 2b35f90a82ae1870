//! Word and character n-grams, weighted by [TF-IDF](tfidf) with the values of scikit-learn's `TfidfVectorizer`.

use std::ops::Range;
use std::sync::Mutex;

use hashbrown::{DefaultHashBuilder, HashMap};
use model_core::text::Word;
use model_core::tfidf;
use model_core::vocabulary::{UNKNOWN, Vocabulary};
use serde::{Deserialize, Serialize};
use std::hash::BuildHasher;

/// The units of which terms consist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Word n-grams.
    Words,
    /// Character n-grams across words, which are separated by one space.
    Characters,
    /// Character n-grams within a word that has a space on either side. A word that is too short is one n-gram.
    CharactersWithinWords,
}

/// One group of terms.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Terms {
    /// Words or characters.
    pub unit: Unit,
    /// The minimum number of units in a term.
    pub shortest: usize,
    /// The maximum number of units in a term.
    pub longest: usize,
    /// The minimum number of training users of a term.
    pub min_users: usize,
    /// The maximum number of terms, of which the most frequent are kept; 0 keeps all.
    pub max_terms: usize,
    /// Whether a term that occurs n times counts 1 + ln n instead of n.
    pub sublinear: bool,
    /// The Euclidean length of the group in each row; 0 leaves the group out.
    pub weight: f32,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            unit: Unit::Words,
            shortest: 1,
            longest: 1,
            min_users: 3,
            max_terms: 0,
            sublinear: true,
            weight: 1.0,
        }
    }
}

/// The largest `longest`. Longer n-grams hardly ever occur in the text of two users.
const LONGEST: usize = 16;

impl Terms {
    pub(super) fn check(&self) -> Result<(), String> {
        let (shortest, longest) = (self.shortest, self.longest);
        if !(1..=LONGEST).contains(&shortest) || !(shortest..=LONGEST).contains(&longest) {
            return Err(format!(
                "terms of {shortest} to {longest} units; permitted: shortest from 1, longest from there to {LONGEST}"
            ));
        }
        Ok(())
    }

    /// Counts the terms in the texts of one user.
    pub(super) fn count<'a>(&self, texts: &'a [Text]) -> HashMap<&'a str, u32> {
        let mut counts = HashMap::new();
        for text in texts {
            text.each_term(self, |term| *counts.entry(term).or_insert(0) += 1);
        }
        counts
    }

    /// Selects terms by their `counts` over `users` training users, and sorts them alphabetically.
    pub(super) fn fit(&self, counts: Counts, users: usize) -> Result<FittedTerms, String> {
        let mut kept = counts.of_at_least(self.min_users);
        if kept.is_empty() {
            return Err(format!(
                "no term of {} to {} {} is used by {} of the {users} training users: lower min_users",
                self.shortest,
                self.longest,
                match self.unit {
                    Unit::Words => "words",
                    Unit::Characters | Unit::CharactersWithinWords => "characters",
                },
                self.min_users
            ));
        }
        if self.max_terms > 0 && self.max_terms < kept.len() {
            kept.sort_unstable_by(|a, b| b.1.total.cmp(&a.1.total).then_with(|| a.0.cmp(&b.0)));
            kept.truncate(self.max_terms);
        }
        kept.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let idf = (kept.iter())
            .map(|(_, count)| tfidf::idf(users, count.users))
            .collect();
        let terms = kept.into_iter().map(|(term, _)| term).collect();
        Ok(FittedTerms {
            settings: self.clone(),
            terms: Vocabulary::new(terms).map_err(|error| error.to_string())?,
            idf,
        })
    }
}

/// The words of a post, joined to one text.
pub(super) struct Text {
    text: String,
    /// The byte range of each word in `text`.
    words: Vec<Range<usize>>,
}

impl Text {
    /// Joins the words of a post by spaces. For character n-grams across words, there is no space between two words that
    /// follow each other directly in the post, as in Chinese.
    pub fn new(words: &[Word], unit: Unit) -> Self {
        let bytes = words.iter().map(|word| word.text.len() + 1).sum::<usize>();
        let mut text = String::with_capacity(bytes + 1);
        if unit == Unit::CharactersWithinWords {
            text.push(' ');
        }
        let mut ranges = Vec::with_capacity(words.len());
        let mut end = 0;
        for (place, word) in words.iter().enumerate() {
            if place > 0 && (unit != Unit::Characters || word.start > end) {
                text.push(' ');
            }
            let start = text.len();
            text.push_str(&word.text);
            ranges.push(start..text.len());
            end = word.end;
        }
        if unit == Unit::CharactersWithinWords {
            text.push(' ');
        }
        Self {
            text,
            words: ranges,
        }
    }

    /// Calls `found` for each occurrence of a term.
    fn each_term<'a>(&'a self, terms: &Terms, mut found: impl FnMut(&'a str)) {
        let text = self.text.as_str();
        match terms.unit {
            Unit::Words => {
                for length in terms.shortest..=terms.longest {
                    for run in self.words.windows(length) {
                        found(&text[run[0].start..run[length - 1].end]);
                    }
                }
            }
            Unit::Characters => {
                let ends = ends(text);
                for length in terms.shortest..=terms.longest {
                    for run in ends.windows(length + 1) {
                        found(&text[run[0]..run[length]]);
                    }
                }
            }
            Unit::CharactersWithinWords => {
                for word in &self.words {
                    let word = &text[word.start - 1..word.end + 1];
                    let ends = ends(word);
                    for length in terms.shortest..=terms.longest {
                        if length + 1 >= ends.len() {
                            // The whole word, once, for all lengths that are too long.
                            found(word);
                            break;
                        }
                        for run in ends.windows(length + 1) {
                            found(&word[run[0]..run[length]]);
                        }
                    }
                }
            }
        }
    }
}

/// The byte offsets of the characters, and of the end of the text.
fn ends(text: &str) -> Vec<usize> {
    (text.char_indices().map(|(start, _)| start))
        .chain([text.len()])
        .collect()
}

/// The number of occurrences of a term.
#[derive(Clone, Copy, Default)]
struct Count {
    /// The number of users with the term.
    users: u32,
    /// The number of occurrences over all users.
    total: u64,
}

/// The counts of all terms: a hash table that threads share, in shards with a lock each, so that threads rarely wait.
pub(super) struct Counts {
    shards: Vec<Mutex<HashMap<String, Count>>>,
    hasher: DefaultHashBuilder,
}

/// More than machines have cores.
const SHARDS: usize = 256;

impl Default for Counts {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            hasher: DefaultHashBuilder::default(),
        }
    }
}

impl Counts {
    /// Adds the counts of one user.
    pub fn add_user(&self, counts: &HashMap<&str, u32>) {
        let shard = |term: &str| self.hasher.hash_one(term) as usize % SHARDS;
        let mut terms: Vec<_> = counts
            .iter()
            .map(|(&term, &count)| (shard(term), term, count))
            .collect();
        terms.sort_unstable_by_key(|&(shard, ..)| shard);
        for terms in terms.chunk_by(|a, b| a.0 == b.0) {
            let mut shard = lock(&self.shards[terms[0].0]);
            for &(_, term, count) in terms {
                let sum = shard.entry_ref(term).or_default();
                sum.users += 1;
                sum.total += u64::from(count);
            }
        }
    }

    /// The terms with at least this many users, in no particular order.
    fn of_at_least(self, users: usize) -> Vec<(String, Count)> {
        let mut kept = Vec::new();
        for shard in self.shards {
            let shard = shard
                .into_inner()
                .unwrap_or_else(|poison| poison.into_inner());
            kept.extend((shard.into_iter()).filter(|(_, count)| count.users as usize >= users));
        }
        kept
    }
}

/// Locks a shard, even if another thread panicked while it held the lock: rayon passes that panic on to the caller.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poison| poison.into_inner())
}

/// A group of terms with one column each, in alphabetical order.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedTerms {
    settings: Terms,
    terms: Vocabulary,
    idf: Vec<f32>,
}

impl FittedTerms {
    /// The number of columns, one for each of the terms; at least 1.
    pub fn width(&self) -> usize {
        self.terms.words().len()
    }

    /// The terms in the order of their columns.
    pub fn terms(&self) -> &[String] {
        self.terms.words()
    }

    pub(super) fn unit(&self) -> Unit {
        self.settings.unit
    }

    /// The nonzero columns of one user's texts, in ascending order. Terms outside the group are ignored.
    pub(super) fn columns(&self, texts: &[Text]) -> Vec<(u32, f32)> {
        let first = UNKNOWN + 1;
        let mut columns: Vec<(u32, f64)> = (self.settings.count(texts).into_iter())
            .filter_map(|(term, count)| {
                let column = self.terms.id(term).checked_sub(first)?;
                let idf = self.idf[column as usize];
                Some((column, tfidf::value(count, idf, self.settings.sublinear)))
            })
            .collect();
        columns.sort_unstable_by_key(|&(column, _)| column);
        tfidf::scaled(&columns, self.settings.weight)
    }
}
