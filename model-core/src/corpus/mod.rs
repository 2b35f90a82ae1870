//! Reading a corpus: users with their posts and labels, one at a time, from any source of bytes.
//!
//! Three formats are read:
//!
//! * **JSONL**, one user per line: `{"id": 17, "gender": "male", "age": 24, "posts": ["…", "…"]}`. A record may have one
//!   string called `text` instead of `posts`. All other fields are kept as they are.
//! * **CSV** with a header row and a column `text` or `posts`, one post per row. Consecutive rows with the same `id` are the
//!   posts of one user; without an `id` every row is a user. A user keeps the first non-empty value of any other column.
//!   No two columns may have the same name. Quotes inside a quoted cell are doubled.
//! * **Plain text** (`.txt`), one post per line, each as a user of its own: for word vectors.
//!
//! A record with both `posts` and `text` is invalid, unless one of them is empty: then the other is read.
//!
//! The file name decides the format (`.jsonl`, `.csv` or `.txt`, before `.xz` and the like). Without such a name the first
//! character does: `{` is JSONL, anything else CSV.

mod csv_outline;
mod csv_rows;
mod csv_users;
mod format;
mod lines;
mod reader;
mod user;

pub use csv_rows::{Row, Rows};
pub use format::{Format, HEAD_BYTES, Packing};
pub use reader::{Problem, Users, peek, read_users};
pub use user::User;

/// The most bytes of the record of one user, about ten million words. It bounds the memory that a broken or hostile file
/// can claim.
pub const MAX_RECORD_BYTES: usize = 64 << 20;

/// The most posts of a user, and the most values in a JSON record, which take far more memory than the bytes of their text.
pub const MAX_RECORD_VALUES: usize = 1 << 20;

/// The most columns of a CSV file.
pub const MAX_COLUMNS: usize = 1 << 14;
