//! Word vectors in fewer bytes, for `auxlstm compact`.
//!
//! The network reads a word vector x only through the input matrices of its LSTMs, side by side W: it reads x·W. So vectors
//! x·M with matrices M⁻¹·W make the same network, for any invertible M. Here M makes the columns of x·M uncorrelated (PCA),
//! after scaling them so that an error of a given size in any direction changes x·W by about the same. All numbers are then
//! rounded to multiples of one step, which is the cheapest way to a given error (transform coding). Most columns are small,
//! and hold few different integers. Finally the matrices are fitted to the rounded vectors.

use model_core::{bundle::Bundle, embedding::Embedding};

/// The weight of directions that the matrices do not read, as a share of the mean direction. Without any, the vectors of
/// rare words would keep nothing else.
const LEAST_WEIGHT: f64 = 0.1;
/// Eigenvalues below this share of the largest are rounding errors.
const NEGLIGIBLE: f64 = 1e-10;

/// Rounds the word vectors to multiples of `step`, relative to the standard deviation of their numbers, and adapts the input
/// matrices. The vectors are then fit for this network only.
///
/// # Errors
/// If the network has no input matrices of the vectors' dimensions.
pub fn round_vectors(bundle: &mut Bundle, step: f64) -> Result<(), String> {
    let dimensions = bundle.embedding.dimensions();
    let is_input = |name: &str, shape: &[usize]| {
        name.ends_with(".input") && shape.len() == 2 && shape[0] == dimensions
    };
    let mut inputs: Vec<_> = (bundle.parameters.iter_mut())
        .filter(|parameter| is_input(&parameter.name, &parameter.shape))
        .collect();
    if inputs.is_empty() {
        return Err("its network has no matrix that reads the word vectors".into());
    }
    let vectors = Matrix::new(dimensions, bundle.embedding.rows().iter().copied());
    let words = bundle.embedding.len();

    // M = S · U with S · Sᵀ = W · Wᵀ and the principal axes U of the vectors · S.
    let mut read = Matrix::zeros(dimensions, dimensions);
    for input in &inputs {
        let columns = input.shape[1];
        read.add(&Matrix::new(columns, input.values.iter().copied()).rows_by_rows());
    }
    let trace: f64 = (0..dimensions).map(|at| read.row(at)[at]).sum();
    for at in 0..dimensions {
        read.row_mut(at)[at] += LEAST_WEIGHT * trace / dimensions as f64;
    }
    let (weights, mut transform) = eigen(read);
    transform.scale_columns(|column| weights[column].max(0.0).sqrt());
    let covariance = vectors.transposed_times(&vectors, |_| 1.0);
    let scaled = transform.transposed_times(&covariance.times(&transform), |_| 1.0);
    let (variances, axes) = eigen(scaled);
    let mut transform = transform.times(&axes);
    let deviation = (variances.iter().sum::<f64>() / (words * dimensions) as f64).sqrt();
    if deviation == 0.0 {
        return Ok(());
    }

    let scales: Vec<f32> = (0..words).map(|id| relative_step(id, words)).collect();
    let unit = step * deviation;
    let mut largest = vec![0.0f64; dimensions];
    let divided = |transform: &Matrix| {
        let mut divided = vectors.times(transform);
        for (id, scale) in scales.iter().enumerate() {
            for value in divided.row_mut(id) {
                *value /= unit * f64::from(*scale);
            }
        }
        divided
    };
    let exact = divided(&transform);
    for id in 0..words {
        for (largest, value) in largest.iter_mut().zip(exact.row(id)) {
            *largest = largest.max(value.abs());
        }
    }
    // A column whose numbers do not fit into a byte gets a larger step.
    transform.scale_columns(|column| 1.0 / (largest[column] / f64::from(i8::MAX)).max(1.0));
    let rounded: Vec<i8> = (divided(&transform).values.iter())
        .map(|&value| rounded(value))
        .collect();
    bundle.embedding = Embedding::from_parts(rounded, scales.clone(), dimensions)?;

    // The matrices with the least squared error of the rounded vectors' products.
    let rounded = Matrix::new(dimensions, bundle.embedding.rows().iter().copied());
    let weight = |id: usize| 1.0 / f64::from(scales[id]);
    let (squares, axes) = eigen(rounded.transposed_times(&rounded, weight));
    let products = rounded.transposed_times(&vectors, weight);
    let least = NEGLIGIBLE * squares.iter().copied().fold(0.0, f64::max);
    let mut inverse = axes.clone();
    inverse.scale_columns(|column| match squares[column] {
        square if square > least => 1.0 / square,
        _ => 0.0,
    });
    let fit = inverse.times(&axes.transposed_times(&products, |_| 1.0));
    for input in &mut inputs {
        let matrix = Matrix::new(input.shape[1], input.values.iter().copied());
        let fitted = fit.times(&matrix);
        input.values = fitted.values.iter().map(|&value| value as f32).collect();
    }
    Ok(())
}

/// Rounds towards zero from somewhat beyond the half: zeros take the fewest bytes.
fn rounded(value: f64) -> i8 {
    (value.abs() + 0.4).floor().copysign(value) as i8
}

/// The step of a word's vector, relative to that of the rarest. Words have ids by frequency, and errors of frequent words
/// count more often. Few different numbers take few bytes.
fn relative_step(id: usize, words: usize) -> f32 {
    let rank = (id + 100) as f32 / (words + 100) as f32;
    ((rank.log2() * 0.3 * 8.0).round() / 8.0).exp2()
}

/// A matrix, row by row.
#[derive(Clone)]
struct Matrix {
    columns: usize,
    values: Vec<f64>,
}

impl Matrix {
    fn new(columns: usize, values: impl Iterator<Item = f32>) -> Self {
        let values = values.map(f64::from).collect();
        Self { columns, values }
    }

    fn zeros(rows: usize, columns: usize) -> Self {
        let values = vec![0.0; rows * columns];
        Self { columns, values }
    }

    fn rows(&self) -> usize {
        self.values.len() / self.columns.max(1)
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.values[row * self.columns..][..self.columns]
    }

    fn row_mut(&mut self, row: usize) -> &mut [f64] {
        &mut self.values[row * self.columns..][..self.columns]
    }

    fn add(&mut self, other: &Self) {
        for (value, other) in self.values.iter_mut().zip(&other.values) {
            *value += other;
        }
    }

    fn scale_columns(&mut self, by: impl Fn(usize) -> f64) {
        let by: Vec<f64> = (0..self.columns).map(by).collect();
        for row in 0..self.rows() {
            for (value, by) in self.row_mut(row).iter_mut().zip(&by) {
                *value *= by;
            }
        }
    }

    /// A · Aᵀ.
    fn rows_by_rows(&self) -> Self {
        let rows = self.rows();
        let mut products = Self::zeros(rows, rows);
        for a in 0..rows {
            for b in 0..rows {
                let pairs = self.row(a).iter().zip(self.row(b));
                products.row_mut(a)[b] = pairs.map(|(a, b)| a * b).sum();
            }
        }
        products
    }

    /// A · B.
    fn times(&self, other: &Self) -> Self {
        let mut product = Self::zeros(self.rows(), other.columns);
        for row in 0..self.rows() {
            for (at, factor) in self.row(row).iter().enumerate() {
                add_multiple(product.row_mut(row), *factor, other.row(at));
            }
        }
        product
    }

    /// Aᵀ · D · B, D diagonal.
    fn transposed_times(&self, other: &Self, diagonal: impl Fn(usize) -> f64) -> Self {
        let mut product = Self::zeros(self.columns, other.columns);
        for row in 0..self.rows() {
            let weight = diagonal(row);
            for (at, factor) in self.row(row).iter().enumerate() {
                add_multiple(product.row_mut(at), factor * weight, other.row(row));
            }
        }
        product
    }
}

fn add_multiple(sum: &mut [f64], factor: f64, row: &[f64]) {
    for (sum, value) in sum.iter_mut().zip(row) {
        *sum += factor * value;
    }
}

/// The eigenvalues and eigenvectors (columns) of a symmetric matrix, by Jacobi's rotations.
fn eigen(mut matrix: Matrix) -> (Vec<f64>, Matrix) {
    const SWEEPS: usize = 30;
    let size = matrix.columns;
    // Rows are rotated fastest, so the eigenvectors are rows at first.
    let mut vectors = Matrix::zeros(size, size);
    for at in 0..size {
        vectors.row_mut(at)[at] = 1.0;
    }
    let diagonal =
        |matrix: &Matrix| -> Vec<f64> { (0..size).map(|at| matrix.row(at)[at]).collect() };
    let total: f64 = matrix.values.iter().map(|value| value * value).sum();
    for _ in 0..SWEEPS {
        let of_diagonal: f64 = diagonal(&matrix).iter().map(|value| value * value).sum();
        let squares: f64 = matrix.values.iter().map(|value| value * value).sum();
        if squares - of_diagonal <= 1e-20 * total {
            break;
        }
        for p in 0..size {
            for q in p + 1..size {
                let off = matrix.row(p)[q];
                if off == 0.0 {
                    continue;
                }
                let theta = (matrix.row(q)[q] - matrix.row(p)[p]) / (2.0 * off);
                let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let sine = tangent * cosine;
                for row in 0..size {
                    let (a, b) = (matrix.row(row)[p], matrix.row(row)[q]);
                    matrix.row_mut(row)[p] = cosine * a - sine * b;
                    matrix.row_mut(row)[q] = sine * a + cosine * b;
                }
                for table in [&mut matrix, &mut vectors] {
                    for column in 0..size {
                        let (a, b) = (table.row(p)[column], table.row(q)[column]);
                        table.row_mut(p)[column] = cosine * a - sine * b;
                        table.row_mut(q)[column] = sine * a + cosine * b;
                    }
                }
            }
        }
    }
    let values = diagonal(&matrix);
    let mut columns = Matrix::zeros(size, size);
    for row in 0..size {
        for column in 0..size {
            columns.row_mut(column)[row] = vectors.row(row)[column];
        }
    }
    (values, columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> impl Iterator<Item = f32> {
        (0..count).map(move |n| ((n * 37 + seed * 11) % 101) as f32 / 50.0 - 1.0)
    }

    #[test]
    fn eigenvectors_diagonalise_a_symmetric_matrix() {
        let symmetric = Matrix::new(7, numbers(7 * 9, 1));
        let symmetric = symmetric.transposed_times(&symmetric, |_| 1.0);
        let (values, vectors) = eigen(symmetric.clone());
        let rotated = vectors.transposed_times(&symmetric.times(&vectors), |_| 1.0);
        let identity = vectors.transposed_times(&vectors, |_| 1.0);
        for (row, value) in values.iter().enumerate() {
            for column in 0..values.len() {
                let is_diagonal = f64::from(u8::from(row == column));
                assert!((rotated.row(row)[column] - is_diagonal * value).abs() < 1e-9);
                assert!((identity.row(row)[column] - is_diagonal).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn steps_grow_with_the_rank_of_the_word() {
        let steps: Vec<f32> = (0..2000).map(|id| relative_step(id, 2000)).collect();
        assert!(steps.is_sorted());
        assert!(steps[0] < 0.5 && steps[1999] == 1.0, "{steps:?}");
    }
}
