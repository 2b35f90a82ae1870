//! Archives: the files of users in a zip or tar archive.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use model_core::corpus::{Format, HEAD_BYTES, Problem, Reading, User, Users, open_users, peek};
use zip::ZipArchive;

use super::input::{decompress, limited};

/// Whether the bytes of a file begin as those of a zip archive do.
pub(super) fn is_zip(head: &[u8]) -> bool {
    // A workbook is a zip archive too, but not one of files of users.
    head.starts_with(b"PK\x03\x04")
        && model_core::file_kind::what_else(head).is_some_and(|kind| kind.contains("ZIP"))
}

/// Whether the bytes of a file begin as those of a tar archive do.
pub(super) fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar")
}

/// The unpacked files of an archive whose names say that they hold users, one after the other in a temporary file.
struct Archive {
    file: BufWriter<File>,
    members: Vec<Member>,
    left_out: u64,
}

struct Member {
    name: String,
    start: u64,
    length: u64,
}

impl Archive {
    fn new() -> io::Result<Self> {
        Ok(Self {
            file: BufWriter::new(tempfile::tempfile()?),
            members: Vec::new(),
            left_out: 0,
        })
    }

    fn add(&mut self, name: &str, mut content: impl Read) -> io::Result<()> {
        let is_hidden = name
            .split('/')
            .any(|part| part.starts_with('.') || part == "__MACOSX");
        if is_hidden || Format::by_name(Path::new(name)).is_none() {
            self.left_out += 1;
            return Ok(());
        }
        let start = self
            .members
            .last()
            .map_or(0, |last| last.start + last.length);
        let length = io::copy(&mut content, &mut self.file)?;
        self.members.push(Member {
            name: name.to_owned(),
            start,
            length,
        });
        Ok(())
    }

    fn users(mut self, reading: &Reading) -> io::Result<Users> {
        self.file.flush()?;
        if self.members.is_empty() {
            let what = "an archive without files of users (.jsonl, .json, .csv, .tsv, .txt)";
            return Err(io::Error::other(what));
        }
        let note = (self.left_out > 0).then(|| {
            let kinds = "neither JSON, nor a table, nor plain text by their names";
            Err(Problem::Note(format!(
                "{} files in it are left out, {kinds}",
                self.left_out
            )))
        });
        let users = ArchiveUsers {
            file: self
                .file
                .into_inner()
                .map_err(io::IntoInnerError::into_error)?,
            members: self.members.into_iter(),
            reading: reading.clone(),
            current: None,
            records_before: 0,
            records: 0,
        };
        Ok(Box::new(note.into_iter().chain(users)))
    }
}

/// The users in the files of a zip archive.
///
/// # Errors
/// If it cannot be unpacked, or has no file of users.
pub(super) fn zip_users(path: &Path, reading: &Reading) -> io::Result<Users> {
    let mut zip = ZipArchive::new(BufReader::new(File::open(path)?))?;
    let mut archive = Archive::new()?;
    for index in 0..zip.len() {
        let member = zip.by_index(index)?;
        if member.is_file() {
            let (name, packed) = (member.name()?.into_owned(), member.compressed_size());
            archive.add(&name, limited(member, packed))?;
        }
    }
    archive.users(reading)
}

/// The users in the files of a tar archive.
///
/// # Errors
/// If it cannot be read, or has no file of users.
pub(super) fn tar_users(reader: impl BufRead, reading: &Reading) -> io::Result<Users> {
    let mut archive = Archive::new()?;
    for entry in tar::Archive::new(reader).entries()? {
        let entry = entry?;
        if entry.header().entry_type().is_file() {
            let name = entry.path()?.to_string_lossy().into_owned();
            archive.add(&name, entry)?;
        }
    }
    archive.users(reading)
}

/// The users of one file of an archive after the other.
struct ArchiveUsers {
    file: File,
    members: std::vec::IntoIter<Member>,
    reading: Reading,
    /// The name of the present file, and the rest of it.
    current: Option<(String, Users)>,
    /// The number of records in the files before: records are counted through the archive.
    records_before: u64,
    records: u64,
}

impl ArchiveUsers {
    fn open(&self, member: &Member) -> io::Result<Result<Users, String>> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(member.start))?;
        let reader = decompress(BufReader::new(file.take(member.length)), false)?;
        let (head, reader) = peek(reader, HEAD_BYTES)?;
        Ok(open_users(
            Path::new(&member.name),
            &head,
            reader,
            &self.reading,
        ))
    }
}

impl Iterator for ArchiveUsers {
    type Item = Result<User, Problem>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Some((name, users)) = &mut self.current else {
                let member = self.members.next()?;
                let users = match self.open(&member) {
                    Ok(Ok(users)) => users,
                    Ok(Err(what)) => {
                        let note = format!("{} in it is left out: {what}", member.name);
                        return Some(Err(Problem::Note(note)));
                    }
                    Err(error) => return Some(Err(Problem::Stream(error))),
                };
                self.records_before += std::mem::take(&mut self.records);
                self.current = Some((member.name, users));
                continue;
            };
            let Some(user) = users.next() else {
                self.current = None;
                continue;
            };
            return Some(match user {
                Ok(user) => {
                    self.records = self.records.max(user.record);
                    let record = self.records_before + user.record;
                    Ok(User { record, ..user })
                }
                Err(Problem::Record { line, what }) => {
                    self.records += 1;
                    let what = format!("in {name}: {what}");
                    Err(Problem::Record { line, what })
                }
                Err(Problem::Note(what)) => Err(Problem::Note(format!("{name} in it: {what}"))),
                Err(Problem::Stream(error)) => {
                    let what = format!("{name} in it: {error}");
                    Err(Problem::Stream(io::Error::new(error.kind(), what)))
                }
            });
        }
    }
}
