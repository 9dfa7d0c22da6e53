//! Medians and their intervals in Bencher Metric Format: one entry for each sound cell.

use crate::analysis::Analysis;
use crate::analysis::results::TaskResults;
use record::{BASELINE, Cell};
use serde_json::{Map, Value, json};

/// `{"count/rayon/2 cores/1000": {"latency": {"value": …, "lower_value": …, "upper_value": …}}}`, in nanoseconds.
pub fn bmf(analysis: &Analysis) -> String {
    let mut all = Map::new();
    for results in analysis.tasks.iter().map(|task| &task.results) {
        for result in results.compared() {
            let Some(time) = result.time else { continue };
            let mut latency = json!({ "value": time.value });
            if let Some(interval) = time.interval {
                latency["lower_value"] = interval.low.into();
                latency["upper_value"] = interval.high.into();
            }
            all.insert(name(results, &result.cell), json!({ "latency": latency }));
        }
    }
    serde_json::to_string_pretty(&Value::Object(all)).expect("names are strings") + "\n"
}

/// The name of a cell. Workers, delivery and combine are part of it only where they differ from the usual ones.
fn name(results: &TaskResults, cell: &Cell) -> String {
    let cores = if cell.cores == 1 { "core" } else { "cores" };
    let grown = if results.task.grown.is_empty() { "" } else { " with work for each" };
    let mut name = format!("{}/{}/{} {cores}{grown}", cell.task, cell.strategy, cell.cores);
    if cell.strategy == BASELINE {
        return name;
    }
    name += &format!("/{}", cell.size);
    if cell.workers != cell.cores {
        name += &format!("/{} workers", cell.workers);
    }
    if !results.is_usual(cell) {
        name += &format!("/{}/{}", cell.delivery, cell.combine);
    }
    name
}
