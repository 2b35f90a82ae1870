//! `split.json` as its users meet it: `auxlstm train` writes it, `auxlstm evaluate --split` reads it.

mod common;

use std::fmt::Write as _;
use std::fs;

use common::{Workplace, stdout};
use model_core::corpus::User;
use trainer::corpus::{RecordKey, StoredSplit};

const MODEL: &str = "run/model.safetensors";

/// A folder with two files of users, 60 in `a/users.jsonl` and 40 in `b/users.jsonl`, with the same ids or none, and a model
/// trained on both.
fn workplace(with_ids: bool) -> Workplace {
    let workplace = Workplace::new();
    for (folder, users) in [("a", 60), ("b", 40)] {
        let mut lines = String::new();
        for id in 0..users {
            let (gender, word) = [("female", "violet"), ("male", "copper")][id % 2];
            let words = ["rain", "day"][id / 2 % 2];
            let mut user = serde_json::json!({"gender": gender, "posts": [format!("{word} {words}"), format!("{folder} {id}")]});
            if with_ids {
                user["id"] = id.into();
            }
            writeln!(lines, "{user}").unwrap();
        }
        fs::create_dir(workplace.path(folder)).unwrap();
        workplace.write(&format!("{folder}/users.jsonl"), lines);
    }
    workplace.write(
        "vectors.txt",
        "4 2\nviolet 1 0\ncopper 0 1\nrain 1 1\nday 0.5 0\n",
    );
    workplace.write("config.toml", CONFIG);
    workplace.success(&["train", "config.toml"]);
    workplace
}

const CONFIG: &str = r#"
corpus = ["a/users.jsonl", "b/users.jsonl"]
vectors = "vectors.txt"
output = "run"
[network]
auxiliary_hidden_size = 2
main_hidden_size = 2
dense_size = 2
[training]
epochs = 1
[wide]
features = 0
[[attributes]]
name = "gender"
classes = ["female", "male"]
"#;

fn split(workplace: &Workplace) -> StoredSplit {
    let text = fs::read_to_string(workplace.path("run/split.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What `evaluate` says of the test users of `folder`, taken from their file by hand.
fn expected(workplace: &Workplace, folder: &str) -> String {
    let file = format!("{folder}/users.jsonl");
    let test = &split(workplace).test[&file];
    let text = fs::read_to_string(workplace.path(&file)).unwrap();
    let users = text.lines().zip(1..).filter(|(line, position)| {
        let mut user = User::from_json(line).unwrap();
        user.record = *position;
        test.contains(&RecordKey::new(&user))
    });
    let lines: Vec<&str> = users.map(|(line, _)| line).collect();
    assert_eq!(lines.len(), test.len());
    workplace.write("test.jsonl", lines.join("\n"));
    workplace.success(&["evaluate", MODEL, "test.jsonl"])
}

fn evaluate<'a>(files: &[&'a str], split: &'a str) -> Vec<&'a str> {
    [&["evaluate", MODEL], files, &["--split", split]].concat()
}

#[test]
fn a_split_merged_the_users_of_two_files_of_the_same_name() {
    let workplace = workplace(true);
    for (folder, users) in [("a", 12), ("b", 8)] {
        let file = format!("{folder}/users.jsonl");
        let text = workplace.success(&evaluate(&[&file], "run/split.json"));
        assert!(text.starts_with(&format!("{users} users\n")), "{text}");
        assert_eq!(text, expected(&workplace, folder));
    }
    let text = workplace.success(&evaluate(
        &["b/users.jsonl", "./a/users.jsonl"],
        "run/split.json",
    ));
    assert!(text.starts_with("20 users\n"), "{text}");
}

#[test]
fn a_split_numbered_users_without_an_id_over_all_files() {
    let workplace = workplace(false);
    for folder in ["a", "b"] {
        let file = format!("{folder}/users.jsonl");
        let text = workplace.success(&evaluate(&[&file], "run/split.json"));
        assert_eq!(text, expected(&workplace, folder));
    }
}

#[test]
fn a_split_is_used_from_another_folder_where_the_files_are_told_apart() {
    let workplace = workplace(true);
    let from_a = |files: &[&str], split: &str| {
        let arguments = [
            &["evaluate", "../run/model.safetensors"],
            files,
            &["--split", split],
        ];
        let mut command = workplace.command(&arguments.concat());
        command.current_dir(workplace.path("a")).output().unwrap()
    };
    let line = common::failure(from_a(&["users.jsonl"], "../run/split.json"));
    assert!(
        line.contains("../run/split.json: \"users.jsonl\" is not a file of this split")
            && line.contains("\"a/users.jsonl\" and \"b/users.jsonl\""),
        "{line}"
    );
    fs::rename(
        workplace.path("b/users.jsonl"),
        workplace.path("b/others.jsonl"),
    )
    .unwrap();
    let corpus = "corpus=['a/users.jsonl', 'b/others.jsonl']";
    workplace.success(&["train", "config.toml", "-o", "second", "--set", corpus]);
    let text = stdout(from_a(&["users.jsonl"], "../second/split.json"), 0);
    assert!(text.starts_with("12 users\n"), "{text}");
}

#[test]
fn training_users_were_scored_in_silence() {
    let workplace = workplace(true);
    let evaluate = |arguments: &[&str]| {
        let output = workplace.run(&[&["evaluate"], arguments].concat());
        let said = common::stderr(&output);
        (stdout(output, 0), said)
    };
    let files = ["a/users.jsonl", "b/users.jsonl"];
    let json = ["--json", "figures.json"];
    let (text, said) = evaluate(&[&[MODEL][..], &files, &json].concat());
    assert!(text.starts_with("100 users\n"), "{text}");
    let warning = "80 of these 100 users are training or validation users of this model, or have posts like theirs, so the \
                   figures are too high; if this is the corpus of its training, score only the test users with --split \
                   run/split.json\n";
    assert!(said.contains(warning), "{said}");
    let figures = fs::read_to_string(workplace.path("figures.json")).unwrap();
    let figures: serde_json::Value = serde_json::from_str(&figures).unwrap();
    assert_eq!(figures["learned_from"], 80);
    assert_eq!(figures["warning"], warning.trim_end());
    let page = workplace.path("figures.html");
    evaluate(&[&[MODEL][..], &files, &["--html", "figures.html"]].concat());
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("Warning: 80 of these 100 users"), "{page}");
    assert!(
        page.contains("Labels are those under equal base rates"),
        "{page}"
    );

    let (_, said) = evaluate(&[&[MODEL][..], &files, &["--split", "run/split.json"]].concat());
    assert!(!said.contains("training"), "{said}");
    let refit = ["train", "config.toml", "--refit", MODEL, "-o", "refit"];
    workplace.success(&refit);
    let model = "refit/model.safetensors";
    let (_, said) = evaluate(&[&[model][..], &files].concat());
    assert!(
        said.contains("100 of these 100 users") && said.contains("refit, which has no test users"),
        "{said}"
    );
    assert!(!said.contains("--split"), "{said}");
    let (_, said) = evaluate(&[&[model][..], &files, &["--split", "run/split.json"]].concat());
    assert!(
        said.contains("training users include the test users of run/split.json"),
        "{said}"
    );
}

#[test]
fn training_users_of_a_renamed_file_were_scored_in_silence() {
    let workplace = workplace(true);
    let users = fs::read_to_string(workplace.path("a/users.jsonl")).unwrap();
    let said = |model: &str, file: &str| {
        let output = workplace.run(&["evaluate", model, file]);
        let said = common::stderr(&output);
        stdout(output, 0);
        said
    };
    // Other ids, too.
    workplace.write("new.jsonl", users.replace("\"id\":", "\"id\":1"));
    let warning = "48 of these 60 users are training or validation users of this model";
    let found = said(MODEL, "new.jsonl");
    assert!(found.contains(warning), "{found}");
    fs::copy(workplace.path(MODEL), workplace.path("moved.safetensors")).unwrap();
    let found = said("moved.safetensors", "new.jsonl");
    let advice = "--split names the split.json of the run";
    assert!(found.contains(warning) && found.contains(advice), "{found}");
    workplace.write("others.jsonl", users.replace("a ", "c "));
    assert_eq!(said(MODEL, "others.jsonl"), "");
    // A small model for others does not tell whose posts it has learned from.
    workplace.success(&["compact", MODEL, "-o", "small.safetensors"]);
    let found = said("small.safetensors", "new.jsonl");
    assert!(
        found.contains("was not checked: small.safetensors has no list"),
        "{found}"
    );
}

#[cfg(unix)]
#[test]
fn other_spellings_of_a_path_were_not_found() {
    let workplace = workplace(true);
    let absolute = workplace.path("a/users.jsonl");
    let link = workplace.path("link.jsonl");
    std::os::unix::fs::symlink("b/users.jsonl", link).unwrap();
    for (file, users) in [
        (absolute.to_str().unwrap(), 12),
        ("a/../b/users.jsonl", 8),
        ("link.jsonl", 8),
    ] {
        let text = workplace.success(&evaluate(&[file], "run/split.json"));
        assert!(
            text.starts_with(&format!("{users} users\n")),
            "{file}: {text}"
        );
    }
    let twice = evaluate(&["b/users.jsonl", "link.jsonl"], "run/split.json");
    let line = workplace.failure(&twice);
    assert!(
        line.ends_with("link.jsonl: given twice; its users would count twice"),
        "{line}"
    );
}

#[cfg(unix)]
#[test]
fn a_corpus_of_one_file_twice_was_trained_and_tested_on() {
    let workplace = workplace(false);
    std::os::unix::fs::symlink("a/users.jsonl", workplace.path("link.jsonl")).unwrap();
    for corpus in [
        "'a/users.jsonl', './a/users.jsonl'",
        "'a/users.jsonl', 'link.jsonl'",
    ] {
        let setting = format!("corpus=[{corpus}]");
        let line = workplace.failure(&["train", "config.toml", "-o", "twice", "--set", &setting]);
        assert!(
            line.ends_with("given twice; its users would count twice"),
            "{line}"
        );
    }
}

#[test]
fn test_users_that_a_corpus_lacks_were_not_mentioned() {
    let workplace = workplace(true);
    let users = fs::read_to_string(workplace.path("a/users.jsonl")).unwrap();
    let tested = &split(&workplace).test["a/users.jsonl"];
    let is_first = |line: &&str| {
        let user = User::from_json(line).unwrap();
        RecordKey::new(&user) == tested[0]
    };
    let others = users.lines().filter(|line| !is_first(line));
    let others: String = others.map(|line| line.to_owned() + "\n").collect();
    workplace.write("a/users.jsonl", others);
    let output = workplace.run(&evaluate(&["a/users.jsonl"], "run/split.json"));
    let said = common::stderr(&output);
    assert!(
        said.contains("run/split.json: 1 of its 12 test users are not in the corpus\n"),
        "{said}"
    );
    assert!(stdout(output, 0).starts_with("11 users\n"));
}

#[test]
fn a_split_of_a_changed_corpus_scored_training_users_in_silence() {
    let workplace = workplace(false);
    let users = fs::read_to_string(workplace.path("a/users.jsonl")).unwrap();
    let evaluate = evaluate(&["a/users.jsonl"], "run/split.json");
    let said = common::stderr(&workplace.run(&evaluate));
    assert!(!said.contains("training"), "{said}");
    // Without ids, the split tells users apart by their positions.
    let (_, others) = users.split_once('\n').unwrap();
    workplace.write("a/users.jsonl", others);
    let output = workplace.run(&evaluate);
    let said = common::stderr(&output);
    assert!(
        said.contains("test users have the posts of training or validation users of this model")
            && said.contains("or the corpus is not the one that run/split.json divides"),
        "{said}"
    );
    stdout(output, 0);
}

#[test]
fn other_commands_read_training_users_in_silence() {
    let workplace = workplace(true);
    let said = |arguments: &[&str]| {
        let output = workplace.run(arguments);
        common::stderr(&output)
    };
    let file = "a/users.jsonl";
    let warning = "48 of these 60 users are training or validation users of this model";
    for command in [
        &["adapt", MODEL, file, "-o", "adapted"][..],
        &["population", MODEL, file],
        &["compact", MODEL, "-o", "small", "--test-users", file],
    ] {
        let said = said(command);
        assert!(said.contains(warning), "{command:?}: {said}");
    }
    let users = fs::read_to_string(workplace.path(file)).unwrap();
    workplace.write("others.jsonl", users.replace("a ", "c "));
    let said = said(&["population", MODEL, "others.jsonl"]);
    assert!(!said.contains("training or validation"), "{said}");
}

#[test]
fn a_split_that_does_not_name_the_files_of_its_users_is_refused() {
    let workplace = workplace(true);
    let list = r#"{"training": [1, 2], "validation": [], "test": [3]}"#;
    workplace.write("list.json", list);
    let line = workplace.failure(&evaluate(&["a/users.jsonl"], "list.json"));
    let message = "auxlstm: list.json: not the split of a training run: invalid type";
    assert!(line.starts_with(message), "{line}");
}
