//! Writing what may be compressed.

use std::io::{self, Write};
use std::path::Path;

use flate2::write::GzEncoder;
use liblzma::write::XzEncoder;
use zstd::stream::write::Encoder as ZstdEncoder;

/// The default of the program xz.
const XZ_LEVEL: u32 = 6;

/// Compresses as the output's name asks for.
pub(crate) enum Packer<W: Write> {
    Plain(W),
    Xz(XzEncoder<W>),
    Gzip(GzEncoder<W>),
    Zstd(ZstdEncoder<'static, W>),
}

impl<W: Write> Packer<W> {
    /// Compresses with xz, gzip or zstd if the name ends in `.xz`, `.gz` or `.zst`, in any case, and else
    /// not.
    pub(crate) fn new(name: &Path, writer: W) -> io::Result<Self> {
        let ending = name.extension().and_then(|ending| ending.to_str());
        Ok(match ending.map(str::to_ascii_lowercase).as_deref() {
            Some("xz") => Self::Xz(XzEncoder::new(writer, XZ_LEVEL)),
            Some("gz") => Self::Gzip(GzEncoder::new(writer, flate2::Compression::default())),
            Some("zst") => Self::Zstd(ZstdEncoder::new(writer, zstd::DEFAULT_COMPRESSION_LEVEL)?),
            _ => Self::Plain(writer),
        })
    }

    /// Writes the end of the compressed data.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Xz(encoder) => encoder.finish().map(drop),
            Self::Gzip(encoder) => encoder.finish().map(drop),
            Self::Zstd(encoder) => encoder.finish().map(drop),
        }
    }

    fn inner(&mut self) -> &mut dyn Write {
        match self {
            Self::Plain(writer) => writer,
            Self::Xz(encoder) => encoder,
            Self::Gzip(encoder) => encoder,
            Self::Zstd(encoder) => encoder,
        }
    }
}

impl<W: Write> Write for Packer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner().flush()
    }
}
