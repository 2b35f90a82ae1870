//! Predictions about users in Arrow: a stream of record batches in, a stream of record batches out.
//!
//! It is what data frames and query engines call. This crate opens no file and reads no clock.
//!
//! **Input.** A row is a post, with a column of its text and one of its user's id; or a row is a user, with a column of
//! lists of texts. Consecutive posts of one id are one user, so rows must be sorted by it, or brought into order by
//! [`Grouped`]. Without a column of ids each row is a user. The columns are those of [`Columns::places`]: stated, or known by
//! the names that files have. Texts are strings (`Utf8`, `LargeUtf8`, `Utf8View`, or a dictionary of them); null is an empty
//! text. Ids are integers or strings, also in a dictionary.
//!
//! **Output.** One row per user, in the order of the input, with the columns of [`PredictionSchema`]. A row of which nothing
//! can be predicted has the reason in its column `error`; it does not end the stream, since an engine would try the same rows
//! again. [`Predictions::with_evidence`] adds the words that speak most for each label. The results are those of
//! [`Predictor::predict`] to the last bit, however the rows are cut into batches.
//!
//! Instead of predicting users, [`Predictions::count_into`] adds them to sums from which shares of classes are estimated, and
//! [`CorpusCounts`] counts users, posts, words and labels. The sums and counts of parts of a corpus add up.
//!
//! Memory is bounded by the batches of the input and by the words that the model reads of a user, however long a user's text
//! is, and grows by eight bytes with each user, to notice ids that are not consecutive.
//!
//! ```no_run
//! use std::sync::Arc;
//!
//! use arrow_array::RecordBatchReader;
//! use columnar::{Model, Predictions};
//! use model_core::corpus::Columns;
//!
//! # fn run(posts: impl RecordBatchReader) -> Result<(), Box<dyn std::error::Error>> {
//! let bytes = std::fs::read("en.safetensors")?;
//! let model = Model::on_cpu(&bytes)?;
//! for batch in Predictions::new(Arc::new(model), posts, &Columns::default())? {
//!     println!("{} users", batch?.num_rows());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! [`Predictor::predict`]: model_core::predictor::Predictor::predict
//! [`Columns::places`]: model_core::corpus::Columns::places

mod counts;
mod group;
mod input;
mod model;
mod predictions;
mod schema;

pub use counts::CorpusCounts;
pub use group::Grouped;
pub use model::{Model, checksum};
pub use model_core::corpus::Columns;
pub use predictions::Predictions;
pub use schema::{
    CHECKSUM_KEY, MODEL_KEY, Outcome, Predicted, PredictionSchema, SCHEMA_VERSION, VERSION_KEY,
};
