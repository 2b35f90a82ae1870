//! What the page fetches, and what works before it has arrived.

use serde_json::Value;
use tests::{
    BILINGUAL, BUNDLE,
    browser::{SOON, Visit},
    driver::{Browser, Need},
    same, same_by,
    site::{self, Delivery},
};

use crate::{TEXTS, bundle, note};

#[test]
fn the_page_stands_before_the_model_has_arrived() {
    Visit::default()
        .deliver(BUNDLE, Delivery::Held)
        .deliver(BILINGUAL, Delivery::Held)
        .run(async |page| {
            let area = page.find("//textarea").await;
            area.send_keys("my math teacher")
                .await
                .expect("the text area takes keys");
            page.press("中文").await;
            page.press("English").await;
            assert_eq!(
                note(&page).await,
                "The estimate appears when the model is ready."
            );
            // Chinese needs another model.
            page.site.deliver(BILINGUAL, Delivery::Whole);
            page.ready().await;
            page.settled(SOON).await;
            same_by(BILINGUAL, &page.shown().await, &["my math teacher"]);
        });
}

#[test]
fn the_first_elements_do_not_move() {
    Visit::default().run(async |page| {
        page.ready().await;
        let html = String::from_utf8(site::read("index.html")).expect("the page is text");
        let first = format!("new DOMParser().parseFromString({}, 'text/html')", Value::from(html));
        let [before, now] = [first.as_str(), "document"].map(|document| {
            format!(
                "const text = part => {document}.querySelector(part).textContent.trim().replace(/\\s+/g, ' ');
                return [text('h1'), text('.lead')]"
            )
        });
        assert_eq!(page.script(&before).await, page.script(&now).await);
        if !Browser::chosen().has(Need::LayoutShifts) {
            return;
        }
        let moved = "return new Promise(resolve => {
            let moved = 0;
            const add = list => { for (const { value } of list.getEntries()) moved += value; };
            new PerformanceObserver(add).observe({ type: 'layout-shift', buffered: true });
            setTimeout(() => resolve(moved), 500);
        })";
        assert_eq!(page.script(moved).await, 0);
    });
}

#[test]
fn a_model_of_unknown_length_arrives_too() {
    Visit::default()
        .deliver(BUNDLE, Delivery::Chunked)
        .run(async |page| {
            page.ready().await;
            page.write(&TEXTS[0].join("\n")).await;
            page.settled(SOON).await;
            same(&page.shown().await, TEXTS[0]);
        });
}

#[test]
fn on_the_cpu_the_program_for_webgpu_is_not_fetched() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.press("Exam week").await;
        page.settled(SOON).await;
        let asked = page.site.requests();
        let fetched = |start: &str| asked.iter().any(|path| path.starts_with(start));
        assert!(fetched("widget/worker_bg.wasm"), "{asked:?}");
        assert!(!fetched("widget/gpu"), "{asked:?}");
        assert!(!fetched("widget/dictionary"), "{asked:?}");
    });
}

#[test]
fn readers_of_english_fetched_the_tables_that_segment_chinese() {
    Visit::default().run(async |page| {
        page.ready().await;
        // A model without a dictionary reads Chinese by characters.
        let post = "my math teacher gave us so much homework 明天考试";
        page.write(post).await;
        page.settled(SOON).await;
        same(&page.shown().await, &[post]);
        let asked = page.site.requests();
        let chinese = asked.iter().find(|path| path.contains("chinese"));
        assert_eq!(chinese, None, "{asked:?}");
    });
}

#[test]
fn a_chinese_model_gets_its_dictionary_and_program() {
    let chinese = bundle(|bundle| bundle.settings.dictionary = true);
    Visit::default().instead(BUNDLE, chinese).run(async |page| {
        page.ready().await;
        page.write("今天天气很好").await;
        page.settled(SOON).await;
        let note = note(&page).await;
        assert!(
            note.contains(" of 3 words."),
            "cut into words, not characters: {note}"
        );
        let asked = page.site.requests();
        for file in [
            "chinese.js",
            "chinese_bg.wasm",
            "dictionary/zh.front-coded.gz",
        ] {
            let times = asked.iter().filter(|path| path.ends_with(file)).count();
            assert_eq!(times, 1, "{file}: {asked:?}");
        }
    });
}
