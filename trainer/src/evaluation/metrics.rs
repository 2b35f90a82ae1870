//! Precision, recall, F and accuracy, from exact counts.

use model_core::prediction::largest;
use serde::Serialize;

/// Figures of one class. An undefined figure, of a class without users or predictions, is 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassMetrics {
    /// The share of the users predicted to be of this class who are of it.
    pub precision: f64,
    /// The share of the users of this class who are predicted to be of it.
    pub recall: f64,
    /// The harmonic mean of precision and recall.
    pub f1: f64,
    /// The number of users of this class.
    pub support: usize,
}

/// Figures over all classes.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// The mean of the classes' F1, often called macro F1. It differs from [`f`](Self::f).
    pub mean_class_f1: f64,
    /// Figures of each class.
    pub classes: Vec<ClassMetrics>,
    /// The number of users of each true class (row) predicted to be of each class (column).
    pub confusion: Vec<Vec<usize>>,
}

impl Metrics {
    /// Compares the true and the predicted class of each user, both indices below `classes`. Users with a larger index are
    /// left out. Without users, all figures are 0.
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

    /// Figures of a [`confusion`](Self::confusion) matrix.
    pub(super) fn from_confusion(confusion: Vec<Vec<usize>>) -> Self {
        let classes: Vec<ClassMetrics> = (0..confusion.len())
            .map(|class| {
                let right = confusion[class][class];
                let support = confusion[class].iter().sum();
                let predicted: usize = confusion.iter().map(|row| row[class]).sum();
                let (precision, recall) = (share(right, predicted), share(right, support));
                ClassMetrics {
                    precision,
                    recall,
                    f1: harmonic_mean(precision, recall),
                    support,
                }
            })
            .collect();
        let users = classes.iter().map(|class| class.support).sum();
        let right = (0..confusion.len())
            .map(|class| confusion[class][class])
            .sum();
        let most = classes.iter().map(|class| class.support).max().unwrap_or(0);
        let mean = |figure: fn(&ClassMetrics) -> f64| {
            classes.iter().map(figure).sum::<f64>() / classes.len().max(1) as f64
        };
        let (precision, recall) = (mean(|class| class.precision), mean(|class| class.recall));
        Self {
            users,
            accuracy: share(right, users),
            majority: share(most, users),
            precision,
            recall,
            f: harmonic_mean(precision, recall),
            mean_class_f1: mean(|class| class.f1),
            classes,
            confusion,
        }
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
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

    #[test]
    fn figures_of_a_case_counted_by_hand() {
        // Class 0: recall 2/3, precision 2/4. Class 1: recall 1/3, precision 1/2. Class 2: no users.
        let metrics = Metrics::new(&[0, 0, 0, 1, 1, 1], &[0, 0, 1, 0, 0, 1], 3);
        assert_eq!(metrics.confusion, [[2, 1, 0], [2, 1, 0], [0, 0, 0]]);
        let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-12, "{a} is not {b}");
        close(metrics.precision, (0.5 + 0.5) / 3.0);
        close(metrics.recall, (2.0 / 3.0 + 1.0 / 3.0) / 3.0);
        close(metrics.f, 1.0 / 3.0);
        close(metrics.mean_class_f1, (4.0 / 7.0 + 0.4) / 3.0);
        close(metrics.accuracy, 0.5);
        close(metrics.majority, 0.5);
    }

    #[test]
    fn without_users_all_figures_are_0() {
        let metrics = Metrics::new(&[], &[], 2);
        assert_eq!(
            (metrics.users, metrics.accuracy, metrics.f, metrics.majority),
            (0, 0.0, 0.0, 0.0)
        );
        assert_eq!(Metrics::new(&[], &[], 0).mean_class_f1, 0.0);
    }
}
