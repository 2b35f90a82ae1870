//! The end of a run: calibrate the best epoch, score it on the test users, write the bundle.

use std::path::Path;

use model_core::{
    bundle::{Bundle, Settings},
    card::AttributeFigures,
    temperature::Temperature,
};

use super::{
    Run, TrainError,
    calibration::{self, Scored},
};
use crate::{evaluation::Evaluation, output::PendingFile};

/// Writes the bundle of the best epoch to `path`.
pub fn finish(run: &Run, path: &Path) -> Result<(), TrainError> {
    let prepared = run.prepared;
    let attributes: Vec<_> = run
        .config
        .attributes
        .iter()
        .map(|task| task.attribute())
        .collect();
    let mut bundle = Bundle {
        settings: Settings {
            sizes: run.config.sizes(prepared.embedding.dimensions()),
            max_words: run.config.text.max_words,
            dictionary: !run.config.text.dictionary.as_os_str().is_empty(),
            temperatures: vec![Temperature::ONE; attributes.len()],
            attributes,
            sure_from: run.config.sure_from,
        },
        card: run.config.card.clone(),
        vocabulary: prepared.vocabulary.clone(),
        embedding: prepared.embedding.clone(),
        parameters: run.best_parameters.clone(),
        wide: None,
    };
    let unusable = |error: model_core::bundle::BundleError| TrainError::Unusable(error.to_string());
    let network = bundle.network(&run.device).map_err(unusable)?;
    // Also cut short, so that probabilities are honest for texts of any length.
    let mut calibration_texts = vec![Vec::new(); run.config.attributes.len()];
    for length in calibration::LENGTHS.into_iter().chain([usize::MAX]) {
        let longer =
            |&user: &usize| length == usize::MAX || prepared.users[user].words.len() > length;
        let part: Vec<usize> = (prepared.parts.validation.iter().copied())
            .filter(longer)
            .collect();
        let scores = run.scores(&network, &part, length)?;
        for (texts, scores) in calibration_texts.iter_mut().zip(scores) {
            texts.extend(scores);
        }
    }
    bundle.settings.temperatures = (calibration_texts.iter())
        .map(|texts| calibration::temperature(texts))
        .collect();
    let test = run.scores(&network, &prepared.parts.test, usize::MAX)?;
    bundle.card.figures = figures(&bundle.settings, &test);
    run.write_metrics(Some(&bundle.card.figures))?;
    let bytes = bundle.to_bytes().map_err(unusable)?;
    PendingFile::create(path)?.finish(|out| out.write_all(&bytes))?;
    Ok(())
}

/// Test figures of every attribute that a test user has a label for, and of its groups where it has them.
fn figures(settings: &Settings, test: &[Vec<Scored>]) -> Vec<AttributeFigures> {
    (settings.attributes.iter())
        .zip(&settings.temperatures)
        .zip(test)
        .filter(|(_, scores)| !scores.is_empty())
        .flat_map(|((attribute, temperature), scores)| {
            let mut evaluation = Evaluation::new(attribute, settings.sure_from);
            for text in scores {
                let probabilities = temperature.probabilities(&text.logits, text.words);
                evaluation.add_class(text.class, probabilities);
            }
            evaluation.reports()
        })
        .map(AttributeFigures::from)
        .collect()
}
