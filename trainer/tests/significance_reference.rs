//! Tests of significance against scipy, statsmodels and numpy, see `tests/reference/significance/make.py`.

use serde::Deserialize;
use trainer::evaluation::{
    Bootstrap, Difference, Metrics, Predictions, RESAMPLES, cramers_v, cramers_v_corrected,
    guessing_p, holm, macro_t_test,
};

#[derive(Deserialize)]
struct Reference {
    t_tests: Vec<TTest>,
    comparisons: Vec<Comparison>,
    holm: Vec<Holm>,
    associations: Vec<Association>,
    guessing: Vec<Guessing>,
}

#[derive(Deserialize)]
struct TTest {
    a: Vec<f64>,
    b: Vec<f64>,
    p: f64,
}

/// Two systems, a and b, learned with some seeds; pairs are F and accuracy.
#[derive(Deserialize)]
struct Comparison {
    population: usize,
    classes: usize,
    runs: Vec<Run>,
    observed: [f64; 2],
    low: [f64; 2],
    high: [f64; 2],
    p: [f64; 2],
    /// That of F, from scipy's own bootstrap.
    scipy_interval: Option<(f64, f64)>,
}

#[derive(Deserialize)]
struct Run {
    users: Vec<usize>,
    gold: Vec<usize>,
    a: Vec<usize>,
    b: Vec<usize>,
}

#[derive(Deserialize)]
struct Holm {
    p: Vec<f64>,
    corrected: Vec<f64>,
}

#[derive(Deserialize)]
struct Association {
    counts: Vec<Vec<usize>>,
    v: f64,
    corrected: f64,
}

#[derive(Deserialize)]
struct Guessing {
    confusion: Vec<Vec<usize>>,
    p: f64,
    /// That of Fisher's exact test, for two classes.
    fisher: Option<f64>,
}

fn reference() -> Reference {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/reference/significance/reference.json"
    );
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

fn close(ours: f64, reference: f64, tolerance: f64) {
    assert!(
        (ours - reference).abs() <= tolerance,
        "{ours} instead of {reference}"
    );
}

#[test]
fn t_tests_are_those_of_scipy() {
    let cases = reference().t_tests;
    assert_eq!(cases.len(), 6);
    for case in cases {
        close(macro_t_test(&case.a, &case.b).unwrap(), case.p, 1e-9);
    }
}

#[test]
fn bootstraps_agree_with_numpy_and_scipy() {
    let cases = reference().comparisons;
    assert_eq!(cases.len(), 3);
    for case in cases {
        let of = |run: &Run, predicted: &[usize]| Predictions {
            users: run.users.clone(),
            gold: run.gold.clone(),
            predicted: predicted.to_vec(),
            classes: case.classes,
        };
        // By turns a and b of each seed.
        let predictions: Vec<Predictions> = (case.runs.iter())
            .flat_map(|run| [of(run, &run.a), of(run, &run.b)])
            .collect();
        let bootstrap = Bootstrap {
            users: case.population,
            resamples: RESAMPLES,
            seed: 1,
        };
        let figures = |metrics: &Metrics| [metrics.f, metrics.accuracy];
        let samples = bootstrap.figures(&predictions, figures);
        let observed: Vec<[f64; 2]> = (predictions.iter())
            .map(|one| figures(&one.metrics()))
            .collect();
        for figure in 0..2 {
            let mean_difference = |row: &Vec<[f64; 2]>| {
                let differences = row.chunks(2).map(|pair| pair[0][figure] - pair[1][figure]);
                differences.sum::<f64>() / case.runs.len() as f64
            };
            let difference = Difference::new(
                mean_difference(&observed),
                samples.iter().map(mean_difference).collect(),
            );
            close(difference.observed, case.observed[figure], 1e-12);
            // A percentile of 10,000 samples strays by some hundredths of the interval's width.
            let width = case.high[figure] - case.low[figure];
            close(difference.interval.0, case.low[figure], 0.04 * width);
            close(difference.interval.1, case.high[figure], 0.04 * width);
            close(difference.p, case.p[figure], 0.025);
            if let (0, Some((low, high))) = (figure, case.scipy_interval) {
                close(difference.interval.0, low, 0.04 * width);
                close(difference.interval.1, high, 0.04 * width);
            }
        }
    }
}

#[test]
fn holms_correction_is_that_of_statsmodels() {
    for case in reference().holm {
        let ours = holm(&case.p);
        assert_eq!(ours.len(), case.corrected.len());
        for (ours, reference) in ours.into_iter().zip(case.corrected) {
            close(ours, reference, 1e-12);
        }
    }
}

#[test]
fn associations_are_those_of_scipy() {
    let cases = reference().associations;
    assert_eq!(cases.len(), 5);
    for case in cases {
        close(cramers_v(&case.counts), case.v, 1e-12);
        close(cramers_v_corrected(&case.counts), case.corrected, 1e-12);
    }
}

#[test]
fn the_test_of_guessing_is_that_of_scipy() {
    let cases = reference().guessing;
    assert_eq!(cases.len(), 7);
    for case in cases {
        let p = guessing_p(&case.confusion, RESAMPLES);
        // Four standard errors of the shares of 10,000 and of 20,000 permutations.
        let error = 4.0 * (case.p * (1.0 - case.p) * (1e-4 + 5e-5)).sqrt() + 1e-3;
        close(p, case.p, error);
        if let Some(fisher) = case.fisher {
            close(p, fisher, error);
        }
    }
}
