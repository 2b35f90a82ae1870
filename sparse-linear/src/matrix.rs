//! Sparse features.

use super::LinearError;

/// Sparse features of examples, `[examples, features]`, in compressed rows. A matrix takes 8 bytes for each stored value and 8
/// for each row.
///
/// ```
/// use sparse_linear::SparseMatrix;
///
/// let mut features = SparseMatrix::new(4);
/// features.push_row([(1, 0.5), (3, -2.0)])?;
/// assert_eq!(features.row(0).iter().collect::<Vec<_>>(), [(1, 0.5), (3, -2.0)]);
/// assert!(features.push_row([(4, 1.0)]).is_err(), "there are four columns");
/// # Ok::<(), sparse_linear::LinearError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SparseMatrix {
    columns: usize,
    /// The start of each row, and the end of the last one.
    starts: Vec<usize>,
    indices: Vec<u32>,
    values: Vec<f32>,
}

/// A row of a [`SparseMatrix`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SparseRow<'a> {
    columns: usize,
    indices: &'a [u32],
    values: &'a [f32],
}

impl SparseMatrix {
    /// A matrix of `columns` features and no rows.
    pub fn new(columns: usize) -> Self {
        Self {
            columns,
            starts: vec![0],
            indices: Vec::new(),
            values: Vec::new(),
        }
    }

    /// Adds a row of features with their values; all others are 0.
    ///
    /// # Errors
    /// [`LinearError::Feature`] if the features are not in strictly ascending order, one is not below the number of columns, or
    /// a value is not finite. The matrix is then unchanged.
    pub fn push_row(
        &mut self,
        row: impl IntoIterator<Item = (u32, f32)>,
    ) -> Result<(), LinearError> {
        let start = self.indices.len();
        let checked = row.into_iter().try_for_each(|(index, value)| {
            let wrong = match self.indices[start..].last() {
                _ if index as usize >= self.columns => "lies beyond the last column",
                Some(&before) if index <= before => "does not follow the one before it",
                _ if !value.is_finite() => "has a value that is no finite number",
                _ => {
                    self.indices.push(index);
                    self.values.push(value);
                    return Ok(());
                }
            };
            let row = self.rows();
            Err(LinearError::Feature { row, index, wrong })
        });
        if checked.is_ok() {
            self.starts.push(self.indices.len());
        } else {
            self.indices.truncate(start);
            self.values.truncate(start);
        }
        checked
    }

    /// The number of rows: examples.
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// The number of columns: features.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The number of stored values.
    pub fn value_count(&self) -> usize {
        self.values.len()
    }

    /// The row of this number.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn row(&self, row: usize) -> SparseRow<'_> {
        let range = self.starts[row]..self.starts[row + 1];
        SparseRow {
            columns: self.columns,
            indices: &self.indices[range.clone()],
            values: &self.values[range],
        }
    }

    /// Copies rows, in the given order.
    ///
    /// # Panics
    /// If there is no row of one of the numbers.
    pub fn select(&self, rows: &[usize]) -> Self {
        let mut selected = Self::new(self.columns);
        for row in rows.iter().map(|&row| self.row(row)) {
            selected.indices.extend_from_slice(row.indices);
            selected.values.extend_from_slice(row.values);
            selected.starts.push(selected.indices.len());
        }
        selected
    }

    /// The same features with others in additional columns: `others` has a row of values for each row.
    ///
    /// # Errors
    /// [`LinearError::Lengths`] if there are not as many rows, and [`LinearError::Feature`] if one is longer than the first or has
    /// a value that is not finite.
    pub fn beside(&self, others: &[Vec<f64>]) -> Result<Self, LinearError> {
        if others.len() != self.rows() {
            return Err(LinearError::Lengths {
                what: "rows of other features",
                count: others.len(),
                examples: self.rows(),
            });
        }
        let mut both = Self::new(self.columns + others.first().map_or(0, Vec::len));
        for (row, others) in others.iter().enumerate() {
            let others = (self.columns as u32..).zip(others.iter().map(|&value| value as f32));
            both.push_row(self.row(row).iter().chain(others))?;
        }
        Ok(both)
    }
}

impl<'a> SparseRow<'a> {
    /// The number of features, including zeros.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The stored features with their values, in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = (u32, f32)> + use<'a> {
        self.indices
            .iter()
            .copied()
            .zip(self.values.iter().copied())
    }

    /// Σⱼ xⱼ².
    pub(super) fn squared_norm(self) -> f64 {
        self.values
            .iter()
            .map(|&value| f64::from(value).powi(2))
            .sum()
    }

    /// The product with a dense row-major matrix, which has a row of `product.len()` numbers for each feature.
    pub(super) fn times<N: Copy + Into<f64>>(self, dense: &[N], product: &mut [f64]) {
        let width = product.len();
        for (block, product) in product.chunks_mut(8).enumerate() {
            let first = block * 8;
            match product.len() {
                1 if width == 1 => self.times_columns::<N, 1>(dense, 1, 0, product),
                1 => self.times_columns::<N, 1>(dense, width, first, product),
                2 => self.times_columns::<N, 2>(dense, width, first, product),
                3 => self.times_columns::<N, 3>(dense, width, first, product),
                4 => self.times_columns::<N, 4>(dense, width, first, product),
                5 => self.times_columns::<N, 5>(dense, width, first, product),
                6 => self.times_columns::<N, 6>(dense, width, first, product),
                7 => self.times_columns::<N, 7>(dense, width, first, product),
                _ => self.times_columns::<N, 8>(dense, width, first, product),
            }
        }
    }

    /// `COLUMNS` columns of the product from `first` on. The sums stay in registers.
    #[inline(always)]
    fn times_columns<N: Copy + Into<f64>, const COLUMNS: usize>(
        self,
        dense: &[N],
        width: usize,
        first: usize,
        product: &mut [f64],
    ) {
        let needed = self.columns.checked_mul(width);
        assert!(first + COLUMNS <= width && needed.is_some_and(|needed| dense.len() >= needed));
        let mut sums = [0.0; COLUMNS];
        for (&index, &value) in self.indices.iter().zip(self.values) {
            let start = index as usize * width + first;
            // SAFETY: `push_row` admits only indices below `self.columns`, and first + COLUMNS ≤ width, so start + COLUMNS ≤
            // self.columns · width ≤ dense.len(), as asserted above; the product does not overflow.
            let numbers = unsafe { dense.get_unchecked(start..start + COLUMNS) };
            for column in 0..COLUMNS {
                sums[column] += f64::from(value) * numbers[column].into();
            }
        }
        product.copy_from_slice(&sums);
    }

    /// Adds the outer product of this row and `factors` to a dense row-major matrix, which has a row of `factors.len()`
    /// numbers for each feature.
    pub(super) fn add_to(self, factors: &[f64], dense: &mut [f64]) {
        let width = factors.len();
        for (block, factors) in factors.chunks(8).enumerate() {
            let first = block * 8;
            match factors.len() {
                1 if width == 1 => self.add_columns::<1>(factors, 1, 0, dense),
                1 => self.add_columns::<1>(factors, width, first, dense),
                2 => self.add_columns::<2>(factors, width, first, dense),
                3 => self.add_columns::<3>(factors, width, first, dense),
                4 => self.add_columns::<4>(factors, width, first, dense),
                5 => self.add_columns::<5>(factors, width, first, dense),
                6 => self.add_columns::<6>(factors, width, first, dense),
                7 => self.add_columns::<7>(factors, width, first, dense),
                _ => self.add_columns::<8>(factors, width, first, dense),
            }
        }
    }

    #[inline(always)]
    fn add_columns<const COLUMNS: usize>(
        self,
        factors: &[f64],
        width: usize,
        first: usize,
        dense: &mut [f64],
    ) {
        let needed = self.columns.checked_mul(width);
        assert!(first + COLUMNS <= width && needed.is_some_and(|needed| dense.len() >= needed));
        let factors: [f64; COLUMNS] = std::array::from_fn(|column| factors[column]);
        for (&index, &value) in self.indices.iter().zip(self.values) {
            let start = index as usize * width + first;
            // SAFETY: as in `times_columns`; the same assertion precedes.
            let numbers = unsafe { dense.get_unchecked_mut(start..start + COLUMNS) };
            for column in 0..COLUMNS {
                numbers[column] += factors[column] * f64::from(value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of weights used to wrap to 0, and the weights were read out of bounds.
    #[test]
    #[should_panic(expected = "needed")]
    fn more_weights_than_can_be_counted_are_refused() {
        let mut matrix = SparseMatrix::new(1 << (usize::BITS - 1));
        matrix.push_row([(5, 1.0)]).unwrap();
        matrix.row(0).times(&[0.0; 0], &mut [0.0; 4]);
    }

    #[test]
    fn a_bad_row_is_named_and_leaves_the_matrix_unchanged() {
        let mut matrix = SparseMatrix::new(4);
        matrix.push_row([(1, 0.5), (3, -2.0)]).unwrap();
        let before = matrix.clone();
        for (row, message) in [
            (
                vec![(0, 1.0), (4, 1.0)],
                "row 1 of the features: feature 4 lies beyond the last column",
            ),
            (
                vec![(2, 1.0), (2, 1.0)],
                "row 1 of the features: feature 2 does not follow the one before it",
            ),
            (
                vec![(0, 1.0), (1, f32::NAN)],
                "row 1 of the features: feature 1 has a value that is no finite number",
            ),
        ] {
            assert_eq!(matrix.push_row(row).unwrap_err().to_string(), message);
            assert_eq!(matrix, before);
        }
        matrix.push_row([]).unwrap();
        assert_eq!(
            (matrix.rows(), matrix.columns(), matrix.value_count()),
            (2, 4, 2)
        );
        assert_eq!(matrix.select(&[1, 0]).row(1), matrix.row(0));
    }

    /// Small enough for Miri, which checks the unsafe indexing.
    #[test]
    fn miri_products_are_right_for_any_number_of_columns() {
        let mut matrix = SparseMatrix::new(9);
        let row = [(0, 1.0), (2, -2.0), (3, 0.5), (4, 3.0), (5, 1.5), (8, -1.0)];
        matrix.push_row(row).unwrap();
        for width in 1..=20 {
            let dense: Vec<f64> = (0..9 * width).map(|number| (number % 13) as f64).collect();
            let mut product = vec![0.0; width];
            matrix.row(0).times(&dense, &mut product);
            let mut sums = dense.clone();
            matrix.row(0).add_to(&product, &mut sums);
            for (column, &product) in product.iter().enumerate() {
                let place = |index: u32| index as usize * width + column;
                let terms = row.map(|(index, value)| f64::from(value) * dense[place(index)]);
                assert_eq!(product, terms.iter().sum::<f64>());
                for index in 0..9 {
                    let value = row.iter().find(|(at, _)| *at == index);
                    let added = value.map_or(0.0, |(_, value)| f64::from(*value));
                    let expected = dense[place(index)] + added * product;
                    assert_eq!(sums[place(index)], expected);
                }
            }
        }
    }
}
