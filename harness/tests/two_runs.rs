//! What `export` and `compare` print, and with which code they end.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with three runs: the record of version 1 that is kept, the same again, and one with other data.
fn runs() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lib/record/tests/records/v1.jsonl");
    let record = std::fs::read_to_string(kept).expect("the record is kept");
    let other = record.replace("39433fb4632b94bb90afcd4c35e9c915-4096", "another-digest");
    assert_ne!(record, other);
    for (id, record) in [("one", &record), ("again", &record), ("other", &other)] {
        let run = folder.path().join(id);
        std::fs::create_dir(&run).expect("a folder");
        std::fs::write(run.join("run.jsonl"), record).expect("a record");
    }
    folder
}

fn goldilocks(runs: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PathBuf::from(env!("CARGO_BIN_EXE_goldilocks")));
    command.args(arguments).arg("--runs").arg(runs).output().expect("the binary starts")
}

#[test]
fn runs_that_can_be_compared_end_well() {
    let runs = runs();
    let output = goldilocks(runs.path(), &["compare", "one", "again"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("count: no difference shown in 3 cells; 2 cells not compared."), "{text}");
    let json = goldilocks(runs.path(), &["compare", "one", "again", "--json"]);
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["tasks"][1]["task"], "virtual_work");
}

#[test]
fn runs_that_cannot_be_compared_end_badly_and_say_why() {
    let runs = runs();
    let output = goldilocks(runs.path(), &["compare", "one", "other"]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("count: the answer’s digest differs: 39433fb4632b94bb90afcd4c35e9c915-4096 in A"), "{said}");
    let json = goldilocks(runs.path(), &["compare", "one", "other", "--json"]);
    assert_eq!(json.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["refused"].as_array().map(Vec::len), Some(1));
    assert_eq!(goldilocks(runs.path(), &["compare", "one", "none"]).status.code(), Some(1));
}

#[test]
fn a_run_is_exported_to_a_file_or_to_the_terminal() {
    let runs = runs();
    let path = runs.path().join("samples.csv");
    let output = goldilocks(runs.path(), &["export", "one", "--output", path.to_str().expect("UTF-8")]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let written = std::fs::read(&path).expect("the table");
    assert_eq!(written, goldilocks(runs.path(), &["export", "one"]).stdout);
    assert_eq!(written.iter().filter(|byte| **byte == b'\n').count(), 1 + 68);
}
