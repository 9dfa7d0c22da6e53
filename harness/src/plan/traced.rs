//! Which cells of a sweep are traced.

use super::cells::Cell;
use super::settings::Plan;
use record::BASELINE;
use std::cmp::Reverse;
use strategies::{Combine, Delivery};

/// Returns the cell at which each strategy of each task is compared: on the most of its cores, at the default size.
pub fn compared(plan: &Plan, cells: &[Cell]) -> Vec<Cell> {
    let mut compared: Vec<Cell> = Vec::new();
    let is_candidate =
        |cell: &&Cell| cell.strategy != BASELINE && !cell.is_variant() && cell.size == plan.default_size(&cell.task);
    // As many workers as cores, or else the fewest; and the first combine of all, which is per partition.
    let combine = |cell: &Cell| Combine::ALL.iter().position(|combine| *combine == cell.combine);
    let rank = |cell: &Cell| (cell.cores, cell.workers == cell.cores, Reverse((cell.workers, combine(cell))));
    // The cells are sorted, and of cells that differ only in delivery the first is compared.
    for cell in cells.iter().filter(is_candidate) {
        match compared.last_mut().filter(|last| (&last.task, &last.strategy) == (&cell.task, &cell.strategy)) {
            Some(last) if rank(cell) > rank(last) => *last = cell.clone(),
            Some(_) => {}
            None => compared.push(cell.clone()),
        }
    }
    compared
}

/// Returns a cell once with each delivery. Every partial is delivered, because a worker's accumulator would hide when.
pub fn deliveries(cell: &Cell) -> Vec<Cell> {
    let with = |delivery: &Delivery| Cell { delivery: *delivery, combine: Combine::PerPartition, ..cell.clone() };
    Delivery::ALL.iter().map(with).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::cells::Axes;

    #[test]
    fn each_strategy_is_traced_on_its_most_cores_at_the_default_size() {
        let plan = |workers: &[usize]| {
            Plan::of(Axes {
                tasks: vec![("noop".into(), vec![1, 10, 100]), ("count".into(), vec![5])],
                strategies: vec!["rayon".into(), "sequential".into()],
                cores: vec![1, 2, 4],
                workers: workers.to_vec(),
                deliveries: vec![Delivery::InOrder, Delivery::AsCompleted],
                combines: vec![Combine::PerWorker, Combine::PerPartition],
            })
        };
        for (workers, parallel, alone) in [(&[][..], 4, 1), (&[1, 4, 8], 4, 1), (&[8, 2], 2, 2)] {
            let plan = plan(workers);
            let compared = compared(&plan, &plan.cells());
            let cells: Vec<_> = compared.iter().map(|it| (&*it.task, &*it.strategy, it.cores, it.workers)).collect();
            let expected = [
                ("count", "rayon", 4, parallel),
                ("count", "sequential", 1, alone),
                ("noop", "rayon", 4, parallel),
                ("noop", "sequential", 1, alone),
            ];
            assert_eq!(cells, expected);
            assert!(compared.iter().all(|it| it.size == plan.default_size(&it.task)));
            let setting = |it: &Cell| (it.delivery, it.combine) == (Delivery::AsCompleted, Combine::PerPartition);
            assert!(compared.iter().all(setting), "{compared:?}");
            assert_eq!(deliveries(&compared[0]).len(), 3);
        }
    }
}
