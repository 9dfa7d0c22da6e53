//! Prepares the work of a sweep: the data of each task, and its baseline.
//!
//! If the work grows with the cores, every number of cores has its own data and its own right answer.

use super::baseline::{Baseline, measure_baseline};
use crate::data::{Prepared, read_by};
use crate::interrupt::Interrupt;
use crate::plan::Plan;
use crate::plan::cells::Cell;
use anyhow::{Context, Result, bail, ensure};
use record::{Grown, Skipped};
use tasks::Inputs;

/// The prepared work of the cells on some numbers of cores.
pub(super) struct Work {
    /// The fewest cores of a cell with this work. 0 for the work of the baseline.
    pub(super) cores: u32,
    pub(super) prepared: Prepared,
    pub(super) baselines: Vec<Baseline>,
}

/// Returns the data and the baseline of a cell.
pub(super) fn work_of<'a>(works: &'a mut [Work], cell: &Cell) -> Result<(&'a mut Prepared, &'a Baseline)> {
    let work = works.iter_mut().rfind(|work| work.cores <= cell.cores).context("there is no work")?;
    let task = record::task_name(&cell.task);
    let baseline = work.baselines.iter().find(|baseline| baseline.note.name == task);
    Ok((&mut work.prepared, baseline.with_context(|| format!("no task `{task}` in this run"))?))
}

/// Completes the work of the baseline with the work of more cores, if it grows with them, and notes it for the record.
pub(super) fn grown(plan: &Plan, mut first: Work, interrupt: &Interrupt, say: &dyn Fn(&str)) -> Result<Vec<Work>> {
    let mut more = Vec::new();
    let counts = plan.axes.cores.iter().filter(|count| plan.weak && **count > 1);
    for count in counts.map(|count| u32::try_from(*count).unwrap_or(u32::MAX)) {
        let mut prepared = prepare(plan, plan.inputs_on(count.into()), interrupt, say)?;
        let (baselines, _) = measure_baselines(plan, &mut prepared, true, interrupt)?;
        for baseline in &mut first.baselines {
            let of = baselines.iter().find(|other| other.note.name == baseline.note.name);
            baseline.note.grown.extend(of.map(|of| Grown {
                cores: count,
                factor: count.into(),
                items: of.note.items,
                digest: of.note.digest.clone(),
            }));
        }
        more.push(Work { cores: count, prepared, baselines });
    }
    Ok(std::iter::once(first).chain(more).collect())
}

/// Completes the inputs of the tasks.
pub(super) fn prepare(plan: &Plan, inputs: Inputs, interrupt: &Interrupt, say: &dyn Fn(&str)) -> Result<Prepared> {
    Prepared::prepare(&plan.tasks(), inputs, &plan.data, interrupt, say)
}

/// Whether the user's inputs name the file or the database of a task.
fn names_data_of(task: &str, inputs: &Inputs) -> bool {
    read_by(&[task], inputs).iter().any(|data| data.file.is_some() || data.database.is_some())
}

/// Measures the baseline of every task. A task that cannot be measured is skipped, unless the user named it or its data.
pub(super) fn measure_baselines(
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
