//! From the posts of a user to word ids, the same in training and serving.
//!
//! ```
//! use model_core::{reader::Reader, text::Segmenter, vocabulary::{UNKNOWN, Vocabulary}};
//!
//! let reader = Reader {
//!     segmenter: Segmenter::new(),
//!     vocabulary: Vocabulary::new(vec!["good".into(), "morning".into()]).unwrap(),
//!     max_words: 3,
//! };
//! // Ids begin at 2, after padding and the unknown word. The fourth word is cut off.
//! assert_eq!(reader.encode(["Good morning", "everyone, good night"]), [2, 3, UNKNOWN]);
//! ```

use crate::{
    explanation::{MOST_EXPLAINED, spelling},
    text::{Segmenter, Word},
    vocabulary::{UNKNOWN, Vocabulary},
};

/// The text pipeline: segmenter, vocabulary and maximum length.
pub struct Reader {
    /// Splits posts into words.
    pub segmenter: Segmenter,
    /// Maps words to ids.
    pub vocabulary: Vocabulary,
    /// The most words that are read of a user.
    pub max_words: usize,
}

impl Reader {
    /// The word ids of a user: those of the posts in order, truncated to `max_words`.
    pub fn encode<S: AsRef<str>>(&self, posts: impl IntoIterator<Item = S>) -> Vec<u32> {
        let mut ids = Vec::new();
        self.encode_more(&mut ids, posts);
        ids
    }

    /// Appends the word ids of further posts to those of a user's posts before, so that a user of any length can be read post by
    /// post: at most `max_words` ids are held.
    pub fn encode_more<S: AsRef<str>>(
        &self,
        ids: &mut Vec<u32>,
        posts: impl IntoIterator<Item = S>,
    ) {
        let left = self.max_words.saturating_sub(ids.len());
        for words in words(&self.segmenter, posts, left) {
            ids.extend(words.iter().map(|word| self.vocabulary.id(&word.text)));
        }
    }

    /// Like [`encode_more`](Self::encode_more), and appends the [spellings](spelling) of the words, of which at most
    /// [`MOST_EXPLAINED`] are held.
    pub fn encode_spelled<S: AsRef<str>>(
        &self,
        ids: &mut Vec<u32>,
        spellings: &mut Vec<String>,
        posts: impl IntoIterator<Item = S>,
    ) {
        for post in posts {
            let post = post.as_ref();
            let left = self.max_words.saturating_sub(ids.len());
            for word in words(&self.segmenter, [post], left).flatten() {
                ids.push(self.vocabulary.id(&word.text));
                if spellings.len() < MOST_EXPLAINED {
                    spellings.push(spelling(&post[word.start..word.end]));
                }
            }
        }
    }

    /// The words of each post whose ids [`encode`](Self::encode) returns.
    pub fn words<S: AsRef<str>>(
        &self,
        posts: impl IntoIterator<Item = S>,
    ) -> impl Iterator<Item = Vec<Word>> {
        words(&self.segmenter, posts, self.max_words)
    }
}

/// The words of each post, truncated to `max_words` in all posts together.
pub fn words<S: AsRef<str>>(
    segmenter: &Segmenter,
    posts: impl IntoIterator<Item = S>,
    max_words: usize,
) -> impl Iterator<Item = Vec<Word>> {
    let mut left = max_words;
    posts.into_iter().map(move |post| {
        // A very long post need not be segmented to its end. A word with the space around it rarely takes more than 64
        // bytes.
        let enough = head(post.as_ref(), left.saturating_mul(64));
        let mut words = segmenter.words(enough);
        words.truncate(left);
        left -= words.len();
        words
    })
}

/// The number of `ids` that are words of the vocabulary.
pub(crate) fn count_known(ids: &[u32]) -> usize {
    ids.iter().filter(|&&id| id != UNKNOWN).count()
}

/// The longest prefix of `text` of at most `bytes` bytes that ends at a character boundary.
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
    fn texts_are_truncated_to_the_maximum() {
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
        assert_eq!(count_known(&[2, 3, UNKNOWN]), 2);
        assert_eq!(reader.encode([""; 0]), [0u32; 0]);
        let mut ids = reader.encode(["one two"]);
        reader.encode_more(&mut ids, ["Three four"]);
        reader.encode_more(&mut ids, ["one"]);
        assert_eq!(ids, [2, 3, 4, UNKNOWN]);
        let (mut ids, mut spellings) = (Vec::new(), Vec::new());
        reader.encode_spelled(&mut ids, &mut spellings, ["one TWO", "Three four", "one"]);
        assert_eq!(ids, [2, 3, 4, UNKNOWN]);
        assert_eq!(spellings, ["one", "two", "three", "four"]);
        assert_eq!(head("aé", 2), "a");
    }
}
