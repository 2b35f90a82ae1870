//! An input as files with names: a folder, a single file or an archive.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use formats::{Files, TarFiles, ZipFiles};

use crate::corpus::open_input;

/// The first bytes of a zip archive, and of an empty one.
const ZIP_SIGNATURES: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];
/// What stands in the header of the first file of a tar archive, and where.
const TAR_SIGNATURE: (&[u8], usize) = (b"ustar", 257);
/// The most files in a folder.
const MOST_FILES: usize = 1 << 20;

/// What a format reads users from.
pub struct Input {
    files: Box<dyn Files>,
    skipped: Skipped,
}

/// What a folder holds besides files and folders.
#[derive(Clone, Copy, Debug, Default)]
pub struct Skipped {
    /// The number of links to folders, which may lead in a circle.
    pub linked_folders: u64,
    /// The number of pipes, sockets and devices. Reading a pipe waits for a writer.
    pub special_files: u64,
}

impl Input {
    /// Opens a folder with its subfolders, a zip or tar archive, or a single file. Tar archives and files may be compressed.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut skipped = Skipped::default();
        let place = path.display().to_string();
        let metadata = std::fs::metadata(path)?;
        let files: Box<dyn Files> = if metadata.is_dir() {
            let mut names = Vec::new();
            list(path, "", &mut names, &mut skipped)?;
            names.sort_unstable();
            Box::new(Folder {
                path: path.to_owned(),
                names,
            })
        } else if !metadata.is_file() {
            let what = "a pipe or device, which can be read only once; save it to a file first";
            return Err(io::Error::other(what));
        } else if is_zip(path)? {
            Box::new(ZipFiles::new(BufReader::new(File::open(path)?), &place)?)
        } else if is_tar(path) {
            let path = path.to_owned();
            Box::new(TarFiles::new(Box::new(move || open_input(&path)), &place)?)
        } else {
            Box::new(SingleFile {
                path: path.to_owned(),
                names: [path.file_name().map(lossy).unwrap_or_default()],
            })
        };
        Ok(Self { files, skipped })
    }

    /// What a folder holds besides its files.
    pub fn skipped(&self) -> Skipped {
        self.skipped
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
}

impl Files for Folder {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn place(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }

    fn open(&mut self, name: &str) -> io::Result<Box<dyn BufRead + '_>> {
        Ok(open_input(&self.path.join(name))?)
    }
}

struct SingleFile {
    path: PathBuf,
    names: [String; 1],
}

impl Files for SingleFile {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn place(&self, _: &str) -> String {
        self.path.display().to_string()
    }

    fn open(&mut self, _: &str) -> io::Result<Box<dyn BufRead + '_>> {
        Ok(open_input(&self.path)?)
    }
}

fn lossy(name: &OsStr) -> String {
    name.to_string_lossy().into_owned()
}

fn is_zip(path: &Path) -> io::Result<bool> {
    let head = head(File::open(path)?, ZIP_SIGNATURES[0].len())?;
    Ok(ZIP_SIGNATURES.contains(&head.as_slice()))
}

fn is_tar(path: &Path) -> bool {
    let (signature, start) = TAR_SIGNATURE;
    // Reading the file itself meets the error again and reports it with its place.
    let head = open_input(path).and_then(|file| head(file, start + signature.len()));
    head.is_ok_and(|head| head.get(start..) == Some(signature))
}

fn head(reader: impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    reader.take(length as u64).read_to_end(&mut head)?;
    Ok(head)
}
