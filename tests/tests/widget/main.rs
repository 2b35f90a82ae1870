//! The element `<user-attributes>` in pages that know nothing of it, and its package in other people's projects: a
//! behaviour a file.

mod bundled;
mod chunks;
mod events;
mod failures;
mod looks;
mod node;
mod package;
mod policy;
mod react;
mod segment;
mod sharing;
mod text;
mod transfer;
mod worker;

use serde_json::{Map, Value};
use tests::{
    browser::{Page, SOON, Visit},
    same,
};

/// Made up, like every text here.
const POSTS: [&str; 2] = [
    "my math teacher gave us so much homework today",
    "band practice was fun though",
];

/// The one line that the element needs of a page.
const LINE: &str = r#"<script type="module" src="widget/user-attributes.js"></script>"#;

/// Keeps what the element says, what the page's policy forbids, and how many workers have been started and ended.
const LISTEN: &str = "
    window.heard = [];
    window.violations = [];
    window.workers = 0;
    window.ended = 0;
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
        terminate() {
            super.terminate();
            ended += 1;
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

/// Checks that a prediction, as the interface without an element gives it, is the command's about these posts.
fn predicts(prediction: &Value, posts: &[&str]) {
    let attributes = &prediction["predictions"];
    let attributes = (attributes.as_object()).unwrap_or_else(|| panic!("{prediction}"));
    // As the element shows it: an attribute's groups first, if it has any.
    let lists = |attribute: &Value| {
        let groups = attribute.get("coarse").into_iter();
        let lists = groups.chain([attribute]);
        lists.map(|list| list["probabilities"].clone()).collect()
    };
    let shown: Map<_, _> = (attributes.iter())
        .map(|(name, attribute)| (name.clone(), lists(attribute)))
        .collect();
    same(&shown, posts);
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
