//! The page on a narrow screen.

use serde_json::json;
use tests::{
    BUNDLE,
    browser::{Page, SOON, Visit},
};

use crate::{
    archives, base_rates, bundle, population,
    writers::{self, done},
};

#[test]
fn a_phone_needs_no_sideways_scrolling() {
    for languages in ["en", "zh-CN"] {
        let visit = Visit::default().phone(320, 640).languages(languages);
        visit.run(async |page| {
            everything_fits(&page).await;
        });
    }
}

#[test]
fn at_400_percent_nothing_scrolls_sideways_or_is_cut_off() {
    // A window of 1280 by 1024 pixels.
    let visit = Visit::default().screen(320, 256, 4.0);
    visit.run(async |page| everything_fits(&page).await);
}

/// Checks all states of the page on a screen of 320 CSS pixels.
async fn everything_fits(page: &Page) {
    page.ready().await;
    fits(page, "empty").await;
    let long = "a".repeat(300);
    page.write(&format!("my school was fun today {long}")).await;
    page.settled(SOON).await;
    page.open_details("details").await;
    page.until("return document.querySelector('.marked') !== null", SOON)
        .await;
    fits(page, "with everything open").await;

    page.give(&format!("{long:.200}.txt"), "my school\nmy wife\n")
        .await;
    done(page, 2).await;
    fits(page, "with a table").await;

    archives::one_writer(page).await;
    fits(page, "with one writer").await;

    page.give("many.jsonl", writers::users(40)).await;
    population::counted(page, 40).await;
    page.open_details(".population details").await;
    fits(page, "with the shares of all classes").await;
}

#[test]
fn a_probability_above_99_percent_took_two_lines() {
    Visit::default().phone(320, 640).run(async |page| {
        page.ready().await;
        page.write("my math teacher gave us so much homework today")
            .await;
        page.settled(SOON).await;
        let heights = page.script(
            "const shown = [...document.querySelectorAll('.bars:not(details *) .percent')];
            return [shown.some(one => one.innerText === '>99%'), new Set(shown.map(one => one.offsetHeight)).size]",
        );
        assert_eq!(heights.await, json!([true, 1]));
    });
}

#[test]
fn a_name_without_spaces_made_the_page_scroll_sideways() {
    let name = "n".repeat(120);
    let model = bundle(|bundle| {
        bundle.card.name = name.clone();
        let attribute = &mut bundle.settings.attributes[2];
        attribute.name = name.clone();
        for class in &mut attribute.classes {
            class.push_str(&name);
        }
    });
    let visit = Visit::default().phone(320, 640).instead(BUNDLE, model);
    visit.run(async move |page| {
        page.ready().await;
        page.write("my school was fun today").await;
        page.settled(SOON).await;
        page.open_details("details").await;
        let opened = "return document.querySelector('.marked') !== null
            && document.querySelector('.result table') !== null";
        page.until(opened, SOON).await;
        base_rates::choose(&page, base_rates::OWN).await;
        page.until("return document.querySelector('.shares') !== null", SOON)
            .await;
        fits(&page, "with long names of the model").await;

        let users = format!(r#"{{"id": "{name}", "text": "my school"}}"#);
        page.give(&format!("{name}.jsonl"), users).await;
        done(&page, 1).await;
        fits(&page, "with long names of a writer and a file").await;

        page.give("many.jsonl", writers::users(40)).await;
        population::counted(&page, 40).await;
        fits(&page, "with the shares of classes with long names").await;
    });
}

async fn fits(page: &Page, when: &str) {
    let width = page.script("return document.documentElement.scrollWidth");
    assert_eq!(width.await, 320, "{when}");
    // Cut off: text beyond the edge of the screen or of a box that hides it. Boxes that scroll are not cut off, nor is text for
    // screen readers alone.
    let cut = page.script(
        "const cut = [];
        const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (texts.nextNode()) {
            const parent = texts.currentNode.parentElement;
            if (!texts.currentNode.data.trim() || !parent.checkVisibility() || parent.closest('svg, select, textarea')) continue;
            const range = document.createRange();
            range.selectNode(texts.currentNode);
            const { left, right } = range.getBoundingClientRect();
            let [from, to] = [0, document.documentElement.clientWidth];
            for (let box = parent; box; box = box.parentElement) {
                const { overflowX, clipPath } = getComputedStyle(box);
                if (['auto', 'scroll'].includes(overflowX) || clipPath !== 'none') { [from, to] = [-Infinity, Infinity]; break; }
                if (overflowX === 'visible') continue;
                const edges = box.getBoundingClientRect();
                [from, to] = [Math.max(from, edges.left), Math.min(to, edges.right)];
            }
            if (right > left && (left < from - 1 || right > to + 1)) cut.push(texts.currentNode.data);
        }
        return cut",
    );
    assert_eq!(cut.await, json!([]), "{when}");
}
