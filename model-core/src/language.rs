//! The language of a text, for models that read Chinese and another language.

use serde::{Deserialize, Serialize};

#[cfg(feature = "model")]
use crate::vocabulary::Vocabulary;

/// The language of a text, by its script.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub enum Language {
    /// Written in Chinese characters.
    #[serde(rename = "zh")]
    Chinese,
    /// Written in letters.
    #[serde(rename = "other")]
    Other,
}

/// Whether a character is a Han character, or 々 or 〇, which stand in Chinese words.
///
/// The blocks of the characters, and not the script property of the crate unicode-script: its table adds 25 kB to the page,
/// and a lookup takes 27 ns instead of 2, for each character of each text.
pub fn is_han(character: char) -> bool {
    matches!(character,
        '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{3005}' | '\u{3007}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

impl Language {
    /// Its name in files.
    pub fn code(self) -> &'static str {
        match self {
            Self::Chinese => "zh",
            Self::Other => "other",
        }
    }
}

#[cfg(feature = "model")]
impl Language {
    /// The language of most words of a text of word ids. Signs, numbers, emoji and masks do not count. A tie, or a text
    /// without words that count, is [`Other`](Self::Other).
    pub fn of(text: &[u32], vocabulary: &Vocabulary) -> Self {
        let (mut chinese, mut other) = (0_usize, 0);
        for word in text.iter().filter_map(|&id| vocabulary.word(id)) {
            if word.contains(is_han) {
                chinese += 1;
            } else if word.starts_with(char::is_alphabetic) {
                other += 1;
            }
        }
        if chinese > other {
            Self::Chinese
        } else {
            Self::Other
        }
    }
}

#[cfg(all(test, feature = "model"))]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_that_of_most_words() {
        let words = ["今天", "coffee", "shop", "!", "😋", "<url>", "24", "好"];
        let vocabulary = Vocabulary::new(words.map(String::from).to_vec()).unwrap();
        let of = |words: &str| {
            let ids: Vec<u32> = words.split(' ').map(|word| vocabulary.id(word)).collect();
            Language::of(&ids, &vocabulary)
        };
        assert_eq!(of("今天 coffee shop"), Language::Other);
        assert_eq!(of("今天 coffee 好 ! 😋"), Language::Chinese);
        assert_eq!(of("今天 <url> 24 ! unknown words"), Language::Chinese);
        assert_eq!(of("今天 coffee"), Language::Other);
        assert_eq!(of("! 😋"), Language::Other);
    }
}
