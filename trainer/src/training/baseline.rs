//! A linear baseline: a support vector machine over TF-IDF values of words and pairs, learned from the training users of a
//! network and measured on its test users.

use model_core::{prediction::largest, vocabulary::Vocabulary};
use rayon::prelude::*;

use super::{TrainError, data::Data, wide};
use crate::{
    config,
    evaluation::{Evaluation, Metrics, Report},
};

/// The reports of the baseline on those test users whose words `is_scored` accepts: of each task, and of its coarse classes.
/// Each task chooses its cost by macro-F1 on the validation users; without any, the first cost of the settings is used.
pub(super) fn reports(
    data: &Data,
    settings: &config::Wide,
    vocabulary: &Vocabulary,
    is_scored: impl Fn(&[u32]) -> bool,
) -> Result<Vec<Report>, TrainError> {
    let fit = wide::Fit::new(data, settings, vocabulary, &[]);
    let vectorizer = fit.candidates()?;
    let rows = |part: &[usize]| -> Vec<Vec<(u32, f32)>> {
        (part.par_iter())
            .map(|&user| vectorizer.row(&data.users[user].words))
            .collect()
    };
    let training = wide::matrix(&vectorizer, &fit.users)?;
    let (validation, test) = (rows(&data.parts.validation), rows(&data.parts.test));
    let mut reports = Vec::new();
    for (index, task) in data.tasks.iter().enumerate() {
        let predict = |model: &_, rows: &[Vec<(u32, f32)>]| -> Vec<usize> {
            (rows.par_iter())
                .map(|row| largest(&wide::scores(model, row)).unwrap_or(0))
                .collect()
        };
        let mut best = None;
        for &cost in &settings.costs {
            let model = fit.classifier(&training, index, cost)?;
            let predicted = predict(&model, &validation);
            let (gold, predicted): (Vec<usize>, Vec<usize>) = (data.parts.validation.iter())
                .zip(predicted)
                .filter_map(|(&user, predicted)| {
                    Some((data.users[user].classes[index]?, predicted))
                })
                .unzip();
            let figure = Metrics::new(&gold, &predicted, task.class_count()).macro_f1;
            if best.as_ref().is_none_or(|(before, _)| figure > *before) {
                best = Some((figure, model));
            }
        }
        let (_, model) = best.expect("the settings name a cost");
        // As probabilities, so that the coarse class is that of the class.
        let mut evaluation = Evaluation::new(&task.attribute).with_intervals();
        for (&user, predicted) in data.parts.test.iter().zip(predict(&model, &test)) {
            let user = &data.users[user];
            let Some(classes) = user.classes_of(index).filter(|_| is_scored(&user.words)) else {
                continue;
            };
            let mut probabilities = vec![0.0; task.class_count()];
            probabilities[predicted] = 1.0;
            evaluation.add_classes(classes, probabilities);
        }
        reports.extend(evaluation.reports());
    }
    Ok(reports)
}
