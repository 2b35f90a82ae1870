//! The end of a run: calibrate the best epoch, score it on the test users, write the bundle.

use std::path::Path;

use burn::module::Module;
use model_core::{
    bundle::{Bundle, Settings},
    card::AttributeFigures,
    predictor::softmax,
};

use super::{Output, Run, TrainError, calibration};
use crate::{
    evaluation::{Metrics, calibration_error},
    output::PendingFile,
};

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
            temperatures: vec![1.0; attributes.len()],
            attributes,
        },
        card: run.config.card.clone(),
        vocabulary: prepared.vocabulary.clone(),
        embedding: prepared.embedding.clone(),
        parameters: run.best_parameters.clone(),
    };
    let unusable = |error: model_core::bundle::BundleError| TrainError::Unusable(error.to_string());
    let network = bundle.network(&run.device, 0.0).map_err(unusable)?.valid();
    let validation = run.outputs(&network, &prepared.parts.validation)?;
    bundle.settings.temperatures = validation
        .iter()
        .map(|output| calibration::temperature(&output.logits, &output.classes))
        .collect();
    let test = run.outputs(&network, &prepared.parts.test)?;
    bundle.card.figures = figures(&bundle.settings, &test);
    run.write_metrics(Some(&bundle.card.figures))?;
    let bytes = bundle.to_bytes().map_err(unusable)?;
    PendingFile::create(path)?.finish(|out| out.write_all(&bytes))?;
    Ok(())
}

/// Test figures of every attribute, and of its groups where it has them, under the name `ATTRIBUTE (groups)`.
fn figures(settings: &Settings, test: &[Output]) -> Vec<AttributeFigures> {
    let mut figures = Vec::new();
    for ((attribute, &temperature), output) in settings
        .attributes
        .iter()
        .zip(&settings.temperatures)
        .zip(test)
    {
        if output.classes.is_empty() {
            continue;
        }
        let probabilities: Vec<Vec<f32>> = output
            .logits
            .iter()
            .map(|logits| softmax(logits, temperature))
            .collect();
        figures.push(of(&attribute.name, &output.classes, &probabilities));
        if !attribute.groups.is_empty() {
            // Every class is in a group: the attribute was checked.
            let group = |class: &usize| attribute.group_of(*class).unwrap_or(0);
            let classes: Vec<usize> = output.classes.iter().map(group).collect();
            let probabilities: Vec<Vec<f32>> = probabilities
                .iter()
                .map(|row| attribute.group_probabilities(row))
                .collect();
            figures.push(of(
                &format!("{} (groups)", attribute.name),
                &classes,
                &probabilities,
            ));
        }
    }
    figures
}

fn of(attribute: &str, classes: &[usize], probabilities: &[Vec<f32>]) -> AttributeFigures {
    let predicted: Vec<usize> = probabilities
        .iter()
        .map(|row| super::largest(row))
        .collect();
    let metrics = Metrics::new(
        classes,
        &predicted,
        probabilities.first().map_or(0, Vec::len),
    );
    AttributeFigures {
        attribute: attribute.to_owned(),
        users: classes.len(),
        majority: metrics.majority,
        accuracy: metrics.accuracy,
        precision: metrics.precision,
        recall: metrics.recall,
        f: metrics.f,
        calibration_error: calibration_error(classes, probabilities),
    }
}
