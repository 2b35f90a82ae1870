//! Text from right to left is shown, read and explained.

use model_core::vocabulary::Vocabulary;
use tests::{
    BUNDLE,
    browser::{Page, SOON, Visit},
};

use crate::{array, bundle, cells, note, text, writers::done};

/// Words of the model and their stand-ins in Hebrew and Arabic.
const RENAMED: [(&str, &str); 4] = [
    ("homework", "שיעורים"),
    ("mom", "אמא"),
    ("school", "مدرسة"),
    ("exam", "امتحان"),
];

/// A post in Hebrew, one in Arabic and one in English.
const POSTS: [&str; 3] = ["אמא, אין לי שיעורים.", "مدرسة و امتحان.", "my school."];

/// The page's model with words that are written from right to left.
fn model() -> Vec<u8> {
    bundle(|bundle| {
        let ids = 2..bundle.vocabulary.len() as u32;
        let words = ids.filter_map(|id| bundle.vocabulary.word(id));
        let renamed = words.map(|word| {
            let found = RENAMED.iter().find(|(english, _)| *english == word);
            found.map_or(word, |(_, other)| other).to_owned()
        });
        bundle.vocabulary = Vocabulary::new(renamed.collect()).expect("no word is listed twice");
    })
}

#[test]
fn text_from_right_to_left_is_shown_and_explained_so() {
    Visit::default().instead(BUNDLE, model()).run(async |page| {
        page.ready().await;
        page.write(&POSTS.join("\n")).await;
        page.settled(SOON).await;
        assert!(note(&page).await.starts_with("The model knows 5 of 9 words."), "{}", note(&page).await);
        let area = "const { direction, unicodeBidi } = getComputedStyle(document.querySelector('textarea'));
            return `${direction} ${unicodeBidi}`";
        assert_eq!(page.script(area).await, "rtl plaintext", "each line runs its own way");

        page.click("//summary[normalize-space()='Why?']").await;
        page.until("return document.querySelector('.marked') !== null", SOON).await;
        let rightwards = [false, false, true];
        for (number, (post, rightwards)) in POSTS.iter().zip(rightwards).enumerate() {
            let paragraph = format!("document.querySelectorAll('.marked p')[{number}]");
            let shown = page.script(&format!("return {paragraph}.textContent")).await;
            assert_eq!(shown, *post);
            // The places of the words and of the mark after the last one.
            let places = format!(
                "const post = {paragraph};
                const middle = ({{ left, right }}) => (left + right) / 2;
                const texts = document.createTreeWalker(post, NodeFilter.SHOW_TEXT);
                while (texts.nextNode());
                const mark = document.createRange();
                mark.setStart(texts.currentNode, texts.currentNode.length - 1);
                mark.setEnd(texts.currentNode, texts.currentNode.length);
                const words = [...post.querySelectorAll('.word')].map(word => middle(word.getBoundingClientRect()));
                const {{ left, right }} = post.getBoundingClientRect();
                return [left, right, ...words, middle(mark.getBoundingClientRect())]"
            );
            let places: Vec<f64> = numbers(&page, &places).await;
            let [left, right, places @ ..] = &places[..] else {
                panic!("no places")
            };
            let in_order = match rightwards {
                true => places.is_sorted(),
                false => places.iter().rev().is_sorted(),
            };
            assert!(in_order, "{post}: {places:?}");
            let [from_left, from_right] = [places[0] - left, right - places[0]];
            assert_eq!(from_left < from_right, rightwards, "{post}: {places:?} in {left} to {right}");
        }

        // The words are known, so they are in the lists and coloured.
        let listed = text(&page, "//div[@class='lists']").await;
        for word in ["שיעורים", "مدرسة"] {
            assert!(listed.contains(word), "{word} is missing in {listed}");
        }
    });
}

#[test]
fn names_of_writers_have_their_own_direction() {
    Visit::default().run(async |page| {
        page.ready().await;
        let users = r#"{"id": "דנה!", "text": "my school"}
{"id": "Dana!", "text": "my school"}
"#;
        page.give("writers.jsonl", users).await;
        done(&page, 2).await;
        let rows = cells(&page, "//section[@aria-labelledby='writers']//table").await;
        assert_eq!([&rows[1][0], &rows[2][0]], ["דנה!", "Dana!"]);
        let mark =
            "return [...document.querySelectorAll('[aria-labelledby=writers] tbody th')].map(cell => {
            const text = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT).nextNode();
            const place = (from, to) => {
                const range = document.createRange();
                range.setStart(text, from);
                range.setEnd(text, to);
                return range.getBoundingClientRect().left;
            };
            return place(text.length - 1, text.length) - place(0, 1);
        })";
        let [hebrew, english] = numbers(&page, mark).await[..] else {
            panic!("two writers")
        };
        assert!(hebrew < 0.0, "the mark is left of the name: {hebrew}");
        assert!(english > 0.0, "the mark is right of the name: {english}");
    });
}

async fn numbers(page: &Page, script: &str) -> Vec<f64> {
    let found = page.script(script).await;
    let numbers = array(&found).iter().map(|value| value.as_f64());
    numbers.map(|number| number.expect("a number")).collect()
}
