//! Helpers of the formats' tests.

use std::io::{self, BufRead};

use model_core::corpus::User;
use serde_json::{Value, json};

use crate::{Counts, Files, Format, Grouping, Note, Options, Receiver, recognise};

/// Files in memory.
pub(crate) struct Memory {
    names: Vec<String>,
    contents: Vec<Vec<u8>>,
}

impl Memory {
    pub(crate) fn new(files: &[(&str, &[u8])]) -> Self {
        Self {
            names: files.iter().map(|(name, _)| (*name).to_owned()).collect(),
            contents: files.iter().map(|(_, content)| content.to_vec()).collect(),
        }
    }
}

impl Files for Memory {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn place(&self, name: &str) -> String {
        name.to_owned()
    }

    fn open(&mut self, name: &str) -> io::Result<Box<dyn BufRead + '_>> {
        let index = self.names.iter().position(|other| other == name);
        let index = index.ok_or_else(|| io::Error::other("missing"))?;
        Ok(Box::new(self.contents[index].as_slice()))
    }
}

/// Keeps what it receives.
#[derive(Default)]
pub(crate) struct Received {
    pub(crate) users: Vec<User>,
    pub(crate) bad_records: Vec<String>,
    pub(crate) notes: Vec<String>,
    pub(crate) refuses_bad_records: bool,
}

impl Received {
    /// The users as JSON.
    pub(crate) fn json(&self) -> Value {
        let user = |user: &User| {
            let mut fields = Value::from(user.fields.clone());
            fields["posts"] = json!(user.posts);
            fields
        };
        self.users.iter().map(user).collect()
    }
}

impl Receiver for Received {
    fn user(&mut self, user: User) -> io::Result<()> {
        self.users.push(user);
        Ok(())
    }

    fn bad_record(&mut self, line: &str) -> io::Result<()> {
        self.bad_records.push(line.to_owned());
        match self.refuses_bad_records {
            true => Err(io::Error::other("a bad record")),
            false => Ok(()),
        }
    }

    fn note(&mut self, note: Note<'_>) {
        self.notes.push(note.to_string());
    }
}

/// Checks that an input of one file is of no format.
#[track_caller]
pub(crate) fn assert_unknown(name: &str, content: &str) {
    let mut files = Memory::new(&[(name, content.as_bytes())]);
    assert!(recognise(&mut files).parts.is_empty(), "{content}");
}

/// Reads files, whose format must be recognised.
pub(crate) fn read(format: &dyn Format, files: &[(&str, &[u8])]) -> (Received, Counts) {
    read_with(format, files, false)
}

/// The same, and keeps reposts.
pub(crate) fn read_with_reposts(
    format: &dyn Format,
    files: &[(&str, &[u8])],
) -> (Received, Counts) {
    read_with(format, files, true)
}

fn read_with(format: &dyn Format, files: &[(&str, &[u8])], reposts: bool) -> (Received, Counts) {
    let mut files = Memory::new(files);
    let found = recognise(&mut files).parts.remove(0).format;
    assert_eq!(found.about().name, format.about().name);
    let mut received = Received::default();
    let options = Options {
        reposts,
        max_bytes: 1 << 20,
    };
    let mut grouping = Grouping::new(options, &mut received);
    format.read(&mut files, &mut grouping).unwrap();
    let counts = grouping.finish_all().unwrap();
    fuzz(format, &files);
    (received, counts)
}

/// Reads damaged copies of the files. Their names stay, so that the format accepts them.
fn fuzz(format: &dyn Format, files: &Memory) {
    let name = format.about().name;
    fuzzing::fuzz_files(name, &[&files.contents[..]], |_, contents| {
        let mut damaged = Memory {
            names: files.names.clone(),
            contents: contents.to_vec(),
        };
        recognise(&mut damaged);
        let options = Options {
            reposts: true,
            max_bytes: 1 << 20,
        };
        let mut bad_records = |refuses_bad_records| {
            let mut received = Received {
                refuses_bad_records,
                ..Received::default()
            };
            let mut grouping = Grouping::new(options, &mut received);
            let result = format.read(&mut damaged, &mut grouping);
            let _ = result.and_then(|()| grouping.finish_all());
            received.bad_records.len()
        };
        if bad_records(false) > 1 {
            assert_eq!(bad_records(true), 1);
        }
    });
}
