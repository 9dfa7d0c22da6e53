//! Programs of other people that check the page and its script. `.ci/setup-tests` fetches them with npm.

use std::io::Write as _;
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

/// The text of a PDF file without any space. `None` if there is no `pdftotext`, which is an error only in CI.
pub(crate) fn text_of_pdf(pdf: &[u8]) -> Option<String> {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(pdf).expect("the file takes the bytes");
    match Command::new("pdftotext").arg(file.path()).arg("-").output() {
        Ok(output) => {
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Some(without_space(&String::from_utf8_lossy(&output.stdout)))
        }
        Err(_) => {
            assert!(std::env::var_os("CI").is_none(), "no pdftotext here; `.ci/setup-tests` installs it");
            eprintln!("NOT TESTED: no pdftotext here; Debian’s package poppler-utils has it");
            None
        }
    }
}

/// A text without any space.
pub(crate) fn without_space(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace()).collect()
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
