//! The element in a page that React renders.

use std::time::Duration;

use serde_json::json;
use tests::{
    browser::{Page, SOON},
    npm::{command, output},
};

use crate::{ELEMENT, package, package::Package, settled};

/// The events that the page has heard: the state of the model, and the texts with a prediction.
async fn seen(page: &Page) -> (String, Vec<String>) {
    let seen = page.script(
        "return [document.querySelector('#state').innerText,
            ...[...document.querySelectorAll('li')].map(item => item.innerText)]",
    );
    let mut seen = serde_json::from_value::<Vec<String>>(seen.await).expect("a list of texts");
    let answers = seen.split_off(1);
    (seen.remove(0), answers)
}

#[test]
fn it_follows_the_state_and_is_heard_and_comes_back() {
    let package = Package::install();
    let project = package.project("react");
    output(command("tsc", project.path()).arg("--noEmit"));
    package::build(project.path()).run(async |page| {
        page.until("return Boolean(document.querySelector('user-attributes'))", SOON).await;
        // Typed, because React only notices typing.
        let letter = page.find("//textarea").await;
        letter.send_keys("my husband").await.expect("it takes keys");
        let text = format!("return {ELEMENT}.text === 'my husband'");
        page.until(&text, SOON).await;
        settled(&page, ELEMENT).await;
        page.until("return document.querySelector('li') !== null", SOON).await;
        let (state, answers) = seen(&page).await;
        assert_eq!(state, "ready");
        assert_eq!(answers.last().map(String::as_str), Some("my husband"));
        let names = format!(
            "return [...{ELEMENT}.shadowRoot.querySelectorAll('[data-attribute]')].map(one => one.dataset.attribute)"
        );
        assert_eq!(page.script(&names).await, json!(["gender", "age"]));

        // An unmounted element frees its worker and reads nothing.
        page.press("Hide").await;
        page.until("return ended === 1", SOON).await;
        letter.send_keys(" cooked").await.expect("it takes keys");
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(seen(&page).await.1, answers);

        page.press("Show").await;
        settled(&page, ELEMENT).await;
        let heard = "return document.querySelector('ol').lastElementChild.innerText === 'my husband cooked'";
        page.until(heard, SOON).await;
        assert_eq!(page.script("return [workers, ended]").await, json!([2, 1]));
    });
}
