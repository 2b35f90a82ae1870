//! The backward pass. A loop over time from the end replaces the activated gates by the gradients of their arguments dz, and
//! the cells by the hidden states. Products over all tokens then give the gradients of the weights.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::{
    GATES, for_tiles,
    forward::{Kept, KeptSequence},
    layout::{Aligned, Batch, Layout, Strips, Weights, blocks, deal},
    threads,
    vector::{load, multiply_add, store, tanh},
};

/// Tokens whose contributions to the gradients of the weights are summed at once. The gates of a panel for so many tokens
/// fit the L1 cache.
const TOKENS_AT_ONCE: usize = 64;
/// Gates of a step that are multiplied by a strip of weights at once, for the same reason.
const GATES_AT_ONCE: usize = 128;

/// The gradients, each in the shape of its value.
#[derive(Debug)]
pub struct Gradients {
    /// Of [`Batch::vectors`], if requested.
    pub vectors: Option<Vec<f32>>,
    /// Of [`Weights::input`].
    pub input: Vec<f32>,
    /// Of [`Weights::recurrent`].
    pub recurrent: Vec<f32>,
    /// Of [`Weights::bias`].
    pub bias: Vec<f32>,
}

/// The gradients, given the intermediate values of [`forward_keeping`](super::forward_keeping) for the same arguments and the
/// gradient of the means, `[batch, Σ hidden]`.
pub fn backward(
    layout: &Layout,
    batch: Batch<'_>,
    weights: Weights<'_>,
    Kept(mut kept): Kept,
    mean_gradient: &[f32],
    asks_for_vectors: bool,
) -> Gradients {
    through_time(layout, weights, batch.lengths, &mut kept, mean_gradient);
    let sequences: Vec<_> = (batch.sequences().zip(&kept))
        .map(|(tokens, kept)| Finished {
            tokens,
            gates: &kept.gates,
            states: &kept.cells,
        })
        .collect();
    let by_token = asks_for_vectors || batch.recurs(layout.input);
    let groups = sum_over_tokens(layout, batch, &sequences, by_token);
    let mut gradients = weight_gradients(layout, &groups);
    gradients.vectors = asks_for_vectors.then(|| vector_gradients(layout, weights, &groups));
    gradients
}

/// The loop over time.
fn through_time(
    layout: &Layout,
    weights: Weights<'_>,
    lengths: &[usize],
    kept: &mut [KeptSequence],
    mean_gradient: &[f32],
) {
    let strips = strips(layout);
    let transposed = &Strips::new(
        strips.iter().map(|strip| {
            let gates = GATES * layout.lstms[strip.lstm].units.len();
            (gates, strip.vectors * layout.lanes)
        }),
        |index, row, to| {
            let Strip { lstm, unit, .. } = strips[index];
            let place = &layout.lstms[lstm];
            // A row belongs to one gate of one unit of a panel.
            let (panel, column) = (row / layout.panel_width(), row % layout.panel_width());
            let (gate, gate_unit) = (
                column / layout.lanes,
                panel * layout.lanes + column % layout.lanes,
            );
            if gate_unit < place.hidden {
                for (to, unit) in to.iter_mut().zip(unit..place.hidden) {
                    *to = weights.recurrent[layout.recurrent_row(lstm, unit)]
                        [gate * place.hidden + gate_unit];
                }
            }
        },
    );
    let total = layout.total_hidden().max(1);
    let sequences: Vec<_> = (kept.iter_mut())
        .zip(mean_gradient.chunks(total).zip(lengths))
        .map(|(kept, (mean_gradient, &length))| Sequence {
            length,
            mean_gradient,
            gates: &mut kept.gates,
            cells: &mut kept.cells,
        })
        .collect();
    let count = blocks(sequences.len(), threads());
    let blocks = deal(sequences, count, |sequence| sequence.length);
    layout.instructions.run_all(
        (blocks.into_iter())
            .map(|sequences| ThroughTime {
                layout,
                strips: &strips,
                transposed,
                sequences,
            })
            .collect(),
    );
}

/// Up to four vectors of units of an LSTM: the columns of a product.
struct Strip {
    lstm: usize,
    /// Its first unit, counted within the LSTM.
    unit: usize,
    vectors: usize,
}

fn strips(layout: &Layout) -> Vec<Strip> {
    let mut strips = Vec::new();
    for (lstm, place) in layout.lstms.iter().enumerate() {
        let mut unit = 0;
        for vectors in widths(place.units.len() / layout.lanes) {
            strips.push(Strip {
                lstm,
                unit,
                vectors,
            });
            unit += vectors * layout.lanes;
        }
    }
    strips
}

/// Cuts a number of vectors into fours, a two and a one.
fn widths(vectors: usize) -> impl Iterator<Item = usize> {
    let mut left = vectors;
    std::iter::from_fn(move || {
        let width = [4, 2, 1].into_iter().find(|&width| width <= left)?;
        left -= width;
        Some(width)
    })
}

struct Sequence<'a> {
    length: usize,
    mean_gradient: &'a [f32],
    gates: &'a mut [f32],
    cells: &'a mut [f32],
}

/// The loop over time of a block of sequences.
struct ThroughTime<'a> {
    layout: &'a Layout,
    strips: &'a [Strip],
    /// The transposed recurrent weights, from gates to units: one strip for each of `strips`.
    transposed: &'a Strips,
    /// Sorted by falling length.
    sequences: Vec<Sequence<'a>>,
}

impl WithSimd for ThroughTime<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (layout, strips) = (self.layout, self.strips);
        let (rows, units) = (self.sequences.len(), layout.units);
        let longest = self.sequences.first().map_or(0, |first| first.length);
        let mut mean_gradient = Aligned::zeros(rows * units);
        for (padded, sequence) in mean_gradient.chunks_mut(units.max(1)).zip(&self.sequences) {
            let scale = 1.0 / sequence.length.max(1) as f32;
            for place in &layout.lstms {
                let from = &sequence.mean_gradient[place.first..][..place.hidden];
                for (to, from) in padded[place.units.start..].iter_mut().zip(from) {
                    *to = from * scale;
                }
            }
        }
        let mut block = BlockThroughTime {
            layout,
            transposed: self.transposed,
            sequences: self.sequences,
            mean_gradient,
            state_gradient: Aligned::zeros(rows * units),
            cell_gradient: Aligned::zeros(rows * units),
            zeros: Aligned::zeros(units),
        };
        for t in (0..longest).rev() {
            let running = block
                .sequences
                .partition_point(|sequence| sequence.length > t);
            for row in 0..running {
                block.gates(simd, t, row);
            }
            if t == 0 {
                break;
            }
            for (index, strip) in strips.iter().enumerate() {
                let gates = GATES * layout.lstms[strip.lstm].units.len();
                for start in (0..gates).step_by(GATES_AT_ONCE) {
                    let part = start..(start + GATES_AT_ONCE).min(gates);
                    let at = (index, strip, t);
                    match strip.vectors {
                        4 => {
                            for_tiles!(S, running, |first| block.carry::<4>(
                                simd,
                                at,
                                part.clone(),
                                first
                            ));
                        }
                        2 => {
                            for_tiles!(S, running, |first| block.carry::<2>(
                                simd,
                                at,
                                part.clone(),
                                first
                            ));
                        }
                        _ => {
                            for_tiles!(S, running, |first| block.carry::<1>(
                                simd,
                                at,
                                part.clone(),
                                first
                            ));
                        }
                    }
                }
            }
        }
    }
}

struct BlockThroughTime<'a> {
    layout: &'a Layout,
    transposed: &'a Strips,
    sequences: Vec<Sequence<'a>>,
    /// The gradients with respect to the state at every step through the mean, and to the state and the cell of the current
    /// step through later steps; `[sequences, units]` each.
    mean_gradient: Aligned,
    state_gradient: Aligned,
    cell_gradient: Aligned,
    /// The cell before the first step.
    zeros: Aligned,
}

type At<'a> = (usize, &'a Strip, usize);

impl BlockThroughTime<'_> {
    /// Backward through Eq. 1–6 at one step of a sequence.
    #[inline(always)]
    fn gates<S: Simd>(&mut self, simd: S, t: usize, row: usize) {
        let units = self.layout.units;
        let sequence = &mut self.sequences[row];
        let gates = &mut sequence.gates[t * GATES * units..][..GATES * units];
        let (earlier, cells) = sequence.cells.split_at_mut(t * units);
        let before = match t {
            0 => &self.zeros[..],
            _ => &earlier[(t - 1) * units..],
        };
        let of_row = row * units..(row + 1) * units;
        let (gates, _) = S::as_mut_simd_f32s(gates).0.as_chunks_mut::<GATES>();
        let cells = S::as_mut_simd_f32s(&mut cells[..units]).0;
        let before = S::as_simd_f32s(before).0;
        let mean_gradient = S::as_simd_f32s(&self.mean_gradient[of_row.clone()]).0;
        let state_gradient = S::as_simd_f32s(&self.state_gradient[of_row.clone()]).0;
        let cell_gradient = S::as_mut_simd_f32s(&mut self.cell_gradient[of_row]).0;
        let one = simd.splat_f32s(1.0);
        let times = |a, b| simd.mul_f32s(a, b);
        // x − x²: the derivative of σ by its value x. 1 − x²: that of tanh.
        let sigmoid_slope = |x| simd.negate_mul_add_e_f32s(x, x, x);
        let tanh_slope = |x| simd.negate_mul_add_e_f32s(x, x, one);
        let all = (gates.iter_mut().zip(cells).zip(before))
            .zip(mean_gradient.iter().zip(state_gradient).zip(cell_gradient));
        for (((gates, cell), &before), ((&mean, &state), cell_gradient)) in all {
            let [input, forget, output, candidate] = *gates;
            let squashed = tanh(simd, *cell);
            let dh = simd.add_f32s(state, mean);
            let dc = simd.mul_add_e_f32s(times(dh, output), tanh_slope(squashed), *cell_gradient);
            *gates = [
                times(times(dc, candidate), sigmoid_slope(input)),
                times(times(dc, before), sigmoid_slope(forget)),
                times(times(dh, squashed), sigmoid_slope(output)),
                times(times(dc, input), tanh_slope(candidate)),
            ];
            *cell_gradient = times(dc, forget);
            // Earlier steps do not read this cell. The gradients of the recurrent weights read the state.
            *cell = times(output, squashed);
        }
    }

    /// Adds the product of `part` of dz and a strip of weights to the gradient of the states.
    #[inline(always)]
    fn carry<S: Simd, const R: usize, const N: usize>(
        &mut self,
        simd: S,
        (index, strip, t): At<'_>,
        part: Range<usize>,
        first: usize,
    ) {
        let layout = self.layout;
        let start = layout.lstms[strip.lstm].units.start;
        let of_row = |r: usize| (first + r) * layout.units + start + strip.unit;
        let at = t * layout.gates() + GATES * start;
        let mut left: [&[f32]; R] = [&[]; R];
        let mut sums = [[simd.splat_f32s(0.0); N]; R];
        for r in 0..R {
            left[r] = &self.sequences[first + r].gates[at + part.start..at + part.end];
            if part.start > 0 {
                sums[r] = load(simd, &self.state_gradient[of_row(r)..]);
            }
        }
        let width = N * layout.lanes;
        let right = &self.transposed.get(index)[part.start * width..part.end * width];
        let sums = multiply_add(simd, sums, left, 1, right);
        for (r, sums) in sums.into_iter().enumerate() {
            store(simd, &mut self.state_gradient[of_row(r)..], sums);
        }
    }
}

/// The results of the loop over time for a sequence.
struct Finished<'a> {
    tokens: &'a [u32],
    /// dz, `[tokens, gates]`.
    gates: &'a [f32],
    /// h after each step, `[tokens, units]`.
    states: &'a [f32],
}

/// Panels with their sums over all tokens.
struct Group {
    panels: Range<usize>,
    /// For each panel: one row for each number of a vector, for each unit of its LSTM, and for the bias.
    sums: Aligned,
    /// For each panel: dz summed over the occurrences of each distinct token, `[distinct tokens, 4, lanes]`; or empty.
    by_token: Aligned,
}

impl Group {
    /// `by_token` of each panel.
    fn by_panel(&self) -> impl Iterator<Item = &[f32]> {
        let size = self.by_token.len() / self.panels.len();
        self.by_token.chunks_exact(size.max(1))
    }
}

/// The rows of a panel in [`Group::sums`].
fn rows(layout: &Layout, panel: usize) -> usize {
    layout.input + layout.lstms[layout.panels[panel].lstm].hidden + 1
}

/// Σ over all tokens of xᵀ·dz, hₜ₋₁ᵀ·dz and dz. `by_token` decides whether dz is first summed for each distinct token.
fn sum_over_tokens(
    layout: &Layout,
    batch: Batch<'_>,
    sequences: &[Finished<'_>],
    by_token: bool,
) -> Vec<Group> {
    let (count, width) = (layout.panels.len(), layout.panel_width());
    let distinct = batch.vectors.len() / layout.input;
    // Each thread sums some of the panels over all tokens, so sums do not depend on the number of threads.
    let together = count.div_ceil(threads()).max(1);
    let mut groups: Vec<Group> = (0..count)
        .step_by(together)
        .map(|start| {
            let panels = start..(start + together).min(count);
            let sums: usize = panels.clone().map(|panel| rows(layout, panel)).sum();
            let tokens = if by_token { panels.len() * distinct } else { 0 };
            Group {
                panels,
                sums: Aligned::zeros(sums * width),
                by_token: Aligned::zeros(tokens * width),
            }
        })
        .collect();
    layout.instructions.run_all(
        (groups.iter_mut())
            .map(|group| SumOverTokens {
                layout,
                vectors: batch.vectors,
                sequences,
                by_token,
                group,
            })
            .collect(),
    );
    groups
}

/// Computes the sums of a group.
struct SumOverTokens<'a> {
    layout: &'a Layout,
    vectors: &'a [f32],
    sequences: &'a [Finished<'a>],
    by_token: bool,
    group: &'a mut Group,
}

impl WithSimd for SumOverTokens<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let layout = self.layout;
        let (input_size, units, width) = (layout.input, layout.units, layout.panel_width());
        let Group {
            panels,
            sums,
            by_token,
        } = self.group;
        let mut gates = Aligned::zeros(TOKENS_AT_ONCE * width);
        let mut vectors = Aligned::zeros(if self.by_token {
            0
        } else {
            TOKENS_AT_ONCE * input_size
        });
        for sequence in self.sequences {
            for start in (0..sequence.tokens.len()).step_by(TOKENS_AT_ONCE) {
                let steps = start..(start + TOKENS_AT_ONCE).min(sequence.tokens.len());
                let tokens = &sequence.tokens[steps.clone()];
                if !self.by_token {
                    for (to, &token) in vectors.chunks_exact_mut(input_size).zip(tokens) {
                        to.copy_from_slice(
                            &self.vectors[token as usize * input_size..][..input_size],
                        );
                    }
                }
                let mut rest = &mut sums[..];
                let mut rest_by_token = &mut by_token[..];
                for index in panels.clone() {
                    let gates = &mut gates[..steps.len() * width];
                    for (to, t) in gates.chunks_exact_mut(width).zip(steps.clone()) {
                        let from = &sequence.gates[t * layout.gates() + index * width..];
                        store::<S, GATES>(simd, to, load(simd, from));
                    }
                    let place = &layout.lstms[layout.panels[index].lstm];
                    let (input, others) = rest.split_at_mut(input_size * width);
                    let (recurrent, others) = others.split_at_mut(place.hidden * width);
                    let (bias, others) = others.split_at_mut(width);
                    rest = others;
                    if self.by_token {
                        let size = self.vectors.len() / input_size * width;
                        let (by_token, others) = rest_by_token.split_at_mut(size);
                        rest_by_token = others;
                        for (gates, &token) in gates.chunks_exact(width).zip(tokens) {
                            let sum = &mut by_token[token as usize * width..];
                            let (before, more): ([_; GATES], [_; GATES]) =
                                (load(simd, sum), load(simd, gates));
                            let mut after = before;
                            for gate in 0..GATES {
                                after[gate] = simd.add_f32s(before[gate], more[gate]);
                            }
                            store(simd, sum, after);
                        }
                    } else {
                        Product {
                            left: &vectors,
                            stride: input_size,
                            right: gates,
                            sums: input,
                        }
                        .add(simd, input_size);
                    }
                    // No state precedes the first step.
                    let skipped = usize::from(start == 0);
                    if steps.len() > skipped {
                        Product {
                            left: &sequence.states
                                [(start + skipped - 1) * units + place.units.start..],
                            stride: units,
                            right: &gates[skipped * width..],
                            sums: recurrent,
                        }
                        .add(simd, place.hidden);
                    }
                    Product {
                        left: &[1.0],
                        stride: 0,
                        right: gates,
                        sums: bias,
                    }
                    .add(simd, 1);
                }
            }
        }
        if !self.by_token {
            return;
        }
        for (chunk, vectors) in (0..).zip(self.vectors.chunks(TOKENS_AT_ONCE * input_size)) {
            let mut rest = &mut sums[..];
            let size = self.vectors.len() / input_size * width;
            for (index, by_token) in panels.clone().zip(by_token.chunks_exact(size.max(1))) {
                let (panel, others) = rest.split_at_mut(rows(layout, index) * width);
                rest = others;
                let of_tokens = &by_token[chunk * TOKENS_AT_ONCE * width..];
                Product {
                    left: vectors,
                    stride: input_size,
                    right: &of_tokens[..vectors.len() / input_size * width],
                    sums: panel,
                }
                .add(simd, input_size);
            }
        }
    }
}

/// `sums[r] += Σₖ left[k · stride + r] · right[k]`.
struct Product<'a> {
    left: &'a [f32],
    stride: usize,
    right: &'a [f32],
    sums: &'a mut [f32],
}

impl Product<'_> {
    #[inline(always)]
    fn add<S: Simd>(mut self, simd: S, rows: usize) {
        for_tiles!(S, rows, |first| self.tile(simd, first));
    }

    #[inline(always)]
    fn tile<S: Simd, const R: usize>(&mut self, simd: S, first: usize) {
        let width = GATES * S::F32_LANES;
        let at = |r: usize| (first + r) * width;
        let mut left: [&[f32]; R] = [&[]; R];
        let mut sums = [[simd.splat_f32s(0.0); GATES]; R];
        for r in 0..R {
            left[r] = &self.left[first + r..];
            sums[r] = load(simd, &self.sums[at(r)..]);
        }
        let sums = multiply_add(simd, sums, left, self.stride, self.right);
        for (r, sums) in sums.into_iter().enumerate() {
            store(simd, &mut self.sums[at(r)..], sums);
        }
    }
}

/// Copies the sums into the layout of the weights.
fn weight_gradients(layout: &Layout, groups: &[Group]) -> Gradients {
    let (input_size, width) = (layout.input, layout.panel_width());
    let total = GATES * layout.total_hidden();
    let recurrent: usize = (layout.lstms.iter())
        .map(|place| place.hidden * GATES * place.hidden)
        .sum();
    let mut gradients = Gradients {
        vectors: None,
        input: vec![0.0; input_size * total],
        recurrent: vec![0.0; recurrent],
        bias: vec![0.0; total],
    };
    for group in groups {
        let mut sums = group.sums.chunks_exact(width);
        for panel in layout.panels[group.panels.clone()].iter().copied() {
            let columns = layout.input_columns(panel.lstm);
            for (row, sums) in gradients.input.chunks_exact_mut(total).zip(&mut sums) {
                layout.scatter(panel, sums, &mut row[columns.clone()]);
            }
            for (unit, sums) in (0..layout.lstms[panel.lstm].hidden).zip(&mut sums) {
                let row = layout.recurrent_row(panel.lstm, unit);
                layout.scatter(panel, sums, &mut gradients.recurrent[row]);
            }
            if let Some(sums) = sums.next() {
                layout.scatter(panel, sums, &mut gradients.bias[columns]);
            }
        }
    }
    gradients
}

/// dz·Wᵀ for every distinct token, from the sums of dz by token.
fn vector_gradients(layout: &Layout, weights: Weights<'_>, groups: &[Group]) -> Vec<f32> {
    let input_size = layout.input;
    let columns = GATES * layout.total_hidden();
    let widths = || widths(input_size.div_ceil(layout.lanes)).map(|width| width * layout.lanes);
    let starts: Vec<usize> = (widths())
        .scan(0, |end, width| {
            *end += width;
            Some(*end - width)
        })
        .collect();
    let transposed = &Strips::new(
        widths().map(|width| (layout.gates(), width)),
        |strip, row, to| {
            let panel = layout.panels[row / layout.panel_width()];
            let column = row % layout.panel_width();
            let (gate, unit) = (column / layout.lanes, panel.unit + column % layout.lanes);
            let place = &layout.lstms[panel.lstm];
            if unit < place.hidden {
                let column = GATES * place.first + gate * place.hidden + unit;
                for (to, input) in to.iter_mut().zip(starts[strip]..input_size) {
                    *to = weights.input[input * columns + column];
                }
            }
        },
    );
    let panels: Vec<&[f32]> = groups.iter().flat_map(Group::by_panel).collect();
    let distinct = panels
        .first()
        .map_or(0, |panel| panel.len() / layout.panel_width());
    let mut gradient = vec![0.0; distinct * input_size];
    layout.instructions.run_all(
        (gradient.chunks_mut((TOKENS_AT_ONCE * input_size).max(1)))
            .enumerate()
            .map(|(index, gradient)| VectorGradients {
                layout,
                transposed,
                panels: &panels,
                first: index * TOKENS_AT_ONCE,
                gradient,
            })
            .collect(),
    );
    gradient
}

/// [`vector_gradients`] for some of the tokens.
struct VectorGradients<'a> {
    layout: &'a Layout,
    transposed: &'a Strips,
    /// The sums by token of each panel.
    panels: &'a [&'a [f32]],
    /// The first token.
    first: usize,
    gradient: &'a mut [f32],
}

impl WithSimd for VectorGradients<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        let tokens = self.gradient.len() / self.layout.input;
        let mut start = 0;
        let vectors = self.layout.input.div_ceil(S::F32_LANES);
        for (strip, width) in widths(vectors).enumerate() {
            match width {
                4 => {
                    for_tiles!(S, tokens, |first| self.tile::<4>(simd, strip, start, first));
                }
                2 => {
                    for_tiles!(S, tokens, |first| self.tile::<2>(simd, strip, start, first));
                }
                _ => {
                    for_tiles!(S, tokens, |first| self.tile::<1>(simd, strip, start, first));
                }
            }
            start += width * S::F32_LANES;
        }
    }
}

impl VectorGradients<'_> {
    #[inline(always)]
    fn tile<S: Simd, const R: usize, const N: usize>(
        &mut self,
        simd: S,
        strip: usize,
        start: usize,
        first: usize,
    ) {
        let (width, input_size) = (self.layout.panel_width(), self.layout.input);
        let right = self
            .transposed
            .get(strip)
            .chunks_exact(width * N * S::F32_LANES);
        let mut sums = [[simd.splat_f32s(0.0); N]; R];
        for (by_token, right) in self.panels.iter().zip(right) {
            let mut left: [&[f32]; R] = [&[]; R];
            for (r, left) in left.iter_mut().enumerate() {
                *left = &by_token[(self.first + first + r) * width..][..width];
            }
            sums = multiply_add(simd, sums, left, 1, right);
        }
        for (r, sums) in sums.into_iter().enumerate() {
            let row = &mut self.gradient[(first + r) * input_size..][..input_size];
            for (to, sums) in row[start..].chunks_mut(S::F32_LANES).zip(sums) {
                simd.partial_store_f32s(to, sums);
            }
        }
    }
}
