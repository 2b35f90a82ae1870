//! Temporary files that do not outlive their use.
//!
//! A file is deleted when it is dropped, and when a signal ends the process, see [`delete_all`]. A process that is killed
//! leaves its files behind. They are deleted when a later one creates a file of the same kind in the same folder: every
//! process holds a lock on its files, which the operating system releases when the process ends. Names contain the machine's,
//! because some file systems show locks to no other machine.

use std::collections::BTreeSet;
use std::fs::{File, Permissions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tempfile::{Builder, NamedTempFile};

use crate::host::host_name;

/// The paths of all temporary files of this process.
static PATHS: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// The end of every name, after the random letters.
const SUFFIX: &str = ".tmp";
/// The number of random letters in a name.
const RANDOM: usize = 6;

/// A temporary file. It is deleted when it is dropped, unless it was moved to another path.
pub struct TemporaryFile {
    /// Dropped first: a path is forgotten when its file is gone.
    file: NamedTempFile,
    _registered: Registered,
}

/// A path in [`PATHS`].
struct Registered(PathBuf);

impl Drop for Registered {
    fn drop(&mut self) {
        paths().remove(&self.0);
    }
}

fn paths() -> MutexGuard<'static, BTreeSet<PathBuf>> {
    PATHS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TemporaryFile {
    /// Creates a file in `folder` whose name begins with `prefix`, and deletes those of dead processes. Only its owner can read
    /// the file, unless it gets other permissions, which are limited by the umask.
    pub fn create(
        prefix: &str,
        folder: &Path,
        permissions: Option<Permissions>,
    ) -> io::Result<Self> {
        let prefix = of_this_machine(prefix);
        sweep(&prefix, folder);
        let mut builder = Builder::new();
        builder.prefix(&prefix).suffix(SUFFIX).rand_bytes(RANDOM);
        if let Some(permissions) = permissions {
            builder.permissions(permissions);
        }
        loop {
            // Held until the path is registered, so that a signal does not come between.
            let mut paths = paths();
            let file = builder.tempfile_in(folder).map_err(without_path)?;
            if is_locked(file.as_file()) && file.path().exists() {
                let path = file.path().to_owned();
                paths.insert(path.clone());
                return Ok(Self {
                    file,
                    _registered: Registered(path),
                });
            }
            // Another process took it for that of a dead one, because it was not locked yet.
        }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// The open file.
    pub fn as_file(&self) -> &File {
        self.file.as_file()
    }

    /// Moves the file to `path`, where it replaces an earlier file.
    pub fn persist(self, path: &Path) -> io::Result<()> {
        self.file.persist(path)?;
        Ok(())
    }
}

impl Write for TemporaryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // `NamedTempFile` would add the path to the error, a random name that says nothing to users.
        self.file.as_file().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_file().flush()
    }
}

/// The error of the system, without the name of the temporary file that `tempfile` adds, which says nothing to users.
fn without_path(error: io::Error) -> io::Error {
    match error.to_string().split_once(" at path \"") {
        Some((what, _)) => io::Error::new(error.kind(), what),
        None => error,
    }
}

/// The prefix of names of this machine's files.
fn of_this_machine(prefix: &str) -> String {
    format!("{prefix}{:08x}-", crc32fast::hash(host_name().as_bytes()))
}

/// Locks a new file. False if another process holds it. A file system without locks has none to hold: its files are not
/// deleted by others either. On Windows a lock would keep readers in this process out.
fn is_locked(file: &File) -> bool {
    cfg!(not(unix)) || !matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// Deletes the files in a folder that dead processes left behind.
fn sweep(prefix: &str, folder: &Path) {
    if cfg!(not(unix)) {
        return;
    }
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let random = (name.to_str())
            .and_then(|name| name.strip_prefix(prefix)?.strip_suffix(SUFFIX))
            .filter(|random| random.len() == RANDOM);
        // A pipe would keep the process waiting, and a link may lead anywhere.
        if random.is_none() || !entry.file_type().is_ok_and(|kind| kind.is_file()) {
            continue;
        }
        let path = entry.path();
        if let Ok(file) = File::open(&path)
            && file.try_lock().is_ok()
        {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Deletes all temporary files of this process, which must end then: no more can be created.
pub fn delete_all() {
    let paths = paths();
    for path in paths.iter() {
        let _ = std::fs::remove_file(path);
    }
    std::mem::forget(paths);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn files_of_killed_processes_stayed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        // No process holds a lock on any of these.
        let dead = format!("{}a1B2c3.tmp", of_this_machine("words-"));
        // Another machine may hold its lock.
        let others = [
            "words-0badc0de-a1B2c3.tmp",
            "words-list.txt",
            "other-a1B2c3.tmp",
        ];
        for name in others.iter().copied().chain([dead.as_str()]) {
            std::fs::write(path(name), "rain").unwrap();
        }
        let first = TemporaryFile::create("words-", folder.path(), None).unwrap();
        let second = TemporaryFile::create("words-", folder.path(), None).unwrap();
        assert!(!path(&dead).exists());
        assert!(others.iter().all(|name| path(name).exists()));
        assert!(first.path().exists() && second.path().exists());
        let known = |path: &Path| paths().contains(path);
        assert!(known(first.path()) && known(second.path()));
        let before = first.path().to_owned();
        first.persist(&path("kept")).unwrap();
        let gone = second.path().to_owned();
        drop(second);
        assert!(path("kept").exists() && !gone.exists());
        assert!(!known(&before) && !known(&gone));
    }
}
