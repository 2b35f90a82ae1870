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
    // The message named only the config.
    let range = workplace.failure(&["train", "config.toml", "--set", "network.dropout=2"]);
    assert!(
        range.ends_with(
            "config.toml, --set network.dropout=2: network.dropout is 2; permitted: from 0 to below 1"
        ),
        "{range}"
    );
    // Lists were taken for tables: their elements for the settings in order, and the others for the defaults.
    for (list, name) in [
        ("training=[]", "training"),
        ("network=[8, 6, 8, 0.2]", "network"),
        (
            "attributes=[[\"gender\", [\"female\", \"male\"]]]",
            "attributes",
        ),
    ] {
        let line = workplace.failure(&["train", "config.toml", "--set", list]);
        let what = format!("--set {list}: {name} is a list, expected a table");
        assert!(line.ends_with(&what), "{line}");
    }
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
fn a_run_overwrote_the_files_that_it_read() {
    let workplace = workplace();
    let one = ["--set", "training.epochs=1"];
    let users = fs::read(workplace.path("users.jsonl")).unwrap();
    fs::create_dir(workplace.path("folder")).unwrap();
    for name in ["metrics.jsonl", "folder/users.jsonl"] {
        workplace.write(name, &users);
    }
    fs::copy(workplace.path("config.toml"), workplace.path("my.toml")).unwrap();
    let before = workplace.files();
    for (config, output, corpus, named) in [
        (
            "config.toml",
            ".",
            "users.jsonl",
            "./config.toml: the command reads this file",
        ),
        (
            "my.toml",
            ".",
            "metrics.jsonl",
            "./metrics.jsonl: the command reads this file",
        ),
        (
            "my.toml",
            "folder/run",
            "folder",
            "in a folder that the command reads",
        ),
    ] {
        let corpus = format!("corpus=[\"{corpus}\"]");
        let line = workplace.failure(&["train", config, "-o", output, "--set", &corpus]);
        assert!(line.contains(named), "{line}");
        assert_eq!(workplace.files(), before);
    }
    assert_eq!(
        fs::read_to_string(workplace.path("config.toml")).unwrap(),
        CONFIG
    );
    assert_eq!(fs::read(workplace.path("metrics.jsonl")).unwrap(), users);
    // The settings that a run wrote are its own.
    workplace.success(&[&["train", "my.toml"], &one[..]].concat());
    workplace.success(&["train", "run/config.toml", "--resume"]);
    fs::remove_file(workplace.path("run/checkpoint.safetensors")).unwrap();
    workplace.success(&["train", "run/config.toml"]);
    fs::remove_file(workplace.path("run/checkpoint.safetensors")).unwrap();
    let own = "vectors=run/model.safetensors";
    let line = workplace.failure(&["train", "my.toml", "--set", own]);
    assert!(
        line.contains("run/model.safetensors: the command reads"),
        "{line}"
    );
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
fn vectors_of_another_language_were_accepted_in_silence() {
    let workplace = workplace();
    workplace.write("chinese.txt", "2 4\n天气 1 0 0 0\n足球 0 1 0 0\n");
    let one = ["train", "config.toml", "--set", "training.epochs=1"];
    let said = stderr(&workplace.run(&[&one[..], &["--set", "vectors='chinese.txt'"]].concat()));
    let note = "chinese.txt has vectors of only 0.0 % of the users' words";
    assert!(said.contains(note), "{said}");
    let said = stderr(&workplace.run(&[&one[..], &["-o", "known"]].concat()));
    assert!(!said.contains("has vectors of only"), "{said}");
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
    // The first epoch was taken, because the loss of nobody is 0.
    let few = users.lines().enumerate().map(|(place, line)| {
        let mut user: serde_json::Value = serde_json::from_str(line).unwrap();
        if place >= 4 {
            user.as_object_mut().unwrap().remove("gender");
        }
        user.to_string()
    });
    workplace.write("users.jsonl", few.collect::<Vec<_>>().join("\n"));
    let unlabelled = workplace.failure(&["train", "config.toml", "--output", "few"]);
    assert!(
        unlabelled.contains("gender: none of the ")
            && unlabelled.contains("has a label, so no epoch can be chosen"),
        "{unlabelled}"
    );
    workplace.write("users.jsonl", "");
    let empty = workplace.failure(&["train", "config.toml", "--output", "empty"]);
    assert!(empty.contains("the corpus has no users"), "{empty}");
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
fn a_field_of_another_name_was_not_shown() {
    let workplace = workplace();
    let config = CONFIG.replace("\"gender\"", "\"Gender\"");
    workplace.write("other.toml", config);
    let line = workplace.failure(&["train", "other.toml"]);
    assert!(
        line.ends_with(
            "attribute \"Gender\": no user has this field; the fields are: age, gender, id"
        ),
        "{line}"
    );
}

#[test]
fn an_output_without_a_name_was_the_present_folder() {
    let workplace = workplace();
    let before = workplace.files();
    let line = workplace.failure(&["train", "config.toml", "--set", "output="]);
    assert!(line.contains("the output has no name"), "{line}");
    assert_eq!(workplace.files(), before);
}

#[test]
fn users_with_the_same_posts_were_trained_and_tested_on_in_silence() {
    let workplace = workplace();
    let users = fs::read_to_string(workplace.path("users.jsonl")).unwrap();
    let train = ["train", "config.toml", "--set", "training.epochs=1"];
    let said = stderr(&workplace.run(&train));
    assert!(!said.contains("same posts"), "{said}");
    // The same users under other ids.
    let copies = users.replace("\"id\":", "\"id\":9");
    workplace.write("users.jsonl", format!("{users}{copies}"));
    for output in [&["-o", "again"], &["--cross-validate", "2"]] {
        let output = workplace.run(&[&train[..], output].concat());
        let said = stderr(&output);
        assert!(
            said.contains("users with the same posts as an earlier one: 240; ")
                && said.contains("leave only one of them in the corpus"),
            "{said}"
        );
        stdout(output, 0);
    }
}

#[test]
fn an_attribute_without_test_users_was_passed_over() {
    let workplace = workplace();
    workplace.success(&["train", "config.toml", "--set", "training.epochs=1"]);
    let split: StoredSplit =
        serde_json::from_slice(&fs::read(workplace.path("run/split.json")).unwrap()).unwrap();
    let tested = &split.test["users.jsonl"];
    let users = fs::read_to_string(workplace.path("users.jsonl")).unwrap();
    // The same users are tested, because their gender remains.
    let without_age = users.lines().map(|line| {
        let mut user: serde_json::Value = serde_json::from_str(line).unwrap();
        let is_tested = tested.contains(&trainer::corpus::RecordKey::Id(user["id"].clone()));
        if is_tested {
            user["age"] = serde_json::Value::Null;
        }
        format!("{user}\n")
    });
    workplace.write("users.jsonl", without_age.collect::<String>());
    let train = [
        "train",
        "config.toml",
        "-o",
        "again",
        "--set",
        "training.epochs=1",
    ];
    let output = workplace.run(&train);
    let said = stderr(&output);
    assert!(
        said.contains(
            "test users: age: none of them has a label, so this attribute is not tested\n"
        ),
        "{said}"
    );
    stdout(output, 0);
}

#[test]
fn columns_of_other_names_could_not_be_trained_on() {
    let workplace = workplace();
    let users = fs::read_to_string(workplace.path("users.jsonl")).unwrap();
    let mut table = String::from("who,words,sex of the writer,age\n");
    for line in users.lines() {
        let user: serde_json::Value = serde_json::from_str(line).unwrap();
        for post in user["posts"].as_array().unwrap() {
            let [post, gender] = [post, &user["gender"]].map(|text| text.as_str().unwrap());
            writeln!(table, "{},{post},{gender},{}", user["id"], user["age"]).unwrap();
        }
    }
    workplace.write("users.csv", table);
    let config = CONFIG
        .replace("users.jsonl", "users.csv")
        .replace("epochs = 12", "epochs = 1");
    workplace.write("table.toml", &config);
    let line = workplace.failure(&["train", "table.toml"]);
    assert!(
        line.ends_with(
            "its columns are: who, words, sex of the writer, age; columns.text in the config states the one with the text"
        ),
        "{line}"
    );
    let columns = "[columns]\ntext = \"words\"\nuser = \"who\"\nlabels = { gender = \"sex of the writer\" }\n";
    workplace.write("table.toml", format!("{config}{columns}"));
    let said = stderr(&workplace.run(&["train", "table.toml"]));
    assert!(said.contains("240 users: 173 to train on"), "{said}");
    // The config as used states the columns too.
    workplace.success(&["train", "run/config.toml", "-o", "again"]);
}
