//! A plan that is read from a file: every value has the limits of the command line.

use harness::plan::Plan;
use harness::plan::cells::{Axes, cells};
use harness::plan::schedule::Schedule;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;
use strategies::{Combine, Delivery};

fn plan() -> Plan {
    let axes = Axes {
        tasks: vec![("count".into(), vec![1, 64]), ("noop".into(), vec![10])],
        strategies: vec!["rayon".into(), "processes".into()],
        cores: vec![1],
        workers: vec![1, 2],
        deliveries: vec![Delivery::Gather],
        combines: vec![Combine::PerPartition],
    };
    Plan {
        seed: 7,
        budget_s: 60.0,
        precision: 0.02,
        samples: 2,
        patience_s: 20.0,
        data: PathBuf::from("datasets/generated"),
        ..Plan::of(axes)
    }
}

/// Writes a plan and reads it. An error names the file.
fn read(text: &str) -> Result<Plan, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("plan.json");
    std::fs::write(&file, text).expect("a temporary file");
    let name = file.to_str().expect("our own folder");
    Plan::read(folder.path()).map_err(|error| {
        let error = format!("{error:#}");
        assert!(error.starts_with(name), "{error}");
        error.replace(name, "plan.json")
    })
}

fn written() -> Value {
    serde_json::to_value(plan()).expect("a plan is JSON")
}

#[test]
fn a_plan_is_read_back_as_it_was_written() {
    let folder = tempfile::tempdir().unwrap();
    plan().write(folder.path()).unwrap();
    assert_eq!(serde_json::to_value(Plan::read(folder.path()).unwrap()).unwrap(), written());
}

#[test]
fn a_value_that_the_command_line_would_refuse_is_refused_with_its_field() {
    let long = "x".repeat(100_000);
    for (path, value, sentence) in [
        ("/axes/cores/0", json!(99_999), "axes.cores: 99999: this process may use"),
        ("/axes/cores/0", json!(0), "axes.cores: 0: expected a whole number of at least 1"),
        ("/axes/cores", json!([]), "axes.cores: expected at least one value"),
        ("/axes/workers/0", json!(1_000_000), "axes.workers: 1000000: expected a whole number from 1 to 1024"),
        ("/axes/strategies/0", json!("rayn"), "axes.strategies: no strategy `rayn`"),
        ("/axes/strategies/0", json!(long), "axes.strategies: no strategy `xxx"),
        ("/axes/tasks/0/0", json!("cout"), "axes.tasks: no task `cout`"),
        ("/axes/tasks/0/1", json!([]), "axes.tasks: expected at least one value"),
        ("/axes/tasks/0/1/0", json!(0), "axes.tasks: 0: expected a whole number of at least 1"),
        ("/axes/deliveries/0", json!("pigeon"), "plan.json is not a plan: "),
        ("/axes/combines", json!([]), "axes.combines: expected at least one value"),
        ("/samples", json!(0), "samples: 0: expected a whole number of at least 1"),
        ("/blocks", json!(0), "blocks: 0: expected a whole number of at least 1"),
        ("/budget_s", json!(1e308), "budget_s: 1e308: expected a time of at most 1000000000 s"),
        ("/budget_s", json!(-0.1), "budget_s: -1e-1: expected a time of 0 or more"),
        ("/patience_s", json!(-5), "patience_s: -5e0: expected a time of 0 or more"),
        ("/patience_s", json!(1e308), "patience_s: 1e308: expected a time of at most"),
        ("/precision", json!(2), "precision: 2: expected 0 to 1"),
        (
            "/inputs/count/how_many",
            json!(u64::MAX),
            "inputs: invalid value '18446744073709551615' for '--how-many <N>'",
        ),
        ("/inputs/count/how_many", json!(0), "inputs: invalid value '0' for '--how-many <N>'"),
        ("/inputs/virtual_work/waits", json!(u64::MAX), "for '--waits <N>'"),
        ("/inputs/noop/items", json!(u64::MAX), "for '--items <N>'"),
        ("/inputs/cursor_pages/depth", json!(33), "for '--depth <N>'"),
        ("/inputs/cursor_pages/silence", json!(1e300), "for '--silence <SECONDS>'"),
    ] {
        let mut plan = written();
        *plan.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value;
        let error = read(&plan.to_string()).map(|_| ()).expect_err(path);
        assert!(error.contains(sentence) && error.len() < 1_000, "{path}: {error}");
    }
}

/// The paths of all values.
fn paths(value: &Value, path: &str, all: &mut Vec<String>) {
    all.push(path.to_owned());
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| paths(value, &format!("{path}/{name}"), all)),
        Value::Array(values) => {
            (0..).zip(values).for_each(|(place, value)| paths(value, &format!("{path}/{place}"), all));
        }
        _ => {}
    }
}

/// Uses a plan as a sweep does before it measures.
fn schedule(plan: &Plan) -> usize {
    let schedule = Schedule::new(plan, cells(&plan.axes));
    let patience = Duration::from_secs_f64(plan.patience_s) * 20 + Duration::from_secs(1) * 10;
    assert!(std::time::Instant::now().checked_add(patience).is_some());
    let _ = schedule.budget_for_verdicts(1, Duration::from_secs_f64(plan.budget_s));
    schedule.block(0, Duration::ZERO).len()
}

#[test]
fn no_value_in_any_field_makes_a_plan_panic() {
    let mut all = Vec::new();
    paths(&written(), "", &mut all);
    let wrong =
        [json!(null), json!(0), json!(-5), json!(u64::MAX), json!(1e308), json!(""), json!([]), json!({}), json!(true)];
    let (mut accepted, mut refused) = (0, 0);
    for path in &all {
        for value in &wrong {
            let mut plan = written();
            *plan.pointer_mut(path).unwrap() = value.clone();
            match read(&plan.to_string()) {
                Ok(plan) => accepted += schedule(&plan).min(1),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(accepted > 10 && refused > 100, "{accepted} accepted, {refused} refused");
    let text = written().to_string();
    for end in 0..text.len() {
        assert!(read(&text[..end]).is_err(), "cut after {end} bytes");
    }
}
