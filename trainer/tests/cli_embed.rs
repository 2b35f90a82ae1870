//! `auxlstm embed` as its users meet it: as a process, on text that is made up here.

mod common;

use std::fs;
use std::io::Write;

use common::{Workplace, failure, stderr, stdout};
use trainer::word2vec::{Vectors, read_vectors};

/// Posts on two topics whose words never meet.
fn posts() -> String {
    let topics = [
        ["cat", "dog", "paw", "fur"],
        ["rain", "wind", "snow", "sun"],
    ];
    let mut text = String::new();
    for round in 0..300 {
        let words: Vec<&str> = (0..12)
            .map(|place| topics[round % 2][(place * 5 + round / 2 + place / 3) % 4])
            .collect();
        text.push_str(&words.join(" "));
        text.push('\n');
    }
    text
}

const SMALL: [&str; 8] = [
    "--dimensions",
    "8",
    "--epochs",
    "20",
    "--subsample",
    "0",
    "--threads",
    "1",
];

fn embed<'a>(arguments: &[&'a str]) -> Vec<&'a str> {
    [&["embed"], arguments, &SMALL[..]].concat()
}

#[test]
fn both_formats_hold_the_same_vectors() {
    let workplace = Workplace::new();
    workplace.write("posts.txt", posts());
    let users: String = posts()
        .lines()
        .map(|post| serde_json::json!({ "posts": [post] }).to_string() + "\n")
        .collect();
    workplace.write("users.jsonl", users);
    workplace.success(&embed(&["posts.txt", "-o", "vectors.txt"]));
    workplace.success(&embed(&["users.jsonl", "-o", "vectors.bin"]));
    workplace.success(&embed(&["posts.txt", "-o", "named", "--format", "binary"]));
    let Vectors {
        words,
        values,
        dimensions,
    } = read_vectors(&workplace.path("vectors.txt")).unwrap();
    assert_eq!((words.len(), values.len(), dimensions), (8, 64, 8));
    for binary in ["vectors.bin", "named"] {
        let read = read_vectors(&workplace.path(binary)).unwrap();
        assert_eq!(
            read,
            Vectors {
                words: words.clone(),
                values: values.clone(),
                dimensions
            },
            "{binary}"
        );
    }
    let row = |word: &str| {
        let index = words.iter().position(|other| other == word).unwrap();
        &values[index * 8..][..8]
    };
    let cosine = |a: &str, b: &str| {
        let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f32>();
        dot(row(a), row(b)) / (dot(row(a), row(a)) * dot(row(b), row(b))).sqrt()
    };
    assert!(cosine("cat", "fur") > cosine("cat", "wind"));
    assert_eq!(
        workplace.files(),
        [
            "named",
            "posts.txt",
            "users.jsonl",
            "vectors.bin",
            "vectors.txt"
        ]
    );
}

#[test]
fn what_cannot_be_done_is_said_before_any_work_and_leaves_nothing() {
    let workplace = Workplace::new();
    workplace.write("posts.txt", posts());
    workplace.write("old.bin", "precious");
    workplace.write("empty.jsonl", "");
    workplace.write("dictionary", "\u{ff}");
    for (arguments, what) in [
        (
            &["posts.txt", "-o", "vectors"][..],
            "vectors: unknown format; name the file .bin, .txt or .vec, or add --format",
        ),
        (
            &["posts.txt", "-o", "posts.txt/v.bin"],
            "cannot write posts.txt/v.bin: ",
        ),
        (&["missing.txt", "-o", "v.bin"], "missing.txt: No such file"),
        (
            &["empty.jsonl", "-o", "old.bin"],
            "no word occurs 5 times, the minimum count, in 0 words of text",
        ),
        (
            &["posts.txt", "-o", "old.bin", "--min-count", "100000"],
            "no word occurs 100000 times",
        ),
        (
            &["posts.txt", "-o", "v.bin", "--dictionary", "none"],
            "dictionary none: ",
        ),
        (
            &["posts.txt", "-o", "v.bin", "--dictionary", "empty.jsonl"],
            "dictionary empty.jsonl: ",
        ),
    ] {
        let line = workplace.failure(&embed(arguments));
        assert!(line.contains(what), "{line}");
    }
    assert_eq!(
        fs::read_to_string(workplace.path("old.bin")).unwrap(),
        "precious"
    );
    assert_eq!(
        workplace.files(),
        ["dictionary", "empty.jsonl", "old.bin", "posts.txt"]
    );
    for arguments in [
        ["--dimensions", "0"],
        ["--learning-rate", "NaN"],
        ["--subsample", "2"],
        ["--epochs", "x"],
        ["--threads", "0"],
    ] {
        let output =
            workplace.run(&[&["embed", "posts.txt", "-o", "v.bin"], &arguments[..]].concat());
        assert!(
            stderr(&output).contains(arguments[0]),
            "{}",
            stderr(&output)
        );
        stdout(output, 2);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn full_disks_are_errors() {
    let workplace = Workplace::new();
    workplace.write("posts.txt", posts());
    let line = workplace.failure(&embed(&[
        "posts.txt",
        "-o",
        "/dev/full",
        "--format",
        "text",
    ]));
    assert!(
        line.contains("cannot write /dev/full: No space left"),
        "{line}"
    );
    let mut without_temporary_folder = workplace.command(&embed(&["posts.txt", "-o", "v.bin"]));
    let line = failure(
        without_temporary_folder
            .env("TMPDIR", "/nowhere")
            .output()
            .unwrap(),
    );
    assert!(
        line.contains("temporary file in /nowhere (TMPDIR chooses another folder): "),
        "{line}"
    );
    assert!(!line.contains(".tmp"), "{line}");
    assert_eq!(workplace.files(), ["posts.txt"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_nothing_behind() {
    let workplace = Workplace::new();
    workplace.write("posts.txt", posts());
    fs::create_dir(workplace.path("temporary")).unwrap();
    let mut command = workplace.interruptible(&[
        "embed",
        "posts.txt",
        "-o",
        "v.bin",
        "--epochs",
        "1000",
        "--subsample",
        "0",
    ]);
    let child = command
        .env("TMPDIR", workplace.path("temporary"))
        .spawn()
        .unwrap();
    let start = std::time::Instant::now();
    // Both the words and the pending output are there: training is under way.
    while fs::read_dir(workplace.path("temporary")).unwrap().count() == 0 {
        assert!(start.elapsed().as_secs() < 60, "training did not begin");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert!(
        stderr(&output).contains("interrupted; nothing was written"),
        "{}",
        stderr(&output)
    );
    stdout(output, 130);
    assert_eq!(workplace.files(), ["posts.txt", "temporary"]);
    assert_eq!(
        fs::read_dir(workplace.path("temporary")).unwrap().count(),
        0
    );
}

#[cfg(unix)]
#[test]
fn a_killed_command_left_the_words_of_the_corpus_behind() {
    let workplace = Workplace::new();
    workplace.write("posts.txt", posts());
    fs::create_dir(workplace.path("temporary")).unwrap();
    let files = || fs::read_dir(workplace.path("temporary")).unwrap().count();
    let command = |epochs: &str| {
        let mut command =
            workplace.command(&["embed", "posts.txt", "-o", "v.bin", "--epochs", epochs]);
        command.env("TMPDIR", workplace.path("temporary"));
        command
    };
    let mut child = command("1000").spawn().unwrap();
    let start = std::time::Instant::now();
    while files() == 0 {
        assert!(start.elapsed().as_secs() < 60, "training did not begin");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(files(), 1);
    stdout(command("1").output().unwrap(), 0);
    assert_eq!(files(), 0);
    assert_eq!(workplace.files(), ["posts.txt", "temporary", "v.bin"]);
}

#[test]
fn bad_lines_are_left_out_and_standard_input_is_read() {
    let workplace = Workplace::new();
    let mut bytes = posts().into_bytes();
    bytes.write_all(b"cat \xff dog\n\n\0\n").unwrap();
    let users = workplace.run_with_input(&embed(&["-", "-o", "v.txt"]), &bytes);
    assert!(failure(users).contains("standard input: neither JSON nor a table"));
    workplace.write("posts.txt", bytes);
    let output = workplace.run(&embed(&["posts.txt", "-o", "v.txt"]));
    assert_eq!(
        stderr(&output).matches("read as").count(),
        1,
        "{}",
        stderr(&output)
    );
    stdout(output, 0);
    assert_eq!(
        read_vectors(&workplace.path("v.txt")).unwrap().words.len(),
        8
    );
}
