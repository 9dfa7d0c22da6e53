//! Fits a plan to the machine: how much work, which partition sizes, and which cells first.

use super::baseline::{Baseline, measure_baseline};
use crate::data::{Prepared, read_by};
use crate::interrupt::Interrupt;
use crate::machine::doctor::free_bytes;
use crate::plan::{Plan, sizing, stages};
use crate::{counted, find_task};
use anyhow::{Result, bail, ensure};
use record::Skipped;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use system::printing::say;
use system::sysfs::SystemFiles;
use tasks::Inputs;

/// A plan that fits the machine, and what is ready for it.
pub(super) struct Fitted {
    pub(super) plan: Plan,
    pub(super) prepared: Prepared,
    pub(super) baselines: Vec<Baseline>,
    pub(super) skipped: Vec<Skipped>,
    /// The time left for measuring.
    left: Duration,
    /// The budget that the verdicts need, if the given one is too short.
    wanted_budget: Option<Duration>,
}

impl Fitted {
    /// Returns the plan in words, one line for each part.
    pub(super) fn describe(&self) -> Vec<String> {
        let (cells, counts) = (self.plan.cells(), &self.plan.axes.cores[..]);
        let mut lines = Vec::new();
        for Baseline { note, .. } in &self.baselines {
            let sizes: Vec<String> = note.sizes.iter().map(u64::to_string).collect();
            let (sizes, unit, default) = (sizes.join(", "), &note.unit, note.default_size);
            let work = if note.sizing.is_empty() { String::new() } else { format!("{}; ", note.sizing) };
            lines.push(format!("{}: {work}partitions of {sizes} {unit}, by default {default}", note.name));
        }
        lines.push(format!(
            "{} on {} core{}",
            counted(cells.len() as u64, "cell"),
            list(counts),
            if counts == [1] { "" } else { "s" }
        ));
        lines.extend(stages::describe(&self.plan, &cells, self.left));
        lines
    }

    /// Returns a warning if the verdicts need more than the budget.
    pub(super) fn warning(&self) -> Option<String> {
        let budget = self.wanted_budget?.as_secs_f64().ceil();
        Some(format!(
            "warning: not every verdict fits into {:.0} s; `--budget {budget}s` suffices for all of them with this work",
            self.plan.budget_s
        ))
    }
}

/// Prepares the tasks, tries each one's plain loop, and fits the plan to what that shows.
///
/// # Errors
/// When something that the user named cannot be measured, when data cannot be made, or when no task is left.
pub(super) fn fit(mut plan: Plan, tasks_named: bool, began: Instant, interrupt: &Interrupt) -> Result<Fitted> {
    let said = RefCell::new(BTreeSet::new());
    let say_once = |line: &str| {
        if said.borrow_mut().insert(line.to_owned()) {
            say(line);
        }
    };
    let mut prepared = prepare(&plan, interrupt, &say_once)?;
    let (mut baselines, mut skipped) = measure_baselines(&plan, &mut prepared, tasks_named, interrupt)?;
    let cores = plan.axes.cores.iter().copied().max().unwrap_or(1) as u64;
    let workers = plan.axes.workers.iter().copied().max().map_or(cores, |workers| workers as u64);
    let limits = sizing::Limits {
        cores,
        workers,
        memory: system::memory::usable(&SystemFiles::here()).unwrap_or(u64::MAX),
        disk: free_bytes(&plan.data).unwrap_or(u64::MAX),
        budget: Duration::from_secs_f64(plan.budget_s),
    };
    let (inputs, reasons) = choose_work(&plan, &baselines, &limits);
    if inputs != plan.inputs {
        plan.inputs = inputs;
        prepared.end()?;
        prepared = prepare(&plan, interrupt, &say_once)?;
        (baselines, skipped) = measure_baselines(&plan, &mut prepared, tasks_named, interrupt)?;
    }
    for Skipped { task, reason } in &skipped {
        say(format_args!("{task} is skipped: {reason}"));
    }
    plan.axes.tasks.retain(|(task, _)| baselines.iter().any(|baseline| baseline.note.name == *task));
    choose_sizes(&mut plan, &baselines, &prepared.inputs, workers);
    for baseline in &mut baselines {
        let task = baseline.note.name.clone();
        plan.costs.insert(task.clone(), baseline.cost(cores));
        baseline.note.sizes = plan.sizes(&task).to_vec();
        baseline.note.default_size = plan.default_size(&task);
        baseline.note.sizing = reasons.get(&task).cloned().unwrap_or_default();
    }
    let (cells, spent) = (plan.cells(), began.elapsed());
    let left = Duration::from_secs_f64(plan.budget_s).saturating_sub(spent);
    plan.staging = stages::stage(&plan, &cells, left);
    let wanted_budget = stages::budget_that_suffices(&plan, &cells, left, spent);
    Ok(Fitted { plan, prepared, baselines, skipped, left, wanted_budget })
}

/// Chooses the work of every task whose work the user has not named. Returns the inputs with this work, and the reasons.
fn choose_work(plan: &Plan, baselines: &[Baseline], limits: &sizing::Limits) -> (Inputs, BTreeMap<String, String>) {
    let (mut needs, mut units, mut inputs) = (BTreeMap::new(), BTreeMap::new(), plan.inputs.clone());
    for baseline in baselines {
        let sizing = find_task(&baseline.note.name).and_then(|entry| entry.sizing);
        let Some((sizing, work)) = sizing.and_then(|it| Some((it, (it.work)(&plan.inputs)?))) else { continue };
        let chosen = sizing::choose(&sizing, work, baseline.run(), limits);
        (sizing.set)(&mut inputs, chosen.work, limits.workers);
        // Tasks with the same unit read the same data, and the one that needs most of it decides.
        let need = (chosen.work, chosen.why);
        let most = needs.entry(sizing.unit).or_insert_with(|| need.clone());
        *most = need.max(most.clone());
        units.insert(baseline.note.name.clone(), sizing.unit);
    }
    let reason = |unit: &str| needs.get(unit).map(|(_, why)| why.clone());
    let reasons = units.into_iter().filter_map(|(task, unit)| Some((task, reason(unit)?)));
    let reasons = reasons.collect();
    (inputs, reasons)
}

/// Chooses the partition sizes of every task whose sizes the user has not named.
fn choose_sizes(plan: &mut Plan, baselines: &[Baseline], inputs: &Inputs, workers: u64) {
    for (task, sizes) in &mut plan.axes.tasks {
        let Some(entry) = find_task(task).filter(|_| sizes.is_empty()) else { continue };
        let counted = baselines.iter().find(|baseline| baseline.note.name == *task).and_then(|it| it.note.items);
        let items = counted.or_else(|| entry.sizing.map(|sizing| (sizing.items)(inputs)));
        let (chosen, default) = match items.filter(|items| *items > 0 && entry.sizing.is_some()) {
            Some(items) => sizing::sizes(entry, items, workers),
            None => (entry.sizes.to_vec(), entry.default_size),
        };
        *sizes = chosen;
        plan.default_sizes.insert(task.clone(), default);
    }
}

/// Completes the inputs of the tasks.
pub(super) fn prepare(plan: &Plan, interrupt: &Interrupt, say: &dyn Fn(&str)) -> Result<Prepared> {
    Prepared::prepare(&plan.tasks(), plan.inputs.clone(), &plan.data, interrupt, say)
}

/// Whether the user's inputs name the file or the database of a task.
fn names_data_of(task: &str, inputs: &Inputs) -> bool {
    read_by(&[task], inputs).iter().any(|data| data.file.is_some() || data.database.is_some())
}

/// Measures the baseline of every task. A task that cannot be measured is skipped, unless the user named it or its data.
fn measure_baselines(
    plan: &Plan,
    prepared: &mut Prepared,
    tasks_named: bool,
    interrupt: &Interrupt,
) -> Result<(Vec<Baseline>, Vec<Skipped>)> {
    let required = |task: &str| tasks_named || names_data_of(task, &plan.inputs);
    if let Some((task, reason)) = prepared.skipped.iter().find(|(task, _)| required(task)) {
        bail!("{task} cannot be measured: {reason}");
    }
    let (mut skipped, mut baselines) = (Vec::new(), Vec::new());
    for task in plan.tasks() {
        let unprepared = prepared.skipped.iter().find(|(name, _)| name == task);
        let measured = match unprepared {
            Some((_, reason)) => Err(reason.clone()),
            None => measure_baseline(task, prepared, plan, interrupt)?,
        };
        match measured {
            Ok(baseline) => baselines.push(baseline),
            Err(reason) if required(task) => bail!("{task} cannot be measured: {reason}"),
            Err(reason) => skipped.push(Skipped { task: task.to_owned(), reason }),
        }
    }
    ensure!(!baselines.is_empty(), "no task is left to measure");
    Ok((baselines, skipped))
}

fn list(counts: &[usize]) -> String {
    counts.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}
