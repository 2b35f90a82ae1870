//! Front-coded dictionaries, which the page fetches because they are smaller (Witten, Moffat and Bell 1999). The words are
//! sorted, and each is stored as the length of the prefix that it shares with the word before, and its rest. The frequencies
//! follow in a list of their own. Words and frequencies are unchanged, so texts are segmented as before; parts of speech are left
//! out.
//!
//! `scripts/front_code.awk` writes such dictionaries. They consist of the line `front-coded`, a line for each word, an empty
//! line, and a line for each frequency. The first byte of a word's line is `0` (48 in ASCII) plus the length of the shared prefix
//! in bytes; the rest of the word follows. An empty line in the list of frequencies is 3, the frequency of almost half of jieba's
//! words.

use std::borrow::Cow;

use super::{LONGEST_DICTIONARY, TextError};

const MARK: &[u8] = b"front-coded\n";
const COMMONEST_FREQUENCY: &[u8] = b"3";

/// The dictionary in the format of jieba: a line for each word, with its frequency. A dictionary that is not front-coded is
/// returned as it is.
///
/// # Errors
/// If the coding is invalid or the decoded dictionary is too long.
pub fn decode(dictionary: &[u8]) -> Result<Cow<'_, [u8]>, TextError> {
    match dictionary.strip_prefix(MARK) {
        Some(coded) => Ok(Cow::Owned(lines(coded)?)),
        None => Ok(Cow::Borrowed(dictionary)),
    }
}

fn lines(coded: &[u8]) -> Result<Vec<u8>, TextError> {
    let invalid = || TextError::Dictionary("its front coding is damaged".into());
    let end = (coded.windows(2).position(|pair| pair == b"\n\n")).ok_or_else(invalid)?;
    let (words, frequencies) = (&coded[..end], &coded[end + 2..]);
    let frequencies = frequencies.strip_suffix(b"\n").ok_or_else(invalid)?;
    let mut frequencies = frequencies.split(is_end);
    let mut word = Vec::new();
    let mut lines = Vec::new();
    for coded in words.split(is_end) {
        let (&shared, rest) = coded.split_first().ok_or_else(invalid)?;
        let shared = usize::from(shared.checked_sub(b'0').ok_or_else(invalid)?);
        if shared > word.len() {
            return Err(invalid());
        }
        word.truncate(shared);
        word.extend_from_slice(rest);
        let frequency = match frequencies.next().ok_or_else(invalid)? {
            [] => COMMONEST_FREQUENCY,
            digits => digits,
        };
        lines.extend([&word, &b" "[..], frequency, b"\n"].concat());
        if lines.len() as u64 > LONGEST_DICTIONARY {
            return Err(TextError::LongDictionary);
        }
    }
    match frequencies.next() {
        None => Ok(lines),
        Some(_) => Err(invalid()),
    }
}

fn is_end(byte: &u8) -> bool {
    *byte == b'\n'
}
