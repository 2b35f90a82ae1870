//! The base rates of the element and of the JavaScript interface.

use serde_json::json;
use tests::{
    agrees,
    browser::{Page, SOON},
    predict_under, uneven,
};

use crate::{ELEMENT, POSTS, element, heard, page, part, settled};

const GIVEN: &str = r#"{"gender":{"female":0.1,"male":0.9}}"#;

#[test]
fn the_element_follows_its_base_rates() {
    let corpus = element("model=uneven.safetensors base-rates=corpus");
    let visit = page("", &corpus).instead("uneven.safetensors", uneven());
    visit.run(async |page| {
        shows(&page, "corpus").await;
        let line = part(&page, ELEMENT, "base-rates").await;
        let corpus = "Base rates: as among the writers that the model learned from.";
        assert_eq!(line, corpus);
        // As a property too, and without loading the model again.
        page.script(&format!("{ELEMENT}.baseRates = {GIVEN}")).await;
        shows(&page, GIVEN).await;
        let line = part(&page, ELEMENT, "base-rates").await;
        assert_eq!(line, "Base rates: the given shares.");
        let read = format!("return [{ELEMENT}.baseRates, {ELEMENT}.getAttribute('base-rates')]");
        let given: serde_json::Value = serde_json::from_str(GIVEN).expect("JSON");
        assert_eq!(page.script(&read).await, json!([given, GIVEN]));
        page.script(&format!("{ELEMENT}.baseRates = null")).await;
        shows(&page, "equal").await;
        assert_eq!(heard(&page, "ready").await.len(), 1);
    });
}

#[test]
fn faulty_base_rates_are_named() {
    page("", &element("base-rates=fair")).run(async |page| {
        for (number, (value, message)) in [
            ("", "neither \"equal\" nor \"corpus\" nor shares"),
            (r#"{"gender": 0.5}"#, "neither \"equal\" nor"),
            (
                r#"{"gender": {"female": 0.5, "male": 0.6}}"#,
                "sum to 1.100",
            ),
            (r#"{"sex": {"female": 1}}"#, "does not predict \"sex\""),
        ]
        .into_iter()
        .enumerate()
        {
            if number > 0 {
                page.script(&format!("{ELEMENT}.setAttribute('base-rates', '{value}')"))
                    .await;
            }
            let errors =
                format!("return heard.filter(event => event.type === 'error').length > {number}");
            page.until(&errors, SOON).await;
            let errors = heard(&page, "error").await;
            let said = errors[number]["detail"]["message"].as_str();
            let said = said.expect("a message");
            assert!(said.contains(message), "{said}");
            let note = part(&page, ELEMENT, "note").await;
            assert_eq!(note, format!("No estimate: {said}"));
        }
        page.script(&format!("{ELEMENT}.setAttribute('base-rates', 'equal')"))
            .await;
        settled(&page, ELEMENT).await;
    });
}

/// Waits for the element's prediction and checks that it is the command's under these base rates.
async fn shows(page: &Page, base_rates: &str) {
    settled(page, ELEMENT).await;
    let user = json!({ "posts": POSTS }).to_string();
    let predicted = predict_under(base_rates, &uneven(), &user);
    let shown = page.shown_in(&format!("{ELEMENT}.shadowRoot")).await;
    agrees(&shown, &predicted[0]);
}
