//! Attributes, style sheets and narrow screens.

use serde_json::json;
use tests::{
    browser::{SOON, Visit},
    driver::Need,
    same_by, site,
};

use crate::{ELEMENT, LISTEN, POSTS, element, heard, inside, page, part, settled, shows};

#[test]
fn the_example_page_works_under_its_policy() {
    let script = [LISTEN.as_bytes(), &site::read("embed.js")].concat();
    let visit = Visit::default().instead("embed.js", script);
    visit.open("embed.html").run(async |page| {
        let estimate = "document.querySelector('#estimate')";
        settled(&page, estimate).await;
        page.write("my school was fun today\nmy mom says no").await;
        shows(
            &page,
            estimate,
            &["my school was fun today", "my mom says no"],
        )
        .await;

        let letter = "document.querySelector('#letter')";
        page.script(&format!("{letter}.scrollIntoView()")).await;
        settled(&page, letter).await;
        let shown = page.shown_in(&format!("{letter}.shadowRoot")).await;
        let mut names: Vec<_> = shown.keys().collect();
        names.sort();
        assert_eq!(names, ["age", "gender"]);
        assert_eq!(part(&page, letter, "heading").await, "模型的估计");
        let scheme = "getComputedStyle(root.querySelector('[part=panel]')).colorScheme";
        assert_eq!(inside(&page, letter, scheme).await, "dark");
        assert_eq!(page.script("return violations").await, json!([]));
    });
}

#[test]
fn a_phone_needs_no_sideways_scrolling() {
    let visit = Visit::default().phone(320, 640);
    visit.open("embed.html").run(async |page| {
        page.script("document.querySelector('#estimate').scrollIntoView()")
            .await;
        settled(&page, "document.querySelector('#estimate')").await;
        page.write(&format!("my school was fun today {}", "a".repeat(300)))
            .await;
        settled(&page, "document.querySelector('#estimate')").await;
        page.script(
            "document.querySelector('#estimate').shadowRoot
                .querySelectorAll('details').forEach(details => details.open = true)",
        )
        .await;
        let width = page.script("return document.documentElement.scrollWidth");
        assert_eq!(width.await, 320);
    });
}

#[test]
fn attributes_can_change_at_any_time() {
    page("", &element("backend=cpu")).run(async |page| {
        settled(&page, ELEMENT).await;
        let set = async |name: &str, value: &str| {
            let set = format!("{ELEMENT}.setAttribute('{name}', '{value}')");
            page.script(&set).await;
        };
        set("lang", "zh").await;
        assert_eq!(part(&page, ELEMENT, "heading").await, "模型的估计");

        set("show", "gender age").await;
        let order =
            "[...root.querySelectorAll('[data-attribute]')].map(one => one.dataset.attribute)";
        assert_eq!(
            inside(&page, ELEMENT, order).await,
            json!(["gender", "age"])
        );
        // As a property too. The DOM's own property `attributes` is left alone.
        page.script(&format!("{ELEMENT}.show = 'age'")).await;
        assert_eq!(inside(&page, ELEMENT, order).await, json!(["age"]));
        let properties = format!(
            "return [{ELEMENT}.show, {ELEMENT}.getAttribute('show'),
                {ELEMENT}.attributes === Object.getOwnPropertyDescriptor(Element.prototype, 'attributes').get.call({ELEMENT})]"
        );
        assert_eq!(page.script(&properties).await, json!(["age", "age", true]));
        set("show", "").await;

        let scheme = "getComputedStyle(root.querySelector('[part=panel]')).colorScheme";
        for theme in ["light", "dark"] {
            set("theme", theme).await;
            assert_eq!(inside(&page, ELEMENT, scheme).await, theme);
        }

        // Another model estimates the same text again.
        let other = "widget/models/en-single.safetensors";
        set("model", other).await;
        page.until(
            "return heard.filter(event => event.type === 'prediction').length === 2",
            SOON,
        )
        .await;
        let shown = page.shown_in(&format!("{ELEMENT}.shadowRoot")).await;
        same_by(other, &shown, &POSTS);
        let backends: Vec<_> = (heard(&page, "ready").await.into_iter())
            .map(|event| event["detail"]["backend"].clone())
            .collect();
        let cpu = json!({ "cpu": { "because": null } });
        assert_eq!(backends, [cpu.clone(), cpu]);
    });
}

#[test]
fn a_change_of_the_pages_language_was_not_followed() {
    page("", &format!("<main>{}</main>", element(""))).run(async |page| {
        settled(&page, ELEMENT).await;
        for (place, language, heading) in [
            ("document.documentElement", "zh", "模型的估计"),
            (
                "document.querySelector('main')",
                "en",
                "The model’s estimate",
            ),
        ] {
            page.script(&format!("{place}.lang = '{language}'")).await;
            assert_eq!(part(&page, ELEMENT, "heading").await, heading);
        }
        // Nor where the element has been moved.
        page.script(&format!("document.body.append({ELEMENT})"))
            .await;
        assert_eq!(part(&page, ELEMENT, "heading").await, "模型的估计");
        page.script("document.documentElement.lang = 'en'").await;
        let heading = part(&page, ELEMENT, "heading").await;
        assert_eq!(heading, "The model’s estimate");
    });
}

#[test]
fn a_style_sheet_reaches_colours_and_parts() {
    let style = "<style>
        user-attributes { --user-attributes-accent: rgb(1, 2, 3); --user-attributes-radius: 7px }
        user-attributes::part(heading) { display: none }
        user-attributes::part(percent) { letter-spacing: 4px }
    </style>";
    page(style, &element("")).run(async |page| {
        shows(&page, ELEMENT, &POSTS).await;
        let style = async |selector: &str, property: &str| {
            let style = format!("getComputedStyle(root.querySelector('{selector}')).{property}");
            let value = inside(&page, ELEMENT, &style).await;
            value.as_str().map(str::to_owned).expect("a style is text")
        };
        let top = "[part~=top] [part=fill]";
        assert_eq!(style(top, "backgroundColor").await, "rgb(1, 2, 3)");
        let other = "[part=class] [part=fill]";
        assert_ne!(style(other, "backgroundColor").await, "rgb(1, 2, 3)");
        assert_eq!(style("[part=panel]", "borderTopLeftRadius").await, "7px");
        assert_eq!(style("[part=heading]", "display").await, "none");
        assert_eq!(style("[part=percent]", "letterSpacing").await, "4px");
    });
}

#[test]
fn the_bars_are_seen_in_forced_colours() {
    let visit = page("", &element("")).needs(Need::ForcedColours);
    visit.run(async |page| {
        shows(&page, ELEMENT, &POSTS).await;
        let colours = "['.bar', '.top .bar > span', 'li:not(.top) .bar > span']
            .map(selector => getComputedStyle(root.querySelector(selector)).backgroundColor)";
        let colours = inside(&page, ELEMENT, colours).await;
        let [track, top, other] = [0_usize, 1, 2].map(|place| colours[place].clone());
        assert!(track != top && track != other && top != other, "{colours}");
    });
}

#[test]
fn styles_of_the_page_broke_words_and_turned_lines() {
    let style = "<style>
        body { word-break: break-all; hyphens: auto; text-shadow: 1px 1px red; font-variant: small-caps }
        user-attributes { writing-mode: vertical-rl }
    </style>";
    page(style, &element("")).run(async |page| {
        shows(&page, ELEMENT, &POSTS).await;
        let styles = "(({ wordBreak, hyphens, textShadow, fontVariantCaps, writingMode }) =>
            [wordBreak, hyphens, textShadow, fontVariantCaps, writingMode])(getComputedStyle(root.querySelector('[part=note]')))";
        let own = json!(["normal", "manual", "none", "normal", "horizontal-tb"]);
        assert_eq!(inside(&page, ELEMENT, styles).await, own);
    });
}

#[test]
fn a_probability_above_99_percent_took_two_lines() {
    page("", &element("")).run(async |page| {
        shows(&page, ELEMENT, &POSTS).await;
        let heights = "(shown => [shown.some(one => one.textContent === '>99%'), new Set(shown.map(one => one.offsetHeight)).size])(
            [...root.querySelectorAll('[part=percent]')].filter(one => one.checkVisibility()))";
        assert_eq!(inside(&page, ELEMENT, heights).await, json!([true, 1]));
    });
}
