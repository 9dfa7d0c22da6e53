//! Writes the example report again from its record, and its first screen as a picture: `just example`.

use anyhow::{Context, Result, ensure};
use packages::{Host, browser};
use reports::analysis::Analysis;
use reports::render::html;
use std::path::Path;
use std::process::Command;
use testbed::workspace;

/// The size of the picture in pixels, and the part of the page that it shows.
const WINDOW: &str = "1280,670";

fn main() -> Result<()> {
    let folder = workspace().join("docs/example");
    let page = folder.join("report.html");
    html::write(&Analysis::new(&record::read(folder.join("run.jsonl"))?), &page)?;
    println!("{}", page.display());
    match browser::find(&Host::of_this_process()) {
        Some(browser) => photograph(&browser, &page, &folder.join("picture.png")),
        None => {
            println!("no browser here, so the picture stays as it is; `just setup-tests` installs one");
            Ok(())
        }
    }
}

fn photograph(browser: &Path, page: &Path, picture: &Path) -> Result<()> {
    let profile = tempfile::tempdir().context("cannot make a folder for the browser")?;
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"])
        .args(["--hide-scrollbars", "--blink-settings=preferredColorScheme=1"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("--window-size={WINDOW}"))
        .arg(format!("--screenshot={}", picture.display()))
        .arg(format!("file://{}", page.display()))
        .output()
        .context("the browser does not start")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    println!("{}", picture.display());
    Ok(())
}
