//! `auxlstm predict --shard`: several processes predict one corpus.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::process::Output;

use common::Workplace;
use common::model::untrained;

const WORDS: [&str; 5] = ["rain", "tea", "office kitchen", "essay", "football"];

/// The posts of 60 users, in no order.
fn posts() -> String {
    let mut table = "user_id,text\n".to_owned();
    for post in 0..240 {
        table += &format!("{},{}\n", post * 7 % 60, WORDS[post % 5]);
    }
    table
}

fn workplace() -> Workplace {
    let workplace = Workplace::new();
    workplace.write("model", untrained().to_bytes().unwrap());
    workplace
}

/// What a process with this exit status said.
fn said(output: &Output, status: i32) -> String {
    let said = common::stderr(output);
    assert_eq!(output.status.code(), Some(status), "{said}");
    said
}

/// The lines of all shards, by the id of the user; no user has two.
fn merged(workplace: &Workplace, folder: &str) -> BTreeMap<String, String> {
    let mut merged = BTreeMap::new();
    for entry in fs::read_dir(workplace.path(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "jsonl") {
            add(&mut merged, &fs::read_to_string(path).unwrap());
        }
    }
    merged
}

fn add(merged: &mut BTreeMap<String, String>, lines: &str) {
    for line in lines.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let before = merged.insert(value["id"].to_string(), line.to_owned());
        assert_eq!(before, None);
    }
}

#[test]
fn shards_together_have_each_user_once() {
    let workplace = workplace();
    workplace.write("posts.csv", posts());
    // Files of whole users, as an engine writes them.
    fs::create_dir(workplace.path("folder")).unwrap();
    for file in 0..5 {
        let users: String = (0..12)
            .map(|user| {
                format!(
                    "{},tea rain\n{},essay\n",
                    file * 12 + user,
                    file * 12 + user
                )
            })
            .collect();
        let table = format!("user_id,text\n{users}");
        workplace.write(&format!("folder/part-{file}.csv"), table);
    }
    for input in ["posts.csv", "folder"] {
        let mut wanted = BTreeMap::new();
        let format = [
            "predict", "model", input, "--user", "user_id", "--format", "jsonl",
        ];
        add(&mut wanted, &workplace.success(&format));
        assert_eq!(wanted.len(), 60);
        let out = format!("{input}.out");
        for shard in ["1/3", "2/3", "3/3"] {
            let flags = ["--shard", shard, "-o", out.as_str()];
            workplace.success(&[&format[..], &flags].concat());
        }
        assert_eq!(merged(&workplace, &out), wanted, "{input}");
        for shard in 1..=3 {
            let file = format!("{out}/part-0000{shard}-of-00003.jsonl");
            let lines = fs::read_to_string(workplace.path(&file)).unwrap();
            assert!((1..60).contains(&lines.lines().count()), "{file}");
        }
    }
}

#[test]
fn a_complete_shard_is_not_predicted_again() {
    let workplace = workplace();
    workplace.write("posts.csv", posts());
    let shard = [
        "predict",
        "model",
        "posts.csv",
        "--shard",
        "1/2",
        "-o",
        "out",
    ];
    workplace.success(&shard);
    let path = workplace.path("out/part-00001-of-00002.parquet");
    let before = fs::metadata(&path).unwrap().modified().unwrap();
    let said = said(&workplace.run(&shard), 0);
    assert!(
        said.contains("out: shard 00001-of-00002 is complete"),
        "{said}"
    );
    assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);

    // What a killed process leaves is no shard.
    fs::remove_file(&path).unwrap();
    workplace.write("out/.auxlstm-0badc0de-a1B2c3.tmp", "half a shard");
    workplace.success(&shard);
    assert!(path.exists());
}

#[test]
fn shards_of_other_settings_do_not_mix() {
    let workplace = workplace();
    workplace.write("posts.csv", posts());
    workplace.write("others.csv", posts());
    let predict = ["predict", "model", "-o", "out"];
    workplace.success(&[&predict[..], &["posts.csv", "--shard", "1/2"]].concat());
    for flags in [
        &["others.csv", "--shard", "1/2"][..],
        &["posts.csv", "--shard", "1/3"],
        &["posts.csv", "--shard", "1/2", "--base-rates", "corpus"],
        &["posts.csv", "--shard", "1/2", "--format", "csv"],
    ] {
        let line = workplace.failure(&[&predict[..], flags].concat());
        let wanted = "out: its shards have another number, model, input or flags";
        assert!(line.contains(wanted), "{line}");
    }
    // Another shard of the first settings is still welcome.
    let second = [
        "predict",
        "model",
        "posts.csv",
        "--shard",
        "2/2",
        "-o",
        "out",
    ];
    workplace.success(&second);
    let wrong = workplace.run(&[
        "predict",
        "model",
        "posts.csv",
        "--shard",
        "3/2",
        "-o",
        "out",
    ]);
    assert!(said(&wrong, 2).contains("expected I/N"));
}

/// Both end with `.jsonl`.
/// Shards are every so many files of a folder: with one file more, users were in two shards or in none.
#[test]
fn shards_of_an_input_that_grew_mixed() {
    let workplace = workplace();
    fs::create_dir(workplace.path("folder")).unwrap();
    for file in ["b", "c"] {
        let table = format!("user_id,text\n{file},rain tea\n");
        workplace.write(&format!("folder/{file}.csv"), table);
    }
    workplace.write("posts.csv", posts());
    let shard = |input, number: &str, output| {
        let user = ["--user", "user_id", "--shard", number, "-o", output];
        workplace.run(&[&["predict", "model", input], &user[..]].concat())
    };
    said(&shard("folder", "1/2", "of-folder"), 0);
    said(&shard("posts.csv", "1/2", "of-file"), 0);
    workplace.write("folder/a.csv", "user_id,text\na,tea\n");
    workplace.write("posts.csv", posts() + "1000,rain\n");
    for (input, output) in [("folder", "of-folder"), ("posts.csv", "of-file")] {
        let said = said(&shard(input, "2/2", output), 1);
        assert!(
            said.contains("another number, model, input or flags"),
            "{said}"
        );
    }
}

#[test]
fn shards_of_a_file_of_base_rates_that_changed_mixed() {
    let workplace = workplace();
    workplace.write("posts.csv", posts());
    let shard = |number: &str, rates: [f64; 2]| {
        let [female, male] = rates;
        workplace.write(
            "rates.json",
            format!(r#"{{"gender": {{"female": {female}, "male": {male}}}}}"#),
        );
        let flags = ["--base-rates", "rates.json", "--shard", number, "-o", "out"];
        workplace.run(&[&["predict", "model", "posts.csv"], &flags[..]].concat())
    };
    said(&shard("1/2", [0.2, 0.8]), 0);
    let refused = said(&shard("2/2", [0.8, 0.2]), 1);
    assert!(
        refused.contains("another number, model, input or flags"),
        "{refused}"
    );
    said(&shard("2/2", [0.2, 0.8]), 0);
}

#[test]
fn shards_of_objects_and_of_tables_mixed() {
    let workplace = workplace();
    workplace.write("posts.csv", posts());
    let predict = |shard: &'static str, format: &'static str| {
        let flags = ["--shard", shard, "--format", format, "-o", "out"];
        [&["predict", "model", "posts.csv"], &flags[..]].concat()
    };
    workplace.success(&predict("1/2", "objects"));
    let line = workplace.failure(&predict("2/2", "jsonl"));
    assert!(line.contains("name another folder"), "{line}");
}

#[test]
fn users_without_ids_in_a_folder_are_refused() {
    let workplace = workplace();
    fs::create_dir(workplace.path("folder")).unwrap();
    for name in ["a", "b"] {
        workplace.write(&format!("folder/{name}.jsonl"), "{\"posts\": [\"tea\"]}\n");
    }
    let line = workplace.failure(&["predict", "model", "folder", "--shard", "1/2", "-o", "out"]);
    assert!(line.contains("a user without an id"), "{line}");
    // One file alone has positions.
    workplace.write("all.jsonl", "{\"posts\": [\"tea\"]}\n".repeat(20));
    for shard in ["1/2", "2/2"] {
        let flags = ["--shard", shard, "-o", "all", "--format", "jsonl"];
        workplace.success(&[&["predict", "model", "all.jsonl"], &flags[..]].concat());
    }
    assert_eq!(merged(&workplace, "all").len(), 20);
}

#[test]
fn bad_records_are_told_by_one_shard() {
    let workplace = workplace();
    workplace.write("users.jsonl", "{\"id\": 1, \"posts\": [\"tea\"]}\n{oops\n");
    let shard = |shard: &str| {
        let flags = ["--shard", shard, "-o", "out"];
        workplace.run(&[&["predict", "model", "users.jsonl"], &flags[..]].concat())
    };
    assert!(said(&shard("1/2"), 3).contains("1 bad record"));
    assert!(!said(&shard("2/2"), 0).contains("bad record"));
}
