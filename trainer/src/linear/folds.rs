//! Scores of examples by models that have not seen them.

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use rayon::prelude::*;

use super::{Examples, LinearError, LinearModel, model::machines};

/// The fold of each example, numbers below `count`: drawn at random, so that every fold has its share of each class to
/// within one example, and of all examples.
pub fn folds(examples: &Examples, count: usize, seed: u64) -> Result<Vec<usize>, LinearError> {
    if !(2..=examples.len()).contains(&count) {
        return Err(LinearError::Folds {
            folds: count,
            examples: examples.len(),
        });
    }
    let mut order: Vec<usize> = (0..examples.len()).collect();
    order.shuffle(&mut StdRng::seed_from_u64(seed));
    order.sort_by_key(|&example| examples.classes[example]);
    let mut folds = vec![0; examples.len()];
    for (number, example) in order.into_iter().enumerate() {
        folds[example] = number % count;
    }
    Ok(folds)
}

/// The decision values of each example, a row of all machines', by a model fitted to the examples of the other folds.
///
/// Folds are divided among the threads; each takes a copy of the features that its model learns from.
pub fn out_of_fold(
    examples: &Examples,
    folds: &[usize],
    fit: impl Fn(&Examples) -> Result<LinearModel, LinearError> + Sync,
) -> Result<Vec<f64>, LinearError> {
    if folds.len() != examples.len() {
        return Err(LinearError::Lengths {
            rows: folds.len(),
            classes: examples.len(),
        });
    }
    let count = folds.iter().max().map_or(0, |last| last + 1);
    let models = (0..count)
        .into_par_iter()
        .map(|fold| {
            let rows: Vec<usize> = (0..folds.len()).filter(|&row| folds[row] != fold).collect();
            let classes: Vec<usize> = rows.iter().map(|&row| examples.classes[row]).collect();
            let features = examples.features.select(&rows);
            fit(&Examples::new(&features, &classes, examples.class_count)?)
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut values = Vec::with_capacity(folds.len() * machines(examples.class_count));
    for (row, &fold) in folds.iter().enumerate() {
        values.extend(models[fold].decision_values(examples.features.row(row)));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::{SparseMatrix, SupportVectorMachine};

    /// Examples that can be told apart only by having been seen: each has a feature of its own.
    fn strangers(count: u32) -> (SparseMatrix, Vec<usize>) {
        let mut features = SparseMatrix::new(count as usize);
        for row in 0..count {
            features.push_row([(row, 1.0)]).unwrap();
        }
        (features, (0..count as usize).map(|row| row % 3).collect())
    }

    #[test]
    fn folds_have_their_share_of_each_class() {
        let (features, classes) = strangers(47);
        let examples = Examples::new(&features, &classes, 3).unwrap();
        let folds = folds(&examples, 5, 1).unwrap();
        for fold in 0..5 {
            let members = (0..47).filter(|&row| folds[row] == fold);
            assert!((9..=10).contains(&members.clone().count()));
            for class in 0..3 {
                let count = members.clone().filter(|&row| classes[row] == class);
                assert!((3..=4).contains(&count.count()));
            }
        }
        assert!(super::folds(&examples, 1, 1).is_err());
        assert!(super::folds(&examples, 48, 1).is_err());
    }

    #[test]
    fn no_example_is_scored_by_a_model_that_has_seen_it() {
        let (features, classes) = strangers(30);
        let examples = Examples::new(&features, &classes, 3).unwrap();
        let folds = folds(&examples, 3, 2).unwrap();
        let settings = SupportVectorMachine {
            bias: 0.0,
            ..SupportVectorMachine::default()
        };
        let machine = settings.check().unwrap();
        let fit = |examples: &Examples| Ok(machine.fit(examples)?.model);
        let values = out_of_fold(&examples, &folds, fit).unwrap();
        assert_eq!(values, [0.0; 90]);
        assert!(fit(&examples).unwrap().decision_values(features.row(1))[1] > 0.5);
    }
}
