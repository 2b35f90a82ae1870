//! The shares of the classes in a set of users: quantification, or prevalence estimation, from the posteriors of the users.
//!
//! Counting the predicted labels is biased towards the classes that the training corpus has many of, and the shorter the
//! texts, the more. The adjusted methods correct this by what the posteriors of users of each class look like, which was
//! measured on validation users ([`ClassMoments`]). They assume that the users of a class write like the validation users of
//! that class, and that only the shares of the classes differ.
//!
//! A [`Population`] takes one user after the other and keeps sums and a sample. Populations of parts of the users can be
//! merged.
//!
//! ```
//! use model_core::population::{ClassMoments, Method, Population, UserPosterior, likelihoods};
//!
//! let base_rates = [0.9, 0.1];
//! // Validation users: the class, and the likelihoods. Real ones differ.
//! let validation = [vec![(0, vec![0.7, 0.3]); 50], vec![(1, vec![0.2, 0.8]); 50]].concat();
//! let moments = ClassMoments::of(&[(100.0, validation.as_slice())]).unwrap();
//!
//! let mut population = Population::new(&[(2, &moments.lengths)], 10_000);
//! for (key, posterior) in [[0.9545, 0.0455], [0.6923, 0.3077]].iter().enumerate() {
//!     let likelihoods = likelihoods(posterior, &base_rates);
//!     let user = UserPosterior { likelihoods: &likelihoods, predicted: posterior, label: 0 };
//!     population.add(key as u64, 100, &[user]);
//! }
//! let counted = population.estimate(0, &[], Some(&moments), &base_rates, Method::Count).unwrap();
//! assert_eq!(counted.shares, [1.0, 0.0]);
//! let adjusted = population.estimate(0, &[], Some(&moments), &base_rates, Method::AdjustedCount).unwrap();
//! assert!((adjusted.shares[0] - 0.5).abs() < 1e-6);
//! ```

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::base_rates;
use sums::Sums;

mod algebra;
mod estimate;
mod joint;
mod methods;
mod moments;
mod random;
mod shares;
mod sums;
#[cfg(test)]
mod tests;

pub use estimate::Estimate;
pub use moments::{ClassMoments, LabelledPosterior};
#[cfg(feature = "model")]
pub(crate) use random::finalise;
pub use shares::{AttributeShares, Divergence, JointShares, PopulationEstimate, Share, TextCheck};
pub use sums::UserPosterior;

/// The size of the sample that suffices for [`Method::ExpectationMaximisation`] and [`Population::joint`].
pub const SAMPLE_SIZE: usize = 10_000;

/// How the shares of the classes are estimated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(
    feature = "typescript",
    derive(ts_rs::TS),
    ts(export_to = "protocol.d.ts")
)]
pub enum Method {
    /// The shares of the predicted labels (classify and count, CC).
    #[serde(rename = "cc")]
    Count,
    /// The mean of the posteriors (PCC, Bella et al. 2010).
    #[serde(rename = "pcc")]
    ProbabilisticCount,
    /// The shares whose expected label counts come nearest to those observed (ACC, Forman 2008), by least squares.
    #[serde(rename = "acc")]
    AdjustedCount,
    /// The shares whose expected mean posterior comes nearest to that observed (PACC, Bella et al. 2010), by least squares.
    #[serde(rename = "pacc")]
    ProbabilisticAdjustedCount,
    /// The shares that make the posteriors most likely (EMQ or SLD, Saerens et al. 2002).
    #[serde(rename = "emq")]
    ExpectationMaximisation,
    /// The posterior mean of the shares: as PACC, but differences count in proportion to how well they are known, and before
    /// looking at the users all shares are equally probable: those of the coarse classes, if there are any, and those of the
    /// classes within each.
    #[default]
    #[serde(rename = "bayes")]
    Bayesian,
}

impl Method {
    /// All methods, the simplest first.
    pub const ALL: [Self; 6] = [
        Self::Count,
        Self::ProbabilisticCount,
        Self::AdjustedCount,
        Self::ProbabilisticAdjustedCount,
        Self::ExpectationMaximisation,
        Self::Bayesian,
    ];

    /// The abbreviation, as in serialised form: `"cc"`, `"pcc"`, `"acc"`, `"pacc"`, `"emq"` or `"bayes"`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Count => "cc",
            Self::ProbabilisticCount => "pcc",
            Self::AdjustedCount => "acc",
            Self::ProbabilisticAdjustedCount => "pacc",
            Self::ExpectationMaximisation => "emq",
            Self::Bayesian => "bayes",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Method {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let method = Self::ALL.into_iter().find(|method| method.name() == name);
        method.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("unknown method {name:?}; choose one of {names}")
        })
    }
}

/// The likelihood Q ∝ P / π of each class, from the posterior P under base rates π. It is scaled to sum 1, so it is the
/// posterior under a uniform distribution of the classes.
pub fn likelihoods(posterior: &[f32], base_rates: &[f32]) -> Vec<f32> {
    let factors: Vec<f64> = (base_rates.iter())
        .map(|&rate| 1.0 / f64::from(rate))
        .collect();
    let mut likelihoods = posterior.to_vec();
    base_rates::adjust(&mut likelihoods, &factors);
    likelihoods
}

/// A set of users, as sums for each attribute and a uniform sample of the users.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Population {
    attributes: Vec<Sums>,
    sample_size: usize,
    /// The users with the smallest hashes, in ascending order.
    sample: Vec<SampledUser>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SampledUser {
    hash: u64,
    /// Q of one attribute after the other.
    posteriors: Vec<f32>,
}

impl SampledUser {
    /// By hash; users of equal hashes by posteriors, so that the sample does not depend on the order of the users.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let posteriors = self.posteriors.iter().zip(&other.posteriors);
        posteriors.fold(self.hash.cmp(&other.hash), |order, (a, b)| {
            order.then(a.total_cmp(b))
        })
    }
}

impl Population {
    /// No users yet. Each attribute has a number of classes and the text lengths of its [`ClassMoments`], or no lengths if it
    /// has no moments. At most `sample_size` users are sampled, see [`SAMPLE_SIZE`].
    ///
    /// # Panics
    /// If an attribute has fewer than two classes.
    pub fn new(attributes: &[(usize, &[f32])], sample_size: usize) -> Self {
        Self {
            attributes: (attributes.iter())
                .map(|&(classes, lengths)| Sums::new(classes, lengths))
                .collect(),
            sample_size,
            sample: Vec::new(),
        }
    }

    /// The number of users.
    pub fn users(&self) -> u64 {
        self.attributes.first().map_or(0, Sums::users)
    }

    /// Adds a user who wrote so many words, with a posterior for each attribute. `hash` is a hash of the key of the user. The
    /// users with the smallest hashes are the sample, so hashes should be uniform over all `u64`.
    ///
    /// # Panics
    /// If there is not one posterior per attribute and one probability per class.
    pub fn add(&mut self, hash: u64, words: usize, posteriors: &[UserPosterior]) {
        assert_eq!(posteriors.len(), self.attributes.len(), "one per attribute");
        for (sums, &posterior) in self.attributes.iter_mut().zip(posteriors) {
            sums.add(words, posterior);
        }
        let is_full = self.sample.len() >= self.sample_size;
        if is_full && self.sample.last().is_none_or(|last| last.hash < hash) {
            return;
        }
        let user = SampledUser {
            hash,
            posteriors: (posteriors.iter())
                .flat_map(|posterior| posterior.likelihoods.iter().copied())
                .collect(),
        };
        let at = self
            .sample
            .partition_point(|other| other.order(&user).is_lt());
        self.sample.insert(at, user);
        self.sample.truncate(self.sample_size);
    }

    /// Adds the users of another population. The order in which users are added and populations merged does not matter, apart
    /// from the rounding of sums.
    ///
    /// # Errors
    /// If the populations differ in attributes, classes, text lengths of the moments or sample size.
    pub fn merge(&mut self, other: &Self) -> Result<(), String> {
        let shape = |population: &Self| -> (usize, Vec<(usize, Vec<f32>)>) {
            let attributes = population.attributes.iter();
            let shapes = attributes.map(|sums| (sums.classes(), sums.lengths.clone()));
            (population.sample_size, shapes.collect())
        };
        if shape(self) != shape(other) {
            return Err(
                "populations of different models or sample sizes cannot be merged; make both with the same model"
                    .to_owned(),
            );
        }
        for (sums, other) in self.attributes.iter_mut().zip(&other.attributes) {
            sums.merge(other);
        }
        self.sample.extend_from_slice(&other.sample);
        self.sample.sort_by(SampledUser::order);
        self.sample.truncate(self.sample_size);
        Ok(())
    }

    /// Whether a population that was deserialised is one that [`new`](Self::new), [`add`](Self::add) and
    /// [`merge`](Self::merge) can make; the other methods panic if it is not.
    pub fn is_sound(&self) -> bool {
        let probabilities: usize = self.attributes.iter().map(Sums::classes).sum();
        self.attributes
            .iter()
            .all(|sums| sums.is_sound() && sums.users == self.users())
            && self.sample.len() as u64 == self.users().min(self.sample_size as u64)
            && self.sample.is_sorted_by(|a, b| a.order(b).is_le())
            && self.sample.iter().all(|user| {
                user.posteriors.len() == probabilities
                    && user.posteriors.iter().all(|q| (0.0..=1.0).contains(q))
            })
    }

    /// The shares of the classes of an attribute. `coarse` has the classes of each of its coarse classes and is empty if there
    /// are none; `base_rates` are the shares in the training corpus.
    ///
    /// `None` if there are no users, if the method needs moments and there are none of the
    /// [lengths](Self::new) and classes of the attribute, or if it needs a sample and the sample size is 0.
    ///
    /// # Panics
    /// If there is no such attribute or class, or not one base rate per class.
    pub fn estimate(
        &self,
        attribute: usize,
        coarse: &[Vec<usize>],
        moments: Option<&ClassMoments>,
        base_rates: &[f32],
        method: Method,
    ) -> Option<Estimate> {
        let sums = &self.attributes[attribute];
        assert_eq!(base_rates.len(), sums.classes(), "one base rate per class");
        if sums.users == 0 {
            return None;
        }
        let moments = moments
            .filter(|moments| moments.lengths == sums.lengths && moments.is_sound(sums.classes()));
        let (shares, draws) = match method {
            Method::Count => methods::count(sums),
            Method::ProbabilisticCount => methods::probabilistic_count(sums),
            Method::AdjustedCount => methods::adjusted_count(sums, moments?),
            Method::ProbabilisticAdjustedCount => {
                methods::probabilistic_adjusted_count(sums, moments?)
            }
            Method::ExpectationMaximisation => {
                let sample = self.sampled_posteriors(attribute);
                if sample.is_empty() {
                    return None;
                }
                methods::expectation_maximisation(&sample, base_rates)
            }
            Method::Bayesian => methods::bayesian(sums, moments?, coarse),
        };
        Some(Estimate::new(method, sums.users, shares, draws))
    }

    /// Q of each user in the sample for an attribute, one after the other.
    fn sampled_posteriors(&self, attribute: usize) -> Vec<f32> {
        let classes = |sums: &[Sums]| sums.iter().map(Sums::classes).sum::<usize>();
        let range = classes(&self.attributes[..attribute])..classes(&self.attributes[..=attribute]);
        (self.sample.iter())
            .flat_map(|user| &user.posteriors[range.clone()])
            .copied()
            .collect()
    }
}
