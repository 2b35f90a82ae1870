//! Folders and archives: several files that are read as one corpus.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

use formats::{ArchiveKind, Files, TarFiles, Unpacked, ZipFiles};
use model_core::corpus::{HEAD_BYTES, peek};

use super::columnar::is_columnar;
use super::input::{self, STANDARD_INPUT};
use super::reader::name;
use crate::table::counted;

/// The most files in a folder.
const MOST_FILES: usize = 1 << 20;

/// Files with names: those of a folder, of an archive, or a single one.
pub struct Container {
    files: Box<dyn Files + Send>,
    skipped: Skipped,
}

/// Counts of a folder's entries that are not read.
#[derive(Clone, Copy, Debug, Default)]
struct Skipped {
    /// The number of links to folders, which may lead in a circle.
    linked_folders: u64,
    /// The number of pipes, sockets and devices. Reading a pipe waits for a writer.
    special_files: u64,
}

/// The kind of a path's target.
pub(super) enum Opened {
    /// A folder or an archive.
    Container(Container),
    /// A file of columns, which is not compressed, and its first [`HEAD_BYTES`].
    Columns(Vec<u8>, File),
    /// A single file: its first [`HEAD_BYTES`] and all of its bytes, decompressed.
    File(Vec<u8>, Box<dyn BufRead + Send>),
}

/// Opens a folder with its subfolders, a zip or tar archive, a file of columns, or another single file. `-` is standard input.
/// Compressed files and archives are decompressed; `is_long` as for [`input::open_long`].
///
/// # Errors
/// If it cannot be read.
pub(super) fn open(path: &Path, is_long: bool) -> io::Result<Opened> {
    let place = path.display().to_string();
    let is_input = path.as_os_str() == STANDARD_INPUT;
    if !is_input && std::fs::metadata(path)?.is_dir() {
        let (mut names, mut skipped) = (Vec::new(), Skipped::default());
        list(path, "", &mut names, &mut skipped)?;
        names.sort_unstable();
        let path = path.to_owned();
        let files = Box::new(Folder {
            path,
            names,
            is_long,
        });
        return Ok(Opened::Container(Container { files, skipped }));
    }
    let (head, reader) = peek(input::open_long(path, is_long)?, HEAD_BYTES)?;
    let is_jumped_in = |head: &[u8]| ArchiveKind::by_content(head).is_some() || is_columnar(head);
    if !is_jumped_in(&head) {
        return Ok(Opened::File(head, Box::new(reader)));
    }
    // These files are not read from front to end.
    let is_plain = !is_input
        && std::fs::metadata(path)?.is_file()
        && is_jumped_in(&peek(BufReader::new(File::open(path)?), HEAD_BYTES)?.0);
    let file = match is_plain {
        true => File::open(path)?,
        false => unpacked(reader)?,
    };
    if is_columnar(&head) {
        return Ok(Opened::Columns(head, file));
    }
    let file = BufReader::new(file);
    let files: Box<dyn Files + Send> = match ArchiveKind::by_content(&head) {
        Some(ArchiveKind::Zip) => unpacked_files(ZipFiles::new(file, &place)?, is_long),
        _ => unpacked_files(TarFiles::new(file, &place)?, is_long),
    };
    Ok(Opened::Container(Container {
        files,
        skipped: Skipped::default(),
    }))
}

/// Decompresses those files of an archive that are compressed by themselves.
fn unpacked_files(files: impl Files + Send + 'static, is_long: bool) -> Box<dyn Files + Send> {
    Box::new(Unpacked::new(files, move |file| {
        Ok(Box::new(input::decompress(file, is_long)?))
    }))
}

/// A checksum of the names and lengths of the files in a folder, or of the length of a file, by which files that were added,
/// removed or continued are noticed.
///
/// # Errors
/// If the folder cannot be listed.
pub fn extent(path: &Path) -> io::Result<String> {
    let mut hasher = crc32fast::Hasher::new();
    let mut names = vec![String::new()];
    if path.is_dir() {
        names.clear();
        list(path, "", &mut names, &mut Skipped::default())?;
        names.sort_unstable();
    }
    for name in names {
        let file = match name.is_empty() {
            true => path.to_owned(),
            false => path.join(&name),
        };
        // What cannot be looked at, and standard input, is reported when it is read.
        let length = std::fs::metadata(file).map_or(0, |file| file.len());
        hasher.update(format!("{name}\0{length}\0").as_bytes());
    }
    Ok(format!("{:08x}", hasher.finalize()))
}

/// All bytes of `reader` as a temporary file.
pub(super) fn unpacked(mut reader: impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut reader, &mut file)?;
    file.rewind()?;
    Ok(file)
}

impl Container {
    /// A folder, an archive or a file as files with names.
    ///
    /// # Errors
    /// If it cannot be read, or is a pipe.
    pub fn open(path: &Path, is_long: bool) -> io::Result<Self> {
        if path.as_os_str() != STANDARD_INPUT {
            let metadata = std::fs::metadata(path)?;
            if metadata.is_file() || metadata.is_dir() {
                return Ok(match open(path, is_long)? {
                    Opened::Container(container) => container,
                    Opened::Columns(..) | Opened::File(..) => Self::single(path, is_long),
                });
            }
        }
        let what = "a pipe or device, which can be read only once; save it to a file first";
        Err(io::Error::other(what))
    }

    /// A file that is neither an archive nor a pipe.
    pub(super) fn single(path: &Path, is_long: bool) -> Self {
        let files = Box::new(SingleFile {
            path: path.to_owned(),
            names: [path.file_name().map(lossy).unwrap_or_default()],
            is_long,
        });
        Self {
            files,
            skipped: Skipped::default(),
        }
    }

    /// A pipe whose bytes were saved.
    pub(super) fn piped(path: &Path, saved: impl Read + Seek + Send + 'static) -> Self {
        let files = Box::new(SavedPipe {
            names: [path.file_name().map(lossy).unwrap_or_default()],
            place: name(path).to_string(),
            saved,
        });
        Self {
            files,
            skipped: Skipped::default(),
        }
    }

    /// What a folder holds that is not read, such as "1 link to a folder"; empty if there is nothing.
    pub fn skipped(&self) -> String {
        let Skipped {
            linked_folders,
            special_files,
        } = self.skipped;
        let kinds = [
            (linked_folders, "link", " to a folder"),
            (special_files, "special file", " (pipe or device)"),
        ];
        let kinds = kinds.iter().filter(|(number, ..)| *number > 0);
        let kinds = kinds.map(|(number, what, remark)| counted(*number, what) + remark);
        kinds.collect::<Vec<_>>().join(" and ")
    }

    /// The files.
    pub fn files(&mut self) -> &mut dyn Files {
        &mut *self.files
    }
}

/// Lists the files of a folder and its subfolders, with `prefix` before their names.
fn list(
    folder: &Path,
    prefix: &str,
    names: &mut Vec<String>,
    skipped: &mut Skipped,
) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", lossy(&entry.file_name()));
        let is_link = entry.file_type()?.is_symlink();
        // Where a link leads. What cannot be looked at is reported when it is read.
        match std::fs::metadata(entry.path()) {
            Ok(metadata) if metadata.is_dir() && is_link => skipped.linked_folders += 1,
            Ok(metadata) if metadata.is_dir() => {
                list(&entry.path(), &format!("{name}/"), names, skipped)?;
            }
            Ok(metadata) if !metadata.is_file() => skipped.special_files += 1,
            _ => names.push(name),
        }
        if names.len() > MOST_FILES {
            let what = format!("more than {MOST_FILES} files; name a folder in it");
            return Err(io::Error::other(what));
        }
    }
    Ok(())
}

struct Folder {
    path: PathBuf,
    /// In alphabetical order.
    names: Vec<String>,
    is_long: bool,
}

impl Files for Folder {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn place(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }

    fn open(&mut self, name: &str) -> io::Result<Box<dyn BufRead + '_>> {
        Ok(input::open_long(&self.path.join(name), self.is_long)?)
    }
}

struct SingleFile {
    path: PathBuf,
    names: [String; 1],
    is_long: bool,
}

impl Files for SingleFile {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn place(&self, _: &str) -> String {
        self.path.display().to_string()
    }

    fn open(&mut self, _: &str) -> io::Result<Box<dyn BufRead + '_>> {
        Ok(input::open_long(&self.path, self.is_long)?)
    }
}

struct SavedPipe<R> {
    names: [String; 1],
    place: String,
    saved: R,
}

impl<R: Read + Seek> Files for SavedPipe<R> {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn place(&self, _: &str) -> String {
        self.place.clone()
    }

    fn open(&mut self, _: &str) -> io::Result<Box<dyn BufRead + '_>> {
        self.saved.rewind()?;
        Ok(Box::new(BufReader::new(&mut self.saved)))
    }
}

fn lossy(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}
