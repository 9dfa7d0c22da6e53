//! A record as a flat table: CSV, one row for each sample, failures included.

use crate::error::Result;
use record::{BASELINE, Record, Run, Sample};
use serde_json::Value;

/// One column of the table.
pub struct Column {
    /// The column's head: the record's name of the figure, with the unit at the end.
    pub name: &'static str,
    /// What the column contains.
    pub meaning: &'static str,
}

const fn column(name: &'static str, meaning: &'static str) -> Column {
    Column { name, meaning }
}

/// The columns from left to right. What a sample lacks is an empty field, never a zero.
pub const COLUMNS: &[Column] = &[
    column("run", "the run's id"),
    column("version", "the version of the record's format"),
    column("task", "the task's name"),
    column("strategy", "the strategy's name, or `baseline`"),
    column("cores", "the number of processors assigned to the process"),
    column("workers", "jobs that may be in progress at the same time"),
    column("size", "items in a partition; 0 for the baseline"),
    column("delivery", "the order in which partials reach the total"),
    column("combine", "where partials are merged first, or what the workers share while they map"),
    column("block", "the block, from 0; a pair of block and cell is one process"),
    column("turn", "the cell's place in the block, from 0"),
    column("index", "the sample's place in its block and cell, from 0"),
    column("status", "the result; only a `verified` sample may be compared"),
    column("fault", "why the sample is not verified, as a known fault"),
    column("reason", "why the sample is not verified, in a sentence"),
    column("digest", "the answer's digest"),
    column("elapsed_ms", "time spent measuring in this run so far"),
    column("processors", "processors that the process could really use, separated by spaces"),
    column("warm_up_ns", "the time of the untimed run before the process's first sample"),
    column("wall_ns", "the sample's time: `run_ns` plus `reduce_ns`"),
    column("start_ns", "time to start the workers, not included in `wall_ns`"),
    column("run_ns", "from pulling the first job until every job has reported"),
    column("reduce_ns", "time to reduce the partials that were not reduced during the run"),
    column("first_result_ns", "from pulling the first job until the first partial was delivered"),
    column("user_ns", "processor time in user mode"),
    column("system_ns", "processor time in the kernel"),
    column("voluntary_switches", "context switches because a thread waited"),
    column("involuntary_switches", "context switches because a thread's time slice ended"),
    column("minor_faults", "page faults that needed no disk"),
    column("major_faults", "page faults that read from a disk"),
    column("peak_memory_bytes", "peak memory"),
    column("resident", "the part of the task's file that was in memory when the run began, from 0 to 1"),
    column("in_jobs_ns", "time inside jobs, summed over all workers"),
    column("in_task_ns", "the part of `in_jobs_ns` in the task itself"),
    column("at_ends_ns", "time before the first job and after the last job, summed over all workers"),
    column("shipping_packing_ns", "time to encode requests to worker processes, and to read what they contain"),
    column("shipping_transfer_ns", "time of pipes and wake-ups, and of decoding and encoding in worker processes"),
    column("shipping_unpacking_ns", "time to decode the partials of worker processes"),
    column("shipping_sent_bytes", "bytes of all requests to worker processes"),
    column("shipping_received_bytes", "bytes of all answers of worker processes"),
    column("partitions", "the number of partitions"),
    column("most_in_progress", "the largest number of jobs in progress at the same time"),
    column("threads", "the number of threads when the run ended"),
    column("migrations", "how often a thread was moved to another processor"),
    column("cycles", "processor cycles in user mode"),
    column("instructions", "instructions in user mode"),
    column("cache_misses", "misses in the last-level cache"),
    column("energy_uj", "energy of the processor packages, in microjoules"),
    column("shared_updates", "updates of what the workers share while they map"),
    column("shared_contended", "how often a worker found a lock taken"),
    column("shared_waited_ns", "time until workers had a lock, summed over all workers; an estimate"),
    column("shared_held_ns", "time for which workers held a lock, summed over all workers; an estimate"),
    column("census_looks", "the number of observations of the threads"),
    column("census_alive", "the largest number of threads alive in one observation"),
    column("census_runnable", "the largest number of threads running or ready in one observation"),
    column("census_cost_ns", "processor time that observing took"),
    column("work", "the cell's work as a multiple of the baseline's; 1 unless it grows with the cores"),
    column("census_pools", "threads by name as JSON: `name`, `threads`, `working`, `cpu_ns`"),
    column("heartbeat_ticks", "the ticks of 1 ms that were due while the jobs ran"),
    column("heartbeat_p50_ns", "the median lateness of a tick"),
    column("heartbeat_p99_ns", "the lateness that 99 of 100 ticks did not exceed"),
    column("heartbeat_max_ns", "the longest lateness of a tick"),
    column("heartbeat_on_runtime", "`true` if the tick was a future of the strategy's own runtime"),
];

/// The samples of a record as CSV with a head, in the order in which they were measured.
///
/// # Errors
/// Never for a record that was read: a field that takes quotes gets them.
pub fn csv(record: &Record) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS.iter().map(|column| column.name))?;
    for sample in &record.samples {
        let line = serde_json::to_value(sample).expect("a sample has string keys only");
        writer.write_record(COLUMNS.iter().map(|column| field(&record.run, sample, &line, column.name)))?;
    }
    writer.into_inner().map_err(|error| csv::Error::from(error.into_error()).into())
}

/// What stands in a column: in the record's line of the sample, its cell, its times or a part of them.
fn field(run: &Run, sample: &Sample, line: &Value, name: &str) -> String {
    let times = &line["times"];
    match name {
        "run" => inert(run.id.clone()),
        "version" => run.version.to_string(),
        "work" => {
            let task = run.tasks.iter().find(|task| task.name == sample.cell.task_name());
            let cores = if sample.cell.strategy == BASELINE { 0 } else { sample.cell.cores };
            task.map_or(1.0, |task| task.work_on(cores)).to_string()
        }
        "census_pools" => {
            let census = sample.times.as_ref().and_then(|times| times.census.as_ref());
            let json = |census: &record::Census| serde_json::to_string(&census.pools).expect("pools have string keys");
            census.map_or_else(String::new, |census| inert(json(census)))
        }
        _ => {
            let group = name.split_once('_').map(|(group, name)| &times[group][name]);
            let places = [&line[name], &line["cell"][name], &times[name]].into_iter().chain(group);
            places.map(written).find(|text| !text.is_empty()).unwrap_or_default()
        }
    }
}

/// Puts an apostrophe before a text that a spreadsheet would run as a formula.
fn inert(text: String) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{text}") } else { text }
}

fn written(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => inert(text.clone()),
        Value::Array(values) => values.iter().map(written).collect::<Vec<_>>().join(" "),
        Value::Number(number) if number.is_f64() => number.as_f64().unwrap_or(0.0).to_string(),
        other => other.to_string(),
    }
}
