//! Vector arithmetic: products that stay in registers, and the activations of the gates.
//!
//! The code is generic over the instruction sets of [`pulp`]: x86-64 (AVX2, AVX-512), Arm and WebAssembly's simd128. Each
//! element of a product is summed in the order of its terms, whatever rows share a tile. So results depend neither on
//! the number of threads nor on the other sequences of a batch.

use pulp::Simd;

/// `sums[r][n] + Σₖ left[r][k · stride] · right[k][n]`. `right` holds rows of `N` vectors, and their number is that of the
/// terms.
#[inline(always)]
pub fn multiply_add<S: Simd, const R: usize, const N: usize>(
    simd: S,
    mut sums: [[S::f32s; N]; R],
    left: [&[f32]; R],
    stride: usize,
    right: &[f32],
) -> [[S::f32s; N]; R] {
    let (right, _) = S::as_simd_f32s(right).0.as_chunks::<N>();
    let needed = right.len().saturating_sub(1) * stride;
    assert!(left.iter().all(|row| row.len() > needed) || right.is_empty());
    for (k, vectors) in right.iter().enumerate() {
        let mut factors = [simd.splat_f32s(0.0); R];
        for r in 0..R {
            // SAFETY: k < right.len(), so k · stride ≤ `needed`, and every row is longer than that, as asserted above.
            factors[r] = simd.splat_f32s(unsafe { *left[r].get_unchecked(k * stride) });
        }
        for n in 0..N {
            let vector = vectors[n];
            for r in 0..R {
                sums[r][n] = simd.mul_add_e_f32s(factors[r], vector, sums[r][n]);
            }
        }
    }
    sums
}

/// The first `N` vectors of `values`.
#[inline(always)]
pub fn load<S: Simd, const N: usize>(_: S, values: &[f32]) -> [S::f32s; N] {
    *S::as_simd_f32s(values)
        .0
        .first_chunk()
        .expect("enough vectors")
}

/// Writes `vectors` to the beginning of `values`.
#[inline(always)]
pub fn store<S: Simd, const N: usize>(_: S, values: &mut [f32], vectors: [S::f32s; N]) {
    *S::as_mut_simd_f32s(values)
        .0
        .first_chunk_mut()
        .expect("room for the vectors") = vectors;
}

/// σ(x) to within 2e-7 of the true value.
#[inline(always)]
pub fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    simd.div_f32s(one, simd.add_f32s(one, exp(simd, simd.neg_f32s(x))))
}

/// tanh x to within 3e-7 of the true value.
#[inline(always)]
pub fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    let two = simd.splat_f32s(2.0);
    let power = exp(simd, simd.add_f32s(x, x));
    simd.sub_f32s(one, simd.div_f32s(two, simd.add_f32s(one, power)))
}

/// e^x with a relative error below 2e-7, for x clamped to ±87. NaN stays NaN.
#[inline(always)]
fn exp<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    // Adding 1.5 · 2²³ rounds to the nearest integer and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts. The first has so few bits that its product with an integer is exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let number = |value: f32| simd.splat_f32s(value);
    let fma = |a, b, c| simd.mul_add_e_f32s(a, b, c);
    // By comparison, because the minimum of some instruction sets drops NaN.
    let (low, high) = (number(-87.0), number(87.0));
    let x = simd.select_f32s(simd.less_than_f32s(x, low), low, x);
    let x = simd.select_f32s(simd.greater_than_f32s(x, high), high, x);
    let shifted = fma(x, number(std::f32::consts::LOG2_E), number(ROUND));
    let whole = simd.sub_f32s(shifted, number(ROUND));
    let r = fma(whole, number(-LN_2_HIGH), x);
    let r = fma(whole, number(-LN_2_LOW), r);
    // Taylor's series of e^r for |r| ≤ ln 2 / 2, by Horner's rule.
    let mut sum = number(1.0 / 5040.0);
    for coefficient in [
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        sum = fma(sum, r, number(coefficient));
    }
    // 2 to the power of the integer: move its bits into the exponent. A product does this, because every instruction set
    // has one.
    let bits = simd.add_u32s(simd.transmute_u32s_f32s(shifted), simd.splat_u32s(127));
    let power = simd.mul_i32s(simd.transmute_i32s_u32s(bits), simd.splat_i32s(1 << 23));
    simd.mul_f32s(sum, simd.transmute_f32s_i32s(power))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulp::{Arch, WithSimd};

    /// Applies a function with the instructions of this machine and with scalar ones.
    fn everywhere(values: &[f32], what: What) -> Vec<Vec<f32>> {
        vec![
            Arch::new().dispatch(Apply { values, what }),
            pulp::Scalar.vectorize(Apply { values, what }),
        ]
    }

    #[derive(Clone, Copy)]
    enum What {
        Sigmoid,
        Tanh,
        Exp,
    }

    struct Apply<'a> {
        values: &'a [f32],
        what: What,
    }

    impl WithSimd for Apply<'_> {
        type Output = Vec<f32>;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
            let mut padded = self.values.to_vec();
            padded.resize(self.values.len().next_multiple_of(S::F32_LANES), 0.0);
            for x in S::as_mut_simd_f32s(&mut padded).0 {
                *x = match self.what {
                    What::Sigmoid => sigmoid(simd, *x),
                    What::Tanh => tanh(simd, *x),
                    What::Exp => exp(simd, *x),
                };
            }
            padded.truncate(self.values.len());
            padded
        }
    }

    #[test]
    fn activations_are_as_accurate_as_stated() {
        let values: Vec<f32> = (-200_000..=200_000)
            .map(|step| step as f32 * 1e-3)
            .collect();
        let worst = |what, exact: fn(f64) -> f64, error: fn(f64, f64) -> f64| {
            (everywhere(&values, what).iter())
                .flat_map(|results| results.iter().zip(&values))
                .filter(|(_, x)| !matches!(what, What::Exp) || x.abs() <= 87.0)
                .map(|(result, &x)| error(f64::from(*result), exact(f64::from(x))))
                // Unlike `f64::max`, this keeps NaN.
                .max_by(f64::total_cmp)
                .unwrap()
        };
        let absolute = |result: f64, exact: f64| (result - exact).abs();
        let sigmoid = worst(What::Sigmoid, |x| 1.0 / (1.0 + (-x).exp()), absolute);
        let tanh = worst(What::Tanh, f64::tanh, absolute);
        let exp = worst(What::Exp, f64::exp, |result, exact| {
            (result / exact - 1.0).abs()
        });
        assert!(
            sigmoid < 2e-7 && tanh < 3e-7 && exp < 2e-7,
            "{sigmoid} {tanh} {exp}"
        );
    }

    #[test]
    fn activations_of_infinities_and_nan() {
        let ends = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY];
        for result in everywhere(&ends, What::Sigmoid) {
            assert!(
                result[0].is_nan() && result[1] == 1.0 && result[2] < 1e-37,
                "{result:?}"
            );
        }
        for result in everywhere(&ends, What::Tanh) {
            assert!(
                result[0].is_nan() && result[1] == 1.0 && result[2] == -1.0,
                "{result:?}"
            );
        }
    }
}
