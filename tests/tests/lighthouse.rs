//! Lighthouse's audits of the page, served as static files. `make bench` measures its performance score, which depends on the
//! machine.

use serde_json::Value;
use tests::{npm, site::Site};

#[test]
fn the_page_is_accessible_and_follows_best_practices() {
    let site = Site::serve(Vec::new());
    for flags in [&["--preset=desktop"][..], &[]] {
        let report = audit(&site.url(), flags);
        for category in ["accessibility", "best-practices"] {
            assert_eq!(
                report["categories"][category]["score"],
                1.0,
                "{flags:?}, {category}: {:?}",
                failed(&report, category)
            );
        }
    }
}

/// Lighthouse's report as JSON; the mobile preset is its default.
fn audit(address: &str, flags: &[&str]) -> Value {
    let mut command = npm::command("lighthouse", &std::env::temp_dir());
    command.arg(address).args(["--output=json", "--quiet"]);
    command.arg("--only-categories=accessibility,best-practices");
    command.arg("--chrome-flags=--headless=new --no-sandbox --disable-dev-shm-usage");
    command.args(flags);
    let report: Value =
        serde_json::from_str(&npm::output(&mut command)).expect("the report is JSON");
    assert_eq!(report["runtimeError"], Value::Null);
    report
}

/// Titles and details of the audits that a category failed.
fn failed(report: &Value, category: &str) -> Vec<String> {
    let audits = report["categories"][category]["auditRefs"].as_array();
    let audits = audits.expect("a category has audits").iter();
    let failed = audits.filter_map(|audit| {
        let audit = &report["audits"][audit["id"].as_str()?];
        let is_failed = audit["score"].as_f64().is_some_and(|score| score < 1.0);
        is_failed.then(|| format!("{}: {}", audit["title"], audit["details"]["items"]))
    });
    failed.collect()
}
