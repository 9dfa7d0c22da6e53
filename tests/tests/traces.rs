//! Traces by the real program: the file of `run --trace`, and what a sweep keeps, writes and shows.

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};
use testbed::sabotaged;
use testbed::sandbox::Sandbox;

fn run(command: &mut Command) -> Output {
    command.output().expect("the binary was just built")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Arguments of a run with ten partitions on two workers, which takes almost no time.
const TEN: [&str; 17] = [
    "run",
    "-t",
    "count",
    "--how-many",
    "50",
    "--increments",
    "20000",
    "--size",
    "5",
    "--cores",
    "1",
    "-j",
    "2",
    "--processes",
    "1",
    "--samples",
    "1",
];

/// The slices of a trace.
fn slices(trace: &Value) -> Vec<&Value> {
    let events = trace["traceEvents"].as_array().expect("a trace has events");
    events.iter().filter(|event| event["ph"] == "X").collect()
}

fn number(slice: &Value, field: &str) -> f64 {
    slice[field].as_f64().expect("a number")
}

/// Asserts that a trace is whole: each job once, on a lane with a name, inside the run and not during another job of the lane.
fn assert_whole(trace: &Value, jobs: u64) {
    let slices = slices(trace);
    let (phases, jobs_of): (Vec<&Value>, Vec<&Value>) = slices.iter().partition(|slice| slice["args"].is_null());
    let names: Vec<&str> = phases.iter().filter_map(|phase| phase["name"].as_str()).collect();
    assert_eq!(names, ["start", "run", "reduce"]);
    let partitions: BTreeSet<u64> = jobs_of.iter().filter_map(|job| job["args"]["partition"].as_u64()).collect();
    assert_eq!((jobs_of.len() as u64, partitions), (jobs, (0..jobs).collect()));
    let events = trace["traceEvents"].as_array().expect("a trace has events");
    let named: BTreeSet<&str> = events.iter().filter_map(|event| event["args"]["name"].as_str()).collect();
    let run = (number(phases[1], "ts"), number(phases[1], "ts") + number(phases[1], "dur"));
    let lanes: BTreeSet<u64> = jobs_of.iter().filter_map(|job| job["tid"].as_u64()).collect();
    for (worker, lane) in lanes.iter().enumerate() {
        assert!(named.contains(&*format!("worker {worker}")), "{named:?}");
        let mut before = run.0;
        for job in jobs_of.iter().filter(|job| job["tid"] == *lane) {
            // The fractions of a microsecond are binary numbers, whose sums are rounded.
            assert!(number(job, "ts") >= before - 1e-6, "{job} begins before {before}");
            before = number(job, "ts") + number(job, "dur");
        }
        assert!(before <= run.1 + 1e-6, "a job ends at {before}, after {}", run.1);
    }
}

#[test]
fn a_run_writes_each_job_as_a_slice() {
    let sandbox = Sandbox::default();
    for strategy in ["threads_shared", "processes", "channel_flume", "sequential"] {
        let traced = run(sandbox.goldilocks().args(TEN).args(["-s", strategy, "--trace", "trace.json"]));
        assert!(testbed::completed(traced.status), "{}", errors(&traced));
        let text = fs::read_to_string(sandbox.path("trace.json")).expect("the trace is written");
        let trace: Value = serde_json::from_str(&text).expect("the trace is JSON");
        assert_whole(&trace, 10);
        assert_eq!(trace["otherData"]["cell"]["strategy"], strategy);
    }
}

#[test]
fn a_trace_that_cannot_be_written_is_refused_with_its_name() {
    let sandbox = Sandbox::default();
    for (arguments, code, words) in [
        (&["-s", "rayon", "--trace", "nowhere/trace.json"][..], 2, "cannot write to nowhere/trace.json"),
        (&["-s", "rayon", "--trace", "."], 2, "--trace names the folder ."),
        (&["-s", "rayon", "--trace", "/dev/full"], 1, "cannot write to /dev/full"),
        (&["-s", "rayon", "--trace", "-", "--json"], 2, "--json and --trace both go to the standard output"),
        (&["-s", "rayon", "--trace", "one", "--output", "one"], 2, "--output and --trace name the same file"),
        (&["-s", "baseline", "--trace", "trace.json"], 2, "the baseline has no jobs"),
    ] {
        let refused = run(sandbox.goldilocks().args(TEN).args(arguments));
        assert_eq!(refused.status.code(), Some(code), "{arguments:?}: {}", errors(&refused));
        assert!(errors(&refused).contains(words), "{arguments:?}: {}", errors(&refused));
    }
}

/// Arguments of a sweep with one task and two sizes on one core.
const SWEEP: [&str; 15] = [
    "--tasks",
    "count",
    "--how-many",
    "50",
    "--increments",
    "20000",
    "--sizes",
    "5,10",
    "--cores",
    "1",
    "--workers",
    "2",
    "--samples",
    "1",
    "--blocks",
];

#[test]
fn a_sweep_keeps_and_shows_a_trace_of_each_strategy_and_delivery() {
    let sandbox = Sandbox::default();
    let strategies = ["--strategies", "sequential,rayon,processes"];
    let swept = run(sandbox.sweep(SWEEP).arg("1").args(strategies));
    assert!(testbed::completed(swept.status), "{}", errors(&swept));
    let record = sandbox.record();
    let traced: Vec<(&str, &str)> =
        record.traces.iter().map(|trace| (&*trace.cell.strategy, &*trace.cell.delivery)).collect();
    let fastest = traced.last().expect("there are traces").0;
    let mut expected = vec![("processes", "gather"), ("rayon", "gather"), ("sequential", "gather")];
    expected.extend([(fastest, "in_order"), (fastest, "as_completed")]);
    assert_eq!(traced, expected);
    assert_ne!(fastest, "sequential", "it is not parallel");
    let folder = sandbox.run().expect("there is a run");
    let page = fs::read_to_string(folder.join("report.html")).expect("there is a report");
    for trace in &record.traces {
        let run = trace.run.as_ref().unwrap_or_else(|| panic!("{trace:?}"));
        let jobs = 50_u64.div_ceil(trace.cell.size);
        assert_eq!((run.jobs, run.delivered_ns.len() as u64), (jobs, jobs));
        assert!(run.delivered_ns.is_sorted(), "{run:?}");
        let more = if trace.cell.delivery == "gather" { String::new() } else { format!("-{}", trace.cell.delivery) };
        let name = format!("traces/count-{}{more}.json", trace.cell.strategy);
        let text = fs::read_to_string(folder.join(&name)).unwrap_or_else(|_| panic!("{name}"));
        assert_whole(&serde_json::from_str(&text).expect("the trace is JSON"), jobs);
        assert!(page.contains(&format!("Timeline of {} on", trace.cell.strategy)), "{trace:?}");
    }
    assert!(page.contains("When results are usable"), "the page has the deliveries");

    // More blocks mean new traces, which replace the old ones.
    let id = folder.file_name().and_then(|id| id.to_str()).expect("an id is text");
    let resumed = run(&mut sandbox.sweep(["--resume", id, "--blocks", "2"]));
    assert!(testbed::completed(resumed.status), "{}", errors(&resumed));
    let (before, after) = (record.traces, sandbox.record().traces);
    assert_eq!(after.len(), before.len());
    assert_ne!(after, before);
}

#[test]
fn a_strategy_that_dies_in_the_traced_run_has_no_trace_and_the_sweep_goes_on() {
    let sandbox = Sandbox::default();
    let strategies = ["--strategies", "dies_in_the_third_run,rayon", "--sizes", "5"];
    let arguments = SWEEP.iter().filter(|it| !["--sizes", "5,10"].contains(it)).copied();
    let swept = run(sandbox.sweep_of(sabotaged(), arguments).arg("1").args(strategies));
    assert!(testbed::completed(swept.status), "{}", errors(&swept));
    let record = sandbox.record();
    let missing: Vec<&record::Trace> = record.traces.iter().filter(|trace| trace.run.is_none()).collect();
    assert!(missing.iter().all(|trace| trace.cell.strategy == "dies_in_the_third_run"), "{missing:?}");
    assert!(missing.first().is_some_and(|trace| trace.reason.contains("SIGABRT")), "{missing:?}");
    assert!(record.traces.iter().any(|trace| trace.cell.strategy == "rayon" && trace.run.is_some()));
    assert!(record.ended.is_some_and(|ended| !ended.interrupted));
    let page = fs::read_to_string(sandbox.run().expect("there is a run").join("report.html")).expect("a report");
    assert!(page.contains("No trace of dies_in_the_third_run with gather: "), "the page says so");
}
