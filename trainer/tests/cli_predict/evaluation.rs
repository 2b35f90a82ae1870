//! `auxlstm evaluate` beside the predictions that it scores.

use super::*;

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
    let compact = ["compact", "model", "-o", "small"];
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
    assert_eq!(card(&workplace, "small"), Value::Array(vec![]));
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
            "none of 1 user has a label that is a class of the model, which predicts: age (13, 14, 33+), gender (female, male)"
        ),
        "{line}"
    );
    let line = workplace.failure(&[
        "evaluate",
        "model",
        "one-class.jsonl",
        "--json",
        "one-class.jsonl/figures.json",
    ]);
    assert!(
        line.contains("cannot write one-class.jsonl/figures.json"),
        "{line}"
    );
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
        "gender (female, male); labels of gender: \"F\" (21), \"=M:1\" (19), \"robot\" (5); --map";
    assert!(line.contains(found), "{line}");
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
    // A misspelt attribute was a field that nothing read.
    let line = workplace.failure(&[&evaluate[..], &["--label", "gendr=sex"]].concat());
    assert!(
        line.ends_with("--label gendr: the model predicts age, gender"),
        "{line}"
    );
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
