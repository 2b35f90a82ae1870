//! `auxlstm train` as a process, on a small generated corpus.

mod common;
#[path = "cli_train/compaction.rs"]
mod compaction;
#[path = "cli_train/corpora.rs"]
mod corpora;
#[path = "cli_train/interruption.rs"]
mod interruption;
#[path = "cli_train/refusals.rs"]
mod refusals;

use std::{
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use common::{Workplace, stderr, stdout};
use model_core::bundle::{Bundle, ValidationStatus};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use trainer::corpus::StoredSplit;

const SHARED: [&str; 8] = ["the", "day", "and", "was", "good", "with", "some", "rain"];
const BY_GENDER: [[&str; 3]; 2] = [
    ["violet", "amber", "ivory"],
    ["copper", "granite", "walnut"],
];
const BY_AGE: [[&str; 3]; 3] = [
    ["homework", "locker", "recess"],
    ["rent", "career", "wedding"],
    ["mortgage", "pension", "knee"],
];

/// A folder with vectors, a config, and users whose words depend on their gender and age, 19, 29 or 39.
fn workplace() -> Workplace {
    let workplace = Workplace::new();
    let mut random = StdRng::seed_from_u64(11);
    let mut users = String::new();
    for id in 0..240 {
        let (gender, age) = (id % 2, id % 3);
        let words: Vec<&str> = (0..random.random_range(12..30))
            .map(|_| match random.random_range(0..4) {
                0 => *BY_GENDER[gender].choose(&mut random).unwrap(),
                1 => *BY_AGE[age].choose(&mut random).unwrap(),
                _ => *SHARED.choose(&mut random).unwrap(),
            })
            .collect();
        let (first, second) = words.split_at(words.len() / 2);
        let gender_label = ["female", "male"][gender];
        let record = serde_json::json!({
            "id": id,
            "gender": gender_label,
            "age": 19 + 10 * age,
            "posts": [first.join(" "), second.join(" ")],
        });
        writeln!(users, "{record}").unwrap();
    }
    workplace.write("users.jsonl", users);
    let words: Vec<&str> = SHARED
        .iter()
        .chain(BY_GENDER.iter().flatten())
        .chain(BY_AGE.iter().flatten())
        .copied()
        .collect();
    let mut vectors = format!("{} 8\n", words.len());
    for word in words {
        let values: Vec<String> = (0..8)
            .map(|_| random.random_range(-1.0f32..1.0).to_string())
            .collect();
        writeln!(vectors, "{word} {}", values.join(" ")).unwrap();
    }
    workplace.write("vectors.txt", vectors);
    workplace.write("config.toml", CONFIG);
    workplace
}

const CONFIG: &str = r#"
corpus = ["users.jsonl"]
vectors = "vectors.txt"
output = "run"
[network]
auxiliary_hidden_size = 8
main_hidden_size = 6
dense_size = 8
dropout = 0.2
[training]
epochs = 12
batch_size = 16
optimiser = "adagrad"
learning_rate = 0.1
decay = "none"
window_words = 10
checkpoint_steps = 3
[[attributes]]
name = "gender"
classes = ["female", "male"]
[[attributes]]
name = "age"
classes = ["18-24", "25-34", "35+"]
"#;

fn test_figures(run: &Path) -> serde_json::Value {
    let metrics = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    serde_json::from_str(metrics.lines().last().unwrap()).unwrap()
}

#[test]
fn a_run_learns_and_writes_all_its_files() {
    let workplace = workplace();
    assert_eq!(
        workplace.success(&["train", "config.toml"]).trim(),
        "run/model.safetensors"
    );
    for file in [
        "config.toml",
        "split.json",
        "metrics.jsonl",
        "checkpoint.safetensors",
        "model.safetensors",
    ] {
        assert!(workplace.path("run").join(file).exists(), "{file}");
    }
    let figures = test_figures(&workplace.path("run"));
    for (index, chance) in [0.5, 0.34].iter().enumerate() {
        let accuracy = figures["test"][index]["accuracy"].as_f64().unwrap();
        assert!(accuracy > chance + 0.2, "{figures}");
    }
    // The config as used gives the same run again.
    workplace.success(&["train", "run/config.toml", "--output", "again"]);
    let bundle = |run: &str| fs::read(workplace.path(run).join("model.safetensors")).unwrap();
    assert!(
        bundle("run") == bundle("again"),
        "same seed, same device, another bundle"
    );
    workplace.success(&["train", "config.toml", "--output", "other", "--seed", "2"]);
    assert!(bundle("run") != bundle("other"));
    // A bundle has the same word vectors as the file.
    let of_bundle = "vectors='run/model.safetensors'";
    workplace.success(&["train", "config.toml", "-o", "third", "--set", of_bundle]);
    assert!(bundle("run") == bundle("third"));
    fs::copy(
        workplace.path("vectors.txt"),
        workplace.path("no.safetensors"),
    )
    .unwrap();
    let wrong = ["-o", "fourth", "--set", "vectors='no.safetensors'"];
    let output = workplace.run(&[&["train", "config.toml"], &wrong[..]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("no.safetensors cannot be used"));
}

#[test]
fn epochs_are_judged_by_the_log_loss_or_f_of_the_main_tasks() {
    let workplace = workplace();
    let epochs = |select_by: &str| -> Vec<serde_json::Value> {
        let setting = format!("training.select_by={select_by}");
        workplace.success(&["train", "config.toml", "-o", select_by, "--set", &setting]);
        let metrics = fs::read_to_string(workplace.path(select_by).join("metrics.jsonl")).unwrap();
        let lines = metrics.lines();
        let values = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        values.filter(|value| value["epoch"].is_u64()).collect()
    };
    let mean = |epoch: &serde_json::Value, figure: &str| {
        let tasks = epoch["tasks"].as_array().unwrap();
        let of_tasks = tasks.iter().map(|task| task[figure].as_f64().unwrap());
        of_tasks.sum::<f64>() / tasks.len() as f64
    };
    for epoch in epochs("f") {
        let score = epoch["score"].as_f64().unwrap();
        assert!((score - mean(&epoch, "f")).abs() < 1e-9, "{epoch}");
    }
    let by_loss = epochs("loss");
    for epoch in &by_loss {
        // Calibrated on these users, their loss can only be lower.
        let score = epoch["score"].as_f64().unwrap();
        assert!(
            score < 0.0 && -score < mean(epoch, "log_loss") + 1e-3,
            "{epoch}"
        );
    }
    let first = &by_loss[0];
    let best = (by_loss.iter()).map(|epoch| epoch["score"].as_f64().unwrap());
    assert!(best.fold(f64::NEG_INFINITY, f64::max) > first["score"].as_f64().unwrap());
}

#[test]
fn the_best_epoch_so_far_was_named_without_its_figure() {
    let workplace = workplace();
    for (select_by, figure, sign) in [
        ("loss", "mean calibrated log loss", -1.0),
        ("f", "mean F (paper)", 1.0),
    ] {
        let select_by = format!("training.select_by={select_by}");
        let settings = ["--set", "training.epochs=2", "--set", &select_by];
        let run = ["train", "config.toml", "-o", figure];
        let output = workplace.run(&[&run[..], &settings].concat());
        let said = stderr(&output);
        stdout(output, 0);
        let metrics = fs::read_to_string(workplace.path(figure).join("metrics.jsonl")).unwrap();
        let first: serde_json::Value =
            serde_json::from_str(metrics.lines().next().unwrap()).unwrap();
        let score = sign * first["score"].as_f64().unwrap();
        let line = said
            .lines()
            .find(|line| line.starts_with("epoch 1: "))
            .unwrap();
        let end = format!("; {figure} {score:.4} (best so far)");
        assert!(line.ends_with(&end), "{line}, not {end}");
        for (name, field) in [("macro-F1", "macro_f1"), ("F (paper)", "f")] {
            let value = first["tasks"][0][field].as_f64().unwrap();
            assert!(line.contains(&format!("{name} {value:.3}, ")), "{line}");
        }
        let meaning = "the loss and scores of each epoch are those on the validation users: macro-F1 is the mean of";
        assert_eq!(said.matches(meaning).count(), 1, "{said}");
    }
}

#[test]
fn a_test_part_with_classes_of_few_users_is_reported() {
    let workplace = workplace();
    let train = [
        "train",
        "config.toml",
        "--set",
        "training.epochs=1",
        "--set",
    ];
    // 24 of 240 users.
    let output = workplace.run(&[&train[..], &["split.test=0.1"]].concat());
    let said = stderr(&output);
    stdout(output, 0);
    assert!(
        said.contains("test users: age: fewer than 10 users are of "),
        "{said}"
    );
    let output = workplace.run(&[&train[..], &["split.test=0.4", "-o", "more"]].concat());
    assert!(!stderr(&output).contains("fewer than 10"));
    stdout(output, 0);
}

/// The bundle must be the network that was evaluated, however it was trained.
#[test]
fn the_bundle_has_the_figures_of_the_run() {
    for setting in [
        "training.normalise=true",
        "training.normalise=false",
        "network.vector_learning_rate=0.05",
    ] {
        let workplace = workplace();
        workplace.success(&["train", "config.toml", "--set", setting]);
        let split = fs::read_to_string(workplace.path("run/split.json")).unwrap();
        let split: serde_json::Value = serde_json::from_str(&split).unwrap();
        let test = split["test"]["users.jsonl"].as_array().unwrap();
        let users = fs::read_to_string(workplace.path("users.jsonl")).unwrap();
        let of_test = |line: &&str| {
            let user: serde_json::Value = serde_json::from_str(line).unwrap();
            test.contains(&serde_json::json!({ "id": user["id"] }))
        };
        let lines: Vec<&str> = users.lines().filter(of_test).collect();
        assert_eq!(lines.len(), test.len());
        workplace.write("test.jsonl", lines.join("\n"));
        let arguments = [
            "evaluate",
            "run/model.safetensors",
            "test.jsonl",
            "--json",
            "figures.json",
        ];
        let text = workplace.success(&arguments);
        let of_split = [
            "evaluate",
            "run/model.safetensors",
            "users.jsonl",
            "--split",
            "run/split.json",
        ];
        assert_eq!(workplace.success(&of_split), text);
        let said = test_figures(&workplace.path("run"));
        let found = fs::read_to_string(workplace.path("figures.json")).unwrap();
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        for (said, found) in said["test"]
            .as_array()
            .unwrap()
            .iter()
            .zip(found["attributes"].as_array().unwrap())
        {
            for figure in ["accuracy", "precision", "recall", "f", "calibration_error"] {
                let (said, found) = (
                    said[figure].as_f64().unwrap(),
                    found[figure].as_f64().unwrap(),
                );
                assert!(
                    (said - found).abs() < 1e-6,
                    "{figure}: {said} said, {found} found"
                );
            }
        }
        // One word tells less than all.
        let loss = |arguments: &[&str]| {
            workplace.success(arguments);
            let figures = fs::read_to_string(workplace.path("figures.json")).unwrap();
            let figures: serde_json::Value = serde_json::from_str(&figures).unwrap();
            figures["attributes"][0]["log_loss"].as_f64().unwrap()
        };
        let of_one_word = loss(&[&arguments[..], &["--max-words", "1"]].concat());
        assert!(
            of_one_word > loss(&arguments) && of_one_word < 0.75,
            "{of_one_word}"
        );
    }
}

#[test]
fn all_settings_are_printed_with_their_defaults() {
    let workplace = workplace();
    let text = workplace.success(&["train", "--print-config"]);
    for setting in [
        "seed = 1",
        "max_words = 3000",
        "learning_rate = ",
        "device = \"cpu\"",
        "l2_on = \"all\"",
    ] {
        assert!(text.contains(setting), "{setting} is not in {text}");
    }
    // English users need no `auxlstm embed`.
    assert!(text.contains("public/models/en.safetensors"), "{text}");
    toml::from_str::<toml::Table>(&text).expect("a config");
    let output = workplace.run(&["train", "config.toml", "--print-config"]);
    assert!(
        String::from_utf8(output.stdout)
            .unwrap()
            .contains("epochs = 12")
    );
}

/// Training on a GPU's path, on whatever adapter there is; Mesa's software driver will do.
#[test]
fn a_gpu_trains() {
    let Some(gpu) = common::gpu_name() else {
        return;
    };
    let workplace = workplace();
    let steps = [
        "--set",
        "training.epochs=1",
        "--set",
        "training.batch_size=64",
        "--device",
        &gpu,
    ];
    workplace.success(&[&["train", "config.toml", "--output", "gpu"], &steps[..]].concat());
    workplace.success(&[&["train", "config.toml", "--output", "cpu"], &steps[..4]].concat());
    // Dropout draws differ between devices; the start and the data do not.
    let loss = |run: &str| {
        let text = fs::read_to_string(workplace.path(run).join("metrics.jsonl")).unwrap();
        let first: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        first["training_loss"].as_f64().unwrap()
    };
    assert!(
        (loss("gpu") - loss("cpu")).abs() < 0.1,
        "{} and {}",
        loss("gpu"),
        loss("cpu")
    );
}

/// The first table cells of a line that begins with this name.
fn cells<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let line = (text.lines()).find(|line| line.trim_start().starts_with(&format!("| {name} ")));
    let line = line.unwrap_or_else(|| panic!("no row {name}: {text}"));
    line.split('|').map(str::trim).collect()
}

#[test]
fn a_run_ends_with_its_test_table_and_a_report() {
    let workplace = workplace();
    let output = workplace.run(&["train", "config.toml"]);
    let said = stderr(&output);
    stdout(output, 0);
    let run = |file: &str| fs::read_to_string(workplace.path("run").join(file)).unwrap();
    let (markdown, html) = (run("run.md"), run("run.html"));
    let figures = test_figures(&workplace.path("run"));
    for text in [&said, &markdown] {
        let model = cells(text, "gender: model");
        assert_eq!(model[2], "48");
        let accuracy = figures["test"][0]["accuracy"].as_f64().unwrap();
        assert!(
            model[5].starts_with(&format!("{accuracy:.3} (")),
            "{model:?}"
        );
        let baseline = cells(text, "gender: linear baseline");
        let accuracy: f64 = baseline[5].split(' ').next().unwrap().parse().unwrap();
        // A linear model learns these words.
        assert!(accuracy > 0.8, "{text}");
        let majority: f64 = cells(text, "gender: majority class")[5].parse().unwrap();
        assert_eq!(
            majority,
            (figures["test"][0]["majority"].as_f64().unwrap() * 1e3).round() / 1e3
        );
    }
    assert_eq!(cells(&markdown, "all users")[2..5], ["173", "19", "48"]);
    let female: usize = cells(&markdown, "gender: female")[2..5]
        .iter()
        .map(|users| users.parse::<usize>().unwrap())
        .sum();
    assert_eq!(female, 120);
    assert!(markdown.contains("is the best one, by mean calibrated log loss"));
    assert_eq!(markdown.matches("(best)").count(), 1);
    let users = fs::read(workplace.path("users.jsonl")).unwrap();
    let checksum = format!("{:08x}", crc32fast::hash(&users));
    assert_eq!(cells(&markdown, "users.jsonl")[2], checksum);
    assert!(markdown.contains("    window_words = 10\n"), "the settings");
    for part in [
        "Learning curve",
        "Confusion",
        "Reliability",
        "<svg",
        &checksum,
        "window_words = 10",
    ] {
        assert!(html.contains(part), "{part}");
    }
    let refit = [
        "train",
        "config.toml",
        "--refit",
        "run/model.safetensors",
        "-o",
        "refit",
    ];
    workplace.success(&refit);
    let markdown = fs::read_to_string(workplace.path("refit/run.md")).unwrap();
    assert!(markdown.contains("This model is a refit") && !markdown.contains("linear baseline"));
    // The test figures of the model used to be put on the card of one with other settings.
    let other = ["--set", "training.learning_rate=1e-9", "-o", "other"];
    let line = workplace.failure(&[&refit[..4], &other[..]].concat());
    let difference = "a refit has the settings of the model, but training.learning_rate = ";
    assert!(line.contains(difference), "{line}");
    assert!(!workplace.path("other/model.safetensors").exists());
}

#[test]
fn cross_validation_measures_and_writes_nothing() {
    let workplace = workplace();
    let before = workplace.files();
    let train = [
        "train",
        "config.toml",
        "--cross-validate",
        "3",
        "--set",
        "training.epochs=8",
    ];
    let output = workplace.run(&train);
    let said = stderr(&output);
    let text = stdout(output, 0);
    assert!(
        said.contains("fold 3 of 3: 144 users to train on, 16 to validate, 80 to test"),
        "{said}"
    );
    assert!(
        said.contains("no model was written; train without --cross-validate"),
        "{said}"
    );
    assert_eq!(workplace.files(), before);
    for system in ["model", "linear baseline", "majority class"] {
        for attribute in ["gender", "age"] {
            let row = cells(&text, &format!("{attribute}: {system}"));
            assert_eq!(row[2], "3", "{row:?}");
            let (mean, sd) = row[5].split_once(" ± ").unwrap();
            let (mean, sd): (f64, f64) = (mean.parse().unwrap(), sd.parse().unwrap());
            assert!(
                (0.2..=1.0).contains(&mean) && (0.0..0.3).contains(&sd),
                "{row:?}"
            );
        }
    }
    let gender = cells(&text, "gender: linear baseline")[3];
    assert!(
        gender.starts_with("0.9") || gender.starts_with("1."),
        "{text}"
    );
    for (options, what) in [
        (["--cross-validate", "1"], "1 is not in 2..=1000"),
        (["--cross-validate", "three"], "invalid digit"),
    ] {
        let output = workplace.run(&[&["train", "config.toml"][..], &options].concat());
        assert!(stderr(&output).contains(what));
        stdout(output, 2);
    }
    let many = ["train", "config.toml", "--cross-validate", "1000"];
    let line = workplace.failure(&many);
    assert!(line.contains("cannot be divided into 1000 folds"), "{line}");
    let resumed = ["train", "config.toml", "--cross-validate", "3", "--resume"];
    stdout(workplace.run(&resumed), 2);
    let refit = [
        "train",
        "config.toml",
        "--cross-validate",
        "3",
        "--set",
        "refit='run/model.safetensors'",
    ];
    let line = workplace.failure(&refit);
    assert!(line.contains("a refit has no test users"), "{line}");
}
