//! Samples gathered by cell: what a task's sweep measured, summed up once for charts, tables and sentences alike.

use crate::analysis::resources;
use record::Record;
use record::statistics::{self, Blocks, Estimate, LEVEL, Modes};
use record::{BASELINE, Cell, PHYSICAL_CORES, Peer, Sample, Status, StrategyNote, TaskNote, Times};
use std::collections::{BTreeMap, BTreeSet};

/// Medians this close to the best are as good in practice: the share by which they may be longer.
pub const CLOSE: f64 = 0.05;

/// One cell and what is known of it.
#[derive(Debug, Clone)]
pub struct Measured<'a> {
    /// What was measured.
    pub cell: &'a Cell,
    /// The verified times by block.
    pub blocks: Blocks,
    /// The median time in nanoseconds; `None` without a verified sample.
    pub time: Option<Estimate>,
    /// How many times as fast as the baseline, paired by block; `None` without a sound baseline.
    pub speed_up: Option<Estimate>,
    /// The two kinds of its processes, if there are; then no one time is true, and the intervals span both.
    pub modes: Option<Modes>,
    /// How many samples are verified.
    pub samples: usize,
    /// How many samples are not.
    pub failures: usize,
    /// Where the time went.
    pub account: Option<Account>,
    /// The verified samples themselves, in the order in which they were measured.
    pub verified: Vec<&'a Sample>,
}

/// Where the time of a cell went: medians over its verified samples, each on its own, so they need not add up.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    /// Bringing the workers up, in nanoseconds; not part of the cell's time.
    pub start_ns: f64,
    /// Until every job had reported, in nanoseconds.
    pub run_ns: f64,
    /// Reducing what was not reduced while running, in nanoseconds.
    pub reduce_ns: f64,
    /// Until the first partial was delivered, in nanoseconds.
    pub first_result_ns: f64,
    /// Processor time by time: how many cores were busy on average.
    pub busy: f64,
    /// The largest memory the process ever had, in bytes.
    pub peak_memory_bytes: f64,
}

impl Measured<'_> {
    /// Whether the cell's times may be compared: there are some, and no sample went wrong. A cell that fails now and
    /// then is not merely slower, and those of its samples that survive may be the lucky ones.
    pub fn is_sound(&self) -> bool {
        self.samples > 0 && self.failures == 0
    }

    /// What it is called: its strategy, or the plain loop.
    pub fn name(&self) -> &str {
        if self.cell.strategy == BASELINE { "plain loop" } else { &self.cell.strategy }
    }
}

/// All that was measured of one task.
#[derive(Debug, Clone)]
pub struct Sweep<'a> {
    /// The task.
    pub task: &'a TaskNote,
    /// The strategies of the run that were measured, in the order of the run, with their places in it. A place stands
    /// for one colour on the whole page.
    pub strategies: Vec<(usize, &'a StrategyNote)>,
    /// The plain one-thread loop; `None` if it has no sound sample.
    pub baseline: Option<Measured<'a>>,
    /// Every other cell, by strategy in the run's order, then cores, workers and partition size.
    pub cells: Vec<Measured<'a>>,
    /// The delivery and the combine of most cells: the ones that charts and comparisons use.
    pub ways: Option<(&'a str, &'a str)>,
    /// Every sample that is not verified, in the order in which they were measured.
    pub failures: Vec<&'a Sample>,
    /// How many of a cell's processors, from the first, can be physical cores of their own; those behind are second
    /// hardware threads. `None` if it is not recorded.
    pub physical: Option<u32>,
    /// Other programs at the same job.
    pub peers: Vec<&'a Peer>,
}

impl<'a> Sweep<'a> {
    /// Gathers the samples of `task`.
    pub fn new(record: &'a Record, task: &'a TaskNote) -> Self {
        let mut by_cell: BTreeMap<&Cell, Vec<&'a Sample>> = BTreeMap::new();
        for sample in record.samples.iter().filter(|sample| sample.cell.task == task.name) {
            by_cell.entry(&sample.cell).or_default().push(sample);
        }
        let baseline = by_cell
            .iter()
            .filter(|(cell, _)| cell.strategy == BASELINE)
            .map(|(cell, samples)| summarise(cell, samples, None))
            .filter(Measured::is_sound)
            .min_by_key(|measured| measured.cell.cores);

        let place = |name: &str| record.run.strategies.iter().position(|strategy| strategy.name == name);
        let mut cells: Vec<(usize, Measured)> = by_cell
            .iter()
            .filter_map(|(cell, samples)| {
                let plain = baseline.as_ref().map(|baseline| &baseline.blocks);
                Some((place(&cell.strategy)?, summarise(cell, samples, plain)))
            })
            .collect();
        // The map is sorted by the cell's fields, and a stable sort keeps that order inside a strategy.
        cells.sort_by_key(|(place, _)| *place);

        let measured: BTreeSet<usize> = cells.iter().map(|(place, _)| *place).collect();
        let mut ways: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        for (_, measured) in &cells {
            *ways.entry((&measured.cell.delivery, &measured.cell.combine)).or_default() += 1;
        }
        Self {
            task,
            strategies: measured.into_iter().map(|place| (place, &record.run.strategies[place])).collect(),
            baseline,
            cells: cells.into_iter().map(|(_, measured)| measured).collect(),
            ways: ways.into_iter().rev().max_by_key(|(_, cells)| *cells).map(|(way, _)| way),
            failures: record
                .samples
                .iter()
                .filter(|sample| sample.cell.task == task.name && sample.status != Status::Verified)
                .collect(),
            physical: record.run.machine.notes.get(PHYSICAL_CORES).and_then(|number| number.parse().ok()),
            peers: record.peers.iter().filter(|peer| peer.task == task.name).collect(),
        }
    }

    /// Where cells begin to share physical cores with themselves: the number of physical cores, and the least core count
    /// beyond it that was measured. `None` if none was, or it is not recorded how many there are.
    pub fn beyond_physical(&self) -> Option<(u32, u32)> {
        let physical = self.physical.filter(|physical| *physical > 0)?;
        Some((physical, self.cores().into_iter().find(|cores| *cores > physical)?))
    }

    /// The core counts that were measured, ascending.
    pub fn cores(&self) -> Vec<u32> {
        self.cells.iter().map(|measured| measured.cell.cores).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The largest core count that was measured.
    pub fn most_cores(&self) -> Option<u32> {
        self.cores().last().copied()
    }

    /// The partition sizes that were measured, ascending.
    pub fn sizes(&self) -> Vec<u64> {
        self.cells.iter().map(|measured| measured.cell.size).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// How many workers the comparison uses with so many cores: as many as cores, or else the fewest measured.
    pub fn workers(&self, cores: u32) -> Option<u32> {
        let workers =
            || self.cells.iter().filter(|measured| measured.cell.cores == cores).map(|cell| cell.cell.workers);
        workers().find(|&workers| workers == cores).or_else(|| workers().min())
    }

    /// The one cell that charts and comparisons show for a strategy, a core count and a partition size.
    pub fn at(&self, strategy: &str, cores: u32, size: u64) -> Option<&Measured<'a>> {
        let workers = self.workers(cores)?;
        self.cells.iter().find(|measured| {
            let cell = measured.cell;
            cell.strategy == strategy
                && (cell.cores, cell.size, cell.workers) == (cores, size, workers)
                && Some((cell.delivery.as_str(), cell.combine.as_str())) == self.ways
        })
    }

    /// Like [`Sweep::at`], but only if the cell is sound.
    pub fn sound(&self, strategy: &str, cores: u32, size: u64) -> Option<&Measured<'a>> {
        self.at(strategy, cores, size).filter(|measured| measured.is_sound())
    }

    /// The partition size with the smallest median time, and that time.
    pub fn best_size(&self, strategy: &str, cores: u32) -> Option<(u64, f64)> {
        self.sizes()
            .into_iter()
            .filter_map(|size| Some((size, self.sound(strategy, cores, size)?.time?.value)))
            .min_by(|one, other| one.1.total_cmp(&other.1))
    }

    /// The partition sizes with which every one of `strategies` comes close to its own best median.
    pub fn close_sizes(&self, strategies: &[&str], cores: u32) -> Vec<u64> {
        close_for_all(strategies, &self.sizes(), |strategy, size| Some(self.sound(strategy, cores, size)?.time?.value))
    }

    /// The core counts with which every one of `strategies` comes close to its own best median.
    pub fn close_cores(&self, strategies: &[&str], size: u64) -> Vec<u32> {
        close_for_all(strategies, &self.cores(), |strategy, cores| Some(self.sound(strategy, cores, size)?.time?.value))
    }

    /// How many blocks its sound cells have, the baseline among them.
    pub fn blocks(&self) -> Range {
        Range::of(self.cells.iter().filter(|measured| measured.is_sound()).chain(&self.baseline))
    }
}

/// How many blocks cells have: not all the same, if a sweep went on with some of them or was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The fewest that any of them has.
    pub fewest: usize,
    /// The most.
    pub most: usize,
}

impl Range {
    /// The range over `cells`; from 0 to 0 for none.
    pub fn of<'m, 'a: 'm>(cells: impl Iterator<Item = &'m Measured<'a>>) -> Self {
        let counts: BTreeSet<usize> = cells.map(|measured| measured.blocks.len()).collect();
        let end = |count: Option<&usize>| count.copied().unwrap_or(0);
        Self { fewest: end(counts.first()), most: end(counts.last()) }
    }

    /// `5`, or `5 to 12`.
    pub fn number(self) -> String {
        if self.fewest == self.most { self.most.to_string() } else { format!("{} to {}", self.fewest, self.most) }
    }

    /// `5 blocks`, or `5 to 12 blocks`.
    pub fn words(self) -> String {
        format!("{} {}", self.number(), if self.most == 1 { "block" } else { "blocks" })
    }
}

/// The choices with which every one of `names` takes at most [`CLOSE`] longer than with its own best choice.
fn close_for_all<T: Copy>(names: &[&str], choices: &[T], time: impl Fn(&str, T) -> Option<f64>) -> Vec<T> {
    let best = |name: &str| choices.iter().filter_map(|choice| time(name, *choice)).min_by(f64::total_cmp);
    let limits: Vec<(&str, f64)> = names.iter().filter_map(|name| Some((*name, best(name)? * (1.0 + CLOSE)))).collect();
    let close = |choice: T| limits.iter().all(|(name, limit)| time(name, choice).is_some_and(|time| time <= *limit));
    choices.iter().copied().filter(|choice| close(*choice)).collect()
}

fn summarise<'a>(cell: &'a Cell, samples: &[&'a Sample], baseline: Option<&Blocks>) -> Measured<'a> {
    let mut blocks = Blocks::new();
    let verified: Vec<(&'a Sample, &'a Times)> = samples
        .iter()
        .filter(|sample| sample.status == Status::Verified)
        .filter_map(|sample| Some((*sample, sample.times.as_ref()?)))
        .collect();
    for (sample, times) in &verified {
        // A clock that did not move says "less than one of its ticks"; one nanosecond keeps logarithms finite.
        blocks.entry(sample.block).or_default().push(times.wall_ns.max(1) as f64);
    }
    let median = |of: &dyn Fn(&Times) -> f64| {
        statistics::median(&verified.iter().map(|(_, times)| of(times)).collect::<Vec<_>>())
    };
    let account = || {
        Some(Account {
            start_ns: median(&|times| times.start_ns as f64)?,
            run_ns: median(&|times| times.run_ns as f64)?,
            reduce_ns: median(&|times| times.reduce_ns as f64)?,
            first_result_ns: median(&|times| times.first_result_ns as f64)?,
            busy: median(&|times| resources::busy(times))?,
            peak_memory_bytes: median(&|times| times.peak_memory_bytes as f64)?,
        })
    };
    Measured {
        cell,
        time: statistics::time(&blocks, LEVEL),
        speed_up: baseline.and_then(|baseline| statistics::ratio(baseline, &blocks, LEVEL)),
        modes: statistics::modes(&blocks),
        samples: verified.len(),
        failures: samples.len() - verified.len(),
        account: account(),
        verified: verified.iter().map(|(sample, _)| *sample).collect(),
        blocks,
    }
}
