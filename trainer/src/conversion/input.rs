//! An input as a list of named files: a folder or a single file.

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::{Path, PathBuf};

use crate::corpus::open_input;

/// The first bytes of a zip archive.
const ZIP_SIGNATURE: &[u8] = b"PK\x03\x04";

/// What a format reads users from.
pub struct Input {
    path: PathBuf,
    /// In alphabetical order.
    names: Vec<String>,
    is_file: bool,
    skipped: Skipped,
}

/// What a folder holds besides files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Skipped {
    /// The number of subfolders.
    pub subfolders: u64,
    /// The number of pipes, sockets and devices. Reading a pipe waits for a writer.
    pub special_files: u64,
}

impl Input {
    /// Opens a folder, of which subfolders are not read, or a single file.
    ///
    /// # Errors
    /// If it cannot be read, or is a zip archive.
    pub fn open(path: &Path) -> io::Result<Self> {
        let is_file = !std::fs::metadata(path)?.is_dir();
        let mut skipped = Skipped::default();
        let mut names = if is_file {
            if is_archive(path)? {
                let what = "a zip archive: unpack it, then name the folder or file that was in it";
                return Err(io::Error::other(what));
            }
            vec![path.file_name().map(lossy).unwrap_or_default()]
        } else {
            let mut names = Vec::new();
            for entry in std::fs::read_dir(path)? {
                let entry = entry?;
                // Where a link leads. What cannot be looked at is reported when it is read.
                match std::fs::metadata(entry.path()) {
                    Ok(metadata) if metadata.is_dir() => skipped.subfolders += 1,
                    Ok(metadata) if !metadata.is_file() => skipped.special_files += 1,
                    _ => names.push(lossy(&entry.file_name())),
                }
            }
            names
        };
        names.sort_unstable();
        Ok(Self {
            path: path.to_owned(),
            names,
            is_file,
            skipped,
        })
    }

    /// What a folder holds besides its files.
    pub fn skipped(&self) -> Skipped {
        self.skipped
    }

    /// The names of the files.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the input is a single file, which may have any name.
    pub fn is_file(&self) -> bool {
        self.is_file
    }

    /// A file of the input as messages name it.
    pub fn place(&self, name: &str) -> String {
        self.path_of(name).display().to_string()
    }

    /// The bytes of the file of this name, decompressed if they are compressed.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(&self, name: &str) -> io::Result<Box<dyn BufRead + Send>> {
        open_input(&self.path_of(name))
    }

    fn path_of(&self, name: &str) -> PathBuf {
        match self.is_file {
            true => self.path.clone(),
            false => self.path.join(name),
        }
    }
}

fn lossy(name: &std::ffi::OsStr) -> String {
    name.to_string_lossy().into_owned()
}

fn is_archive(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    let mut signature = File::open(path)?.take(ZIP_SIGNATURE.len() as u64);
    signature.read_to_end(&mut head)?;
    Ok(head == ZIP_SIGNATURE)
}
