//! Words that are too long and were cut off.

use model_core::text::{LONGEST_WORD, Word};

use crate::progress::notice;
use crate::table::counted;

/// How many of these words were cut off.
pub(crate) fn count(words: &[Word]) -> u64 {
    words.iter().filter(|word| word.is_cut).count() as u64
}

/// Tells how many words were cut off, if any were.
pub(crate) fn report(count: u64) {
    if count > 0 {
        notice!(
            "cut off after {LONGEST_WORD} bytes: {}",
            counted(count, "word")
        );
    }
}
