#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod alias;
mod random;
mod rows;
mod settings;
mod step;
mod training;
mod vocabulary;
mod worker;

pub use settings::Settings;
pub use training::{Error, Sentences, Source, train};
pub use vocabulary::{Vocabulary, WordCounts};
