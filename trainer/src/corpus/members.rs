//! The users in files of a folder or an archive that is of no known format.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom};
use std::path::Path;

use formats::Files;
use model_core::corpus::{HEAD_BYTES, Problem, Reading, User, Users, open_users, peek};

use super::Shard;
use super::columnar;
use super::container::unpacked;
use super::input::decompress;

/// A file of a folder or an archive, as a part of a temporary file.
struct Member {
    name: String,
    start: u64,
    length: u64,
}

/// The users in those files whose names say that they hold users, or in those of a shard. The files are unpacked into a
/// temporary one first.
///
/// # Errors
/// If they cannot be unpacked, or there is none.
pub(super) fn users(
    files: &mut dyn Files,
    reading: &Reading,
    shard: Option<Shard>,
) -> io::Result<Users> {
    let mut file = BufWriter::new(tempfile::tempfile()?);
    let mut members = Vec::new();
    let mut end = 0;
    let (names, note) = formats::members(files, &columnar::has_columnar_name);
    if names.is_empty() {
        let what = "no files of users in it (.jsonl, .json, .csv, .tsv, .txt, .parquet, .arrow), and no known format \
            (docs/formats.md)";
        return Err(io::Error::other(what));
    }
    let is_in_shard = |position| shard.is_none_or(|shard| shard.has(position));
    let names = names.into_iter().enumerate();
    for (_, name) in names.filter(|(position, _)| is_in_shard(*position)) {
        let length = io::copy(&mut files.open(&name)?, &mut file)?;
        members.push(Member {
            name,
            start: end,
            length,
        });
        end += length;
    }
    let users = MemberUsers {
        file: file.into_inner().map_err(io::IntoInnerError::into_error)?,
        members: members.into_iter(),
        reading: reading.clone(),
        current: None,
        records_before: 0,
        records: 0,
    };
    let users: Users = match shard {
        Some(_) => Shard::of_files(Box::new(users)),
        None => Box::new(users),
    };
    let note = note.map(|note| Err(Problem::Note(note)));
    Ok(Box::new(note.into_iter().chain(users)))
}

/// The users of one file after the other.
struct MemberUsers {
    file: File,
    members: std::vec::IntoIter<Member>,
    reading: Reading,
    /// The name of the present file, and the rest of it.
    current: Option<(String, Users)>,
    /// The number of records in the files before: records are counted through all of them.
    records_before: u64,
    records: u64,
}

impl MemberUsers {
    fn open(&self, member: &Member) -> io::Result<Result<Users, String>> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(member.start))?;
        let reader = decompress(BufReader::new(file.take(member.length)), false)?;
        let (head, reader) = peek(reader, HEAD_BYTES)?;
        if columnar::is_columnar(&head) {
            return Ok(columnar::users(unpacked(reader)?, &head, &self.reading));
        }
        Ok(open_users(
            Path::new(&member.name),
            &head,
            reader,
            &self.reading,
        ))
    }
}

impl Iterator for MemberUsers {
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
