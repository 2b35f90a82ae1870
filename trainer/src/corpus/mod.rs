//! Reading corpora: users with their posts and what is known about them, one at a time, from one file after the other.
//!
//! A file is in one of the formats that [`model_core::corpus`] reads, plain or compressed with xz, gzip or zstd (told
//! by the content, not the name). The path `-` is standard input.

mod input;
mod key;
mod reader;
mod split;
mod statistics;

pub(crate) use input::open as open_input;
pub use key::{RecordKey, UserKey, as_given};
pub(crate) use model_core::corpus::peek;
pub use model_core::corpus::{Format, User};
pub use reader::{BadRecord, Corpus, CorpusError, Options};
pub use split::{SplitError, StoredSplit, TestUsers};
pub use statistics::{AttributeCounts, Statistics};
