//! Matrices whose rows threads share, and the copies of rows with which a thread computes.

use std::sync::atomic::{AtomicU64, Ordering};

/// A matrix that several threads read and write without locks (Hogwild, Niu et al. 2011).
///
/// Two numbers share an atomic word, which is read and written in relaxed order. So a row that is written meanwhile is read as
/// a mixture of old and new numbers, which training tolerates.
#[derive(Debug)]
pub struct SharedRows {
    pairs: Vec<AtomicU64>,
    /// The number of pairs of a row.
    stride: usize,
}

impl SharedRows {
    /// Rows of `width` numbers, which is even.
    pub fn new(rows: usize, width: usize, mut value: impl FnMut(usize, usize) -> f32) -> Self {
        assert!(width.is_multiple_of(2));
        let stride = width / 2;
        let mut pairs = Vec::with_capacity(rows * stride);
        for row in 0..rows {
            pairs.extend((0..stride).map(|pair| {
                AtomicU64::new(pack([value(row, 2 * pair), value(row, 2 * pair + 1)]))
            }));
        }
        Self { pairs, stride }
    }

    fn row(&self, row: u32) -> &[AtomicU64] {
        &self.pairs[row as usize * self.stride..][..self.stride]
    }

    /// Copies a row to `values`.
    #[inline(always)]
    pub fn read(&self, row: u32, values: &mut [f32]) {
        let (values, _) = values.as_chunks_mut::<2>();
        for (values, pair) in values.iter_mut().zip(self.row(row)) {
            *values = unpack(pair.load(Ordering::Relaxed));
        }
    }

    /// Replaces a row by `values`.
    #[inline(always)]
    pub fn write(&self, row: u32, values: &[f32]) {
        let (values, _) = values.as_chunks::<2>();
        for (&values, pair) in values.iter().zip(self.row(row)) {
            pair.store(pack(values), Ordering::Relaxed);
        }
    }
}

#[inline(always)]
fn pack([low, high]: [f32; 2]) -> u64 {
    u64::from(low.to_bits()) | u64::from(high.to_bits()) << 32
}

#[inline(always)]
fn unpack(pair: u64) -> [f32; 2] {
    [
        f32::from_bits(pair as u32),
        f32::from_bits((pair >> 32) as u32),
    ]
}

/// Copies of some rows of a shared matrix, each with its values when it was copied.
#[derive(Debug)]
pub struct LocalRows {
    pub values: Aligned,
    before: Aligned,
    width: usize,
}

impl LocalRows {
    pub fn new(slots: usize, width: usize) -> Self {
        Self {
            values: Aligned::zeros(slots * width),
            before: Aligned::zeros(slots * width),
            width,
        }
    }

    /// Copies a row to a slot.
    #[inline(always)]
    pub fn load(&mut self, slot: usize, shared: &SharedRows, row: u32) {
        let range = slot * self.width..(slot + 1) * self.width;
        let values = &mut self.values.get_mut()[range.clone()];
        shared.read(row, values);
        self.before.get_mut()[range].copy_from_slice(values);
    }

    /// Adds the changes of a slot to its row, and copies the sum to the slot. Changes of other threads stay.
    #[inline(always)]
    pub fn merge(&mut self, slot: usize, shared: &SharedRows, row: u32) {
        let range = slot * self.width..(slot + 1) * self.width;
        let values = &mut self.values.get_mut()[range.clone()];
        let before = &mut self.before.get_mut()[range];
        for (before, value) in before.iter_mut().zip(&*values) {
            *before = value - *before;
        }
        shared.read(row, values);
        for (value, change) in values.iter_mut().zip(&*before) {
            *value += change;
        }
        shared.write(row, values);
        before.copy_from_slice(values);
    }
}

/// Numbers that begin at a cache line, so that no vector of them lies on two.
#[derive(Debug)]
pub struct Aligned {
    values: Vec<f32>,
    start: usize,
    length: usize,
}

impl Aligned {
    /// Zeros.
    pub fn zeros(length: usize) -> Self {
        const LINE: usize = 64;
        let values = vec![0.0; length + LINE / size_of::<f32>()];
        let start = values
            .as_ptr()
            .align_offset(LINE)
            .min(LINE / size_of::<f32>());
        Self {
            values,
            start,
            length,
        }
    }

    #[inline(always)]
    pub fn get_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.start..][..self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_two_copies_of_a_row_are_both_kept() {
        let shared = SharedRows::new(3, 4, |row, column| (10 * row + column) as f32);
        let (mut one, mut other) = (LocalRows::new(2, 4), LocalRows::new(1, 4));
        one.load(1, &shared, 2);
        other.load(0, &shared, 2);
        assert_eq!(one.values.get_mut()[4..], [20.0, 21.0, 22.0, 23.0]);
        one.values.get_mut()[5] += 100.0;
        other.values.get_mut()[0] -= 5.0;
        other.values.get_mut()[1] += 1000.0;
        one.merge(1, &shared, 2);
        other.merge(0, &shared, 2);
        let sum = [15.0, 1121.0, 22.0, 23.0];
        assert_eq!(other.values.get_mut(), sum);
        let mut row = [0.0; 4];
        shared.read(2, &mut row);
        assert_eq!(row, sum);
        // Merging twice changes nothing.
        one.merge(1, &shared, 2);
        shared.read(2, &mut row);
        assert_eq!(row, sum);
        shared.read(1, &mut row);
        assert_eq!(row, [10.0, 11.0, 12.0, 13.0]);
    }

    #[test]
    fn aligned_numbers_begin_at_a_cache_line() {
        for length in [0, 1, 7, 300] {
            let mut numbers = Aligned::zeros(length);
            assert_eq!(numbers.get_mut().len(), length);
            assert_eq!(numbers.get_mut().as_ptr().align_offset(64), 0);
        }
    }
}
