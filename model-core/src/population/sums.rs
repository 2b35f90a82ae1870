//! Sums over users, from which the shares of the classes are estimated. Sums of parts of the users add up to those of all.

use serde::{Deserialize, Serialize};

use crate::prediction::largest;

use super::{
    algebra::{add_square, triangle},
    moments::{are_lengths, length_weights},
};

/// The posteriors of one user for one attribute.
#[derive(Clone, Copy, Debug)]
pub struct UserPosterior<'a> {
    /// Q: the likelihood of each class, scaled to sum 1, see [`likelihoods`](super::likelihoods).
    pub likelihoods: &'a [f32],
    /// P: the probability of each class under the base rates that labels are predicted with.
    pub predicted: &'a [f32],
    /// The predicted label, the index of a class.
    pub label: usize,
}

/// Sums over users for one attribute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Sums {
    /// The number of users.
    pub(super) users: u64,
    /// The text lengths of the class moments, in words.
    pub(super) lengths: Vec<f32>,
    /// The sum of the weights of each length.
    pub(super) length_weights: Vec<f64>,
    pub(super) likelihoods: PosteriorSums,
    pub(super) predicted: PosteriorSums,
}

/// Weighted sums of posteriors, their squares and their labels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PosteriorSums {
    sum: Vec<f64>,
    /// Of products of the posteriors of two classes, without the last class; a lower triangle.
    products: Vec<f64>,
    /// Of users with each label.
    labels: Vec<f64>,
}

impl PosteriorSums {
    pub(super) fn new(classes: usize) -> Self {
        Self {
            sum: vec![0.0; classes],
            products: vec![0.0; triangle(classes - 1)],
            labels: vec![0.0; classes],
        }
    }

    pub(super) fn add(&mut self, weight: f64, posterior: &[f32], label: usize) {
        assert_eq!(posterior.len(), self.sum.len(), "one probability per class");
        let posterior: Vec<f64> = posterior.iter().map(|&p| p.into()).collect();
        for (sum, p) in self.sum.iter_mut().zip(&posterior) {
            *sum += weight * p;
        }
        let zeros = vec![0.0; posterior.len()];
        add_square(&mut self.products, weight, &posterior, &zeros);
        self.labels[label] += weight;
    }

    fn merge(&mut self, other: &Self) {
        add(&mut self.sum, &other.sum);
        add(&mut self.products, &other.products);
        add(&mut self.labels, &other.labels);
    }

    /// The mean posterior, from the sum of the weights.
    pub(super) fn mean(&self, weight: f64) -> Vec<f64> {
        self.sum.iter().map(|sum| sum / weight).collect()
    }

    /// The share of each label.
    pub(super) fn label_shares(&self, weight: f64) -> Vec<f64> {
        self.labels.iter().map(|sum| sum / weight).collect()
    }

    /// The covariance of the posteriors, without the last class; 0 without users.
    pub(super) fn covariance(&self, weight: f64) -> Vec<f64> {
        let weight = weight.max(1.0);
        let mut covariance: Vec<f64> = self.products.iter().map(|sum| sum / weight).collect();
        let mean = self.mean(weight);
        add_square(&mut covariance, -1.0, &mean, &vec![0.0; mean.len()]);
        covariance
    }

    /// Whether these can be the sums of so many posteriors.
    fn is_sound(&self, classes: usize, users: u64) -> bool {
        let most = 1.001 * users as f64;
        let are_shares = |sums: &[f64]| {
            sums.len() == classes
                && sums.iter().all(|sum| (0.0..=most).contains(sum))
                && (sums.iter().sum::<f64>() - users as f64).abs() <= 0.001 * users as f64
        };
        are_shares(&self.sum)
            && are_shares(&self.labels)
            && self.products.len() == triangle(classes - 1)
            && self.products.iter().all(|sum| (0.0..=most).contains(sum))
    }
}

impl Sums {
    pub(super) fn new(classes: usize, lengths: &[f32]) -> Self {
        assert!(classes >= 2, "an attribute has at least two classes");
        Self {
            users: 0,
            lengths: lengths.to_vec(),
            length_weights: vec![0.0; lengths.len()],
            likelihoods: PosteriorSums::new(classes),
            predicted: PosteriorSums::new(classes),
        }
    }

    /// The number of users.
    pub fn users(&self) -> u64 {
        self.users
    }

    /// The number of classes.
    pub fn classes(&self) -> usize {
        self.likelihoods.sum.len()
    }

    pub(super) fn add(&mut self, words: usize, posterior: UserPosterior) {
        self.users += 1;
        add(
            &mut self.length_weights,
            &length_weights(&self.lengths, words),
        );
        let likeliest = likeliest(posterior.likelihoods);
        self.likelihoods.add(1.0, posterior.likelihoods, likeliest);
        self.predicted
            .add(1.0, posterior.predicted, posterior.label);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.users += other.users;
        add(&mut self.length_weights, &other.length_weights);
        self.likelihoods.merge(&other.likelihoods);
        self.predicted.merge(&other.predicted);
    }

    pub(super) fn is_sound(&self) -> bool {
        let (classes, weights) = (self.classes(), &self.length_weights);
        let users = self.users as f64;
        let are_weights = if self.lengths.is_empty() {
            weights.is_empty()
        } else {
            are_lengths(&self.lengths)
                && weights.len() == self.lengths.len()
                && weights.iter().all(|&weight| weight >= 0.0)
                && (weights.iter().sum::<f64>() - users).abs() <= 0.001 * users
        };
        classes >= 2
            && are_weights
            && self.likelihoods.is_sound(classes, self.users)
            && self.predicted.is_sound(classes, self.users)
    }
}

/// The class of the highest likelihood.
pub(super) fn likeliest(likelihoods: &[f32]) -> usize {
    largest(likelihoods).unwrap_or(0)
}

fn add(sums: &mut [f64], terms: &[f64]) {
    for (sum, term) in sums.iter_mut().zip(terms) {
        *sum += term;
    }
}
