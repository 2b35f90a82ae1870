//! Headless Chromium, and the page in it as its user sees it.

use std::{
    io::{BufRead, BufReader, ErrorKind},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Stdio},
    rc::Rc,
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::site::{Delivery, Site};

/// Gives Chromium a WebGPU adapter that computes in software.
pub const SOFTWARE_GPU: [&str; 2] = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/// How long anything may take on the CPU, on a slow and busy machine.
pub const SOON: Duration = Duration::from_secs(60);
/// How long a prediction may take on a software GPU, whose shaders are compiled first.
pub const LATE: Duration = Duration::from_secs(400);

/// The page's service worker.
pub const SERVICE_WORKER: &str = "service_worker.js";
/// Service worker without checks.
const UNGUARDED: &str = "addEventListener('message', () => clients.claim());";

/// How a page is visited.
#[derive(Default)]
pub struct Visit {
    flags: Vec<String>,
    mobile: Option<(u32, u32)>,
    instead: Vec<(String, Vec<u8>)>,
    deliveries: Vec<(String, Delivery)>,
    head: Vec<String>,
    languages: Option<String>,
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
    /// Adds flags for Chromium.
    pub fn flags(mut self, flags: &[&str]) -> Self {
        self.flags.extend(flags.iter().map(|flag| flag.to_string()));
        self
    }

    /// Emulates a phone with a screen of this width and height, in CSS pixels.
    pub fn phone(mut self, width: u32, height: u32) -> Self {
        self.mobile = Some((width, height));
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
        self.languages = Some(tags.into());
        self
    }

    /// Opens another page of the site.
    pub fn open(mut self, path: &str) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Opens the page and runs the test on it. Browser and server have ended when it returns or panics.
    pub fn run(self, test: impl AsyncFnOnce(Page) + 'static) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime starts");
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let driver = Driver::start();
            let mut instead = self.instead.clone();
            if !instead.is_empty() && instead.iter().all(|(path, _)| path != SERVICE_WORKER) {
                instead.push((SERVICE_WORKER.into(), UNGUARDED.into()));
            }
            let site = Site::serve(instead);
            for line in &self.head {
                site.add_header(line);
            }
            for (path, delivery) in &self.deliveries {
                site.deliver(path, *delivery);
            }
            let page = Page {
                client: driver.browser(&self, &site).await,
                site: Rc::new(site),
                folder: driver.folder(),
            };
            let visitor = page.clone();
            let path = self.path;
            let outcome = tokio::task::spawn_local(async move {
                let address = visitor.site.url() + path.as_deref().unwrap_or_default();
                visitor.client.goto(&address).await.expect("the page opens");
                if path.is_none() {
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
        self.client
            .find(Locator::XPath(path))
            .await
            .unwrap_or_else(|error| panic!("no {path}: {error}"))
    }

    /// Presses the button of this name.
    pub async fn press(&self, name: &str) {
        self.click(&format!("//button[normalize-space()='{name}']"))
            .await;
    }

    /// Clicks the element that an XPath names.
    pub async fn click(&self, path: &str) {
        (self.find(path).await.click().await)
            .unwrap_or_else(|error| panic!("{path} cannot be clicked: {error}"));
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
        // The browser reserves the name with an empty file, writes to another one and renames that when it is complete.
        loop {
            match std::fs::read_to_string(&file) {
                Ok(content) if !content.is_empty() => return content,
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    panic!("{}: {error}", file.display())
                }
                _ => assert!(start.elapsed() < SOON, "{name} is not saved"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The result of a script; a promise is awaited.
    pub async fn script(&self, script: &str) -> Value {
        self.client
            .execute(script, vec![])
            .await
            .unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until a script returns true.
    pub async fn until(&self, script: &str, at_most: Duration) {
        let start = Instant::now();
        while self.script(script).await != Value::Bool(true) {
            assert!(
                start.elapsed() < at_most,
                "not within {at_most:?}: {script}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The status line: the model's state and its backend.
    pub async fn status(&self) -> String {
        let line = self.find("//section[@data-phase]//p[1]").await;
        line.text().await.expect("the status line has a text")
    }

    /// Waits until the model is ready, in any language of the page, and returns the status line.
    pub async fn ready(&self) -> String {
        let ready = "return document.querySelector('[data-phase=ready]') !== null";
        self.until(ready, SOON).await;
        self.status().await
    }

    /// Selects a backend.
    pub async fn choose(&self, backend: &str) {
        let label = self
            .find(&format!("//fieldset//label[normalize-space()='{backend}']"))
            .await;
        label.click().await.expect("the backend can be selected");
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

/// The program that steers Chromium.
struct Driver {
    process: Child,
    /// Held open: the driver may write to it.
    _output: BufReader<ChildStdout>,
    address: String,
    profile: TempDir,
}

impl Driver {
    /// Starts the driver. It takes a free port of IPv4 and then the same one of IPv6, and ends if another process has taken
    /// that in between, so it gets several attempts.
    fn start() -> Self {
        (0..5)
            .find_map(|_| Self::attempt())
            .expect("chromedriver names the port that it listens on")
    }

    fn attempt() -> Option<Self> {
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("chromedriver does not start ({error}): run `scripts/setup.sh test` first, or `make test`")
            });
        let mut output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let mut line = String::new();
        let port = loop {
            line.clear();
            let read = output
                .read_line(&mut line)
                .expect("chromedriver writes text");
            if read == 0 {
                let _ = process.wait();
                return None;
            }
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim().trim_end_matches('.').to_owned();
            }
        };
        let driver = Self {
            process,
            _output: output,
            address: format!("http://127.0.0.1:{port}"),
            profile: tempfile::tempdir().expect("a temporary folder can be made"),
        };
        std::fs::create_dir(driver.folder()).expect("a folder can be made in it");
        Some(driver)
    }

    fn folder(&self) -> PathBuf {
        self.profile.path().join("files")
    }

    async fn browser(&self, visit: &Visit, site: &Site) -> Client {
        let profile = format!("--user-data-dir={}", self.profile.path().display());
        let proxy = format!("--proxy-server={}", site.url().trim_end_matches('/'));
        let mut flags = vec![
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--window-size=1280,960",
            // The site hears of everything that is asked of any host, by the page or by its worker.
            &proxy,
            "--proxy-bypass-list=<-loopback>",
            &profile,
        ];
        flags.extend(visit.flags.iter().map(String::as_str));
        let mut preferences = json!({ "download.default_directory": self.folder() });
        if let Some(languages) = &visit.languages {
            preferences["intl.accept_languages"] = json!(languages);
        }
        let mut options = json!({ "args": flags, "prefs": preferences });
        if let Some((width, height)) = visit.mobile {
            options["mobileEmulation"] = json!({ "deviceMetrics": { "width": width, "height": height, "pixelRatio": 2.0, "touch": true } });
        }
        let capabilities = Map::from_iter([
            ("browserName".to_owned(), json!("chrome")),
            ("goog:chromeOptions".to_owned(), options),
        ]);
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder
            .capabilities(capabilities)
            .connect(&self.address)
            .await
            .expect("Chromium starts")
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
