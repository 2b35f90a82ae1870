//! The forward pass.

use pulp::{Simd, WithSimd};

use super::{
    GATES, for_tiles,
    layout::{Aligned, Batch, Layout, Strips, Weights, blocks, deal},
    threads,
    vector::{load, multiply_add, sigmoid, store, tanh},
};

/// Rows, one for each sequence and step, that are projected at once, approximately. All of them use the weights while these
/// are in the cache.
const ROWS_AT_ONCE: usize = 96;

/// Intermediate values of each sequence, for the backward pass.
#[cfg(feature = "autodiff")]
#[derive(Clone, Debug)]
pub struct Kept(pub(super) Vec<KeptSequence>);

/// Intermediate values of one sequence.
#[derive(Clone, Debug)]
pub(super) struct KeptSequence {
    /// The activated gates, `[tokens, panels, 4, lanes]`.
    pub(super) gates: Aligned,
    /// The memory cells c, `[tokens, units]`.
    pub(super) cells: Aligned,
}

impl KeptSequence {
    fn new(layout: &Layout, tokens: usize) -> Self {
        Self {
            gates: Aligned::zeros(tokens * layout.gates()),
            cells: Aligned::zeros(tokens * layout.units),
        }
    }
}

/// The mean hidden state of each sequence, `[batch, Σ hidden]`.
#[cfg(any(feature = "burn", test))]
pub fn forward(layout: &Layout, batch: Batch<'_>, weights: Weights<'_>) -> Vec<f32> {
    let packed = Packed::new(layout, weights);
    run(&packed, batch, packed.table(batch).as_deref(), None)
}

/// [`forward`], with the intermediate values for the backward pass.
#[cfg(feature = "autodiff")]
pub fn forward_keeping(
    layout: &Layout,
    batch: Batch<'_>,
    weights: Weights<'_>,
) -> (Vec<f32>, Kept) {
    let mut kept = vec![KeptSequence::new(layout, 0); batch.lengths.len()];
    let packed = Packed::new(layout, weights);
    let table = packed.table(batch);
    let mean = run(&packed, batch, table.as_deref(), Some(&mut kept));
    (mean, Kept(kept))
}

/// The means. `table` holds the result of [`project_all`]; without it, tokens are projected step by step.
pub(super) fn run(
    packed: &Packed,
    batch: Batch<'_>,
    table: Option<&[f32]>,
    kept: Option<&mut [KeptSequence]>,
) -> Vec<f32> {
    let layout = &packed.layout;
    let total = layout.total_hidden();
    let mut mean = vec![0.0; batch.lengths.len() * total];
    let mut sequences: Vec<Sequence<'_>> = (mean.chunks_mut(total.max(1)))
        .zip(batch.sequences())
        .map(|(mean, tokens)| Sequence {
            tokens,
            mean,
            kept: None,
            gates: &mut [],
            cells: &mut [],
        })
        .collect();
    let keeps = kept.is_some();
    for (sequence, kept) in sequences.iter_mut().zip(kept.into_iter().flatten()) {
        sequence.kept = Some(kept);
    }
    let count = blocks(sequences.len(), threads());
    let blocks = deal(sequences, count, |sequence| sequence.tokens.len());
    layout.instructions.run_all(
        (blocks.into_iter())
            .map(|sequences| Forward {
                packed,
                vectors: batch.vectors,
                table,
                sequences,
                keeps,
            })
            .collect(),
    );
    mean
}

/// W·x + b of every distinct token, `[distinct tokens, gates]`.
pub(super) fn project_all(packed: &Packed, vectors: &[f32]) -> Aligned {
    let layout = &packed.layout;
    let (size, gates) = (layout.input, layout.gates());
    let mut table = Aligned::zeros(vectors.len() / size * gates);
    layout.instructions.run_all(
        (table.chunks_mut((ROWS_AT_ONCE * gates).max(1)))
            .zip(vectors.chunks(ROWS_AT_ONCE * size))
            .map(|(table, vectors)| ProjectAll {
                packed,
                vectors,
                table,
            })
            .collect(),
    );
    table
}

/// [`project_all`] for some of the tokens.
struct ProjectAll<'a> {
    packed: &'a Packed,
    vectors: &'a [f32],
    table: &'a mut [f32],
}

impl WithSimd for ProjectAll<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let layout = &self.packed.layout;
        let rows = self.vectors.len() / layout.input;
        for panel in 0..layout.panels.len() {
            for_tiles!(S, rows, |first| self.tile(simd, panel, first));
        }
    }
}

impl ProjectAll<'_> {
    #[inline(always)]
    fn tile<S: Simd, const R: usize>(&mut self, simd: S, panel: usize, first: usize) {
        let layout = &self.packed.layout;
        let size = layout.input;
        let mut left: [&[f32]; R] = [&[]; R];
        for (r, left) in left.iter_mut().enumerate() {
            *left = &self.vectors[(first + r) * size..][..size];
        }
        let sums = self.packed.project(simd, panel, left);
        for (r, sums) in sums.into_iter().enumerate() {
            let at = (first + r) * layout.gates() + panel * layout.panel_width();
            store(simd, &mut self.table[at..], sums);
        }
    }
}

/// The weights in the order in which the products read them: one strip for each panel.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) layout: Layout,
    input: Strips,
    recurrent: Strips,
    bias: Strips,
}

impl Packed {
    pub(super) fn new(layout: &Layout, weights: Weights<'_>) -> Self {
        let (panels, width) = (&layout.panels, layout.panel_width());
        let columns = GATES * layout.total_hidden();
        let input = Strips::new(
            panels.iter().map(|_| (layout.input, width)),
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
            layout: layout.clone(),
        }
    }

    /// The result of [`project_all`] if the tokens of the batch recur often.
    #[cfg(any(feature = "burn", test))]
    fn table(&self, batch: Batch<'_>) -> Option<Aligned> {
        batch
            .recurs(self.layout.input)
            .then(|| project_all(self, batch.vectors))
    }

    /// W·x + b of Eq. 1–4 for a panel and the tokens with the vectors `left`.
    #[inline(always)]
    fn project<S: Simd, const R: usize>(
        &self,
        simd: S,
        panel: usize,
        left: [&[f32]; R],
    ) -> [[S::f32s; GATES]; R] {
        let bias = load::<S, GATES>(simd, self.bias.get(panel));
        multiply_add(simd, [bias; R], left, 1, self.input.get(panel))
    }
}

struct Sequence<'a> {
    tokens: &'a [u32],
    /// `[Σ hidden]`.
    mean: &'a mut [f32],
    /// The memory for `gates` and `cells`, if they are kept.
    kept: Option<&'a mut KeptSequence>,
    /// `[tokens, gates]` and `[tokens, units]` if they are kept; otherwise scratch memory or empty.
    gates: &'a mut [f32],
    cells: &'a mut [f32],
}

/// The forward pass of a block of sequences.
struct Forward<'a> {
    packed: &'a Packed,
    vectors: &'a [f32],
    /// The result of [`project_all`], if any.
    table: Option<&'a [f32]>,
    /// Sorted by falling length.
    sequences: Vec<Sequence<'a>>,
    keeps: bool,
}

impl WithSimd for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Forward {
            packed,
            vectors,
            table,
            mut sequences,
            keeps,
        } = self;
        let layout = &packed.layout;
        let (rows, units, gates) = (sequences.len(), layout.units, layout.gates());
        let longest = sequences.first().map_or(0, |first| first.tokens.len());
        let at_once = ROWS_AT_ONCE.div_ceil(rows.max(1)).min(longest);
        // Each thread allocates its own, because first touches of zeroed memory are slow.
        for sequence in &mut sequences {
            if let Some(kept) = sequence.kept.take() {
                *kept = KeptSequence::new(layout, sequence.tokens.len());
                (sequence.gates, sequence.cells) = (&mut kept.gates, &mut kept.cells);
            }
        }
        let needs_room = table.is_none() && !keeps;
        let mut scratch = Aligned::zeros(if needs_room {
            rows * at_once * gates
        } else {
            0
        });
        if needs_room {
            let places = scratch.chunks_mut((at_once * gates).max(1));
            for (sequence, gates) in sequences.iter_mut().zip(places) {
                sequence.gates = gates;
            }
        }
        let mut block = Block {
            packed,
            vectors,
            table,
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
            let to_project = if table.is_none() { entries.len() } else { 0 };
            for panel in 0..layout.panels.len() {
                for_tiles!(S, to_project, |first| block.project(
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
    vectors: &'a [f32],
    table: Option<&'a [f32]>,
    keeps: bool,
    sequences: Vec<Sequence<'a>>,
    /// The step whose gates come first in the `gates` of each sequence.
    base: usize,
    /// h before and after the current step, `[sequences, units]` as the following.
    state: Aligned,
    next_state: Aligned,
    cell: Aligned,
    /// The sum of the states so far.
    sum: Aligned,
}

impl Block<'_> {
    /// The number of sequences that have a token at step `t`. They are the first ones.
    #[inline(always)]
    fn running(&self, t: usize) -> usize {
        self.sequences
            .partition_point(|sequence| sequence.tokens.len() > t)
    }

    /// The offset of a panel at a step in the `gates` of a sequence.
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
        let size = self.packed.layout.input;
        let mut left: [&[f32]; R] = [&[]; R];
        for (left, &(row, t)) in left.iter_mut().zip(entries) {
            let token = self.sequences[row].tokens[t] as usize;
            *left = &self.vectors[token * size..][..size];
        }
        let sums = self.packed.project(simd, panel, left);
        for (r, sums) in sums.into_iter().enumerate() {
            let (row, t) = entries[r];
            let at = self.gates_at(panel, t);
            store(simd, &mut self.sequences[row].gates[at..], sums);
        }
    }

    /// U·h and Eq. 1–6 for a panel and `R` sequences from `first` on.
    #[inline(always)]
    fn step<S: Simd, const R: usize>(&mut self, simd: S, panel: usize, t: usize, first: usize) {
        let packed = self.packed;
        let layout = &packed.layout;
        let (lanes, units) = (layout.lanes, layout.units);
        let place = &layout.lstms[layout.panels[panel].lstm];
        let gates_at = self.gates_at(panel, t);
        let mut left: [&[f32]; R] = [&[]; R];
        let mut sums = [[simd.splat_f32s(0.0); GATES]; R];
        for r in 0..R {
            left[r] = &self.state[(first + r) * units + place.units.start..][..place.hidden];
            let sequence = &self.sequences[first + r];
            let projected = match self.table {
                Some(table) => {
                    let row = sequence.tokens[t] as usize * packed.layout.gates();
                    &table[row + panel * packed.layout.panel_width()..]
                }
                None => &sequence.gates[gates_at..],
            };
            sums[r] = load(simd, projected);
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

    /// Divides the sums by the lengths: the mean over time (between Eq. 7 and 8).
    fn finish(self) {
        let layout = &self.packed.layout;
        for (sequence, sums) in
            (self.sequences.into_iter()).zip(self.sum.chunks(layout.units.max(1)))
        {
            let scale = 1.0 / sequence.tokens.len().max(1) as f32;
            for place in &layout.lstms {
                let sums = &sums[place.units.start..][..place.hidden];
                for (mean, sum) in sequence.mean[place.first..].iter_mut().zip(sums) {
                    *mean = sum * scale;
                }
            }
        }
    }
}
