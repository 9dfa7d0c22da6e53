//! Chooses the cells that a sweep measures next. A schedule does no input or output. The sweep passes each sample to
//! the schedule.
//!
//! The planned blocks contain the cells of their [stages]. Later blocks contain only cells below the target
//! precision or with undecided comparisons, as far as the budget allows: first the cells of the first two stages, then
//! the others.

use crate::plan::Plan;
use crate::plan::cells::Cell;
use crate::plan::stages::{self, Planned, planned, verdict_blocks};
use crate::plan::staging::{Stage, Staging};
use record::statistics::{Blocks, median, wanting};
use record::{BASELINE, Sample, Status, task_name};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The share of the remaining time that the last stage gets before the cells that are still undecided.
const FOR_THE_GRID: f64 = 0.4;

/// The number of blocks after which a cell of the first stages leaves the rest of the budget to the others.
const ENOUGH_BLOCKS: usize = 30;

/// The cells of a sweep, the results so far, and the remaining time.
pub struct Schedule {
    cells: Vec<Known>,
    seed: u64,
    staging: Staging,
    precision: f64,
    max_blocks: u32,
    /// The time for blocks. The rest of the budget is for traces.
    budget: Duration,
    for_traces: Duration,
    /// The times of the first and last sample in each block that an earlier process measured.
    earlier_blocks: BTreeMap<u32, (Duration, Duration)>,
    /// The block, the cell and the end of the last sample that an earlier process measured.
    last: Option<(u32, usize, Duration)>,
}

/// A cell and its results so far.
struct Known {
    cell: Cell,
    recorded: record::Cell,
    planned: Planned,
    /// The number of samples in each block.
    samples: BTreeMap<u32, u32>,
    /// The wall times of each block, in nanoseconds.
    times: Blocks,
    /// Whether the cell has failed. A failed cell is not measured again.
    failed: bool,
    /// The blocks with an unfair sample. After the first one, a later block tries the cell once more.
    unfair: BTreeSet<u32>,
    /// The total time of the cell's processes, from start to end.
    cost: Duration,
    processes: u32,
}

impl Known {
    /// Whether an earlier block has measured a time of the cell.
    fn is_known_before(&self, block: u32) -> bool {
        self.times.range(..block).next().is_some()
    }
}

impl Schedule {
    /// Returns a schedule of `cells` without results.
    pub fn new(plan: &Plan, cells: Vec<Cell>) -> Self {
        let planned = planned(plan, &cells);
        let known = |(cell, planned): (Cell, Planned)| Known {
            recorded: cell.to_record(),
            cell,
            planned,
            samples: BTreeMap::new(),
            times: Blocks::new(),
            failed: false,
            unfair: BTreeSet::new(),
            cost: Duration::ZERO,
            processes: 0,
        };
        let budget = Duration::from_secs_f64(plan.budget_s.max(0.0));
        let for_traces = stages::for_traces(plan, &cells);
        Schedule {
            cells: cells.into_iter().zip(planned).map(known).collect(),
            seed: plan.seed,
            staging: plan.staging.clone(),
            precision: plan.precision,
            max_blocks: plan.blocks,
            budget: budget.saturating_sub(for_traces),
            for_traces,
            earlier_blocks: BTreeMap::new(),
            last: None,
        }
    }

    /// Returns the number of cells.
    pub fn cell_count(&self) -> usize {
        self.cells.len()
    }

    /// Returns the cell with this number.
    pub fn cell(&self, number: usize) -> &Cell {
        &self.cells[number].cell
    }

    /// Returns the median time of a cell so far. `None` if the cell was not measured or has failed.
    pub fn median_ns(&self, cell: &Cell) -> Option<f64> {
        let known = self.cells.iter().find(|known| !known.failed && known.cell == *cell)?;
        median(&known.times.values().flatten().copied().collect::<Vec<_>>())
    }

    /// Returns the time that earlier processes spent measuring.
    pub fn spent_earlier(&self) -> Duration {
        self.earlier_blocks.values().map(|(_, last)| *last).max().unwrap_or_default()
    }

    /// Returns the rest of the budget for blocks after `elapsed`.
    pub fn time_left(&self, elapsed: Duration) -> Duration {
        self.budget.saturating_sub(elapsed)
    }

    /// Adds a sample that an earlier process measured.
    pub fn replay(&mut self, sample: &Sample) {
        let Some(number) = self.cells.iter().position(|known| known.recorded == sample.cell) else { return };
        // Such a sample is measured again.
        if !sample.outside {
            self.note_sample(number, sample);
        }
        let elapsed = Duration::from_millis(sample.elapsed_ms);
        // The cost of a process is the time from the last sample of the previous process to its own last sample.
        // The time before the first block belongs to no cell.
        let before = elapsed.saturating_sub(self.cells[number].planned.process);
        let (block, cell, end) = self.last.unwrap_or((sample.block, number, before));
        let known = &mut self.cells[number];
        known.cost += elapsed.saturating_sub(end);
        known.processes += u32::from((block, cell) != (sample.block, number) || known.processes == 0);
        self.last = Some((sample.block, number, elapsed));
        self.earlier_blocks.entry(sample.block).or_insert((elapsed, elapsed)).1 = elapsed;
    }

    /// Adds a sample.
    pub fn note_sample(&mut self, number: usize, sample: &Sample) {
        let known = &mut self.cells[number];
        *known.samples.entry(sample.block).or_default() += 1;
        match sample.status {
            Status::Verified => {}
            _ if sample.is_doubtful() => _ = known.unfair.insert(sample.block),
            _ => known.failed = true,
        }
        known.failed |= known.unfair.len() > 1;
        if let Some(times) = &sample.times {
            known.times.entry(sample.block).or_default().push(times.wall_ns as f64);
        }
    }

    /// Adds the time of a measuring process.
    pub fn note_process(&mut self, number: usize, took: Duration) {
        let known = &mut self.cells[number];
        (known.cost, known.processes) = (known.cost + took, known.processes + 1);
    }

    /// Whether no earlier block has a sample of a cell.
    pub fn is_new(&self, block: u32, number: usize) -> bool {
        self.cells[number].samples.range(..block).next().is_none()
    }

    /// Returns the number of samples that a cell has in a block, and the number that are missing. A failed cell misses
    /// none, and an unfair one none in the same block.
    pub fn samples(&self, block: u32, number: usize) -> (u32, u32) {
        let known = &self.cells[number];
        let done = known.samples.get(&block).copied().unwrap_or_default();
        let is_over = known.failed || known.unfair.contains(&block);
        (done, if is_over { 0 } else { known.planned.samples.saturating_sub(done) })
    }

    /// Returns the cells of a block in the order of measurement. Returns no cells if the sweep ends before this block.
    ///
    /// The order is shuffled, so that drift affects all cells alike. It depends only on the seed, the block and the
    /// chosen cells.
    pub fn block(&self, block: u32, elapsed: Duration) -> Vec<usize> {
        let mut cells = match self.staging.blocks.get(block as usize) {
            _ if block >= self.max_blocks => Vec::new(),
            Some(stages) if stages[..] == [Stage::Grid] => {
                let left = self.time_for(block, elapsed).mul_f64(FOR_THE_GRID);
                match self.cheapest(Stage::Grid, block, left) {
                    none if none.is_empty() => self.neediest(block, elapsed),
                    grid => self.with_baselines(grid),
                }
            }
            Some(stages) => self.with_baselines(self.numbers(|known| stages.contains(&known.planned.stage))),
            None => self.neediest(block, elapsed),
        };
        // The multiplication spreads the seeds, so that neighbouring blocks and seeds get unrelated orders.
        let seed = self.seed ^ u64::from(block + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        fastrand::Rng::with_seed(seed).shuffle(&mut cells);
        cells
    }

    /// Returns the numbers of the cells that are to be measured and satisfy `is_wanted`.
    fn numbers(&self, is_wanted: impl Fn(&Known) -> bool) -> Vec<usize> {
        (0..)
            .zip(&self.cells)
            .filter(|(_, known)| !known.failed && is_wanted(known))
            .map(|(number, _)| number)
            .collect()
    }

    /// Returns the cells of a stage that no block before `block` has measured, the cheapest first, as many as `left` allows.
    fn cheapest(&self, stage: Stage, block: u32, left: Duration) -> Vec<usize> {
        let mut cells = self.numbers(|known| known.planned.stage == stage && !known.is_known_before(block));
        let expected = |number: &usize| self.cells[*number].planned.process;
        cells.sort_by_key(expected);
        affordable(cells.into_iter(), expected, left)
    }

    /// Returns the time that a process of a cell takes: as measured so far, or as expected.
    fn cost(&self, number: usize) -> Duration {
        let known = &self.cells[number];
        known.cost.checked_div(known.processes).unwrap_or(known.planned.process)
    }

    /// Adds the baselines of the chosen cells' tasks, because a speed-up needs the baseline from the same block.
    fn with_baselines(&self, mut chosen: Vec<usize>) -> Vec<usize> {
        let tasks: BTreeSet<&str> = chosen.iter().map(|number| task_name(&self.cell(*number).task)).collect();
        let is_wanted = |known: &Known| known.cell.strategy == BASELINE && tasks.contains(&*known.cell.task);
        let baselines = self.numbers(is_wanted).into_iter().filter(|number| !chosen.contains(number));
        let baselines: Vec<usize> = baselines.collect();
        chosen.extend(baselines);
        chosen
    }

    /// Returns the time that is left for a block when it begins. A resumed sweep gets the same as an uninterrupted one.
    fn time_for(&self, block: u32, elapsed: Duration) -> Duration {
        let began = self.earlier_blocks.range(..block).next_back().map(|(_, (_, last))| *last);
        let is_resumed = self.earlier_blocks.contains_key(&block);
        self.time_left(if is_resumed { began.unwrap_or_default() } else { elapsed })
    }

    /// Returns the cells that need another block most, as many as the budget allows, and the baselines of their tasks.
    /// The first stages come first.
    ///
    /// The choice depends only on earlier blocks, so that a resumed sweep makes the same choice as an uninterrupted
    /// one.
    fn neediest(&self, block: u32, elapsed: Duration) -> Vec<usize> {
        let left = self.time_for(block, elapsed);
        let earlier: Vec<(usize, Blocks)> = self
            .numbers(|known| known.is_known_before(block))
            .into_iter()
            .map(|number| {
                let times = self.cells[number].times.range(..block);
                (number, times.map(|(block, times)| (*block, times.clone())).collect())
            })
            .collect();
        let candidates: Vec<(&record::Cell, &Blocks)> =
            earlier.iter().map(|(number, blocks)| (&self.cells[*number].recorded, blocks)).collect();
        let wanting = wanting(&candidates, self.precision);
        // Without stages, every cell is as important as any other.
        let is_staged = self.staging != Staging::default();
        let decides = |(number, blocks): &&(usize, Blocks)| {
            !is_staged || self.cells[*number].planned.stage <= Stage::CoreCounts && blocks.len() < ENOUGH_BLOCKS
        };
        let (first, others): (Vec<_>, Vec<_>) = wanting.iter().map(|want| &earlier[want.place]).partition(decides);
        let tried_once =
            self.numbers(|known| !known.is_known_before(block) && known.unfair.range(..block).count() == 1);
        let first = tried_once.into_iter().chain(first.into_iter().map(|(number, _)| *number));
        let cost = |number: &usize| self.cost(*number);
        let mut chosen = affordable(first, cost, left);
        if chosen.is_empty() {
            chosen = affordable(others.into_iter().map(|(number, _)| *number), cost, left);
        }
        if chosen.is_empty() {
            chosen = self.cheapest(Stage::Grid, block, left);
        }
        self.with_baselines(chosen)
    }

    /// Returns the budget that the missing blocks need, or `None` if there is time for `block`.
    ///
    /// A block that a verdict needs begins only if there is time to finish it, because half a block would favour the
    /// cells that come first.
    pub fn budget_for_verdicts(&self, block: u32, elapsed: Duration) -> Option<Duration> {
        let last = u32::try_from(verdict_blocks(&self.staging)).unwrap_or(u32::MAX).min(self.max_blocks);
        let time = |block: u32| -> Duration {
            let stages = self.staging.blocks.get(block as usize);
            let cells = stages.map(|stages| self.numbers(|known| stages.contains(&known.planned.stage)));
            self.with_baselines(cells.unwrap_or_default()).into_iter().map(|number| self.cost(number)).sum()
        };
        let is_over = block < last && elapsed + time(block) > self.budget && !self.earlier_blocks.contains_key(&block);
        is_over.then(|| elapsed + (block..last).map(time).sum::<Duration>() + self.for_traces)
    }
}

/// Returns the cells for which the time suffices, in this order. A cell that takes too long is left out.
fn affordable(cells: impl Iterator<Item = usize>, cost: impl Fn(&usize) -> Duration, mut left: Duration) -> Vec<usize> {
    let mut fits = |number: &usize| left.checked_sub(cost(number)).map(|less| left = less).is_some();
    cells.filter(|number| fits(number)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::cells::{Axes, cells};
    use record::{Fault, Times};
    use strategies::{Combine, Delivery};

    const FULL_BLOCKS: u32 = record::statistics::BLOCKS_FOR_A_VERDICT as u32;
    const SECOND: Duration = Duration::from_secs(1);

    fn schedule(seed: u64, budget_s: f64) -> Schedule {
        let axes = Axes {
            tasks: vec![("noop".into(), vec![1, 10])],
            strategies: vec!["rayon".into(), "smol".into(), "threads_shared".into()],
            cores: vec![1],
            workers: vec![],
            deliveries: vec![Delivery::Gather],
            combines: vec![Combine::PerPartition],
        };
        let cells = cells(&axes);
        Schedule::new(&Plan { seed, budget_s, ..Plan::of(axes) }, cells)
    }

    /// Returns the sample of a cell in a block. Only the times of cell 1, the first after the baseline, vary.
    fn sample(schedule: &Schedule, number: usize, block: u32, elapsed: Duration) -> Sample {
        let varies = number == 1 && block % 2 == 1;
        let wall_ns = 1_000_000 * (number as u64 + 1) * if varies { 2 } else { 1 };
        Sample {
            elapsed_ms: elapsed.as_millis() as u64,
            times: Some(Times { wall_ns, ..Times::default() }),
            ..Sample::first(schedule.cell(number).to_record(), block)
        }
    }

    /// Measures `blocks` and returns all samples in order.
    fn measure(schedule: &mut Schedule, blocks: std::ops::Range<u32>, elapsed: &mut Duration) -> Vec<Sample> {
        let mut samples = Vec::new();
        for block in blocks {
            for number in schedule.block(block, *elapsed) {
                *elapsed += SECOND;
                let sample = sample(schedule, number, block, *elapsed);
                schedule.note_sample(number, &sample);
                schedule.note_process(number, SECOND);
                samples.push(sample);
            }
        }
        samples
    }

    #[test]
    fn full_blocks_have_every_cell_in_an_order_from_seed_and_block() {
        let order = |seed, block| schedule(seed, 0.0).block(block, Duration::MAX);
        assert_eq!(order(1, 0), order(1, 0));
        assert_ne!(order(1, 0), order(1, 1));
        assert_ne!(order(1, 0), order(2, 0));
        let mut sorted = order(1, FULL_BLOCKS - 1);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..7).collect::<Vec<_>>());
    }

    #[test]
    fn later_blocks_have_needy_cells_within_the_budget_and_their_baseline() {
        let (mut schedule, mut elapsed) = (schedule(1, 1_000.0), Duration::ZERO);
        measure(&mut schedule, 0..FULL_BLOCKS, &mut elapsed);
        let mut chosen = schedule.block(FULL_BLOCKS, elapsed);
        chosen.sort_unstable();
        assert!(chosen.starts_with(&[0, 1]), "{chosen:?}");
        assert!(chosen.len() < schedule.cell_count(), "{chosen:?}");
        let nearly_over = Duration::from_millis(998_500);
        assert_eq!(schedule.block(FULL_BLOCKS, nearly_over).len(), 2, "one cell for one second, and the baseline");
        assert_eq!(schedule.block(FULL_BLOCKS, nearly_over + SECOND), [0_usize; 0], "no time for any");
    }

    #[test]
    fn resumption_does_not_change_which_cells_are_measured() {
        resumption_changes_nothing(&schedule);
    }

    #[test]
    fn resumption_of_a_sweep_with_stages_does_not_change_which_cells_are_measured() {
        resumption_changes_nothing(&|seed, budget_s| {
            let mut schedule = schedule(seed, budget_s);
            let blocks = vec![vec![Stage::Strategies], vec![Stage::Strategies, Stage::Sizes], vec![Stage::Grid]];
            schedule.staging = Staging { blocks, longest_ns: u64::MAX };
            for known in &mut schedule.cells[5..] {
                known.planned.stage = Stage::Grid;
            }
            schedule
        });
    }

    fn resumption_changes_nothing(schedule: &dyn Fn(u64, f64) -> Schedule) {
        let (mut whole, mut elapsed) = (schedule(1, 1_000.0), Duration::ZERO);
        let samples = measure(&mut whole, 0..FULL_BLOCKS + 3, &mut elapsed);
        for cut in (1..samples.len()).step_by(3) {
            let mut resumed = schedule(1, 1_000.0);
            samples[..cut].iter().for_each(|sample| resumed.replay(sample));
            let (block, mut elapsed) = (samples[cut].block, resumed.spent_earlier());
            let order: Vec<usize> = resumed
                .block(block, elapsed)
                .into_iter()
                .filter(|number| resumed.samples(block, *number).1 > 0)
                .collect();
            for number in order {
                elapsed += SECOND;
                let sample = sample(&resumed, number, block, elapsed);
                resumed.note_sample(number, &sample);
                resumed.note_process(number, SECOND);
            }
            measure(&mut resumed, block + 1..FULL_BLOCKS + 3, &mut elapsed);
            let done = |schedule: &Schedule| {
                schedule
                    .cells
                    .iter()
                    // A resumed sweep does not know what the first cell cost.
                    .map(|known| (known.times.clone(), known.processes))
                    .collect::<Vec<_>>()
            };
            assert_eq!(done(&resumed), done(&whole), "cut after {cut} samples");
        }
    }

    #[test]
    fn a_cell_that_failed_is_not_measured_again() {
        let mut schedule = schedule(1, 1_000.0);
        let failed = Sample {
            status: Status::Crashed,
            fault: Some(Fault::Crashed),
            times: None,
            ..sample(&schedule, 3, 0, SECOND)
        };
        schedule.note_sample(3, &failed);
        assert_eq!(schedule.samples(0, 2), (0, 1));
        assert_eq!(schedule.samples(0, 3), (1, 0));
        assert_eq!(schedule.samples(1, 3), (0, 0));
    }

    #[test]
    fn a_resumed_sweep_measures_a_cell_again_that_failed_for_an_outside_reason() {
        for (outside, missing) in [(true, 1), (false, 0)] {
            let mut schedule = schedule(1, 1_000.0);
            let failed = Sample { status: Status::Crashed, outside, times: None, ..sample(&schedule, 3, 0, SECOND) };
            schedule.replay(&failed);
            assert_eq!(schedule.samples(0, 3).1, missing, "{outside}");
            assert_eq!(schedule.spent_earlier(), SECOND, "the attempt took time");
        }
    }

    #[test]
    fn a_block_that_a_verdict_needs_begins_only_if_it_can_be_finished() {
        let mut schedule = schedule(1, 20.0);
        let mut elapsed = Duration::ZERO;
        measure(&mut schedule, 0..1, &mut elapsed);
        assert_eq!((schedule.cell_count(), elapsed), (7, 7 * SECOND));
        assert_eq!(schedule.budget_for_verdicts(1, elapsed), None);
        let wanted = 14 * SECOND + 7 * SECOND * (FULL_BLOCKS - 2);
        assert_eq!(schedule.budget_for_verdicts(2, 14 * SECOND), Some(wanted));
        assert_eq!(schedule.budget_for_verdicts(FULL_BLOCKS, 60 * SECOND), None);
    }

    #[test]
    fn an_unfair_sample_is_tried_once_more_in_a_later_block() {
        let mut schedule = schedule(1, 1_000.0);
        let unfair = |schedule: &Schedule, block| Sample {
            status: Status::Unfair,
            fault: Some(Fault::TooFewJobs),
            times: None,
            ..sample(schedule, 3, block, SECOND)
        };
        let first = unfair(&schedule, 0);
        schedule.note_sample(3, &first);
        assert_eq!(schedule.samples(0, 3), (1, 0), "not in the same block");
        assert_eq!(schedule.samples(1, 3), (0, 1));
        assert!(schedule.block(FULL_BLOCKS, Duration::ZERO).contains(&3), "even after the planned blocks");
        let second = unfair(&schedule, 1);
        schedule.note_sample(3, &second);
        assert_eq!(schedule.samples(2, 3), (0, 0));
        assert!(!schedule.block(FULL_BLOCKS, Duration::ZERO).contains(&3));
    }
}
