//! What the command withstands: full disks, any number of threads, any order and number of users.
#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::informative::{informative, users};
use common::model::WORDS;
use common::{Workplace, failure, stdout};
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::json;

/// Every file below a folder with its content, but not the empty file by which a folder is locked.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if !path.ends_with(".lock") {
            let content = fs::read(&path).unwrap();
            found.push((path, content));
        }
    }
    found.sort();
    found
}

/// Runs the command where files can have no more than this many blocks of 512 bytes. A write beyond fails as on a full disk.
fn limited(workplace: &Workplace, blocks: u32, arguments: &[&str]) -> Output {
    let command = workplace.command(arguments);
    Command::new("sh")
        .arg("-c")
        // The command itself ignores the signal that would end it.
        .arg(format!("ulimit -f {blocks}; exec \"$0\" \"$@\""))
        .arg(command.get_program())
        .args(command.get_args())
        .current_dir(workplace.path(""))
        .env("TMPDIR", workplace.path(""))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

const CONFIG: &str = r#"
corpus = ["users.jsonl"]
vectors = "vectors.txt"
output = "run"
[network]
auxiliary_hidden_size = 0
main_hidden_size = 4
dense_size = 4
[training]
epochs = 2
[[attributes]]
name = "gender"
classes = ["female", "male"]
"#;

#[test]
fn a_full_disk_leaves_no_part_of_a_file() {
    let workplace = Workplace::new();
    let jsonl: String = users(120, 0.5, 1)
        .iter()
        .map(|user| format!("{user}\n"))
        .collect();
    workplace.write("users.jsonl", jsonl);
    workplace.write("model", informative().to_bytes().unwrap());
    workplace.success(&["adapt", "model", "users.jsonl", "-o", "adapted"]);
    let vectors: String = (WORDS.iter())
        .map(|word| format!("{word} 0.5 -0.25\n"))
        .collect();
    workplace.write("vectors.txt", format!("{} 2\n{vectors}", WORDS.len()));
    workplace.write("config.toml", CONFIG);
    let before = files(&workplace.path(""));
    for command in [
        "predict adapted users.jsonl -o out.csv",
        "predict adapted users.jsonl -o out.parquet",
        "predict adapted users.jsonl --shard 1/1 -o shards",
        "population adapted users.jsonl --sums out",
        "population adapted users.jsonl -o out.html --json out.json",
        "adapt model users.jsonl -o out",
        "compact adapted -o out",
        "evaluate adapted users.jsonl --json out.json",
        "evaluate adapted users.jsonl --html out.html",
        "evaluate adapted users.jsonl --write-card adapted",
        "corpus convert users.jsonl -o out.jsonl",
        "embed users.jsonl -o out.txt --dimensions 4 --epochs 1",
        "train config.toml",
    ] {
        let arguments: Vec<&str> = command.split(' ').collect();
        let line = failure(limited(&workplace, 0, &arguments));
        assert!(line.contains("File too large"), "{command}: {line}");
        // The name of a temporary file used to follow. That of the folder begins alike.
        let line = line.replace(&workplace.path("").display().to_string(), "");
        assert!(!line.contains(".tmp"), "{command}: {line}");
        assert!(files(&workplace.path("")) == before, "{command}");
    }
    // A disk that fills later.
    for blocks in [2, 4, 6] {
        let output = limited(&workplace, blocks, &["train", "config.toml", "-o", "later"]);
        let line = failure(output);
        assert!(line.contains("File too large"), "{blocks}: {line}");
        let is_temporary = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "tmp");
        let left = files(&workplace.path("later"));
        assert!(!left.iter().any(|(path, _)| is_temporary(path)), "{blocks}");
        assert!(!workplace.path("later/model.safetensors").exists());
        fs::remove_dir_all(workplace.path("later")).unwrap();
    }
    workplace.success(&["train", "config.toml"]);
}

#[test]
fn threads_and_the_order_of_users_change_no_byte() {
    let workplace = Workplace::new();
    workplace.write("model", informative().to_bytes().unwrap());
    let mut random = StdRng::seed_from_u64(2);
    let mut lines: Vec<String> = (0..400)
        .map(|id| {
            let length = 1 + random.random_range(0..12) * random.random_range(0..12);
            let words: Vec<&str> = (0..length)
                .map(|_| WORDS[random.random_range(0..WORDS.len())])
                .collect();
            format!("{}\n", json!({ "id": id, "posts": [words.join(" ")] }))
        })
        .collect();
    let predict = |lines: &[String], threads: &str| {
        workplace.write("users.jsonl", lines.concat());
        let mut command = workplace.command(&["predict", "model", "users.jsonl"]);
        stdout(
            command.env("RAYON_NUM_THREADS", threads).output().unwrap(),
            0,
        )
    };
    let sorted = |printed: &str| {
        let mut lines: Vec<String> = printed.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let alone = predict(&lines, "1");
    assert_eq!(alone.lines().count(), lines.len());
    for threads in ["2", "4"] {
        assert!(predict(&lines, threads) == alone, "{threads} threads");
    }
    for threads in ["1", "4"] {
        lines.shuffle(&mut random);
        let shuffled = predict(&lines, threads);
        assert!(shuffled != alone);
        assert!(sorted(&shuffled) == sorted(&alone), "{threads} threads");
    }
}

/// The most memory of `predict`, in kB, whatever the number of users.
const MOST_MEMORY: u64 = 75_000;

/// `MEMORY_USERS` is the number of users, 50,000 if it is not set.
#[test]
fn memory_does_not_grow_with_the_number_of_users() {
    let workplace = Workplace::new();
    workplace.write("model", informative().to_bytes().unwrap());
    let number = std::env::var("MEMORY_USERS").ok();
    let number: usize = number.map_or(50_000, |number| number.parse().unwrap());
    let mut child = workplace
        .command(&[
            "predict",
            "model",
            "-",
            "--format",
            "csv",
            "-o",
            "/dev/null",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let lines: String = (0..1000)
        .map(|id| {
            let words: Vec<&str> = (0..20).map(|word| WORDS[(id + word * word) % 6]).collect();
            format!("{}\n", json!({ "id": id, "posts": [words.join(" ")] }))
        })
        .collect();
    for _ in 0..number.div_ceil(1000) {
        stdin.write_all(lines.as_bytes()).unwrap();
    }
    // It waits for more users.
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak: u64 = (peak.unwrap().trim().trim_end_matches(" kB").parse()).unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
    assert!(peak < MOST_MEMORY, "{peak} kB for {number} users");
}
