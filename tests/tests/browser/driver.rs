//! A page in headless Chromium: opened, resized, clicked, typed into, and asked.
//!
//! The crate headless_chrome speaks Chromium's own protocol. WebDriver's crates need a second program whose version must fit
//! the browser's, and fantoccini's `webdriver` has a licence that `deny.toml` refuses. chromiumoxide needs a runtime for
//! futures, and these tests do one thing after another. The commands below pass their parameters as JSON, because a browser
//! may be older or newer than the crate's types.

use headless_chrome::protocol::cdp::types::{Event, Method};
use headless_chrome::{Browser, LaunchOptions, Tab};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

macro_rules! commands {
    ($($name:ident = $method:literal,)*) => {$(
        #[derive(Debug, Serialize)]
        #[serde(transparent)]
        struct $name(Value);

        impl Method for $name {
            const NAME: &'static str = $method;
            type ReturnObject = Value;
        }
    )*};
}

commands! {
    EnableRuntime = "Runtime.enable",
    EnableLog = "Log.enable",
    EnableNetwork = "Network.enable",
    GoOffline = "Network.emulateNetworkConditions",
    Navigate = "Page.navigate",
    PrintToPdf = "Page.printToPDF",
    Evaluate = "Runtime.evaluate",
    SetWindow = "Emulation.setDeviceMetricsOverride",
    SetMedia = "Emulation.setEmulatedMedia",
    DisableScript = "Emulation.setScriptExecutionDisabled",
    DispatchMouse = "Input.dispatchMouseEvent",
    DispatchKey = "Input.dispatchKeyEvent",
    AccessibilityTree = "Accessibility.getFullAXTree",
}

/// A browser with one tab. Dropping it ends the browser.
pub(crate) struct Page {
    tab: Arc<Tab>,
    folder: TempDir,
    url: String,
    seen: Arc<Mutex<Seen>>,
    _browser: Browser,
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
        let arguments =
            ["--disable-quic", "--disable-sync", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND"];
        let options = LaunchOptions::default_builder()
            .path(Some(path))
            .sandbox(false)
            .args(arguments.map(OsStr::new).to_vec())
            .idle_browser_timeout(Duration::from_secs(600))
            .build()
            .expect("every option has a default");
        let browser = Browser::new(options).expect("the browser starts");
        let tab = browser.new_tab().expect("the browser opens a tab");
        tab.set_default_timeout(Duration::from_secs(60));
        let folder = tempfile::tempdir().expect("a temporary folder");
        let file = folder.path().join("report.html");
        std::fs::write(&file, html).expect("the folder takes a file");
        let url = format!("file://{}", file.display());
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (noted, own) = (Arc::clone(&seen), url.clone());
        let listener = move |event: &Event| noted.lock().expect("no listener panics").note(event, &own);
        tab.add_event_listener(Arc::new(listener)).expect("the tab reports events");
        let page = Self { tab, folder, url, seen, _browser: browser };
        page.call(EnableRuntime(json!({})));
        page.call(EnableLog(json!({})));
        page.call(EnableNetwork(json!({})));
        page.call(GoOffline(json!({"offline": true, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0})));
        page.resize(1366, 768);
        page.load("");
        Some(page)
    }

    /// Loads the page anew, with this fragment in its address.
    pub(crate) fn load(&self, fragment: &str) {
        let url = format!("{}{fragment}", self.url);
        for url in ["about:blank", &url] {
            self.call(Navigate(json!({ "url": url })));
            let deadline = Instant::now() + Duration::from_secs(60);
            let loaded = json!(url).to_string();
            let loaded =
                format!("document.readyState === 'complete' && location.href.split('#')[0] === {loaded}.split('#')[0]");
            // There is a moment without a document between two pages.
            while self.evaluate(&loaded) != Ok(json!(true)) {
                assert!(Instant::now() < deadline, "{url} does not load");
                std::thread::sleep(Duration::from_millis(5));
            }
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
        let answer = self.tab.call_method(Evaluate(command)).map_err(|error| error.to_string())?;
        match answer.get("exceptionDetails") {
            Some(exception) => Err(exception.to_string()),
            None => Ok(answer["result"].get("value").cloned().unwrap_or_default()),
        }
    }

    /// Gives the page's window another size.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        self.call(SetWindow(json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false})));
    }

    /// Shows the page light or dark.
    pub(crate) fn darken(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        self.call(SetMedia(json!({"features": [{"name": "prefers-color-scheme", "value": value}]})));
    }

    /// Loads the page anew without running its script.
    pub(crate) fn load_without_script(&self) {
        self.call(DisableScript(json!({"value": true})));
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
            self.call(DispatchMouse(json!({"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1})));
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
        self.call(DispatchKey(down));
        self.call(DispatchKey(json!({"type": "keyUp", "key": key, "windowsVirtualKeyCode": code})));
    }

    /// The page printed on paper.
    pub(crate) fn print(&self) -> Vec<u8> {
        let printed = self.call(PrintToPdf(json!({"printBackground": true, "preferCSSPageSize": true})));
        let file = self.folder.path().join("report.pdf.base64");
        std::fs::write(&file, printed["data"].as_str().expect("the data")).expect("the folder takes a file");
        let decoded = std::process::Command::new("base64").arg("--decode").arg(&file).output().expect("coreutils");
        decoded.stdout
    }

    /// The role, name and focusability of every element that a screen reader meets.
    pub(crate) fn accessible(&self) -> Vec<(String, String)> {
        let tree = self.call(AccessibilityTree(json!({})));
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
        self.seen.lock().expect("no listener panics").errors.clone()
    }

    /// Everything that the page has requested beside itself.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.seen.lock().expect("no listener panics").requests.clone()
    }

    fn call<C: Method<ReturnObject = Value> + Serialize + std::fmt::Debug>(&self, command: C) -> Value {
        let words = format!("{command:?}");
        self.tab.call_method(command).unwrap_or_else(|error| panic!("{words}: {error}"))
    }
}

impl Seen {
    fn note(&mut self, event: &Event, own: &str) {
        match event {
            Event::RuntimeExceptionThrown(thrown) => self.errors.push(format!("{:?}", thrown.params.exception_details)),
            Event::RuntimeConsoleAPICalled(called) => self.errors.push(format!("{:?}", called.params.args)),
            Event::LogEntryAdded(added) => self.errors.push(format!("{:?}", added.params.entry)),
            Event::NetworkRequestWillBeSent(sent) => {
                let url = &sent.params.request.url;
                if !url.starts_with(own) && url != "about:blank" {
                    self.requests.push(url.clone());
                }
            }
            _ => {}
        }
    }
}
