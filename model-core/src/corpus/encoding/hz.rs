//! HZ (RFC 1843): GB 2312 in ASCII, with Chinese between `~{` and `~}`.

use super::{Pair, gb, is_all_usual};

/// Whether a text has such Chinese. Code and emoticons have other characters between the same signs.
pub(super) fn is_hz(head: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(head) else {
        return false;
    };
    let pieces = text.split("~{").skip(1);
    let chinese: Vec<u8> = pieces
        .filter_map(|piece| piece.split_once("~}"))
        .flat_map(|(chinese, _)| chinese.bytes().map(|byte| byte | 0x80))
        .collect();
    // Rows of other letters than Chinese.
    let other = |lead| (0xA4..=0xA9).contains(&lead).then_some(Pair::Sign);
    chinese.len().is_multiple_of(2)
        && is_all_usual(&chinese, |lead, trail| gb(lead, trail).or(other(lead)))
}

/// Turns HZ into GB18030, byte by byte.
#[derive(Clone, Copy)]
pub(super) enum State {
    Ascii,
    /// After `~`, with which an escape begins.
    Tilde,
    Chinese,
    /// After the first byte of a character.
    Trail,
}

impl State {
    /// Adds what the next byte stands for.
    pub(super) fn push(&mut self, byte: u8, gb18030: &mut Vec<u8>) {
        let next = match (*self, byte) {
            (Self::Ascii | Self::Chinese, b'~') => Self::Tilde,
            (Self::Tilde, b'{') => Self::Chinese,
            // The last one joins two lines.
            (Self::Tilde, b'}' | b'\n') => Self::Ascii,
            (Self::Tilde, _) => {
                gb18030.push(b'~');
                gb18030.extend((byte != b'~').then_some(byte));
                Self::Ascii
            }
            // A line ends in ASCII, so that an escape that was lost costs one line.
            (Self::Ascii, _) | (_, b'\n' | b'\r') => {
                gb18030.push(byte);
                Self::Ascii
            }
            (Self::Chinese, _) => {
                gb18030.push(byte | 0x80);
                Self::Trail
            }
            (Self::Trail, _) => {
                gb18030.push(byte | 0x80);
                Self::Chinese
            }
        };
        *self = next;
    }
}
