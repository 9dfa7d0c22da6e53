//! The results of a task, cell by cell: the base of every conclusion, chart and table.

use record::statistics::{self, BLOCKS_FOR_A_VERDICT, Blocks, Estimate, Interval, LEVEL, Modes, Verdict};
use record::{
    BASELINE, Boundary, BoundaryKind, Cell, Check, Machine, PHYSICAL_CORES, Record, Sample, SharedUpdates, Status,
    TaskNote, Times, VARIANT, forgiven_block,
};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// The share by which a median may exceed the best median and still count as close to it.
pub const CLOSE: f64 = 0.05;

/// The share by which the median of a member of a group may exceed the member's own best median, so that the group is still
/// close to its best. It is larger than [`CLOSE`], because a member has fewer samples than the group.
pub const FAR: f64 = 0.1;

/// The samples of a task by cell, in the order of measurement.
pub(crate) type Samples<'a> = BTreeMap<&'a Cell, Vec<&'a Sample>>;

/// The samples of `task` by cell, without those of an unfair try that does not count against its cell.
pub(crate) fn samples<'a>(record: &'a Record, task: &str) -> Samples<'a> {
    without_forgiven(all_samples(record, task))
}

fn without_forgiven(mut by_cell: Samples) -> Samples {
    for samples in by_cell.values_mut() {
        if let Some(block) = forgiven_block(samples.iter().copied()) {
            samples.retain(|sample| sample.block != block);
        }
    }
    by_cell
}

fn all_samples<'a>(record: &'a Record, task: &str) -> Samples<'a> {
    let mut by_cell = Samples::new();
    for sample in record.samples.iter().filter(|sample| sample.cell.task == task) {
        by_cell.entry(&sample.cell).or_default().push(sample);
    }
    by_cell
}

/// The median times of the variants of `task`: the name of the variant, the cores and nanoseconds.
pub(crate) fn variants(record: &Record, task: &str) -> Vec<(String, u32, f64)> {
    let mut by_cell = Samples::new();
    for sample in record.samples.iter().filter(|sample| sample.cell.task_name() == task && sample.cell.task != task) {
        by_cell.entry(&sample.cell).or_default().push(sample);
    }
    let name = |cell: &Cell| cell.task.split(VARIANT).nth(1).unwrap_or_default().to_owned();
    without_forgiven(by_cell)
        .iter()
        .map(|(cell, samples)| (cell, cell_result(cell, samples, None)))
        .filter_map(|(cell, result)| Some((name(cell), cell.cores, result.time.filter(|_| result.sound)?.value)))
        .collect()
}

/// The samples whose times count, with these times.
pub(crate) fn verified<'a>(samples: &[&'a Sample]) -> impl Iterator<Item = (&'a Sample, &'a Times)> {
    let verified = samples.iter().filter(|sample| sample.status == Status::Verified);
    verified.filter_map(|sample| Some((*sample, sample.times.as_ref()?)))
}

/// The median of a figure over verified samples; `None` if no sample has the figure.
pub(crate) fn median(samples: &[&Sample], of: impl Fn(&Times) -> Option<f64>) -> Option<f64> {
    statistics::median(&verified(samples).filter_map(|(_, times)| of(times)).collect::<Vec<_>>())
}

/// Processor time divided by wall time: the average number of busy threads.
pub(crate) fn busy(times: &Times) -> f64 {
    (times.user_ns + times.system_ns) as f64 / times.wall_ns.max(1) as f64
}

/// A sentence of the report with the facts that it states.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Statement {
    /// The kind of statement, as a name.
    pub about: &'static str,
    /// The sentence.
    pub sentence: String,
    /// The facts by name; `null` if other fields of the analysis hold them.
    pub facts: serde_json::Value,
}

impl Statement {
    /// A statement whose facts are elsewhere in the analysis.
    pub(crate) fn new(about: &'static str, sentence: impl Into<String>) -> Self {
        Self { about, sentence: sentence.into(), facts: serde_json::Value::Null }
    }
}

/// The results of one cell.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CellResult {
    /// The cell.
    pub cell: Cell,
    /// Whether the times may be compared: the cell has samples and none failed. If some fail, the others may be lucky.
    pub sound: bool,
    /// The number of verified samples.
    pub samples: usize,
    /// The number of samples that are not verified.
    pub failures: usize,
    /// The block in which the cell was unfair for a reason that load can cause, if it was fair in all others. Nothing here
    /// includes the samples of this block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfair_block: Option<u32>,
    /// The median time in nanoseconds; `null` without a verified sample.
    pub time: Option<Estimate>,
    /// The work, as a multiple of the baseline's; absent if it is the same.
    #[serde(skip_serializing_if = "is_one")]
    pub work: f64,
    /// The baseline's time divided by the cell's, paired by block, times `work`; `null` without a sound baseline.
    pub speed_up: Option<Estimate>,
    /// The speed-up divided by the cores.
    pub efficiency: Option<f64>,
    /// The two kinds of processes; `null` if there is one kind. With two, no single time is true, and intervals span both.
    pub modes: Option<Modes>,
    /// The phases of the time.
    pub account: Option<Account>,
    /// A worker's time by cause; `null` for the baseline and in records before version 4.
    pub spent: Option<Spent>,
    /// What the updates of a shared total cost; absent if the workers share none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared: Option<SharedCost>,
    /// The verified times in nanoseconds, by block.
    pub blocks: Blocks,
}

impl CellResult {
    /// Returns the result of a cell that does `work` times the work of the baseline.
    fn doing(self, work: f64) -> Self {
        let scaled = |speed_up: Estimate| speed_up.times(work);
        let efficiency = self.efficiency.map(|efficiency| efficiency * work);
        CellResult { work, speed_up: self.speed_up.map(scaled), efficiency, ..self }
    }

    /// The efficiency with the interval of the speed-up, divided by the cores.
    pub fn efficiency_estimate(&self) -> Option<Estimate> {
        self.speed_up.map(|speed_up| per_core(speed_up, self.cell.cores))
    }
}

/// Whether a cell does the work of the baseline, so that the JSON does not mention it.
fn is_one(work: &f64) -> bool {
    *work == 1.0
}

/// A speed-up divided by the cores, which is the efficiency.
pub(crate) fn per_core(speed_up: Estimate, cores: u32) -> Estimate {
    speed_up.times(1.0 / f64::from(cores.max(1)))
}

/// The phases of a cell's time. Each is a median of its own over verified samples, so the phases need not add up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Account {
    /// The time to start the workers, in nanoseconds; not part of the cell's time.
    pub start_ns: f64,
    /// The time until every job had reported, in nanoseconds.
    pub run_ns: f64,
    /// The time of the final reduce, in nanoseconds.
    pub reduce_ns: f64,
    /// The time until the first partial was delivered, in nanoseconds.
    pub first_result_ns: f64,
    /// Processor time divided by wall time.
    pub busy: f64,
    /// The peak memory of the process, in bytes.
    pub peak_memory_bytes: f64,
}

/// A worker's time by cause, in nanoseconds: the mean over the workers of the median process.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct Spent {
    /// In the task's own work.
    pub task: f64,
    /// In the rest of the jobs' spans: shipping jobs and partials.
    pub shipping: f64,
    /// Between two jobs.
    pub between: f64,
    /// Before the first job and after the last.
    pub ends: f64,
    /// In the final reduce.
    pub reduce: f64,
}

/// What the updates of a shared total cost, summed over all workers: medians over verified samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
pub struct SharedCost {
    /// The number of updates.
    pub updates: f64,
    /// How often a worker found a lock taken.
    pub contended: f64,
    /// The time until workers had a lock, in nanoseconds.
    pub waited_ns: f64,
    /// The time for which workers held a lock, in nanoseconds.
    pub held_ns: f64,
    /// Context switches because a thread waited.
    pub switches: f64,
}

/// A strategy that was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MeasuredStrategy {
    /// The strategy's name.
    pub name: String,
    /// The strategy's place in the run, which selects its colour on the whole page.
    pub place: usize,
}

/// The delivery and the combine that most cells use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Setting {
    /// The delivery.
    pub delivery: String,
    /// The combine.
    pub combine: String,
}

/// The best partition size of a strategy on a number of cores.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BestSize {
    /// The strategy.
    pub strategy: String,
    /// The cores.
    pub cores: u32,
    /// The size with the smallest median.
    pub size: u64,
    /// The smallest median, in nanoseconds.
    pub ns: f64,
    /// Every size whose median exceeds the smallest by at most [`CLOSE`].
    pub close: Vec<u64>,
}

/// The numbers of cores that are close to the best for a strategy and a partition size.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CloseCores {
    /// The strategy.
    pub strategy: String,
    /// The partition size.
    pub size: u64,
    /// Every number of cores whose median exceeds the smallest by at most [`CLOSE`].
    pub close: Vec<u32>,
}

/// The strategies compared with each other on one number of cores with one partition size.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Ranking {
    /// The cores.
    pub cores: u32,
    /// The partition size.
    pub size: u64,
    /// Each sound cell against the one with the fastest median.
    pub compared: Vec<AgainstFastest>,
    /// The strategies by place. Strategies that tie share a place.
    pub places: Vec<Vec<String>>,
}

/// A strategy against the fastest.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AgainstFastest {
    /// The strategy that is compared.
    pub strategy: String,
    /// The strategy's time divided by the fastest's.
    pub ratio: Option<f64>,
    /// The interval of the ratio.
    pub interval: Option<Interval>,
    /// The verdict.
    pub verdict: Verdict,
}

/// The range of the number of blocks over several cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct BlockRange {
    /// The fewest blocks of any cell.
    pub fewest: usize,
    /// The most blocks of any cell.
    pub most: usize,
}

impl BlockRange {
    /// The range over `cells`; 0 to 0 without cells.
    pub fn of<'a>(cells: impl Iterator<Item = &'a CellResult>) -> Self {
        let counts: BTreeSet<usize> = cells.map(|result| result.blocks.len()).collect();
        let end = |count: Option<&usize>| count.copied().unwrap_or(0);
        Self { fewest: end(counts.first()), most: end(counts.last()) }
    }
}

/// The results of one task.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TaskResults {
    /// The task.
    pub task: TaskNote,
    /// The load on the machine because of which nothing is named the fastest, as a check saw it; absent without such load.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overload: Option<String>,
    /// The command that measures enough blocks for a verdict.
    #[serde(skip)]
    pub(crate) resume: String,
    /// The measured strategies in the order of the run.
    pub strategies: Vec<MeasuredStrategy>,
    /// The delivery and the combine that charts and comparisons use, which are those of most cells.
    pub setting: Option<Setting>,
    /// The measured numbers of cores, ascending.
    pub cores: Vec<u32>,
    /// The measured partition sizes, ascending.
    pub sizes: Vec<u64>,
    /// The number of physical cores, which cells use before sibling hyperthreads; `null` if not recorded.
    pub physical_cores: Option<u32>,
    /// The numbers of cores at which the kind of processors changes, ascending.
    pub boundaries: Vec<Boundary>,
    /// The numbers of blocks of the sound cells, the baseline included.
    pub blocks: BlockRange,
    /// The strategies by place on the most cores at the default partition size; empty if nothing is decided.
    pub places: Vec<Vec<String>>,
    /// The rankings for all numbers of cores and partition sizes; empty if load forbids them.
    pub rankings: Vec<Ranking>,
    /// The best partition size for each strategy and number of cores.
    pub best_sizes: Vec<BestSize>,
    /// The numbers of cores that are close to the best, for each strategy and partition size.
    pub close_cores: Vec<CloseCores>,
    /// The plain one-thread loop; `null` if it has no sound sample.
    pub baseline: Option<CellResult>,
    /// Every other cell, by strategy in the run's order, then cores, workers and partition size.
    pub cells: Vec<CellResult>,
    /// Every sample that is not verified, in the order of measurement.
    pub failures: Vec<Sample>,
}

impl TaskResults {
    /// The results of `task`.
    pub fn new(record: &Record, task: &TaskNote) -> Self {
        let by_cell = samples(record, &task.name);
        let baseline = by_cell
            .iter()
            .filter(|(cell, _)| cell.strategy == BASELINE)
            .map(|(cell, samples)| cell_result(cell, samples, None))
            .filter(|result| result.sound)
            .min_by_key(|result| result.cell.cores);
        let place = |name: &str| record.run.strategies.iter().position(|strategy| strategy.name == name);
        let plain = baseline.as_ref().map(|baseline| &baseline.blocks);
        let all = all_samples(record, &task.name);
        let placed = |(cell, samples): (&&Cell, &Vec<&Sample>)| {
            let unfair_block = forgiven_block(all[*cell].iter().copied());
            let result = cell_result(cell, samples, plain).doing(task.work_on(cell.cores));
            Some((place(&cell.strategy)?, CellResult { unfair_block, ..result }))
        };
        let mut cells: Vec<(usize, CellResult)> = by_cell.iter().filter_map(placed).collect();
        // The map is sorted by the cell's fields, and a stable sort keeps that order inside a strategy.
        cells.sort_by_key(|(place, _)| *place);

        let places: BTreeSet<usize> = cells.iter().map(|(place, _)| *place).collect();
        let strategy = |place: usize| MeasuredStrategy { name: record.run.strategies[place].name.clone(), place };
        let cells: Vec<CellResult> = cells.into_iter().map(|(_, result)| result).collect();
        let own = |cell: &Cell| [cell.task.as_str(), cell.task_name()].contains(&&*task.name);
        let failed = |sample: &&Sample| own(&sample.cell) && sample.status != Status::Verified;
        let mut results = Self {
            overload: overload(record).map(str::to_owned),
            resume: String::new(),
            strategies: places.into_iter().map(strategy).collect(),
            setting: usual_setting(&cells),
            cores: distinct(cells.iter().map(|result| result.cell.cores)),
            sizes: distinct(cells.iter().map(|result| result.cell.size)),
            physical_cores: physical_cores(&record.run.machine),
            boundaries: boundaries(&record.run.machine),
            blocks: BlockRange::of(cells.iter().filter(|result| result.sound).chain(&baseline)),
            places: Vec::new(),
            rankings: Vec::new(),
            best_sizes: Vec::new(),
            close_cores: Vec::new(),
            failures: record.samples.iter().filter(failed).cloned().collect(),
            task: task.clone(),
            baseline,
            cells,
        };
        let fewest = BlockRange::of(results.candidates().into_iter()).fewest;
        let missing = u32::try_from(BLOCKS_FOR_A_VERDICT.saturating_sub(fewest)).unwrap_or(u32::MAX);
        results.resume = record.resume_command(record.blocks_begun().saturating_add(missing));
        if results.overload.is_none() {
            results.rank();
        }
        results.choose();
        results
    }

    fn rank(&mut self) {
        let settings = self.cores.iter().flat_map(|cores| self.sizes.iter().map(|size| (*cores, *size)));
        self.rankings = settings.map(|(cores, size)| self.ranking(cores, size)).collect();
        // Of a block that was cut off, some cells have their part and others do not.
        let decided = BlockRange::of(self.candidates().into_iter()).fewest >= BLOCKS_FOR_A_VERDICT;
        let default = |ranking: &&Ranking| {
            decided && (Some(ranking.cores), ranking.size) == (self.most_cores(), self.task.default_size)
        };
        self.places = self.rankings.iter().find(default).map(|ranking| ranking.places.clone()).unwrap_or_default();
    }

    fn ranking(&self, cores: u32, size: u64) -> Ranking {
        let blocks = |name: &'_ str| Some(&self.sound(name, cores, size)?.blocks);
        let candidates: Vec<(&str, &Blocks)> =
            self.strategies.iter().filter_map(|it| Some((&*it.name, blocks(&it.name)?))).collect();
        let compared = statistics::against_the_fastest(&candidates).into_iter().map(|it| AgainstFastest {
            strategy: it.name.to_owned(),
            ratio: it.ratio,
            interval: it.interval,
            verdict: it.verdict,
        });
        let names = |tied: Vec<&str>| tied.into_iter().map(str::to_owned).collect();
        let places = statistics::tie_groups(&candidates).into_iter().map(names).collect();
        Ranking { cores, size, compared: compared.collect(), places }
    }

    fn choose(&mut self) {
        let names = || self.strategies.iter().map(|strategy| &strategy.name);
        let best = |name: &String, cores: u32| {
            let medians = self.sizes.iter().filter_map(|size| Some((*size, self.ns(name, cores, *size)?)));
            let (size, ns) = medians.min_by(|one, other| one.1.total_cmp(&other.1))?;
            Some(BestSize { strategy: name.clone(), cores, size, ns, close: self.close_sizes(&[name], cores) })
        };
        let good = |name: &String, size: u64| CloseCores {
            strategy: name.clone(),
            size,
            close: self.close_cores(&[name], size),
        };
        let best_sizes = names().flat_map(|name| self.cores.iter().filter_map(move |cores| best(name, *cores)));
        let close_cores = names().flat_map(|name| self.sizes.iter().map(move |size| good(name, *size)));
        (self.best_sizes, self.close_cores) = (best_sizes.collect(), close_cores.collect());
    }

    /// The largest number of cores that was measured.
    pub fn most_cores(&self) -> Option<u32> {
        self.cores.last().copied()
    }

    /// The strategies that tie for first place; empty if nothing is decided.
    pub fn leaders(&self) -> Vec<&str> {
        self.places.first().map_or_else(Vec::new, |tied| tied.iter().map(String::as_str).collect())
    }

    /// The sound cells on the most cores at the default partition size.
    pub fn candidates(&self) -> Vec<&CellResult> {
        let Some(cores) = self.most_cores() else { return Vec::new() };
        self.strategies.iter().filter_map(|it| self.sound(&it.name, cores, self.task.default_size)).collect()
    }

    /// Whether a failure does not count against its cell: the cell was unfair in this block, and fair in all others.
    pub fn is_forgiven(&self, failure: &Sample) -> bool {
        self.cells.iter().any(|it| it.cell == failure.cell && it.unfair_block == Some(failure.block))
    }

    /// The number of workers that comparisons use on `cores`: as many workers as cores, or else the fewest measured.
    pub fn workers(&self, cores: u32) -> Option<u32> {
        let workers = || self.cells.iter().filter(|result| result.cell.cores == cores).map(|it| it.cell.workers);
        workers().find(|&workers| workers == cores).or_else(|| workers().min())
    }

    /// The one cell that charts and comparisons show for a strategy, a number of cores and a partition size.
    pub fn at(&self, strategy: &str, cores: u32, size: u64) -> Option<&CellResult> {
        let workers = self.workers(cores)?;
        self.cells.iter().find(|CellResult { cell, .. }| {
            cell.strategy == strategy
                && (cell.cores, cell.size, cell.workers) == (cores, size, workers)
                && self.is_usual(cell)
        })
    }

    /// Like [`TaskResults::at`], but only if the cell is sound.
    pub fn sound(&self, strategy: &str, cores: u32, size: u64) -> Option<&CellResult> {
        self.at(strategy, cores, size).filter(|result| result.sound)
    }

    /// Whether a cell has the delivery and the combine of most cells.
    pub fn is_usual(&self, cell: &Cell) -> bool {
        self.setting.as_ref().is_some_and(|it| (&it.delivery, &it.combine) == (&cell.delivery, &cell.combine))
    }

    /// Every cell whose times are compared, the baseline first.
    pub fn compared(&self) -> impl Iterator<Item = &CellResult> {
        self.baseline.iter().chain(self.cells.iter().filter(|result| result.sound))
    }

    /// The best partition size of a strategy.
    pub fn best_size(&self, strategy: &str, cores: u32) -> Option<&BestSize> {
        self.best_sizes.iter().find(|best| (&*best.strategy, best.cores) == (strategy, cores))
    }

    /// The partition sizes with which `strategies` as a group come close to their best median.
    pub fn close_sizes(&self, strategies: &[&str], cores: u32) -> Vec<u64> {
        let close = self.close(strategies, self.sizes.iter().map(|size| (cores, *size)));
        close.into_iter().map(|(_, size)| size).collect()
    }

    /// The numbers of cores with which `strategies` as a group come close to their best median.
    pub fn close_cores(&self, strategies: &[&str], size: u64) -> Vec<u32> {
        let close = self.close(strategies, self.cores.iter().map(|cores| (*cores, size)));
        close.into_iter().map(|(cores, _)| cores).collect()
    }

    /// The choices of cores and partition size with which `strategies` as a group come close to their best median, and no
    /// member is far from its own.
    pub(crate) fn close(&self, strategies: &[&str], choices: impl Iterator<Item = (u32, u64)>) -> Vec<(u32, u64)> {
        let mut close: Vec<(u32, u64)> = choices.collect();
        let groups = strategies.iter().map(|member| (std::slice::from_ref(member), FAR));
        let groups: Vec<(&[&str], f64, Option<f64>)> = groups
            .chain([(strategies, CLOSE)])
            .map(|(group, share)| {
                let times = close.iter().filter_map(|(cores, size)| self.pooled_ns(group, *cores, *size));
                (group, share, times.min_by(f64::total_cmp))
            })
            .collect();
        close.retain(|(cores, size)| {
            let within = |(group, share, best): &(&[&str], f64, Option<f64>)| {
                let (ns, best) = (self.pooled_ns(group, *cores, *size)?, (*best)?);
                Some(ns <= best * (1.0 + share))
            };
            groups.iter().all(|group| within(group).unwrap_or(false))
        });
        close
    }

    /// Those of `strategies` that were measured with several numbers of cores or partition sizes; all if none was. The others
    /// say nothing about cores and sizes.
    pub(crate) fn swept<'a>(&self, strategies: &[&'a str]) -> Vec<&'a str> {
        let settings = |strategy: &str| {
            let cells = self.cells.iter().filter(|it| it.cell.strategy == strategy && self.is_usual(&it.cell));
            cells.map(|it| (it.cell.cores, it.cell.size)).collect::<BTreeSet<_>>().len()
        };
        let swept: Vec<&str> = strategies.iter().copied().filter(|it| settings(it) > 1).collect();
        if swept.is_empty() { strategies.to_vec() } else { swept }
    }

    /// The median of the medians of `strategies`, in nanoseconds for the baseline's work. `None` unless all of them have one.
    pub(crate) fn pooled_ns(&self, strategies: &[&str], cores: u32, size: u64) -> Option<f64> {
        let medians: Option<Vec<f64>> = strategies.iter().map(|strategy| self.ns(strategy, cores, size)).collect();
        Some(statistics::median(&medians?)? / self.task.work_on(cores))
    }

    /// The speed-up of `strategies` as a group. `None` unless all of them have a sound cell.
    pub(crate) fn pooled_speed_up(&self, strategies: &[&str], cores: u32, size: u64) -> Option<Estimate> {
        let blocks = |strategy: &&str| Some(&self.sound(strategy, cores, size)?.blocks);
        let group: Option<Vec<&Blocks>> = strategies.iter().map(blocks).collect();
        let ratio = statistics::pooled_ratio(&self.baseline.as_ref()?.blocks, &group?, LEVEL)?;
        Some(ratio.times(self.task.work_on(cores)))
    }

    fn ns(&self, strategy: &str, cores: u32, size: u64) -> Option<f64> {
        Some(self.sound(strategy, cores, size)?.time?.value)
    }
}

/// The boundaries of a machine. Older records have only the number of physical cores.
fn boundaries(machine: &Machine) -> Vec<Boundary> {
    if !machine.boundaries.is_empty() {
        return machine.boundaries.clone();
    }
    let physical = physical_cores(machine).filter(|physical| (1..machine.cores_available).contains(physical));
    physical.map(|cores| Boundary { cores: cores as usize, kind: BoundaryKind::Physical }).into_iter().collect()
}

fn physical_cores(machine: &Machine) -> Option<u32> {
    machine.notes.get(PHYSICAL_CORES)?.parse().ok()
}

/// The load of other programs that spoils every comparison, as a check saw it: they used more than half of the cores, or a
/// processor lost more than half of its time. `None` without such load.
fn overload(record: &Record) -> Option<&str> {
    let after = record.ended.iter().flat_map(|ended| &ended.checks);
    let spoils = |check: &&Check| match check.name.as_str() {
        "neighbours" => check.verdict >= record::Verdict::Warn,
        "noise" => check.verdict == record::Verdict::Refuse,
        _ => false,
    };
    let check = record.run.checks.iter().chain(after).find(spoils)?;
    // What to do about the load follows after a colon.
    check.sentence.split(": ").next()
}

fn distinct<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    values.collect::<BTreeSet<_>>().into_iter().collect()
}

fn usual_setting(cells: &[CellResult]) -> Option<Setting> {
    let mut settings: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for CellResult { cell, .. } in cells {
        *settings.entry((&cell.delivery, &cell.combine)).or_default() += 1;
    }
    // A total that all workers share while they map is the exception, so it is compared only if it is the rule.
    let usual = |combine: &str| ["per_worker", "per_partition"].iter().position(|usual| *usual == combine);
    let ((delivery, combine), _) =
        settings.into_iter().rev().max_by_key(|((_, combine), cells)| (*cells, usual(combine)))?;
    Some(Setting { delivery: delivery.into(), combine: combine.into() })
}

fn cell_result(cell: &Cell, samples: &[&Sample], baseline: Option<&Blocks>) -> CellResult {
    let mut blocks = Blocks::new();
    for (sample, times) in verified(samples) {
        // A time of zero means less than one tick of the clock. One nanosecond keeps logarithms finite.
        blocks.entry(sample.block).or_default().push(times.wall_ns.max(1) as f64);
    }
    let median = |of: fn(&Times) -> f64| median(samples, |times| Some(of(times)));
    let account = || {
        Some(Account {
            start_ns: median(|times| times.start_ns as f64)?,
            run_ns: median(|times| times.run_ns as f64)?,
            reduce_ns: median(|times| times.reduce_ns as f64)?,
            first_result_ns: median(|times| times.first_result_ns as f64)?,
            busy: median(busy)?,
            peak_memory_bytes: median(|times| times.peak_memory_bytes as f64)?,
        })
    };
    let count = verified(samples).count();
    let failures = samples.len() - count;
    let speed_up = baseline.and_then(|baseline| statistics::ratio(baseline, &blocks, LEVEL));
    CellResult {
        cell: cell.clone(),
        sound: count > 0 && failures == 0,
        samples: count,
        failures,
        unfair_block: None,
        time: statistics::time(&blocks, LEVEL),
        work: 1.0,
        speed_up,
        efficiency: speed_up.map(|speed_up| per_core(speed_up, cell.cores).value),
        modes: statistics::modes(&blocks),
        account: account(),
        spent: spent(cell, samples),
        shared: shared(samples),
        blocks,
    }
}

fn shared(samples: &[&Sample]) -> Option<SharedCost> {
    let of = |figure: fn(&SharedUpdates) -> u64| median(samples, |times| Some(figure(times.shared.as_ref()?) as f64));
    Some(SharedCost {
        updates: of(|it| it.updates)?,
        contended: of(|it| it.contended)?,
        waited_ns: of(|it| it.waited_ns)?,
        held_ns: of(|it| it.held_ns)?,
        switches: median(samples, |times| Some(times.voluntary_switches as f64))?,
    })
}

/// The median over processes of a figure, as for the cell's time; `None` if no sample has the figure.
pub(crate) fn over_processes(samples: &[&Sample], of: impl Fn(&Times) -> Option<f64>) -> Option<f64> {
    let mut blocks = Blocks::new();
    for (sample, times) in verified(samples) {
        blocks.entry(sample.block).or_default().extend(of(times));
    }
    statistics::median(&statistics::processes(&blocks))
}

/// A worker's time for each cause, in the median process.
fn spent(cell: &Cell, samples: &[&Sample]) -> Option<Spent> {
    let workers = f64::from(cell.workers.max(1));
    let of = |cause: fn(&Times, [f64; 3]) -> f64| {
        over_processes(samples, |times| {
            let all = [times.in_jobs_ns?, times.in_task_ns?, times.at_ends_ns?];
            Some(cause(times, all.map(|all| all as f64 / workers)))
        })
    };
    Some(Spent {
        task: of(|_, [_, task, _]| task)?,
        shipping: of(|_, [jobs, task, _]| jobs - task)?,
        between: of(|times, [jobs, _, ends]| times.run_ns as f64 - jobs - ends)?,
        ends: of(|_, [.., ends]| ends)?,
        reduce: of(|times, _| times.reduce_ns as f64)?,
    })
}
