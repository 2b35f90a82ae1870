//! The element `<user-attributes>` in foreign pages, and its package in foreign projects. Each file tests one behaviour.

mod base_rates;
mod bundled;
mod bundlers;
mod chunks;
mod events;
mod failures;
mod frameworks;
mod hosts;
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
    BUNDLE,
    browser::{Page, SOON, Visit},
    same, same_by,
};

/// Made-up posts.
const POSTS: [&str; 2] = [
    "my math teacher gave us so much homework today",
    "band practice was fun though",
];

/// The one line that a page needs for the element.
const LINE: &str = r#"<script type="module" src="widget/user-attributes.js"></script>"#;

/// Records the element's events, violations of the page's policy, and how many workers were started and ended.
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

/// The page's first element.
const ELEMENT: &str = "document.querySelector('user-attributes')";

/// A visit to a page with this head and body.
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

/// The element with these attributes and the posts as its content.
fn element(attributes: &str) -> String {
    let posts = POSTS.join("\n");
    format!("<user-attributes {attributes}>{posts}</user-attributes>")
}

/// Waits until an element has a prediction for its text.
async fn settled(page: &Page, element: &str) {
    page.until(&format!("return Boolean({element}?.prediction)"), SOON)
        .await;
}

/// Checks that an element shows the command line's predictions for these posts.
async fn shows(page: &Page, element: &str, posts: &[&str]) {
    settled(page, element).await;
    same(
        &page.shown_in(&format!("{element}.shadowRoot")).await,
        posts,
    );
}

/// Checks that a prediction of the JavaScript API is the command line's for these posts.
fn predicts(prediction: &Value, posts: &[&str]) {
    predicts_by(BUNDLE, prediction, posts);
}

/// The same of a prediction by another model.
fn predicts_by(bundle: &str, prediction: &Value, posts: &[&str]) {
    same_by(bundle, &lists(prediction), posts);
}

/// The probabilities of a prediction as the element shows them.
fn lists(prediction: &Value) -> Map<String, Value> {
    let attributes = &prediction["predictions"];
    let attributes = (attributes.as_object()).unwrap_or_else(|| panic!("{prediction}"));
    // The coarse classes first, if there are any.
    let lists = |attribute: &Value| {
        let coarse = attribute.get("coarse").into_iter();
        let lists = coarse.chain([attribute]);
        lists.map(|list| list["probabilities"].clone()).collect()
    };
    (attributes.iter())
        .map(|(name, attribute)| (name.clone(), lists(attribute)))
        .collect()
}

/// The value of an expression in which `root` is an element's shadow root.
async fn inside(page: &Page, element: &str, expression: &str) -> Value {
    let script = format!("const root = {element}.shadowRoot; return {expression}");
    page.script(&script).await
}

/// The text in one of an element's parts.
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

/// The number of requests for files whose path ends like this.
fn asked(page: &Page, end: &str) -> usize {
    let requests = page.site.requests();
    requests.iter().filter(|path| path.ends_with(end)).count()
}
