//! Reads `run.jsonl` back: strict about what it says, lenient about its last line, which a crash may have cut.

use crate::error::{Error, Result};
use crate::line::{BASELINE, Detail, Ended, Line, Peer, Run, Sample, Skipped, Status, VERSION};
use std::path::Path;

/// A whole run, read back.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// What was asked for, of whom, on which machine.
    pub run: Run,
    /// Every sample and every failure, in the order in which they were measured.
    pub samples: Vec<Sample>,
    /// The tasks that could not be measured.
    pub skipped: Vec<Skipped>,
    /// What others took for the same jobs: one for each task, name and number of threads.
    pub peers: Vec<Peer>,
    /// How the sweep ended; `None` if it still runs or died.
    pub ended: Option<Ended>,
    /// How often the sweep was taken up again.
    pub resumed: usize,
    /// What is known of a last line that was cut off while it was written.
    pub torn: Option<String>,
}

/// Reads a record.
///
/// Only the last line may be incomplete, and only if no line break follows it: that is what an interrupted write
/// leaves behind. It is left out, and [`Record::torn`] says so.
///
/// # Errors
/// If the file cannot be read, was written by a newer program, or has a line that is not what the format asks for.
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
        ended: None,
        resumed: 0,
        torn: None,
    };

    for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let line = match serde_json::from_slice::<Line>(line) {
            Ok(line) => line,
            // `split` hands out subslices: the one that touches the end of the file has no line break after it.
            Err(error) if line.as_ptr_range().end == bytes.as_ptr_range().end => {
                record.torn = Some(format!("line {number} is incomplete ({} bytes): {error}", line.len()));
                continue;
            }
            Err(error) => {
                let reason = format!("not a line of a record: {}; without it the others could be read", why(&error));
                return Err(refuse(number, reason));
            }
        };
        match line {
            Line::Run(_) => {
                return Err(refuse(number, "a second run begins: one file holds one run, so split it here".into()));
            }
            Line::Sample(sample) => {
                check(&record.run, &sample).map_err(|reason| refuse(number, reason))?;
                record.samples.push(*sample);
            }
            Line::Skipped(skipped) => record.skipped.push(skipped),
            Line::Resumed(_) => {
                record.resumed += 1;
                record.ended = None;
            }
            Line::Ended(ended) => record.ended = Some(ended),
            Line::Peer(peer) => {
                if !record.run.tasks.iter().any(|task| task.name == peer.task) {
                    let reason = format!("{} is at the task `{}`, which the run does not list", peer.name, peer.task);
                    return Err(refuse(number, reason));
                }
                record.peers.retain(|other| !other.is_same(&peer));
                record.peers.push(*peer);
            }
        }
    }
    Ok(record)
}

/// The first line must be a run of a version that is known. The version is looked at before anything else, because a
/// newer line may have a shape that cannot be read at all.
fn first_line(path: &Path, line: &[u8]) -> Result<Run> {
    let refuse = |reason: String| Error::Line { path: path.to_owned(), line: 1, reason };
    if line.is_empty() {
        return Err(refuse("a record starts with a line of kind `run`, and this one is empty".into()));
    }
    let value: serde_json::Value = serde_json::from_slice(line).map_err(|error| {
        refuse(format!("a record starts with a line of kind `run`, and this is none: {}", why(&error)))
    })?;
    if let Some(found) = value.get("version").and_then(serde_json::Value::as_u64)
        && found > u64::from(VERSION)
    {
        return Err(Error::Newer { path: path.to_owned(), found, known: VERSION });
    }
    match serde_json::from_value(value) {
        Ok(Line::Run(mut run)) => {
            if run.version < 6 {
                run.tasks.iter_mut().for_each(|task| task.details = details_of_older(&task.name));
            }
            Ok(*run)
        }
        Ok(_) => Err(refuse("a record starts with a line of kind `run`, and this is of another kind".into())),
        Err(error) => {
            Err(refuse(format!("a record starts with a line of kind `run`, and this is none: {}", why(&error))))
        }
    }
}

/// The details of a task in a record of version 5 or less, which names none.
fn details_of_older(task: &str) -> Vec<Detail> {
    match task {
        "count" => vec![Detail::UnitCost {
            unit: "an increment".into(),
            figure: "sum".into(),
            limit: "each takes a branch, and how many branches a processor takes in a cycle is the limit".into(),
        }],
        "noop" => vec![Detail::DispatchCost],
        _ => Vec::new(),
    }
}

/// What is wrong with a line, without a second number for the line, which would be that within itself.
fn why(error: &serde_json::Error) -> String {
    let reason = error.to_string();
    reason.split_once(" at line ").map_or(reason.clone(), |(reason, _)| reason.to_owned())
}

/// What the types cannot say about a sample. A page made in spite of these would show a number that is not one.
fn check(run: &Run, sample: &Sample) -> std::result::Result<(), String> {
    let cell = &sample.cell;
    let Some(task) = run.tasks.iter().find(|task| task.name == cell.task) else {
        return Err(format!("the task `{}` is measured, but the run does not list it", cell.task));
    };
    if cell.strategy != BASELINE && !run.strategies.iter().any(|strategy| strategy.name == cell.strategy) {
        return Err(format!("the strategy `{}` is measured, but the run does not list it", cell.strategy));
    }
    if sample.status == Status::Verified {
        if sample.times.is_none() {
            return Err("a verified sample has no times".into());
        }
        if !task.digest.is_empty() && !sample.digest.is_empty() && task.digest != sample.digest {
            return Err(format!(
                "a sample is called verified, but its answer's digest {} is not the task's, {}",
                sample.digest, task.digest
            ));
        }
    }
    Ok(())
}
