//! What a browser cannot do: the page works without it, or says what it needs.

use std::time::Duration;

use serde_json::json;
use tests::{
    browser::{Page, SERVICE_WORKER, SOON, Visit},
    driver::Need,
    same, site,
};

use crate::{TEXTS, kept, with_script};

/// A visit whose service worker runs another script first.
fn before_service_worker(script: &str) -> Visit {
    let worker = [script.as_bytes(), &site::read(SERVICE_WORKER)].concat();
    Visit::default().instead(SERVICE_WORKER, worker)
}

/// Checks that the page says that the browser does not keep it.
async fn is_not_kept(page: &Page) {
    let said = "return document.querySelector('footer')?.innerText.includes('does not keep the page’s files') ?? false";
    page.until(said, SOON).await;
}

/// Checks that the page predicts.
async fn works(page: &Page) {
    page.ready().await;
    page.write(&TEXTS[0].join("\n")).await;
    page.settled(SOON).await;
    same(&page.shown().await, TEXTS[0]);
}

#[test]
fn a_page_that_is_kept_does_not_say_that_it_is_not() {
    Visit::default().run(async |page| {
        works(&page).await;
        kept(&page).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let said = page.text("//footer").await;
        assert!(!said.contains("does not keep"), "{said}");
    });
}

#[test]
fn the_page_did_not_load_where_the_browser_refuses_caches() {
    let refuse = "for (const name of ['open', 'keys', 'match', 'delete'])
        CacheStorage.prototype[name] = async () => { throw new DOMException('blocked', 'SecurityError'); };\n";
    before_service_worker(refuse).run(async |page| {
        works(&page).await;
        // The service worker passes the files on.
        is_not_kept(&page).await;
        page.reload().await;
        works(&page).await;
        is_not_kept(&page).await;
        let stored = page.script("return caches.keys().then(names => names.length)");
        assert_eq!(stored.await, 0);
    });
}

#[test]
fn the_page_works_where_the_storage_is_full() {
    let full = "Cache.prototype.put = async () => { throw new DOMException('full', 'QuotaExceededError'); };\n";
    before_service_worker(full).run(async |page| {
        works(&page).await;
        is_not_kept(&page).await;
        page.reload().await;
        works(&page).await;
    });
}

#[test]
fn a_page_without_one_of_its_files_did_not_say_that_it_is_not_kept() {
    let worker = String::from_utf8(site::read(SERVICE_WORKER)).expect("a script is text");
    let (before, files) = worker.split_once("new Map([").expect("it lists the files");
    let worker = format!("{before}new Map([[\"gone.js\", \"\"],{files}");
    let visit = Visit::default().instead(SERVICE_WORKER, worker.into_bytes());
    visit.run(async |page| {
        works(&page).await;
        is_not_kept(&page).await;
    });
}

#[test]
fn the_page_no_longer_started_where_a_full_storage_had_kept_a_part_of_a_file() {
    // As Firefox does it, without an error.
    let part = "const { put } = Cache.prototype;
        Cache.prototype.put = async function (file, response) {
            const bytes = await response.arrayBuffer();
            await put.call(this, file, new Response(bytes.slice(0, bytes.byteLength / 2), response));
        };\n";
    before_service_worker(part).run(async |page| {
        works(&page).await;
        // The second request waits until the service worker has kept the file.
        let lengths = "return (async () => {
            const lengths = [];
            for (let time = 0; time < 2; time += 1) {
                const program = await fetch('widget/worker_bg.wasm');
                lengths.push((await program.arrayBuffer()).byteLength);
            }
            return lengths;
        })()";
        let whole = site::read("widget/worker_bg.wasm").len();
        assert_eq!(page.script(lengths).await, json!([whole, whole]));
        page.reload().await;
        works(&page).await;
    });
}

#[test]
fn the_page_works_without_service_workers() {
    let none =
        "Object.defineProperty(Navigator.prototype, 'serviceWorker', { get: () => undefined });";
    with_script(none).run(async |page| {
        works(&page).await;
        is_not_kept(&page).await;
    });
}

#[test]
fn the_page_waited_ten_seconds_for_a_service_worker_that_was_refused() {
    let refuse = "ServiceWorkerContainer.prototype.register = async () => { throw new DOMException('private', 'SecurityError'); };
        new MutationObserver((_, observer) => {
            if (!document.querySelector('fieldset')) return;
            window.started = performance.now();
            observer.disconnect();
        }).observe(document, { childList: true, subtree: true });";
    with_script(refuse).run(async |page| {
        works(&page).await;
        let waited = "const program = performance.getEntriesByType('resource').find(({ name }) => name.endsWith('.wasm'));
            return started - program.responseEnd < 9000";
        assert_eq!(page.script(waited).await, true);
    });
}

#[test]
fn a_private_window_shows_the_page() {
    let visit = Visit::default().needs(Need::PrivateWindow);
    visit.run(async |page| works(&page).await);
}

#[test]
fn the_page_works_where_the_visitor_forbids_storage() {
    let visit = Visit::default().needs(Need::BlockedStorage);
    visit.run(async |page| works(&page).await);
}

#[test]
fn the_page_opened_as_a_file_said_only_that_it_starts() {
    Visit::default().run(async |page| {
        let address = format!("file://{}", site::file("index.html").display());
        page.client.goto(&address).await.expect("the file opens");
        let said = "const hint = document.querySelector('.stuck');
            return hint !== null && getComputedStyle(hint).visibility === 'visible'
                && hint.innerText.includes('It needs a web server')";
        page.until(said, SOON).await;
    });
}

#[test]
fn a_policy_without_webassembly_is_named() {
    let visit = Visit::default().add_header("content-security-policy: script-src 'self'");
    visit.open("").run(async |page| {
        // WebKit lets the page itself start and refuses its worker.
        let said = "const text = document.querySelector('#app').innerText;
            return /This page could not start|The model failed to load/.test(text) && /wasm|WebAssembly/i.test(text)";
        page.until(said, SOON).await;
    });
}
