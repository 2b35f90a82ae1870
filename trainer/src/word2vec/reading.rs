//! The progress of the `fasttext` crate, which reports none, from the positions of its file descriptors.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Observes the readers of one file in this process through Linux's `/proc`. On other systems the progress is unknown.
pub(super) struct Reading {
    path: PathBuf,
    size: u64,
    positions: HashMap<PathBuf, u64>,
    read: u64,
}

impl Reading {
    pub(super) fn new(path: &Path) -> Self {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let size = path.metadata().map_or(0, |metadata| metadata.len());
        Self {
            path,
            size,
            positions: HashMap::new(),
            read: 0,
        }
    }

    /// The number of times that all readers together have read the file so far, if it is known.
    pub(super) fn passes(&mut self) -> Option<f64> {
        // Closed descriptors are forgotten, because the next reader may get the same number and start elsewhere.
        let earlier = std::mem::take(&mut self.positions);
        for entry in std::fs::read_dir("/proc/self/fd").ok()? {
            // Descriptors may be closed while they are listed.
            let Some(descriptor) = entry.ok().map(|entry| entry.path()) else {
                continue;
            };
            if std::fs::read_link(&descriptor).is_ok_and(|target| target == self.path) {
                let Some(position) = position(&descriptor) else {
                    continue;
                };
                let before = earlier.get(&descriptor).copied();
                self.positions.insert(descriptor, position);
                self.read += match before.unwrap_or(position) {
                    before if position >= before => position - before,
                    // A reader that reached the end starts again at the beginning.
                    before => self.size.saturating_sub(before) + position,
                };
            }
        }
        (self.size > 0).then(|| self.read as f64 / self.size as f64)
    }
}

fn position(descriptor: &Path) -> Option<u64> {
    let info = Path::new("/proc/self/fdinfo").join(descriptor.file_name()?);
    let info = std::fs::read_to_string(info).ok()?;
    info.lines()
        .find_map(|line| line.strip_prefix("pos:")?.trim().parse().ok())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::{Read, Seek, Write};
    use std::os::fd::AsRawFd;

    #[test]
    fn a_reader_is_followed_over_the_end_of_its_file() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[b'x'; 100]).unwrap();
        file.rewind().unwrap();
        let path = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap();
        let mut reading = Reading {
            path,
            size: 100,
            positions: HashMap::new(),
            read: 0,
        };
        assert_eq!(reading.passes(), Some(0.0));
        file.read_exact(&mut [0; 60]).unwrap();
        assert_eq!(reading.passes(), Some(0.6));
        file.rewind().unwrap();
        file.read_exact(&mut [0; 20]).unwrap();
        assert_eq!(reading.passes(), Some(1.2));
    }

    #[test]
    fn a_reader_that_begins_in_the_middle_has_not_read_what_comes_before() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[b'x'; 100]).unwrap();
        let mut reading = Reading::new(file.path());
        let open = || std::fs::File::open(file.path()).unwrap();
        let mut first = open();
        reading.passes();
        first.read_exact(&mut [0; 100]).unwrap();
        assert_eq!(reading.passes(), Some(1.0));
        drop(first);
        reading.passes();
        let mut second = open();
        second.seek(std::io::SeekFrom::Start(50)).unwrap();
        assert_eq!(reading.passes(), Some(1.0));
        second.read_exact(&mut [0; 10]).unwrap();
        assert_eq!(reading.passes(), Some(1.1));
    }
}
