//! Helpers for the tests that use the command and the page as their users do.
//!
//! They panic with what to do about it where something is missing: a test that cannot run must not pass.

pub mod browser;
pub mod site;

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

/// The page's model, relative to the page.
pub const BUNDLE: &str = "models/en.safetensors";

/// The repository's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The command `auxlstm` as built with these tests.
pub fn auxlstm() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let profile = test
        .ancestors()
        .nth(2)
        .expect("a test lies two folders below its build profile's");
    let program = profile.join("auxlstm");
    assert!(
        program.exists(),
        "{} is missing: run `cargo build --release --workspace` first, or `make test`",
        program.display()
    );
    program
}

/// What `auxlstm predict` says about one user with these posts, by the model that the page comes with.
pub fn predict(posts: &[&str]) -> Value {
    let mut child = Command::new(auxlstm())
        .arg("predict")
        .arg(site::file(BUNDLE))
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("auxlstm starts");
    let user = json!({ "id": 1, "posts": posts }).to_string();
    let mut input = child.stdin.take().expect("its input is piped");
    input
        .write_all(user.as_bytes())
        .expect("auxlstm reads its input");
    drop(input);
    let output = child.wait_with_output().expect("auxlstm ends");
    assert!(
        output.status.success(),
        "auxlstm predict failed: {}",
        output.status
    );
    serde_json::from_slice(&output.stdout).expect("auxlstm writes one line of JSON")
}
