//! CRC-32 of the parts of a bundle. The crate crc32fast contains its tables ready-made, 16 kB that no compression makes smaller; for
//! the page's worker they are computed here.

/// How many bytes a step reads; there is a table for each.
const STEP: usize = 8;

/// The CRC-32 of bytes that arrive in parts.
pub struct Crc32 {
    /// For each byte, what it changes when this many more bytes follow it in the step.
    tables: [[u32; 256]; STEP],
    state: u32,
}

impl Crc32 {
    pub fn new() -> Self {
        let bit = |crc: u32, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1));
        let first: [u32; 256] = std::array::from_fn(|byte| (0..8).fold(byte as u32, bit));
        let mut tables = [first; STEP];
        for after in 1..STEP {
            let before = tables[after - 1];
            tables[after] = before.map(|crc| (crc >> 8) ^ first[(crc & 0xFF) as usize]);
        }
        Self { tables, state: !0 }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        let (steps, rest) = bytes.as_chunks::<STEP>();
        for step in steps {
            let word = u64::from_le_bytes(*step) ^ u64::from(self.state);
            let bytes = word.to_le_bytes().into_iter().rev();
            let changes = (self.tables.iter().zip(bytes)).map(|(table, byte)| table[byte as usize]);
            self.state = changes.fold(0, |crc, change| crc ^ change);
        }
        for byte in rest {
            let place = (self.state as u8) ^ byte;
            self.state = (self.state >> 8) ^ self.tables[0][place as usize];
        }
    }

    pub fn finish(&self) -> u32 {
        !self.state
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Crc32;

    proptest! {
        #[test]
        fn it_is_that_of_crc32fast(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..5),
        ) {
            let (mut ours, mut theirs) = (Crc32::new(), crc32fast::Hasher::new());
            for part in &parts {
                ours.update(part);
                theirs.update(part);
            }
            prop_assert_eq!(ours.finish(), theirs.finalize());
        }
    }
}
