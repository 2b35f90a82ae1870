//! Shares of classes against QuaPy, exact least squares, quadrature and numpy, see `tests/reference/population/make.py`.
#![cfg(feature = "model")]

use model_core::population::{
    ClassMoments, Estimate, LabelledPosterior, Method, Population, UserPosterior,
};
use model_core::prediction::largest;
use serde::Deserialize;

const WORDS: f32 = 100.0;

#[derive(Deserialize)]
struct Reference {
    cases: Vec<Case>,
    joint: Joint,
}

#[derive(Deserialize)]
struct Case {
    base_rates: Vec<f32>,
    validation: Validation,
    equal_rates: Vec<Vec<f32>>,
    corpus_rates: Vec<Vec<f32>>,
    means: Vec<Vec<f32>>,
    labels: Vec<Vec<f32>>,
    covariances: Vec<Vec<f32>>,
    cc: Vec<f64>,
    pcc: Vec<f64>,
    acc: LeastSquares,
    pacc: LeastSquares,
    emq: Vec<f64>,
    /// For two and three classes.
    bayes: Option<Posterior>,
}

#[derive(Deserialize)]
struct Validation {
    labels: Vec<usize>,
    posteriors: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
struct LeastSquares {
    quapy: Vec<f64>,
    exact: Vec<f64>,
}

#[derive(Deserialize)]
struct Posterior {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

/// The pairs of classes of two cases: user i of the first is user `pairing[i]` of the second.
#[derive(Deserialize)]
struct Joint {
    first: usize,
    second: usize,
    pairing: Vec<usize>,
    shares: Vec<Vec<f64>>,
}

fn reference() -> Reference {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/reference/population/reference.json"
    );
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

impl Case {
    fn moments(&self) -> ClassMoments {
        let mut users = vec![0; self.base_rates.len()];
        for &label in &self.validation.labels {
            users[label] += 1;
        }
        ClassMoments {
            lengths: vec![WORDS],
            users,
            means: vec![self.means.clone()],
            covariances: vec![self.covariances.clone()],
            labels: vec![self.labels.clone()],
            expected_shares: vec![],
        }
    }

    fn estimate(&self, method: Method) -> Estimate {
        let moments = self.moments();
        let mut population = Population::new(&[(self.base_rates.len(), &moments.lengths)], 1000);
        for (key, (q, p)) in self.equal_rates.iter().zip(&self.corpus_rates).enumerate() {
            let user = UserPosterior {
                likelihoods: q,
                predicted: p,
                label: largest(p).unwrap(),
            };
            population.add(key as u64, WORDS as usize, &[user]);
        }
        (population.estimate(0, &[], Some(&moments), &self.base_rates, method)).unwrap()
    }
}

fn cases() -> Vec<Case> {
    let cases = reference().cases;
    assert_eq!(cases.len(), 6);
    cases
}

fn close(ours: &[f64], reference: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), reference.len());
    for (a, b) in ours.iter().zip(reference) {
        assert!(
            (a - b).abs() <= tolerance,
            "{ours:?} instead of {reference:?}"
        );
    }
}

#[test]
fn moments_of_validation_users_are_those_of_quapy_and_numpy() {
    for case in cases() {
        let users: Vec<LabelledPosterior> = (case.validation.labels.iter().copied())
            .zip(case.validation.posteriors.iter().cloned())
            .collect();
        let moments = ClassMoments::of(&[(WORDS, &users)]).unwrap();
        let expected = case.moments();
        assert_eq!(moments.users, expected.users);
        for (ours, reference, decimals) in [
            (&moments.means, &expected.means, 4),
            (&moments.labels, &expected.labels, 4),
            (&moments.covariances, &expected.covariances, 7),
        ] {
            // Both are rounded, perhaps to different sides.
            let unit = 1.01 * 10_f64.powi(-decimals);
            for (ours, reference) in ours[0].iter().zip(&reference[0]) {
                let [ours, reference] = [ours, reference]
                    .map(|values| values.iter().map(|&v| v.into()).collect::<Vec<f64>>());
                close(&ours, &reference, unit);
            }
        }
    }
}

#[test]
fn counts_and_expectation_maximisation_are_those_of_quapy() {
    for case in cases() {
        close(&case.estimate(Method::Count).shares, &case.cc, 1e-12);
        close(
            &case.estimate(Method::ProbabilisticCount).shares,
            &case.pcc,
            1e-6,
        );
        close(
            &case.estimate(Method::ExpectationMaximisation).shares,
            &case.emq,
            1e-6,
        );
    }
}

#[test]
fn adjusted_counts_are_exact_and_near_those_of_quapy() {
    for case in cases() {
        for (method, reference) in [
            (Method::AdjustedCount, &case.acc),
            (Method::ProbabilisticAdjustedCount, &case.pacc),
        ] {
            let shares = case.estimate(method).shares;
            close(&shares, &reference.exact, 1e-9);
            close(&shares, &reference.quapy, 1e-3);
        }
    }
}

#[test]
fn bayesian_shares_are_those_of_quadrature() {
    let mut compared = 0;
    for case in cases() {
        let Some(reference) = &case.bayes else {
            continue;
        };
        compared += 1;
        let estimate = case.estimate(Method::Bayesian);
        for (class, (mean, deviation)) in
            (reference.mean.iter().zip(&reference.deviation)).enumerate()
        {
            // The mean of 4,000 nearly independent draws strays by a sixtieth of their standard deviation.
            let error = (estimate.shares[class] - mean).abs();
            assert!(error < 0.06 * deviation, "{:?}", estimate.shares);
            // As wide as for a normal distribution, or less if 0 or 1 cuts it off.
            let [low, high] = estimate.intervals[class];
            let width = (high - low) / (2.0 * 1.96 * deviation);
            assert!(
                (0.8..1.06).contains(&width),
                "{width} of {:?}",
                estimate.intervals
            );
            assert!(low < *mean && *mean < high);
        }
    }
    assert_eq!(compared, 4);
}

#[test]
fn the_shares_of_pairs_are_those_of_numpy() {
    let Reference { cases, joint } = reference();
    let [first, second] = [joint.first, joint.second].map(|at| &cases[at]);
    let sizes = [first, second].map(|case| (case.base_rates.len(), &[] as &[f32]));
    let mut population = Population::new(&sizes, 1000);
    for (key, &other) in joint.pairing.iter().enumerate() {
        let posteriors = [&first.equal_rates[key], &second.equal_rates[other]];
        let user = posteriors.map(|q| UserPosterior {
            likelihoods: q,
            predicted: q,
            label: largest(q).unwrap(),
        });
        population.add(key as u64, WORDS as usize, &user);
    }
    let shares = population.joint(0, 1, &first.pacc.exact, &second.pacc.exact);
    assert_eq!(shares.len(), joint.shares.len());
    for (ours, reference) in shares.iter().zip(&joint.shares) {
        close(ours, reference, 1e-6);
    }
}
