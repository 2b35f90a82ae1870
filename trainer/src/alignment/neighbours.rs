//! Nearest neighbours across two languages, by a similarity that corrects for hubs, which are words near to many others.

use burn::tensor::{Device, Tensor, TensorData};
use rayon::prelude::*;

/// The number of nearest words in a neighbourhood, as in Conneau et al. (2018).
const NEIGHBOURHOOD: usize = 10;
/// The number of rows of similarities in memory at a time.
const ROWS: usize = 512;

/// Vectors of length 1, `[words, dimensions]`.
pub struct Unit {
    rows: Tensor<2>,
}

impl Unit {
    /// Scales vectors, `[words, dimensions]`, to length 1. A vector of zeros is left as it is.
    pub fn new(values: &[f32], dimensions: usize, device: &Device) -> Self {
        let mut values = values.to_vec();
        values.par_chunks_exact_mut(dimensions).for_each(normalise);
        let shape = [values.len() / dimensions, dimensions];
        Self {
            rows: Tensor::from_data(TensorData::new(values, shape), device),
        }
    }

    /// The number of vectors.
    pub fn len(&self) -> usize {
        self.rows.dims()[0]
    }

    /// Applies `of` to the cosines of each row to all rows of `other`.
    fn map<T: Send>(&self, other: &Self, of: impl Fn(&[f32]) -> T + Sync) -> Vec<T> {
        let columns = other.rows.clone().transpose();
        let mut made = Vec::with_capacity(self.len());
        for first in (0..self.len()).step_by(ROWS) {
            let rows = first..self.len().min(first + ROWS);
            let cosines = self.rows.clone().slice(rows).matmul(columns.clone());
            let cosines: Vec<f32> = cosines.into_data().iter().collect();
            made.par_extend(cosines.par_chunks_exact(other.len()).map(&of));
        }
        made
    }
}

/// Scales a vector to length 1.
pub fn normalise(row: &mut [f32]) {
    let length = row.iter().map(|value| value * value).sum::<f32>().sqrt();
    if length > 0.0 {
        row.iter_mut().for_each(|value| *value /= length);
    }
}

/// Two languages' vectors in one space.
///
/// The similarity of two words is cross-domain similarity local scaling (Conneau et al. 2018, *Word Translation Without
/// Parallel Data*): twice their cosine minus the mean cosine of each to its ten nearest words of the other language.
pub struct Neighbours<'a> {
    one: &'a Unit,
    other: &'a Unit,
    /// The mean cosine of each word of `one` to its nearest words of `other`, and the reverse.
    near: [Vec<f32>; 2],
}

impl<'a> Neighbours<'a> {
    /// Computes the neighbourhoods of all words.
    pub fn new(one: &'a Unit, other: &'a Unit) -> Self {
        let near = |one: &Unit, other: &Unit| {
            one.map(other, |cosines| {
                let nearest = largest(cosines, NEIGHBOURHOOD);
                nearest.iter().map(|&(_, cosine)| cosine).sum::<f32>() / nearest.len() as f32
            })
        };
        Self {
            near: [near(one, other), near(other, one)],
            one,
            other,
        }
    }

    /// The `count` nearest words of `other` for each word of `one`, nearest first.
    pub fn nearest(&self, count: usize) -> Vec<Vec<usize>> {
        Self::of(self.one, self.other, &self.near[1], count)
    }

    /// The `count` nearest words of `one` for each word of `other`, nearest first.
    pub fn nearest_back(&self, count: usize) -> Vec<Vec<usize>> {
        Self::of(self.other, self.one, &self.near[0], count)
    }

    fn of(one: &Unit, other: &Unit, near_other: &[f32], count: usize) -> Vec<Vec<usize>> {
        one.map(other, |cosines| {
            // The mean cosine of the word itself does not change the order, so it is left out.
            let scaled: Vec<f32> = (cosines.iter().zip(near_other))
                .map(|(cosine, near)| 2.0 * cosine - near)
                .collect();
            let nearest = largest(&scaled, count).into_iter();
            nearest.map(|(word, _)| word).collect()
        })
    }
}

/// The pairs of words that are each other's nearest, from the nearest words in both directions.
pub fn mutual(forth: &[Vec<usize>], back: &[Vec<usize>]) -> impl Iterator<Item = (usize, usize)> {
    let pairs = forth.iter().enumerate();
    (pairs.map(|(word, nearest)| (word, nearest[0])))
        .filter(|&(word, nearest)| back[nearest][0] == word)
}

/// The `count` largest values with their indices, largest first; of equal values the first.
fn largest(values: &[f32], count: usize) -> Vec<(usize, f32)> {
    let mut found: Vec<(usize, f32)> = Vec::with_capacity(count + 1);
    for (place, &value) in values.iter().enumerate() {
        let is_full = found.len() == count;
        if is_full && found.last().is_none_or(|last| value <= last.1) {
            continue;
        }
        let at = found.partition_point(|(_, other)| other.total_cmp(&value).is_ge());
        found.insert(at, (place, value));
        found.truncate(count);
    }
    found
}
