//! Which cells there are, and in which order a block runs them.

use record::{BASELINE, Cell};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a sweep crosses with what.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Axes {
    /// Each task with its partition sizes.
    pub tasks: Vec<(String, Vec<u64>)>,
    /// The strategies' names.
    pub strategies: Vec<String>,
    /// The core counts.
    pub cores: Vec<usize>,
    /// Jobs in progress per core count; as many as cores if not given.
    pub workers: Vec<usize>,
    /// Deliveries, by their words.
    pub deliveries: Vec<String>,
    /// Combines, by their words.
    pub combines: Vec<String>,
}

/// Every combination once, and each task's baseline, which knows neither partitions nor workers and has one core.
pub fn cells(axes: &Axes) -> Vec<Cell> {
    let mut cells = BTreeSet::new();
    for (task, sizes) in &axes.tasks {
        cells.insert(baseline(task));
        for strategy in &axes.strategies {
            for cores in &axes.cores {
                let workers = if axes.workers.is_empty() { std::slice::from_ref(cores) } else { &axes.workers };
                for workers in workers {
                    for size in sizes {
                        for delivery in &axes.deliveries {
                            for combine in &axes.combines {
                                cells.insert(Cell {
                                    task: task.clone(),
                                    strategy: strategy.clone(),
                                    cores: u32::try_from(*cores).unwrap_or(u32::MAX),
                                    workers: u32::try_from(*workers).unwrap_or(u32::MAX),
                                    size: *size,
                                    delivery: delivery.clone(),
                                    combine: combine.clone(),
                                });
                            }
                        }
                    }
                }
            }
        }
    }
    cells.into_iter().collect()
}

/// The cell of a task's plain one-thread loop.
pub fn baseline(task: &str) -> Cell {
    Cell {
        task: task.to_owned(),
        strategy: BASELINE.to_owned(),
        cores: 1,
        workers: 1,
        size: 0,
        delivery: "gather".to_owned(),
        combine: "per_partition".to_owned(),
    }
}

/// The order of a block: shuffled, so that whatever drifts hits all cells alike; the same for the same seed.
pub fn shuffled(cells: &[Cell], seed: u64, block: u32) -> Vec<Cell> {
    let mut order = cells.to_vec();
    // Far apart, so that neighbouring blocks and seeds share no order.
    let mut random = fastrand::Rng::with_seed(seed ^ u64::from(block + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    random.shuffle(&mut order);
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes() -> Axes {
        Axes {
            tasks: vec![("count".into(), vec![1, 64]), ("noop".into(), vec![10])],
            strategies: vec!["rayon".into(), "sequential".into()],
            cores: vec![1, 2],
            workers: vec![],
            deliveries: vec!["gather".into()],
            combines: vec!["per_partition".into()],
        }
    }

    #[test]
    fn every_combination_is_there_once_and_each_task_has_its_baseline() {
        let cells = cells(&axes());
        assert_eq!(cells.len(), 2 * 2 * 2 + 2 * 2 + 2);
        assert_eq!(cells.iter().filter(|cell| cell.strategy == BASELINE).count(), 2);
    }

    #[test]
    fn a_block_has_every_cell_and_its_order_depends_on_seed_and_block_alone() {
        let cells = cells(&axes());
        let first = shuffled(&cells, 1, 0);
        assert_eq!(first, shuffled(&cells, 1, 0));
        assert_ne!(first, shuffled(&cells, 1, 1));
        assert_ne!(first, shuffled(&cells, 2, 0));
        let mut sorted = first;
        sorted.sort();
        assert_eq!(sorted, cells);
    }
}
