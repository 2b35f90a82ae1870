//! The logits of a trained model for labelled users, and its calibration fitted to them.

use futures_lite::future::block_on;
use model_core::{
    bundle::{Settings, ValidationStatus},
    language::Language,
    predictor::{PredictError, Predictor},
    vocabulary::Vocabulary,
};

use crate::training::{
    calibration::{self, LENGTHS, MOMENT_LENGTHS, Scored, class_moments},
    examples::Example,
    reference_corpus::{users_of_reference_corpus, word_frequencies},
};

/// Labelled texts in one language, `[task][text]`.
pub type Texts = Vec<Vec<Scored>>;

/// The logits of each user's first `words` words, by task, of the users who write `language` and have a label. A model of one
/// language takes all texts to be in it.
pub fn texts(
    predictor: &Predictor,
    users: &[&Example],
    words: usize,
    language: Option<Language>,
) -> Result<Texts, PredictError> {
    let reader = predictor.reader();
    let users: Vec<&Example> = (users.iter().copied())
        .filter(|user| is_in(&user.words, language, &reader.vocabulary))
        .collect();
    let slices: Vec<&[u32]> = (users.iter())
        .map(|user| &user.words[..user.words.len().min(words)])
        .collect();
    let logits = block_on(predictor.logits(&slices))?;
    let mut texts = vec![Vec::new(); predictor.attributes().len()];
    for ((user, slice), logits) in users.iter().zip(&slices).zip(logits) {
        for (task, logits) in logits.into_iter().enumerate() {
            if let Some(classes) = user.classes_of(task) {
                texts[task].push(Scored {
                    logits,
                    classes,
                    words: slice.len(),
                });
            }
        }
    }
    Ok(texts)
}

/// Whether a text is in a language; a model of one language takes all texts to be in it.
fn is_in(text: &[u32], language: Option<Language>, vocabulary: &Vocabulary) -> bool {
    language.is_none_or(|language| Language::of(text, vocabulary) == language)
}

/// The [`texts`] cut to each of [`MOMENT_LENGTHS`], with this length; the last are whole.
pub fn texts_by_length(
    predictor: &Predictor,
    users: &[&Example],
    language: Option<Language>,
) -> Result<Vec<(usize, Texts)>, PredictError> {
    (MOMENT_LENGTHS.into_iter())
        .map(|words| Ok((words, texts(predictor, users, words, language)?)))
        .collect()
}

/// The texts of one task of all lengths.
pub fn of_task(by_length: &[(usize, Texts)], task: usize) -> Vec<(usize, &[Scored])> {
    (by_length.iter())
        .map(|(words, tasks)| (*words, tasks[task].as_slice()))
        .collect()
}

/// The settings of a model with its calibration fitted anew to validation users, for its own base rates and so that confident
/// predictions have this accuracy, and with the word frequencies of the training users. An attribute without labels in a
/// language keeps its calibration there.
pub fn recalibrated(
    predictor: &Predictor,
    training: &[&Example],
    validation: &[&Example],
    accuracy: f64,
) -> Result<Settings, PredictError> {
    let mut settings = predictor.settings().clone();
    let vocabulary = &predictor.reader().vocabulary;
    let word_frequencies = |language: Option<Language>| {
        let is_in = |user: &&Example| is_in(&user.words, language, vocabulary);
        word_frequencies(training.iter().copied().filter(is_in), vocabulary)
    };
    settings.word_frequencies = (settings.languages().into_iter())
        .map(word_frequencies)
        .collect();
    for language in settings.languages() {
        let mut all = texts(predictor, validation, usize::MAX, language)?;
        for length in LENGTHS {
            let longer: Vec<&Example> = (validation.iter().copied())
                .filter(|user| user.words.len() > length)
                .collect();
            let cut = texts(predictor, &longer, length, language)?;
            for (all, cut) in all.iter_mut().zip(cut) {
                all.extend(cut);
            }
        }
        for (task, all) in all.iter().enumerate() {
            let attribute = &settings.attributes[task];
            let before = settings.calibration(task, language);
            let fitted = match before.status {
                ValidationStatus::Transferred => settings.calibrations[task].clone().transferred(),
                ValidationStatus::Measured if all.is_empty() => continue,
                ValidationStatus::Measured => {
                    let base_rates = before.calibration.base_rates(attribute.classes.len());
                    let mut fitted = calibration::measured(all, attribute, &base_rates, accuracy);
                    let labelled = validation.iter().copied().filter(|user| {
                        user.classes_of(task).is_some() && is_in(&user.words, language, vocabulary)
                    });
                    let users: Vec<&Example> = users_of_reference_corpus(labelled).collect();
                    let by_length = texts_by_length(predictor, &users, language)?;
                    let by_length = of_task(&by_length, task);
                    fitted.moments = class_moments(&by_length, attribute, &fitted.calibration);
                    fitted
                }
            };
            *settings.calibration_mut(task, language) = fitted;
        }
    }
    Ok(settings)
}
