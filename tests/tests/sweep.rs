//! Sweeps by the real program: the content of the record, rejected options, and the behaviour after a cell fails.

use record::{BASELINE, Cell, Fault, Sample, Status};
use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};
use testbed::sandbox::{Sandbox, wait_for};

/// Arguments of a sweep of three tasks that need no data and almost no time.
const TINY: [&str; 20] = [
    "--tasks",
    "count,noop,virtual_work",
    "--how-many",
    "32",
    "--increments",
    "20000",
    "--items",
    "50",
    "--waits",
    "4",
    "--wait-us",
    "200",
    "--sizes",
    "4,16",
    "--cores",
    "1",
    "--workers",
    "1,2",
    "--samples",
    "2",
];

fn carried_out(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    sandbox.sweep(arguments).output().expect("the binary was just built")
}

/// The program's output: stdout, then stderr.
fn words(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|words| String::from_utf8_lossy(words)).concat()
}

fn report(sandbox: &Sandbox) -> String {
    read_to_string(sandbox.run().expect("there is a run").join("report.html")).expect("there is a report")
}

/// The record's samples with this status.
fn by_status(sandbox: &Sandbox, status: Status) -> Vec<Sample> {
    sandbox.record().samples.into_iter().filter(|sample| sample.status == status).collect()
}

/// The cell measured in each turn of each block.
fn order(sandbox: &Sandbox) -> BTreeMap<(u32, u32), Cell> {
    sandbox.record().samples.into_iter().map(|sample| ((sample.block, sample.turn), sample.cell)).collect()
}

/// Asserts that the sweep finished, with a report, and with a sample or a reason for each of `cells` cells.
fn assert_went_on(sandbox: &Sandbox, output: &Output, cells: usize) {
    let record = sandbox.record();
    let verified = record.samples.iter().all(|sample| sample.status == Status::Verified);
    assert_eq!(output.status.code(), Some(if verified { 0 } else { 3 }), "{}", words(output));
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.lines().last().unwrap_or_default();
    let named = last.starts_with("error: not verified: ") && last.ends_with("report.html");
    assert_eq!(named, !verified, "the last line says what is not verified, and where to see it: {last}");
    assert!(record.ended.is_some_and(|ended| !ended.interrupted && ended.blocks == 1));
    let mut seen: Vec<&Cell> = record.samples.iter().map(|sample| &sample.cell).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), cells);
    assert!(report(sandbox).contains("</html>"));
}

#[test]
fn a_sweep_measures_and_verifies_every_cell_in_every_block() {
    let sandbox = Sandbox::default();
    let output = carried_out(&sandbox, &[TINY.as_slice(), &["--blocks", "2", "--seed", "7"]].concat());
    assert!(output.status.success(), "{}", words(&output));

    let journal = String::from_utf8(sandbox.journal()).expect("a record is text");
    assert!(journal.starts_with("{\"kind\":\"run\","), "the first line says what was asked for");
    let mut expected = Vec::new();
    for task in ["count", "noop", "virtual_work"] {
        let cell = |strategy: &str, workers: u32, size: u64| Cell {
            task: task.to_owned(),
            strategy: strategy.to_owned(),
            cores: 1,
            workers,
            size,
            delivery: "gather".to_owned(),
            combine: "per_partition".to_owned(),
        };
        expected.push(cell(BASELINE, 1, 0));
        for strategy in strategies::catalogue::usual() {
            let axes = [(1, 4), (1, 16), (2, 4), (2, 16)];
            expected.extend(axes.map(|(workers, size)| cell(strategy.name, workers, size)));
        }
        for strategy in strategies::catalogue::others() {
            expected.extend([1, 2].map(|workers| cell(strategy.name, workers, 16)));
        }
    }
    let record = sandbox.record();
    assert_eq!(record.samples.len(), 2 * expected.len() * 2, "blocks × cells × samples");
    let lines = 1 + record.samples.len() + record.traces.len() + 1;
    assert_eq!(journal.lines().count(), lines, "a run, its samples, their traces, its end");
    for block in 0..2 {
        for cell in &expected {
            let samples = record.samples.iter().filter(|sample| sample.block == block && sample.cell == *cell);
            let indices: Vec<u32> = samples.map(|sample| sample.index).collect();
            assert_eq!(indices, [0, 1], "{cell:?} in block {block}");
        }
    }
    for sample in &record.samples {
        assert_eq!((sample.status, sample.reason.as_str()), (Status::Verified, ""));
        let times = sample.times.as_ref().expect("a verified sample has times");
        assert_eq!(times.wall_ns, times.run_ns + times.reduce_ns);
        assert!(times.most_in_progress <= sample.cell.workers, "{:?}: {times:?}", sample.cell);
    }
    assert!(record.samples.windows(2).all(|pair| pair[0].elapsed_ms <= pair[1].elapsed_ms));
    assert!(record.ended.is_some_and(|ended| !ended.interrupted && ended.blocks == 2));

    let page = report(&sandbox);
    for strategy in strategies::catalogue::ALL {
        assert!(page.contains(strategy.name), "{} is not in the report", strategy.name);
    }
    assert!(words(&output).contains("report.html"), "the terminal says where the report is");
    sandbox.wait_until_clear(Duration::from_secs(60)).expect("nothing is left behind");
}

#[test]
fn the_order_of_cells_follows_from_the_seed_and_differs_between_blocks() {
    let orders = ["7", "7", "8"].map(|seed| {
        let sandbox = Sandbox::default();
        let few = ["--strategies", "sequential,threads_shared,rayon", "--blocks", "2", "--seed", seed];
        let output = carried_out(&sandbox, &[TINY.as_slice(), &few].concat());
        assert!(output.status.success(), "{}", words(&output));
        assert_eq!(sandbox.record().run.seed.to_string(), seed);
        order(&sandbox)
    });
    assert_eq!(orders[0], orders[1]);
    assert_ne!(orders[0], orders[2]);
    let block = |block: u32| orders[0].range((block, 0)..(block + 1, 0)).map(|(_, cell)| cell).collect::<Vec<_>>();
    let (first, second) = (block(0), block(1));
    let mut sorted = first.clone();
    sorted.sort();
    assert_ne!(first, sorted, "the order is shuffled");
    assert_ne!(first, second);
    assert_eq!(first.len(), second.len());
}

#[test]
fn invalid_options_are_rejected_with_a_sentence_before_anything_is_measured() {
    let wrong: [(&[&str], &str); 23] = [
        (&["--workers", "0"], "expected a whole number of at least 1"),
        (&["--workers", "99999999999"], "expected a whole number from 1 to 1024"),
        (&["--cores", "0"], "expected a whole number of at least 1"),
        (&["--cores", "100000"], "for more threads than cores, pass `--workers 100000`"),
        (&["--sizes", "0"], "expected a whole number of at least 1"),
        (&["--sizes", "many"], "expected a whole number of at least 1"),
        (&["--samples", "0"], "expected a whole number of at least 1"),
        (&["--samples", "4294967295"], "expected a whole number from 1 to 1000"),
        (&["--blocks", "0"], "0 is not in 1.."),
        (&["--tasks", "sleep"], "possible values: count, "),
        (&["--tasks", "cout"], "a similar value exists: 'count'"),
        (&["--strategies", "rayn"], "a similar value exists: 'rayon'"),
        (&["--deliveries", "pigeon"], "possible values: gather, in_order"),
        (&["--budget", "abc"], "`abc` is no unit of time; use s, m or h"),
        (&["--budget=-5m"], "expected a time of 0 or more"),
        (&["--tasks", "word_totals", "--input", "not/there.tsv"], "not/there.tsv"),
        (&["--tasks", "cursor_pages", "--rows", "99999999999"], "99999999999"),
        (&["--tasks", "cursor_pages", "--rows", "0"], "0 is not in 1.."),
        (&["--tasks", "cursor_pages", "--table", "a.b"], "say on which server, by --database-url or DATABASE_URL"),
        (&["--how-many", "0"], "0 is not in 1.."),
        (&["--numbers", "18446744073709551615"], "18446744073709551615 is not in 0..=10000000000000"),
        (
            &["--weak", "--tasks", "word_totals", "--grams", "1MB"],
            "an option names the bytes or the data of word_totals",
        ),
        (&["--resume", "not-a-run"], "no run `not-a-run`"),
    ];
    let sandbox = Sandbox::default();
    for (arguments, sentence) in wrong {
        let output = carried_out(&sandbox, arguments);
        let words = words(&output);
        assert!(matches!(output.status.code(), Some(1 | 2)), "{arguments:?}: {} {words}", output.status);
        assert!(words.contains(sentence) && !words.contains("panicked"), "{arguments:?}: {words}");
        assert_eq!(sandbox.run(), None, "{arguments:?} has begun a run");
    }
    sandbox.wait_until_clear(Duration::from_secs(60)).expect("nothing is left behind");
}

#[test]
fn weak_scaling_gives_each_core_the_same_work_and_verifies_every_answer() {
    let sandbox = Sandbox::default();
    let weak = ["--weak", "--tasks", "count,word_totals", "--strategies", "threads_shared", "--cores", "1,2"];
    // On a busy machine a cell may look unfair. This test is about answers.
    for options in [&[&weak[..], &["--sizes", "1000", "--blocks", "1"]].concat()[..], &["--resume", "--blocks", "2"]] {
        let output = carried_out(&sandbox, options);
        assert!(matches!(output.status.code(), Some(0 | 3)), "{}", words(&output));
    }
    let record = sandbox.record();
    for task in &record.run.tasks {
        let [grown] = &task.grown[..] else { panic!("{}: {:?}", task.name, task.grown) };
        assert_eq!((grown.cores, grown.factor), (2, 2));
        assert_ne!(grown.digest, task.digest, "{}: more work has another answer", task.name);
        assert_eq!(grown.items, task.items.map(|items| 2 * items), "{}", task.name);
    }
    let is_right = |sample: &Sample| matches!(sample.status, Status::Verified | Status::Unfair);
    assert!(record.samples.iter().all(is_right) && record.samples.iter().any(|sample| sample.block == 1));
    // The report counts the work: a speed-up is the ratio of times, times the ratio of the work.
    let analysis = reports::analysis::Analysis::new(&record);
    for task in &analysis.tasks {
        let baseline = task.results.baseline.as_ref().unwrap();
        for cell in task.results.cells.iter().filter(|cell| cell.sound) {
            let ratios = record::statistics::ratio(&baseline.blocks, &cell.blocks, 0.95).unwrap();
            let expected = ratios.value * f64::from(cell.cell.cores);
            assert!((cell.speed_up.unwrap().value / expected - 1.0).abs() < 1e-9, "{:?}", cell.cell);
        }
    }
    assert!(report(&sandbox).contains("The work grows with the cores"));
}

#[test]
fn repeated_options_are_measured_once() {
    let sandbox = Sandbox::default();
    let twice = ["--tasks", "noop,noop", "--strategies", "rayon,rayon", "--cores", "1,1", "--workers", "2,2"];
    let output = carried_out(&sandbox, &[twice.as_slice(), &["--sizes", "9,9", "--blocks", "1"]].concat());
    assert_went_on(&sandbox, &output, 2);
    let run = sandbox.record().run;
    assert_eq!((run.tasks.len(), run.strategies.len(), run.cores.len(), run.tasks[0].sizes.len()), (1, 1, 1, 1));
}

/// Options that make the three default tasks small.
const SMALL: &str = "--increments 20000 --how-many 32 --grams 100KB --strategies rayon,sequential --cores 1 --sizes 100 --blocks \
    1";

#[test]
fn a_default_task_without_a_server_is_skipped_for_a_reason_and_the_rest_is_measured() {
    let sandbox = Sandbox::default();
    // This variable names the only folder in which PostgreSQL may be.
    let missing = sandbox.path("missing");
    let output =
        sandbox.sweep(SMALL.split_whitespace()).env("PGBIN", &missing).output().expect("the binary was just built");
    assert_went_on(&sandbox, &output, 6);
    let record = sandbox.record();
    let [skipped] = record.skipped.as_slice() else { panic!("{:?}", record.skipped) };
    assert_eq!(skipped.task, "cursor_pages");
    assert!(skipped.reason.contains("missing"), "{}", skipped.reason);
    assert!(record.samples.iter().all(|sample| sample.status == Status::Verified));
    assert!(words(&output).contains("cursor_pages is skipped: "), "{}", words(&output));
    assert!(report(&sandbox).contains("cursor_pages"), "the report says so too");
}

/// What the user names is measured, or nothing is.
#[test]
fn whatever_was_named_and_cannot_be_measured_ends_the_sweep_at_once() {
    // No server listens on port 1.
    let address = "postgresql://somebody:open-sesame@127.0.0.1:1/postgres";
    let missing = "No such file or directory (os error 2); is the path right?";
    let cases: [(&[&str], i32, &str); 7] = [
        (&["--input", "nowhere.tsv"], 1, missing),
        (&["--tasks", "count,word_totals", "--input", "nowhere.tsv"], 1, missing),
        (&["--tasks", "count", "--input", "nowhere.tsv"], 2, "no task of this sweep reads it; add word_totals"),
        (&["--database-url", address], 1, "cursor_pages cannot be measured: cannot connect to"),
        (&["--tasks", "noop,cursor_pages", "--database-url", address], 1, "cannot connect to"),
        (&["--database-url", address, "--table", "public.nothing"], 1, "cursor_pages cannot be measured: "),
        (&["--tasks", "count,word_total"], 2, "a similar value exists: 'word_totals'"),
    ];
    for (arguments, code, part) in cases {
        let sandbox = Sandbox::default();
        let small = &["--strategies", "rayon", "--increments", "20000", "--blocks", "1"];
        let output = carried_out(&sandbox, &[small.as_slice(), arguments].concat());
        let said = words(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(said.contains(part) && !said.contains("open-sesame"), "{arguments:?}: {said}");
        assert_eq!(sandbox.run(), None, "{arguments:?}");
    }
}

#[test]
fn a_strategy_that_fails_is_recorded_with_its_reason_and_the_sweep_goes_on() {
    let sandbox = Sandbox::default();
    let arguments = ["--tasks", "count", "--increments", "1000", "--strategies", "static_split,rayon", "--cores", "1"];
    let output = carried_out(&sandbox, &[arguments.as_slice(), &["--sizes", "64", "--blocks", "1"]].concat());
    assert_went_on(&sandbox, &output, 3);
    let failed = by_status(&sandbox, Status::Failed);
    let [failed] = failed.as_slice() else { panic!("{failed:?}") };
    assert_eq!(failed.cell.strategy, "static_split");
    assert!(failed.reason.contains("stopped pulling jobs"), "{}", failed.reason);
    assert_eq!(failed.times, None, "a failure is never a time");
    assert!(words(&output).contains(&failed.reason) && report(&sandbox).contains("stopped pulling jobs"));
}

#[test]
fn a_strategy_that_failed_is_not_tried_again_in_the_next_block() {
    let sandbox = Sandbox::default();
    let arguments = ["--tasks", "noop", "--strategies", "static_split", "--cores", "1", "--sizes", "64"];
    let output = carried_out(&sandbox, &[arguments.as_slice(), &["--blocks", "3"]].concat());
    assert_eq!(output.status.code(), Some(3), "{}", words(&output));
    assert_eq!(by_status(&sandbox, Status::Failed).len(), 1);
}

/// Arguments of a sweep of five cells. Each takes about half a second, which is enough time to signal its processes.
const SLOW: &str = "--tasks virtual_work --waits 20 --wait-us 5000 --strategies rayon,processes --cores 1 --workers 1,2 --sizes \
    1 --blocks 1 --patience 1s";

/// The time after which a process has started, and the partition of a process that was killed before has ended elsewhere.
const STARTED: Duration = Duration::from_millis(100);

/// Runs the slow sweep and sends `signal` to processes of `kind` until a sample has the status `status`.
fn strike(kind: &str, signal: Signal, status: Status) -> (Sandbox, Vec<Sample>) {
    let sandbox = Sandbox::default();
    let sweep = sandbox.sweep(SLOW.split_whitespace()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut sweep = sweep.expect("the binary was just built");
    // The test waits for the record, because the program first measures the baseline, which must not be struck.
    wait_for("a record", || sandbox.run());
    let mut seen: Option<(i32, Instant)> = None;
    // On a slow machine a replaced process takes longer to start, so every strike waits longer than the one before.
    let mut started = STARTED;
    wait_for("a cell that goes wrong", || {
        let ended = sweep.try_wait().expect("it can be waited for").is_some();
        if ended || !by_status(&sandbox, status).is_empty() {
            return Some(());
        }
        let found = sandbox.processes().into_iter().find(|process| process.command.ends_with(kind))?;
        match seen {
            Some((number, since)) if number == found.number => {
                if since.elapsed() > started {
                    let _ = kill_process(Pid::from_raw(number)?, signal);
                    started = (2 * started).min(4 * STARTED);
                }
            }
            _ => seen = Some((found.number, Instant::now())),
        }
        None
    });
    let output = sweep.wait_with_output().expect("it can be waited for");
    assert_went_on(&sandbox, &output, 5);
    let samples = by_status(&sandbox, status);
    assert!(words(&output).contains(&samples[0].reason), "{}", words(&output));
    let others = sandbox.record().samples.into_iter().filter(|sample| sample.status != status);
    let others: Vec<Status> = others.map(|sample| sample.status).collect();
    assert!(!others.is_empty() && others.iter().all(|status| *status == Status::Verified), "{others:?}");
    // No worker process may outlive its cell, however the cell ended.
    sandbox.wait_until_clear(Duration::from_secs(60)).expect("nothing is left behind");
    (sandbox, samples)
}

#[test]
fn a_cell_whose_process_is_killed_has_crashed_and_the_sweep_goes_on() {
    let (sandbox, crashed) = strike(" cell", Signal::KILL, Status::Crashed);
    assert!(crashed[0].reason.contains("killed by signal 9"), "{}", crashed[0].reason);
    assert!(report(&sandbox).contains("killed by signal 9"));
}

#[test]
fn a_cell_whose_process_stands_still_is_stopped_and_the_sweep_goes_on() {
    let (sandbox, hung) = strike(" cell", Signal::STOP, Status::Hung);
    assert!(hung[0].reason.contains("it did not end within"), "{}", hung[0].reason);
    assert!(report(&sandbox).contains("it did not end within"));
}

#[test]
fn a_killed_worker_process_is_replaced_and_the_sample_is_no_measurement() {
    let (sandbox, disturbed) = strike(" worker", Signal::KILL, Status::Unfair);
    assert_eq!((&*disturbed[0].cell.strategy, disturbed[0].fault), ("processes", Some(Fault::WorkerDied)));
    for part in ["worker process", "(SIGKILL)", "ran partition"] {
        assert!(disturbed[0].reason.contains(part), "{}", disturbed[0].reason);
    }
    assert!(report(&sandbox).contains("worker process"));
}

#[test]
fn a_wrong_answer_is_recorded_as_wrong_and_never_as_a_time() {
    let sandbox = Sandbox::default();
    let (input, other) = (sandbox.path("words.tsv"), sandbox.path("other.tsv"));
    std::fs::write(&input, "a\t1999\t3\t1\nb\t2000\t4\t1\n").expect("our own folder");
    std::fs::write(&other, "a\t1999\t3\t1\nb\t2000\t5\t1\n").expect("our own folder");
    let strategies = "sequential,threads_split,threads_shared,rayon,channel_flume,processes";
    let sweep = sandbox
        .sweep([
            "--tasks",
            "word_totals",
            "--cores",
            "1",
            "--sizes",
            "1,2,3",
            "--blocks",
            "1",
            "--strategies",
            strategies,
        ])
        .arg("--input")
        .arg(&input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary was just built");
    // From now on the cells read different words than the baseline. The last cell comes much later.
    wait_for("a record", || sandbox.run());
    std::fs::rename(&other, &input).expect("our own folder");
    let output = sweep.wait_with_output().expect("it can be waited for");
    assert_went_on(&sandbox, &output, 6 * 3 + 1);
    let wrong = by_status(&sandbox, Status::Wrong);
    assert!(!wrong.is_empty());
    for sample in &wrong {
        assert_eq!(sample.times, None);
        assert_eq!(sample.fault, Some(Fault::WrongAnswer));
        assert!(sample.reason.contains("in its answer,"), "{}", sample.reason);
    }
    assert!(report(&sandbox).contains("in its answer,"));
}
