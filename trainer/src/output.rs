//! Writing files atomically: either the whole file appears, or none.

use std::fs::{File, Metadata, Permissions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::temporary::TemporaryFile;

/// A temporary file in the folder of its final path. [`finish`](Self::finish) moves it to that path, where it replaces an
/// earlier file and keeps its permissions and, as far as the system permits, its owner and group. If it is dropped before,
/// it is deleted.
///
/// A link stays a link: the file that it leads to is written, which need not exist. Devices and pipes cannot be replaced, so
/// they are written directly.
pub struct PendingFile {
    path: PathBuf,
    target: Target,
}

enum Target {
    Beside(BufWriter<TemporaryFile>),
    Direct(BufWriter<File>),
}

/// The beginning of the names of temporary files.
const PREFIX: &str = ".auxlstm-";

/// What many programs call standard output.
const STANDARD_STREAM: &str = "-";

/// The permissions of any new file. Without them a temporary file is private.
#[cfg(unix)]
fn of_new_file() -> Option<Permissions> {
    Some(std::os::unix::fs::PermissionsExt::from_mode(0o666))
}

#[cfg(not(unix))]
fn of_new_file() -> Option<Permissions> {
    None
}

/// Gives a new file the permissions, the owner and the group of the one that it replaces.
#[cfg(unix)]
fn keep_access(file: &File, earlier: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let (owner, group) = (earlier.uid(), earlier.gid());
    // Only root may give files away. Other users keep a group that they are in.
    if fchown(file, Some(owner), Some(group)).is_err() {
        let _ = fchown(file, None, Some(group));
    }
    // In this order, because a change of the owner resets some permissions.
    file.set_permissions(earlier.permissions())
}

#[cfg(not(unix))]
fn keep_access(_: &File, _: &Metadata) -> io::Result<()> {
    Ok(())
}

/// As many links as Linux follows.
const MOST_LINKS: usize = 40;

/// The path that the links at `path` lead to, whether or not a file is there.
fn follow_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(target) = path.read_link() else {
            break;
        };
        path = folder_of(&path).join(target);
    }
    path
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// A file could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}", path.display())]
pub struct OutputError {
    /// The file.
    pub path: PathBuf,
    /// The error of the system.
    pub source: io::Error,
}

/// Creates a folder and its parents, as far as they are missing.
///
/// # Errors
/// A folder that cannot be created, or an empty path, which would be the present folder.
pub fn make_folder(path: &Path) -> Result<(), OutputError> {
    let made = match path.as_os_str().is_empty() {
        true => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "the output has no name; the present folder is called .",
        )),
        false => std::fs::create_dir_all(path),
    };
    made.map_err(|source| OutputError {
        path: path.to_owned(),
        source,
    })
}

impl Write for PendingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.target {
            Target::Beside(file) => file.write(bytes),
            Target::Direct(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.target {
            Target::Beside(file) => file.flush(),
            Target::Direct(file) => file.flush(),
        }
    }
}

impl PendingFile {
    /// Creates a temporary file for `path`, and the folders above it that are missing. Called before any work, it fails early if
    /// they cannot be written.
    pub fn create(path: &Path) -> Result<Self, OutputError> {
        let fail = |source| OutputError {
            path: path.to_owned(),
            source,
        };
        if path.as_os_str() == STANDARD_STREAM {
            return Err(fail(io::Error::new(
                io::ErrorKind::InvalidInput,
                "standard output is called /dev/stdout here, and a file of this name ./-",
            )));
        }
        let earlier = match path.metadata() {
            Ok(metadata) if metadata.is_dir() => {
                return Err(fail(io::ErrorKind::IsADirectory.into()));
            }
            Ok(metadata) if !metadata.is_file() => {
                let file = File::options().write(true).open(path).map_err(fail)?;
                return Ok(Self {
                    path: path.to_owned(),
                    target: Target::Direct(BufWriter::new(file)),
                });
            }
            Ok(metadata) => Some(metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                std::fs::create_dir_all(folder_of(path)).map_err(fail)?;
                None
            }
            Err(error) => return Err(fail(error)),
        };
        let path = follow_links(path);
        // The content of a private file must not be readable meanwhile either.
        let at_first = match earlier {
            Some(_) => None,
            None => of_new_file(),
        };
        let file = TemporaryFile::create(PREFIX, folder_of(&path), at_first).map_err(fail)?;
        if let Some(earlier) = earlier {
            keep_access(file.as_file(), &earlier).map_err(fail)?;
        }
        Ok(Self {
            path,
            target: Target::Beside(BufWriter::new(file)),
        })
    }

    /// Writes the rest of the file with `write` and moves it to its path.
    pub fn finish(
        self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), OutputError> {
        let Self { path, target } = self;
        let result = match target {
            Target::Direct(mut file) => write(&mut file).and_then(|()| file.flush()),
            Target::Beside(mut file) => write(&mut file)
                .and_then(|()| file.into_inner().map_err(|error| error.into_error()))
                .and_then(|file| {
                    file.as_file().sync_all()?;
                    file.persist(&path)
                }),
        };
        result.map_err(|source| OutputError { path, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_only_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        drop(PendingFile::create(&path).unwrap());
        let failing = PendingFile::create(&path).unwrap();
        let error = failing
            .finish(|_| Err(io::Error::other("no more")))
            .unwrap_err();
        assert_eq!(error.path, path);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        for text in ["first", "second"] {
            PendingFile::create(&path)
                .unwrap()
                .finish(|out| out.write_all(text.as_bytes()))
                .unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_path_that_cannot_be_written_fails_at_once() {
        let folder = tempfile::tempdir().unwrap();
        assert!(PendingFile::create(Path::new("/dev/null/out")).is_err());
        assert!(PendingFile::create(folder.path()).is_err());
        assert!(PendingFile::create(Path::new("-")).is_err());
    }

    #[test]
    fn a_file_in_a_new_folder_was_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/folder/out");
        let pending = PendingFile::create(&path).unwrap();
        pending.finish(|out| out.write_all(b"new")).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
    }

    #[cfg(unix)]
    #[test]
    fn a_private_file_became_readable_for_all() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        for mode in [0o600, 0o640, 0o666] {
            std::fs::write(&path, "old").unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let pending = PendingFile::create(&path).unwrap();
            pending.finish(|out| out.write_all(b"new")).unwrap();
            let permissions = path.metadata().unwrap().permissions();
            assert_eq!(permissions.mode() & 0o777, mode);
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_and_devices_survive() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        PendingFile::create(&link)
            .unwrap()
            .finish(|out| out.write_all(b"new"))
            .unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert!(link.symlink_metadata().unwrap().is_symlink());
        PendingFile::create(Path::new("/dev/null"))
            .unwrap()
            .finish(|out| out.write_all(b"new"))
            .unwrap();
        assert!(!Path::new("/dev/null").metadata().unwrap().is_file());
    }
    #[cfg(unix)]
    #[test]
    fn links_to_files_that_are_not_there_were_replaced() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("inner")).unwrap();
        symlink("inner/second", path("first")).unwrap();
        symlink("../file", path("inner/second")).unwrap();
        for text in ["new", "newer"] {
            let pending = PendingFile::create(&path("first")).unwrap();
            pending
                .finish(|out| out.write_all(text.as_bytes()))
                .unwrap();
            assert_eq!(std::fs::read_to_string(path("file")).unwrap(), text);
        }
        assert!(path("first").symlink_metadata().unwrap().is_symlink());
        assert!(
            path("inner/second")
                .symlink_metadata()
                .unwrap()
                .is_symlink()
        );
        symlink("circle", path("circle")).unwrap();
        assert!(PendingFile::create(&path("circle")).is_err());
        assert!(path("circle").symlink_metadata().unwrap().is_symlink());
        symlink("missing/file", path("nowhere")).unwrap();
        assert!(PendingFile::create(&path("nowhere")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn a_replaced_file_lost_its_owner() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        // Only root can make it another's. Others see that they can replace their own file.
        let _ = chown(&path, Some(4321), Some(4322));
        let access = || {
            let metadata = path.metadata().unwrap();
            let mode = metadata.permissions().mode() & 0o7777;
            (metadata.uid(), metadata.gid(), mode)
        };
        let before = access();
        let pending = PendingFile::create(&path).unwrap();
        pending.finish(|out| out.write_all(b"new")).unwrap();
        assert_eq!(access(), before);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
    }
}
