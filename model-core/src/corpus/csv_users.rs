//! Groups the rows of a CSV file by user.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::BufRead;

use serde_json::Value;

use super::csv_rows::{Row, Rows};
use super::reader::Problem;
use super::{MAX_RECORD_BYTES, MAX_RECORD_VALUES, User};

/// Gathers the rows of each user. They must be consecutive, which bounds the memory. A user who comes again later is an
/// invalid record: taken as two users, one might be in training and the other in the test.
pub(super) struct CsvUsers<R> {
    rows: Option<Rows<R>>,
    current: Option<Gathered>,
    /// Hashes of the ids read so far.
    seen: HashSet<u64>,
    /// A problem of the current user, found when the previous user was returned.
    problem: Option<Problem>,
}

/// The user whose rows are being read.
struct Gathered {
    id: Option<Value>,
    /// `None` if the user was refused: its remaining rows are skipped.
    user: Option<User>,
    bytes: usize,
}

impl<R: BufRead> CsvUsers<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// One line that says what is wrong with the header.
    pub(super) fn new(reader: R) -> Result<Self, String> {
        Ok(Self {
            rows: Rows::new(reader)?,
            current: None,
            seen: HashSet::new(),
            problem: None,
        })
    }

    /// Starts the user of `row` and returns the previous one.
    fn begin(&mut self, row: Row) -> Option<User> {
        let id = row.fields.get("id").cloned();
        let before = self.current.take().and_then(|gathered| gathered.user);
        let mut gathered = Gathered {
            id,
            user: Some(User::default()),
            bytes: 0,
        };
        match &gathered.id {
            Some(id) if !self.seen.insert(hash(id)) => {
                let what =
                    format!("the rows of user {id} are not consecutive; sort the file by id");
                self.problem = Some(Problem::Record {
                    line: row.line,
                    what,
                });
                gathered.user = None;
            }
            _ => self.problem = gathered.add(row),
        }
        self.current = Some(gathered);
        before
    }
}

impl<R: BufRead> Iterator for CsvUsers<R> {
    type Item = Result<User, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(problem) = self.problem.take() {
                return Some(Err(problem));
            }
            match self.rows.as_mut()?.next() {
                None => return self.current.take()?.user.map(Ok),
                Some(Err(problem @ Problem::Stream(_))) => {
                    self.rows = None;
                    self.problem = Some(problem);
                    // What was read before it is not lost.
                    if let Some(user) = self.current.take().and_then(|current| current.user) {
                        return Some(Ok(user));
                    }
                }
                Some(Err(problem)) => return Some(Err(problem)),
                Some(Ok(row)) => match &mut self.current {
                    Some(current)
                        if current.id.is_some() && current.id.as_ref() == row.fields.get("id") =>
                    {
                        self.problem = current.add(row);
                    }
                    _ => {
                        if let Some(user) = self.begin(row) {
                            return Some(Ok(user));
                        }
                    }
                },
            }
        }
    }
}

impl Gathered {
    /// Adds the post of a row, and the fields that the user does not have yet.
    fn add(&mut self, row: Row) -> Option<Problem> {
        let user = self.user.as_mut()?;
        self.bytes += row.bytes;
        if self.bytes > MAX_RECORD_BYTES || user.posts.len() >= MAX_RECORD_VALUES {
            self.user = None;
            let what = format!(
                "a user of more than {} MiB or {MAX_RECORD_VALUES} posts",
                MAX_RECORD_BYTES >> 20
            );
            return Some(Problem::Record {
                line: row.line,
                what,
            });
        }
        user.posts.push(row.post);
        for (name, value) in row.fields {
            user.fields.entry(name).or_insert(value);
        }
        None
    }
}

fn hash(id: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    id.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Vec<Result<User, String>> {
        CsvUsers::new(text)
            .unwrap()
            .map(|user| {
                user.map_err(|problem| match problem {
                    Problem::Record { line, what } => format!("{line}: {what}"),
                    Problem::Stream(error) => error.to_string(),
                })
            })
            .collect()
    }

    #[test]
    fn rows_with_one_id_are_one_user() {
        let users =
            read(b"id,text,age\n7,\"one, or\ntwo\",\n7,three,24\n8,four,\n,five,\n,six,30\n");
        let users: Vec<User> = users.into_iter().map(Result::unwrap).collect();
        assert_eq!(users.len(), 4);
        assert_eq!(users[0].posts, ["one, or\ntwo", "three"]);
        assert_eq!(users[0].id(), Value::from("7"));
        assert_eq!(users[0].label("age").as_deref(), Some("24"));
        assert_eq!(users[1].label("age"), None);
        assert_eq!(users[2].posts, ["five"]);
        assert_eq!(users[3].posts, ["six"]);
    }

    #[test]
    fn a_file_may_begin_with_a_byte_order_mark_and_be_empty() {
        assert_eq!(
            read(b"\xef\xbb\xbftext\r\nhello\r\n")[0]
                .as_ref()
                .unwrap()
                .posts,
            ["hello"]
        );
        assert!(read(b"").is_empty());
        assert!(read(b"text\n").is_empty());
    }

    #[test]
    fn bad_rows_are_named_and_cost_nothing_else() {
        let users = read(b"id,text\n1,a\n1\n1,b\xff\n1,c\n2,d\n1,e\n1,f\n3,g\n");
        assert_eq!(users[0], Err("3: 1 cells where the header has 2".into()));
        assert_eq!(
            users[1],
            Err("4: invalid UTF-8 at byte 2 of column \"text\"".into())
        );
        assert_eq!(users[2].as_ref().unwrap().posts, ["a", "c"]);
        assert_eq!(users[3].as_ref().unwrap().posts, ["d"]);
        assert_eq!(
            users[4],
            Err("7: the rows of user \"1\" are not consecutive; sort the file by id".into())
        );
        assert_eq!(users[5].as_ref().unwrap().posts, ["g"]);
        assert_eq!(users.len(), 6);
    }

    #[test]
    fn a_header_needs_a_column_with_text() {
        assert!(
            CsvUsers::new(&b"id,words\n1,a\n"[..])
                .err()
                .unwrap()
                .contains("\"text\" or \"posts\"")
        );
    }

    #[test]
    fn of_two_columns_of_one_name_the_last_was_read() {
        for (header, name) in [
            ("id,text,age,gender,age\n", "\"age\""),
            ("text,id, text\n", "\"text\""),
            ("\"id\",posts,id\n", "\"id\""),
        ] {
            let error = CsvUsers::new(header.as_bytes()).err().unwrap();
            assert!(error.contains(name) && error.contains("rename"), "{error}");
        }
        assert_eq!(
            read(b"id,text,,\n1,a,,\n")[0].as_ref().unwrap().posts,
            ["a"]
        );
    }

    #[test]
    fn an_open_quote_does_not_fill_the_memory() {
        use std::io::{BufReader, Read};
        let endless = BufReader::new((&b"text\n\""[..]).chain(std::io::repeat(b'x')));
        let mut users = CsvUsers::new(endless).unwrap();
        match users.next() {
            Some(Err(Problem::Stream(error))) => {
                let message = error.to_string();
                assert!(message.contains("the quote opened in line 2"), "{message}");
            }
            _ => panic!("expected the row to be refused"),
        }
    }

    #[test]
    fn an_open_quote_swallowed_the_rest_of_the_file() {
        for (text, message) in [
            (
                "id,text\n1,a\n2,\"b\nc\n3,d\n",
                "the row at line 3: the quote opened in line 3 is never closed",
            ),
            (
                "id,text,city\r\n1,\"a\nb\",\"c\r\n2,d,e\r\n",
                "the row at line 2: the quote opened in line 3 is never closed",
            ),
            (
                "text\n\"a\"\"",
                "the row at line 2: the quote opened in line 2 is never closed",
            ),
        ] {
            let users = read(text.as_bytes());
            assert_eq!(users.last(), Some(&Err(message.to_owned())), "{text:?}");
        }
        let error = CsvUsers::new(&b"\xef\xbb\xbf\"id\",\"text\n1,a\n"[..])
            .err()
            .unwrap();
        assert!(error.contains("the quote opened in line 1"), "{error}");
    }

    #[test]
    fn an_open_quote_swallowed_rows_up_to_the_next_quote() {
        // With the read-ahead of the parser, later rows are checked before the first is returned.
        let good = "9,\"say \"\"hi\"\",\n\n\"\"bye\"\"\" \n";
        let users = read(format!("id,text\n1,\"a\n2,\"b\"\n3,c\n4,\"d\"e\"\n{good}").as_bytes());
        let what = |line: u64| {
            format!(
                "{line}: text follows the closing quote of the cell that begins in line {line}; close the cell, and \
                 double the quotes inside it"
            )
        };
        assert_eq!(users[0], Err(what(2)));
        assert_eq!(users[1], Err(what(5)));
        assert_eq!(users[2].as_ref().unwrap().posts, ["c"]);
        let last = &users[3].as_ref().unwrap().posts;
        assert_eq!(*last, ["say \"hi\",\n\n\"bye\" "]);
        assert_eq!(users.len(), 4);
    }

    #[test]
    fn lines_were_counted_without_those_between_rows() {
        for (text, line) in [
            ("id,text\r\n1,a\r\n2\r\n", 3),
            ("\n\nid,text\n1,a\n\n\n2\n", 7),
            ("id,text\r\n1,\"a\r\nb\"\r\n\r\n2", 5),
        ] {
            let error = format!("{line}: 1 cells where the header has 2");
            assert_eq!(read(text.as_bytes())[0], Err(error), "{text:?}");
        }
    }

    #[test]
    fn of_the_columns_posts_and_text_one_was_ignored() {
        let users = read(b"posts,id,text\n,1,a\nb,2,\nc,3,d\n,4,\n");
        assert_eq!(users[0].as_ref().unwrap().posts, ["a"]);
        let error = users[1].as_ref().unwrap_err();
        assert!(
            error.starts_with("4: both \"posts\" and \"text\""),
            "{error}"
        );
        let user = users[2].as_ref().unwrap();
        assert_eq!((user.posts[0].as_str(), user.fields.len()), ("b", 1));
        assert_eq!(users[3].as_ref().unwrap().posts, [""]);
    }
}
