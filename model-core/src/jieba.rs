//! jieba, which segments Chinese by a dictionary and a hidden Markov model. The tables of that model would be a third of the
//! page's worker, so there jieba is a program of its own, and other crates can implement [`Jieba`].

use std::fmt::Debug;

/// A jieba with its dictionary.
pub trait Jieba: Debug + Send + Sync {
    /// The words of a text, which together are the text.
    fn words<'a>(&self, text: &'a str) -> Vec<&'a str>;

    /// The lowest frequency that keeps a word whole.
    fn lowest_frequency(&self, word: &str) -> usize;

    /// Adds a word to the dictionary, with its part of speech if it has one.
    fn add(&mut self, word: &str, frequency: usize, tag: Option<&str>);

    /// The part of speech of a word of the dictionary. It is a feature in experiments, and none need be known elsewhere.
    fn tag<'a>(&'a self, _word: &'a str) -> Option<&'a str> {
        None
    }
}

#[cfg(feature = "jieba")]
impl Jieba for jieba_rs::Jieba {
    fn words<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let tokens = self.cut(text, true).into_iter();
        tokens.map(|token| token.word).collect()
    }

    fn lowest_frequency(&self, word: &str) -> usize {
        self.suggest_freq(word)
    }

    fn add(&mut self, word: &str, frequency: usize, tag: Option<&str>) {
        self.add_word(word, Some(frequency), tag);
    }

    fn tag<'a>(&'a self, word: &'a str) -> Option<&'a str> {
        if !self.has_word(word) {
            return None;
        }
        match self.tag(word, false)[..] {
            [ref tagged] if !tagged.tag.is_empty() => Some(tagged.tag),
            _ => None,
        }
    }
}

/// A jieba with this dictionary, whose format [`Segmenter::with_dictionary`](crate::text::Segmenter::with_dictionary) states.
///
/// # Errors
/// A message about a dictionary that is not UTF-8 or has an invalid line.
#[cfg(feature = "jieba")]
pub fn open(mut dictionary: &[u8]) -> Result<Box<dyn Jieba>, String> {
    let jieba = jieba_rs::Jieba::with_dict(&mut dictionary).map_err(|error| error.to_string())?;
    Ok(Box::new(jieba))
}
