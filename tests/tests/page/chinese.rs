//! Chinese texts and Chinese readers.

use serde_json::json;
use tests::{
    BILINGUAL,
    browser::{Page, SOON, Visit},
    same, same_by,
    site::Delivery,
};

use crate::{array, bilingual, bundle, kept, refused, string};

/// The buttons beside the estimate.
const OFFERS: &str =
    "return [...document.querySelectorAll('.result button')].map(button => button.innerText)";

const POST: &str = "明天还有两门考试，书一页都没翻开😭";

#[test]
fn a_chinese_example_gives_distributions_labels_and_evidence() {
    Visit::default().languages("zh-CN").run(async |page| {
        page.ready().await;
        let first = page.script("return document.querySelector('.examples button').innerText").await;
        page.press(&string(first)).await;
        page.settled(SOON).await;
        let typed = page.script("return document.querySelector('textarea').value").await;
        let typed = string(typed);
        assert!(typed.contains("考试"), "{typed}");
        let posts: Vec<&str> = typed.lines().collect();
        same_by(BILINGUAL, &page.shown().await, &posts);
        let labels = page
            .script("return [...document.querySelectorAll('.attribute .validation')].map(label => label.innerText)")
            .await;
        let transferred = "从使用另一种语言的作者中学得，在这种语言上尚未证实有效。";
        let measured = "已在使用这种语言的作者中测试过。";
        assert_eq!(labels, json!([transferred, transferred, measured]));

        page.open_details("details.why").await;
        page.until("return document.querySelector('.marked .word') !== null", SOON).await;
        let marked = page.script("return [...document.querySelectorAll('.marked .word')].map(word => word.innerText)").await;
        let words: Vec<String> = array(&marked).iter().cloned().map(string).collect();
        assert!(words.iter().any(|word| word == "考试"), "{words:?}");
    });
}

#[test]
fn an_english_page_offers_the_model_that_reads_chinese() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.write("my math teacher gave us so much homework 考试")
            .await;
        page.settled(SOON).await;
        assert_eq!(page.script(OFFERS).await, json!([]));
        page.write(POST).await;
        page.settled(SOON).await;
        // Typing fetches nothing.
        let asked = page.site.requests();
        assert!(!asked.iter().any(|path| path.contains("zh")), "{asked:?}");
        page.press("Load the model for Chinese and English").await;
        reads(&page, POST).await;
        assert_eq!(page.script(OFFERS).await, json!([]));
    });
}

#[test]
fn if_that_model_cannot_be_loaded_the_english_one_stays() {
    Visit::default()
        .deliver(BILINGUAL, Delivery::Half)
        .run(async |page| {
            page.ready().await;
            page.write(POST).await;
            page.settled(SOON).await;
            page.press("Load the model for Chinese and English").await;
            let why = refused(&page, "").await;
            assert!(why.contains("zh-en.safetensors"), "{why}");
            page.ready().await;
            let chosen =
                "return document.querySelector('.models select').selectedOptions[0].innerText";
            assert_eq!(page.script(chosen).await, json!("en"));
            assert_eq!(
                page.script(OFFERS).await,
                json!(["Load the model for Chinese and English"])
            );
            page.write("my husband cooked dinner").await;
            page.settled(SOON).await;
            same(&page.shown().await, &["my husband cooked dinner"]);
            // It can be loaded once it is available again.
            page.site.deliver(BILINGUAL, Delivery::Whole);
            page.write(POST).await;
            page.settled(SOON).await;
            page.press("Load the model for Chinese and English").await;
            reads(&page, POST).await;
        });
}

#[test]
fn switching_the_page_to_chinese_loads_the_model_that_reads_chinese() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.write(POST).await;
        page.press("中文").await;
        reads(&page, POST).await;
        // The bilingual model reads English too, so switching back loads no model.
        let models = || {
            let asked = page.site.requests().into_iter();
            asked.filter(|path| path.ends_with(".safetensors")).count()
        };
        kept(&page).await;
        let before = models();
        page.press("English").await;
        page.write("my husband cooked dinner").await;
        reads(&page, "my husband cooked dinner").await;
        assert_eq!(models(), before);
    });
}

#[test]
fn a_model_that_was_chosen_stays() {
    Visit::default().run(async |page| {
        page.ready().await;
        let mine = bundle(|bundle| bundle.card.name = "mine".into());
        page.give("mine.safetensors", mine).await;
        let taken = "return document.querySelector('footer').innerText.includes('mine')";
        page.until(taken, SOON).await;
        page.ready().await;
        page.press("中文").await;
        page.write("my husband cooked dinner").await;
        page.settled(SOON).await;
        same(&page.shown().await, &["my husband cooked dinner"]);
        let asked = page.site.requests();
        assert!(!asked.iter().any(|path| path.contains("zh")), "{asked:?}");
    });
}

/// Waits until the bilingual model has read a post.
async fn reads(page: &Page, post: &str) {
    bilingual(page).await;
    page.settled(SOON).await;
    same_by(BILINGUAL, &page.shown().await, &[post]);
}
