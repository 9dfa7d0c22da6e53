//! Faults injected on this machine. The doctor must find each, regardless of other programs.

use record::{Line, Verdict};
use rustix::fs::{Advice, fadvise};
use rustix::process::{Pid, Signal, getpriority_process, kill_process_group};
use serde_json::Value;
use std::fs::File;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use system::page_cache::probe;

fn goldilocks() -> Command {
    Command::new(env!("CARGO_BIN_EXE_goldilocks"))
}

/// Runs `command` and returns the doctor's verdict on `check`.
fn verdict(mut command: Command, check: &str) -> String {
    let output = command.output().expect("the binary was just built");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("the doctor answers in JSON");
    let checks = answer["checks"].as_array().expect("a list of checks");
    let refused = checks.iter().any(|check| check["verdict"] == "refuse");
    assert_eq!(output.status.code(), Some(i32::from(refused)), "{answer:#}");
    let found = checks.iter().find(|found| found["name"] == check).expect("a check of that name");
    found["verdict"].as_str().expect("a word").to_owned()
}

/// Busy loops, one for each processor, that are not descendants of this process.
struct Neighbours(Pid);

impl Neighbours {
    fn begin() -> Self {
        let loops = harness::machine::processors().len();
        // The loops become orphans when the shell ends. If this test is killed, they end after 60 s.
        let script = format!("for i in $(seq {loops}); do timeout 60 sh -c 'while :; do :; done' & done");
        let shell = Command::new("sh").args(["-c", &script]).process_group(0).stdin(Stdio::null()).spawn();
        let mut shell = shell.expect("there is a shell");
        let group = Pid::from_child(&shell);
        shell.wait().expect("it is our child");
        Neighbours(group)
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        // The loops may already have ended.
        let _ = kill_process_group(self.0, Signal::KILL);
    }
}

#[test]
fn busy_neighbours_are_found() {
    let _neighbours = Neighbours::begin();
    let mut doctor = goldilocks();
    doctor.args(["doctor", "--json"]);
    assert_eq!(verdict(doctor, "neighbours"), "refuse");
}

#[test]
fn a_low_priority_is_found() {
    let mut nice = Command::new("nice");
    nice.args(["-n", "7", env!("CARGO_BIN_EXE_goldilocks"), "doctor", "--json"]);
    assert_eq!(verdict(nice, "priority"), "warn");
    let mut doctor = goldilocks();
    doctor.args(["doctor", "--json"]);
    // The tests themselves may run at a low priority.
    let own = getpriority_process(None).expect("a process may ask for its own priority");
    assert_eq!(verdict(doctor, "priority"), if own > 0 { "warn" } else { "ok" });
}

#[test]
fn page_cache_check_finds_a_dropped_file() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join("grams.tsv");
    let mut file = File::create(&path).unwrap();
    file.write_all(&vec![b'x'; 16 << 20]).unwrap();
    file.sync_all().unwrap();
    let doctor = || {
        let mut doctor = goldilocks();
        doctor.args(["doctor", "--json", "--input"]).arg(&path);
        doctor
    };
    // Some file systems do not report residency, so the doctor cannot report it either.
    let reported = probe(&path).is_some();
    fadvise(&file, 0, None, Advice::DontNeed).unwrap();
    assert_eq!(verdict(doctor(), "page_cache"), if reported { "warn" } else { "unknown" });
    std::fs::read(&path).unwrap();
    assert_eq!(verdict(doctor(), "page_cache"), if reported { "ok" } else { "unknown" });
    assert_eq!(probe(folder.path()), None, "a folder is no file");
}

#[cfg(debug_assertions)]
#[test]
fn a_debug_build_measures_only_with_anyway_and_the_record_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let sweep = |more: &[&str]| {
        let tiny = ["sweep", "--tasks", "noop", "--items", "50", "--strategies", "sequential", "--blocks", "1"];
        let runs = ["--runs", folder.path().to_str().unwrap(), "--cores", "1", "--sizes", "10"];
        goldilocks().args(tiny).args(runs).args(more).output().unwrap()
    };
    let refused = sweep(&[]);
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{words}");
    assert!(words.contains("debug build") && words.contains("--anyway"), "{words}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was begun");

    let measured = sweep(&["--anyway"]);
    assert!(measured.status.success(), "{}", String::from_utf8_lossy(&measured.stderr));
    let run = harness::journal::find(folder.path(), None).unwrap();
    let text = std::fs::read_to_string(run.join(harness::journal::FILE)).unwrap();
    let lines: Vec<Line> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (Some(Line::Run(run)), Some(Line::Ended(ended))) = (lines.first(), lines.last()) else {
        panic!("a record begins with a run and ends with its end: {text}");
    };
    assert!(run.checks.iter().any(|check| check.name == "build" && check.verdict == Verdict::Refuse));
    assert!(run.checks.len() >= 15);
    let after: Vec<&str> = ended.checks.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(after, ["neighbours", "steal", "quota", "heat", "clock", "swapping"]);
}
