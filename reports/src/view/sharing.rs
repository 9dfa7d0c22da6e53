//! The table of what workers share while they map.

use crate::analysis::TaskAnalysis;
use crate::analysis::sharing::Sharing;
use crate::format;
use crate::view::table::{Entry, Row, Table};
use record::statistics::{Estimate, Verdict};

/// The table of every strategy with every combine; `None` if no cell shares anything.
pub fn table(task: &TaskAnalysis) -> Option<Table> {
    let first = task.sharing.first()?;
    let note = &task.results.task;
    Some(Table {
        caption: format!(
            "What the workers share while they map, on {} with {}. Times of waiting and holding are estimates from one update \
             of 64; a lock that is free counts as a short wait.",
            format::cores(first.cores),
            format::partitions(note.default_size, &note.unit)
        ),
        columns: vec![
            "strategy",
            "combine",
            "median time",
            "to the fastest",
            "updates",
            "time per update",
            "lock found taken",
            "waiting for a lock",
            "lock held",
            "voluntary switches",
        ],
        rows: task.sharing.iter().map(row).collect(),
    })
}

fn row(it: &Sharing) -> Row {
    let bare = |text: Option<String>| text.map_or_else(Entry::none, Entry::bare);
    let ratio = match (it.verdict, it.ratio) {
        (Some(Verdict::Fastest), _) => Entry::bare("fastest"),
        (_, Some(value)) => {
            let (value, interval) = format::speed_up(Estimate { value, interval: it.interval });
            let doubt = if it.verdict == Some(Verdict::Slower) { "" } else { "tied" };
            Entry { doubt: doubt.to_owned(), ..Entry::new(value, interval) }
        }
        _ => Entry::none(),
    };
    let locked = it.cost.filter(|cost| cost.held_ns > 0.0);
    let (time, interval) = format::time_estimate(it.time);
    Row {
        name: it.strategy.clone(),
        entries: vec![
            Entry::bare(&it.combine),
            Entry::new(time, interval),
            ratio,
            bare(it.cost.map(|cost| format::many(cost.updates))),
            bare(it.update_ns.map(|ns| format::time(ns.max(0.0)))),
            bare(locked.map(|cost| format::percent(cost.contended / cost.updates))),
            bare(it.waiting.map(format::percent)),
            bare(locked.map(|cost| format::time(cost.held_ns / cost.updates))),
            bare(it.cost.map(|cost| format::whole(cost.switches))),
        ],
        ..Row::default()
    }
}
