//! The reader of `run.jsonl`. Rejects any invalid line, except a last line that a crash cut off.

use crate::error::{Error, Result};
use crate::line::{
    BASELINE, Cell, Detail, Ended, Line, MOST, Peer, Run, Sample, Skipped, Status, TaskNote, Trace, VERSION,
};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// A whole run.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What the run measures, and on which machine.
    pub run: Run,
    /// Every sample and every failure, in the order of measurement.
    pub samples: Vec<Sample>,
    /// The tasks that could not be measured.
    pub skipped: Vec<Skipped>,
    /// Measurements of other programs: one entry for each task, name and number of threads.
    pub peers: Vec<Peer>,
    /// One traced run for each traced cell.
    pub traces: Vec<Trace>,
    /// The end of the sweep. `None` while the sweep runs and after it was killed.
    pub ended: Option<Ended>,
    /// The number of times the sweep was resumed.
    pub resumed: usize,
    /// A description of the last line, if a crash cut it off.
    pub torn: Option<String>,
}

/// Reads a record.
///
/// Only the last line may be incomplete, and only without a line feed after it, as an interrupted write leaves it.
/// The reader skips it and describes it in [`Record::torn`].
///
/// # Errors
/// If the file cannot be read, if a newer program wrote it, or if a line breaks the format's rules.
pub fn read(path: impl AsRef<Path>) -> Result<Record> {
    let path = path.as_ref();
    let bytes = std::fs::read(path).map_err(|source| Error::file("read", path, source))?;
    parse(path, &bytes)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Record> {
    let refuse = |line: usize, reason: String| Error::Line { path: path.to_owned(), line, reason };

    let mut lines = bytes.split(|&byte| byte == b'\n').enumerate().map(|(index, line)| (index + 1, line));
    let (_, first) = lines.next().expect("splitting yields at least one piece");
    let mut record = Record {
        run: first_line(path, first)?,
        samples: Vec::new(),
        skipped: Vec::new(),
        peers: Vec::new(),
        traces: Vec::new(),
        ended: None,
        resumed: 0,
        torn: None,
    };

    // The number of each sample's line.
    let mut numbers = Vec::new();
    // A resumed sweep that is not interrupted ends with traces of its own, which replace the earlier ones.
    let mut stale_traces = false;
    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let line = match serde_json::from_slice::<Value>(line).and_then(|value| {
            check_values(&value, &mut String::new()).map_err(serde::de::Error::custom)?;
            serde_json::from_value(value)
        }) {
            Ok(line) => line,
            // `split` yields subslices: the one that touches the end of the file has no line feed after it.
            Err(error) if line.as_ptr_range().end == bytes.as_ptr_range().end => {
                record.torn = Some(format!("line {number} is incomplete ({} bytes): {error}", line.len()));
                continue;
            }
            Err(error) => {
                let reason = format!("this is not a line of a record: {}; delete it to read the others", why(&error));
                return Err(refuse(number, reason));
            }
        };
        match line {
            Line::Run(_) => {
                return Err(refuse(
                    number,
                    "a second run starts here, and a file holds one run: split it before this line".into(),
                ));
            }
            Line::Sample(sample) => {
                check(&record.run, &sample).map_err(|reason| refuse(number, reason))?;
                record.samples.push(*sample);
                numbers.push(number);
            }
            Line::Skipped(skipped) => record.skipped.push(skipped),
            Line::Resumed(_) => {
                record.resumed += 1;
                record.ended = None;
                stale_traces = true;
            }
            Line::Ended(ended) => record.ended = Some(ended),
            Line::Peer(peer) => {
                if !record.run.tasks.iter().any(|task| task.name == peer.task) {
                    let reason =
                        format!("the peer `{}` did the task `{}`, which the run does not list", peer.name, peer.task);
                    return Err(refuse(number, reason));
                }
                if peer.runs.iter().any(|run| run.wall_ns == 0) {
                    return Err(refuse(number, format!("a run of the peer `{}` took no time", peer.name)));
                }
                record.peers.retain(|other| !other.is_same(&peer));
                record.peers.push(*peer);
            }
            Line::Trace(trace) => {
                check_cell(&record.run, &trace.cell, "trace").map_err(|reason| refuse(number, reason))?;
                if std::mem::take(&mut stale_traces) {
                    record.traces.clear();
                }
                record.traces.retain(|other| other.cell != trace.cell);
                record.traces.push(*trace);
            }
        }
    }
    let mut seen = HashMap::new();
    for (sample, number) in record.samples.iter().zip(numbers) {
        // A sample that failed for a reason outside the program is measured again.
        if let Some((first, false)) = seen.insert(key(sample), (number, sample.outside)) {
            let Sample { cell, block, index, .. } = sample;
            let reason = format!(
                "sample {index} of {} {} in block {block} is in line {first} already, because two processes wrote this \
                 record at once: begin a new run, or delete the samples of one of them",
                cell.task, cell.strategy
            );
            return Err(refuse(number, reason));
        }
    }
    drop_replaced(&mut record.samples);
    Ok(record)
}

/// Removes the samples that failed for a reason outside the program and were measured again.
fn drop_replaced(samples: &mut Vec<Sample>) {
    let mut last = HashMap::new();
    if samples.iter().any(|sample| sample.outside) {
        last.extend(samples.iter().enumerate().map(|(place, sample)| (key(sample), place)));
    }
    let is_kept = |(place, sample): (usize, &Sample)| !sample.outside || last[&key(sample)] == place;
    let kept: Vec<bool> = samples.iter().enumerate().map(is_kept).collect();
    let mut kept = kept.into_iter();
    samples.retain(|_| kept.next().unwrap_or(true));
}

/// What identifies a sample in a run.
fn key(sample: &Sample) -> (u32, &Cell, u32) {
    (sample.block, &sample.cell, sample.index)
}

/// Reads the first line, which must be a run of a known version. Checks the version first, because a newer line may not
/// match the types.
fn first_line(path: &Path, line: &[u8]) -> Result<Run> {
    let refuse = |reason: String| Error::Line { path: path.to_owned(), line: 1, reason };
    if line.is_empty() {
        return Err(refuse("a record starts with a line of kind `run`, and this line is empty".into()));
    }
    let value: serde_json::Value = serde_json::from_slice(line).map_err(|error| {
        refuse(format!("a record starts with a line of kind `run`, but this line is not one: {}", why(&error)))
    })?;
    if let Some(found) = value.get("version").and_then(serde_json::Value::as_u64)
        && found > u64::from(VERSION)
    {
        return Err(Error::Newer { path: path.to_owned(), found, known: VERSION });
    }
    check_values(&value, &mut String::new()).map_err(refuse)?;
    match serde_json::from_value(value) {
        Ok(Line::Run(mut run)) => {
            check_run(&run).map_err(refuse)?;
            if run.version < 6 {
                run.tasks.iter_mut().for_each(|task| task.details = details_of_older(&task.name));
            }
            Ok(*run)
        }
        Ok(_) => Err(refuse("a record starts with a line of kind `run`, and this line is of another kind".into())),
        Err(error) => {
            Err(refuse(format!("a record starts with a line of kind `run`, but this line is not one: {}", why(&error))))
        }
    }
}

/// Checks the rules for a run that the types cannot express.
fn check_run(run: &Run) -> std::result::Result<(), String> {
    let once = |kind: &str, names: Vec<&str>| {
        let again = names.iter().enumerate().find(|(place, name)| names[..*place].contains(name));
        again.map_or(Ok(()), |(_, name)| Err(format!("the run lists the {kind} `{name}` twice")))
    };
    once("task", run.tasks.iter().map(|task| task.name.as_str()).collect())?;
    once("strategy", run.strategies.iter().map(|strategy| strategy.name.as_str()).collect())?;
    match run.tasks.iter().find(|task| task.sizes.is_empty()) {
        Some(task) => Err(format!("the task `{}` has no partition size", task.name)),
        None => Ok(()),
    }
}

/// The fields with a name, and its most bytes. A longer one would not fit into any table.
const NAMES: [&str; 7] = ["id", "name", "task", "strategy", "unit", "delivery", "combine"];
const LONGEST_NAME: usize = 200;

/// Checks the range of every number and the length of every name. `field` is the path of `value`, for the message.
fn check_values(value: &Value, field: &mut String) -> std::result::Result<(), String> {
    let own = field.len();
    match value {
        // Any number is a seed.
        Value::Number(_) if field == "seed" => Ok(()),
        Value::Number(number) if number.as_f64().is_some_and(|number| (0.0..=MOST as f64).contains(&number)) => Ok(()),
        Value::Number(number) => Err(format!("`{field}` is {number}, and no number is below 0 or beyond {MOST:e}")),
        Value::String(text) => {
            let is_name = NAMES.contains(&field.rsplit('.').next().unwrap_or_default());
            match is_name && text.len() > LONGEST_NAME {
                true => Err(format!("`{field}` has {} bytes, and no name has more than {LONGEST_NAME}", text.len())),
                false => Ok(()),
            }
        }
        Value::Array(values) => values.iter().try_for_each(|value| check_values(value, field)),
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| {
            if own > 0 {
                field.push('.');
            }
            field.push_str(name);
            let checked = check_values(value, field);
            field.truncate(own);
            checked
        }),
        Value::Null | Value::Bool(_) => Ok(()),
    }
}

/// The details of a task for a record before version 6, in which tasks have no details.
fn details_of_older(task: &str) -> Vec<Detail> {
    match task {
        "count" => vec![Detail::UnitCost {
            unit: "an increment".into(),
            figure: "sum".into(),
            limit: "each increment needs one branch, and branches per cycle are the limit".into(),
        }],
        "noop" => vec![Detail::DispatchCost],
        _ => Vec::new(),
    }
}

/// The parser's message without its line number, which is always 1.
fn why(error: &serde_json::Error) -> String {
    let reason = error.to_string();
    reason.split_once(" at line ").map_or(reason.clone(), |(reason, _)| reason.to_owned())
}

/// Checks the rules for a sample that the types cannot express. Breaking one would put a wrong number into the report.
fn check(run: &Run, sample: &Sample) -> std::result::Result<(), String> {
    let cell = &sample.cell;
    let task = check_cell(run, cell, "sample")?;
    if sample.status == Status::Verified {
        if sample.times.is_none() {
            return Err("a verified sample has no times".into());
        }
        let digest = task.digest_on(if sample.cell.strategy == BASELINE { 0 } else { sample.cell.cores });
        if !digest.is_empty() && !sample.digest.is_empty() && digest != sample.digest {
            return Err(format!(
                "a sample is called verified, but its digest {} is not the task's, {}",
                sample.digest, digest
            ));
        }
    }
    Ok(())
}

/// Returns the task of a cell. Refuses a task or a strategy that the run does not list.
fn check_cell<'a>(run: &'a Run, cell: &Cell, what: &str) -> std::result::Result<&'a TaskNote, String> {
    let Some(task) = run.tasks.iter().find(|task| [cell.task.as_str(), cell.task_name()].contains(&&*task.name)) else {
        return Err(format!("a {what} is of the task `{}`, which the run does not list", cell.task));
    };
    if cell.strategy != BASELINE && !run.strategies.iter().any(|strategy| strategy.name == cell.strategy) {
        return Err(format!("a {what} is of the strategy `{}`, which the run does not list", cell.strategy));
    }
    Ok(task)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_sample_that_failed_for_an_outside_reason_counts_until_it_is_measured_again() {
        let text = include_str!("../tests/records/v5.jsonl");
        let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line of a record"));
        let run = lines.next().expect("a run");
        let measured = lines.find(|line| line["kind"] == "sample" && line["status"] == "verified").expect("a sample");
        let with = |fields: Value| {
            let mut line = measured.clone();
            fields.as_object().expect("fields").iter().for_each(|(name, value)| line[name] = value.clone());
            line
        };
        let failed = with(json!({ "status": "failed", "reason": "the server died", "outside": true, "times": null }));
        let other =
            with(json!({ "status": "failed", "reason": "another", "outside": true, "index": 999, "times": null }));
        let statuses = |lines: &[&Value]| {
            let text = [&run].into_iter().chain(lines.iter().copied()).map(|line| format!("{line}\n"));
            let record = parse(Path::new("run.jsonl"), text.collect::<String>().as_bytes()).expect("a record");
            record.samples.iter().map(|sample| sample.status).collect::<Vec<_>>()
        };
        use Status::{Failed, Verified};
        assert_eq!(statuses(&[&failed]), [Failed]);
        assert_eq!(statuses(&[&failed, &measured]), [Verified]);
        assert_eq!(statuses(&[&failed, &failed, &measured]), [Verified]);
        assert_eq!(statuses(&[&failed, &failed]), [Failed]);
        assert_eq!(statuses(&[&failed, &other, &measured]), [Failed, Verified]);
    }
}
