//! The word vectors: 8 bits a number, one scale a row.
//!
//! Training reads the rounded table that the bundle will hold, so training and serving see the same vectors.
//!
//! ```
//! use burn::tensor::Device;
//! use model_core::embedding::Embedding;
//!
//! // Vectors of two dimensions, for padding, the unknown word, and two words.
//! let rows = [0.0, 0.0, 0.1, 0.1, 1.0, 0.5, -0.5, 1.0];
//! let embedding = Embedding::quantise(&rows, 2)?;
//! let texts: [&[u32]; 2] = [&[2, 3, 2], &[1]];
//! let batch = embedding.embed(&texts, &Device::flex());
//! assert_eq!(batch.lengths(), [3, 1]);
//! assert!((embedding.rows()[5] - 0.5).abs() < 0.01);
//! # Ok::<(), String>(())
//! ```

#[cfg(feature = "burn")]
use burn::tensor::{Device, Tensor, TensorData};
#[cfg(feature = "burn")]
use fused_lstm::PackedBatch;

use crate::vocabulary::PADDING;

/// One vector for each word id. Row 0 ([`PADDING`]) is zero; the others are `value · scale` with values in ±127.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    values: Vec<i8>,
    scales: Vec<f32>,
    dimensions: usize,
}

impl Embedding {
    /// Rounds a row-major table of `dimensions` columns to 8 bits, and row 0 to zero.
    ///
    /// # Errors
    /// If a number is not finite, or the table is empty or not rectangular.
    pub fn quantise(rows: &[f32], dimensions: usize) -> Result<Self, String> {
        if dimensions == 0 || rows.is_empty() || !rows.len().is_multiple_of(dimensions) {
            return Err(format!(
                "{} numbers do not form a table of {dimensions} columns",
                rows.len()
            ));
        }
        let mut values = Vec::with_capacity(rows.len());
        let mut scales = Vec::with_capacity(rows.len() / dimensions);
        for (id, row) in rows.chunks_exact(dimensions).enumerate() {
            if row.iter().any(|value| !value.is_finite()) {
                return Err(format!(
                    "the vector of word id {id} holds a number that is not finite"
                ));
            }
            let largest = row
                .iter()
                .fold(0.0f32, |largest, value| largest.max(value.abs()));
            let scale = if id == PADDING as usize {
                0.0
            } else {
                largest / 127.0
            };
            scales.push(scale);
            values.extend(row.iter().map(|value| {
                if scale == 0.0 {
                    0
                } else {
                    (value / scale).round() as i8
                }
            }));
        }
        Ok(Self {
            values,
            scales,
            dimensions,
        })
    }

    /// The first `rows` of the table.
    pub fn first(&self, rows: usize) -> Self {
        let rows = rows.min(self.len());
        Self {
            values: self.values[..rows * self.dimensions].to_vec(),
            scales: self.scales[..rows].to_vec(),
            dimensions: self.dimensions,
        }
    }

    /// A table from stored parts: `values` row by row, one scale for each row.
    ///
    /// # Errors
    /// If the lengths do not fit one another or a scale is not finite.
    pub fn from_parts(
        values: Vec<i8>,
        scales: Vec<f32>,
        dimensions: usize,
    ) -> Result<Self, String> {
        let wanted = scales.len().checked_mul(dimensions);
        if dimensions == 0 || scales.is_empty() || wanted != Some(values.len()) {
            return Err(format!(
                "{} vectors of {dimensions} dimensions do not make {} values",
                scales.len(),
                values.len()
            ));
        }
        if scales.iter().any(|scale| !scale.is_finite()) {
            return Err("a scale of the word vectors is not finite".into());
        }
        Ok(Self {
            values,
            scales,
            dimensions,
        })
    }

    /// The stored values, row by row.
    pub fn values(&self) -> &[i8] {
        &self.values
    }

    /// The scale of each row.
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// The dimensions of a vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// The number of vectors.
    #[allow(clippy::len_without_is_empty)] // never empty: padding always has a vector
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    /// The packed batch of texts of word ids on `device`. Ids past the end of the table are read as padding.
    #[cfg(feature = "burn")]
    pub fn embed(&self, texts: &[&[u32]], device: &Device) -> PackedBatch {
        let (distinct, texts) = PackedBatch::distinct(texts);
        let mut vectors = Vec::with_capacity(distinct.len() * self.dimensions);
        for &id in &distinct {
            self.append(id, &mut vectors);
        }
        let shape = [distinct.len(), self.dimensions];
        PackedBatch::new(
            Tensor::from_data(TensorData::new(vectors, shape), device),
            texts,
        )
    }

    /// All vectors, row by row.
    pub fn rows(&self) -> Vec<f32> {
        let mut rows = Vec::with_capacity(self.values.len());
        for id in 0..self.len() as u32 {
            self.append(id, &mut rows);
        }
        rows
    }

    /// Appends the vector of a word. An id past the end of the table is read as padding.
    pub(crate) fn append(&self, id: u32, vectors: &mut Vec<f32>) {
        let id = if (id as usize) < self.len() {
            id
        } else {
            PADDING
        } as usize;
        let row = &self.values[id * self.dimensions..][..self.dimensions];
        vectors.extend(row.iter().map(|&value| f32::from(value) * self.scales[id]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_keeps_vectors_to_a_254th_of_their_largest_number() {
        let table: Vec<f32> = (0..40)
            .map(|k| ((k * 37 % 23) as f32 - 11.0) * 0.013)
            .collect();
        let embedding = Embedding::quantise(&table, 10).unwrap();
        let ids = [1u32, 3, 2];
        let batch = embedding.embed(&[&ids, &[]], &Device::flex());
        let values: Vec<f32> = batch.vectors().clone().into_data().iter().collect();
        assert_eq!(values.len(), 3 * 10);
        for (step, &id) in ids.iter().enumerate() {
            let row = &table[id as usize * 10..][..10];
            let largest = row.iter().fold(0.0f32, |a, b| a.max(b.abs()));
            for (column, exact) in row.iter().enumerate() {
                assert!((values[step * 10 + column] - exact).abs() <= largest / 253.0);
            }
        }
        assert_eq!(batch.sequences(), [vec![0, 1, 2], vec![]]);
    }

    #[test]
    fn every_word_has_its_vector_in_the_batch_once() {
        let table: Vec<f32> = (0..8).map(|k| k as f32).collect();
        let embedding = Embedding::quantise(&table, 2).unwrap();
        let words = embedding.embed(&[&[3, 2, 3], &[], &[2, 9, 0]], &Device::flex());
        assert_eq!(words.sequences(), [vec![0, 1, 0], vec![], vec![1, 2, 3]]);
        let values: Vec<f32> = words.vectors().clone().into_data().iter().collect();
        assert_eq!(
            values[4..],
            [0.0; 4],
            "past the end of the table, and padding"
        );
        let nothing = embedding.embed(&[&[]], &Device::flex());
        assert_eq!(nothing.vectors().dims(), [1, 2]);
        assert_eq!(nothing.lengths(), [0]);
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        assert!(Embedding::from_parts(vec![0; 10], vec![1.0; 3], 4).is_err());
        assert!(Embedding::from_parts(vec![0; 12], vec![1.0, f32::NAN, 1.0], 4).is_err());
        assert!(Embedding::quantise(&[0.0, f32::INFINITY], 1).is_err());
        // The product of the sizes does not fit into a number.
        assert!(Embedding::from_parts(Vec::new(), vec![1.0; 2], usize::MAX).is_err());
    }
}
