//! A record as a flat table: CSV, one row for each sample, failures included.

use crate::error::{Error, Result};
use record::{Record, Run, Sample};
use serde_json::Value;
use std::path::Path;

/// One column of the table.
pub struct Column {
    /// The column's head: the field's name in the record, which ends with the unit.
    pub name: &'static str,
    /// The meaning of its values.
    pub meaning: &'static str,
}

const fn column(name: &'static str, meaning: &'static str) -> Column {
    Column { name, meaning }
}

/// The columns from left to right. A value that a sample lacks is an empty field, never a zero.
pub const COLUMNS: &[Column] = &[
    column("run", "the run's id"),
    column("version", "the version of the record's format"),
    column("task", "the task's name"),
    column("strategy", "the strategy's name, or `baseline`"),
    column("cores", "processors that the process was to have"),
    column("workers", "jobs that may be in progress at one moment"),
    column("size", "items in a partition; 0 for the baseline"),
    column("delivery", "in which order partials reach the total"),
    column("combine", "who adds up first"),
    column("block", "counted from 0; a pair of block and cell is one process"),
    column("turn", "the cell's place in the block, from 0"),
    column("index", "the sample's place in its block and cell, from 0"),
    column("status", "only `verified` is a time that may be compared"),
    column("fault", "what exactly was wrong"),
    column("reason", "what was wrong, in a sentence"),
    column("digest", "the digest of the answer"),
    column("elapsed_ms", "time spent measuring in this run so far"),
    column("processors", "processors that the process really had, a space between them"),
    column("warm_up_ns", "the untimed run before the process's first sample"),
    column("wall_ns", "the sample's time: `run_ns` plus `reduce_ns`"),
    column("start_ns", "bringing the workers up, before the clock of `wall_ns`"),
    column("run_ns", "until every job had reported"),
    column("reduce_ns", "reducing what was left"),
    column("first_result_ns", "until the first partial was delivered"),
    column("user_ns", "processor time in user mode"),
    column("system_ns", "processor time in the kernel"),
    column("voluntary_switches", "switches because a thread waited"),
    column("involuntary_switches", "switches because a thread's time was up"),
    column("minor_faults", "page faults without a disk"),
    column("major_faults", "page faults that read from a disk"),
    column("peak_memory_bytes", "the most memory held"),
    column("resident", "the part of the task's file that was in memory when the run began, from 0 to 1"),
    column("in_jobs_ns", "time of all workers together inside jobs"),
    column("in_task_ns", "of that, in the task itself"),
    column("at_ends_ns", "time of all workers together before their first job and after their last"),
    column("partitions", "how many partitions there were"),
    column("most_in_progress", "the most jobs in progress at one moment"),
    column("threads", "threads of the process when the run ended"),
    column("migrations", "how often a thread was moved to another processor"),
    column("cycles", "processor cycles in user mode"),
    column("instructions", "instructions in user mode"),
    column("cache_misses", "misses in the last cache before memory"),
    column("energy_uj", "energy of the processor packages, in microjoules"),
    column("census_looks", "how often the threads were looked at"),
    column("census_alive", "the most threads alive at one look"),
    column("census_runnable", "the most threads running or ready at one look"),
    column("census_cost_ns", "what the looking itself took, ns of processor time"),
    column("census_pools", "threads by name as JSON: `name`, `threads`, `working`, `cpu_ns`"),
];

/// The samples of a record as CSV with a head, in the order of measurement.
///
/// # Errors
/// Never for a record that was read, because fields are quoted where necessary.
pub fn csv(record: &Record) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS.iter().map(|column| column.name))?;
    for sample in &record.samples {
        let line = serde_json::to_value(sample).expect("a sample has string keys only");
        writer.write_record(COLUMNS.iter().map(|column| field(&record.run, sample, &line, column.name)))?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()).into())
}

/// Writes the samples of a record to a CSV file atomically.
///
/// # Errors
/// If the file cannot be written.
pub fn write_csv(record: &Record, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    system::atomic_file::write(path, &csv(record)?).map_err(|cause| Error::File { path: path.to_owned(), cause })
}

/// The value in a column, from the sample's line in the record, its cell, its times or its census.
fn field(run: &Run, sample: &Sample, line: &Value, name: &str) -> String {
    let times = &line["times"];
    match name {
        "run" => run.id.clone(),
        "version" => run.version.to_string(),
        "census_pools" => {
            let census = sample.times.as_ref().and_then(|times| times.census.as_ref());
            let json = |census: &record::Census| serde_json::to_string(&census.pools).expect("pools have string keys");
            census.map_or_else(String::new, json)
        }
        _ => {
            let census = name.strip_prefix("census_").map(|name| &times["census"][name]);
            let places = [&line[name], &line["cell"][name], &times[name]].into_iter().chain(census);
            places.map(written).find(|text| !text.is_empty()).unwrap_or_default()
        }
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(written).collect::<Vec<_>>().join(" "),
        Value::Number(number) if number.is_f64() => number.as_f64().unwrap_or(0.0).to_string(),
        other => other.to_string(),
    }
}
