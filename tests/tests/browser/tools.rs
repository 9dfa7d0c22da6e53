//! Programs of other people that check the page and its script. `.ci/setup-tests` fetches them with npm.

use std::path::PathBuf;
use std::process::Command;

fn folder() -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| testbed::workspace().join("target"), PathBuf::from);
    target.join("browser-tools/node_modules")
}

/// A file of a package. `None` if it is not there, which is an error only in CI.
pub(crate) fn read(file: &str) -> Option<String> {
    let text = std::fs::read_to_string(folder().join(file)).ok();
    if text.is_none() {
        assert!(std::env::var_os("CI").is_none(), "no {file} here; `.ci/setup-tests` fetches it with npm");
        eprintln!("NOT TESTED: no {file} here; `.ci/setup-tests` fetches it with npm");
    }
    text
}

#[test]
fn the_types_of_the_script_fit() {
    let compiler = folder().join("typescript/bin/tsc");
    if read("typescript/bin/tsc").is_none() {
        return;
    }
    let checked = Command::new("node")
        .arg(compiler)
        .arg("--project")
        .arg(testbed::workspace().join("reports/script/jsconfig.json"))
        .output()
        .expect("what npm fetched needs node, and npm needs it too");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}
