//! Inputs and situations that users of similar tools have met, each tried with the program itself. `just faults` runs them.
//! A test has the name of its folder in `tests/faults`, which holds the input and says what is right.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use testbed::sandbox::Sandbox;

/// The folder of a fault.
fn folder(fault: &str) -> PathBuf {
    testbed::workspace().join("tests/faults").join(fault)
}

/// A command that runs `word_totals` on a file in `sandbox`.
fn word_totals(sandbox: &Sandbox, input: &Path) -> Command {
    let mut goldilocks = sandbox.goldilocks();
    goldilocks.args(["run", "--task", "word_totals", "--strategy", "rayon", "--samples", "1", "--processes", "1"]);
    goldilocks.arg("--input").arg(input);
    goldilocks
}

fn done(command: &mut Command) -> Output {
    command.output().expect("the binary was just built")
}

/// Asserts that the program refuses with this exit code, without a panic, and that its error has each of `parts`.
fn assert_refused(ran: &Output, code: i32, parts: &[&str]) {
    let complaint = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(code), "{complaint}");
    assert!(complaint.contains("error: ") && !complaint.contains("panicked"), "{complaint}");
    assert!(!complaint.chars().any(|letter| letter.is_control() && letter != '\n'), "raw control bytes: {complaint:?}");
    for part in parts {
        assert!(complaint.contains(part), "no `{part}` in: {complaint}");
    }
}

/// Asserts that every kernel, through both ways to read, gives exactly these totals.
fn assert_totals(input: &Path, totals: &[u8]) {
    let sandbox = Sandbox::default();
    let written = sandbox.path("totals.tsv");
    for kernel in ["book", "bytes", "runs"] {
        for read in ["pread", "map"] {
            let ran =
                done(word_totals(&sandbox, input).args(["--kernel", kernel, "--read", read, "--output"]).arg(&written));
            assert!(ran.status.success(), "{kernel}, {read}: {}", String::from_utf8_lossy(&ran.stderr));
            let found = std::fs::read(&written).expect("the totals were written");
            assert_eq!(String::from_utf8_lossy(&found), String::from_utf8_lossy(totals), "{kernel}, {read}");
            assert_eq!(found, totals, "{kernel}, {read}");
        }
    }
}

#[test]
fn fault_06_header() {
    let input = folder("06-header").join("header.tsv");
    let ran = done(&mut word_totals(&Sandbox::default(), &input));
    assert_refused(&ran, 1, &["header.tsv", "year"]);
}

#[test]
fn fault_07_quotes() {
    let totals = b"\"\t5\n\" \"\t1\n\"open\t5\n\"quoted\"\t5\nAardvark_NOUN\t5\n_START_\t5\na\0b\t2\n\xff\xfe\t3\n";
    assert_totals(&folder("07-quotes").join("quotes.tsv"), totals);
}
