//! Models of several corpora, and of two languages.

use model_core::language::Language;

use super::*;

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

    // Five Chinese users are too few for a card.
    let chinese = fs::read_to_string(workplace.path("chinese.jsonl")).unwrap();
    let few: Vec<&str> = chinese.lines().take(5).collect();
    workplace.write("few.jsonl", few.join("\n"));
    workplace.success(&[
        "evaluate",
        model,
        "users.jsonl",
        "few.jsonl",
        "--write-card",
        "few.safetensors",
    ]);
    let few = fs::read(workplace.path("few.safetensors")).unwrap();
    let figures = Bundle::from_bytes(&few).unwrap().card.figures;
    let languages: Vec<Option<Language>> = figures.iter().map(|row| row.language).collect();
    assert_eq!(languages, [Some(Language::Other); 2]);

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
