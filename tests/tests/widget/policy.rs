//! The element works under the strictest policy that its README names.

use serde_json::json;
use tests::browser::SOON;

use crate::{ELEMENT, LINE, POSTS, element, inside, page, part, shows};

/// The strictest policy that allows WebAssembly.
const STRICT: &str = r#"<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; worker-src 'self'">"#;

#[test]
fn a_strict_policy_has_nothing_to_object_to() {
    page(STRICT, &element("theme=dark")).run(async |page| {
        shows(&page, ELEMENT, &POSTS).await;
        // The test's page has no icon that the policy would permit, and Firefox and WebKit look for one.
        page.script("window.violations = violations.filter(one => !one.includes('/favicon.ico'))")
            .await;
        assert_eq!(page.script("return violations").await, json!([]));
        // The style sheet applies, and the bars have their widths.
        let widths = "[...root.querySelectorAll('[part=fill]')]
            .some(bar => bar.checkVisibility() && bar.offsetWidth > 0)";
        assert_eq!(inside(&page, ELEMENT, widths).await, true);
        // The listener notices violations.
        page.script("document.body.setAttribute('style', 'color: red')")
            .await;
        page.until("return violations.length > 0", SOON).await;
    });
}

#[test]
fn a_policy_without_webassembly_is_named() {
    let visit = page("", &element("")).add_header("content-security-policy: script-src 'self'");
    visit.run(async |page| {
        page.until("return heard.some(event => event.type === 'error')", SOON)
            .await;
        let note = part(&page, ELEMENT, "note").await;
        let note = note.to_lowercase();
        assert!(
            note.contains("wasm") || note.contains("webassembly"),
            "{note}"
        );
    });
}

#[test]
fn it_works_in_a_frame() {
    let frame = r#"<iframe src="inner.html" width="900" height="700"></iframe>"#;
    let inner = format!("<!doctype html>{LINE}{}", element(""));
    let visit = page("", frame).instead("inner.html", inner.into_bytes());
    visit.run(async |page| {
        let element =
            "document.querySelector('iframe').contentDocument.querySelector('user-attributes')";
        shows(&page, element, &POSTS).await;
    });
}

#[test]
fn a_page_gets_no_global_names() {
    let names = "<script>window.before = Object.getOwnPropertyNames(window);</script>";
    page(names, &element("")).run(async |page| {
        shows(&page, ELEMENT, &POSTS).await;
        // Files of the test itself and of the browser's driver.
        let known = json!([
            "before",
            "heard",
            "violations",
            "workers",
            "ended",
            "ret_nodes"
        ]);
        let new = format!(
            "const known = before.concat({known});
            return Object.getOwnPropertyNames(window).filter(name => !known.includes(name))"
        );
        assert_eq!(page.script(&new).await, json!([]));
    });
}
