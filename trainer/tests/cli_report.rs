//! `auxlstm report` on generated experiments, with probabilities drawn from a seed.

mod common;

use std::fs;

use common::Workplace;
use model_core::attribute::{Attribute, CoarseClass};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use trainer::corpus::{RecordKey, UserKey};
use trainer::evaluation::{Evaluation, Report, Spread};
use trainer::experiment::{Association, AttributeSummary, CorpusSummary, Run, RunKey, TestUser};

/// Users of the made-up corpus, and those among them who are tested with a seed.
const USERS: usize = 500;
const TESTED: usize = 200;

/// A made-up corpus.
struct Corpus {
    attributes: [Attribute; 3],
    /// The classes of each user, by attribute.
    labels: Vec<[usize; 3]>,
}

impl Corpus {
    fn new() -> Self {
        let attribute =
            |name: &str, classes: &[&str], coarse_classes: &[(&str, &[&str])]| Attribute {
                name: name.into(),
                classes: classes.iter().map(|class| class.to_string()).collect(),
                coarse_classes: (coarse_classes.iter())
                    .map(|(label, classes)| CoarseClass {
                        label: label.to_string(),
                        classes: classes.iter().map(|class| class.to_string()).collect(),
                    })
                    .collect(),
            };
        let attributes = [
            attribute(
                "profession",
                &["Student", "IT", "Teaching & <research>"],
                &[],
            ),
            attribute(
                "age",
                &["13", "14", "23-27", "33+"],
                &[("young", &["13", "14"]), ("grown", &["23-27", "33+"])],
            ),
            attribute("gender", &["female", "male"], &[]),
        ];
        let mut random = StdRng::seed_from_u64(3);
        let labels = (0..USERS).map(|_| {
            let age = random.random_range(0..4);
            // Students are young, mostly.
            let profession = if age < 2 && random.random_bool(0.8) {
                0
            } else {
                random.random_range(0..3)
            };
            [profession, age, random.random_range(0..2)]
        });
        Self {
            labels: labels.collect(),
            attributes,
        }
    }

    fn place(&self, attribute: &str) -> usize {
        let names = self
            .attributes
            .iter()
            .map(|attribute| attribute.name.as_str());
        names
            .into_iter()
            .position(|name| name == attribute)
            .unwrap()
    }

    fn summary(&self) -> CorpusSummary {
        let of = |place: usize| self.labels.iter().map(move |classes| classes[place]);
        let attributes = self
            .attributes
            .iter()
            .enumerate()
            .map(|(place, attribute)| {
                let mut counts = vec![0; attribute.classes.len()];
                of(place).for_each(|class| counts[class] += 1);
                AttributeSummary {
                    name: attribute.name.clone(),
                    classes: attribute.classes.clone(),
                    counts,
                    coarse_classes: attribute.coarse_classes.clone(),
                }
            });
        let association = [(0, 1), (0, 2), (1, 2)].map(|(a, b)| {
            let pairs = of(a).zip(of(b)).map(|(a, b)| (Some(a), Some(b)));
            Association::measure(&self.attributes[a], &self.attributes[b], pairs)
        });
        CorpusSummary {
            name: "invented users".into(),
            paper: true,
            vectors: "vectors.bin".into(),
            version: "0.1.0".into(),
            users: USERS,
            attributes: attributes.collect(),
            ages: Some([(13, 120), (14, 130), (24, 140), (40, 110)].into()),
            association: association.to_vec(),
        }
    }

    /// A run whose system raises the score of the true class by `skill`.
    fn run(&self, system: &str, names: &[&str], variant: &str, seed: u64, skill: f32) -> Run {
        let place = self.place(names[0]);
        let classes = &self.attributes[place].classes;
        // The test users depend on the seed alone.
        let mut users: Vec<usize> = (0..USERS).collect();
        users.shuffle(&mut StdRng::seed_from_u64(seed));
        let key = RunKey {
            system: system.into(),
            main: names[0].into(),
            auxiliary: names[1..].iter().map(|name| name.to_string()).collect(),
            variant: variant.into(),
            seed,
        };
        let name = key.file_name();
        let mut random = StdRng::seed_from_u64(
            name.bytes()
                .fold(7, |sum, byte| sum * 31 % 1_000_003 + u64::from(byte)),
        );
        let test = users[..TESTED].iter().map(|&user| {
            let class = self.labels[user][place];
            let mut scores: Vec<f32> = classes
                .iter()
                .map(|_| random.random::<f32>() * 2.0)
                .collect();
            scores[class] += skill;
            let powers: Vec<f32> = scores.iter().map(|score| score.exp()).collect();
            let sum: f32 = powers.iter().sum();
            TestUser {
                user: UserKey {
                    file: "users.jsonl".into(),
                    record: RecordKey::Id(user.into()),
                },
                words: 50 + user * user % 3000,
                class,
                probabilities: powers.iter().map(|power| power / sum).collect(),
            }
        });
        let epochs = if system.contains("lstm") { 6 } else { 0 };
        Run {
            test: test.collect(),
            classes: classes.clone(),
            training_users: USERS - TESTED - 30,
            validation_users: 30,
            chosen: Vec::new(),
            validation_f: f64::from(skill) / 2.0,
            validation_curve: (1..=epochs)
                .map(|epoch| 0.5 - 0.3 / f64::from(epoch))
                .collect(),
            training_curve: (1..=epochs)
                .map(|epoch| 0.4 + 0.6 / f64::from(epoch))
                .collect(),
            seconds: 1.0,
            key,
        }
    }
}

/// All systems except the CNNs, a variant, a sweep and three attributes, with three seeds.
fn runs(corpus: &Corpus) -> Vec<Run> {
    let mut runs = Vec::new();
    for seed in 1..=3 {
        for main in ["profession", "age", "gender"] {
            for (system, skill) in [("svm", 0.5), ("me", 0.5), ("lstm", 0.8)] {
                runs.push(corpus.run(system, &[main], "", seed, skill));
            }
            for auxiliary in ["profession", "age", "gender"] {
                if auxiliary == main {
                    continue;
                }
                for (system, skill) in [
                    ("meta-learning", 0.6),
                    ("multi-task-lstm", 0.8),
                    ("aux-lstm", 1.6),
                ] {
                    runs.push(corpus.run(system, &[main, auxiliary], "", seed, skill));
                }
            }
        }
        for (variant, skill) in [
            ("lambda=0.25", 0.7),
            ("lambda=0.5", 1.2),
            ("bidirectional", 1.7),
        ] {
            runs.push(corpus.run("aux-lstm", &["age", "profession"], variant, seed, skill));
        }
        let all = ["gender", "age", "profession"];
        runs.push(corpus.run("aux-lstm", &all, "", seed, 1.7));
    }
    runs
}

/// An experiment's folder with these runs.
fn experiment(place: &Workplace, corpus: &Corpus, runs: &[Run]) {
    let folder = place.path("experiment");
    fs::create_dir_all(folder.join(Run::FOLDER)).unwrap();
    corpus.summary().write(&folder).unwrap();
    for run in runs {
        run.write(&folder.join(Run::FOLDER)).unwrap();
    }
}

fn report(place: &Workplace) -> (String, String) {
    place.success(&["report", "experiment", "--resamples", "1000"]);
    let read = |name: &str| fs::read_to_string(place.path("experiment").join(name)).unwrap();
    (read("report.md"), read("report.html"))
}

/// A cell of the row of a Markdown table that begins with `name`, below a heading `section`; the first of its columns
/// that are called `column`.
fn cell(markdown: &str, section: &str, name: &str, column: &str) -> String {
    let split = |line: &str| -> Vec<String> {
        let cells = line.split('|').skip(1);
        cells.map(|cell| cell.trim().to_owned()).collect()
    };
    let (mut inside, mut header, mut last) = (false, Vec::new(), "");
    for line in markdown.lines() {
        if let Some(heading) = line.strip_prefix('#') {
            inside = heading.trim_start_matches('#').trim() == section;
        }
        if line.starts_with('|') && !last.starts_with('|') {
            header = split(line);
        }
        if inside && line.starts_with(&format!("| {name} ")) {
            let place = header.iter().position(|title| title == column);
            return split(line).swap_remove(place.expect(column));
        }
        last = line;
    }
    panic!("no row {name} below {section}");
}

/// The evaluation of the runs of a row, on classes (level 0) or coarse classes (level 1).
fn evaluated(
    corpus: &Corpus,
    runs: &[Run],
    system: &str,
    names: &[&str],
    level: usize,
) -> Vec<Report> {
    let attribute = &corpus.attributes[corpus.place(names[0])];
    let wanted = |run: &&Run| {
        let key = &run.key;
        key.system == system
            && key.variant.is_empty()
            && key.main == names[0]
            && key.auxiliary == names[1..]
    };
    let of = |run: &Run| {
        let mut evaluation = Evaluation::new(attribute);
        for user in &run.test {
            evaluation.add_class(user.class, user.probabilities.clone());
        }
        evaluation.reports().swap_remove(level)
    };
    runs.iter().filter(wanted).map(of).collect()
}

type Figure = fn(&Report) -> f64;

fn number(reports: &[Report], figure: Figure) -> String {
    let figures: Vec<f64> = reports.iter().map(figure).collect();
    let Spread { mean, sd } = Spread::of(&figures).unwrap();
    format!("{mean:.3} ± {:.3}", sd.unwrap())
}

#[test]
fn tables_hold_what_the_evaluation_gives() {
    let (place, corpus) = (Workplace::new(), Corpus::new());
    let runs = runs(&corpus);
    experiment(&place, &corpus, &runs);
    let (markdown, _) = report(&place);
    for (section, name, system, names, level) in [
        ("Profession", "SVM", "svm", &["profession"][..], 0),
        ("Age", "LSTM", "lstm", &["age"], 0),
        (
            "Table 4: joint learning for gender",
            "LSTM",
            "lstm",
            &["gender"],
            0,
        ),
        (
            "Table 4: joint learning for gender",
            "Aux-LSTM (Gender+Age)",
            "aux-lstm",
            &["gender", "age"],
            0,
        ),
        (
            "Table 5: joint learning for age",
            "Meta-Learning (Age+Profession)",
            "meta-learning",
            &["age", "profession"],
            0,
        ),
        (
            "Table 6: joint learning for profession",
            "Multi-task LSTM (Profession+Age)",
            "multi-task-lstm",
            &["profession", "age"],
            0,
        ),
        (
            "Age in 2 coarse classes",
            "Aux-LSTM (Age+Gender)",
            "aux-lstm",
            &["age", "gender"],
            1,
        ),
        (
            "Gender",
            "Aux-LSTM (Gender+Age+Profession)",
            "aux-lstm",
            &["gender", "age", "profession"],
            0,
        ),
    ] {
        let reports = evaluated(&corpus, &runs, system, names, level);
        assert_eq!(reports.len(), 3);
        let figures: [(&str, Figure); 6] = [
            ("macro-F1", |report| report.metrics.macro_f1),
            ("F (paper)", |report| report.metrics.f),
            ("P", |report| report.metrics.precision),
            ("R", |report| report.metrics.recall),
            ("accuracy", |report| report.metrics.accuracy),
            ("ECE", |report| report.calibration_error.unwrap()),
        ];
        for (column, figure) in figures {
            let found = cell(&markdown, section, name, column);
            assert_eq!(
                found,
                number(&reports, figure),
                "{section}, {name}, {column}"
            );
        }
        assert_eq!(cell(&markdown, section, name, "seeds"), "3");
    }
}

#[test]
fn the_papers_figures_are_beside_ours_and_missing_runs_are_marked() {
    let (place, corpus) = (Workplace::new(), Corpus::new());
    experiment(&place, &corpus, &runs(&corpus));
    let (markdown, _) = report(&place);
    let of = |section: &str, name: &str, column: &str| cell(&markdown, section, name, column);
    let paper = "paper (another corpus)";
    for column in ["macro-F1", "F (paper)", "P", "R", "accuracy", "ECE"] {
        assert_eq!(of("Gender", "CNN", column), "not run");
    }
    assert_eq!(of("Gender", "CNN", "seeds"), "0");
    assert_eq!(of("Gender", "CNN", paper), "0.827 / 0.904 / 0.864");
    let (table, aux) = (
        "Table 6: joint learning for profession",
        "Aux-LSTM (Profession+Gender)",
    );
    assert_eq!(of(table, aux, paper), "0.450 / 0.329 / 0.380");
    assert_eq!(of(table, &format!("{aux} Δ to LSTM"), paper), "+0.041");
    assert_eq!(of("Table 2: profession", "IT", paper), "1,798");
    assert_eq!(of("Table 2: profession", "Finance", paper), "1,087");
    assert_eq!(of("Table 2: profession", "Finance", "users"), "–");
    // The coarse classes are not the paper's.
    let coarse_classes = markdown
        .split("# Age in 2 coarse classes\n")
        .nth(1)
        .unwrap();
    assert!(
        !coarse_classes
            .split("\n## ")
            .next()
            .unwrap()
            .contains(paper)
    );
}

#[test]
fn the_papers_t_test_was_called_weak_and_stood_in_every_table() {
    let (place, corpus) = (Workplace::new(), Corpus::new());
    experiment(&place, &corpus, &runs(&corpus));
    let (markdown, _) = report(&place);
    assert!(markdown.contains("Its p is too low") && !markdown.contains("little power"));
    let tables = markdown.split("\n| difference ").skip(1);
    let headers: Vec<&str> = tables.filter_map(|table| table.lines().next()).collect();
    let with_paper = |header: &&str| header.contains("paper (another corpus)");
    for header in &headers {
        assert_eq!(header.contains("t-test"), with_paper(header), "{header}");
    }
    assert!(headers.iter().any(with_paper) && !headers.iter().all(with_paper));
}

#[test]
fn significant_differences_are_marked_and_others_are_not() {
    let (place, corpus) = (Workplace::new(), Corpus::new());
    experiment(&place, &corpus, &runs(&corpus));
    let (markdown, html) = report(&place);
    let section = "Table 5: joint learning for age";
    let mark = |name: &str| cell(&markdown, section, name, "");
    assert_eq!(mark("Aux-LSTM (Age+Gender)"), "▲");
    assert_eq!(mark("Multi-task LSTM (Age+Gender)"), "▽");
    assert_eq!(mark("LSTM"), "");
    let aux = |column: &str| {
        cell(
            &markdown,
            section,
            "Aux-LSTM (Age+Gender) Δ to LSTM",
            column,
        )
    };
    assert!(aux("F (paper)").starts_with("+0.") && aux("95 % interval").starts_with("+0."));
    // The least p that 1,000 samples can show is 0.002; there are ten comparisons.
    assert_eq!(aux("p (Holm)"), "0.002 (0.020)");
    let even = cell(
        &markdown,
        section,
        "Multi-task LSTM (Age+Gender) Δ to LSTM",
        "p (Holm)",
    );
    let corrected = even.split_once('(').unwrap().1.trim_end_matches(')');
    assert!(corrected.parse::<f64>().unwrap() > 0.05, "{even}");
    assert!(html.contains("<td>▲</td>"));
}

/// The samples depend on who is the same user, and on nothing else about a user's key.
#[test]
fn the_bootstrap_took_users_of_two_files_with_the_same_id_for_one() {
    let place = Workplace::new();
    let corpus = Corpus::new();
    let mut runs = runs(&corpus);
    experiment(&place, &corpus, &runs);
    let of_one_file = report(&place);
    for tested in runs.iter_mut().flat_map(|run| &mut run.test) {
        let RecordKey::Id(id) = &tested.user.record else {
            panic!("all users have ids");
        };
        let id = id.as_u64().unwrap();
        tested.user = UserKey {
            file: ["a/users.jsonl", "b/users.jsonl"][(id % 2) as usize].into(),
            record: RecordKey::Id((id / 2).into()),
        };
    }
    experiment(&place, &corpus, &runs);
    assert!(report(&place) == of_one_file);
}

#[test]
fn the_page_is_well_formed_and_self_contained() {
    let (place, corpus) = (Workplace::new(), Corpus::new());
    experiment(&place, &corpus, &runs(&corpus));
    let (_, html) = report(&place);
    for foreign in ["http", "<script", "url(", "@import", "src="] {
        assert!(!html.contains(foreign), "{foreign}");
    }
    assert!(html.contains("Teaching &amp; &lt;research&gt;") && !html.contains("<research>"));
    // All tags are closed, in order.
    let (_, body) = html.split_once("</style>").unwrap();
    let mut open = vec!["html", "head"];
    for tag in body
        .split('<')
        .skip(1)
        .map(|tag| tag.split_once('>').unwrap().0)
    {
        let name = tag
            .split([' ', '\n', '/'])
            .find(|name| !name.is_empty())
            .unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
        } else if !tag.ends_with('/') {
            open.push(name);
        }
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
    }
    assert_eq!(open, [""; 0]);
    for heading in [
        "Confusion matrices",
        "Learning curves",
        "Reliability",
        "Coverage and accuracy",
        "F by number of words",
        "Weight of the main task",
        "Joint gain against the attributes&#39; association",
    ] {
        let heading = heading.replace("&#39;", "'");
        let section = html
            .split_once(&format!("\">{heading}</h2>"))
            .expect(&heading)
            .1;
        let section = section.split("<h2").next().unwrap();
        assert!(section.contains("<svg viewBox"), "{heading}");
    }
    assert!(!html.contains("NaN") && !html.contains("inf\""));
}

#[test]
fn one_run_is_enough() {
    let (place, corpus) = (Workplace::new(), Corpus::new());
    experiment(&place, &corpus, &[corpus.run("lstm", &["age"], "", 1, 0.8)]);
    let (markdown, html) = report(&place);
    let of = |name: &str| cell(&markdown, "Age", name, "F (paper)");
    assert!(of("LSTM").parse::<f64>().is_ok(), "{}", of("LSTM"));
    assert_eq!(of("SVM"), "not run");
    assert!(html.contains("There are no runs of this attribute."));
    place.success(&[
        "report",
        "experiment",
        "--resamples",
        "1000",
        "-o",
        "new/folder",
    ]);
    let elsewhere = fs::read_to_string(place.path("new/folder/report.md")).unwrap();
    assert_eq!(elsewhere, markdown);
}

#[test]
fn the_report_on_other_users_was_full_of_the_paper() {
    let (place, corpus) = (Workplace::new(), Corpus::new());
    let run = |system: &str, seed: u64| Run {
        chosen: vec![("cost".into(), "0.3".into())],
        ..corpus.run(system, &["gender"], "", seed, 0.5)
    };
    experiment(
        &place,
        &corpus,
        &[run("svm", 1), run("svm", 2), run("me", 1)],
    );
    let summary = CorpusSummary {
        paper: false,
        ..corpus.summary()
    };
    summary.write(&place.path("experiment")).unwrap();
    let (markdown, html) = report(&place);
    assert!(markdown.starts_with("# Experiments on invented users\n"));
    for text in [&markdown, &html] {
        for foreign in [
            "not run",
            "another corpus",
            "Tencent",
            "Table ",
            "LSTM",
            "t-test",
        ] {
            // Comparisons are explained in general.
            let text = text
                .replace("that of LSTM", "")
                .replace("that of Aux-LSTM", "");
            assert!(!text.contains(foreign), "{foreign}");
        }
    }
    assert!(!markdown.contains("### Profession") && !markdown.contains("### Age"));
    assert!(markdown.contains("Warning: 1 of 2 rows have one seed."));
    assert!(markdown.contains("Made by auxlstm 0.1.0. Word vectors of networks: vectors.bin."));
    for (column, expected) in [
        ("attribute", "gender"),
        ("seed", "1"),
        ("training users", "270"),
        ("validation users", "30"),
        ("test users", "200"),
        ("chosen", "cost 0.3"),
        ("seconds", "1.0"),
    ] {
        assert_eq!(cell(&markdown, "Runs", "SVM", column), expected, "{column}");
    }
}

#[test]
fn runs_with_few_labels_were_called_not_run() {
    let (place, corpus) = (Workplace::new(), Corpus::new());
    let run = |main: &str, variant: &str| corpus.run("svm", &[main], variant, 1, 0.5);
    let few = [run("gender", "labels=0.05"), run("age", "labels=0.05")];
    experiment(&place, &corpus, &few);
    let summary = CorpusSummary {
        paper: false,
        ..corpus.summary()
    };
    summary.write(&place.path("experiment")).unwrap();
    let (markdown, _) = report(&place);
    assert!(markdown.contains("No system has learned from all labels of an attribute."));
    assert!(!markdown.contains("not run"), "{markdown}");
    // Beside an attribute with all labels, the other one is left out.
    experiment(&place, &corpus, &[run("age", "")]);
    summary.write(&place.path("experiment")).unwrap();
    let (markdown, _) = report(&place);
    let overview = markdown.split("## ").next().unwrap();
    assert!(
        overview.contains("| Age ") && !overview.contains("| Gender "),
        "{overview}"
    );
    assert!(!markdown.contains("not run"), "{markdown}");
}

#[test]
fn one_lucky_seed_is_not_the_best_system() {
    let (place, corpus) = (Workplace::new(), Corpus::new());
    let with_f = |run: Run, validation_f| Run {
        validation_f,
        ..run
    };
    let runs = [
        with_f(corpus.run("svm", &["age"], "", 1, 0.6), 0.5),
        with_f(corpus.run("svm", &["age"], "", 2, 0.6), 0.4),
        with_f(corpus.run("me", &["age"], "", 1, 0.6), 0.4),
        with_f(corpus.run("me", &["age"], "", 2, 0.6), 0.4),
        with_f(corpus.run("lstm", &["age"], "", 1, 0.2), 0.9),
    ];
    experiment(&place, &corpus, &runs);
    let (markdown, _) = report(&place);
    let line = markdown.lines().find(|line| line.starts_with("| Age "));
    let best = line.unwrap().split('|').nth(7).unwrap().trim();
    assert_eq!(best, "SVM");
}

#[test]
fn systems_can_be_averaged() {
    let (place, corpus) = (Workplace::new(), Corpus::new());
    let runs = runs(&corpus);
    experiment(&place, &corpus, &runs);
    let systems = "svm + aux-lstm";
    let arguments = ["report", "experiment", "--resamples", "1000"];
    place.success(&[&arguments[..], &["--average", systems]].concat());
    let markdown = fs::read_to_string(place.path("experiment").join("report.md")).unwrap();
    // The expected average, of the runs of SVM and those of Aux-LSTM on all three attributes.
    let of = |system: &str, names: usize| {
        let wanted = move |run: &&Run| {
            let key = &run.key;
            key.system == system && key.main == "gender" && key.auxiliary.len() == names
        };
        runs.iter().filter(wanted).collect::<Vec<_>>()
    };
    let (svms, networks) = (of("svm", 0), of("aux-lstm", 2));
    assert_eq!((svms.len(), networks.len()), (3, 3));
    let reports: Vec<Report> = (svms.iter().zip(networks))
        .map(|(svm, network)| {
            let gender = &corpus.attributes[corpus.place("gender")];
            let mut evaluation = Evaluation::new(gender);
            for (one, other) in svm.test.iter().zip(&network.test) {
                assert_eq!(one.user, other.user);
                let pairs = one.probabilities.iter().zip(&other.probabilities);
                evaluation.add_class(one.class, pairs.map(|(a, b)| (a + b) / 2.0).collect());
            }
            evaluation.reports().swap_remove(0)
        })
        .collect();
    let row = format!("mean of {systems}");
    for (column, figure) in [
        ("F (paper)", (|report| report.metrics.f) as Figure),
        ("accuracy", |report| report.metrics.accuracy),
        ("ECE", |report| report.calibration_error.unwrap()),
    ] {
        assert_eq!(
            cell(&markdown, "Gender", &row, column),
            number(&reports, figure)
        );
    }
    let error = place.failure(&[&arguments[..], &["--average", "svm + knn"]].concat());
    assert!(error.contains("no runs of \"knn\"; permitted: "), "{error}");
}

#[test]
fn unreadable_files_are_named_in_one_line() {
    let (place, corpus) = (Workplace::new(), Corpus::new());
    assert!(
        place
            .failure(&["report", "experiment"])
            .contains("corpus.json")
    );
    experiment(&place, &corpus, &[]);
    assert!(place.failure(&["report", "experiment"]).contains("no runs"));
    let good = corpus.run("svm", &["age"], "", 1, 0.5);
    experiment(&place, &corpus, std::slice::from_ref(&good));
    place.write("experiment/runs/broken.json", "{\"key\":");
    assert!(
        place
            .failure(&["report", "experiment"])
            .contains("broken.json")
    );
    place.write(
        "experiment/runs/broken.json",
        serde_json::to_string(&good).unwrap(),
    );
    let twice = place.failure(&["report", "experiment"]);
    assert!(
        twice.contains("two files contain") && twice.contains("svm__age__1.json"),
        "{twice}"
    );
    let foreign = Run {
        classes: vec!["a".into(), "b".into(), "c".into(), "d".into()],
        ..good
    };
    place.write(
        "experiment/runs/broken.json",
        serde_json::to_string(&foreign).unwrap(),
    );
    assert!(
        place
            .failure(&["report", "experiment"])
            .contains("other classes of \"age\"")
    );
    assert!(!place.path("experiment/report.html").exists());
}

#[test]
fn a_folder_without_an_experiment_was_reported_as_a_missing_file() {
    let workplace = Workplace::new();
    fs::create_dir(workplace.path("run")).unwrap();
    let line = workplace.failure(&["report", "run"]);
    assert!(
        line.contains("run: not the folder of an experiment (it has no corpus.json)"),
        "{line}"
    );
}
