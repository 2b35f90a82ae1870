//! Products over all tokens: the gradients of the weights.

use std::ops::Range;

use pulp::{Simd, WithSimd};

use super::{Gradients, TOKENS_AT_ONCE};
use crate::cpu::{
    GATES, for_tiles,
    layout::{Aligned, Batch, Layout},
    threads,
    vector::{load, multiply_add, store},
};

/// The results of the loop over time for a sequence.
pub(super) struct Finished<'a> {
    pub(super) tokens: &'a [u32],
    /// dz, `[tokens, gates]`.
    pub(super) gates: &'a [f32],
    /// h after each step, `[tokens, units]`.
    pub(super) states: &'a [f32],
}

/// Panels with their sums over all tokens.
pub(super) struct Group {
    panels: Range<usize>,
    /// For each panel: one row for each number of a vector, for each unit of its LSTM, and for the bias.
    sums: Aligned,
    /// For each panel: dz summed over the occurrences of each distinct token, `[distinct tokens, 4, lanes]`; or empty.
    by_token: Aligned,
}

impl Group {
    /// `by_token` of each panel.
    pub(super) fn by_panel(&self) -> impl Iterator<Item = &[f32]> {
        let size = self.by_token.len() / self.panels.len();
        self.by_token.chunks_exact(size.max(1))
    }
}

/// The rows of a panel in [`Group::sums`].
fn rows(layout: &Layout, panel: usize) -> usize {
    layout.input + layout.lstms[layout.panels[panel].lstm].hidden + 1
}

/// Σ over all tokens of xᵀ·dz, hₜ₋₁ᵀ·dz and dz. `by_token` decides whether dz is first summed for each distinct token.
pub(super) fn sum_over_tokens(
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
    fn with_simd<S: Simd>(mut self, simd: S) {
        let (input_size, width) = (self.layout.input, self.layout.panel_width());
        let mut gates = Aligned::zeros(TOKENS_AT_ONCE * width);
        let mut vectors = Aligned::zeros(if self.by_token {
            0
        } else {
            TOKENS_AT_ONCE * input_size
        });
        for sequence in self.sequences {
            for start in (0..sequence.tokens.len()).step_by(TOKENS_AT_ONCE) {
                let steps = start..(start + TOKENS_AT_ONCE).min(sequence.tokens.len());
                if !self.by_token {
                    let tokens = &sequence.tokens[steps.clone()];
                    for (to, &token) in vectors.chunks_exact_mut(input_size).zip(tokens) {
                        to.copy_from_slice(
                            &self.vectors[token as usize * input_size..][..input_size],
                        );
                    }
                }
                self.add_steps(simd, sequence, steps, &vectors, &mut gates);
            }
        }
        if self.by_token {
            self.add_distinct_tokens(simd);
        }
    }
}

impl SumOverTokens<'_> {
    /// Adds the products of some steps of a sequence. `vectors` are those of its tokens, which are unused if dz is summed by
    /// token. `gates` is scratch memory for dz of a panel.
    #[inline(always)]
    fn add_steps<S: Simd>(
        &mut self,
        simd: S,
        sequence: &Finished<'_>,
        steps: Range<usize>,
        vectors: &[f32],
        gates: &mut [f32],
    ) {
        let layout = self.layout;
        let (input_size, units, width) = (layout.input, layout.units, layout.panel_width());
        let tokens = &sequence.tokens[steps.clone()];
        let gates = &mut gates[..steps.len() * width];
        let mut rest = &mut self.group.sums[..];
        let mut rest_by_token = &mut self.group.by_token[..];
        for index in self.group.panels.clone() {
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
                add_by_token(simd, tokens, gates, by_token);
            } else {
                Product {
                    left: vectors,
                    stride: input_size,
                    right: gates,
                    sums: input,
                }
                .add(simd, input_size);
            }
            // No state precedes the first step.
            let skipped = usize::from(steps.start == 0);
            if steps.len() > skipped {
                let before = steps.start + skipped - 1;
                Product {
                    left: &sequence.states[before * units + place.units.start..],
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

    /// Adds xᵀ·dz for every distinct token, from the sums of dz by token.
    #[inline(always)]
    fn add_distinct_tokens<S: Simd>(&mut self, simd: S) {
        let layout = self.layout;
        let (input_size, width) = (layout.input, layout.panel_width());
        let size = self.vectors.len() / input_size * width;
        for (chunk, vectors) in (0..).zip(self.vectors.chunks(TOKENS_AT_ONCE * input_size)) {
            let mut rest = &mut self.group.sums[..];
            let by_token = self.group.by_token.chunks_exact(size.max(1));
            for (index, by_token) in self.group.panels.clone().zip(by_token) {
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

/// Adds the `gates` of each of the `tokens` to the sum of this token.
#[inline(always)]
fn add_by_token<S: Simd>(simd: S, tokens: &[u32], gates: &[f32], by_token: &mut [f32]) {
    let width = GATES * S::F32_LANES;
    for (gates, &token) in gates.chunks_exact(width).zip(tokens) {
        let sum = &mut by_token[token as usize * width..];
        let (before, more): ([_; GATES], [_; GATES]) = (load(simd, sum), load(simd, gates));
        let mut after = before;
        for gate in 0..GATES {
            after[gate] = simd.add_f32s(before[gate], more[gate]);
        }
        store(simd, sum, after);
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
pub(super) fn weight_gradients(layout: &Layout, groups: &[Group]) -> Gradients {
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
