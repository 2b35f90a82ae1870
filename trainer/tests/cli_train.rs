//! `auxlstm train` as a process, on a small generated corpus.

mod common;

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
        let meaning =
            "macro-F1, the mean of the classes' F1; F (paper), 2PR/(P+R) of P and R averaged";
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

#[test]
fn each_task_learns_from_the_files_that_it_names() {
    let workplace = workplace();
    let users = fs::read_to_string(workplace.path("users.jsonl")).unwrap();
    // The second file has swapped genders, and does not tell ages over 24 apart.
    let mut others = String::new();
    for (id, line) in users.lines().take(120).enumerate() {
        let mut user: serde_json::Value = serde_json::from_str(line).unwrap();
        user["gender"] = ["male", "female"][id % 2].into();
        user["age"] = ["18-24", "25+", "25-60"][id % 3].into();
        writeln!(others, "{user}").unwrap();
    }
    workplace.write("others.jsonl", others);
    let config = CONFIG
        .replace(r#"["users.jsonl"]"#, r#"["users.jsonl", "others.jsonl"]"#)
        .replace(
            r#"classes = ["female", "male"]"#,
            "classes = [\"female\", \"male\"]\ncorpora = { \"users.jsonl\" = 1.5 }",
        );
    workplace.write("both.toml", &config);
    let run = workplace.run(&["train", "both.toml"]);
    let said = stderr(&run);
    assert!(
        said.contains("360 users: 259 to train on, 29 to validate, 72 to test"),
        "{said}"
    );
    stdout(run, 0);
    let figures = test_figures(&workplace.path("run"));
    // A corpus, the users that are tested on an attribute, and their accuracy.
    let of = |place: usize| {
        let figures = &figures["test"][place];
        let number = |name: &str| figures[name].as_f64().unwrap();
        let name = figures["attribute"].as_str().unwrap();
        let corpus = figures["corpus"].as_str().unwrap();
        ((name, corpus), number("users"), number("accuracy"))
    };
    // 48 of the 240 users are tested, and of the 24 others those whose class is known.
    let (what, users, accuracy) = of(0);
    assert_eq!((what, users), (("gender", "users"), 48.0), "{figures}");
    assert!(accuracy > 0.7, "{figures}");
    let (what, users, accuracy) = of(1);
    assert_eq!((what, users), (("age", "users"), 48.0), "{figures}");
    assert!(accuracy > 0.6, "{figures}");
    let (what, users, _) = of(2);
    assert_eq!(what, ("age", "others"), "{figures}");
    assert!((2.0..=16.0).contains(&users), "{figures}");

    // Users of both files have the same ids: each is tested where it was left out.
    assert!(!said.contains("id of an earlier one"), "{said}");
    for (file, users) in [
        ("users.jsonl", "48 users\n"),
        ("others.jsonl", "24 users\n"),
    ] {
        let model = "run/model.safetensors";
        let text = workplace.success(&["evaluate", model, file, "--split", "run/split.json"]);
        assert!(text.starts_with(users), "{text}");
    }

    for (weight, what) in [
        (
            "{ \"nobody.jsonl\" = 1 }",
            "\"gender\" names nobody.jsonl, which is not a file of corpus",
        ),
        (
            "{ \"users.jsonl\" = 0 }",
            "weight of users.jsonl for \"gender\"",
        ),
    ] {
        workplace.write(
            "wrong.toml",
            config.replace("{ \"users.jsonl\" = 1.5 }", weight),
        );
        let line = workplace.failure(&["train", "wrong.toml", "-o", "no"]);
        assert!(line.contains(what), "{line}");
    }
}

#[test]
fn users_of_another_corpus_without_a_label_help_the_other_task() {
    let workplace = workplace();
    let users = fs::read_to_string(workplace.path("users.jsonl")).unwrap();
    // Every second user wrote two words and says nothing of the age.
    let (mut both, mut short) = (String::new(), String::new());
    for (index, line) in users.lines().enumerate() {
        if index % 4 < 2 {
            both += &format!("{line}\n");
            continue;
        }
        let mut user: serde_json::Value = serde_json::from_str(line).unwrap();
        let words = BY_GENDER[index % 2];
        user["posts"] = serde_json::json!([format!("{} {}", words[index % 3], SHARED[index % 8])]);
        user.as_object_mut().unwrap().remove("age");
        short += &format!("{user}\n");
    }
    workplace.write("both.jsonl", both);
    workplace.write("short.jsonl", short);
    for mixed in ["0.0", "100.0"] {
        workplace.success(&[
            "train",
            "config.toml",
            "-o",
            mixed,
            "--set",
            "corpus=['both.jsonl', 'short.jsonl']",
            "--set",
            &format!("training.length_temperature={mixed}"),
            "--set",
            "training.batches='even'",
            "--set",
            "training.min_window_words=2",
        ]);
        let bundle = fs::read(workplace.path(mixed).join("model.safetensors")).unwrap();
        let card = Bundle::from_bytes(&bundle).unwrap().card;
        let figures: Vec<(&str, &str)> = (card.figures.iter())
            .map(|figures| {
                (
                    figures.attribute.as_str(),
                    figures.corpus.as_deref().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            figures,
            [("gender", "both"), ("age", "both"), ("gender", "short")]
        );
        for figures in &card.figures {
            assert!(figures.accuracy > figures.majority + 0.15, "{figures:?}");
        }
    }
    let both = |path: &str| fs::read(workplace.path(path).join("model.safetensors")).unwrap();
    assert_ne!(both("0.0"), both("100.0"));
    let settings = [
        "train",
        "config.toml",
        "--set",
        "training.min_window_words=11",
    ];
    let error = workplace.failure(&settings);
    assert!(
        error.contains("min_window_words is 11, above training.window_words, which is 10"),
        "{error}"
    );
}

#[test]
fn a_model_of_two_languages_knows_what_was_measured_in_each() {
    let workplace = workplace();
    // Chinese users with gender but no age. Their words reuse the vectors of English words.
    let chinese: Vec<char> = "的日和是好有些雨紫金白铜石木课柜假租职婚贷老膝"
        .chars()
        .collect();
    let vectors = fs::read_to_string(workplace.path("vectors.txt")).unwrap();
    let rows: Vec<&str> = vectors.lines().skip(1).collect();
    assert_eq!(rows.len(), chinese.len());
    let mut both = format!("{} 8\n{}\n", 2 * rows.len(), rows.join("\n"));
    let translated = |word: &str| {
        let place = rows
            .iter()
            .position(|row| row.split(' ').next() == Some(word));
        chinese[place.expect("it has a vector")]
    };
    for (row, word) in rows.iter().zip(&chinese) {
        writeln!(both, "{word} {}", row.split_once(' ').unwrap().1).unwrap();
    }
    workplace.write("both.txt", both);
    let users = fs::read_to_string(workplace.path("users.jsonl")).unwrap();
    let mut others = String::new();
    for (id, line) in users.lines().chain(users.lines()).enumerate() {
        let user: serde_json::Value = serde_json::from_str(line).unwrap();
        let posts: Vec<String> = (user["posts"].as_array().unwrap().iter())
            .map(|post| post.as_str().unwrap().split(' ').map(translated).collect())
            .collect();
        let record = serde_json::json!({ "id": id, "gender": user["gender"], "posts": posts });
        writeln!(others, "{record}").unwrap();
    }
    workplace.write("chinese.jsonl", others);
    let config = CONFIG
        .replace(r#"["users.jsonl"]"#, r#"["users.jsonl", "chinese.jsonl"]"#)
        .replace("vectors.txt", "both.txt");
    let card = "[card]\nlanguages = [\"en\", \"zh\"]\n";
    workplace.write("both.toml", format!("{config}{card}"));
    workplace.success(&["train", "both.toml"]);
    let figures = test_figures(&workplace.path("run"));
    let tested: Vec<(&str, &str, u64)> = (figures["test"].as_array().unwrap().iter())
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap();
            (
                text("attribute"),
                text("language"),
                row["users"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("gender", "other", 48),
        ("age", "other", 48),
        ("gender", "zh", 96),
    ];
    assert_eq!(tested, expected, "{figures}");

    let model = "run/model.safetensors";
    let predicted = |file: &str| -> serde_json::Value {
        let lines = workplace.success(&["predict", model, file]);
        serde_json::from_str(lines.lines().next().unwrap()).unwrap()
    };
    let of_chinese = predicted("chinese.jsonl");
    assert_eq!(of_chinese["language"], "zh");
    assert_eq!(of_chinese["predictions"]["age"]["transferred"], true);
    assert_eq!(of_chinese["predictions"]["age"]["confident"], false);
    let probabilities = of_chinese["predictions"]["age"]["probabilities"]
        .as_object()
        .unwrap();
    assert!(
        probabilities
            .values()
            .all(|value| value.as_f64().unwrap() < 0.7),
        "{of_chinese}"
    );
    assert_eq!(of_chinese["predictions"]["gender"].get("transferred"), None);
    let of_other = predicted("users.jsonl");
    assert_eq!(of_other["language"], "other");
    assert_eq!(of_other["predictions"]["age"].get("transferred"), None);
    let text = workplace.success(&["evaluate", model, "chinese.jsonl", "users.jsonl"]);
    assert!(
        text.contains("gender, Chinese text") && text.contains("age, other text"),
        "{text}"
    );

    let text = workplace.success(&["evaluate", model, "chinese.jsonl"]);
    assert!(!text.contains("other text"), "{text}");

    // A refit keeps the measured statuses.
    workplace.success(&["train", "both.toml", "-o", "refit", "--refit", model]);
    let bundle = |run: &str| {
        let path = workplace.path(run).join("model.safetensors");
        Bundle::from_bytes(&fs::read(path).unwrap()).unwrap()
    };
    let (tested, refit) = (bundle("run"), bundle("refit"));
    assert_eq!((tested.card.refit, refit.card.refit), (false, true));
    assert_eq!(refit.card.figures, tested.card.figures);
    let bases = |bundle: &Bundle| -> Vec<ValidationStatus> {
        let tasks = bundle.settings.chinese.iter().flatten();
        tasks.map(|known| known.status).collect()
    };
    assert_eq!(
        bases(&refit),
        [ValidationStatus::Measured, ValidationStatus::Transferred]
    );
    assert_eq!(bases(&refit), bases(&tested));
    let split = fs::read_to_string(workplace.path("refit/split.json")).unwrap();
    let split: StoredSplit = serde_json::from_str(&split).unwrap();
    assert!(split.test.values().all(Vec::is_empty));
    assert!(
        !test_figures(&workplace.path("refit"))
            .to_string()
            .contains("test")
    );
    let again = ["train", "both.toml", "-o", "no", "--refit"];
    for (config, bundle, why) in [
        (
            "both.toml",
            "refit/model.safetensors",
            "it is itself a refit",
        ),
        ("config.toml", model, "it reads other languages"),
        ("both.toml", "both.txt", "both.txt cannot be refitted"),
    ] {
        let line = workplace.failure(&[again[0], config, again[2], again[3], again[4], bundle]);
        assert!(line.contains(why), "{line}");
    }
    let other = ["--set", "text.max_words=7"];
    let line = workplace.failure(&[&again[..], &[model], &other[..]].concat());
    assert!(line.contains("it was made by another config"), "{line}");
    // A refit must not be scored on its former test users.
    let users = ["users.jsonl", "chinese.jsonl"];
    let split = ["--split", "run/split.json"];
    let compact = [
        "compact",
        "refit/model.safetensors",
        "-o",
        "no.safetensors",
        "--test-users",
    ];
    let evaluate = [
        "evaluate",
        "refit/model.safetensors",
        "--write-card",
        "no.safetensors",
    ];
    for command in [&compact[..], &evaluate[..]] {
        let line = workplace.failure(&[command, &users[..], &split[..]].concat());
        assert!(line.contains("the model is a refit"), "{line}");
    }
    // `compact` keeps the note on the figures' origin.
    workplace.success(&[
        "compact",
        "refit/model.safetensors",
        "-o",
        "small.safetensors",
    ]);
    let small = fs::read(workplace.path("small.safetensors")).unwrap();
    let small = Bundle::from_bytes(&small).unwrap();
    assert_eq!(
        (small.card.figures, small.card.refit),
        (tested.card.figures, true)
    );
}

/// A model of several corpora compares sets of users with the largest of them, not with all together.
#[test]
fn a_set_like_a_small_part_of_the_training_users_was_not_called_unlike() {
    let workplace = workplace();
    let record = |id: usize| {
        let word = BY_GENDER[id % 2][id % 3];
        let post = format!("{word} rain ").repeat(10);
        serde_json::json!({ "id": id, "gender": (["female", "male"][id % 2]), "posts": [post] })
    };
    let few: Vec<String> = (0..80).map(|id| record(id).to_string()).collect();
    workplace.write("few.jsonl", few.join("\n"));
    let both = CONFIG.replace(r#"["users.jsonl"]"#, r#"["few.jsonl", "users.jsonl"]"#);
    workplace.write("config.toml", both);
    workplace.success(&["train", "config.toml"]);
    let unlike = "unlike the training corpus";
    for (users, is_unlike) in [("users.jsonl", false), ("few.jsonl", true)] {
        let output = workplace.run(&["population", "run/model.safetensors", users]);
        assert!(output.status.success(), "{output:?}");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(errors.contains(unlike), is_unlike, "{users}: {errors}");
    }
    let split: StoredSplit =
        serde_json::from_slice(&fs::read(workplace.path("run/split.json")).unwrap()).unwrap();
    let bundle = Bundle::from_bytes(&fs::read(workplace.path("run/model.safetensors")).unwrap());
    for calibration in bundle.unwrap().settings.calibrations {
        let moments = calibration.moments.expect("there are validation users");
        let users: u32 = moments.users.iter().sum();
        assert_eq!(users as usize, split.validation["users.jsonl"].len());
    }
}

#[test]
fn a_calibration_fitted_anew_to_the_same_users_is_the_same() {
    let workplace = workplace();
    workplace.success(&["train", "config.toml"]);
    let exact = [
        "--vector-step",
        "0",
        "--wide-steps",
        "127",
        "--parameter-bits",
        "23",
    ];
    let compact = ["compact", "run/model.safetensors", "-o", "same.safetensors"];
    let anew = [
        "--validation-users",
        "users.jsonl",
        "--split",
        "run/split.json",
    ];
    workplace.success(&[&compact[..], &exact, &anew].concat());
    let [trained, anew] = ["run/model.safetensors", "same.safetensors"].map(|path| {
        let bytes = fs::read(workplace.path(path)).unwrap();
        Bundle::from_bytes(&bytes).unwrap().settings
    });
    assert_eq!(trained.word_frequencies, anew.word_frequencies);
    for (trained, anew) in trained.calibrations.iter().zip(&anew.calibrations) {
        assert_eq!(trained.calibration.base_rates, anew.calibration.base_rates);
        let [one, other] = [trained, anew].map(|task| {
            let probabilities = task
                .calibration
                .probabilities(&[0.5, 0.1, -0.2][..task.calibration.base_rates.len()], 20);
            let moments = task.moments.as_ref().expect("there are validation users");
            [probabilities, moments.means[0].concat()].concat()
        });
        for (one, other) in one.iter().zip(&other) {
            assert!((one - other).abs() < 1e-3, "{trained:?} {anew:?}");
        }
    }
    let line = workplace.failure(
        &[
            &compact[..],
            &[
                "--validation-users",
                "users.jsonl",
                "--split",
                "users.jsonl",
            ],
        ]
        .concat(),
    );
    assert!(line.contains("users.jsonl: not the split"), "{line}");
}

#[test]
fn rounded_vectors_are_read_nearly_like_the_exact_ones() {
    let workplace = workplace();
    workplace.success(&["train", "config.toml"]);
    let compact = |step: &str| {
        workplace.success(&[
            "compact",
            "run/model.safetensors",
            "-o",
            "small.safetensors",
            "--wide-steps",
            "127",
            "--parameter-bits",
            "23",
            "--vector-step",
            step,
        ]);
        let small = fs::read(workplace.path("small.safetensors")).unwrap();
        let lines = workplace.success(&["predict", "small.safetensors", "users.jsonl"]);
        let shares: Vec<f64> = (lines.lines())
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .flat_map(|user| {
                let of_gender = &user["predictions"]["gender"]["probabilities"];
                let shares = of_gender.as_object().unwrap().values();
                shares
                    .map(|share| share.as_f64().unwrap())
                    .collect::<Vec<_>>()
            })
            .collect();
        let embedding = Bundle::from_bytes(&small).unwrap().embedding;
        let size = |value: &i8| u32::from(value.unsigned_abs());
        (embedding.values().iter().map(size).sum::<u32>(), shares)
    };
    let (_, exact) = compact("0");
    let (finely, nearly) = compact("0.03");
    let (coarsely, _) = compact("0.5");
    assert!(0 < coarsely && coarsely < finely / 4, "{coarsely} {finely}");
    assert!(!exact.is_empty() && exact.len() == nearly.len());
    for (exact, nearly) in exact.iter().zip(&nearly) {
        assert!((exact - nearly).abs() < 0.05, "{exact} {nearly}");
    }
    for step in ["-1", "9", "nan", "1e-300"] {
        let step = format!("--vector-step={step}");
        let output = workplace.run(&["compact", "run/model.safetensors", "-o", "no", &step]);
        let errors = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains("0.001 to 8"), "{errors}");
    }
}

#[test]
fn a_run_killed_at_any_time_resumes_to_the_same_bundle() {
    let workplace = workplace();
    let long = [
        "--set",
        "training.epochs=60",
        "--set",
        "training.patience=0",
        // The state of trained vectors is part of a checkpoint.
        "--set",
        "network.vector_learning_rate=0.01",
    ];
    let start = Instant::now();
    workplace.success(&[&["train", "config.toml", "--output", "whole"], &long[..]].concat());
    let whole = start.elapsed();
    let arguments = [&["train", "config.toml", "--output", "killed"], &long[..]].concat();
    let resume = [&arguments[..], &["--resume"]].concat();
    let checkpoint = workplace.path("killed/checkpoint.safetensors");
    let file = |run: &str, name: &str| fs::read(workplace.path(run).join(name)).unwrap();
    let series = common::series_of_kills(8);
    let mut kills = 0;
    for number in 0..series {
        let _ = fs::remove_dir_all(workplace.path("killed"));
        // Each series kills the run and its continuation, at other times than the other series.
        for (command, share) in [(&arguments, number), (&resume, (number * 5 + 2) % series)] {
            let mut child = (workplace.command(command))
                .stderr(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .unwrap();
            let start = Instant::now();
            while !checkpoint.exists() && child.try_wait().unwrap().is_none() {
                assert!(
                    start.elapsed() < Duration::from_secs(120),
                    "no checkpoint appeared"
                );
                thread::sleep(Duration::from_millis(2));
            }
            thread::sleep(whole * share / (2 * series));
            // SIGKILL: nothing can be put in order. The run may have ended.
            let _ = child.kill();
            kills += usize::from(!child.wait().unwrap().success());
        }
        workplace.success(&resume);
        assert!(
            file("whole", "model.safetensors") == file("killed", "model.safetensors"),
            "series {number}"
        );
        assert!(file("whole", "metrics.jsonl") == file("killed", "metrics.jsonl"));
    }
    assert!(
        kills >= series as usize,
        "{kills} of {series} runs were killed"
    );
    let refused = workplace.failure(&arguments);
    assert!(refused.contains("--resume"), "{refused}");
    let other = workplace.failure(&[&arguments[..], &["--resume", "--seed", "9"]].concat());
    assert!(other.contains("seed = 1 then, 9 now"), "{other}");
    // Settings of the end of the run may be changed.
    let named = ["--resume", "--set", "card.name='My own'"];
    workplace.success(&[&arguments[..], &named].concat());
    let bundle = file("killed", "model.safetensors");
    assert!(String::from_utf8_lossy(&bundle).contains("My own"));
}

#[test]
fn a_changed_checkpoint_was_resumed_to_another_model() {
    let workplace = workplace();
    let epochs = |number: &str| format!("training.epochs={number}");
    workplace.success(&["train", "config.toml", "--set", &epochs("1")]);
    let path = workplace.path("run/checkpoint.safetensors");
    let whole = fs::read(&path).unwrap();
    let progress = b"batch = 0";
    let place = (whole.windows(progress.len())).position(|part| part == progress);
    // A digit of the progress, and a bit of the last parameter.
    for (place, bit) in [
        (place.unwrap() + progress.len() - 1, 9),
        (whole.len() - 1, 1),
    ] {
        let mut changed = whole.clone();
        changed[place] ^= bit;
        fs::write(&path, changed).unwrap();
        let line = workplace.failure(&["train", "config.toml", "--set", &epochs("2"), "--resume"]);
        assert!(
            line.contains("run/checkpoint.safetensors is not a usable checkpoint")
                && line.contains("do not match its checksum; delete it"),
            "{line}"
        );
    }
}

#[test]
fn a_run_is_not_continued_with_other_data() {
    let workplace = workplace();
    let arguments = ["train", "config.toml", "--set", "training.epochs=1"];
    workplace.success(&arguments);
    let split = || fs::read(workplace.path("run/split.json")).unwrap();
    let before = split();
    let users = fs::read_to_string(workplace.path("users.jsonl")).unwrap();
    // The last user is gone.
    let fewer = users.trim_end().rsplit_once('\n').unwrap().0;
    workplace.write("users.jsonl", fewer);
    let refused = workplace.failure(&[&arguments[..], &["--resume"]].concat());
    assert!(refused.contains("other data"), "{refused}");
    assert_eq!(split(), before, "who is a test user stays written down");
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
fn bad_records_are_left_out_or_with_strict_fatal() {
    let workplace = workplace();
    let users = fs::read_to_string(workplace.path("users.jsonl")).unwrap();
    workplace.write("users.jsonl", format!("{users}{{\"posts\": 7}}\n"));
    let arguments = ["train", "config.toml", "--set", "training.epochs=1"];
    let strict = workplace.failure(&[&arguments[..], &["--strict"]].concat());
    assert!(strict.contains("users.jsonl:241"), "{strict}");
    // The config may be strict too, so the error names no flag.
    let configured = workplace.failure(&[&arguments[..], &["--set", "strict=true"]].concat());
    assert_eq!(configured, strict);
    assert!(strict.contains("(strict reading is on)"), "{strict}");
    let output = workplace.run(&arguments);
    assert!(stderr(&output).contains("1 bad record\n"));
    stdout(output, 0);
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_a_checkpoint() {
    let workplace = workplace();
    let arguments = [
        "train",
        "config.toml",
        "--set",
        "training.epochs=100000",
        "--set",
        "training.patience=0",
    ];
    let mut child = workplace
        .command(&arguments)
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !workplace.path("run/metrics.jsonl").exists() {
        assert!(start.elapsed() < Duration::from_secs(120), "no epoch ended");
        thread::sleep(Duration::from_millis(5));
    }
    let interrupt = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(interrupt.success());
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(130));
    assert!(workplace.path("run/checkpoint.safetensors").exists());
    assert!(!workplace.path("run/model.safetensors").exists());
}

/// The second Ctrl-C ends the command at once, perhaps while it writes the checkpoint.
#[cfg(unix)]
#[test]
fn ctrl_c_twice_left_temporary_files_behind() {
    let workplace = workplace();
    for pause in [0, 1, 3, 10] {
        let mut child = workplace
            .command(&["train", "config.toml"])
            .args(["--set", "training.epochs=100000"])
            .args(["--set", "training.patience=0"])
            .args(["--set", "training.checkpoint_steps=1"])
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while !workplace.path("run/metrics.jsonl").exists() {
            assert!(start.elapsed() < Duration::from_secs(120), "no epoch ended");
            thread::sleep(Duration::from_millis(5));
        }
        for _ in 0..2 {
            // The second one finds no process if the first one has ended it.
            let _ = Command::new("kill")
                .args(["-INT", &child.id().to_string()])
                .stderr(Stdio::null())
                .status();
            thread::sleep(Duration::from_millis(pause));
        }
        assert_eq!(child.wait().unwrap().code(), Some(130));
        let left = fs::read_dir(workplace.path("run")).unwrap();
        let names: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        let is_temporary = |name: &&std::ffi::OsString| name.to_string_lossy().ends_with(".tmp");
        assert_eq!(names.iter().find(is_temporary), None);
        fs::remove_dir_all(workplace.path("run")).unwrap();
    }
}

/// Progress that nobody reads any longer used to end the run with a panic.
#[cfg(unix)]
#[test]
fn a_reader_of_progress_that_goes_away_ended_the_run() {
    let workplace = workplace();
    let train = workplace.command(&["train", "config.toml"]);
    let output = Command::new("sh")
        .args(["-c", "\"$0\" \"$@\" 2>&1 | head -1"])
        .arg(train.get_program())
        .args(train.get_args())
        .current_dir(workplace.path(""))
        .output()
        .unwrap();
    assert_eq!(stdout(output, 0).lines().count(), 1);
    let bundle = fs::read(workplace.path("run/model.safetensors")).unwrap();
    assert!(Bundle::from_bytes(&bundle).is_ok());
}

#[test]
fn two_processes_mixed_their_runs_in_one_folder() {
    let workplace = workplace();
    let mut first = workplace
        .command(&["train", "config.toml"])
        .args(["--set", "training.epochs=100000"])
        .args(["--set", "training.patience=0"])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let start = Instant::now();
    // The folder is locked before anything is written to it.
    while !workplace.path("run/config.toml").exists() {
        assert!(start.elapsed() < Duration::from_secs(120), "no run began");
        thread::sleep(Duration::from_millis(2));
    }
    let line = workplace.failure(&["train", "config.toml"]);
    assert!(
        line.contains("run: another process is working in this folder"),
        "{line}"
    );
    // SIGKILL: nothing can be put in order, and still no lock remains.
    first.kill().unwrap();
    first.wait().unwrap();
    let few = ["--resume", "--set", "training.epochs=1"];
    workplace.success(&[&["train", "config.toml"], &few[..]].concat());
}

#[test]
fn wrong_configs_are_refused_before_any_work() {
    let workplace = workplace();
    workplace.write("typo.toml", CONFIG.replace("dropout", "droput"));
    let typo = workplace.failure(&["train", "typo.toml"]);
    assert!(
        typo.contains("typo.toml:") && typo.contains("droput") && typo.contains("dropout"),
        "{typo}"
    );
    let range = workplace.failure(&["train", "config.toml", "--set", "network.dropout=2"]);
    assert!(
        range.contains("network.dropout is 2; permitted: from 0 to below 1"),
        "{range}"
    );
    let device = workplace.failure(&["train", "config.toml", "--device", "tpu"]);
    assert!(device.contains("cpu, wgpu, vulkan, cuda"), "{device}");
    let missing = workplace.failure(&["train", "none.toml"]);
    assert!(missing.contains("none.toml"), "{missing}");
    let corpus = workplace.failure(&["train", "config.toml", "--set", "corpus=[\"nobody.jsonl\"]"]);
    assert!(corpus.contains("nobody.jsonl"), "{corpus}");
    let vectors = workplace.failure(&["train", "config.toml", "--set", "vectors=users.jsonl"]);
    assert!(vectors.contains("users.jsonl"), "{vectors}");
    let output = workplace.failure(&["train", "config.toml", "--output", "/dev/null/run"]);
    assert!(output.contains("/dev/null/run"), "{output}");
    assert!(!workplace.path("run/model.safetensors").exists());
}

#[test]
fn what_makes_no_bundle_failed_after_training() {
    let workplace = workplace();
    let no_users = workplace.failure(&["train", "config.toml", "--set", "split.validation=0"]);
    assert!(
        no_users.contains("split.validation is 0, but the wide component needs validation users"),
        "{no_users}"
    );
    // So small a share of so few users is none of them.
    let few = workplace.run(&["train", "config.toml", "--set", "split.validation=0.001"]);
    assert!(!stderr(&few).contains("epoch 1"), "{}", stderr(&few));
    let few = common::failure(few);
    assert!(few.contains("increase split.validation"), "{few}");
    let vectors = fs::read_to_string(workplace.path("vectors.txt")).unwrap();
    let (first, last) = vectors.trim_end().rsplit_once(' ').unwrap();
    assert!(last.parse::<f32>().is_ok());
    workplace.write("large.txt", format!("{first} 1e30\n"));
    let large = workplace.failure(&["train", "config.toml", "--set", "vectors=large.txt"]);
    assert!(
        large.contains("large.txt: word 23 of 23: \"knee\" has the value 1e30"),
        "{large}"
    );
}

#[test]
fn a_corpus_that_cannot_be_learned_from_is_refused() {
    let workplace = workplace();
    let users = fs::read_to_string(workplace.path("users.jsonl")).unwrap();
    workplace.write("users.jsonl", users.replace("\"male\"", "\"female\""));
    let one_class = workplace.failure(&["train", "config.toml"]);
    assert!(
        one_class.contains("\"gender\"") && one_class.contains("at least two are needed"),
        "{one_class}"
    );
    workplace.write("users.jsonl", "");
    let empty = workplace.failure(&["train", "config.toml", "--output", "empty"]);
    assert!(empty.contains("at least two are needed"), "{empty}");
}

#[test]
fn labels_that_differ_from_classes_vanished_unless_they_are_mapped() {
    let workplace = workplace();
    let users = fs::read_to_string(workplace.path("users.jsonl")).unwrap();
    workplace.write("short.jsonl", users.replace("\"female\"", "\"F\""));
    let config = CONFIG
        .replace("users.jsonl", "short.jsonl")
        .replace("epochs = 12", "epochs = 1");
    workplace.write("short.toml", &config);
    let output = workplace.run(&["train", "short.toml", "-o", "unmapped"]);
    let list = "gender: labels that are not classes, left out: \"F\" (120); map = { ";
    assert!(stderr(&output).contains(list), "{}", stderr(&output));
    let mapped = |map: &str| {
        let classes = "classes = [\"female\", \"male\"]\n";
        let with_map = config.replace(classes, &format!("{classes}map = {map}\n"));
        workplace.write("mapped.toml", with_map);
        workplace.run(&["train", "mapped.toml", "-o", "run"])
    };
    let wrong = common::failure(mapped("{ \"F\" = \"femal\" }"));
    assert!(
        wrong.contains("map: \"gender\" has no class \"femal\"; it has: female, male"),
        "{wrong}"
    );
    let output = mapped("{ \"F\" = \"female\" }");
    assert!(!stderr(&output).contains("left out: \"F\""));
    stdout(output, 0);
    // The same users with the names of classes give the same model.
    workplace.write("config.toml", CONFIG.replace("epochs = 12", "epochs = 1"));
    workplace.success(&["train", "config.toml", "-o", "named"]);
    let bundle = |run: &str| fs::read(workplace.path(run).join("model.safetensors")).unwrap();
    assert!(bundle("run") == bundle("named"));
}

#[test]
fn a_class_without_users_is_reported() {
    let workplace = workplace();
    workplace.write(
        "more.toml",
        CONFIG
            .replace("\"male\"]", "\"male\", \"other\"]")
            .replace("epochs = 12", "epochs = 1"),
    );
    let output = workplace.run(&["train", "more.toml"]);
    assert!(stderr(&output).contains("no training user has class \"other\""));
    stdout(output, 0);
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
