//! Reading corpora: users with their posts and labels, one at a time, from one file after the other.
//!
//! A file has one of the formats that [`model_core::corpus`] or the crate [`formats`] reads, and may be compressed with xz, gzip
//! or zstd, which is recognised by the content; or it is a Parquet or Arrow file. A folder, a zip or a tar archive is the users
//! of all its files. The path `-` is standard input.

mod alike;
mod columnar;
mod container;
mod input;
mod key;
mod known;
mod label_file;
mod labels;
mod members;
mod output;
mod reader;
mod shard;
mod split;
mod statistics;

pub use alike::AlikeRecords;
pub use container::{Container, extent};
pub(crate) use input::open as open_input;
pub use key::{RecordKey, UserKey, as_given, fingerprint, repeated_file};
pub use label_file::LabelFile;
pub use labels::{LabelMap, attribute_index, listed};
pub use model_core::corpus::User;
pub(crate) use model_core::corpus::peek;
pub(crate) use output::Packer;
pub use reader::{BadRecord, Corpus, CorpusError, Options, corpus_name, known_fields};
pub use shard::Shard;
pub use split::{Part, PartUsers, SplitError, StoredSplit};
pub use statistics::{LabelCounts, MOST_VALUES, Statistics};
