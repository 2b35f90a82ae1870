//! Where the rows and quotes of a CSV file are. The parser does not tell: it takes any bytes for some rows, whatever their
//! quotes, and its rows begin in the empty lines before them.

use std::collections::VecDeque;

/// Follows a CSV file through the states of the parser.
#[derive(Default)]
pub(super) struct Outline {
    /// The rows that began and were not taken yet. They are as many as the parser reads ahead.
    rows: VecDeque<RowStart>,
    place: Place,
    /// The number of bytes so far, up to those of a byte order mark.
    bytes: usize,
    /// The number of line ends so far.
    line_ends: u64,
    /// The line of the last opening quote.
    opened: u64,
}

/// A row. Lines are counted from 1.
pub(super) struct RowStart {
    /// The line it begins in.
    pub(super) line: u64,
    /// The line of the opening quote of the first cell that goes on after its closing quote.
    pub(super) misquoted: Option<u64>,
}

#[derive(Clone, Copy, Default)]
enum Place {
    /// Before the first byte of a row.
    #[default]
    RowStart,
    /// Before the first byte of a further cell.
    CellStart,
    /// In a cell without quotes, or behind the quotes.
    Plain,
    /// In quotes.
    Quoted,
    /// After a quote in quotes: the closing one, or the first of two that stand for one.
    AfterQuote,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Outline {
    /// Follows the next bytes of the file.
    pub(super) fn follow(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if let Some(&mark) = BYTE_ORDER_MARK.get(self.bytes) {
                self.bytes += 1;
                if byte == mark {
                    continue;
                }
            }
            let line = self.line_ends + 1;
            if matches!(self.place, Place::RowStart) && byte != b'\r' && byte != b'\n' {
                self.rows.push_back(RowStart {
                    line,
                    misquoted: None,
                });
            }
            self.place = match (self.place, byte) {
                (Place::RowStart | Place::CellStart, b'"') => {
                    self.opened = line;
                    Place::Quoted
                }
                (Place::Quoted, b'"') => Place::AfterQuote,
                (Place::Quoted, _) | (Place::AfterQuote, b'"') => Place::Quoted,
                (_, b',') => Place::CellStart,
                (_, b'\r' | b'\n') => Place::RowStart,
                (Place::AfterQuote, byte) => {
                    // Spaces are harmless there.
                    if byte != b' '
                        && byte != b'\t'
                        && let Some(row) = self.rows.back_mut()
                    {
                        row.misquoted.get_or_insert(self.opened);
                    }
                    Place::Plain
                }
                _ => Place::Plain,
            };
            self.line_ends += u64::from(byte == b'\n');
        }
    }

    /// The line of the quote that is open after all bytes so far.
    pub(super) fn open(&self) -> Option<u64> {
        matches!(self.place, Place::Quoted).then_some(self.opened)
    }

    /// Takes the next row, when the parser has returned it or failed in it; `None` if no byte of it was read.
    pub(super) fn take_row(&mut self) -> Option<RowStart> {
        self.rows.pop_front()
    }
}
