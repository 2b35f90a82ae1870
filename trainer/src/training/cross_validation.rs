//! Cross-validation: every user is a test user of one fold, and the figures are those of as many models as there are folds.

use std::sync::atomic::AtomicBool;

use model_core::{attribute::Attribute, text::Segmenter};

use super::{
    TestFigures, TrainError, Trained, Trainer,
    data::Data,
    examples,
    export::{Parts, test_figures},
    prepare::{Read, read},
    setup, trained_embedding,
};
use crate::{
    config::Config,
    device,
    evaluation::{MEANINGS, Metrics, Report, Spread, few_users_warning, title},
    progress::notice,
    table::{Table, count, counted},
};

/// Trains a model for each of `folds` parts of the users, on the other parts, and tests it on this one. Returns a table of the
/// figures, or `None` if `interrupted` became true. Nothing is written.
pub fn cross_validate(
    config: &Config,
    segmenter: Segmenter,
    folds: usize,
    interrupted: &AtomicBool,
) -> Result<Option<String>, TrainError> {
    if config.is_refit() {
        let what = "a refit has no test users, so it cannot be cross-validated";
        return Err(TrainError::Unusable(what.into()));
    }
    let device = device::choose(&config.device)?;
    let user_dictionary = segmenter.user_dictionary().to_owned();
    let Read {
        vocabulary,
        embedding,
        tasks,
        examples,
        stratify_by,
    } = read(config, segmenter)?;
    let users = examples.users.len();
    if users < folds {
        return Err(TrainError::Unusable(format!(
            "{} cannot be divided into {folds} folds; choose fewer with --cross-validate",
            counted(users as u64, "user")
        )));
    }
    notice!(
        "{} users in {folds} folds; {}",
        count(users as u64),
        examples.left_out()
    );
    for (index, task) in tasks.iter().enumerate() {
        let mut users = vec![0; task.class_count()];
        for class in examples.users.iter().filter_map(|user| user.classes[index]) {
            users[class] += 1;
        }
        let of_fold: Vec<usize> = users.iter().map(|users| users / folds).collect();
        let Attribute { name, classes, .. } = &task.attribute;
        let name = format!("{name}, in the test part of a fold");
        if let Some(warning) = few_users_warning(&name, classes, &of_fold) {
            notice!("{warning}");
        }
    }
    let mut figures = Vec::new();
    for fold in 0..folds {
        let parts =
            examples::divide_fold(&examples.users, &config.split, stratify_by, (fold, folds));
        notice!(
            "fold {} of {folds}: {} users to train on, {} to validate, {} to test",
            fold + 1,
            count(parts.training.len() as u64),
            count(parts.validation.len() as u64),
            count(parts.test.len() as u64)
        );
        let class_balance = config.training.class_balance;
        let data = Data::new(tasks.clone(), examples.users.clone(), parts, class_balance)?;
        data.check_validation(&config.wide)?;
        let mut trainer = Trainer::new(setup(config, data, &embedding)?, &device)?;
        if !trainer.train(interrupted)? {
            return Ok(None);
        }
        let parts = Parts {
            embedding: trained_embedding(&trainer, &embedding)?,
            vocabulary: vocabulary.clone(),
            user_dictionary: user_dictionary.clone(),
            tested: None,
        };
        let trained = Trained::new(trainer, &config.wide, &parts.vocabulary)?;
        figures.push(test_figures(&trained, config, &parts)?);
    }
    Ok(Some(format!(
        "Mean ± standard deviation over {folds} folds of {} users. {MEANINGS}\n\n{}",
        count(users as u64),
        table(&figures)
    )))
}

/// The figures of each attribute, for the model, the linear baseline and the majority class.
fn table(folds: &[TestFigures]) -> Table {
    let mut table = Table::new(["", "folds", "macro-F1", "F (paper)", "accuracy"]);
    let mut titles: Vec<String> = Vec::new();
    for report in folds.iter().flat_map(|fold| &fold.model) {
        let title = title(report);
        if !titles.contains(&title) {
            titles.push(title);
        }
    }
    let named = |reports: &[Report], name: &str| -> Option<Metrics> {
        let mut reports = reports.iter();
        let report = reports.find(|report| title(report) == name)?;
        Some(report.metrics.clone())
    };
    for name in titles {
        let of = |metrics: &dyn Fn(&TestFigures) -> Option<Metrics>| -> Vec<Metrics> {
            folds.iter().filter_map(metrics).collect()
        };
        let model = of(&|fold| named(&fold.model, &name));
        let baseline = of(&|fold| named(&fold.baseline, &name));
        // The most frequent class of a small fold is not known before its users are seen.
        let majority = Metrics::majority_of_all(&model);
        for (system, metrics) in [
            ("model", model),
            ("linear baseline", baseline),
            ("majority class", majority),
        ] {
            let cell = |figure: fn(&Metrics) -> f64| {
                let values: Vec<f64> = metrics.iter().map(figure).collect();
                match Spread::of(&values) {
                    None => "–".to_owned(),
                    Some(Spread { mean, sd: None }) => format!("{mean:.3}"),
                    Some(Spread { mean, sd: Some(sd) }) => format!("{mean:.3} ± {sd:.3}"),
                }
            };
            table.row([
                format!("{name}: {system}"),
                metrics.len().to_string(),
                cell(|metrics| metrics.macro_f1),
                cell(|metrics| metrics.f),
                cell(|metrics| metrics.accuracy),
            ]);
        }
    }
    table
}
