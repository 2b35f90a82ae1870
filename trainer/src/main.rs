//! The command `auxlstm`.

/// Gives large tensors back to the next step instead of the system, which would hand them out page by page again: a
/// training step takes a fifth less time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    // Where burn is not told a device it takes the first GPU it was built for, also to read back an optimiser's
    // state, and panics where there is none. Every device here is named, so its default is the processor.
    if std::env::var_os("BURN_DEVICE").is_none() {
        // SAFETY: no other thread runs yet.
        unsafe { std::env::set_var("BURN_DEVICE", "flex") };
    }
    trainer::use_all_cores();
    trainer::cli::main()
}
