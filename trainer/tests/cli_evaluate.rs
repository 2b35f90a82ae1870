//! `auxlstm evaluate`: intervals, shares, groups and the page, with a model that is made up here.

mod common;

use common::model::untrained;
use common::{Workplace, stderr, stdout};
use model_core::bundle::{ConfidenceThresholds, LanguageCalibration};
use serde_json::{Value, json};

/// A folder with an untrained model and users of two cities. Without a city: every tenth.
fn workplace() -> Workplace {
    let workplace = Workplace::new();
    workplace.write("model", untrained().to_bytes().unwrap());
    let words = ["rain", "tea", "football", "essay", "office", "kitchen"];
    let user = |id: usize| {
        let mut user = json!({
            "id": id,
            "age": ([13, 14, 33, 47][id % 4]),
            "gender": (["female", "male"][id / 2 % 2]),
            "posts": [format!("{} {} {}", words[id % 6], words[id / 6 % 6], words[id / 36 % 6])],
        });
        if !id.is_multiple_of(10) {
            user["city"] = ["Bern", "<b>Basel"][id % 3 % 2].into();
        }
        user.to_string() + "\n"
    };
    workplace.write("users.jsonl", (0..120).map(user).collect::<String>());
    workplace
}

impl Workplace {
    fn figures(&self, options: &[&str]) -> (String, Value) {
        let command = ["evaluate", "model", "users.jsonl", "--json", "figures.json"];
        let text = self.success(&[&command[..], options].concat());
        let json = std::fs::read(self.path("figures.json")).unwrap();
        (text, serde_json::from_slice(&json).unwrap())
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

#[test]
fn every_figure_has_an_interval_around_it() {
    let (text, figures) = workplace().figures(&[]);
    for report in array(&figures["attributes"]) {
        let intervals = &report["intervals"];
        let is_inside = |name: &str, value: &Value, interval: &Value| {
            let [value, low, high] =
                [value, &interval[0], &interval[1]].map(|number| number.as_f64().unwrap());
            // The model predicts one class for all users, whose mean recall is the same in every sample.
            let varies = name != "recall";
            assert!(
                low <= value && value <= high && (low < high || !varies),
                "{name}: {report}"
            );
        };
        for name in [
            "accuracy",
            "macro_f1",
            "f",
            "precision",
            "recall",
            "log_loss",
            "calibration_error",
        ] {
            is_inside(name, &report[name], &intervals[name]);
        }
        for (class, intervals) in array(&report["classes"])
            .iter()
            .zip(array(&intervals["classes"]))
        {
            for name in ["precision", "recall", "f1"] {
                match class[name].is_null() {
                    true => assert!(intervals[name].is_null(), "{name}: {intervals}"),
                    false => assert!(intervals[name][1].as_f64() >= class[name].as_f64()),
                }
            }
        }
        let accuracy = report["accuracy"].as_f64().unwrap();
        let [low, high] = [0, 1].map(|end| intervals["accuracy"][end].as_f64().unwrap());
        let row = format!("{accuracy:.3} ({low:.3}–{high:.3}) |");
        assert!(text.contains(&row), "{row}: {text}");
    }
    assert!(text.contains("95 % intervals, from 1,000 bootstrap samples of the users"));
}

#[test]
fn predicted_shares_stand_beside_true_ones() {
    let (text, figures) = workplace().figures(&[]);
    assert!(
        text.contains(" true share |") && text.contains(" predicted share |"),
        "{text}"
    );
    let gender = &array(&figures["attributes"])[2];
    let predicted: Vec<u64> = array(&gender["classes"])
        .iter()
        .map(|class| class["predicted"].as_u64().unwrap())
        .collect();
    let column = |class: usize| -> u64 {
        let rows = array(&gender["confusion"]).iter();
        rows.map(|row| row[class].as_u64().unwrap()).sum()
    };
    assert_eq!(predicted, [column(0), column(1)]);
    let share = predicted[0] as f64 / 120.0;
    let (_, section) = text.split_once("## gender\n").unwrap();
    let row = section
        .lines()
        .find(|line| line.starts_with("| female "))
        .unwrap();
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    assert!(cells[6].starts_with("0.500 ("), "{row}");
    assert!(cells[7].starts_with(&format!("{share:.3} (")), "{row}");
}

#[test]
fn errors_are_given_by_group() {
    let workplace = workplace();
    let (text, figures) = workplace.figures(&["--by", "city"]);
    let groups = array(&figures["by"]["groups"]);
    let names: Vec<&Value> = groups.iter().map(|group| &group["group"]).collect();
    assert_eq!(names, ["<b>Basel", "Bern"]);
    assert_eq!(
        (&figures["by"]["field"], &figures["by"]["without_field"]),
        (&"city".into(), &12.into())
    );
    let users: Vec<u64> = (groups.iter())
        .map(|group| group["attributes"][2]["users"].as_u64().unwrap())
        .collect();
    assert_eq!(users.iter().sum::<u64>(), 108);
    let (_, section) = text.split_once("## By city\n").unwrap();
    let (_, gender) = section.split_once("### gender\n").unwrap();
    let row = gender
        .lines()
        .find(|line| line.starts_with("| Bern "))
        .unwrap();
    let error = 1.0 - groups[1]["attributes"][2]["accuracy"].as_f64().unwrap();
    assert!(row.contains(&format!("| {error:.3} (")), "{row}");
    assert!(
        section.contains("In no group, without the field: 12"),
        "{section}"
    );

    // The classes of an attribute, not its values.
    let (_, figures) = workplace.figures(&["--by", "age"]);
    let groups = array(&figures["by"]["groups"]);
    let names: Vec<&Value> = groups.iter().map(|group| &group["group"]).collect();
    assert_eq!(names, ["13", "14", "33+"]);

    let line = workplace.failure(&["evaluate", "model", "users.jsonl", "--by", "town"]);
    assert!(
        line.ends_with("--by town: no user has this field; the fields are: age, city, gender, id"),
        "{line}"
    );
    let line = workplace.failure(&["evaluate", "model", "users.jsonl", "--by", "id"]);
    assert!(line.contains("--by id: more than 100 values"), "{line}");
}

#[test]
fn the_page_has_the_figures_and_drawings() {
    let workplace = workplace();
    let evaluate = [
        "evaluate",
        "model",
        "users.jsonl",
        "--by",
        "city",
        "--html",
        "page.html",
    ];
    let output = workplace.run(&evaluate);
    assert!(!stderr(&output).contains("panicked"));
    let text = stdout(output, 0);
    let page = std::fs::read_to_string(workplace.path("page.html")).unwrap();
    assert!(page.starts_with("<!doctype html>") && page.contains("<h1>Evaluation of model</h1>"));
    // For each of the three reports a confusion matrix, a reliability diagram and the groups.
    assert_eq!(page.matches("<figure>").count(), 9);
    assert!(
        !page.contains("<b>Basel") && page.contains("&lt;b&gt;Basel"),
        "names are escaped"
    );
    let row = text
        .lines()
        .find(|line| line.starts_with("| gender "))
        .unwrap();
    let accuracy = row.split('|').nth(3).unwrap().trim();
    assert!(page.contains(&format!("<td>{accuracy}</td>")), "{accuracy}");
    let line = workplace.failure(&[
        "evaluate",
        "model",
        "users.jsonl",
        "--html",
        "users.jsonl/page.html",
    ]);
    assert!(
        line.contains("cannot write users.jsonl/page.html"),
        "{line}"
    );
}

/// A file of labels only adds labels; that it changed none used to look like success.
#[test]
fn a_file_of_labels_did_not_say_that_the_corpus_has_others() {
    let workplace = workplace();
    let labels: String = (0..120).map(|id| format!("{id},male\n")).collect();
    workplace.write("labels.csv", format!("id,gender\n{labels}"));
    let arguments = ["evaluate", "model", "users.jsonl", "--labels", "labels.csv"];
    let said = stderr(&workplace.run(&arguments));
    let note =
        "120 of whom are in the corpus; 60 users with another label in the corpus, which is kept";
    assert!(said.contains(note), "{said}");
    // A field that is no label may differ, and a known name of the id will do where --user names that of the corpus.
    workplace.write("dates.csv", "id,created_at\n1,2024-01-01\n");
    let users = std::fs::read_to_string(workplace.path("users.jsonl")).unwrap();
    let dated = users.replace("\"id\"", "\"created_at\":\"2020-01-01\",\"author\"");
    workplace.write("dated.jsonl", dated);
    let arguments = ["evaluate", "model", "dated.jsonl", "--user", "author"];
    let output = workplace.run(&[&arguments[..], &["--labels", "dates.csv"]].concat());
    let said = stderr(&output);
    assert!(said.contains("has labels of 1 user, 1 of whom"), "{said}");
    assert!(
        !said.contains("another label") && !said.contains("no record has"),
        "{said}"
    );
    stdout(output, 0);
}

/// Users with one class used to vanish without a reason where many others have an age range.
#[test]
fn users_beside_many_age_ranges_vanished() {
    let workplace = workplace();
    let user = |id: usize| {
        let age = ["13", "13-14"][id % 2];
        json!({"id": id, "age": age, "posts": ["rain tea"]}).to_string() + "\n"
    };
    workplace.write("ranges.jsonl", (0..40).map(user).collect::<String>());
    let text = workplace.success(&["evaluate", "model", "ranges.jsonl"]);
    let note = "Left out, with an interval label, which covers several classes: 20 users. So many are left out that";
    assert!(text.contains(note), "{text}");
}

/// A copy of a file under another name, or of users within a file, made intervals shorter.
#[test]
fn copies_of_users_counted_in_silence() {
    let workplace = workplace();
    let users = std::fs::read_to_string(workplace.path("users.jsonl")).unwrap();
    workplace.write("copy.jsonl", &users);
    workplace.write("both.jsonl", users.repeat(2));
    for files in [&["users.jsonl", "copy.jsonl"][..], &["both.jsonl"]] {
        let said = stderr(&workplace.run(&[&["evaluate", "model"], files].concat()));
        let note = "120 users with the id and the posts of an earlier one";
        assert!(said.contains(note), "{said}");
    }
}

#[test]
fn the_users_of_a_file_given_twice_counted_twice() {
    let workplace = workplace();
    for command in [
        &["evaluate", "model"][..],
        &["segment"],
        &["corpus", "stats"],
    ] {
        let files = ["users.jsonl", "./users.jsonl"];
        let line = workplace.failure(&[command, &files].concat());
        assert!(
            line.ends_with("./users.jsonl: given twice; its users would count twice"),
            "{command:?}: {line}"
        );
    }
    let files = ["--test-users", "users.jsonl", "users.jsonl"];
    let line = workplace.failure(&[&["compact", "model", "-o", "small"], &files[..]].concat());
    assert!(line.contains("users.jsonl: given twice"), "{line}");
}

#[test]
fn labels_that_are_no_classes_were_listed_without_what_to_do() {
    let workplace = workplace();
    let users = std::fs::read_to_string(workplace.path("users.jsonl")).unwrap();
    let short = users
        .replace("\"female\"", "\"F\"")
        .replace("\"male\"", "\"M\"")
        .replace("\"age\"", "\"years\"");
    workplace.write("short.jsonl", &short);
    let line = workplace.failure(&["evaluate", "model", "short.jsonl"]);
    for part in [
        "none of 120 users has a label that is a class of the model, which predicts: ",
        "gender (female, male)",
        "labels of gender: \"F\" (60), \"M\" (60)",
        "; --map ATTRIBUTE:LABEL=CLASS reads a label as a class",
    ] {
        assert!(line.contains(part), "{part}: {line}");
    }
    workplace.write("other.jsonl", short.replace("\"gender\"", "\"Geschlecht\""));
    let line = workplace.failure(&["evaluate", "model", "other.jsonl"]);
    assert!(
        line.ends_with("; the fields are: Geschlecht, city, id, years"),
        "{line}"
    );
}

#[test]
fn a_corpus_without_users_was_taken_for_one_without_labels() {
    let workplace = workplace();
    workplace.write("header.csv", "id,text,gender\n");
    let line = workplace.failure(&["evaluate", "model", "header.csv"]);
    assert!(
        line.ends_with("the corpus has no users (0 bad records)"),
        "{line}"
    );
    let output = workplace.run(&["predict", "model", "header.csv"]);
    assert_eq!(
        stderr(&output),
        "header.csv: there are no users to predict\n"
    );
    assert_eq!(stdout(output, 0), "");
}

#[test]
fn fields_that_no_record_has_were_named_alone() {
    let workplace = workplace();
    let output = workplace.run(&[
        "predict",
        "model",
        "users.jsonl",
        "--format",
        "csv",
        "--keep",
        "town",
    ]);
    assert_eq!(
        stderr(&output),
        "--keep town: no record has this field; the fields are: age, city, gender, id\n"
    );
    stdout(output, 0);
    let line = workplace.failure(&[
        "evaluate",
        "model",
        "users.jsonl",
        "--json",
        "users.jsonl/figures.json",
    ]);
    assert!(
        line.ends_with("cannot write users.jsonl/figures.json: Not a directory (os error 20)"),
        "{line}"
    );
}

#[test]
fn figures_had_no_definitions() {
    let workplace = workplace();
    let (text, _) = workplace.figures(&[]);
    for figure in [
        "Majority is ",
        "ECE, the expected",
        "Log loss is ",
        "Coverage is ",
    ] {
        assert!(text.contains(figure), "{figure}: {text}");
    }
    let mut bundle = untrained();
    for calibration in &mut bundle.settings.calibrations {
        *calibration = LanguageCalibration::measured(
            calibration.calibration.clone(),
            ConfidenceThresholds::both(1.0),
        );
    }
    workplace.write("model", bundle.to_bytes().unwrap());
    let (text, _) = workplace.figures(&[]);
    assert!(
        text.contains("Coverage 0.0 % (the model has no confidence threshold: "),
        "{text}"
    );
}
