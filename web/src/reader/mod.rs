//! The reader: recognises the formats of files, unpacks archives, and groups posts by writer. Everything is read in pieces,
//! so that an archive may be larger than the memory of a tab.

mod loose;
mod users;

#[cfg(test)]
mod tests;

#[cfg(all(feature = "reader", target_arch = "wasm32"))]
mod blob;
#[cfg(all(feature = "reader", target_arch = "wasm32"))]
mod worker;

use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::Path;

use formats::{
    ArchiveKind, Files, Format, Grouping, Limited, MemoryFiles, Options, Part, Recognised,
    TarFiles, Unpacked, ZipFiles, gunzip, is_packed, members, no_members, recognise,
};
use model_core::corpus::{
    Encoding, Format as TextFormat, HEAD_BYTES, Packing, peek, without_flags,
};
use model_core::file_kind::{KIND_BYTES, what_else};

use crate::archive::Report;
use loose::Loose;
use users::UserLines;

/// The most bytes of text that wait for more of their writers, or that are unpacked at once. A tab has 4 GiB.
const MOST_BYTES: usize = 512 << 20;

/// Sends a report and the bytes that come with it.
pub type Send<'a> = &'a mut dyn FnMut(Report, Vec<u8>);

/// Files of one format that are read as one.
struct Group {
    format: &'static dyn Format,
    inputs: Vec<Input>,
    /// What else is to be known, in English.
    notes: Vec<String>,
}

enum Input {
    /// An archive as an index, and its files of the format.
    Archive(usize, Part),
    /// Names of files that were given singly.
    Loose(Vec<String>),
}

/// Reads files with their names, and reports what is in them.
pub fn read<'a, R: Read + Seek + 'a>(given: Vec<(String, R)>, send: Send<'_>) {
    let mut loose = Loose::default();
    let mut groups: Vec<Group> = Vec::new();
    let mut archives: Vec<Archive<'a>> = Vec::new();
    let mut others: Vec<Archive<'a>> = Vec::new();
    for (place, (name, reader)) in given.into_iter().enumerate() {
        match open(&name, reader) {
            Ok(Opened::Archive(mut files)) => {
                let found = recognise(&mut *files);
                if found.parts.is_empty() {
                    others.push((name, files));
                    continue;
                }
                for other in found.others.iter().filter(|other| is_packed(other)) {
                    if let Err(error) = files.open(other) {
                        send(unreadable(&format!("{name}/{other}"), &error), Vec::new());
                    }
                }
                let mut note = found.note();
                for part in found.parts {
                    let group = group(&mut groups, part.format);
                    group.inputs.push(Input::Archive(archives.len(), part));
                    group.notes.extend(note.take());
                }
                archives.push((name, files));
            }
            Ok(Opened::File { reader, is_packed }) => loose.add(place, name, reader, is_packed),
            Err(error) => send(unreadable(&name, &error), Vec::new()),
        }
    }
    let Recognised {
        parts: known,
        others: mut unknown,
    } = recognise(&mut loose);
    // What no format accepts may belong to a file that one does, such as account.js.
    let mut beside = Vec::new();
    if !known.is_empty() {
        let has_posts = |name: &String| TextFormat::by_name(Path::new(name)).is_some();
        beside = unknown
            .extract_if(.., |name| !has_posts(name))
            .collect::<Vec<_>>();
    }
    let mut note =
        (!beside.is_empty()).then(|| format!("no posts were read from {}", beside.join(", ")));
    for Part {
        format, mut names, ..
    } in known
    {
        names.extend(unknown.iter().chain(&beside).cloned());
        let group = group(&mut groups, format);
        group.inputs.push(Input::Loose(names));
        // One of them names those files.
        group.notes.extend(note.take());
    }
    for group in groups {
        read_group(group, &mut archives, &mut loose, send);
    }
    for (name, mut files) in others {
        read_members(&name, &mut *files, send);
    }
    for name in unknown {
        let (place, is_packed) = loose.place_of(&name);
        match is_packed || is_in_older_encoding(&name, &mut loose) {
            true => read_single(&name, is_packed, &mut loose, send),
            false => send(Report::Plain(place), Vec::new()),
        }
    }
}

/// An archive with its name.
type Archive<'a> = (String, Box<dyn Files + 'a>);

enum Opened<'a, R> {
    Archive(Box<dyn Files + 'a>),
    File { reader: R, is_packed: bool },
}

/// Opens an archive or a file. What is compressed with gzip is decompressed, also within an archive.
fn open<'a, R: Read + Seek + 'a>(name: &str, mut reader: R) -> io::Result<Opened<'a, R>> {
    let mut head = beginning(&mut reader)?;
    reader.rewind()?;
    let is_packed = head.starts_with(b"\x1F\x8B");
    if is_packed {
        head = beginning(&mut gunzip(BufReader::new(&mut reader))).map_err(not_unpacked)?;
        reader.rewind()?;
    }
    Ok(match (ArchiveKind::by_content(&head), is_packed) {
        (Some(ArchiveKind::Zip), false) => archive(ZipFiles::new(reader, name)?),
        (Some(ArchiveKind::Tar), false) => archive(TarFiles::new(BufReader::new(reader), name)?),
        (Some(ArchiveKind::Tar), true) => {
            let unpacked = unpacked(&mut reader)?;
            let files = MemoryFiles::from_tar(unpacked, name, MOST_BYTES);
            archive(files.map_err(not_unpacked)?)
        }
        _ => Opened::File { reader, is_packed },
    })
}

/// An archive whose files are decompressed if gzip has compressed them.
fn archive<'a, R>(files: impl Files + 'a) -> Opened<'a, R> {
    Opened::Archive(Box::new(Unpacked::new(files, |file| {
        let (head, file) = peek(file, KIND_BYTES)?;
        match Packing::by_content(&head) {
            None => Ok(Box::new(file)),
            Some(Packing::Gzip) => Ok(Box::new(BufReader::new(Limited::of(file, gunzip)))),
            Some(packing) => Err(io::Error::other(format!(
                "compressed with {}, which the page does not read; unpack it first, or use the command line",
                packing.name()
            ))),
        }
    })))
}

fn beginning(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    match reader.take(KIND_BYTES as u64).read_to_end(&mut head) {
        // Reading on meets the cut again.
        Err(error) if is_cut_off(&error) && !head.is_empty() => Ok(head),
        read => read.map(|_| head),
    }
}

fn is_cut_off(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::UnexpectedEof
}

/// A gzip file from its beginning, decompressed.
fn unpacked<R: Read + Seek>(reader: &mut R) -> io::Result<Limited<impl Read>> {
    reader.rewind()?;
    Ok(Limited::of(BufReader::new(reader), gunzip))
}

fn not_unpacked(error: io::Error) -> io::Error {
    let what = format!("gzip cannot be unpacked to its end: {error}");
    io::Error::new(error.kind(), what)
}

fn unreadable(name: &str, error: &io::Error) -> Report {
    let what = match error.kind() {
        io::ErrorKind::OutOfMemory => {
            let limit = MOST_BYTES >> 20;
            format!("its posts take more than {limit} MiB, which is too much for a page")
        }
        _ => error.to_string(),
    };
    Report::Unreadable {
        name: name.to_owned(),
        what,
    }
}

/// The group of a format.
fn group<'g>(groups: &'g mut Vec<Group>, format: &'static dyn Format) -> &'g mut Group {
    let name = format.about().name;
    let known = groups
        .iter()
        .position(|group| group.format.about().name == name);
    let place = known.unwrap_or_else(|| {
        groups.push(Group {
            format,
            inputs: Vec::new(),
            notes: Vec::new(),
        });
        groups.len() - 1
    });
    &mut groups[place]
}

fn read_group<R: Read + Seek>(
    group: Group,
    archives: &mut [Archive<'_>],
    loose: &mut Loose<R>,
    send: Send<'_>,
) {
    let Group {
        format,
        inputs,
        notes,
    } = group;
    let options = Options {
        reposts: false,
        max_bytes: MOST_BYTES,
    };
    let mut lines = UserLines::default();
    let mut failed = Vec::new();
    let mut first = None;
    let left_out = {
        let mut grouping = Grouping::new(options, &mut lines);
        for input in inputs {
            let (name, read) = match input {
                Input::Archive(archive, part) => {
                    let (name, files) = &mut archives[archive];
                    (name.clone(), part.read(&mut **files, &mut grouping))
                }
                Input::Loose(names) => {
                    let name = names.first().cloned().unwrap_or_default();
                    loose.show(names);
                    (name, format.read(loose, &mut grouping))
                }
            };
            if let Err(error) = read {
                failed.push(unreadable(&name, &error));
            }
            first.get_or_insert(name);
        }
        // These users are kept in memory, which meets no errors.
        grouping.finish_all().unwrap_or_default().listed()
    };
    let UserLines { jsonl, mut extract } = lines;
    extract.name = first.unwrap_or_default();
    extract
        .notes
        .push(format!("read as {}", format.about().name));
    if !left_out.is_empty() {
        extract
            .notes
            .push(format!("left out: {}", left_out.join(", ")));
    }
    extract.notes.extend(notes);
    send(Report::Users(extract), jsonl);
    for report in failed {
        send(report, Vec::new());
    }
}

/// Unpacks those files of an archive of no known format whose names say that they hold users.
fn read_members(archive: &str, files: &mut dyn Files, send: Send<'_>) {
    let (members, note) = members(files, &|_| false);
    if members.is_empty() {
        let what = no_members(files, ".jsonl, .json, .csv, .tsv, .txt");
        return send(unreadable(archive, &io::Error::other(what)), Vec::new());
    }
    let mut notes: Vec<String> = note.into_iter().collect();
    let mut left = MOST_BYTES;
    for member in members {
        let name = format!("{archive}/{member}");
        let content = (files.open(&member)).and_then(|file| content(file, left));
        match content {
            Ok((content, its_notes)) => {
                left -= content.len();
                let mut notes = std::mem::take(&mut notes);
                notes.extend(its_notes);
                send(Report::Unpacked { name, notes }, content);
            }
            Err(error) => send(unreadable(&name, &error), Vec::new()),
        }
    }
}

/// Reads a single file of no known format, which the page cannot read as it is.
fn read_single<R: Read + Seek>(name: &str, is_packed: bool, loose: &mut Loose<R>, send: Send<'_>) {
    let content = (loose.open(name)).and_then(|file| content(file, MOST_BYTES));
    match content {
        Ok((content, notes)) => {
            let ending = if is_packed && is_gz(name) { ".gz" } else { "" };
            let name = name[..name.len() - ending.len()].to_owned();
            send(Report::Unpacked { name, notes }, content);
        }
        Err(error) if is_packed => send(unreadable(name, &not_unpacked(error)), Vec::new()),
        Err(error) => send(unreadable(name, &error), Vec::new()),
    }
}

fn is_gz(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with(".gz")
}

/// The encoding of text that starts with `head`, if the page has no tables for it.
fn older_encoding(head: &[u8]) -> Option<Encoding> {
    let is_unicode = |encoding: &Encoding| {
        matches!(
            encoding,
            Encoding::Utf8 | Encoding::Utf16Le | Encoding::Utf16Be
        )
    };
    let encoding = Encoding::recognise(head).filter(|encoding| !is_unicode(encoding));
    encoding.filter(|_| what_else(head).is_none())
}

/// Whether a single file is text that the page cannot decode. One that cannot be read is left to the page.
fn is_in_older_encoding<R: Read + Seek>(name: &str, loose: &mut Loose<R>) -> bool {
    let head = (loose.open(name)).and_then(|file| Ok(peek(file, HEAD_BYTES)?.0));
    head.is_ok_and(|head| older_encoding(&head).is_some())
}

/// All bytes of a file, with notes on how they were read: those before a cut, and text of an older encoding in UTF-8.
fn content(file: impl BufRead, most: usize) -> io::Result<(Vec<u8>, Vec<String>)> {
    let mut content = Vec::new();
    let mut notes = Vec::new();
    let (head, file) = peek(file, HEAD_BYTES)?;
    let older = older_encoding(&head);
    let note = older.and_then(|encoding| encoding.note(&head));
    notes.extend(note.map(|note| without_flags(&note).to_owned()));
    let file = older.unwrap_or(Encoding::Utf8).decode(file);
    match file.take(most as u64 + 1).read_to_end(&mut content) {
        Err(error) if is_cut_off(&error) && !content.is_empty() => {
            notes.push(format!("{error}; what stands before is read"));
        }
        read => drop(read?),
    }
    match content.len() > most {
        true => Err(io::ErrorKind::OutOfMemory.into()),
        false => Ok((content, notes)),
    }
}
