//! The end of a training run: calibrates the best epoch, evaluates it on the test users and writes the bundle.

use std::collections::BTreeSet;
use std::path::PathBuf;

use model_core::{
    base_rates::BaseRates,
    bundle::{Bundle, LanguageCalibration, Settings, ValidationStatus},
    card::{AttributeFigures, ModelCard},
    embedding::Embedding,
    language::Language,
    vocabulary::Vocabulary,
};

use super::{
    JointLstm, TaskMetrics, TrainError, Trained, baseline,
    calibration::{self, MOMENT_LENGTHS, Scored, class_moments, words_of},
    data::Data,
    examples::Example,
    folder::{RunFolder, difference_to_refitted},
    reference_corpus::{reference_corpus, word_frequencies},
    wide,
};
use crate::{
    bundle::read_bundle,
    config::Config,
    corpus::corpus_name,
    evaluation::{Evaluation, Report},
    output::PendingFile,
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
        return match difference_to_refitted(config)? {
            Some(difference) => Err(unusable(format!(
                "a refit has the settings of the model, but {difference}"
            ))),
            None => Ok(Some(bundle)),
        };
    };
    Err(unusable(what.into()))
}

/// Writes the bundle, and the test figures unless it is a refit. Returns the figures.
pub fn export(
    trained: &Trained<JointLstm>,
    config: &Config,
    parts: Parts,
    folder: &RunFolder,
) -> Result<TestFigures, TrainError> {
    if trained.wide.is_some() {
        report_wide(trained)?;
    }
    let users = &trained.trainer.setup.data.parts.test;
    let test = texts_by_file(trained, users, usize::MAX, config, &parts.vocabulary)?;
    let settings = settings(trained, config, &parts, &pooled(&test))?;
    let figures = match parts.tested {
        Some(_) => TestFigures::default(),
        None => TestFigures::measure(trained, config, &settings, &parts, &test),
    };
    let card = card(&figures, config, parts.tested);
    let history = trained.trainer.history();
    folder.write_metrics(history, (!card.refit).then_some(&card.figures))?;
    let bundle = Bundle {
        settings,
        card,
        vocabulary: parts.vocabulary,
        embedding: parts.embedding,
        parameters: trained.trainer.best_parameters.clone(),
        wide: trained.wide.clone(),
        seen_users: seen_users(&trained.trainer.setup.data),
    };
    let bytes = (bundle.to_bytes()).map_err(|error| TrainError::Unusable(error.to_string()))?;
    PendingFile::create(&folder.bundle())?.finish(|out| out.write_all(&bytes))?;
    Ok(figures)
}

/// The figures of a trained model on its test users, without writing anything.
pub fn test_figures(
    trained: &Trained<JointLstm>,
    config: &Config,
    parts: &Parts,
) -> Result<TestFigures, TrainError> {
    let users = &trained.trainer.setup.data.parts.test;
    let test = texts_by_file(trained, users, usize::MAX, config, &parts.vocabulary)?;
    let settings = settings(trained, config, parts, &pooled(&test))?;
    Ok(TestFigures::measure(
        trained, config, &settings, parts, &test,
    ))
}

/// The figures on test users of every attribute, and of its coarse classes, under equal base rates; for each language in which
/// the attribute counts as measured.
#[derive(Clone, Debug, Default)]
pub struct TestFigures {
    /// Of the model.
    pub model: Vec<Report>,
    /// Of the linear baseline, for the same attributes and languages.
    pub baseline: Vec<Report>,
    /// Of the model, for its card: those of each corpus, if there are several.
    pub card: Vec<AttributeFigures>,
}

impl TestFigures {
    fn measure(
        trained: &Trained<JointLstm>,
        config: &Config,
        settings: &Settings,
        parts: &Parts,
        test: &[ByLanguage],
    ) -> Self {
        let data = &trained.trainer.setup.data;
        let model = reports(settings, &pooled(test), |evaluation| {
            evaluation.with_intervals()
        });
        let mut baseline = Vec::new();
        let kinds = [Language::Other, Language::Chinese].into_iter();
        for (language, kind) in settings.languages().into_iter().zip(kinds) {
            let is_measured = |report: &Report| {
                let attribute = &report.attribute;
                (model.iter())
                    .any(|other| other.attribute == *attribute && other.language == language)
            };
            let is_scored = |text: &[u32]| is_in(text, kind, config, &parts.vocabulary);
            if model.iter().any(|report| report.language == language) {
                // A comparison must not end a run that took hours.
                match baseline::reports(data, &config.wide, &parts.vocabulary, is_scored) {
                    Err(error) => notice!("no linear baseline: {error}"),
                    Ok(reports) => baseline.extend(
                        (reports.into_iter().filter(is_measured))
                            .map(|report| Report { language, ..report }),
                    ),
                }
            }
        }
        let several = test.len() > 1;
        let of_corpus = |(path, test): (&PathBuf, &ByLanguage)| {
            let corpus = several.then(|| corpus_name(path));
            let reports = reports(settings, test, |evaluation| evaluation).into_iter();
            reports.map(move |report| AttributeFigures {
                corpus: corpus.clone(),
                ..report.into()
            })
        };
        Self {
            card: (config.corpus.iter().zip(test))
                .flat_map(of_corpus)
                .collect(),
            model,
            baseline,
        }
    }

    /// The baseline's report on the attribute of a report of the model.
    pub fn baseline_of(&self, report: &Report) -> Option<&Report> {
        (self.baseline.iter()).find(|other| {
            (&other.attribute, other.language) == (&report.attribute, report.language)
        })
    }
}

/// The first `words` words of these users, for each file of the corpus.
fn texts_by_file(
    trained: &Trained<JointLstm>,
    users: &[usize],
    words: usize,
    config: &Config,
    vocabulary: &Vocabulary,
) -> Result<Vec<ByLanguage>, TrainError> {
    let data = &trained.trainer.setup.data;
    let of_file = |file: usize| {
        let users: Vec<usize> = (users.iter().copied())
            .filter(|&user| data.users[user].file == file)
            .collect();
        let texts = trained.texts(&users, words)?;
        Ok(by_language(&texts, config, vocabulary))
    };
    (0..config.corpus.len()).map(of_file).collect()
}

/// Texts of each task, first those in the other language and then those in Chinese. A model of one language takes all texts
/// for texts in the other language.
type ByLanguage = [Vec<Vec<Scored>>; 2];

/// The texts of several corpora taken together.
fn pooled(corpora: &[ByLanguage]) -> ByLanguage {
    [0, 1].map(|language| {
        let tasks = corpora.first().map_or(0, |texts| texts[language].len());
        let of_task = |task: usize| {
            let texts = corpora.iter().flat_map(|texts| &texts[language][task]);
            texts.cloned().collect()
        };
        (0..tasks).map(of_task).collect()
    })
}

/// Divides the texts of each task by their language.
fn by_language(texts: &[Vec<wide::Text>], config: &Config, vocabulary: &Vocabulary) -> ByLanguage {
    [Language::Other, Language::Chinese].map(|language| {
        let is_in = |text: &[u32]| is_in(text, language, config, vocabulary);
        let of_task = |texts: &Vec<wide::Text>| {
            let texts = texts.iter().filter(|(text, _)| is_in(text));
            texts.map(|(_, scored)| scored.clone()).collect()
        };
        texts.iter().map(of_task).collect()
    })
}

/// Whether a text counts as one in this language.
fn is_in(text: &[u32], language: Language, config: &Config, vocabulary: &Vocabulary) -> bool {
    match is_bilingual(&config.card) {
        true => Language::of(text, vocabulary) == language,
        false => language == Language::Other,
    }
}

/// The settings of the bundle, with calibrations fitted to the validation users.
fn settings(
    trained: &Trained<JointLstm>,
    config: &Config,
    parts: &Parts,
    test: &ByLanguage,
) -> Result<Settings, TrainError> {
    let data = &trained.trainer.setup.data;
    let tasks = &data.tasks;
    let vocabulary = &parts.vocabulary;
    let [other, chinese] = by_language(&trained.validation()?, config, vocabulary);
    let by_length = MOMENT_LENGTHS
        .into_iter()
        .map(|words| {
            let users = &data.parts.validation;
            let texts = texts_by_file(trained, users, words, config, vocabulary)?;
            Ok((words, texts))
        })
        .collect::<Result<Vec<(usize, Vec<ByLanguage>)>, TrainError>>()?;
    let fit = |task: usize, texts: &[Scored], language: Language| {
        let base_rates = data.base_rates(task, |text| is_in(text, language, config, vocabulary));
        let attribute = &tasks[task].attribute;
        let accuracy = config.accuracy_when_confident;
        let mut fitted = calibration::measured(texts, attribute, &base_rates, accuracy);
        let place = usize::from(language == Language::Chinese);
        let whole = by_length.last().map_or(&[][..], |(_, files)| files);
        let reference = reference_corpus(whole.iter().map(|texts| words_of(&texts[place][task])));
        fitted.moments = reference.and_then(|file| {
            let by_length: Vec<(usize, &[Scored])> = (by_length.iter())
                .map(|(words, files)| (*words, files[file][place][task].as_slice()))
                .collect();
            class_moments(&by_length, attribute, &fitted.calibration)
        });
        fitted
    };
    let calibrations: Vec<LanguageCalibration> = (other.iter().enumerate())
        .map(|(task, texts)| fit(task, texts, Language::Other))
        .collect();
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
    let in_chinese = |(task, texts): (usize, &Vec<Scored>)| {
        let own = (!texts.is_empty()).then(|| fit(task, texts, Language::Chinese));
        own.filter(|own| is_measured(task, own))
            .unwrap_or_else(|| calibrations[task].clone().transferred())
    };
    let chinese =
        is_bilingual(&config.card).then(|| chinese.iter().enumerate().map(in_chinese).collect());
    let training = data.parts.training.iter().map(|&user| &data.users[user]);
    let word_frequencies = |language: Language| {
        let is_in = |user: &&Example| is_in(&user.words, language, config, vocabulary);
        word_frequencies(training.clone().filter(is_in), vocabulary)
    };
    let languages = match is_bilingual(&config.card) {
        true => vec![Language::Other, Language::Chinese],
        false => vec![Language::Other],
    };
    Ok(Settings {
        word_frequencies: languages.into_iter().map(word_frequencies).collect(),
        sizes: config.sizes(parts.embedding.dimensions()),
        max_words: config.text.max_words,
        dictionary: !config.text.dictionary.as_os_str().is_empty(),
        user_dictionary: parts.user_dictionary.clone(),
        attributes: tasks.iter().map(|task| task.attribute.clone()).collect(),
        chinese,
        calibrations,
    })
}

/// The fingerprints of the training and validation users.
fn seen_users(data: &Data) -> Vec<u32> {
    let users = data.parts.training.iter().chain(&data.parts.validation);
    let fingerprints: BTreeSet<u32> = users.map(|&user| data.users[user].fingerprint).collect();
    fingerprints.into_iter().collect()
}

/// The card of the config with its test figures: those of the model that was `tested`, for a refit of it.
fn card(figures: &TestFigures, config: &Config, tested: Option<Bundle>) -> ModelCard {
    ModelCard {
        refit: tested.is_some(),
        figures: match tested {
            Some(bundle) => bundle.card.figures,
            None => figures.card.clone(),
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

/// A model's reports on test users, see [`TestFigures`].
fn reports(
    settings: &Settings,
    test: &ByLanguage,
    prepare: impl Fn(Evaluation) -> Evaluation,
) -> Vec<Report> {
    let mut all = Vec::new();
    for (language, tasks) in settings.languages().into_iter().zip(test) {
        for (task, scores) in tasks.iter().enumerate() {
            let calibration = settings.calibration(task, language);
            if scores.is_empty() || calibration.status == ValidationStatus::Transferred {
                continue;
            }
            let evaluation = Evaluation::of_task(settings, task, language, &BaseRates::default());
            let mut evaluation = prepare(evaluation);
            add(&mut evaluation, calibration, scores);
            let reports = evaluation.reports().into_iter();
            all.extend(reports.filter(|report| report.metrics.users > 0));
        }
    }
    all
}
