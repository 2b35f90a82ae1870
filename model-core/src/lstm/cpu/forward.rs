//! The forward pass.

use pulp::{Simd, WithSimd};

use super::{
    GATES, for_each, for_tiles,
    layout::{Aligned, Layout, Sizes, Strips, Weights, blocks, deal},
    threads,
    vector::{load, multiply_add, sigmoid, store, tanh},
};

/// The steps of a block of sequences that are projected at once: as many as make about so many rows, so that weights
/// fetched once are used for all of them.
const ROWS_AT_ONCE: usize = 96;

/// What the backward pass needs of the forward one.
#[derive(Clone, Debug)]
pub struct Kept {
    /// The activated gates, `[batch, steps, panels, 4, lanes]`.
    pub(super) gates: Aligned,
    /// The memory cells c, `[batch, steps, units]`.
    pub(super) cells: Aligned,
}

/// The mean hidden state of each sequence, `[batch, Σ hidden]`; `words` are `[batch, steps, input]`.
pub fn forward(sizes: &Sizes, words: &[f32], weights: Weights<'_>, lengths: &[usize]) -> Vec<f32> {
    run(sizes, words, weights, lengths, None)
}

/// As [`forward`], and what the backward pass needs.
pub fn forward_keeping(
    sizes: &Sizes,
    words: &[f32],
    weights: Weights<'_>,
    lengths: &[usize],
) -> (Vec<f32>, Kept) {
    let units = Layout::new(sizes).units;
    let rows = sizes.batch * sizes.steps;
    let mut kept = Kept {
        gates: Aligned::zeros(rows * GATES * units),
        cells: Aligned::zeros(rows * units),
    };
    let mean = run(sizes, words, weights, lengths, Some(&mut kept));
    (mean, kept)
}

fn run(
    sizes: &Sizes,
    words: &[f32],
    weights: Weights<'_>,
    lengths: &[usize],
    kept: Option<&mut Kept>,
) -> Vec<f32> {
    let packed = &Packed::new(sizes, weights);
    let layout = &packed.layout;
    let mut mean = vec![0.0; sizes.batch * sizes.total_hidden()];
    let sequence = |(mean, (index, &length))| Sequence {
        length,
        words: &words[index * sizes.steps * sizes.input..][..length * sizes.input],
        mean,
        gates: &mut [],
        cells: &mut [],
    };
    let mut sequences: Vec<Sequence<'_>> = (mean.chunks_mut(sizes.total_hidden().max(1)))
        .zip(lengths.iter().enumerate())
        .map(sequence)
        .collect();
    let keeps = kept.is_some();
    if let Some(kept) = kept {
        let row = (sizes.steps * layout.units).max(1);
        let places = (kept.gates.chunks_mut(GATES * row)).zip(kept.cells.chunks_mut(row));
        for (sequence, (gates, cells)) in sequences.iter_mut().zip(places) {
            (sequence.gates, sequence.cells) = (gates, cells);
        }
    }
    let blocks = deal(sequences, blocks(sizes.batch, threads()), |sequence| {
        sequence.length
    });
    for_each(
        (blocks.into_iter())
            .map(|sequences| Forward {
                packed,
                sequences,
                keeps,
            })
            .collect(),
    );
    mean
}

/// The weights as the products walk through them: a strip for each panel.
struct Packed {
    layout: Layout,
    input: Strips,
    recurrent: Strips,
    bias: Strips,
}

impl Packed {
    fn new(sizes: &Sizes, weights: Weights<'_>) -> Self {
        let layout = Layout::new(sizes);
        let (panels, width) = (&layout.panels, layout.panel_width());
        let columns = GATES * sizes.total_hidden();
        let input = Strips::new(
            panels.iter().map(|_| (sizes.input, width)),
            |index, row, to| {
                let panel = panels[index];
                let row = &weights.input[row * columns..][..columns];
                layout.gather(panel, &row[layout.input_columns(panel.lstm)], to);
            },
        );
        let recurrent = Strips::new(
            (panels.iter()).map(|panel| (layout.lstms[panel.lstm].hidden, width)),
            |index, row, to| {
                let panel = panels[index];
                let row = &weights.recurrent[layout.recurrent_row(panel.lstm, row)];
                layout.gather(panel, row, to);
            },
        );
        let bias = Strips::new(panels.iter().map(|_| (1, width)), |index, _, to| {
            let panel = panels[index];
            layout.gather(panel, &weights.bias[layout.input_columns(panel.lstm)], to);
        });
        Self {
            input,
            recurrent,
            bias,
            layout,
        }
    }
}

struct Sequence<'a> {
    length: usize,
    /// `[length, input]`.
    words: &'a [f32],
    /// `[Σ hidden]`.
    mean: &'a mut [f32],
    /// `[steps, gates]` and `[steps, units]` where they are kept, else empty.
    gates: &'a mut [f32],
    cells: &'a mut [f32],
}

/// A block of sequences on its way forward.
struct Forward<'a> {
    packed: &'a Packed,
    /// In order of falling length.
    sequences: Vec<Sequence<'a>>,
    keeps: bool,
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Forward {
            packed,
            mut sequences,
            keeps,
        } = self;
        let layout = &packed.layout;
        let (rows, units, gates) = (sequences.len(), layout.units, layout.gates());
        let longest = sequences.first().map_or(0, |first| first.length);
        let at_once = ROWS_AT_ONCE.div_ceil(rows.max(1)).min(longest);
        let mut scratch = Aligned::zeros(if keeps { 0 } else { rows * at_once * gates });
        if !keeps {
            let places = scratch.chunks_mut((at_once * gates).max(1));
            for (sequence, gates) in sequences.iter_mut().zip(places) {
                sequence.gates = gates;
            }
        }
        let mut block = Block {
            packed,
            keeps,
            sequences,
            base: 0,
            state: Aligned::zeros(rows * units),
            next_state: Aligned::zeros(rows * units),
            cell: Aligned::zeros(rows * units),
            sum: Aligned::zeros(rows * units),
        };
        let mut entries = Vec::with_capacity(rows * at_once);
        for start in (0..longest).step_by(at_once.max(1)) {
            let steps = start..(start + at_once).min(longest);
            block.base = if keeps { 0 } else { start };
            entries.clear();
            for t in steps.clone() {
                entries.extend((0..block.running(t)).map(|row| (row, t)));
            }
            for panel in 0..layout.panels.len() {
                for_tiles!(S, entries.len(), |first| block.project(
                    simd,
                    panel,
                    &entries[first..]
                ));
            }
            for t in steps {
                let running = block.running(t);
                for panel in 0..layout.panels.len() {
                    for_tiles!(S, running, |first| block.step(simd, panel, t, first));
                }
                std::mem::swap(&mut block.state, &mut block.next_state);
            }
        }
        block.finish();
    }
}

struct Block<'a> {
    packed: &'a Packed,
    keeps: bool,
    sequences: Vec<Sequence<'a>>,
    /// The step whose gates are the first in each sequence's `gates`.
    base: usize,
    /// `[sequences, units]` each, as the others below: h before the step in hand, and after it.
    state: Aligned,
    next_state: Aligned,
    cell: Aligned,
    /// Of the states so far.
    sum: Aligned,
}

impl Block<'_> {
    /// The sequences that have a word at step `t`: so many of the first.
    #[inline(always)]
    fn running(&self, t: usize) -> usize {
        self.sequences
            .partition_point(|sequence| sequence.length > t)
    }

    /// Where the gates of a panel at a step are in a sequence's `gates`.
    #[inline(always)]
    fn gates_at(&self, panel: usize, t: usize) -> usize {
        let layout = &self.packed.layout;
        (t - self.base) * layout.gates() + panel * layout.panel_width()
    }

    /// W·x + b of Eq. 1–4 for the first `R` of `entries`, each a sequence and a step.
    #[inline(always)]
    fn project<S: Simd, const R: usize>(
        &mut self,
        simd: S,
        panel: usize,
        entries: &[(usize, usize)],
    ) {
        let Packed {
            input,
            bias,
            layout,
            ..
        } = self.packed;
        let size = layout.sizes.input;
        let mut left: [&[f32]; R] = [&[]; R];
        for (left, &(row, t)) in left.iter_mut().zip(entries) {
            *left = &self.sequences[row].words[t * size..][..size];
        }
        let bias = load::<S, GATES>(simd, bias.get(panel));
        let sums = multiply_add(simd, [bias; R], left, 1, input.get(panel));
        for (r, sums) in sums.into_iter().enumerate() {
            let (row, t) = entries[r];
            let at = self.gates_at(panel, t);
            store(simd, &mut self.sequences[row].gates[at..], sums);
        }
    }

    /// U·h and Eq. 1–6 for a panel of units of `R` sequences from the one at `first` on.
    #[inline(always)]
    fn step<S: Simd, const R: usize>(&mut self, simd: S, panel: usize, t: usize, first: usize) {
        let packed = self.packed;
        let Layout {
            lanes,
            units,
            ref panels,
            ref lstms,
            ..
        } = packed.layout;
        let place = &lstms[panels[panel].lstm];
        let gates_at = self.gates_at(panel, t);
        let mut left: [&[f32]; R] = [&[]; R];
        let mut sums = [[simd.splat_f32s(0.0); GATES]; R];
        for r in 0..R {
            left[r] = &self.state[(first + r) * units + place.units.start..][..place.hidden];
            sums[r] = load(simd, &self.sequences[first + r].gates[gates_at..]);
        }
        let sums = multiply_add(simd, sums, left, 1, packed.recurrent.get(panel));
        for (r, [input, forget, output, candidate]) in sums.into_iter().enumerate() {
            let at = (first + r) * units + panel * lanes;
            let [before] = load(simd, &self.cell[at..]);
            let [sum] = load(simd, &self.sum[at..]);
            let input = sigmoid(simd, input);
            let forget = sigmoid(simd, forget);
            let output = sigmoid(simd, output);
            let candidate = tanh(simd, candidate);
            let cell = simd.mul_add_e_f32s(forget, before, simd.mul_f32s(input, candidate));
            let state = simd.mul_f32s(output, tanh(simd, cell));
            store(simd, &mut self.cell[at..], [cell]);
            store(simd, &mut self.next_state[at..], [state]);
            store(simd, &mut self.sum[at..], [simd.add_f32s(sum, state)]);
            if self.keeps {
                let sequence = &mut self.sequences[first + r];
                store(
                    simd,
                    &mut sequence.gates[gates_at..],
                    [input, forget, output, candidate],
                );
                store(
                    simd,
                    &mut sequence.cells[t * units + panel * lanes..],
                    [cell],
                );
            }
        }
    }

    /// The means, out of the sums.
    fn finish(self) {
        let layout = &self.packed.layout;
        for (sequence, sums) in
            (self.sequences.into_iter()).zip(self.sum.chunks(layout.units.max(1)))
        {
            let scale = 1.0 / sequence.length.max(1) as f32;
            for place in &layout.lstms {
                let sums = &sums[place.units.start..][..place.hidden];
                for (mean, sum) in sequence.mean[place.first..].iter_mut().zip(sums) {
                    *mean = sum * scale;
                }
            }
        }
    }
}
