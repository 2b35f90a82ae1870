//! A model that cannot be loaded is reported, and loading can be repeated. Scripts of the page do no harm.

use tests::{BUNDLE, browser::SOON, site};

use crate::{ELEMENT, POSTS, element, heard, inside, page, part, shows};

#[test]
fn a_damaged_model_is_named_and_loading_can_be_repeated() {
    let sound = site::read(BUNDLE);
    let mut damaged = sound.clone();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    page("", &element("model=mine.safetensors"))
        .instead("mine.safetensors", damaged)
        .run(async move |page| {
            page.until("return heard.some(event => event.type === 'error')", SOON)
                .await;
            let errors = heard(&page, "error").await;
            let message = errors[0]["detail"]["message"].as_str().expect("a message");
            assert!(message.contains("damaged"), "{message}");
            let note = part(&page, ELEMENT, "note").await;
            assert!(note.contains(message), "{note}");

            page.site.put("mine.safetensors", sound);
            inside(&page, ELEMENT, "root.querySelector('[part=retry]').click()").await;
            shows(&page, ELEMENT, &POSTS).await;
            let hidden = "root.querySelector('[part=retry]').hidden";
            assert_eq!(inside(&page, ELEMENT, hidden).await, true);
        });
}

#[test]
fn old_scripts_of_the_page_made_every_prediction_fail() {
    // As Prototype.js 1.6 and MooTools 1.4 have them.
    let scripts = "<script>
        Array.prototype.toJSON = function () { return `[${this.join()}]`; };
        Array.from = list => list;
    </script>";
    page(scripts, &element("")).run(async |page| {
        shows(&page, ELEMENT, &POSTS).await;
    });
}
