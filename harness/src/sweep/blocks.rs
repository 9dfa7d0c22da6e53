//! Runs the blocks of a sweep, cell by cell.

use super::outcome::Outcome;
use super::recorder::{Clock, Recorder};
use super::traces::trace;
use super::work::{Work, work_of};
use crate::interrupt::Interrupt;
use crate::journal::Journal;
use crate::machine::{self, doctor::Checkup};
use crate::measure::child::{End, Failure, measure};
use crate::measure::protocol::Order;
use crate::plan::cells::{Cell, is_parallel};
use crate::plan::schedule::Schedule;
use crate::plan::{Plan, traced};
use crate::progress::Progress;
use crate::{counted, find_task};
use anyhow::Result;
use record::statistics::BLOCKS_FOR_A_VERDICT;
use record::{BASELINE, Ended, Line, Sample, Status};
use std::time::{Duration, Instant};

/// A sweep that is ready to measure.
pub(super) struct Runner<'a> {
    plan: &'a Plan,
    /// The work of the baseline, and what differs on more cores, ascending.
    works: Vec<Work>,
    processors: Vec<usize>,
    schedule: Schedule,
    clock: Clock,
    journal: Journal,
    interrupt: &'a Interrupt,
    progress: Progress,
    /// The number of blocks that were finished.
    blocks: u32,
    /// The budget that the blocks for the verdicts need, if the budget ended the sweep.
    wanted_budget: Option<Duration>,
}

impl<'a> Runner<'a> {
    /// Returns a runner for the tasks of these baselines. `earlier` holds the samples that are already in the record.
    pub(super) fn new(
        plan: &'a Plan,
        works: Vec<Work>,
        earlier: &[Sample],
        journal: Journal,
        began: Instant,
        interrupt: &'a Interrupt,
    ) -> Self {
        let mut schedule = Schedule::new(plan, plan.cells());
        earlier.iter().for_each(|sample| schedule.replay(sample));
        Runner {
            plan,
            works,
            processors: machine::processors(),
            clock: Clock { earlier: schedule.spent_earlier(), began },
            schedule,
            journal,
            interrupt,
            progress: Progress::begin(),
            blocks: 0,
            wanted_budget: None,
        }
    }

    /// Measures until the schedule ends, the user interrupts or an error makes it impossible to go on.
    pub(super) fn run(mut self, checkup: &Checkup) -> Outcome {
        let folder = self.journal.folder().to_owned();
        let left = self.schedule.time_left(self.clock.elapsed());
        let strategies = match self.plan.strategies().count() {
            1 => "1 strategy".to_owned(),
            all => format!("{all} strategies"),
        };
        let strategies = match self.plan.compared_only.len() {
            0 => strategies,
            only => format!("{strategies} ({only} of them only on all cores at the default size)"),
        };
        // Work that the user has named may be less.
        let is_fitted = self.works[0].baselines.iter().all(|baseline| !baseline.note.sizing.is_empty());
        let long_runs = if is_fitted { "a run on all cores should last 30 ms or more and " } else { "" };
        self.progress.say(&format!(
            "measuring {} with {strategies} on {} ({}) takes about {}, because {long_runs}a verdict \
             needs {BLOCKS_FOR_A_VERDICT} processes of each cell: {}",
            enumerated(&self.plan.tasks()),
            up_to(&self.plan.axes.cores),
            counted(self.schedule.cell_count() as u64, "cell"),
            crate::progress::short(left),
            folder.display()
        ));
        let measured = self.run_blocks().and_then(|()| self.run_traces());
        self.progress.end();
        let interrupted = self.interrupt.is_asked() || measured.is_err();
        let ended = Ended { at: now(), blocks: self.blocks, interrupted, checks: checkup.end() };
        let written = self.journal.write(&Line::Ended(ended));
        let stopped = self.works.into_iter().try_for_each(|work| work.prepared.end());
        // The first error explains the others.
        let error = measured.and(written).and(stopped).err();
        Outcome { folder, error, wanted_budget: self.wanted_budget }
    }

    /// Runs block after block.
    fn run_blocks(&mut self) -> Result<()> {
        for block in 0.. {
            let order = self.schedule.block(block, self.clock.elapsed());
            if order.is_empty() || !self.run_block(block, &order)? {
                break;
            }
            self.blocks += 1;
            self.wanted_budget = self.schedule.budget_for_verdicts(block + 1, self.clock.elapsed());
            if self.wanted_budget.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// Traces one more run of each strategy that was measured, and of the fastest parallel one with each delivery.
    fn run_traces(&mut self) -> Result<()> {
        let compared = traced::compared(self.plan, &self.plan.cells());
        let mut cells: Vec<Cell> =
            compared.into_iter().filter(|cell| self.schedule.median_ns(cell).is_some()).collect();
        for task in self.plan.tasks() {
            let parallel = cells.iter().filter(|cell| cell.task == task && is_parallel(&cell.strategy));
            let ns = |cell: &Cell| self.schedule.median_ns(cell).unwrap_or(f64::INFINITY);
            let fastest = parallel.min_by(|one, other| ns(one).total_cmp(&ns(other)));
            let each = fastest.map(traced::deliveries).unwrap_or_default();
            let more: Vec<Cell> = each.into_iter().filter(|cell| !cells.contains(cell)).collect();
            cells.extend(more);
        }
        for cell in cells {
            if self.interrupt.is_asked() {
                break;
            }
            let (prepared, baseline) = work_of(&mut self.works, &cell)?;
            let patience = Duration::from_secs_f64(self.plan.patience_s);
            if let Some(trace) = trace(&cell, baseline, prepared, &self.processors, patience, self.interrupt)? {
                self.journal.write(&Line::Trace(Box::new(trace)))?;
            }
        }
        Ok(())
    }

    /// Measures the missing samples of a block. Returns `false` if the user interrupted.
    fn run_block(&mut self, block: u32, order: &[usize]) -> Result<bool> {
        let began = Instant::now();
        for (turn, number) in order.iter().enumerate() {
            if self.interrupt.is_asked() {
                return Ok(false);
            }
            let pace = began.elapsed() / u32::try_from(turn.max(1)).unwrap_or(u32::MAX);
            let rest_of_block = pace * u32::try_from(order.len() - turn).unwrap_or(u32::MAX);
            let rest = self.schedule.time_left(self.clock.elapsed()).max(rest_of_block);
            self.progress.show(self.schedule.cell(*number), block, turn, order.len(), rest);
            self.run_cell(block, u32::try_from(turn).unwrap_or(u32::MAX), *number)?;
        }
        Ok(!self.interrupt.is_asked())
    }

    /// Measures the missing samples of a cell in a block, in one process. If a server dies meanwhile, a second process
    /// measures what is missing.
    fn run_cell(&mut self, block: u32, turn: u32, number: usize) -> Result<()> {
        if self.attempt_cell(block, turn, number, true)? {
            self.attempt_cell(block, turn, number, false)?;
        }
        Ok(())
    }

    /// Measures the missing samples of a cell. Returns whether the cell must be measured again, because a server died and
    /// came back. Without `again`, the second death is the result.
    fn attempt_cell(&mut self, block: u32, turn: u32, number: usize, again: bool) -> Result<bool> {
        let (done, missing) = self.schedule.samples(block, number);
        if missing == 0 {
            return Ok(false);
        }
        let cell = self.schedule.cell(number).clone();
        let (prepared, baseline) = work_of(&mut self.works, &cell)?;
        let order = Order {
            // One check is enough, because obeying a cancel does not depend on the block.
            check_cancel: self.schedule.is_new(block, number) && cell.strategy != BASELINE,
            // A better variant may need far less processor time than the baseline.
            baseline_cpu_ns: Some(baseline.cpu_ns()).filter(|_| !cell.is_variant()),
            heartbeat: self.plan.heartbeat,
            ..Order::for_cell(&cell, &prepared.inputs, &self.processors, missing)?
        };
        let variant = find_task(&cell.task).and_then(|entry| entry.variant(&cell.task));
        let longer = variant.map_or(1.0, |variant| variant.cost.max(1.0));
        let expected = Duration::from_nanos(baseline.times.wall_ns).mul_f64(longer) * (missing + 1);
        let patience = Duration::from_secs_f64(self.plan.patience_s) + expected * 10;
        let first = Sample { turn, index: done, ..Sample::first(cell.to_record(), block) };
        let mut recorder = Recorder::new(&mut self.journal, self.clock, &baseline.note, first);
        let started = Instant::now();
        let end = measure(&order, patience, self.interrupt, |message| recorder.on_message(message))?;
        let took = started.elapsed();
        let (failure, came_back) = match end {
            End::Failed(failure) => after_revival(failure, prepared.revive(record::task_name(&cell.task))),
            End::Done | End::Interrupted => (None, false),
        };
        let again = again && came_back;
        let samples = recorder.end(failure.filter(|_| !again))?;
        if again {
            self.progress.say(&format!("the server of {} had died and runs again", cell.task));
        }
        self.schedule.note_process(number, took);
        samples.iter().for_each(|sample| self.schedule.note_sample(number, sample));
        if let Some(failed) = samples.last().filter(|sample| sample.status != Status::Verified) {
            let cores = counted(cell.cores.into(), "core");
            self.progress.say(&format!("{} {} on {cores}: {}", cell.task, cell.strategy, failed.reason));
        }
        Ok(again)
    }
}

/// Completes a failure if a server died. Returns it, and whether the server came back.
fn after_revival(failure: Failure, revived: Result<bool>) -> (Option<Failure>, bool) {
    let (clause, came_back) = match revived {
        Ok(false) => return (Some(failure), false),
        Ok(true) => ("the server has died".to_owned(), true),
        Err(error) => (format!("{error:#}"), false),
    };
    (Some(Failure { reason: format!("{}; {clause}", failure.reason), outside: true, ..failure }), came_back)
}

/// Joins names as in a sentence.
fn enumerated(names: &[&str]) -> String {
    match names {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        _ => names.join(""),
    }
}

/// Lists core counts.
fn up_to(counts: &[usize]) -> String {
    let counts: Vec<String> = counts.iter().map(usize::to_string).collect();
    let counts: Vec<&str> = counts.iter().map(String::as_str).collect();
    format!("{} {}", enumerated(&counts), if counts == ["1"] { "core" } else { "cores" })
}

/// Returns the present time in the record's format.
pub(super) fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
