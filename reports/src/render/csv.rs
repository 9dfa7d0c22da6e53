//! A record as a flat table: CSV, one row for each sample, failures included.

use crate::error::{Error, Result};
use record::Record;
use record::{Census, Run, Sample, Times};
use serde::Serialize;
use std::path::Path;

/// One column of the table.
pub struct Column {
    /// Its head: the record's own name for it, with the unit at its end.
    pub name: &'static str,
    /// What it holds.
    pub meaning: &'static str,
    value: fn(&Run, &Sample) -> String,
}

const fn column(name: &'static str, meaning: &'static str, value: fn(&Run, &Sample) -> String) -> Column {
    Column { name, meaning, value }
}

/// The columns from left to right. What a sample lacks is an empty field, never a zero.
pub const COLUMNS: &[Column] = &[
    column("run", "the run's id", |run, _| run.id.clone()),
    column("version", "the version of the record's format", |run, _| run.version.to_string()),
    column("task", "the task's name", |_, sample| sample.cell.task.clone()),
    column("strategy", "the strategy's name, or `baseline`", |_, sample| sample.cell.strategy.clone()),
    column("cores", "processors that the process was to have", |_, sample| sample.cell.cores.to_string()),
    column("workers", "jobs that may be in progress at one moment", |_, sample| sample.cell.workers.to_string()),
    column("size", "items in a partition; 0 for the baseline", |_, sample| sample.cell.size.to_string()),
    column("delivery", "in which order partials reach the total", |_, sample| sample.cell.delivery.clone()),
    column("combine", "who adds up first", |_, sample| sample.cell.combine.clone()),
    column("block", "counted from 0; a pair of block and cell is one process", |_, sample| sample.block.to_string()),
    column("turn", "the cell's place in the block, from 0", |_, sample| sample.turn.to_string()),
    column("index", "the sample's place in its block and cell, from 0", |_, sample| sample.index.to_string()),
    column("status", "only `verified` is a time that may be compared", |_, sample| word(&sample.status)),
    column("fault", "what exactly was wrong", |_, sample| sample.fault.as_ref().map_or_else(String::new, word)),
    column("reason", "what was wrong, in a sentence", |_, sample| sample.reason.clone()),
    column("digest", "the digest of the answer", |_, sample| sample.digest.clone()),
    column("elapsed_ms", "time spent measuring in this run so far", |_, sample| sample.elapsed_ms.to_string()),
    column("processors", "processors that the process really had, a space between them", |_, sample| {
        spaced(&sample.processors)
    }),
    column("warm_up_ns", "the untimed run before the process's first sample", |_, sample| maybe(sample.warm_up_ns)),
    column("wall_ns", "the sample's time: `run_ns` plus `reduce_ns`", |_, sample| of(sample, |times| times.wall_ns)),
    column("start_ns", "bringing the workers up, before the clock of `wall_ns`", |_, sample| {
        of(sample, |times| times.start_ns)
    }),
    column("run_ns", "until every job had reported", |_, sample| of(sample, |times| times.run_ns)),
    column("reduce_ns", "reducing what was left", |_, sample| of(sample, |times| times.reduce_ns)),
    column("first_result_ns", "until the first partial was delivered", |_, sample| {
        of(sample, |times| times.first_result_ns)
    }),
    column("user_ns", "processor time in user mode", |_, sample| of(sample, |times| times.user_ns)),
    column("system_ns", "processor time in the kernel", |_, sample| of(sample, |times| times.system_ns)),
    column("voluntary_switches", "switches because a thread waited", |_, sample| {
        of(sample, |times| times.voluntary_switches)
    }),
    column("involuntary_switches", "switches because a thread's time was up", |_, sample| {
        of(sample, |times| times.involuntary_switches)
    }),
    column("minor_faults", "page faults without a disk", |_, sample| of(sample, |times| times.minor_faults)),
    column("major_faults", "page faults that read from a disk", |_, sample| of(sample, |times| times.major_faults)),
    column("peak_memory_bytes", "the most memory held", |_, sample| of(sample, |times| times.peak_memory_bytes)),
    column(
        "resident",
        "the part of the task's file that was in memory when the run began, from 0 to 1",
        |_, sample| {
            sample.times.as_ref().and_then(|times| times.resident).map_or_else(String::new, |part| part.to_string())
        },
    ),
    column("in_jobs_ns", "time of all workers together inside jobs", |_, sample| {
        maybe(sample.times.as_ref().and_then(|times| times.in_jobs_ns))
    }),
    column("in_task_ns", "of that, in the task itself", |_, sample| {
        maybe(sample.times.as_ref().and_then(|times| times.in_task_ns))
    }),
    column("at_ends_ns", "time of all workers together before their first job and after their last", |_, sample| {
        maybe(sample.times.as_ref().and_then(|times| times.at_ends_ns))
    }),
    column("partitions", "how many partitions there were", |_, sample| of(sample, |times| times.partitions)),
    column("most_in_progress", "the most jobs in progress at one moment", |_, sample| {
        of(sample, |times| times.most_in_progress.into())
    }),
    column("threads", "threads of the process when the run ended", |_, sample| {
        of(sample, |times| times.threads.into())
    }),
    column("migrations", "how often a thread was moved to another processor", |_, sample| {
        maybe(sample.times.as_ref().and_then(|times| times.migrations))
    }),
    column("cycles", "processor cycles in user mode", |_, sample| {
        maybe(sample.times.as_ref().and_then(|times| times.cycles))
    }),
    column("instructions", "instructions in user mode", |_, sample| {
        maybe(sample.times.as_ref().and_then(|times| times.instructions))
    }),
    column("cache_misses", "misses in the last cache before memory", |_, sample| {
        maybe(sample.times.as_ref().and_then(|times| times.cache_misses))
    }),
    column("energy_uj", "energy of the processor packages, in microjoules", |_, sample| {
        maybe(sample.times.as_ref().and_then(|times| times.energy_uj))
    }),
    column("census_looks", "how often the threads were looked at", |_, sample| {
        seen(sample, |census| census.looks.to_string())
    }),
    column("census_alive", "the most threads alive at one look", |_, sample| {
        seen(sample, |census| census.alive.to_string())
    }),
    column("census_runnable", "the most threads running or ready at one look", |_, sample| {
        seen(sample, |census| census.runnable.to_string())
    }),
    column("census_cost_ns", "what the looking itself took, ns of processor time", |_, sample| {
        seen(sample, |census| census.cost_ns.to_string())
    }),
    column("census_pools", "threads by name as JSON: `name`, `threads`, `working`, `cpu_ns`", |_, sample| {
        seen(sample, |census| json(&census.pools))
    }),
];

/// The samples of a record as CSV with a head, in the order in which they were measured.
///
/// # Errors
/// Never for a record that was read: a field that takes quotes gets them.
pub fn csv(record: &Record) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS.iter().map(|column| column.name))?;
    for sample in &record.samples {
        writer.write_record(COLUMNS.iter().map(|column| (column.value)(&record.run, sample)))?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()).into())
}

/// Writes the samples of a record to a CSV file, whole or not at all.
///
/// # Errors
/// If the file cannot be written.
pub fn write_csv(record: &Record, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    system::atomic_file::write(path, &csv(record)?).map_err(|cause| Error::File { path: path.to_owned(), cause })
}

fn of(sample: &Sample, value: fn(&Times) -> u64) -> String {
    maybe(sample.times.as_ref().map(value))
}

fn seen(sample: &Sample, value: fn(&Census) -> String) -> String {
    sample.times.as_ref().and_then(|times| times.census.as_ref()).map_or_else(String::new, value)
}

fn maybe(value: Option<u64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn spaced(numbers: &[u32]) -> String {
    numbers.iter().map(u32::to_string).collect::<Vec<_>>().join(" ")
}

/// The record's own spelling of one of several words.
fn word<T: Serialize>(value: &T) -> String {
    json(value).trim_matches('"').to_owned()
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("these types have string keys only")
}
