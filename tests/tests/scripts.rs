//! The scripts behind `make test` and `make demo`.

use std::{
    env, fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, symlink},
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

/// The first calls of apt-get find its lock held.
const LOCKED: &str = r#"
[ "$(wc -l <"$CALLS")" -gt 2 ] || { echo 'E: Could not get lock /var/lib/dpkg/lock-frontend.' >&2; exit 100; }"#;

/// `dpkg-query` knows no package.
const MISSING: &str = "exit 1";

/// No call installs anything.
const UNKNOWN_PACKAGE: &str = r#"
[ "$2" != install ] || { echo 'E: Unable to locate package default-jre-headless' >&2; exit 100; }"#;

#[test]
fn a_lock_of_apt_ended_the_setup() {
    let (output, calls) = install_java(LOCKED, "0", MISSING);
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8_lossy(&output.stdout);
    let waiting = "waiting for another program that holds apt's lock";
    assert_eq!(printed.matches(waiting).count(), 1, "{printed}");
    assert_eq!(calls, ["install"; 3]);
}

#[test]
fn a_failed_installation_was_taken_for_a_missing_package() {
    let (output, calls) = install_java(UNKNOWN_PACKAGE, "0", MISSING);
    assert!(!output.status.success(), "{output:?}");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(
        message.starts_with("E: Unable to locate package default-jre-headless\n")
            && message
                .contains("apt-get cannot install default-jre-headless, for the reason above")
            && !message.contains("Java is missing"),
        "{message}"
    );
    // The second attempt is with new package lists.
    assert_eq!(calls, ["install", "update", "install"]);
}

#[test]
fn only_root_is_asked_to_install() {
    let (output, calls) = install_java("", "1000", MISSING);
    assert!(!output.status.success(), "{output:?}");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(message.contains("Java is missing: install"), "{message}");
    assert!(calls.is_empty(), "{calls:?}");
}

#[test]
fn packages_that_are_there_are_not_installed_again() {
    let (output, calls) = install_java("", "0", "echo installed");
    assert!(!output.status.success(), "{output:?}");
    assert!(calls.is_empty(), "{calls:?}");
}

/// Runs the set-up of Java on a machine without Java, as the user of this number, where `apt-get` is a script that ends in
/// these lines, and `dpkg-query` one of this line. Returns the commands that `apt-get` was called with, too.
fn install_java(apt_get: &str, user: &str, dpkg_query: &str) -> (Output, Vec<String>) {
    let apt_get = format!("echo \"$2\" >>\"$CALLS\"{apt_get}");
    let user = format!("echo {user}");
    set_up(
        "spark",
        &[
            ("apt-get", &apt_get),
            ("cargo", ""),
            ("dpkg-query", dpkg_query),
            ("id", &user),
            ("sleep", ""),
        ],
    )
}

#[test]
fn a_released_trunk_is_fetched_where_cargo_binstall_is_there() {
    let made = r#"
        echo "$1" >>"$CALLS"
        for program in trunk wasm-bindgen; do
            printf '#!/bin/sh\necho %s\n' "$*" >"$TOOLS/bin/$program"
            chmod +x "$TOOLS/bin/$program"
        done"#;
    let unreleased =
        format!("[ \"$1\" != binstall ] || {{ echo binstall >>\"$CALLS\"; exit 1; }}{made}");
    let there = ("cargo-binstall", "");
    for (cargo, binstall, expected) in [
        (made, Some(there), &["binstall"; 2][..]),
        (
            &unreleased,
            Some(there),
            &["binstall", "install", "binstall", "install"],
        ),
        (made, None, &["install"; 2]),
    ] {
        let mut programs = vec![("cargo", cargo), ("cc", ""), ("rustup", "")];
        programs.extend(binstall);
        let (output, calls) = set_up("page", &programs);
        assert!(output.status.success(), "{output:?}");
        assert_eq!(calls, expected);
    }
}

/// `trunk serve` serves something until `trunk build` has ended. It ends if there is a file `broken`, and serves without having
/// built anything if there is a file `unbuildable`.
const TRUNK: &str = r#"
echo "$*" >>calls
case $1 in
serve)
    [ ! -e broken ] || exit 3
    [ -e "$2" ] || exit 0
    cp "$2" served.html
    echo $$ >pid
    [ -e unbuildable ] || { mkdir -p dist && touch dist/index.html; }
    exec python3 -m http.server --bind 127.0.0.1 "$6" 2>/dev/null
    ;;
build)
    mkdir -p dist/widget
    touch dist/widget/gpu_bg.wasm
    kill "$(cat pid)"
    ;;
esac
"#;

#[test]
fn the_first_demo_is_served_before_the_program_for_webgpu_is_built() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let here = |name: &str| folder.path().join(name);
    for name in ["scripts", "web", "bin"] {
        fs::create_dir(here(name)).expect("a folder is made");
    }
    for name in ["scripts/demo.sh", "web/index.html"] {
        fs::copy(root().join(name), here(name)).expect("a file is copied");
    }
    write_program(&here("bin/trunk"), TRUNK);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let mut path = vec![here("bin")];
    path.extend(env::split_paths(
        &env::var_os("PATH").expect("a search path"),
    ));
    let demo = || {
        let output = Command::new(here("scripts/demo.sh"))
            .arg(port.to_string())
            .env("PATH", env::join_paths(&path).expect("folders"))
            .output()
            .expect("the script runs");
        let calls = fs::read_to_string(here("calls")).expect("trunk was called");
        fs::remove_file(here("calls")).expect("the list is there");
        (output, calls)
    };
    let first =
        format!("serve web/without_gpu.html --html-output index.html --port {port} --ignore .\n");

    for (fault, status) in [("broken", 3), ("unbuildable", 1)] {
        fs::write(here(fault), "").expect("a file is written");
        let (output, calls) = demo();
        assert_eq!(output.status.code(), Some(status), "{output:?}");
        assert_eq!(calls, first);
        assert!(!here("web/without_gpu.html").exists());
        fs::remove_file(here(fault)).expect("the file is there");
    }

    let (output, calls) = demo();
    assert_eq!(calls, format!("{first}build\n"), "{output:?}");
    let page = fs::read_to_string(here("web/index.html")).expect("the page");
    let served = fs::read_to_string(here("served.html")).expect("a page was served");
    let without = |line: &&str| !served.lines().any(|served| served == *line);
    let without: Vec<&str> = page.lines().filter(without).collect();
    assert!(
        matches!(without[..], [line] if line.contains("data-bin=\"gpu\"")),
        "{without:?}"
    );
    assert!(!here("web/without_gpu.html").exists());

    let (output, calls) = demo();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(calls, format!("serve --port {port}\n"));
}

/// Writes a program of these lines of shell.
fn write_program(path: &Path, lines: &str) {
    fs::write(path, format!("#!/bin/sh\n{lines}\n")).expect("a program is written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it can be run");
}

/// Runs a target of the set-up on a machine that has these programs, shell scripts, and the usual small ones. Returns the lines
/// that the programs wrote to `$CALLS`, too.
fn set_up(target: &str, scripts: &[(&str, &str)]) -> (Output, Vec<String>) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let calls = folder.path().join("calls");
    fs::write(&calls, "").expect("a file is written");
    let programs = folder.path().join("bin");
    fs::create_dir(&programs).expect("a folder is made");
    for (name, lines) in scripts.iter().chain(&[("rustc", "echo rustc 99.0.0")]) {
        write_program(&programs.join(name), lines);
    }
    let path = env::var_os("PATH").expect("a search path");
    for name in [
        "awk", "bash", "chmod", "dirname", "cut", "grep", "head", "mkdir", "rm", "sed", "sort",
        "tail", "wc",
    ] {
        let mut places = env::split_paths(&path).map(|place| place.join(name));
        let program = places.find(|place| place.exists()).expect(name);
        symlink(program, programs.join(name)).expect("a link is made");
    }
    let output = Command::new("bash")
        .arg(root().join("scripts/setup.sh"))
        .arg(target)
        .env("PATH", &programs)
        .env("TOOLS", folder.path().join("tools"))
        .env("CALLS", &calls)
        .output()
        .expect("the script starts");
    let calls = fs::read_to_string(calls).expect("the calls are read");
    (output, calls.lines().map(String::from).collect())
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
