//! Opening files that may be compressed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use formats::{Limited, Streams, gunzip};
use liblzma::bufread::XzDecoder;
use liblzma::stream::Stream;
use model_core::corpus::{Packing, peek};
use zstd::stream::read::Decoder as ZstdDecoder;

/// The memory limit of the xz decoder; the highest preset needs 65 MiB.
const XZ_MEMORY_LIMIT: u64 = 1 << 30;

/// How many bytes are read at a time.
const BUFFER_BYTES: usize = 1 << 16;

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
    let reader: Box<dyn Read + Send> = match path.as_os_str() == STANDARD_INPUT {
        true => Box::new(io::stdin()),
        false => Box::new(File::open(path)?),
    };
    let reader = BufReader::with_capacity(BUFFER_BYTES, reader);
    Ok(Box::new(decompress(reader, is_long)?))
}

/// The bytes of `reader`, decompressed if they are compressed.
pub(super) fn decompress<R: BufRead>(
    reader: R,
    is_long: bool,
) -> io::Result<impl BufRead + use<R>> {
    let (head, reader) = peek(reader, SIGNATURE_BYTES)?;
    let decoder = Limited::of(reader, |reader| match Packing::by_content(&head) {
        Some(Packing::Xz) => {
            let begin = |reader| {
                let stream = Stream::new_stream_decoder(XZ_MEMORY_LIMIT, 0)?;
                Ok(XzDecoder::new_stream(reader, stream))
            };
            let is_begin = |byte| byte == 0xFD;
            Decoder::Xz(Streams::new(reader, begin, XzDecoder::into_inner, is_begin))
        }
        Some(Packing::Gzip) => Decoder::Gzip(gunzip(reader)),
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
            Decoder::Zstd(Streams::new(reader, begin, end, is_begin))
        }
        None => Decoder::None(reader),
    });
    Ok(BufReader::with_capacity(BUFFER_BYTES, decoder))
}

/// One of several decoders. It has no box around it, so that it can be sent to another thread if its reader can.
enum Decoder<X, G, Z, N> {
    Xz(X),
    Gzip(G),
    Zstd(Z),
    None(N),
}

impl<X: Read, G: Read, Z: Read, N: Read> Read for Decoder<X, G, Z, N> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Xz(decoder) => decoder.read(buffer),
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
            Self::None(reader) => reader.read(buffer),
        }
    }
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

#[cfg(test)]
mod tests;
