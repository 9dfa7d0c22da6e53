//! Decides what a sweep measures first. Everything here is a pure function of the plan.
//!
//! A sweep answers questions, one stage after the other. Every block contains the cells of some stages. The plain loop
//! is in all of them, because a speed-up needs it from the same block.

use super::cells::{Cell, is_parallel};
use super::settings::Plan;
use super::staging::{Cost, Stage, Staging};
use super::traced;
use crate::find_task;
use record::statistics::BLOCKS_FOR_A_VERDICT;
use record::{BASELINE, task_name};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use strategies::Delivery;

/// The share of a run that stays on one thread, as assumed by the forecast.
const SERIAL: f64 = 0.02;

/// Runs that take longer than this are sampled once in each process, because a second sample tells little about other
/// processes and takes as long. For the same reason the last two stages have one sample: they have the most cells.
const ONE_SAMPLE_FROM: Duration = Duration::from_millis(200);

/// The share of the budget for blocks that a verdict needs. The rest is for the last stage and for what stays undecided.
const FOR_VERDICTS: f64 = 0.8;

/// If all cells in enough blocks take at most this share of the budget, no stage has to come first.
const FOR_EVERYTHING: f64 = 0.25;

/// The blocks that a verdict needs.
const BLOCKS: usize = BLOCKS_FOR_A_VERDICT;

/// Returns the default budget in minutes. The time of the plain loop grows with the cores, because the work does.
pub fn default_minutes(cores: u64) -> u64 {
    match cores {
        0..=8 => 6,
        9..=16 => 10,
        17..=32 => 15,
        33..=64 => 22,
        _ => 30,
    }
}

/// How many times as long a run takes if workers change one total while they map.
const SHARED: f64 = 5.0;

/// A planned cell: its stage, the number of samples in each process, and the expected time of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// The stage to which the cell belongs.
    pub stage: Stage,
    /// The number of samples in each process.
    pub samples: u32,
    /// The expected time of a process.
    pub process: Duration,
}

/// Returns the stage, the samples and the cost of each cell.
pub fn planned(plan: &Plan, cells: &[Cell]) -> Vec<Planned> {
    let most = |of: fn(&Cell) -> u32| cells.iter().map(of).max().unwrap_or(1);
    let (cores, workers) = (most(|cell| cell.cores), most(|cell| cell.workers));
    let largest = (cores, if plan.axes.workers.is_empty() { cores } else { workers });
    let parallel = cells.iter().map(|cell| &*cell.strategy).filter(|strategy| *strategy != BASELINE);
    let parallel: BTreeSet<&str> = parallel.collect::<BTreeSet<_>>().into_iter().filter(|it| is_parallel(it)).collect();
    let reference = cells.iter().find(|cell| cell.cores == cores && parallel.contains(&*cell.strategy));
    let reference = reference.map(|cell| cell.strategy.clone()).unwrap_or_default();
    let one = |cell: &Cell| {
        let (start, run) = forecast(plan, cell);
        let is_largest = (cell.cores, cell.workers) == largest;
        let is_default = cell.strategy == BASELINE || cell.size == plan.default_size(&cell.task);
        let is_long = length(plan, cell) > plan.staging.longest_ns;
        let stage = match (is_default, is_largest) {
            _ if cell.is_variant() => Stage::CoreCounts,
            (true, true) => Stage::Strategies,
            (true, false) if cell.strategy == BASELINE => Stage::Strategies,
            (true, false) if is_long && cell.strategy != reference && parallel.contains(&*cell.strategy) => Stage::Grid,
            (true, false) => Stage::CoreCounts,
            (false, true) => Stage::Sizes,
            (false, false) => Stage::Grid,
        };
        let is_minor = stage >= Stage::Sizes && plan.staging != Staging::default();
        let samples = if plan.fewer_samples && (is_minor || run > ONE_SAMPLE_FROM) { 1 } else { plan.samples };
        Planned { stage, samples, process: start + run * samples.saturating_add(1) }
    };
    cells.iter().map(one).collect()
}

/// Returns the expected time of a cell's process besides its runs, and that of one run.
fn forecast(plan: &Plan, cell: &Cell) -> (Duration, Duration) {
    let cost = plan.costs.get(task_name(&cell.task)).copied().unwrap_or(Cost { run_ns: 0, process_ns: 0, speed_up: 1 });
    let cores = f64::from(cell.cores.min(cell.workers)).min(cost.speed_up.max(1) as f64);
    let variant = find_task(&cell.task).and_then(|entry| entry.variant(&cell.task));
    let shared = if cell.combine.is_shared() { SHARED } else { 1.0 };
    let factor = shared * variant.map_or(1.0, |variant| variant.cost);
    let grown = if plan.weak { f64::from(cell.cores) } else { 1.0 };
    let run = Duration::from_nanos(cost.run_ns).mul_f64(grown * factor * (SERIAL + (1.0 - SERIAL) / cores.max(1.0)));
    (Duration::from_nanos(cost.process_ns), run)
}

/// Returns the expected time of a process with two runs, in nanoseconds.
fn length(plan: &Plan, cell: &Cell) -> u64 {
    let (start, run) = forecast(plan, cell);
    u64::try_from((start + run * 2).as_nanos()).unwrap_or(u64::MAX)
}

/// Returns the expected time of the traces. Each has a process with two runs. One strategy of each task is traced with every
/// delivery.
pub fn for_traces(plan: &Plan, cells: &[Cell]) -> Duration {
    let compared = traced::compared(plan, cells);
    let of = |cell: &Cell| Duration::from_nanos(length(plan, cell));
    let with_deliveries = |task: &str| {
        let parallel = compared.iter().filter(|cell| cell.task == task && is_parallel(&cell.strategy));
        let more = u32::try_from(Delivery::ALL.len() - 1).unwrap_or(0);
        parallel.map(of).max().unwrap_or_default() * more
    };
    compared.iter().map(of).sum::<Duration>() + plan.tasks().into_iter().map(with_deliveries).sum::<Duration>()
}

/// Chooses the stages of the planned blocks, so that the verdicts fit into what is `left` of the budget.
pub fn stage(plan: &Plan, cells: &[Cell], left: Duration) -> Staging {
    let everything = Staging::default();
    let of = |staging: Staging| Plan { staging, ..plan.clone() };
    // A number of blocks that the user names means whole blocks.
    if plan.blocks < u32::MAX || needs(&of(everything.clone()), cells) <= left.mul_f64(FOR_EVERYTHING) {
        return everything;
    }
    let mut lengths: Vec<u64> = cells.iter().map(|cell| length(plan, cell)).collect();
    lengths.sort_unstable();
    lengths.dedup();
    let longest = || [u64::MAX].into_iter().chain(lengths.iter().rev().map(|length| length.saturating_sub(1)));
    // A difference of 5 % among many candidates needs more blocks than a verdict.
    let stagings =
        [2, 1, 0].into_iter().flat_map(|more| longest().map(move |longest_ns| staged(more * BLOCKS, longest_ns)));
    let fits = |staging: &Staging| needs(&of(staging.clone()), cells) <= left.mul_f64(FOR_VERDICTS);
    stagings.into_iter().find(fits).unwrap_or_else(|| staged(0, 0))
}

/// Returns a staging whose first blocks, `alone` in number, have only the first stage.
fn staged(alone: usize, longest_ns: u64) -> Staging {
    let mut blocks = vec![vec![Stage::Strategies]; alone];
    blocks.extend(vec![vec![Stage::Strategies, Stage::CoreCounts]; BLOCKS]);
    blocks.extend(vec![vec![Stage::Strategies, Stage::Sizes]; BLOCKS]);
    blocks.push(vec![Stage::Grid]);
    Staging { blocks, longest_ns }
}

/// Returns the time of all blocks that a verdict needs.
pub fn needs(plan: &Plan, cells: &[Cell]) -> Duration {
    let planned = planned(plan, cells);
    let blocks = verdict_blocks(&plan.staging).min(plan.blocks as usize);
    (0..blocks).map(|block| time(&plan.staging.blocks[block], cells, &planned)).sum()
}

/// Returns the number of planned blocks that a verdict needs. The last stage alone needs none.
pub fn verdict_blocks(staging: &Staging) -> usize {
    staging.blocks.iter().filter(|stages| stages.first() != Some(&Stage::Grid)).count()
}

/// Returns the expected time of a block with these stages.
fn time(stages: &[Stage], cells: &[Cell], planned: &[Planned]) -> Duration {
    let of = |cell: &Cell, planned: &Planned| stages.contains(&planned.stage) || cell.strategy == BASELINE;
    let chosen = cells.iter().zip(planned).filter(|(cell, planned)| of(cell, planned));
    chosen.map(|(_, planned)| planned.process).sum()
}

/// The plan in words: what is measured, in which order, and how long it takes.
pub fn describe(plan: &Plan, cells: &[Cell], left: Duration) -> Vec<String> {
    let planned = planned(plan, cells);
    let mut of: BTreeMap<Stage, (usize, Duration)> = BTreeMap::new();
    for planned in &planned {
        let (count, time) = of.entry(planned.stage).or_default();
        (*count, *time) = (*count + 1, *time + planned.process);
    }
    let staged = || plan.staging.blocks.iter().take(plan.blocks as usize);
    let rounds = |stage: Stage| staged().filter(|stages| stages.contains(&stage)).count();
    let mut lines: Vec<String> = of
        .iter()
        .map(|(stage, (count, time))| {
            let cells = crate::counted(*count as u64, "cell");
            let blocks = crate::counted(rounds(*stage) as u64, "block");
            let some =
                if plan.staging != Staging::default() && *stage == Stage::Grid { ", as many as fit" } else { "" };
            format!("{stage}: {blocks} of {cells}{some}, {} a block", seconds(*time))
        })
        .collect();
    let rest = left.saturating_sub(needs(plan, cells));
    lines.push(format!("then what is still undecided, as long as time is left: at most {}", seconds(rest)));
    lines
}

/// Returns the budget that the verdicts need if `left` is too short, given what was spent on the preparation.
pub fn budget_that_suffices(plan: &Plan, cells: &[Cell], left: Duration, spent: Duration) -> Option<Duration> {
    let needed = needs(plan, cells);
    (needed > left).then(|| spent + needed.div_f64(FOR_VERDICTS))
}

fn seconds(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds < 10.0 => format!("{seconds:.1} s"),
        seconds => format!("{seconds:.0} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::cells::Axes;
    use super::*;
    use strategies::{Combine, Delivery};

    /// Returns the default plan of a machine with this number of cores, and its cells.
    fn plan(cores: u64, minutes: u64) -> (Plan, Vec<Cell>) {
        let names = |of: &[strategies::Strategy]| of.iter().map(|it| it.name.to_owned()).collect::<Vec<_>>();
        let counts = crate::machine::core_counts(usize::try_from(cores).expect("a small number"), []);
        let tasks = ["count", "word_totals", "cursor_pages"].map(|name| tasks::find(name).expect("it exists"));
        let axes = Axes {
            tasks: tasks.iter().map(|task| (task.name.to_owned(), task.sizes.to_vec())).collect(),
            strategies: names(strategies::catalogue::usual()),
            cores: counts,
            workers: vec![],
            deliveries: vec![Delivery::Gather],
            combines: vec![Combine::PerPartition],
        };
        let run_ns = 37_500_000;
        let cost = |speed_up: u64| Cost { run_ns: run_ns * speed_up, process_ns: 25_000_000, speed_up };
        let costs = tasks.map(|task| (task.name.to_owned(), cost(if task.name == "cursor_pages" { 2 } else { cores })));
        let budget_s = 60.0 * minutes as f64;
        let compared_only = names(strategies::catalogue::others());
        let plan = Plan { budget_s, samples: 2, fewer_samples: true, costs: costs.into(), ..Plan::of(axes) };
        let mut plan = Plan { compared_only, ..plan };
        let cells = plan.cells();
        plan.staging = stage(&plan, &cells, Duration::from_secs_f64(budget_s));
        (plan, cells)
    }

    #[test]
    fn verdicts_fit_into_the_default_budget_of_every_machine() {
        for cores in [1, 2, 4, 8, 16, 32, 64, 128] {
            let (plan, cells) = plan(cores, default_minutes(cores));
            let left = Duration::from_secs_f64(plan.budget_s);
            assert_eq!(budget_that_suffices(&plan, &cells, left, Duration::ZERO), None, "{cores} cores");
            let planned = planned(&plan, &cells);
            for stage in [Stage::Strategies, Stage::CoreCounts, Stage::Sizes] {
                let blocks = plan.staging.blocks.iter().filter(|stages| stages.contains(&stage)).count();
                let any = planned.iter().any(|planned| planned.stage == stage);
                assert!(blocks >= BLOCKS, "{cores} cores: {blocks} blocks of {stage}");
                assert!(any || cores == 1, "{cores} cores have no {stage}");
            }
        }
    }

    #[test]
    fn a_budget_that_is_too_short_names_one_that_suffices() {
        let (short, cells) = plan(32, 1);
        let left = Duration::from_secs_f64(short.budget_s);
        let enough = budget_that_suffices(&short, &cells, left, Duration::ZERO).expect("a minute is too short");
        let (long, cells) = plan(32, enough.as_secs().div_ceil(60));
        let left = Duration::from_secs_f64(long.budget_s);
        assert_eq!(budget_that_suffices(&long, &cells, left, Duration::ZERO), None, "{enough:?}");
    }

    #[test]
    fn long_runs_have_one_sample_and_the_user_may_have_more() {
        let (plan, cells) = plan(32, 15);
        let samples =
            |plan: &Plan| planned(plan, &cells).iter().map(|planned| planned.samples).collect::<BTreeSet<_>>();
        assert_eq!(samples(&plan), BTreeSet::from([1, 2]));
        assert_eq!(samples(&Plan { fewer_samples: false, ..plan }), BTreeSet::from([2]));
    }

    #[test]
    fn a_named_number_of_blocks_means_whole_blocks() {
        let (plan, cells) = plan(32, 15);
        assert_ne!(plan.staging, Staging::default());
        let left = Duration::from_secs_f64(plan.budget_s);
        assert_eq!(stage(&Plan { blocks: 3, ..plan }, &cells, left), Staging::default());
    }
}
