//! The lock of a folder in which a command stores its state, so that two processes do not mix their results in it.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// Holds a folder until it is dropped. The operating system releases the lock when the process ends, however it ends, so no
/// lock of a dead process remains.
pub struct FolderLock {
    _file: File,
}

/// A folder cannot be locked.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("{}: another process is working in this folder", .0.display())]
    Held(PathBuf),
    /// The lock file cannot be opened or locked.
    #[error("cannot lock {}", path.display())]
    File {
        /// The lock file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
}

impl FolderLock {
    /// The name of the lock file. The file stays when the lock is released: a process that waited to delete it could delete
    /// that of the next one. Deleting it by hand lets a second process in, which then locks a new file.
    const FILE: &str = ".lock";

    /// Locks a folder, which must exist.
    ///
    /// # Errors
    /// [`LockError::Held`] if another process, or another lock of this one, holds it.
    pub fn new(folder: &Path) -> Result<Self, LockError> {
        Self::with(folder, File::try_lock)
    }

    /// Locks a folder, which must exist, as soon as nobody else holds it.
    ///
    /// # Errors
    /// If the lock file cannot be opened or locked.
    pub fn wait(folder: &Path) -> Result<Self, LockError> {
        Self::with(folder, |file| file.lock().map_err(TryLockError::Error))
    }

    fn with(
        folder: &Path,
        lock: impl FnOnce(&File) -> Result<(), TryLockError>,
    ) -> Result<Self, LockError> {
        let path = folder.join(Self::FILE);
        let mut options = File::options();
        let opened = options.write(true).create(true).truncate(false).open(&path);
        let file = match opened {
            Ok(file) => file,
            Err(source) => return Err(LockError::File { path, source }),
        };
        match lock(&file) {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LockError::Held(folder.to_owned())),
            // Some network file systems have no locks. Work must be possible there too.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                Ok(Self { _file: file })
            }
            Err(TryLockError::Error(source)) => Err(LockError::File { path, source }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_until_its_lock_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let lock = FolderLock::new(folder.path()).unwrap();
        let second = FolderLock::new(folder.path()).err().unwrap();
        assert!(matches!(second, LockError::Held(_)), "{second}");
        drop(lock);
        assert!(FolderLock::new(folder.path()).is_ok());
    }
}
