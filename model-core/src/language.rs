//! What a model that reads Chinese and another language knows of each.

use serde::{Deserialize, Serialize};

use crate::{temperature::Temperature, text::is_han, vocabulary::Vocabulary};

/// The language of a text, as far as its script tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Language {
    /// Written in Chinese characters.
    #[serde(rename = "zh")]
    Chinese,
    /// Written in letters.
    #[serde(rename = "other")]
    Other,
}

impl Language {
    /// The language of most words of a text of word ids, posts in several languages included; of none that tells, the other
    /// one. Signs, numbers, emoji and masks tell nothing.
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

/// How a model knows an attribute of writers in a language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// Its figures were measured on writers in this language.
    Measured,
    /// It was learned from writers in another language; nobody has measured what that is worth in this one.
    Transferred,
}

/// How one attribute is told of texts in Chinese, by a model that reads another language too.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InChinese {
    /// How it is known.
    pub basis: Basis,
    /// The calibration of its probabilities.
    pub temperature: Temperature,
    /// The probability from which on a prediction is called sure.
    pub sure_from: f32,
}

/// The least share of texts that a transferred attribute is taken to say nothing of, see [`Temperature::astray`]. With it the
/// most probable of many classes hardly gets beyond one half, whatever the network says.
const TRANSFERRED_ASTRAY: f32 = 0.5;
/// From which probability on a transferred attribute is called sure: only the sum over many classes gets there.
const TRANSFERRED_SURE_FROM: f32 = 0.8;

impl InChinese {
    /// An attribute measured on Chinese writers.
    pub fn measured(temperature: Temperature, sure_from: f32) -> Self {
        Self {
            basis: Basis::Measured,
            temperature,
            sure_from,
        }
    }

    /// An attribute transferred from the other language, in which it has this calibration.
    pub fn transferred(temperature: Temperature, sure_from: f32) -> Self {
        Self {
            basis: Basis::Transferred,
            temperature: Temperature {
                astray: temperature.astray.max(TRANSFERRED_ASTRAY),
                ..temperature
            },
            sure_from: sure_from.max(TRANSFERRED_SURE_FROM),
        }
    }
}

#[cfg(test)]
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

    #[test]
    fn what_is_transferred_never_looks_certain() {
        let known = InChinese::transferred(Temperature::ONE, 0.6);
        let sure = known
            .temperature
            .probabilities(&[1000.0, 0.0, 0.0, 0.0, 0.0], 5000);
        assert!(sure[0] < known.sure_from, "{sure:?}");
        let careful = Temperature {
            astray: 0.7,
            ..Temperature::ONE
        };
        let known = InChinese::transferred(careful, 0.9);
        assert_eq!((known.temperature, known.sure_from), (careful, 0.9));
        assert_eq!(InChinese::measured(careful, 0.6).temperature, careful);
    }
}
