//! What the tests of the formats share.

use std::io::{self, BufRead};

use model_core::corpus::User;
use serde_json::{Value, json};

use crate::{Counts, Files, Format, Options, Receiver, Writers, recognise};

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

    fn bad_record(&mut self, line: &str) {
        self.bad_records.push(line.to_owned());
    }
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
    let mut writers = Writers::new(options, &mut received);
    format.read(&mut files, &mut writers).unwrap();
    let counts = writers.finish_all().unwrap();
    read_damaged(format, &files);
    (received, counts)
}

/// Reads the files again with a few damaged bytes or without their ends, which must not panic.
fn read_damaged(format: &dyn Format, files: &Memory) {
    // Numbers that look random and are the same in every run.
    let mut state = 1_u64;
    let mut random = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as usize % below.max(1)
    };
    for _ in 0..300 {
        let mut damaged = Memory {
            names: files.names.clone(),
            contents: files.contents.clone(),
        };
        for _ in 0..=random(3) {
            let file = random(damaged.contents.len());
            let content = &mut damaged.contents[file];
            let at = random(content.len());
            match random(4) {
                0 => content.truncate(at),
                1 => content.insert(at, b"<>[]{}\"\\:,\n\xe9\x80"[random(13)]),
                2 if at < content.len() => drop(content.remove(at)),
                _ if at < content.len() => content[at] = random(256) as u8,
                _ => {}
            }
        }
        let mut received = Received::default();
        let options = Options {
            reposts: true,
            max_bytes: 1 << 20,
        };
        let mut writers = Writers::new(options, &mut received);
        let result = format.read(&mut damaged, &mut writers);
        let _ = result.and_then(|()| writers.finish_all());
    }
}
