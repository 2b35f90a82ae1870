//! The program for WebGPU.

#[cfg(target_arch = "wasm32")]
fn main() {
    // The worker calls the functions of `web::gpu`.
    use web as _;
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("this program runs in a browser: `make demo` serves it");
    std::process::exit(1);
}
