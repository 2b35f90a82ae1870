//! How the units of several LSTMs and their weights lie in memory.

use std::ops::{Deref, DerefMut, Range};

use pulp::{Simd, WithSimd};

use super::{GATES, Instructions};

/// The sequences of a call.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// `[distinct tokens, input]`.
    pub vectors: &'a [f32],
    /// The tokens of all sequences, one sequence after the other, as rows of `vectors`.
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

    /// Whether tokens recur so often that what depends on the token alone is better computed for each distinct token, and
    /// not at each place: reading it from a table costs a little too.
    pub fn recurs(self, input: usize) -> bool {
        2 * self.vectors.len() <= self.tokens.len() * input
    }
}

/// The weights of all LSTMs, those of each as [`Lstm`](super::super::Lstm) holds them.
#[derive(Clone, Copy, Debug)]
pub struct Weights<'a> {
    /// `[input, Σ 4 · hidden]`, an LSTM's columns side by side.
    pub input: &'a [f32],
    /// `[hidden, 4 · hidden]` of each LSTM, one after the other.
    pub recurrent: &'a [f32],
    /// `[Σ 4 · hidden]`.
    pub bias: &'a [f32],
}

/// Where everything is.
#[derive(Clone, Debug)]
pub struct Layout {
    pub instructions: Instructions,
    /// Numbers of a token's vector.
    pub input: usize,
    /// Units of a vector of the instructions.
    pub lanes: usize,
    /// Units of all LSTMs, each LSTM's filled up to whole vectors.
    pub units: usize,
    pub lstms: Vec<Place>,
    /// A panel for every `lanes` units, in order.
    pub panels: Vec<Panel>,
}

/// Where an LSTM is.
#[derive(Clone, Debug)]
pub struct Place {
    pub hidden: usize,
    /// Its units among all, filled up to whole vectors.
    pub units: Range<usize>,
    /// Its first unit among all, not filled up.
    pub first: usize,
    /// Where its recurrent weights begin in [`Weights::recurrent`].
    pub recurrent: usize,
}

/// `lanes` units of an LSTM.
#[derive(Clone, Copy, Debug)]
pub struct Panel {
    pub lstm: usize,
    /// Its first unit, counted within the LSTM.
    pub unit: usize,
}

impl Layout {
    /// For tokens of `input` numbers and LSTMs of the sizes `hidden`.
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

    /// Hidden units of all LSTMs, not filled up.
    pub fn total_hidden(&self) -> usize {
        self.lstms.iter().map(|place| place.hidden).sum()
    }

    /// Numbers of the gates of all units.
    pub fn gates(&self) -> usize {
        GATES * self.units
    }

    /// Numbers of a panel's gates.
    pub fn panel_width(&self) -> usize {
        GATES * self.lanes
    }

    /// Copies a panel's gates out of the `4 · hidden` gates of its LSTM.
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

    /// Copies a panel's gates to where they belong among the `4 · hidden` gates of its LSTM.
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

    /// Where the gates of an LSTM are in a row of [`Weights::input`] or in [`Weights::bias`].
    pub fn input_columns(&self, lstm: usize) -> Range<usize> {
        let place = &self.lstms[lstm];
        GATES * place.first..GATES * (place.first + place.hidden)
    }

    /// Where the weights from a unit of an LSTM to its gates are in [`Weights::recurrent`].
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

/// A matrix cut into strips of a few columns, each contiguous row by row: what a product walks through in order.
#[derive(Debug)]
pub struct Strips {
    values: Aligned,
    ends: Vec<usize>,
}

impl Strips {
    /// From the number of rows and of columns of each strip, and what fills a row: (strip, row, its numbers, at first
    /// zeros).
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

/// Numbers that begin at a cache line, at first zeros. Pages that are never touched take no memory.
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
        // Where the allocator cannot be asked, wherever it begins.
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

/// In how many blocks `sequences` are dealt out: a multiple of the threads, so that all are busy to the end, with at
/// most 32 sequences in each, whose states stay in the cache.
pub fn blocks(sequences: usize, threads: usize) -> usize {
    (sequences.div_ceil(32).next_multiple_of(threads)).clamp(1, sequences.max(1))
}

/// Deals `sequences` out to blocks, each in order of falling length, all with about as many tokens.
pub fn deal<T>(mut sequences: Vec<T>, blocks: usize, length: impl Fn(&T) -> usize) -> Vec<Vec<T>> {
    sequences.sort_by_key(|sequence| std::cmp::Reverse(length(sequence)));
    let mut dealt: Vec<Vec<T>> = (0..blocks).map(|_| Vec::new()).collect();
    for (index, sequence) in sequences.into_iter().enumerate() {
        // Forth and back, so that no block always gets the longer one.
        let (round, at) = (index / blocks, index % blocks);
        dealt[if round % 2 == 0 { at } else { blocks - 1 - at }].push(sequence);
    }
    dealt
}
