//! Typed text is predicted.

use tests::{
    browser::{SOON, Visit},
    same,
};

use crate::{announcement, note, numbers, text};

#[test]
fn typing_gives_three_distributions() {
    Visit::default().run(async |page| {
        page.choose("CPU").await;
        assert_eq!(page.ready().await, "Runs on the CPU.");
        let area = page.find("//textarea").await;
        area.send_keys("i had so much fun at school today")
            .await
            .expect("the text area takes keys");
        page.settled(SOON).await;
        let shown = page.shown().await;
        // The driver does not keep the order of an object's keys.
        let mut attributes: Vec<_> = shown.keys().collect();
        attributes.sort();
        assert_eq!(attributes, ["age", "gender", "profession"]);
        for (attribute, lists) in &shown {
            for list in lists.as_array().expect("each attribute has lists") {
                let sum: f64 = numbers(list).values().sum();
                assert!((sum - 1.0).abs() < 1e-5, "{attribute} sums to {sum}");
            }
        }
        let text = text(&page, "//section[@aria-labelledby='estimate']").await;
        for readable in [
            "Profession",
            "Student",
            "Age",
            "13–17",
            "Gender",
            "Female",
            "%",
        ] {
            assert!(text.contains(readable), "{readable} is missing in {text}");
        }
        assert!(announcement(&page).await.contains("Gender: "));
    });
}

#[test]
fn age_ranges_come_first_and_single_years_on_demand() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.press("Exam week").await;
        page.settled(SOON).await;
        let single = "//*[@data-attribute='age']//li[@data-class='23']";
        let visible = async || page.find(single).await.is_displayed().await.unwrap();
        // WebKit's driver calls the content of closed details visible.
        let closed = "return document.querySelector('[data-attribute=age] details').open";
        assert_eq!(page.script(closed).await, false);
        page.click("//summary[normalize-space()='All 11 classes']")
            .await;
        assert!(visible().await);
        let shown = page.shown().await;
        let (ranges, ages) = (numbers(&shown["age"][0]), numbers(&shown["age"][1]));
        let teens: f64 = ["13", "14", "15", "16", "17"]
            .iter()
            .map(|age| ages[*age])
            .sum();
        assert!((ranges["13-17"] - teens).abs() < 1e-5);
    });
}

#[test]
fn the_newest_text_wins() {
    Visit::default().run(async |page| {
        page.ready().await;
        for word in ["one", "two three", "my school", "my wife"] {
            page.write(word).await;
        }
        page.settled(SOON).await;
        same(&page.shown().await, &["my wife"]);
        page.press("Clear").await;
        page.settled(SOON).await;
        assert!(page.shown().await.is_empty(), "no text, no estimate");
    });
}

#[test]
fn two_hundred_rapid_edits_end_with_the_newest() {
    Visit::default().run(async |page| {
        page.ready().await;
        // After some of them the pause is long enough that the page reads them.
        page.script(
            "const area = document.querySelector('textarea');
            const words = ['my', 'school', 'is', 'so', 'boring', 'today'];
            return (async () => {
                for (let edit = 1; edit <= 200; edit += 1) {
                    area.value = words.slice(0, 1 + edit % 6).join(' ') + ' ' + edit;
                    area.dispatchEvent(new Event('input', { bubbles: true }));
                    await new Promise(resolve => setTimeout(resolve, edit % 40 ? 5 : 200));
                }
            })()",
        )
        .await;
        page.settled(SOON).await;
        same(&page.shown().await, &["my school is 200"]);
    });
}

#[test]
fn short_and_unknown_texts_have_a_warning() {
    Visit::default().run(async |page| {
        page.ready().await;
        for (text, message) in [
            (", ; .", "contains no words"),
            ("qwxzvkj zzxqqvw", "none of the words"),
            ("my school was fun", "too little for more than a guess"),
        ] {
            page.write(text).await;
            page.settled(SOON).await;
            let note = note(&page).await;
            assert!(note.contains(message), "{text:?}: {note}");
        }
    });
}
