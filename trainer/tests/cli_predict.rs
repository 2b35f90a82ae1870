//! `auxlstm predict`, `evaluate` and `devices` as their users meet them: as processes, with a model that is made
//! up here.

mod common;
#[path = "cli_predict/evaluation.rs"]
mod evaluation;

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::model::{WORDS, untrained};
use common::{Workplace, failure, stderr, stdout};
use model_core::bundle::Bundle;
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde_json::Value;

/// A folder with an untrained model of age (with coarse classes) and gender.
fn workplace() -> Workplace {
    let workplace = Workplace::new();
    workplace.write("model", untrained().to_bytes().unwrap());
    workplace
}

/// Labelled users; some labels are missing, and some the model does not know.
fn users() -> String {
    let mut random = StdRng::seed_from_u64(8);
    let user = |id: usize| {
        let words: Vec<&str> = (0..random.random_range(1..40))
            .map(|_| WORDS[random.random_range(0..6)])
            .collect();
        let mut user = serde_json::json!({
            "id": format!("u{id}"),
            "age": ([13, 14, 33, 47][id % 4]),
            "gender": (["female", "male"][id / 2 % 2]),
            "posts": words.chunks(7).map(|post| post.join(" ")).collect::<Vec<_>>(),
        });
        match id % 10 {
            3 => user["gender"] = Value::Null,
            5 => user["gender"] = "robot".into(),
            7 => user["age"] = 20.into(),
            _ => {}
        }
        user.to_string() + "\n"
    };
    (0..50).map(user).collect()
}

fn lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn array(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// The most probable class, and that the probabilities are some.
fn most_probable(probabilities: &Value) -> (&str, f64) {
    let classes = probabilities.as_object().unwrap();
    let values = || {
        classes
            .iter()
            .map(|(class, value)| (class.as_str(), value.as_f64().unwrap()))
    };
    assert!(
        (values().map(|(_, value)| value).sum::<f64>() - 1.0).abs() < 1e-5,
        "{probabilities}"
    );
    values().max_by(|(_, a), (_, b)| a.total_cmp(b)).unwrap()
}

#[test]
fn predictions_come_in_order_whatever_the_input() {
    let workplace = workplace();
    workplace.write("users.jsonl", users());
    let text = workplace.success(&["predict", "model", "users.jsonl"]);
    let predictions = lines(&text);
    assert_eq!(predictions.len(), 50);
    for (index, prediction) in predictions.iter().enumerate() {
        assert_eq!(prediction["id"], format!("u{index}"));
        assert!(
            prediction["words"].as_u64() > Some(0)
                && prediction["words"] == prediction["known_words"]
        );
        let gender = &prediction["predictions"]["gender"];
        assert_eq!(gender["label"], most_probable(&gender["probabilities"]).0);
        assert_eq!(gender.get("coarse"), None);
        let age = &prediction["predictions"]["age"];
        assert_eq!(age["label"], most_probable(&age["probabilities"]).0);
        let (coarse, probability) = most_probable(&age["coarse"]["probabilities"]);
        assert_eq!(age["coarse"]["label"], coarse);
        let share = |class: &str| age["probabilities"][class].as_f64().unwrap();
        let sum = if coarse == "young" {
            share("13") + share("14")
        } else {
            share("33+")
        };
        assert!((sum - probability).abs() < 1e-5);
    }
    let piped = workplace.run_with_input(&["predict", "model"], users());
    assert_eq!(stdout(piped, 0), text);
    let named = workplace.run_with_input(&["predict", "model", "-", "--device", "cpu"], users());
    assert_eq!(stdout(named, 0), text);
    let csv: String = "text\nrain tea\n\"office, essay\"\n".into();
    let by_csv = lines(&stdout(
        workplace.run_with_input(&["predict", "model"], csv),
        0,
    ));
    let by_text =
        workplace.run_with_input(&["predict", "model", "--text"], "rain tea\noffice, essay\n");
    assert_eq!(lines(&stdout(by_text, 0)), by_csv);
    assert_eq!((&by_csv[0]["id"], &by_csv[1]["id"]), (&1.into(), &2.into()));
}

#[test]
fn a_file_after_the_flag_for_text_was_taken_for_a_column() {
    let workplace = workplace();
    workplace.write("posts.txt", "rain tea\n");
    let line = workplace.failure(&["predict", "model", "--text", "posts.txt"]);
    assert!(line.contains("write the file before --text"), "{line}");
    let written = workplace.success(&["predict", "model", "posts.txt", "--text"]);
    assert_eq!(written.lines().count(), 1);
}

#[test]
fn odd_texts_get_an_answer() {
    let workplace = workplace();
    let megabyte = "rain or tea ".repeat(90_000);
    let unknown = "ᚠᛇᚻ ᛒᛦᚦ ᚠᚱᚩᚠᚢᚱ";
    let texts = [
        "",
        "x",
        "rain",
        &megabyte,
        unknown,
        "nul \0 and rain",
        "\u{202e}\u{fffd}\u{1f926}\u{1f3fc}",
        "{\"posts\": 3}",
    ];
    let output = workplace.run_with_input(&["predict", "model", "--text"], texts.join("\n") + "\n");
    let predictions = lines(&stdout(output, 0));
    assert_eq!(predictions.len(), texts.len());
    for (index, prediction) in predictions.iter().enumerate() {
        let known = prediction["known_words"].as_u64().unwrap();
        assert_eq!(known > 0, [2, 3, 5].contains(&index), "{prediction}");
        let gender = &prediction["predictions"]["gender"];
        most_probable(&gender["probabilities"]);
        assert_eq!(gender["label"].is_null(), known == 0);
    }
    assert_eq!(predictions[3]["words"], 100);
    assert_eq!(
        stdout(workplace.run_with_input(&["predict", "model"], ""), 0),
        ""
    );
}

#[test]
fn bad_records_are_left_out_and_show_in_the_exit_status() {
    let workplace = workplace();
    let input = b"{\"id\": 1, \"posts\": [\"rain \xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\"]}\nnonsense\n{\"posts\": [\"\xff\"]}\n{\"posts\": [\"tea\"]}\n";
    let output = workplace.run_with_input(&["predict", "model"], input);
    let errors = stderr(&output);
    assert!(
        errors.contains("standard input:2: a record must be a JSON object"),
        "{errors}"
    );
    assert!(
        errors.contains("1 byte is not UTF-8 and read as \u{FFFD}"),
        "{errors}"
    );
    assert!(errors.contains("1 bad record was skipped"), "{errors}");
    let predictions = lines(&stdout(output, 3));
    let ids: Vec<&Value> = predictions.iter().map(|line| &line["id"]).collect();
    assert_eq!(ids, [1, 3, 4].map(Value::from).each_ref());
    let strict = workplace.run_with_input(&["predict", "model", "--strict"], input);
    let before = lines(std::str::from_utf8(&strict.stdout).unwrap());
    assert_eq!(before.len(), 1, "the record before it is predicted");
    let failure = failure(strict);
    assert!(
        failure.contains("standard input:2: a record must be a JSON object"),
        "{failure}"
    );
}

#[test]
fn predictions_flow_while_the_input_goes_on() {
    let workplace = workplace();
    let mut child = workplace.start(&["predict", "model", "--text"]);
    let mut stdin = child.stdin.take().unwrap();
    // More than the command reads at a time; it must not wait for the end.
    let writer = std::thread::spawn(move || {
        stdin
            .write_all("rain and tea\n".repeat(10_000).as_bytes())
            .unwrap();
        stdin
    });
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    assert!(first.starts_with("{\"id\":1,\"words\":3,"), "{first}");
    drop(writer.join().unwrap());
    assert_eq!(out.lines().count(), 9_999);
    assert!(child.wait().unwrap().success());
}

#[test]
fn who_reads_only_the_beginning_may_go() {
    let workplace = workplace();
    let mut child = workplace.start(&["predict", "model", "--text"]);
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    // The command ends while this is written, so that writing fails at some time.
    while stdin.write_all("rain\n".repeat(1000).as_bytes()).is_ok() {}
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), stderr(&output).as_str()),
        (Some(0), "")
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_an_error() {
    let workplace = workplace();
    workplace.write("users.jsonl", users());
    for command in ["predict", "evaluate"] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = workplace
            .command(&[command, "model", "users.jsonl"])
            .stdout(full)
            .output()
            .unwrap();
        let line = failure(output);
        assert!(line.contains("standard output: No space left"), "{line}");
    }
}

/// These commands had no handler of signals, so that their temporary files stayed.
#[cfg(target_os = "linux")]
#[test]
fn ctrl_c_left_temporary_files_behind() {
    let workplace = workplace();
    let commands = [
        "evaluate model - --json figures.json",
        "evaluate model - --write-card model",
        "compact model -o small --test-users -",
    ];
    for (command, interrupts) in commands.into_iter().flat_map(|one| [(one, 1), (one, 2)]) {
        let before = workplace.files();
        let mut child = (workplace.interruptible(&command.split(' ').collect::<Vec<_>>()))
            // It waits for users.
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // To wait for a child closes the standard input that it still has.
        let _stdin = child.stdin.take();
        let start = Instant::now();
        while workplace.files() == before {
            assert!(start.elapsed().as_secs() < 60, "no temporary file appeared");
            sleep(Duration::from_millis(5));
        }
        for number in 0..interrupts {
            let kill = Command::new("kill")
                .args(["-INT", &child.id().to_string()])
                .stderr(Stdio::null())
                .status();
            assert!(kill.unwrap().success() || number > 0);
        }
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_eq!(workplace.files(), before);
    }
}

/// Progress and warnings used to end the command with a panic where standard error could not be written.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_error_ended_the_command() {
    let workplace = workplace();
    workplace.write("users.jsonl", users() + "no record\n");
    for (command, status) in [("predict", 3), ("evaluate", 0)] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = workplace
            .command(&[command, "model", "users.jsonl"])
            .stderr(full)
            .output()
            .unwrap();
        assert!(!stdout(output, status).is_empty());
    }
    let full = File::options().write(true).open("/dev/full").unwrap();
    let mut missing = workplace.command(&["predict", "missing"]);
    let output = missing.stderr(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn names_of_files_controlled_the_terminal() {
    let workplace = workplace();
    let line = workplace.failure(&["predict", "model", "users\u{1b}[2J.jsonl"]);
    assert!(line.contains("users\\u{1b}[2J.jsonl: "), "{line}");
    workplace.write("users\u{1b}.jsonl", "no record\n");
    let output = workplace.run(&["predict", "model", "users\u{1b}.jsonl"]);
    let errors = stderr(&output);
    assert!(errors.contains("users\\u{1b}.jsonl:1: ") && !errors.contains('\u{1b}'));
}

#[test]
fn what_is_no_model_is_one_clear_line() {
    let workplace = workplace();
    workplace.write("users.jsonl", users());
    let model = std::fs::read(workplace.path("model")).unwrap();
    workplace.write("empty", "");
    for part in 1..20 {
        workplace.write("cut", &model[..model.len() * part / 20]);
        for command in ["predict", "evaluate"] {
            let line = workplace.failure(&[command, "cut", "users.jsonl"]);
            assert!(line.starts_with("auxlstm: cut: the "), "{line}");
        }
    }
    for (bundle, what) in [
        ("missing", "missing: No such file"),
        (".", ".: Is a directory"),
        ("empty", "empty: the file is "),
        (
            "users.jsonl",
            "users.jsonl: the file is not an auxlstm bundle",
        ),
    ] {
        let line = workplace.failure(&["predict", bundle, "users.jsonl"]);
        assert!(line.contains(what), "{line}");
    }
    let device = workplace.failure(&["predict", "model", "users.jsonl", "--device", "abacus"]);
    assert!(
        device.contains("\"abacus\"") && device.contains("cpu"),
        "{device}"
    );
    let input = workplace.failure(&["predict", "model", "nobody.jsonl"]);
    assert!(input.contains("nobody.jsonl: No such file"), "{input}");
    let dictionary =
        workplace.failure(&["predict", "model", "users.jsonl", "--dictionary", "empty"]);
    assert!(dictionary.contains("dictionary empty: "), "{dictionary}");
}

#[test]
fn the_cpu_is_always_there() {
    let workplace = Workplace::new();
    let devices: Value = serde_json::from_str(&workplace.success(&["devices", "--json"])).unwrap();
    let cpu = devices
        .as_array()
        .unwrap()
        .iter()
        .find(|device| device["name"] == "cpu")
        .unwrap();
    assert_eq!(
        (&cpu["available"], &cpu["default"]),
        (&true.into(), &true.into())
    );
    assert!(
        workplace
            .success(&["devices"])
            .contains("| cpu    | default       |")
    );
}

#[test]
fn posts_in_the_columns_of_a_crawler_are_one_user() {
    let workplace = workplace();
    let rows = "id,user_id,正文\n1,ann,rain\n2,bob,tea\n3,ann,tea\n";
    let output = workplace.run_with_input(&["predict", "model"], rows);
    let predictions = lines(&stdout(output, 0));
    let found: Vec<_> = (predictions.iter())
        .map(|line| (&line["id"], &line["words"]))
        .collect();
    assert_eq!(
        found,
        [(&"ann".into(), &2.into()), (&"bob".into(), &1.into())]
    );
}

#[test]
fn the_last_digits_of_ids_changed() {
    let workplace = workplace();
    let ids = [
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775809",
        "1e400",
    ];
    let records = ids.map(|id| format!("{{\"id\": {id}, \"posts\": [\"rain\"]}}\n"));
    let output = workplace.run_with_input(&["predict", "model"], records.concat());
    for (line, id) in stdout(output, 0).lines().zip(ids) {
        let quoted = line.replace('"', "");
        assert!(quoted.starts_with(&format!("{{id:{id},")), "{line}");
    }
}
