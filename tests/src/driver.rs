//! The browsers in which the tests run, and the programs that steer them.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use fantoccini::{Client, ClientBuilder, error::NewSessionError};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::{npm, site::Site};

/// A browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Browser {
    /// Chromium, or Chrome.
    Chromium,
    /// Firefox.
    Firefox,
    /// WebKitGTK in its own small browser. It has no window of its own, so it needs an X server.
    WebKit,
}

/// What a test needs of the browser, beyond what every browser does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// The system prefers dark colours.
    Dark,
    /// The system prefers light colours.
    Light,
    /// The system replaces the colours of pages by its own.
    ForcedColours,
    /// The system wants no motion.
    ReducedMotion,
    /// A WebGPU adapter that computes in software.
    SoftwareGpu,
    /// `performance.measureUserAgentSpecificMemory`.
    MemoryMeasurement,
    /// Performance entries of the type `layout-shift`.
    LayoutShifts,
    /// The visitor has forbidden sites to store anything.
    BlockedStorage,
    /// A private window.
    PrivateWindow,
}

/// What a visit asks of its browser.
#[derive(Default)]
pub struct Wishes {
    /// Flags for Chromium alone.
    pub flags: Vec<String>,
    /// Width and height of the viewport in CSS pixels, and device pixels per CSS pixel.
    pub screen: Option<(u32, u32, f64)>,
    /// BCP 47 tags, separated by commas.
    pub languages: Option<String>,
    /// What the test needs.
    pub needs: Vec<Need>,
}

impl Browser {
    /// The browser that `AUXLSTM_BROWSER` names: `chromium` (the default), `firefox` or `webkit`.
    pub fn chosen() -> Self {
        let name = std::env::var("AUXLSTM_BROWSER").unwrap_or_default();
        match name.as_str() {
            "" | "chromium" => Self::Chromium,
            "firefox" => Self::Firefox,
            "webkit" => Self::WebKit,
            _ => panic!("AUXLSTM_BROWSER is {name:?}: set it to chromium, firefox or webkit"),
        }
    }

    /// Why the browser cannot give a test what it needs. This is the whole list of what is left out in a browser.
    pub fn lacks(self, need: Need) -> Option<&'static str> {
        match (self, need) {
            (Self::Firefox, Need::SoftwareGpu) => {
                Some("Firefox's releases for Linux have no WebGPU")
            }
            (Self::WebKit, Need::SoftwareGpu) => Some("WebKitGTK has no WebGPU"),
            (Self::WebKit, Need::ForcedColours) => Some("WebKitGTK has no forced colours"),
            (Self::Firefox | Self::WebKit, Need::MemoryMeasurement) => {
                Some("only Chromium measures the memory of a page")
            }
            (Self::Firefox | Self::WebKit, Need::LayoutShifts) => {
                Some("only Chromium reports layout shifts")
            }
            (Self::WebKit, Need::BlockedStorage) => {
                Some("its small browser has no setting that forbids storage")
            }
            _ => None,
        }
    }

    /// Whether the browser has this. If not, one line on the standard error says what is left out of which test, and why.
    pub fn has(self, need: Need) -> bool {
        let Some(reason) = self.lacks(need) else {
            return true;
        };
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("a test");
        // Written past the test harness, which hides what a passing test prints.
        let _ = writeln!(io::stderr(), "left out in {self:?}: {test} ({reason})");
        false
    }

    /// The driver, and what it writes before its port, if it says which port it takes.
    fn driver(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Chromium => ("chromedriver", Some("started successfully on port ")),
            Self::Firefox => ("geckodriver", Some("Listening on 127.0.0.1:")),
            Self::WebKit => ("WebKitWebDriver", None),
        }
    }

    /// The target of `scripts/setup.sh` that installs the driver.
    fn target(self) -> &'static str {
        match self {
            Self::Chromium => "test",
            Self::Firefox | Self::WebKit => "browsers",
        }
    }
}

/// A running driver.
pub struct Driver {
    browser: Browser,
    process: Child,
    address: String,
    profile: TempDir,
}

impl Driver {
    /// Starts the driver of a browser, and the browser. The site is the browser's proxy, so that it hears of everything that is
    /// asked of any host, by the page or by its worker.
    ///
    /// Both get several attempts: the port of a driver may be another process's a moment later, and WebKit's driver sometimes
    /// ends before its browser runs.
    pub async fn start(browser: Browser, wishes: &Wishes, site: &Site) -> (Self, Client) {
        let mut failure = format!("{} does not listen on any port", browser.driver().0);
        for _ in 0..5 {
            let Some(driver) = Self::listening(browser, wishes) else {
                continue;
            };
            match driver.session(wishes, site).await {
                Ok(client) => return (driver, client),
                Err(error) => failure = format!("{browser:?} does not start: {error}"),
            }
        }
        panic!("{failure}");
    }

    /// A driver that accepts connections, if it gets its port.
    fn listening(browser: Browser, wishes: &Wishes) -> Option<Self> {
        let profile = tempfile::tempdir().expect("a temporary folder can be made");
        let folder = profile.path().join("files");
        fs::create_dir(&folder).expect("a folder can be made in it");
        let (program, announcement) = browser.driver();
        let mut command = Command::new(program);
        let mut port = 0;
        match browser {
            Browser::Chromium => {}
            Browser::Firefox => {
                command.args(["--websocket-port=0", "--profile-root"]);
                command.arg(profile.path()).stderr(Stdio::null());
            }
            Browser::WebKit => {
                assert!(
                    std::env::var_os("DISPLAY").is_some(),
                    "WebKit needs an X server: run the tests under xvfb-run, or with `make test-browsers`"
                );
                let free = TcpListener::bind("127.0.0.1:0").expect("a free port can be had");
                port = free.local_addr().expect("it has an address").port();
                webkit_environment(&mut command, wishes, &profile);
                command.stderr(Stdio::null());
            }
        }
        let mut process = command
            .arg(format!("--port={port}"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                let target = browser.target();
                panic!("{program} does not start ({error}): run `scripts/setup.sh {target}` first")
            });
        let output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let mut lines = output.lines().map_while(Result::ok);
        let port = match announcement {
            Some(before) => lines.find_map(|line| {
                let (_, port) = line.split_once(before)?;
                Some(port.trim().trim_end_matches('.').to_owned())
            }),
            None => is_listening(port, &mut process).then(|| port.to_string()),
        };
        let Some(port) = port else {
            let _ = process.kill();
            let _ = process.wait();
            return None;
        };
        // The driver, and a browser that inherits its output, must not wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self {
            browser,
            process,
            address: format!("http://127.0.0.1:{port}"),
            profile,
        })
    }

    /// Folder for uploads and downloads.
    pub fn folder(&self) -> PathBuf {
        self.profile.path().join("files")
    }

    async fn session(&self, wishes: &Wishes, site: &Site) -> Result<Client, NewSessionError> {
        let mut capabilities = match self.browser {
            Browser::Chromium => self.chromium(wishes, site),
            Browser::Firefox => self.firefox(wishes, site),
            Browser::WebKit => webkit(wishes, site),
        };
        // In milliseconds: for promises of predictions on a busy machine.
        capabilities.insert("timeouts".into(), json!({ "script": 120_000 }));
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let builder = builder.capabilities(capabilities);
        builder.connect(&self.address).await
    }

    fn chromium(&self, wishes: &Wishes, site: &Site) -> Map<String, Value> {
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
            &proxy,
            "--proxy-bypass-list=<-loopback>",
            &profile,
        ];
        let mut preferences = json!({ "download.default_directory": self.folder() });
        for need in &wishes.needs {
            match need {
                Need::Dark => flags.push("--blink-settings=preferredColorScheme=0"),
                Need::Light => flags.push("--blink-settings=preferredColorScheme=1"),
                Need::ForcedColours => flags.push("--force-high-contrast"),
                Need::ReducedMotion => flags.push("--force-prefers-reduced-motion"),
                Need::SoftwareGpu => {
                    flags.extend(["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"])
                }
                Need::MemoryMeasurement => {
                    flags.push("--enable-blink-features=ForceEagerMeasureMemory");
                }
                Need::BlockedStorage => {
                    preferences["profile.default_content_setting_values.cookies"] = json!(2);
                }
                Need::PrivateWindow => flags.push("--incognito"),
                Need::LayoutShifts => {}
            }
        }
        flags.extend(wishes.flags.iter().map(String::as_str));
        if let Some(languages) = &wishes.languages {
            preferences["intl.accept_languages"] = json!(languages);
        }
        let mut options = json!({ "args": flags, "prefs": preferences });
        if let Some((width, height, ratio)) = wishes.screen {
            options["mobileEmulation"] = json!({ "deviceMetrics": { "width": width, "height": height, "pixelRatio": ratio, "touch": true } });
        }
        Map::from_iter([
            ("browserName".to_owned(), json!("chrome")),
            ("goog:chromeOptions".to_owned(), options),
        ])
    }

    fn firefox(&self, wishes: &Wishes, site: &Site) -> Map<String, Value> {
        let mut preferences = json!({
            "network.proxy.allow_hijacking_localhost": true,
            "browser.download.folderList": 2,
            "browser.download.dir": self.folder(),
            "intl.accept_languages": wishes.languages.as_deref().unwrap_or("en-US"),
            // As in a visitor's Firefox; its driver would let a page opened as a file read other files.
            "security.fileuri.strict_origin_policy": true,
            // Scroll bars take no room on a phone.
            "ui.useOverlayScrollbars": i32::from(wishes.screen.is_some()),
        });
        for need in &wishes.needs {
            let wanted = match need {
                Need::Dark => json!({ "layout.css.prefers-color-scheme.content-override": 0 }),
                Need::Light => json!({ "layout.css.prefers-color-scheme.content-override": 1 }),
                Need::ForcedColours => json!({ "browser.display.document_color_use": 2 }),
                Need::ReducedMotion => json!({ "ui.prefersReducedMotion": 1 }),
                Need::BlockedStorage => json!({ "network.cookie.cookieBehavior": 2 }),
                Need::PrivateWindow => json!({ "browser.privatebrowsing.autostart": true }),
                Need::SoftwareGpu | Need::MemoryMeasurement | Need::LayoutShifts => json!({}),
            };
            for (name, value) in wanted.as_object().into_iter().flatten() {
                preferences[name] = value.clone();
            }
        }
        let options =
            json!({ "args": ["-headless", "--width=1280", "--height=960"], "prefs": preferences });
        Map::from_iter([
            ("browserName".to_owned(), json!("firefox")),
            ("moz:firefoxOptions".to_owned(), options),
            ("proxy".to_owned(), proxy(site)),
        ])
    }
}

/// Waits until a driver accepts connections; false if it ends.
fn is_listening(port: u16, process: &mut Child) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        if !matches!(process.try_wait(), Ok(None)) {
            return false;
        }
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

/// The files and variables with which WebKit's browser starts: it takes its settings from GTK and from the locale.
fn webkit_environment(command: &mut Command, wishes: &Wishes, profile: &TempDir) {
    let motion = !wishes.needs.contains(&Need::ReducedMotion);
    let config = profile.path().join("config");
    let files = [
        (
            "gtk-3.0/settings.ini",
            format!("[Settings]\ngtk-enable-animations={motion}\n"),
        ),
        (
            "user-dirs.dirs",
            format!(
                "XDG_DOWNLOAD_DIR=\"{}\"\n",
                profile.path().join("files").display()
            ),
        ),
    ];
    for (name, content) in files {
        let file = config.join(name);
        let folder = file.parent().expect("it lies in a folder");
        fs::create_dir_all(folder).expect("a folder can be made in it");
        fs::write(file, content).expect("a file can be written to it");
    }
    let language = wishes.languages.as_deref().unwrap_or("en-US");
    let language = language.split(',').next().unwrap_or_default();
    command
        .env("XDG_CONFIG_HOME", config)
        .env("XDG_DATA_HOME", profile.path().join("data"))
        .env("XDG_CACHE_HOME", profile.path().join("cache"))
        .env("GSETTINGS_BACKEND", "memory")
        // No connection to a screen reader, which needs a session bus.
        .env("NO_AT_BRIDGE", "1")
        .env("LOCPATH", npm::tools().join("locales"))
        .env("LC_ALL", format!("{}.UTF-8", language.replace('-', "_")));
}

fn webkit(wishes: &Wishes, site: &Site) -> Map<String, Value> {
    // Not on PATH: on Debian in a folder of the machine's kind.
    let folders = fs::read_dir("/usr/lib").expect("the system has libraries");
    let folders = folders.map_while(|folder| Some(folder.ok()?.path()));
    let browser = folders
        .chain(["/usr/lib", "/usr/libexec"].map(PathBuf::from))
        .map(|folder| folder.join("webkit2gtk-4.1/MiniBrowser"))
        .find(|file| file.exists())
        .expect("WebKit's MiniBrowser is missing: run `scripts/setup.sh browsers` first");
    let mut arguments = vec![
        "--automation",
        "--geometry=1280x960",
        // Without a click, too.
        "--javascript-can-open-windows-automatically=true",
    ];
    if wishes.needs.contains(&Need::Dark) {
        arguments.push("--dark-mode");
    }
    let options = json!({ "binary": browser, "args": arguments });
    Map::from_iter([
        ("webkitgtk:browserOptions".to_owned(), options),
        ("proxy".to_owned(), proxy(site)),
    ])
}

/// The site as the proxy of everything.
fn proxy(site: &Site) -> Value {
    let address = site.url();
    let address = address.trim_start_matches("http://").trim_end_matches('/');
    json!({ "proxyType": "manual", "httpProxy": address, "sslProxy": address })
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
