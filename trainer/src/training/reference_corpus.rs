//! The corpus that sets of users are compared with.

use std::cmp::Reverse;

use model_core::{vocabulary::Vocabulary, word_frequencies::WordFrequencies};

use super::examples::Example;

/// Which of several corpora, each with this number of words, sets of users are compared with: the one with the most. `None` if
/// none has any.
///
/// The users of a class write otherwise in one corpus than in another, so pooled corpora resemble none of them: the shares
/// estimated for a set of users would be wrong, and a set like the smallest corpus would not be called unlike.
pub fn reference_corpus(words: impl IntoIterator<Item = usize>) -> Option<usize> {
    let corpora = words.into_iter().enumerate();
    let (corpus, words) = corpora.max_by_key(|&(corpus, words)| (words, Reverse(corpus)))?;
    (words > 0).then_some(corpus)
}

/// Those of the users who are in the [`reference_corpus`].
pub fn users_of_reference_corpus<'a>(
    users: impl Iterator<Item = &'a Example> + Clone,
) -> impl Iterator<Item = &'a Example> {
    let mut words = Vec::new();
    for user in users.clone() {
        words.resize(words.len().max(user.file + 1), 0);
        words[user.file] += user.words.len();
    }
    let reference = reference_corpus(words);
    users.filter(move |user| Some(user.file) == reference)
}

/// The word frequencies of the users in the [`reference_corpus`].
pub fn word_frequencies<'a>(
    users: impl Iterator<Item = &'a Example> + Clone,
    vocabulary: &Vocabulary,
) -> WordFrequencies {
    let users = users_of_reference_corpus(users);
    WordFrequencies::of(users.map(|user| &user.words[..]), vocabulary.len())
}
