//! A sweep: every cell once in every block, until the time is up.

use crate::data::{Prepared, read_by};
use crate::interrupt::Interrupt;
use crate::journal::Journal;
use crate::machine::doctor::{Checkup, Subject};
use crate::measure::child::{End, measure};
use crate::measure::protocol::{Message, Order};
use crate::plan::cells::{Axes, baseline, cells, shuffled};
use crate::progress::Progress;
use crate::{find_strategy, machine};
use anyhow::{Context, Result, bail, ensure};
use record::statistics::{BLOCKS_FOR_A_VERDICT, Blocks, TARGET, wanting};
use record::{
    BASELINE, Cell, Ended, Fault, Line, Moment, Run, Sample, Skipped, Status, StrategyNote, TaskNote, VERSION,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tasks::Inputs;

/// The plan's name in a run's folder.
const PLAN: &str = "plan.json";

/// So many blocks have every cell: fewer give no verdict. What time is left goes where it is needed most.
const FLOOR: u32 = BLOCKS_FOR_A_VERDICT as u32;

fn default_precision() -> f64 {
    TARGET
}

/// What a sweep is to do. Kept beside the record, so that it can be taken up again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// What is crossed with what.
    pub axes: Axes,
    /// The tasks' options.
    pub inputs: Inputs,
    /// The seed of every block's order.
    pub seed: u64,
    /// Seconds for measuring. The first block is finished whatever it takes.
    pub budget_s: f64,
    /// Never more blocks than this.
    pub blocks: u32,
    /// A cell is known well enough when half its interval is at most this part of its median.
    #[serde(default = "default_precision")]
    pub precision: f64,
    /// Timed runs in a process.
    pub samples: u32,
    /// Seconds that a process gets beyond ten times what the baseline would need.
    pub patience_s: f64,
    /// Where generated data is kept.
    pub data: PathBuf,
}

/// Begins a sweep and carries it as far as the budget goes.
///
/// # Errors
/// When data cannot be made, no task is left, or the record cannot be written.
pub fn begin(plan: &Plan, runs: &Path, command: String, interrupt: &Interrupt) -> Result<PathBuf> {
    let began = jiff::Timestamp::now();
    let prepared = prepare(plan, interrupt)?;
    let (mut skipped, mut tasks) = (Vec::new(), Vec::new());
    for (task, sizes) in &plan.axes.tasks {
        if let Some((_, reason)) = prepared.skipped.iter().find(|(name, _)| name == task) {
            eprintln!("{task} is skipped: {reason}");
            skipped.push(Skipped { task: task.clone(), reason: reason.clone() });
            continue;
        }
        match introduce(task, sizes, &prepared, plan, interrupt)? {
            Ok(known) => tasks.push(known),
            Err(reason) => {
                eprintln!("{task} is skipped: {reason}");
                skipped.push(Skipped { task: task.clone(), reason });
            }
        }
    }
    ensure!(!tasks.is_empty(), "no task is left to measure");
    let id = format!("{}-{}", began.strftime("%Y%m%d-%H%M%S"), letters(4));
    let folder = runs.join(&id);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    // Before the record, for a record without a plan could not be resumed.
    keep(plan, &folder)?;
    let checkup = checkup(plan, &prepared, runs, Checkup::begin);
    let run = Run {
        version: VERSION,
        id,
        began: began.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        command,
        program: program(),
        seed: plan.seed,
        budget_s: plan.budget_s,
        machine: machine::describe(prepared.notes.clone()),
        tasks: tasks.iter().map(|known| known.note.clone()).collect(),
        strategies: plan.axes.strategies.iter().filter_map(|name| introduce_strategy(name)).collect(),
        cores: plan.axes.cores.iter().map(|cores| u32::try_from(*cores).unwrap_or(u32::MAX)).collect(),
        processors: machine::processors().iter().map(|number| u32::try_from(*number).unwrap_or(u32::MAX)).collect(),
        checks: checkup.checks.clone(),
        unmeasured: tasks.iter().flat_map(|known| known.unmeasured.clone()).collect(),
    };
    let first: Vec<Line> =
        [Line::Run(Box::new(run))].into_iter().chain(skipped.into_iter().map(Line::Skipped)).collect();
    let journal = Journal::begin(&folder, &first)?;
    Sweep::new(plan, &prepared, tasks, journal, interrupt).go(prepared, &checkup)
}

/// What may be changed when a sweep is taken up again.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Seconds for measuring, all in all.
    pub budget_s: Option<f64>,
    /// Blocks, all in all.
    pub blocks: Option<u32>,
    /// The inputs that hold what no file may hold, such as a server's address: it must be given again.
    pub secrets: Inputs,
}

/// Takes a sweep up again that was interrupted: what is measured stays, what is missing is measured. A sweep that
/// came to its end is left as it is, unless it is allowed more than before.
///
/// # Errors
/// When there is no plan, machine, program or data are no longer the same, or the record cannot be written.
pub fn resume(folder: &Path, changes: &Changes, interrupt: &Interrupt) -> Result<PathBuf> {
    let path = folder.join(PLAN);
    let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut plan: Plan = serde_json::from_slice(&text).with_context(|| format!("{} is not a plan", path.display()))?;
    let record = record::read(folder.join(crate::journal::FILE))?;
    let budget_s = changes.budget_s.unwrap_or(plan.budget_s);
    let blocks = changes.blocks.unwrap_or(plan.blocks);
    let more = budget_s > plan.budget_s || blocks > plan.blocks;
    if record.ended.as_ref().is_some_and(|ended| !ended.interrupted) && !more {
        eprintln!("this sweep came to its end; to measure more blocks, give it a larger --budget or more --blocks");
        return Ok(folder.to_owned());
    }
    eprintln!("going on as it was planned: {}", record.run.command);
    (plan.budget_s, plan.blocks) = (budget_s, blocks);
    same(&record.run)?;
    keep(&plan, folder)?;
    plan.inputs.copy_secrets(&changes.secrets);
    plan.axes.tasks.retain(|(task, _)| record.run.tasks.iter().any(|note| note.name == *task));
    let mut journal = Journal::go_on(folder)?;
    let prepared = prepare(&plan, interrupt)?;
    if let Some((task, reason)) = prepared.skipped.first() {
        bail!("{task} can no longer be measured: {reason}");
    }
    let mut tasks = Vec::new();
    for note in &record.run.tasks {
        let known = introduce(&note.name, &note.sizes, &prepared, &plan, interrupt)?;
        let known = known.map_err(|reason| anyhow::anyhow!("{} can no longer be measured: {reason}", note.name))?;
        ensure!(
            known.note.digest == note.digest,
            "{} has another answer than when this run began ({} instead of {}): its input has changed, so begin a new run",
            note.name,
            known.note.digest,
            note.digest
        );
        tasks.push(known);
    }
    journal.write(&Line::Resumed(Moment { at: now() }))?;
    let mut sweep = Sweep::new(&plan, &prepared, tasks, journal, interrupt);
    for sample in &record.samples {
        sweep.remember(sample);
    }
    let checkup = checkup(&plan, &prepared, folder, Checkup::again);
    sweep.go(prepared, &checkup)
}

/// Makes sure that what is measured now can stand beside what was measured when `run` began.
fn same(run: &Run) -> Result<()> {
    let (then, now) = (&run.machine, machine::describe(BTreeMap::new()));
    let differences = [
        ("the program", run.program.clone(), program()),
        ("its profile", then.profile.clone(), now.profile),
        ("the processor", then.processor.clone(), now.processor),
        ("the number of cores", then.cores_available.to_string(), now.cores_available.to_string()),
    ];
    match differences.into_iter().find(|(_, then, now)| then != now) {
        None => Ok(()),
        Some((what, then, now)) => {
            bail!("{what} is not the one that this run began with ({now} instead of {then}), so begin a new run")
        }
    }
}

fn program() -> String {
    format!("goldilocks {} ({})", env!("CARGO_PKG_VERSION"), env!("GOLDILOCKS_COMMIT"))
}

/// A task that can be measured: what the report says of it, and how long its baseline takes.
struct Known {
    note: TaskNote,
    baseline: Duration,
    baseline_cpu_ns: u64,
    /// Figures that this machine does not give, and why.
    unmeasured: BTreeMap<String, String>,
}

struct Sweep<'a> {
    plan: &'a Plan,
    inputs: Inputs,
    tasks: BTreeMap<String, Known>,
    cells: Vec<Cell>,
    processors: Vec<usize>,
    /// Samples there are of each cell in each block.
    have: BTreeMap<(u32, Cell), u32>,
    /// Cells that have failed: they are shown as such and not tried again.
    failed: BTreeSet<Cell>,
    /// What has been measured of each cell, in nanoseconds: it decides where the rest of the budget is spent.
    times: BTreeMap<Cell, Blocks>,
    /// How long the processes of each cell took, from start to end, and how many there were.
    costs: BTreeMap<Cell, (Duration, u32)>,
    /// The end of the last sample that an earlier process measured, and the cell and block of it.
    last: Option<(Duration, u32, Cell)>,
    /// When each block that an earlier process worked on had its first and its last sample.
    blocks: BTreeMap<u32, (Duration, Duration)>,
    /// Time spent measuring before this process, and when this process began.
    spent: Duration,
    began: Instant,
    journal: Journal,
    interrupt: &'a Interrupt,
}

impl<'a> Sweep<'a> {
    fn new(plan: &'a Plan, prepared: &Prepared, tasks: Vec<Known>, journal: Journal, interrupt: &'a Interrupt) -> Self {
        let axes = Axes {
            tasks: tasks.iter().map(|known| (known.note.name.clone(), known.note.sizes.clone())).collect(),
            ..plan.axes.clone()
        };
        Sweep {
            plan,
            inputs: prepared.inputs.clone(),
            tasks: tasks.into_iter().map(|known| (known.note.name.clone(), known)).collect(),
            cells: cells(&axes),
            processors: machine::processors(),
            have: BTreeMap::new(),
            failed: BTreeSet::new(),
            times: BTreeMap::new(),
            costs: BTreeMap::new(),
            last: None,
            blocks: BTreeMap::new(),
            spent: Duration::ZERO,
            began: Instant::now(),
            journal,
            interrupt,
        }
    }

    /// Takes note of a sample that an earlier process has measured.
    fn remember(&mut self, sample: &Sample) {
        *self.have.entry((sample.block, sample.cell.clone())).or_default() += 1;
        if sample.status != Status::Verified {
            self.failed.insert(sample.cell.clone());
        }
        self.keep_time(sample);
        let elapsed = Duration::from_millis(sample.elapsed_ms);
        // From the end of one process's last sample to the end of the next one's: what that process cost.
        let (end, block, cell) = self.last.take().unwrap_or((Duration::ZERO, sample.block, sample.cell.clone()));
        let cost = self.costs.entry(sample.cell.clone()).or_default();
        cost.0 += elapsed.saturating_sub(end);
        cost.1 += u32::from((block, &cell) != (sample.block, &sample.cell) || cost.1 == 0);
        self.last = Some((elapsed, sample.block, sample.cell.clone()));
        self.blocks.entry(sample.block).or_insert((elapsed, elapsed)).1 = elapsed;
        self.spent = self.spent.max(elapsed);
    }

    fn keep_time(&mut self, sample: &Sample) {
        if let Some(times) = &sample.times {
            let blocks = self.times.entry(sample.cell.clone()).or_default();
            blocks.entry(sample.block).or_default().push(times.wall_ns as f64);
        }
    }

    fn elapsed(&self) -> Duration {
        self.spent + self.began.elapsed()
    }

    fn go(mut self, prepared: Prepared, checkup: &Checkup) -> Result<PathBuf> {
        let mut progress = Progress::begin();
        progress.say(&format!(
            "{} cells, one after the other, each in a process of its own: {}",
            self.cells.len(),
            self.journal.folder().display()
        ));
        let budget = Duration::from_secs_f64(self.plan.budget_s.max(0.0));
        let (mut block, mut complete) = (0, 0);
        while block < self.plan.blocks {
            let cells = match block < FLOOR {
                true => self.cells.clone(),
                false => self.chosen(block, budget),
            };
            if cells.is_empty() {
                break;
            }
            let began = Instant::now();
            if !self.block(block, &cells, budget, &mut progress)? {
                break;
            }
            complete += u32::from(cells.len() == self.cells.len());
            let before = self.blocks.get(&block).map_or(Duration::ZERO, |(first, last)| last.saturating_sub(*first));
            let whole = before + began.elapsed();
            block += 1;
            // A whole block is only begun if it can be ended: half a block would favour the cells that come first.
            if block < FLOOR && self.elapsed() + whole > budget && !self.blocks.contains_key(&block) {
                let wanted = (self.elapsed() + whole * (FLOOR - block)).as_secs_f64().ceil();
                progress.say(&format!(
                    "the time is up after {block} of the {FLOOR} blocks that a verdict takes; \
                     `{} --resume {} --budget {wanted}s` measures the others",
                    crate::command("sweep"),
                    self.journal.folder().display()
                ));
                break;
            }
        }
        progress.end();
        let interrupted = self.interrupt.is_asked();
        self.journal.write(&Line::Ended(Ended { at: now(), blocks: complete, interrupted, checks: checkup.end() }))?;
        prepared.end()?;
        Ok(self.journal.folder().to_owned())
    }

    /// The cells of a block beyond the [`FLOOR`]: those that are not known well enough yet, the neediest first, as many
    /// as there is time for.
    ///
    /// It looks at earlier blocks alone, so that a sweep that is taken up again chooses what it would have chosen.
    fn chosen(&self, block: u32, budget: Duration) -> Vec<Cell> {
        let earlier: BTreeMap<&Cell, Blocks> = self
            .times
            .iter()
            .filter(|(cell, _)| !self.failed.contains(cell))
            .map(|(cell, blocks)| (cell, blocks.range(..block).map(|(block, times)| (*block, times.clone())).collect()))
            .collect();
        let cells: Vec<(&Cell, &Blocks)> = earlier.iter().map(|(cell, blocks)| (*cell, blocks)).collect();
        let ended = self.blocks.range(..block).next_back().map(|(_, (_, last))| *last);
        let spent = if self.blocks.contains_key(&block) { ended.unwrap_or_default() } else { self.elapsed() };
        let mut rest = budget.saturating_sub(spent);
        let mut chosen = Vec::new();
        for want in wanting(&cells, self.plan.precision) {
            let (cell, _) = cells[want.place];
            let cost = self.costs.get(cell).map_or(Duration::ZERO, |(all, times)| *all / (*times).max(1));
            if let Some(less) = rest.checked_sub(cost) {
                rest = less;
                chosen.push(cell.clone());
            }
        }
        // A speed-up needs the baseline of its own block, which is cheap.
        let baselines: BTreeSet<Cell> = chosen.iter().map(|cell| baseline(&cell.task)).collect();
        let missing = baselines.into_iter().filter(|cell| !chosen.contains(cell) && !self.failed.contains(cell));
        let missing: Vec<Cell> = missing.collect();
        chosen.extend(missing);
        chosen
    }

    /// Runs what is left of a block; `false` if it was interrupted.
    fn block(&mut self, block: u32, cells: &[Cell], budget: Duration, progress: &mut Progress) -> Result<bool> {
        let order = shuffled(cells, self.plan.seed, block);
        let (began, cells) = (Instant::now(), order.len());
        for (turn, cell) in order.into_iter().enumerate() {
            if self.interrupt.is_asked() {
                return Ok(false);
            }
            let pace = began.elapsed() / u32::try_from(turn.max(1)).unwrap_or(u32::MAX);
            let block_rest = pace * u32::try_from(cells - turn).unwrap_or(u32::MAX);
            progress.show(&cell, block, turn, cells, budget.saturating_sub(self.elapsed()).max(block_rest));
            if !self.failed.contains(&cell) {
                self.cell(block, u32::try_from(turn).unwrap_or(u32::MAX), &cell, progress)?;
            }
        }
        Ok(!self.interrupt.is_asked())
    }

    fn cell(&mut self, block: u32, turn: u32, cell: &Cell, progress: &Progress) -> Result<()> {
        let have = self.have.get(&(block, cell.clone())).copied().unwrap_or_default();
        if have >= self.plan.samples {
            return Ok(());
        }
        let known = self.tasks.get(&cell.task).with_context(|| format!("no task `{}` in this run", cell.task))?;
        let runs = self.plan.samples - have + 1;
        let patience = Duration::from_secs_f64(self.plan.patience_s) + known.baseline * 10 * runs;
        let note = known.note.clone();
        let order = Order {
            // Once is enough: whether a strategy can be cancelled does not depend on the block.
            check_cancel: block == 0 && cell.strategy != BASELINE,
            baseline_cpu_ns: Some(known.baseline_cpu_ns),
            ..order(cell, &self.inputs, &self.processors, runs - 1)?
        };
        let mut sample = Sample {
            block,
            turn,
            index: have,
            cell: cell.clone(),
            status: Status::Verified,
            reason: String::new(),
            fault: None,
            digest: String::new(),
            elapsed_ms: 0,
            processors: Vec::new(),
            warm_up_ns: None,
            times: None,
        };
        let (spent, began, journal) = (self.spent, self.began, &mut self.journal);
        let elapsed_ms = || u64::try_from((spent + began.elapsed()).as_millis()).unwrap_or(u64::MAX);
        let (mut refused, mut measured, started) = (None, Vec::new(), Instant::now());
        let end = measure(&order, patience, self.interrupt, |message| {
            let (verdict, digest, times) = match message {
                Message::Started { processors, .. } => {
                    sample.processors = processors;
                    return Ok(());
                }
                Message::WarmedUp { digest, figures, wall_ns } => {
                    sample.warm_up_ns = Some(wall_ns);
                    match compare(&note, &digest, &figures) {
                        Some(wrong) => (Some((Status::Wrong, wrong)), digest, None),
                        None => return Ok(()),
                    }
                }
                Message::Sample { digest, figures, times, unfair } => {
                    let wrong = compare(&note, &digest, &figures).map(|wrong| (Status::Wrong, wrong));
                    let unfair = unfair.map(|unfair| (Status::Unfair, unfair));
                    (wrong.or(unfair), digest, Some(*times))
                }
                Message::Unfair { fault, reason } => {
                    (Some((Status::Unfair, (fault, reason))), sample.digest.clone(), None)
                }
                Message::Failed { .. } => return Ok(()),
            };
            if refused.is_some() {
                return Ok(());
            }
            sample.digest.clone_from(&digest);
            let mut line = Sample { digest, elapsed_ms: elapsed_ms(), times, ..sample.clone() };
            if let Some((status, (fault, reason))) = verdict {
                // Not a time: nobody may plot it.
                line = Sample { status, fault: Some(fault), reason: reason.clone(), times: None, ..line };
                refused = Some(reason);
            }
            journal.write(&Line::Sample(Box::new(line.clone())))?;
            measured.push(line);
            sample.index += 1;
            sample.warm_up_ns = None;
            Ok(())
        })?;
        measured.iter().for_each(|line| self.keep_time(line));
        let cost = self.costs.entry(cell.clone()).or_default();
        *cost = (cost.0 + started.elapsed(), cost.1 + 1);
        let (status, fault, reason) = match end {
            End::Interrupted => return Ok(()),
            _ if refused.is_some() => {
                let reason = refused.unwrap_or_default();
                progress.say(&format!("{} {} on {} cores: {reason}", cell.task, cell.strategy, cell.cores));
                self.failed.insert(cell.clone());
                return Ok(());
            }
            End::Done => return Ok(()),
            End::Failed(fault, reason) => (Status::Failed, fault, reason),
            End::Crashed(reason) => (Status::Crashed, Fault::Crashed, reason),
            End::Hung(reason) => (Status::Hung, Fault::Hung, reason),
        };
        progress.say(&format!("{} {} on {} cores: {reason}", cell.task, cell.strategy, cell.cores));
        self.failed.insert(cell.clone());
        let line = Sample { status, reason, fault: Some(fault), elapsed_ms: elapsed_ms(), ..sample };
        self.journal.write(&Line::Sample(Box::new(line)))
    }
}

/// What is wrong with an answer, if anything: it must be the baseline's.
fn compare(note: &TaskNote, digest: &str, figures: &[(String, String)]) -> Option<(Fault, String)> {
    if digest == note.digest {
        return None;
    }
    let differing = figures.iter().zip(&note.answer).find(|(own, baseline)| own != baseline);
    let Some(((name, own), (_, baseline))) = differing else {
        let reason = format!("its answer has the digest {digest}, the baseline's {}", note.digest);
        return Some((Fault::WrongAnswer, reason));
    };
    let fault = if *name == note.unit { Fault::LostItems } else { Fault::WrongAnswer };
    Some((fault, format!("{name}: {own} in its answer, {baseline} in the baseline's")))
}

/// What a child is told to measure a cell.
///
/// # Errors
/// When the cell makes no sense, such as one without workers.
pub fn order(cell: &Cell, inputs: &Inputs, processors: &[usize], samples: u32) -> Result<Order> {
    // The baseline has no partitions; one is as good as any other.
    let size = if cell.strategy == BASELINE { 1 } else { cell.size };
    let size = usize::try_from(size).ok().and_then(NonZeroUsize::new).context("a partition has at least one item")?;
    Ok(Order {
        task: cell.task.clone(),
        inputs: inputs.clone(),
        strategy: cell.strategy.clone(),
        processors: processors.iter().copied().take(cell.cores as usize).collect(),
        workers: NonZeroUsize::new(cell.workers as usize).context("there must be at least one worker")?,
        size,
        delivery: cell.delivery.clone(),
        combine: cell.combine.clone(),
        warm_ups: 1,
        samples,
        census: true,
        check_cancel: false,
        baseline_cpu_ns: None,
        output: None,
        parent: std::process::id(),
    })
}

fn prepare(plan: &Plan, interrupt: &Interrupt) -> Result<Prepared> {
    let tasks: Vec<&str> = plan.axes.tasks.iter().map(|(task, _)| task.as_str()).collect();
    Prepared::prepare(&tasks, plan.inputs.clone(), &plan.data, interrupt, &|line| eprintln!("{line}"))
}

/// Looks at the machine, now that the data is there and nothing is timed yet.
fn checkup(plan: &Plan, prepared: &Prepared, runs: &Path, checkup: fn(&Subject) -> Checkup) -> Checkup {
    let tasks: Vec<&str> = plan.axes.tasks.iter().map(|(task, _)| task.as_str()).collect();
    let cores = plan.axes.cores.iter().copied().max().unwrap_or(1);
    let given_server = read_by(&tasks, &plan.inputs).iter().any(|data| data.database.is_some());
    checkup(&Subject { tasks: &tasks, inputs: &prepared.inputs, cores, runs, given_server })
}

/// Measures a task's baseline once: its answer is what every other answer is compared with.
fn introduce(
    task: &str,
    sizes: &[u64],
    prepared: &Prepared,
    plan: &Plan,
    interrupt: &Interrupt,
) -> Result<std::result::Result<Known, String>> {
    let entry = crate::find_task(task).with_context(|| format!("no task `{task}`; `goldilocks list` has them all"))?;
    let order = order(&baseline(task), &prepared.inputs, &machine::processors(), 1)?;
    let (mut heard, mut unmeasured) = (None, BTreeMap::new());
    // Its length is what every other patience is measured by, so here it must be generous.
    let patience = Duration::from_secs_f64(plan.patience_s) * 20;
    let end = measure(&order, patience, interrupt, |message| {
        match message {
            Message::Sample { digest, figures, times, .. } => heard = Some((digest, figures, *times)),
            Message::Started { unmeasured: reasons, .. } => unmeasured = reasons,
            _ => {}
        }
        Ok(())
    })?;
    if interrupt.is_asked() {
        bail!("interrupted before anything was measured");
    }
    let Some((digest, answer, times)) = heard.filter(|_| end == End::Done) else {
        return Ok(Err(match end {
            End::Failed(_, reason) | End::Crashed(reason) | End::Hung(reason) => reason,
            End::Done | End::Interrupted => "its baseline gave no answer".to_owned(),
        }));
    };
    let default_size = if sizes.contains(&entry.default_size) { entry.default_size } else { sizes[sizes.len() / 2] };
    let items = crate::load_task(task, &prepared.inputs).ok().and_then(|(task, _)| task.items());
    let note = TaskNote {
        name: task.to_owned(),
        about: entry.about.to_owned(),
        unit: entry.unit.to_owned(),
        options: (entry.options)(&prepared.inputs),
        items,
        sizes: sizes.to_vec(),
        default_size,
        digest,
        answer,
        details: (entry.hooks.details)(),
    };
    let baseline = Duration::from_nanos(times.wall_ns);
    Ok(Ok(Known { note, baseline, baseline_cpu_ns: times.user_ns + times.system_ns, unmeasured }))
}

fn introduce_strategy(name: &str) -> Option<StrategyNote> {
    let header = find_strategy(name)?.header();
    Some(StrategyNote {
        name: name.to_owned(),
        about: header.about.to_owned(),
        good: header.good.to_owned(),
        bad: header.bad.to_owned(),
        trace: header.trace.to_owned(),
    })
}

fn keep(plan: &Plan, folder: &Path) -> Result<()> {
    let mut kept = plan.clone();
    kept.inputs.copy_secrets(&Inputs::default());
    let text = serde_json::to_vec_pretty(&kept).context("cannot write the plan down")?;
    let written = system::atomic_file::write(&folder.join(PLAN), &text);
    written.with_context(|| format!("cannot write to {}", folder.display()))
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn letters(count: usize) -> String {
    (0..count).map(|_| fastrand::lowercase()).collect()
}
