//! Readers of users in any of the formats.

use std::io::{self, BufRead, Cursor, Read};

use super::csv_users::CsvUsers;
use super::lines::Lines;
use super::{Format, User};

/// Why a user could not be read.
#[derive(Debug)]
pub enum Problem {
    /// A record is invalid. Reading continues with the next one.
    Record {
        /// The line in which it begins, counted from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The rest of the bytes cannot be read.
    Stream(io::Error),
}

/// An iterator over users and problems. A [`Problem::Stream`] is the last item.
pub type Users = Box<dyn Iterator<Item = Result<User, Problem>> + Send>;

/// Reads the users of `reader`, which is in `format` and not compressed. Their records are numbered from 1, and bad records
/// count.
///
/// ```
/// use model_core::corpus::{Format, read_users};
///
/// let lines = r#"{"id": 17, "gender": "female", "posts": ["first post", "second post"]}"#;
/// for user in read_users(lines.as_bytes(), Format::Jsonl)? {
///     let user = user.map_err(|_| "a bad record")?;
///     assert_eq!(user.posts.len(), 2);
///     assert_eq!(user.label("gender").as_deref(), Some("female"));
/// }
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
/// If the content is not a corpus, such as a CSV file without a text column. The error names what was found.
pub fn read_users(reader: impl BufRead + Send + 'static, format: Format) -> Result<Users, String> {
    let users: Users = match format {
        Format::Jsonl => Box::new(LineUsers {
            lines: Lines::new(reader),
            user: jsonl_user,
        }),
        Format::Text => Box::new(LineUsers {
            lines: Lines::new(reader),
            user: text_user,
        }),
        Format::Csv => Box::new(CsvUsers::new(reader)?),
    };
    Ok(Box::new((1..).zip(users).map(|(record, user)| {
        user.map(|user| User { record, ..user })
    })))
}

/// The first `length` bytes of `reader`, or fewer at its end, and a reader of all bytes. Unlike a look into the buffer of the
/// reader, this does not depend on how the bytes arrive.
pub fn peek<R: BufRead>(
    mut reader: R,
    length: usize,
) -> io::Result<(Vec<u8>, impl BufRead + use<R>)> {
    let mut head = Vec::new();
    reader.by_ref().take(length as u64).read_to_end(&mut head)?;
    Ok((head.clone(), Cursor::new(head).chain(reader)))
}

fn jsonl_user(line: &str) -> Result<Option<User>, String> {
    if line.trim().is_empty() {
        Ok(None)
    } else {
        User::from_json(line).map(Some)
    }
}

fn text_user(line: &str) -> Result<Option<User>, String> {
    Ok(Some(User {
        posts: vec![line.to_owned()],
        ..User::default()
    }))
}

/// Reads one user a line.
struct LineUsers<R> {
    lines: Lines<R>,
    /// The user of a line; `None` for an empty line.
    user: fn(&str) -> Result<Option<User>, String>,
}

impl<R: BufRead> Iterator for LineUsers<R> {
    type Item = Result<User, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (number, line) = match self.lines.next() {
                Ok(line) => line?,
                Err(error) => return Some(Err(Problem::Stream(error))),
            };
            match line.and_then(self.user) {
                Ok(Some(user)) => return Some(Ok(user)),
                Ok(None) => {}
                Err(what) => return Some(Err(Problem::Record { line: number, what })),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_numbered_bad_ones_included() {
        let text = "{\"text\": \"a\"}\n\n{\n{\"text\": \"b\"}\n";
        let users = read_users(text.as_bytes(), Format::Jsonl).unwrap();
        let records: Vec<Option<u64>> = users.map(|user| Some(user.ok()?.record)).collect();
        assert_eq!(records, [Some(1), None, Some(3)]);
    }
}
