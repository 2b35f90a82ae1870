//! Weights, objectives and calibrations equal those of LIBLINEAR and scikit-learn, which `liblinear/make.py` computed.

use serde::Deserialize;
use sparse_linear::{
    Examples, Fit, LinearModel, LogisticRegression, Loss, Posterior, Scheme, SparseMatrix,
    SupportVectorMachine,
};

#[derive(Deserialize)]
struct Reference {
    data_sets: Vec<DataSet>,
    calibrations: Vec<Calibration>,
}

#[derive(Deserialize)]
struct DataSet {
    classes: usize,
    rows: Vec<(Vec<u32>, Vec<f32>)>,
    gold: Vec<usize>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    learner: String,
    cost: f64,
    bias: f64,
    class_weights: Vec<f64>,
    objective: f64,
    /// The weights of each decision value, with that of the constant feature last.
    weights: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Calibration {
    gold: Vec<usize>,
    decision_values: Vec<f64>,
    sigmoids: Vec<(f64, f64)>,
    /// For the first examples.
    probabilities: Vec<Vec<f64>>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("liblinear/reference.json")).unwrap()
}

/// `tolerance` is relative to the reference, or absolute if that is below 1.
fn close(what: &str, ours: f64, reference: f64, tolerance: f64) {
    assert!(
        (ours - reference).abs() <= tolerance * reference.abs().max(1.0),
        "{what}: {ours} instead of {reference}"
    );
}

impl DataSet {
    fn features(&self) -> SparseMatrix {
        let mut features = SparseMatrix::new(40);
        for (indices, values) in &self.rows {
            let row = indices.iter().copied().zip(values.iter().copied());
            features.push_row(row).unwrap();
        }
        features
    }
}

impl Case {
    fn fit(&self, examples: &Examples) -> Fit {
        let svm = |loss| {
            let settings = SupportVectorMachine {
                cost: self.cost,
                loss,
                class_weights: self.class_weights.clone(),
                bias: self.bias,
                tolerance: 1e-9,
                max_passes: 100_000,
                seed: 5,
            };
            settings.check().unwrap().fit(examples).unwrap()
        };
        let logistic = |scheme| {
            let settings = LogisticRegression {
                cost: self.cost,
                scheme,
                class_weights: self.class_weights.clone(),
                bias: self.bias,
                tolerance: 1e-9,
                max_passes: 100_000,
                seed: 5,
            };
            settings.check().unwrap().fit(examples).unwrap()
        };
        match self.learner.as_str() {
            "squared-hinge" => svm(Loss::SquaredHinge),
            "hinge" => svm(Loss::Hinge),
            "multinomial" => logistic(Scheme::Multinomial),
            "one-versus-rest" => logistic(Scheme::OneVersusRest),
            other => panic!("no learner {other}"),
        }
    }

    /// The objective at a model.
    fn objective(&self, model: &LinearModel, examples: &Examples) -> f64 {
        let columns = model.biases().len();
        let softmax = self.learner == "multinomial" && columns > 1;
        let divisor = if self.bias == 0.0 { 1.0 } else { self.bias };
        let weights = model.weights().iter().map(|&weight| f64::from(weight));
        let biases = model.biases().iter().map(|bias| bias / divisor);
        let mut sum = weights.chain(biases).map(|w| 0.5 * w * w).sum::<f64>();
        for (row, &class) in examples.classes().iter().enumerate() {
            let scores = model.decision_values(examples.features().row(row));
            let weight = self.class_weights.get(class).unwrap_or(&1.0);
            if softmax {
                let powers = scores.iter().map(|score| score.exp());
                sum += self.cost * weight * (powers.sum::<f64>().ln() - scores[class]);
                continue;
            }
            for (column, score) in scores.into_iter().enumerate() {
                let own = class == if columns == 1 { 1 } else { column };
                let margin = if own { score } else { -score };
                let slack = (1.0 - margin).max(0.0);
                let loss = match self.learner.as_str() {
                    "squared-hinge" => slack * slack,
                    "hinge" => slack,
                    _ => (-margin).exp().ln_1p(),
                };
                let counts = columns == 1 || own;
                sum += self.cost * if counts { *weight } else { 1.0 } * loss;
            }
        }
        sum
    }
}

#[test]
fn weights_are_those_of_liblinear_and_of_scikit_learn() {
    let mut cases = 0;
    for data in reference().data_sets {
        let features = data.features();
        let examples = Examples::new(&features, &data.gold, data.classes).unwrap();
        for case in &data.cases {
            let name = format!(
                "{}, {} classes, C {}",
                case.learner, data.classes, case.cost
            );
            let fit = case.fit(&examples);
            assert!(fit.converged, "{name}");
            let columns = case.weights.len();
            assert_eq!(fit.model.biases().len(), columns);
            for (column, expected) in case.weights.iter().enumerate() {
                let weights = fit.model.weights().iter().skip(column).step_by(columns);
                let (expected_bias, expected) = expected.split_last().unwrap();
                for (&weight, &expected) in weights.zip(expected) {
                    close(&name, weight.into(), expected, 2e-6);
                }
                let bias = fit.model.biases()[column];
                close(&name, bias, expected_bias * case.bias, 2e-6);
            }
            let objective = case.objective(&fit.model, &examples);
            // Near a kink of the loss, the rounding of the weights to 32 bits matters.
            let smooth = case.learner != "hinge";
            let tolerance = if smooth { 1e-9 } else { 1e-6 };
            close(&name, objective, case.objective, tolerance);
            cases += 1;
        }
    }
    assert_eq!(cases, 48);
}

#[test]
fn posteriors_are_those_of_an_unpenalised_logistic_regression() {
    for (case, classes) in reference().calibrations.iter().zip([2, 3]) {
        let columns = case.sigmoids.len();
        let posterior = Posterior::calibrate(&case.decision_values, &case.gold, classes).unwrap();
        let Posterior::Sigmoids(sigmoids) = &posterior else {
            panic!("{posterior:?}");
        };
        for (ours, &(slope, offset)) in sigmoids.iter().zip(&case.sigmoids) {
            close("slope", ours.slope, slope, 1e-6);
            close("offset", ours.offset, offset, 1e-6);
        }
        let values = case.decision_values.chunks_exact(columns);
        for (values, expected) in values.zip(&case.probabilities) {
            let probabilities = posterior.probabilities(values);
            assert_eq!(probabilities.len(), classes);
            for (&ours, &expected) in probabilities.iter().zip(expected) {
                close("probability", ours, expected, 1e-6);
            }
        }
    }
}
