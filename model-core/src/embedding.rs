//! The frozen table of word vectors: 8 bits a number, one scale a row.
//!
//! Training reads the very table that the bundle will hold, so what is learned is learned on the vectors that
//! serving sees.

use burn::tensor::{Device, Tensor, TensorData};

use crate::vocabulary::PADDING;

/// One vector a word id. Row 0 ([`PADDING`]) is zero; the others are `value · scale` with values in ±127.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    values: Vec<i8>,
    scales: Vec<f32>,
    dimensions: usize,
}

impl Embedding {
    /// Rounds a row-major table of `dimensions` columns to 8 bits. Row 0 is made zero. A number that is not
    /// finite is an error.
    pub fn quantise(rows: &[f32], dimensions: usize) -> Result<Self, String> {
        if dimensions == 0 || !rows.len().is_multiple_of(dimensions) {
            return Err(format!(
                "{} numbers are no table of {dimensions} columns",
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

    /// A table of stored parts: `values` row by row, a scale for each row.
    pub fn from_parts(
        values: Vec<i8>,
        scales: Vec<f32>,
        dimensions: usize,
    ) -> Result<Self, String> {
        if dimensions == 0 || values.len() != scales.len() * dimensions {
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

    /// Numbers in a vector.
    pub fn dimensions(&self) -> usize {
        self.dimensions
    }

    /// Vectors in the table.
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    /// Whether the table holds no vector.
    pub fn is_empty(&self) -> bool {
        self.scales.is_empty()
    }

    /// The vectors of texts as one padded batch on `device`, `[texts, longest text, dimensions]`; ids behind
    /// the table's end are read as padding. Even where every text is empty there is one step.
    pub fn look_up(&self, texts: &[&[u32]], device: &Device) -> Tensor<3> {
        let steps = texts
            .iter()
            .map(|text| text.len())
            .max()
            .unwrap_or(0)
            .max(1);
        let mut vectors = vec![0.0f32; texts.len() * steps * self.dimensions];
        for (text, vectors) in texts
            .iter()
            .zip(vectors.chunks_exact_mut(steps * self.dimensions))
        {
            for (&id, vector) in text.iter().zip(vectors.chunks_exact_mut(self.dimensions)) {
                let Some(&scale) = self.scales.get(id as usize) else {
                    continue;
                };
                let row = &self.values[id as usize * self.dimensions..][..self.dimensions];
                for (slot, &value) in vector.iter_mut().zip(row) {
                    *slot = f32::from(value) * scale;
                }
            }
        }
        Tensor::from_data(
            TensorData::new(vectors, [texts.len(), steps, self.dimensions]),
            device,
        )
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
        let looked_up = embedding.look_up(&[&ids, &[]], &Device::flex()).into_data();
        let values: Vec<f32> = looked_up.iter().collect();
        assert_eq!(looked_up.shape().to_vec(), [2, 3, 10]);
        for (step, &id) in ids.iter().enumerate() {
            let row = &table[id as usize * 10..][..10];
            let largest = row.iter().fold(0.0f32, |a, b| a.max(b.abs()));
            for (column, exact) in row.iter().enumerate() {
                assert!((values[step * 10 + column] - exact).abs() <= largest / 253.0);
            }
        }
        assert!(values[30..].iter().all(|&value| value == 0.0));
    }

    #[test]
    fn parts_that_do_not_fit_are_refused() {
        assert!(Embedding::from_parts(vec![0; 10], vec![1.0; 3], 4).is_err());
        assert!(Embedding::from_parts(vec![0; 12], vec![1.0, f32::NAN, 1.0], 4).is_err());
        assert!(Embedding::quantise(&[0.0, f32::INFINITY], 1).is_err());
    }
}
