//! The report in a real browser, light and dark, wide and narrow. No texts overlap, no text is cut off, and the page fetches
//! nothing.

use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;
use testbed::goldilocks;

/// The findings of the page around the report.
#[derive(Debug, Deserialize)]
struct Seen {
    /// The excess of the report's width over the window's, in pixels.
    too_wide: f64,
    /// Overlapping texts of a chart.
    overlaps: Vec<String>,
    /// Texts that extend beyond the window or are cut off by their box.
    cut: Vec<String>,
    /// Resources that the page fetched.
    fetched: Vec<String>,
    /// The background's brightness, from 0 to 255.
    brightness: f64,
    /// The number of charts.
    charts: usize,
    /// The first heading.
    title: String,
}

/// A page that shows the report in a frame of `WIDTH` pixels and inspects it. A frame is needed because a browser's window
/// cannot be as narrow as a phone.
const AROUND: &str = r#"<!doctype html><meta charset="utf-8"><style>body{margin:0}iframe{border:0}</style>
<iframe id="frame" width="WIDTH" height="20000"></iframe><pre id="seen"></pre>
<script>
const report = REPORT;
const frame = document.getElementById('frame');
frame.onload = () => {
  const page = frame.contentDocument, view = frame.contentWindow;
  const overlaps = [], cut = [];
  const charts = [...page.querySelectorAll('svg')].filter(svg => svg.checkVisibility() && svg.getBoundingClientRect().width > 150);
  for (const svg of charts) {
    const texts = [...svg.querySelectorAll('text')].filter(text => text.textContent.trim());
    const boxes = texts.map(text => text.getBoundingClientRect());
    boxes.forEach((a, i) => {
      // A chart lets its labels reach into the margin beside it; beyond the window they would be lost.
      if (a.left < 0 || a.right > WIDTH)
        cut.push(texts[i].textContent.trim());
      for (let j = i + 1; j < boxes.length; j++) {
        const b = boxes[j];
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        // Two pixels of leading belong to no letter.
        if (across > 1 && down > 3) overlaps.push(texts[i].textContent.trim() + ' / ' + texts[j].textContent.trim());
      }
    });
  }
  for (const box of page.querySelectorAll('body *')) {
    const style = view.getComputedStyle(box);
    const hides = style.overflowX === 'hidden' || style.overflowX === 'clip';
    const forEyes = box.clientWidth > 2 && !box.closest('svg');
    if (hides && forEyes && box.scrollWidth > box.clientWidth + 1) cut.push(box.tagName + ' ' + box.className);
  }
  const [r, g, b] = view.getComputedStyle(page.body).backgroundColor.match(/[\d.]+/g).map(Number);
  document.getElementById('seen').textContent = 'SEEN' + JSON.stringify({
    too_wide: page.documentElement.scrollWidth - WIDTH, overlaps, cut,
    fetched: view.performance.getEntriesByType('resource').map(entry => entry.name),
    brightness: (r + g + b) / 3, charts: charts.length,
    title: page.querySelector('h1').textContent.trim(),
  }) + 'END';
};
frame.srcdoc = report;
</script>"#;

#[test]
fn the_report_is_whole_in_a_browser() {
    let Some(browser) = packages::browser::find(&packages::Host::of_this_process()) else {
        assert!(std::env::var_os("CI").is_none(), "no browser here; `.ci/setup-tests` installs one");
        eprintln!("NOT TESTED: no browser on this machine; install Chromium or set CHROMIUM to one");
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = sweep(folder.path());
    let text = std::fs::read_to_string(&report).expect("the sweep has written its report");
    for width in [1366, 390] {
        for dark in [false, true] {
            let seen = look(&browser, folder.path(), &text, width, dark);
            let which = format!("{width} pixels, {}", if dark { "dark" } else { "light" });
            assert!(seen.too_wide <= 0.0, "{which}: the page is {} pixels too wide", seen.too_wide);
            assert!(seen.overlaps.is_empty(), "{which}: texts overlap: {:?}", seen.overlaps);
            assert!(seen.cut.is_empty(), "{which}: cut off: {:?}", seen.cut);
            assert!(seen.fetched.is_empty(), "{which}: the page fetched {:?}", seen.fetched);
            assert_eq!(seen.brightness < 128.0, dark, "{which}: the background's brightness is {}", seen.brightness);
            assert_eq!(seen.charts, 8, "{which}: four charts for each of two tasks");
            assert!(!seen.title.is_empty());
        }
    }
}

/// Runs a small real sweep. One strategy fails, so that the report also has the section on failures.
fn sweep(folder: &Path) -> PathBuf {
    let output = Command::new(goldilocks())
        .args([
            "sweep",
            "--anyway",
            "--tasks",
            "count,noop",
            "--increments",
            "1000000",
            "--items",
            "2000",
            "--sizes",
            "16,256,1000",
        ])
        .args(["--blocks", "5", "--samples", "1", "--seed", "1", "--budget", "10m"])
        .args(["--strategies", "sequential,threads_shared,rayon,tokio_blocking,static_split"])
        .arg("--runs")
        .arg(folder)
        .output()
        .expect("the binary starts");
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    harness::journal::find(folder, None).expect("there is a run").join("report.html")
}

fn look(browser: &Path, folder: &Path, report: &str, width: u32, dark: bool) -> Seen {
    let report = serde_json::to_string(report).expect("text is JSON").replace("</", "<\\/");
    let page = folder.join("around.html");
    let around = AROUND.replace("WIDTH", &width.to_string()).replace("REPORT", &report);
    std::fs::write(&page, around).expect("the folder takes a file");
    let profile = tempfile::tempdir().expect("a temporary folder");
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"])
        .arg(format!("--blink-settings=preferredColorScheme={}", if dark { 0 } else { 1 }))
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .args(["--window-size=1500,1000", "--virtual-time-budget=10000", "--dump-dom"])
        .arg(format!("file://{}", page.display()))
        .output()
        .expect("the browser starts");
    let dom = String::from_utf8_lossy(&output.stdout);
    // The first occurrence is in the script itself. The last one is its output.
    let seen = dom.rsplit_once("SEEN{").and_then(|(_, rest)| rest.split_once("}END"));
    let (seen, _) =
        seen.unwrap_or_else(|| panic!("the browser saw nothing: {}", String::from_utf8_lossy(&output.stderr)));
    let seen = format!("{{{seen}}}").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    serde_json::from_str(&seen).unwrap_or_else(|error| panic!("{error}: {seen}"))
}
