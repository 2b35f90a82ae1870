//! A bound on what a small file may unpack to, and the error of one that is cut off.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes that any compressed file may unpack to.
const FREE_BYTES: u64 = 64 << 20;
/// How many times longer a longer file may become. Text is compressed to a third or a tenth, and nothing by gzip more than
/// 1030 times; a small file made to fill the memory, by zstd or xz, ten thousand times.
const MOST_TIMES: u64 = 1000;

/// The error of a file that ends too early, whatever its decoder says.
pub fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the file is cut off")
}

/// A decompressed file, with an error where it is a thousand times longer than the compressed one. A file that is cut off gives
/// all bytes before the cut and then [`cut_off`], however often it is read.
pub struct Limited<D> {
    decoder: D,
    packed: Arc<AtomicU64>,
    bytes: u64,
    is_cut_off: bool,
}

impl<D> Limited<D> {
    /// What `decoder` makes of `packed` bytes, a number that may grow as they are read.
    pub fn new(decoder: D, packed: Arc<AtomicU64>) -> Self {
        Self {
            decoder,
            packed,
            bytes: 0,
            is_cut_off: false,
        }
    }
}

impl<D: Read> Read for Limited<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.is_cut_off {
            return Err(cut_off());
        }
        let read = self.decoder.read(buffer).map_err(|error| {
            self.is_cut_off = error.kind() == io::ErrorKind::UnexpectedEof;
            if self.is_cut_off { cut_off() } else { error }
        })?;
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
