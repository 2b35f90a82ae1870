//! Archives as [`Files`].

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use model_core::corpus::{Format as TextFormat, Packing};
use model_core::file_kind::what_else;
use zip::ZipArchive;

use crate::files::base;
use crate::{Files, Limited};

/// A kind of archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveKind {
    /// See [`ZipFiles`].
    Zip,
    /// See [`TarFiles`].
    Tar,
}

impl ArchiveKind {
    /// The kind of an archive that starts with `head`; `None` for other files. A workbook is a zip archive too, but not one of
    /// files of users.
    pub fn by_content(head: &[u8]) -> Option<Self> {
        let is_zip = head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06");
        if is_zip && what_else(head).is_none_or(|kind| kind.contains("ZIP")) {
            return Some(Self::Zip);
        }
        (head.get(257..262) == Some(b"ustar") || has_tar_checksum(head)).then_some(Self::Tar)
    }
}

/// Whether bytes begin with the header of a tar archive, as its checksum says: the format of Unix v7 has no other mark.
fn has_tar_checksum(head: &[u8]) -> bool {
    /// Where the checksum stands, in octal digits. It counts its own bytes as spaces.
    const CHECKSUM: Range<usize> = 148..156;
    let Some(header) = head.get(..512) else {
        return false;
    };
    let digits = String::from_utf8_lossy(&header[CHECKSUM]);
    let stated = u64::from_str_radix(digits.trim_matches([' ', '\0']), 8);
    let bytes = (header.iter().enumerate()).map(|(index, byte)| match CHECKSUM.contains(&index) {
        true => u64::from(b' '),
        false => u64::from(*byte),
    });
    stated == Ok(bytes.sum())
}

/// The most files that a note names.
const MOST_NAMED: usize = 3;

/// The first of these names in a list.
pub(crate) fn first_of(names: &[String]) -> String {
    let first = names[..names.len().min(MOST_NAMED)].join(", ");
    let more = if names.len() > MOST_NAMED {
        ", …"
    } else {
        ""
    };
    first + more
}

/// Whether a name says that a file is compressed.
pub fn is_packed(name: &str) -> bool {
    Packing::strip_ending(&name.to_ascii_lowercase()).is_some()
}

/// Whether a name says nothing but that a file is compressed, as those of Reddit's dumps.
fn is_only_packed(name: &str) -> bool {
    let name = base(name).to_ascii_lowercase();
    Packing::strip_ending(&name).is_some_and(|name| !name.contains('.'))
}

/// The files of an archive of no known format whose names say that they hold users, or only that they are compressed, and what is
/// to be known of the others. `is_also` says of a further name whether it does.
pub fn members(
    files: &dyn Files,
    is_also: &dyn Fn(&Path) -> bool,
) -> (Vec<String>, Option<String>) {
    let is_hidden = |name: &str| name.split('/').any(|part| part.starts_with('.'));
    let has_users = |path: &Path| TextFormat::by_name(path).is_some() || is_also(path);
    let may_have_users = |name: &str| has_users(Path::new(name)) || is_only_packed(name);
    let is_member = |name: &String| !is_hidden(name) && may_have_users(name);
    let (members, others): (Vec<_>, Vec<_>) = files
        .names()
        .iter()
        .cloned()
        .partition(|name| is_member(name));
    let count = match others.len() {
        0 => return (members, None),
        1 => "1 file, by its name".to_owned(),
        count => format!("{count} files, by their names"),
    };
    let names = first_of(&others);
    let note = format!("left out {count} neither JSON, nor a table, nor plain text: {names}");
    (members, Some(note))
}

/// Why an input whose files are neither [`members`] nor of a known format is refused; `endings` are those of members.
pub fn no_members(files: &dyn Files, endings: &str) -> String {
    let names = files.names();
    let has_ending =
        |ending: &'static str| move |name: &String| name.to_ascii_lowercase().ends_with(ending);
    let advice = if names.is_empty() {
        "; it is empty".to_owned()
    } else if names.iter().all(has_ending(".zip")) {
        "; give the zip archives in it themselves".to_owned()
    } else if names.iter().any(has_ending(".html")) {
        "; web pages are not read, so export the account as JSON".to_owned()
    } else {
        format!("; it has {}", first_of(names))
    };
    format!("no files with posts in it ({endings}), and no known format{advice}")
}

/// A zip archive.
pub struct ZipFiles<R> {
    place: String,
    names: Vec<String>,
    indices: HashMap<String, usize>,
    archive: ZipArchive<R>,
}

impl<R: Read + Seek> ZipFiles<R> {
    /// Opens an archive; `place` is its name for messages.
    ///
    /// # Errors
    /// If it is not a whole zip archive.
    pub fn new(reader: R, place: &str) -> io::Result<Self> {
        let archive = ZipArchive::new(reader).map_err(|error| {
            let what = format!("a zip archive that cannot be read: {error}; is it cut off?");
            io::Error::new(io::ErrorKind::InvalidData, what)
        })?;
        // Windows PowerShell 5 writes backslashes between folders.
        let names =
            (archive.file_names_raw()).map(|name| String::from_utf8_lossy(name).replace('\\', "/"));
        let indices: HashMap<String, usize> = (names.enumerate())
            .filter(|(_, name)| is_file(name))
            .map(|(index, name)| (name, index))
            .collect();
        let mut names: Vec<String> = indices.keys().cloned().collect();
        names.sort_unstable();
        Ok(Self {
            place: place.to_owned(),
            names,
            indices,
            archive,
        })
    }
}

impl<R: Read + Seek> Files for ZipFiles<R> {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn place(&self, name: &str) -> String {
        format!("{}/{name}", self.place)
    }

    fn open(&mut self, name: &str) -> io::Result<Box<dyn BufRead + '_>> {
        let &index = (self.indices.get(name)).ok_or(io::ErrorKind::NotFound)?;
        let file = self.archive.by_index(index).map_err(io::Error::other)?;
        let packed = Arc::new(AtomicU64::new(file.compressed_size()));
        Ok(Box::new(BufReader::new(Limited::new(file, packed))))
    }
}

/// A tar archive that is not compressed.
pub struct TarFiles<R> {
    place: String,
    names: Vec<String>,
    /// The first byte and the length of each file.
    positions: HashMap<String, (u64, u64)>,
    reader: R,
}

impl<R: Read + Seek> TarFiles<R> {
    /// Opens an archive; `place` is its name for messages.
    ///
    /// # Errors
    /// If it is not a whole tar archive.
    pub fn new(mut reader: R, place: &str) -> io::Result<Self> {
        let mut positions = HashMap::new();
        for entry in tar::Archive::new(&mut reader).entries_with_seek()? {
            let entry = entry?;
            let name = entry.path()?.to_string_lossy().into_owned();
            let name = name.trim_start_matches("./").to_owned();
            if entry.header().entry_type().is_file() && is_file(&name) {
                positions.insert(name, (entry.raw_file_position(), entry.size()));
            }
        }
        let mut names: Vec<String> = positions.keys().cloned().collect();
        names.sort_unstable();
        Ok(Self {
            place: place.to_owned(),
            names,
            positions,
            reader,
        })
    }
}

impl<R: Read + Seek> Files for TarFiles<R> {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn place(&self, name: &str) -> String {
        format!("{}/{name}", self.place)
    }

    fn open(&mut self, name: &str) -> io::Result<Box<dyn BufRead + '_>> {
        let &(start, length) = (self.positions.get(name)).ok_or(io::ErrorKind::NotFound)?;
        self.reader.seek(SeekFrom::Start(start))?;
        Ok(Box::new(BufReader::new((&mut self.reader).take(length))))
    }
}

/// Files that are decompressed where they are compressed by themselves.
pub struct Unpacked<F, U> {
    files: F,
    unpack: U,
}

impl<F, U> Unpacked<F, U>
where
    F: Files,
    U: for<'a> Fn(Box<dyn BufRead + 'a>) -> io::Result<Box<dyn BufRead + 'a>>,
{
    /// These files. `unpack` decompresses one, or returns it as it is.
    pub fn new(files: F, unpack: U) -> Self {
        Self { files, unpack }
    }
}

impl<F, U> Files for Unpacked<F, U>
where
    F: Files,
    U: for<'a> Fn(Box<dyn BufRead + 'a>) -> io::Result<Box<dyn BufRead + 'a>>,
{
    fn names(&self) -> &[String] {
        self.files.names()
    }

    fn place(&self, name: &str) -> String {
        self.files.place(name)
    }

    fn open(&mut self, name: &str) -> io::Result<Box<dyn BufRead + '_>> {
        (self.unpack)(self.files.open(name)?)
    }
}

/// Archives made on a Mac have a hidden file beside each file.
pub(crate) fn is_file(name: &str) -> bool {
    !name.ends_with('/') && !name.starts_with("__MACOSX/")
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    fn zip() -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for method in [
            zip::CompressionMethod::Stored,
            zip::CompressionMethod::Deflated,
        ] {
            let options = zip::write::SimpleFileOptions::default().compression_method(method);
            (archive.start_file(format!("posts/{method}.txt"), options)).unwrap();
            archive.write_all(b"one post\nanother post\n").unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn tar() -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        for name in ["./a.txt", "posts/b.txt"] {
            let mut header = tar::Header::new_gnu();
            header.set_size(9);
            header.set_mode(0o644);
            (archive.append_data(&mut header, name, &b"one post\n"[..])).unwrap();
        }
        archive.into_inner().unwrap()
    }

    /// Reads the files of an archive; their names.
    fn read(archive: io::Result<impl Files>) -> Vec<String> {
        let Ok(mut archive) = archive else {
            return Vec::new();
        };
        let names = archive.names().to_vec();
        for name in &names {
            if let Ok(mut file) = archive.open(name) {
                let _ = io::copy(&mut file, &mut io::sink());
            }
        }
        names
    }

    #[test]
    fn backslashes_in_a_zip_archive_were_parts_of_names() {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        for name in ["data\\", "data\\tweets.js"] {
            archive.start_file(name, options).unwrap();
        }
        let archive = archive.finish().unwrap();
        assert_eq!(read(ZipFiles::new(archive, "x.zip")), ["data/tweets.js"]);
    }

    #[test]
    fn tar_archives_of_unix_v7_were_no_archives() {
        let mut archive = tar();
        assert_eq!(ArchiveKind::by_content(&archive), Some(ArchiveKind::Tar));
        archive[257..265].fill(0);
        assert_eq!(ArchiveKind::by_content(&archive), None);
        let text = "posts/a.txt 011111 ".repeat(40);
        assert_eq!(ArchiveKind::by_content(text.as_bytes()), None);
        let mut header = tar::Header::new_old();
        header.set_path("a.txt").unwrap();
        header.set_size(9);
        header.set_cksum();
        let archive = [header.as_bytes(), &[0; 512][..]].concat();
        assert_eq!(ArchiveKind::by_content(&archive), Some(ArchiveKind::Tar));
        assert_eq!(ArchiveKind::by_content(&archive[..300]), None);
    }

    #[test]
    fn fuzz_archives() {
        let names = read(ZipFiles::new(Cursor::new(zip()), "x.zip"));
        assert_eq!(names, ["posts/Deflated.txt", "posts/Stored.txt"]);
        fuzzing::fuzz("zip", &[zip()], |bytes| {
            read(ZipFiles::new(Cursor::new(bytes), "x.zip"));
        });
        let names = read(TarFiles::new(Cursor::new(tar()), "x.tar"));
        assert_eq!(names, ["a.txt", "posts/b.txt"]);
        fuzzing::fuzz("tar", &[tar()], |bytes| {
            read(TarFiles::new(Cursor::new(bytes), "x.tar"));
        });
    }
}
