//! `auxlstm predict`, `evaluate` and `devices` as their users meet them: as processes, with a model that is made
//! up here.

mod common;

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
    assert!(errors.contains("standard input:2: bad JSON"), "{errors}");
    assert!(errors.contains("bytes that are not UTF-8"), "{errors}");
    assert!(errors.contains("1 bad record was skipped"), "{errors}");
    let predictions = lines(&stdout(output, 3));
    let ids: Vec<&Value> = predictions.iter().map(|line| &line["id"]).collect();
    assert_eq!(ids, [1, 3, 4].map(Value::from).each_ref());
    let strict = workplace.run_with_input(&["predict", "model", "--strict"], input);
    let before = lines(std::str::from_utf8(&strict.stdout).unwrap());
    assert_eq!(before.len(), 1, "the record before it is predicted");
    let failure = failure(strict);
    assert!(
        failure.contains("standard input:2: bad JSON: expected ident at column 2"),
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
        let evaluate = workplace.command(&command.split(' ').collect::<Vec<_>>());
        // Tests may be started so that signals are ignored, which the command would respect.
        let mut child = Command::new("env")
            .arg("--default-signal")
            .arg(evaluate.get_program())
            .args(evaluate.get_args())
            .current_dir(workplace.path(""))
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
fn figures_are_those_of_the_predictions() {
    let workplace = workplace();
    workplace.write("users.jsonl", users());
    let predictions = lines(&workplace.success(&["predict", "model", "users.jsonl"]));
    let truth = lines(&users());
    let text = workplace.success(&["evaluate", "model", "users.jsonl", "--json", "figures.json"]);
    let figures: Value =
        serde_json::from_slice(&std::fs::read(workplace.path("figures.json")).unwrap()).unwrap();
    assert_eq!(
        (&figures["users"], &figures["bad_records"]),
        (&50.into(), &0.into())
    );
    let attributes = figures["attributes"].as_array().unwrap();
    let names: Vec<&str> = attributes
        .iter()
        .map(|report| report["attribute"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["age", "age (coarse)", "gender"]);

    // Of all predictions, and of the confident ones.
    let (mut users, mut right) = ([0; 3], [0; 3]);
    let (mut confident, mut confident_right) = ([0; 3], [0; 3]);
    let mut count = |index: usize, predicted: &Value, class: &str| {
        let correct = usize::from(predicted["label"] == class);
        let is_confident = usize::from(predicted["confident"] == true);
        users[index] += 1;
        right[index] += correct;
        confident[index] += is_confident;
        confident_right[index] += correct * is_confident;
    };
    for (user, prediction) in truth.iter().zip(&predictions) {
        let prediction = &prediction["predictions"];
        if user["age"] != 20 {
            let class = match user["age"].as_u64().unwrap() {
                13 => "13",
                14 => "14",
                _ => "33+",
            };
            count(0, &prediction["age"], class);
            let coarse = if class == "33+" { "grown" } else { "young" };
            count(1, &prediction["age"]["coarse"], coarse);
        }
        if let Some(gender) = user["gender"].as_str().filter(|gender| *gender != "robot") {
            count(2, &prediction["gender"], gender);
        }
    }
    assert_eq!(users, [45, 45, 40]);
    for (index, report) in attributes.iter().enumerate() {
        assert_eq!(report["users"], users[index]);
        let accuracy = right[index] as f64 / users[index] as f64;
        assert!(
            (report["accuracy"].as_f64().unwrap() - accuracy).abs() < 1e-9,
            "{report}"
        );
        let share = |part: usize, whole: usize| 100.0 * part as f64 / whole as f64;
        let (coverage, confident_accuracy) = (
            share(confident[index], users[index]),
            share(confident_right[index], confident[index]),
        );
        let line = format!(
            "Coverage {coverage:.1} %, accuracy when confident {confident_accuracy:.1} % (probability of at least 0.60)\n"
        );
        let (_, section) = text.split_once(&format!("## {}\n", names[index])).unwrap();
        assert!(section.trim_start().contains(&line), "{line}: {section}");
        let sum: usize = array(&report["reliability"])
            .iter()
            .map(|bin| bin["users"].as_u64().unwrap() as usize)
            .sum();
        assert_eq!(sum, users[index]);
        let all = &array(&report["coverage"])[0];
        assert_eq!(
            (&all["threshold"], &all["coverage"]),
            (&0.0.into(), &1.0.into())
        );
        assert_eq!(all["accuracy"], report["accuracy"]);
        let row = format!("| {} ", names[index]);
        let row = text.lines().find(|line| line.starts_with(&row)).unwrap();
        assert!(row.contains(&format!(" {accuracy:.3} ")), "{row}");
    }
    assert_eq!(
        (
            &attributes[2]["unlabelled"],
            &attributes[2]["other_labels"]["robot"]
        ),
        (&5.into(), &5.into())
    );
    assert_eq!(attributes[0]["other_labels"]["20"], 5);
    assert!(
        text.contains("Left out, with a label that is not a class: \"robot\" (5)"),
        "{text}"
    );
    for title in [
        "## age\n",
        "## age (coarse)\n",
        "## gender\n",
        "| true \\ predicted | female | male |",
    ] {
        assert!(text.contains(title), "{title}: {text}");
    }
}

/// The figures of a bundle's card, as they are written down: 32-bit floats with the digits that they need.
fn card(workplace: &Workplace, bundle: &str) -> Value {
    let bundle = Bundle::from_bytes(&std::fs::read(workplace.path(bundle)).unwrap()).unwrap();
    serde_json::from_str(&serde_json::to_string(&bundle.card.figures).unwrap()).unwrap()
}

#[test]
fn a_card_gets_the_figures_and_the_model_stays_as_it_is() {
    let workplace = workplace();
    workplace.write("users.jsonl", users());
    let read = |name: &str| std::fs::read(workplace.path(name)).unwrap();
    let before = Bundle::from_bytes(&read("model")).unwrap();
    assert_eq!(before.card.figures, []);
    let evaluate = |users: &str, json: &str, bundle: &str| {
        workplace.success(&[
            "evaluate",
            "model",
            users,
            "--json",
            json,
            "--write-card",
            bundle,
        ]);
        let figures: Value = serde_json::from_slice(&read(json)).unwrap();
        figures["attributes"].clone()
    };
    let figures = evaluate("users.jsonl", "figures.json", "with-card");
    let after = Bundle::from_bytes(&read("with-card")).unwrap();
    assert_eq!(after.settings, before.settings);
    assert_eq!(after.vocabulary.words(), before.vocabulary.words());
    assert_eq!(after.embedding, before.embedding);
    assert_eq!(after.parameters, before.parameters);
    let figures_of_card = card(&workplace, "with-card");
    assert_eq!(array(&figures_of_card).len(), 3);
    for (card, report) in array(&figures_of_card).iter().zip(array(&figures)) {
        for (name, value) in card.as_object().unwrap() {
            assert_eq!(value, &report[name], "{name}");
        }
        assert!(card["macro_f1"].is_number(), "{card}");
        assert!(!array(&card["reliability"]).is_empty() && !array(&card["coverage"]).is_empty());
    }
    // An attribute for which no user has a label is not on the card.
    workplace.write(
        "genders.jsonl",
        "{\"gender\": \"male\", \"posts\": [\"rain\"]}\n",
    );
    evaluate("genders.jsonl", "genders.json", "with-card");
    let attributes = card(&workplace, "with-card");
    assert_eq!(array(&attributes).len(), 1);
    assert_eq!(attributes[0]["attribute"], "gender");
    // It may take the model's own place; figures of shortened texts are not the model's.
    workplace.success(&["evaluate", "model", "users.jsonl", "--write-card", "model"]);
    assert_eq!(card(&workplace, "model"), figures_of_card);
    let cut = [
        "evaluate",
        "model",
        "users.jsonl",
        "--max-words",
        "3",
        "--write-card",
        "cut",
    ];
    assert_eq!(workplace.run(&cut).status.code(), Some(2));
    let corpus_rates = ["--base-rates", "corpus", "--write-card", "rates"];
    let line = workplace.failure(&[&cut[..3], &corpus_rates].concat());
    assert!(line.contains("under equal base rates"), "{line}");
    // A smaller model's card is measured by the same.
    let compact = [
        "compact",
        "model",
        "-o",
        "small",
        "--test-users",
        "users.jsonl",
    ];
    let output = workplace.run(&compact);
    let said = stderr(&output);
    stdout(output, 0);
    assert!(
        said.contains(": macro-F1 0.") && said.contains(", F (paper) 0."),
        "{said}"
    );
    workplace.success(&["evaluate", "small", "users.jsonl", "--write-card", "again"]);
    assert_eq!(read("small"), read("again"));
}

#[test]
fn compact_dropped_the_test_figures_silently() {
    let workplace = workplace();
    workplace.write("users.jsonl", users());
    let compact = ["compact", "model", "-o", "model"];
    let without_figures = workplace.run(&compact);
    assert_eq!(stderr(&without_figures), "");
    stdout(without_figures, 0);
    workplace.success(&["evaluate", "model", "users.jsonl", "--write-card", "model"]);
    assert_eq!(array(&card(&workplace, "model")).len(), 3);
    let output = workplace.run(&compact);
    let said = stderr(&output);
    stdout(output, 0);
    assert!(
        said.starts_with("the card's test figures are left out"),
        "{said}"
    );
    assert_eq!(card(&workplace, "model"), Value::Array(vec![]));
}

#[test]
fn only_the_test_users_of_a_split_are_scored() {
    let workplace = workplace();
    workplace.write("users.jsonl", users());
    let split = |test: &str| {
        let of_file = |users: &str| format!("{{\"users.jsonl\": {users}}}");
        let [training, validation, test] = [r#"[{"id": "u1"}]"#, "[]", test].map(of_file);
        format!("{{\"training\": {training}, \"validation\": {validation}, \"test\": {test}}}")
    };
    let test = r#"[{"id": "u0"}, {"id": "u4"}, {"id": "u8"}, {"id": "u12"}, {"id": "nobody"}, {"id": 16}]"#;
    workplace.write("split.json", split(test));
    let of_split =
        |input: &str| workplace.success(&["evaluate", "model", input, "--split", "split.json"]);
    let test: String = (users().lines())
        .step_by(4)
        .take(4)
        .map(|line| line.to_owned() + "\n")
        .collect();
    workplace.write("test.jsonl", &test);
    let wanted = workplace.success(&["evaluate", "model", "test.jsonl"]);
    assert!(wanted.starts_with("4 users\n"), "{wanted}");
    assert_eq!(of_split("users.jsonl"), wanted);
    workplace.success(&[
        "compact",
        "model",
        "-o",
        "one",
        "--test-users",
        "test.jsonl",
    ]);
    workplace.success(&[
        "compact",
        "model",
        "-o",
        "two",
        "--test-users",
        "users.jsonl",
        "--split",
        "split.json",
    ]);
    assert_eq!(card(&workplace, "one"), card(&workplace, "two"));

    workplace.write("other.json", split(r#"[{"id": 1}, {"id": 2}]"#));
    workplace.write("nonsense.json", "[1, 2]");
    for (split, what) in [
        (
            "other.json",
            "other.json: none of its test users is in the corpus",
        ),
        (
            "nonsense.json",
            "nonsense.json: not the split of a training run: ",
        ),
        ("missing.json", "missing.json: No such file"),
    ] {
        let line = workplace.failure(&["evaluate", "model", "users.jsonl", "--split", split]);
        assert!(line.contains(what), "{line}");
    }
}

#[test]
fn corpora_with_few_labels_or_none() {
    let workplace = workplace();
    workplace.write(
        "one-class.jsonl",
        "{\"gender\": \"male\", \"posts\": [\"rain\"]}\n".repeat(3),
    );
    let text = workplace.success(&["evaluate", "model", "one-class.jsonl"]);
    let gender = text
        .lines()
        .find(|line| line.starts_with("| gender "))
        .unwrap();
    // The majority baseline is always right here.
    assert!(gender.contains("1.000"), "{gender}");
    workplace.write("unlabelled.jsonl", "{\"posts\": [\"rain\"]}\n");
    let line = workplace.failure(&["evaluate", "model", "unlabelled.jsonl"]);
    assert!(
        line.contains(
            "none of 1 users has a label that is a class of the model, which predicts: age, gender"
        ),
        "{line}"
    );
    let line = workplace.failure(&[
        "evaluate",
        "model",
        "one-class.jsonl",
        "--json",
        "nowhere/figures.json",
    ]);
    assert!(line.contains("cannot write nowhere/figures.json"), "{line}");
}

#[test]
fn figures_that_were_not_measured_were_zeros() {
    let workplace = workplace();
    workplace.write(
        "users.jsonl",
        "{\"gender\": \"male\", \"posts\": [\"rain\"]}\n".repeat(3),
    );
    let text = workplace.success(&["evaluate", "model", "users.jsonl", "--json", "figures.json"]);
    let json = std::fs::read_to_string(workplace.path("figures.json")).unwrap();
    assert!(!json.contains("-0.0"), "{json}");
    let figures: Value = serde_json::from_str(&json).unwrap();
    let [age, _, gender] = array(&figures["attributes"]) else {
        panic!("{figures}");
    };
    assert_eq!(age["users"], 0);
    let of_nobody = [
        "accuracy",
        "majority",
        "macro_f1",
        "f",
        "precision",
        "recall",
        "calibration_error",
        "log_loss",
        "mean_probabilities",
    ];
    for name in of_nobody {
        assert_eq!(age.get(name), Some(&Value::Null), "{name}");
        assert!(!gender[name].is_null(), "{name}");
    }
    assert_eq!(gender["classes"][0]["recall"], Value::Null);
    assert!(gender["classes"][1]["recall"].is_f64());
    let row = |name: &str| {
        let line = text.lines().find(|line| line.starts_with(name)).unwrap();
        let cells = line.split('|').map(|cell| cell.trim().to_owned());
        cells.collect::<Vec<_>>()
    };
    assert_eq!(row("| age  ")[2], "0");
    assert_eq!(row("| age  ")[3..11], ["–"; 8]);
    assert_eq!(row("| female * ")[3], "–");
}

#[test]
fn two_kinds_of_f_had_nearly_the_same_name() {
    let workplace = workplace();
    workplace.write("users.jsonl", users());
    let text = workplace.success(&["evaluate", "model", "users.jsonl"]);
    assert!(text.contains("| macro-F1 | F (paper) |"), "{text}");
    let meaning = "macro-F1 is the mean of the classes' F1. F (paper) is 2PR/(P+R), where";
    assert_eq!(text.matches(meaning).count(), 1, "{text}");
}

#[test]
fn figures_of_classes_of_few_users_looked_like_others() {
    let workplace = workplace();
    workplace.write("users.jsonl", users());
    let few: String = (users().lines().take(24))
        .map(|line| line.to_owned() + "\n")
        .collect();
    workplace.write("few.jsonl", few);
    let marked = "Marked *: fewer than 10 users";
    let output = workplace.run(&["evaluate", "model", "few.jsonl"]);
    let said = stderr(&output);
    assert!(
        said.contains("age: fewer than 10 users are of \"13\" (") && said.contains("say little"),
        "{said}"
    );
    let text = stdout(output, 0);
    assert!(text.contains("| 13 * ") && text.contains(marked), "{text}");
    let gender = workplace.run(&["evaluate", "model", "users.jsonl"]);
    assert!(!stderr(&gender).contains("gender: "));
    let text = stdout(gender, 0);
    let (_, section) = text.split_once("## gender\n").unwrap();
    assert!(!section.contains(marked), "{section}");
}

#[test]
fn labels_that_are_not_classes_can_be_mapped() {
    let workplace = workplace();
    workplace.write("users.jsonl", users());
    let short = users()
        .replace("\"female\"", "\"F\"")
        .replace("\"male\"", "\"=M:1\"")
        .replace("\"age\"", "\"years\"");
    workplace.write("short.jsonl", &short);
    let evaluate = ["evaluate", "model", "short.jsonl"];
    let line = workplace.failure(&evaluate);
    let found =
        "which predicts: age, gender; labels of gender: \"F\" (21), \"=M:1\" (19), \"robot\" (5)";
    assert!(line.ends_with(found), "{line}");
    let map = ["--map", "gender:F=female", "--map", "gender:=M:1=male"];
    let mapped = workplace.success(&[&evaluate[..], &map].concat());
    let gender = |text: &str| text.split_once("## gender\n").unwrap().1.to_owned();
    let named = workplace.success(&["evaluate", "model", "users.jsonl"]);
    assert_eq!(gender(&mapped), gender(&named));
    for (mapping, what) in [
        (
            "gender:F=femal",
            "--map: \"gender\" has no class \"femal\"; it has: female, male",
        ),
        (
            "sex:F=female",
            "--map: there is no attribute \"sex\"; permitted: age, gender",
        ),
    ] {
        let line = workplace.failure(&[&evaluate[..], &["--map", mapping]].concat());
        assert!(line.ends_with(what), "{line}");
    }
    let twice = ["--map", "gender:F=female", "--map", "gender:F=male"];
    let line = workplace.failure(&[&evaluate[..], &twice].concat());
    assert!(
        line.contains("both as \"female\" and as \"male\""),
        "{line}"
    );
    for wrong in ["gender", "gender:F", "F=female", ":F=female"] {
        let output = workplace.run(&[&evaluate[..], &["--map", wrong]].concat());
        assert!(
            stderr(&output).contains("expected ATTRIBUTE:LABEL=CLASS"),
            "{wrong}"
        );
        stdout(output, 2);
    }
}

#[test]
fn names_of_classes_controlled_the_terminal() {
    let workplace = workplace();
    let bytes = std::fs::read(workplace.path("model")).unwrap();
    let mut bundle = Bundle::from_bytes(&bytes).unwrap();
    let attribute = &mut bundle.settings.attributes[1];
    attribute.name = "gen\u{1b}der".into();
    attribute.classes[0] = "fe\u{202e}male".into();
    workplace.write("model", bundle.to_bytes().unwrap());
    let label = "{\"gen\\u001bder\": \"male\", \"posts\": [\"rain\"]}\n";
    workplace.write("users.jsonl", label);
    let text = workplace.success(&["evaluate", "model", "users.jsonl"]);
    assert!(text.contains("## gen\\u{1b}der\n"), "{text}");
    assert!(text.contains("| fe\\u{202e}male |"), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
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
