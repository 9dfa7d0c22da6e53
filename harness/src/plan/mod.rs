//! The plan of a sweep.
//!
//! ```text
//! settings   the values of a plan, which a file keeps
//! limits     the limits of these values
//! sizing     how much work, and which partition sizes
//! cells      the list of all cells
//! staging    the questions of a sweep, and the costs of its cells
//! stages     which cells come first, and how long they take
//! schedule   which cells the next block contains
//! traced     which cells are traced after the blocks
//! ```

pub mod cells;
pub(crate) mod limits;
pub mod schedule;
mod settings;
pub mod sizing;
pub mod stages;
pub mod staging;
pub mod traced;

pub use settings::Plan;

use self::cells::{Axes, Cell, is_parallel};

use crate::find_task;
use anyhow::{Context, Result, anyhow};
use record::{VARIANT, task_name};
use std::collections::BTreeMap;
use std::path::Path;
use tasks::{Inputs, Sizing, Variant};

/// The name of the plan's file in a run's folder.
pub(crate) const FILE: &str = "plan.json";

impl Plan {
    /// Returns the names of the tasks.
    pub fn tasks(&self) -> Vec<&str> {
        self.axes.tasks.iter().map(|(task, _)| task.as_str()).collect()
    }

    /// Returns the names of the strategies.
    pub fn strategies(&self) -> impl Iterator<Item = &String> {
        self.axes.strategies.iter().chain(&self.compared_only)
    }

    /// Returns all cells: every combination of the axes, the cells of strategies that are only compared, and the variants of
    /// the tasks with one strategy at the default size.
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells = cells::cells(&Axes { strategies: self.strategies().cloned().collect(), ..self.axes.clone() });
        let most = cells.iter().map(|cell| cell.cores).max().unwrap_or(1);
        cells.retain(|cell| {
            let is_compared = cell.cores == most && cell.size == self.default_size(&cell.task);
            is_compared && uses_all(&cell.task, most) || !self.compared_only.contains(&cell.strategy)
        });
        let mut variants = Vec::new();
        if self.variants {
            let reference = self.axes.strategies.iter().find(|strategy| is_parallel(strategy));
            let is_wanted = |cell: &&Cell| {
                Some(&cell.strategy) == reference && cell.size == self.default_size(&cell.task) && !cell.is_variant()
            };
            for cell in cells.iter().filter(is_wanted) {
                let of = find_task(&cell.task).map_or(&[][..], |entry| entry.hooks.variants);
                // A user who names another way than the default one compares only that way.
                let is_default = |variant: &&Variant| {
                    let mut inputs = self.inputs.clone();
                    (variant.choose)(&mut inputs);
                    inputs == self.inputs
                };
                let of = if of.iter().find(is_default).is_some_and(|it| it.cost == 1.0) { of } else { &[] };
                variants.extend(
                    of.iter().map(|variant| Cell {
                        task: format!("{}{VARIANT}{}", cell.task, variant.name),
                        ..cell.clone()
                    }),
                );
            }
        }
        cells.append(&mut variants);
        cells
    }

    /// Returns the partition sizes of a task.
    pub fn sizes(&self, task: &str) -> &[u64] {
        self.axes.tasks.iter().find(|(name, _)| name == task).map_or(&[], |(_, sizes)| sizes)
    }

    /// Returns the partition size at which a task's strategies and core counts are compared.
    pub fn default_size(&self, task: &str) -> u64 {
        let task = task_name(task);
        let sizes = self.sizes(task);
        let own = self.default_sizes.get(task).copied().or_else(|| find_task(task).map(|entry| entry.default_size));
        let middle = || sizes.get(sizes.len() / 2).copied().unwrap_or_default();
        own.filter(|size| sizes.contains(size)).unwrap_or_else(middle)
    }

    /// Returns the inputs of the cells on this number of cores, before the preparation. They differ only if the work grows
    /// with the cores.
    pub fn inputs_on(&self, cores: u64) -> Inputs {
        let mut inputs = self.inputs.clone();
        if self.weak {
            let sizings = self.tasks().into_iter().filter_map(|task| find_task(task)?.sizing);
            // Tasks with the same unit read the same data.
            let by_unit: BTreeMap<&str, Sizing> = sizings.map(|sizing| (sizing.unit, sizing)).collect();
            by_unit.into_values().for_each(|sizing| (sizing.grow)(&mut inputs, cores));
        }
        inputs
    }

    /// Reads the plan in a run's folder.
    ///
    /// # Errors
    /// When there is no plan, the plan is malformed, or it has a value that the command line would refuse.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(FILE);
        let text = std::fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let plan: Plan = serde_json::from_slice(&text).with_context(|| format!("{} is not a plan", path.display()))?;
        let wrong = |why| anyhow!("{}: {why}; correct it, or begin a new run", path.display());
        limits::check(&plan).map_err(wrong).map(|()| plan)
    }

    /// Writes the plan into a run's folder. Secrets, such as a server's address with a password, are left out.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let mut kept = self.clone();
        kept.inputs.copy_secrets(&Inputs::default());
        let text = serde_json::to_vec_pretty(&kept).context("cannot serialise the plan")?;
        let written = system::atomic_file::write(&folder.join(FILE), &text);
        written.with_context(|| format!("cannot write to {}", folder.display()))
    }
}

/// Whether a task can use this number of cores. If a server limits it, more strategies would only tie.
fn uses_all(task: &str, cores: u32) -> bool {
    let sizing = find_task(task).and_then(|entry| entry.sizing);
    sizing.is_none_or(|sizing| (sizing.speed_up)(cores.into()) >= cores.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use strategies::{Combine, Delivery};

    #[test]
    fn a_strategy_that_is_only_compared_has_one_cell_of_each_task() {
        let axes = Axes {
            tasks: vec![("count".into(), vec![1, 64]), ("noop".into(), vec![10, 100, 1000])],
            strategies: vec!["rayon".into()],
            cores: vec![1, 2, 4],
            workers: Vec::new(),
            deliveries: vec![Delivery::Gather],
            combines: vec![Combine::PerPartition],
        };
        let plan = Plan { compared_only: vec!["smol".into()], ..Plan::of(axes) };
        let cells = plan.cells();
        let of = |strategy: &str| cells.iter().filter(|cell| cell.strategy == strategy).collect::<Vec<_>>();
        assert_eq!((of("rayon").len(), of(record::BASELINE).len()), (3 * (2 + 3), 2));
        let only: Vec<_> = of("smol").into_iter().map(|cell| (&*cell.task, cell.cores, cell.size)).collect();
        let default = |task| plan.default_size(task);
        assert_eq!(only, [("count", 4, default("count")), ("noop", 4, default("noop"))]);
        assert!(cells.is_sorted_by_key(Cell::to_record));
    }

    #[test]
    fn the_file_of_a_plan_has_no_password() {
        let folder = tempfile::tempdir().unwrap();
        let mut inputs = Inputs::default();
        inputs.cursor_pages.database_url = Some("postgresql://me:open-sesame@db/x".to_owned());
        let axes = Axes {
            tasks: Vec::new(),
            strategies: Vec::new(),
            cores: vec![1],
            workers: Vec::new(),
            deliveries: vec![Delivery::Gather],
            combines: vec![Combine::PerPartition],
        };
        let plan = Plan { inputs, ..Plan::of(axes) };
        plan.write(folder.path()).unwrap();
        let text = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert!(text.contains("\"seed\": 1") && !text.contains("open-sesame"), "{text}");
    }
}
