//! The evaluation of one attribute over the users of a corpus.

use std::collections::BTreeMap;
use std::ops::Range;

use model_core::attribute::Attribute;
use model_core::base_rates::{self, BaseRates};
use model_core::bundle::{ConfidenceThresholds, LanguageCalibration, Settings, ValidationStatus};
use model_core::card::{AttributeFigures, CoveragePoint, ReliabilityBin};
use model_core::language::Language;
use model_core::prediction::{AttributePrediction, largest};
use serde::Serialize;

use super::calibration::{Confidences, calibration_error, log_loss, log_probability};
use super::intervals::{Intervals, Scored};
use super::metrics::Metrics;
use super::significance::{RESAMPLES, guessing_p};

/// The largest share of interval labels with which the users with one class are still a fair sample.
const MOST_INTERVALS: f64 = 0.05;

/// Whether the users with one class are a fair sample of `all` users with a label, of whom `intervals` have an interval
/// label, which covers several classes. In a corpus of interval labels, those whose interval lies within one class are not
/// like the others.
pub fn are_fair_sample(intervals: usize, all: usize) -> bool {
    intervals as f64 <= MOST_INTERVALS * all as f64
}

/// The level of the one-sided test of guessing, that of a two-sided interval of 95 %.
const GUESSING_LEVEL: f64 = 0.025;

/// Collects true classes and predictions of one attribute.
///
/// Labels are those under stated base rates. Calibration error and log loss are those of the probabilities under the base
/// rates of the training users, because the scored users are taken to be of their kind.
pub struct Evaluation<'a> {
    attribute: &'a Attribute,
    language: Option<Language>,
    transferred: bool,
    confidence_thresholds: ConfidenceThresholds,
    /// The factors by which the base rates multiply the probability of each class.
    factors: Vec<f64>,
    /// Whether a user's class is predicted within the user's coarse class, see [`Attribute::label`]. If not, each is the most
    /// probable one, as if the attribute had no others.
    within_coarse: bool,
    /// The classes that each user's true one is among.
    gold: Vec<Range<usize>>,
    probabilities: Vec<Vec<f32>>,
    unlabelled: usize,
    other_labels: BTreeMap<String, usize>,
    has_intervals: bool,
}

/// The figures of one attribute, or of its coarse classes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The attribute's name; for its coarse classes `NAME (coarse)`.
    pub attribute: String,
    /// The language of the users' text, for a model of two languages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Whether the attribute is transferred from another language: the model was not shown to beat guessing in this one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub transferred: bool,
    /// The least probability of a confident prediction.
    pub confidence_threshold: f32,
    /// The names of the classes.
    pub labels: Vec<String>,
    /// The mean probability of each class, under the training users' base rates; `None` without users.
    pub mean_probabilities: Option<Vec<f64>>,
    /// The number of users left out because they have no label.
    pub unlabelled: usize,
    /// The number of users who are not scored on the classes because they have an interval label, which covers several.
    #[serde(skip_serializing_if = "is_zero")]
    pub interval_labels: usize,
    /// Labels that are not classes of the model, with the number of users left out because of them.
    pub other_labels: BTreeMap<String, usize>,
    /// The figures.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// The expected calibration error, under the training users' base rates; `None` without users.
    pub calibration_error: Option<f64>,
    /// The mean over users of −ln p of the true class, in nats, under the training users' base rates; `None` without users.
    pub log_loss: Option<f64>,
    /// The reliability diagram, from which the calibration error is computed.
    pub reliability: Vec<ReliabilityBin>,
    /// Coverage and accuracy at several confidence thresholds.
    pub coverage: Vec<CoveragePoint>,
    /// Coverage and accuracy at the model's own threshold; `None` where it is confident about no user.
    pub confident: Option<CoveragePoint>,
    /// The intervals of the figures; `None` without users, and where they are not asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intervals: Option<Intervals>,
}

impl<'a> Evaluation<'a> {
    /// An evaluation without users, of labels under the training users' base rates, that takes every prediction for
    /// confident. Classes and coarse classes are scored apart, because the systems of an experiment know no coarse classes.
    pub fn new(attribute: &'a Attribute) -> Self {
        Self {
            attribute,
            language: None,
            transferred: false,
            confidence_thresholds: ConfidenceThresholds::both(0.0),
            factors: vec![1.0; attribute.classes.len()],
            within_coarse: false,
            gold: Vec::new(),
            probabilities: Vec::new(),
            unlabelled: 0,
            other_labels: BTreeMap::new(),
            has_intervals: false,
        }
    }

    /// Asks for [`Report::intervals`].
    pub fn with_intervals(self) -> Self {
        Self {
            has_intervals: true,
            ..self
        }
    }

    /// An evaluation without users, of an attribute with this calibration, of labels under these base rates.
    pub fn calibrated(
        attribute: &'a Attribute,
        calibration: &LanguageCalibration,
        base_rates: &BaseRates,
    ) -> Self {
        let corpus = calibration.calibration.base_rates(attribute.classes.len());
        Self {
            transferred: calibration.status == ValidationStatus::Transferred,
            confidence_thresholds: calibration.confidence_thresholds,
            factors: base_rates.factors(attribute, &corpus),
            within_coarse: true,
            ..Self::new(attribute)
        }
    }

    /// An evaluation without users, of a model's task in one of the model's languages.
    pub fn of_task(
        settings: &'a Settings,
        task: usize,
        language: Option<Language>,
        base_rates: &BaseRates,
    ) -> Self {
        let calibration = settings.calibration(task, language);
        Self {
            language,
            ..Self::calibrated(&settings.attributes[task], calibration, base_rates)
        }
    }

    /// The evaluations of all tasks of a model, in their order; for a model of two languages, one language after the other.
    pub fn of_model(settings: &'a Settings, base_rates: &'a BaseRates) -> Vec<Self> {
        let of_language = |language| {
            let tasks = 0..settings.attributes.len();
            tasks.map(move |task| Self::of_task(settings, task, language, base_rates))
        };
        settings
            .languages()
            .into_iter()
            .flat_map(of_language)
            .collect()
    }

    /// The language of the users' text, for a model of two languages.
    pub fn language(&self) -> Option<Language> {
        self.language
    }

    /// Adds the prediction, under the training users' base rates, for a user with this label: a class, or an interval that
    /// covers several. Users without a label, or
    /// with a label outside the model's classes, are counted but not scored.
    pub fn add(&mut self, label: Option<String>, prediction: &AttributePrediction) {
        let Some(label) = label else {
            self.unlabelled += 1;
            return;
        };
        let classes = self.attribute.classes_of(&label);
        let Some(classes) = classes.filter(|classes| self.attribute.can_score(classes)) else {
            *self.other_labels.entry(label).or_default() += 1;
            return;
        };
        let probabilities = prediction.probabilities.iter();
        self.add_classes(classes, probabilities.map(|(_, &value)| value).collect());
    }

    /// Adds the probabilities predicted for a user of this class (an index).
    pub fn add_class(&mut self, class: usize, probabilities: Vec<f32>) {
        self.add_classes(class..class + 1, probabilities);
    }

    /// Adds the probabilities predicted for a user whose class is one of these. The user is left out unless there is one
    /// class, or one coarse class covers all of them.
    pub fn add_classes(&mut self, classes: Range<usize>, probabilities: Vec<f32>) {
        if self.attribute.can_score(&classes) {
            self.gold.push(classes);
            self.probabilities.push(probabilities);
        }
    }

    /// The report on the classes and, for an attribute with coarse classes, the report on these.
    ///
    /// Users with an interval label count for the coarse classes only. If there are many of them, the report on the classes
    /// has no users, because the other users are not a fair sample.
    ///
    /// A class is predicted also for a text without a known word: abstaining must not improve the figures.
    pub fn reports(self) -> Vec<Report> {
        let Attribute {
            name,
            classes,
            coarse_classes,
        } = self.attribute;
        let (mut gold, mut probabilities): (Vec<usize>, Vec<Vec<f32>>) =
            (self.gold.iter().zip(&self.probabilities))
                .filter(|(classes, _)| classes.len() == 1)
                .map(|(classes, probabilities)| (classes.start, probabilities.clone()))
                .unzip();
        let interval_labels = self.gold.len() - gold.len();
        if !are_fair_sample(interval_labels, self.gold.len()) {
            gold.clear();
            probabilities.clear();
        }
        let adjusted = |row: &Vec<f32>| {
            let mut row = row.clone();
            base_rates::adjust(&mut row, &self.factors);
            row
        };
        let label = |row: Vec<f32>| {
            let label = match self.within_coarse {
                true => self.attribute.label(&row).map(|(class, _)| class),
                false => largest(&row),
            };
            label.map(|class| (class, row[class]))
        };
        let labels: Vec<Option<Label>> = (probabilities.iter())
            .map(|row| label(adjusted(row)))
            .collect();
        let rows = Rows {
            gold: &gold,
            probabilities: &probabilities,
            labels: &labels,
            interval_labels,
        };
        let threshold = self.confidence_thresholds.class;
        let mut reports = vec![self.report(name.clone(), classes.clone(), threshold, &rows)];
        if !coarse_classes.is_empty() {
            // `Attribute::check` made sure that each class is in a coarse class.
            let gold: Vec<usize> = (self.gold.iter())
                .filter_map(|classes| self.attribute.coarse_class_of_all(classes.clone()))
                .collect();
            let coarse = |row: Vec<f32>| self.attribute.coarse_probabilities(&row);
            let rows = self.probabilities.iter();
            let label = |row: Vec<f32>| largest(&row).map(|class| (class, row[class]));
            let labels: Vec<Option<Label>> = (rows.clone())
                .map(|row| label(coarse(adjusted(row))))
                .collect();
            let probabilities: Vec<Vec<f32>> = rows.map(|row| coarse(row.clone())).collect();
            let rows = Rows {
                gold: &gold,
                probabilities: &probabilities,
                labels: &labels,
                interval_labels: 0,
            };
            let names = (coarse_classes.iter())
                .map(|coarse| coarse.label.clone())
                .collect();
            let threshold = self.confidence_thresholds.coarse_class;
            reports.push(self.report(format!("{name} (coarse)"), names, threshold, &rows));
        }
        reports
    }

    fn report(
        &self,
        attribute: String,
        labels: Vec<String>,
        confidence_threshold: f32,
        rows: &Rows,
    ) -> Report {
        let &Rows {
            gold,
            probabilities,
            labels: predicted,
            interval_labels,
        } = rows;
        let of_user = |(label, &gold): (&Option<Label>, &usize)| {
            label.map(|(class, probability)| (probability, class == gold))
        };
        let confidences = Confidences(predicted.iter().zip(gold).filter_map(of_user).collect());
        let predicted: Vec<usize> = (predicted.iter())
            .map(|label| label.map_or(labels.len(), |(class, _)| class))
            .collect();
        let log_probabilities: Vec<f64> = (gold.iter().zip(probabilities))
            .map(|(&gold, probabilities)| log_probability(gold, probabilities))
            .collect();
        let calibrated = Confidences::new(gold, probabilities);
        let reliability = calibrated.reliability();
        let mean = |class: usize| {
            let sum: f64 = probabilities.iter().map(|row| f64::from(row[class])).sum();
            sum / probabilities.len() as f64
        };
        // The predictor is never confident about a transferred attribute.
        let least = match self.transferred {
            true => f32::INFINITY,
            false => confidence_threshold,
        };
        let any = !gold.is_empty();
        let intervals = (any && self.has_intervals).then(|| {
            Intervals::new(&Scored {
                gold,
                predicted: predicted.clone(),
                classes: labels.len(),
                confidences: &confidences,
                confidence_threshold: least,
                calibrated: &calibrated,
                log_probabilities: &log_probabilities,
            })
        });
        Report {
            metrics: Metrics::new(gold, &predicted, labels.len()),
            intervals,
            mean_probabilities: any.then(|| (0..labels.len()).map(mean).collect()),
            calibration_error: any.then(|| calibration_error(&reliability)),
            log_loss: any.then(|| log_loss(log_probabilities)),
            reliability,
            coverage: confidences.coverage(),
            confident: confidences.at(least),
            attribute,
            language: self.language,
            transferred: self.transferred,
            confidence_threshold,
            labels,
            unlabelled: self.unlabelled,
            interval_labels,
            other_labels: self.other_labels.clone(),
        }
    }
}

fn is_zero(users: &usize) -> bool {
    *users == 0
}

/// The users of a report.
struct Rows<'r> {
    /// The true class of each.
    gold: &'r [usize],
    /// `[users, classes]`, under the training users' base rates.
    probabilities: &'r [Vec<f32>],
    labels: &'r [Option<Label>],
    interval_labels: usize,
}

/// A predicted class and its probability, under the base rates of the labels.
type Label = (usize, f32);

impl Report {
    /// Whether no user was added, with a label or without one.
    pub fn is_empty(&self) -> bool {
        self.metrics.users + self.unlabelled == 0 && self.other_labels.is_empty()
    }

    /// Whether the mean recall of the classes with users is significantly above that of guessing, 1 / classes: by
    /// [`guessing_p`], at the one-sided level of 0.025.
    pub fn beats_guessing(&self) -> bool {
        // The test compares with guesses of the same number of users for each class, also for a class without users. Such
        // guesses have a mean recall below 1 / classes, so being above them is not enough.
        let recalls = self.metrics.classes.iter().filter_map(|class| class.recall);
        recalls.sum::<f64>() > 1.0
            && guessing_p(&self.metrics.confusion, RESAMPLES) < GUESSING_LEVEL
    }
}

impl From<Report> for AttributeFigures {
    fn from(report: Report) -> Self {
        Self {
            users: report.metrics.users,
            majority: report.metrics.majority,
            accuracy: report.metrics.accuracy,
            precision: report.metrics.precision,
            recall: report.metrics.recall,
            macro_f1: Some(report.metrics.macro_f1),
            f: report.metrics.f,
            calibration_error: report.calibration_error.unwrap_or(0.0),
            reliability: report.reliability,
            coverage: report.coverage,
            attribute: report.attribute,
            language: report.language,
            corpus: None,
            adapted: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model_core::attribute::CoarseClass;
    use model_core::calibration::Calibration;
    use model_core::prediction::{CoarsePrediction, Named};

    fn named(names: &[&str], values: &[f32]) -> Named<f32> {
        Named(
            names
                .iter()
                .map(|name| name.to_string())
                .zip(values.iter().copied())
                .collect(),
        )
    }

    fn age() -> Attribute {
        let coarse = |label: &str, classes: &[&str]| CoarseClass {
            label: label.into(),
            classes: classes.iter().map(|class| class.to_string()).collect(),
        };
        Attribute {
            name: "age".into(),
            classes: ["13", "14", "23+"].map(String::from).to_vec(),
            coarse_classes: vec![coarse("young", &["13", "14"]), coarse("grown", &["23+"])],
        }
    }

    fn evaluation(attribute: &Attribute) -> Evaluation<'_> {
        Evaluation {
            confidence_thresholds: ConfidenceThresholds::both(0.5),
            ..Evaluation::new(attribute)
        }
    }

    #[test]
    fn labels_have_the_base_rates_and_log_loss_those_of_the_training_users() {
        let age = age();
        let calibration = LanguageCalibration::measured(
            Calibration {
                base_rates: vec![0.1, 0.1, 0.8],
                ..Calibration::ONE
            },
            ConfidenceThresholds::both(0.5),
        );
        let report = |base_rates: BaseRates| {
            let mut evaluation = Evaluation::calibrated(&age, &calibration, &base_rates);
            evaluation.add_class(0, vec![0.25, 0.05, 0.7]);
            evaluation.reports()
        };
        let corpus = report(BaseRates::Corpus);
        let equal = report(BaseRates::Equal);
        assert_eq!(
            [corpus[0].metrics.accuracy, equal[0].metrics.accuracy],
            [0.0, 1.0]
        );
        assert_eq!(
            [corpus[1].metrics.accuracy, equal[1].metrics.accuracy],
            [0.0, 1.0]
        );
        assert_eq!(corpus[0].log_loss, equal[0].log_loss);
        let mean_probabilities = equal[0].mean_probabilities.as_ref().unwrap();
        assert!((mean_probabilities[2] - 0.7).abs() < 1e-6);
        // 2.5 : 0.5 under 0.25 each, 0.875 under 0.5: the label has 0.526.
        let confidence = equal[0].confident.as_ref().unwrap();
        assert_eq!((confidence.coverage, confidence.accuracy), (1.0, 1.0));
    }

    #[test]
    fn users_with_an_interval_label_count_for_coarse_classes_alone() {
        let age = age();
        let mut evaluation = evaluation(&age);
        evaluation.add_class(2, vec![0.3, 0.3, 0.4]);
        evaluation.add_classes(0..2, vec![0.3, 0.3, 0.4]);
        // An interval over two coarse classes.
        evaluation.add_classes(1..3, vec![0.3, 0.3, 0.4]);
        let reports = evaluation.reports();
        assert_eq!(reports[0].metrics.users, 0);
        assert_eq!(reports[1].metrics.confusion, [[1, 0], [1, 0]]);
    }

    #[test]
    fn one_interval_among_many_classes_leaves_the_report_on_them() {
        let age = age();
        let mut evaluation = evaluation(&age);
        for _ in 0..20 {
            evaluation.add_class(2, vec![0.3, 0.3, 0.4]);
        }
        evaluation.add_classes(0..2, vec![0.3, 0.3, 0.4]);
        let users = |report: &Report| report.metrics.users;
        let reports: Vec<usize> = evaluation.reports().iter().map(users).collect();
        assert_eq!(reports, [20, 21]);
    }

    /// Whether predictions beat guessing that are right for so many `(of, users)` in each class, and otherwise name the
    /// other class.
    fn beats_guessing(right: [(usize, usize); 2]) -> bool {
        let age = age();
        let mut evaluation = evaluation(&age);
        for (class, (right, users)) in right.into_iter().enumerate() {
            for user in 0..users {
                let mut probabilities = vec![0.0; 3];
                probabilities[if user < right { class } else { 1 - class }] = 1.0;
                evaluation.add_class(class, probabilities);
            }
        }
        evaluation.reports()[0].beats_guessing()
    }

    #[test]
    fn neither_the_most_frequent_class_nor_a_coin_beats_guessing() {
        assert!(!beats_guessing([(60, 60), (0, 40)]));
        assert!(!beats_guessing([(30, 60), (20, 40)]));
        assert!(!beats_guessing([(5, 5), (0, 0)]));
        // By Fisher's exact test, p is 0.055 and 0.015.
        assert!(!beats_guessing([(35, 60), (24, 40)]));
        assert!(beats_guessing([(37, 60), (25, 40)]));
    }

    #[test]
    fn a_class_of_one_user_guessed_right_made_recalls_of_a_tenth_and_one_beat_guessing() {
        assert!(!beats_guessing([(10, 100), (1, 1)]));
    }

    /// The predictor was never confident about such an attribute, and the evaluation counted confident users.
    #[test]
    fn a_transferred_attribute_was_confident_in_evaluations() {
        let age = age();
        let thresholds = ConfidenceThresholds::both(0.5);
        let measured = LanguageCalibration::measured(Calibration::ONE, thresholds);
        for (calibration, coverage) in [(measured.clone(), 1.0), (measured.transferred(), 0.0)] {
            let evaluation = Evaluation::calibrated(&age, &calibration, &BaseRates::Corpus);
            let mut evaluation = evaluation.with_intervals();
            for _ in 0..2 {
                evaluation.add_class(2, vec![0.05, 0.05, 0.9]);
            }
            for report in evaluation.reports() {
                let found = report.confident.map_or(0.0, |point| point.coverage);
                let [low, high] = report.intervals.unwrap().coverage.unwrap();
                assert_eq!([found, low, high], [coverage; 3]);
            }
        }
    }

    #[test]
    fn labels_find_their_class_or_are_counted_apart() {
        let age = age();
        let mut evaluation = evaluation(&age);
        let prediction = AttributePrediction {
            label: Some("23+".into()),
            confident: true,
            transferred: false,
            probabilities: named(
                &age.classes.iter().map(String::as_str).collect::<Vec<_>>(),
                &[0.3, 0.3, 0.4],
            ),
            coarse: Some(CoarsePrediction {
                label: Some("young".into()),
                confident: true,
                probabilities: named(&["young", "grown"], &[0.6, 0.4]),
            }),
        };
        for label in [Some("13"), Some("40"), Some("18"), Some("18"), None] {
            evaluation.add(label.map(String::from), &prediction);
        }
        let reports = evaluation.reports();
        assert_eq!(reports.len(), 2);
        assert_eq!(
            reports[0].metrics.confusion,
            [[0, 0, 1], [0, 0, 0], [0, 0, 1]]
        );
        assert_eq!(reports[1].attribute, "age (coarse)");
        assert_eq!(reports[1].metrics.confusion, [[1, 0], [1, 0]]);
        // The coarse classes reach the threshold with 0.6, and half of them are right; the classes do not.
        assert_eq!(reports[0].confident, None);
        let confident = reports[1].confident.as_ref().unwrap();
        assert_eq!((confident.coverage, confident.accuracy), (1.0, 0.5));
        for report in &reports {
            assert_eq!(
                (
                    report.metrics.users,
                    report.unlabelled,
                    report.other_labels["18"]
                ),
                (2, 1, 2)
            );
        }
    }
}
