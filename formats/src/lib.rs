//! The files that people hold: archives of accounts, crawls and research corpora, read as they are.
//!
//! A [`Format`] finds its files among those of an input and hands their posts to [`Grouping`], which groups them by
//! user and puts them in order of time. This crate opens no file: [`Files`] are bytes with names.
//!
//! ```
//! use std::io;
//! use formats::{Grouping, MemoryFiles, Note, Options, Receiver, recognise};
//! use model_core::corpus::User;
//!
//! /// Keeps the users and prints what could not be read and what else is to be known.
//! #[derive(Default)]
//! struct Users(Vec<User>);
//!
//! impl Receiver for Users {
//!     fn user(&mut self, user: User) -> io::Result<()> {
//!         self.0.push(user);
//!         Ok(())
//!     }
//!     fn bad_record(&mut self, line: &str) -> io::Result<()> {
//!         eprintln!("{line}");
//!         Ok(())
//!     }
//!     fn note(&mut self, note: Note<'_>) {
//!         eprintln!("{note}");
//!     }
//! }
//!
//! # let chat = r#"{"type": "personal_chat", "messages": [
//! #     {"id": 1, "type": "message", "date": "2024-05-01T10:00:00", "from": "Ann", "from_id": "user1", "text": "tea?"},
//! #     {"id": 2, "type": "message", "date": "2024-05-01T10:01:00", "from": "Ben", "from_id": "user2", "text": "yes"},
//! #     {"id": 3, "type": "message", "date": "2024-05-01T10:02:00", "from": "Ann", "from_id": "user1", "text": "now"}]}"#;
//! # let mut archive = tar::Builder::new(Vec::new());
//! # let mut header = tar::Header::new_gnu();
//! # header.set_size(chat.len() as u64);
//! # archive.append_data(&mut header, "result.json", chat.as_bytes())?;
//! # let archive = archive.into_inner()?;
//! // A chat that Telegram exported, in a tar archive.
//! let mut files = MemoryFiles::from_tar(archive.as_slice(), "chat.tar", 1 << 20)?;
//! let found = recognise(&mut files);
//! let part = &found.parts[0];
//! assert_eq!(part.format.about().name, "telegram");
//!
//! let mut users = Users::default();
//! let options = Options { reposts: false, max_bytes: 1 << 30 };
//! let mut grouping = Grouping::new(options, &mut users);
//! part.read(&mut files, &mut grouping)?;
//! grouping.finish_all()?;
//! assert_eq!(users.0[0].posts, ["tea?", "now"]);
//! # Ok::<(), io::Error>(())
//! ```
//!
//! To add a format, write a file beside the others, and add it to [`FORMATS`]. The help of the command line, its error
//! messages and the table in `docs/formats.md` are made from [`About`].

mod blogs;
mod blogs_csv;
mod blogs_xml;
mod bluesky;
mod car;
mod chat;
mod containers;
mod discord_exporter;
mod discord_package;
mod facebook;
mod files;
mod grouping;
mod html;
mod json;
mod labels;
mod limited;
mod line;
mod linkedin;
mod m3inference;
mod mastodon;
mod media_crawler;
mod memory;
mod owners;
mod pan;
mod reddit;
mod smp_cup;
mod sogou;
mod streams;
mod table;
mod telegram;
mod time;
mod twitter_api_v1;
mod twitter_api_v2;
mod twitter_archive;
mod weibo;
mod weibo_api;
mod weibo_crawler;
mod weibo_search;
mod weibo_spider;
mod whatsapp;
mod whatsapp_words;
mod youtube;

#[cfg(test)]
mod testing;

use std::collections::{BTreeMap, HashSet};
use std::io::{self, BufRead};

use containers::first_of;
pub use containers::{ArchiveKind, TarFiles, Unpacked, ZipFiles, is_packed, members, no_members};
pub use files::{Candidate, Files};
pub use grouping::{Counts, Grouping, Note, Options, Post, Receiver};
pub use limited::{Counted, Limited};
pub use memory::MemoryFiles;
pub use streams::{Streams, gunzip};

/// What a format is, for help, error messages and documentation.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its name on the command line.
    pub name: &'static str,
    /// What an input of this format is. It completes "expected …".
    pub input: &'static str,
    /// The text that is read, and who its users are.
    pub reads: &'static str,
    /// The labels that users may get; empty if the format has none.
    pub labels: &'static [&'static str],
    /// What is left out besides posts without text.
    pub leaves_out: &'static str,
}

/// A format of files with posts.
pub trait Format: Sync {
    /// What the format is.
    fn about(&self) -> &'static About;

    /// Whether a file belongs to this format.
    fn accepts(&self, file: &mut Candidate<'_>) -> bool;

    /// Hands all posts and labels of the files to `grouping`, and what is wrong with records that are left out.
    ///
    /// # Errors
    /// If no file is of this format, or `grouping` takes no more.
    fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()>;
}

/// All formats, in the order in which an input is tried on them.
pub const FORMATS: [&dyn Format; 25] = [
    &blogs_xml::BlogFiles,
    &blogs_csv::BlogTable,
    &twitter_archive::TwitterArchive,
    &weibo_api::WeiboApi,
    &twitter_api_v1::TwitterApiV1,
    &twitter_api_v2::TwitterApiV2,
    &mastodon::Mastodon,
    &bluesky::Bluesky,
    &weibo_crawler::WeiboCrawler,
    &weibo_spider::WeiboSpider,
    &weibo_search::WeiboSearch,
    &media_crawler::MediaCrawler,
    &telegram::Telegram,
    &whatsapp::WhatsApp,
    &line::Line,
    &discord_package::DiscordPackage,
    &discord_exporter::DiscordExporter,
    &facebook::Facebook,
    &youtube::YouTube,
    &linkedin::LinkedIn,
    &reddit::Reddit,
    &pan::Pan,
    &smp_cup::SmpCup,
    &sogou::Sogou,
    &m3inference::M3Inference,
];

/// The files of an input that are of one format.
pub struct Part {
    /// The format.
    pub format: &'static dyn Format,
    /// The names of its files.
    pub names: Vec<String>,
    /// The files of other formats.
    others: HashSet<String>,
}

impl Part {
    /// All files of an input, which is of this format.
    pub fn all(format: &'static dyn Format, files: &dyn Files) -> Self {
        Self {
            format,
            names: files.names().to_vec(),
            others: HashSet::new(),
        }
    }

    /// See [`Format::read`]; `files` are those of the input.
    ///
    /// # Errors
    /// Those of [`Format::read`].
    pub fn read(&self, files: &mut dyn Files, grouping: &mut Grouping<'_>) -> io::Result<()> {
        let mut names = files.names().to_vec();
        names.retain(|name| !self.others.contains(name));
        self.format.read(&mut Visible { files, names }, grouping)
    }
}

/// Some of the files of an input.
struct Visible<'a> {
    files: &'a mut dyn Files,
    names: Vec<String>,
}

impl Files for Visible<'_> {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn place(&self, name: &str) -> String {
        self.files.place(name)
    }

    fn open(&mut self, name: &str) -> io::Result<Box<dyn BufRead + '_>> {
        self.files.open(name)
    }
}

/// What an input consists of.
pub struct Recognised {
    /// The parts of known formats, in the order of [`FORMATS`].
    pub parts: Vec<Part>,
    /// The names of the other files. They have no posts, but may describe the users.
    pub others: Vec<String>,
}

impl Recognised {
    /// What is to be known of the other files, if there are known ones.
    pub fn note(&self) -> Option<String> {
        let count = match self.others.len() {
            0 => return None,
            1 => "1 other file".to_owned(),
            count => format!("{count} other files"),
        };
        let note = format!("{count} not read as posts: {}", first_of(&self.others));
        (!self.parts.is_empty()).then_some(note)
    }
}

/// Finds the formats of an input. A file is of the first format that accepts it.
pub fn recognise(files: &mut dyn Files) -> Recognised {
    let names = files.names().to_vec();
    let mut of_format: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let mut others = Vec::new();
    for name in names {
        let mut candidate = Candidate::new(files, &name);
        match FORMATS
            .iter()
            .position(|format| format.accepts(&mut candidate))
        {
            Some(format) => of_format.entry(format).or_default().push(name),
            None => others.push(name),
        }
    }
    let parts = of_format.iter().map(|(&format, names)| {
        let others = of_format.iter().filter(|(other, _)| **other != format);
        Part {
            format: FORMATS[format],
            names: names.clone(),
            others: others
                .flat_map(|(_, names)| names.iter().cloned())
                .collect(),
        }
    });
    Recognised {
        parts: parts.collect(),
        others,
    }
}

/// The names of the files that a format accepts.
///
/// # Errors
/// If there is none; the error says what was expected.
fn accepted(format: &dyn Format, files: &mut dyn Files) -> io::Result<Vec<String>> {
    let mut names = files.names().to_vec();
    names.retain(|name| format.accepts(&mut Candidate::new(files, name)));
    match names.is_empty() {
        true => Err(expected(format)),
        false => Ok(names),
    }
}

fn expected(format: &dyn Format) -> io::Error {
    let message = format!("expected {}", format.about().input);
    io::Error::new(io::ErrorKind::InvalidData, message)
}

/// The table of all formats in Markdown.
pub fn markdown_table() -> String {
    let mut table = String::from(
        "| `--format` | files | what is read | labels | what is left out |\n|---|---|---|---|---|\n",
    );
    for format in FORMATS {
        let about = format.about();
        let labels = about.labels.iter().map(|label| format!("`{label}`"));
        let labels = labels.collect::<Vec<_>>().join(", ");
        let cells = [
            &format!("`{}`", about.name),
            about.input,
            about.reads,
            &labels,
            about.leaves_out,
        ];
        table += &format!("| {} |\n", cells.join(" | "));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::assert_unknown;

    #[test]
    fn names_are_unique() {
        let names: HashSet<_> = FORMATS.iter().map(|format| format.about().name).collect();
        assert_eq!(names.len(), FORMATS.len());
    }

    #[test]
    fn tables_of_other_programs_are_of_no_format() {
        for record in [
            r#"{"text": "tea", "user_id": 1, "性别": "女"}"#,
            r#"{"id": 5, "text": "tea", "author_id": 1, "created_at": "2024-01-01", "lang": "en", "job": "cook"}"#,
            r#"{"comment_id": 5, "content": "tea", "user_id": 1, "job": "cook"}"#,
        ] {
            assert_unknown("a.jsonl", record);
        }
    }

    #[test]
    fn words_of_a_format_in_posts_were_that_format() {
        for (name, content) in [
            (
                "a.jsonl",
                r#"{"text": "see activitystreams", "kind": "orderedItems"}"#,
            ),
            ("a.jsonl", r#"{"text": "app.bsky.feed.post", "records": 3}"#),
            ("a.jsonl", r#"{"text": "roots of this version"}"#),
            ("a.txt", "The roots of this version\n"),
            (
                "messages.json",
                r#"[{"text": "ID, Timestamp and Contents"}]"#,
            ),
        ] {
            assert_unknown(name, content);
        }
    }

    #[test]
    fn text_about_a_format_was_of_that_format() {
        let text = "| Bluesky | {\"records\": [{\"$type\": \"app.bsky.feed.post\"}]} |\n\
            | Mastodon | {\"@context\": \"activitystreams\", \"orderedItems\": []} |\n";
        assert_unknown("README.md", text);
    }

    #[test]
    fn files_beside_the_posts_were_read_as_posts() {
        for (name, content) in [
            ("truth.txt", "a1f3:::female:::canada\n"),
            ("train_labels.txt", "1000000001||f||1990||None\n"),
            ("train_info.txt", "1000000001||name||None\n"),
            ("train_links.txt", "1000000001 1000000002\n"),
            ("valid_nolabel.txt", "1000000001\n"),
        ] {
            let mut files = testing::Memory::new(&[(name, content.as_bytes())]);
            let part = recognise(&mut files).parts.remove(0);
            let mut received = testing::Received::default();
            let options = Options {
                reposts: false,
                max_bytes: 1 << 20,
            };
            let mut grouping = Grouping::new(options, &mut received);
            let error = part.read(&mut files, &mut grouping).unwrap_err();
            assert!(
                error.to_string().starts_with("expected "),
                "{name}: {error}"
            );
        }
        assert_unknown("posts.txt", "tea ::: rain\n");
    }

    #[test]
    fn reading_went_on_after_a_refused_bad_record() {
        for (name, content) in [
            (
                "user_tag_query.10W.TEST",
                "00627779E16E7C09\ttea\nbroken\nbroken\n",
            ),
            (
                "blogtext.csv",
                "id,gender,age,topic,date,text\n1,male,20,Law,x,a,b\n1,male,20,Law,x,a,b\n",
            ),
            (
                "a.jsonl",
                "{\"id\": 1, \"name\": \"Ann\", \"screen_name\": \"ann\", \"description\": \"tea\"}\n{]\n{]\n",
            ),
        ] {
            for (refuses_bad_records, expected) in [(false, 2), (true, 1)] {
                let mut files = testing::Memory::new(&[(name, content.as_bytes())]);
                let part = recognise(&mut files).parts.remove(0);
                let mut received = testing::Received {
                    refuses_bad_records,
                    ..testing::Received::default()
                };
                let options = Options {
                    reposts: false,
                    max_bytes: 1 << 20,
                };
                let mut grouping = Grouping::new(options, &mut received);
                let read = part.read(&mut files, &mut grouping);
                assert_eq!(read.is_err(), refuses_bad_records, "{name}");
                assert_eq!(received.bad_records.len(), expected, "{name}");
            }
        }
    }

    #[test]
    fn the_documentation_lists_every_format() {
        let document = include_str!("../../docs/formats.md");
        let table = markdown_table();
        assert!(
            document.contains(&table),
            "docs/formats.md lacks this table:\n{table}"
        );
    }
}
