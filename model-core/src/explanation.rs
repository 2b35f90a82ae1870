//! Explanations: the evidence of each word for each class.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::prediction::{Named, UserPrediction};

/// A prediction about one user with the evidence of the words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct Explanation {
    /// The prediction from the whole text.
    pub prediction: UserPrediction,
    /// The words that the model read, in order, at most 5,000.
    pub words: Vec<ReadWord>,
    /// The evidence for each attribute, in the order of the tasks; a JSON object by attribute name.
    pub attributes: Named<AttributeEvidence>,
}

/// The position of a word that the model read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct ReadWord {
    /// The index of its post among those given.
    pub post: usize,
    /// The byte of that post (UTF-8) at which the word starts.
    pub start: usize,
    /// The byte of that post after the word's last.
    pub end: usize,
    /// Whether the vocabulary of the model holds it. To the model, all other words are the same.
    pub known: bool,
}

/// The evidence of the words about one attribute.
///
/// The evidence of a word for a class is the decrease of the log odds ln(p / (1 − p)) when the word is removed from the text.
/// Here p is the probability of the class before it is mixed with the base rates. Above 0 the word speaks for the class, below 0
/// against it. Removing a word of evidence ln 2 ≈ 0.69 halves the odds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub struct AttributeEvidence {
    /// The evidence for each class, one number a word; a JSON object by class.
    pub classes: Named<Vec<f32>>,
    /// The same for the coarse classes, if the attribute has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "typescript", ts(optional))]
    pub coarse: Option<Named<Vec<f32>>>,
}

/// The most words that are explained. Each costs two windows, and a reader does not look at more.
pub const MOST_EXPLAINED: usize = 5_000;
/// The most characters of a spelling.
const MOST_CHARACTERS: usize = 100;

/// The spelling of a word under which its evidence is summed: in lower case, and cut after 100 characters, because an encoded
/// file in a post may be one word of any length.
pub fn spelling(word: &str) -> String {
    let end = word.char_indices().nth(MOST_CHARACTERS);
    word[..end.map_or(word.len(), |(end, _)| end)].to_lowercase()
}

/// The words of a text, strongest first, each with the sum of its `weights`, which has one for each of `words`. Words of one
/// [`spelling`] are one.
pub fn sum_by_word(posts: &[String], words: &[ReadWord], weights: &[f32]) -> Vec<(String, f32)> {
    sum_by_spelling(&spellings(posts, words), weights)
}

/// The spelling of each word.
pub(crate) fn spellings(posts: &[String], words: &[ReadWord]) -> Vec<String> {
    let text = |word: &ReadWord| posts.get(word.post)?.get(word.start..word.end);
    let words = words.iter().map(|word| text(word).unwrap_or_default());
    words.map(spelling).collect()
}

/// Like [`sum_by_word`], of words with these spellings.
pub(crate) fn sum_by_spelling(spellings: &[String], weights: &[f32]) -> Vec<(String, f32)> {
    let mut sums: Vec<(String, f32)> = Vec::new();
    let mut places = HashMap::new();
    for (spelling, weight) in spellings.iter().zip(weights) {
        let place = *places.entry(spelling).or_insert_with(|| {
            sums.push((spelling.clone(), 0.0));
            sums.len() - 1
        });
        sums[place].1 += weight;
    }
    sums.sort_by(|a, b| b.1.total_cmp(&a.1));
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_any_length_has_a_short_spelling() {
        assert_eq!(spelling("Éa"), "éa");
        let long = "É".repeat(100_000);
        assert_eq!(spelling(&long), "é".repeat(100));
    }
}
