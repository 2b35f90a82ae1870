//! A browser without a window, and the page in it as its visitor sees it.

use std::{
    io::ErrorKind,
    path::PathBuf,
    rc::Rc,
    time::{Duration, Instant},
};

use fantoccini::{Client, Locator, elements::Element};
use serde_json::{Map, Value, json};

use crate::{
    driver::{Browser, Driver, Need, Wishes},
    site::{Delivery, Site},
};

/// How long anything may take on the CPU, on a slow and busy machine.
pub const SOON: Duration = Duration::from_secs(60);
/// How long a prediction may take on a software GPU, whose shaders are compiled first, and thousands of them on the CPU.
pub const LATE: Duration = Duration::from_secs(400);

/// The page's service worker.
pub const SERVICE_WORKER: &str = "service_worker.js";
/// Service worker without checks.
const UNGUARDED: &str = "addEventListener('message', () => clients.claim());";

/// How a page is visited.
#[derive(Default)]
pub struct Visit {
    wishes: Wishes,
    instead: Vec<(String, Vec<u8>)>,
    deliveries: Vec<(String, Delivery)>,
    head: Vec<String>,
    /// Another page than the site's first.
    path: Option<String>,
}

/// The page, open in a browser.
#[derive(Clone)]
pub struct Page {
    /// The browser.
    pub client: Client,
    /// Where the page comes from.
    pub site: Rc<Site>,
    /// Folder for uploads and downloads.
    folder: PathBuf,
}

impl Visit {
    /// Adds flags, which Chromium alone has.
    pub fn flags(mut self, flags: &[&str]) -> Self {
        let flags = flags.iter().map(|flag| flag.to_string());
        self.wishes.flags.extend(flags);
        self
    }

    /// Gives the browser what the test needs. Browsers that lack it leave the test out.
    pub fn needs(mut self, need: Need) -> Self {
        self.wishes.needs.push(need);
        self
    }

    /// Emulates a phone with a screen of this width and height, in CSS pixels.
    pub fn phone(self, width: u32, height: u32) -> Self {
        self.screen(width, height, 2.0)
    }

    /// Gives the page a viewport of this width and height, in CSS pixels of this many device pixels each way. Browsers other
    /// than Chromium show the page in a frame of this size instead, in pixels of one device pixel.
    pub fn screen(mut self, width: u32, height: u32, ratio: f64) -> Self {
        self.wishes.screen = Some((width, height, ratio));
        self
    }

    /// Replaces a file of the page by other bytes. The page's service worker would refuse them, so it is replaced by one
    /// without checks, unless it is itself given here.
    pub fn instead(mut self, path: &str, bytes: Vec<u8>) -> Self {
        self.instead.push((path.into(), bytes));
        self
    }

    /// Sets the delivery of a file of the page.
    pub fn deliver(mut self, path: &str, delivery: Delivery) -> Self {
        self.deliveries.push((path.into(), delivery));
        self
    }

    /// Adds a header line to every response of the site.
    pub fn add_header(mut self, line: &str) -> Self {
        self.head.push(line.into());
        self
    }

    /// Browser languages: BCP 47 tags, separated by commas.
    pub fn languages(mut self, tags: &str) -> Self {
        self.wishes.languages = Some(tags.into());
        self
    }

    /// Opens another page of the site.
    pub fn open(mut self, path: &str) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Opens the page and runs the test on it. Browser and server have ended when it returns or panics.
    pub fn run(self, test: impl AsyncFnOnce(Page) + 'static) {
        let browser = Browser::chosen();
        if !self.wishes.needs.iter().all(|need| browser.has(*need)) {
            return;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime starts");
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let mut instead = self.instead.clone();
            if !instead.is_empty() && instead.iter().all(|(path, _)| path != SERVICE_WORKER) {
                instead.push((SERVICE_WORKER.into(), UNGUARDED.into()));
            }
            let path = self.path.clone().unwrap_or_default();
            let frame = (self.wishes.screen).filter(|_| browser != Browser::Chromium);
            let address = match frame {
                Some((width, height, _)) => {
                    let host = format!(
                        "<!doctype html><style>body {{ margin: 0 }} iframe {{ border: 0 }}</style>
                        <iframe src=\"./{path}\" width={width} height={height}></iframe>"
                    );
                    instead.push(("frame.html".into(), host.into_bytes()));
                    "frame.html".to_owned()
                }
                None => path,
            };
            let site = Site::serve(instead);
            for line in &self.head {
                site.add_header(line);
            }
            for (path, delivery) in &self.deliveries {
                site.deliver(path, *delivery);
            }
            let (driver, client) = Driver::start(browser, &self.wishes, &site).await;
            let page = Page {
                client,
                site: Rc::new(site),
                folder: driver.folder(),
            };
            let visitor = page.clone();
            let outcome = tokio::task::spawn_local(async move {
                let address = visitor.site.url() + &address;
                visitor.client.goto(&address).await.expect("the page opens");
                if frame.is_some() {
                    (visitor.client.enter_frame(0).await).expect("the page is in a frame");
                }
                // On a busy machine, Chromium's driver can answer while the page is still being read.
                let loaded =
                    "return location.href !== 'about:blank' && document.readyState === 'complete'";
                visitor.until(loaded, SOON).await;
                if self.path.is_none() {
                    visitor
                        .until("return document.querySelector('fieldset') !== null", SOON)
                        .await;
                }
                test(visitor).await;
            })
            .await;
            if outcome.is_err() {
                let seen = page
                    .client
                    .execute("return document.body.innerText", vec![]);
                eprintln!(
                    "the page at the failure:\n{}",
                    seen.await.unwrap_or_default().as_str().unwrap_or_default()
                );
            }
            // The driver ends next in any case, and a browser that it cannot close has crashed.
            let _ = page.client.close().await;
            if let Err(failure) = outcome {
                std::panic::resume_unwind(failure.into_panic());
            }
        });
    }
}

impl Page {
    /// The one element that an XPath names.
    pub async fn find(&self, path: &str) -> Element {
        // WebKit's driver answers before the page has handled a click.
        let soon = self.client.wait().at_most(SOON);
        (soon.for_element(Locator::XPath(path)).await)
            .unwrap_or_else(|error| panic!("no {path}: {error}"))
    }

    /// The visible text of the element that an XPath names. Drivers compute it in ways of their own, so the page does.
    pub async fn text(&self, path: &str) -> String {
        let element = json!(self.find(path).await);
        let text = (self.client).execute("return arguments[0].innerText.trim()", vec![element]);
        let text = (text.await).unwrap_or_else(|error| panic!("{path} has no text: {error}"));
        text.as_str().expect("it is text").to_owned()
    }

    /// Presses the button of this name.
    pub async fn press(&self, name: &str) {
        self.click(&format!("//button[normalize-space()='{name}']"))
            .await;
    }

    /// Opens all `<details>` that a CSS selector names.
    pub async fn open_details(&self, selector: &str) {
        let open = format!(
            "document.querySelectorAll('{selector}').forEach(details => details.open = true)"
        );
        self.script(&open).await;
    }

    /// Clicks the element that an XPath names.
    pub async fn click(&self, path: &str) {
        let element = self.find(path).await;
        if Browser::chosen() == Browser::WebKit {
            // A click that has to scroll first presses and releases the button, but is no click to the page.
            let centred = "arguments[0].scrollIntoView({ block: 'center' });
                return new Promise(resolve => setTimeout(resolve, 50))";
            let _ = self.client.execute(centred, vec![json!(element)]).await;
        }
        (element.click().await).unwrap_or_else(|error| panic!("{path} cannot be clicked: {error}"));
        if Browser::chosen() == Browser::WebKit {
            // Its driver answers before the page has handled the click, which may also load another page.
            let handled = "return new Promise(resolve => setTimeout(resolve, 100))";
            let _ = self.client.execute(handled, vec![]).await;
        }
    }

    /// Chooses a file of this name and content with the page's file button.
    pub async fn give(&self, name: &str, bytes: impl AsRef<[u8]>) {
        self.give_all(&[(name, bytes.as_ref())]).await;
    }

    /// Chooses several files at once.
    pub async fn give_all(&self, files: &[(&str, &[u8])]) {
        let path = |(name, bytes): &(&str, &[u8])| {
            let file = self.folder.join(name);
            std::fs::write(&file, bytes)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            file.to_string_lossy().into_owned()
        };
        // The driver takes one path a line.
        let paths = files.iter().map(path).collect::<Vec<_>>().join("\n");
        let button = self.find("//main//input[@type='file']").await;
        (button.send_keys(&paths).await)
            .unwrap_or_else(|error| panic!("{paths} cannot be chosen: {error}"));
    }

    /// Waits for the download of this name and returns its content.
    pub async fn saved(&self, name: &str) -> String {
        let file = self.folder.join(name);
        let start = Instant::now();
        // Chromium and Firefox reserve the name with an empty file, write to another one and rename that when it is complete.
        // WebKit writes to the file itself, so it must have stayed the same for a while.
        let mut before = String::new();
        loop {
            match std::fs::read_to_string(&file) {
                Ok(content) if !content.is_empty() && content == before => return content,
                Ok(content) => before = content,
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    panic!("{}: {error}", file.display())
                }
                Err(_) => {}
            }
            assert!(start.elapsed() < SOON, "{name} is not saved");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// The result of a script; a promise is awaited.
    pub async fn script(&self, script: &str) -> Value {
        self.client
            .execute(script, vec![])
            .await
            .unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Loads the page again as a visitor does. Firefox's driver would bypass the service worker.
    pub async fn reload(&self) {
        self.script("window.isOld = true; setTimeout(() => location.reload())")
            .await;
        let loaded = "return window.isOld === undefined && document.readyState === 'complete'";
        // A script fails if its document is replaced.
        self.wait(loaded, SOON, |_| true).await;
    }

    /// Waits until a script returns true. It is run again if the page is loaded again while a promise is awaited.
    pub async fn until(&self, script: &str, at_most: Duration) {
        self.wait(script, at_most, |error| error.contains("unloaded"))
            .await;
    }

    /// Waits until a script returns true. It is run again after an error that may occur.
    async fn wait(&self, script: &str, at_most: Duration, may_occur: fn(&str) -> bool) {
        let start = Instant::now();
        loop {
            match self.client.execute(script, vec![]).await {
                Ok(Value::Bool(true)) => return,
                Ok(_) => {}
                Err(error) if may_occur(&error.to_string()) => {}
                Err(error) => panic!("{script}: {error}"),
            }
            assert!(
                start.elapsed() < at_most,
                "not within {at_most:?}: {script}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the element of this id has the focus.
    pub async fn focused(&self, id: &str) {
        let script = format!("return document.activeElement.id === '{id}'");
        self.until(&script, SOON).await;
    }

    /// The status line: the model's state and its backend.
    pub async fn status(&self) -> String {
        self.text("//section[@data-phase]//p[1]").await
    }

    /// Waits until the model is ready, in any language of the page, and returns the status line.
    pub async fn ready(&self) -> String {
        let ready = "return document.querySelector('[data-phase=ready]') !== null";
        self.until(ready, SOON).await;
        self.status().await
    }

    /// Selects a backend.
    pub async fn choose(&self, backend: &str) {
        self.click(&format!("//fieldset//label[normalize-space()='{backend}']"))
            .await;
    }

    /// Replaces the text, as pasting does.
    pub async fn write(&self, text: &str) {
        let script = "const area = document.querySelector('textarea'); area.value = arguments[0]; \
                      area.dispatchEvent(new Event('input', {bubbles: true}));";
        self.client
            .execute(script, vec![json!(text)])
            .await
            .expect("the text area takes text");
    }

    /// Waits until the estimate belongs to the text in the text area.
    pub async fn settled(&self, at_most: Duration) {
        self.until(
            "return document.querySelector('.result').getAttribute('aria-busy') === 'false'",
            at_most,
        )
        .await;
    }

    /// The probabilities shown, in full precision: for each attribute its lists, in the order of the page.
    pub async fn shown(&self) -> Map<String, Value> {
        self.shown_in("document").await
    }

    /// The probabilities shown within a document or shadow root, which a JavaScript expression names.
    pub async fn shown_in(&self, place: &str) -> Map<String, Value> {
        let script = format!(
            "return Object.fromEntries([...{place}.querySelectorAll('[data-attribute]')].map(attribute => [
                attribute.dataset.attribute,
                [...attribute.querySelectorAll('ul')].map(list => Object.fromEntries([...list.children].map(row => [
                    row.dataset.class, Number(row.dataset.probability)])))]))"
        );
        match self.script(&script).await {
            Value::Object(shown) => shown,
            other => panic!("no estimate is shown: {other}"),
        }
    }
}
