//! axe finds no barriers in any state of the page, nor in a page with the widget.

use serde_json::{Value, json};
use tests::{
    BUNDLE,
    browser::{Page, SOON, Visit},
    driver::Need,
    npm,
};

use crate::{archives, array, base_rates, damaged, failed, population, writers};

/// Visits in light and dark, on a desktop and on a phone. Not in forced colours: axe reads the fill colour of text, which
/// Chromium does not force.
fn visits() -> [Visit; 4] {
    [
        Visit::default().needs(Need::Light),
        Visit::default().needs(Need::Dark),
        Visit::default().phone(390, 844).needs(Need::Light),
        Visit::default().phone(390, 844).needs(Need::Dark),
    ]
}

#[test]
fn no_state_of_the_page_has_barriers() {
    for visit in visits() {
        visit.run(async |page| {
            page.ready().await;
            sound(&page, "empty").await;
            page.press("Forty essays").await;
            page.settled(SOON).await;
            sound(&page, "a result").await;
            open_everything(&page).await;
            sound(&page, "everything open").await;
            base_rates::choose(&page, base_rates::OWN).await;
            base_rates::set(&page, "Gender", "Female", "10").await;
            sound(&page, "own shares that do not sum to 100 %").await;
            page.press("中文").await;
            sound(&page, "in Chinese").await;
            page.press("English").await;
            page.give("writers.jsonl", writers::users(120)).await;
            writers::done(&page, 120).await;
            population::counted(&page, 120).await;
            sound(&page, "shares and a table of writers").await;
            page.open_details(".population details").await;
            sound(&page, "the shares of all classes").await;
            archives::one_writer(&page).await;
            sound(&page, "one writer").await;
        });
    }
}

#[test]
fn a_failed_page_has_no_barriers() {
    for visit in visits() {
        visit.instead(BUNDLE, damaged()).run(async |page| {
            failed(&page).await;
            sound(&page, "without a model").await;
        });
    }
}

#[test]
fn a_page_with_the_widget_has_no_barriers() {
    for visit in visits() {
        visit.open("embed.html").run(async |page| {
            // An element loads its model when it is scrolled into view.
            for id in ["estimate", "letter"] {
                page.script(&format!("document.querySelector('#{id}').scrollIntoView()"))
                    .await;
                let settled = format!("return Boolean(document.querySelector('#{id}').prediction)");
                page.until(&settled, SOON).await;
            }
            page.script(
                "for (const { shadowRoot } of document.querySelectorAll('user-attributes'))
                    for (const details of shadowRoot.querySelectorAll('details')) details.open = true",
            )
            .await;
            sound(&page, "with two elements").await;
        });
    }
}

#[test]
fn the_document_about_consent_has_no_barriers() {
    for visit in visits() {
        visit.open("widget/ethics.html").run(async |page| {
            // Without a style sheet axe takes the canvas of Firefox for white, also when it is dark.
            page.script("document.documentElement.style.background = 'Canvas'")
                .await;
            sound(&page, "the document").await;
        });
    }
}

#[test]
fn the_edges_of_form_fields_were_hardly_seen() {
    let pale = "
        const light = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255)
            .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
            .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
        const contrast = (one, other) => {
            const [less, more] = [light(one), light(other)].sort((one, other) => one - other);
            return (more + 0.05) / (less + 0.05);
        };
        const style = selector => getComputedStyle(document.querySelector(selector));
        return ['textarea', 'select', '[type=number]'].filter(field =>
            [field, '.panel'].some(ground => contrast(style(field).borderTopColor, style(ground).backgroundColor) < 3))";
    for need in [Need::Light, Need::Dark] {
        Visit::default().needs(need).run(async move |page| {
            page.ready().await;
            base_rates::choose(&page, base_rates::OWN).await;
            let shown = "return ['select', '[type=number]'].every(field => document.querySelector(field) !== null)";
            page.until(shown, SOON).await;
            assert_eq!(page.script(pale).await, json!([]));
        });
    }
}

#[test]
fn headings_had_the_level_of_the_heading_above_them_or_none_above() {
    Visit::default().run(async |page| {
        page.ready().await;
        archives::one_writer(&page).await;
        page.open_details(".about").await;
        page.until("return document.querySelector('.reliability') !== null", SOON)
            .await;
        let levels = page.script(
            "return ['.settling .attribute > h3', '.settling .attribute > h4', 'footer h2', 'footer h3']
                .map(heading => document.querySelectorAll(heading).length)",
        );
        assert_eq!(levels.await, json!([0, 3, 1, 1]));
        // The headings of the columns are a row of their table too.
        let row = page.script("return document.querySelector('[aria-labelledby=writers] thead tr').ariaRowIndex");
        assert_eq!(row.await, "1");
    });
}

#[test]
fn a_barrier_is_found() {
    Visit::default().run(async |page| {
        page.ready().await;
        page.script("document.documentElement.removeAttribute('lang')")
            .await;
        let found = findings(&page).await;
        assert_eq!(array(&found)[0]["id"], "html-has-lang", "{found}");
    });
}

async fn open_everything(page: &Page) {
    page.open_details("details").await;
    page.until(
        "return ['.marked', '.result table', '.about table'].every(part => document.querySelector(part) !== null)",
        SOON,
    )
    .await;
}

/// Checks that axe finds nothing.
async fn sound(page: &Page, state: &str) {
    let found = findings(page).await;
    assert_eq!(found, json!([]), "{state}: {found:#}");
}

/// The findings of axe in the page as it is, after all animations.
async fn findings(page: &Page) -> Value {
    let axe = std::fs::read_to_string(npm::file("axe-core/axe.min.js")).expect("axe is text");
    if page.script("return window.axe === undefined").await == true {
        // The page's policy does not apply to scripts of the driver.
        page.script(&axe).await;
    }
    page.script(
        "return (async () => {
            await Promise.all(document.getAnimations().map(({ finished }) => finished));
            const { violations } = await axe.run();
            return violations.map(({ id, impact, help, nodes }) =>
                ({ id, impact, help, at: nodes.map(({ target, html, failureSummary }) => [target.flat().join(' '), html, failureSummary]) }));
        })()",
    )
    .await
}
