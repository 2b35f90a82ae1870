//! The logits of a trained model for labelled users, and its calibration fitted to them.

use futures_lite::future::block_on;
use model_core::{
    bundle::{LanguageCalibration, Settings, ValidationStatus},
    language::Language,
    predictor::{PredictError, Predictor},
};

use crate::training::{
    calibration::{self, LENGTHS, Scored, class_moments},
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

/// [`texts`] of whole texts and of texts cut to each of [`LENGTHS`] that they exceed.
pub fn texts_of_all_lengths(
    predictor: &Predictor,
    users: &[&Example],
    language: Option<Language>,
) -> Result<Texts, PredictError> {
    let mut all = texts(predictor, users, usize::MAX, language)?;
    for length in LENGTHS {
        let longer: Vec<&Example> = (users.iter().copied())
            .filter(|user| user.words.len() > length)
            .collect();
        let cut = texts(predictor, &longer, length, language)?;
        for (all, cut) in all.iter_mut().zip(cut) {
            all.extend(cut);
        }
    }
    Ok(all)
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
        let all = texts_of_all_lengths(predictor, validation, language)?;
        for (task, all) in all.iter().enumerate() {
            let attribute = &settings.attributes[task];
            let before = settings.calibration(task, language);
            let fitted = match before.status {
                ValidationStatus::Transferred => settings.calibrations[task].clone().transferred(),
                ValidationStatus::Measured if all.is_empty() => continue,
                ValidationStatus::Measured => {
                    let base_rates = before.calibration.base_rates(attribute.classes.len());
                    let mut fitted = calibration::measured(all, attribute, &base_rates, accuracy);
                    let cut = |words| {
                        Ok(texts(predictor, validation, words, language)?.swap_remove(task))
                    };
                    fitted.moments = class_moments(cut, attribute, &fitted.calibration)?;
                    fitted
                }
            };
            *place(&mut settings, task, language) = fitted;
        }
    }
    Ok(settings)
}

/// Where the settings hold the calibration of a task for texts in a language.
pub fn place(
    settings: &mut Settings,
    task: usize,
    language: Option<Language>,
) -> &mut LanguageCalibration {
    match (&mut settings.chinese, language) {
        (Some(tasks), Some(Language::Chinese)) => &mut tasks[task],
        _ => &mut settings.calibrations[task],
    }
}
