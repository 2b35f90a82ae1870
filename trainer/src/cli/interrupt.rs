//! Ctrl-C and termination signals.

use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use super::Failure;
use crate::progress::notice;
use crate::temporary;

/// The exit status of an interrupted command, as in shells after Ctrl-C.
pub(super) const INTERRUPTED: u8 = 130;

/// The flag of a command that ends by itself.
static FLAG: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Blocks the signals that this process was started to ignore, as by `nohup` or in the background of a script. Handling them
/// would end work that is to go on. To be called before any thread starts, since threads inherit it. Only Linux tells which
/// signals these are.
pub fn block_ignored_signals() {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::signal::{SigSet, Signal};
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .unwrap_or_default();
        let handled = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM];
        let is_ignored = |signal: &Signal| ignored >> (*signal as i32 - 1) & 1 == 1;
        let blocked: SigSet = handled.into_iter().filter(is_ignored).collect();
        let _ = blocked.thread_block();
    }
}

/// Lets a file that grows beyond the limit of the shell (`ulimit -f`) be an error of the write, which is reported, in place of a
/// signal that ends the process.
pub fn report_large_files() {
    #[cfg(unix)]
    {
        use nix::sys::signal::{SigHandler, Signal, signal};
        // SAFETY: no handler of this program is called.
        let _ = unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) };
    }
}

/// A flag that the first Ctrl-C or termination signal sets, so that a command can write its state before it ends. The
/// second signal ends the process at once.
pub(super) fn interrupt_flag() -> Result<Arc<AtomicBool>, Failure> {
    install()?;
    Ok(Arc::clone(FLAG.get_or_init(Arc::default)))
}

/// Lets a signal delete the temporary files before it ends the process.
pub(super) fn install() -> Result<(), Failure> {
    let handler = || match FLAG.get() {
        Some(flag) if !flag.swap(true, Ordering::Relaxed) => {
            notice!("stopping after this step; press Ctrl-C again to stop at once");
        }
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
