//! Users out of bytes in any of the formats.

use std::io::{self, BufRead, Cursor, Read};

use super::csv_users::CsvUsers;
use super::lines::Lines;
use super::{Format, User};

/// What a reader of users comes upon.
#[derive(Debug)]
pub enum Problem {
    /// A record is bad, and the next one may be good.
    Record {
        /// The line it begins in, counted from 1.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// The bytes cannot be read on.
    Stream(io::Error),
}

/// Users one at a time, and between them what could not be read; after a [`Problem::Stream`], nothing is to be read on.
pub type Users = Box<dyn Iterator<Item = Result<User, Problem>> + Send>;

/// The users that `reader` holds, written down in this format and not packed.
///
/// # Errors
/// If it is no corpus at all, such as a CSV file without text: the error says what was found.
pub fn read_users(reader: impl BufRead + Send + 'static, format: Format) -> Result<Users, String> {
    Ok(match format {
        Format::Jsonl => Box::new(LineUsers {
            lines: Lines::new(reader),
            user: jsonl_user,
        }),
        Format::Text => Box::new(LineUsers {
            lines: Lines::new(reader),
            user: text_user,
        }),
        Format::Csv => Box::new(CsvUsers::new(reader)?),
    })
}

/// The first bytes of `reader`, as many as `length` if there are, and the reader as if they were not read yet.
/// Unlike a look into the reader's buffer it does not depend on how the bytes arrive.
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

/// Users that stand one a line.
struct LineUsers<R> {
    lines: Lines<R>,
    /// The user of a line, `None` if the line holds nothing.
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
