//! The worker's program.

#[cfg(target_arch = "wasm32")]
fn main() {
    // The script that starts it calls `web::worker::serve`.
    use web as _;
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("this program runs in a browser: `make demo` serves it");
    std::process::exit(1);
}
