//! The table of the heartbeat.

use crate::analysis::TaskAnalysis;
use crate::analysis::heartbeat::CellHeartbeat;
use crate::format;
use crate::view::table::{Entry, Row, Table};

/// How late a tick of 1 ms was while the jobs ran, strategy × cores at the default partition size; `None` without a heartbeat.
pub fn table(task: &TaskAnalysis) -> Option<Table> {
    let late = |ns: u64| format::time(ns as f64);
    let row = |it: &CellHeartbeat| Row {
        name: it.cell.strategy.clone(),
        entries: vec![
            Entry::bare(format::count(it.cell.cores.into())),
            Entry::bare(if it.beat.on_runtime { "its runtime" } else { "a thread" }),
            Entry::bare(late(it.beat.p50_ns)),
            Entry {
                doubt: if it.blocks_runtime { "blocks its runtime".into() } else { String::new() },
                ..Entry::bare(late(it.beat.p99_ns))
            },
            Entry::bare(late(it.beat.max_ns)),
            Entry::bare(format::time(it.job_ns)),
            Entry::bare(format::count(it.beat.ticks)),
        ],
        ..Row::default()
    };
    let note = &task.results.task;
    let rows: Vec<Row> = task.heartbeats.iter().map(row).collect();
    (!rows.is_empty()).then(|| Table {
        caption: format!(
            "How late a tick of 1 ms was while the jobs ran, with {}. The tick is what an application would do beside the jobs, \
             such as answering a request. Percentiles are medians over samples.",
            format::partitions(note.default_size, &note.unit)
        ),
        columns: vec![
            "strategy",
            "cores",
            "heart beats on",
            "late: median",
            "late: 99th percentile",
            "late: longest",
            "one job",
            "ticks",
        ],
        rows,
    })
}
