//! The time that a thread has run on a core. On a busy machine it is much shorter than the time that has gone by.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Measures the time of a thread, also from another one.
pub(crate) struct Clock {
    /// Linux counts in this file; elsewhere the time that goes by is taken.
    file: Option<PathBuf>,
    start: Instant,
}

impl Clock {
    pub(crate) fn of_this_thread() -> Self {
        let task = fs::read_link("/proc/thread-self").ok();
        Self {
            file: task.map(|task| Path::new("/proc").join(task).join("schedstat")),
            start: Instant::now(),
        }
    }

    /// The time so far.
    pub(crate) fn elapsed(&self) -> Duration {
        let text = self
            .file
            .as_ref()
            .and_then(|file| fs::read_to_string(file).ok());
        let nanoseconds = text.and_then(|text| text.split(' ').next()?.parse().ok());
        nanoseconds.map_or_else(|| self.start.elapsed(), Duration::from_nanos)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_waits_takes_no_time() {
        let clock = Clock::of_this_thread();
        if clock.file.as_ref().is_some_and(|file| file.exists()) {
            let start = clock.elapsed();
            std::thread::sleep(Duration::from_millis(300));
            assert!(clock.elapsed() - start < Duration::from_millis(200));
        }
    }
}
