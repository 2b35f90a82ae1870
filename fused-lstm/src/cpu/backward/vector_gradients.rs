//! The gradients of the vectors of the tokens.

use pulp::{Simd, WithSimd};

use super::{TOKENS_AT_ONCE, sum_over_tokens::Group, widths};
use crate::cpu::{
    GATES, for_tiles,
    layout::{Layout, Strips, Weights},
    vector::multiply_add,
};

/// dz·Wᵀ for every distinct token, from the sums of dz by token.
pub(super) fn vector_gradients(
    layout: &Layout,
    weights: Weights<'_>,
    groups: &[Group],
) -> Vec<f32> {
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
