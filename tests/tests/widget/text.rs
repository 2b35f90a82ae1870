//! The text: the element's content, or the text that the page sets.

use model_core::bundle::Bundle;
use serde_json::json;
use tests::{BUNDLE, browser::SOON, site};

use crate::{ELEMENT, POSTS, element, heard, inside, page, part, settled, shows};

#[test]
fn one_line_in_a_page_shows_three_distributions() {
    page("", &element("")).run(async |page| {
        shows(&page, ELEMENT, &POSTS).await;
        let visible = "[...root.querySelectorAll('[data-attribute]')]
            .map(attribute => attribute.checkVisibility() && attribute.innerText)";
        let visible = inside(&page, ELEMENT, visible).await.to_string();
        for readable in ["Profession", "Student", "Age", "13–17", "Gender", "Female"] {
            assert!(
                visible.contains(readable),
                "{readable} is missing in {visible}"
            );
        }
        let note = part(&page, ELEMENT, "note").await;
        assert!(note.contains("too little for more than a guess"), "{note}");
    });
}

#[test]
fn all_words_of_a_text_that_was_cut_off_were_said_to_be_read() {
    let bundle = Bundle::from_bytes(&site::read(BUNDLE));
    let mut bundle = bundle.expect("the default model is sound");
    bundle.settings.max_words = 5;
    let bundle = bundle.to_bytes().expect("it stays sound");
    let visit = page("", &element("")).instead(BUNDLE, bundle);
    visit.run(async |page| {
        settled(&page, ELEMENT).await;
        let note = part(&page, ELEMENT, "note").await;
        assert!(
            note.starts_with("The model reads only the first 5 words. It knows 5 of them."),
            "{note}"
        );
    });
}

#[test]
fn a_new_text_takes_the_place_of_the_old() {
    page("", &element("")).run(async |page| {
        settled(&page, ELEMENT).await;
        for text in ["one", "two three", "my wife"] {
            page.script(&format!("{ELEMENT}.text = {}", json!(text)))
                .await;
        }
        shows(&page, ELEMENT, &["my wife"]).await;
        let texts = heard(&page, "prediction").await;
        let last = texts.last().expect("it was announced");
        assert_eq!(last["detail"]["text"], "my wife");

        page.script(&format!("{ELEMENT}.text = null")).await;
        shows(&page, ELEMENT, &POSTS).await;
        page.script(&format!(
            "{ELEMENT}.firstChild.data = 'my husband cooked dinner'"
        ))
        .await;
        shows(&page, ELEMENT, &["my husband cooked dinner"]).await;

        page.script(&format!("{ELEMENT}.text = ''")).await;
        let hidden = "return document.querySelector('user-attributes')
            .shadowRoot.querySelector('[part=attributes]').hidden";
        page.until(hidden, SOON).await;
        // A screen reader would still find the estimate of the text before.
        let announced = "return document.querySelector('user-attributes')
            .shadowRoot.querySelector('[role=status].announcement').textContent";
        assert_eq!(page.script(announced).await, "");
    });
}

#[test]
fn words_of_neighbouring_elements_were_glued_together() {
    let body = "<user-attributes><details><summary>my school</summary>band practice</details>\
        <fieldset><legend>homework</legend>my mom</fieldset>\
        <table><caption>my wife</caption><tr><td>the server</td></tr></table>so b<b>or</b>ing</user-attributes>";
    page("", body).run(async |page| {
        let words = "my school band practice homework my mom my wife the server so boring";
        let read = format!("return {ELEMENT}.text?.split(/\\s+/).join(' ') === '{words}'");
        page.until(&read, SOON).await;
    });
}

#[test]
fn text_is_never_read_as_html() {
    // Applies to the text of the page and to texts in a model.
    let hostile = "<img src=x onerror=\"document.title = 'broken into'\"><script>document.title = 'broken into'</script>";
    let mut bundle = Bundle::from_bytes(&site::read(BUNDLE)).expect("the page's model is sound");
    bundle.card.name = hostile.into();
    bundle.card.limits = hostile.into();
    let attribute = (bundle.settings.attributes.iter_mut())
        .find(|attribute| attribute.coarse_classes.is_empty())
        .expect("an attribute without coarse classes");
    attribute.name = hostile.into();
    attribute.classes[0] = hostile.into();
    let bundle = bundle.to_bytes().expect("it stays sound");
    page("", &element("model=hostile.safetensors"))
        .instead("hostile.safetensors", bundle)
        .run(async move |page| {
            let text = format!("{hostile} my school");
            page.until(&format!("return Boolean({ELEMENT}?.shadowRoot)"), SOON)
                .await;
            page.script(&format!("{ELEMENT}.text = {}", json!(text)))
                .await;
            settled(&page, ELEMENT).await;
            let strange = "root.querySelectorAll('img, script').length";
            assert_eq!(inside(&page, ELEMENT, strange).await, 0);
            assert_eq!(page.client.title().await.expect("a title"), "");
            let about = part(&page, ELEMENT, "about").await;
            assert!(about.contains("<img"), "{about}");
        });
}

#[test]
fn figures_of_several_corpora_looked_the_same() {
    page("", &element("")).run(async |page| {
        settled(&page, ELEMENT).await;
        let about = part(&page, ELEMENT, "about").await;
        for corpus in ["Gender, blogs:", "Gender, tweets-gender:"] {
            assert!(about.contains(corpus), "{about}");
        }
    });
}

#[test]
fn the_sources_of_the_model_were_left_out() {
    let mut bundle = Bundle::from_bytes(&site::read(BUNDLE)).expect("the page's model is sound");
    bundle.card.citations = vec!["Ann: On tea.".into(), "Ben: On milk.".into()];
    let bundle = bundle.to_bytes().expect("it stays sound");
    page("", &element("model=sources.safetensors"))
        .instead("sources.safetensors", bundle)
        .run(async |page| {
            settled(&page, ELEMENT).await;
            let about = part(&page, ELEMENT, "about").await;
            let sources = "SourcesAnn: On tea.\nBen: On milk.";
            assert!(about.contains(sources), "{about}");
        });
}

#[test]
fn the_terms_of_the_model_stood_only_in_its_card() {
    let mut bundle = Bundle::from_bytes(&site::read(BUNDLE)).expect("the page's model is sound");
    bundle.card.licence = "Only on Tuesdays.".into();
    bundle.card.not_for = "Wagers.".into();
    let bundle = bundle.to_bytes().expect("it stays sound");
    page("", &element("model=terms.safetensors"))
        .instead("terms.safetensors", bundle)
        .run(async |page| {
            settled(&page, ELEMENT).await;
            let visible = "[...root.querySelectorAll('[part=terms] > *')].map(fact => fact.checkVisibility() && fact.innerText)";
            assert_eq!(
                inside(&page, ELEMENT, visible).await,
                json!(["Terms", "Only on Tuesdays.", "Must not be used for", "Wagers."])
            );
            let address = inside(&page, ELEMENT, "root.querySelector('[part=ethics]').href").await;
            let wanted = page.site.url() + "widget/ethics.html";
            assert_eq!(address, wanted);
        });
}
