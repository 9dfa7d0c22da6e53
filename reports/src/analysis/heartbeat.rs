//! The heartbeat: how late a tick of 1 ms was while the jobs of a strategy ran.

use crate::analysis::results::{CellResult, Samples, Statement, TaskResults, median, verified};
use crate::format;
use record::{Cell, Heartbeat};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

/// A runtime whose ticks are at most this late, in nanoseconds, keeps up with its timers and sockets. One turn of the scheduler
/// on a core with a job is a few milliseconds.
pub const RESPONSIVE_NS: f64 = 5e6;

/// The heartbeat of one cell.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CellHeartbeat {
    /// The cell.
    pub cell: Cell,
    /// The heartbeat over the samples: the medians of their percentiles, the longest lateness, and all ticks.
    pub beat: Heartbeat,
    /// The mean time of a job, in nanoseconds.
    pub job_ns: f64,
    /// Whether jobs keep the strategy's own runtime from its timers: the 99th percentile of the lateness is at least the time
    /// of a job, and beyond 5 ms.
    pub blocks_runtime: bool,
}

/// The heartbeats at the default partition size, by strategy in the run's order, then cores. Empty in a run without a heartbeat.
pub(crate) fn heartbeats(results: &TaskResults, samples: &Samples) -> Vec<CellHeartbeat> {
    let at_default =
        |it: &&CellResult| it.sound && results.is_usual(&it.cell) && it.cell.size == results.task.default_size;
    results.cells.iter().filter(at_default).filter_map(|it| of_cell(&it.cell, samples)).collect()
}

fn of_cell(cell: &Cell, samples: &Samples) -> Option<CellHeartbeat> {
    let samples = samples.get(cell)?;
    let beats: Vec<Heartbeat> = verified(samples).filter_map(|(_, times)| times.heartbeat).collect();
    let beat = Heartbeat::over(&beats)?;
    let job_ns = median(samples, |times| Some(times.in_jobs_ns? as f64 / times.partitions.max(1) as f64))?;
    let late = beat.p99_ns as f64;
    Some(CellHeartbeat {
        cell: cell.clone(),
        beat,
        job_ns,
        blocks_runtime: beat.on_runtime && late >= job_ns && late > RESPONSIVE_NS,
    })
}

/// States which strategies block their runtime on the most cores, and which keep it responsive.
pub(crate) fn conclude(beats: &[CellHeartbeat], results: &TaskResults) -> Vec<Statement> {
    let here = beats.iter().filter(|it| Some(it.cell.cores) == results.most_cores() && it.beat.on_runtime);
    let (blocked, free): (Vec<_>, Vec<_>) = here.partition(|it| it.blocks_runtime);
    let late = |it: &CellHeartbeat| it.beat.p99_ns as f64;
    let mut sentence: String = blocked
        .iter()
        .map(|it| {
            format!(
                "{} blocks its own runtime: on {}, one tick of 1 ms in a hundred is at least {} late, and a job takes {}. ",
                it.cell.strategy,
                format::cores(it.cell.cores),
                format::time(late(it)),
                format::time(it.job_ns)
            )
        })
        .collect();
    let responsive: Vec<&&CellHeartbeat> = free.iter().filter(|it| late(it) <= RESPONSIVE_NS).collect();
    let names: Vec<&str> = responsive.iter().map(|it| &*it.cell.strategy).collect();
    if let Some(most) = responsive.iter().map(|it| late(it)).reduce(f64::max) {
        sentence += &format!(
            "{} {} responsive: 99 of 100 ticks are at most {} late.",
            format::names(&names),
            if names.len() == 1 { "keeps its runtime" } else { "keep their runtimes" },
            format::time(most)
        );
    }
    let sentence = sentence.trim_end().to_owned();
    let facts =
        json!({ "blocked": blocked.iter().map(|it| &it.cell.strategy).collect::<Vec<_>>(), "responsive": names });
    if sentence.is_empty() { Vec::new() } else { vec![Statement { facts, ..Statement::new("heartbeat", sentence) }] }
}
