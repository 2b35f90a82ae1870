//! Ctrl-C and termination signals.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::Failure;
use crate::temporary;

/// The exit status of an interrupted command, as in shells after Ctrl-C.
pub(super) const INTERRUPTED: u8 = 130;

/// The flag of a command that ends by itself.
static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Lets a signal delete the temporary files before it ends the process.
pub(super) fn delete_files_on_interrupt() -> Result<(), Failure> {
    match ignores_signals() {
        // `nohup` and the background jobs of scripts must stay so.
        true => Ok(()),
        false => install(),
    }
}

/// A flag that the first Ctrl-C or termination signal sets, so that a command can write its state before it ends. The
/// second signal ends the process at once.
pub(super) fn interrupt_flag() -> Result<Arc<AtomicBool>, Failure> {
    install()?;
    Ok(Arc::clone(FLAG.get_or_init(Arc::default)))
}

fn install() -> Result<(), Failure> {
    let handler = || match FLAG.get() {
        Some(flag) if !flag.swap(true, Ordering::Relaxed) => {}
        _ => {
            temporary::delete_all();
            process::exit(INTERRUPTED.into());
        }
    };
    match ctrlc::set_handler(handler) {
        Ok(()) | Err(ctrlc::Error::MultipleHandlers) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether the process was started so that it ignores SIGHUP or SIGINT, as far as the system tells.
fn ignores_signals() -> bool {
    /// The bits of SIGHUP and SIGINT, which are the signals 1 and 2.
    const BITS: u64 = 0b11;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mut lines = status.lines();
    let ignored = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & BITS != 0)
}
