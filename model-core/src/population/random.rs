//! Random numbers that are the same on every machine, so that equal users give equal estimates.

use super::algebra::Cholesky;

/// The finaliser of SplitMix64: neighbouring numbers become unrelated ones.
pub(crate) fn finalise(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// SplitMix64 (Steele et al. 2014).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        finalise(self.0)
    }

    /// A uniform number between 0 and 1, neither of which occurs.
    pub(super) fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// A uniform whole number below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        (self.unit() * end as f64) as usize
    }

    /// A standard normal number (Box and Muller 1958).
    pub(super) fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A probability vector near `mean`, with the covariance that `cholesky` factors over all classes but the last.
    pub(super) fn near(&mut self, mean: &[f64], cholesky: &Cholesky) -> Vec<f64> {
        let normal: Vec<f64> = (1..mean.len()).map(|_| self.normal()).collect();
        let mut difference = cholesky.times(&normal);
        difference.push(-difference.iter().sum::<f64>());
        mean.iter().zip(difference).map(|(m, d)| m + d).collect()
    }
}
