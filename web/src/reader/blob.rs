//! A file of the visitor's, read in pieces.

use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;

use js_sys::Uint8Array;
use web_sys::{Blob, FileReaderSync};

use crate::js::describe;

/// How many bytes are read at a time. A call takes the browser some tenths of a millisecond.
const PIECE_BYTES: u64 = 1 << 20;

/// Called with the number of bytes that were read in all files so far.
pub type Progress = Rc<dyn Fn(u64)>;

/// A file of the visitor's.
pub struct BlobReader {
    blob: Blob,
    reader: FileReaderSync,
    size: u64,
    position: u64,
    /// The piece that was read last, and where it begins.
    piece: Vec<u8>,
    start: u64,
    read: Rc<Cell<u64>>,
    progress: Progress,
}

impl BlobReader {
    /// Reads this file, counting in `read` the bytes of all files.
    pub fn new(blob: Blob, read: Rc<Cell<u64>>, progress: Progress) -> io::Result<Self> {
        let size = blob.size() as u64;
        let reader = FileReaderSync::new().map_err(|error| io::Error::other(describe(error)))?;
        Ok(Self {
            blob,
            reader,
            size,
            position: 0,
            piece: Vec::new(),
            start: 0,
            read,
            progress,
        })
    }

    /// The rest of the piece at the position; empty at the end of the file.
    fn rest(&mut self) -> io::Result<&[u8]> {
        let is_inside = (self.start..self.start + self.piece.len() as u64).contains(&self.position);
        if !is_inside {
            if self.position >= self.size {
                return Ok(&[]);
            }
            self.start = self.position - self.position % PIECE_BYTES;
            let end = self.size.min(self.start + PIECE_BYTES);
            let failed = |error| io::Error::other(describe(error));
            let piece = (self.blob)
                .slice_with_f64_and_f64(self.start as f64, end as f64)
                .map_err(failed)?;
            let bytes = self.reader.read_as_array_buffer(&piece).map_err(failed)?;
            self.piece = Uint8Array::new(&bytes).to_vec();
            self.read.set(self.read.get() + self.piece.len() as u64);
            (self.progress)(self.read.get());
        }
        let from = (self.position - self.start) as usize;
        Ok(self.piece.get(from..).unwrap_or_default())
    }
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.rest()?.read(buffer)?;
        self.position += length as u64;
        Ok(length)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
