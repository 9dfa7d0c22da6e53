//! The table of what strategies ship to worker processes and back.

use crate::analysis::TaskAnalysis;
use crate::analysis::shipping::CellShipping;
use crate::format;
use crate::view::table::{Entry, Row, Table};

/// The time and the bytes of shipping, strategy × partition size on the most cores; `None` without worker processes.
pub fn table(task: &TaskAnalysis) -> Option<Table> {
    let (results, cores) = (&task.results, task.results.most_cores()?);
    let is_shown = |it: &&CellShipping| {
        let shown = results.at(&it.cell.strategy, cores, it.cell.size);
        shown.is_some_and(|result| result.cell == it.cell)
    };
    let row = |it: &CellShipping| {
        let time = |ns: f64| Entry::new(format::time(ns), format::percent(ns / it.in_jobs_ns().max(1.0)));
        let bytes = |bytes: f64| Entry::new(format::memory(bytes), per_partition(bytes / it.partitions.max(1.0)));
        Row {
            name: it.cell.strategy.clone(),
            entries: vec![
                Entry::bare(format::count(it.cell.size)),
                time(it.task_ns),
                time(it.packing_ns),
                time(it.transfer_ns),
                time(it.unpacking_ns),
                bytes(it.sent_bytes),
                bytes(it.received_bytes),
            ],
            ..Row::default()
        }
    };
    let rows: Vec<Row> = task.shipping.iter().filter(is_shown).map(row).collect();
    (!rows.is_empty()).then(|| Table {
        caption: format!(
            "What strategies ship to worker processes and back, on {}: the time of one worker inside jobs, and its shares; the \
             bytes of a whole run, and of one partition.",
            format::cores(cores)
        ),
        columns: vec![
            "strategy",
            "partition size",
            "in the task",
            "packing",
            "transfer",
            "unpacking",
            "sent",
            "received",
        ],
        rows,
    })
}

fn per_partition(bytes: f64) -> String {
    format!("{} each", format::memory(bytes))
}
