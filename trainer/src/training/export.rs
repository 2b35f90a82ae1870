//! The end of a training run: calibrates the best epoch, evaluates it on the test users and writes the bundle.

use model_core::{
    base_rates::BaseRates,
    bundle::{Bundle, LanguageCalibration, Settings, ValidationStatus},
    card::{AttributeFigures, ModelCard},
    embedding::Embedding,
    language::Language,
    vocabulary::Vocabulary,
    word_frequencies::WordFrequencies,
};

use super::{
    JointLstm, TaskMetrics, TrainError, Trained,
    calibration::{self, Scored, class_moments},
    folder::RunFolder,
    wide,
};
use crate::{
    bundle::read_bundle, config::Config, evaluation::Evaluation, output::PendingFile,
    progress::notice,
};

/// The number of Chinese test users from which an attribute can count as measured in Chinese.
const MEASURED_FROM: usize = 50;

/// What a bundle holds besides the trained network.
pub struct Parts {
    pub vocabulary: Vocabulary,
    pub embedding: Embedding,
    /// The words that the user added to the dictionary.
    pub user_dictionary: String,
    /// The model that this one is a refit of. Its test figures are put on the card.
    pub tested: Option<Bundle>,
}

/// The tested model of a refit, see [`Config::refit`].
pub fn tested(config: &Config) -> Result<Option<Bundle>, TrainError> {
    if !config.is_refit() {
        return Ok(None);
    }
    let unusable = |what: String| {
        let path = config.refit.display();
        TrainError::Unusable(format!("{path} cannot be refitted: {what}"))
    };
    let bundle = read_bundle(&config.refit).map_err(|error| unusable(error.what))?;
    let attributes = config.attributes.iter().map(|task| task.attribute());
    let settings = &bundle.settings;
    let what = if !attributes.eq(settings.attributes.iter().cloned()) {
        "it predicts other attributes than the config's"
    } else if settings.chinese.is_some() != is_bilingual(&config.card) {
        "it reads other languages than the config's"
    } else if settings.sizes != config.sizes(settings.sizes.input_size)
        || settings.max_words != config.text.max_words
        || bundle.wide.is_some() != (config.wide.features > 0)
    {
        "it was made by another config"
    } else if bundle.card.figures.is_empty() {
        "its card has no test figures"
    } else if bundle.card.refit {
        "it is itself a refit, which has no test users"
    } else {
        return Ok(Some(bundle));
    };
    Err(unusable(what.into()))
}

/// Writes the bundle, and the test figures unless it is a refit.
pub fn export(
    trained: Trained<JointLstm>,
    config: &Config,
    parts: Parts,
    folder: &RunFolder,
) -> Result<(), TrainError> {
    if trained.wide.is_some() {
        report_wide(&trained)?;
    }
    let test = trained.texts(&trained.trainer.setup.data.parts.test, usize::MAX)?;
    let test = by_language(&test, config, &parts.vocabulary);
    let settings = settings(&trained, config, &parts, &test)?;
    let card = card(&settings, config, parts.tested, &test);
    let history = trained.trainer.history();
    folder.write_metrics(history, (!card.refit).then_some(&card.figures))?;
    let bundle = Bundle {
        settings,
        card,
        vocabulary: parts.vocabulary,
        embedding: parts.embedding,
        parameters: trained.trainer.best_parameters.clone(),
        wide: trained.wide.clone(),
    };
    let bytes = (bundle.to_bytes()).map_err(|error| TrainError::Unusable(error.to_string()))?;
    PendingFile::create(&folder.bundle())?.finish(|out| out.write_all(&bytes))?;
    Ok(())
}

/// Texts of each task, first those in the other language and then those in Chinese. A model of one language takes all texts
/// for texts in the other language.
type ByLanguage = [Vec<Vec<Scored>>; 2];

/// Divides the texts of each task by their language.
fn by_language(texts: &[Vec<wide::Text>], config: &Config, vocabulary: &Vocabulary) -> ByLanguage {
    let is_bilingual = is_bilingual(&config.card);
    [Language::Other, Language::Chinese].map(|language| {
        let is_in = |text: &[u32]| match is_bilingual {
            true => Language::of(text, vocabulary) == language,
            false => language == Language::Other,
        };
        let of_task = |texts: &Vec<wide::Text>| {
            let texts = texts.iter().filter(|(text, _)| is_in(text));
            texts.map(|(_, scored)| scored.clone()).collect()
        };
        texts.iter().map(of_task).collect()
    })
}

/// The settings of the bundle, with calibrations fitted to the validation users.
fn settings(
    trained: &Trained<JointLstm>,
    config: &Config,
    parts: &Parts,
    test: &ByLanguage,
) -> Result<Settings, TrainError> {
    let tasks = &trained.trainer.setup.data.tasks;
    let [other, chinese] = by_language(&trained.validation()?, config, &parts.vocabulary);
    let parts_of = &trained.trainer.setup.data.parts;
    let fit = |task: usize, texts: &[Scored], language: Language| -> Result<_, TrainError> {
        let is_in = |text: &[u32]| {
            !is_bilingual(&config.card) || Language::of(text, &parts.vocabulary) == language
        };
        let base_rates = trained.trainer.setup.data.base_rates(task, is_in);
        let attribute = &tasks[task].attribute;
        let accuracy = config.accuracy_when_confident;
        let mut fitted = calibration::measured(texts, attribute, &base_rates, accuracy);
        let cut = |words| {
            let texts = trained.texts(&parts_of.validation, words)?;
            let [other, chinese] = &mut by_language(&texts, config, &parts.vocabulary);
            let texts = match language {
                Language::Other => other,
                Language::Chinese => chinese,
            };
            Ok::<_, TrainError>(texts.swap_remove(task))
        };
        fitted.moments = class_moments(cut, attribute, &fitted.calibration)?;
        Ok(fitted)
    };
    let calibrations = (other.iter().enumerate())
        .map(|(task, texts)| fit(task, texts, Language::Other))
        .collect::<Result<Vec<LanguageCalibration>, TrainError>>()?;
    let is_measured = |task: usize, calibration: &LanguageCalibration| match &parts.tested {
        Some(bundle) => {
            let tested = bundle.settings.calibration(task, Some(Language::Chinese));
            tested.status == ValidationStatus::Measured
        }
        None => {
            let attribute = &tasks[task].attribute;
            let mut evaluation =
                Evaluation::calibrated(attribute, calibration, &BaseRates::default());
            add(&mut evaluation, calibration, &test[1][task]);
            let reports = evaluation.reports();
            (reports.iter())
                .any(|report| report.metrics.users >= MEASURED_FROM && report.beats_guessing())
        }
    };
    let in_chinese = |(task, texts): (usize, &Vec<Scored>)| -> Result<_, TrainError> {
        let own = match texts.as_slice() {
            [] => None,
            texts => Some(fit(task, texts, Language::Chinese)?),
        };
        let own = own.filter(|own| is_measured(task, own));
        Ok(own.unwrap_or_else(|| calibrations[task].clone().transferred()))
    };
    let chinese = match is_bilingual(&config.card) {
        true => Some(
            (chinese.iter().enumerate())
                .map(in_chinese)
                .collect::<Result<_, _>>()?,
        ),
        false => None,
    };
    let word_frequencies = || {
        let data = &trained.trainer.setup.data;
        let training = data.parts.training.iter();
        let texts: Vec<&[u32]> = training.map(|&user| &data.users[user].words[..]).collect();
        let of_language = |language: Language| {
            let is_in = |text: &&[u32]| {
                !is_bilingual(&config.card) || Language::of(text, &parts.vocabulary) == language
            };
            WordFrequencies::of(texts.iter().copied().filter(is_in), parts.vocabulary.len())
        };
        match is_bilingual(&config.card) {
            true => vec![of_language(Language::Other), of_language(Language::Chinese)],
            false => vec![of_language(Language::Other)],
        }
    };
    Ok(Settings {
        word_frequencies: word_frequencies(),
        sizes: config.sizes(parts.embedding.dimensions()),
        max_words: config.text.max_words,
        dictionary: !config.text.dictionary.as_os_str().is_empty(),
        user_dictionary: parts.user_dictionary.clone(),
        attributes: tasks.iter().map(|task| task.attribute.clone()).collect(),
        chinese,
        calibrations,
    })
}

/// The card of the config with its test figures: those of the model that was `tested`, for a refit of it.
fn card(
    settings: &Settings,
    config: &Config,
    tested: Option<Bundle>,
    test: &ByLanguage,
) -> ModelCard {
    ModelCard {
        refit: tested.is_some(),
        figures: match tested {
            Some(bundle) => bundle.card.figures,
            None => figures(settings, test),
        },
        ..config.card.clone()
    }
}

/// Prints the figures of the network with its wide component on the validation users.
fn report_wide(trained: &Trained<JointLstm>) -> Result<(), TrainError> {
    let data = &trained.trainer.setup.data;
    let scores = trained.scores(&data.parts.validation)?;
    for (task, scores) in data.tasks.iter().zip(scores) {
        let metrics = TaskMetrics::new(task, &scores);
        notice!("with the wide component, on validation users: {metrics}");
    }
    Ok(())
}

/// Whether a model reads Chinese and another language.
fn is_bilingual(card: &ModelCard) -> bool {
    let (chinese, other): (Vec<_>, Vec<_>) =
        (card.languages.iter()).partition(|language| language.starts_with("zh"));
    !chinese.is_empty() && !other.is_empty()
}

/// Adds the calibrated predictions of texts.
fn add(evaluation: &mut Evaluation, language: &LanguageCalibration, texts: &[Scored]) {
    for text in texts {
        let probabilities = (language.calibration).probabilities(&text.logits, text.words);
        evaluation.add_classes(text.classes.clone(), probabilities);
    }
}

/// Test figures of every attribute, and of its coarse classes, for each language in which it counts as measured.
fn figures(settings: &Settings, test: &ByLanguage) -> Vec<AttributeFigures> {
    let mut figures = Vec::new();
    for (language, tasks) in settings.languages().into_iter().zip(test) {
        for (task, scores) in tasks.iter().enumerate() {
            let calibration = settings.calibration(task, language);
            if scores.is_empty() || calibration.status == ValidationStatus::Transferred {
                continue;
            }
            let mut evaluation =
                Evaluation::of_task(settings, task, language, &BaseRates::default());
            add(&mut evaluation, calibration, scores);
            let reports = evaluation.reports().into_iter();
            let reports = reports.filter(|report| report.metrics.users > 0);
            figures.extend(reports.map(AttributeFigures::from));
        }
    }
    figures
}
