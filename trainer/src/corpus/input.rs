//! Opening files that may be compressed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use liblzma::stream::{CONCATENATED, Stream};
use model_core::corpus::{HEAD_BYTES, Packing, peek};

/// The memory limit of the xz decoder; the highest preset needs 65 MiB.
const XZ_MEMORY_LIMIT: u64 = 1 << 30;

/// The bytes that any compressed file may unpack to.
const FREE_BYTES: u64 = 64 << 20;
/// How many times longer a longer file may become. Text is compressed to a third or a tenth, and nothing by gzip more than
/// 1030 times; a small file made to fill the memory, by zstd or xz, ten thousand times.
const MOST_TIMES: u64 = 1000;

/// The path that stands for standard input.
pub(super) const STANDARD_INPUT: &str = "-";

/// The bytes of a file or of standard input, decompressed.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    if path.as_os_str() == STANDARD_INPUT {
        decompress(BufReader::with_capacity(1 << 16, io::stdin()))
    } else {
        decompress(BufReader::with_capacity(1 << 16, File::open(path)?))
    }
}

fn decompress(reader: impl BufRead + Send + 'static) -> io::Result<Box<dyn BufRead + Send>> {
    let (head, reader) = peek(reader, HEAD_BYTES)?;
    let packed = Arc::new(AtomicU64::new(0));
    let reader = Packed {
        reader,
        read: Arc::clone(&packed),
    };
    Ok(match Packing::by_content(&head) {
        Some(Packing::Xz) => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY_LIMIT, CONCATENATED)?;
            let decoder = liblzma::bufread::XzDecoder::new_stream(reader, stream);
            buffered(decoder, packed)
        }
        Some(Packing::Gzip) => buffered(flate2::bufread::MultiGzDecoder::new(reader), packed),
        Some(Packing::Zstd) => buffered(zstd::stream::read::Decoder::with_buffer(reader)?, packed),
        None => Box::new(reader.reader),
    })
}

fn buffered(
    decoder: impl Read + Send + 'static,
    packed: Arc<AtomicU64>,
) -> Box<dyn BufRead + Send> {
    let unpacked = Unpacked {
        decoder,
        packed,
        bytes: 0,
    };
    Box::new(BufReader::with_capacity(1 << 16, unpacked))
}

/// Counts the bytes of a compressed file that were read so far.
struct Packed<R> {
    reader: R,
    read: Arc<AtomicU64>,
}

impl<R: BufRead> BufRead for Packed<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, bytes: usize) {
        self.read.fetch_add(bytes as u64, Ordering::Relaxed);
        self.reader.consume(bytes);
    }
}

impl<R: BufRead> Read for Packed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.read.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// A decompressed file, with an error where it is [`MOST_TIMES`] longer than the compressed one.
struct Unpacked<D> {
    decoder: D,
    packed: Arc<AtomicU64>,
    bytes: u64,
}

impl<D: Read> Read for Unpacked<D> {
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

#[cfg(test)]
mod tests;
