//! Whether one system is better than another, or only luckier.
//!
//! Two tests, because they ask different questions. [`macro_t_test`] takes the classes for the sample, as the paper does
//! after Yang and Liu (1999). [`Bootstrap`] takes the users for it.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rayon::prelude::*;
use statrs::distribution::{ContinuousCDF, StudentsT};

use super::Metrics;

/// How many samples of users are drawn, where nothing else is asked for.
pub const RESAMPLES: usize = 10_000;

/// A mean and how far single values stray from it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation (n − 1); a single value has none.
    pub sd: Option<f64>,
}

impl Spread {
    /// That of these values; nothing for none.
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

/// The macro t-test of Yang and Liu (1999): Student's paired t-test on the F1 of each class under two systems. The
/// two-sided p; nothing where there are fewer than two classes.
///
/// It asks whether the difference would show on other classes of the same kind. With few classes it cannot answer: two
/// classes leave one degree of freedom, and p < 0.05 then takes two differences within 8 % of their mean. It knows
/// nothing of how many users there were, and counts a class of ten users like one of a thousand.
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

/// What one system, once learned, predicted for its test users.
#[derive(Clone, Debug)]
pub struct Predictions {
    /// Which of the bootstrap's users they are.
    pub users: Vec<usize>,
    /// Their true classes.
    pub gold: Vec<usize>,
    /// The predicted ones.
    pub predicted: Vec<usize>,
    /// How many classes there are.
    pub classes: usize,
}

/// Samples of users, drawn with replacement (Efron 1979).
///
/// A user who is drawn twice counts twice for every system and every seed. So two systems are compared on the same
/// users, and a user who is in the tests of several seeds is not taken for several people.
#[derive(Clone, Copy, Debug)]
pub struct Bootstrap {
    /// How many users to draw from; as many are drawn.
    pub users: usize,
    /// How many samples.
    pub resamples: usize,
    /// Decides which.
    pub seed: u64,
}

impl Bootstrap {
    /// Figures of each of `predictions` in each sample: a row a sample, a column each of `predictions`.
    pub fn figures<T: Send>(
        &self,
        predictions: &[Predictions],
        figure: impl Fn(&Metrics) -> T + Sync,
    ) -> Vec<Vec<T>> {
        let sample = |index| {
            let mut random = StdRng::seed_from_u64(self.seed.wrapping_add(index));
            let mut times = vec![0_u32; self.users];
            for _ in 0..self.users {
                times[random.random_range(0..self.users)] += 1;
            }
            let figures = predictions
                .iter()
                .map(|one| figure(&one.counted(|user| times[user] as usize)));
            figures.collect()
        };
        (0..self.resamples as u64)
            .into_par_iter()
            .map(sample)
            .collect()
    }
}

impl Predictions {
    /// The figures as they are.
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

/// By how much one system's figure is above another's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// On the users as they are.
    pub observed: f64,
    /// The 95 % interval: from the 2.5th to the 97.5th percentile over the samples.
    pub interval: (f64, f64),
    /// Two-sided: twice the share of samples in which the difference is 0 or has the other sign, where the
    /// observed one counts as a sample; 1 at most.
    pub p: f64,
}

impl Difference {
    /// From the difference on the users as they are and those in the samples of a [`Bootstrap`].
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

/// Of sorted values, with straight lines between them; NaN of none.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = share * last as f64;
    let (low, high) = (place.floor() as usize, place.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * place.fract()
}

/// Holm's correction (1979): the p of each of several comparisons, raised so that the chance of calling any difference
/// real that is not stays below the level at which they are read.
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
