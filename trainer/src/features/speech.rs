//! Parts of speech, as universal tags (universaldependencies.org).
//!
//! English is tagged by the Brill tagger of the spelling checker Harper, whose model is part of its crate. A word that it
//! does not know is tagged by its ending. A Chinese word has the tag of the segmenter's dictionary (jieba's, of the Peking
//! University tag set); a word outside the dictionary is a noun. Words of other languages are tagged as English ones, so
//! nearly all of them become nouns.

use std::sync::Arc;

use harper_brill::{BrillTagger, FreqDict, Tagger as _, UPOS, brill_tagger};
use model_core::text::{Segmenter, Word};

/// A universal part of speech.
pub type PartOfSpeech = UPOS;

/// A word, half of a contraction, or a sign of punctuation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The text that was tagged, in lower case.
    pub text: String,
    /// Its part of speech.
    pub part: PartOfSpeech,
}

/// Tags the words of posts.
pub struct Tagger<'a> {
    segmenter: &'a Segmenter,
    english: Arc<BrillTagger<FreqDict>>,
}

impl<'a> Tagger<'a> {
    /// A tagger for the words of `segmenter`.
    pub fn new(segmenter: &'a Segmenter) -> Self {
        Self {
            segmenter,
            english: brill_tagger(),
        }
    }

    /// The tokens of `post`, whose words are `words`. A contraction is two tokens (`do`, `n't`), and the punctuation between
    /// clauses is a token although it is not a word. A post without words has no tokens.
    pub fn tokens(&self, post: &str, words: &[Word]) -> Vec<Token> {
        if words.is_empty() {
            return Vec::new();
        }
        let mut texts = Vec::with_capacity(words.len() * 5 / 4);
        let mut end = 0;
        for word in words {
            texts.extend(signs(&post[end..word.start]).map(String::from));
            let (stem, clitic) = contraction(&word.text).unwrap_or((&word.text, ""));
            texts.push(shortened(stem));
            if !clitic.is_empty() {
                texts.push(clitic.to_owned());
            }
            end = word.end;
        }
        // The rest may be text beyond the maximum number of words, of which only the punctuation at its start counts.
        let rest = &post[end..];
        let rest = &rest[..rest.find(char::is_alphanumeric).unwrap_or(rest.len())];
        texts.extend(signs(rest).map(String::from));
        let tags = self.english.tag_sentence(&texts);
        (texts.into_iter().zip(tags))
            .map(|(text, tag)| Token {
                part: tag.unwrap_or_else(|| self.unknown(&text)),
                text,
            })
            .collect()
    }

    /// The part of speech of a token that the English tagger does not know.
    fn unknown(&self, text: &str) -> PartOfSpeech {
        match text {
            "<user>" => UPOS::PROPN,
            "<num>" => UPOS::NUM,
            "<url>" | "<email>" => UPOS::SYM,
            _ if text.starts_with(['!', '?', '…']) => UPOS::PUNCT,
            _ if !text.contains(char::is_alphanumeric) => UPOS::SYM,
            _ if text.starts_with('[') => UPOS::SYM,
            _ if text.starts_with(|first: char| first.is_ascii_digit()) => UPOS::NUM,
            _ if text.is_ascii() => by_ending(text),
            _ => (self.segmenter.dictionary_tag(text))
                .map_or(UPOS::NOUN, |tag| from_dictionary(text, tag)),
        }
    }
}

/// The punctuation between clauses in the text between two words, in its ASCII form.
fn signs(between: &str) -> impl Iterator<Item = char> {
    between.chars().filter_map(|sign| match sign {
        '.' | '。' | '｡' => Some('.'),
        ',' | '，' | '、' | '､' => Some(','),
        ':' | '：' => Some(':'),
        ';' | '；' => Some(';'),
        '(' | '（' => Some('('),
        ')' | '）' => Some(')'),
        _ => None,
    })
}

/// The second parts of contractions.
const CLITICS: [&str; 7] = ["n't", "'m", "'s", "'re", "'ve", "'ll", "'d"];

/// Contractions without an apostrophe, which are common in blogs, as far as they are not other words.
const BARE_CONTRACTIONS: [(&str, &str, &str); 29] = [
    ("im", "i", "'m"),
    ("ive", "i", "'ve"),
    ("youre", "you", "'re"),
    ("youve", "you", "'ve"),
    ("hes", "he", "'s"),
    ("shes", "she", "'s"),
    ("thats", "that", "'s"),
    ("whats", "what", "'s"),
    ("theres", "there", "'s"),
    ("theyre", "they", "'re"),
    ("dont", "do", "n't"),
    ("doesnt", "does", "n't"),
    ("didnt", "did", "n't"),
    ("cant", "ca", "n't"),
    ("couldnt", "could", "n't"),
    ("wont", "wo", "n't"),
    ("wouldnt", "would", "n't"),
    ("shouldnt", "should", "n't"),
    ("isnt", "is", "n't"),
    ("arent", "are", "n't"),
    ("aint", "is", "n't"),
    ("wasnt", "was", "n't"),
    ("werent", "were", "n't"),
    ("havent", "have", "n't"),
    ("hasnt", "has", "n't"),
    ("hadnt", "had", "n't"),
    ("gonna", "going", "to"),
    ("wanna", "want", "to"),
    ("gotta", "got", "to"),
];

/// The two parts of a contraction.
fn contraction(word: &str) -> Option<(&str, &str)> {
    let split = |clitic: &'static str| {
        let stem = word.strip_suffix(clitic)?;
        (!stem.is_empty()).then_some((stem, clitic))
    };
    if word.contains('\'') {
        return CLITICS.into_iter().find_map(split);
    }
    (BARE_CONTRACTIONS.iter())
        .find(|(whole, ..)| *whole == word)
        .map(|&(_, stem, clitic)| (stem, clitic))
}

/// `word` without the letters that lengthen it, which occur three times or more: `sooo` becomes `so`.
fn shortened(word: &str) -> String {
    let mut short = String::with_capacity(word.len());
    let mut letters = word.chars().peekable();
    while let Some(letter) = letters.next() {
        let mut rest = letters.clone();
        if letter.is_ascii_alphabetic()
            && rest.next() == Some(letter)
            && rest.next() == Some(letter)
        {
            letters = rest;
        }
        short.push(letter);
    }
    short
}

/// The most likely part of speech of an unknown English word, by its ending.
fn by_ending(word: &str) -> PartOfSpeech {
    let ends = |endings: &[&str]| endings.iter().any(|ending| word.ends_with(ending));
    if word.len() < 5 {
        UPOS::NOUN
    } else if ends(&["ly"]) {
        UPOS::ADV
    } else if ends(&["ing", "in'", "ed", "ise", "ize", "ify"]) {
        UPOS::VERB
    } else if ends(&[
        "able", "ible", "ful", "less", "ous", "ish", "ive", "al", "ic", "y",
    ]) {
        UPOS::ADJ
    } else {
        UPOS::NOUN
    }
}

/// The universal tag for a word's tag in jieba's dictionary. The first letter is a class of the Peking University tag set,
/// the others are subclasses.
fn from_dictionary(word: &str, tag: &str) -> PartOfSpeech {
    match tag {
        "nr" | "nrt" | "nrfg" | "ns" | "nt" | "nz" => UPOS::PROPN,
        "vn" | "an" => UPOS::NOUN,
        "ad" | "vd" => UPOS::ADV,
        "df" => UPOS::AUX,
        // Unclassified by the dictionary's authors: mostly nouns, but also these frequent words.
        "zg" => match word {
            "很" | "较" | "仍" | "甚" | "反" => UPOS::ADV,
            "此" | "您" => UPOS::PRON,
            "每" => UPOS::DET,
            "虽" | "且" => UPOS::CCONJ,
            "往" | "朝" => UPOS::ADP,
            "啊" | "嘛" | "呗" => UPOS::PART,
            _ => UPOS::NOUN,
        },
        _ => match tag.as_bytes().first() {
            Some(b'a' | b'b' | b'z') => UPOS::ADJ,
            Some(b'c') => UPOS::CCONJ,
            Some(b'd') => UPOS::ADV,
            Some(b'e' | b'o') => UPOS::INTJ,
            // Locatives after a noun: 里, 上.
            Some(b'f' | b'p') => UPOS::ADP,
            Some(b'h' | b'k' | b'u' | b'y') => UPOS::PART,
            // Idioms and set phrases mostly take the place of a verb.
            Some(b'i' | b'l' | b'v') => UPOS::VERB,
            Some(b'm') => UPOS::NUM,
            Some(b'r') => UPOS::PRON,
            _ => UPOS::NOUN,
        },
    }
}
