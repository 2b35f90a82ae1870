//! The loop over time fused for the CPU: matrix product, gates and states of a step in one pass, for a few
//! sequences at a time that stay in the cache, without allocating inside the loop.
//!
//! Sequences do not depend on one another, so blocks of them run on different threads with no barrier at a
//! step. Every sequence's arithmetic is the same however many threads there are: results do not depend on
//! their number. One source serves AVX-512, AVX2, plain x86-64, Arm and wasm with or without simd128; the
//! compiler makes the vector instructions for each.

// Serving has no backward pass. Taking it apart by features would tear this file's one story into two.
#![cfg_attr(not(feature = "training"), allow(dead_code))]

#[cfg(feature = "threads")]
use rayon::prelude::*;

/// The sequences that share one pass over the weights.
const BLOCK: usize = 8;
/// The rows of a weight matrix that are used at once: a few kilobytes, which stay in the nearest cache while
/// all sequences of a block use them.
const DEPTH: usize = 4;

/// The numbers of a batch: how many sequences, their padded steps, the hidden size.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Sequences.
    pub batch: usize,
    /// Steps of each, padding included.
    pub steps: usize,
    /// Hidden units.
    pub hidden: usize,
}

/// The mean hidden state `[batch, hidden]` of sequences whose projected inputs are `[batch, steps, 4 · hidden]`,
/// with recurrent weights `[hidden, 4 · hidden]`.
pub fn forward(shape: Shape, projected: &[f32], recurrent: &[f32], lengths: &[usize]) -> Vec<f32> {
    let mut mean = vec![0.0; shape.batch * shape.hidden];
    let row = shape.steps * 4 * shape.hidden;
    let blocks = mean
        .chunks_mut(BLOCK * shape.hidden)
        .zip(lengths.chunks(BLOCK))
        .enumerate()
        .map(|(index, (mean, lengths))| Forward {
            shape,
            recurrent,
            lengths,
            projected: Projected::Read(&projected[index * BLOCK * row..][..lengths.len() * row]),
            cells: None,
            mean,
        });
    for_each(blocks.collect(), |block| block.run());
    mean
}

/// As [`forward`], keeping what the backward pass needs: `projected` is overwritten by the activated gates,
/// and the memory cells c come back beside the mean, `[batch, steps, hidden]`.
pub fn forward_keeping(
    shape: Shape,
    projected: &mut [f32],
    recurrent: &[f32],
    lengths: &[usize],
) -> (Vec<f32>, Vec<f32>) {
    let mut mean = vec![0.0; shape.batch * shape.hidden];
    let row = shape.steps * shape.hidden;
    let mut cells = vec![0.0; shape.batch * row];
    let blocks = mean
        .chunks_mut(BLOCK * shape.hidden)
        .zip(lengths.chunks(BLOCK))
        .zip(
            projected
                .chunks_mut(BLOCK * 4 * row)
                .zip(cells.chunks_mut(BLOCK * row)),
        )
        .map(|((mean, lengths), (projected, cells))| Forward {
            shape,
            recurrent,
            lengths,
            projected: Projected::Overwrite(projected),
            cells: Some(cells),
            mean,
        });
    for_each(blocks.collect(), |block| block.run());
    (mean, cells)
}

/// The backward pass: with the activated `gates` and `cells` of [`forward_keeping`] and the gradient of the
/// mean `[batch, hidden]`, overwrites `gates` by the gradient of the projected inputs and `cells` by the
/// hidden states before each step, from which one product gives the gradient of the recurrent weights.
pub fn backward(
    shape: Shape,
    gates: &mut [f32],
    cells: &mut [f32],
    recurrent: &[f32],
    lengths: &[usize],
    mean_gradient: &[f32],
) {
    let transposed = transpose(recurrent, 4 * shape.hidden);
    let row = shape.steps * shape.hidden;
    let blocks = mean_gradient
        .chunks(BLOCK * shape.hidden)
        .zip(lengths.chunks(BLOCK))
        .zip(
            gates
                .chunks_mut(BLOCK * 4 * row)
                .zip(cells.chunks_mut(BLOCK * row)),
        )
        .map(|((mean_gradient, lengths), (gates, cells))| Backward {
            shape,
            transposed: &transposed,
            lengths,
            gates,
            cells,
            mean_gradient,
        });
    for_each(blocks.collect(), |block| block.run());
}

#[cfg(feature = "threads")]
fn for_each<T: Send>(blocks: Vec<T>, run: impl Fn(T) + Send + Sync) {
    blocks.into_par_iter().for_each(run);
}

#[cfg(not(feature = "threads"))]
fn for_each<T>(blocks: Vec<T>, run: impl Fn(T)) {
    blocks.into_iter().for_each(run);
}

/// The transpose of a matrix of `columns` columns.
fn transpose(matrix: &[f32], columns: usize) -> Vec<f32> {
    (0..columns)
        .flat_map(|column| matrix.iter().skip(column).step_by(columns).copied())
        .collect()
}

enum Projected<'a> {
    Read(&'a [f32]),
    Overwrite(&'a mut [f32]),
}

/// At most [`BLOCK`] sequences on their way forward.
struct Forward<'a> {
    shape: Shape,
    recurrent: &'a [f32],
    lengths: &'a [usize],
    projected: Projected<'a>,
    cells: Option<&'a mut [f32]>,
    mean: &'a mut [f32],
}

/// At most [`BLOCK`] sequences on their way back.
struct Backward<'a> {
    shape: Shape,
    /// The recurrent weights, `[4 · hidden, hidden]`.
    transposed: &'a [f32],
    lengths: &'a [usize],
    gates: &'a mut [f32],
    cells: &'a mut [f32],
    mean_gradient: &'a [f32],
}

/// Compiles the body of a block for each instruction set of the machine's family and picks at run time.
/// The body is inlined into each, and with it the loops that become vector instructions.
macro_rules! for_this_machine {
    ($block:ty, $body:ident) => {
        impl $block {
            fn run(self) {
                #[cfg(target_arch = "x86_64")]
                {
                    #[target_feature(enable = "avx512f,avx2,fma")]
                    fn avx512(block: $block) {
                        block.$body::<true>();
                    }
                    #[target_feature(enable = "avx2,fma")]
                    fn avx2(block: $block) {
                        block.$body::<true>();
                    }
                    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                        // SAFETY: the machine has the instructions that each of them is compiled for.
                        return unsafe {
                            if is_x86_feature_detected!("avx512f") {
                                avx512(self)
                            } else {
                                avx2(self)
                            }
                        };
                    }
                }
                self.$body::<{ cfg!(target_arch = "aarch64") }>();
            }
        }
    };
}

for_this_machine!(Forward<'_>, body);
for_this_machine!(Backward<'_>, body);

impl Forward<'_> {
    #[inline(always)]
    fn body<const FMA: bool>(mut self) {
        let Shape { steps, hidden, .. } = self.shape;
        let sequences = self.lengths.len();
        let longest = self.lengths.iter().copied().max().unwrap_or(0);
        let mut state = vec![0.0; sequences * hidden];
        let mut cell = vec![0.0; sequences * hidden];
        let mut z = vec![0.0; sequences * 4 * hidden];
        for t in 0..longest {
            product::<FMA>(&state, self.recurrent, hidden, &mut z);
            for sequence in 0..sequences {
                // Rounding must not depend on how long a sequence's neighbours are, nor work be spent on padding.
                if t >= self.lengths[sequence] {
                    continue;
                }
                let at = (sequence * steps + t) * 4 * hidden;
                let z = &mut z[sequence * 4 * hidden..][..4 * hidden];
                let projected = match &self.projected {
                    Projected::Read(values) => &values[at..][..4 * hidden],
                    Projected::Overwrite(values) => &values[at..][..4 * hidden],
                };
                let (state, cell) = (
                    &mut state[sequence * hidden..][..hidden],
                    &mut cell[sequence * hidden..][..hidden],
                );
                activate::<FMA>(z, projected, hidden, cell, state);
                for (mean, &state) in self.mean[sequence * hidden..][..hidden]
                    .iter_mut()
                    .zip(&*state)
                {
                    *mean += state;
                }
                if let Projected::Overwrite(values) = &mut self.projected {
                    values[at..][..4 * hidden].copy_from_slice(z);
                }
                if let Some(cells) = &mut self.cells {
                    cells[(sequence * steps + t) * hidden..][..hidden].copy_from_slice(cell);
                }
            }
        }
        for (mean, &length) in self.mean.chunks_exact_mut(hidden).zip(self.lengths) {
            let scale = 1.0 / length.max(1) as f32;
            mean.iter_mut().for_each(|value| *value *= scale);
        }
    }
}

/// Eq. 1–6 for one sequence at one step: `z` holds U·h and comes back as the activated gates i, f, o, g.
#[inline(always)]
fn activate<const FMA: bool>(
    z: &mut [f32],
    projected: &[f32],
    hidden: usize,
    cell: &mut [f32],
    state: &mut [f32],
) {
    for (z, projected) in z.iter_mut().zip(projected) {
        *z += projected;
    }
    let (sigmoid_gates, candidate) = z.split_at_mut(3 * hidden);
    for z in sigmoid_gates.iter_mut() {
        *z = sigmoid::<FMA>(*z);
    }
    for z in candidate.iter_mut() {
        *z = tanh::<FMA>(*z);
    }
    let (input_gate, rest) = sigmoid_gates.split_at(hidden);
    let (forget_gate, output_gate) = rest.split_at(hidden);
    let candidate = &candidate[..hidden];
    let (cell, state) = (&mut cell[..hidden], &mut state[..hidden]);
    let output_gate = &output_gate[..hidden];
    for j in 0..hidden {
        cell[j] = forget_gate[j] * cell[j] + input_gate[j] * candidate[j];
        state[j] = output_gate[j] * tanh::<FMA>(cell[j]);
    }
}

impl Backward<'_> {
    #[inline(always)]
    fn body<const FMA: bool>(self) {
        let Shape { steps, hidden, .. } = self.shape;
        let sequences = self.lengths.len();
        let longest = self.lengths.iter().copied().max().unwrap_or(0);
        // What later steps ask of the state and the cell of the step in hand.
        let mut state_gradient = vec![0.0; sequences * hidden];
        let mut cell_gradient = vec![0.0; sequences * hidden];
        let mut z_gradient = vec![0.0; sequences * 4 * hidden];
        let zeros = vec![0.0; hidden];
        for t in (0..longest).rev() {
            for sequence in 0..sequences {
                let length = self.lengths[sequence];
                let z_gradient = &mut z_gradient[sequence * 4 * hidden..][..4 * hidden];
                if t >= length {
                    continue;
                }
                let scale = 1.0 / length as f32;
                let at = sequence * steps + t;
                let (earlier, gates) = self.gates.split_at_mut(at * 4 * hidden);
                let gates = &mut gates[..4 * hidden];
                let (earlier_cells, cell) = self.cells.split_at_mut(at * hidden);
                let cell = &mut cell[..hidden];
                let (cell_before, output_before) = if t == 0 {
                    (&zeros[..], &zeros[..])
                } else {
                    let before = &earlier[(at - 1) * 4 * hidden..];
                    (
                        &earlier_cells[(at - 1) * hidden..][..hidden],
                        &before[2 * hidden..][..hidden],
                    )
                };
                let mean_gradient = &self.mean_gradient[sequence * hidden..][..hidden];
                let state_gradient = &state_gradient[sequence * hidden..][..hidden];
                let cell_gradient = &mut cell_gradient[sequence * hidden..][..hidden];
                let (input_gate, rest) = gates.split_at_mut(hidden);
                let (forget_gate, rest) = rest.split_at_mut(hidden);
                let (output_gate, candidate) = rest.split_at_mut(hidden);
                let candidate = &mut candidate[..hidden];
                for j in 0..hidden {
                    let (i, f, o, g) =
                        (input_gate[j], forget_gate[j], output_gate[j], candidate[j]);
                    let squashed = tanh::<FMA>(cell[j]);
                    let dh = state_gradient[j] + mean_gradient[j] * scale;
                    let dc = cell_gradient[j] + dh * o * (1.0 - squashed * squashed);
                    input_gate[j] = dc * g * i * (1.0 - i);
                    forget_gate[j] = dc * cell_before[j] * f * (1.0 - f);
                    output_gate[j] = dh * squashed * o * (1.0 - o);
                    candidate[j] = dc * i * (1.0 - g * g);
                    cell_gradient[j] = dc * f;
                    // From here on the slot holds the hidden state before this step.
                    cell[j] = output_before[j] * tanh::<FMA>(cell_before[j]);
                }
                z_gradient.copy_from_slice(gates);
            }
            if t > 0 {
                product::<FMA>(
                    &z_gradient,
                    self.transposed,
                    4 * hidden,
                    &mut state_gradient,
                );
            }
        }
        for (sequence, &length) in self.lengths.iter().enumerate() {
            let padding = (sequence * steps + length)..((sequence + 1) * steps);
            self.gates[padding.start * 4 * hidden..padding.end * 4 * hidden].fill(0.0);
            self.cells[padding.start * hidden..padding.end * hidden].fill(0.0);
        }
    }
}

/// `output` = `left` · `right` for the few rows of a block; `left` has `depth` columns, `right` as many rows.
///
/// Two rows of the result and four of `right` at a time, along whole rows of memory: the two innermost loops are
/// plain ones that every compiler turns into vector instructions, and each number fetched is used several times.
#[inline(always)]
fn product<const FMA: bool>(left: &[f32], right: &[f32], depth: usize, output: &mut [f32]) {
    let columns = right.len() / depth;
    output.fill(0.0);
    for k in (0..depth).step_by(DEPTH) {
        // Behind the last row the factors are zero.
        let weights: [&[f32]; DEPTH] = std::array::from_fn(|offset| {
            &right[(k + offset).min(depth - 1) * columns..][..columns]
        });
        let factors = |row: &[f32]| -> [f32; DEPTH] {
            std::array::from_fn(|offset| {
                if k + offset < depth {
                    row[k + offset]
                } else {
                    0.0
                }
            })
        };
        let mut lefts = left.chunks_exact(2 * depth);
        let mut outputs = output.chunks_exact_mut(2 * columns);
        for (pair, output) in lefts.by_ref().zip(outputs.by_ref()) {
            let (first, second) = pair.split_at(depth);
            let (output, other) = output.split_at_mut(columns);
            add_to_two::<FMA>(output, other, weights, factors(first), factors(second));
        }
        if !lefts.remainder().is_empty() {
            add_to_one::<FMA>(
                outputs.into_remainder(),
                weights,
                factors(lefts.remainder()),
            );
        }
    }
}

/// Adds `factors` times the rows `weights` to `output`.
#[inline(always)]
fn add_to_one<const FMA: bool>(
    output: &mut [f32],
    weights: [&[f32]; DEPTH],
    factors: [f32; DEPTH],
) {
    let columns = output.len();
    let [w0, w1, w2, w3] = weights.map(|row| &row[..columns]);
    let [a0, a1, a2, a3] = factors;
    for j in 0..columns {
        let sum = multiply_add::<FMA>(a1, w1[j], multiply_add::<FMA>(a0, w0[j], output[j]));
        output[j] = multiply_add::<FMA>(a3, w3[j], multiply_add::<FMA>(a2, w2[j], sum));
    }
}

/// [`add_to_one`] for two outputs at once, with the same rounding.
#[inline(always)]
fn add_to_two<const FMA: bool>(
    output: &mut [f32],
    other: &mut [f32],
    weights: [&[f32]; DEPTH],
    factors: [f32; DEPTH],
    other_factors: [f32; DEPTH],
) {
    let columns = output.len();
    let other = &mut other[..columns];
    let [w0, w1, w2, w3] = weights.map(|row| &row[..columns]);
    let ([a0, a1, a2, a3], [b0, b1, b2, b3]) = (factors, other_factors);
    for j in 0..columns {
        let sum = multiply_add::<FMA>(a1, w1[j], multiply_add::<FMA>(a0, w0[j], output[j]));
        output[j] = multiply_add::<FMA>(a3, w3[j], multiply_add::<FMA>(a2, w2[j], sum));
        let sum = multiply_add::<FMA>(b1, w1[j], multiply_add::<FMA>(b0, w0[j], other[j]));
        other[j] = multiply_add::<FMA>(b3, w3[j], multiply_add::<FMA>(b2, w2[j], sum));
    }
}

/// a · b + c, in one rounding where the machine has the instruction.
#[inline(always)]
fn multiply_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// σ(x) to within 2e-7 of the true value.
#[inline(always)]
fn sigmoid<const FMA: bool>(x: f32) -> f32 {
    1.0 / (1.0 + exp::<FMA>(-x))
}

/// tanh x to within 3e-7 of the true value.
#[inline(always)]
fn tanh<const FMA: bool>(x: f32) -> f32 {
    1.0 - 2.0 / (1.0 + exp::<FMA>(2.0 * x))
}

/// e^x to a relative error of 2e-7, for x cut to ±87; NaN stays NaN. Without branches, so that a loop over it
/// becomes vector instructions.
#[inline(always)]
fn exp<const FMA: bool>(x: f32) -> f32 {
    // Adding 1.5 · 2²³ leaves the nearest whole number in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, the first with few enough bits that its product with a whole number is exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Not f32::clamp, which is slower to vectorise; these keep NaN.
    let x = if x < -87.0 { -87.0 } else { x };
    let x = if x > 87.0 { 87.0 } else { x };
    let shifted = multiply_add::<FMA>(x, std::f32::consts::LOG2_E, ROUND);
    let whole = shifted - ROUND;
    let r = multiply_add::<FMA>(whole, -LN_2_HIGH, x);
    let r = multiply_add::<FMA>(whole, -LN_2_LOW, r);
    // Taylor's series of e^r for |r| ≤ ln 2 / 2, by Horner's rule.
    let mut sum = 1.0 / 5040.0;
    sum = multiply_add::<FMA>(sum, r, 1.0 / 720.0);
    sum = multiply_add::<FMA>(sum, r, 1.0 / 120.0);
    sum = multiply_add::<FMA>(sum, r, 1.0 / 24.0);
    sum = multiply_add::<FMA>(sum, r, 1.0 / 6.0);
    sum = multiply_add::<FMA>(sum, r, 0.5);
    sum = multiply_add::<FMA>(sum, r, 1.0);
    sum = multiply_add::<FMA>(sum, r, 1.0);
    sum * f32::from_bits((shifted.to_bits().wrapping_add(127)) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activations_are_as_accurate_as_stated() {
        let mut worst = (0.0f64, 0.0f64, 0.0f64);
        for step in -200_000..=200_000 {
            let x = step as f32 * 1e-3;
            let exact = f64::from(x);
            worst.0 = worst
                .0
                .max((f64::from(sigmoid::<false>(x)) - 1.0 / (1.0 + (-exact).exp())).abs());
            worst.1 = worst
                .1
                .max((f64::from(tanh::<false>(x)) - exact.tanh()).abs());
            if exact.abs() <= 87.0 {
                worst.2 = worst
                    .2
                    .max((f64::from(exp::<false>(x)) / exact.exp() - 1.0).abs());
            }
        }
        assert!(
            worst.0 < 2e-7 && worst.1 < 3e-7 && worst.2 < 2e-7,
            "{worst:?}"
        );
        assert!(sigmoid::<false>(f32::NAN).is_nan() && tanh::<false>(f32::NAN).is_nan());
        assert_eq!(sigmoid::<false>(f32::INFINITY), 1.0);
        assert_eq!(tanh::<false>(f32::NEG_INFINITY), -1.0);
    }

    #[test]
    fn products_equal_plain_ones() {
        for (rows, depth, columns) in [(1, 1, 1), (3, 5, 17), (8, 16, 32), (15, 7, 40), (2, 3, 1)] {
            let left: Vec<f32> = (0..rows * depth).map(|k| (k % 7) as f32 - 3.0).collect();
            let right: Vec<f32> = (0..depth * columns).map(|k| (k % 5) as f32 - 2.0).collect();
            let plain: Vec<f32> = (0..rows * columns)
                .map(|at| {
                    let (row, column) = (at / columns, at % columns);
                    (0..depth)
                        .map(|k| left[row * depth + k] * right[k * columns + column])
                        .sum()
                })
                .collect();
            let mut output = vec![f32::NAN; rows * columns];
            product::<false>(&left, &right, depth, &mut output);
            assert_eq!(output, plain);
            assert_eq!(transpose(&transpose(&right, columns), depth), right);
        }
    }
}
