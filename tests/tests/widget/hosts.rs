//! Pages that treat the element as few do: its folder on another site, several copies, other documents, the text in an attribute.

use serde_json::json;
use tests::{
    browser::{Page, SOON, Visit},
    site,
};

use crate::{
    ELEMENT, POSTS, element, heard, inside, package::files, page, part, predicts, settled, shows,
};

/// A line with the address of another site. The browser's proxy answers for it.
const CDN: &str = "http://cdn.example/npm/user-attributes@0.1.0";

/// A visit to a page with the element, whose files come from the other site.
fn from_another_site() -> Visit {
    let line = format!(r#"<script type="module" src="{CDN}/user-attributes.js"></script>"#);
    let html = format!(
        "<!doctype html><html><head><script src=\"listen.js\"></script>{line}</head><body>{}</body></html>",
        element("")
    );
    let mut visit = page("", "")
        .instead("host.html", html.into_bytes())
        .add_header("Access-Control-Allow-Origin: *");
    for (name, bytes) in files(&site::file("widget")) {
        if !name.starts_with("gpu") && !name.starts_with("models/zh") {
            visit = visit.instead(&format!("{CDN}/{name}"), bytes);
        }
    }
    visit
}

#[test]
fn more_bytes_of_another_site_arrived_than_there_were_said_to_be() {
    from_another_site().run(async |page| {
        settled(&page, ELEMENT).await;
        // The length in the header is that of the compressed file, and the test's server compresses none.
        let progress = heard(&page, "progress").await;
        assert!(!progress.is_empty());
        for event in progress {
            assert_eq!(event["detail"]["total"], json!(null), "{event}");
        }
    });
}

#[test]
fn a_line_with_an_address_of_another_site_is_enough() {
    from_another_site().run(async |page| {
        shows(&page, ELEMENT, &POSTS).await;
        let requests = page.site.requests();
        assert!(
            requests.contains(&format!("{CDN}/worker_bg.wasm")),
            "{requests:?}"
        );
        let own = requests.iter().find(|path| path.starts_with("widget/"));
        assert_eq!(own, None);
    });
}

/// Changes to the widget's files, each the file, a text in it and what replaces that text. They make a version with other words,
/// whose page and worker send messages that this version does not understand, and the other way round.
const CHANGES: [(&str, &str, &str); 4] = [
    (
        "messages.js",
        "The model’s estimate",
        "The later model’s estimate",
    ),
    (
        "index.js",
        "const worker = startWorker();",
        "const worker = startWorker();
        const send = worker.postMessage.bind(worker);
        worker.postMessage = (text) => send(`later ${text}`);",
    ),
    (
        "index.js",
        "worker.onmessage = ({ data }) => receive(data);",
        "worker.onmessage = ({ data }) => receive(data.slice('later '.length));",
    ),
    (
        "start_worker.js",
        "run().catch(",
        "const send = postMessage.bind(globalThis);
        globalThis.postMessage = (text) => send(`later ${text}`);
        addEventListener('message', (event) => {
            if (!event.isTrusted) return;
            event.stopImmediatePropagation();
            const data = event.data.slice('later '.length);
            dispatchEvent(new MessageEvent('message', { data }));
        });
        run().catch(",
    ),
];

/// The widget's files with these changes.
fn later_version() -> Vec<(String, Vec<u8>)> {
    let mut files = files(&site::file("widget"));
    files.retain(|(name, _)| name.ends_with(".js") || name == "worker_bg.wasm");
    for (name, before, after) in CHANGES {
        let file = files.iter_mut().find(|(file, _)| file == name);
        let (_, bytes) = file.unwrap_or_else(|| panic!("no file {name}"));
        let text = std::str::from_utf8(bytes).expect("a script is text");
        assert_eq!(text.matches(before).count(), 1, "{name}: {before}");
        *bytes = text.replace(before, after).into_bytes();
    }
    files
}

#[test]
fn of_two_versions_the_first_defines_the_element() {
    let posts = json!(POSTS);
    let other = format!(
        r#"<script type="module">
        import * as first from "./widget/user-attributes.js";
        import * as second from "./other/user-attributes.js";
        import {{ load }} from "./other/index.js";
        window.versions = [first, second];
        const model = await load("widget/models/en.safetensors");
        [window.predicted] = await model.predict([{posts}]);
    </script>"#
    );
    let mut visit = page("", &format!("{}{other}", element("")));
    for (name, bytes) in later_version() {
        visit = visit.instead(&format!("other/{name}"), bytes);
    }
    visit.run(async |page| {
        shows(&page, ELEMENT, &POSTS).await;
        let script = "const element = document.querySelector('user-attributes');
            return versions.map(version => element instanceof version.UserAttributesElement)";
        assert_eq!(page.script(script).await, json!([true, false]));
        let heading = part(&page, ELEMENT, "heading").await;
        assert_eq!(heading, "The model’s estimate");

        // The interface of the second version works too, in a worker of its own.
        page.until("return Boolean(window.predicted)", SOON).await;
        predicts(&page.script("return predicted").await, &POSTS);
        assert_eq!(page.script("return workers").await, 2);
        page.script(&format!("{ELEMENT}.text = 'my wife'")).await;
        shows(&page, ELEMENT, &["my wife"]).await;
    });
}

#[test]
fn the_text_could_not_be_an_attribute() {
    page(
        "",
        "<user-attributes text='my wife'>nothing</user-attributes>",
    )
    .run(async |page| {
        shows(&page, ELEMENT, &["my wife"]).await;
        // What was set last is read.
        for (set, text) in [
            ("setAttribute('text', 'my school')", "my school"),
            ("text = 'my husband cooked'", "my husband cooked"),
            ("setAttribute('text', 'my school')", "my school"),
            ("removeAttribute('text')", "nothing"),
        ] {
            page.script(&format!("{ELEMENT}.{set}")).await;
            shows(&page, ELEMENT, &[text]).await;
        }
    });
}

/// The window of the only frame.
const FRAME: &str = "document.querySelector('iframe').contentWindow";

/// Waits until a window has its document. Firefox replaces the first, empty one.
async fn loaded(page: &Page, window: &str) {
    let complete = format!("return {window}.document.readyState === 'complete'");
    page.until(&complete, SOON).await;
}

#[test]
fn styles_were_lost_in_another_document() {
    page("", &format!("{}<iframe></iframe>", element(""))).run(async |page| {
        settled(&page, ELEMENT).await;
        page.script(&format!("window.kept = {ELEMENT}")).await;
        let border = "getComputedStyle(root.querySelector('[part=panel]')).borderTopWidth";
        assert_eq!(inside(&page, "kept", border).await, "1px");
        loaded(&page, FRAME).await;
        for place in [
            "document.querySelector('iframe').contentDocument.body.append(kept)",
            "document.body.append(kept)",
            "window.template = document.createElement('template'); template.content.append(kept)",
            "document.body.append(template.content)",
            "window.open('').document.body.append(kept)",
        ] {
            page.script(place).await;
            if !place.starts_with("window.template") {
                assert_eq!(inside(&page, "kept", border).await, "1px", "{place}");
            }
        }
        page.script("kept.text = 'my wife'").await;
        page.until("return kept.prediction !== null", SOON).await;
        shows(&page, "kept", &["my wife"]).await;
    });
}

#[test]
fn in_a_frames_document_it_loads_when_it_is_seen() {
    page("", "<iframe width=900 height=700></iframe>").run(async |page| {
        page.until(
            "return Boolean(customElements.get('user-attributes'))",
            SOON,
        )
        .await;
        loaded(&page, FRAME).await;
        let posts = json!(POSTS.join("\n"));
        page.script(&format!(
            "window.kept = document.createElement('user-attributes');
            kept.text = {posts};
            document.querySelector('iframe').contentDocument.body.append(kept)"
        ))
        .await;
        shows(&page, "kept", &POSTS).await;
    });
}

#[test]
fn text_that_a_component_passed_on_was_not_read() {
    let body = "<div id=component>my wife</div>
        <script>
            const root = component.attachShadow({ mode: 'open' });
            root.innerHTML = '<user-attributes loading=eager><slot></slot></user-attributes>';
        </script>";
    page("", body).run(async |page| {
        let element = "document.querySelector('#component').shadowRoot.firstChild";
        shows(&page, element, &["my wife"]).await;
        let text = "document.querySelector('#component').firstChild";
        page.script(&format!("{text}.data = 'my school'")).await;
        let followed =
            format!("return {element}.prediction !== null && {element}.text === 'my school'");
        page.until(&followed, SOON).await;
        shows(&page, element, &["my school"]).await;
    });
}
