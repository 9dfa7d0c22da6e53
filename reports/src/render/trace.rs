//! Writes a traced run as Chrome trace JSON, which Perfetto and Chromium open.
//!
//! Every worker is a lane, every job a slice. The phases have a lane of their own. Times are microseconds with a fraction.
//! Several runs are several processes, each of which begins at zero.

use record::{Cell, Span, TracedRun};
use serde_json::{Value, json};
use std::io::{Result, Write};

/// The lane of the phases. The lane of worker `n` is `FIRST_WORKER + n`.
const PHASES: u64 = 1;
const FIRST_WORKER: u64 = 2;

/// Writes the traced run of a cell.
///
/// # Errors
/// When writing to `out` fails.
pub fn write(cell: &Cell, run: &TracedRun, out: &mut dyn Write) -> Result<()> {
    out.write_all(b"{\"displayTimeUnit\":\"ns\",\"otherData\":")?;
    write!(out, "{},\"traceEvents\":[", json!({ "cell": cell, "jobs": run.jobs, "cpu_ns": run.cpu_ns }))?;
    events(1, &format!("{} {}", cell.task, cell.strategy), run, out)?;
    out.write_all(b"\n]}\n")
}

/// Writes traced runs as processes with these names. A mark shows when each result was usable.
///
/// # Errors
/// When writing to `out` fails.
pub fn write_several(runs: &[(String, &TracedRun)], out: &mut dyn Write) -> Result<()> {
    out.write_all(b"{\"displayTimeUnit\":\"ns\",\"traceEvents\":[")?;
    for (process, (name, run)) in (1..).zip(runs) {
        if process > 1 {
            out.write_all(b",")?;
        }
        events(process, name, run, out)?;
        for usable in &run.delivered_ns {
            let at = microseconds(run.start_ns + usable);
            let mark = json!({ "ph": "i", "s": "t", "pid": process, "tid": PHASES, "name": "result usable", "ts": at });
            write!(out, ",\n{mark}")?;
        }
    }
    out.write_all(b"\n]}\n")
}

/// Writes the events of a run as those of a process.
fn events(process: u64, name: &str, run: &TracedRun, out: &mut dyn Write) -> Result<()> {
    write!(out, "\n{}", named(process, "process_name", PHASES, name))?;
    write!(out, ",\n{}", named(process, "thread_name", PHASES, "phases"))?;
    let (run_from, reduce_from) = (run.start_ns, run.start_ns + run.run_ns);
    let phases = [("start", 0, run.start_ns), ("run", run_from, run.run_ns), ("reduce", reduce_from, run.reduce_ns)];
    for (phase, from, length) in phases {
        write!(out, ",\n{}", slice(process, PHASES, phase, from, length, Value::Null))?;
    }
    for lane in &run.lanes {
        let thread = FIRST_WORKER + u64::from(lane.worker);
        write!(out, ",\n{}", named(process, "thread_name", thread, &format!("worker {}", lane.worker)))?;
        for span in &lane.spans {
            let (name, arguments) = described(span);
            write!(out, ",\n{}", slice(process, thread, &name, run_from + span.start_ns, span.length_ns, arguments))?;
        }
    }
    Ok(())
}

/// The name of a slice, and what Perfetto shows when it is selected.
fn described(span: &Span) -> (String, Value) {
    let mut arguments = json!({ "partition": span.job });
    let name = if span.jobs == 1 {
        format!("partition {}", span.job)
    } else {
        arguments["jobs"] = span.jobs.into();
        arguments["in jobs (µs)"] = microseconds(span.in_jobs_ns).into();
        format!("{} jobs from partition {}", span.jobs, span.job)
    };
    if span.in_task_ns < span.in_jobs_ns {
        arguments["in the task (µs)"] = microseconds(span.in_task_ns).into();
    }
    (name, arguments)
}

fn named(process: u64, what: &str, thread: u64, name: &str) -> Value {
    json!({ "ph": "M", "pid": process, "tid": thread, "name": what, "args": { "name": name } })
}

fn slice(process: u64, thread: u64, name: &str, start_ns: u64, length_ns: u64, arguments: Value) -> Value {
    let [start, length] = [start_ns, length_ns].map(microseconds);
    let mut slice = json!({ "ph": "X", "pid": process, "tid": thread, "name": name, "ts": start, "dur": length });
    if !arguments.is_null() {
        slice["args"] = arguments;
    }
    slice
}

fn microseconds(ns: u64) -> f64 {
    ns as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use record::Lane;

    #[test]
    fn every_span_and_phase_is_a_slice_on_the_lane_of_its_worker() {
        let span = |job, jobs, start_ns, in_task_ns| Span {
            job,
            jobs,
            start_ns,
            length_ns: 1_500,
            in_jobs_ns: 1_400,
            in_task_ns,
        };
        let lanes = [(0, vec![span(0, 1, 250, 1_400), span(3, 4, 2_000, 900)]), (5, vec![span(1, 1, 300, 1_400)])];
        let run = TracedRun {
            start_ns: 1_000,
            run_ns: 4_000,
            reduce_ns: 10,
            cpu_ns: 4_200,
            jobs: 6,
            lanes: lanes.into_iter().filter_map(|(worker, spans)| Lane::of(worker, spans)).collect(),
            delivered_ns: Vec::new(),
        };
        let cell = Cell {
            task: "count".into(),
            strategy: "a \"quoted\" one".into(),
            cores: 2,
            workers: 2,
            size: 1,
            delivery: "gather".into(),
            combine: "per_partition".into(),
        };
        let mut text = Vec::new();
        write(&cell, &run, &mut text).unwrap();
        let trace: Value = serde_json::from_slice(&text).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        let slices: Vec<_> = events.iter().filter(|event| event["ph"] == "X").collect();
        let shown: Vec<_> =
            slices.iter().map(|it| (it["tid"].as_u64().unwrap(), it["name"].as_str().unwrap())).collect();
        assert_eq!(
            shown,
            [
                (1, "start"),
                (1, "run"),
                (1, "reduce"),
                (2, "partition 0"),
                (2, "4 jobs from partition 3"),
                (7, "partition 1")
            ]
        );
        assert_eq!((slices[3]["ts"].as_f64(), slices[3]["dur"].as_f64()), (Some(1.25), Some(1.5)));
        assert_eq!(slices[4]["args"]["in the task (µs)"].as_f64(), Some(0.9));
        let names =
            events.iter().filter(|event| event["ph"] == "M").map(|event| event["args"]["name"].as_str().unwrap());
        assert_eq!(names.collect::<Vec<_>>(), ["count a \"quoted\" one", "phases", "worker 0", "worker 5"]);
    }
}
