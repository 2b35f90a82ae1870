//! Mean and covariance of the posteriors of each class's users, measured on validation users.

use serde::{Deserialize, Serialize};

use crate::lengths::set_length_weights;

use super::{
    algebra::{add_square, triangle},
    sums::{PosteriorSums, likeliest},
};

/// The covariance of a class is averaged with that of all classes as if the latter came from so many more users.
const PSEUDO_USERS: f64 = 20.0;
/// That of all classes is averaged with the largest that their mean permits, as if the latter came from so many users. From a
/// few validation users in all, the classes are then hardly known.
const WIDEST_USERS: f64 = 1.0;

/// The class of a validation user, and Q: the probability of each class under equal base rates.
pub type LabelledPosterior = (usize, Vec<f32>);

/// Mean and covariance of the posteriors Q under equal base rates of the validation users of each class, of one attribute in
/// one language, at a few text lengths.
///
/// Of K classes, a mean has K entries. A covariance has K (K − 1) / 2: the lower triangle, row by row, over all classes but
/// the last, whose probability follows from the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassMoments {
    /// The text lengths in words, ascending.
    pub lengths: Vec<f32>,
    /// The number of validation users of each class.
    pub users: Vec<u32>,
    /// The mean of Q, by length and class of the users.
    pub means: Vec<Vec<Vec<f32>>>,
    /// The covariance of Q, by length and class of the users.
    pub covariances: Vec<Vec<Vec<f32>>>,
    /// The share of users with each label, the most probable class of Q, by length and class of the users.
    pub labels: Vec<Vec<Vec<f32>>>,
    /// The share of each class that is expected before looking at a set of users; empty if all shares are equally probable.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected_shares: Vec<f32>,
}

/// Mean and covariance of a vector of users, by their class, and the number of users that these were measured on.
pub(super) struct ClassConditionals {
    pub means: Vec<Vec<f64>>,
    /// As in [`ClassMoments`].
    pub covariances: Vec<Vec<f64>>,
    pub users: Vec<f64>,
}

impl ClassConditionals {
    /// The covariance of the vector over users of all classes, if these have the given shares.
    pub(super) fn covariance(&self, shares: &[f64]) -> Vec<f64> {
        let mut mean = vec![0.0; shares.len()];
        for (of_class, share) in self.means.iter().zip(shares) {
            for (mean, value) in mean.iter_mut().zip(of_class) {
                *mean += share * value;
            }
        }
        let mut covariance = vec![0.0; triangle(shares.len() - 1)];
        for ((of_class, within), &share) in self.means.iter().zip(&self.covariances).zip(shares) {
            add_square(&mut covariance, share, of_class, &mean);
            for (entry, within) in covariance.iter_mut().zip(within) {
                *entry += share * within;
            }
        }
        covariance
    }
}

impl ClassMoments {
    /// The moments of validation users: for each length in words, ascending, the class and Q of each user. The users are the
    /// same at all lengths. `None` if there is no length or a length has no users.
    ///
    /// A class without users gets the mean over all users weighted by their posterior of this class, which is right if the
    /// posteriors are calibrated.
    ///
    /// # Panics
    /// If a class is not one of the posteriors, or these differ in their number of classes or have fewer than two.
    pub fn of(lengths: &[(f32, &[LabelledPosterior])]) -> Option<Self> {
        let classes = lengths.first()?.1.first()?.1.len();
        let mut moments = Self {
            lengths: lengths.iter().map(|length| length.0).collect(),
            users: vec![u32::MAX; classes],
            means: vec![],
            covariances: vec![],
            labels: vec![],
            expected_shares: vec![],
        };
        for (_, users) in lengths {
            if users.is_empty() {
                return None;
            }
            moments.add_length(users);
        }
        Some(moments)
    }

    fn add_length(&mut self, users: &[LabelledPosterior]) {
        let classes = self.users.len();
        let mut sums = vec![PosteriorSums::new(classes); classes];
        let mut counts = vec![0_u32; classes];
        for (class, q) in users {
            sums[*class].add(1.0, q, likeliest(q));
            counts[*class] += 1;
        }
        let scatters: Vec<Vec<f64>> = (sums.iter().zip(&counts))
            .map(|(sums, &count)| {
                let covariance = sums.covariance(f64::from(count));
                let scatter = covariance.iter().map(|entry| f64::from(count) * entry);
                scatter.collect()
            })
            .collect();
        let degrees = |count: u32| f64::from(count.saturating_sub(1));
        let all_degrees: f64 = counts.iter().map(|&count| degrees(count)).sum();
        let mut all = PosteriorSums::new(classes);
        for (_, q) in users {
            all.add(1.0, q, likeliest(q));
        }
        let widest = label_covariance(&all.mean(users.len() as f64));
        let pooled: Vec<f64> = (widest.iter().enumerate())
            .map(|(at, widest)| {
                let scatter: f64 = scatters.iter().map(|scatter| scatter[at]).sum();
                (scatter + WIDEST_USERS * widest) / (all_degrees + WIDEST_USERS)
            })
            .collect();
        let covariances = scatters.iter().zip(&counts).map(|(scatter, &count)| {
            let entries = scatter.iter().zip(&pooled).map(|(scatter, pooled)| {
                (scatter + PSEUDO_USERS * pooled) / (degrees(count) + PSEUDO_USERS)
            });
            rounded(entries, 7)
        });
        self.covariances.push(covariances.collect());

        let mut weights: Vec<f64> = counts.iter().map(|&count| count.into()).collect();
        for (class, weight) in weights.iter_mut().enumerate().filter(|(_, w)| **w == 0.0) {
            for (_, q) in users {
                sums[class].add(f64::from(q[class]), q, likeliest(q));
                *weight += f64::from(q[class]);
            }
        }
        let of_classes = |value: fn(&PosteriorSums, f64) -> Vec<f64>| {
            (sums.iter().zip(&weights))
                .map(|(sums, &weight)| rounded(value(sums, weight).into_iter(), 4))
                .collect()
        };
        self.means.push(of_classes(PosteriorSums::mean));
        self.labels.push(of_classes(PosteriorSums::label_shares));
        for (users, count) in self.users.iter_mut().zip(counts) {
            *users = count.min(*users);
        }
    }

    /// Whether these are moments of so many classes: lengths that ascend, vectors of the right sizes, distributions that sum
    /// to 1 and variances that are not negative.
    pub(crate) fn is_sound(&self, classes: usize) -> bool {
        let shape =
            |values: &Vec<Vec<Vec<f32>>>, size: usize, is_sound: &dyn Fn(&[f32]) -> bool| {
                values.len() == self.lengths.len()
                    && values.iter().all(|of_length| {
                        of_length.len() == classes
                            && (of_length.iter()).all(|of_class| {
                                of_class.len() == size
                                    && of_class.iter().all(|value| value.is_finite())
                                    && is_sound(of_class)
                            })
                    })
            };
        let is_distribution = |values: &[f32]| {
            values.iter().all(|&value| value >= 0.0)
                && (values.iter().sum::<f32>() - 1.0).abs() < 0.01
        };
        let has_variances =
            |values: &[f32]| (1..classes).all(|dimensions| values[triangle(dimensions) - 1] >= 0.0);
        classes >= 2
            && self.users.len() == classes
            && are_lengths(&self.lengths)
            && shape(&self.means, classes, &is_distribution)
            && shape(&self.covariances, triangle(classes - 1), &has_variances)
            && shape(&self.labels, classes, &is_distribution)
            && (self.expected_shares.is_empty()
                || self.expected_shares.len() == classes
                    && self.expected_shares.iter().all(|&share| share > 0.0)
                    && is_distribution(&self.expected_shares))
    }

    /// The moments of Q in a set of texts, from the weight of each length in it, see [`length_weights`].
    pub(super) fn of_posteriors(&self, weights: &[f64]) -> ClassConditionals {
        ClassConditionals {
            means: mixture(&self.means, weights),
            covariances: mixture(&self.covariances, weights),
            users: self.users(),
        }
    }

    /// The moments of the labels in a set of texts, a label being a vector of zeros and a one.
    pub(super) fn of_labels(&self, weights: &[f64]) -> ClassConditionals {
        let means = mixture(&self.labels, weights);
        ClassConditionals {
            covariances: means
                .iter()
                .map(|shares| label_covariance(shares))
                .collect(),
            means,
            users: self.users(),
        }
    }

    fn users(&self) -> Vec<f64> {
        self.users.iter().map(|&users| users.into()).collect()
    }
}

/// The mean over lengths with these weights, by class of the users.
fn mixture(by_length: &[Vec<Vec<f32>>], weights: &[f64]) -> Vec<Vec<f64>> {
    let total: f64 = weights.iter().sum();
    let mut mixed: Vec<Vec<f64>> = by_length[0].iter().map(|of| vec![0.0; of.len()]).collect();
    for (of_length, weight) in by_length.iter().zip(weights) {
        for (mixed, of_class) in mixed.iter_mut().zip(of_length) {
            for (mixed, &value) in mixed.iter_mut().zip(of_class) {
                *mixed += weight / total * f64::from(value);
            }
        }
    }
    mixed
}

/// The covariance of labels of which each has this share, without the last: diag(s) − ssᵀ.
pub(super) fn label_covariance(shares: &[f64]) -> Vec<f64> {
    let mut covariance = vec![0.0; triangle(shares.len() - 1)];
    add_square(&mut covariance, -1.0, shares, &vec![0.0; shares.len()]);
    for (class, share) in shares.iter().take(shares.len() - 1).enumerate() {
        covariance[triangle(class + 1) - 1] += share;
    }
    covariance
}

/// Whether there are lengths, which are positive and ascend.
pub(super) fn are_lengths(lengths: &[f32]) -> bool {
    lengths.first().is_some_and(|&length| length > 0.0)
        && lengths.iter().all(|length| length.is_finite())
        && lengths.windows(2).all(|pair| pair[0] < pair[1])
}

/// The weights of `lengths` for a text of `words` words, see [`set_length_weights`].
pub(super) fn length_weights(lengths: &[f32], words: usize) -> Vec<f64> {
    let mut weights = vec![0.0; lengths.len()];
    set_length_weights(&mut weights, lengths, words);
    weights
}

/// The values with so many decimals, which are all that the number of users supports and keep a bundle small.
fn rounded(values: impl Iterator<Item = f64>, decimals: i32) -> Vec<f32> {
    let unit = 10_f64.powi(decimals);
    values
        .map(|value| ((value * unit).round() / unit) as f32)
        .collect()
}
