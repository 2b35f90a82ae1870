//! Another model: one of the page's, or the user's file.

use std::time::Duration;

use tests::{
    BUNDLE,
    browser::{SOON, Visit},
    predict_by, same, same_by, site,
};

use crate::{
    TEXTS, bundle, cells, damaged, is_best, refused, text, with_script,
    writers::{done, users},
};

#[test]
fn another_model_of_the_page_can_be_chosen() {
    let single_task = "widget/models/en-single.safetensors";
    Visit::default().run(async move |page| {
        page.ready().await;
        page.write(&TEXTS[0].join("\n")).await;
        page.settled(SOON).await;
        let own = text(&page, "//footer//summary").await;
        let choose = async |name: &str| {
            let label = "//label[starts-with(normalize-space(), 'Model')]";
            page.click(&format!("{label}//option[.='{name}']")).await;
        };
        choose("en-single").await;
        let other =
            format!("return document.querySelector('footer summary').innerText !== '{own}'");
        page.until(&other, SOON).await;
        page.ready().await;
        page.settled(SOON).await;
        same_by(single_task, &page.shown().await, TEXTS[0]);
        choose("en").await;
        let back = format!("return document.querySelector('footer summary').innerText === '{own}'");
        page.until(&back, SOON).await;
        page.ready().await;
        page.settled(SOON).await;
        same(&page.shown().await, TEXTS[0]);
    });
}

#[test]
fn a_file_had_results_of_two_models() {
    Visit::default().run(async |page| {
        page.ready().await;
        let users = users(30);
        page.give("writers.jsonl", &users).await;
        done(&page, 30).await;
        let own = text(&page, "//footer//summary").await;
        let label = "//label[starts-with(normalize-space(), 'Model')]";
        page.click(&format!("{label}//option[.='en-single']")).await;
        let other =
            format!("return document.querySelector('footer summary').innerText !== {own:?}");
        page.until(&other, SOON).await;
        page.ready().await;
        done(&page, 30).await;
        let rows = cells(&page, "//section[@aria-labelledby='writers']//table").await;
        let predicted = predict_by("widget/models/en-single.safetensors", &users);
        assert_eq!(rows.len(), 1 + predicted.len());
        for (row, predicted) in rows[1..].iter().zip(&predicted) {
            for (cell, attribute) in row[2..].iter().zip(["profession", "age", "gender"]) {
                is_best(cell, &predicted["predictions"][attribute]);
            }
        }
    });
}

#[test]
fn a_model_can_be_given_as_a_file() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.write(&TEXTS[0].join("\n")).await;
        page.settled(SOON).await;
        let model = bundle(|bundle| {
            bundle.card.name = "My own <i>model</i>".into();
            bundle.settings.attributes[2].name = "sex".into();
        });
        page.give("mine.safetensors", model).await;
        page.until(
            "return document.querySelector('footer').innerText.includes('My own <i>model</i>')",
            SOON,
        )
        .await;
        page.ready().await;
        page.settled(SOON).await;
        let shown = text(&page, "//section[@aria-labelledby='estimate']").await;
        assert!(
            shown.contains("Sex") && !shown.contains("Gender"),
            "{shown}"
        );
        // It stays when the backend changes.
        page.choose("CPU").await;
        page.ready().await;
        let about = text(&page, "//footer//summary").await;
        assert_eq!(about, "About the model My own <i>model</i>");
        let asked = page.site.requests();
        let models = asked.iter().filter(|path| path.ends_with(".safetensors"));
        assert_eq!(models.count(), 1, "the page's own: {asked:?}");
    });
}

#[test]
fn a_model_that_was_read_slowly_replaced_one_that_was_given_later() {
    // The browser reads the first file for a while, as it does a large one.
    let slow = "const read = File.prototype.arrayBuffer;
        File.prototype.arrayBuffer = async function () {
            if (this.name === 'first.safetensors') await new Promise(resolve => { window.finish = resolve; });
            return read.call(this);
        };";
    with_script(slow).run(async |page| {
        page.ready().await;
        page.give("first.safetensors", damaged()).await;
        page.until("return window.finish !== undefined", SOON).await;
        let renamed = bundle(|bundle| bundle.card.name = "The second".into());
        page.give("second.safetensors", renamed).await;
        let second = "return document.querySelector('footer cite')?.innerText === 'The second'";
        page.until(second, SOON).await;
        page.ready().await;
        page.script("window.finish()").await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(page.script(second).await, true);
        let computing = text(&page, "//section[@data-phase]").await;
        assert!(!computing.contains("failed to load"), "{computing}");
    });
}

#[test]
fn a_damaged_file_is_named_and_the_model_before_stays() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.write(&TEXTS[0].join("\n")).await;
        let mut before = String::new();
        for (name, bytes, message) in [
            ("damaged.safetensors", damaged(), "checksum"),
            ("empty.safetensors", Vec::new(), ""),
            (
                "story.safetensors",
                b"once upon a time there was".to_vec(),
                "",
            ),
        ] {
            page.give(name, bytes).await;
            let why = refused(&page, &before).await;
            assert!(why.contains(message), "{name}: {why}");
            before = why;
            page.ready().await;
            page.settled(SOON).await;
            same(&page.shown().await, TEXTS[0]);
        }
        page.give("good.safetensors", site::read(BUNDLE)).await;
        let gone =
            "return !document.querySelector('.running').innerText.includes('That model failed to load')";
        page.until(gone, SOON).await;
        page.ready().await;
        page.settled(SOON).await;
        same(&page.shown().await, TEXTS[0]);
    });
}
