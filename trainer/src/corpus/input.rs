//! Opening what may be compressed.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use liblzma::stream::{CONCATENATED, Stream};
use model_core::corpus::{HEAD_BYTES, Packing, peek};

/// The most memory that an xz file may ask of its decoder; the highest preset needs 65 MiB.
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
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    const TEXT: &[u8] = b"first line\nsecond line\n";

    fn read(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        decompress(Cursor::new(bytes))?.read_to_end(&mut out)?;
        Ok(out)
    }

    fn xz() -> Vec<u8> {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
        encoder.write_all(TEXT).unwrap();
        encoder.finish().unwrap()
    }

    fn gzip() -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(TEXT).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_compression_is_recognised() {
        let zstd = zstd::encode_all(TEXT, 1).unwrap();
        for packed in [TEXT.to_vec(), xz(), gzip(), zstd] {
            assert_eq!(read(packed.clone()).unwrap(), TEXT);
        }
        assert_eq!(read(b"a".to_vec()).unwrap(), b"a");
        assert_eq!(read(Vec::new()).unwrap(), b"");
    }

    #[test]
    fn files_that_follow_each_other_are_read_as_one() {
        for packed in [xz(), gzip(), zstd::encode_all(TEXT, 1).unwrap()] {
            assert_eq!(
                read([packed.clone(), packed].concat()).unwrap(),
                [TEXT, TEXT].concat()
            );
        }
    }

    #[test]
    fn a_cut_file_is_an_error() {
        for mut packed in [xz(), gzip(), zstd::encode_all(TEXT, 1).unwrap()] {
            packed.truncate(packed.len() - 9);
            assert!(read(packed).is_err());
        }
    }
}
