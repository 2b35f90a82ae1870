//! From a user's posts to the word ids that a network reads, the same in training and in serving.

use crate::{
    text::{Segmenter, Word},
    vocabulary::{UNKNOWN, Vocabulary},
};

/// The text pipeline in front of a network.
pub struct Reader {
    /// Cuts posts into words.
    pub segmenter: Segmenter,
    /// Gives words their ids.
    pub vocabulary: Vocabulary,
    /// A user's text is read up to this many words.
    pub max_words: usize,
}

impl Reader {
    /// The ids of a user's words: the posts in order, one after the other, cut at the maximum.
    pub fn encode<S: AsRef<str>>(&self, posts: impl IntoIterator<Item = S>) -> Vec<u32> {
        let mut ids = Vec::new();
        for words in self.words(posts) {
            ids.extend(words.iter().map(|word| self.vocabulary.id(&word.text)));
        }
        ids
    }

    /// The words of each post that [`encode`](Self::encode) gives the ids of, see [`words`].
    pub fn words<S: AsRef<str>>(
        &self,
        posts: impl IntoIterator<Item = S>,
    ) -> impl Iterator<Item = Vec<Word>> {
        words(&self.segmenter, posts, self.max_words)
    }
}

/// The words of each post, up to `max_words` in all posts together; none of a post after the cut.
pub fn words<S: AsRef<str>>(
    segmenter: &Segmenter,
    posts: impl IntoIterator<Item = S>,
    max_words: usize,
) -> impl Iterator<Item = Vec<Word>> {
    let mut left = max_words;
    posts.into_iter().map(move |post| {
        // A post far longer than what can still be read need not be cut to its end: no word is shorter
        // than a byte, and few are longer than 64 with what stands between them.
        let enough = head(post.as_ref(), left.saturating_mul(64));
        let mut words = segmenter.words(enough);
        words.truncate(left);
        left -= words.len();
        words
    })
}

/// How many of `ids` the vocabulary knows.
pub fn known(ids: &[u32]) -> usize {
    ids.iter().filter(|&&id| id != UNKNOWN).count()
}

/// The longest beginning of `text` of at most `bytes` bytes that ends between characters.
fn head(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_at_the_maximum() {
        let words = ["one", "two", "three"].map(String::from).to_vec();
        let reader = Reader {
            segmenter: Segmenter::new(),
            vocabulary: Vocabulary::new(words).unwrap(),
            max_words: 4,
        };
        assert_eq!(
            reader.encode(["one two", "Three four", "one"]),
            [2, 3, 4, UNKNOWN]
        );
        assert_eq!(known(&[2, 3, UNKNOWN]), 2);
        assert_eq!(reader.encode([""; 0]), [0u32; 0]);
        assert_eq!(head("aé", 2), "a");
    }
}
