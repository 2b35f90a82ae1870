//! A model of two languages shows for each attribute whether it was validated in the text's language.

use tests::{
    BUNDLE, bilingual,
    browser::{Page, SOON, Visit},
};

use crate::{announcement, text};

const MEASURED: &str = "Measured on writers in this language.";
const TRANSFERRED: &str =
    "Learned from writers in another language and not shown to work in this one.";

/// The validation status of each attribute.
async fn statuses(page: &Page) -> Vec<String> {
    let mut statuses = Vec::new();
    for attribute in ["profession", "age", "gender"] {
        let place = format!("//*[@data-attribute='{attribute}']//p[@class='validation']");
        statuses.push(text(page, &place).await);
    }
    statuses
}

#[test]
fn chinese_text_has_a_validation_status_for_each_attribute() {
    let visit = Visit::default().instead(BUNDLE, bilingual());
    visit.run(async |page| {
        page.ready().await;
        page.write("校业课妈妈").await;
        page.settled(SOON).await;
        assert_eq!(statuses(&page).await, [TRANSFERRED, TRANSFERRED, MEASURED]);
        assert_eq!(announcement(&page).await.matches(TRANSFERRED).count(), 2);
        // A transferred attribute is never confident, however long the text is.
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
        assert_eq!(statuses(&page).await, [MEASURED; 3]);
    });
}

#[test]
fn a_model_of_one_language_has_no_validation_status() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.write("my math teacher gave us so much homework today")
            .await;
        page.settled(SOON).await;
        let labels = page
            .script("return document.querySelectorAll('.validation').length")
            .await;
        assert_eq!(labels, 0);
    });
}
