//! Populations of made-up users, whose classes are known.

use super::{random::Random, *};
use crate::prediction::largest;

const LENGTHS: [f32; 2] = [20.0, 500.0];

/// A user of a class: Q of logits that are normal with a variance of 1, around `distance` for the class and 0 for others.
fn user(random: &mut Random, classes: usize, class: usize, distance: f64) -> Vec<f32> {
    let powers: Vec<f64> = (0..classes)
        .map(|other| {
            let mean = if other == class { distance } else { 0.0 };
            // The log density under each class, up to a constant.
            (distance * (mean + random.normal())).exp()
        })
        .collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|power| (power / sum) as f32).collect()
}

fn users(random: &mut Random, counts: &[usize], distance: f64) -> Vec<LabelledPosterior> {
    (counts.iter().enumerate())
        .flat_map(|(class, &count)| vec![class; count])
        .map(|class| (class, user(random, counts.len(), class, distance)))
        .collect()
}

/// Moments of validation users; texts of the second length are more informative.
fn moments(random: &mut Random, counts: &[usize]) -> ClassMoments {
    let [short, long] = [0.8, 2.0].map(|distance| users(random, counts, distance));
    ClassMoments::of(&[(LENGTHS[0], &short), (LENGTHS[1], &long)]).unwrap()
}

/// The users, of one attribute, with texts of so many words. Base rates are equal.
fn population(users: &[LabelledPosterior], words: usize) -> Population {
    let mut population = Population::new(&[(users[0].1.len(), &LENGTHS)], 1000);
    for (key, (_, q)) in users.iter().enumerate() {
        population.add(hash(key), words, &[same(q)]);
    }
    population
}

fn same(q: &[f32]) -> UserPosterior<'_> {
    UserPosterior {
        likelihoods: q,
        predicted: q,
        label: largest(q).unwrap(),
    }
}

fn hash(key: usize) -> u64 {
    (key as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// How many of `counts` users of each class a draw of uniform shares gives.
fn uniform_shares(random: &mut Random, classes: usize) -> Vec<f64> {
    let parts: Vec<f64> = (0..classes).map(|_| -random.unit().ln()).collect();
    let sum: f64 = parts.iter().sum();
    parts.iter().map(|part| part / sum).collect()
}

fn class_counts(random: &mut Random, shares: &[f64], users: usize) -> Vec<usize> {
    let mut counts = vec![0; shares.len()];
    for _ in 0..users {
        let mut rest = random.unit();
        let class = shares.iter().position(|share| {
            rest -= share;
            rest < 0.0
        });
        counts[class.unwrap_or(shares.len() - 1)] += 1;
    }
    counts
}

fn assert_close(a: &[f64], b: &[f64], tolerance: f64) {
    assert_eq!(a.len(), b.len());
    for (x, y) in a.iter().zip(b) {
        assert!((x - y).abs() <= tolerance, "{a:?} instead of {b:?}");
    }
}

fn assert_is_estimate(estimate: &Estimate) {
    let (shares, intervals) = (&estimate.shares, &estimate.intervals);
    assert!(
        (shares.iter().sum::<f64>() - 1.0).abs() < 1e-9,
        "{shares:?}"
    );
    assert_eq!(intervals.len(), shares.len());
    for (share, [low, high]) in shares.iter().zip(intervals) {
        assert!((0.0..=1.0).contains(share), "{shares:?}");
        assert!(0.0 <= *low && low <= high && *high <= 1.0, "{intervals:?}");
    }
}

#[test]
fn names_of_methods_are_read_and_written() {
    for method in Method::ALL {
        assert_eq!(method.to_string().parse(), Ok(method));
    }
    assert_eq!(Method::default().to_string(), "bayes");
    let error = "count".parse::<Method>().unwrap_err();
    assert_eq!(
        error,
        "unknown method \"count\"; choose one of cc, pcc, acc, pacc, emq, bayes"
    );
}

#[test]
fn likelihoods_are_posteriors_over_base_rates() {
    let q = likelihoods(&[0.9, 0.1], &[0.9, 0.1]);
    assert!(q.iter().all(|q| (q - 0.5).abs() < 1e-6));
}

#[test]
fn merged_populations_are_that_of_all_users() {
    let mut random = Random::new(1);
    let users = users(&mut random, &[700, 500, 900], 1.0);
    let all = population(&users, 100);
    assert_eq!((all.users(), all.sample.len()), (2100, 1000));
    assert!(all.is_sound());
    // Users are added in another order, to three populations.
    let mut parts = [0; 3].map(|_| Population::new(&[(3, &LENGTHS)], 1000));
    for (key, (_, q)) in users.iter().enumerate().rev() {
        parts[key % 3].add(hash(key), 100, &[same(q)]);
    }
    let [mut first, second, third] = parts;
    let mut last = third.clone();
    last.merge(&second).unwrap();
    last.merge(&first).unwrap();
    first.merge(&second).unwrap();
    first.merge(&third).unwrap();
    let moments = moments(&mut random, &[50, 50, 50]);
    for merged in [first, last] {
        assert!(merged.is_sound());
        assert_eq!(merged.sample, all.sample);
        for method in Method::ALL {
            let [a, b] = [&merged, &all].map(|population| {
                let estimate =
                    population.estimate(0, &[], Some(&moments), &[0.3, 0.3, 0.4], method);
                estimate.unwrap().shares
            });
            assert_close(&a, &b, 1e-9);
        }
    }
}

#[test]
fn the_sample_does_not_depend_on_the_order_of_users_of_one_key() {
    let posteriors = [[0.2, 0.8], [0.5, 0.5], [0.9, 0.1]];
    let sample = |order: [usize; 3]| {
        let mut population = Population::new(&[(2, &[])], 2);
        for user in order {
            population.add(7, 10, &[same(&posteriors[user])]);
        }
        population.sample
    };
    assert_eq!(sample([0, 1, 2]), sample([2, 1, 0]));
    assert_eq!(sample([0, 1, 2]), sample([1, 2, 0]));
}

#[test]
fn populations_of_different_models_are_not_merged() {
    let mut population = Population::new(&[(2, &LENGTHS)], 10);
    for other in [
        Population::new(&[(3, &LENGTHS)], 10),
        Population::new(&[(2, &LENGTHS[..1])], 10),
        Population::new(&[(2, &LENGTHS)], 11),
        Population::new(&[], 10),
    ] {
        assert!(population.merge(&other).is_err());
    }
}

#[test]
fn populations_survive_serialisation() {
    let population = population(&users(&mut Random::new(2), &[30, 40], 1.0), 70);
    let json = serde_json::to_string(&population).unwrap();
    let back: Population = serde_json::from_str(&json).unwrap();
    assert!(back.is_sound());
    assert_eq!(back.sample, population.sample);
    for (sound, unsound) in [
        (r#""users":70"#, r#""users":71"#),
        (r#""sample_size":1000"#, r#""sample_size":60"#),
        (r#""labels":["#, r#""labels":[0.0,"#),
        (r#""sum":["#, r#""sum":[1e99,"#),
        (r#""lengths":["#, r#""lengths":[-1.0,"#),
        (r#""posteriors":["#, r#""posteriors":[2.0,"#),
    ] {
        let spoiled = json.replacen(sound, unsound, 1);
        assert_ne!(spoiled, json);
        let spoiled: Population = serde_json::from_str(&spoiled).unwrap();
        assert!(!spoiled.is_sound(), "{unsound}");
    }
}

#[test]
fn every_method_finds_the_shares_of_many_users_it_was_made_for() {
    let mut random = Random::new(3);
    for shares in [
        vec![0.3, 0.7],
        vec![0.1, 0.2, 0.05, 0.0, 0.1, 0.1, 0.05, 0.1, 0.1, 0.1, 0.1],
    ] {
        let classes = shares.len();
        let moments = moments(&mut random, &vec![2000; classes]);
        let counts: Vec<usize> = shares
            .iter()
            .map(|share| (share * 6000.0_f64) as usize)
            .collect();
        let population = population(&users(&mut random, &counts, 2.0), 500);
        let base_rates = vec![1.0 / classes as f32; classes];
        for method in &Method::ALL[2..] {
            let estimate = population
                .estimate(0, &[], Some(&moments), &base_rates, *method)
                .unwrap();
            assert_is_estimate(&estimate);
            assert_close(&estimate.shares, &shares, 0.06);
        }
        // The others are biased, but are estimates.
        for method in &Method::ALL[..2] {
            let estimate = population
                .estimate(0, &[], None, &base_rates, *method)
                .unwrap();
            assert_is_estimate(&estimate);
        }
    }
}

/// The share of 95 % intervals that hold the truth, over random validation users, shares and users.
fn coverage(method: Method, classes: usize, validation: usize, users_each: usize) -> f64 {
    let mut random = Random::new(4);
    let (mut held, repetitions) = (0, 600 / classes);
    for _ in 0..repetitions {
        let moments = moments(&mut random, &vec![validation; classes]);
        let shares = uniform_shares(&mut random, classes);
        let counts = class_counts(&mut random, &shares, users_each);
        let population = population(&users(&mut random, &counts, 2.0), 500);
        let base_rates = vec![1.0 / classes as f32; classes];
        let estimate = population
            .estimate(0, &[], Some(&moments), &base_rates, method)
            .unwrap();
        assert_is_estimate(&estimate);
        held += (shares.iter().zip(&estimate.intervals))
            .filter(|&(share, [low, high])| (low..=high).contains(&share))
            .count();
    }
    held as f64 / (repetitions * classes) as f64
}

#[test]
fn intervals_hold_the_truth_about_as_often_as_they_say() {
    for (classes, validation, users) in
        [(2, 100, 300), (2, 20, 2000), (11, 40, 300), (11, 20, 2000)]
    {
        let held = coverage(Method::Bayesian, classes, validation, users);
        assert!(
            (0.93..=0.995).contains(&held),
            "{classes} {validation} {users}: {held}"
        );
        let held = coverage(
            Method::ProbabilisticAdjustedCount,
            classes,
            validation,
            users,
        );
        assert!(
            (0.9..=0.995).contains(&held),
            "{classes} {validation} {users}: {held}"
        );
    }
    let counted = coverage(Method::Count, 11, 40, 2000);
    assert!(
        counted < 0.8,
        "counting misses the errors of the classifier: {counted}"
    );
}

#[test]
fn few_users_leave_much_uncertain() {
    let mut random = Random::new(5);
    let moments = moments(&mut random, &[50, 50]);
    assert_eq!(
        Population::new(&[(2, &LENGTHS)], 10).estimate(
            0,
            &[],
            Some(&moments),
            &[0.5; 2],
            Method::Bayesian
        ),
        None
    );
    let one = population(&[(0, vec![0.9, 0.1])], 500);
    for method in Method::ALL {
        assert_is_estimate(
            &one.estimate(0, &[], Some(&moments), &[0.5; 2], method)
                .unwrap(),
        );
    }
    let estimate = one
        .estimate(0, &[], Some(&moments), &[0.5; 2], Method::Bayesian)
        .unwrap();
    let [low, high] = estimate.intervals[0];
    assert!(
        estimate.shares[0] > 0.5 && high == 1.0 && low < 0.3,
        "{:?}",
        estimate.intervals
    );
}

#[test]
fn users_without_evidence_leave_the_shares_unknown() {
    let mut random = Random::new(6);
    let same_users = vec![(0, vec![0.25; 4]); 300];
    let uninformative = {
        let users: Vec<LabelledPosterior> = (0..80).map(|user| (user % 4, vec![0.25; 4])).collect();
        ClassMoments::of(&[(LENGTHS[0], &users), (LENGTHS[1], &users)]).unwrap()
    };
    for moments in [uninformative, moments(&mut random, &[50; 4])] {
        assert!(moments.is_sound(4));
        for method in Method::ALL {
            let estimate =
                population(&same_users, 20).estimate(0, &[], Some(&moments), &[0.25; 4], method);
            assert_is_estimate(&estimate.unwrap());
        }
    }
    let uniform = population(&same_users, 20);
    let none: Vec<LabelledPosterior> = (0..80).map(|user| (user % 4, vec![0.25; 4])).collect();
    let moments = ClassMoments::of(&[(LENGTHS[0], &none), (LENGTHS[1], &none)]).unwrap();
    let estimate = uniform
        .estimate(0, &[], Some(&moments), &[0.25; 4], Method::Bayesian)
        .unwrap();
    // Uniform on the simplex: means of 1/4, and 95 % of the draws of a share below 1 − 0.05^(1/3) = 0.632.
    assert_close(&estimate.shares, &[0.25; 4], 0.02);
    for [low, high] in estimate.intervals {
        assert!(low == 0.0 && (high - 0.632).abs() < 0.03, "{high}");
    }
}

/// Of eleven ages in three ranges, the range of a single age was expected to have an eleventh of the users.
#[test]
fn a_coarse_class_of_few_classes_was_expected_to_be_small() {
    let none: Vec<LabelledPosterior> = (0..80).map(|user| (user % 4, vec![0.25; 4])).collect();
    let moments = ClassMoments::of(&[(LENGTHS[0], &none), (LENGTHS[1], &none)]).unwrap();
    let coarse = [vec![0, 1, 2], vec![3]];
    let estimate = population(&vec![(0, vec![0.25; 4]); 300], 20)
        .estimate(0, &coarse, Some(&moments), &[0.25; 4], Method::Bayesian)
        .unwrap();
    let sixth = 1.0 / 6.0;
    assert_close(&estimate.shares, &[sixth, sixth, sixth, 0.5], 0.02);
    // Uniform between 0 and 1: the shortest interval is somewhere.
    let [low, high] = estimate.coarse(&coarse).intervals[1];
    assert!((high - low - 0.95).abs() < 0.01, "{low} to {high}");
}

#[test]
fn a_class_without_validation_users_is_estimated_from_calibrated_posteriors() {
    let mut random = Random::new(7);
    let with = users(&mut random, &[4000, 4000, 4000], 2.0);
    let without: Vec<LabelledPosterior> = with.iter().filter(|user| user.0 != 1).cloned().collect();
    let known = ClassMoments::of(&[(10.0, &with)]).unwrap();
    let moments = ClassMoments::of(&[(10.0, &without)]).unwrap();
    assert!(moments.is_sound(3));
    assert_eq!(moments.users, [4000, 0, 4000]);
    // The users of the other classes are informative where they look like the missing one.
    assert!(moments.means[0][1][1] > 0.45, "{:?}", moments.means[0]);
    assert!(moments.means[0][0] == known.means[0][0]);
    let mut population = Population::new(&[(3, &[10.0])], 0);
    for (key, (_, q)) in users(&mut random, &[500, 0, 500], 2.0).iter().enumerate() {
        population.add(hash(key), 10, &[same(q)]);
    }
    let estimate = population
        .estimate(0, &[], Some(&moments), &[0.3; 3], Method::Bayesian)
        .unwrap();
    let [low, high] = estimate.intervals[1];
    assert!(low == 0.0 && high > 0.05, "{:?}", estimate.intervals);
    assert_eq!(
        population.estimate(0, &[], None, &[0.3; 3], Method::ExpectationMaximisation),
        None
    );
}

#[test]
fn moments_are_means_and_covariances_of_the_users_of_a_class() {
    let users = [
        (0, vec![0.8, 0.2]),
        (0, vec![0.6, 0.4]),
        (1, vec![0.3, 0.7]),
        (1, vec![0.1, 0.9]),
        (1, vec![0.5, 0.5]),
    ];
    let moments = ClassMoments::of(&[(50.0, &users)]).unwrap();
    assert!(moments.is_sound(2) && !moments.is_sound(3));
    assert_eq!(moments.users, [2, 3]);
    assert_eq!(moments.means, [[[0.7, 0.3], [0.3, 0.7]]]);
    assert_eq!(moments.labels, [[[1.0, 0.0], [0.3333, 0.6667]]]);
    // Sums of squares of 0.02 and 0.08 with 1 and 2 degrees of freedom, of 0.1 with 3 together. The mean of all, 0.46, permits
    // a variance of 0.46 · 0.54.
    let pooled = (0.1 + 0.46 * 0.54) / 4.0;
    for (class, (squares, degrees)) in [(0.02, 1.0), (0.08, 2.0)].into_iter().enumerate() {
        let expected = (squares + 20.0 * pooled) / (degrees + 20.0);
        assert!((moments.covariances[0][class][0] - expected as f32).abs() < 1e-6);
    }
    assert_eq!(ClassMoments::of(&[]), None);
    assert_eq!(ClassMoments::of(&[(50.0, &users), (60.0, &[])]), None);
}

#[test]
fn unsound_moments_are_found() {
    let sound = moments(&mut Random::new(8), &[20, 20, 20]);
    assert!(sound.is_sound(3));
    let json = serde_json::to_string(&sound).unwrap();
    assert_eq!(serde_json::from_str::<ClassMoments>(&json).unwrap(), sound);
    let spoils: [fn(&mut ClassMoments); 9] = [
        |moments| moments.lengths.reverse(),
        |moments| moments.lengths[0] = 0.0,
        |moments| moments.lengths.clear(),
        |moments| moments.users.push(3),
        |moments| moments.means[1][2][0] = f32::NAN,
        |moments| moments.means[1][2][0] += 0.1,
        |moments| moments.covariances[0][1][2] = -0.1,
        |moments| moments.covariances[0][1].push(0.0),
        |moments| drop(moments.labels.pop()),
    ];
    let population = population(&[(0, vec![0.1, 0.2, 0.7])], 10);
    for spoil in spoils {
        let mut spoiled = sound.clone();
        spoil(&mut spoiled);
        assert!(!spoiled.is_sound(3), "{spoiled:?}");
        assert_eq!(
            population.estimate(0, &[], Some(&spoiled), &[0.3; 3], Method::Bayesian),
            None
        );
    }
}

#[test]
fn lengths_between_are_interpolated_in_the_logarithm() {
    let weights = |words| moments::length_weights(&[10.0, 100.0, 1000.0], words);
    assert_eq!(weights(0), [1.0, 0.0, 0.0]);
    assert_eq!(weights(10), [1.0, 0.0, 0.0]);
    assert_close(&weights(32), &[0.495, 0.505, 0.0], 0.001);
    assert_eq!(weights(100), [0.0, 1.0, 0.0]);
    assert_close(&weights(316), &[0.0, 0.5, 0.5], 0.001);
    assert_eq!(weights(1000), [0.0, 0.0, 1.0]);
    assert_eq!(weights(5000), [0.0, 0.0, 1.0]);
    assert!(moments::length_weights(&[], 5).is_empty());
}

#[test]
fn texts_of_several_lengths_are_compared_with_moments_of_their_mixture() {
    let mut random = Random::new(9);
    let moments = moments(&mut random, &[3000, 3000]);
    let mut population = Population::new(&[(2, &LENGTHS)], 10);
    for (distance, words) in [(0.8, 20), (2.0, 500)] {
        for (key, (_, q)) in users(&mut random, &[400, 1600], distance)
            .iter()
            .enumerate()
        {
            population.add(hash(key), words, &[same(q)]);
        }
    }
    for method in [
        Method::AdjustedCount,
        Method::ProbabilisticAdjustedCount,
        Method::Bayesian,
    ] {
        let estimate = population
            .estimate(0, &[], Some(&moments), &[0.5; 2], method)
            .unwrap();
        assert_close(&estimate.shares, &[0.2, 0.8], 0.03);
    }
}

#[test]
fn coarse_classes_are_sums_of_classes() {
    let mut random = Random::new(10);
    let moments = moments(&mut random, &[50; 4]);
    let population = population(&users(&mut random, &[100, 200, 300, 400], 2.0), 500);
    for method in Method::ALL {
        let estimate = population
            .estimate(0, &[], Some(&moments), &[0.25; 4], method)
            .unwrap();
        let coarse = estimate.coarse(&[vec![0, 3], vec![1, 2]]);
        assert_is_estimate(&coarse);
        assert_close(
            &coarse.shares[..1],
            &[estimate.shares[0] + estimate.shares[3]],
            1e-12,
        );
        let all = estimate.coarse(&[vec![0, 1, 2, 3]]);
        let [low, high] = all.intervals[0];
        assert!(low > 1.0 - 1e-9 && high == 1.0, "{low} to {high}");
    }
}

/// The share of a class lay outside its own interval where the draws are on one side of it.
#[test]
fn an_interval_was_without_its_share() {
    let share = 1.0 - 2e-12;
    for (shares, draws) in [
        (vec![0.3, 0.7], vec![vec![0.1, 0.9]; 100]),
        (vec![share, 1.0 - share], vec![vec![1.0, 0.0]; 100]),
    ] {
        let estimate = Estimate::new(Method::Count, 1, shares, draws);
        assert_is_estimate(&estimate);
        for (share, [low, high]) in estimate.shares.iter().zip(&estimate.intervals) {
            assert!(low <= share && share <= high, "{share}: {low} to {high}");
        }
    }
}

/// Of equal users, what rounding leaves of the covariance was divided by the root of nearly nothing.
#[test]
fn equal_users_had_any_interval() {
    let cholesky = algebra::Cholesky::of(&[1e-33, 1e-17, 1e-33], 2);
    let drawn = cholesky.times(&[1.0, 1.0]);
    assert!(drawn.iter().all(|entry| entry.abs() < 1e-6), "{drawn:?}");
}

#[test]
fn pooled_estimates_weight_parts_by_their_users() {
    let mut random = Random::new(11);
    let moments = moments(&mut random, &[200; 2]);
    let [a, b] = [[900, 300], [100, 700]].map(|counts| {
        let population = population(&users(&mut random, &counts, 2.0), 500);
        population
            .estimate(0, &[], Some(&moments), &[0.5; 2], Method::Bayesian)
            .unwrap()
    });
    let pooled = Estimate::pooled(&[a.clone(), b.clone()]).unwrap();
    assert_is_estimate(&pooled);
    assert_eq!(pooled.users, 2000);
    assert_close(
        &pooled.shares,
        &[
            0.6 * a.shares[0] + 0.4 * b.shares[0],
            0.6 * a.shares[1] + 0.4 * b.shares[1],
        ],
        1e-12,
    );
    assert_eq!(Estimate::pooled(&[]), None);
}

/// The covariance of a class with one validation user was 0, and its mean counted as known exactly.
#[test]
fn classes_of_one_validation_user_looked_exactly_known() {
    let labelled = [(0, vec![0.55, 0.45]), (1, vec![0.5, 0.5])];
    let moments = ClassMoments::of(&LENGTHS.map(|length| (length, &labelled[..]))).unwrap();
    let mut random = Random::new(14);
    let population = population(&users(&mut random, &[300, 300], 2.0), 500);
    for method in [Method::Bayesian, Method::ProbabilisticAdjustedCount] {
        let estimate = population.estimate(0, &[], Some(&moments), &[0.5; 2], method);
        let [low, high] = estimate.unwrap().intervals[0];
        assert!(high - low > 0.9, "{method:?}: {low} to {high}");
    }
}

/// Both parts used to be drawn with the same random numbers, so that their errors added up.
#[test]
fn the_errors_of_pooled_parts_are_independent() {
    let mut random = Random::new(13);
    let half = population(&users(&mut random, &[250, 250], 2.0), 500);
    let mut whole = half.clone();
    whole.merge(&half).unwrap();
    let estimate = |population: &Population, method| {
        let estimate = population.estimate(0, &[], None, &[0.5; 2], method);
        estimate.unwrap()
    };
    for method in [Method::Count, Method::ProbabilisticCount] {
        let part = estimate(&half, method);
        let pooled = Estimate::pooled(&[part.clone(), part]).unwrap();
        let width = |estimate: &Estimate| estimate.intervals[0][1] - estimate.intervals[0][0];
        let ratio = width(&pooled) / width(&estimate(&whole, method));
        assert!((ratio - 1.0).abs() < 0.2, "{method:?}: {ratio}");
    }
}

#[test]
fn the_shares_of_pairs_have_the_shares_of_both_attributes_as_sums() {
    let mut random = Random::new(12);
    let counts = [[500, 20, 30], [50, 100, 300]];
    let mut population = Population::new(&[(2, &LENGTHS), (3, &LENGTHS)], 10_000);
    for (first, row) in counts.iter().enumerate() {
        for (second, &count) in row.iter().enumerate() {
            for _ in 0..count {
                let [a, b] = [(2, first), (3, second)]
                    .map(|(classes, class)| user(&mut random, classes, class, 2.0));
                let key = hash(population.users() as usize);
                population.add(key, 500, &[same(&a), same(&b)]);
            }
        }
    }
    let (rows, columns) = ([0.55, 0.45], [0.55, 0.12, 0.33]);
    let joint = population.joint(0, 1, &rows, &columns);
    for (row, sum) in joint.iter().zip(rows) {
        assert!((row.iter().sum::<f64>() - sum).abs() < 1e-9);
    }
    for (column, sum) in columns.into_iter().enumerate() {
        assert!((joint.iter().map(|row| row[column]).sum::<f64>() - sum).abs() < 1e-9);
    }
    for (row, counts) in joint.iter().zip(counts) {
        assert_close(row, &counts.map(|count| f64::from(count) / 1000.0), 0.08);
    }
    // The other way round it is the same.
    let transposed = population.joint(1, 0, &columns, &rows);
    for (first, row) in joint.iter().enumerate() {
        for (second, share) in row.iter().enumerate() {
            assert!((transposed[second][first] - share).abs() < 1e-6);
        }
    }
    // Without a sample, and with classes without users.
    let none = Population::new(&[(2, &LENGTHS), (3, &LENGTHS)], 0);
    assert_close(
        &none.joint(0, 1, &rows, &columns)[1],
        &columns.map(|c| 0.45 * c),
        1e-9,
    );
    let absent = population.joint(0, 1, &[1.0, 0.0], &[0.5, 0.5, 0.0]);
    assert_close(&absent[0], &[0.5, 0.5, 0.0], 1e-9);
    assert_close(&absent[1], &[0.0; 3], 0.0);
}
