//! An input as a list of named files: a folder, a zip archive or a single file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use zip::ZipArchive;

use crate::corpus::open_input;

/// How a zip archive that is not empty begins.
const ZIP_SIGNATURE: &[u8] = b"PK\x03\x04";

/// What a format reads users from.
pub struct Input {
    path: PathBuf,
    /// In alphabetical order.
    names: Vec<String>,
    container: Container,
}

enum Container {
    File,
    Folder,
    Archive(ZipArchive<BufReader<File>>),
}

impl Input {
    /// Opens a folder, of which subfolders are not read, a zip archive or a single file.
    ///
    /// # Errors
    /// If it cannot be read, or is a damaged zip archive.
    pub fn open(path: &Path) -> io::Result<Self> {
        let (container, mut names) = if std::fs::metadata(path)?.is_dir() {
            let entries = std::fs::read_dir(path)?.collect::<Result<Vec<_>, _>>()?;
            let names = entries.iter().map(|entry| lossy(&entry.file_name()));
            (Container::Folder, names.collect())
        } else if is_archive(path)? {
            let archive = ZipArchive::new(BufReader::new(File::open(path)?))?;
            let names =
                (archive.file_names()).map(|name| -> io::Result<String> { Ok(name?.into_owned()) });
            let names = names.collect::<io::Result<Vec<_>>>()?;
            (Container::Archive(archive), names)
        } else {
            let name = path.file_name().map(lossy).unwrap_or_default();
            (Container::File, vec![name])
        };
        names.sort_unstable();
        Ok(Self {
            path: path.to_owned(),
            names,
            container,
        })
    }

    /// The names of the files; in an archive with the folders they are in.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether the input is a single file, which may have any name.
    pub fn is_file(&self) -> bool {
        matches!(self.container, Container::File)
    }

    /// A file of the input as messages name it.
    pub fn place(&self, name: &str) -> String {
        match self.container {
            Container::File => self.path.display().to_string(),
            Container::Folder | Container::Archive(_) => self.path.join(name).display().to_string(),
        }
    }

    /// The bytes of the file of this name; outside of archives decompressed, if they are compressed.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read(&mut self, name: &str) -> io::Result<Box<dyn BufRead + '_>> {
        Ok(match &mut self.container {
            Container::File => open_input(&self.path)?,
            Container::Folder => open_input(&self.path.join(name))?,
            Container::Archive(archive) => Box::new(BufReader::new(archive.by_name(name)?)),
        })
    }
}

fn lossy(name: &std::ffi::OsStr) -> String {
    name.to_string_lossy().into_owned()
}

fn is_archive(path: &Path) -> io::Result<bool> {
    let mut head = Vec::new();
    let signature = File::open(path)?.take(ZIP_SIGNATURE.len() as u64);
    BufReader::new(signature).read_to_end(&mut head)?;
    Ok(head == ZIP_SIGNATURE)
}
