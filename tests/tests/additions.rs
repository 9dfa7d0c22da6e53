//! A new strategy or task takes one file and one line, and a solved exercise passes. The test tries this in a copy of the
//! workspace.
//!
//! The copy is kept and only changed files are rewritten, so only the first build is slow.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::{create_dir_all, read, read_dir, remove_dir_all, remove_file, write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use testbed::sandbox::Sandbox;
use testbed::{goldilocks, workspace};

/// The name of the added strategy. Its file follows.
const NAME: &str = "threads_pairs";
const SOURCE: &str = r#"//! Threads take two jobs at a time from one shared iterator behind a lock.
//!
//! Good when: partitions are tiny, for the lock is taken half as often.
//! Bad when:  they are few, for one thread may hold two while another has none.
//! In the trace: spans come in pairs without a gap.

use std::sync::{Mutex, PoisonError};
use std::thread;
use strategies::{Job, Jobs, Result, Setup, Workers};

struct ThreadsPairs {
    workers: usize,
}

/// Threads are spawned by each run: they live until the iterator is empty.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    Ok(Box::new(ThreadsPairs { workers: setup.workers.get() }))
}

impl Workers for ThreadsPairs {
    fn run(&mut self, jobs: Jobs) -> Result<()> {
        let jobs = Mutex::new(jobs);
        thread::scope(|scope| {
            for _ in 0..self.workers {
                scope.spawn(|| {
                    loop {
                        let pair = take(&jobs);
                        if pair.is_empty() {
                            return;
                        }
                        pair.into_iter().for_each(Job::run);
                    }
                });
            }
        });
        Ok(())
    }
}

fn take(jobs: &Mutex<Jobs>) -> Vec<Job> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).by_ref().take(2).collect()
}
"#;

/// The line of the catalogue before which the new line is inserted.
const BEFORE: &str = "    processes,\n";
const AFTER: &str = "    processes,\n    threads_pairs,\n";

/// The file of the added task, which has its own options and data.
const TASK: &str = include_str!("additions/byte_sum.rs");
const TASK_BEFORE: &str = "    virtual_work,\n";
const TASK_AFTER: &str = "    virtual_work,\n    byte_sum,\n";

/// A copy of the workspace with additions.
struct Copy {
    source: PathBuf,
    target: PathBuf,
}

impl Copy {
    /// Copies every file of the workspace through `change`, and adds the files `more`.
    fn make(change: impl Fn(&str, Vec<u8>) -> Vec<u8>, more: &[(&str, &str)]) -> Copy {
        // The copy is in the build folder, the parent of the profile's folder.
        let target = goldilocks().ancestors().nth(2).expect("binaries are below the build folder").join("copy");
        let source = target.join("source");
        let listed = Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard"])
            .current_dir(workspace())
            .output()
            .expect("git is installed");
        let names = String::from_utf8(listed.stdout).expect("names are text");
        let mut kept = BTreeSet::new();
        for name in names.lines() {
            let Ok(bytes) = read(workspace().join(name)) else { continue };
            kept.insert(place(&source.join(name), &change(name, bytes)));
        }
        for (name, text) in more {
            kept.insert(place(&source.join(name), text.as_bytes()));
        }
        prune(&source, &kept);
        Copy { source, target }
    }

    fn build(&self) {
        let build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["build", "--offline", "--package", "harness", "--package", "conformance"])
            .args(["--bin", "goldilocks", "--bin", "conformance"])
            .current_dir(&self.source)
            // The copy has its own build folder, because cargo would confuse its crates with the workspace's.
            .env("CARGO_TARGET_DIR", &self.target)
            // The programs run only once, so optimisation is not worth its time.
            .env("CARGO_PROFILE_DEV_OPT_LEVEL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .output()
            .expect("cargo runs this test");
        assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));
    }

    fn carry_out(&self, program: &str, arguments: &[&str]) -> Output {
        let output = Command::new(self.target.join("debug").join(program)).args(arguments).output();
        output.expect("the copy was just built")
    }
}

/// Writes a file, unless it already has these bytes, and returns its path. Cargo rebuilds files with a newer modification
/// time.
fn place(path: &Path, bytes: &[u8]) -> PathBuf {
    if read(path).ok().as_deref() != Some(bytes) {
        create_dir_all(path.parent().expect("a file is in a folder")).expect("the build folder is ours");
        write(path, bytes).expect("the build folder is ours");
    }
    path.to_owned()
}

/// Removes the files of an earlier copy that are not in `kept`.
fn prune(folder: &Path, kept: &BTreeSet<PathBuf>) {
    for path in read_dir(folder).expect("the build folder is ours").flatten().map(|entry| entry.path()) {
        if kept.iter().any(|kept| kept.starts_with(&path)) {
            if path.is_dir() {
                prune(&path, kept);
            }
        } else {
            let removed = if path.is_dir() { remove_dir_all(&path) } else { remove_file(&path) };
            removed.expect("the build folder is ours");
        }
    }
}

fn words(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|words| String::from_utf8_lossy(words)).concat()
}

/// The solution of the exercise in the file `name`. `None` if that file is not an exercise.
fn solution(name: &str, exercise: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(exercise).ok().filter(|_| name.starts_with("exercises/src/"))?;
    let path = text.lines().find_map(|line| line.strip_prefix("//! Solved by: "))?;
    Some(read(workspace().join(path)).expect("the solution is there"))
}

fn with_line(bytes: Vec<u8>, before: &str, after: &str) -> Vec<u8> {
    let text = String::from_utf8(bytes).expect("a source is text");
    assert_eq!(text.matches(before).count(), 1);
    text.replace(before, after).into_bytes()
}

#[test]
fn a_strategy_or_a_task_is_one_file_and_one_line_and_a_solution_may_be_copied_over_its_exercise() {
    let change = |name: &str, bytes: Vec<u8>| match (name, solution(name, &bytes)) {
        (_, Some(solution)) => solution,
        ("strategies/src/catalogue/mod.rs", None) => with_line(bytes, BEFORE, AFTER),
        ("tasks/src/lib.rs", None) => with_line(bytes, TASK_BEFORE, TASK_AFTER),
        (_, None) => bytes,
    };
    let copy = Copy::make(
        change,
        &[(&format!("strategies/src/catalogue/{NAME}.rs"), SOURCE), ("tasks/src/byte_sum.rs", TASK)],
    );
    copy.build();

    let listed = copy.carry_out("goldilocks", &["list", "--json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).expect("a list as JSON");
    let strategies = listed["strategies"].as_array().expect("a list of strategies");
    let new = strategies.iter().find(|strategy| strategy["name"] == NAME).expect("the new one is listed");
    assert_eq!(new["about"], "Threads take two jobs at a time from one shared iterator behind a lock.");
    assert_eq!(new["trace"], "spans come in pairs without a gap.");
    assert_eq!(new["exercise"], false);
    assert_eq!(strategies.len(), strategies::catalogue::ALL.len() + 1 + exercises::ALL.len());

    let numbers: Vec<String> = (1..=exercises::ALL.len()).map(|number| number.to_string()).collect();
    let arguments: Vec<&str> = std::iter::once(NAME).chain(numbers.iter().map(String::as_str)).collect();
    let conformance = copy.carry_out("conformance", &arguments);
    assert!(conformance.status.success(), "{}", words(&conformance));
    for name in std::iter::once(NAME).chain(exercises::ALL.iter().map(|exercise| exercise.name)) {
        let all = conformance::PROPERTIES.len();
        assert!(words(&conformance).contains(&format!("{name}: {all} of {all} properties hold")));
    }

    let sandbox = Sandbox::default();
    let runs = sandbox.runs();
    let runs = runs.to_str().expect("our own folder");
    let sweep = [
        "sweep",
        "--anyway",
        "--tasks",
        "noop,byte_sum",
        "--ones",
        "12",
        "--strategies",
        "sequential,threads_pairs",
        "--cores",
        "1",
    ];
    let data = sandbox.path("data");
    let data = data.to_str().expect("our own folder");
    let rest = ["--workers", "2", "--sizes", "10", "--blocks", "1", "--runs", runs, "--data", data];
    let sweep = [sweep.as_slice(), &rest].concat();
    let swept = copy.carry_out("goldilocks", &sweep);
    assert!(swept.status.success(), "{}", words(&swept));
    let record = sandbox.record();
    let measured = record.samples.iter().filter(|sample| sample.cell.strategy == NAME).count();
    assert_eq!(measured, 2 * 2, "two samples of each task");
    let task = record.run.tasks.iter().find(|task| task.name == "byte_sum").expect("the new task is measured");
    assert_eq!((task.options["ones"].as_str(), task.answer[0].1.as_str()), ("12", "12"));
    let report = sandbox.run().expect("there is a run").join("report.html");
    let page = std::fs::read_to_string(report).expect("there is a report");
    assert!(page.contains(NAME) && page.contains("spans come in pairs without a gap."));
}
