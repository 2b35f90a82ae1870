//! The logits of a trained model for labelled users, and its calibration fitted to them.

use futures_lite::future::block_on;
use model_core::{
    bundle::{Settings, ValidationStatus},
    language::Language,
    predictor::{PredictError, Predictor},
};

use crate::training::{
    calibration::{self, LENGTHS, MOMENT_LENGTHS, Scored, class_moments},
    examples::Example,
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
    let is_in = |user: &&Example| {
        language.is_none_or(|language| Language::of(&user.words, &reader.vocabulary) == language)
    };
    let users: Vec<&Example> = users.iter().copied().filter(is_in).collect();
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
/// predictions have this accuracy. An attribute without labels in a language keeps its calibration there.
pub fn recalibrated(
    predictor: &Predictor,
    validation: &[&Example],
    accuracy: f64,
) -> Result<Settings, PredictError> {
    let mut settings = predictor.settings().clone();
    for language in settings.languages() {
        let by_length = texts_by_length(predictor, validation, language)?;
        let mut all: Texts = by_length
            .last()
            .map_or_else(Texts::new, |(_, whole)| whole.clone());
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
