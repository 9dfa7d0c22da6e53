//! Runs a sweep, which measures cells block by block until the budget is spent or every cell is known well enough.
//!
//! `fit.rs` fits the plan to the machine, `work.rs` prepares the work, `baseline.rs` measures each task's baseline, and `blocks.rs` runs the blocks. `recorder.rs` turns the messages of a
//! measuring process into lines of the record. [`crate::plan::schedule`] chooses the next cell.

mod baseline;
mod blocks;
mod fit;
mod outcome;
mod recorder;
mod traces;
mod work;

pub use outcome::Outcome;

use crate::data::read_by;
use crate::interrupt::Interrupt;
use crate::journal::{FILE, Journal};
use crate::machine::doctor::{Checkup, Subject};
use crate::plan::Plan;
use crate::plan::stages::verdict_blocks;
use crate::sweep::baseline::measure_baseline;
use crate::sweep::blocks::{Runner, now};
use crate::sweep::fit::{Fitted, fit};
use crate::sweep::work::{Work, grown, prepare};
use crate::{find_strategy, machine};
use anyhow::{Context, Result, anyhow, bail, ensure};
use record::{Line, Machine, Moment, Run, StrategyNote, VERSION};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;
use system::printing::say;
use tasks::Inputs;

/// Returns the plan in words, without measuring more than each task's plain loop.
///
/// # Errors
/// When the plan cannot be made, as for [`begin`].
pub fn describe_plan(plan: &Plan, tasks_named: bool, interrupt: &Interrupt) -> Result<Vec<String>> {
    let fitted = fit(plan.clone(), tasks_named, Instant::now(), interrupt)?;
    let lines = fitted.describe().into_iter().chain(fitted.warning()).collect();
    fitted.works.into_iter().try_for_each(|work| work.prepared.end())?;
    Ok(lines)
}

/// Begins a sweep and measures until the budget is spent. The work, the partition sizes and the order that `plan` leaves
/// open are fitted to the machine.
///
/// A task that cannot be measured is skipped, unless the user named what is missing: the tasks (then `tasks_named` is
/// true), the task's file or its database.
///
/// # Errors
/// When something that the user named cannot be measured, when data cannot be made, when no task is left, or when the
/// record cannot be begun.
pub fn begin(plan: &Plan, tasks_named: bool, runs: &Path, command: String, interrupt: &Interrupt) -> Result<Outcome> {
    let (began, clock) = (jiff::Timestamp::now(), Instant::now());
    let fitted = fit(plan.clone(), tasks_named, clock, interrupt)?;
    fitted.warning().iter().for_each(say);
    let Fitted { plan, works, skipped, .. } = fitted;
    let (plan, Work { prepared, baselines, .. }) = (&plan, &works[0]);
    let suffix: String = (0..4).map(|_| fastrand::lowercase()).collect();
    let id = format!("{}-{suffix}", began.strftime("%Y%m%d-%H%M%S"));
    let folder = runs.join(&id);
    let created = std::fs::create_dir_all(runs).and_then(|()| std::fs::create_dir(&folder));
    created.with_context(|| format!("cannot create {}", folder.display()))?;
    let checkup = check_machine(plan, &works, runs, Checkup::begin);
    let run = Run {
        version: VERSION,
        id,
        began: began.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        command,
        program: program(),
        seed: plan.seed,
        budget_s: plan.budget_s,
        machine: Machine { input_nodes: checkup.input_nodes.clone(), ..machine::describe(prepared.notes.clone()) },
        tasks: baselines.iter().map(|baseline| baseline.note.clone()).collect(),
        strategies: plan.strategies().filter_map(|name| strategy_note(name)).collect(),
        cores: numbers(&plan.axes.cores),
        processors: numbers(&machine::processors()),
        checks: checkup.checks.clone(),
        unmeasured: baselines.iter().flat_map(|baseline| baseline.unmeasured.clone()).collect(),
    };
    let first: Vec<Line> =
        [Line::Run(Box::new(run))].into_iter().chain(skipped.into_iter().map(Line::Skipped)).collect();
    // Write the plan before the record, because a record without a plan could not be resumed.
    let journal = plan.write(&folder).and_then(|()| Journal::begin(&folder, &first)).inspect_err(|_| {
        // A folder without a record is no run. If it cannot be removed, it does no harm.
        let _ = std::fs::remove_dir_all(&folder);
    })?;
    Ok(Runner::new(plan, works, &[], journal, clock, interrupt).run(&checkup))
}

/// The settings that may change when a sweep is resumed.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// The total time for measuring, in seconds, including earlier processes.
    pub budget_s: Option<f64>,
    /// The total number of blocks, including those already measured.
    pub blocks: Option<u32>,
    /// The secret inputs, such as a server's address with a password. No file holds them, so the user must give them
    /// again.
    pub secrets: Inputs,
}

/// Resumes a sweep: keeps the recorded samples and measures the missing ones. A complete sweep does not change unless
/// its budget or number of blocks is raised.
///
/// # Errors
/// When there is no plan, when the machine, the program or the data have changed, or when the record cannot be written.
/// The plan is then as before, so that the same changes can be asked for again.
pub fn resume(folder: &Path, changes: &Changes, interrupt: &Interrupt) -> Result<Outcome> {
    let mut plan = Plan::read(folder)?;
    let mut journal = Journal::resume(folder)?;
    let record = record::read(folder.join(FILE))?;
    let budget_s = changes.budget_s.unwrap_or(plan.budget_s);
    let blocks = changes.blocks.unwrap_or(plan.blocks);
    let failed_outside = record.samples.iter().any(|sample| sample.outside);
    let more = budget_s > plan.budget_s || blocks > plan.blocks || failed_outside;
    if record.ended.as_ref().is_some_and(|ended| !ended.interrupted) && !more {
        let needed = u32::try_from(verdict_blocks(&plan.staging)).unwrap_or(u32::MAX);
        let wanted = needed.max(record.blocks_begun() + 1);
        let (options, command) = (record.options_for_blocks(wanted, budget_s, Some(blocks)), crate::command("sweep"));
        say(match options.as_str() {
            "" => "this sweep is complete: every cell is as precise as `--precision` asks for".to_owned(),
            options => {
                let run = &record.run.id;
                format!("this sweep is complete; `{command} --resume {run}{options}` measures more blocks")
            }
        });
        return Ok(Outcome { folder: folder.to_owned(), error: None, wanted_budget: None });
    }
    say(format_args!("resuming: {}", record.run.command));
    (plan.budget_s, plan.blocks) = (budget_s, blocks);
    check_unchanged(&record.run)?;
    let unknown = plan.strategies().find(|name| !record.run.strategies.iter().any(|it| it.name == **name));
    if let Some(unknown) = unknown {
        bail!("the plan of this run has the strategy `{unknown}`, which its record does not list: begin a new run");
    }
    let changed = plan.clone();
    plan.inputs.copy_secrets(&changes.secrets);
    plan.axes.tasks.retain(|(task, _)| record.run.tasks.iter().any(|note| note.name == *task));
    let say_line = |line: &str| say(line);
    let mut prepared = prepare(&plan, plan.inputs.clone(), interrupt, &say_line)?;
    if let Some((task, reason)) = prepared.skipped.first() {
        bail!("{task} can no longer be measured: {reason}");
    }
    check_server(&record.run.machine.notes, &prepared.notes)?;
    let mut baselines = Vec::new();
    for note in &record.run.tasks {
        let baseline = measure_baseline(&note.name, &mut prepared, &plan, interrupt)?;
        let baseline = baseline.map_err(|reason| anyhow!("{} can no longer be measured: {reason}", note.name))?;
        ensure!(
            baseline.note.digest == note.digest,
            "the answer of {} is not the one that this run began with ({} instead of {}): its input has changed, so begin \
             a new run",
            note.name,
            baseline.note.digest,
            note.digest
        );
        baselines.push(baseline);
    }
    let works = grown(&plan, Work { cores: 0, prepared, baselines }, interrupt, &say_line)?;
    for (note, baseline) in record.run.tasks.iter().zip(&works[0].baselines) {
        ensure!(
            baseline.note.grown == note.grown,
            "the answers of {} on more cores are not those that this run began with: its input has changed, so begin a new \
             run",
            note.name
        );
    }
    // From this line on the record is not complete. So the changes can be asked for again, even if the plan has them.
    journal.write(&Line::Resumed(Moment { at: now() }))?;
    changed.write(folder)?;
    let checkup = check_machine(&plan, &works, folder, Checkup::again);
    Ok(Runner::new(&plan, works, &record.samples, journal, Instant::now(), interrupt).run(&checkup))
}

/// Checks that new samples are comparable with those of `run`: same program, same machine.
fn check_unchanged(run: &Run) -> Result<()> {
    let (then, now) = (&run.machine, machine::describe(BTreeMap::new()));
    let facts = [
        ("the program", run.program.clone(), program()),
        ("its profile", then.profile.clone(), now.profile),
        ("the processor", then.processor.clone(), now.processor),
        ("the number of cores", then.cores_available.to_string(), now.cores_available.to_string()),
    ];
    match facts.into_iter().find(|(_, then, now)| then != now) {
        None => Ok(()),
        Some((what, then, now)) => {
            bail!("{what} is not the one that this run began with ({now} instead of {then}), so begin a new run")
        }
    }
}

/// Checks that a run on a given server does not go on with a private one, or the other way round. The plan does not hold the
/// server's address, because the address may hold a password.
fn check_server(then: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Result<()> {
    let is_private = |notes: &BTreeMap<String, String>| notes.get("server").map(|about| about.contains("(private, "));
    match (is_private(then), is_private(now)) {
        (Some(false), Some(true)) => {
            bail!("this run began with a given server; give its address again, by --database-url or DATABASE_URL")
        }
        (Some(true), Some(false)) => bail!("this run began with a private server; resume it without DATABASE_URL"),
        _ => Ok(()),
    }
}

/// Lets the doctor examine the machine for the largest work. At this point the data is complete and nothing is timed yet.
fn check_machine(plan: &Plan, works: &[Work], runs: &Path, begin: fn(&Subject) -> Checkup) -> Checkup {
    let cores = plan.axes.cores.iter().copied().max().unwrap_or(1);
    let tasks = plan.tasks();
    let given_server = read_by(&tasks, &plan.inputs).iter().any(|data| data.database.is_some());
    let inputs = &works[works.len() - 1].prepared.inputs;
    begin(&Subject { tasks: &tasks, inputs, cores, runs, given_server })
}

fn strategy_note(name: &str) -> Option<StrategyNote> {
    let strategy = find_strategy(name)?;
    let header = strategy.header();
    Some(StrategyNote {
        name: name.to_owned(),
        about: header.about.to_owned(),
        good: header.good.to_owned(),
        bad: header.bad.to_owned(),
        trace: header.trace.to_owned(),
        source: strategy.source.to_owned(),
        libraries: strategy.libraries(),
    })
}

fn program() -> String {
    format!("goldilocks {} ({})", env!("CARGO_PKG_VERSION"), env!("GOLDILOCKS_COMMIT"))
}

fn numbers(counts: &[usize]) -> Vec<u32> {
    counts.iter().map(|count| u32::try_from(*count).unwrap_or(u32::MAX)).collect()
}
