//! The page for visitors whose system replaces its colours, or wants no motion.

use serde_json::json;
use tests::{
    browser::{SOON, Visit},
    driver::Need,
};

use crate::{archives, population, writers};

#[test]
fn the_bar_of_the_top_class_was_invisible_in_forced_colours() {
    Visit::default()
        .needs(Need::ForcedColours)
        .run(async |page| {
            page.ready().await;
            page.press("Exam week").await;
            page.settled(SOON).await;
            // Pairs of selectors whose elements must differ in a style.
            for (one, other, style) in [
                (".top .bar > span", ".bar", "backgroundColor"),
                ("li:not(.top) .bar > span", ".bar", "backgroundColor"),
                (
                    ".top .bar > span",
                    "li:not(.top) .bar > span",
                    "backgroundColor",
                ),
                (".bar", "body", "outlineStyle"),
                (
                    ".languages [aria-pressed=true]",
                    ".languages [aria-pressed=false]",
                    "backgroundColor",
                ),
                (
                    "input:checked + span",
                    "input:not(:checked) + span",
                    "backgroundColor",
                ),
            ] {
                let styles = format!(
                    "return matchMedia('(forced-colors: active)').matches && ['{one}', '{other}']
                    .map(selector => getComputedStyle(document.querySelector(selector)).{style})"
                );
                let styles = page.script(&styles).await;
                assert_ne!(styles[0], styles[1], "{one} and {other}: {styles}");
            }
        });
}

#[test]
fn the_chosen_language_was_unreadable_under_the_mouse() {
    Visit::default()
        .needs(Need::ForcedColours)
        .run(async |page| {
            page.ready().await;
            page.press("English").await;
            let hovered =
                "return document.querySelector('.languages [aria-pressed=true]').matches(':hover')";
            assert_eq!(page.script(hovered).await, true);
            let colours = page.script(
                "return ['.languages [aria-pressed=true]', 'input:checked + span']
                .map(selector => getComputedStyle(document.querySelector(selector)).color)",
            );
            let colours = colours.await;
            assert_eq!(colours[0], colours[1]);
        });
}

#[test]
fn the_edges_of_controls_were_hardly_seen_in_firefox() {
    Visit::default()
        .needs(Need::ForcedColours)
        .run(async |page| {
            page.ready().await;
            page.press("Exam week").await;
            page.settled(SOON).await;
            let pale = page.script(
                "const { color } = getComputedStyle(document.body);
                const controls = ['textarea', '.examples button:not(:hover)', '.clear', '.choose .button', 'select',
                    '.status fieldset', '.languages [aria-pressed=false]'];
                return controls.filter(one => getComputedStyle(document.querySelector(one)).borderTopColor !== color)",
            );
            assert_eq!(pale.await, json!([]));
        });
}

#[test]
fn intervals_stand_out_from_their_bars() {
    Visit::default().needs(Need::ForcedColours).run(async |page| {
        page.ready().await;
        page.give("writers.jsonl", writers::users(40)).await;
        population::counted(&page, 40).await;
        let colours = page.script(
            "return ['.interval', '.bar > span', 'body'].map(selector =>
                getComputedStyle(document.querySelector(`.shares ${selector}, ${selector}`)).backgroundColor)",
        );
        let colours = colours.await;
        assert_ne!(colours[0], colours[1], "{colours}");
        assert_ne!(colours[0], colours[2], "{colours}");
    });
}

#[test]
fn evidence_had_only_colours() {
    Visit::default().needs(Need::ForcedColours).run(async |page| {
        page.ready().await;
        page.press("Exam week").await;
        page.settled(SOON).await;
        page.click("//summary[normalize-space()='Why?']").await;
        page.until(
            "return document.querySelector('.word.against') !== null",
            SOON,
        )
        .await;
        let lines = page.script(
            "return ['.word:not(.against)', '.word.against'].map(selector => {
                const { textDecorationLine, textDecorationStyle } = getComputedStyle(document.querySelector(selector));
                return [textDecorationLine, textDecorationStyle];
            })",
        );
        assert_eq!(
            lines.await,
            json!([["underline", "solid"], ["underline", "dotted"]])
        );
    });
}

#[test]
fn the_lines_of_a_settling_estimate_differ_without_colours() {
    Visit::default().needs(Need::ForcedColours).run(async |page| {
        page.ready().await;
        archives::one_writer(&page).await;
        let lines = page.script(
            "return ['.right', '.answered'].map(line => {
                const { stroke, strokeWidth, strokeDasharray } = getComputedStyle(document.querySelector(`.settles ${line}`));
                return [stroke, `${strokeWidth} ${strokeDasharray}`];
            })",
        );
        let lines = lines.await;
        assert_ne!(lines[0][1], lines[1][1], "{lines}");
        let paper = page.script("return getComputedStyle(document.body).backgroundColor").await;
        assert_ne!(lines[0][0], paper, "{lines}");
        assert_ne!(lines[1][0], paper, "{lines}");
    });
}

#[test]
fn nothing_moves_for_readers_who_want_no_motion() {
    let visit = Visit::default().needs(Need::ReducedMotion);
    visit.run(async |page| {
        page.ready().await;
        page.press("Exam week").await;
        page.settled(SOON).await;
        let moving = "return matchMedia('(prefers-reduced-motion: reduce)').matches && [...document.querySelectorAll('*')]
            .filter(element => getComputedStyle(element).transitionProperty !== 'none').length";
        assert_eq!(page.script(moving).await, 0);
    });
}
