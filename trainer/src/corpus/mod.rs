//! Reading corpora: users with their posts and what is known about them, one at a time, from one file after the other.
//!
//! A file is in one of the formats that [`model_core::corpus`] reads, plain or compressed with xz, gzip or zstd (told
//! by the content, not the name). The path `-` is standard input.

mod input;
mod output;
mod reader;
mod statistics;

pub(crate) use input::open as open_input;
pub(crate) use model_core::corpus::peek;
pub use model_core::corpus::{Format, User};
pub(crate) use output::Packer;
pub use reader::{BadRecord, Corpus, CorpusError, Options};
pub use statistics::{AttributeCounts, Statistics};
