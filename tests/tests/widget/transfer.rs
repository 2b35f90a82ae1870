//! With a model of two languages, the element shows for each attribute whether it was validated in the text's language.

use tests::{BUNDLE, bilingual, browser::SOON};

use crate::{ELEMENT, inside, page};

const LABELS: &str = "[...root.querySelectorAll('[part=validation]')].filter((label) => !label.hidden).map((label) => label.textContent)";

#[test]
fn each_attribute_has_a_validation_status() {
    let body = "<user-attributes lang=en loading=eager>校业课妈妈</user-attributes>";
    let visit = page("", body).instead(BUNDLE, bilingual());
    visit.run(async |page| {
        page.until(&format!("return Boolean({ELEMENT}?.prediction)"), SOON)
            .await;
        let labels = inside(&page, ELEMENT, LABELS).await;
        let transferred =
            "Learned from writers in another language and not shown to work in this one.";
        let measured = "Measured on writers in this language.";
        assert_eq!(
            labels,
            serde_json::json!([transferred, transferred, measured])
        );
    });
}

#[test]
fn a_model_of_one_language_has_none() {
    let body = "<user-attributes loading=eager>my school</user-attributes>";
    page("", body).run(async |page| {
        page.until(&format!("return Boolean({ELEMENT}?.prediction)"), SOON)
            .await;
        let labels = inside(&page, ELEMENT, LABELS).await;
        assert_eq!(labels, serde_json::json!([]));
    });
}
