//! The end of a run: calibrate the best epoch, score it on the test users, write the bundle.

use std::path::Path;

use model_core::{
    aux_lstm::AuxLstm,
    bundle::{Bundle, LanguageCalibration, Settings, ValidationStatus},
    calibration::Calibration,
    card::{AttributeFigures, ModelCard},
    embedding::Embedding,
    language::Language,
    parameters::Parameters,
    vocabulary::Vocabulary,
    wide::{CharacterFallback, Wide},
};

use super::{
    Architecture, Run, TrainError,
    calibration::{self, Scored},
    saved, task_metrics, wide,
};
use crate::{config::Config, evaluation::Evaluation, output::PendingFile};

/// An attribute counts as measured in Chinese with at least this many Chinese test users and predictions that beat guessing.
const MEASURED_FROM: usize = 50;

/// A network at its best epoch, with its wide component if the settings want one.
pub struct Finished<A: Architecture> {
    run: Run<A>,
    network: A::Network,
    wide: Option<Wide>,
}

impl<A: Architecture> Finished<A> {
    /// Takes a run that has come to its end, on texts of the vocabulary's words, and learns the wide component.
    pub fn new(run: Run<A>, vocabulary: &Vocabulary) -> Result<Self, TrainError> {
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
                    "the wide component is fitted to the network on validation users, and there are none: give split.validation a \
                     share, or do without by wide.features = 0"
                        .into(),
                ));
            }
            let learning = wide::Learning {
                settings: &run.config.wide,
                tasks: &run.config.attributes,
                character_fallback: CharacterFallback::of(vocabulary),
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
                    .filter(|user| user.classes_of(task).is_some())
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

/// The model whose test users a run may learn from, because it was scored on them before, see [`Config::refit`].
pub fn tested(config: &Config) -> Result<Option<Bundle>, TrainError> {
    if !config.is_refit() {
        return Ok(None);
    }
    let unusable = |what: String| {
        let path = config.refit.display();
        TrainError::Unusable(format!("{path} cannot be refitted: {what}"))
    };
    let bytes = std::fs::read(&config.refit).map_err(|error| unusable(error.to_string()))?;
    let bundle = Bundle::from_bytes(&bytes).map_err(|error| unusable(error.to_string()))?;
    let attributes = config.attributes.iter().map(|task| task.attribute());
    let settings = &bundle.settings;
    let what = if !attributes.eq(settings.attributes.iter().cloned()) {
        "it predicts other attributes than the config's"
    } else if settings.chinese.is_some() != is_bilingual(&config.card) {
        "it reads other languages than the config's"
    } else if settings.sizes != config.sizes(settings.sizes.input_size)
        || settings.max_words != config.text.max_words
        || settings.confidence_threshold != config.confidence_threshold
        || bundle.wide.is_some() != (config.wide.features > 0)
    {
        "it was made by another config"
    } else if bundle.card.figures.is_empty() {
        "its card has no test figures"
    } else if bundle.card.refit {
        "it is a refit itself, and was never tested"
    } else {
        return Ok(Some(bundle));
    };
    Err(unusable(what.into()))
}

/// Writes the bundle of a run that has come to its end to `path`. Text was read by the words of `user_dictionary` too. Where the
/// run is the refit of a model that was `tested`, the figures are that model's.
pub fn finish<A: Architecture<Network = AuxLstm>>(
    run: Run<A>,
    vocabulary: Vocabulary,
    embedding: Embedding,
    user_dictionary: String,
    tested: Option<Bundle>,
    path: &Path,
) -> Result<(), TrainError> {
    let finished = Finished::new(run, &vocabulary)?;
    let run = &finished.run;
    if finished.wide.is_some() {
        report(&finished)?;
    }
    let is_bilingual = is_bilingual(&run.config.card);
    let in_language = |texts: &[Vec<wide::Text>], language: Language| -> Vec<Vec<Scored>> {
        let is_in = |text: &[u32]| match is_bilingual {
            true => Language::of(text, &vocabulary) == language,
            false => language == Language::Other,
        };
        let of_task = |texts: &Vec<wide::Text>| {
            let texts = texts.iter().filter(|(text, _)| is_in(text));
            texts.map(|(_, scored)| scored.clone()).collect()
        };
        texts.iter().map(of_task).collect()
    };
    let validation = finished.validation()?;
    let test = finished.texts(&run.data.parts.test, usize::MAX)?;
    let test = [Language::Other, Language::Chinese].map(|language| in_language(&test, language));
    let calibrations: Vec<Calibration> = (in_language(&validation, Language::Other).iter())
        .map(|texts| calibration::fit(texts))
        .collect();
    let confidence_threshold = run.config.confidence_threshold;
    let is_measured = |task: usize, known: &LanguageCalibration| match &tested {
        Some(bundle) => {
            bundle
                .settings
                .calibration(task, Some(Language::Chinese))
                .status
                == ValidationStatus::Measured
        }
        None => {
            let attribute = run.config.attributes[task].attribute();
            let mut evaluation = Evaluation::new(&attribute, confidence_threshold);
            add(&mut evaluation, known, &test[1][task]);
            let reports = evaluation.reports();
            (reports.iter())
                .any(|report| report.metrics.users >= MEASURED_FROM && report.beats_guessing())
        }
    };
    let chinese = is_bilingual.then(|| {
        let validation = in_language(&validation, Language::Chinese);
        (validation.iter().zip(&calibrations).enumerate())
            .map(|(task, (validation, &calibration))| {
                let own = (!validation.is_empty()).then(|| {
                    LanguageCalibration::measured(
                        calibration::fit(validation),
                        confidence_threshold,
                    )
                });
                own.filter(|known| is_measured(task, known))
                    .unwrap_or_else(|| {
                        LanguageCalibration::transferred(calibration, confidence_threshold)
                    })
            })
            .collect()
    });
    let settings = Settings {
        sizes: run.config.sizes(embedding.dimensions()),
        max_words: run.config.text.max_words,
        dictionary: !run.config.text.dictionary.as_os_str().is_empty(),
        user_dictionary,
        calibrations,
        attributes: (run.config.attributes.iter())
            .map(|task| task.attribute())
            .collect(),
        confidence_threshold,
        chinese,
    };
    let mut card = run.config.card.clone();
    card.refit = tested.is_some();
    card.figures = match tested {
        Some(bundle) => bundle.card.figures,
        None => figures(&settings, &test),
    };
    run.write_metrics((!card.refit).then_some(&card.figures))?;
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

/// Says how well the network and the wide component do together on the validation users.
fn report<A: Architecture>(finished: &Finished<A>) -> Result<(), TrainError> {
    let Run { config, data, .. } = &finished.run;
    let scores = finished.scores(&data.parts.validation)?;
    for (task, scores) in config.attributes.iter().zip(scores) {
        let metrics = task_metrics(task, &scores);
        eprintln!(
            "with the wide component, on validation users: {} F {:.3} accuracy {:.3}",
            metrics.attribute, metrics.f, metrics.accuracy
        );
    }
    Ok(())
}

fn without_texts(tasks: Vec<Vec<wide::Text>>) -> Vec<Vec<Scored>> {
    let scores = |texts: Vec<wide::Text>| texts.into_iter().map(|(_, scored)| scored).collect();
    tasks.into_iter().map(scores).collect()
}

/// Whether a model reads Chinese and another language.
fn is_bilingual(card: &ModelCard) -> bool {
    let (chinese, other): (Vec<_>, Vec<_>) =
        (card.languages.iter()).partition(|language| language.starts_with("zh"));
    !chinese.is_empty() && !other.is_empty()
}

/// Adds what is said of texts, calibrated.
fn add(evaluation: &mut Evaluation, known: &LanguageCalibration, texts: &[Scored]) {
    for text in texts {
        let probabilities = known.calibration.probabilities(&text.logits, text.words);
        evaluation.add_classes(text.classes.clone(), probabilities);
    }
}

/// Test figures of every attribute that a test user has a label for, and of its groups where it has them; in each language
/// those of attributes that count as measured. `test` has the tasks' texts, those in Chinese after those in the other language.
fn figures(settings: &Settings, test: &[Vec<Vec<Scored>>; 2]) -> Vec<AttributeFigures> {
    let mut figures = Vec::new();
    for (language, tasks) in settings.languages().into_iter().zip(test) {
        for (task, scores) in tasks.iter().enumerate() {
            let known = settings.calibration(task, language);
            if scores.is_empty() || known.status == ValidationStatus::Transferred {
                continue;
            }
            let mut evaluation = Evaluation::of_task(settings, task, language);
            add(&mut evaluation, &known, scores);
            let reports = evaluation.reports().into_iter();
            let reports = reports.filter(|report| report.metrics.users > 0);
            figures.extend(reports.map(AttributeFigures::from));
        }
    }
    figures
}
