//! The page can be used by keyboard alone.

use fantoccini::{
    actions::{InputSource, KeyAction, KeyActions},
    key::Key,
};
use serde_json::json;
use tests::{
    BILINGUAL,
    browser::{Page, SOON, Visit},
    same_by,
};

use crate::{announcement, bilingual, writers::done};

#[test]
fn everything_can_be_reached_and_used() {
    Visit::default().run(async |page| {
        page.ready().await;
        for language in ["English", "中文"] {
            assert_eq!(tab(&page).await, language);
        }
        press(&page, Key::Enter).await;
        assert_eq!(
            page.client.title().await.expect("a title"),
            "你的文字透露了什么"
        );
        hold(&page, &[Key::Shift, Key::Tab]).await;
        assert_eq!(focus(&page).await, "English");
        press(&page, Key::Enter).await;
        assert_eq!(tab(&page).await, "中文");

        assert_eq!(tab(&page).await, "posts");
        let area = page.client.active_element().await.expect("the text area");
        area.send_keys("my husband cooked dinner")
            .await
            .expect("it takes text");
        // The button 中文 has loaded the bilingual model.
        bilingual(&page).await;
        page.settled(SOON).await;
        same_by(
            BILINGUAL,
            &page.shown().await,
            &["my husband cooked dinner"],
        );

        assert_eq!(tab(&page).await, "Exam week");
        press(&page, Key::Enter).await;
        page.settled(SOON).await;
        assert!(announcement(&page).await.contains("Age: "));
        for control in [
            "Build server",
            "Forty essays",
            "Opening night",
            "C code at 19",
            "期末周",
            "服务器",
            "四十篇作文",
            "Clear",
            "Copy a link with this text",
            "files",
            "Who writes here?",
        ] {
            assert_eq!(tab(&page).await, control);
        }
        press(&page, Key::Enter).await;
        assert_eq!(tab(&page).await, "equal");
        press(&page, Key::Down).await;
        let assumed = "return document.querySelector('.assumed').innerText.startsWith('Base rates: as among')";
        page.until(assumed, SOON).await;
        page.settled(SOON).await;

        assert_eq!(tab(&page).await, "All 11 classes");
        press(&page, Key::Enter).await;
        let ages = page
            .find("//*[@data-attribute='age']//li[@data-class='23']")
            .await;
        assert!(ages.is_displayed().await.expect("it is on the page"));

        assert_eq!(tab(&page).await, "Why?");
        press(&page, Key::Enter).await;
        page.until("return document.querySelector('.marked') !== null", SOON)
            .await;
        assert_eq!(tab(&page).await, "select");
        press(&page, Key::Down).await;
        page.until(
            "const [heading] = document.querySelectorAll('h4');
            return heading?.innerText.endsWith(' IT') ?? false",
            SOON,
        )
        .await;

        // The text scrolls, so it takes the focus.
        assert!(tab(&page).await.contains("chem book"));
        assert_eq!(tab(&page).await, "auto");
        press(&page, Key::Right).await;
        page.until(
            "const line = document.querySelector('[aria-label=Computing] p');
            return line.innerText === 'Runs on the CPU.'",
            SOON,
        )
        .await;
        let ethics = "Consent, errors by group, and the law";
        assert_eq!(tab(&page).await, ethics);
        assert_eq!(tab(&page).await, "select");
        assert!(tab(&page).await.starts_with("About the model"));
    });
}

#[test]
fn the_focus_is_not_lost_with_a_button() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.press("Exam week").await;
        page.press("Clear").await;
        page.focused("posts").await;
    });
}

/// Gives a file of the writers 1 to 160, of which the page draws only those in sight.
async fn give_160_writers(page: &Page) {
    page.ready().await;
    let users: String = (1..=160)
        .map(|user| format!("{}\n", json!({ "id": user, "text": "my school" })))
        .collect();
    page.give("many.jsonl", users).await;
    done(page, 160).await;
}

#[test]
fn the_focus_jumped_to_another_writer_where_a_long_table_scrolled() {
    Visit::default().run(async |page| {
        give_160_writers(&page).await;
        let first =
            "document.querySelector('[aria-labelledby=writers] tbody:not(.space) button').focus()";
        page.script(first).await;
        for writer in 2..=90 {
            assert_eq!(tab(&page).await, writer.to_string());
        }
    });
}

#[test]
fn the_table_of_writers_could_not_be_skipped() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.give("three.txt", "my school\nmy mom\nmy wife\n").await;
        done(&page, 3).await;
        page.script("document.querySelector('.filter select').focus()")
            .await;
        assert_eq!(tab(&page).await, "Skip the table");
        press(&page, Key::Enter).await;
        page.focused("after-writers").await;
        assert_eq!(tab(&page).await, "auto");
    });
}

#[test]
fn the_focus_was_lost_where_a_long_table_scrolled_up() {
    Visit::default().run(async |page| {
        give_160_writers(&page).await;
        let table = "const table = document.querySelector('[aria-labelledby=writers] .table');
            const last = [...table.querySelectorAll('tbody:not(.space) button')].at(-1);";
        page.script(&format!("{table} table.scrollTop = table.scrollHeight"))
            .await;
        page.until(&format!("{table} return last.innerText === '160'"), SOON)
            .await;
        page.script(&format!("{table} last.focus()")).await;
        for writer in (70..160).rev() {
            hold(&page, &[Key::Shift, Key::Tab]).await;
            let focused = format!("return document.activeElement.innerText === '{writer}'");
            page.until(&focused, SOON).await;
        }
    });
}

async fn press(page: &Page, key: Key) {
    hold(page, &[key]).await;
}

/// Presses keys one after the other, then releases them.
async fn hold(page: &Page, keys: &[Key]) {
    let keys: Vec<char> = keys.iter().copied().map(char::from).collect();
    let down = keys.iter().map(|value| KeyAction::Down { value: *value });
    let up = (keys.iter().rev()).map(|value| KeyAction::Up { value: *value });
    let actions = down
        .chain(up)
        .fold(KeyActions::new("keys".into()), KeyActions::then);
    (page.client.perform_actions(actions).await).expect("keys can be pressed");
}

/// Moves the focus to the next control and returns its name.
async fn tab(page: &Page) -> String {
    press(page, Key::Tab).await;
    focus(page).await
}

async fn focus(page: &Page) -> String {
    let script = "const e = document.activeElement;
        return e.id || (e.matches('select') ? 'select' : e.value || e.innerText)";
    crate::string(page.script(script).await)
}
