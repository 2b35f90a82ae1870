//! The end of a run: calibrate the best epoch, score it on the test users, write the bundle.

use std::path::Path;

use model_core::{
    aux_lstm::AuxLstm,
    bundle::{Bundle, Settings},
    card::AttributeFigures,
    temperature::Temperature,
};

use super::{
    Run, TrainError,
    calibration::{self, Scored},
    task_metrics, wide,
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
    let mut validation = vec![Vec::new(); run.config.attributes.len()];
    for length in calibration::LENGTHS.into_iter().chain([usize::MAX]) {
        let longer =
            |&user: &usize| length == usize::MAX || prepared.users[user].words.len() > length;
        let part: Vec<usize> = (prepared.parts.validation.iter().copied())
            .filter(longer)
            .collect();
        for (texts, scored) in validation
            .iter_mut()
            .zip(scored(run, &network, &part, length)?)
        {
            texts.extend(scored);
        }
    }
    let mut test = scored(run, &network, &prepared.parts.test, usize::MAX)?;
    if run.config.wide.features > 0 {
        if prepared.parts.validation.is_empty() {
            return Err(TrainError::Unusable(
                "the wide branch is fitted to the network on validation users, and there are none: give split.validation a \
                 share, or do without by wide.features = 0"
                    .into(),
            ));
        }
        let learning = wide::Learning {
            settings: &run.config.wide,
            tasks: &run.config.attributes,
            users: (prepared.parts.training.iter())
                .map(|&user| &prepared.users[user])
                .collect(),
            validation: &validation,
        };
        let branch = learning.branch()?;
        for texts in [&mut validation, &mut test] {
            wide::add_scores(&branch, &run.config.attributes, texts);
        }
        report(run, &validation);
        bundle.wide = Some(branch);
    }
    bundle.settings.temperatures = (validation.iter())
        .map(|texts| calibration::temperature(&without_texts(texts)))
        .collect();
    let test: Vec<Vec<Scored>> = test.iter().map(|texts| without_texts(texts)).collect();
    bundle.card.figures = figures(&bundle.settings, &test);
    run.write_metrics(Some(&bundle.card.figures))?;
    let bytes = bundle.to_bytes().map_err(unusable)?;
    PendingFile::create(path)?.finish(|out| out.write_all(&bytes))?;
    Ok(())
}

/// What the network says of the first `words` words of each user of `part`, a task at a time, with these words.
fn scored<'a>(
    run: &Run<'a>,
    network: &AuxLstm,
    part: &[usize],
    words: usize,
) -> Result<Vec<Vec<wide::Text<'a>>>, TrainError> {
    let users = &run.prepared.users;
    let scores = run.scores(network, part, words)?.into_iter().enumerate();
    Ok(scores
        .map(|(task, scores)| {
            (part.iter().map(|&user| &users[user]))
                .filter(|user| user.classes[task].is_some())
                .map(|user| &user.words[..user.words.len().min(words)])
                .zip(scores)
                .collect()
        })
        .collect())
}

/// Says how well the network and the wide branch do together on the validation users, whose whole texts are the last of
/// each task's.
fn report(run: &Run, validation: &[Vec<wide::Text>]) {
    let users = run.prepared.parts.validation.iter();
    for (task, texts) in validation.iter().enumerate() {
        let labelled = |user: &&usize| run.prepared.users[**user].classes[task].is_some();
        let whole = &texts[texts.len() - users.clone().filter(labelled).count()..];
        let metrics = task_metrics(&run.config.attributes[task], &without_texts(whole));
        eprintln!(
            "with the wide branch, on validation users: {} F {:.3} accuracy {:.3}",
            metrics.attribute, metrics.f, metrics.accuracy
        );
    }
}

fn without_texts(texts: &[wide::Text]) -> Vec<Scored> {
    texts.iter().map(|(_, scored)| scored.clone()).collect()
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
