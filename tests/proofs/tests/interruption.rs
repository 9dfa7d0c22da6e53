//! A sweep that is interrupted leaves nothing behind, loses nothing, and can be taken up again.
//!
//! With `GOLDILOCKS_INTERRUPTIONS=30` it is interrupted 30 times in each way.

use proofs::interruption::{Interruption, complete, interrupt};
use std::process::{Output, Stdio};
use std::time::Duration;
use testbed::sandbox::{Sandbox, wait_for};

/// A sweep of a second or less that needs no data.
const SMALL: [&str; 14] = [
    "--tasks",
    "virtual_work",
    "--strategies",
    "threads_shared,processes",
    "--cores",
    "1",
    "--waits",
    "16",
    "--sizes",
    "1,4",
    "--wait-us",
    "2000",
    "--seed",
    "7",
];

/// Nothing takes that long.
const PATIENCE: Duration = Duration::from_secs(60);

fn small(more: &[&'static str]) -> Vec<&'static str> {
    SMALL.iter().chain(more).copied().collect()
}

fn carried_out(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    sandbox.sweep(arguments).output().expect("the binary was just built")
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn blocks(sandbox: &Sandbox) -> u32 {
    sandbox.record().samples.iter().map(|sample| sample.block + 1).max().unwrap_or_default()
}

#[test]
fn a_sweep_interrupted_at_any_moment_leaves_nothing_behind_and_loses_nothing() {
    let times = std::env::var("GOLDILOCKS_INTERRUPTIONS").ok();
    let times = times.map_or(3, |times| times.parse().expect("GOLDILOCKS_INTERRUPTIONS is a number"));
    let summary = interrupt(&Interruption::ALL, times, 7, &mut |line| println!("{line}"))
        .expect("a sweep that is left alone ends well");
    println!("{summary}");
    assert!(summary.failures.is_empty(), "{summary}\n{}", summary.failures.join("\n"));
}

#[test]
fn one_ctrl_c_ends_a_sweep_at_once_while_its_server_comes_up_and_nothing_is_left_behind() {
    let sandbox = Sandbox::default();
    let mut sweep = sandbox
        .sweep(["--tasks", "cursor_pages", "--strategies", "processes", "--cores", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary was just built");
    // Looked for one by one, so that the sandbox is known to see them: when they are gone, they are.
    for part in ["goldilocks-watchdog", "postgres: "] {
        wait_for(part, || sandbox.processes().into_iter().find(|process| process.command.contains(part)));
    }
    assert!(!sandbox.leftovers().is_empty());
    Interruption::CtrlC.strike(&sweep);
    let status = sweep.wait().expect("it can be waited for");
    assert_eq!(status.code(), Some(130));
    sandbox.wait_until_clear(PATIENCE).expect("nothing is left");
    assert_eq!(sandbox.run(), None);
}

#[test]
fn a_second_ctrl_c_does_no_harm() {
    let sandbox = Sandbox::default();
    let sweep = sandbox.sweep(small(&["--blocks", "4"])).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let sweep = sweep.expect("the binary was just built");
    wait_for("a sample", || lines_so_far(&sandbox).checked_sub(2));
    Interruption::CtrlC.strike(&sweep);
    Interruption::CtrlC.strike(&sweep);
    let output = sweep.wait_with_output().expect("it can be waited for");
    assert_eq!(output.status.code(), Some(130), "{}", words(&output));
    sandbox.wait_until_clear(PATIENCE).expect("nothing is left");
    assert!(carried_out(&sandbox, &["--resume"]).status.success());
    complete(&sandbox).expect("every cell has its samples");
}

#[test]
fn a_sweep_interrupted_while_measuring_says_how_to_go_on_and_goes_on() {
    let sandbox = Sandbox::default();
    let arguments = small(&["--blocks", "4", "--samples", "2"]);
    let sweep = sandbox.sweep(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let sweep = sweep.expect("the binary was just built");
    wait_for("a sample", || lines_so_far(&sandbox).checked_sub(2));
    Interruption::CtrlC.strike(&sweep);
    let output = sweep.wait_with_output().expect("it can be waited for");
    assert_eq!(output.status.code(), Some(130), "{}", words(&output));
    let run = sandbox.run().expect("there is a run");
    assert!(words(&output).contains(&format!("`goldilocks sweep --resume {}` continues this run", run.display())));
    assert!(sandbox.record().ended.is_some_and(|ended| ended.interrupted));
    assert!(run.join("report.html").is_file(), "what there is, is reported");

    let resumed = carried_out(&sandbox, &["--resume", run.to_str().expect("our own folder")]);
    assert!(resumed.status.success(), "{}", words(&resumed));
    complete(&sandbox).expect("every cell has its samples");
    assert_eq!(sandbox.record().resumed, 1);
}

fn lines_so_far(sandbox: &Sandbox) -> usize {
    sandbox.journal().iter().filter(|byte| **byte == b'\n').count()
}

#[test]
fn an_interruption_while_baselines_are_measured_is_not_taken_for_a_task_that_fails() {
    let sandbox = Sandbox::default();
    // A baseline of a minute: it is the first thing measured.
    let arguments = ["--tasks", "virtual_work", "--waits", "60", "--wait-us", "1000000", "--cores", "1"];
    let sweep = sandbox.sweep(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let sweep = sweep.expect("the binary was just built");
    wait_for("a baseline", || sandbox.processes().into_iter().find(|process| process.command.ends_with(" cell")));
    Interruption::Terminate.strike(&sweep);
    let output = sweep.wait_with_output().expect("it can be waited for");
    assert_eq!(output.status.code(), Some(130));
    assert!(words(&output).contains("interrupted before anything was measured"), "{}", words(&output));
    assert!(!words(&output).contains("skipped"), "{}", words(&output));
    sandbox.wait_until_clear(PATIENCE).expect("nothing is left");
    assert_eq!(sandbox.run(), None);

    let resumed = carried_out(&sandbox, &["--resume"]);
    assert_eq!(resumed.status.code(), Some(1));
    assert!(words(&resumed).contains("there is no run in"), "{}", words(&resumed));
}

#[test]
fn a_folder_in_which_a_crash_left_less_than_a_record_is_no_run() {
    let sandbox = Sandbox::default();
    let arguments = small(&["--blocks", "1", "--samples", "1"]);
    assert!(carried_out(&sandbox, &arguments).status.success());
    let run = sandbox.run().expect("there is a run");
    let newer = sandbox.runs().join("99991231-235959-zzzz");
    std::fs::create_dir(&newer).expect("our own folder");
    std::fs::copy(run.join("plan.json"), newer.join("plan.json")).expect("our own folder");
    std::fs::write(newer.join("run.jsonl.unfinished"), "{\"kind\":\"run\",").expect("our own folder");

    let resumed = carried_out(&sandbox, &["--resume"]);
    assert!(resumed.status.success(), "{}", words(&resumed));
    assert_eq!(sandbox.run(), Some(run));
}

#[test]
fn a_line_that_was_cut_off_is_taken_away_and_measured_again() {
    let sandbox = Sandbox::default();
    assert!(carried_out(&sandbox, &small(&["--blocks", "1", "--samples", "2"])).status.success());
    let path = sandbox.run().expect("there is a run").join("run.jsonl");
    let journal = std::fs::read_to_string(&path).expect("the record is text");
    // As a crash leaves it in the midst of its fourth sample.
    let whole: usize = journal.split_inclusive('\n').take(4).map(str::len).sum();
    std::fs::write(&path, &journal[..whole + 100]).expect("our own file");

    let resumed = carried_out(&sandbox, &["--resume"]);
    assert!(resumed.status.success(), "{}", words(&resumed));
    complete(&sandbox).expect("every cell has its samples");
    assert!(sandbox.journal().starts_with(&journal.as_bytes()[..whole]));
}

#[test]
fn a_run_that_came_to_its_end_is_left_as_it_is_and_can_be_given_more_blocks() {
    let sandbox = Sandbox::default();
    assert!(carried_out(&sandbox, &small(&["--blocks", "1", "--samples", "1"])).status.success());
    let journal = sandbox.journal();
    let report = sandbox.run().expect("there is a run").join("report.html");
    std::fs::remove_file(&report).expect("it was written");

    let resumed = carried_out(&sandbox, &["--resume"]);
    assert!(resumed.status.success(), "{}", words(&resumed));
    assert!(words(&resumed).contains("is complete") && words(&resumed).contains("--blocks"), "{}", words(&resumed));
    assert_eq!(sandbox.journal(), journal);
    assert!(report.is_file(), "the report is made again");

    let more = carried_out(&sandbox, &["--resume", "--blocks", "3"]);
    assert!(more.status.success(), "{}", words(&more));
    assert_eq!(blocks(&sandbox), 3);
    complete(&sandbox).expect("every cell has its samples");
    assert!(sandbox.journal().starts_with(&journal));
}

#[test]
fn a_run_whose_budget_is_spent_ends_its_block_and_begins_no_other() {
    let sandbox = Sandbox::default();
    assert!(carried_out(&sandbox, &small(&["--budget", "0", "--samples", "1"])).status.success());
    assert_eq!(blocks(&sandbox), 1, "the first block is finished whatever it takes");
    let path = sandbox.run().expect("there is a run").join("run.jsonl");
    let journal = std::fs::read_to_string(&path).expect("the record is text");
    let half: usize = journal.split_inclusive('\n').take(3).map(str::len).sum();
    std::fs::write(&path, &journal[..half]).expect("our own file");

    let resumed = carried_out(&sandbox, &["--resume"]);
    assert!(resumed.status.success(), "{}", words(&resumed));
    assert_eq!(blocks(&sandbox), 1);
    let measured = sandbox.record().samples.len();
    assert_eq!(measured, 2 * 2 + 1, "each cell once");

    let more = carried_out(&sandbox, &["--resume", "--budget", "1h", "--blocks", "2"]);
    assert!(more.status.success(), "{}", words(&more));
    assert_eq!(blocks(&sandbox), 2);
}

#[test]
fn a_run_is_not_taken_up_with_another_program_or_another_input() {
    let sandbox = Sandbox::default();
    let input = sandbox.path("words.tsv");
    std::fs::write(&input, "a\t1999\t3\t1\nb\t2000\t4\t1\n").expect("our own folder");
    let path = input.to_str().expect("our own folder");
    let arguments =
        ["--tasks", "word_totals", "--input", path, "--strategies", "rayon", "--cores", "1", "--sizes", "1"];
    let ended = carried_out(&sandbox, &[arguments.as_slice(), &["--blocks", "1", "--samples", "1"]].concat());
    assert!(ended.status.success(), "{}", words(&ended));
    let record = sandbox.run().expect("there is a run").join("run.jsonl");
    let journal = std::fs::read_to_string(&record).expect("the record is text");

    std::fs::write(&input, "a\t1999\t3\t1\nb\t2000\t5\t1\n").expect("our own file");
    let refused = carried_out(&sandbox, &["--resume", "--blocks", "2"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(words(&refused).contains("its input has changed, so begin a new run"), "{}", words(&refused));
    assert_eq!(sandbox.journal(), journal.as_bytes());

    let other = journal.replacen("\"program\":\"goldilocks ", "\"program\":\"goldilocks 0.0.0, not ", 1);
    std::fs::write(&record, &other).expect("our own file");
    let refused = carried_out(&sandbox, &["--resume", "--blocks", "3"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(words(&refused).contains("the program is not the one that this run began with"), "{}", words(&refused));
    assert_eq!(sandbox.journal(), other.as_bytes());
}
