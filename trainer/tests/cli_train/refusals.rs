//! What cannot be trained on, or is left out, and how it is reported.

use super::*;

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
