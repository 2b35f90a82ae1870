//! The page's Content-Security-Policy forbids what the page does not need, and the page does nothing that it forbids.

use serde_json::json;
use tests::{
    BUNDLE,
    browser::{Page, SOON, Visit},
    root, same, site,
};

use crate::{TEXTS, bilingual, kept, string, with_script, writers::done};

/// Directives, each with a script that it forbids: one that changes the page or sends a request to another host.
const FORBIDDEN: [(&str, &str); 6] = [
    (
        "script-src-elem",
        "const script = document.createElement('script');
        script.textContent = 'document.title = `broken into`';
        document.body.append(script)",
    ),
    (
        "script-src-attr",
        "const image = '<img src=x onerror=\"document.title = `broken into`\">';
        document.body.insertAdjacentHTML('beforeend', image)",
    ),
    // In a later task and by the window's own function, because the policy does not apply to scripts of the driver.
    (
        "script-src",
        "setTimeout(() => window.eval('document.title = `broken into`'))",
    ),
    (
        "style-src-attr",
        "document.body.setAttribute('style', 'display: none')",
    ),
    (
        "connect-src",
        "fetch('http://elsewhere.example/').catch(() => {})",
    ),
    (
        "img-src",
        "new Image().src = 'http://elsewhere.example/pixel.png'",
    ),
];

#[test]
fn a_full_visit_breaks_no_policy() {
    with_script(LISTEN).run(async |page| {
        page.ready().await;
        page.press("Exam week").await;
        page.settled(SOON).await;
        page.open_details("details").await;
        page.until("return document.querySelector('.marked') !== null", SOON).await;
        page.press("中文").await;
        page.press("English").await;
        // Styles that scripts set are allowed: the bars have their lengths.
        let drawn = "return [...document.querySelectorAll('.bar > span')].some(bar => bar.offsetWidth > 20)";
        page.until(drawn, SOON).await;

        page.give("two.txt", TEXTS[1].join("\n")).await;
        done(&page, 2).await;
        page.press("Download as CSV").await;
        page.saved("two-attributes.csv").await;
        page.press("Back to the text").await;

        page.give("again.safetensors", site::read(BUNDLE)).await;
        page.ready().await;
        page.choose("WebGPU").await;
        page.ready().await;
        page.settled(SOON).await;
        assert_eq!(violations(&page).await, json!([]));
    });
}

/// The headers that the documentation recommends.
fn headers() -> Vec<String> {
    let path = root().join("docs/hosting.md");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    let (_, block) = text.split_once("```http\n").expect("it lists the headers");
    let (block, _) = block.split_once("```").expect("the list ends");
    block.lines().map(String::from).collect()
}

#[test]
fn the_page_works_under_the_headers_of_the_documentation() {
    let headers = headers();
    assert!(headers.iter().any(|line| line.contains("frame-ancestors")));
    let visit = (headers.iter()).fold(with_script(LISTEN), |visit, line| visit.add_header(line));
    visit.run(async |page| {
        page.ready().await;
        page.press("Exam week").await;
        page.settled(SOON).await;
        page.open_details("details").await;
        page.until("return document.querySelector('.marked') !== null", SOON)
            .await;
        page.give("two.txt", TEXTS[1].join("\n")).await;
        done(&page, 2).await;
        page.press("Download as CSV").await;
        page.saved("two-attributes.csv").await;
        // Beside a file, the model would stay.
        page.press("Back to the text").await;
        page.press("中文").await;
        bilingual(&page).await;
        assert_eq!(violations(&page).await, json!([]));
    });
    // With the page's own service worker.
    let visit = headers
        .iter()
        .fold(Visit::default(), |visit, line| visit.add_header(line));
    visit.run(async |page| {
        page.ready().await;
        kept(&page).await;
        page.write(&TEXTS[0].join("\n")).await;
        page.settled(SOON).await;
        same(&page.shown().await, TEXTS[0]);
    });
}

#[test]
fn other_sites_could_show_the_page_in_a_frame() {
    for headers in [Vec::new(), headers()] {
        let is_shown = headers.is_empty();
        let visit = (headers.iter()).fold(Visit::default(), |visit, line| visit.add_header(line));
        visit.run(async move |page| {
            let frame = format!("<!doctype html><iframe src={}index.html>", page.site.url());
            let host = "http://elsewhere.example/host.html";
            page.site.put(host, frame.into());
            page.client.goto(host).await.expect("a page with a frame");
            // Then the frame is loaded, or refused.
            page.until("return document.readyState === 'complete'", SOON)
                .await;
            let frame = page.find("//iframe").await;
            frame.enter_frame().await.expect("the frame");
            let shown = "return document.getElementById('app') !== null";
            match is_shown {
                true => page.until(shown, SOON).await,
                false => assert_eq!(page.script(shown).await, false),
            }
        });
    }
}

#[test]
fn scripts_from_elsewhere_are_refused() {
    with_script(LISTEN).run(async |page| {
        page.ready().await;
        let title = page.client.title().await.expect("a title");
        for (directive, script) in FORBIDDEN {
            page.script("violations.length = 0").await;
            page.script(script).await;
            page.until("return violations.length > 0", SOON).await;
            let found = violations(&page).await;
            assert!(
                string(found[0].clone()).starts_with(&format!("{directive}: ")),
                "{found}"
            );
        }
        assert_eq!(page.client.title().await.expect("a title"), title);
        assert!(
            !page
                .site
                .requests()
                .iter()
                .any(|asked| asked.contains("elsewhere"))
        );
    });
}

/// Records violations of the policy.
const LISTEN: &str = "window.violations = [];
    document.addEventListener('securitypolicyviolation', ({ effectiveDirective, blockedURI, sourceFile }) =>
        violations.push(`${effectiveDirective}: ${blockedURI} in ${sourceFile}`));";

async fn violations(page: &Page) -> serde_json::Value {
    page.script("return violations").await
}
