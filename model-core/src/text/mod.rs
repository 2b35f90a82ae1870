//! Segmentation: from a post to its words, the same in training and serving.
//!
//! A post is first folded to one spelling, then split into words:
//!
//! | in the post | words |
//! |---|---|
//! | words of most scripts | lower-cased, at Unicode word boundaries (UAX #29): `Don’t` is `don't`; `home.Then` is two words, `p.s` is one |
//! | Chinese | as jieba segments it, given a dictionary; otherwise one word per character; traditional characters as simplified ones, by words where a character has several forms |
//! | links, e-mail addresses, @names | `<url>`, `<email>`, `<user>`, as are masks of these names; a name has at most 30 letters, or 15 Chinese characters |
//! | numbers of five digits or more | `<num>`; shorter ones (ages, years) are words |
//! | #topic# and #tag | the words of the topic, without the marks |
//! | `//@name` | no word, nor does the rest of the line: a repost quotes another user |
//! | emoji | one word each, with their skin tones; flags and families too |
//! | `[哈哈]`, `:-)`, `^_^` | one word each |
//! | `!` and `?` | a run is one word: `!`, `!!`, `!!!`, and `?!` for any mixture |
//! | `…` and two or more dots | `…` |
//! | `~`, `$` and signs beyond ASCII (★ € ♪) | a run of the same sign is one word |
//! | runs of another sign, such as `--` or `***` | one word |
//! | a character more than three times in a row | as if three times: `soooooo` is `sooo` |
//! | more than 256 bytes without a boundary | the first 256 bytes |
//! | letters that show nothing (U+3164, U+2800) | no word, as white space |
//!
//! Single signs of any other punctuation are left out. They would be one word in six, and a TF-IDF classifier of age gets
//! worse when they use up its fixed number of words. The signs that are kept help to predict gender.

mod character;
mod emoticon;
mod fold;
mod front_coding;
mod mask;
mod pattern;

use std::io::{BufRead, Read};

use thiserror::Error;
use unicode_segmentation::UnicodeSegmentation;

#[cfg(feature = "jieba")]
use crate::jieba;
use crate::jieba::Jieba;
use crate::language::is_han;
use fold::Folded;
pub use mask::mask;
use pattern::Found;

/// A word of a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The folded form, as in the vocabulary, without white space.
    pub text: String,
    /// The byte of the original post at which the word starts.
    pub start: usize,
    /// The byte of the original post at which the word ends (exclusive).
    pub end: usize,
    /// Whether `text` is the first [`LONGEST_WORD`] bytes of a longer word.
    pub is_cut: bool,
}

/// Why a dictionary cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TextError {
    /// It cannot be read, is not UTF-8, or has an invalid line.
    #[error("the Chinese dictionary cannot be used: {0}")]
    Dictionary(String),
    /// It has no words: all Chinese would be segmented as without a dictionary.
    #[error("the Chinese dictionary is empty, it needs lines of a word, its frequency and its tag")]
    EmptyDictionary,
    /// It is too long for a dictionary.
    #[error("the Chinese dictionary is too long, at most {LONGEST_DICTIONARY} bytes can be used")]
    LongDictionary,
    /// A user dictionary has too many words, or too many bytes together with the dictionary that it extends.
    #[error(
        "the user dictionary is too long, at most {MOST_USER_WORDS} words can be added, and at most \
         {LONGEST_DICTIONARY} bytes together with the Chinese dictionary"
    )]
    LongUserDictionary,
    /// The frequencies of all words are too large a number.
    #[error("the frequencies in the dictionaries add up to more than {HIGHEST_SUM}")]
    Frequencies,
    /// A user dictionary has no dictionary to extend.
    #[error("a user dictionary needs a Chinese dictionary that it adds to")]
    NoDictionary,
    /// A line of a user dictionary is invalid.
    #[error(
        "line {line} of the user dictionary is {text:?}; a line is a word and, if you like, its frequency (digits, at \
         most {MOST_FREQUENT}) and its part of speech (such as n), separated by spaces"
    )]
    UserWord {
        /// The line's number, from 1.
        line: usize,
        /// The line, or its beginning.
        text: String,
    },
}

/// The most bytes of a dictionary. Those of jieba have 5 and 9 million; from 16 million characters on, its table could
/// overflow.
const LONGEST_DICTIONARY: u64 = 16_000_000;

/// The most words of a user dictionary. The dictionaries of jieba have 350,000 and 580,000.
const MOST_USER_WORDS: usize = 1_000_000;

/// The highest frequency in a user dictionary. The most frequent word of the dictionary of jieba has seven digits.
const MOST_FREQUENT: u64 = 1_000_000_000;

/// The highest sum of all frequencies. jieba adds them up in the size of an address, which has 32 bits in a browser; half of
/// that leaves room for what it derives from the sum. That of the dictionary of jieba is 60 million.
const HIGHEST_SUM: u64 = 1 << 31;

/// The most bytes of a word. What has more, such as a file in base64, is cut off.
pub const LONGEST_WORD: usize = 256;

/// The most characters of an error message about a line, which may have any length.
const LONGEST_MESSAGE: usize = 200;

/// Splits posts into words.
#[derive(Debug, Default)]
pub struct Segmenter {
    chinese: Option<Box<dyn Jieba>>,
    /// The user dictionaries added so far.
    user_words: String,
    /// The size of all dictionaries.
    size: Size,
}

/// The size of dictionaries. It is limited so that they can be used on every platform, or on none.
#[derive(Clone, Copy, Debug, Default)]
struct Size {
    bytes: u64,
    frequencies: u64,
    user_words: usize,
}

impl Size {
    /// Adds a word of a user dictionary.
    fn add(&mut self, word: &str, frequency: u64) -> Result<(), TextError> {
        self.user_words += 1;
        self.bytes += word.len() as u64;
        if self.user_words > MOST_USER_WORDS || self.bytes > LONGEST_DICTIONARY {
            return Err(TextError::LongUserDictionary);
        }
        self.frequencies = self.frequencies.saturating_add(frequency);
        self.check_frequencies()
    }

    fn check_frequencies(&self) -> Result<(), TextError> {
        match self.frequencies <= HIGHEST_SUM {
            true => Ok(()),
            false => Err(TextError::Frequencies),
        }
    }
}

impl Segmenter {
    /// A segmenter without a Chinese dictionary: every Han character is a word.
    pub fn new() -> Self {
        Self::default()
    }

    /// A segmenter that splits Chinese as jieba does with this dictionary, unknown words by the hidden Markov model of jieba.
    /// A line of the dictionary (plain text, not compressed) is a word, its frequency and its part of speech, separated by
    /// spaces. It may also be front-coded, as the page's is.
    ///
    /// # Errors
    /// If the dictionary cannot be read, is invalid, empty or too long, or its frequencies add up to too much.
    #[cfg(feature = "jieba")]
    pub fn with_dictionary(dictionary: impl BufRead) -> Result<Self, TextError> {
        Self::with_jieba(dictionary, jieba::open)
    }

    /// The same by the jieba that `open` makes of the dictionary, or its message about an invalid one.
    ///
    /// # Errors
    /// As those of `with_dictionary`.
    pub fn with_jieba(
        dictionary: impl BufRead,
        open: impl FnOnce(&[u8]) -> Result<Box<dyn Jieba>, String>,
    ) -> Result<Self, TextError> {
        let mut bytes = Vec::new();
        let mut dictionary = dictionary.take(LONGEST_DICTIONARY + 1);
        dictionary.read_to_end(&mut bytes).map_err(unusable)?;
        if bytes.len() as u64 > LONGEST_DICTIONARY {
            return Err(TextError::LongDictionary);
        }
        let bytes = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(&bytes);
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Err(TextError::EmptyDictionary);
        }
        let bytes = &*front_coding::decode(bytes)?;
        let size = Size {
            bytes: bytes.len() as u64,
            frequencies: frequencies(bytes),
            user_words: 0,
        };
        if size.bytes > LONGEST_DICTIONARY {
            return Err(TextError::LongDictionary);
        }
        size.check_frequencies()?;
        Ok(Self {
            chinese: Some(open(bytes).map_err(unusable)?),
            user_words: String::new(),
            size,
        })
    }

    /// Adds the words of a user dictionary in the format of jieba: a line is a word, optionally followed by its frequency and
    /// its part of speech, separated by spaces. A word without a frequency gets the lowest one that keeps it whole.
    ///
    /// Dictionaries apply only to words that consist of Chinese characters. Returns the number of other words, which are
    /// left out.
    ///
    /// # Errors
    /// [`TextError::UserWord`] for an invalid line, [`TextError::NoDictionary`] without a dictionary to extend,
    /// [`TextError::LongUserDictionary`] for too many words, [`TextError::Frequencies`] for too high frequencies.
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
                (Some(tag), None, None) if is_tag(tag) => (None, Some(tag)),
                (Some(field), tag, None) if tag.is_none_or(is_tag) => {
                    (Some(frequency_of(field).ok_or_else(unusable)?), tag)
                }
                _ => return Err(unusable()),
            };
            if !word.chars().all(is_han) {
                left_out += 1;
            } else if !word.is_empty() {
                let frequency = match frequency {
                    Some(frequency) => frequency as usize,
                    None => jieba.lowest_frequency(&word),
                };
                self.size.add(&word, frequency as u64)?;
                jieba.add(&word, frequency, tag);
            }
        }
        self.user_words.push_str(dictionary.trim_end());
        self.user_words.push('\n');
        Ok(left_out)
    }

    /// The user dictionaries added so far, concatenated.
    pub fn user_dictionary(&self) -> &str {
        &self.user_words
    }

    /// The words of `post` in order. Their byte ranges lie on character boundaries and do not overlap.
    ///
    /// ```
    /// use model_core::text::Segmenter;
    ///
    /// let words = Segmenter::new().words("Good morning @ann");
    /// let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    /// assert_eq!(texts[..2], ["good", "morning"]);
    /// ```
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

    /// The part of speech of `word` in the tags of the Chinese dictionary; `None` without a dictionary, or if `word` is not
    /// in it or has none there.
    pub fn dictionary_tag<'a>(&'a self, word: &'a str) -> Option<&'a str> {
        self.chinese.as_ref()?.tag(word)
    }

    /// Adds the words of the run of Han characters at byte `at` and returns the length of the run.
    fn chinese(&self, text: &str, at: usize, words: &mut Words) -> usize {
        let rest = &text[at..];
        let length = rest
            .find(|character| !is_han(character))
            .unwrap_or(rest.len());
        let run = &rest[..length];
        match &self.chinese {
            Some(jieba) => {
                let mut start = at;
                for word in jieba.words(run) {
                    words.push(word, start, word.len());
                    start += word.len();
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

/// The sum of the frequencies in a dictionary. A number that is none is left to jieba, which names its line.
fn frequencies(dictionary: &[u8]) -> u64 {
    let text = std::str::from_utf8(dictionary).unwrap_or_default();
    let fields = (text.lines()).filter_map(|line| line.split_whitespace().nth(1));
    fields
        .filter_map(|field| field.parse::<u64>().ok())
        .fold(0, u64::saturating_add)
}

/// The frequency in a field of a user dictionary: digits and nothing else.
fn frequency_of(field: &str) -> Option<u64> {
    let is_number = field.bytes().all(|byte| byte.is_ascii_digit());
    let frequency = field.parse().ok().filter(|_| is_number);
    frequency.filter(|&frequency: &u64| frequency <= MOST_FREQUENT)
}

/// Whether a field of a user dictionary is a part of speech. None of jieba's begins with a digit, as misspelt frequencies do.
fn is_tag(field: &str) -> bool {
    field.starts_with(|first: char| first.is_ascii_alphabetic())
        && field.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// The error of an invalid dictionary in one line. jieba quotes the line at fault with its line break.
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
    /// Adds `word`, found in `length` bytes at byte `at` of the folded post, unless it is empty.
    fn push(&mut self, word: &str, at: usize, length: usize) {
        if word.is_empty() {
            return;
        }
        let text = &word[..word.floor_char_boundary(LONGEST_WORD)];
        let original = self.folded.original(at..at + length);
        // One character of the post can fold to several words. Only the first has a place in the post.
        if self
            .words
            .last()
            .is_some_and(|last| last.end > original.start)
        {
            return;
        }
        self.words.push(Word {
            text: text.to_owned(),
            start: original.start,
            end: original.end,
            is_cut: text.len() < word.len(),
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
    // _emphasis_ is the same word as emphasis.
    let word = segment.trim_end_matches('_');
    let digits = || word.chars().filter(|letter| letter.is_numeric()).count();
    let word = match word {
        // Remains of HTML tags in the Blog Authorship Corpus.
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
    // A fast path for nearly all English words, which halves the time: letters, and after them nothing that can continue a
    // word.
    let letters = text.bytes().take_while(u8::is_ascii_lowercase).count();
    let ends = |next: &u8| next.is_ascii() && !next.is_ascii_digit() && !b"'.:_".contains(next);
    if letters > 0 && text.as_bytes().get(letters).is_none_or(ends) {
        return &text[..letters];
    }
    text.split_word_bounds().next().unwrap_or(text)
}

/// The length of the first word in a segment that may contain dots or colons: hasty writers omit the space after a full
/// stop. Abbreviations (`u.s`) and numbers (`3.5`) stay whole.
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
