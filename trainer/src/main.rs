//! The command `auxlstm`.

/// Keeps the memory of large tensors for the next step. With the system's allocator, which returns it and faults it in again
/// page by page, a training step takes 1.25× the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    trainer::cli::block_ignored_signals();
    trainer::cli::report_large_files();
    // burn's default device is the first GPU it was built for, and it panics without one, for example when it reads an
    // optimiser's state. This program names every device, so the default can be the CPU.
    if std::env::var_os("BURN_DEVICE").is_none() {
        // SAFETY: no other thread runs yet.
        unsafe { std::env::set_var("BURN_DEVICE", "flex") };
    }
    trainer::use_all_cores();
    trainer::cli::main()
}
