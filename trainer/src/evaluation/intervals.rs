//! Bootstrap intervals of the figures of one attribute: how much they would vary with other users of the same kind.

use serde::Serialize;

use super::calibration::{Confidences, calibration_error};
use super::metrics::Metrics;
use super::significance::{Bootstrap, percentile};

/// The number of samples of users. More would move the ends of an interval by less than a hundredth of its length.
const SAMPLES: usize = 1000;

/// From the 2.5th to the 97.5th percentile over samples of the users.
pub type Interval = [f64; 2];

/// The 95 % intervals of the figures of a report; `None` for a figure that was not measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Intervals {
    /// Of the share of correct predictions.
    pub accuracy: Option<Interval>,
    /// Of the share of the most frequent class.
    pub majority: Option<Interval>,
    /// Of macro-F1.
    pub macro_f1: Option<Interval>,
    /// Of the paper's F.
    pub f: Option<Interval>,
    /// Of the mean precision.
    pub precision: Option<Interval>,
    /// Of the mean recall.
    pub recall: Option<Interval>,
    /// Of the expected calibration error.
    pub calibration_error: Option<Interval>,
    /// Of the log loss.
    pub log_loss: Option<Interval>,
    /// Of the share of confident predictions.
    pub coverage: Option<Interval>,
    /// Of the accuracy of confident predictions.
    pub accuracy_when_confident: Option<Interval>,
    /// Of the figures of each class.
    pub classes: Vec<ClassIntervals>,
}

/// The intervals of the figures of one class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassIntervals {
    /// Of its precision.
    pub precision: Option<Interval>,
    /// Of its recall.
    pub recall: Option<Interval>,
    /// Of its F1.
    pub f1: Option<Interval>,
    /// Of the share of users of this class.
    pub share: Option<Interval>,
    /// Of the share of users predicted to be of this class.
    pub predicted_share: Option<Interval>,
}

/// The values from which the figures are computed, one for each user.
pub(super) struct Scored<'r> {
    /// The true classes.
    pub gold: &'r [usize],
    /// The predicted classes.
    pub predicted: Vec<usize>,
    /// The number of classes.
    pub classes: usize,
    /// The confidences of the predicted classes.
    pub confidences: &'r Confidences,
    /// The least confidence of a confident prediction.
    pub confidence_threshold: f32,
    /// The confidences from which the calibration error is computed.
    pub calibrated: &'r Confidences,
    /// ln p of the true classes.
    pub log_probabilities: &'r [f64],
}

/// The number of figures that are not of one class.
const OVERALL: usize = 10;

impl Intervals {
    /// The intervals of the figures of some users, at least one.
    pub(super) fn new(scored: &Scored) -> Self {
        let bootstrap = Bootstrap {
            users: scored.gold.len(),
            resamples: SAMPLES,
            seed: 1,
        };
        let samples = bootstrap.samples(|times| scored.figures(|user| times[user] as usize));
        let observed = scored.figures(|_| 1);
        let interval = |figure: usize| {
            let observed = observed[figure]?;
            let mut values: Vec<f64> = samples.iter().filter_map(|row| row[figure]).collect();
            if values.is_empty() {
                return None;
            }
            values.sort_by(f64::total_cmp);
            let [low, high] = [0.025, 0.975].map(|share| percentile(&values, share));
            // A sample repeats users, which makes the bins of the reliability diagram noisier: all of its calibration errors
            // may be larger than that of the users.
            Some([low.min(observed), high.max(observed)])
        };
        let mut overall = (0..OVERALL).map(interval);
        let mut next = || overall.next().flatten();
        let classes = (0..scored.classes).map(|class| {
            let mut of_class = (OVERALL + class * 5..).map(interval);
            let mut next = || of_class.next().flatten();
            ClassIntervals {
                precision: next(),
                recall: next(),
                f1: next(),
                share: next(),
                predicted_share: next(),
            }
        });
        Self {
            classes: classes.collect(),
            accuracy: next(),
            majority: next(),
            macro_f1: next(),
            f: next(),
            precision: next(),
            recall: next(),
            calibration_error: next(),
            log_loss: next(),
            coverage: next(),
            accuracy_when_confident: next(),
        }
    }
}

impl Scored<'_> {
    /// The figures of a sample in which each user counts so many times, in the order of the fields of [`Intervals`], then of
    /// each of [`ClassIntervals`].
    fn figures(&self, times: impl Fn(usize) -> usize) -> Vec<Option<f64>> {
        let mut confusion = vec![vec![0; self.classes]; self.classes];
        let mut log_loss = 0.0;
        for (user, (&gold, &predicted)) in self.gold.iter().zip(&self.predicted).enumerate() {
            let times = times(user);
            confusion[gold][predicted] += times;
            log_loss -= times as f64 * self.log_probabilities[user];
        }
        let metrics = Metrics::from_confusion(confusion);
        let users = metrics.users as f64;
        let confident = (self.confidences).at_of(self.confidence_threshold, &times);
        let mut figures = vec![
            Some(metrics.accuracy),
            Some(metrics.majority),
            Some(metrics.macro_f1),
            Some(metrics.f),
            Some(metrics.precision),
            Some(metrics.recall),
            Some(calibration_error(&self.calibrated.reliability_of(&times))),
            Some(log_loss / users),
            Some(confident.as_ref().map_or(0.0, |point| point.coverage)),
            confident.map(|point| point.accuracy),
        ];
        for class in &metrics.classes {
            let share = |count: usize| Some(count as f64 / users);
            figures.extend([class.precision, class.recall, class.f1]);
            figures.extend([share(class.support), share(class.predicted)]);
        }
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The intervals of users of two classes, of whom `right` in each hundred are predicted correctly.
    fn intervals(users: usize, right: usize) -> Intervals {
        let gold: Vec<usize> = (0..users).map(|user| user % 2).collect();
        let rows: Vec<[f32; 2]> = (0..users)
            .map(|user| match (user % 100 < right) == (user % 2 == 0) {
                true => [0.8, 0.2],
                false => [0.2, 0.8],
            })
            .collect();
        let confidences = Confidences::new(&gold, &rows);
        Intervals::new(&Scored {
            predicted: (rows.iter()).map(|row| usize::from(row[1] > 0.5)).collect(),
            classes: 2,
            confidences: &confidences,
            confidence_threshold: 0.9,
            calibrated: &confidences,
            log_probabilities: &vec![-0.5; users],
            gold: &gold,
        })
    }

    #[test]
    fn an_interval_of_accuracy_is_that_of_a_binomial_share() {
        let [low, high] = intervals(1000, 80).accuracy.unwrap();
        let half = 1.96 * (0.8 * 0.2 / 1000.0_f64).sqrt();
        assert!((low - (0.8 - half)).abs() < 0.006, "{low}");
        assert!((high - (0.8 + half)).abs() < 0.006, "{high}");
    }

    #[test]
    fn figures_that_were_not_measured_have_no_interval() {
        let intervals = intervals(100, 100);
        assert_eq!(intervals.accuracy_when_confident, None);
        assert_eq!(intervals.coverage, Some([0.0, 0.0]));
        assert_eq!(intervals.accuracy, Some([1.0, 1.0]));
        assert_eq!(intervals.classes[0].recall, Some([1.0, 1.0]));
    }

    #[test]
    fn a_calibration_error_lies_in_its_interval() {
        // Of probabilities of 0.8, all are right: the error is 0.2.
        let [low, high] = intervals(100, 100).calibration_error.unwrap();
        assert!(low <= 0.2 + 1e-6 && 0.2 - 1e-6 <= high, "{low} {high}");
        let [low, high] = intervals(1000, 80).calibration_error.unwrap();
        assert!(low < 1e-6 && (0.02..0.04).contains(&high), "{low} {high}");
    }
}
