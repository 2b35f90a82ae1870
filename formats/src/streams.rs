//! Compressed streams that follow each other in a file, as gzip, xz and zstd permit.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use crate::limited::not_compressed;

/// Reads one stream after the other: the members of a gzip file, the streams of an xz file, the frames of a zstd file. Zeros
/// between and after them, with which tapes and blocks of a disk are filled up, are skipped. Other bytes end the file with
/// an error of the kind [`UnexpectedEof`](io::ErrorKind::UnexpectedEof), after all bytes of the streams before.
pub struct Streams<R, D, F> {
    state: State<R, D>,
    begin: F,
    end: fn(D) -> R,
    is_begin: fn(u8) -> bool,
}

enum State<R, D> {
    Between(R),
    Within(D),
    Over,
}

/// The bytes of a gzip file, decompressed, see [`Streams`].
pub fn gunzip(reader: impl BufRead) -> impl Read {
    let begin = |reader| Ok(GzDecoder::new(reader));
    Streams::new(reader, begin, GzDecoder::into_inner, |byte| byte == 0x1F)
}

impl<R: BufRead, D: Read, F: FnMut(R) -> io::Result<D>> Streams<R, D, F> {
    /// The streams in `reader`. `begin` makes the decoder of one stream, which ends with it; `end` gives back what `begin` got;
    /// `is_begin` says whether a stream may begin with a byte.
    pub fn new(reader: R, begin: F, end: fn(D) -> R, is_begin: fn(u8) -> bool) -> Self {
        Self {
            state: State::Between(reader),
            begin,
            end,
            is_begin,
        }
    }
}

impl<R: BufRead, D: Read, F: FnMut(R) -> io::Result<D>> Read for Streams<R, D, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            match &mut self.state {
                State::Over => return Ok(0),
                State::Within(decoder) => match decoder.read(buffer)? {
                    0 => {}
                    read => return Ok(read),
                },
                State::Between(reader) => match skip_zeros(reader)? {
                    None => {}
                    Some(byte) if (self.is_begin)(byte) => {}
                    Some(_) => return Err(not_compressed()),
                },
            }
            self.state = match std::mem::replace(&mut self.state, State::Over) {
                State::Within(decoder) => State::Between((self.end)(decoder)),
                State::Between(mut reader) => match reader.fill_buf()?.is_empty() {
                    true => State::Over,
                    false => State::Within((self.begin)(reader)?),
                },
                State::Over => State::Over,
            };
        }
    }
}

/// Skips zeros; the byte after them, or `None` at the end of the file.
fn skip_zeros(reader: &mut impl BufRead) -> io::Result<Option<u8>> {
    loop {
        let bytes = match reader.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let (next, is_end) = (bytes.get(zeros).copied(), bytes.is_empty());
        reader.consume(zeros);
        if next.is_some() || is_end {
            return Ok(next);
        }
    }
}
