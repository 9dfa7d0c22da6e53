//! A page in headless Chromium: opened, resized, clicked, typed into, and asked.
//!
//! The crate chromiumoxide speaks Chromium's own protocol. WebDriver's crates need a second program whose version must fit
//! the browser's, and fantoccini's `webdriver` has a licence that `deny.toml` refuses. headless_chrome brings a TLS library
//! with another such licence. The commands below pass their parameters as JSON, because a browser may be older or newer than
//! the crate's types.

use chromiumoxide::cdp::IntoEventKind;
use chromiumoxide::cdp::browser_protocol::log::EventEntryAdded;
use chromiumoxide::cdp::browser_protocol::network::EventRequestWillBeSent;
use chromiumoxide::cdp::js_protocol::runtime::{EventConsoleApiCalled, EventExceptionThrown};
use chromiumoxide::types::{Command, Method, MethodId};
use chromiumoxide::{Browser, BrowserConfig};
use futures_lite::StreamExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A command of the protocol: its name and its parameters.
#[derive(Debug, Serialize)]
struct Call {
    #[serde(skip)]
    command: &'static str,
    #[serde(flatten)]
    parameters: Value,
}

impl Method for Call {
    fn identifier(&self) -> MethodId {
        self.command.into()
    }
}

impl Command for Call {
    type Response = Value;
}

/// A browser with one tab. Dropping it ends the browser.
pub(crate) struct Page {
    tab: chromiumoxide::Page,
    _browser: Browser,
    url: String,
    loads: Cell<u32>,
    seen: Arc<Mutex<Seen>>,
    folder: TempDir,
    // Dropped last, because the others need it.
    runtime: Runtime,
}

/// What the browser reports while a page is open.
#[derive(Debug, Default)]
struct Seen {
    errors: Vec<String>,
    requests: Vec<String>,
}

impl Page {
    /// Opens a page without access to any network. `None` if there is no browser, which is an error only in CI.
    pub(crate) fn open(html: &str) -> Option<Self> {
        let Some(path) = packages::browser::find(&packages::Host::of_this_process()) else {
            assert!(std::env::var_os("CI").is_none(), "no browser here; `.ci/setup-tests` installs one");
            eprintln!("NOT TESTED: no browser on this machine; install Chromium or set CHROMIUM to one");
            return None;
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options = BrowserConfig::builder()
            .chrome_executable(path)
            .no_sandbox()
            .viewport(None)
            .user_data_dir(folder.path().join("profile"))
            .args(["disable-gpu", "disable-quic", "host-resolver-rules=MAP * ~NOTFOUND"])
            .launch_timeout(Duration::from_secs(60))
            .request_timeout(Duration::from_secs(120))
            .build()
            .expect("the browser's path is given");
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
        let (browser, tab) = runtime.block_on(async {
            let (browser, mut handler) = Browser::launch(options).await.expect("the browser starts");
            tokio::spawn(async move { while handler.next().await.is_some() {} });
            let tab = browser.new_page("about:blank").await.expect("the browser opens a tab");
            (browser, tab)
        });
        let file = folder.path().join("report.html");
        std::fs::write(&file, html).expect("the folder takes a file");
        let url = format!("file://{}", file.display());
        let page = Self { tab, _browser: browser, url, loads: Cell::default(), seen: Arc::default(), folder, runtime };
        page.note(|seen, event: &EventExceptionThrown| seen.errors.push(format!("{:?}", event.exception_details)));
        page.note(|seen, event: &EventConsoleApiCalled| seen.errors.push(format!("{:?}", event.args)));
        page.note(|seen, event: &EventEntryAdded| seen.errors.push(format!("{:?}", event.entry)));
        let own = page.url.clone();
        page.note(move |seen, event: &EventRequestWillBeSent| {
            let url = &event.request.url;
            if !url.starts_with(&own) && url != "about:blank" {
                seen.requests.push(url.clone());
            }
        });
        for domain in ["Runtime.enable", "Log.enable", "Network.enable"] {
            page.call(domain, json!({}));
        }
        let offline = json!({"offline": true, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0});
        page.call("Network.emulateNetworkConditions", offline);
        page.resize(1366, 768);
        page.load("");
        Some(page)
    }

    /// Notes every event of a kind.
    fn note<E: IntoEventKind + Unpin>(&self, note: impl Fn(&mut Seen, &E) + Send + 'static) {
        let seen = Arc::clone(&self.seen);
        let mut events = self.runtime.block_on(self.tab.event_listener::<E>()).expect("the tab reports events");
        self.runtime.spawn(async move {
            while let Some(event) = events.next().await {
                note(&mut lock(&seen), &event);
            }
        });
    }

    /// Loads the page anew, with this fragment in its address.
    pub(crate) fn load(&self, fragment: &str) {
        // Another fragment alone would keep the document. Another query does not.
        let url = format!("{}?{}{fragment}", self.url, self.loads.replace(self.loads.get() + 1));
        self.call("Page.navigate", json!({ "url": url }));
        let deadline = Instant::now() + Duration::from_secs(60);
        let (query, _) = url.split_once('#').unwrap_or((&url, ""));
        let loaded = format!("document.readyState === 'complete' && location.href.split('#')[0] === {}", json!(query));
        // There is a moment without a document between two pages.
        while self.evaluate(&loaded) != Ok(json!(true)) {
            assert!(Instant::now() < deadline, "{url} does not load");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The value of an expression; a promise is waited for.
    pub(crate) fn ask<T: DeserializeOwned>(&self, expression: &str) -> T {
        let value = self.evaluate(expression).unwrap_or_else(|error| panic!("{expression:.500}: {error}"));
        serde_json::from_value(value.clone()).unwrap_or_else(|error| panic!("{expression}: {value}: {error}"))
    }

    /// Runs statements.
    pub(crate) fn run(&self, statements: &str) {
        let done: bool = self.ask(&format!("(() => {{ {statements}; return true; }})()"));
        assert!(done);
    }

    fn evaluate(&self, expression: &str) -> Result<Value, String> {
        let command = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.try_call("Runtime.evaluate", command)?;
        match answer.get("exceptionDetails") {
            Some(exception) => Err(exception.to_string()),
            None => Ok(answer["result"].get("value").cloned().unwrap_or_default()),
        }
    }

    /// Gives the page's window another size.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
        );
    }

    /// Shows the page light or dark.
    pub(crate) fn darken(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        self.call(
            "Emulation.setEmulatedMedia",
            json!({"features": [{"name": "prefers-color-scheme", "value": value}]}),
        );
    }

    /// Shows the page in the colours of a reader's own scheme.
    pub(crate) fn force_colours(&self) {
        self.call("Emulation.setEmulatedMedia", json!({"features": [{"name": "forced-colors", "value": "active"}]}));
    }

    /// Loads the page anew without running its script.
    pub(crate) fn load_without_script(&self) {
        self.call("Emulation.setScriptExecutionDisabled", json!({"value": true}));
        self.load("");
    }

    /// Clicks the middle of the first element that matches, as a mouse does.
    pub(crate) fn click(&self, selector: &str) {
        let place = format!(
            "(() => {{ const it = document.querySelector({}); it.scrollIntoView({{block: 'center'}}); \
             const box = it.getBoundingClientRect(); return [box.left + box.width / 2, box.top + box.height / 2]; }})()",
            json!(selector)
        );
        let (x, y): (f64, f64) = self.ask(&place);
        for kind in ["mousePressed", "mouseReleased"] {
            self.call(
                "Input.dispatchMouseEvent",
                json!({"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1}),
            );
        }
    }

    /// Presses a key that `KeyboardEvent.key` names, such as `ArrowRight`, or types one character.
    pub(crate) fn press(&self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            " " => 32,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            _ => 0,
        };
        let text = if key == "Enter" { "\r" } else { key };
        let mut down = json!({"type": "keyDown", "key": key, "windowsVirtualKeyCode": code});
        if text.chars().count() == 1 {
            down["text"] = json!(text);
        }
        self.call("Input.dispatchKeyEvent", down);
        self.call("Input.dispatchKeyEvent", json!({"type": "keyUp", "key": key, "windowsVirtualKeyCode": code}));
    }

    /// Lays the page out as on paper.
    pub(crate) fn lay_out_for_paper(&self) {
        self.call("Emulation.setEmulatedMedia", json!({"media": "print"}));
        // The width of a sheet of A4 without its margins.
        self.resize(718, 1_000);
    }

    /// The page printed on paper.
    pub(crate) fn print(&self) -> Vec<u8> {
        let printed = self.call("Page.printToPDF", json!({"printBackground": true, "preferCSSPageSize": true}));
        let file = self.folder.path().join("report.pdf.base64");
        std::fs::write(&file, printed["data"].as_str().expect("the data")).expect("the folder takes a file");
        let decoded = std::process::Command::new("base64").arg("--decode").arg(&file).output().expect("coreutils");
        decoded.stdout
    }

    /// The role, name and focusability of every element that a screen reader meets.
    pub(crate) fn accessible(&self) -> Vec<(String, String)> {
        let tree = self.call("Accessibility.getFullAXTree", json!({}));
        let nodes = tree["nodes"].as_array().expect("a list of nodes");
        let text = |node: &Value, key: &str| node[key]["value"].as_str().unwrap_or_default().to_owned();
        nodes
            .iter()
            .filter(|node| node["ignored"] != true)
            .map(|node| (text(node, "role"), text(node, "name")))
            .collect()
    }

    /// The errors of the page's script and the refusals of its policy so far.
    pub(crate) fn errors(&self) -> Vec<String> {
        self.wait();
        lock(&self.seen).errors.clone()
    }

    /// Everything that the page has requested beside itself.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.wait();
        lock(&self.seen).requests.clone()
    }

    /// Waits until the browser has reported what has happened: its reports arrive before its next answer.
    fn wait(&self) {
        self.run("");
        std::thread::sleep(Duration::from_millis(100));
    }

    fn call(&self, command: &'static str, parameters: Value) -> Value {
        self.try_call(command, parameters).unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    fn try_call(&self, command: &'static str, parameters: Value) -> Result<Value, String> {
        let answer = self.runtime.block_on(self.tab.execute(Call { command, parameters }));
        answer.map(|answer| answer.result).map_err(|error| error.to_string())
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
