//! Folds, and decision values of examples under models that have not seen them.

use rand::{SeedableRng, rngs::StdRng, seq::SliceRandom};
use rayon::prelude::*;

use super::{Examples, LinearError, LinearModel, model::decision_value_count};

/// Draws a fold below `count` for each example at random. The folds are stratified: their numbers of examples of a class
/// differ by at most one.
///
/// ```
/// use sparse_linear::{Examples, SparseMatrix, folds};
///
/// let mut features = SparseMatrix::new(1);
/// for _ in 0..6 {
///     features.push_row([(0, 1.0)])?;
/// }
/// let examples = Examples::new(&features, &[0, 1, 0, 1, 0, 1], 2)?;
/// let folds = folds(&examples, 3, 1)?;
/// assert_eq!(folds.iter().filter(|&&fold| fold == 2).count(), 2);
/// # Ok::<(), sparse_linear::LinearError>(())
/// ```
///
/// # Errors
/// [`LinearError::Folds`] if `count` is below 2 or above the number of examples.
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

/// The decision values of each example under a model that `fit` learned from the other folds: `[examples, decision values]`,
/// row-major. `folds` has the fold of each example, as [`folds`] draws them.
///
/// ```
/// use sparse_linear::{Examples, Posterior, SparseMatrix, SupportVectorMachine, folds, out_of_fold};
///
/// let mut features = SparseMatrix::new(2);
/// let classes: Vec<usize> = (0..40).map(|row| row % 2).collect();
/// for &class in &classes {
///     features.push_row([(class as u32, 1.0)])?;
/// }
/// let examples = Examples::new(&features, &classes, 2)?;
/// let svm = SupportVectorMachine::default().check()?;
///
/// // Calibrate the SVM with decision values that it cannot have learned by heart.
/// let folds = folds(&examples, 5, 1)?;
/// let values = out_of_fold(&examples, &folds, |part| Ok(svm.fit(part)?.model))?;
/// let mut model = svm.fit(&examples)?.model;
/// model.posterior = Some(Posterior::calibrate(&values, &classes, 2)?);
/// assert!(model.probabilities(features.row(1)).unwrap()[1] > 0.8);
/// # Ok::<(), sparse_linear::LinearError>(())
/// ```
///
/// Folds are divided among the threads. Each copies the features that its model learns from.
///
/// # Errors
/// [`LinearError::Lengths`] if there is not one fold for each example, and the errors of `fit`.
pub fn out_of_fold(
    examples: &Examples,
    folds: &[usize],
    fit: impl Fn(&Examples) -> Result<LinearModel, LinearError> + Sync,
) -> Result<Vec<f64>, LinearError> {
    if folds.len() != examples.len() {
        return Err(LinearError::Lengths {
            what: "folds",
            count: folds.len(),
            examples: examples.len(),
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
    let mut values = Vec::with_capacity(folds.len() * decision_value_count(examples.class_count));
    for (row, &fold) in folds.iter().enumerate() {
        values.extend(models[fold].decision_values(examples.features.row(row)));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{SparseMatrix, SupportVectorMachine};

    /// Examples with one feature each that no other example has, so a model knows nothing of unseen ones.
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
        let svm = settings.check().unwrap();
        let fit = |examples: &Examples| Ok(svm.fit(examples)?.model);
        let values = out_of_fold(&examples, &folds, fit).unwrap();
        assert_eq!(values, [0.0; 90]);
        assert!(fit(&examples).unwrap().decision_values(features.row(1))[1] > 0.5);
    }
}
