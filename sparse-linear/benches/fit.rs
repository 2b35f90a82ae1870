//! Times the learners on synthetic text-like data: `cargo bench -p sparse-linear`.
//!
//! 1,000 examples have 200 of 20,000 features each. The argument is the number of classes.

use divan::Bencher;
use rand::{Rng, SeedableRng, rngs::StdRng};
use sparse_linear::{Examples, LogisticRegression, SparseMatrix, SupportVectorMachine};

const EXAMPLES: usize = 1_000;
const FEATURES: usize = 20_000;
const PER_EXAMPLE: usize = 200;
const CLASSES: [usize; 2] = [2, 7];

fn main() {
    divan::main();
}

/// Features with a frequency that falls with their number. The class of an example shifts some of them.
fn data(classes: usize) -> (SparseMatrix, Vec<usize>) {
    let mut random = StdRng::seed_from_u64(1);
    let mut matrix = SparseMatrix::new(FEATURES);
    let labels: Vec<usize> = (0..EXAMPLES).map(|example| example % classes).collect();
    for &label in &labels {
        let mut features: Vec<u32> = (0..PER_EXAMPLE)
            .map(|_| {
                let rank = FEATURES as f64 * random.random::<f64>().powi(3);
                (rank as usize + label * 3) as u32 % FEATURES as u32
            })
            .collect();
        features.sort_unstable();
        features.dedup();
        let value = 1.0 / (features.len() as f32).sqrt();
        let row = features.into_iter().map(|feature| (feature, value));
        matrix.push_row(row).expect("ascending features");
    }
    (matrix, labels)
}

#[divan::bench(args = CLASSES)]
fn support_vector_machine(bencher: Bencher, classes: usize) {
    let (features, labels) = data(classes);
    let examples = Examples::new(&features, &labels, classes).expect("valid examples");
    let svm = SupportVectorMachine::default()
        .check()
        .expect("valid settings");
    bencher.bench(|| svm.fit(&examples));
}

#[divan::bench(args = CLASSES)]
fn logistic_regression(bencher: Bencher, classes: usize) {
    let (features, labels) = data(classes);
    let examples = Examples::new(&features, &labels, classes).expect("valid examples");
    let regression = LogisticRegression::default()
        .check()
        .expect("valid settings");
    bencher.bench(|| regression.fit(&examples));
}
