//! The scripts behind `make test` and `make demo`.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

use tests::root;

#[test]
fn checks_after_a_failed_one_run_and_the_failed_one_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let makefile =
        "good:\n\t@touch good\nbad:\n\t@false\nlast:\n\t@touch last\n.PHONY: good bad last\n";
    fs::write(folder.path().join("Makefile"), makefile).expect("the Makefile is written");

    let output = script("check.sh", &["good", "bad", "last"], folder.path());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(folder.path().join("last").exists(), "{output:?}");
    let printed = String::from_utf8_lossy(&output.stdout);
    for (step, result) in [("good", "ok"), ("bad", "FAILED"), ("last", "ok")] {
        let is_row = |line: &str| line.split_whitespace().take(2).eq([step, result]);
        assert!(printed.lines().any(is_row), "{step}: {printed}");
    }
    assert!(printed.ends_with("1 of 3 steps failed: bad\n"), "{printed}");

    let output = script("check.sh", &["good", "last"], folder.path());
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_port_in_use_is_reported_with_a_way_out() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let check = || script("port_free.sh", &[&port.to_string()], &root());

    let output = check();
    assert!(!output.status.success(), "{output:?}");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        message.contains(&format!("port {port} is in use")) && message.contains("make demo PORT="),
        "{message}"
    );

    drop(listener);
    let output = check();
    assert!(output.status.success(), "{output:?}");
}

/// Runs a script of the repository in a folder. The make that runs these tests must not pass its flags on.
fn script(name: &str, arguments: &[&str], folder: &Path) -> Output {
    let path = root().join("scripts").join(name);
    let path = path.canonicalize().expect("the script exists");
    let mut command = Command::new(path);
    command.args(arguments).current_dir(folder);
    for variable in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL"] {
        command.env_remove(variable);
    }
    command.output().expect("the script starts")
}
