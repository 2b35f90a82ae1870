//! Opening files that may be compressed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use liblzma::stream::{CONCATENATED, Stream};
use model_core::corpus::{HEAD_BYTES, Packing, peek};

/// The memory limit of the xz decoder; the highest preset needs 65 MiB.
const XZ_MEMORY_LIMIT: u64 = 1 << 30;

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
    Ok(match Packing::by_content(&head) {
        Some(Packing::Xz) => {
            let stream = Stream::new_stream_decoder(XZ_MEMORY_LIMIT, CONCATENATED)?;
            buffered(liblzma::bufread::XzDecoder::new_stream(reader, stream))
        }
        Some(Packing::Gzip) => buffered(flate2::bufread::MultiGzDecoder::new(reader)),
        Some(Packing::Zstd) => buffered(zstd::stream::read::Decoder::with_buffer(reader)?),
        None => Box::new(reader),
    })
}

fn buffered(decoder: impl Read + Send + 'static) -> Box<dyn BufRead + Send> {
    Box::new(BufReader::with_capacity(1 << 16, decoder))
}

#[cfg(test)]
mod tests;
