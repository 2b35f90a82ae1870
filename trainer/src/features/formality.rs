//! The F-measure of Heylighen and Dewaele (*Variation in the contextuality of language*, Foundations of Science 2002):
//! formal texts stand on their own, informal ones depend on the situation in which they were written.

use harper_brill::UPOS;
use serde::{Deserialize, Serialize};

use super::Token;

/// F = (noun + adjective + preposition + article − pronoun − verb − adverb − interjection + 100) / 2, where each term
/// is the percentage of words with this part of speech. The result is from 0 to 100, and higher is more formal. Proper
/// names count as nouns and auxiliaries as verbs. Punctuation and symbols do not count. `None` for a text without words.
pub fn f_measure<'a>(tokens: impl IntoIterator<Item = &'a Token>) -> Option<f64> {
    let mut words = 0i64;
    let mut difference = 0i64;
    for token in tokens {
        if matches!(token.part, UPOS::PUNCT | UPOS::SYM) {
            continue;
        }
        words += 1;
        difference += match token.part {
            UPOS::NOUN | UPOS::PROPN | UPOS::ADJ | UPOS::ADP => 1,
            UPOS::DET if matches!(token.text.as_str(), "a" | "an" | "the") => 1,
            UPOS::PRON | UPOS::VERB | UPOS::AUX | UPOS::ADV | UPOS::INTJ => -1,
            _ => 0,
        };
    }
    (words > 0).then(|| 50.0 * (difference + words) as f64 / words as f64)
}

/// The F-measure as a feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Formality {
    /// The largest value of the column; 0 leaves the column out.
    pub weight: f32,
}

impl Default for Formality {
    fn default() -> Self {
        Self { weight: 1.0 }
    }
}

impl Formality {
    /// Computes the mean and the standard deviation of the training users' F-measures.
    pub(super) fn fit(&self, f_measures: impl Iterator<Item = f64>) -> FittedFormality {
        let all: Vec<f64> = f_measures.collect();
        let users = all.len().max(1) as f64;
        let mean = all.iter().sum::<f64>() / users;
        let variance = all.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / users;
        FittedFormality {
            weight: self.weight,
            mean: mean as f32,
            deviation: variance.sqrt() as f32,
        }
    }
}

/// The F-measure, standardised by the training users.
#[derive(Clone, Debug, PartialEq)]
pub struct FittedFormality {
    weight: f32,
    mean: f32,
    deviation: f32,
}

/// The number of standard deviations from the mean at which the feature is clipped.
const REACH: f32 = 3.0;

impl FittedFormality {
    /// The feature's value: 0 at the training users' mean, ± the weight at three standard deviations and beyond.
    pub(super) fn value(&self, f_measure: f64) -> f32 {
        if self.deviation == 0.0 {
            return 0.0;
        }
        let deviations = (f_measure as f32 - self.mean) / self.deviation;
        self.weight * (deviations / REACH).clamp(-1.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(tagged: &[(&str, UPOS)]) -> Vec<Token> {
        let token = |&(text, part): &(&str, _)| Token {
            text: text.to_owned(),
            part,
        };
        tagged.iter().map(token).collect()
    }

    #[test]
    fn the_f_measure_agrees_with_counts_by_hand() {
        // 8 words: 3 nouns, 1 adjective, 1 preposition, 1 article; 1 verb, 1 pronoun. (75 − 25 + 100) / 2.
        let formal = tokens(&[
            ("the", UPOS::DET),
            ("old", UPOS::ADJ),
            ("dog", UPOS::NOUN),
            ("of", UPOS::ADP),
            ("london", UPOS::PROPN),
            ("bit", UPOS::VERB),
            ("her", UPOS::PRON),
            ("leg", UPOS::NOUN),
            (".", UPOS::PUNCT),
        ]);
        assert_eq!(f_measure(&formal), Some(75.0));
        // 5 words: an interjection, a pronoun, an auxiliary, an adverb; "this" is no article. (0 − 80 + 100) / 2.
        let chatty = tokens(&[
            ("wow", UPOS::INTJ),
            ("this", UPOS::DET),
            ("i", UPOS::PRON),
            ("is", UPOS::AUX),
            ("so", UPOS::ADV),
            (":-)", UPOS::SYM),
        ]);
        assert_eq!(f_measure(&chatty), Some(10.0));
        assert_eq!(f_measure(&tokens(&[("!", UPOS::PUNCT)])), None);
        assert_eq!(f_measure(&[]), None);
    }

    #[test]
    fn the_scale_is_that_of_the_training_users() {
        let fitted = Formality { weight: 2.0 }.fit([40.0, 50.0, 60.0].into_iter());
        let deviation = (200.0f32 / 3.0).sqrt();
        assert_eq!((fitted.mean, fitted.deviation), (50.0, deviation));
        assert_eq!(fitted.value(50.0), 0.0);
        assert!((fitted.value(50.0 + f64::from(deviation)) - 2.0 / 3.0).abs() < 1e-6);
        assert_eq!((fitted.value(0.0), fitted.value(100.0)), (-2.0, 2.0));
        let all_alike = Formality::default().fit([50.0, 50.0].into_iter());
        assert_eq!(all_alike.value(70.0), 0.0);
    }
}
