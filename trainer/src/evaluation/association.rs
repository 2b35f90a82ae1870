//! The association of two attributes, from a contingency table.
//!
//! `counts` is the number of users of each class of one attribute (row) and of the other (column). Classes without users are
//! ignored. The figures are 0 if an attribute has fewer than two classes with users.

/// Cramér's V: √(χ² / (n · (k − 1))) for n users, where χ² is Pearson's statistic and k the smaller number of classes. It is
/// 0 if the attributes are independent among these users, and 1 if one determines the other.
pub fn cramers_v(counts: &[Vec<usize>]) -> f64 {
    let table = Table::new(counts);
    let classes = table.rows.len().min(table.columns.len());
    if classes < 2 {
        return 0.0;
    }
    (table.phi_squared() / (classes - 1) as f64).sqrt()
}

/// Cramér's V with Bergsma's bias correction (2013). Uncorrected, V of independent attributes is above 0 by chance, and more
/// so with few users and many classes.
pub fn cramers_v_corrected(counts: &[Vec<usize>]) -> f64 {
    let table = Table::new(counts);
    let (rows, columns) = (table.rows.len() as f64, table.columns.len() as f64);
    if rows.min(columns) < 2.0 || table.users < 2.0 {
        return 0.0;
    }
    let others = table.users - 1.0;
    let phi_squared = (table.phi_squared() - (rows - 1.0) * (columns - 1.0) / others).max(0.0);
    let corrected = |classes: f64| classes - (classes - 1.0).powi(2) / others;
    let most = corrected(rows).min(corrected(columns)) - 1.0;
    if most <= 0.0 {
        return 0.0;
    }
    // With a handful of users the corrected terms may give more than 1.
    (phi_squared / most).sqrt().min(1.0)
}

/// A contingency table with the sums of rows and columns that have users.
struct Table<'a> {
    counts: &'a [Vec<usize>],
    users: f64,
    /// Indices and sums.
    rows: Vec<(usize, f64)>,
    columns: Vec<(usize, f64)>,
}

impl<'a> Table<'a> {
    fn new(counts: &'a [Vec<usize>]) -> Self {
        let width = counts.first().map_or(0, Vec::len);
        let some = |(index, users): (usize, usize)| (users > 0).then_some((index, users as f64));
        let rows: Vec<(usize, f64)> = (counts.iter().map(|row| row.iter().sum()).enumerate())
            .filter_map(some)
            .collect();
        Self {
            counts,
            users: rows.iter().map(|(_, users)| users).sum(),
            rows,
            columns: (0..width)
                .map(|column| (column, counts.iter().map(|row| row[column]).sum()))
                .filter_map(some)
                .collect(),
        }
    }

    /// χ² / n.
    fn phi_squared(&self) -> f64 {
        let mut sum = 0.0;
        for &(row, of_row) in &self.rows {
            for &(column, of_column) in &self.columns {
                let expected = of_row * of_column / self.users;
                sum += (self.counts[row][column] as f64 - expected).powi(2) / expected;
            }
        }
        sum / self.users
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v_is_1_if_one_determines_the_other_and_0_if_they_are_independent() {
        let determined = vec![vec![50, 0], vec![0, 30]];
        assert!((cramers_v(&determined) - 1.0).abs() < 1e-12);
        assert!((cramers_v_corrected(&determined) - 1.0).abs() < 1e-12);
        let independent = vec![vec![20, 40], vec![10, 20]];
        assert!(cramers_v(&independent) < 1e-12);
        assert_eq!(cramers_v_corrected(&independent), 0.0);
    }

    #[test]
    fn classes_without_users_are_ignored() {
        let full = vec![vec![7, 2], vec![3, 9]];
        let gaps = vec![vec![7, 0, 2], vec![0, 0, 0], vec![3, 0, 9]];
        assert_eq!(cramers_v(&gaps), cramers_v(&full));
        assert_eq!(cramers_v_corrected(&gaps), cramers_v_corrected(&full));
    }

    #[test]
    fn without_users_or_with_one_class_v_is_0() {
        for counts in [vec![], vec![vec![0, 0]; 2], vec![vec![4, 5], vec![0, 0]]] {
            assert_eq!(cramers_v(&counts), 0.0);
            assert_eq!(cramers_v_corrected(&counts), 0.0);
        }
    }
}
