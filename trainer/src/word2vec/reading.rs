//! How far a library that says nothing about its progress has read its file.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Follows the readers of one file in this process. Linux tells their positions; elsewhere nothing is known.
pub(super) struct Reading {
    path: PathBuf,
    size: u64,
    /// How often the file will be read through.
    passes: f64,
    positions: HashMap<PathBuf, u64>,
    read: u64,
}

impl Reading {
    pub(super) fn new(path: &Path, passes: f64) -> Self {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let size = path.metadata().map_or(0, |metadata| metadata.len());
        Self {
            path,
            size,
            passes,
            positions: HashMap::new(),
            read: 0,
        }
    }

    /// The share of all reading that is done, from 0 to 1, if that can be known.
    pub(super) fn share_done(&mut self) -> Option<f64> {
        for entry in std::fs::read_dir("/proc/self/fd").ok()? {
            // Descriptors come and go while they are listed.
            let Some(descriptor) = entry.ok().map(|entry| entry.path()) else {
                continue;
            };
            if std::fs::read_link(&descriptor).is_ok_and(|target| target == self.path) {
                let Some(position) = position(&descriptor) else {
                    continue;
                };
                let before = self
                    .positions
                    .insert(descriptor, position)
                    .unwrap_or(position);
                // A reader at the end starts again at the beginning.
                self.read += if position < before {
                    self.size - before.min(self.size) + position
                } else {
                    position - before
                };
            }
        }
        let all = self.passes * self.size as f64;
        (all > 0.0).then(|| (self.read as f64 / all).min(1.0))
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

    #[test]
    fn a_reader_is_followed_over_the_end_of_its_file() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&[b'x'; 100]).unwrap();
        file.rewind().unwrap();
        let path = std::fs::read_link(format!(
            "/proc/self/fd/{}",
            std::os::fd::AsRawFd::as_raw_fd(&file)
        ))
        .unwrap();
        let mut reading = Reading {
            path,
            size: 100,
            passes: 2.0,
            positions: HashMap::new(),
            read: 0,
        };
        assert_eq!(reading.share_done(), Some(0.0));
        file.read_exact(&mut [0; 60]).unwrap();
        assert_eq!(reading.share_done(), Some(0.3));
        file.rewind().unwrap();
        file.read_exact(&mut [0; 20]).unwrap();
        assert_eq!(reading.share_done(), Some(0.6));
    }
}
