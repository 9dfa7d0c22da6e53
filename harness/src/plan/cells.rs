//! The list of all cells of a sweep.

use crate::{find_strategy, find_task};
use record::{BASELINE, VARIANT};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use strategies::{Combine, Delivery};

/// The axes of a sweep, whose values are combined to cells.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Axes {
    /// Each task with its partition sizes.
    pub tasks: Vec<(String, Vec<u64>)>,
    /// The strategies' names.
    pub strategies: Vec<String>,
    /// The core counts.
    pub cores: Vec<usize>,
    /// The maximum numbers of jobs in progress. If empty, each cell has as many workers as cores.
    pub workers: Vec<usize>,
    /// The deliveries.
    pub deliveries: Vec<Delivery>,
    /// The combines.
    pub combines: Vec<Combine>,
}

/// One combination of the axes' values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The task's name.
    pub task: String,
    /// The strategy's name, or [`BASELINE`].
    pub strategy: String,
    /// The number of processors that the measuring process may use.
    pub cores: u32,
    /// The maximum number of jobs in progress at one moment.
    pub workers: u32,
    /// The number of items in a partition; 0 for the baseline, which has no partitions.
    pub size: u64,
    /// When and in which order partials are delivered.
    pub delivery: Delivery,
    /// Where partials are combined first.
    pub combine: Combine,
}

impl Cell {
    /// Returns the cell of a task's baseline, the plain loop on one thread.
    pub fn baseline(task: &str) -> Self {
        Cell {
            task: task.to_owned(),
            strategy: BASELINE.to_owned(),
            cores: 1,
            workers: 1,
            size: 0,
            delivery: Delivery::Gather,
            combine: Combine::PerPartition,
        }
    }

    /// Whether the cell does the task in another way.
    pub fn is_variant(&self) -> bool {
        self.task.contains(VARIANT)
    }

    /// Converts the cell to its form in the record.
    pub fn to_record(&self) -> record::Cell {
        record::Cell {
            task: self.task.clone(),
            strategy: self.strategy.clone(),
            cores: self.cores,
            workers: self.workers,
            size: self.size,
            delivery: self.delivery.to_string(),
            combine: self.combine.to_string(),
        }
    }
}

/// Whether several jobs of a strategy can be in progress at once, so that more cores can make a difference.
pub fn is_parallel(strategy: &str) -> bool {
    find_strategy(strategy).is_none_or(|strategy| strategy.is_parallel())
}

/// Whether a task can keep its total in this way, and the workers of the strategy can all reach it.
pub fn fits(task: &str, strategy: &str, combine: Combine) -> bool {
    let has = || find_task(task).is_some_and(|entry| entry.hooks.states.contains(&combine));
    !combine.is_shared() || has() && find_strategy(strategy).is_some_and(|strategy| strategy.shares_memory())
}

/// Returns every combination once, and each task's baseline, in the order of [`record::Cell`]. A baseline has no
/// partitions and runs on one core. A strategy that is not parallel runs on the fewest cores only. A combine that a task or
/// a strategy cannot have is left out.
pub fn cells(axes: &Axes) -> Vec<Cell> {
    let mut cells = Vec::new();
    let fewest = [axes.cores.iter().copied().min().unwrap_or(1)];
    let strategies = axes.strategies.iter();
    let strategies: Vec<(&String, &[usize])> =
        strategies.map(|name| (name, if is_parallel(name) { &axes.cores[..] } else { &fewest[..] })).collect();
    for (task, sizes) in &axes.tasks {
        cells.push(Cell::baseline(task));
        for (strategy, cores) in &strategies {
            for cores in *cores {
                let workers = if axes.workers.is_empty() { std::slice::from_ref(cores) } else { &axes.workers };
                for workers in workers {
                    for size in sizes {
                        for delivery in &axes.deliveries {
                            let combines = axes.combines.iter().filter(|combine| fits(task, strategy, **combine));
                            cells.extend(combines.map(|combine| Cell {
                                task: task.clone(),
                                strategy: (*strategy).clone(),
                                cores: u32::try_from(*cores).unwrap_or(u32::MAX),
                                workers: u32::try_from(*workers).unwrap_or(u32::MAX),
                                size: *size,
                                delivery: *delivery,
                                combine: *combine,
                            }));
                        }
                    }
                }
            }
        }
    }
    cells.into_iter().map(|cell| (cell.to_record(), cell)).collect::<BTreeMap<_, _>>().into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_every_combination_once_and_a_baseline_per_task() {
        let cells = cells(&Axes {
            tasks: vec![("count".into(), vec![1, 64]), ("noop".into(), vec![10, 10])],
            strategies: vec!["rayon".into(), "sequential".into()],
            cores: vec![1, 2],
            workers: vec![],
            deliveries: vec![Delivery::Gather],
            combines: vec![Combine::PerPartition],
        });
        assert_eq!(cells.len(), 2 * (2 + 1) + (2 + 1) + 2, "sequential needs one core");
        assert_eq!(cells.iter().filter(|cell| cell.strategy == BASELINE).count(), 2);
        assert!(cells.is_sorted_by_key(Cell::to_record));
    }
}
