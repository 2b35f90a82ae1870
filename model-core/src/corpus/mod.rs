//! Reading a corpus: users with their posts and labels, one at a time, from any source of bytes.
//!
//! A file is read in these steps, each in a module of its own:
//!
//! | step | module |
//! |---|---|
//! | bytes → text in UTF-8 | `encoding`: UTF-8, UTF-16 and, with the feature `encodings`, older ones |
//! | text → records | `json_records` and `json_value`: JSON objects; `table`: rows; `lines`: plain text |
//! | records → posts and labels | `columns`: which field holds what, by known names or as stated |
//! | posts → users | `grouping`: grouped by the id of the user |
//!
//! Three formats are read:
//!
//! * **JSON**: objects, one a line, one after the other, or in an array. An object is a user,
//!   `{"id": 17, "gender": "male", "age": 24, "posts": ["…", "…"]}`, or a post with a `text`. All other fields are kept. What
//!   JSON does not permit, such as `NaN`, costs at most its value.
//! * **Tables** (CSV, TSV) with a header and one post a row. Cells are separated by commas, semicolons, tabs or `|`; quotes
//!   inside a quoted cell are doubled. A user keeps the first non-empty value of each column.
//! * **Plain text** (`.txt`), one post a line, each as a user of its own: for word vectors.
//!
//! Posts with the same user are one user, wherever they stand. Where no field names the user, each record is a user.
//!
//! A record with both `posts` and `text` is invalid, unless one of them is empty: then the other is read.
//!
//! The file name decides the format (`.json`, `.csv`, `.txt` and the like, before `.xz` and the like), unless the content clearly
//! is of another. Without such a name the first character does: `{` and `[` are JSON, anything else is a table.
//!
//! ```
//! use model_core::corpus::{Format, Reading, read_users};
//!
//! let table = "user,gender,text\nann,female,first post\nben,male,another\nann,,second post\n";
//! let users = read_users(table.as_bytes(), Format::Csv, &Reading::default())?;
//! let users: Vec<_> = users.map(|user| user.map_err(|_| "a bad record")).collect::<Result<_, _>>()?;
//! assert_eq!(users[0].posts, ["first post", "second post"]);
//! assert_eq!(users[0].label("gender").as_deref(), Some("female"));
//! assert_eq!(users.len(), 2);
//! # Ok::<(), String>(())
//! ```

mod columns;
mod encoding;
mod format;
mod grouping;
mod json_records;
mod json_value;
mod lines;
mod python;
mod reader;
mod records;
mod repeated_users;
mod table;
pub mod time;
mod user;

pub use columns::{Columns, LabelFields, Places, is_unknown};
pub use encoding::{Decoded, Encoding};
pub use format::{Format, HEAD_BYTES, Packing};
pub use json_value::parse_json;
pub use reader::{
    Labels, Problem, Reading, Users, group_records, id_text, labels_in, open_labels, open_users,
    peek, read_users,
};
pub use records::{
    Record, Records, lossy, other_length, too_many_cells, unreadable_note, without_flags,
};
pub use repeated_users::RepeatedUsers;
pub use table::{Row, Table};
pub use user::{ROUNDED, User, are_other, id_key, is_rounded, label_text};

/// U+FEFF at the start of a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The most bytes of the record of one user, about ten million words. It bounds the memory that a broken or hostile file
/// can claim.
pub const MAX_RECORD_BYTES: usize = 64 << 20;

/// The most posts of a user, and the most values in a JSON record, which take far more memory than the bytes of their text.
pub const MAX_RECORD_VALUES: usize = 1 << 20;

/// The most columns of a table.
pub const MAX_COLUMNS: usize = 1 << 14;
