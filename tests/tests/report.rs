//! The page that `auxlstm report` writes, in a browser: all of it is seen, and it needs nothing else.

use std::{fs, path::Path, process::Command};

use serde_json::{Value, json};
use tests::{
    auxlstm,
    browser::{Page, Visit},
};

const PROFESSIONS: [&str; 4] = [
    "Student",
    "IT",
    "Research & <teaching>",
    "Government and public service",
];
const AGES: [&str; 11] = [
    "13", "14", "15", "16", "17", "23", "24", "25", "26", "27", "33+",
];

/// The stored run of a system on 150 invented users. The true class is more probable than others by `skill`.
fn run(
    system: &str,
    main: &str,
    auxiliary: &[&str],
    variant: &str,
    seed: usize,
    skill: f64,
) -> Value {
    let classes: &[&str] = if main == "age" { &AGES } else { &PROFESSIONS };
    let mut state = seed * 7919 + system.len() * 31 + variant.len() + auxiliary.len();
    let mut random = move || {
        state = (state * 16807 + 11) % 2_147_483_647;
        state as f64 / 2_147_483_647.0
    };
    let test: Vec<Value> = (0..150)
        .map(|user| {
            let class = user * user % classes.len();
            let mut weights: Vec<f64> = classes.iter().map(|_| 0.2 + random()).collect();
            weights[class] += skill;
            let sum: f64 = weights.iter().sum();
            let probabilities: Vec<f64> = weights.iter().map(|weight| weight / sum).collect();
            json!({ "user": { "file": "users.jsonl", "id": user + seed * 50 }, "words": 40 + user * 37, "class": class,
                "probabilities": probabilities })
        })
        .collect();
    let curve: Vec<f64> = (1..=12)
        .map(|epoch| skill / 3.0 - 0.3 / epoch as f64)
        .collect();
    json!({
        "key": { "system": system, "main": main, "auxiliary": auxiliary, "variant": variant, "seed": seed },
        "classes": classes, "training_users": 700, "validation_f": skill / 3.0, "validation_curve": curve,
        "training_curve": curve, "test": test, "seconds": 1.5,
    })
}

/// The report on a made-up experiment.
fn report() -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let write = |name: &str, value: &Value| {
        let file: &Path = &folder.path().join(name);
        fs::write(file, value.to_string()).expect("a file can be written");
    };
    let counts = |classes: usize| -> Vec<usize> { (1..=classes).map(|class| 10 * class).collect() };
    let ages: serde_json::Map<String, Value> = (13..49)
        .map(|age: usize| (age.to_string(), json!(age * age % 97)))
        .collect();
    write(
        "corpus.json",
        &json!({
            "name": "invented users", "users": 1000,
            "attributes": [
                { "name": "profession", "classes": PROFESSIONS, "counts": counts(PROFESSIONS.len()) },
                { "name": "age", "classes": AGES, "counts": counts(AGES.len()), "coarse_classes": [
                    { "label": "13-17", "classes": AGES[..5] }, { "label": "23-48", "classes": AGES[5..] },
                ] },
            ],
            "ages": ages,
            "association": [
                { "a": "profession", "b": "age", "cramers_v": 0.4, "cramers_v_corrected": 0.35, "users": 900 },
            ],
        }),
    );
    fs::create_dir(folder.path().join("runs")).expect("a folder can be made");
    for seed in 1..=2 {
        for (main, auxiliary) in [("profession", "age"), ("age", "profession")] {
            let joint = [auxiliary];
            let runs = [
                ("svm", &[][..], "", 0.3),
                ("lstm", &[], "", 0.5),
                ("aux-lstm", &joint, "", 0.7),
                ("aux-lstm", &joint, "lambda=0.5", 0.5),
                ("aux-lstm", &joint, "lambda=0.9", 0.6),
                ("posts with attention, both ways", &[], "", 0.8),
            ];
            for (number, (system, auxiliary, variant, skill)) in runs.into_iter().enumerate() {
                let name = format!("runs/{main}-{number}-{seed}.json");
                write(&name, &run(system, main, auxiliary, variant, seed, skill));
            }
        }
    }
    let status = Command::new(auxlstm())
        .args(["report", "--resamples", "200"])
        .arg(folder.path())
        .stdout(std::process::Stdio::null())
        .status()
        .expect("auxlstm starts");
    assert!(status.success(), "{status}");
    fs::read(folder.path().join("report.html")).expect("it has written the page")
}

fn visit() -> Visit {
    Visit::default()
        .instead("report.html", report())
        .open("report.html")
        // The browser refuses every other request of the page, and the site records it.
        .add_header(
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; img-src data:",
        )
}

async fn check(page: Page) {
    let drawings = page
        .script("return document.querySelectorAll('figure > svg').length")
        .await;
    assert!(drawings.as_u64() > Some(15), "{drawings}");
    let faults = page
        .script(
            "const faults = [];
             if (document.documentElement.scrollWidth > innerWidth) faults.push('the page is wider than the window');
             for (const svg of document.querySelectorAll('svg')) {
                 const place = svg.getBoundingClientRect();
                 const name = svg.getAttribute('aria-label');
                 if (!(place.width > 20 && place.height > 5)) faults.push(`${name} has no size`);
                 for (const text of svg.querySelectorAll('text')) {
                     const inner = text.getBoundingClientRect();
                     if (inner.left < place.left - 1 || inner.right > place.right + 1
                         || inner.top < place.top - 1 || inner.bottom > place.bottom + 1)
                         faults.push(`${name}: ${text.textContent} is cut off`);
                 }
                 for (const line of svg.querySelectorAll('.line'))
                     if (getComputedStyle(line).stroke === 'none') faults.push(`${name}: a line has no colour`);
             }
             return faults",
        )
        .await;
    assert_eq!(faults, json!([]));
    let asked = "return performance.getEntriesByType('resource').map(entry => entry.name)";
    assert_eq!(page.script(asked).await, json!([]));
    // The browser itself makes requests to other hosts; their addresses contain a colon.
    let mut here = page.site.requests();
    here.retain(|path| !path.contains(':'));
    assert_eq!(here, ["report.html"]);
}

#[test]
fn all_of_it_is_seen_and_it_asks_for_nothing() {
    visit().run(check);
}

#[test]
fn it_fits_a_phone() {
    visit().phone(390, 844).run(check);
}
