//! The element in pages of other frameworks than React 19: attributes, properties and events as each of them sets and hears them.
//! `make test-bundlers` runs these tests.

use serde_json::json;
use tests::{
    browser::SOON,
    npm::{command, output},
};

use crate::{
    ELEMENT,
    package::{self, Package},
    settled,
};

/// Builds a project and types a text, which the framework passes to the element.
fn follows_what_is_typed(project: &str) {
    let package = Package::install_among_hosts();
    let project = package.project(project);
    output(command("npm", project.path()).args(["run", "build"]));
    package::visit(&project.path().join("dist")).run(async |page| {
        page.until("return document.querySelector('textarea') !== null", SOON).await;
        let letter = page.find("//textarea").await;
        letter.send_keys("my husband cooked").await.expect("it takes keys");
        let text = format!("return {ELEMENT}.text === 'my husband cooked'");
        page.until(&text, SOON).await;
        settled(&page, ELEMENT).await;
        // By the event.
        page.until("return document.querySelector('output').textContent === '3'", SOON).await;
        let base_rates = format!("return {ELEMENT}.baseRates");
        assert_eq!(
            page.script(&base_rates).await,
            json!({ "gender": { "female": 0.75, "male": 0.25 } })
        );
        let names = format!(
            "return [...{ELEMENT}.shadowRoot.querySelectorAll('[data-attribute]')].map(one => one.dataset.attribute)"
        );
        assert_eq!(page.script(&names).await, json!(["gender", "age"]));
    });
}

#[test]
#[ignore = "make test-bundlers runs it"]
fn react_18_could_not_set_the_text() {
    follows_what_is_typed("react-18");
}

#[test]
#[ignore = "make test-bundlers runs it"]
fn vue_sets_its_properties_and_hears_its_events() {
    follows_what_is_typed("vue");
}

#[test]
#[ignore = "make test-bundlers runs it"]
fn svelte_sets_its_properties_and_hears_its_events() {
    follows_what_is_typed("svelte");
}

#[test]
#[ignore = "make test-bundlers runs it"]
fn angular_sets_its_properties_and_hears_its_events() {
    follows_what_is_typed("angular");
}

#[test]
#[ignore = "make test-bundlers runs it"]
fn a_unit_test_without_a_browser_could_not_mount_it() {
    let package = Package::install_among_hosts();
    let project = package.project("unit");
    for host in ["jsdom.js", "happy_dom.js"] {
        let mut node = command("node", project.path());
        let told = node.arg(host).output().expect("node starts");
        let wanted = "[\"my exam tomorrow\",\"age\",\"my mom is nervous\",null]\n";
        let said =
            [told.stdout, told.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        assert_eq!(said, [wanted.to_owned(), String::new()], "{host}");
    }
}

#[test]
#[ignore = "make test-bundlers runs it"]
fn the_package_is_as_registries_and_type_checkers_want_it() {
    let package = Package::install_among_hosts();
    let folder = package.path().join("node_modules/user-attributes");
    // There is no CommonJS build.
    for check in [
        &["publint", "--strict"][..],
        &["attw", "--profile", "esm-only", "--pack"],
    ] {
        let mut npx = command("npx", package.path());
        output(npx.args(["--no", "--"]).args(check).arg(&folder));
    }
}
