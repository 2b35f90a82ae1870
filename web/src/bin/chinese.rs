//! The program that segments Chinese.

#[cfg(target_arch = "wasm32")]
fn main() {
    // The worker calls the functions of `web::chinese`.
    use web as _;
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("this program runs in a browser: `make demo` serves it");
    std::process::exit(1);
}
