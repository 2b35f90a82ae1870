//! The page runs no file that differs from the build, from the first visit on.

use std::collections::BTreeSet;

use tests::{
    BUNDLE,
    browser::{SERVICE_WORKER, SOON, Visit},
    same, site,
};

use crate::{TEXTS, bundle, failed, interface, kept};

/// A file of the page with a change that leaves it working.
fn tampered(file: &str) -> Vec<u8> {
    let mut bytes = site::read(file);
    match file.rsplit('.').next() {
        Some("js") => bytes.extend(b"\n// tampered\n"),
        Some("css") => bytes.extend(b"body { display: none }"),
        // A custom section.
        Some("wasm") => bytes.extend(b"\0\x04\x03own"),
        Some("safetensors") => bytes = bundle(|bundle| bundle.card.name = "another".into()),
        _ => bytes.push(b'\n'),
    }
    bytes
}

/// A visit on which one file differs from the build, with the page's own service worker.
fn visit(file: &str) -> Visit {
    Visit::default()
        .instead(file, tampered(file))
        .instead(SERVICE_WORKER, site::read(SERVICE_WORKER))
}

#[test]
fn every_file_that_a_first_visit_runs_is_tested_here() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.press("Exam week").await;
        page.settled(SOON).await;
        let asked: BTreeSet<String> = page.site.requests().into_iter().collect();
        let run: BTreeSet<String> = (asked.into_iter())
            .filter(|file| site::file(file).is_file())
            .collect();
        let checked = interface()
            .into_iter()
            .chain(WORKERS.map(String::from))
            .chain([BUNDLE.into()]);
        // The files that hold the digests, and files that are not run.
        let others = [
            "index.html",
            SERVICE_WORKER,
            "icon.svg",
            "manifest.webmanifest",
            "widget/models/list.json",
            "widget/ethics.html",
        ];
        let known: BTreeSet<String> = checked.chain(others.map(String::from)).collect();
        let unchecked: Vec<&String> = run
            .difference(&known)
            .filter(|file| !file.ends_with(".svg"))
            .collect();
        assert_eq!(unchecked, [""; 0], "without a test here");
    });
}

#[test]
fn the_interface_does_not_start_from_other_files() {
    for file in interface() {
        visit(&file).open("").run(async move |page| {
            if file.ends_with(".css") {
                page.until("return document.querySelector('fieldset') !== null", SOON)
                    .await;
                // The browser's own values, if the file is ignored: its own margin, no tokens.
                let (seen, without) = match file.starts_with("tokens") {
                    true => (
                        "return getComputedStyle(document.documentElement).getPropertyValue('--paper')",
                        "",
                    ),
                    false => ("return getComputedStyle(document.body).margin", "8px"),
                };
                assert_eq!(page.script(seen).await, without, "{file}");
                return;
            }
            let seen = "return document.querySelector('#app').innerText";
            // The script that reports failures is among the refused ones.
            if !file.starts_with("start") {
                page.until(
                    &format!("{seen}.startsWith('This page could not start')"),
                    SOON,
                )
                .await;
            }
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            let seen = page.script(seen).await;
            assert!(!crate::string(seen).contains("Exam week"), "{file}");
        });
    }
}

#[test]
fn the_worker_does_not_start_from_other_files() {
    for file in WORKERS {
        visit(file).run(async move |page| {
            failed(&page).await;
            page.site.put(file, site::read(file));
            page.press("Try again").await;
            page.ready().await;
        });
        // Without the check of digests the changed file works.
        Visit::default()
            .instead(file, tampered(file))
            .run(async |page| {
                page.ready().await;
            });
    }
}

#[test]
fn another_model_is_refused() {
    visit(BUNDLE).run(async |page| {
        page.write(&TEXTS[0].join("\n")).await;
        let status = failed(&page).await;
        assert!(
            status.contains("could not fetch") && status.contains("en.safetensors"),
            "{status}"
        );
        page.site.put(BUNDLE, site::read(BUNDLE));
        page.press("Try again").await;
        page.ready().await;
        page.settled(SOON).await;
        same(&page.shown().await, TEXTS[0]);
    });
}

#[test]
fn files_that_are_fetched_later_are_checked_too() {
    for file in [
        "widget/gpu.js",
        "widget/gpu_bg.wasm",
        "widget/chinese.js",
        "widget/chinese_bg.wasm",
        "widget/models/en-single.safetensors",
        "widget/dictionary/zh.front-coded.gz",
    ] {
        visit(file).run(async move |page| {
            kept(&page).await;
            let ask = format!("return fetch('{file}').then(answer => answer.arrayBuffer()).then(() => 'taken', () => 'refused')");
            assert_eq!(page.script(&ask).await, "refused", "{file}");
            page.site.put(file, site::read(file));
            assert_eq!(page.script(&ask).await, "taken", "{file}");
            // The file is kept now, so the server is not asked.
            page.site.put(file, tampered(file));
            assert_eq!(page.script(&ask).await, "taken", "{file}");
        });
    }
}

/// The files of the worker.
const WORKERS: [&str; 4] = [
    "widget/start_worker.js",
    "widget/on_demand.js",
    "widget/worker.js",
    "widget/worker_bg.wasm",
];
