//! Predictions in words, and the distributions that the page shows.

use model_core::base_rates::BaseRates;
use model_core::card::{AttributeFigures, ModelCard};
use model_core::language::Language;
use model_core::population::{PopulationEstimate, TextCheck};
use model_core::prediction::{AttributePrediction, Named, UserPrediction};

use crate::batch::{BrokenFile, State};
use crate::labels::percent;
use crate::locale::Locale;
use crate::protocol::Reason;

/// With fewer known words than this, the page says that they are too few.
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

/// The most probable class of those that are shown first, all of them, and whether it reaches the confidence threshold.
pub fn first(prediction: &AttributePrediction) -> (Option<&str>, &Named<f32>, bool) {
    match &prediction.coarse {
        Some(coarse) => (
            coarse.label.as_deref(),
            &coarse.probabilities,
            coarse.confident,
        ),
        None => (
            prediction.label.as_deref(),
            &prediction.probabilities,
            prediction.confident,
        ),
    }
}

/// The distribution that is shown first: over the coarse classes, or over the classes where there are none.
pub fn coarse(prediction: &AttributePrediction) -> Distribution {
    let (label, probabilities, confident) = first(prediction);
    Distribution {
        label: label.map(str::to_owned),
        confident,
        probabilities: probabilities.clone(),
    }
}

/// The most probable class of those that are shown first, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Best {
    /// Its name.
    pub label: String,
    /// Its probability.
    pub share: String,
    /// Whether it reaches the confidence threshold.
    pub confident: bool,
}

/// The most probable class of those that are shown first; `None` if the model knows no word of the text.
pub fn best(prediction: &AttributePrediction, locale: Locale) -> Option<Best> {
    let shown = coarse(prediction);
    let label = shown.label?;
    let share = *shown.probabilities.get(&label)?;
    Some(Best {
        label: locale.name(&label),
        share: percent(share),
        confident: shown.confident,
    })
}

/// The most probable class of each attribute in a sentence, for screen readers.
pub fn announcement(prediction: &UserPrediction, locale: Locale) -> String {
    let attributes = prediction.predictions.iter();
    let sentences = attributes.filter_map(|(name, prediction)| {
        let Best {
            label,
            share,
            confident,
        } = best(prediction, locale)?;
        let key = if confident {
            "announcement"
        } else {
            "announcement_not_sure"
        };
        let announcement = locale.format(
            key,
            &[
                ("attribute", &locale.name(name)),
                ("label", &label),
                ("share", &share),
            ],
        );
        let transferred = locale.t("transferred");
        Some(match prediction.transferred {
            true => locale.format(
                "announcement_transferred",
                &[
                    ("announcement", &announcement),
                    ("transferred", &transferred),
                ],
            ),
            false => announcement,
        })
    });
    sentences.collect::<Vec<_>>().join(" ")
}

/// Whether an attribute was validated on writers in the text's language; `None` for a model of one language.
pub fn validation(
    prediction: &UserPrediction,
    attribute: &str,
    locale: Locale,
) -> Option<&'static str> {
    prediction.language?;
    let prediction = prediction.predictions.get(attribute)?;
    Some(match prediction.transferred {
        true => locale.t("transferred"),
        false => locale.t("measured"),
    })
}

/// Which base rates predictions assume, in a sentence.
pub fn base_rates(base_rates: &BaseRates, locale: Locale) -> &'static str {
    locale.t(match base_rates {
        BaseRates::Equal => "base_rates_equal",
        BaseRates::Corpus => "base_rates_corpus",
        BaseRates::Given(_) => "base_rates_given",
    })
}

/// The name of an attribute in test figures, with the language if the model reads two, the corpus if it was tested on
/// several, and a mark if the model was adapted to the writers.
pub fn figures_name(figures: &AttributeFigures, locale: Locale) -> String {
    let name = locale.name(&figures.attribute);
    let name = match figures.language {
        Some(Language::Chinese) => locale.format("attribute_chinese", &[("attribute", &name)]),
        Some(Language::Other) => locale.format("attribute_not_chinese", &[("attribute", &name)]),
        None => name,
    };
    let name = match &figures.corpus {
        Some(corpus) => format!("{name}, {corpus}"),
        None => name,
    };
    match figures.adapted {
        true => locale.format("attribute_adapted", &[("attribute", &name)]),
        false => name,
    }
}

/// On which writers the figures of a card were measured, of which there are some.
pub fn figures_caption(card: &ModelCard, locale: Locale) -> String {
    let caption = locale.t(match card.refit {
        true => "refit_figures_caption",
        false => "figures_caption",
    });
    let is_adapted = |figures: &AttributeFigures| figures.adapted;
    match card.figures.as_slice() {
        figures if figures.iter().all(is_adapted) => locale.t("adapted_figures_caption").into(),
        figures if figures.iter().any(is_adapted) => {
            format!("{caption} {}", locale.t("some_adapted_figures"))
        }
        _ => caption.into(),
    }
}

/// The warning of texts that are unlike those of the training users; `None` for others.
pub fn unlike(check: &TextCheck, locale: Locale) -> Option<String> {
    let divergence = check.divergence.filter(|_| check.unlike)?;
    let decimals = |value: f64| format!("{value:.2}");
    let warning = locale.format(
        "unlike",
        &[
            ("divergence", &decimals(divergence.value)),
            ("largest", &decimals(divergence.largest)),
            ("known", &percent(check.known_words as f32)),
        ],
    );
    let key = match check.language {
        Some(Language::Chinese) => "unlike_chinese",
        Some(Language::Other) => "unlike_not_chinese",
        None => return Some(warning),
    };
    Some(locale.format(key, &[("warning", &warning)]))
}

/// Why an attribute has no estimated shares.
pub fn not_estimated(estimate: &PopulationEstimate, locale: Locale) -> &'static str {
    // Models of two languages lack measurements in one of them, others lack them altogether.
    let reads_two = (estimate.texts.iter()).any(|check| check.language.is_some());
    locale.t(match reads_two {
        true => "not_estimated_in_language",
        false => "not_estimated",
    })
}

/// How many of the text's words the model knows. It reads only `max_words` of a longer text.
pub fn words_used(prediction: &UserPrediction, max_words: usize, locale: Locale) -> String {
    let (words, known) = (prediction.words, prediction.known_words);
    if words == 0 {
        return locale.t("no_words").into();
    }
    if known == 0 {
        return locale.t("no_known_words").into();
    }
    let words_used = match words < max_words {
        true => locale.plural("words_used", words, &[("known", &known)]),
        false => locale.format("words_cut", &[("words", &words), ("known", &known)]),
    };
    match known < FEW_WORDS {
        true => locale.format("few_words_used", &[("words_used", &words_used)]),
        false => words_used,
    }
}

/// What kept a run over files from its end or from predicting any writer, in sentences; empty if nothing did.
pub fn outcome(state: &State, done: usize, broken: &[BrokenFile], locale: Locale) -> String {
    let sentence = |BrokenFile { name, reason }: &BrokenFile| {
        let error = locale.reason(reason);
        let key = match reason {
            Reason::BrokenFile(_) => "file_failed",
            _ => "file_not_opened",
        };
        locale.format(key, &[("file", name), ("error", &error)])
    };
    let mut sentences: Vec<String> = broken.iter().map(sentence).collect();
    match state {
        State::Cancelled => sentences.push(locale.t("file_cancelled").into()),
        State::Failed(reason) if broken.iter().all(|file| file.reason != *reason) => {
            let error = locale.reason(reason);
            sentences.push(locale.format("run_failed", &[("error", &error)]));
        }
        State::Finished if done == 0 => sentences.push(locale.t("no_writers").into()),
        State::Failed(_) | State::Running | State::Finished => {}
    }
    sentences.join(" ")
}

#[cfg(test)]
mod tests {
    use model_core::population::Divergence;
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
        let shown = Best {
            label: "13–17".into(),
            share: "60%".into(),
            confident: true,
        };
        assert_eq!(best(age, Locale::English), Some(shown));
        assert_eq!(
            announcement(&prediction, Locale::English),
            "Age: 13–17, 60%. Gender: not sure; most likely Female, 75%."
        );
    }

    #[test]
    fn a_short_text_has_a_warning() {
        let used = |words, known| words_used(&prediction(words, known), 201, Locale::English);
        assert_eq!(used(200, 180), "The model knows 180 of 200 words.");
        assert!(used(10, 9).contains("too little for more than a guess"));
        assert!(used(10, 0).contains("none of the words"));
        assert!(used(0, 0).contains("contains no words"));
        assert_eq!(announcement(&prediction(10, 0), Locale::English), "");
    }

    #[test]
    fn all_words_of_a_text_that_was_cut_off_were_said_to_be_read() {
        assert_eq!(
            words_used(&prediction(200, 180), 200, Locale::English),
            "The model reads only the first 200 words. It knows 180 of them."
        );
    }

    #[test]
    fn the_widget_warns_of_the_same_texts() {
        let widget = include_str!("../widget/locale.js");
        assert!(widget.contains(&format!("const FEW_WORDS = {FEW_WORDS};")));
    }

    #[test]
    fn texts_unlike_those_of_the_training_users_have_a_warning() {
        let mut check = TextCheck {
            language: None,
            users: 40,
            words: 12.0,
            known_words: 0.42,
            divergence: Some(Divergence {
                value: 0.514,
                standard_error: 0.01,
                largest: 0.14,
            }),
            unlike: true,
        };
        let warning = unlike(&check, Locale::English).unwrap();
        let numbers = "diverge by 0.51, at most 0.14 in it; 42% of the words known";
        assert!(warning.contains(numbers), "{warning}");
        check.language = Some(Language::Chinese);
        let chinese = unlike(&check, Locale::English).unwrap();
        assert_eq!(chinese, format!("Chinese text: {warning}"));
        check.unlike = false;
        assert_eq!(unlike(&check, Locale::English), None);
    }

    #[test]
    fn each_broken_file_is_named_and_so_is_another_end() {
        let file = |name: &str, reason| BrokenFile {
            name: name.into(),
            reason,
        };
        let broken = [
            file("a.csv", Reason::BrokenFile("cut off".into())),
            file("b.jsonl", Reason::UnreadableFile("gone".into())),
        ];
        let end = |state: &State| outcome(state, 1, &broken, Locale::English);
        let both = "a.csv could not be read to its end: cut off. \
                    b.jsonl could not be opened: the browser cannot read it (gone).";
        assert_eq!(end(&State::Running), both);
        assert_eq!(end(&State::Failed(broken[1].reason.clone())), both);
        let cancelled = Locale::English.t("file_cancelled");
        assert_eq!(end(&State::Cancelled), format!("{both} {cancelled}"));
        let failed = State::Failed(Reason::NoModel);
        let ended = "The run ended early: there is no such model.";
        assert_eq!(end(&failed), format!("{both} {ended}"));
        let alone = |state: &State, done| outcome(state, done, &[], Locale::English);
        assert_eq!(alone(&failed, 1), ended);
        assert_eq!(alone(&State::Finished, 1), "");
    }

    #[test]
    fn of_an_empty_file_only_the_number_of_writers_was_said() {
        let outcome = outcome(&State::Finished, 0, &[], Locale::English);
        assert_eq!(outcome, "No text of a writer was found.");
    }

    #[test]
    fn a_model_of_two_languages_has_a_validation_status() {
        let locale = Locale::English;
        let mut prediction = prediction(200, 180);
        assert_eq!(validation(&prediction, "age", locale), None);
        prediction.language = Some(Language::Chinese);
        prediction.predictions.0[0].1.transferred = true;
        assert_eq!(
            validation(&prediction, "age", locale),
            Some(locale.t("transferred"))
        );
        assert_eq!(
            validation(&prediction, "gender", locale),
            Some(locale.t("measured"))
        );
        let announced = announcement(&prediction, locale);
        assert_eq!(
            announced.matches(locale.t("transferred")).count(),
            1,
            "{announced}"
        );
    }
}
