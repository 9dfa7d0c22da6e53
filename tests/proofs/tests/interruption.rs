//! A sweep that ends early leaves nothing behind, loses nothing, and can be resumed, whatever ended it.
//!
//! With `GOLDILOCKS_INTERRUPTIONS=30` the first test interrupts 30 sweeps by each signal and 10 in each other way.

use proofs::interruption::{Interruption, complete, interrupt};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use std::process::{Child, Output, Stdio};
use std::time::Duration;
use testbed::sandbox::{Sandbox, wait_for};

/// A sweep of a second or less that needs no data.
const SMALL: &str = "--tasks virtual_work --strategies threads_shared,processes --cores 1 --waits 16 --sizes 1,4 \
                     --wait-us 2000 --seed 7";

/// The longest time that any step may take.
const PATIENCE: Duration = Duration::from_secs(60);

fn arguments(words: &str) -> impl Iterator<Item = &str> {
    words.split_whitespace()
}

/// Runs the small sweep with more arguments. It must succeed.
fn small(sandbox: &Sandbox, more: &str) {
    let output = run(sandbox, &format!("{SMALL} {more}"));
    assert!(output.status.success(), "{}", errors(&output));
}

fn run(sandbox: &Sandbox, words: &str) -> Output {
    sandbox.sweep(arguments(words)).output().expect("the binary was just built")
}

/// Runs `--resume` with more arguments. It must succeed.
fn resume(sandbox: &Sandbox, more: &str) -> Output {
    let output = run(sandbox, &format!("--resume {more}"));
    assert!(output.status.success(), "{}", errors(&output));
    output
}

fn start(sandbox: &Sandbox, words: &str) -> Child {
    let sweep = sandbox.sweep(arguments(words)).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    sweep.expect("the binary was just built")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Waits for a sweep, which must end as interrupted, and returns its errors.
fn interrupted(sweep: Child) -> String {
    let output = sweep.wait_with_output().expect("it can be waited for");
    assert_eq!(output.status.code(), Some(130), "{}", errors(&output));
    errors(&output)
}

fn wait_for_a_sample(sandbox: &Sandbox) {
    let lines = || sandbox.journal().iter().filter(|byte| **byte == b'\n').count();
    wait_for("a sample", || lines().checked_sub(2));
}

fn blocks(sandbox: &Sandbox) -> u32 {
    sandbox.record().samples.iter().map(|sample| sample.block + 1).max().unwrap_or_default()
}

/// The numbers of the files that a process has open.
fn open_files(process: &Child) -> Vec<u64> {
    let files = std::fs::read_dir(format!("/proc/{}/fd", process.id())).expect("the process runs");
    files.filter_map(|file| file.ok()?.file_name().to_str()?.parse().ok()).collect()
}

/// The text of the record, and its path.
fn record(sandbox: &Sandbox) -> (String, std::path::PathBuf) {
    let path = sandbox.run().expect("there is a run").join("run.jsonl");
    (std::fs::read_to_string(&path).expect("the record is text"), path)
}

#[test]
fn a_sweep_ended_by_a_signal_at_any_moment_leaves_nothing_behind_and_loses_nothing() {
    let times = std::env::var("GOLDILOCKS_INTERRUPTIONS").ok();
    survives(
        &Interruption::SIGNALS,
        times.map_or(3, |times| times.parse().expect("GOLDILOCKS_INTERRUPTIONS is a number")),
    );
}

#[test]
fn a_sweep_disturbed_in_any_other_way_leaves_nothing_behind_and_loses_nothing() {
    survives(&Interruption::OTHERS, 1);
}

fn survives(ways: &[Interruption], times: u32) {
    let summary = interrupt(ways, times, 7).expect("an undisturbed sweep succeeds");
    println!("{summary}");
    assert!(summary.failures.is_empty(), "{summary}\n{}", summary.failures.join("\n"));
}

#[test]
fn ctrl_c_while_the_server_starts_ends_a_sweep_at_once_and_nothing_is_left_behind() {
    let sandbox = Sandbox::default();
    let sweep = start(&sandbox, "--tasks cursor_pages --strategies processes --cores 1");
    // The test first checks that the sandbox detects these processes. Otherwise their absence would prove nothing.
    for part in ["goldilocks-watchdog", "postgres: "] {
        wait_for(part, || sandbox.processes().into_iter().find(|process| process.command.contains(part)));
    }
    assert!(!sandbox.leftovers().is_empty());
    Interruption::CtrlC.strike(&sweep);
    interrupted(sweep);
    sandbox.wait_until_clear(PATIENCE).expect("nothing is left");
    assert_eq!(sandbox.run(), None);
}

#[test]
fn a_second_ctrl_c_is_harmless() {
    let sandbox = Sandbox::default();
    let sweep = start(&sandbox, &format!("{SMALL} --blocks 4"));
    wait_for_a_sample(&sandbox);
    Interruption::CtrlC.strike(&sweep);
    Interruption::CtrlC.strike(&sweep);
    interrupted(sweep);
    sandbox.wait_until_clear(PATIENCE).expect("nothing is left");
    resume(&sandbox, "");
    complete(&sandbox).expect("every cell has its samples");
}

#[test]
fn an_interrupted_sweep_names_the_command_that_resumes_it() {
    let sandbox = Sandbox::default();
    let sweep = start(&sandbox, &format!("{SMALL} --blocks 4 --samples 2"));
    wait_for_a_sample(&sandbox);
    Interruption::CtrlC.strike(&sweep);
    let errors = interrupted(sweep);
    let run = sandbox.run().expect("there is a run");
    assert!(
        errors.contains(&format!("`goldilocks sweep --resume {} --anyway` continues this run", run.display())),
        "{errors}"
    );
    assert!(sandbox.record().ended.is_some_and(|ended| ended.interrupted));
    assert!(run.join("report.html").is_file(), "the measured part has a report");

    resume(&sandbox, run.to_str().expect("our own folder"));
    complete(&sandbox).expect("every cell has its samples");
    assert_eq!(sandbox.record().resumed, 1);
}

#[test]
fn an_interruption_during_the_baselines_is_not_a_failed_task() {
    let sandbox = Sandbox::default();
    // The baseline is measured first and takes a minute.
    let sweep = start(&sandbox, "--tasks virtual_work --waits 60 --wait-us 1000000 --cores 1");
    wait_for("a baseline", || sandbox.processes().into_iter().find(|process| process.command.ends_with(" cell")));
    Interruption::Terminate.strike(&sweep);
    let printed = interrupted(sweep);
    assert!(printed.contains("interrupted before anything was measured"), "{printed}");
    assert!(!printed.contains("skipped"), "{printed}");
    sandbox.wait_until_clear(PATIENCE).expect("nothing is left");
    assert_eq!(sandbox.run(), None);

    let resumed = run(&sandbox, "--resume");
    assert_eq!(resumed.status.code(), Some(1));
    assert!(errors(&resumed).contains("there is no run in"), "{}", errors(&resumed));
}

#[test]
fn a_folder_with_less_than_a_record_after_a_crash_is_no_run() {
    let sandbox = Sandbox::default();
    small(&sandbox, "--blocks 1 --samples 1");
    let run = sandbox.run().expect("there is a run");
    let newer = sandbox.runs().join("99991231-235959-zzzz");
    std::fs::create_dir(&newer).expect("our own folder");
    std::fs::copy(run.join("plan.json"), newer.join("plan.json")).expect("our own folder");
    std::fs::write(newer.join("run.jsonl.unfinished"), "{\"kind\":\"run\",").expect("our own folder");

    resume(&sandbox, "");
    assert_eq!(sandbox.run(), Some(run));
}

#[test]
fn a_cut_off_line_is_removed_and_measured_again() {
    let sandbox = Sandbox::default();
    small(&sandbox, "--blocks 1 --samples 2");
    let (journal, path) = record(&sandbox);
    // The record is cut as by a crash in the middle of the fourth sample.
    let whole: usize = journal.split_inclusive('\n').take(4).map(str::len).sum();
    std::fs::write(&path, &journal[..whole + 100]).expect("our own file");

    resume(&sandbox, "");
    complete(&sandbox).expect("every cell has its samples");
    assert!(sandbox.journal().starts_with(&journal.as_bytes()[..whole]));
}

#[test]
fn a_finished_run_stays_as_it_is_and_can_get_more_blocks() {
    let sandbox = Sandbox::default();
    small(&sandbox, "--blocks 1 --samples 1");
    let journal = sandbox.journal();
    let report = sandbox.run().expect("there is a run").join("report.html");
    std::fs::remove_file(&report).expect("it was written");

    let printed = errors(&resume(&sandbox, ""));
    assert!(printed.contains("is complete") && printed.contains("--blocks 5` measures"), "{printed}");
    assert_eq!(sandbox.journal(), journal);
    assert!(report.is_file(), "the report is made again");

    resume(&sandbox, "--blocks 3");
    assert_eq!(blocks(&sandbox), 3);
    complete(&sandbox).expect("every cell has its samples");
    assert!(sandbox.journal().starts_with(&journal));
}

#[test]
fn a_run_without_budget_finishes_its_block_and_begins_no_other() {
    let sandbox = Sandbox::default();
    small(&sandbox, "--budget 0 --samples 1");
    assert_eq!(blocks(&sandbox), 1, "the first block is always finished");
    let (journal, path) = record(&sandbox);
    let half: usize = journal.split_inclusive('\n').take(3).map(str::len).sum();
    std::fs::write(&path, &journal[..half]).expect("our own file");

    resume(&sandbox, "");
    assert_eq!(blocks(&sandbox), 1);
    // Two strategies at the default size and the baseline come first.
    assert_eq!(sandbox.record().samples.len(), 2 + 1, "each cell of the first question once");

    resume(&sandbox, "--budget 1h --blocks 2");
    assert_eq!(blocks(&sandbox), 2);
}

#[test]
fn a_run_is_not_resumed_with_another_program_or_another_input() {
    let sandbox = Sandbox::default();
    let input = sandbox.path("words.tsv");
    std::fs::write(&input, "a\t1999\t3\t1\nb\t2000\t4\t1\n").expect("our own folder");
    let settings = "--strategies rayon --cores 1 --sizes 1 --blocks 1 --samples 1";
    let ended = run(&sandbox, &format!("--tasks word_totals --input {} {settings}", input.display()));
    assert!(ended.status.success(), "{}", errors(&ended));
    let (journal, path) = record(&sandbox);
    let refused = |blocks, reason: &str, journal: &str| {
        let refused = run(&sandbox, &format!("--resume --blocks {blocks}"));
        assert_eq!(refused.status.code(), Some(1));
        assert!(errors(&refused).contains(reason), "{}", errors(&refused));
        assert_eq!(sandbox.journal(), journal.as_bytes());
    };

    std::fs::write(&input, "a\t1999\t3\t1\nb\t2000\t5\t1\n").expect("our own file");
    // The same request is refused again, and is not taken for one that is already met.
    refused(2, "its input has changed, so begin a new run", &journal);
    refused(2, "its input has changed, so begin a new run", &journal);

    let other = journal.replacen("\"program\":\"goldilocks ", "\"program\":\"goldilocks 0.0.0, not ", 1);
    std::fs::write(&path, &other).expect("our own file");
    refused(2, "the program is not the one that this run began with", &other);

    std::fs::write(&path, &journal).expect("our own file");
    std::fs::write(&input, "a\t1999\t3\t1\nb\t2000\t4\t1\n").expect("our own file");
    resume(&sandbox, "--blocks 2");
    assert_eq!(blocks(&sandbox), 2);
}

#[test]
fn signals_that_were_ignored_at_the_start_stay_ignored() {
    let sandbox = Sandbox::default();
    let sweep = sandbox.sweep(arguments(&format!("{SMALL} --blocks 2")));
    // As with `nohup`, and in the background of a shell without job control.
    let mut shell = sandbox.goldilocks_in("trap '' HUP INT && exec \"$0\" \"$@\"", &sweep);
    let sweep = shell.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("a shell is there");
    wait_for_a_sample(&sandbox);
    Interruption::HangUp.strike(&sweep);
    Interruption::CtrlC.strike(&sweep);
    let output = sweep.wait_with_output().expect("it can be waited for");
    assert!(output.status.success(), "{}", errors(&output));
    complete(&sandbox).expect("every cell has its samples");
}

#[test]
fn an_error_that_ends_a_sweep_leaves_a_report_and_names_the_command_that_continues() {
    let sandbox = Sandbox::default();
    let sweep = start(&sandbox, &format!("{SMALL} --blocks 12 --precision 0.01"));
    wait_for_a_sample(&sandbox);
    // Several processes come and go while this looks, so a file that is always open belongs to none of them.
    let mut kept = open_files(&sweep);
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(2));
        kept.retain(|file| open_files(&sweep).contains(file));
    }
    // The limit is one of numbers. It leaves one number free: enough to write a report, too few to start a process.
    let free = (0..).find(|number| !kept.contains(number)).expect("not every number is used");
    let pid = Pid::from_raw(i32::try_from(sweep.id()).expect("a process number")).expect("not 0");
    let few = Rlimit { current: Some(free + 1), maximum: Some(1024) };
    prlimit(Some(pid), Resource::Nofile, few).expect("our own process");
    let output = sweep.wait_with_output().expect("it can be waited for");
    let (errors, run) = (errors(&output), sandbox.run().expect("there is a run"));
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("cannot start a measuring process"), "{errors}");
    let resume_command = format!("`goldilocks sweep --resume {} --anyway` continues this run", run.display());
    assert!(errors.contains(&resume_command), "{errors}");
    assert!(run.join("report.html").is_file(), "the measured part has a report");
    assert!(sandbox.record().ended.is_some_and(|ended| ended.interrupted));
    resume(&sandbox, "");
    complete(&sandbox).expect("every cell has its samples");
}

#[test]
fn a_line_that_a_full_disk_cuts_off_is_removed_and_later_lines_stay_readable() {
    let sandbox = Sandbox::default();
    let sweep = start(&sandbox, &format!("{SMALL} --blocks 4"));
    wait_for_a_sample(&sandbox);
    let pid = Pid::from_raw(i32::try_from(sweep.id()).expect("a process number")).expect("not 0");
    // The next line of the record does not fit completely, and a report fits even less.
    let full = Rlimit { current: Some(sandbox.journal().len() as u64 + 100), maximum: None };
    prlimit(Some(pid), Resource::Fsize, full).expect("our own process");
    let output = sweep.wait_with_output().expect("it can be waited for");
    let errors = errors(&output);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    assert!(errors.contains("cannot write to") && errors.contains("--resume"), "{errors}");
    assert!(errors.contains("no report is written"), "{errors}");
    assert!(sandbox.journal().ends_with(b"\n"), "no line is cut off");
    assert_eq!(sandbox.record().torn, None);
    resume(&sandbox, "");
    complete(&sandbox).expect("every cell has its samples");
}

/// The main process of the sandbox's server.
fn server(sandbox: &Sandbox) -> Option<Pid> {
    let is_main = |command: &str| command.contains("/postgres -D");
    let main = sandbox.processes().into_iter().find(|process| is_main(&process.command))?;
    Pid::from_raw(main.number)
}

const CURSOR: &str = "--tasks cursor_pages --strategies threads_shared --cores 1 --rows 2000 --sizes 100 --seed 7";

#[test]
fn a_server_that_dies_is_started_again_and_no_sample_is_lost() {
    // One process of the server, such as one that the kernel kills without memory, or the main process.
    for is_main in [true, false] {
        let sandbox = Sandbox::default();
        let sweep = start(&sandbox, &format!("{CURSOR} --blocks 6"));
        wait_for_a_sample(&sandbox);
        let part =
            |command: &str| if is_main { command.contains("/postgres -D") } else { command.contains("checkpointer") };
        let struck = sandbox.processes().into_iter().find(|process| part(&process.command));
        let struck = struck.and_then(|process| Pid::from_raw(process.number)).expect("the server runs");
        kill_process(struck, Signal::KILL).expect("the server runs");
        let output = sweep.wait_with_output().expect("it can be waited for");
        assert!(output.status.success(), "{}", errors(&output));
        assert!(errors(&output).contains("the server of cursor_pages had died and runs again"), "{}", errors(&output));
        complete(&sandbox).expect("every cell has its samples");
        sandbox.wait_until_clear(PATIENCE).expect("nothing is left");
    }
}

#[test]
fn cells_without_a_server_are_measured_again_when_the_sweep_is_resumed() {
    let sandbox = Sandbox::default();
    let mut sweep = start(&sandbox, &format!("{CURSOR} --blocks 2"));
    wait_for("a record", || sandbox.run());
    while sweep.try_wait().expect("it can be waited for").is_none() {
        if let Some(server) = server(&sandbox) {
            // It fails only if the server has just ended.
            let _ = kill_process(server, Signal::KILL);
        }
    }
    let output = sweep.wait_with_output().expect("it can be waited for");
    assert_eq!(output.status.code(), Some(3), "{}", errors(&output));
    assert!(errors(&output).contains("failed for reasons outside the program"), "{}", errors(&output));
    let record = sandbox.record();
    assert!(record.ended.is_some_and(|ended| !ended.interrupted));
    let mut failed = record.samples.iter().filter(|sample| sample.outside).peekable();
    assert!(failed.peek().is_some());
    assert!(failed.all(|sample| sample.reason.contains("the server has died")), "{:?}", record.samples);

    resume(&sandbox, "");
    complete(&sandbox).expect("every cell has its samples");
}

#[test]
fn a_sweep_goes_on_if_its_program_is_replaced_moved_or_removed() {
    type Change = fn(&std::path::Path) -> std::io::Result<()>;
    let changes: [(&str, Change); 4] = [
        ("replaced by another program", |program| {
            std::fs::copy("/bin/false", program.with_extension("new"))?;
            std::fs::rename(program.with_extension("new"), program)
        }),
        ("moved", |program| std::fs::rename(program, program.with_extension("old"))),
        ("removed", |program| std::fs::remove_file(program)),
        ("removed and written again", |program| {
            std::fs::remove_file(program)?;
            std::fs::write(program, "#!/bin/false\n")
        }),
    ];
    for (what, change) in changes {
        let sandbox = Sandbox::default();
        let program = sandbox.copied_program();
        let sweep =
            sandbox.sweep_of(&program, arguments(&format!("{SMALL} --blocks 2"))).stderr(Stdio::piped()).spawn();
        let sweep = sweep.expect("the program is there");
        wait_for("a record", || sandbox.run());
        change(&program).expect("our own file");
        let output = sweep.wait_with_output().expect("it can be waited for");
        assert!(output.status.success(), "{what}: {}", errors(&output));
        complete(&sandbox).unwrap_or_else(|error| panic!("{what}: {error:#}"));
        // The census names the threads of a process after its program, although the program has no file.
        let samples = sandbox.record().samples;
        let census = samples.iter().filter_map(|sample| sample.times.as_ref()?.census.as_ref());
        let names: Vec<&str> = census.flat_map(|census| census.pools.iter().map(|pool| pool.name.as_str())).collect();
        assert!(names.contains(&"goldilocks") && !names.contains(&"exe"), "{what}: {names:?}");
    }
}
