//! What the reader finds in the files that the visitor has given, and the choice among their writers.
//!
//! The reader (`reader`) is a program of its own, in a worker of its own. It knows the formats of archives, unpacks, and
//! hands users to the page as the project's JSONL.

use serde::{Deserialize, Serialize};

use crate::batch::{Batch, GivenFile};
use crate::protocol::Reason;

/// A message from the reader to the page. The page's only message is the list of files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Report {
    /// The reader listens. Messages sent before this one are lost.
    Started,
    /// So many bytes of the files were read.
    Progress(u64),
    /// Files of a known format were read. The message after it is their users as JSONL.
    Users(Extract),
    /// A file was unpacked, or decoded to UTF-8. The message after it is its content.
    Unpacked {
        /// The name of the file.
        name: String,
        /// What else is to be known of it, in English.
        notes: Vec<String>,
    },
    /// The file at this place of the list is in no format with a name: the page reads it.
    Plain(usize),
    /// A file cannot be read, or not to its end.
    Unreadable {
        /// The name of the file.
        name: String,
        /// Why, in English.
        what: String,
    },
    /// All files were read.
    Done,
    /// The reader has failed and sends no more messages.
    Crashed(String),
}

/// What was read from files of one format.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Extract {
    /// The name of the first file.
    pub name: String,
    /// The format, and what was left out, in English.
    pub notes: Vec<String>,
    /// How many records could not be read.
    pub bad_records: u64,
    /// The first of them: the place and what is wrong, in English.
    pub reports: Vec<String>,
    /// The writers, in the order of the JSONL.
    pub writers: Vec<Writer>,
}

/// A writer of an archive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Writer {
    /// The id or name in the archive.
    pub id: String,
    /// The number of posts.
    pub posts: usize,
    /// The number of words, counted without a dictionary: a Chinese character is a word.
    pub words: usize,
    /// The first byte of the JSONL about this writer.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

/// Files whose writers are known before they are predicted.
#[derive(Default)]
pub struct Archive {
    files: Vec<GivenFile>,
    /// Each with the place of the file. Those with the most words come first.
    writers: Vec<(usize, Writer)>,
    /// Whether there are files that can be read and whose writers are not among these.
    has_others: bool,
}

impl Archive {
    /// A single file, of which the page knows no writers yet.
    pub fn of(file: GivenFile) -> Self {
        let mut archive = Self::default();
        archive.add(file);
        archive
    }

    /// Adds a file, of which the page knows no writers yet.
    pub fn add(&mut self, file: GivenFile) {
        self.has_others |= file.bytes().is_some();
        self.files.push(file);
    }

    /// Adds what the reader has found, with the content that came with it. Reports of the reader itself add nothing.
    pub fn add_found(&mut self, report: Report, content: Vec<u8>) {
        match report {
            Report::Users(extract) => self.add_users(extract, content),
            Report::Unpacked { name, notes } => {
                self.add(GivenFile::unpacked(name, content, notes));
            }
            Report::Unreadable { name, what } => {
                self.add(GivenFile::unreadable(name, Reason::BrokenFile(what)));
            }
            Report::Started
            | Report::Progress(_)
            | Report::Plain(_)
            | Report::Done
            | Report::Crashed(_) => {}
        }
    }

    fn add_users(&mut self, mut extract: Extract, jsonl: Vec<u8>) {
        let place = self.files.len();
        let writers = std::mem::take(&mut extract.writers);
        self.writers
            .extend(writers.into_iter().map(|writer| (place, writer)));
        self.writers
            .sort_by_key(|(_, writer)| std::cmp::Reverse(writer.words));
        self.files.push(GivenFile::extracted(extract, jsonl));
    }

    /// The name of the first file.
    pub fn name(&self) -> &str {
        self.files.first().map_or("", GivenFile::name)
    }

    /// How many files there are.
    pub fn files(&self) -> usize {
        self.files.len()
    }

    /// Whether [`all`](Self::all) has more users than the [`writers`](Self::writers), from files that are not read yet.
    pub fn has_others(&self) -> bool {
        self.has_others
    }

    /// The writers of archives, those with the most words first.
    pub fn writers(&self) -> impl ExactSizeIterator<Item = &Writer> {
        self.writers.iter().map(|(_, writer)| writer)
    }

    /// All users of all files.
    pub fn all(&self) -> Batch {
        Batch::new(self.files.clone())
    }

    /// One of the [`writers`](Self::writers).
    pub fn one(&self, place: usize) -> Option<Batch> {
        let (file, writer) = self.writers.get(place)?;
        let file = self.files.get(*file)?;
        let jsonl = file.bytes()?.get(writer.start..writer.end)?;
        Some(Batch::new(vec![file.with(jsonl)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(id: &str, words: usize, range: std::ops::Range<usize>) -> Writer {
        Writer {
            id: id.into(),
            posts: 1,
            words,
            start: range.start,
            end: range.end,
        }
    }

    #[test]
    fn one_writer_or_all_are_chosen() {
        let ann = "{\"id\":\"ann\",\"posts\":[\"hi\"]}\n";
        let ben = "{\"id\":\"ben\",\"posts\":[\"a longer post\"]}\n";
        let end = ann.len() + ben.len();
        let extract = Extract {
            name: "chat.txt".into(),
            notes: vec!["read as whatsapp".into()],
            bad_records: 1,
            reports: vec!["chat.txt:9: cut off".into()],
            writers: vec![
                writer("ann", 1, 0..ann.len()),
                writer("ben", 3, ann.len()..end),
            ],
        };
        let mut archive = Archive::default();
        archive.add_found(Report::Users(extract), format!("{ann}{ben}").into_bytes());
        let ids: Vec<_> = archive.writers().map(|writer| &writer.id).collect();
        assert_eq!(ids, ["ben", "ann"], "those with the most words come first");
        let all = crate::protocol::ChunkSize {
            users: 10,
            characters: 100,
        };
        let mut batch = archive.all();
        assert_eq!(batch.next_chunk(all).unwrap(), [["hi"], ["a longer post"]]);
        assert_eq!(batch.notes(), ["read as whatsapp"]);
        assert_eq!((batch.bad_records(), batch.reports()[0].line), (1, 0));
        let mut batch = archive.one(0).unwrap();
        assert_eq!(batch.next_chunk(all).unwrap(), [["a longer post"]]);
        assert_eq!(batch.name(), "chat.txt");
        assert!(archive.one(2).is_none());

        assert!(!archive.has_others());
        let reason = Reason::UnreadableFile("gone".into());
        archive.add(GivenFile::unreadable("gone.csv", reason));
        assert!(!archive.has_others());
        archive.add(GivenFile::new("users.jsonl", ann.as_bytes()));
        assert!(archive.has_others());
        assert_eq!((archive.files(), archive.all().files()), (3, 3));
    }
}
