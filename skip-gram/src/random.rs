//! Random numbers.

/// SplitMix64 (Steele, Lea and Flood 2014): one addition and one mixing function for each number, and any seed is good.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A generator whose numbers are unrelated to those of other `stream`s with the same seed.
    pub fn stream(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed);
        Self(random.next_u64() ^ Self(stream).next_u64())
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn next_u32(&mut self) -> u32 {
        (self.next_u64() >> 32) as u32
    }

    /// A number from 0 to `end` - 1.
    pub fn below(&mut self, end: u32) -> u32 {
        scale(self.next_u32(), end)
    }

    /// A number from 0 to 1, without 1.
    pub fn unit(&mut self) -> f32 {
        (self.next_u32() >> 8) as f32 / (1 << 24) as f32
    }
}

/// Maps 32 random bits to a number from 0 to `end` - 1.
pub fn scale(bits: u32, end: u32) -> u32 {
    ((u64::from(bits) * u64::from(end)) >> 32) as u32
}
