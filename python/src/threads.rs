//! Threads that survive a fork.

use std::mem::forget;
use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::PyResult;
use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::value_error;

/// A pool of threads, made when it is first needed. A forked process has no threads but the one that forked, so it makes a pool
/// of its own. Only called while the interpreter is held, as a fork is: the lock is free in a new process.
pub struct Threads {
    /// The number of threads; 0 for one per core.
    number: usize,
    /// The pool and the process that made it.
    pool: Mutex<Option<(u32, Arc<ThreadPool>)>>,
}

impl Threads {
    pub fn new(number: usize) -> Self {
        Self {
            number,
            pool: Mutex::new(None),
        }
    }

    pub fn pool(&self) -> PyResult<Arc<ThreadPool>> {
        let mut made = self.lock();
        let this = process::id();
        if let Some((process, pool)) = &*made
            && *process == this
        {
            return Ok(Arc::clone(pool));
        }
        // Its threads are those of another process, and cannot be ended here.
        forget(made.take());
        let pool = ThreadPoolBuilder::new().num_threads(self.number).build();
        let pool = Arc::new(pool.map_err(value_error)?);
        *made = Some((this, Arc::clone(&pool)));
        Ok(pool)
    }

    fn lock(&self) -> MutexGuard<'_, Option<(u32, Arc<ThreadPool>)>> {
        self.pool.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        let mut made = self.lock();
        if made
            .as_ref()
            .is_some_and(|(process, _)| *process != process::id())
        {
            forget(made.take());
        }
    }
}
