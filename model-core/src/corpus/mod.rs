//! Reading users, with their posts and what is known about them, one at a time, from bytes wherever those come from.
//!
//! Three formats are read:
//!
//! * **JSONL**, one user a line: `{"id": 17, "gender": "male", "age": 24, "posts": ["…", "…"]}`. Instead of
//!   `posts` a record may have one string called `text`. All other fields are kept as they are.
//! * **CSV** with a header row and a column `text` or `posts`, one post a row. Rows that follow each other with
//!   the same `id` are one user's posts; without an `id` every row is a user. Of any other column a user keeps the
//!   first value that is not empty.
//! * **Plain text** (`.txt`), one post a line, every line a user of its own: for word vectors, which need no users.
//!
//! The format follows from the name (`.jsonl`, `.csv`, `.txt`, before `.xz` and the like), else from the first
//! character: `{` means JSONL, anything else CSV.

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

/// The most bytes that one user's record may have. It bounds the memory that a broken or hostile file can
/// claim; ten million words are far more than anyone's posts.
pub const MAX_RECORD_BYTES: usize = 64 << 20;
