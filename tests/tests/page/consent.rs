//! Whose texts are read: what the page says and asks, and the terms that are in sight.

use serde_json::json;
use tests::{
    BUNDLE,
    browser::{Page, SOON, Visit},
};

use crate::{bundle, string, text, writers::done};

#[test]
fn terms_and_prohibited_uses_are_in_sight() {
    let model = bundle(|bundle| {
        bundle.card.licence = "Only on Tuesdays.".into();
        bundle.card.not_for = "Wagers.".into();
    });
    Visit::default().instead(BUNDLE, model).run(async |page| {
        page.ready().await;
        let terms = text(&page, "//footer/dl").await;
        assert_eq!(
            terms,
            "Terms\nOnly on Tuesdays.\nMust not be used for\nWagers."
        );
    });
}

#[test]
fn the_page_said_paste_what_someone_posted() {
    Visit::default().run(async |page| {
        page.ready().await;
        let lead = text(&page, "//header/p").await;
        assert!(lead.starts_with("Paste what you have posted."), "{lead}");
        let footer = text(&page, "//footer").await;
        assert!(footer.contains("people who have agreed"), "{footer}");
    });
}

#[test]
fn the_link_opens_the_document_and_the_text_stays() {
    Visit::default().run(async |page| {
        page.ready().await;
        let link = "//footer//a[normalize-space()='Consent, errors by group, and the law']";
        let link = page.find(link).await;
        let target = link.attr("target").await.expect("an attribute");
        assert_eq!(target.as_deref(), Some("_blank"));
        let address = string(
            page.script("return document.querySelector('footer a').href")
                .await,
        );
        page.client
            .goto(&address)
            .await
            .expect("the document opens");
        let heading = text(&page, "//h1").await;
        assert_eq!(heading, "Consent, errors and the law");
        let tables = page.script("return document.querySelectorAll('table').length");
        assert!(tables.await.as_u64() >= Some(3));
    });
}

#[test]
fn the_tab_remembers_what_the_texts_are_and_nothing_waits_for_it() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.give("two.txt", "my school\nmy mom\n").await;
        // The predictions are there before an answer.
        done(&page, 2).await;
        assert_eq!(chosen(&page).await, json!([]));
        page.click("//label[normalize-space()='A public research corpus']")
            .await;
        let advice = "return document.querySelector('.purpose [role=status]').innerText.includes('terms of the corpus')";
        page.until(advice, SOON).await;

        // It is asked once in a tab, also when the page is loaded again.
        page.press("Back to the text").await;
        page.give("one.txt", "my wife\n").await;
        done(&page, 1).await;
        assert_eq!(chosen(&page).await, json!(["corpus"]));
        page.reload().await;
        page.ready().await;
        page.give("one.txt", "my wife\n").await;
        done(&page, 1).await;
        assert_eq!(chosen(&page).await, json!(["corpus"]));
        page.until(advice, SOON).await;
    });
}

/// The answers that are chosen.
async fn chosen(page: &Page) -> serde_json::Value {
    let script =
        "return [...document.querySelectorAll('.purpose input:checked')].map(one => one.value)";
    page.script(script).await
}
