//! The shares of pairs of classes of two attributes.

use super::{Population, methods::expected_shares};

/// The pairs are also counted in so many users of independent attributes per user of the sample. Without these, the most
/// likely shares of many pairs are 0. Chosen on validation users.
const PSEUDO_USERS: f64 = 0.2;
const ITERATIONS: usize = 200;

impl Population {
    /// The share of each pair of a class of attribute `first`, the row, and a class of attribute `second`, the column. `rows`
    /// and `columns` are the estimated shares of the classes of the two; the sums of rows and columns are these.
    ///
    /// The shares are found by expectation maximisation on the sample, which takes the posteriors of the two attributes for
    /// independent given the pair of classes, and then fitted to the sums in proportion (raking).
    ///
    /// # Panics
    /// If there is no such attribute or not one share per class.
    pub fn joint(
        &self,
        first: usize,
        second: usize,
        rows: &[f64],
        columns: &[f64],
    ) -> Vec<Vec<f64>> {
        let [height, width] = [first, second].map(|at| self.attributes[at].classes());
        assert_eq!(
            [rows.len(), columns.len()],
            [height, width],
            "one share per class"
        );
        let independent: Vec<f64> = (rows.iter())
            .flat_map(|row| columns.iter().map(move |column| row * column))
            .collect();
        let [of_first, of_second] = [first, second].map(|at| self.sampled_posteriors(at));
        let likelihoods: Vec<f32> = (of_first.chunks_exact(height))
            .zip(of_second.chunks_exact(width))
            .flat_map(|(a, b)| a.iter().flat_map(move |a| b.iter().map(move |b| a * b)))
            .collect();
        let once = vec![1.0; self.sample.len()];
        let mut shares = independent.clone();
        for _ in 0..ITERATIONS {
            let mut change = 0.0_f64;
            let expected = expected_shares(&likelihoods, &once, &shares);
            for ((share, expected), independent) in
                (shares.iter_mut().zip(expected)).zip(&independent)
            {
                let next = (expected + PSEUDO_USERS * independent) / (1.0 + PSEUDO_USERS);
                change = change.max((next - *share).abs());
                *share = next;
            }
            if change < 1e-6 {
                break;
            }
        }
        rake(&mut shares, rows, columns);
        shares.chunks_exact(width).map(<[f64]>::to_vec).collect()
    }
}

/// Scales rows and columns by turns until they have these sums (iterative proportional fitting, Deming and Stephan 1940).
fn rake(shares: &mut [f64], rows: &[f64], columns: &[f64]) {
    let factor = |wanted: f64, sum: f64| if sum > 0.0 { wanted / sum } else { 0.0 };
    for _ in 0..1000 {
        let mut most = 0.0_f64;
        for (row, &wanted) in shares.chunks_exact_mut(columns.len()).zip(rows) {
            let sum: f64 = row.iter().sum();
            most = most.max((sum - wanted).abs());
            for share in row {
                *share *= factor(wanted, sum);
            }
        }
        for (column, &wanted) in columns.iter().enumerate() {
            let of_column = || (column..).step_by(columns.len()).take(rows.len());
            let sum: f64 = of_column().map(|at| shares[at]).sum();
            most = most.max((sum - wanted).abs());
            for at in of_column() {
                shares[at] *= factor(wanted, sum);
            }
        }
        if most < 1e-10 {
            break;
        }
    }
}
