//! Precision, recall, macro-F1, the paper's F and accuracy, from exact counts.

use std::cmp::Reverse;

use model_core::prediction::largest;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// A class with fewer users has figures that say little.
pub const FEW_USERS: usize = 10;

/// A warning that names the classes with fewer than [`FEW_USERS`] users. `users` has the number of each class. `None` if
/// there are none, or no users at all.
pub fn few_users_warning(attribute: &str, classes: &[String], users: &[usize]) -> Option<String> {
    let small: Vec<String> = (classes.iter().zip(users))
        .filter(|(_, users)| **users < FEW_USERS)
        .map(|(class, users)| format!("{class:?} ({users})"))
        .collect();
    let any = users.iter().any(|&users| users > 0);
    (any && !small.is_empty()).then(|| {
        format!(
            "{attribute}: fewer than {FEW_USERS} users are of {}; the figures of these classes say little",
            small.join(", ")
        )
    })
}

/// Figures of one class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassMetrics {
    /// The share of the users predicted to be of this class who are of it; `None` where none is predicted to be.
    pub precision: Option<f64>,
    /// The share of the users of this class who are predicted to be of it; `None` without users.
    pub recall: Option<f64>,
    /// The harmonic mean of precision and recall: 2 · right / (users + predictions). `None` without both.
    pub f1: Option<f64>,
    /// The number of users of this class.
    pub support: usize,
    /// The number of users predicted to be of this class.
    pub predicted: usize,
}

/// Figures over all classes. In a mean over classes, an undefined figure of a class counts as 0. Without users all figures
/// are 0, and null in JSON.
#[derive(Clone, Debug, PartialEq)]
pub struct Metrics {
    /// The number of users.
    pub users: usize,
    /// The share of users whose predicted class is the true one.
    pub accuracy: f64,
    /// The share of the most frequent true class: the accuracy of always predicting it.
    pub majority: f64,
    /// The mean of the classes' precisions.
    pub precision: f64,
    /// The mean of the classes' recalls.
    pub recall: f64,
    /// 2PR / (P + R) of these two means: the F of the paper's tables.
    pub f: f64,
    /// Macro-F1, the mean of the classes' F1. It differs from [`f`](Self::f).
    pub macro_f1: f64,
    /// Figures of each class.
    pub classes: Vec<ClassMetrics>,
    /// The number of users of each true class (row) predicted to be of each class (column).
    pub confusion: Vec<Vec<usize>>,
}

impl Metrics {
    /// Compares the true and the predicted class of each user, both indices below `classes`. Users with a larger index are
    /// left out.
    pub fn new(gold: &[usize], predicted: &[usize], classes: usize) -> Self {
        let mut confusion = vec![vec![0; classes]; classes];
        for (&gold, &predicted) in gold.iter().zip(predicted) {
            if let Some(count) = confusion
                .get_mut(gold)
                .and_then(|row| row.get_mut(predicted))
            {
                *count += 1;
            }
        }
        Self::from_confusion(confusion)
    }

    /// Figures of predicting the class with the highest score (a probability or logit) for each user, see
    /// [`new`](Self::new). `scores` is `[users, classes]`.
    pub fn of<P: AsRef<[f32]>>(gold: &[usize], scores: &[P], classes: usize) -> Self {
        let predicted: Vec<usize> = (scores.iter())
            .map(|row| largest(row.as_ref()).unwrap_or(classes))
            .collect();
        Self::new(gold, &predicted, classes)
    }

    /// Figures of always predicting the most frequent class.
    pub fn always_majority(&self) -> Self {
        Self::majority_of_all(std::slice::from_ref(self)).remove(0)
    }

    /// Figures, for each of some parts of the users, of always predicting the class that is the most frequent in all parts.
    pub fn majority_of_all(parts: &[Self]) -> Vec<Self> {
        let classes = parts.first().map_or(0, |part| part.classes.len());
        let support =
            |class: usize| -> usize { parts.iter().map(|part| part.classes[class].support).sum() };
        let most = (0..classes).max_by_key(|&class| (support(class), Reverse(class)));
        let of_part = |part: &Self| {
            let mut confusion = vec![vec![0; classes]; classes];
            for (row, class) in confusion.iter_mut().zip(&part.classes) {
                row[most.unwrap_or_default()] = class.support;
            }
            Self::from_confusion(confusion)
        };
        parts.iter().map(of_part).collect()
    }

    /// Figures of a [`confusion`](Self::confusion) matrix.
    pub(super) fn from_confusion(confusion: Vec<Vec<usize>>) -> Self {
        let classes: Vec<ClassMetrics> = (0..confusion.len())
            .map(|class| {
                let right = confusion[class][class];
                let support = confusion[class].iter().sum();
                let predicted: usize = confusion.iter().map(|row| row[class]).sum();
                ClassMetrics {
                    precision: share(right, predicted),
                    recall: share(right, support),
                    f1: share(2 * right, support + predicted),
                    support,
                    predicted,
                }
            })
            .collect();
        let users = classes.iter().map(|class| class.support).sum();
        let right = (0..confusion.len())
            .map(|class| confusion[class][class])
            .sum();
        let most = classes.iter().map(|class| class.support).max().unwrap_or(0);
        let mean = |figure: fn(&ClassMetrics) -> Option<f64>| {
            let figures = classes.iter().map(|class| figure(class).unwrap_or(0.0));
            figures.sum::<f64>() / classes.len().max(1) as f64
        };
        let (precision, recall) = (mean(|class| class.precision), mean(|class| class.recall));
        Self {
            users,
            accuracy: share(right, users).unwrap_or(0.0),
            majority: share(most, users).unwrap_or(0.0),
            precision,
            recall,
            f: harmonic_mean(precision, recall),
            macro_f1: mean(|class| class.f1),
            classes,
            confusion,
        }
    }
}

impl Serialize for Metrics {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let figure = |value: f64| (self.users > 0).then_some(value);
        let mut fields = serializer.serialize_struct("Metrics", 9)?;
        fields.serialize_field("users", &self.users)?;
        fields.serialize_field("accuracy", &figure(self.accuracy))?;
        fields.serialize_field("majority", &figure(self.majority))?;
        fields.serialize_field("macro_f1", &figure(self.macro_f1))?;
        fields.serialize_field("f", &figure(self.f))?;
        fields.serialize_field("precision", &figure(self.precision))?;
        fields.serialize_field("recall", &figure(self.recall))?;
        fields.serialize_field("classes", &self.classes)?;
        fields.serialize_field("confusion", &self.confusion)?;
        fields.end()
    }
}

/// `None` of nothing.
fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

fn harmonic_mean(precision: f64, recall: f64) -> f64 {
    if precision + recall == 0.0 {
        0.0
    } else {
        2.0 * precision * recall / (precision + recall)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The most frequent class of each part's own users made a baseline that nobody can predict.
    #[test]
    fn the_majority_of_small_parts_was_always_right() {
        let parts = [[0, 0], [1, 1], [0, 1]].map(|gold| Metrics::new(&gold, &[0, 0], 2));
        let accuracy = |metrics: &Metrics| metrics.accuracy;
        let of_all = Metrics::majority_of_all(&parts);
        assert_eq!(
            of_all.iter().map(accuracy).collect::<Vec<_>>(),
            [1.0, 0.0, 0.5]
        );
    }

    #[test]
    fn figures_of_a_case_counted_by_hand() {
        // Class 0: recall 2/3, precision 2/4. Class 1: recall 1/3, precision 1/2. Class 2: no users.
        let metrics = Metrics::new(&[0, 0, 0, 1, 1, 1], &[0, 0, 1, 0, 0, 1], 3);
        assert_eq!(metrics.confusion, [[2, 1, 0], [2, 1, 0], [0, 0, 0]]);
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} is not {b}");
        close(metrics.precision, (0.5 + 0.5) / 3.0);
        close(metrics.recall, (2.0 / 3.0 + 1.0 / 3.0) / 3.0);
        close(metrics.f, 1.0 / 3.0);
        close(metrics.macro_f1, (4.0 / 7.0 + 0.4) / 3.0);
        close(metrics.accuracy, 0.5);
        close(metrics.majority, 0.5);
    }

    #[test]
    fn always_predicting_the_most_frequent_class_has_the_majority_as_accuracy() {
        let always = Metrics::new(&[0, 1, 1, 2], &[0, 0, 0, 0], 3).always_majority();
        assert_eq!(always.confusion, [[0, 1, 0], [0, 2, 0], [0, 1, 0]]);
        assert_eq!(always.accuracy, always.majority);
    }

    #[test]
    fn without_users_all_figures_are_0() {
        let metrics = Metrics::new(&[], &[], 2);
        assert_eq!(
            (metrics.users, metrics.accuracy, metrics.f, metrics.majority),
            (0, 0.0, 0.0, 0.0)
        );
        assert_eq!(Metrics::new(&[], &[], 0).macro_f1, 0.0);
    }

    #[test]
    fn figures_that_were_not_measured_were_0_in_json() {
        // No user is of class 1, none is predicted to be of class 2, and class 3 has neither.
        let json = serde_json::to_value(Metrics::new(&[0, 2], &[1, 0], 4)).unwrap();
        let figures = |class: usize| {
            let class = &json["classes"][class];
            ["precision", "recall", "f1"].map(|name| class[name].as_f64())
        };
        assert_eq!(figures(0), [Some(0.0); 3]);
        assert_eq!(figures(1), [Some(0.0), None, Some(0.0)]);
        assert_eq!(figures(2), [None, Some(0.0), Some(0.0)]);
        assert_eq!(figures(3), [None; 3]);
        assert_eq!(json["macro_f1"], 0.0);
        let nobody = serde_json::to_value(Metrics::new(&[], &[], 2)).unwrap();
        for name in [
            "accuracy",
            "majority",
            "macro_f1",
            "f",
            "precision",
            "recall",
        ] {
            assert!(nobody[name].is_null(), "{name}");
        }
    }
}
