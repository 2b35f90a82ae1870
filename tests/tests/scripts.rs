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

#[test]
fn the_page_about_consent_is_the_document() {
    let scripts = root().join("scripts");
    let document = root().join("docs/ethics.md");
    let output = Command::new("awk")
        .arg("-f")
        .arg(scripts.join("markdown.awk"))
        .arg(&document)
        .output()
        .expect("awk starts");
    assert!(output.status.success(), "{output:?}");
    let html = String::from_utf8(output.stdout).expect("it is text");
    for mark in ["**", "`", "](", "| ", "\n#", "\n- "] {
        assert!(!html.contains(mark), "{mark} is left in {html}");
    }
    for element in [
        "h1", "h2", "p", "ul", "ol", "li", "table", "tr", "td", "th", "strong",
    ] {
        let begun = html.matches(&format!("<{element}>")).count()
            + html.matches(&format!("<{element} ")).count();
        assert!(begun > 0, "no {element} in {html}");
        let ended = html.matches(&format!("</{element}>")).count();
        assert_eq!(begun, ended, "{element} in {html}");
    }
    // Every word of the document is on the page, in order.
    let document = fs::read_to_string(&document).expect("it can be read");
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|letter: char| !letter.is_alphanumeric());
        let words = words.filter(|word| word.len() > 6 && word.chars().all(char::is_alphabetic));
        words.map(String::from).collect()
    };
    let (_, body) = html.split_once("<body>").expect("it has a body");
    let mut shown = words(body).into_iter();
    for word in words(&document) {
        // Addresses of links to other documents are left out.
        if !["population", "training", "transfer"].contains(&word.as_str()) {
            assert!(shown.any(|other| other == word), "{word} is missing");
        }
    }
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
