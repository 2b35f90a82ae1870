//! `auxlstm experiment` as a process, on generated users.

mod common;
#[path = "cli_experiment/processes.rs"]
mod processes;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{fs, path::Path};

use common::{Workplace, stderr, stdout};
use rand::{Rng, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use trainer::corpus::UserKey;
use trainer::evaluation::Metrics;
use trainer::experiment::{CorpusSummary, Run};

const SHARED: [&str; 8] = ["the", "day", "and", "was", "good", "with", "some", "rain"];
const BY_AGE: [[&str; 3]; 2] = [
    ["homework", "locker", "recess"],
    ["mortgage", "pension", "knee"],
];
const BY_JOB: [[&str; 3]; 3] = [
    ["essay", "campus", "exam"],
    ["server", "deploy", "code"],
    ["paint", "gallery", "sketch"],
];
const JOBS: [&str; 3] = ["student", "IT", "art"];
/// The number of users of each age, by job: students are young.
const OF_AGE: [[usize; 3]; 2] = [[96, 12, 12], [12, 54, 54]];

/// A folder with vectors, a config, and users whose words depend on their age and job. Twenty have no job, and twenty no age.
fn workplace() -> Workplace {
    let workplace = Workplace::new();
    let mut random = StdRng::seed_from_u64(5);
    let users = (0..2).flat_map(|age| {
        (0..3).flat_map(move |job| std::iter::repeat_n((age, job), OF_AGE[age][job]))
    });
    let mut lines = String::new();
    for (id, (age, job)) in users.enumerate() {
        let mut posts = [(); 3].map(|()| {
            let words = [(); 12].map(|()| match random.random_range(0..20) {
                0..3 => *BY_AGE[age].choose(&mut random).unwrap(),
                3..6 => *BY_JOB[job].choose(&mut random).unwrap(),
                6 => *BY_JOB.concat().choose(&mut random).unwrap(),
                _ => *SHARED.choose(&mut random).unwrap(),
            });
            words.join(" ")
        });
        posts[2] += " The end.";
        let mut user = serde_json::json!({"id": id, "posts": posts});
        if id % 12 != 0 {
            user["age"] = [17, 35][age].into();
        }
        if id % 12 != 1 {
            user["job"] = JOBS[job].into();
        }
        writeln!(lines, "{user}").unwrap();
    }
    workplace.write("users.jsonl", lines);
    let words = SHARED
        .iter()
        .chain(BY_AGE.iter().flatten())
        .chain(BY_JOB.iter().flatten());
    let mut vectors = format!("{} 8\n", words.clone().count());
    for word in words {
        let values: Vec<String> = (0..8)
            .map(|_| random.random_range(-1.0f32..1.0).to_string())
            .collect();
        writeln!(vectors, "{word} {}", values.join(" ")).unwrap();
    }
    workplace.write("vectors.txt", vectors);
    workplace.write("corpus.toml", CORPUS);
    workplace.write("runs.toml", RUNS);
    workplace
}

const CORPUS: &str = r#"
name = "made-up users"
corpus = ["users.jsonl"]
vectors = "vectors.txt"
output = "out"
seeds = [1, 2]

[split]
stratify_by = "job"

[[attributes]]
name = "age"
classes = ["13-20", "21+"]

[[attributes]]
name = "job"
classes = ["student", "IT", "art"]

[systems.cnn]
units = 16

[systems.cnn.training]
epochs = 15
batch_size = 16
window_words = 30
learning_rate = 0.02

[systems.lstm.network]
auxiliary_hidden_size = 8
main_hidden_size = 8
dense_size = 8

[systems.lstm.training]
epochs = 15
batch_size = 16
window_words = 30
learning_rate = 0.02
"#;

const RUNS: &str = r#"
[[runs]]
systems = ["svm", "me", "cnn", "pcnn", "lstm"]
main = ["age", "job"]

[[runs]]
systems = ["meta-learning", "multi-task-lstm", "aux-lstm"]
main = ["age", "job"]
auxiliary = ["age", "job"]

[[runs]]
systems = ["aux-lstm"]
main = ["job"]
auxiliary = [["age"]]
lambda = [0.5, 0.75]
seeds = [1]

[[runs]]
systems = ["lstm"]
main = ["job"]
variant = "one epoch"
seeds = [1]
settings = { lstm = { network = { dropout = 0.1 }, training = { epochs = 1 } } }
"#;

/// The runs of each seed.
const OF_SEED: [&str; 16] = [
    "svm__age",
    "svm__job",
    "me__age",
    "me__job",
    "cnn__age",
    "cnn__job",
    "pcnn__age",
    "pcnn__job",
    "lstm__age",
    "lstm__job",
    "meta-learning__age+job",
    "meta-learning__job+age",
    "multi-task-lstm__age+job",
    "multi-task-lstm__job+age",
    "aux-lstm__age+job",
    "aux-lstm__job+age",
];
/// The runs that only the first seed has.
const OF_FIRST_SEED: [&str; 2] = ["aux-lstm__job+age__lambda=0.5", "lstm__job__one epoch"];

/// All runs in a folder, by the names of their files.
fn runs(workplace: &Workplace, folder: &str) -> BTreeMap<String, Run> {
    let runs = Run::read_all(&workplace.path(folder).join(Run::FOLDER)).unwrap();
    (runs.into_iter())
        .map(|run| (run.key.file_name(), run))
        .collect()
}

/// Figures on the test users.
fn figures(run: &Run) -> Metrics {
    let gold: Vec<usize> = run.test.iter().map(|user| user.class).collect();
    let probabilities: Vec<&[f32]> = (run.test.iter())
        .map(|user| user.probabilities.as_slice())
        .collect();
    Metrics::of(&gold, &probabilities, run.classes.len())
}

#[test]
fn all_runs_of_a_grid_are_made_and_can_be_reported() {
    let workplace = workplace();
    let experiment = ["experiment", "corpus.toml", "runs.toml"];
    let output = workplace.run(&experiment);
    let said = stderr(&output);
    assert_eq!(stdout(output, 0).trim(), "out");
    let expected = 2 * OF_SEED.len() + OF_FIRST_SEED.len();
    assert!(said.contains(&format!("{expected} runs, 0 of them already stored")));
    assert!(
        said.contains(&format!("{expected} of {expected}: ")),
        "{said}"
    );
    let found = runs(&workplace, "out");
    assert_eq!(found.len(), expected);

    for seed in [1, 2] {
        let mut tested = BTreeMap::new();
        for name in OF_SEED {
            let run = &found[&format!("{name}__{seed}.json")];
            let metrics = figures(run);
            assert!(
                metrics.accuracy > metrics.majority + 0.1,
                "{name}: {} of {}",
                metrics.accuracy,
                metrics.majority
            );
            assert!(run.validation_f > 0.5 && run.seconds > 0.0);
            assert_eq!(run.validation_curve.len(), run.training_curve.len());
            let sums = (run.test.iter()).map(|user| user.probabilities.iter().sum::<f32>());
            assert!(sums.into_iter().all(|sum| (sum - 1.0).abs() < 1e-4));
            // All systems have the same test users.
            let users: Vec<_> = (run.test.iter())
                .map(|tested| (tested.user.clone(), tested.class, tested.words))
                .collect();
            assert_eq!(*tested.entry(&run.key.main).or_insert(users.clone()), users);
        }
        let chosen = |name: &str| found[&format!("{name}__{seed}.json")].chosen.clone();
        assert_eq!(chosen("svm__age")[0].0, "cost");
        assert_eq!(chosen("meta-learning__job+age")[0].0, "age cost");
        assert!(chosen("aux-lstm__job+age").contains(&("lambda".into(), "0.75".into())));
    }
    let users = |name: &str| -> Vec<&UserKey> {
        let test = found[name].test.iter();
        test.map(|tested| &tested.user).collect()
    };
    assert_ne!(users("svm__age__1.json"), users("svm__age__2.json"));
    let one_epoch = &found["lstm__job__one%20epoch__1.json"];
    assert_eq!(one_epoch.validation_curve.len(), 1);

    let summary = CorpusSummary::read(&workplace.path("out")).unwrap();
    assert_eq!(
        (summary.users, summary.name.as_str()),
        (240, "made-up users")
    );
    assert_eq!(summary.attributes[0].counts, [110, 110]);
    assert_eq!(
        summary.ages.unwrap().into_iter().collect::<Vec<_>>(),
        [(17, 110), (35, 110)]
    );
    assert!((summary.association[0].cramers_v - 0.7).abs() < 0.05);
    workplace.success(&["report", "out", "--resamples", "100"]);
    let report = fs::read_to_string(workplace.path("out/report.md")).unwrap();
    assert!(report.contains("Meta-Learning") && report.contains("lambda=0.5"));

    // All runs are stored; another seed is one more run.
    let said = stderr(&workplace.run(&experiment));
    assert!(
        said.contains(&format!("{expected} of them already stored")),
        "{said}"
    );
    workplace.write(
        "more.toml",
        "[[runs]]\nsystems = [\"svm\"]\nmain = [\"age\"]\nseeds = [3]",
    );
    workplace.success(&[&experiment[..], &["more.toml"]].concat());
    assert_eq!(runs(&workplace, "out").len(), expected + 1);
}

/// A seed decides everything except the time.
#[test]
fn the_same_seed_gives_the_same_runs_however_many_are_parallel() {
    let workplace = workplace();
    let experiment = |output: &str, parallel: &str| {
        let seeds = ["--set", "seeds=[4]", "--set", parallel];
        let arguments = ["experiment", "corpus.toml", "runs.toml", "-o", output];
        workplace.success(&[&arguments[..], &seeds].concat());
        let mut runs = runs(&workplace, output);
        runs.values_mut().for_each(|run| run.seconds = 0.0);
        runs
    };
    assert!(experiment("one", "parallel=1") == experiment("other", "parallel=3"));
}

/// The cache of a task's own vectors used to be named by attribute and seed alone.
#[test]
fn a_variant_with_other_embedding_settings_does_not_reuse_cached_vectors() {
    let workplace = workplace();
    let group = |main: &str, auxiliary: &str, variant: &str| {
        format!(
            "[[runs]]\nsystems = ['multi-task-lstm']\nmain = ['{main}']\nauxiliary = ['{auxiliary}']\nseeds = [1]\n{variant}\n"
        )
    };
    let more = "variant = 'more epochs'\nsettings = { multi-task-lstm = { vector_epochs = 9 } }";
    let variant = group("age", "job", more);
    workplace.write("both.toml", group("age", "job", "") + &variant);
    workplace.write("variant.toml", variant);
    workplace.write("swapped.toml", group("job", "age", more));
    let experiment = |config: &str, output: &str| {
        let epochs = ["--set", "systems.lstm.training.epochs=2"];
        let arguments = ["experiment", "corpus.toml", config, "-o", output];
        workplace.success(&[&arguments[..], &epochs].concat());
        runs(&workplace, output)
    };
    let test = |runs: BTreeMap<String, Run>| {
        let run = &runs["multi-task-lstm__age+job__more%20epochs__1.json"];
        run.test.clone()
    };
    assert_eq!(
        test(experiment("both.toml", "both")),
        test(experiment("variant.toml", "alone"))
    );
    // Two settings for two attributes; a run with the same ones reuses the vectors.
    let cached = || {
        fs::read_dir(workplace.path("both/vectors"))
            .unwrap()
            .count()
    };
    assert_eq!(cached(), 4);
    experiment("swapped.toml", "both");
    assert_eq!(cached(), 4);
}

#[test]
fn parts_and_names_choose_runs() {
    let workplace = workplace();
    let list = || {
        let printed = workplace.success(&["experiment", "corpus.toml", "runs.toml", "--list"]);
        let line = |line: &str| {
            let (name, state) = line.split_once('\t').unwrap();
            (name.to_owned(), state == "stored")
        };
        printed.lines().map(line).collect::<BTreeMap<_, _>>()
    };
    let all = list();
    assert!(all.len() > 3 && all.values().all(|is_stored| !is_stored));
    let name = all.keys().find(|name| name.starts_with("svm")).unwrap();
    let make = |runs: &str| {
        workplace.success(&["experiment", "corpus.toml", "runs.toml", "--runs", runs]);
        list().values().filter(|is_stored| **is_stored).count()
    };
    assert_eq!(make(name), 1);
    assert!(list()[name]);
    make("1/2");
    assert_eq!(make("2/2"), all.len());
    for (runs, what) in [
        ("3/2", "--runs: expected I/N"),
        ("svm", "there is no run \"svm\"; --list prints the names"),
    ] {
        let command = ["experiment", "corpus.toml", "runs.toml", "--runs", runs];
        let line = workplace.failure(&command);
        assert!(line.contains(what), "{line}");
    }
}

#[test]
fn other_settings_or_users_are_refused_in_the_same_folder() {
    let workplace = workplace();
    workplace.write(
        "one.toml",
        "[[runs]]\nsystems = [\"svm\", \"lstm\"]\nmain = [\"age\"]\nseeds = [1]",
    );
    let experiment = ["experiment", "corpus.toml", "one.toml"];
    workplace.success(&experiment);
    let refused =
        |setting: &str| workplace.failure(&[&experiment[..], &["--set", setting]].concat());
    let epochs = refused("systems.lstm.training.epochs=16");
    assert!(
        epochs.contains("settings of lstm") && epochs.contains("training.epochs = 15 then, 16 now"),
        "{epochs}"
    );
    let words = refused("text.max_words=5");
    assert!(
        words.contains("text.max_words = 30000 then, 5 now"),
        "{words}"
    );
    // An earlier version may not have known a setting, and stored no checksum.
    let record = fs::read_to_string(workplace.path("out/experiment.json")).unwrap();
    let older = record.replace("attention_words = 0\\n", "");
    assert_ne!(older, record);
    let (_, fields) = older.split_once(',').unwrap();
    workplace.write("out/experiment.json", format!("{{{fields}"));
    workplace.success(&experiment);
    let attention = refused("systems.lstm.attention_words=9");
    assert!(
        attention.contains("attention_words = 0 then, 9 now"),
        "{attention}"
    );
    // Settings of systems without stored runs may change.
    workplace.success(&[&experiment[..], &["--set", "systems.me.costs=[1.0]"]].concat());
    let users = fs::read_to_string(workplace.path("users.jsonl")).unwrap();
    workplace.write("users.jsonl", users.replace("mortgage", "rent"));
    let corpus = workplace.failure(&experiment);
    assert!(corpus.contains("the corpus, its ids"), "{corpus}");
    workplace.write("users.jsonl", &users);
    // Stored runs name their test users by file and id.
    workplace.write("renamed.jsonl", users);
    let renamed = refused("corpus=['renamed.jsonl']");
    assert!(
        renamed.contains("paths of its files have changed"),
        "{renamed}"
    );
    let vectors = fs::read_to_string(workplace.path("vectors.txt")).unwrap();
    workplace.write("vectors.txt", vectors.replacen('0', "1", 3));
    let vectors = workplace.failure(&experiment);
    assert!(
        vectors.contains("vectors") && vectors.contains("changed"),
        "{vectors}"
    );
}

#[test]
fn the_summary_of_a_corpus_overwrote_it() {
    let workplace = workplace();
    let users = fs::read(workplace.path("users.jsonl")).unwrap();
    workplace.write("corpus.json", &users);
    let line = workplace.failure(&[
        "experiment",
        "corpus.toml",
        "runs.toml",
        "-o",
        ".",
        "--set",
        "corpus=[\"corpus.json\"]",
    ]);
    assert!(
        line.contains("./corpus.json: the command reads this file"),
        "{line}"
    );
    assert_eq!(fs::read(workplace.path("corpus.json")).unwrap(), users);
}

#[test]
fn wrong_configs_are_refused_before_any_work() {
    let workplace = workplace();
    let wrong = |from: &str, to: &str| {
        for (file, text) in [("corpus", CORPUS), ("runs", RUNS)] {
            workplace.write(&format!("{file}.toml"), text.replacen(from, to, 1));
        }
        workplace.failure(&["experiment", "corpus.toml", "runs.toml"])
    };
    for (from, to, parts) in [
        ("seeds", "sede", &["corpus.toml:6:", "sede", "seeds"][..]),
        ("\"svm\"", "\"swm\"", &["runs.toml:3:", "swm", "svm"]),
        ("dropout", "droput", &["runs.toml:23:", "droput", "dropout"]),
        (
            "epochs = 15",
            "epochs = 0",
            &["systems.cnn.training.epochs is 0"],
        ),
        (
            "epochs = 1 }",
            "epochs = 0 }",
            &["group 4", "settings.lstm.training.epochs is 0"],
        ),
        (
            "\"age\", \"job\"",
            "\"agee\"",
            &["group 1", "\"agee\"", "age, job"],
        ),
        ("0.5, 0.75", "1.5", &["group 3", "lambda is 1.5"]),
        (
            "main_hidden_size = 8",
            "main_hidden_size = 0",
            &["systems.lstm.network: main_hidden_size is 0"],
        ),
        (
            "[[\"age\"]]",
            "[[\"age\", \"age\"]]",
            &["group 3", "\"age\" is listed twice"],
        ),
        (
            "[[\"age\"]]",
            "[[\"job\"]]",
            &["group 3: \"job\" is in main and in all that auxiliary names"],
        ),
        ("auxiliary = [[\"age\"]]", "", &["group 3", "auxiliary"]),
        (
            "[[\"age\"]]",
            "[[]]",
            &["group 3: auxiliary: an empty list"],
        ),
        ("variant = \"one epoch\"", "", &["group 4", "variant"]),
        (
            "one epoch",
            "long".repeat(60).as_str(),
            &["group 4", "a file name of", "permitted: at most 255"],
        ),
        ("[[\"age\"]]", "[7]", &["runs.toml:14:", "a list of names"]),
        (
            "vectors = \"vectors.txt\"",
            "",
            &["vectors: cnn", "auxlstm embed"],
        ),
        ("\"users.jsonl\"", "\"nobody.jsonl\"", &["nobody.jsonl"]),
        ("[split]", "device = \"tpu\"\n[split]", &["cpu, wgpu"]),
        (
            "\"student\", \"IT\"",
            "\"pupil\", \"nurse\"",
            &["svm job, seed 1: ", "at least two are needed"],
        ),
    ] {
        let error = wrong(from, to);
        for part in parts {
            assert!(error.contains(part), "{to}: {error}");
        }
    }
    let nothing = workplace.failure(&["experiment", "corpus.toml"]);
    assert!(nothing.contains("[[runs]]"), "{nothing}");
    let printed = workplace.success(&["experiment", "--print-config"]);
    workplace.write("corpus.toml", CORPUS);
    workplace.write("runs.toml", RUNS);
    let all = workplace.success(&["experiment", "corpus.toml", "runs.toml", "--print-config"]);
    workplace.write("all.toml", &all);
    assert_eq!(
        workplace.success(&["experiment", "all.toml", "--print-config"]),
        all
    );
    assert!(printed.contains("[systems.lstm.training]") && printed.contains("lambda = 0.75"));
}

#[test]
fn labels_are_read_as_classes_in_experiments_too() {
    let workplace = workplace();
    let users = fs::read_to_string(workplace.path("users.jsonl")).unwrap();
    let short = users.replace("\"IT\"", "\"computers\"");
    workplace.write(
        "runs.toml",
        "[[runs]]\nsystems = [\"svm\"]\nmain = [\"job\"]\n",
    );
    let experiment = [
        "experiment",
        "corpus.toml",
        "runs.toml",
        "--set",
        "seeds=[1]",
        "-o",
    ];
    let counts = |folder: &str| {
        let summary = CorpusSummary::read(&workplace.path(folder)).unwrap();
        summary.attribute("job").unwrap().counts.clone()
    };
    workplace.success(&[&experiment[..], &["named"]].concat());
    workplace.write("users.jsonl", short);
    let output = workplace.run(&[&experiment[..], &["left-out"]].concat());
    let said = stderr(&output);
    stdout(output, 0);
    assert!(
        said.contains("job: labels that are not classes, left out: \"computers\" ("),
        "{said}"
    );
    assert!(said.contains("map = { \"LABEL\" = \"CLASS\" }"), "{said}");
    assert_eq!(counts("left-out")[1], 0);

    let classes = "classes = [\"student\", \"IT\", \"art\"]\n";
    let map = |class: &str| {
        CORPUS.replace(
            classes,
            &format!("{classes}map = {{ \"computers\" = \"{class}\" }}\n"),
        )
    };
    workplace.write("corpus.toml", map("IT"));
    workplace.success(&[&experiment[..], &["mapped"]].concat());
    assert_eq!(counts("mapped"), counts("named"));
    let line = workplace.failure(&[&experiment[..], &["left-out"]].concat());
    assert!(line.contains("contains runs with other settings"), "{line}");
    workplace.write("corpus.toml", map("software"));
    let line = workplace.failure(&[&experiment[..], &["wrong"]].concat());
    assert!(
        line.contains("attributes: map: \"job\" has no class \"software\""),
        "{line}"
    );
}
