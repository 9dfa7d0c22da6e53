//! Too few threads, processes or too little memory are named in one sentence, with the limit and the cure. Nothing panics,
//! and nothing waits for ever.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;
use strategies::catalogue;
use testbed::sandbox::Sandbox;

/// A user without processes. Root has no limit of processes.
const NOBODY: u32 = 61_234;

/// A sandbox in which another user can run sweeps.
struct Limited {
    sandbox: Sandbox,
    program: PathBuf,
}

impl Limited {
    fn new() -> Self {
        let sandbox = Sandbox::default();
        let program = sandbox.copied_program();
        for folder in [sandbox.runs(), sandbox.path("data")] {
            std::fs::create_dir(&folder).expect("our own folder");
            std::fs::set_permissions(&folder, Permissions::from_mode(0o777)).expect("our own folder");
        }
        Limited { sandbox, program }
    }

    /// Runs the program in a shell after a preparation, such as `ulimit -u 4`.
    fn output(&self, preparation: &str, user: Option<u32>, arguments: &[&str]) -> Output {
        let mut shell = Command::new("bash");
        shell.args(["-c", &format!("{preparation} && exec \"$0\" \"$@\"")]).arg(&self.program).args(arguments);
        shell.arg("--data").arg(self.sandbox.path("data")).arg("--runs").arg(self.sandbox.runs());
        shell.current_dir(self.sandbox.runs()).env("TMPDIR", self.sandbox.temp());
        if let Some(user) = user {
            shell.uid(user).gid(user);
        }
        shell.output().expect("bash is there")
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asserts that a run failed and that its last line names the limit.
fn assert_names(output: &Output, limit: &str, what: &str) {
    let errors = errors(output);
    let last = errors.lines().last().unwrap_or_default();
    assert!(matches!(output.status.code(), Some(1 | 3)), "{what} ended with {}: {errors}", output.status);
    assert!(last.contains(limit) && last.contains("--workers"), "{what}: {errors}");
    assert!(!errors.contains("panicked") || errors.lines().count() == 1, "{what}: {errors}");
}

const COUNT: [&str; 9] = ["run", "-t", "count", "--increments", "1000", "--size", "8", "--samples", "1"];

#[test]
fn every_strategy_names_the_limit_of_threads_that_it_meets() {
    if !is_root() {
        eprintln!("skipped: only root can run the program as a user without other processes");
        return;
    }
    let limited = Limited::new();
    // With 1 no process can be started, with 2 no thread, and with 8 too few threads.
    for limit in [1, 2, 8] {
        for strategy in catalogue::ALL.iter().filter(|strategy| strategy.name != "sequential") {
            let workers = [&COUNT[..], &["-s", strategy.name, "-j", "8"]].concat();
            let output = limited.output(&format!("ulimit -u {limit}"), Some(NOBODY), &workers);
            let what = format!("{} with {limit} threads", strategy.name);
            assert_names(&output, &format!("{limit} threads and processes (`ulimit -u`)"), &what);
        }
    }
    // Enough for eight worker processes with a thread each, and for the helpers.
    for strategy in catalogue::ALL {
        let workers = [&COUNT[..], &["-s", strategy.name, "-j", "8"]].concat();
        let output = limited.output("ulimit -u 30", Some(NOBODY), &workers);
        assert!(output.status.success(), "{}: {}", strategy.name, errors(&output));
    }
}

#[test]
fn a_sweep_without_enough_threads_records_the_reason_and_measures_again_when_it_is_resumed() {
    if !is_root() {
        eprintln!("skipped: only root can run the program as a user without other processes");
        return;
    }
    let limited = Limited::new();
    let sweep = ["sweep", "--anyway", "-t", "virtual_work", "--waits", "8", "--wait-us", "500", "--sizes", "1"];
    let more = ["-s", "sequential,threads_shared,tokio_blocking", "--cores", "1", "-j", "6", "--blocks", "1"];
    let output = limited.output("ulimit -u 8", Some(NOBODY), &[&sweep[..], &more].concat());
    assert_eq!(output.status.code(), Some(3), "{}", errors(&output));
    let record = limited.sandbox.record();
    let (failed, verified): (Vec<_>, Vec<_>) = record.samples.iter().partition(|sample| sample.outside);
    assert!(failed.len() == 2 && failed.iter().all(|sample| sample.reason.contains("`ulimit -u`")), "{failed:?}");
    assert_eq!(verified.len(), 2 * 2, "the baseline and `sequential` need no more threads");
    assert!(errors(&output).contains("2 cells failed for reasons outside the program"), "{}", errors(&output));

    let output = limited.output("true", Some(NOBODY), &["sweep", "--anyway", "--resume"]);
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(limited.sandbox.record().samples.len(), 4 * 2);
}

/// A control group of version 1 or 2, removed on drop.
struct Group(PathBuf);

impl Group {
    /// Makes a group with a limit, if this machine allows that.
    fn new(controller: &str, limits: &[(&str, &str)]) -> Option<Self> {
        let parents = [Path::new("/sys/fs/cgroup").join(controller), PathBuf::from("/sys/fs/cgroup")];
        let parent = parents.into_iter().find(|parent| parent.join("cgroup.procs").exists())?;
        let group = Group(parent.join(format!("goldilocks-{}", std::process::id())));
        std::fs::create_dir(&group.0).ok()?;
        let is_set = limits.iter().any(|(file, limit)| std::fs::write(group.0.join(file), limit).is_ok());
        is_set.then_some(group)
    }

    fn enter(&self) -> String {
        format!("echo $$ > {}/cgroup.procs", self.0.display())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The kernel keeps the group for a moment after its last process.
        for _ in 0..100 {
            if std::fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn every_strategy_names_the_limit_of_its_control_group() {
    let limited = Limited::new();
    let Some(group) = Group::new("pids", &[("pids.max", "8")]) else {
        eprintln!("skipped: this machine allows no control group with a limit of processes");
        return;
    };
    for strategy in catalogue::ALL.iter().filter(|strategy| strategy.name != "sequential") {
        let workers = [&COUNT[..], &["-s", strategy.name, "-j", "8"]].concat();
        let output = limited.output(&group.enter(), None, &workers);
        assert_names(&output, "8 threads and processes (`pids.max`)", strategy.name);
    }
}

#[test]
fn a_process_that_the_kernel_kills_without_memory_says_memory() {
    let limited = Limited::new();
    let limits = [("memory.max", "100M"), ("memory.limit_in_bytes", "100M")];
    let Some(group) = Group::new("memory", &limits) else {
        eprintln!("skipped: this machine allows no control group with a limit of memory");
        return;
    };
    // Without swap, which would be used instead.
    for (file, limit) in [("memory.swap.max", "0"), ("memory.swappiness", "0")] {
        let _ = std::fs::write(group.0.join(file), limit);
    }
    let program = Limited { program: testbed::sabotaged().to_owned(), ..limited };
    for strategy in ["sequential", "threads_shared", "processes"] {
        let run = ["run", "-t", "allocates", "--items", "400", "-s", strategy, "-j", "1", "--samples", "1"];
        let output = program.output(&group.enter(), None, &run);
        let errors = errors(&output);
        let last = errors.lines().last().unwrap_or_default();
        assert_eq!(output.status.code(), Some(3), "{errors}");
        assert!(last.contains("memory ran out (the limit is 100 MiB)") && last.contains("raise the limit"), "{errors}");
    }
}

#[test]
fn the_last_words_of_a_process_are_the_same_with_every_backtrace_setting() {
    let limited = Limited::new();
    let input = limited.sandbox.path("large.tsv");
    std::fs::write(&input, "a\t1999\t5\t1\n").expect("our own folder");
    let large = std::fs::File::options().write(true).open(&input).expect("our own file");
    large.set_len(1 << 30).expect("a file of holes");
    let input = input.to_str().expect("our own folder");
    let run = ["run", "-t", "word_totals", "-s", "rayon", "--samples", "1", "--input", input];
    let words = ["0", "1", "full"].map(|backtrace| {
        let preparation = format!("ulimit -v 900000 && export RUST_BACKTRACE={backtrace}");
        errors(&limited.output(&preparation, None, &run))
    });
    assert_eq!(words[0], words[1]);
    assert_eq!(words[0], words[2]);
    assert!(words[0].lines().count() == 1 && words[0].starts_with("error: "), "{}", words[0]);
}
