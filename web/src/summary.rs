//! Predictions in words, and the distributions that the page shows.

use model_core::card::AttributeFigures;
use model_core::prediction::{AttributePrediction, Named, UserPrediction};

use crate::language::{Language, Texts};

/// With fewer known words than this, the page warns that the text is short.
const FEW_WORDS: usize = 100;

/// A distribution with its most probable class.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// The most probable class; `None` if the model knows no word of the text.
    pub label: Option<String>,
    /// Whether it reaches the confidence threshold.
    pub confident: bool,
    /// The probability of each class.
    pub probabilities: Named<f32>,
}

/// The distribution over an attribute's classes.
pub fn classes(prediction: &AttributePrediction) -> Distribution {
    Distribution {
        label: prediction.label.clone(),
        confident: prediction.confident,
        probabilities: prediction.probabilities.clone(),
    }
}

/// The distribution that is shown first: over the coarse classes, or over the classes where there are none.
pub fn coarse(prediction: &AttributePrediction) -> Distribution {
    match &prediction.coarse {
        Some(coarse) => Distribution {
            label: coarse.label.clone(),
            confident: coarse.confident,
            probabilities: coarse.probabilities.clone(),
        },
        None => classes(prediction),
    }
}

/// A sentence for each attribute with its most probable class, for screen readers.
pub fn spoken(prediction: &UserPrediction, language: Language) -> String {
    let attributes = prediction.predictions.iter();
    let sentences = attributes.filter_map(|(name, prediction)| {
        let shown = coarse(prediction);
        let label = shown.label?;
        let probability = *shown.probabilities.get(&label)?;
        let texts = language.texts();
        let sentence = if shown.confident {
            texts.spoken
        } else {
            texts.spoken_unsure
        };
        let sentence = sentence(&language.name(name), &language.name(&label), probability);
        Some(match prediction.transferred {
            true => format!("{sentence} {}", texts.transferred),
            false => sentence,
        })
    });
    sentences.collect::<Vec<_>>().join(" ")
}

/// Whether an attribute was measured in the text's language or transferred to it; `None` for a model of one language.
pub fn basis(
    prediction: &UserPrediction,
    attribute: &str,
    texts: &'static Texts,
) -> Option<&'static str> {
    prediction.language?;
    let known = prediction.predictions.get(attribute)?;
    Some(match known.transferred {
        true => texts.transferred,
        false => texts.measured,
    })
}

/// The name of a row of test figures: the attribute, and the language if the model reads two.
pub fn figures_name(figures: &AttributeFigures, language: Language) -> String {
    let name = language.name(&figures.attribute);
    let [chinese, other] = language.texts().of_language;
    match figures.language {
        Some(model_core::language::Language::Chinese) => chinese(&name),
        Some(model_core::language::Language::Other) => other(&name),
        None => name,
    }
}

/// How many words of the text the model knows, and a warning if they are few.
pub fn words_used(prediction: &UserPrediction, texts: &Texts) -> String {
    match (prediction.words, prediction.known_words) {
        (0, _) => texts.no_words.into(),
        (_, 0) => texts.no_known_words.into(),
        (words, known) if known < FEW_WORDS => (texts.few_words)(known, words),
        (words, known) => (texts.words)(known, words),
    }
}

#[cfg(test)]
mod tests {
    use model_core::prediction::CoarsePrediction;

    use super::*;

    fn named(values: &[(&str, f32)]) -> Named<f32> {
        Named(
            values
                .iter()
                .map(|(name, value)| (name.to_string(), *value))
                .collect(),
        )
    }

    fn prediction(words: usize, known_words: usize) -> UserPrediction {
        let label = |label: &str| (known_words > 0).then(|| label.to_string());
        let age = AttributePrediction {
            label: label("33+"),
            confident: false,
            transferred: false,
            probabilities: named(&[("13", 0.3), ("14", 0.3), ("33+", 0.4)]),
            coarse: Some(CoarsePrediction {
                label: label("13-17"),
                confident: true,
                probabilities: named(&[("13-17", 0.6), ("33+", 0.4)]),
            }),
        };
        let gender = AttributePrediction {
            label: label("female"),
            confident: false,
            transferred: false,
            probabilities: named(&[("female", 0.75), ("male", 0.25)]),
            coarse: None,
        };
        UserPrediction {
            words,
            known_words,
            language: None,
            predictions: Named(vec![("age".into(), age), ("gender".into(), gender)]),
        }
    }

    #[test]
    fn coarse_classes_come_before_classes() {
        let prediction = prediction(200, 180);
        let age = prediction.predictions.get("age").unwrap();
        assert_eq!(coarse(age).label.as_deref(), Some("13-17"));
        assert_eq!(classes(age).label.as_deref(), Some("33+"));
        assert_eq!(
            spoken(&prediction, Language::English),
            "Age: 13–17, 60%. Gender: not sure; most likely Female, 75%."
        );
    }

    #[test]
    fn a_short_text_has_a_warning() {
        assert_eq!(
            words_used(&prediction(200, 180), Language::English.texts()),
            "From 180 known words of 200."
        );
        assert!(
            words_used(&prediction(10, 9), Language::English.texts())
                .contains("take it as a guess")
        );
        assert!(words_used(&prediction(10, 0), Language::English.texts()).contains("not one word"));
        assert!(
            words_used(&prediction(0, 0), Language::English.texts())
                .contains("no word in this text")
        );
        assert_eq!(spoken(&prediction(10, 0), Language::English), "");
    }

    #[test]
    fn models_of_two_languages_state_how_an_attribute_was_validated() {
        let texts = Language::English.texts();
        let mut prediction = prediction(200, 180);
        assert_eq!(basis(&prediction, "age", texts), None);
        prediction.language = Some(model_core::language::Language::Chinese);
        prediction.predictions.0[0].1.transferred = true;
        assert_eq!(basis(&prediction, "age", texts), Some(texts.transferred));
        assert_eq!(basis(&prediction, "gender", texts), Some(texts.measured));
        let said = spoken(&prediction, Language::English);
        assert_eq!(said.matches(texts.transferred).count(), 1, "{said}");
    }
}
