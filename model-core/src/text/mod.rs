//! From a post to its words, the same in training and serving.
//!
//! A post is first folded to one spelling, then cut. What becomes a word:
//!
//! | in the post | words |
//! |---|---|
//! | words of most scripts | lower-cased, at Unicode word boundaries (UAX #29): `Don’t` is `don't`; `home.Then` is two words, `p.s` is one |
//! | Chinese | as jieba cuts it, given a dictionary; else a word a character; traditional characters as simplified ones |
//! | links, e-mail addresses, @names | `<url>`, `<email>`, `<user>`, as are masks of these names |
//! | numbers of five digits or more | `<num>`; shorter ones (ages, years) are words |
//! | #topic# and #tag | the words of the topic, without the marks |
//! | `//@name` | none, nor the rest of the line: a repost quotes somebody else's words |
//! | emoji | one word each, with their skin tones; flags and families too |
//! | `[哈哈]`, `:-)`, `^_^` | one word each |
//! | `!` and `?` | a run is one word: `!`, `!!`, `!!!`, and `?!` for any mixture |
//! | `…` and two or more dots | `…` |
//! | `~`, `$` and signs beyond ASCII (★ € ♪) | a run of the same sign is one word |
//! | runs of another sign, such as `--` or `***` | one word |
//! | a character more than three times in a row | as if three times: `soooooo` is `sooo` |
//!
//! Single signs of any other punctuation are left out: they are one word in six, and TF-IDF classifiers
//! of the writer's age get worse by spending a fixed number of words on them, while the signs that are kept
//! help to tell gender.

mod character;
mod emoticon;
mod fold;
mod mask;
mod pattern;

use std::io::BufRead;

use jieba_rs::Jieba;
use thiserror::Error;
use unicode_segmentation::UnicodeSegmentation;

use crate::language::is_han;
use fold::Folded;
pub use mask::mask;
use pattern::Found;

/// A word of a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The folded form, which the vocabulary knows it by. It holds no white space.
    pub text: String,
    /// The byte of the original post at which the word starts.
    pub start: usize,
    /// The byte of the original post after the word's last.
    pub end: usize,
}

/// Why a dictionary cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// It cannot be read, is no UTF-8 text, or has a line that is none of a dictionary.
    #[error("the Chinese dictionary cannot be used: {0}")]
    Dictionary(String),
    /// With no word in it, all Chinese would be cut as if there were no dictionary.
    #[error("the Chinese dictionary is empty, it needs lines of a word, its frequency and its tag")]
    EmptyDictionary,
    /// It is not of a size that a dictionary has.
    #[error("the Chinese dictionary is too long, at most {LONGEST_DICTIONARY} bytes can be used")]
    LongDictionary,
    /// A user dictionary adds to one that is not there.
    #[error("a user dictionary needs a Chinese dictionary that it adds to")]
    NoDictionary,
    /// A line of a user dictionary is none.
    #[error(
        "line {line} of the user dictionary is {text:?}; a line is a word and, if you like, its frequency and its \
         part of speech, separated by spaces"
    )]
    UserWord {
        /// The line's number, from 1.
        line: usize,
        /// What it says, or its beginning.
        text: String,
    },
}

/// The most bytes of a dictionary. jieba's own have 5 and 9 million; from 16 million characters on, its
/// table could overflow.
const LONGEST_DICTIONARY: u64 = 16_000_000;

/// The highest frequency of a word of a user dictionary: that of the most frequent word of jieba's own has seven digits.
const MOST_FREQUENT: usize = 1_000_000_000;

/// The most characters of what is told about a bad line, which may be of any length.
const LONGEST_MESSAGE: usize = 200;

/// Cuts posts into words.
#[derive(Clone, Debug, Default)]
pub struct Segmenter {
    chinese: Option<Jieba>,
    /// The user dictionaries that were added.
    user_words: String,
}

impl Segmenter {
    /// A segmenter without a Chinese dictionary: every Han character is a word.
    pub fn new() -> Self {
        Self::default()
    }

    /// A segmenter that cuts Chinese as jieba does with this dictionary, the words it does not know by
    /// jieba's hidden Markov model. A line of the dictionary (plain text, not compressed) is a word, its
    /// frequency and its part of speech, separated by spaces.
    ///
    /// # Errors
    /// What cannot be read as such a dictionary, is empty or too long.
    pub fn with_dictionary(dictionary: impl BufRead) -> Result<Self, TextError> {
        let mut dictionary = dictionary.take(LONGEST_DICTIONARY);
        let start = dictionary.fill_buf().map_err(unusable)?;
        if start.iter().all(u8::is_ascii_whitespace) {
            return Err(TextError::EmptyDictionary);
        }
        let jieba = Jieba::with_dict(&mut dictionary).map_err(unusable)?;
        if dictionary.limit() == 0 {
            return Err(TextError::LongDictionary);
        }
        Ok(Self {
            chinese: Some(jieba),
            user_words: String::new(),
        })
    }

    /// Adds the words of a user dictionary in jieba's format: a line is a word and, if the user likes, its frequency and its
    /// part of speech, separated by spaces. A word without a frequency gets the least that keeps it in one piece.
    ///
    /// Only words of nothing but Chinese characters are cut by dictionaries here; returned is how many others were left out.
    ///
    /// # Errors
    /// A line that is none, [`TextError::UserWord`]; without a dictionary to add to, [`TextError::NoDictionary`].
    pub fn add_user_dictionary(&mut self, dictionary: &str) -> Result<usize, TextError> {
        let jieba = self.chinese.as_mut().ok_or(TextError::NoDictionary)?;
        let mut left_out = 0;
        let dictionary = dictionary.strip_prefix('\u{FEFF}').unwrap_or(dictionary);
        for (index, line) in dictionary.lines().enumerate() {
            let unusable = || TextError::UserWord {
                line: index + 1,
                text: line.chars().take(LONGEST_MESSAGE).collect(),
            };
            let mut fields = line.split_whitespace();
            let Some(word) = fields.next() else {
                continue;
            };
            let word = fold::fold(word).text;
            let (frequency, tag) = match (fields.next(), fields.next(), fields.next()) {
                (None, ..) => (None, None),
                (Some(field), None, None) => match field.parse() {
                    Ok(frequency) => (Some(frequency), None),
                    Err(_) => (None, Some(field)),
                },
                (Some(frequency), tag, None) => {
                    (Some(frequency.parse().map_err(|_| unusable())?), tag)
                }
                _ => return Err(unusable()),
            };
            let is_too_frequent = |frequency: usize| frequency > MOST_FREQUENT;
            let is_tag = |tag: &str| tag.chars().all(|letter| letter.is_ascii_alphanumeric());
            if frequency.is_some_and(is_too_frequent) || !tag.is_none_or(is_tag) {
                return Err(unusable());
            }
            if word.chars().all(is_han) {
                jieba.add_word(&word, frequency, tag);
            } else {
                left_out += 1;
            }
        }
        self.user_words.push_str(dictionary.trim_end());
        self.user_words.push('\n');
        Ok(left_out)
    }

    /// The user dictionaries that were added, one after the other.
    pub fn user_dictionary(&self) -> &str {
        &self.user_words
    }

    /// The words of `post` in order. Their byte ranges lie on character boundaries and do not overlap.
    pub fn words(&self, post: &str) -> Vec<Word> {
        let folded = fold::fold(post);
        let text = folded.text.as_str();
        let has_at_sign = text.contains('@');
        let mut words = Words {
            folded: &folded,
            // English has a word every five bytes.
            words: Vec::with_capacity(text.len() / 5),
        };
        let mut at = 0;
        while let Some(first) = text[at..].chars().next() {
            at += if matches!(first, ' ' | '\n') {
                1
            } else if first == '/' && pattern::is_quoted(&text[at..]) {
                text[at..].find('\n').unwrap_or(text.len() - at)
            } else if is_han(first) {
                self.chinese(text, at, &mut words)
            } else {
                let found = pattern::find(&folded, at, first, has_at_sign)
                    .unwrap_or_else(|| by_unicode(&text[at..]));
                words.push(found.word, at, found.length);
                found.length
            };
        }
        words.words
    }

    /// The part of speech that the Chinese dictionary names for `word`, in the dictionary's own tags; `None` without a
    /// dictionary and for what is not one word of it.
    pub fn dictionary_tag<'a>(&'a self, word: &'a str) -> Option<&'a str> {
        let jieba = self.chinese.as_ref()?;
        if !jieba.has_word(word) {
            return None;
        }
        match jieba.tag(word, false)[..] {
            [ref tagged] => Some(tagged.tag),
            _ => None,
        }
    }

    /// Adds the words of the run of Han characters at byte `at`; returns its length.
    fn chinese(&self, text: &str, at: usize, words: &mut Words) -> usize {
        let rest = &text[at..];
        let length = rest
            .find(|character| !is_han(character))
            .unwrap_or(rest.len());
        let run = &rest[..length];
        match &self.chinese {
            Some(jieba) => {
                for token in jieba.cut(run, true) {
                    words.push(token.word, at + token.byte_start, token.word.len());
                }
            }
            None => {
                for (place, character) in run.char_indices() {
                    let size = character.len_utf8();
                    words.push(&run[place..place + size], at + place, size);
                }
            }
        }
        length
    }
}

/// The error for a dictionary in one line: jieba quotes the line that it cannot read with its line break.
fn unusable(error: impl std::fmt::Display) -> TextError {
    let message = error.to_string();
    let words: Vec<&str> = message.split_whitespace().collect();
    TextError::Dictionary(words.join(" ").chars().take(LONGEST_MESSAGE).collect())
}

/// The words found so far.
struct Words<'a> {
    folded: &'a Folded<'a>,
    words: Vec<Word>,
}

impl Words<'_> {
    /// Adds `word`, if it is one, found in `length` bytes at byte `at` of the folded post.
    fn push(&mut self, word: &str, at: usize, length: usize) {
        if word.is_empty() {
            return;
        }
        let original = self.folded.original(at..at + length);
        // One character of the post can fold to several words; then only the first is in the post.
        if self
            .words
            .last()
            .is_some_and(|last| last.end > original.start)
        {
            return;
        }
        self.words.push(Word {
            text: word.to_owned(),
            start: original.start,
            end: original.end,
        });
    }
}

/// The word up to the next Unicode word boundary, or no word if there is neither a letter nor a digit.
fn by_unicode(text: &str) -> Found<'_> {
    let segment = segment(text);
    let segment = &segment[..part(segment)];
    if !segment.contains(char::is_alphanumeric) {
        return Found::nothing(segment.len());
    }
    // _emphasis_ is no other word than emphasis.
    let word = segment.trim_end_matches('_');
    let digits = || word.chars().filter(|letter| letter.is_numeric()).count();
    let word = match word {
        // What the tags of web pages turned into in the Blog Authorship Corpus.
        "urllink" => pattern::URL,
        "nbsp" => "",
        _ if !word.contains(char::is_alphabetic) && digits() >= pattern::LONG_NUMBER => {
            pattern::NUMBER
        }
        _ => word,
    };
    Found {
        length: segment.len(),
        word,
    }
}

/// The text up to the next Unicode word boundary.
fn segment(text: &str) -> &str {
    // Nearly all English words, in half the time: letters, and nothing after them that can go on with a word.
    let letters = text.bytes().take_while(u8::is_ascii_lowercase).count();
    let ends = |next: &u8| next.is_ascii() && !next.is_ascii_digit() && !b"'.:_".contains(next);
    if letters > 0 && text.as_bytes().get(letters).is_none_or(ends) {
        return &text[..letters];
    }
    text.split_word_bounds().next().unwrap_or(text)
}

/// The length of the first word in a segment that dots or colons may hold together: hasty writers leave out
/// the space after a full stop. Abbreviations (`u.s`) and numbers (`3.5`) stay whole.
fn part(segment: &str) -> usize {
    let sign = segment.find(['.', ':']).unwrap_or(0);
    if sign == 0 {
        return segment.len();
    }
    let abbreviates = || {
        segment
            .split(['.', ':'])
            .all(|part| part.chars().count() == 1)
    };
    if segment[..sign].ends_with(char::is_numeric) || abbreviates() {
        segment.len()
    } else {
        sign
    }
}

#[cfg(test)]
mod tests;
