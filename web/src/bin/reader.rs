//! The program that reads archives.

#[cfg(target_arch = "wasm32")]
fn main() {
    // The script that starts it calls the functions of `web::reader`.
    use web as _;
}

#[cfg(not(target_arch = "wasm32"))]
fn main() {
    eprintln!("this program runs in a browser: `make demo` serves it");
    std::process::exit(1);
}
