//! A bound on what a small file may unpack to.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes that any compressed file may unpack to.
const FREE_BYTES: u64 = 64 << 20;
/// How many times longer a longer file may become. Text is compressed to a third or a tenth, and nothing by gzip more than
/// 1030 times; a small file made to fill the memory, by zstd or xz, ten thousand times.
const MOST_TIMES: u64 = 1000;

/// A decompressed file, with an error where it is a thousand times longer than the compressed one.
pub struct Limited<D> {
    decoder: D,
    packed: Arc<AtomicU64>,
    bytes: u64,
}

impl<D> Limited<D> {
    /// What `decoder` makes of `packed` bytes, a number that may grow as they are read.
    pub fn new(decoder: D, packed: Arc<AtomicU64>) -> Self {
        Self {
            decoder,
            packed,
            bytes: 0,
        }
    }
}

impl<D: Read> Read for Limited<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(buffer)?;
        self.bytes += read as u64;
        let packed = self.packed.load(Ordering::Relaxed);
        match self.bytes > FREE_BYTES + MOST_TIMES * packed {
            true => Err(io::Error::other(format!(
                "it is compressed more than {MOST_TIMES} times, which text and numbers never are"
            ))),
            false => Ok(read),
        }
    }
}
