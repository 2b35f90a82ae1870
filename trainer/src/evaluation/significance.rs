//! Tests of significance.
//!
//! Two tests compare systems. [`Bootstrap`] treats the users as the sample. [`macro_t_test`] treats the classes as the sample,
//! as the paper does after Yang and Liu (1999); it finds differences where there are none, and only repeats the paper.
//! [`guessing_p`] compares one system with guessing.

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::Metrics;

/// Default number of samples of a bootstrap, and of permutations.
pub const RESAMPLES: usize = 10_000;

/// Mean and standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation (n − 1); `None` for a single value.
    pub sd: Option<f64>,
}

impl Spread {
    /// Mean and standard deviation of `values`; `None` where there are none.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.is_empty() {
            return None;
        }
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Some(Self {
            mean,
            sd: (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()),
        })
    }
}

/// The macro t-test of Yang and Liu (1999): Student's paired t-test on the F1 of each class under two systems. Returns the
/// two-sided p, or `None` for fewer than two classes.
///
/// The test takes the differences of the classes for independent, and they are not: a user in the wrong class lowers the F1
/// of two classes. So p is too low. Of two equally good classifiers with an accuracy of 0.8, it is below 0.05 in 24 % of
/// simulations with 2 classes and in 14 % with 3 or 7 (`scripts/t_test.py`). The test also ignores the number of users: a
/// class of ten counts as much as a class of a thousand.
pub fn macro_t_test(a: &[f64], b: &[f64]) -> Option<f64> {
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| a - b).collect();
    let Spread { mean, sd } = Spread::of(&differences)?;
    let sd = sd?;
    if mean == 0.0 {
        return Some(1.0);
    }
    let n = differences.len() as f64;
    let t = mean / (sd / n.sqrt());
    let distribution = StudentsT::new(0.0, 1.0, n - 1.0).ok()?;
    Some(2.0 * distribution.cdf(-t.abs()))
}

/// The predictions of one trained system for its test users.
#[derive(Clone, Debug)]
pub struct Predictions {
    /// The test users, as indices below [`Bootstrap::users`].
    pub users: Vec<usize>,
    /// The true class of each.
    pub gold: Vec<usize>,
    /// The predicted class of each.
    pub predicted: Vec<usize>,
    /// The number of classes.
    pub classes: usize,
}

/// Samples of users, drawn with replacement (Efron 1979).
///
/// A user who is drawn twice counts twice for every system and every seed. So two systems are compared on the same
/// users, and a user who is a test user of several seeds counts as one user.
#[derive(Clone, Copy, Debug)]
pub struct Bootstrap {
    /// The number of users to draw from, and of draws in a sample.
    pub users: usize,
    /// The number of samples.
    pub resamples: usize,
    /// The seed of the draws.
    pub seed: u64,
}

impl Bootstrap {
    /// The figure of each of `predictions` in each sample, `[resamples, predictions]`.
    pub fn figures<T: Send>(
        &self,
        predictions: &[Predictions],
        figure: impl Fn(&Metrics) -> T + Sync,
    ) -> Vec<Vec<T>> {
        self.samples(|times| {
            let figures = predictions
                .iter()
                .map(|one| figure(&one.counted(|user| times[user] as usize)));
            figures.collect()
        })
    }

    /// The `figure` of each sample, from the number of times that each user was drawn.
    pub fn samples<T: Send>(&self, figure: impl Fn(&[u32]) -> T + Sync) -> Vec<T> {
        let sample = |index| {
            let mut random = StdRng::seed_from_u64(self.seed.wrapping_add(index));
            let mut times = vec![0_u32; self.users];
            for _ in 0..self.users {
                times[random.random_range(0..self.users)] += 1;
            }
            figure(&times)
        };
        (0..self.resamples as u64)
            .into_par_iter()
            .map(sample)
            .collect()
    }
}

impl Predictions {
    /// The figures with each user counted once.
    pub fn metrics(&self) -> Metrics {
        self.counted(|_| 1)
    }

    fn counted(&self, times: impl Fn(usize) -> usize) -> Metrics {
        let mut confusion = vec![vec![0; self.classes]; self.classes];
        let classes = self.gold.iter().zip(&self.predicted);
        for (&user, (&gold, &predicted)) in self.users.iter().zip(classes) {
            confusion[gold][predicted] += times(user);
        }
        Metrics::from_confusion(confusion)
    }
}

/// The difference between the figures of two systems.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The difference with each user counted once.
    pub observed: f64,
    /// The 95 % interval: from the 2.5th to the 97.5th percentile over the samples.
    pub interval: (f64, f64),
    /// The two-sided p: twice the share of samples in which the difference is 0 or has the other sign, at most 1. The
    /// observed difference counts as one more sample, so p is never 0.
    pub p: f64,
}

impl Difference {
    /// The difference `observed` on all users, with the differences in the samples of a [`Bootstrap`].
    pub fn new(observed: f64, mut resampled: Vec<f64>) -> Self {
        resampled.sort_by(f64::total_cmp);
        let share = |count: usize| (count + 1) as f64 / (resampled.len() + 1) as f64;
        let below = share(resampled.iter().filter(|value| **value <= 0.0).count());
        let above = share(resampled.iter().filter(|value| **value >= 0.0).count());
        Self {
            observed,
            interval: (percentile(&resampled, 0.025), percentile(&resampled, 0.975)),
            p: (2.0 * below.min(above)).min(1.0),
        }
    }
}

/// The one-sided p of a permutation test of guessing: the chance that predictions which are independent of the true classes
/// reach a mean recall as high as that of `confusion`, where row is the true class and column the predicted one. The mean is
/// over the classes with users.
///
/// Each permutation deals the predictions out to the users at random. So both the number of users of each class and the
/// number predicted to be of each class stay as they are, and a class of one user, guessed right, is no evidence where
/// many users are predicted to be of this class. For two classes the p is that of Fisher's exact test, up to the error of
/// sampling `permutations`.
pub fn guessing_p(confusion: &[Vec<usize>], permutations: usize) -> f64 {
    let supports: Vec<usize> = confusion.iter().map(|row| row.iter().sum()).collect();
    let mut predicted = Vec::new();
    for row in confusion {
        for (class, &users) in row.iter().enumerate() {
            predicted.extend(std::iter::repeat_n(class, users));
        }
    }
    // The sum of the recalls, of predictions that are in the order of the users' true classes.
    let recalls = |predicted: &[usize]| {
        let mut rest = predicted;
        let mut sum = 0.0;
        for (class, &support) in supports
            .iter()
            .enumerate()
            .filter(|(_, support)| **support > 0)
        {
            let (of_class, others) = rest.split_at(support);
            let right = of_class.iter().filter(|&&other| other == class).count();
            sum += right as f64 / support as f64;
            rest = others;
        }
        sum
    };
    // Equal counts must compare as equal, whatever the order in which they are added.
    let observed = recalls(&predicted) - 1e-9;
    let is_as_high = |index: &u64| {
        let mut shuffled = predicted.clone();
        shuffled.shuffle(&mut StdRng::seed_from_u64(*index));
        recalls(&shuffled) >= observed
    };
    let as_high = (0..permutations as u64)
        .into_par_iter()
        .filter(is_as_high)
        .count();
    (as_high + 1) as f64 / (permutations + 1) as f64
}

/// A percentile of sorted values by linear interpolation; NaN where there are none.
pub(super) fn percentile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = share * last as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * place.fract()
}

/// Holm's correction (1979) of the p of several comparisons. If none of the differences is real, the chance that any corrected
/// p is below a level is at most that level.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut corrected = vec![0.0; p.len()];
    let mut least = 0.0_f64;
    for (rank, &index) in order.iter().enumerate() {
        least = least.max(p[index] * (p.len() - rank) as f64).min(1.0);
        corrected[index] = least;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predictions(gold: &[usize], predicted: &[usize]) -> Predictions {
        Predictions {
            users: (0..gold.len()).collect(),
            gold: gold.to_vec(),
            predicted: predicted.to_vec(),
            classes: 2,
        }
    }

    #[test]
    fn equal_systems_do_not_differ() {
        let one = predictions(&[0, 1, 0, 1], &[0, 1, 1, 1]);
        let bootstrap = Bootstrap {
            users: 4,
            resamples: 100,
            seed: 1,
        };
        let samples = bootstrap.figures(&[one.clone(), one], |metrics| metrics.f);
        let differences = samples.iter().map(|row| row[0] - row[1]).collect();
        let difference = Difference::new(0.0, differences);
        assert_eq!((difference.interval, difference.p), ((0.0, 0.0), 1.0));
        assert_eq!(macro_t_test(&[0.5, 0.25], &[0.5, 0.25]), Some(1.0));
    }

    #[test]
    fn one_class_is_no_sample() {
        assert_eq!(macro_t_test(&[0.5], &[0.25]), None);
        assert_eq!(macro_t_test(&[], &[]), None);
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(
            Spread::of(&[0.5]),
            Some(Spread {
                mean: 0.5,
                sd: None
            })
        );
    }

    #[test]
    fn p_cannot_be_less_than_the_samples_can_show() {
        let difference = Difference::new(0.5, vec![0.5; 99]);
        assert_eq!(difference.p, 0.02);
        assert_eq!(difference.interval, (0.5, 0.5));
    }

    #[test]
    fn the_same_seed_draws_the_same_samples() {
        let one = predictions(&[0, 1, 0, 1, 1], &[0, 1, 1, 1, 0]);
        let draw = |seed| {
            let bootstrap = Bootstrap {
                users: 5,
                resamples: 20,
                seed,
            };
            bootstrap.figures(std::slice::from_ref(&one), |metrics| metrics.f)
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }
}
