//! Figures against scikit-learn's for the same predictions, see `tests/reference/evaluation/make.py`.

use serde::Deserialize;
use trainer::evaluation::{Confidences, Metrics, calibration_error, log_loss, log_probability};

#[derive(Deserialize)]
struct Reference {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    gold: Vec<usize>,
    probabilities: Vec<Vec<f32>>,
    predicted: Vec<usize>,
    accuracy: f64,
    majority: f64,
    precision: f64,
    recall: f64,
    f: f64,
    macro_f1: f64,
    class_precision: Vec<f64>,
    class_recall: Vec<f64>,
    class_f1: Vec<f64>,
    support: Vec<usize>,
    confusion: Vec<Vec<usize>>,
    log_loss: f64,
    calibration_error: f64,
    /// Users, mean confidence, share right.
    reliability: Vec<(usize, f64, f64)>,
    /// Threshold, share answered, share right of them.
    coverage: Vec<(f32, f64, f64)>,
}

fn close(ours: f64, reference: f64, tolerance: f64) {
    assert!(
        (ours - reference).abs() <= tolerance,
        "{ours} instead of {reference}"
    );
}

#[test]
fn figures_are_those_of_scikit_learn() {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../tests/reference/evaluation/reference.json"
    );
    let reference: Reference =
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(reference.cases.len(), 5);
    for case in reference.cases {
        let metrics = Metrics::new(&case.gold, &case.predicted, case.probabilities[0].len());
        assert_eq!(metrics.users, case.gold.len());
        assert_eq!(metrics.confusion, case.confusion);
        close(metrics.accuracy, case.accuracy, 1e-12);
        close(metrics.majority, case.majority, 1e-12);
        close(metrics.precision, case.precision, 1e-12);
        close(metrics.recall, case.recall, 1e-12);
        close(metrics.f, case.f, 1e-12);
        close(metrics.macro_f1, case.macro_f1, 1e-12);
        for (index, class) in metrics.classes.iter().enumerate() {
            close(
                class.precision.unwrap_or(0.0),
                case.class_precision[index],
                1e-12,
            );
            close(class.recall.unwrap_or(0.0), case.class_recall[index], 1e-12);
            close(class.f1.unwrap_or(0.0), case.class_f1[index], 1e-12);
            assert_eq!(class.support, case.support[index]);
        }
        // scikit-learn computes this one in 32 bits.
        let log_probabilities = (case.gold.iter().zip(&case.probabilities))
            .map(|(&gold, probabilities)| log_probability(gold, probabilities));
        close(log_loss(log_probabilities), case.log_loss, 1e-6);
        let confidences = Confidences::new(&case.gold, &case.probabilities);
        let reliability = confidences.reliability();
        close(
            calibration_error(&reliability),
            case.calibration_error,
            1e-9,
        );
        assert_eq!(reliability.len(), case.reliability.len());
        for (bin, (users, confidence, accuracy)) in reliability.iter().zip(case.reliability) {
            assert_eq!(bin.users, users);
            close(bin.confidence, confidence, 1e-12);
            close(bin.accuracy, accuracy, 1e-12);
        }
        let points = confidences.coverage();
        assert_eq!(points.len(), case.coverage.len());
        for (point, (threshold, coverage, accuracy)) in points.iter().zip(case.coverage) {
            assert_eq!(point.threshold, threshold);
            close(point.coverage, coverage, 1e-12);
            close(point.accuracy, accuracy, 1e-12);
        }
    }
}
