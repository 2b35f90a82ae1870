//! Users as JSONL, with the list of writers.

use std::io;

use formats::{Note, Receiver};
use model_core::corpus::User;
use model_core::language::is_han;
use serde_json::json;

use crate::archive::{Extract, Writer};
use crate::batch::MAX_REPORTS;

/// Collects users.
#[derive(Default)]
pub(super) struct UserLines {
    pub jsonl: Vec<u8>,
    pub extract: Extract,
}

impl Receiver for UserLines {
    fn user(&mut self, user: User) -> io::Result<()> {
        let id = user.id();
        let start = self.jsonl.len();
        serde_json::to_writer(&mut self.jsonl, &json!({ "id": id, "posts": user.posts }))?;
        self.jsonl.push(b'\n');
        self.extract.writers.push(Writer {
            id: id.as_str().unwrap_or_default().to_owned(),
            posts: user.posts.len(),
            words: user.posts.iter().map(|post| words(post)).sum(),
            start,
            end: self.jsonl.len(),
        });
        Ok(())
    }

    fn bad_record(&mut self, line: &str) -> io::Result<()> {
        self.extract.bad_records += 1;
        if self.extract.reports.len() < MAX_REPORTS {
            self.extract.reports.push(line.to_owned());
        }
        Ok(())
    }

    fn note(&mut self, note: Note<'_>) {
        self.extract.notes.push(note.to_string());
    }
}

/// The number of words, as far as they are known without a dictionary: letters and digits in a row, and each Chinese
/// character.
pub(super) fn words(text: &str) -> usize {
    let mut words = 0;
    let mut is_inside = false;
    for letter in text.chars() {
        let is_chinese = is_han(letter);
        let is_letter = letter.is_alphanumeric() || (is_inside && matches!(letter, '\'' | '’'));
        words += usize::from(is_chinese || (is_letter && !is_inside));
        is_inside = is_letter && !is_chinese;
    }
    words
}
