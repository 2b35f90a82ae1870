//! Times the learners on synthetic text-like data: `cargo bench -p sparse-linear`.
//!
//! 1,000 examples have 200 of 20,000 features each. The argument is the number of classes.

use criterion::{BenchmarkId, Criterion};
use rand::{Rng, SeedableRng, rngs::StdRng};
use sparse_linear::{Examples, LogisticRegression, SparseMatrix, SupportVectorMachine};

const EXAMPLES: usize = 1_000;
const FEATURES: usize = 20_000;
const PER_EXAMPLE: usize = 200;

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

fn fit(criterion: &mut Criterion) {
    let svm = SupportVectorMachine::default()
        .check()
        .expect("valid settings");
    let regression = LogisticRegression::default()
        .check()
        .expect("valid settings");
    let mut group = criterion.benchmark_group("fit");
    group.sample_size(20);
    for classes in [2, 7] {
        let (features, labels) = data(classes);
        let examples = Examples::new(&features, &labels, classes).expect("valid examples");
        group.bench_function(
            BenchmarkId::new("support vector machine", classes),
            |bencher| {
                bencher.iter(|| svm.fit(&examples));
            },
        );
        group.bench_function(
            BenchmarkId::new("logistic regression", classes),
            |bencher| {
                bencher.iter(|| regression.fit(&examples));
            },
        );
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    fit(&mut criterion);
    criterion.final_summary();
}
