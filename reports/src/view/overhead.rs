//! The cost of the smallest unit of work, as a sentence and a table.

use crate::analysis::TaskAnalysis;
use crate::analysis::overhead::{DispatchCost, Spread};
use crate::format::{self, NONE, SPACE};
use crate::view::table::{Entry, Row, Table};

/// The label and the time of one unit of the plain loop's answer. Where the clock was measured, the text adds the units
/// per cycle, and their limit if nothing else ran.
pub fn unit_cost(task: &TaskAnalysis) -> Option<(String, String)> {
    let cost = task.overhead.unit_cost.as_ref()?;
    let cycles = cost.clock_ghz.zip(cost.per_cycle).map_or_else(String::new, |(clock, per_cycle)| {
        let [per_cycle, clock] = [per_cycle, clock].map(format::digits);
        // The unit has an article: `an increment`.
        let unit = cost.unit.split_once(' ').map_or(&*cost.unit, |(_, unit)| unit);
        let rest = match &cost.limit {
            Some(limit) => format!(". {}.", format::capitalised(limit)),
            None => " on a machine with other load; an idle machine may do more.".to_owned(),
        };
        format!(": {per_cycle} {unit}s per cycle at {clock}{SPACE}GHz{rest}")
    });
    Some((format!("{} of the plain loop", cost.unit), format!("{}{cycles}", format::time(cost.ns))))
}

/// The cost of handing over a job with each strategy; `None` for a task without this measurement.
pub fn dispatch(task: &TaskAnalysis) -> Option<Table> {
    let spread = |spread: Spread| {
        let ends = spread.tenth.zip(spread.ninth);
        let note = ends.map(|(low, high)| format!("{}–{}", format::time(low), format::time(high)));
        Entry::new(spread.median.map_or_else(|| NONE.into(), format::time), note.unwrap_or_default())
    };
    let row = |cost: &DispatchCost| Row {
        name: cost.strategy.clone(),
        entries: vec![
            spread(cost.start),
            spread(cost.alone),
            spread(cost.of_many),
            Entry::bare(format::count(cost.jobs)),
        ],
        ..Row::default()
    };
    let rows: Vec<Row> = task.overhead.dispatch.iter().map(row).collect();
    (!rows.is_empty()).then(|| Table {
        caption: format!(
            "The cost of handing over an empty job, on {}: medians, and the range of the middle 80{SPACE}% of the samples. A mean \
             would hide that there are often two kinds of samples: with workers awake, and with workers that must be woken.",
            format::cores(task.results.most_cores().unwrap_or(0))
        ),
        columns: vec!["strategy", "start the workers", "one job alone", "one of many jobs", "number of jobs"],
        rows,
    })
}
