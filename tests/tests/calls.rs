//! The calls of the book side by side, by the program.

use serde_json::Value;
use std::collections::BTreeMap;
use std::process::Output;
use testbed::sandbox::Sandbox;

const ALL: [&str; 6] = ["start_join", "apply", "apply_async", "map", "gather", "as_completed"];

/// A number that takes about 150 ms to count to, and four that take almost no time.
const SLOW_FIRST: [&str; 2] = ["--numbers", "300000000,22,5,3,1"];

fn calls(sandbox: &Sandbox, arguments: &[&str]) -> Output {
    sandbox.goldilocks().arg("calls").args(arguments).output().expect("the binary was just built")
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The times of each call, in nanoseconds: first, last, held up.
fn times(sandbox: &Sandbox, arguments: &[&str]) -> BTreeMap<String, [u64; 3]> {
    let ran = calls(sandbox, &[arguments, &["--json"]].concat());
    assert!(ran.status.success(), "{}", errors(&ran));
    let all: Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    let of = |call: &Value| {
        let times = ["first_ns", "last_ns", "held_up_ns"].map(|name| call["times"][name].as_u64().expect("a number"));
        (call["call"].as_str().expect("a name").to_owned(), times)
    };
    all.as_array().expect("a list").iter().map(of).collect()
}

/// The times are compared with each other and with nothing else, because a machine may be slow.
#[test]
fn a_slow_first_number_holds_up_every_call_but_as_completed() {
    let sandbox = Sandbox::default();
    for (strategy, workers) in [("threads_shared", "2"), ("processes", "2"), ("rayon", "5")] {
        let times = times(&sandbox, &[&SLOW_FIRST[..], &["-s", strategy, "-j", workers]].concat());
        assert_eq!(times.len(), ALL.len());
        for call in ["start_join", "apply_async", "map", "gather"] {
            let [first, last, held_up] = times[call];
            assert!(held_up > last / 2, "{strategy}: {call}: nothing waits for the slow number: {times:?}");
            assert!(first > last / 2, "{strategy}: {call}: {times:?}");
        }
        let [first, last, held_up] = times["as_completed"];
        assert!(first < last / 2 && held_up < last / 2, "{strategy}: {times:?}");
        // One call at a time: no result is finished early, but the first comes late.
        let [first, last, held_up] = times["apply"];
        assert!(first > last / 2 && held_up < last / 2, "{strategy}: {times:?}");
    }
}

#[test]
fn in_the_order_of_the_book_only_gather_holds_results_up() {
    let sandbox = Sandbox::default();
    let times = times(&sandbox, &["-j", "2", "--numbers", "1,3,5,22,300000000"]);
    for call in ALL {
        let [first, last, held_up] = times[call];
        assert_eq!(call == "gather", held_up > last / 2, "{call}: {times:?}");
        assert_eq!(call == "gather", first > last / 2, "{call}: {times:?}");
    }
}

#[test]
fn the_table_fits_into_80_columns_and_the_trace_has_a_process_for_each_call() {
    let sandbox = Sandbox::default();
    for more in [&[][..], &["--call", "map,gather", "-j", "32"], &["-t", "word_count", "-j", "3"]] {
        let ran = calls(&sandbox, &[more, &["--trace", "calls.json", "--data", "data"]].concat());
        assert!(ran.status.success(), "{}", errors(&ran));
        let text = String::from_utf8_lossy(&ran.stdout).into_owned();
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let named: Vec<&str> = ALL.into_iter().filter(|call| text.contains(&format!("\n  {call}\n"))).collect();
        let expected = if more.contains(&"map,gather") { &["map", "gather"][..] } else { &ALL };
        assert_eq!(named, expected, "{text}");
        let trace = std::fs::read(sandbox.path("calls.json")).expect("the trace is written");
        let trace: Value = serde_json::from_slice(&trace).expect("the trace is JSON");
        let events = trace["traceEvents"].as_array().expect("a list");
        let names = events.iter().filter(|event| event["name"] == "process_name");
        let names: Vec<&str> = names.filter_map(|event| event["args"]["name"].as_str()).collect();
        assert_eq!(names.len(), expected.len(), "{names:?}");
        assert!(names.iter().zip(expected).all(|(name, call)| name.starts_with(&format!("{call}: "))), "{names:?}");
        let usable = events.iter().filter(|event| event["name"] == "result usable").count();
        let jobs = if more.contains(&"word_count") { 4 } else { 5 };
        assert_eq!(usable, jobs * expected.len());
    }
}

#[test]
fn what_cannot_be_called_is_refused_with_what_to_do() {
    let sandbox = Sandbox::default();
    for (arguments, code, words) in [
        (&["--call", "imap"][..], 2, "possible values: start_join, apply, apply_async, map, gather, as_completed"),
        (&["-s", "baseline"], 2, "the baseline has no jobs to call; name a strategy"),
        (&["-t", "noop", "--items", "501"], 2, "501 partitions are too many to follow each result; at most 500"),
        (&["-t", "noop", "--items", "0"], 2, "the input of noop is empty, so there is nothing to call"),
        (&["--trace", "-", "--json"], 2, "--json and --trace both go to the standard output"),
        (&["--trace", "nowhere/calls.json"], 2, "cannot write to nowhere/calls.json"),
        (&["-t", "word_count", "--text", "nowhere.txt", "--data", "data"], 1, "cannot open nowhere.txt"),
        (
            &["--numbers", "10000000000", "--patience", "1s"],
            1,
            "the plain loop of count failed: it did not end within 1 s and was stopped",
        ),
        (
            &["-t", "virtual_work", "--waits", "30", "--wait-us", "100000", "--call", "apply", "--patience", "4"],
            3,
            "apply failed: it did not end within 4 s",
        ),
    ] {
        let ran = calls(&sandbox, arguments);
        assert_eq!(ran.status.code(), Some(code), "{arguments:?}: {}", errors(&ran));
        assert!(errors(&ran).contains(words), "{arguments:?}: {}", errors(&ran));
        assert!(ran.stdout.is_empty(), "{arguments:?}");
    }
}
