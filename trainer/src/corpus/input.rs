//! Opening files that may be compressed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use formats::{Limited, Streams, gunzip};
use liblzma::bufread::XzDecoder;
use liblzma::stream::Stream;
use model_core::corpus::{Packing, peek};
use zstd::stream::read::Decoder as ZstdDecoder;

/// The memory limit of the xz decoder; the highest preset needs 65 MiB.
const XZ_MEMORY_LIMIT: u64 = 1 << 30;

/// The number of first bytes that show the compression.
const SIGNATURE_BYTES: usize = 8;

/// The path that stands for standard input.
pub(super) const STANDARD_INPUT: &str = "-";

/// The largest window of zstd, as a power of two: 128 MiB, and with [`open_long`] 2 GiB, the largest of all.
const ZSTD_WINDOW: u32 = 27;
const LONG_ZSTD_WINDOW: u32 = 31;

/// The bytes of a file or of standard input, decompressed.
pub(crate) fn open(path: &Path) -> io::Result<Box<dyn BufRead + Send>> {
    open_long(path, false)
}

/// [`open`]; if `is_long`, also of a file of zstd that takes 2 GiB of memory to decompress.
pub(super) fn open_long(path: &Path, is_long: bool) -> io::Result<Box<dyn BufRead + Send>> {
    if path.as_os_str() == STANDARD_INPUT {
        decompress(BufReader::with_capacity(1 << 16, io::stdin()), is_long)
    } else {
        decompress(
            BufReader::with_capacity(1 << 16, File::open(path)?),
            is_long,
        )
    }
}

/// The bytes of `reader`, decompressed if they are compressed.
pub(super) fn decompress(
    reader: impl BufRead + Send + 'static,
    is_long: bool,
) -> io::Result<Box<dyn BufRead + Send>> {
    let (head, reader) = peek(reader, SIGNATURE_BYTES)?;
    let packed = Arc::new(AtomicU64::new(0));
    let reader = Packed {
        reader,
        read: Arc::clone(&packed),
    };
    Ok(match Packing::by_content(&head) {
        Some(Packing::Xz) => {
            let begin = |reader| {
                let stream = Stream::new_stream_decoder(XZ_MEMORY_LIMIT, 0)?;
                Ok(XzDecoder::new_stream(reader, stream))
            };
            let is_begin = |byte| byte == 0xFD;
            buffered(
                Streams::new(reader, begin, XzDecoder::into_inner, is_begin),
                packed,
            )
        }
        Some(Packing::Gzip) => buffered(gunzip(reader), packed),
        Some(Packing::Zstd) => {
            let window = if is_long {
                LONG_ZSTD_WINDOW
            } else {
                ZSTD_WINDOW
            };
            let begin = move |reader| {
                let mut decoder = ZstdDecoder::with_buffer(reader)?.single_frame();
                decoder.window_log_max(window)?;
                Ok(Windowed(decoder))
            };
            let end = |decoder: Windowed<ZstdDecoder<'static, _>>| decoder.0.finish();
            // Frames that are to be skipped begin with 0x50 to 0x5F.
            let is_begin = |byte| matches!(byte, 0x28 | 0x50..=0x5F);
            buffered(Streams::new(reader, begin, end, is_begin), packed)
        }
        None => Box::new(reader.reader),
    })
}

/// A decoder of zstd whose error names the flag that permits a longer window.
struct Windowed<D>(D);

impl<D: Read> Read for Windowed<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer).map_err(|error| {
            match error.to_string().contains("too much memory") {
                true => io::Error::other(
                    "its zstd window is longer than 128 MiB; --long reads windows of up to 2 GiB, or unpack it with zstd -d --long=31",
                ),
                false => error,
            }
        })
    }
}

fn buffered(
    decoder: impl Read + Send + 'static,
    packed: Arc<AtomicU64>,
) -> Box<dyn BufRead + Send> {
    Box::new(BufReader::with_capacity(
        1 << 16,
        Limited::new(decoder, packed),
    ))
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

#[cfg(test)]
mod tests;
