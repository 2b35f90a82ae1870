//! `auxlstm adapt` and `auxlstm population` as processes, with a made-up model whose gender shows in two words.

mod common;

use common::informative::{informative, users};
use common::{Workplace, stderr, stdout};
use model_core::bundle::Bundle;
use model_core::population::ClassMoments;
use serde_json::{Value, json};

/// A folder with a model that takes "kitchen" for female and "football" for male.
fn workplace() -> Workplace {
    let workplace = Workplace::new();
    workplace.write("model", informative().to_bytes().unwrap());
    workplace
}

fn jsonl(users: &[Value]) -> String {
    users.iter().map(|user| format!("{user}\n")).collect()
}

/// A folder with the model adapted to 200 users, as `adapted`.
fn adapted() -> Workplace {
    let workplace = workplace();
    workplace.write("labelled.jsonl", jsonl(&users(200, 0.5, 1)));
    workplace.success(&["adapt", "model", "labelled.jsonl", "-o", "adapted"]);
    workplace
}

/// The estimates that `population` writes with these arguments after the model.
fn population(workplace: &Workplace, arguments: &[&str]) -> Vec<Value> {
    let fixed = ["population", "adapted", "--json", "shares.json"];
    workplace.success(&[&fixed, arguments].concat());
    let json = std::fs::read(workplace.path("shares.json")).unwrap();
    serde_json::from_slice(&json).unwrap()
}

/// The share of a class with its interval.
fn share(estimate: &Value, class: &str) -> [f64; 3] {
    let share = &estimate["attributes"]["gender"]["shares"][class];
    ["share", "low", "high"].map(|key| share[key].as_f64().unwrap())
}

#[test]
fn shares_are_estimated_where_counting_is_wrong() {
    let workplace = adapted();
    for (seed, female) in [(2, 0.1), (3, 0.5), (4, 0.85)] {
        workplace.write("set.jsonl", jsonl(&users(400, female, seed)));
        let estimate = &population(&workplace, &["set.jsonl"])[0];
        assert_eq!(estimate["users"], 400);
        assert_eq!(estimate["texts"][0]["unlike"], false, "{estimate}");
        let [found, low, high] = share(estimate, "female");
        assert!(
            low <= female && female <= high && high - low < 0.3,
            "{estimate}"
        );
        assert!((found - female).abs() < 0.1, "{estimate}");
        assert!((found + share(estimate, "male")[0] - 1.0).abs() < 1e-9);
        // Age was not adapted, and the model has no validation users.
        assert_eq!(
            estimate["attributes"]["age"],
            json!({"users": 0, "shares": null})
        );
    }
    let text = workplace.success(&["population", "adapted", "set.jsonl", "-o", "shares.html"]);
    let page = std::fs::read_to_string(workplace.path("shares.html")).unwrap();
    assert!(
        page.contains("<h2 id=\"s1\">400 users</h2>") && page.contains("<svg"),
        "{page}"
    );
    assert!(
        text.contains("400 users") && text.contains("## gender"),
        "{text}"
    );
    assert!(text.contains("## age\n\nNot estimated"), "{text}");
}

#[test]
fn sums_of_parts_give_the_shares_of_all() {
    let workplace = adapted();
    let all = users(300, 0.3, 5);
    workplace.write("all.jsonl", jsonl(&all));
    workplace.write("one.jsonl", jsonl(&all[..100]));
    workplace.write("two.jsonl", jsonl(&all[100..]));
    let whole = population(&workplace, &["all.jsonl"]);
    population(&workplace, &["one.jsonl", "--sums", "one.sums"]);
    let parts = population(&workplace, &["two.jsonl", "--add", "one.sums"]);
    assert_eq!(parts[0]["users"], 300);
    for (one, other) in share(&whole[0], "female")
        .into_iter()
        .zip(share(&parts[0], "female"))
    {
        assert!((one - other).abs() < 1e-6, "{whole:?} {parts:?}");
    }
    let fails = |arguments: &[&str], what: &str| {
        let error = workplace.failure(&[&["population"], arguments].concat());
        assert!(error.contains(what), "{error}");
    };
    fails(
        &["adapted", "one.jsonl", "--add", "one.sums", "--by", "month"],
        "one.sums: its users are not grouped",
    );
    let damaged = std::fs::read_to_string(workplace.path("one.sums")).unwrap();
    let damaged = damaged.replacen("\"users\":100", "\"users\":90", 1);
    workplace.write("damaged.sums", damaged);
    fails(
        &["adapted", "one.jsonl", "--add", "damaged.sums"],
        "its sums are damaged",
    );
    workplace.write("more.jsonl", jsonl(&users(200, 0.5, 9)));
    workplace.success(&["adapt", "model", "more.jsonl", "-o", "other"]);
    fails(
        &["other", "two.jsonl", "--add", "one.sums"],
        "predicted with another model",
    );
    fails(
        &["adapted", "two.jsonl", "--add", "all.jsonl"],
        "all.jsonl: not sums over users",
    );
    fails(&["model", "two.jsonl"], "no validation users");
    fails(&["adapted", "all.jsonl", "--by", "week"], "no user has");
}

/// Users read with a limit of words were added to users read without.
#[test]
fn sums_of_other_texts_did_not_mix_visibly() {
    let workplace = adapted();
    workplace.write("set.jsonl", jsonl(&users(60, 0.5, 3)));
    let of = |arguments: &[&str]| {
        workplace.run(&[&["population", "adapted", "set.jsonl"], arguments].concat())
    };
    stdout(of(&["--sums", "all.sums"]), 0);
    stdout(of(&["--max-words", "3", "--sums", "short.sums"]), 0);
    stdout(of(&["--max-words", "3", "--add", "short.sums"]), 0);
    // Sums may replace those that they continue.
    stdout(of(&["--add", "all.sums", "--sums", "all.sums"]), 0);
    for (arguments, what) in [
        (
            &["--add", "short.sums"][..],
            "short.sums: its users were read with --max-words 3",
        ),
        (
            &["--max-words", "4", "--add", "all.sums"],
            "all.sums: its users were read without --max-words",
        ),
        (
            &["--add", "all.sums", "./all.sums"],
            "./all.sums: given twice",
        ),
    ] {
        let line = common::failure(of(arguments));
        assert!(line.contains(what), "{line}");
    }
}

/// A device that never ends was read to 4 GiB before its first byte was looked at.
#[cfg(target_os = "linux")]
#[test]
fn endless_sums_are_refused_at_once() {
    let workplace = adapted();
    workplace.write("set.jsonl", jsonl(&users(3, 0.5, 3)));
    let line = workplace.failure(&["population", "adapted", "set.jsonl", "--add", "/dev/zero"]);
    assert!(line.contains("not sums over users"), "{line}");
}

/// A result took the place of the model or of the corpus that it was computed from, or of another result.
#[test]
fn outputs_overwrote_inputs() {
    let workplace = adapted();
    workplace.write("set.jsonl", jsonl(&users(60, 0.5, 3)));
    let vectors = "2 2\nrain 1 0\ntea 0 1\n";
    workplace.write("vectors.txt", vectors);
    let is_read = [
        "predict adapted set.jsonl -o ./set.jsonl",
        "predict adapted set.jsonl -o adapted --format csv",
        "population adapted set.jsonl --sums adapted",
        "population adapted set.jsonl --json set.jsonl",
        "population adapted set.jsonl --labels vectors.txt -o vectors.txt",
        "evaluate adapted set.jsonl --json adapted",
        "evaluate adapted set.jsonl --write-card set.jsonl",
        "adapt model set.jsonl -o set.jsonl",
        "compact adapted --test-users set.jsonl -o set.jsonl",
        "compact adapted --words 100 -o adapted",
        "adapt adapted set.jsonl -o adapted",
        "corpus convert set.jsonl -o set.jsonl",
        "embed set.jsonl --format text -o set.jsonl",
        "align vectors.txt adapted --dictionary set.jsonl -o vectors.txt",
        // Files beside the model and the users.
        "embed set.jsonl --dictionary vectors.txt -o vectors.txt",
        "embed set.jsonl --dictionary adapted --user-dict vectors.txt -o vectors.txt",
        "corpus convert set.jsonl --labels vectors.txt -o vectors.txt",
        "predict adapted set.jsonl --format csv --base-rates vectors.txt -o vectors.txt",
        "predict adapted set.jsonl --format csv --dictionary vectors.txt -o vectors.txt",
        "evaluate adapted set.jsonl --dictionary vectors.txt --json vectors.txt",
        "evaluate adapted set.jsonl --base-rates vectors.txt --html vectors.txt",
        "population adapted set.jsonl --dictionary vectors.txt -o vectors.txt",
        "population adapted set.jsonl --base-rates vectors.txt --method cc --json vectors.txt",
        "adapt model set.jsonl --dictionary vectors.txt -o vectors.txt",
        "compact adapted --test-users set.jsonl --dictionary vectors.txt -o vectors.txt",
    ];
    let twice = [
        "evaluate adapted set.jsonl --json both --html both",
        "population adapted set.jsonl -o both --sums both",
    ];
    let files = || {
        let content = |name: &String| std::fs::read(workplace.path(name)).unwrap();
        let names = workplace.files();
        let contents: Vec<_> = names.iter().map(content).collect();
        (names, contents)
    };
    let before = files();
    let read = is_read.map(|command| (command, "the command reads this file"));
    let twice = twice.map(|command| (command, "two outputs have this name"));
    for (command, what) in read.into_iter().chain(twice) {
        let arguments: Vec<&str> = command.split(' ').collect();
        let line = workplace.failure(&arguments);
        assert!(line.contains(what), "{command}: {line}");
        assert!(files() == before, "{command}");
    }
    // A device may be several outputs.
    #[cfg(unix)]
    workplace.success(&[
        "evaluate",
        "adapted",
        "set.jsonl",
        "--json",
        "/dev/null",
        "--html",
        "/dev/null",
    ]);
}

/// A file of a folder that was read could be replaced, and what was written there was read as users by the next command.
#[test]
fn outputs_in_a_folder_that_is_read_became_inputs() {
    let workplace = adapted();
    std::fs::create_dir(workplace.path("folder")).unwrap();
    let set = jsonl(&users(60, 0.5, 3));
    workplace.write("folder/set.jsonl", &set);
    for command in [
        "corpus convert folder -o folder/set.jsonl",
        "corpus convert ./folder/ -o folder/new/set.jsonl",
        "predict adapted folder -o folder/set.jsonl",
        "predict adapted folder --shard 1/2 -o folder",
        "predict adapted folder --shard 1/2 -o folder/new",
        "population adapted folder --sums folder/sums",
        "evaluate adapted . --json new/figures.json",
        "adapt model folder -o folder/adapted",
        "embed folder -o folder/vectors.bin",
    ] {
        let line = workplace.failure(&command.split(' ').collect::<Vec<_>>());
        let what = "in a folder that the command reads; name an output elsewhere";
        assert!(line.contains(what), "{command}: {line}");
        let entries = std::fs::read_dir(workplace.path("folder")).unwrap();
        assert_eq!(entries.count(), 1, "{command}");
    }
    assert_eq!(
        std::fs::read_to_string(workplace.path("folder/set.jsonl")).unwrap(),
        set
    );
    workplace.success(&[
        "predict",
        "adapted",
        "folder/set.jsonl",
        "-o",
        "folder/out.csv",
    ]);
}

#[test]
fn groups_are_estimated_apart() {
    let workplace = adapted();
    let mut all = users(200, 0.9, 6);
    for (index, user) in users(200, 0.2, 7).into_iter().enumerate() {
        all.push(user);
        all[index]["month"] = "2026-01".into();
    }
    for user in &mut all[200..] {
        user["month"] = "2026-02".into();
    }
    all[0]["month"] = Value::Null;
    workplace.write("all.jsonl", jsonl(&all));
    let groups = population(&workplace, &["all.jsonl", "--by", "month"]);
    let found: Vec<(&str, u64)> = (groups.iter())
        .map(|group| {
            (
                group["group"].as_str().unwrap(),
                group["users"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(found, [("2026-01", 199), ("2026-02", 200)]);
    assert!(share(&groups[0], "female")[0] > 0.75 && share(&groups[1], "female")[0] < 0.35);
    let output = workplace.run(&["population", "adapted", "all.jsonl", "--by", "month"]);
    assert!(stderr(&output).contains("1 of 400 users have no \"month\""));
    let text = stdout(output, 0);
    assert!(
        text.contains("| 2026-02 |") && text.contains("## gender"),
        "{text}"
    );
}

/// The posts of a user may be of several groups, and the user used to be put into the first one without a word.
#[test]
fn users_with_posts_in_several_groups_were_in_one() {
    let workplace = adapted();
    let mut table = String::from("user,month,text\n");
    for user in 0..40 {
        for month in ["2026-01", "2026-02"] {
            table += &format!("{user},{month},rain tea kitchen\n");
        }
    }
    workplace.write("posts.csv", table);
    let output = workplace.run(&["population", "adapted", "posts.csv", "--by", "month"]);
    let said = stderr(&output);
    let note = "40 users with more than one value of month; the first one in the file is read";
    assert!(said.contains(note), "{said}");
    assert!(stdout(output, 0).contains("2026-01"));
}

#[test]
fn texts_of_another_kind_are_called_unlike() {
    let workplace = adapted();
    let user =
        |id: usize| json!({"id": id, "posts": ["office or rain office office kitchen ".repeat(5)]});
    let all: Vec<Value> = (0..100).map(user).collect();
    workplace.write("set.jsonl", jsonl(&all));
    let output = workplace.run(&["population", "adapted", "set.jsonl"]);
    let warning = stderr(&output);
    assert!(warning.contains("unlike the training corpus"), "{warning}");
    stdout(output, 0);
}

#[test]
fn every_method_has_a_name() {
    let workplace = adapted();
    workplace.write("set.jsonl", jsonl(&users(300, 0.2, 8)));
    let errors = ["cc", "pcc", "acc", "pacc", "emq", "bayes"].map(|method| {
        let estimate = &population(&workplace, &["set.jsonl", "--method", method])[0];
        assert_eq!(estimate["method"], method);
        (share(estimate, "female")[0] - 0.2).abs()
    });
    // Adjusted counting is nearer than counting probabilities.
    assert!(errors[3] < errors[1] && errors[5] < errors[1], "{errors:?}");
    let output = workplace.run(&["population", "adapted", "set.jsonl", "--method", "guess"]);
    assert!(
        stderr(&output).contains("choose one of cc, pcc"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn an_adapted_model_has_the_figures_of_the_labelled_users() {
    let workplace = workplace();
    workplace.write("labelled.jsonl", jsonl(&users(200, 0.5, 1)));
    let text = workplace.success(&["adapt", "model", "labelled.jsonl", "-o", "adapted"]);
    for part in [
        "## gender: 200 users",
        "| before",
        "| fitted",
        "labelled users",
        "| 100 ",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let bundle = Bundle::from_bytes(&std::fs::read(workplace.path("adapted")).unwrap()).unwrap();
    assert!(
        bundle
            .card
            .data
            .contains("200 users of labelled.jsonl: gender")
    );
    let figures = &bundle.card.figures;
    assert_eq!((figures.len(), figures[0].users), (1, 200));
    assert!(figures[0].accuracy > 0.8, "{figures:?}");
    let before = informative().settings.calibrations[0].clone();
    assert!(figures[0].adapted);
    assert_eq!(bundle.settings.calibrations[0], before, "age has no labels");
}

/// Texts were compared with those of the labelled users, and class moments came from others.
#[test]
fn shares_of_attributes_that_were_not_adapted_had_no_warning() {
    let workplace = workplace();
    let mut bundle = informative();
    let of_class = |class: usize| {
        let mut likelihoods = vec![0.2; 3];
        likelihoods[class] = 0.6;
        (class, likelihoods)
    };
    let validation: Vec<_> = (0..30).map(|user| of_class(user % 3)).collect();
    bundle.settings.calibrations[0].moments = ClassMoments::of(&[(20.0, &validation)]);
    workplace.write("model", bundle.to_bytes().unwrap());
    workplace.write("labelled.jsonl", jsonl(&users(200, 0.5, 1)));
    let output = workplace.run(&["adapt", "model", "labelled.jsonl", "-o", "adapted"]);
    let errors = stderr(&output);
    assert!(output.status.success(), "{errors}");
    assert!(
        errors.contains("age: not adapted, so the adapted model estimates no shares"),
        "{errors}"
    );
    let bundle = Bundle::from_bytes(&std::fs::read(workplace.path("adapted")).unwrap()).unwrap();
    let moments = (bundle.settings.calibrations.iter()).map(|of| of.moments.is_some());
    assert_eq!(moments.collect::<Vec<bool>>(), [false, true]);
}

#[test]
fn users_who_cannot_help_are_refused() {
    let workplace = workplace();
    let fails = |users: &[Value], arguments: &[&str], what: &str| {
        workplace.write("users.jsonl", jsonl(users));
        let fixed = ["adapt", "model", "users.jsonl", "-o", "adapted"];
        let output = workplace.run(&[&fixed, arguments].concat());
        let errors = stderr(&output);
        assert!(errors.contains(what), "{errors}");
        assert_eq!(output.status.code(), Some(1), "{errors}");
        assert!(!workplace.path("adapted").exists());
    };
    fails(
        &users(49, 0.5, 1),
        &[],
        "49 users with a class of it; at least 50 are needed",
    );
    let mut shuffled = users(300, 0.5, 2);
    for (index, user) in shuffled.iter_mut().enumerate() {
        user["gender"] = (["female", "male"][index % 2]).into();
    }
    fails(
        &shuffled,
        &[],
        "the model is not informative about these users",
    );
    // Those with one class used to be taken for all.
    let mut ranges = users(300, 0.5, 2);
    for (index, user) in ranges.iter_mut().enumerate() {
        user["age"] = (["13", "13-14"][index % 2]).into();
    }
    fails(
        &ranges,
        &["--attribute", "age"],
        "150 users with an interval label, which covers several classes: so many that the 150 with one class",
    );
    fails(
        &users(100, 0.5, 3),
        &["--attribute", "job"],
        "the model predicts age, gender",
    );
    fails(
        &users(100, 0.5, 3),
        &["--attribute", "age"],
        "no user has a label",
    );
}

#[test]
fn counts_have_the_base_rates_asked_for() {
    let workplace = adapted();
    workplace.write("set.jsonl", jsonl(&users(200, 0.5, 9)));
    let mostly_male = r#"{"gender": {"female": 0.02, "male": 0.98}}"#;
    workplace.write("rates.json", mostly_male);
    let counted = |method: &str, rates: &str| {
        let arguments = ["set.jsonl", "--method", method, "--base-rates", rates];
        share(&population(&workplace, &arguments)[0], "female")[0]
    };
    for method in ["cc", "pcc"] {
        let [corpus, given] = ["corpus", "rates.json"].map(|rates| counted(method, rates));
        assert!(given < corpus - 0.05, "{method}: {given} of {corpus}");
        let default = population(&workplace, &["set.jsonl", "--method", method]);
        assert_eq!(share(&default[0], "female")[0], corpus);
    }
    let error = workplace.failure(&[
        "population",
        "adapted",
        "set.jsonl",
        "--base-rates",
        "equal",
    ]);
    assert!(
        error.contains("bayes estimates the shares whatever the base rates"),
        "{error}"
    );
    workplace.write("rates.json", r#"{"gender": {"female": "half"}}"#);
    let wrong = ["set.jsonl", "--method", "cc", "--base-rates", "rates.json"];
    let error = workplace.failure(&[&["population", "adapted"], &wrong[..]].concat());
    assert!(
        error.contains("expected a number at line 1 column 29 (permitted: equal, corpus, or a JSON file {ATTRIBUTE: {CLASS: SHARE"),
        "{error}"
    );
    // Sums under other base rates do not add up.
    let sums = ["set.jsonl", "--method", "cc", "--sums", "corpus.sums"];
    population(&workplace, &sums);
    let add = [
        "--method",
        "cc",
        "--base-rates",
        "equal",
        "--add",
        "corpus.sums",
    ];
    let error = workplace.failure(&[&["population", "adapted", "set.jsonl"], &add[..]].concat());
    assert!(
        error.contains("corpus.sums: sets of users counted under different base rates"),
        "{error}"
    );
}
