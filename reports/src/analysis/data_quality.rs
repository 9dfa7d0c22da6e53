//! Doubts about cells whose answers are all right: samples far from the others, and a warm-up that was too short.

use crate::analysis::results::{CellResult, Samples, Statement, TaskResults, verified};
use crate::format;
use record::statistics::{self, BLOCKS_FOR_A_VERDICT, BLOCKS_FOR_MODES, Process, WarmUp};
use record::{Cell, Sample};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The quality of a task's samples: outliers and warm-up.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct DataQuality {
    /// The number of samples in compared cells.
    pub samples_compared: usize,
    /// The samples far from the others of their cell, the farthest first. Every figure includes these samples.
    pub outliers: Vec<Outlier>,
    /// The warm-up of the baseline and of every other cell.
    pub warm_ups: Vec<CellWarmUp>,
    /// Sentences that say whether one untimed run was enough.
    pub warmed: Vec<Statement>,
}

/// A sample far from the others of its cell.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Outlier {
    /// The cell.
    pub cell: Cell,
    /// The block.
    pub block: u32,
    /// The sample's index in the record, which may have gaps.
    pub sample: u32,
    /// The sample's time, in nanoseconds.
    pub ns: f64,
    /// The sample's time divided by the cell's median sample.
    pub factor: f64,
}

/// The warm-up of a cell's processes.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CellWarmUp {
    /// The cell.
    pub cell: Cell,
    /// Whether one untimed run was enough.
    pub warm_up: WarmUp,
    /// The time of the untimed run divided by that of the first sample of the same process.
    pub untimed_by_first: Option<f64>,
    /// The time of the first sample divided by that of the later ones of the same process.
    pub first_by_later: Option<f64>,
}

impl DataQuality {
    pub(crate) fn new(results: &TaskResults, samples: &Samples) -> Self {
        let of = |result: &CellResult| samples.get(&result.cell).map_or(&[][..], Vec::as_slice);
        let mut outliers: Vec<Outlier> = results.compared().flat_map(|result| outliers(result, of(result))).collect();
        let distance = |outlier: &Outlier| outlier.factor.ln().abs();
        outliers.sort_by(|one, other| distance(other).total_cmp(&distance(one)));
        let warm_up = |result| {
            let (untimed_by_first, first_by_later) = first_samples(of(result));
            CellWarmUp { cell: result.cell.clone(), warm_up: warm_up(of(result)), untimed_by_first, first_by_later }
        };
        let mut quality = Self {
            samples_compared: results.compared().map(|result| result.samples).sum(),
            outliers,
            warm_ups: results.baseline.iter().chain(&results.cells).map(warm_up).collect(),
            warmed: Vec::new(),
        };
        quality.warmed = quality.warmed(results);
        quality
    }

    /// The warm-up of a cell.
    pub fn warm_up(&self, cell: &Cell) -> Option<&CellWarmUp> {
        self.warm_ups.iter().find(|warm_up| warm_up.cell == *cell)
    }

    /// The compared cells whose first sample is decidedly slower than the later ones, with the ratio of the two.
    pub fn cold<'a>(&'a self, results: &'a TaskResults) -> Vec<(&'a CellResult, f64)> {
        let first = |result: &CellResult| match self.warm_up(&result.cell)?.warm_up {
            WarmUp::TooLittle { first, .. } => Some(first),
            _ => None,
        };
        results.compared().filter_map(|result| Some((result, first(result)?))).collect()
    }

    fn warmed(&self, results: &TaskResults) -> Vec<Statement> {
        let verdicts = || results.compared().filter_map(|result| Some(self.warm_up(&result.cell)?.warm_up));
        let enough = verdicts().filter(|verdict| matches!(verdict, WarmUp::Enough { .. })).count();
        let unknown = verdicts().filter(|verdict| *verdict == WarmUp::Unknown).count();
        let cold = self.cold(results);
        let mut statements = Vec::new();
        if !cold.is_empty() {
            let named = |(result, first): &(&CellResult, f64)| {
                let place = place(&result.cell, &results.task.unit);
                format!("{place}: {}×", format::digits(*first))
            };
            statements.push(Statement::new("too_little_warm_up", format!(
                "One untimed run was not enough for {}. The first sample is decidedly slower than the later ones of the same \
                 process, so medians over all samples are too long. First sample divided by later samples: {}.",
                format::cells(cold.len()),
                cold.iter().map(named).collect::<Vec<_>>().join("; ")
            )));
        }
        if enough > 0 {
            statements.push(Statement::new(
                "enough_warm_up",
                format!(
                    "One untimed run was enough for {}: in none of these cells is the first sample decidedly slower than the later ones.",
                    format::cells(enough)
                ),
            ));
        }
        if unknown > 0 {
            statements.push(Statement::new("unknown_warm_up", format!(
                "For {}, it is not known whether one untimed run was enough: the test needs {BLOCKS_FOR_A_VERDICT} processes with \
                 at least two samples.",
                format::cells(unknown)
            )));
        }
        statements
    }
}

/// `rayon, 2 cores, partitions of 1 000 lines`.
fn place(cell: &Cell, unit: &str) -> String {
    let with = if cell.size == 0 { String::new() } else { format!(", {}", format::partitions(cell.size, unit)) };
    format!("{}, {}{with}", format::strategy(&cell.strategy), format::cores(cell.cores))
}

fn outliers(result: &CellResult, samples: &[&Sample]) -> Vec<Outlier> {
    let outlier = |it: statistics::Outlier| {
        let sample = verified(samples).filter(|(sample, _)| sample.block == it.block).nth(it.index);
        let index = sample.map_or(0, |(sample, _)| sample.index);
        Outlier { cell: result.cell.clone(), block: it.block, sample: index, ns: it.ns, factor: it.factor }
    };
    statistics::outliers(&result.blocks).into_iter().map(outlier).collect()
}

fn warm_up(samples: &[&Sample]) -> WarmUp {
    let mut processes: BTreeMap<u32, (Option<f64>, Vec<f64>)> = BTreeMap::new();
    for (sample, times) in verified(samples) {
        let (untimed, timed) = processes.entry(sample.block).or_default();
        *untimed = untimed.or(sample.warm_up_ns.map(|ns| ns.max(1) as f64));
        timed.push(times.wall_ns.max(1) as f64);
    }
    let processes: Vec<Process> =
        processes.values().map(|(untimed, timed)| Process { untimed: *untimed, timed }).collect();
    statistics::warm_up(&processes)
}

/// The untimed run divided by the first sample, and the first sample by the later ones: medians over processes.
fn first_samples(samples: &[&Sample]) -> (Option<f64>, Option<f64>) {
    let wall = |of: fn(&Sample, &Sample) -> bool, first: &Sample| {
        let of_process = verified(samples).filter(|(sample, _)| of(sample, first));
        statistics::median(&of_process.map(|(_, times)| times.wall_ns.max(1) as f64).collect::<Vec<_>>())
    };
    let own = |first: &Sample| first.times.as_ref().map(|times| times.wall_ns.max(1) as f64);
    let of_first = |ratio: &dyn Fn(&Sample) -> Option<f64>| {
        let first = verified(samples).map(|(sample, _)| sample).filter(|sample| sample.index == 0);
        statistics::median(&first.filter_map(ratio).collect::<Vec<_>>())
    };
    let later = |sample: &Sample, first: &Sample| sample.block == first.block && sample.index > 0;
    (
        of_first(&|first| Some(first.warm_up_ns? as f64 / own(first)?)),
        of_first(&|first| Some(own(first)? / wall(later, first)?)),
    )
}

/// The caveats about cells with two kinds of processes and about processes that were not warm.
pub(crate) fn caveats(tasks: &[(&TaskResults, &DataQuality)]) -> Vec<Statement> {
    let judged = || {
        let compared = tasks.iter().flat_map(|(results, _)| results.compared());
        compared.filter(|result| result.blocks.len() >= BLOCKS_FOR_MODES)
    };
    let mut caveats = Vec::new();
    let number = judged().filter(|result| result.modes.is_some()).count();
    if number > 0 {
        caveats.push(Statement::new("two_kinds", format!(
            "That one true time exists for a cell with fast and slow processes. {} of the {} cells that have enough \
             blocks to tell are of this kind. The memory layout of a process can cause two kinds of processes, and so can a disturbance that lasts for several blocks. \
             The interval spans both kinds. By chance, up to one cell in twenty looks like this.",
            format::count(number as u64),
            format::count(judged().count() as u64),
        )));
    }
    let again = |results: &TaskResults| results.cells.iter().filter(|result| result.unfair_block.is_some()).count();
    let number: usize = tasks.iter().map(|(results, _)| again(results)).sum();
    if number > 0 {
        caveats.push(Statement::new("tried_again", format!(
            "Why {} looked unfair in one block: load on the machine can cause that, and so can a strategy that cheats now and \
             then. A second unfair block drops a cell. The section “Failures” lists the reasons.",
            format::cells(number)
        )));
    }
    let number: usize = tasks.iter().map(|(results, quality)| quality.cold(results).len()).sum();
    if number > 0 {
        caveats.push(Statement::new("cold", format!(
            "That every process was warm: in {} the first sample is decidedly slower than the later ones, so the times of these \
             cells are too long. The section “Threads and warm-up” lists these cells. By chance, up to one cell in twenty looks like this.",
            format::cells(number)
        )));
    }
    caveats
}
