//! A model that cannot be loaded is reported, and loading can be repeated. Scripts of the page do no harm.

use tests::{BUNDLE, browser::SOON, site};

use crate::{ELEMENT, POSTS, element, heard, inside, page, part, settled, shows};

#[test]
fn a_damaged_model_is_named_and_loading_can_be_repeated() {
    page("", &element("model=mine.safetensors"))
        .instead("mine.safetensors", damaged())
        .run(async move |page| {
            page.until("return heard.some(event => event.type === 'error')", SOON)
                .await;
            let errors = heard(&page, "error").await;
            let message = errors[0]["detail"]["message"].as_str().expect("a message");
            assert!(message.contains("damaged"), "{message}");
            let note = part(&page, ELEMENT, "note").await;
            assert!(note.contains(message), "{note}");

            page.site.put("mine.safetensors", site::read(BUNDLE));
            inside(&page, ELEMENT, "root.querySelector('[part=retry]').click()").await;
            shows(&page, ELEMENT, &POSTS).await;
            let hidden = "root.querySelector('[part=retry]').hidden";
            assert_eq!(inside(&page, ELEMENT, hidden).await, true);
        });
}

#[test]
fn the_terms_of_the_model_before_stayed_when_another_one_failed() {
    page("", &element(""))
        .instead("mine.safetensors", damaged())
        .run(async move |page| {
            settled(&page, ELEMENT).await;
            assert_ne!(part(&page, ELEMENT, "terms").await, "");
            page.script(&format!("{ELEMENT}.model = 'mine.safetensors'"))
                .await;
            page.until("return heard.some(event => event.type === 'error')", SOON)
                .await;
            assert_eq!(part(&page, ELEMENT, "terms").await, "");
            let about = "root.querySelector('[part=about]')";
            assert!(inside(&page, ELEMENT, about).await.is_null());
            page.script(&format!("{ELEMENT}.model = ''")).await;
            shows(&page, ELEMENT, &POSTS).await;
            assert_ne!(part(&page, ELEMENT, "terms").await, "");
        });
}

#[test]
fn a_misspelt_attribute_to_show_gave_an_empty_estimate() {
    page("", &element("show='gendre age'")).run(async |page| {
        let fault = "the attribute show names gendre, which the model lacks; it has profession, age, gender";
        let failed = async |times: usize| {
            let errors = format!(
                "return heard.filter(event => event.type === 'error').length === {times}"
            );
            page.until(&errors, SOON).await;
            let note = part(&page, ELEMENT, "note").await;
            assert_eq!(note, format!("No estimate: {fault}"));
        };
        failed(1).await;
        page.script(&format!("{ELEMENT}.show = 'gender age'")).await;
        settled(&page, ELEMENT).await;
        let shown = format!(
            "return !{ELEMENT}.shadowRoot.querySelector('[part=attributes]').hidden"
        );
        page.until(&shown, SOON).await;
        page.script(&format!("{ELEMENT}.show = 'gendre'")).await;
        failed(2).await;
    });
}

#[test]
fn a_chinese_element_named_the_fault_in_english() {
    page("", &element("model=mine.safetensors lang=zh"))
        .instead("mine.safetensors", damaged())
        .run(async |page| {
            let failed = async |times: usize| {
                let errors = format!(
                    "return heard.filter(event => event.type === 'error').length === {times}"
                );
                page.until(&errors, SOON).await;
                let errors = heard(&page, "error").await;
                let message = errors[times - 1]["detail"]["message"].as_str();
                let message = message.map(str::to_owned).expect("a message");
                [message, part(&page, ELEMENT, "note").await]
            };
            // For the page's script, the message is in English.
            let [message, note] = failed(1).await;
            assert!(message.starts_with("the bundle is damaged: "), "{message}");
            let start = "没有结果：模型文件已损坏（技术细节：";
            assert!(note.starts_with(start), "{note}");

            page.script(&format!("{ELEMENT}.model = 'http://'")).await;
            let [message, note] = failed(2).await;
            let english = "the attribute model is not a valid address: http://";
            assert_eq!(message, english);
            assert_eq!(note, "没有结果：属性 model 不是有效的地址：http://");

            page.script(&format!("{ELEMENT}.lang = 'en'")).await;
            let note = part(&page, ELEMENT, "note").await;
            assert_eq!(note, format!("No estimate: {english}"));
        });
}

/// The default model with one bit flipped.
fn damaged() -> Vec<u8> {
    let mut bytes = site::read(BUNDLE);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    bytes
}

#[test]
fn old_scripts_of_the_page_made_every_prediction_fail() {
    // As Prototype.js 1.6 and MooTools 1.4 have them.
    let scripts = "<script>
        Array.prototype.toJSON = function () { return `[${this.join()}]`; };
        Array.from = list => list;
    </script>";
    page(scripts, &element("")).run(async |page| {
        settled(&page, ELEMENT).await;
        // WebKit's driver would use it for the lists that it returns.
        page.script("delete Array.prototype.toJSON").await;
        shows(&page, ELEMENT, &POSTS).await;
    });
}

#[test]
fn a_fault_in_the_elements_own_code_left_it_waiting_for_ever() {
    // As old scripts of the page may cause it. These functions change what the page has: some drivers run scripts elsewhere.
    let scripts = "<script>
        const { flatMap } = Array.prototype, { values } = Object;
        function breakCards() { Array.prototype.flatMap = undefined; }
        function breakReplies() { Object.values = undefined; }
        function mend() { Array.prototype.flatMap = flatMap; Object.values = values; }
    </script>";
    let at_start = scripts.replace("</script>", "breakCards(); </script>");
    for (scripts, is_loaded) in [(at_start.as_str(), false), (scripts, true)] {
        page(scripts, &element("loading=eager")).run(async move |page| {
            if is_loaded {
                settled(&page, ELEMENT).await;
                let ask = format!("breakReplies(); {ELEMENT}.append(' My wife')");
                page.script(&ask).await;
            }
            page.until("return heard.some(event => event.type === 'error')", SOON)
                .await;
            page.script("mend()").await;
            let note = part(&page, ELEMENT, "note").await;
            assert!(note.starts_with("No estimate: "), "{note}");
            inside(&page, ELEMENT, "root.querySelector('[part=retry]').click()").await;
            settled(&page, ELEMENT).await;
        });
    }
}
