//! The size of the page, compressed by Brotli, against the budget in `web/budget.json`.

use std::{fs, io::Write};

use serde_json::Value;
use tests::{BILINGUAL, BUNDLE, root, site};

/// The files of the widget that the page fetches before its first prediction on the CPU.
const WIDGET: [&str; 4] = [
    "start_worker.js",
    "on_demand.js",
    "worker.js",
    "worker_bg.wasm",
];

/// What readers of Chinese fetch in place of the English model.
const CHINESE: [&str; 4] = [
    BILINGUAL,
    "widget/chinese.js",
    "widget/chinese_bg.wasm",
    "widget/dictionary/zh.front-coded.gz",
];

#[test]
fn the_first_prediction_is_within_its_budget() {
    let mut files: Vec<String> = (fs::read_dir(site::file(""))
        .expect("the built page is a folder"))
    .map(|entry| {
        entry
            .expect("it can be read")
            .file_name()
            .into_string()
            .expect("its names are text")
    })
    // Without folders, one of them hidden, and files that are fetched later or by other pages.
    .filter(|name| name.contains('.') && !name.starts_with('.'))
    .filter(|name| !name.starts_with("embed") && !name.starts_with("service_worker"))
    .collect();
    files.extend(WIDGET.map(|name| format!("widget/{name}")));
    files.sort();
    let code = files.len();
    files.extend([BUNDLE].into_iter().chain(CHINESE).map(String::from));
    let sizes: Vec<(String, usize, usize)> = (files.into_iter())
        .map(|name| {
            let bytes = site::read(&name);
            let packed = brotli(&bytes).len();
            (name, bytes.len(), packed)
        })
        .collect();
    println!("| file | bytes | packed |\n|---|---|---|");
    for (name, bytes, packed) in &sizes {
        println!("| {name} | {bytes} | {packed} |");
    }
    let packed = |data: &[&str]| -> u64 {
        let data = (sizes[code..].iter()).filter(|(name, ..)| data.contains(&name.as_str()));
        let wanted = sizes[..code].iter().chain(data);
        wanted.map(|(.., packed)| *packed as u64).sum()
    };
    let budget = fs::read(root().join("web/budget.json")).expect("there is a budget");
    let budget: Value = serde_json::from_slice(&budget).expect("it is JSON");
    for (name, size) in [
        ("code", packed(&[])),
        ("first_prediction", packed(&[BUNDLE])),
        ("first_chinese_prediction", packed(&CHINESE)),
    ] {
        println!("{name}: {size} bytes");
        let most = budget[name]
            .as_u64()
            .expect("the budget names a number of bytes");
        assert!(
            size <= most,
            "{name} takes {size} bytes over the wire, {most} are allowed"
        );
    }
}

/// What a page of another site fetches for the element's first prediction, beside the model.
const ELEMENT: [&str; 6] = [
    "user-attributes.js",
    "index.js",
    "locale.js",
    "messages.js",
    "style.js",
    "tokens.js",
];

#[test]
fn the_widgets_readme_states_its_size() {
    let files = ELEMENT.iter().chain(&WIDGET);
    let code: usize = files
        .map(|name| brotli(&site::read(&format!("widget/{name}"))).len())
        .sum();
    let model = brotli(&site::read(BUNDLE)).len();
    let [code, model] = [code, model].map(|size| format!("{:.1} MB", size as f64 / 1e6));
    let stated =
        format!("{code} of scripts and programs and {model} of model, compressed with Brotli");
    let readme = fs::read_to_string(root().join("web/widget/README.md")).expect("there is one");
    assert!(
        readme.contains(&stated),
        "the README does not state {stated}"
    );
}

/// The bytes compressed by Brotli as well as it can.
fn brotli(bytes: &[u8]) -> Vec<u8> {
    let mut compressed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut compressed, 1 << 16, 11, 22);
    writer.write_all(bytes).expect("a vector takes all bytes");
    drop(writer);
    compressed
}
