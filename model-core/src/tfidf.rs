//! TF-IDF as scikit-learn's `TfidfTransformer` computes it: smoothed IDF and rows of a given Euclidean length.
//!
//! Training and prediction use the same functions, so their values agree.
//!
//! ```
//! use model_core::tfidf::{idf, scaled, value};
//!
//! // Of nine users, four have the first term and nine the second.
//! let row = [(0, value(3, idf(9, 4), true)), (1, value(1, idf(9, 9), true))];
//! let row = scaled(&row, 1.0);
//! assert!((row[0].1.hypot(row[1].1) - 1.0).abs() < 1e-6);
//! assert!(row[0].1 > row[1].1);
//! ```

/// The inverse document frequency of a term that `with` of `users` training users have: ln((1 + users) / (1 + with)) + 1.
pub fn idf(users: usize, with: u32) -> f32 {
    (((1 + users) as f64 / (1.0 + f64::from(with))).ln() + 1.0) as f32
}

/// The value of a term that occurs `count` times, before the row is scaled: `count` times `idf`, where a sublinear
/// frequency counts 1 + ln(`count`) instead. A term that does not occur has 0.
pub fn value(count: u32, idf: f32, sublinear: bool) -> f64 {
    let frequency = match count {
        0 => 0.0,
        count if sublinear => 1.0 + f64::from(count).ln(),
        count => f64::from(count),
    };
    frequency * f64::from(idf)
}

/// The Euclidean length of a row of values.
pub fn length(values: impl IntoIterator<Item = f64>) -> f64 {
    let squares = values.into_iter().map(|value| value.powi(2));
    squares.sum::<f64>().sqrt()
}

/// Scales a row of columns and values to the Euclidean length `to`.
pub fn scaled(row: &[(u32, f64)], to: f32) -> Vec<(u32, f32)> {
    let length = length(row.iter().map(|&(_, value)| value));
    (row.iter())
        .map(|&(column, value)| (column, (value / length * f64::from(to)) as f32))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of scikit-learn 1.9.1 for counts of 3 and 1, after a fit to [[1, 1, 0], [1, 0, 0], [1, 0, 4]].
    #[test]
    fn values_are_those_of_scikit_learn() {
        let idf = [idf(3, 3), idf(3, 1)];
        for (sublinear, expected) in [
            (true, [0.778_282_92, 0.627_913_76]),
            (false, [0.870_874_16, 0.491_506_04]),
        ] {
            let row = [
                (0, value(3, idf[0], sublinear)),
                (7, value(1, idf[1], sublinear)),
            ];
            let row = scaled(&row, 1.0);
            assert_eq!(
                row.iter().map(|&(column, _)| column).collect::<Vec<_>>(),
                [0, 7]
            );
            for ((_, value), expected) in row.into_iter().zip(expected) {
                assert!((f64::from(value) - expected).abs() < 1e-6, "{value}");
            }
        }
        assert_eq!(value(0, 2.0, true), 0.0);
        assert_eq!(scaled(&[(2, 3.0), (4, 4.0)], 10.0), [(2, 6.0), (4, 8.0)]);
    }
}
