//! What a prediction comes to, in words.

use model_core::prediction::{AttributePrediction, Named, UserPrediction};

use crate::labels::{percent, title};

/// Fewer known words than this, and the page says how little that is.
const FEW_WORDS: usize = 100;

/// A distribution with its most probable class.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// The most probable class, `None` where the model had nothing to go by.
    pub label: Option<String>,
    /// The probability of each class.
    pub probabilities: Named<f32>,
}

/// The distribution over an attribute's classes.
pub fn classes(prediction: &AttributePrediction) -> Distribution {
    Distribution {
        label: prediction.label.clone(),
        probabilities: prediction.probabilities.clone(),
    }
}

/// The distribution that is shown first: over the groups, or the classes where there are none.
pub fn coarse(prediction: &AttributePrediction) -> Distribution {
    match &prediction.groups {
        Some(groups) => Distribution {
            label: groups.label.clone(),
            probabilities: groups.probabilities.clone(),
        },
        None => classes(prediction),
    }
}

/// The most probable class of each attribute in a sentence, for those who cannot see the bars.
pub fn spoken(prediction: &UserPrediction) -> String {
    let attributes = prediction.predictions.iter();
    let sentences = attributes.filter_map(|(name, prediction)| {
        let Distribution {
            label,
            probabilities,
        } = coarse(prediction);
        let label = label?;
        let probability = probabilities.get(&label)?;
        let (name, label, percent) = (title(name), title(&label), percent(*probability));
        Some(format!("{name}: {label}, {percent}."))
    });
    sentences.collect::<Vec<_>>().join(" ")
}

/// How much of the text the model could use.
pub fn words_used(prediction: &UserPrediction) -> String {
    let UserPrediction {
        words,
        known_words: known,
        ..
    } = prediction;
    match (words, known) {
        (0, _) => "There is no word in this text, so there is nothing to go by.".into(),
        (_, 0) => "The model knows not one word of this text, so there is nothing to go by.".into(),
        _ if *known < FEW_WORDS => {
            format!(
                "From {known} known words of {words}. That is little: take it as a guess, and add more text."
            )
        }
        _ => format!("From {known} known words of {words}."),
    }
}

#[cfg(test)]
mod tests {
    use model_core::prediction::GroupPrediction;

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
            probabilities: named(&[("13", 0.3), ("14", 0.3), ("33+", 0.4)]),
            groups: Some(GroupPrediction {
                label: label("13-17"),
                probabilities: named(&[("13-17", 0.6), ("33+", 0.4)]),
            }),
        };
        let gender = AttributePrediction {
            label: label("female"),
            probabilities: named(&[("female", 0.75), ("male", 0.25)]),
            groups: None,
        };
        UserPrediction {
            words,
            known_words,
            predictions: Named(vec![("age".into(), age), ("gender".into(), gender)]),
        }
    }

    #[test]
    fn groups_come_before_classes() {
        let prediction = prediction(200, 180);
        let age = prediction.predictions.get("age").unwrap();
        assert_eq!(coarse(age).label.as_deref(), Some("13-17"));
        assert_eq!(classes(age).label.as_deref(), Some("33+"));
        assert_eq!(spoken(&prediction), "Age: 13–17, 60%. Gender: Female, 75%.");
    }

    #[test]
    fn little_text_is_called_little() {
        assert_eq!(
            words_used(&prediction(200, 180)),
            "From 180 known words of 200."
        );
        assert!(words_used(&prediction(10, 9)).contains("take it as a guess"));
        assert!(words_used(&prediction(10, 0)).contains("not one word"));
        assert!(words_used(&prediction(0, 0)).contains("no word in this text"));
        assert_eq!(spoken(&prediction(10, 0)), "");
    }
}
