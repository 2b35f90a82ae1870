//! The loop over time, from the last step to the first: Eq. 1–6 backward.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::widths;
use crate::cpu::{
    GATES, for_tiles,
    forward::KeptSequence,
    layout::{Aligned, Layout, Strips, Weights, blocks, deal},
    threads,
    vector::{load, multiply_add, store, tanh},
};

/// Gates of a step that are multiplied by a strip of weights at once. They fit the L1 cache.
const GATES_AT_ONCE: usize = 128;

/// The loop over time.
pub(super) fn through_time(
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
