//! The package in projects of other bundlers than Vite. `make test-bundlers` runs these tests.

use std::fs;

use tests::{
    browser::SOON,
    npm::{command, output},
};

use crate::{
    ELEMENT,
    package::{self, Package, files},
    predicts, shows,
};

/// The text of the projects' pages.
const TEXT: &str = "my math teacher gave us so much homework today";

/// Builds a project by a script of its `package.json` and checks that the element in its page predicts like the command. If the
/// page has a field for it, so does the JavaScript interface.
fn predicts_when_built(project: &str, script: &str) {
    let package = Package::install_among_hosts();
    let project = package.project(project);
    output(command("npm", project.path()).args(["run", script]));
    let built = project.path().join("dist");
    let here = package.path().display().to_string();
    for (name, bytes) in files(&built) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains(&here), "{name} names {here}");
    }
    // Also where a server renders it.
    let index = fs::read_to_string(built.join("index.html")).expect("it has a page");
    assert!(index.contains("<user-attributes") && index.contains(TEXT));
    let own = project.path().join("main.js").exists();
    package::visit(&built).run(async move |page| {
        shows(&page, ELEMENT, &[TEXT]).await;
        page.until("return document.querySelector('output').value !== ''", SOON)
            .await;
        if own {
            let user = page.script("return JSON.parse(document.querySelector('output').value)");
            predicts(&user.await, &[TEXT]);
        }
        assert_eq!(page.script("return workers").await, 1);
        // Everything comes from the bundle, nothing from the site's widget folder.
        let requests = page.site.requests();
        let unbuilt = requests.iter().find(|path| path.starts_with("widget/"));
        assert_eq!(unbuilt, None);
    });
}

#[test]
#[ignore = "make test-bundlers runs it"]
fn webpack_named_a_file_of_the_building_machine() {
    predicts_when_built("bundlers", "webpack");
}

#[test]
#[ignore = "make test-bundlers runs it"]
fn parcel_could_not_bundle_the_worker() {
    predicts_when_built("bundlers", "parcel");
}

#[test]
#[ignore = "make test-bundlers runs it"]
fn rollup_finds_the_files_beside_its_bundle() {
    predicts_when_built("bundlers", "rollup");
}

#[test]
#[ignore = "make test-bundlers runs it"]
fn esbuild_finds_the_files_beside_its_bundle() {
    predicts_when_built("bundlers", "esbuild");
}

#[test]
#[ignore = "make test-bundlers runs it"]
fn next_bundles_it_by_turbopack_and_renders_it_on_the_server() {
    predicts_when_built("next", "turbopack");
}

#[test]
#[ignore = "make test-bundlers runs it"]
fn next_bundles_it_by_webpack_and_renders_it_on_the_server() {
    predicts_when_built("next", "webpack");
}

#[test]
#[ignore = "make test-bundlers runs it"]
fn astro_bundles_it_and_renders_it_on_the_server() {
    predicts_when_built("astro", "build");
}
