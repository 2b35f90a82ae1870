//! The harness of the tests across crates, which use the command and the page as their users do.
//!
//! They panic with a remedy if a prerequisite is missing, because a test that cannot run must not pass.

pub mod browser;
pub mod chunks;
pub mod driver;
pub mod npm;
pub mod site;

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use model_core::{
    bundle::{Bundle, LanguageCalibration},
    calibration::Calibration,
    vocabulary::Vocabulary,
};
use serde_json::{Map, Value, json};

/// The page's model, relative to the page.
pub const BUNDLE: &str = "widget/models/en.safetensors";
/// The model that reads Chinese too, likewise.
pub const BILINGUAL: &str = "widget/models/zh-en.safetensors";

/// The repository's folder.
pub fn root() -> PathBuf {
    Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it")).join("..")
}

/// The command `auxlstm` as built with these tests.
pub fn auxlstm() -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let profile = test
        .ancestors()
        .nth(2)
        .expect("a test lies two folders below its build profile's");
    let program = profile.join("auxlstm");
    assert!(
        program.exists(),
        "{} is missing: run `cargo build --release --workspace` first, or `make test`",
        program.display()
    );
    program
}

/// The prediction of `auxlstm predict` with the page's model for one user with these posts.
pub fn predict(posts: &[&str]) -> Value {
    let user = json!({ "id": 1, "posts": posts }).to_string();
    match predict_all(&user).as_slice() {
        [prediction] => prediction.clone(),
        other => panic!("not one prediction of one user: {other:?}"),
    }
}

/// The predictions of `auxlstm predict` with the page's model for users in JSONL, one value per user.
pub fn predict_all(users: &str) -> Vec<Value> {
    predict_by(BUNDLE, users)
}

/// The same by another model of the page's.
pub fn predict_by(bundle: &str, users: &str) -> Vec<Value> {
    predictions(with_model("predict", bundle), users)
}

/// A subcommand with a model of the page's that reads users from its standard input.
fn with_model(subcommand: &str, bundle: &str) -> Command {
    let mut command = Command::new(auxlstm());
    command.arg(subcommand).arg(site::file(bundle)).arg("-");
    if bundle == BILINGUAL {
        let dictionary = root().join("public/dictionary/zh.txt.gz");
        command.arg("--dictionary").arg(dictionary);
    }
    command
}

/// The estimate of `auxlstm population` by a method with a model of the page's, for users in JSONL.
pub fn population(bundle: &str, method: &str, users: &str) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let json = folder.path().join("shares.json");
    let mut command = with_model("population", bundle);
    command.args(["--method", method]).arg("--json").arg(&json);
    printed(command, users);
    let json = std::fs::read(json).expect("auxlstm writes the estimate");
    let mut estimates: Vec<Value> = serde_json::from_slice(&json).expect("it is a list");
    assert_eq!(estimates.len(), 1);
    estimates.remove(0)
}

/// The shares of an estimate as the page lists them: for each attribute its lists, coarse classes first. Each class has its
/// share and the ends of the interval.
pub fn share_lists(estimate: &Value) -> Value {
    let list = |shares: &Value| -> Option<Value> {
        let classes = shares.as_object()?.iter().map(|(class, share)| {
            let Value::Object(share) = share else {
                panic!("{share} is no share");
            };
            let numbers = ["share", "low", "high"].map(|name| share[name].clone());
            (class.clone(), json!(numbers))
        });
        Some(Value::Object(classes.collect()))
    };
    let attributes = (estimate["attributes"].as_object()).expect("shares by attribute");
    let attributes = attributes.iter().map(|(name, shares)| {
        let levels = [&shares["coarse"], &shares["shares"]];
        let lists: Vec<Value> = levels.into_iter().filter_map(list).collect();
        (name.clone(), Value::Array(lists))
    });
    Value::Object(attributes.collect())
}

/// Checks shares against those of the command, both as [`share_lists`].
pub fn same_shares(shown: &Value, wanted: &Value, place: &str) {
    match (shown, wanted) {
        (Value::Object(shown), Value::Object(wanted)) => {
            assert_eq!(shown.len(), wanted.len(), "{place}");
            for (name, wanted) in wanted {
                same_shares(&shown[name], wanted, &format!("{place} {name}"));
            }
        }
        (Value::Array(shown), Value::Array(wanted)) => {
            assert_eq!(shown.len(), wanted.len(), "{place}");
            for (number, (shown, wanted)) in shown.iter().zip(wanted).enumerate() {
                // The ends of intervals come from random draws, which small differences of the posteriors move.
                let tolerance = if number == 0 { 0.005 } else { 0.04 };
                match (shown.as_f64(), wanted.as_f64()) {
                    (Some(shown), Some(wanted)) => assert!(
                        (shown - wanted).abs() <= tolerance,
                        "{place}: {shown} and {wanted}"
                    ),
                    _ => same_shares(shown, wanted, place),
                }
            }
        }
        _ => panic!("{place}: {shown} and {wanted}"),
    }
}

/// The predictions by the bundle with these bytes under base rates: `equal`, `corpus` or shares as JSON.
pub fn predict_under(base_rates: &str, bundle: &[u8], users: &str) -> Vec<Value> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("it takes files");
        path
    };
    let base_rates = match base_rates {
        "equal" | "corpus" => PathBuf::from(base_rates),
        shares => file("shares.json", shares.as_bytes()),
    };
    let mut command = Command::new(auxlstm());
    command
        .arg("predict")
        .arg(file("model.safetensors", bundle))
        .arg("-")
        .arg("--base-rates")
        .arg(base_rates);
    predictions(command, users)
}

/// What a command that predicts users in JSONL prints, one value per user.
fn predictions(command: Command, users: &str) -> Vec<Value> {
    let text = printed(command, users);
    let lines = text.lines().map(serde_json::from_str);
    (lines.collect::<Result<_, _>>()).expect("auxlstm writes lines of JSON")
}

/// What a command that reads these users prints.
fn printed(mut command: Command, users: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("auxlstm starts");
    let mut input = child.stdin.take().expect("its input is piped");
    let output = std::thread::scope(|scope| {
        // It may write before it has read all.
        scope.spawn(move || {
            (input.write_all(users.as_bytes())).expect("auxlstm reads its input");
        });
        child.wait_with_output().expect("auxlstm ends")
    });
    assert!(
        output.status.success(),
        "{command:?} failed: {}",
        output.status
    );
    String::from_utf8(output.stdout).expect("auxlstm writes text")
}

/// Largest difference between page or Node and command, which add in different orders on their CPUs. Texts of more than ten
/// thousand words differ by up to 2·10⁻⁵.
pub const TOLERANCE: f64 = 5e-6;

/// The same on a GPU, whose functions are less exact.
pub const GPU_TOLERANCE: f64 = 1e-4;

/// Checks that the shown probabilities equal those of `auxlstm predict` for these posts.
pub fn same(shown: &Map<String, Value>, posts: &[&str]) {
    same_by(BUNDLE, shown, posts);
}

/// The same with another model of the page.
pub fn same_by(bundle: &str, shown: &Map<String, Value>, posts: &[&str]) {
    let user = json!({ "posts": posts }).to_string();
    agrees(shown, &predict_by(bundle, &user)[0]);
}

/// The same where a GPU computes for the page.
pub fn same_on_gpu(shown: &Map<String, Value>, posts: &[&str]) {
    let user = json!({ "posts": posts }).to_string();
    agrees_within(GPU_TOLERANCE, shown, &predict_by(BUNDLE, &user)[0]);
}

/// Checks that the shown probabilities equal those of a prediction by the command.
pub fn agrees(shown: &Map<String, Value>, predicted: &Value) {
    agrees_within(TOLERANCE, shown, predicted);
}

fn agrees_within(tolerance: f64, shown: &Map<String, Value>, predicted: &Value) {
    let predicted = (predicted["predictions"].as_object()).expect("predictions by attribute");
    assert_eq!(shown.len(), predicted.len());
    for (attribute, prediction) in predicted {
        let coarse_classes = prediction.get("coarse");
        let wanted = coarse_classes.into_iter().chain([prediction]);
        let wanted: Vec<_> = wanted.map(|one| &one["probabilities"]).collect();
        let lists = shown[attribute]
            .as_array()
            .expect("each attribute has lists");
        assert_eq!(lists.len(), wanted.len(), "{attribute}");
        for (list, wanted) in lists.iter().zip(wanted) {
            let [list, wanted] = [list, wanted].map(|list| list.as_object().expect("a list"));
            assert_eq!(list.len(), wanted.len(), "{attribute}");
            for (class, probability) in wanted {
                let [shown, predicted] = [&list[class], probability].map(|value| value.as_f64());
                let difference = shown
                    .zip(predicted)
                    .map(|(shown, predicted)| (shown - predicted).abs());
                assert!(
                    difference.is_some_and(|difference| difference <= tolerance),
                    "{attribute} {class}: shown is {shown:?}, the command predicts {predicted:?}"
                );
            }
        }
    }
}

/// The page's model as if the share of its training users had grown from class to class of each attribute.
pub fn uneven() -> Vec<u8> {
    let mut bundle = Bundle::from_bytes(&site::read(BUNDLE)).expect("the page's model is sound");
    let settings = &mut bundle.settings;
    for (task, attribute) in (settings.calibrations.iter_mut()).zip(&settings.attributes) {
        let classes = attribute.classes.len();
        let sum = (1..=classes).sum::<usize>() as f32;
        task.calibration.base_rates = (1..=classes).map(|class| class as f32 / sum).collect();
    }
    bundle.to_bytes().expect("it stays sound")
}

/// The page's model with some Chinese words added (业校妈课) and its first two attributes marked as transferred.
pub fn bilingual() -> Vec<u8> {
    let mut bundle = Bundle::from_bytes(&site::read(BUNDLE)).expect("the page's model is sound");
    let chinese = [
        ("homework", "业"),
        ("school", "校"),
        ("mom", "妈"),
        ("class", "课"),
    ];
    let words = bundle.vocabulary.words().iter().map(|word| {
        let translated = chinese.iter().find(|(english, _)| english == word);
        translated.map_or(word.as_str(), |(_, chinese)| chinese)
    });
    let words = words.map(String::from).collect();
    bundle.vocabulary = Vocabulary::new(words).expect("no word is listed twice");
    let settings = &mut bundle.settings;
    // One for each language.
    (settings.word_frequencies).resize_with(2, Default::default);
    let [profession, age, gender] = settings
        .calibrations
        .clone()
        .try_into()
        .expect("three tasks");
    settings.chinese = Some(vec![
        profession.transferred(),
        age.transferred(),
        LanguageCalibration::measured(Calibration::ONE, gender.confidence_thresholds),
    ]);
    bundle.to_bytes().expect("it stays sound")
}
