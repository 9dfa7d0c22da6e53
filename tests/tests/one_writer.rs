//! Only one process adds to a record, and it notices when the record is no longer the file that it opened.

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::{Child, Output, Stdio};
use testbed::sandbox::{Sandbox, wait_for};

/// Arguments of a sweep that lasts until it is ended.
const LONG: &str = "--tasks virtual_work --waits 20 --wait-us 5000 --strategies rayon --cores 1 --workers 1 --sizes 1 --budget \
    10m --precision 0";

/// Begins a sweep and waits for its first samples.
fn begun(sandbox: &Sandbox) -> Child {
    let sweep = sandbox.sweep(LONG.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let sweep = sweep.expect("the binary was just built");
    wait_for("two samples", || Some(()).filter(|()| sandbox.journal().split(|byte| *byte == b'\n').count() > 3));
    sweep
}

fn interrupted(sweep: Child) -> Output {
    let number = i32::try_from(sweep.id()).ok().and_then(Pid::from_raw).expect("a process number");
    kill_process(number, Signal::INT).expect("it runs");
    sweep.wait_with_output().expect("it can be waited for")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_second_process_is_refused_with_the_number_of_the_first() {
    let sandbox = Sandbox::default();
    let sweep = begun(&sandbox);
    let holder = format!("process {} (goldilocks) is adding to ", sweep.id());
    let resume = sandbox.sweep(["--resume"]).output().expect("the binary was just built");
    assert_eq!(resume.status.code(), Some(1));
    assert!(errors(&resume).contains(&holder), "{}", errors(&resume));
    // Reading needs no lock.
    let report = sandbox.goldilocks().args(["report", "--runs", "runs"]).output().expect("the binary was just built");
    assert!(report.status.success(), "{}", errors(&report));
    assert_eq!(interrupted(sweep).status.code(), Some(130));
    // Afterwards, of two processes that resume at once, at most one adds samples, and none twice.
    let before = sandbox.record().samples.len();
    let few = ["--resume", "--blocks", "2"];
    let both = [(); 2].map(|()| sandbox.sweep(few).stdout(Stdio::null()).stderr(Stdio::piped()).spawn());
    let both = both.map(|it| it.expect("the binary was just built").wait_with_output().expect("it can be waited for"));
    let refused = both.iter().filter(|output| errors(output).contains("is adding to ")).count();
    let done = both.iter().filter(|output| testbed::completed(output.status)).count();
    assert_eq!(refused + done, 2, "{both:?}");
    assert!(sandbox.record().samples.len() >= before);
}

#[test]
fn a_record_that_is_taken_away_or_changed_ends_the_sweep_with_an_error() {
    type Act = fn(&std::path::Path);
    let acts: [(Act, &str); 4] = [
        (|run| fs::remove_dir_all(run).expect("our own folder"), "was deleted"),
        (|run| fs::rename(run, run.with_file_name("elsewhere")).expect("our own folder"), "was deleted"),
        (
            |run| {
                fs::copy(run.join("run.jsonl"), run.join("copy")).expect("our own folder");
                fs::rename(run.join("copy"), run.join("run.jsonl")).expect("our own folder");
            },
            "was replaced by another file",
        ),
        (
            |run| {
                let record = fs::OpenOptions::new().write(true).open(run.join("run.jsonl")).expect("our own file");
                record.set_len(100).expect("our own file");
            },
            "was changed by another program",
        ),
    ];
    for (act, what) in acts {
        let sandbox = Sandbox::default();
        let sweep = begun(&sandbox);
        act(&sandbox.run().expect("there is a run"));
        let ended = sweep.wait_with_output().expect("it can be waited for");
        assert_eq!(ended.status.code(), Some(1), "{what}: {}", errors(&ended));
        let said = errors(&ended);
        assert!(said.contains(what) && said.contains("begin a new run"), "{what}: {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}
