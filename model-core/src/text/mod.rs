//! From a post to its words, the same in training and serving.
//!
//! A post is first folded to one spelling, then cut. What becomes a word:
//!
//! | in the post | words |
//! |---|---|
//! | words of most scripts | lower-cased, at Unicode word boundaries (UAX #29): `Don’t` is `don't` |
//! | Chinese | as jieba cuts it, with a dictionary; else a word a character |
//! | links, e-mail addresses, @names | `<url>`, `<email>`, `<user>`, as are the masks of these names |
//! | numbers of five digits or more | `<num>`; shorter ones (ages, years) are words |
//! | #topic# and #tag | the words of the topic, without the marks |
//! | emoji | one word each, whole sequences with skin tones, flags and families |
//! | `[哈哈]`, `:-)`, `^_^` | one word each |
//! | punctuation and symbols | one word a run of the same sign: `.` `,` `!!!`; `…` for two dots or more |
//! | a character more than three times in a row | three times: `soooooo` is `sooo` |

mod fold;
mod pattern;

use std::io::BufRead;

use jieba_rs::Jieba;
use thiserror::Error;
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};
use unicode_segmentation::UnicodeSegmentation;

use fold::Folded;

/// Numbers with at least this many digits are one word, `<num>`.
const LONG_NUMBER: usize = 5;

/// A word of a post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The folded form, which the vocabulary knows it by.
    pub text: String,
    /// The byte in the original post at which the word starts.
    pub start: usize,
    /// The byte in the original post after the word's last.
    pub end: usize,
}

/// Why a dictionary cannot be used.
#[derive(Debug, Error)]
pub enum TextError {
    /// It cannot be read, is no text, or has a line that is none of a dictionary.
    #[error("the Chinese dictionary cannot be read: {0}")]
    Dictionary(#[source] jieba_rs::Error),
    /// It holds no word, so everything would be cut as if there were none.
    #[error(
        "the Chinese dictionary holds no word; expected lines of a word, its frequency and its tag"
    )]
    EmptyDictionary,
}

/// Cuts posts into words.
#[derive(Clone, Debug, Default)]
pub struct Segmenter {
    chinese: Option<Jieba>,
}

impl Segmenter {
    /// A segmenter without a Chinese dictionary: every Han character is a word.
    pub fn new() -> Self {
        Self::default()
    }

    /// A segmenter that cuts Chinese as jieba does with this dictionary: a line a word, its frequency and its
    /// part of speech, separated by spaces, uncompressed.
    ///
    /// # Errors
    /// What cannot be read as such a dictionary, or holds no word.
    pub fn with_dictionary(mut dictionary: impl BufRead) -> Result<Self, TextError> {
        let jieba = Jieba::with_dict(&mut dictionary).map_err(TextError::Dictionary)?;
        Ok(Self {
            chinese: Some(jieba),
        })
    }

    /// The words of `post` in order. Their byte ranges do not overlap.
    pub fn words(&self, post: &str) -> Vec<Word> {
        let folded = fold::fold(post);
        let mut words = Words {
            folded: &folded,
            words: Vec::with_capacity(post.len() / 5),
        };
        let mut at = 0;
        while at < folded.text.len() {
            at += self.next(&mut words, at);
        }
        words.words
    }

    /// Adds the word or words at byte `at` of the folded text and returns how many bytes they take.
    fn next(&self, words: &mut Words, at: usize) -> usize {
        let text = words.folded.text.as_str();
        let rest = &text[at..];
        let Some(first) = rest.chars().next() else {
            return 1;
        };
        if first == ' ' {
            return 1;
        }
        if is_han(first) {
            return self.chinese(words, at);
        }
        if let Some((length, word)) = special(text, at, first) {
            words.push(word.unwrap_or(&rest[..length]), at, length);
            return length;
        }
        let segment = rest.split_word_bounds().next().unwrap_or(rest);
        if segment.starts_with(char::is_alphanumeric) || segment.contains(char::is_alphanumeric) {
            let digits = segment.bytes().filter(u8::is_ascii_digit).count();
            let is_number = digits >= LONG_NUMBER && !segment.contains(char::is_alphabetic);
            words.push(
                if is_number { pattern::NUMBER } else { segment },
                at,
                segment.len(),
            );
        } else if first != '#' && segment.contains(is_symbol) {
            words.push(segment, at, segment.len());
        }
        segment.len()
    }

    /// Adds the words of the run of Han characters at byte `at`.
    fn chinese(&self, words: &mut Words, at: usize) -> usize {
        let rest = &words.folded.text[at..];
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

/// The words found so far.
struct Words<'a> {
    folded: &'a Folded,
    words: Vec<Word>,
}

impl Words<'_> {
    /// Adds `text`, found in `length` bytes at byte `at` of the folded post.
    fn push(&mut self, text: &str, at: usize, length: usize) {
        let original = self.folded.original(at..at + length);
        // One character of the post can fold to several words; it is evidence for the first only.
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
        });
    }
}

/// The pattern or sign at byte `at`, which starts with `first`: its length, and its word if that is not its text.
fn special(text: &str, at: usize, first: char) -> Option<(usize, Option<&'static str>)> {
    let rest = &text[at..];
    let whole = |length: usize| (length, None);
    match first {
        'a'..='z' | '0'..='9' => {
            if let Some(length) = pattern::link(rest) {
                return Some((length, Some(pattern::URL)));
            }
            pattern::email(rest).map(|length| (length, Some(pattern::EMAIL)))
        }
        '@' if !text[..at].ends_with(char::is_alphanumeric) => {
            pattern::user(rest).map(|length| (length, Some(pattern::USER)))
        }
        '<' => pattern::mask(rest)
            .map(|(length, word)| (length, Some(word)))
            .or_else(|| pattern::drawn_emoticon(rest).map(whole)),
        '[' => pattern::bracket_emoticon(rest).map(whole),
        ':' | ';' | '=' | '^' | '-' | '>' | '*' | '~' => pattern::drawn_emoticon(rest).map(whole),
        _ => None,
    }
    .or_else(|| run_of_signs(rest, first))
}

/// A run of one sign, or of dots.
fn run_of_signs(rest: &str, first: char) -> Option<(usize, Option<&'static str>)> {
    if first.is_alphanumeric() || matches!(first, '#' | '_') {
        return None;
    }
    if matches!(first, '.' | '…') {
        let length = rest
            .find(|sign| !matches!(sign, '.' | '…'))
            .unwrap_or(rest.len());
        return Some((length, (length > 1).then_some("…")));
    }
    if first.is_ascii_punctuation() {
        let length = rest.find(|sign| sign != first).unwrap_or(rest.len());
        return Some((length, None));
    }
    None
}

/// Signs that stand for themselves: emoji, hearts, arrows, currencies, punctuation of any script.
fn is_symbol(character: char) -> bool {
    matches!(
        character.general_category_group(),
        GeneralCategoryGroup::Symbol | GeneralCategoryGroup::Punctuation
    )
}

/// Whether a character is written in Chinese words.
fn is_han(character: char) -> bool {
    matches!(character,
        '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{3005}' | '\u{3007}' | '\u{F900}'..='\u{FAFF}'
        | '\u{20000}'..='\u{3FFFF}')
}
