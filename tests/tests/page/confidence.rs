//! A class below the confidence threshold is not called the answer.

use model_core::bundle::ConfidenceThresholds;
use tests::{
    browser::{SOON, Visit},
    predict, same,
};

use crate::{TEXTS, announcement, bundle, text};

#[test]
fn below_the_threshold_the_page_abstains_and_still_shows_the_bars() {
    Visit::default().run(async |page| {
        page.ready().await;
        let mut confident = 0;
        let mut abstained = 0;
        for posts in TEXTS {
            page.write(&posts.join("\n")).await;
            page.settled(SOON).await;
            same(&page.shown().await, posts);
            let predicted = predict(posts);
            for (attribute, prediction) in crate::object(&predicted["predictions"]) {
                let first = prediction.get("coarse").unwrap_or(prediction);
                let label = first["label"].as_str().expect("a label");
                let probability = first["probabilities"][label].as_f64().expect("a number");
                let heading = format!("//*[@data-attribute='{attribute}']//h3");
                let heading = text(&page, &heading).await;
                let is_confident = first["confident"].as_bool().expect("a flag");
                assert_eq!(
                    !heading.contains("Not sure"),
                    is_confident,
                    "{heading}: {label} {probability}"
                );
                match is_confident {
                    true => confident += 1,
                    false => abstained += 1,
                }
            }
            let announced = announcement(&page).await;
            assert_eq!(
                announced.matches("not sure; most likely").count(),
                page.script(
                    "return [...document.querySelectorAll('h3')]
                        .filter(heading => heading.innerText.includes('Not sure')).length"
                )
                .await
                .as_u64()
                .expect("a number") as usize,
                "{announced}"
            );
        }
        assert!(
            confident > 0 && abstained > 0,
            "{confident} confident, {abstained} not"
        );
    });
}

#[test]
fn the_threshold_is_the_models_own() {
    for (threshold, abstains) in [(0.0, false), (1.0, true)] {
        let model = bundle(|bundle| {
            for task in &mut bundle.settings.calibrations {
                task.confidence_thresholds = ConfidenceThresholds::both(threshold);
            }
        });
        let visit = Visit::default().instead(tests::BUNDLE, model);
        visit.run(async move |page| {
            page.ready().await;
            page.press("Exam week").await;
            page.settled(SOON).await;
            let shown = text(&page, "//section[@aria-labelledby='estimate']").await;
            let not_sure = shown.matches("Not sure").count();
            assert_eq!(not_sure, if abstains { 3 } else { 0 }, "{shown}");
        });
    }
}
