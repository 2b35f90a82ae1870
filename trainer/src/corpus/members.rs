//! The users in files of a folder or an archive that is of no known format.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use formats::Files;
use model_core::corpus::{HEAD_BYTES, Problem, Reading, User, Users, open_users, peek};

use super::columnar;
use super::container::unpacked;
use super::{Options, Shard};

/// A file of a folder or an archive, as a part of a temporary file.
struct Member {
    name: String,
    start: u64,
    length: u64,
    /// Why the file ends too early, if it does.
    cut: Option<String>,
}

/// The users in those files whose names say that they hold users, or in those of the shard. The files are unpacked into a
/// temporary one first.
///
/// # Errors
/// If they cannot be unpacked, or there is none.
pub(super) fn users(files: &mut dyn Files, options: &Options) -> io::Result<Users> {
    let shard = options.shard;
    let mut file = BufWriter::new(tempfile::tempfile()?);
    let mut members = Vec::new();
    let mut end = 0;
    let (names, note) = formats::members(files, &columnar::has_columnar_name);
    if names.is_empty() {
        let endings = ".jsonl, .json, .csv, .tsv, .txt, .parquet, .arrow";
        return Err(io::Error::other(formats::no_members(files, endings)));
    }
    let is_in_shard = |position| shard.is_none_or(|shard| shard.has(position));
    let names = names.into_iter().enumerate();
    for (_, name) in names.filter(|(position, _)| is_in_shard(*position)) {
        let copied = (files.open(&name)).and_then(|mut member| copy(&mut *member, &mut file));
        let (length, cut) = copied.map_err(|error| in_file(&name, &error))?;
        members.push(Member {
            name,
            start: end,
            length,
            cut,
        });
        end += length;
    }
    let users = MemberUsers {
        file: file.into_inner().map_err(io::IntoInnerError::into_error)?,
        members: members.into_iter(),
        reading: options.reading.clone(),
        fields: options.fields.clone(),
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

fn in_file(name: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{name} in it: {error}"))
}

/// Copies a file as far as it goes: its length, and why it ends there if it is cut off.
fn copy(file: &mut dyn BufRead, copy: &mut impl Write) -> io::Result<(u64, Option<String>)> {
    let mut length = 0;
    loop {
        let bytes = match file.fill_buf() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Ok((length, Some(error.to_string())));
            }
            read => read?,
        };
        if bytes.is_empty() {
            return Ok((length, None));
        }
        copy.write_all(bytes)?;
        let read = bytes.len();
        file.consume(read);
        length += read as u64;
    }
}

/// The end of a file; an error if the file is cut off.
struct End(Option<String>);

impl Read for End {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match &self.0 {
            Some(what) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, what.clone())),
            None => Ok(0),
        }
    }
}

/// The users of one file after the other.
struct MemberUsers {
    file: File,
    members: std::vec::IntoIter<Member>,
    reading: Reading,
    /// As [`Options::fields`].
    fields: Option<Vec<String>>,
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
        let end = End(member.cut.clone());
        let reader = BufReader::new(file.take(member.length).chain(end));
        let (head, reader) = peek(reader, HEAD_BYTES)?;
        if columnar::is_columnar(&head) {
            let fields = self.fields.as_deref();
            return Ok(columnar::users(
                unpacked(reader)?,
                &head,
                &self.reading,
                fields,
            ));
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
                Err(Problem::Stream(error)) => Err(Problem::Stream(in_file(name, &error))),
            });
        }
    }
}
