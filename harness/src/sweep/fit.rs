//! Fits a plan to the machine: how much work, which partition sizes, and which cells first.

use super::baseline::Baseline;
use super::work::{Work, grown, measure_baselines, prepare};
use crate::interrupt::Interrupt;
use crate::machine::doctor::free_bytes;
use crate::plan::{Plan, sizing, stages};
use crate::{counted, find_task};
use anyhow::Result;
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
    /// The work of all cells, and what differs on more cores.
    pub(super) works: Vec<Work>,
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
        for Baseline { note, .. } in &self.works[0].baselines {
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
    let mut prepared = prepare(&plan, plan.inputs.clone(), interrupt, &say_once)?;
    let (mut baselines, mut skipped) = measure_baselines(&plan, &mut prepared, tasks_named, interrupt)?;
    let cores = plan.axes.cores.iter().copied().max().unwrap_or(1) as u64;
    let workers = plan.axes.workers.iter().copied().max().map_or(cores, |workers| workers as u64);
    // If the work grows with the cores, the work of one core decides.
    let (growth, cores_for_work, workers) = if plan.weak { (cores, 1, 1) } else { (1, cores, workers) };
    let limits = sizing::Limits {
        cores: cores_for_work,
        growth,
        workers,
        memory: system::memory::usable(&SystemFiles::here()).unwrap_or(u64::MAX),
        disk: free_bytes(&plan.data).unwrap_or(u64::MAX),
        budget: Duration::from_secs_f64(plan.budget_s),
    };
    let (inputs, reasons) = choose_work(&plan, &baselines, &limits);
    if inputs != plan.inputs {
        plan.inputs = inputs;
        prepared.end()?;
        prepared = prepare(&plan, plan.inputs.clone(), interrupt, &say_once)?;
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
    let works = grown(&plan, Work { cores: 0, prepared, baselines }, interrupt, &say_once)?;
    let (cells, spent) = (plan.cells(), began.elapsed());
    // The traces follow the blocks.
    let spent = spent + stages::for_traces(&plan, &cells);
    let left = Duration::from_secs_f64(plan.budget_s).saturating_sub(spent);
    plan.staging = stages::stage(&plan, &cells, left);
    let wanted_budget = stages::budget_that_suffices(&plan, &cells, left, spent);
    Ok(Fitted { plan, works, skipped, left, wanted_budget })
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

fn list(counts: &[usize]) -> String {
    counts.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
}
