//! A folder to run the command in, and small corpora that are made up here.

// Each test program uses a part of this.
#![allow(dead_code)]

pub mod informative;
pub mod model;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

const AUXLSTM: &str = env!("CARGO_BIN_EXE_auxlstm");

/// Waits until something is so; the test fails with `otherwise` if it takes two minutes.
pub fn until(otherwise: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(120), "{otherwise}");
        sleep(Duration::from_millis(2));
    }
}

/// The GPU of the tests as the value of `auxlstm --device`: AUXLSTM_GPU, or wgpu. AUXLSTM_NO_GPU skips GPU tests (`None`);
/// otherwise a missing GPU fails.
pub fn gpu_name() -> Option<String> {
    let named = std::env::var("AUXLSTM_GPU").unwrap_or_else(|_| "wgpu".to_owned());
    std::env::var_os("AUXLSTM_NO_GPU")
        .is_none()
        .then_some(named)
}

/// That device.
pub fn gpu() -> Option<burn::tensor::Device> {
    gpu_name()
        .map(|name| trainer::device::choose(&name).expect("AUXLSTM_NO_GPU=1 leaves this test out"))
}

/// How often a test kills the command and lets it continue: `KILL_SERIES`, or the test's own number.
pub fn series_of_kills(number: u32) -> u32 {
    let given = std::env::var("KILL_SERIES").ok();
    given.map_or(number, |given| given.parse().unwrap())
}

/// A folder in which the command runs; it vanishes in the end.
pub struct Workplace {
    folder: tempfile::TempDir,
}

impl Workplace {
    /// An empty folder.
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Where a file of this name is in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a file into the folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    /// The names of the files in the folder.
    pub fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The command with its arguments, nothing on standard input.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.ready(Command::new(AUXLSTM), arguments)
    }

    fn ready(&self, mut program: Command, arguments: &[&str]) -> Command {
        program
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        program
    }

    /// The command with its arguments, so that signals reach it. Tests may be started so that they are ignored, as in the background
    /// of a script, which the command would respect. Other systems than Linux do not tell it.
    pub fn interruptible(&self, arguments: &[&str]) -> Command {
        match cfg!(target_os = "linux") {
            true => self.with_signals(&["--default-signal"], arguments),
            false => self.command(arguments),
        }
    }

    /// The command with its arguments, started so that it handles signals as these options of the program `env` say.
    pub fn with_signals(&self, options: &[&str], arguments: &[&str]) -> Command {
        let mut env = Command::new("env");
        env.args(options).arg(AUXLSTM);
        self.ready(env, arguments)
    }

    /// Starts the command with something to write to its standard input.
    pub fn start(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).spawn().unwrap()
    }

    /// Runs the command to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs the command to its end with `input` on its standard input.
    pub fn run_with_input(&self, arguments: &[&str], input: impl AsRef<[u8]>) -> Output {
        let mut child = self.start(arguments);
        let mut stdin = child.stdin.take().unwrap();
        let input = input.as_ref().to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        // A command that fails early need not read its input.
        let _ = writer.join().unwrap();
        output
    }

    /// Runs a command that must succeed; what it prints.
    pub fn success(&self, arguments: &[&str]) -> String {
        stdout(self.run(arguments), 0)
    }

    /// Runs a command that must fail; the one line that says why.
    pub fn failure(&self, arguments: &[&str]) -> String {
        failure(self.run(arguments))
    }
}

/// What was printed by a command that must have ended with `status`.
pub fn stdout(output: Output, status: i32) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{errors}");
    assert!(!errors.contains("panicked"), "{errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// The last line on standard error of a command that must have failed.
pub fn failure(output: Output) -> String {
    let errors = String::from_utf8(output.stderr.clone()).unwrap();
    stdout(output, 1);
    let line = errors.lines().last().unwrap_or_default().to_owned();
    assert!(line.starts_with("auxlstm: "), "{errors}");
    line
}

/// What a command said on standard error.
pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}
