//! The layout in memory of the units of several LSTMs and of their weights.

use std::ops::{Deref, DerefMut, Range};

use pulp::{Simd, WithSimd};

use super::{GATES, Instructions};

/// The input of a call.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// `[distinct tokens, input]`.
    pub vectors: &'a [f32],
    /// The tokens of all sequences, one sequence after the other: rows of `vectors`.
    pub tokens: &'a [u32],
    /// The number of tokens of each sequence.
    pub lengths: &'a [usize],
}

impl<'a> Batch<'a> {
    /// The tokens of each sequence.
    pub fn sequences(self) -> impl Iterator<Item = &'a [u32]> {
        let mut rest = self.tokens;
        self.lengths.iter().map(move |&length| {
            let (sequence, others) = rest.split_at(length);
            rest = others;
            sequence
        })
    }

    /// Whether tokens recur so often that projecting each distinct token once pays. Reading projections from a table costs
    /// a little too.
    #[cfg(any(feature = "burn", test))]
    pub fn recurs(self, input: usize) -> bool {
        2 * self.vectors.len() <= self.tokens.len() * input
    }
}

/// The weights of all LSTMs, each laid out as in [`Lstm`](crate::Lstm).
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// `[input, Σ 4 · hidden]`, the columns of an LSTM side by side.
    pub input: &'a [f32],
    /// `[hidden, 4 · hidden]` of each LSTM, one after the other.
    pub recurrent: &'a [f32],
    /// `[Σ 4 · hidden]`.
    pub bias: &'a [f32],
}

/// The layout of a call.
#[derive(Clone, Debug)]
pub struct Layout {
    pub instructions: Instructions,
    /// Numbers of an input vector.
    pub input: usize,
    /// Numbers of a vector of the instruction set.
    pub lanes: usize,
    /// Units of all LSTMs, filled up to whole vectors for each.
    pub units: usize,
    pub lstms: Vec<Place>,
    /// One panel for every `lanes` units, in order.
    pub panels: Vec<Panel>,
}

/// The place of an LSTM.
#[derive(Clone, Debug)]
pub struct Place {
    pub hidden: usize,
    /// Its range of units, filled up to whole vectors.
    pub units: Range<usize>,
    /// Its first unit if no LSTM is filled up.
    pub first: usize,
    /// The start of its weights in [`Weights::recurrent`].
    pub recurrent: usize,
}

/// `lanes` units of an LSTM.
#[derive(Clone, Copy, Debug)]
pub struct Panel {
    pub lstm: usize,
    /// The first unit, counted within the LSTM.
    pub unit: usize,
}

impl Layout {
    /// The layout for vectors of `input` numbers and LSTMs of `hidden` units.
    pub fn new(instructions: Instructions, input: usize, hidden: &[usize]) -> Self {
        let lanes = instructions.run(Lanes);
        let (mut units, mut first, mut recurrent) = (0, 0, 0);
        let (mut lstms, mut panels) = (Vec::new(), Vec::new());
        for (lstm, &hidden) in hidden.iter().enumerate() {
            let padded = hidden.next_multiple_of(lanes);
            lstms.push(Place {
                hidden,
                units: units..units + padded,
                first,
                recurrent,
            });
            panels.extend((0..padded).step_by(lanes).map(|unit| Panel { lstm, unit }));
            units += padded;
            first += hidden;
            recurrent += hidden * GATES * hidden;
        }
        Self {
            instructions,
            input,
            lanes,
            units,
            lstms,
            panels,
        }
    }

    /// Hidden units of all LSTMs, without filling up.
    pub fn total_hidden(&self) -> usize {
        self.lstms.iter().map(|place| place.hidden).sum()
    }

    /// Gates of all units.
    pub fn gates(&self) -> usize {
        GATES * self.units
    }

    /// Gates of a panel.
    pub fn panel_width(&self) -> usize {
        GATES * self.lanes
    }

    /// Copies the gates of a panel out of the `4 · hidden` gates of its LSTM.
    pub fn gather(&self, panel: Panel, lstm_gates: &[f32], to: &mut [f32]) {
        let hidden = self.lstms[panel.lstm].hidden;
        let there = self.lanes.min(hidden - panel.unit);
        for (from, to) in lstm_gates
            .chunks_exact(hidden)
            .zip(to.chunks_exact_mut(self.lanes))
        {
            to[..there].copy_from_slice(&from[panel.unit..][..there]);
        }
    }

    /// Copies the gates of a panel into the `4 · hidden` gates of its LSTM: the inverse of [`gather`](Self::gather).
    #[cfg(any(test, feature = "autodiff"))]
    pub fn scatter(&self, panel: Panel, from: &[f32], lstm_gates: &mut [f32]) {
        let hidden = self.lstms[panel.lstm].hidden;
        let there = self.lanes.min(hidden - panel.unit);
        for (to, from) in lstm_gates
            .chunks_exact_mut(hidden)
            .zip(from.chunks_exact(self.lanes))
        {
            to[panel.unit..][..there].copy_from_slice(&from[..there]);
        }
    }

    /// The columns of an LSTM in [`Weights::input`] and its range in [`Weights::bias`].
    pub fn input_columns(&self, lstm: usize) -> Range<usize> {
        let place = &self.lstms[lstm];
        GATES * place.first..GATES * (place.first + place.hidden)
    }

    /// The range of the weights from a unit of an LSTM to its gates in [`Weights::recurrent`].
    pub fn recurrent_row(&self, lstm: usize, unit: usize) -> Range<usize> {
        let place = &self.lstms[lstm];
        let start = place.recurrent + unit * GATES * place.hidden;
        start..start + GATES * place.hidden
    }
}

struct Lanes;

impl WithSimd for Lanes {
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> usize {
        S::F32_LANES
    }
}

/// A matrix cut into strips of a few columns. Each strip is contiguous and row-major, so a product reads it in order.
#[derive(Debug)]
pub struct Strips {
    values: Aligned,
    ends: Vec<usize>,
}

impl Strips {
    /// Strips of the given numbers of rows and columns. `fill` receives the strip, the row and its numbers, which are zero
    /// before.
    pub fn new(
        shapes: impl Iterator<Item = (usize, usize)>,
        fill: impl Fn(usize, usize, &mut [f32]),
    ) -> Self {
        let mut end = 0;
        let shapes: Vec<_> = shapes.collect();
        let ends: Vec<usize> = (shapes.iter())
            .map(|(rows, columns)| {
                end += rows * columns;
                end
            })
            .collect();
        let mut values = Aligned::zeros(end);
        let mut rest = &mut *values;
        for (index, &(rows, columns)) in shapes.iter().enumerate() {
            let (strip, others) = rest.split_at_mut(rows * columns);
            for (row, numbers) in strip.chunks_exact_mut(columns).enumerate() {
                fill(index, row, numbers);
            }
            rest = others;
        }
        Self { values, ends }
    }

    pub fn get(&self, strip: usize) -> &[f32] {
        let start = if strip == 0 { 0 } else { self.ends[strip - 1] };
        &self.values[start..self.ends[strip]]
    }
}

/// Numbers that start at a cache line, initially zero. Pages that are never touched take no memory.
#[derive(Debug)]
pub struct Aligned {
    values: Vec<f32>,
    start: usize,
    length: usize,
}

impl Aligned {
    pub fn zeros(length: usize) -> Self {
        const LINE: usize = 16;
        let values = vec![0.0f32; length + LINE - 1];
        // Miri may refuse to compute the offset; any start is correct, an aligned one is faster.
        let start = values.as_ptr().align_offset(4 * LINE).min(LINE - 1);
        Self {
            values,
            start,
            length,
        }
    }
}

impl Clone for Aligned {
    fn clone(&self) -> Self {
        let mut copy = Self::zeros(self.length);
        copy.copy_from_slice(self);
        copy
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values[self.start..][..self.length]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values[self.start..][..self.length]
    }
}

/// The number of blocks for `sequences`: a multiple of the threads, so that all stay busy to the end. A block has at most 32
/// sequences, whose states fit the cache.
pub fn blocks(sequences: usize, threads: usize) -> usize {
    (sequences.div_ceil(32).next_multiple_of(threads)).clamp(1, sequences.max(1))
}

/// Deals `sequences` out to blocks of about equal numbers of tokens, each sorted by falling length.
pub fn deal<T>(mut sequences: Vec<T>, blocks: usize, length: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    sequences.sort_by_key(|sequence| std::cmp::Reverse(length(sequence)));
    let mut dealt: Vec<Vec<T>> = (0..blocks).map(|_| Vec::new()).collect();
    for (index, sequence) in sequences.into_iter().enumerate() {
        // Alternate the direction, so that no block always gets the longer sequence.
        let (round, at) = (index / blocks, index % blocks);
        dealt[if round % 2 == 0 { at } else { blocks - 1 - at }].push(sequence);
    }
    dealt
}

/// Small enough for Miri.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn miri_aligned_numbers_start_at_a_cache_line() {
        for length in [0, 1, 16, 33] {
            let mut numbers = Aligned::zeros(length);
            assert_eq!(numbers.len(), length);
            numbers.fill(1.0);
            let copy = numbers.clone();
            assert_eq!(copy[..], numbers[..]);
            assert!(cfg!(miri) || copy.as_ptr().addr().is_multiple_of(64));
        }
    }

    #[test]
    fn miri_scatter_is_the_inverse_of_gather() {
        let layout = Layout::new(Instructions::Wide, 3, &[5, 18]);
        for (index, place) in layout.lstms.iter().enumerate() {
            let gates: Vec<f32> = (0..GATES * place.hidden).map(|gate| gate as f32).collect();
            let mut copy = vec![-1.0; gates.len()];
            for &panel in layout.panels.iter().filter(|panel| panel.lstm == index) {
                let mut of_panel = vec![0.0; layout.panel_width()];
                layout.gather(panel, &gates, &mut of_panel);
                layout.scatter(panel, &of_panel, &mut copy);
            }
            assert_eq!(copy, gates);
        }
    }

    #[test]
    fn miri_strips_are_contiguous() {
        let strips = Strips::new([(2, 3), (1, 4)].into_iter(), |strip, row, numbers| {
            numbers.fill((10 * strip + row) as f32);
        });
        assert_eq!(strips.get(0), [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]);
        assert_eq!(strips.get(1), [10.0; 4]);
    }

    #[test]
    fn miri_every_sequence_is_dealt_to_one_block_in_falling_order() {
        let dealt = deal((0..7).collect(), blocks(7, 3), |&length| length);
        assert_eq!(dealt.len(), 3);
        assert!(dealt.iter().all(|block| block.is_sorted_by(|a, b| a >= b)));
        let mut all = dealt.concat();
        all.sort_unstable();
        assert_eq!(all, (0..7).collect::<Vec<usize>>());
    }
}
