//! "What did joint learning do?": the same text, read by the single-task model.

use serde_json::json;
use tests::{
    browser::{Page, SOON, Visit},
    predict, predict_by, same,
    site::Delivery,
};

use crate::{TEXTS, cells, is_best, text};

const SINGLE_TASK: &str = "widget/models/en-single.safetensors";

const SUMMARY: &str = "//summary[normalize-space()='What did joint learning do?']";

#[test]
fn joint_and_single_task_predictions_are_those_of_the_command_line() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.write(&TEXTS[0].join("\n")).await;
        page.settled(SOON).await;
        assert!(!page.site.requests().contains(&SINGLE_TASK.to_owned()));
        page.click(SUMMARY).await;
        compares(&page, TEXTS[0]).await;
        // While it is open, the next text is compared too.
        page.write(&TEXTS[1].join("\n")).await;
        page.settled(SOON).await;
        compares(&page, TEXTS[1]).await;
    });
}

#[test]
fn typing_does_not_wait_for_the_single_task_models() {
    let visit = Visit::default().deliver(SINGLE_TASK, Delivery::Held);
    visit.run(async |page| {
        page.ready().await;
        page.write(&TEXTS[0].join("\n")).await;
        page.settled(SOON).await;
        page.click(SUMMARY).await;
        page.write(&TEXTS[1].join("\n")).await;
        page.settled(SOON).await;
        same(&page.shown().await, TEXTS[1]);
        page.site.deliver(SINGLE_TASK, Delivery::Whole);
        compares(&page, TEXTS[1]).await;
    });
}

#[test]
fn without_the_single_task_models_the_page_still_works() {
    let visit = Visit::default().deliver(SINGLE_TASK, Delivery::Half);
    visit.run(async |page| {
        page.ready().await;
        page.write(&TEXTS[0].join("\n")).await;
        page.settled(SOON).await;
        page.click(SUMMARY).await;
        let failed = "const shown = document.querySelector('.result').innerText;
            return shown.includes('No comparison: could not fetch')";
        page.until(failed, SOON).await;
        page.write(&TEXTS[1].join("\n")).await;
        page.settled(SOON).await;
        same(&page.shown().await, TEXTS[1]);
        // Opening it again tries again.
        page.site.deliver(SINGLE_TASK, Delivery::Whole);
        page.click(SUMMARY).await;
        page.click(SUMMARY).await;
        compares(&page, TEXTS[1]).await;
    });
}

/// Waits for the comparison of these posts and checks it.
async fn compares(page: &Page, posts: &[&str]) {
    let table = format!("{SUMMARY}/..//table");
    let user = json!({ "posts": posts }).to_string();
    let alone = predict_by(SINGLE_TASK, &user).remove(0);
    let jointly = predict(posts);
    let there = "return document.querySelector('.result table') !== null";
    page.until(there, SOON).await;
    let rows = cells(page, &table).await;
    assert_eq!(rows[0], ["Attribute", "Learned alone", "Learned jointly"]);
    let attributes = crate::object(&alone["predictions"]);
    assert_eq!(rows.len(), 1 + attributes.len());
    for (row, (attribute, alone)) in rows[1..].iter().zip(attributes) {
        assert_eq!(row[0].to_lowercase(), *attribute);
        is_best(&row[1], alone);
        is_best(&row[2], &jointly["predictions"][attribute]);
    }
    let explained = text(page, &format!("{SUMMARY}/..")).await;
    assert!(
        explained.contains("learned one attribute alone"),
        "{explained}"
    );
}
