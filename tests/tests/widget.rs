//! The element `<user-attributes>` in pages that know nothing of it, one behaviour a test.

use std::time::Duration;

use model_core::bundle::Bundle;
use serde_json::{Value, json};
use tests::{
    BUNDLE,
    browser::{Page, SOON, Visit},
    same, site,
};

/// Made up, like every text here.
const POSTS: [&str; 2] = [
    "my math teacher gave us so much homework today",
    "band practice was fun though",
];

/// The one line that the element needs of a page.
const LINE: &str = r#"<script type="module" src="widget/user-attributes.js"></script>"#;

/// As strict as a page can be that runs WebAssembly.
const STRICT: &str = r#"<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; connect-src 'self'; worker-src 'self'">"#;

/// Keeps what the element says, what the page's policy forbids, and how many workers there have been.
const LISTEN: &str = "
    window.heard = [];
    window.violations = [];
    window.workers = 0;
    for (const type of ['progress', 'ready', 'prediction', 'error'])
        document.addEventListener(type, ({ target, detail }) =>
            heard.push({ type, id: target.id, detail: JSON.parse(JSON.stringify(detail)) }));
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI, sourceFile }) =>
        violations.push(`${violatedDirective}: ${blockedURI} in ${sourceFile}`));
    window.Worker = class extends Worker {
        constructor(...given) {
            super(...given);
            workers += 1;
        }
    };
";

/// The page's first such element.
const ELEMENT: &str = "document.querySelector('user-attributes')";

/// A visit of a page with this in its head and body.
fn page(head: &str, body: &str) -> Visit {
    let listen = r#"<script src="listen.js"></script>"#;
    let html = format!(
        "<!doctype html><html lang=en><head><meta charset=utf-8>{head}{listen}{LINE}</head><body>{body}</body></html>"
    );
    Visit::default()
        .instead("host.html", html.into_bytes())
        .instead("listen.js", LISTEN.as_bytes().to_vec())
        .open("host.html")
}

/// The element with these attributes, and the posts in it.
fn element(attributes: &str) -> String {
    let posts = POSTS.join("\n");
    format!("<user-attributes {attributes}>{posts}</user-attributes>")
}

/// Waits until an element has a prediction of its text.
async fn settled(page: &Page, element: &str) {
    page.until(&format!("return Boolean({element}?.prediction)"), SOON)
        .await;
}

/// Checks that an element shows what the command says about these posts.
async fn shows(page: &Page, element: &str, posts: &[&str]) {
    settled(page, element).await;
    same(
        &page.shown_in(&format!("{element}.shadowRoot")).await,
        posts,
    );
}

/// What an expression about an element's shadow root, `root`, gives.
async fn inside(page: &Page, element: &str, expression: &str) -> Value {
    let script = format!("const root = {element}.shadowRoot; return {expression}");
    page.script(&script).await
}

/// The text that an element shows in one of its parts.
async fn part(page: &Page, element: &str, part: &str) -> String {
    let text = format!("root.querySelector('[part~={part}]').textContent");
    let text = inside(page, element, &text).await;
    text.as_str().expect("a text").to_owned()
}

/// The element's events so far of one type.
async fn heard(page: &Page, kind: &str) -> Vec<Value> {
    let script = format!("return heard.filter(event => event.type === '{kind}')");
    match page.script(&script).await {
        Value::Array(events) => events,
        other => panic!("no list of events: {other}"),
    }
}

/// How often the site was asked for files whose path ends so.
fn asked(page: &Page, end: &str) -> usize {
    let requests = page.site.requests();
    requests.iter().filter(|path| path.ends_with(end)).count()
}

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
        assert!(note.contains("take it as a guess"), "{note}");
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
        let last = texts.last().expect("it was said");
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
    });
}

#[test]
fn a_strict_policy_has_nothing_to_object_to() {
    page(STRICT, &element("theme=dark")).run(async |page| {
        shows(&page, ELEMENT, &POSTS).await;
        assert_eq!(page.script("return violations").await, json!([]));
        // The sheet is there, and the bars have their widths.
        let widths = "[...root.querySelectorAll('[part=fill]')]
            .some(bar => bar.checkVisibility() && bar.offsetWidth > 0)";
        assert_eq!(inside(&page, ELEMENT, widths).await, true);
        // A violation would have been noticed.
        page.script("document.body.setAttribute('style', 'color: red')")
            .await;
        page.until("return violations.length > 0", SOON).await;
    });
}

#[test]
fn it_works_in_a_frame() {
    let frame = r#"<iframe src="inner.html" width="900" height="700"></iframe>"#;
    let inner = format!("<!doctype html>{LINE}{}", element(""));
    let visit = page("", frame).instead("inner.html", inner.into_bytes());
    visit.run(async |page| {
        let element =
            "document.querySelector('iframe').contentDocument.querySelector('user-attributes')";
        shows(&page, element, &POSTS).await;
    });
}

#[test]
fn elements_share_one_worker_and_one_model() {
    let body = format!(
        "{}<user-attributes id=two loading=eager>my wife</user-attributes>",
        element("id=one loading=eager")
    );
    page("", &body).run(async |page| {
        shows(&page, "document.querySelector('#one')", &POSTS).await;
        shows(&page, "document.querySelector('#two')", &["my wife"]).await;
        assert_eq!(page.script("return workers").await, 1);
        for file in [".safetensors", "worker_bg.wasm", "start_worker.js"] {
            assert_eq!(asked(&page, file), 1, "{file}: {:?}", page.site.requests());
        }
        // One of them goes; the other's model stays.
        page.script("document.querySelector('#one').remove(); document.querySelector('#two').text = 'my school'")
            .await;
        shows(&page, "document.querySelector('#two')", &["my school"]).await;
        assert_eq!(page.script("return workers").await, 1);
    });
}

#[test]
fn far_below_what_is_seen_nothing_is_loaded() {
    let body = format!(
        "<div id=space></div><script>space.style.height = '9000px'</script>{}",
        element("")
    );
    page("", &body).run(async |page| {
        page.until(&format!("return Boolean({ELEMENT}.shadowRoot)"), SOON)
            .await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(asked(&page, ".safetensors"), 0);
        page.script(&format!("{ELEMENT}.scrollIntoView()")).await;
        shows(&page, ELEMENT, &POSTS).await;
    });
}

#[test]
fn events_tell_what_happens() {
    page("", &element("id=one backend=cpu")).run(async |page| {
        settled(&page, ELEMENT).await;
        for event in heard(&page, "progress").await {
            let detail = &event["detail"];
            let numbers = [&detail["received"], &detail["total"]].map(Value::as_u64);
            let [received, total] = numbers;
            assert!(
                received.is_some() && received <= total.or(received),
                "{event}"
            );
        }
        let progress = heard(&page, "progress").await;
        let of_model = |event: &Value| event["detail"]["asset"] == "model";
        assert!(progress.iter().any(of_model), "{progress:?}");

        let ready = heard(&page, "ready").await;
        assert_eq!(ready.len(), 1);
        assert_eq!(ready[0]["id"], "one");
        let detail = &ready[0]["detail"];
        assert_eq!(detail["card"]["languages"], json!(["en"]));
        assert_eq!(detail["attributes"][1]["name"], "age");
        assert_eq!(detail["backend"], json!({ "cpu": { "because": null } }));

        let predictions = heard(&page, "prediction").await;
        assert_eq!(predictions.len(), 1);
        let detail = &predictions[0]["detail"];
        assert_eq!(detail["text"], POSTS.join("\n"));
        let said = tests::predict(&POSTS);
        for field in ["words", "known_words"] {
            assert_eq!(detail["prediction"][field], said[field]);
        }
        assert_eq!(
            detail["prediction"]["predictions"]["gender"]["label"],
            said["predictions"]["gender"]["label"]
        );
        assert_eq!(heard(&page, "error").await, [Value::Null; 0]);
    });
}

#[test]
fn text_is_never_read_as_html() {
    // Neither the page's nor that of a model from somewhere.
    let hostile = "<img src=x onerror=\"document.title = 'broken into'\"><script>document.title = 'broken into'</script>";
    let mut bundle = Bundle::from_bytes(&site::read(BUNDLE)).expect("the page's model is sound");
    bundle.card.name = hostile.into();
    bundle.card.limits = hostile.into();
    let attribute = (bundle.settings.attributes.iter_mut())
        .find(|attribute| attribute.groups.is_empty())
        .expect("an attribute without groups");
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
fn an_element_that_is_put_back_works_again() {
    page("", &element("")).run(async |page| {
        settled(&page, ELEMENT).await;
        // Moved, it keeps its model.
        page.script(&format!(
            "const place = document.createElement('div'); document.body.append(place); place.append({ELEMENT})"
        ))
        .await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        shows(&page, ELEMENT, &POSTS).await;
        assert_eq!(page.script("return workers").await, 1);
        assert_eq!(heard(&page, "ready").await.len(), 1);

        // Taken out, it frees it, and with the last model goes the worker.
        page.script(&format!("window.kept = {ELEMENT}; kept.remove()")).await;
        page.script("document.body.append(kept); kept.text = 'my wife'").await;
        shows(&page, ELEMENT, &["my wife"]).await;
        assert_eq!(page.script("return workers").await, 2);
        assert_eq!(heard(&page, "ready").await.len(), 2);
    });
}

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
