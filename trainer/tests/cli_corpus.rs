//! `auxlstm corpus stats` as its users meet it: as a process.

mod common;
#[path = "cli_corpus/files.rs"]
mod files;

use std::fs::File;
use std::io::Write;

use common::{Workplace, failure, stderr, stdout};
use serde_json::Value;

const JSONL: &str = r#"{"id": "a", "gender": "female", "age": 24, "posts": ["Rain again.", "Tea first"]}
{"id": "b", "gender": "male", "age": 27, "shoes": [43], "posts": ["A long day"]}
{"id": "c", "gender": "female", "age": null, "text": "Morning"}
"#;

const CSV: &str = "id,gender,age,text\n\
    a,female,24,Rain again.\na,,,Tea first\nb,male,27,A long day\nc,female,,Morning\n";

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// A folder with users.jsonl.
fn workplace_of(users: &str) -> Workplace {
    let workplace = Workplace::new();
    workplace.write("users.jsonl", users);
    workplace
}

fn packed(text: &str) -> [Vec<u8>; 3] {
    let mut xz = liblzma::write::XzEncoder::new(Vec::new(), 6);
    xz.write_all(text.as_bytes()).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes()).unwrap();
    let zstd = zstd::encode_all(text.as_bytes(), 3).unwrap();
    [xz.finish().unwrap(), gzip.finish().unwrap(), zstd]
}

#[test]
fn tables_and_charts_are_printed() {
    let workplace = Workplace::new();
    workplace.write("users.jsonl", JSONL);
    workplace.write("others.jsonl", JSONL);
    let text = workplace.success(&["corpus", "stats", "users.jsonl", "others.jsonl"]);
    assert!(text.contains("| users |     6 |          |"), "{text}");
    assert!(
        text.contains("| female |     4 | 66.7 % |\n| male   |     2 | 33.3 % |"),
        "{text}"
    );
    assert!(text.contains("Users by age (2 unknown)"), "{text}");
    assert!(text.contains("    25  0\n    26  0\n    27  █"), "{text}");
    let named = workplace.success(&["corpus", "stats", "users.jsonl", "--attribute", "gender"]);
    assert!(
        named.contains("Users by gender\n") && !named.contains("age"),
        "{named}"
    );
}

#[test]
fn an_attribute_that_nobody_has_was_counted() {
    let workplace = workplace_of(JSONL);
    let stats = ["corpus", "stats", "users.jsonl"];
    for flag in [["--attribute", "sex"], ["--map", "sex:F=female"]] {
        let line = workplace.failure(&[&stats[..], &flag].concat());
        assert_eq!(
            line,
            "auxlstm: no user has a label \"sex\"; the fields with labels are: age, gender"
        );
    }
    let workplace = workplace_of("{\"posts\": []}\n");
    let line = workplace.failure(&[&stats[..], &["--attribute", "sex"]].concat());
    assert!(line.ends_with("nor any other label"), "{line}");
}

#[test]
fn fields_with_other_names_were_not_counted() {
    let records = (0..60).map(|user| {
        let dialect = ["Bavarian", "Swabian", "bavarian"][user % 3];
        format!(
            "{{\"id\": {user}, \"dialect\": \"{dialect}\", \"town\": \"t{user}\", \"posts\": []}}\n"
        )
    });
    let workplace = workplace_of(&records.collect::<String>());
    let stats = ["corpus", "stats", "users.jsonl", "--json"];
    let output = workplace.run(&stats);
    let said = stderr(&output);
    assert!(
        said.contains("more than 50 different labels: town; --attribute NAME counts them"),
        "{said}"
    );
    let counts = json(&stdout(output, 0));
    let dialects = serde_json::json!({"Bavarian": 20, "Swabian": 20, "bavarian": 20});
    assert_eq!(counts["attributes"]["dialect"]["classes"], dialects);
    assert_eq!(counts["attributes"].as_object().unwrap().len(), 1);
    let town = workplace.success(&[&stats[..], &["--attribute", "town"]].concat());
    assert_eq!(json(&town)["attributes"]["town"]["classes"]["t59"], 1);
    let map = ["--map", "dialect:bavarian=Bavarian"];
    let mapped = json(&workplace.success(&[&stats[..], &map].concat()));
    let classes = &mapped["attributes"]["dialect"]["classes"];
    assert_eq!(*classes, serde_json::json!({"Bavarian": 40, "Swabian": 20}));
}

#[test]
fn labels_controlled_the_terminal() {
    let workplace = Workplace::new();
    let records = ["\\u001b]0;x\\u0007a", "\\u202eb", "\\u009bc"]
        .map(|label| format!("{{\"ge\\u001bnder\": \"{label}\", \"text\": \"a\"}}\n"));
    workplace.write("users.jsonl", records.concat());
    let arguments = [
        "corpus",
        "stats",
        "users.jsonl",
        "--attribute",
        "ge\u{1b}nder",
    ];
    let text = workplace.success(&arguments);
    assert!(text.contains("Users by ge\\u{1b}nder\n"), "{text}");
    for shown in [
        "ge\\u{1b}nder",
        "\\u{1b}]0;x\\u{7}a",
        "\\u{202e}b",
        "\\u{9b}c",
    ] {
        assert!(
            text.contains(&format!("| {shown:<16} |")),
            "{shown}: {text}"
        );
    }
    // JSON has the labels themselves.
    let counts = json(&workplace.success(&[&arguments[..], &["--json"]].concat()));
    let classes = &counts["attributes"]["ge\u{1b}nder"]["classes"];
    assert_eq!(classes["\u{1b}]0;x\u{7}a"], 1);
}

#[test]
fn bad_records_are_named_counted_and_with_strict_fatal() {
    let workplace = Workplace::new();
    let mut bytes = JSONL.as_bytes().to_vec();
    bytes.extend(b"\n{\"posts\": [\"cut off\n{}\nnot \xff text\n{\"posts\": 3}\n{\"gender\": \"male\"}\n{\"posts\": [\"nul \\u0000\", \"\"]}\n");
    workplace.write("users.jsonl", bytes);
    let output = workplace.run(&["corpus", "stats", "users.jsonl", "--json"]);
    let errors = stderr(&output);
    for line in [
        "users.jsonl:5: bad JSON: ",
        "users.jsonl:6: no \"posts\" (and no \"text\"); its fields are: none",
        "users.jsonl:7: a record must be a JSON object",
        "users.jsonl:8: \"posts\" must be an array of strings, this is a number",
        "users.jsonl:9: no \"posts\" (and no \"text\"); its fields are: gender;",
        "5 bad records were skipped",
    ] {
        assert!(errors.contains(line), "{line}: {errors}");
    }
    let counts = json(&stdout(output, 0));
    assert_eq!(
        (&counts["users"], &counts["bad_records"]),
        (&4.into(), &5.into())
    );
    let strict = workplace.failure(&["corpus", "stats", "users.jsonl", "--strict"]);
    assert!(strict.contains("users.jsonl:5: bad JSON"), "{strict}");
}

#[test]
fn each_of_a_thousand_bad_records_was_a_line() {
    let workplace = Workplace::new();
    let bad = "{\"id\": 1, \"body of\": \"tea\"}\n{\"posts\": 3}\n".repeat(500);
    workplace.write("users.jsonl", format!("{JSONL}\n{bad}"));
    for command in [
        &["corpus", "stats", "users.jsonl"][..],
        &["corpus", "convert", "users.jsonl", "-o", "converted.jsonl"],
    ] {
        let errors = stderr(&workplace.run(command));
        let lines = |what: &str| errors.lines().filter(|line| line.contains(what)).count();
        assert!(errors.lines().count() < 50, "{errors}");
        assert_eq!(lines(": \"posts\" must be an array"), 21, "{errors}");
        let rest = "480 more bad records like users.jsonl:44: \"posts\" must be an array";
        assert!(errors.contains(rest), "{errors}");
        assert!(errors.contains("1,000 bad records"), "{errors}");
    }
}

#[test]
fn users_whose_rows_are_apart_were_refused() {
    let workplace = Workplace::new();
    workplace.write("users.csv", format!("{CSV}a,,,Back again\n"));
    let stats = ["corpus", "stats", "users.csv", "--json"];
    let counts = json(&workplace.success(&stats));
    assert_eq!((&counts["users"], &counts["posts"]), (&3.into(), &5.into()));
    let errors = stderr(&workplace.run(&[&stats[..], &["--sorted"]].concat()));
    assert!(
        errors.contains("users.csv:6: the posts of user \"a\" are not consecutive"),
        "{errors}"
    );
}

#[test]
fn of_posts_and_text_one_was_ignored() {
    let workplace = Workplace::new();
    for (name, text) in [
        (
            "users.jsonl",
            "{\"posts\": [], \"text\": \"a\"}\n{\"posts\": [\"a\"], \"text\": \"b\"}\n",
        ),
        ("users.csv", "posts,text\n,a\na,b\n"),
    ] {
        workplace.write(name, text);
        let output = workplace.run(&["corpus", "stats", name, "--json"]);
        let line = if name.ends_with("csv") { 3 } else { 2 };
        let message = format!("{name}:{line}: both \"posts\" and \"text\"");
        assert!(stderr(&output).contains(&message), "{}", stderr(&output));
        let counts = json(&stdout(output, 0));
        assert_eq!((&counts["users"], &counts["words"]), (&1.into(), &1.into()));
    }
}

#[test]
fn an_empty_corpus_has_nobody() {
    let workplace = Workplace::new();
    for name in ["empty.jsonl", "empty.csv", "empty"] {
        workplace.write(name, "");
        let counts = json(&workplace.success(&["corpus", "stats", name, "--json"]));
        assert_eq!((&counts["users"], &counts["words"]), (&0.into(), &0.into()));
        workplace.success(&["corpus", "stats", name]);
    }
}

#[test]
fn wrong_usage_has_its_own_status() {
    let workplace = Workplace::new();
    for arguments in [
        &["corpus", "stats"][..],
        &["corpus"],
        &[],
        &["corpus", "stats", "x", "--nonsense"],
    ] {
        let output = workplace.run(arguments);
        let errors = stderr(&output);
        stdout(output, 2);
        assert!(errors.contains("Usage:"), "{errors}");
    }
    assert!(workplace.success(&["--help"]).contains("Exit status"));
    assert!(workplace.success(&["--version"]).starts_with("auxlstm "));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_standard_output_is_an_error() {
    let workplace = Workplace::new();
    workplace.write("users.jsonl", JSONL);
    // Help and version were cut off without a word.
    for arguments in [
        &["corpus", "stats", "users.jsonl"][..],
        &["--help"],
        &["corpus", "stats", "-h"],
        &["help", "predict"],
        &["--version"],
    ] {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = workplace.command(arguments).stdout(full).output().unwrap();
        let line = failure(output);
        assert!(line.contains("standard output: No space left"), "{line}");
    }
}

#[test]
fn columns_of_other_names_are_found_or_stated() {
    let workplace = Workplace::new();
    let rows = "7{}rain again{}f\n8{}tea{}m\n7{}late{}f\n".replace("{}", ";");
    for (header, flags) in [
        ("User ID;Text;Gender", &[][..]),
        ("用户id;微博正文;性别", &[]),
        ("who;said;sex", &["--user", "who", "--text", "said"]),
        ("author;body;geschlecht", &["--label", "gender=Geschlecht"]),
    ] {
        workplace.write("posts.csv", format!("{header}\n{rows}"));
        let arguments = [&["corpus", "stats", "posts.csv", "--json"], flags].concat();
        let counts = json(&workplace.success(&arguments));
        assert_eq!(
            (&counts["users"], &counts["posts"]),
            (&2.into(), &3.into()),
            "{header}"
        );
        let classes = serde_json::json!({"f": 1, "m": 1});
        assert_eq!(
            counts["attributes"]["gender"]["classes"], classes,
            "{header}"
        );
    }
    let line = workplace.failure(&["corpus", "stats", "posts.csv", "--user", "writer"]);
    assert_eq!(
        line,
        "auxlstm: posts.csv: no column \"writer\"; its columns are: author, body, geschlecht"
    );
    // A field that no record has cannot be seen in a header.
    workplace.write(
        "posts.jsonl",
        "{\"id\": 1, \"gender\": \"f\", \"posts\": [\"rain\"]}\n",
    );
    let output = workplace.run(&["corpus", "stats", "posts.jsonl", "--label", "gender=nope"]);
    assert_eq!(
        stderr(&output),
        "posts.jsonl: no record has the field \"nope\"; the fields of the first one are: id, gender, posts\n"
    );
    // Without a writer each record is one, and this is said once.
    workplace.write("posts.csv", "text,town\na,b\nc,d\n");
    let output = workplace.run(&["corpus", "stats", "posts.csv", "--json"]);
    let said = stderr(&output);
    assert_eq!(
        said.matches("each record is taken for a user").count(),
        1,
        "{said}"
    );
    assert_eq!(json(&stdout(output, 0))["users"], 2);
}

#[test]
fn json_lines_lost_the_labels_that_a_table_keeps() {
    let workplace = Workplace::new();
    workplace.write(
        "a.csv",
        "user_id,text,性别,职业,sex,shoe\n7,a,女,厨师,f,38\n8,b,男,教师,m,44\n7,c,女,厨师,f,38\n",
    );
    let record = |id: u32, text: &str, labels: [&str; 4]| {
        let [gender, job, sex, shoe] = labels;
        serde_json::json!({"user_id": id, "text": text, "性别": gender, "职业": job, "sex": sex, "shoe": shoe})
    };
    let records = [
        record(7, "a", ["女", "厨师", "f", "38"]),
        record(8, "b", ["男", "教师", "m", "44"]),
        record(7, "c", ["女", "厨师", "f", "38"]),
    ];
    workplace.write(
        "a.jsonl",
        records.map(|record| format!("{record}\n")).concat(),
    );
    let users = |input: &str| {
        let fixed = ["corpus", "convert", "-o", "users.jsonl", "--keep-ids"];
        workplace.success(&[&fixed[..], &[input]].concat());
        let text = std::fs::read_to_string(workplace.path("users.jsonl")).unwrap();
        text.lines().map(json).collect::<Vec<_>>()
    };
    let mut of_table = users("a.csv");
    // The cells of a table are texts.
    of_table[0]["id"] = 7.into();
    of_table[1]["id"] = 8.into();
    assert_eq!(users("a.jsonl"), of_table);
    assert_eq!(of_table[0]["shoe"], "38");
    assert_eq!(of_table[0]["profession"], "厨师");
}

#[test]
fn labels_are_joined_from_a_file_beside_the_posts() {
    let workplace = Workplace::new();
    workplace.write(
        "posts.jsonl",
        "{\"user_id\": 7, \"text\": \"a\"}\n{\"user_id\": 8, \"text\": \"b\"}\n",
    );
    workplace.write("labels.csv", "uid,Sex,geboren\n7,f,1990\n9,m,1980\n");
    let stats = [
        "corpus",
        "stats",
        "posts.jsonl",
        "--json",
        "--labels",
        "labels.csv",
    ];
    let output = workplace.run(&[&stats[..], &["--label", "born=geboren"]].concat());
    let said = stderr(&output);
    assert!(
        said.contains("labels.csv: has labels of 2 users, 1 of whom are in the corpus"),
        "{said}"
    );
    let counts = json(&stdout(output, 0));
    assert_eq!(
        counts["attributes"]["gender"]["classes"],
        serde_json::json!({"f": 1})
    );
    assert_eq!(
        counts["attributes"]["born"]["classes"],
        serde_json::json!({"1990": 1})
    );
    // Tools write the same ids in different ways.
    workplace.write(
        "labels.jsonl",
        "{\"uid\": \"7\", \"sex\": \"f\"}\n{\"uid\": 8.0, \"sex\": \"m\"}\n",
    );
    let output = workplace.run(&[&stats[..5], &["labels.jsonl"]].concat());
    let all = "has labels of 2 users, 2 of whom are in the corpus";
    assert!(stderr(&output).contains(all));
    // Converting did not say how many.
    let convert = ["corpus", "convert", "posts.jsonl", "-o", "users.jsonl"];
    let output = workplace.run(&[&convert[..], &["--labels", "labels.jsonl"]].concat());
    assert!(stderr(&output).contains(all));
    // Two labels of one user were read without a word.
    workplace.write("labels.csv", "uid,sex\n7,f\n7,m\n8,f\n8,f\n");
    let said = stderr(&workplace.run(&stats));
    let note = "labels.csv: 1 user with more than one label of an attribute; the first one";
    assert!(said.contains(note), "{said}");
    workplace.write("labels.csv", "name,sex\nx,f\n");
    let line = workplace.failure(&stats);
    assert!(
        line.contains("labels.csv:2: no id of a user; its fields are: name, sex, gender"),
        "{line}"
    );
    // It ended with "(strict reading is on)", which nobody had asked for.
    assert!(line.ends_with("states the one with the id"), "{line}");
}

#[test]
fn columns_that_are_no_labels_were_counted_as_labels() {
    let workplace = Workplace::new();
    workplace.write(
        "posts.csv",
        "bid,user_id,签名,text,created_at,性别,rank,words\n1,7,a,tea,2024-01-01,女,5,x\n",
    );
    let labels = |flags: &[&str]| {
        let stats = ["corpus", "stats", "posts.csv", "--json"];
        let counts = json(&workplace.success(&[&stats[..], flags].concat()));
        let labels = counts["attributes"].as_object().unwrap().keys().cloned();
        labels.collect::<Vec<_>>()
    };
    assert_eq!(labels(&[]), ["gender", "rank", "words", "签名"]);
    let flags = ["--order", "rank", "--text", "words", "--user", "签名"];
    // What is text or an id by its usual name is none where flags name others.
    let found = labels(&flags);
    assert!(
        !found.iter().any(|name| flags.contains(&name.as_str())),
        "{found:?}"
    );
    assert_eq!(labels(&["--attribute", "bid"]), ["bid"]);
}

#[test]
fn plain_text_took_each_line_for_a_writer_without_a_word() {
    let workplace = Workplace::new();
    workplace.write("posts.txt", "tea\nrain\n");
    let said = |flags: &[&str]| {
        let stats = ["corpus", "stats", "posts.txt", "--json"];
        stderr(&workplace.run(&[&stats[..], flags].concat()))
    };
    assert!(
        said(&[]).contains("posts.txt: plain text: each line is taken for a user; if lines name")
    );
    assert_eq!(said(&["--text"]), "");
}
