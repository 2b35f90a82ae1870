//! The evaluation of one attribute over the users of a corpus.

use std::collections::BTreeMap;
use std::ops::Range;

use model_core::attribute::Attribute;
use model_core::bundle::{Settings, ValidationStatus};
use model_core::card::{AttributeFigures, CoveragePoint, ReliabilityBin};
use model_core::language::Language;
use model_core::predictor::AttributePrediction;
use serde::Serialize;

use super::calibration::{Confidences, calibration_error, log_loss};
use super::metrics::Metrics;

/// The largest share of labels that are bands over several classes with which the others are a fair sample still.
const MOST_BANDS: f64 = 0.05;

/// Whether those of `all` users with a label who have one class are a fair sample of them, if the label of `bands` is a band over
/// several: it happens to be one class for some.
pub fn are_fair_sample(bands: usize, all: usize) -> bool {
    bands as f64 <= MOST_BANDS * all as f64
}

/// Gathers true classes and predictions of one attribute.
pub struct Evaluation<'a> {
    attribute: &'a Attribute,
    language: Option<Language>,
    transferred: bool,
    confidence_threshold: f32,
    /// The classes that each user's true one is among.
    gold: Vec<Range<usize>>,
    probabilities: Vec<Vec<f32>>,
    unlabelled: usize,
    other_labels: BTreeMap<String, usize>,
}

/// How well one attribute was predicted, or its groups.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The attribute's name; for its groups `NAME (coarse)`.
    pub attribute: String,
    /// The language of the users' text, where the model reads Chinese and another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Whether the model calls the attribute transferred from another language: it was not shown to work in this one.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub transferred: bool,
    /// The probability from which on the model calls a prediction confident.
    pub confidence_threshold: f32,
    /// The names of the classes.
    pub labels: Vec<String>,
    /// Users left out because they have no label.
    pub unlabelled: usize,
    /// Labels that are none of the model's classes, with their users, who are left out.
    pub other_labels: BTreeMap<String, usize>,
    /// The figures.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// The expected calibration error.
    pub calibration_error: f64,
    /// The mean of −ln p of the true class.
    pub log_loss: f64,
    /// The reliability diagram that the calibration error is taken from.
    pub reliability: Vec<ReliabilityBin>,
    /// What answering only from a probability on does.
    pub coverage: Vec<CoveragePoint>,
    /// The same for the probability from which on the model calls a prediction confident, if it does so for anybody.
    pub confident: Option<CoveragePoint>,
}

impl<'a> Evaluation<'a> {
    /// An evaluation of nobody yet; predictions are called confident from this probability on.
    pub fn new(attribute: &'a Attribute, confidence_threshold: f32) -> Self {
        Self {
            attribute,
            language: None,
            transferred: false,
            confidence_threshold,
            gold: Vec::new(),
            probabilities: Vec::new(),
            unlabelled: 0,
            other_labels: BTreeMap::new(),
        }
    }

    /// An evaluation of nobody yet, of a model's task and of users whose text is in one of its languages.
    pub fn of_task(settings: &'a Settings, task: usize, language: Option<Language>) -> Self {
        let known = settings.calibration(task, language);
        Self {
            language,
            transferred: known.status == ValidationStatus::Transferred,
            ..Self::new(&settings.attributes[task], known.confidence_threshold)
        }
    }

    /// The evaluations of a model's attributes: in the order of its tasks, those of one language after those of the other where
    /// it reads two.
    pub fn of_model(settings: &'a Settings) -> Vec<Self> {
        let of_language = |language| {
            let tasks = 0..settings.attributes.len();
            tasks.map(move |task| Self::of_task(settings, task, language))
        };
        settings
            .languages()
            .into_iter()
            .flat_map(of_language)
            .collect()
    }

    /// The language of the users' text, where the model reads Chinese and another one.
    pub fn language(&self) -> Option<Language> {
        self.language
    }

    /// Adds what was predicted for a user with this label: a class, or a band over several. Who has none, or one that says
    /// nothing about the model's classes, is no example and is counted apart.
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

    /// Adds what was predicted for a user of this class, given by its index.
    pub fn add_class(&mut self, class: usize, probabilities: Vec<f32>) {
        self.add_classes(class..class + 1, probabilities);
    }

    /// Adds what was predicted for a user whose class is one of these. If they are neither one nor in one group, the user is
    /// left out.
    pub fn add_classes(&mut self, classes: Range<usize>, probabilities: Vec<f32>) {
        if self.attribute.can_score(&classes) {
            self.gold.push(classes);
            self.probabilities.push(probabilities);
        }
    }

    /// The report on the classes, and the one on the groups where there are any. Users whose label is a band over several classes
    /// count for the groups alone. Where they are many, the report on the classes is of nobody: those whose band happens to be
    /// one class are no fair sample.
    ///
    /// The predicted class is the most probable one, also where a text has no word the model knows: saying
    /// nothing must not improve the figures.
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
        if !are_fair_sample(self.gold.len() - gold.len(), self.gold.len()) {
            gold.clear();
            probabilities.clear();
        }
        let mut reports = vec![self.report(name.clone(), classes.clone(), &gold, &probabilities)];
        if !coarse_classes.is_empty() {
            // Each class is in a group, or the model would have been refused.
            let gold: Vec<usize> = (self.gold.iter())
                .filter_map(|classes| self.attribute.coarse_class_of_all(classes.clone()))
                .collect();
            let probabilities: Vec<Vec<f32>> = (self.probabilities.iter())
                .map(|row| self.attribute.coarse_probabilities(row))
                .collect();
            let labels = coarse_classes
                .iter()
                .map(|group| group.label.clone())
                .collect();
            reports.push(self.report(format!("{name} (coarse)"), labels, &gold, &probabilities));
        }
        reports
    }

    fn report(
        &self,
        attribute: String,
        labels: Vec<String>,
        gold: &[usize],
        probabilities: &[Vec<f32>],
    ) -> Report {
        let confidences = Confidences::new(gold, probabilities);
        let reliability = confidences.reliability();
        Report {
            metrics: Metrics::of(gold, probabilities, labels.len()),
            calibration_error: calibration_error(&reliability),
            log_loss: log_loss(gold, probabilities),
            reliability,
            coverage: confidences.coverage(),
            confident: confidences.answered_from(self.confidence_threshold),
            attribute,
            language: self.language,
            transferred: self.transferred,
            confidence_threshold: self.confidence_threshold,
            labels,
            unlabelled: self.unlabelled,
            other_labels: self.other_labels.clone(),
        }
    }
}

impl Report {
    /// Whether there was no user, with a label or without one.
    pub fn is_of_nobody(&self) -> bool {
        self.metrics.users + self.unlabelled == 0 && self.other_labels.is_empty()
    }

    /// Whether the mean recall of the classes that there are users of is above that of any way of guessing, 1 / classes, by more
    /// than chance makes in 39 of 40 cases.
    pub fn beats_guessing(&self) -> bool {
        let classes = self.metrics.classes.iter();
        let there: Vec<_> = classes.filter(|class| class.support > 0).collect();
        let count = there.len() as f64;
        let mean = there.iter().map(|class| class.recall).sum::<f64>() / count;
        let variance = (there.iter())
            .map(|class| class.recall * (1.0 - class.recall) / class.support as f64)
            .sum::<f64>()
            / (count * count);
        count > 1.0 && mean - 1.96 * variance.sqrt() > 1.0 / count
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
            f: report.metrics.f,
            calibration_error: report.calibration_error,
            reliability: report.reliability,
            coverage: report.coverage,
            attribute: report.attribute,
            language: report.language,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model_core::attribute::CoarseClass;
    use model_core::predictor::{CoarsePrediction, Named};

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
        let group = |label: &str, classes: &[&str]| CoarseClass {
            label: label.into(),
            classes: classes.iter().map(|class| class.to_string()).collect(),
        };
        Attribute {
            name: "age".into(),
            classes: ["13", "14", "23+"].map(String::from).to_vec(),
            coarse_classes: vec![group("young", &["13", "14"]), group("grown", &["23+"])],
        }
    }

    #[test]
    fn users_whose_label_is_a_band_count_for_groups_alone() {
        let age = age();
        let mut evaluation = Evaluation::new(&age, 0.5);
        evaluation.add_class(2, vec![0.3, 0.3, 0.4]);
        evaluation.add_classes(0..2, vec![0.3, 0.3, 0.4]);
        // Of two groups.
        evaluation.add_classes(1..3, vec![0.3, 0.3, 0.4]);
        let reports = evaluation.reports();
        assert_eq!(reports[0].metrics.users, 0);
        assert_eq!(reports[1].metrics.confusion, [[1, 0], [1, 0]]);
    }

    #[test]
    fn one_band_among_many_classes_leaves_the_report_on_them() {
        let age = age();
        let mut evaluation = Evaluation::new(&age, 0.5);
        for _ in 0..20 {
            evaluation.add_class(2, vec![0.3, 0.3, 0.4]);
        }
        evaluation.add_classes(0..2, vec![0.3, 0.3, 0.4]);
        let users = |report: &Report| report.metrics.users;
        let reports: Vec<usize> = evaluation.reports().iter().map(users).collect();
        assert_eq!(reports, [20, 21]);
    }

    #[test]
    fn neither_the_most_frequent_class_nor_a_coin_is_better_than_guessing() {
        let age = age();
        // Of 60 users of one class and 40 of the other so many are told right.
        let beats_guessing = |right: [usize; 2]| {
            let mut evaluation = Evaluation::new(&age, 0.5);
            for (class, (users, right)) in [60, 40].into_iter().zip(right).enumerate() {
                for user in 0..users {
                    let mut probabilities = vec![0.0; 3];
                    probabilities[if user < right { class } else { 1 - class }] = 1.0;
                    evaluation.add_class(class, probabilities);
                }
            }
            evaluation.reports()[0].beats_guessing()
        };
        assert!(!beats_guessing([60, 0]));
        assert!(!beats_guessing([30, 20]));
        // Mean recalls of 0.592 and 0.621, give or take 0.1.
        assert!(!beats_guessing([35, 24]));
        assert!(beats_guessing([37, 25]));
    }

    #[test]
    fn labels_find_their_class_or_are_counted_apart() {
        let age = age();
        let mut evaluation = Evaluation::new(&age, 0.5);
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
        // The groups are called confident, at 0.6, and half of them are right; the classes are not.
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
