//! The end of a run: calibrate the best epoch, score it on the test users, write the bundle.

use std::path::Path;

use model_core::{
    aux_lstm::AuxLstm,
    bundle::{Bundle, Settings},
    card::AttributeFigures,
    embedding::Embedding,
    parameters::Parameters,
    vocabulary::Vocabulary,
    wide::Wide,
};

use super::{
    Architecture, Run, TrainError,
    calibration::{self, Scored},
    saved, task_metrics, wide,
};
use crate::{evaluation::Evaluation, output::PendingFile};

/// A network at its best epoch, with its wide branch if the settings want one.
pub struct Finished<A: Architecture> {
    run: Run<A>,
    network: A::Network,
    wide: Option<Wide>,
}

impl<A: Architecture> Finished<A> {
    /// Takes a run that has come to its end, and learns the wide branch.
    pub fn new(run: Run<A>) -> Result<Self, TrainError> {
        let network = (run.architecture).network(&mut Parameters::new(
            &run.device,
            saved(&run.best_parameters),
        ))?;
        let mut finished = Self {
            run,
            network,
            wide: None,
        };
        let run = &finished.run;
        if run.config.wide.features > 0 {
            if run.data.parts.validation.is_empty() {
                return Err(TrainError::Unusable(
                    "the wide branch is fitted to the network on validation users, and there are none: give split.validation a \
                     share, or do without by wide.features = 0"
                        .into(),
                ));
            }
            let learning = wide::Learning {
                settings: &run.config.wide,
                tasks: &run.config.attributes,
                users: (run.data.parts.training.iter())
                    .map(|&user| &run.data.users[user])
                    .collect(),
                validation: &finished.validation()?,
            };
            finished.wide = Some(learning.branch()?);
        }
        Ok(finished)
    }

    /// The run that has come to its end.
    pub fn run(&self) -> &Run<A> {
        &self.run
    }

    /// What is said of the users of `part`, a task at a time; a user without a label for a task is none of its.
    pub fn scores(&self, part: &[usize]) -> Result<Vec<Vec<Scored>>, TrainError> {
        Ok(without_texts(self.texts(part, usize::MAX)?))
    }

    /// What is said of the validation users, also of their texts cut short, so that probabilities are honest for texts of
    /// any length.
    fn validation(&self) -> Result<Vec<Vec<wide::Text<'_>>>, TrainError> {
        let data = &self.run.data;
        let mut validation = vec![Vec::new(); self.run.config.attributes.len()];
        for length in calibration::LENGTHS.into_iter().chain([usize::MAX]) {
            let longer =
                |&user: &usize| length == usize::MAX || data.users[user].words.len() > length;
            let part: Vec<usize> = (data.parts.validation.iter().copied())
                .filter(longer)
                .collect();
            for (texts, scored) in validation.iter_mut().zip(self.texts(&part, length)?) {
                texts.extend(scored);
            }
        }
        Ok(validation)
    }

    /// What is said of the first `words` words of each user of `part`, a task at a time, with these words.
    fn texts(&self, part: &[usize], words: usize) -> Result<Vec<Vec<wide::Text<'_>>>, TrainError> {
        let users = &self.run.data.users;
        let scores = self.run.scores(&self.network, part, words)?;
        let mut texts: Vec<Vec<_>> = (scores.into_iter().enumerate())
            .map(|(task, scores)| {
                (part.iter().map(|&user| &users[user]))
                    .filter(|user| user.classes[task].is_some())
                    .map(|user| &user.words[..user.words.len().min(words)])
                    .zip(scores)
                    .collect()
            })
            .collect();
        if let Some(branch) = &self.wide {
            wide::add_scores(branch, &self.run.config.attributes, &mut texts);
        }
        Ok(texts)
    }
}

/// Writes the bundle of a run that has come to its end to `path`. Text was read by the words of `user_dictionary` too.
pub fn finish<A: Architecture<Network = AuxLstm>>(
    run: Run<A>,
    vocabulary: Vocabulary,
    embedding: Embedding,
    user_dictionary: String,
    path: &Path,
) -> Result<(), TrainError> {
    let finished = Finished::new(run)?;
    let run = &finished.run;
    if finished.wide.is_some() {
        report(&finished)?;
    }
    let validation = without_texts(finished.validation()?);
    let settings = Settings {
        sizes: run.config.sizes(embedding.dimensions()),
        max_words: run.config.text.max_words,
        dictionary: !run.config.text.dictionary.as_os_str().is_empty(),
        user_dictionary,
        temperatures: (validation.iter())
            .map(|texts| calibration::temperature(texts))
            .collect(),
        attributes: (run.config.attributes.iter())
            .map(|task| task.attribute())
            .collect(),
        sure_from: run.config.sure_from,
    };
    let figures = figures(&settings, &finished.scores(&run.data.parts.test)?);
    run.write_metrics(Some(&figures))?;
    let mut card = run.config.card.clone();
    card.figures = figures;
    let bundle = Bundle {
        settings,
        card,
        vocabulary,
        embedding,
        parameters: run.best_parameters.clone(),
        wide: finished.wide.clone(),
    };
    let bytes = (bundle.to_bytes()).map_err(|error| TrainError::Unusable(error.to_string()))?;
    PendingFile::create(path)?.finish(|out| out.write_all(&bytes))?;
    Ok(())
}

/// Says how well the network and the wide branch do together on the validation users.
fn report<A: Architecture>(finished: &Finished<A>) -> Result<(), TrainError> {
    let Run { config, data, .. } = &finished.run;
    let scores = finished.scores(&data.parts.validation)?;
    for (task, scores) in config.attributes.iter().zip(scores) {
        let metrics = task_metrics(task, &scores);
        eprintln!(
            "with the wide branch, on validation users: {} F {:.3} accuracy {:.3}",
            metrics.attribute, metrics.f, metrics.accuracy
        );
    }
    Ok(())
}

fn without_texts(tasks: Vec<Vec<wide::Text>>) -> Vec<Vec<Scored>> {
    let scores = |texts: Vec<wide::Text>| texts.into_iter().map(|(_, scored)| scored).collect();
    tasks.into_iter().map(scores).collect()
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
