//! A model of two languages says how each attribute is known of the text's.

use tests::{
    BUNDLE, bilingual,
    browser::{Page, SOON, Visit},
};

use crate::{spoken, text};

const MEASURED: &str = "Measured on writers in this language.";
const TRANSFERRED: &str =
    "Learned from writers in another language, and not shown to work in this one.";

/// What is said of how each attribute is known.
async fn known(page: &Page) -> Vec<String> {
    let mut known = Vec::new();
    for attribute in ["profession", "age", "gender"] {
        let place = format!("//*[@data-attribute='{attribute}']//p[@class='status']");
        known.push(text(page, &place).await);
    }
    known
}

#[test]
fn chinese_text_has_labels_of_how_its_attributes_are_known() {
    let visit = Visit::default().instead(BUNDLE, bilingual());
    visit.run(async |page| {
        page.ready().await;
        page.write("校业课妈妈").await;
        page.settled(SOON).await;
        assert_eq!(known(&page).await, [TRANSFERRED, TRANSFERRED, MEASURED]);
        assert_eq!(spoken(&page).await.matches(TRANSFERRED).count(), 2);
        // However much there is of it, what is transferred is not called the answer.
        page.write(&"校业课妈妈\n".repeat(50)).await;
        page.settled(SOON).await;
        for attribute in ["profession", "age"] {
            let heading = format!("//*[@data-attribute='{attribute}']//h3");
            let heading = text(&page, &heading).await;
            assert!(heading.contains("Not sure"), "{heading}");
        }
        page.write("my math teacher gave us so much work today")
            .await;
        page.settled(SOON).await;
        assert_eq!(known(&page).await, [MEASURED; 3]);
    });
}

#[test]
fn a_model_of_one_language_has_no_such_labels() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.write("my math teacher gave us so much homework today")
            .await;
        page.settled(SOON).await;
        let labels = page
            .script("return document.querySelectorAll('.status').length")
            .await;
        assert_eq!(labels, 0);
    });
}
