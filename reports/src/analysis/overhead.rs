//! The cost of the smallest unit of work: one increment, or handing over one job.

use crate::analysis::environment::Environment;
use crate::analysis::results::{CellResult, Samples, TaskResults, verified};
use record::{CLOCK, Detail, Times, statistics};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The cost of the smallest unit of a task's work.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Overhead {
    /// The cost of one unit in the plain loop; `null` for tasks without [`Detail::UnitCost`], and without a sound baseline.
    pub unit_cost: Option<UnitCost>,
    /// The cost of handing over a job on the most cores, for each strategy; empty for tasks without [`Detail::DispatchCost`].
    pub dispatch: Vec<DispatchCost>,
}

/// The cost of one unit in the plain loop.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct UnitCost {
    /// The unit with its article: `an increment`.
    pub unit: String,
    /// What limits the number of units per cycle, as a clause; `null` if other load may have limited it.
    pub limit: Option<String>,
    /// The time of one unit, in nanoseconds.
    pub ns: f64,
    /// The clock under load in GHz; `null` if it was not measured.
    pub clock_ghz: Option<f64>,
    /// Units per clock cycle; `null` without the clock.
    pub per_cycle: Option<f64>,
}

/// The cost of handing over a job that does nothing.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DispatchCost {
    /// The strategy.
    pub strategy: String,
    /// Starting the workers, in nanoseconds; one value for each process.
    pub start: Spread,
    /// One job alone, for idle workers, in nanoseconds.
    pub alone: Spread,
    /// One of many jobs, in nanoseconds.
    pub of_many: Spread,
    /// The number of jobs behind `of_many`.
    pub jobs: u64,
}

/// The spread of values. A mean would hide that there are often two kinds, such as workers awake and workers asleep.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Spread {
    /// The value below which a tenth of the values lie.
    pub tenth: Option<f64>,
    /// The median.
    pub median: Option<f64>,
    /// The value below which nine tenths of the values lie.
    pub ninth: Option<f64>,
    /// The number of values.
    pub values: usize,
}

impl Overhead {
    pub(crate) fn new(results: &TaskResults, samples: &Samples, environment: &Environment) -> Self {
        Self { unit_cost: unit_cost(results, environment), dispatch: dispatch(results, samples) }
    }
}

fn unit_cost(results: &TaskResults, environment: &Environment) -> Option<UnitCost> {
    let (unit, figure, limit) = results.task.details.iter().find_map(|detail| match detail {
        Detail::UnitCost { unit, figure, limit } => Some((unit.clone(), figure, limit.clone())),
        Detail::DispatchCost => None,
    })?;
    let (_, units) = results.task.answer.iter().find(|(name, _)| name == figure)?;
    let units = units.parse::<f64>().ok().filter(|units| *units > 0.0)?;
    let ns = results.baseline.as_ref()?.time?.value / units;
    let limit = Some(limit).filter(|_| environment.was_quiet());
    let clock = environment
        .run
        .machine
        .notes
        .get(CLOCK)
        .and_then(|clock| clock.trim_end_matches("GHz").trim().parse::<f64>().ok());
    Some(UnitCost { unit, limit, ns, clock_ghz: clock, per_cycle: clock.map(|clock| 1.0 / (ns * clock)) })
}

fn dispatch(results: &TaskResults, samples: &Samples) -> Vec<DispatchCost> {
    let wanted = results.task.details.contains(&Detail::DispatchCost);
    let (true, Some(cores)) = (wanted, results.most_cores()) else { return Vec::new() };
    let of_strategy = |name: &str| {
        let cells: Vec<&CellResult> =
            results.sizes.iter().filter_map(|size| results.sound(name, cores, *size)).collect();
        let of_cell = |result: &&CellResult| verified(samples.get(&result.cell).map_or(&[][..], Vec::as_slice));
        let times = || cells.iter().flat_map(of_cell).map(|(_, times)| times);
        let jobs = times().map(|times| times.partitions).max().filter(|jobs| *jobs > 1)?;
        // All samples of a cell in one block share one start of the workers, so it counts once.
        let starts = |result: &&CellResult| {
            let blocks = of_cell(result).map(|(sample, times)| (sample.block, times.start_ns as f64));
            blocks.collect::<BTreeMap<_, _>>().into_values().collect::<Vec<_>>()
        };
        let of = |figure: fn(&Times) -> f64, jobs: u64| {
            Spread::of(&times().filter(|times| times.partitions == jobs).map(figure).collect::<Vec<_>>())
        };
        Some(DispatchCost {
            strategy: name.to_owned(),
            start: Spread::of(&cells.iter().flat_map(starts).collect::<Vec<_>>()),
            alone: of(|times| times.wall_ns as f64, 1),
            of_many: of(|times| times.wall_ns as f64 / times.partitions as f64, jobs),
            jobs,
        })
    };
    results.strategies.iter().filter_map(|strategy| of_strategy(&strategy.name)).collect()
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let below = |share: f64| {
            let place = (sorted.len().checked_sub(1)? as f64 * share).round() as usize;
            sorted.get(place).copied()
        };
        Self { tenth: below(0.1), median: statistics::median(values), ninth: below(0.9), values: values.len() }
    }
}
