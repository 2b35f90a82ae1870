//! One step of gradient descent on the words of a window and their targets.

use pulp::Simd;

/// The number of targets of a step: with the context words of a window they form a small matrix product, and this many rows
/// of it fit the registers.
pub const TARGETS: usize = 6;

/// The targets of a step.
#[derive(Clone, Debug)]
pub struct Targets {
    /// Where each target's vector begins in the matrix of outputs. They differ, except for those without weight.
    pub starts: [usize; TARGETS],
    /// 1 for the word of the window, 0 for negative examples.
    pub labels: [f32; TARGETS],
    /// The learning rate times the number of times that the word was drawn; 0 for places without a target.
    pub rates: [f32; TARGETS],
}

/// One step of skip-gram with negative sampling (Mikolov et al. 2013, Eq. 4) on all pairs of `contexts` and `targets`, as in
/// Ji et al. (2016). With the logistic function σ, the vector v of a context word and u of a target,
///
/// g = rate · (label − σ(v·u)), v += Σ g·u over the targets, u += Σ g·v over the context words.
///
/// All products v·u are of the vectors before the step. Vectors have `width` numbers, whole vectors of the instruction
/// set. `contexts` says where those of the context words begin in `inputs`. `gradients` is scratch space.
#[inline(always)]
pub fn step<S: Simd>(
    simd: S,
    width: usize,
    (inputs, contexts): (&mut [f32], &[usize]),
    (outputs, targets): (&mut [f32], &Targets),
    sigmoid: &Sigmoid,
    gradients: &mut Vec<[f32; TARGETS]>,
) {
    let inputs = S::as_mut_simd_f32s(inputs).0;
    let outputs = S::as_mut_simd_f32s(outputs).0;
    let length = width / S::F32_LANES;
    let starts = targets.starts.map(|start| start / S::F32_LANES);

    gradients.clear();
    let (pairs, last) = contexts.as_chunks::<2>();
    for &pair in pairs {
        gradients.extend(products(simd, length, (inputs, pair), (outputs, starts)));
    }
    if let &[context] = last {
        gradients.extend(products(
            simd,
            length,
            (inputs, [context]),
            (outputs, starts),
        ));
    }
    for products in gradients.iter_mut() {
        for (target, product) in products.iter_mut().enumerate() {
            *product = targets.rates[target] * (targets.labels[target] - sigmoid.of(*product));
        }
    }
    update(
        simd,
        length,
        (inputs, contexts),
        (outputs, starts),
        gradients,
    );
}

/// The products of `R` context words with the targets.
#[inline(always)]
fn products<S: Simd, const R: usize>(
    simd: S,
    length: usize,
    (inputs, contexts): (&[S::f32s], [usize; R]),
    (outputs, starts): (&[S::f32s], [usize; TARGETS]),
) -> [[f32; TARGETS]; R] {
    let inputs = contexts.map(|start| &inputs[start / S::F32_LANES..][..length]);
    let outputs = starts.map(|start| &outputs[start..][..length]);
    let mut sums = [[simd.splat_f32s(0.0); TARGETS]; R];
    for column in 0..length {
        let inputs = inputs.map(|input| input[column]);
        for (target, output) in outputs.iter().enumerate() {
            let output = output[column];
            for context in 0..R {
                sums[context][target] =
                    simd.mul_add_e_f32s(inputs[context], output, sums[context][target]);
            }
        }
    }
    sums.map(|sums| sums.map(|sum| simd.reduce_sum_f32s(sum)))
}

/// Adds the gradients, column by column, so that a column of all targets stays in registers.
#[inline(always)]
fn update<S: Simd>(
    simd: S,
    length: usize,
    (inputs, contexts): (&mut [S::f32s], &[usize]),
    (outputs, starts): (&mut [S::f32s], [usize; TARGETS]),
    gradients: &[[f32; TARGETS]],
) {
    for column in 0..length {
        let targets = starts.map(|start| outputs[start + column]);
        let mut sums = targets;
        for (&context, gradients) in contexts.iter().zip(gradients) {
            let input = &mut inputs[context / S::F32_LANES + column];
            let before = *input;
            for target in 0..TARGETS {
                let gradient = simd.splat_f32s(gradients[target]);
                *input = simd.mul_add_e_f32s(gradient, targets[target], *input);
                sums[target] = simd.mul_add_e_f32s(gradient, before, sums[target]);
            }
        }
        for target in 0..TARGETS {
            outputs[starts[target] + column] = sums[target];
        }
    }
}

/// A table of the logistic function.
#[derive(Debug)]
pub struct Sigmoid(Vec<f32>);

impl Sigmoid {
    /// Beyond this, the function is taken to be constant.
    const END: f32 = 8.0;
    /// The number of steps of the table for a distance of 1.
    const STEPS: f32 = 128.0;

    pub fn new() -> Self {
        let steps = (2.0 * Self::END * Self::STEPS) as i32;
        let at = |step: i32| f64::from(step) / f64::from(Self::STEPS) - f64::from(Self::END);
        Self(
            (0..=steps)
                .map(|step| (1.0 / (1.0 + (-at(step)).exp())) as f32)
                .collect(),
        )
    }

    /// σ(x) to within 0.001. NaN stays NaN, because training then has to end.
    #[inline(always)]
    pub fn of(&self, x: f32) -> f32 {
        let place = (x.clamp(-Self::END, Self::END) + Self::END) * Self::STEPS + 0.5;
        // NaN becomes 0 as a whole number.
        self.0[place as usize] + 0.0 * x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use pulp::{Arch, Scalar, WithSimd};

    const CONTEXTS: usize = 5;

    struct Step<'a> {
        width: usize,
        inputs: &'a mut [f32],
        outputs: &'a mut [f32],
        contexts: &'a [usize],
        targets: &'a Targets,
    }

    impl WithSimd for Step<'_> {
        type Output = ();

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let (inputs, outputs) = ((self.inputs, self.contexts), (self.outputs, self.targets));
            let sigmoid = Sigmoid::new();
            step(simd, self.width, inputs, outputs, &sigmoid, &mut Vec::new());
        }
    }

    /// The documented equations, pair by pair, in 64 bits.
    fn reference(
        inputs: &mut [f32],
        outputs: &mut [f32],
        contexts: &[usize],
        targets: &Targets,
        width: usize,
    ) {
        let (inputs_before, outputs_before) = (inputs.to_vec(), outputs.to_vec());
        for &context in contexts {
            for target in 0..TARGETS {
                let start = targets.starts[target];
                let (v, u) = (
                    &inputs_before[context..][..width],
                    &outputs_before[start..][..width],
                );
                let product: f64 = v.iter().zip(u).map(|(v, u)| f64::from(v * u)).sum();
                let label = f64::from(targets.labels[target]);
                let gradient =
                    f64::from(targets.rates[target]) * (label - 1.0 / (1.0 + (-product).exp()));
                for column in 0..width {
                    inputs[context + column] += (gradient * f64::from(u[column])) as f32;
                    outputs[start + column] += (gradient * f64::from(v[column])) as f32;
                }
            }
        }
    }

    #[test]
    fn a_step_follows_the_equations() {
        let mut random = Random::new(1);
        // Whole vectors of every instruction set.
        for width in [16, 112] {
            let mut numbers = |rows: usize| -> Vec<f32> {
                (0..rows * width).map(|_| random.unit() - 0.5).collect()
            };
            let (inputs, outputs) = (numbers(9), numbers(8));
            let starts = [7, 0, 2, 5, 1, 6].map(|row| row * width);
            let targets = Targets {
                starts,
                labels: [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
                rates: [0.1, 0.1, 0.2, 0.1, 0.1, 0.0],
            };
            for count in 0..=CONTEXTS {
                let contexts: Vec<usize> = [8, 3, 0, 4, 7][..count]
                    .iter()
                    .map(|row| row * width)
                    .collect();
                let (mut right_inputs, mut right_outputs) = (inputs.clone(), outputs.clone());
                reference(
                    &mut right_inputs,
                    &mut right_outputs,
                    &contexts,
                    &targets,
                    width,
                );
                for best in [true, false] {
                    let (mut inputs, mut outputs) = (inputs.clone(), outputs.clone());
                    let job = Step {
                        width,
                        inputs: &mut inputs,
                        outputs: &mut outputs,
                        contexts: &contexts,
                        targets: &targets,
                    };
                    match best {
                        true => Arch::new().dispatch(job),
                        false => Scalar.vectorize(job),
                    }
                    let close = |made: &[f32], right: &[f32]| {
                        made.iter()
                            .zip(right)
                            .all(|(made, right)| (made - right).abs() < 5e-4)
                    };
                    assert!(close(&inputs, &right_inputs), "{width} {count} {best}");
                    assert!(close(&outputs, &right_outputs), "{width} {count} {best}");
                }
            }
        }
    }

    #[test]
    fn the_logistic_function_is_as_accurate_as_stated() {
        let sigmoid = Sigmoid::new();
        for step in -100_000..=100_000 {
            let x = step as f32 * 1e-3;
            let exact = 1.0 / (1.0 + (-f64::from(x)).exp());
            assert!((f64::from(sigmoid.of(x)) - exact).abs() < 0.001, "{x}");
        }
        assert!(sigmoid.of(f32::NAN).is_nan());
    }
}
