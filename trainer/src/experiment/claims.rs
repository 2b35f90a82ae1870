//! Claims of runs: several processes, also on several machines, share the runs of one folder, and no two make the same one.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, SystemTime};

use super::run::RunKey;
use crate::host::host_name;
use crate::output::{OutputError, make_folder};

/// The folder of the claims in an experiment's folder.
const FOLDER: &str = "claims";
/// The time after which a claim of another machine that was not renewed is that of a dead process. Claims of this machine are
/// locked, and the lock ends with the process; but other machines may not see it.
const LEASE: Duration = Duration::from_secs(600);
/// The time between two renewals.
const RENEWAL: Duration = Duration::from_secs(60);

/// A run that this process makes. The claim ends when it is dropped.
pub struct Claim {
    path: PathBuf,
    /// Holds the lock.
    _file: File,
    renewal: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Claim {
    /// Claims a run of the experiment in `folder`; `None` if another process has it. A run may be stored by the time that it is
    /// claimed: the process that held it before has stored it.
    ///
    /// # Errors
    /// If the claim cannot be written.
    pub fn take(folder: &Path, key: &RunKey) -> Result<Option<Self>, OutputError> {
        let folder = folder.join(FOLDER);
        make_folder(&folder)?;
        let path = folder.join(key.file_name()).with_extension("claim");
        let fail = |source| OutputError {
            path: path.clone(),
            source,
        };
        let Some(file) = claimed(&path, &host_name()).map_err(fail)? else {
            return Ok(None);
        };
        let renewed = file.try_clone().map_err(fail)?;
        let (end, ended) = channel();
        let renew = move || {
            while ended.recv_timeout(RENEWAL) == Err(RecvTimeoutError::Timeout) {
                // A claim that cannot be renewed is lost, and the run is perhaps made twice, with the same result.
                let _ = renewed.set_modified(SystemTime::now());
            }
        };
        Ok(Some(Self {
            path,
            _file: file,
            renewal: Some((end, thread::spawn(renew))),
        }))
    }
}

/// The file of a claim that this process now holds.
fn claimed(path: &Path, host: &str) -> io::Result<Option<File>> {
    let mut options = File::options();
    options.read(true).write(true);
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            // A process that looks at it before it is locked here has taken it.
            return match locked(&file)? {
                Some(false) => Ok(None),
                _ => written(file, host).map(Some),
            };
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let file = match options.open(path) {
        // It has just ended.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let locked = locked(&file)?;
    if locked == Some(false) {
        return Ok(None);
    }
    let mut owner = String::new();
    (&file).take(1 << 10).read_to_string(&mut owner)?;
    let age = file.metadata()?.modified()?.elapsed().unwrap_or_default();
    // A process that was killed before it wrote its machine's name leaves an empty file.
    let is_of_this_machine = owner == host || owner.is_empty();
    match (locked.is_some() && is_of_this_machine) || age > LEASE {
        true => written(file, host).map(Some),
        false => Ok(None),
    }
}

/// Whether this process could lock the file; `None` where files cannot be locked.
fn locked(file: &File) -> io::Result<Option<bool>> {
    match file.try_lock() {
        Ok(()) => Ok(Some(true)),
        Err(TryLockError::WouldBlock) => Ok(Some(false)),
        Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The file with the name of this machine, which also makes it new.
fn written(mut file: File, host: &str) -> io::Result<File> {
    file.set_len(0)?;
    io::Seek::rewind(&mut file)?;
    file.write_all(host.as_bytes())?;
    file.set_modified(SystemTime::now())?;
    Ok(file)
}

impl Drop for Claim {
    fn drop(&mut self) {
        // While it is locked, so that it is not the next one's.
        let _ = std::fs::remove_file(&self.path);
        if let Some((end, thread)) = self.renewal.take() {
            drop(end);
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> RunKey {
        RunKey {
            system: "svm".into(),
            main: "age".into(),
            auxiliary: Vec::new(),
            variant: String::new(),
            seed: 1,
        }
    }

    #[test]
    fn a_run_is_claimed_once() {
        let folder = tempfile::tempdir().unwrap();
        let claim = Claim::take(folder.path(), &key()).unwrap().unwrap();
        assert!(Claim::take(folder.path(), &key()).unwrap().is_none());
        let other = RunKey { seed: 2, ..key() };
        assert!(Claim::take(folder.path(), &other).unwrap().is_some());
        drop(claim);
        assert!(Claim::take(folder.path(), &key()).unwrap().is_some());
        let left = std::fs::read_dir(folder.path().join(FOLDER)).unwrap();
        assert_eq!(left.count(), 0);
    }

    #[test]
    fn claims_of_dead_processes_end() {
        let folder = tempfile::tempdir().unwrap();
        make_folder(&folder.path().join(FOLDER)).unwrap();
        let path = (folder.path().join(FOLDER)).join(key().file_name());
        let path = path.with_extension("claim");
        let take = || Claim::take(folder.path(), &key()).unwrap();
        // Killed on this machine: nobody holds its lock.
        std::fs::write(&path, host_name()).unwrap();
        assert!(take().is_some());
        // On another one, whose lock is not seen here: alive as long as it renews the claim.
        std::fs::write(&path, "another machine").unwrap();
        assert!(take().is_none());
        let file = File::options().write(true).open(&path).unwrap();
        let earlier = SystemTime::now() - 2 * LEASE;
        file.set_modified(earlier).unwrap();
        assert!(take().is_some());
    }

    /// The run was left to the dead process, and the experiment ended without it.
    #[test]
    fn a_process_killed_before_it_wrote_its_name_kept_its_claim() {
        let folder = tempfile::tempdir().unwrap();
        make_folder(&folder.path().join(FOLDER)).unwrap();
        let path = (folder.path().join(FOLDER)).join(key().file_name());
        File::create(path.with_extension("claim")).unwrap();
        assert!(Claim::take(folder.path(), &key()).unwrap().is_some());
    }
}
