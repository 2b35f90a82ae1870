//! The packages of `tests/npm`, as `scripts/setup.sh test` installs them, those of `tests/npm/hosts`, as `scripts/setup.sh hosts`
//! does, and the programs among them.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

/// The folder of the packages. Projects in it find them too.
pub fn folder() -> PathBuf {
    installed("npm", "`scripts/setup.sh test` first, or `make test`")
}

/// The folder of the bundlers, frameworks and checkers of packages.
pub fn hosts() -> PathBuf {
    installed(
        "hosts",
        "`scripts/setup.sh hosts` first, or `make test-bundlers`",
    )
}

fn installed(name: &str, remedy: &str) -> PathBuf {
    let folder = tools().join(name);
    assert!(
        folder.join("done").exists(),
        "{} holds no npm packages: run {remedy}",
        folder.display()
    );
    folder
}

/// The path of a file of a package, such as `axe-core/axe.min.js`.
pub fn file(path: &str) -> PathBuf {
    folder().join("node_modules").join(path)
}

/// The folder of the tools that `scripts/setup.sh` installs.
pub fn tools() -> PathBuf {
    env::var_os("TOOLS").map_or_else(|| crate::root().join(".tools"), PathBuf::from)
}

/// A program of the packages, Node's or npm's, to be run in a folder.
pub fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    let path = env::var_os("PATH").unwrap_or_default();
    let first = [file(".bin"), tools().join("bin")];
    let path = env::join_paths(first.into_iter().chain(env::split_paths(&path)));
    command
        .current_dir(folder)
        .env("PATH", path.expect("no folder's name holds a colon"));
    command
}

/// The standard output of a program. If the program fails, panics with all its output.
pub fn output(command: &mut Command) -> String {
    let output = (command.output()).unwrap_or_else(|error| {
        panic!("{command:?} does not start ({error}): run `scripts/setup.sh test` first, or `make test`")
    });
    let [stdout, stderr] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(
        output.status.success(),
        "{command:?}: {}\n{stdout}{stderr}",
        output.status
    );
    stdout
}
