//! The built page in a real browser. Each file tests one behaviour.

mod accessibility;
mod agreement;
mod archives;
mod backends;
mod base_rates;
mod card;
mod chinese;
mod comparison;
mod confidence;
mod consent;
mod directions;
mod downloads;
mod evidence;
mod failures;
mod forced_colours;
mod integrity;
mod keyboard;
mod languages;
mod limits;
mod loading;
mod memory;
mod models;
mod offline;
mod phone;
mod policy;
mod population;
mod privacy;
mod share;
mod texts;
mod transfer;
mod typing;
mod writers;

use std::collections::BTreeMap;

use model_core::bundle::Bundle;
use serde_json::{Map, Value};
use tests::{
    BUNDLE, TOLERANCE,
    browser::{Page, SERVICE_WORKER, SOON, Visit},
    site,
};

/// Made-up texts. They are short, because a software GPU takes seconds for a few words.
const TEXTS: [&[&str]; 3] = [
    &["my math teacher gave us so much homework today"],
    &[
        "The new server is up and the network works again.",
        "My wife and I had dinner at home.",
    ],
    &["LOVE this song!!! 😀 see http://example.org @friend"],
];

/// The page's model with a change.
fn bundle(change: impl FnOnce(&mut Bundle)) -> Vec<u8> {
    let mut bundle = Bundle::from_bytes(&site::read(BUNDLE)).expect("the page's model is sound");
    change(&mut bundle);
    bundle.to_bytes().expect("it stays sound")
}

/// The page's model with one bit flipped.
fn damaged() -> Vec<u8> {
    let mut bytes = site::read(BUNDLE);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    bytes
}

/// The worker's start script with another script before it.
fn before_worker(script: &str) -> Vec<u8> {
    [script.as_bytes(), &site::read("widget/start_worker.js")].concat()
}

/// A visit on which a script of the test runs before those of the page.
fn with_script(script: &str) -> Visit {
    let index = String::from_utf8(site::read("index.html")).expect("the page is text");
    let (head, rest) = (index.split_once("<title>")).expect("the page has a title");
    let index = format!("{head}<script src=\"first.js\"></script><title>{rest}");
    Visit::default()
        .instead("index.html", index.into_bytes())
        .instead("first.js", script.as_bytes().to_vec())
}

/// The probabilities of a list of bars, by class.
fn numbers(list: &Value) -> BTreeMap<String, f64> {
    let list = list.as_object().expect("a list of classes");
    list.iter()
        .map(|(class, value)| (class.clone(), value.as_f64().expect("a probability")))
        .collect()
}

/// The visible text of the element that an XPath names.
async fn text(page: &Page, path: &str) -> String {
    page.text(path).await
}

/// The note above the estimate.
async fn note(page: &Page) -> String {
    text(page, "//section[@aria-labelledby='estimate']/p[1]").await
}

/// Waits until the bilingual model is ready.
async fn bilingual(page: &Page) {
    let loaded =
        "return document.querySelector('footer cite')?.innerText.includes('Chinese') ?? false";
    page.until(loaded, SOON).await;
    page.ready().await;
}

/// The announcement of the estimate for screen readers.
async fn announcement(page: &Page) -> String {
    let status = "document.querySelector('[aria-labelledby=estimate] [role=status]')";
    string(page.script(&format!("return {status}.textContent")).await)
}

/// Waits until the page reports that the model failed to load, and returns the report.
async fn failed(page: &Page) -> String {
    let failed = "const line = document.querySelector('[aria-label=Computing] p');
        return line?.innerText.startsWith('The model failed to load') ?? false";
    page.until(failed, SOON).await;
    page.status().await
}

/// Waits until the page reports that a chosen model failed to load, other than the report `before`, and returns it.
async fn refused(page: &Page, before: &str) -> String {
    let line = "[...document.querySelectorAll('[aria-label=Computing] p')]
        .find(line => line.innerText.startsWith('That model failed to load'))?.innerText";
    let reported = format!("const line = {line}; return line !== undefined && line !== {before:?}");
    page.until(&reported, SOON).await;
    string(page.script(&format!("return {line}")).await)
}

/// Checks that a cell of a table, such as "Student 81%" or "Student 31% (Not sure)", is the command line's prediction of an
/// attribute.
fn is_best(cell: &str, predicted: &Value) {
    let first = predicted.get("coarse").unwrap_or(predicted);
    let label = first["label"].as_str().expect("a label");
    let probability = first["probabilities"][label].as_f64().expect("a number");
    let (best, not_sure) = cell.split_once(" (").unwrap_or((cell, ""));
    assert_eq!(not_sure.is_empty(), first["confident"], "{cell}");
    let (class, share) = best.rsplit_once(' ').expect("a class and its share");
    assert_eq!(class.to_lowercase(), label.replace('-', "–").to_lowercase());
    let share: f64 = match share {
        ">99%" => 0.995,
        share => {
            share
                .trim_end_matches('%')
                .parse::<f64>()
                .expect("a number")
                / 100.0
        }
    };
    assert!(
        (share - probability).abs() <= 0.005 + TOLERANCE,
        "{cell}: {probability}"
    );
}

/// The cells of the tables that an XPath names, row by row.
async fn cells(page: &Page, path: &str) -> Vec<Vec<String>> {
    let script = format!(
        "const tables = document.evaluate(`{path}`, document, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE);
        const rows = Array.from({{ length: tables.snapshotLength }}, (_, table) => [...tables.snapshotItem(table).rows]);
        return rows.flat().map(row => [...row.cells].map(cell => cell.innerText.trim().replace(/\\s+/g, ' ')))"
    );
    let rows = page.script(&script).await;
    let cells = |row: &Value| array(row).iter().cloned().map(string).collect();
    array(&rows).iter().map(cells).collect()
}

/// Waits until the page has cached all that the next visit needs.
async fn kept(page: &Page) {
    keeps(page, needed()).await;
}

/// Waits until the page has cached these files.
async fn keeps(page: &Page, files: Vec<String>) {
    let script = format!(
        "return (async () => {{
            const [name] = await caches.keys();
            const kept = name ? await (await caches.open(name)).keys() : [];
            const files = new Set(kept.map(({{ url }}) => url.slice(document.baseURI.length)));
            return {}.every(file => files.has(file));
        }})()",
        Value::from(files)
    );
    page.until(&script, SOON).await;
}

/// The files that a second visit needs: all that the first one fetches, and the address without a file name.
fn needed() -> Vec<String> {
    let worker = [
        "start_worker.js",
        "on_demand.js",
        "worker.js",
        "worker_bg.wasm",
        "models/list.json",
    ];
    let worker = worker.map(|file| format!("widget/{file}"));
    let others = ["", "manifest.webmanifest", BUNDLE].map(String::from);
    interface()
        .into_iter()
        .chain(worker)
        .chain(others)
        .collect()
}

/// The files of the interface.
fn interface() -> Vec<String> {
    let files = std::fs::read_dir(site::file("")).expect("the built page is a folder");
    let names = files.map(|file| {
        let name = file.expect("it can be read").file_name();
        name.into_string().expect("its names are text")
    });
    let is_run = |name: &String| {
        let kinds = [".js", ".wasm", ".css"];
        kinds.iter().any(|kind| name.ends_with(kind))
    };
    names
        .filter(|name| is_run(name) && !name.starts_with("embed") && name != SERVICE_WORKER)
        .collect()
}

fn string(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => panic!("{other} is no text"),
    }
}

fn object(value: &Value) -> &Map<String, Value> {
    (value.as_object()).unwrap_or_else(|| panic!("{value} is no object"))
}

fn array(value: &Value) -> &[Value] {
    (value.as_array()).unwrap_or_else(|| panic!("{value} is no list"))
}
