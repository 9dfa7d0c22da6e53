//! The resources that each cell used: processor time, context switches, memory, counters, and threads by name.

use crate::analysis::results::{Samples, TaskResults, busy, median, verified};
use record::{Cell, Pool, Sample, Times};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The resources that one cell used.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CellResources {
    /// The cell.
    pub cell: Cell,
    /// Medians over verified samples, by the figure's name in the record. A figure that no sample has is absent.
    pub used: BTreeMap<&'static str, f64>,
    /// The threads by name, most processor time first, each with the highest count in any sample.
    pub pools: Vec<Pool>,
}

type Figure = (&'static str, fn(&Times) -> Option<f64>);

/// The figures of a sample, each with its name in the record.
const FIGURES: [Figure; 17] = [
    ("busy_threads", |times| Some(busy(times))),
    ("voluntary_switches", |times| Some(times.voluntary_switches as f64)),
    ("involuntary_switches", |times| Some(times.involuntary_switches as f64)),
    ("migrations", |times| Some(times.migrations? as f64)),
    ("minor_faults", |times| Some(times.minor_faults as f64)),
    ("major_faults", |times| Some(times.major_faults as f64)),
    ("peak_memory_bytes", |times| Some(times.peak_memory_bytes as f64)),
    ("cycles", |times| Some(times.cycles? as f64)),
    ("instructions", |times| Some(times.instructions? as f64)),
    ("cache_misses", |times| Some(times.cache_misses? as f64)),
    ("energy_uj", |times| Some(times.energy_uj? as f64)),
    ("threads", |times| Some(times.threads.into())),
    ("partitions", |times| Some(times.partitions as f64)),
    ("most_in_progress", |times| Some(times.most_in_progress.into())),
    ("resident", |times| times.resident),
    ("census_alive", |times| Some(times.census.as_ref()?.alive.into())),
    ("census_runnable", |times| Some(times.census.as_ref()?.runnable.into())),
];

/// Returns the resources used by the baseline and every other cell.
pub(crate) fn resources(results: &TaskResults, samples: &Samples) -> Vec<CellResources> {
    let of_cell = |cell: &Cell| {
        let samples = samples.get(cell).map_or(&[][..], Vec::as_slice);
        let figure = |(name, of): Figure| Some((name, median(samples, of)?));
        CellResources {
            cell: cell.clone(),
            used: FIGURES.into_iter().filter_map(figure).collect(),
            pools: pools(samples),
        }
    };
    results.baseline.iter().chain(&results.cells).map(|result| of_cell(&result.cell)).collect()
}

fn pools(samples: &[&Sample]) -> Vec<Pool> {
    let mut pools: BTreeMap<&str, Pool> = BTreeMap::new();
    for pool in verified(samples).filter_map(|(_, times)| times.census.as_ref()).flat_map(|census| &census.pools) {
        let most = pools.entry(&pool.name).or_insert_with(|| Pool { name: pool.name.clone(), ..Pool::default() });
        most.threads = most.threads.max(pool.threads);
        most.working = most.working.max(pool.working);
        most.cpu_ns += pool.cpu_ns;
    }
    let mut pools: Vec<Pool> = pools.into_values().collect();
    pools.sort_by_key(|pool| std::cmp::Reverse(pool.cpu_ns));
    pools
}
