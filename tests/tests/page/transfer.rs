//! A model of two languages says how each attribute is known of the text's.

use model_core::{
    bundle::{Bundle, InChinese},
    temperature::Temperature,
    vocabulary::Vocabulary,
};
use tests::{
    BUNDLE,
    browser::{Page, SOON, Visit},
};

use crate::{bundle, spoken, text};

const MEASURED: &str = "Measured on writers in this language.";
const TRANSFERRED: &str = "Learned from writers in another language, and not measured in this one.";

/// The page's model as if it had learned some words in Chinese, and its first two attributes from English alone.
fn bilingual(bundle: &mut Bundle) {
    let chinese = [
        ("homework", "业"),
        ("school", "校"),
        ("mom", "妈"),
        ("class", "课"),
    ];
    let words = bundle.vocabulary.words().iter().map(|word| {
        let word = word.as_str();
        let translated = chinese.iter().find(|(english, _)| *english == word);
        translated.map_or(word, |(_, chinese)| chinese).to_owned()
    });
    bundle.vocabulary = Vocabulary::new(words.collect()).expect("no word is there twice");
    let sure_from = bundle.settings.sure_from;
    bundle.settings.chinese = Some(vec![
        InChinese::transferred(bundle.settings.temperatures[0], sure_from),
        InChinese::transferred(bundle.settings.temperatures[1], sure_from),
        InChinese::measured(Temperature::ONE, sure_from),
    ]);
}

/// What is said of how each attribute is known.
async fn known(page: &Page) -> Vec<String> {
    let mut known = Vec::new();
    for attribute in ["profession", "age", "gender"] {
        let place = format!("//*[@data-attribute='{attribute}']//p[@class='basis']");
        known.push(text(page, &place).await);
    }
    known
}

#[test]
fn chinese_text_has_labels_of_how_its_attributes_are_known() {
    let visit = Visit::default().instead(BUNDLE, bundle(bilingual));
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
            .script("return document.querySelectorAll('.basis').length")
            .await;
        assert_eq!(labels, 0);
    });
}
