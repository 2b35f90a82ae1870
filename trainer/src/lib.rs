//! The command `auxlstm`: corpora, word vectors, training, evaluation and bulk prediction.

mod adaptation;
mod alignment;
mod bundle;
pub mod cli;
mod compaction;
mod config;
mod conversion;
pub mod corpus;
mod cut_words;
pub mod device;
mod document;
pub mod evaluation;
pub mod experiment;
pub mod features;
mod host;
mod limited;
mod lock;
mod output;
mod progress;
mod recalibration;
pub mod settings;
mod table;
mod temporary;
mod training;
pub mod word2vec;

/// Lets this thread, the main one, take part in parallel work instead of waiting for it: with few cores, all of them
/// woken at every step, the system needs milliseconds to spread them out. To be called before any such work; where it
/// comes too late nothing changes. No other thread may then leave such work to the common pool while the main thread
/// waits for it: with one core the pool is the main thread.
pub fn use_all_cores() {
    let _ = (rayon::ThreadPoolBuilder::new().use_current_thread()).build_global();
}
