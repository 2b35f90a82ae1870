//! A bound on what a small file may unpack to, and the error of one that is cut off.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes that any compressed file may unpack to.
const FREE_BYTES: u64 = 64 << 20;
/// How many times longer a longer file may become. Text is compressed to a third or a tenth, and nothing by gzip more than
/// 1030 times; a small file made to fill the memory, by zstd or xz, ten thousand times.
const MOST_TIMES: u64 = 1000;

/// The error of a file that ends too early, whatever its decoder says.
fn cut_off() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the file is cut off")
}

/// The error of a file in which something else follows the compressed data.
pub(crate) fn not_compressed() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, NotCompressed)
}

/// The message of [`not_compressed`], as an error that is told from those of decoders.
#[derive(Debug)]
struct NotCompressed;

impl fmt::Display for NotCompressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "what follows the end of its compressed data is not compressed, and is left out",
        )
    }
}

impl std::error::Error for NotCompressed {}

/// A decompressed file, with an error where it is a thousand times longer than the compressed one. A file that is cut off gives
/// all bytes before the cut and then an error, however often it is read; one with something else after the compressed data
/// likewise gives an error that says so.
pub struct Limited<D> {
    decoder: D,
    packed: Arc<AtomicU64>,
    bytes: u64,
    /// Makes the error with which the file ends.
    ends: Option<fn() -> io::Error>,
}

impl<D> Limited<D> {
    /// What `decoder` makes of `packed` bytes, a number that may grow as they are read.
    pub fn new(decoder: D, packed: Arc<AtomicU64>) -> Self {
        Self {
            decoder,
            packed,
            bytes: 0,
            ends: None,
        }
    }

    /// What the decoder that `begin` makes makes of `reader`.
    pub fn of<R: BufRead>(reader: R, begin: impl FnOnce(Counted<R>) -> D) -> Self {
        let read = Arc::new(AtomicU64::new(0));
        let packed = Arc::clone(&read);
        Self::new(begin(Counted { reader, read }), packed)
    }
}

/// A reader whose bytes are counted as they are read.
pub struct Counted<R> {
    reader: R,
    read: Arc<AtomicU64>,
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        self.reader.consume(bytes);
    }
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl<D: Read> Read for Limited<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.ends {
            return Err(error());
        }
        let read = self.decoder.read(buffer).map_err(|error| {
            if error.kind() != io::ErrorKind::UnexpectedEof {
                return error;
            }
            let is_other = error
                .get_ref()
                .is_some_and(|error| error.is::<NotCompressed>());
            let end: fn() -> io::Error = if is_other { not_compressed } else { cut_off };
            self.ends = Some(end);
            end()
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
