//! The report light and dark, wide and narrow: no texts overlap, and no text is cut off.

use crate::driver::Page;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;
use testbed::goldilocks;

/// How the page looks.
#[derive(Debug, Deserialize)]
struct Look {
    /// The excess of the report's width over the window's, in pixels.
    too_wide: f64,
    /// Overlapping texts of a chart.
    overlaps: Vec<String>,
    /// Texts that extend beyond the window or are cut off by their box.
    cut: Vec<String>,
    /// The background's brightness, from 0 to 255.
    brightness: f64,
    /// The number of charts.
    charts: usize,
    /// The first heading.
    title: String,
}

const LOOK: &str = "(() => {
  const overlaps = [], cut = [], width = innerWidth;
  const charts = [...document.querySelectorAll('svg')].filter(svg => svg.checkVisibility() && svg.getBoundingClientRect().width > 150);
  for (const svg of charts) {
    const texts = [...svg.querySelectorAll('text')].filter(text => text.textContent.trim());
    const boxes = texts.map(text => text.getBoundingClientRect());
    boxes.forEach((a, i) => {
      // A chart lets its labels reach into the margin beside it; beyond the window they would be lost.
      if (a.left < 0 || a.right > width) cut.push(texts[i].textContent.trim());
      for (let j = i + 1; j < boxes.length; j++) {
        const b = boxes[j];
        const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
        const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
        // Two pixels of leading belong to no letter.
        if (across > 1 && down > 3) overlaps.push(texts[i].textContent.trim() + ' / ' + texts[j].textContent.trim());
      }
    });
  }
  for (const box of document.querySelectorAll('body *')) {
    const style = getComputedStyle(box);
    const hides = style.overflowX === 'hidden' || style.overflowX === 'clip';
    const forEyes = box.clientWidth > 2 && !box.closest('svg');
    if (hides && forEyes && box.scrollWidth > box.clientWidth + 1) cut.push(box.tagName + ' ' + box.className);
  }
  const [r, g, b] = getComputedStyle(document.body).backgroundColor.match(/[\\d.]+/g).map(Number);
  return {
    too_wide: document.documentElement.scrollWidth - width, overlaps, cut,
    brightness: (r + g + b) / 3, charts: charts.filter(svg => !svg.closest('.timelines')).length,
    title: document.querySelector('h1').textContent.trim(),
  };
})()";

#[test]
fn the_report_is_whole_in_a_browser() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let report = std::fs::read_to_string(sweep(folder.path())).expect("the sweep has written its report");
    let Some(page) = Page::open(&report) else { return };
    for width in [1366, 390, 360] {
        for dark in [false, true] {
            page.resize(width, 1_000);
            page.darken(dark);
            // The charts of the page, and the charts that its script draws.
            let views =
                ["", "#?0.cores.show=time&0.sizes.show=speed-up&1.cores.show=efficiency&1.sizes.show=throughput"];
            for fragment in views {
                page.load(fragment);
                let look: Look = page.ask(LOOK);
                let which = format!("{width} pixels, {}, {fragment}", if dark { "dark" } else { "light" });
                assert!(look.too_wide <= 0.0, "{which}: the page is {} pixels too wide", look.too_wide);
                assert!(look.overlaps.is_empty(), "{which}: texts overlap: {:?}", look.overlaps);
                assert!(look.cut.is_empty(), "{which}: cut off: {:?}", look.cut);
                assert_eq!(
                    look.brightness < 128.0,
                    dark,
                    "{which}: the background's brightness is {}",
                    look.brightness
                );
                assert_eq!(look.charts, 8, "{which}: four charts for each of two tasks");
                assert!(!look.title.is_empty());
            }
        }
    }
    assert_eq!((page.errors(), page.requests()), (vec![], vec![]));
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
