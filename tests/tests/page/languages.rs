//! The interface is in the visitor's language.

use serde_json::json;
use tests::{
    BILINGUAL,
    browser::{Page, SOON, Visit},
    same_by,
};

use crate::{before_worker, string, text, with_script};

const ENGLISH: [&str; 2] = ["en", "What your writing gives away"];
const CHINESE: [&str; 2] = ["zh-Hans", "你的文字透露了什么"];

#[test]
fn a_chinese_browser_gets_a_chinese_page_and_can_switch() {
    Visit::default().languages("zh-CN,zh,en").run(async |page| {
        assert_eq!(language(&page).await, CHINESE);
        page.ready().await;
        let text_area = "//textarea[@id=//label[normalize-space()='你的帖子，每行一条']/@for]";
        page.find(text_area)
            .await
            .send_keys("my husband cooked dinner")
            .await
            .expect("the text area takes keys");
        page.settled(SOON).await;
        let shown = estimate(&page).await;
        for translated in [
            "模型的估计",
            "职业",
            "学生",
            "年龄",
            "13–17",
            "性别",
            "女",
            "男",
            "为什么？",
        ] {
            assert!(
                shown.contains(translated),
                "{translated} is missing in {shown}"
            );
        }
        for english in ["Profession", "Student", "Female"] {
            assert!(!shown.contains(english), "{english} in {shown}");
        }
        assert_eq!(pressed(&page).await, "中文");

        // The text and its estimate stay.
        page.press("English").await;
        assert_eq!(language(&page).await, ENGLISH);
        assert_eq!(pressed(&page).await, "English");
        let shown = estimate(&page).await;
        for english in [
            "The model’s estimate",
            "Profession",
            "Student",
            "Age",
            "Female",
            "Why?",
        ] {
            assert!(shown.contains(english), "{english} is missing in {shown}");
        }
        page.settled(SOON).await;
        same_by(
            BILINGUAL,
            &page.shown().await,
            &["my husband cooked dinner"],
        );
        page.press("中文").await;
        assert_eq!(language(&page).await, CHINESE);
    });
}

#[test]
fn the_chinese_page_has_no_english_texts() {
    Visit::default().languages("zh-CN").run(async |page| {
        page.ready().await;
        page.write("my husband cooked dinner").await;
        page.settled(SOON).await;
        page.open_details("details").await;
        page.until("return document.querySelector('.marked') !== null", SOON).await;
        // Names of examples and of the model, and the model's card, keep their own language.
        let script = "
            const walk = document.createTreeWalker(document.querySelector('#app'), NodeFilter.SHOW_TEXT);
            const own = '.examples button, .marked, .lists ul, footer option, [lang=en], dd, cite';
            // Names that are the same in both languages, in brackets the browser's name of its adapter, and the names of corpora.
            const shared = /, [a-z-]+(?=：|$)|JSONL?|WebGPU|https|Mastodon|Bluesky|Facebook|Instagram|YouTube|LinkedIn|Telegram|WhatsApp|LINE|Discord|gzip|（[^）]*）/g;
            const isEnglish = text => /[A-Za-z]{4,}/.test(text.replaceAll(shared, ''));
            const found = [];
            while (walk.nextNode()) {
                const { data, parentElement } = walk.currentNode;
                if (isEnglish(data) && !parentElement.closest(own)) found.push(data);
            }
            for (const element of document.querySelectorAll('[aria-label], [placeholder]'))
                for (const name of ['aria-label', 'placeholder'])
                    if (isEnglish(element.getAttribute(name) ?? '')) found.push(element.getAttribute(name));
            return found";
        assert_eq!(page.script(script).await, json!([]));
    });
}

#[test]
fn the_reason_for_the_cpu_was_english_on_the_chinese_page() {
    // Also in a browser without WebGPU.
    let no_adapter = "if (!navigator.gpu) Object.defineProperty(navigator, 'gpu', { value: {} });
        navigator.gpu.requestAdapter = async () => null;";
    Visit::default()
        .languages("zh-CN")
        .instead("widget/start_worker.js", before_worker(no_adapter))
        .run(async |page| {
            page.choose("WebGPU").await;
            let running = page.ready().await;
            assert_eq!(running, "在 CPU 上运行：WebGPU 在此找不到适配器。");
            page.press("English").await;
            let running = page.ready().await;
            assert_eq!(running, "Runs on the CPU: WebGPU finds no adapter here.");
        });
}

#[test]
fn the_fault_of_a_model_was_named_in_english_on_the_chinese_page() {
    Visit::default()
        .languages("zh-CN")
        .instead(BILINGUAL, b"once upon a time there was".to_vec())
        .run(async |page| {
            let failed = "return document.querySelector('[data-phase=failed]') !== null";
            page.until(failed, SOON).await;
            let status = page.status().await;
            let start = "模型加载失败：文件不是 auxlstm 模型（技术细节：";
            assert!(status.starts_with(start), "{status}");
        });
}

#[test]
fn a_chinese_visitor_saw_an_english_page_until_the_program_ran() {
    let never =
        "WebAssembly.instantiateStreaming = WebAssembly.instantiate = () => new Promise(() => {});";
    let visit = with_script(never).languages("zh-CN,zh,en").open("");
    visit.run(async |page| {
        let shown = "const shown = document.querySelector('#app').innerText.trim();
            return shown.startsWith('你的文字透露了什么') && !shown.includes('Starting')";
        page.until(shown, SOON).await;
        assert_eq!(language(&page).await, CHINESE);
    });
}

#[test]
fn other_languages_get_english() {
    Visit::default().languages("fr-FR,fr").run(async |page| {
        assert_eq!(language(&page).await, ENGLISH);
        page.ready().await;
    });
}

/// The document's language and title.
async fn language(page: &Page) -> [String; 2] {
    let language = page.script("return document.documentElement.lang").await;
    [
        string(language),
        page.client.title().await.expect("a title"),
    ]
}

async fn estimate(page: &Page) -> String {
    text(page, "//section[@aria-labelledby='estimate']").await
}

/// The language button that is pressed.
async fn pressed(page: &Page) -> String {
    let script = "return [...document.querySelectorAll('header [aria-pressed=true]')].map(button => button.innerText)";
    let pressed = page.script(script).await;
    assert_eq!(crate::array(&pressed).len(), 1, "{pressed}");
    assert_eq!(pressed, json!([pressed[0]]));
    string(pressed[0].clone())
}
