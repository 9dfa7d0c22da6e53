//! The tries of a cell. A try is the cell's process in one block.
//!
//! Load on the machine can make an honest sample look unfair, so one unfair try proves nothing. A sweep measures the cell
//! once more in a later block. Two unfair tries, or any other failure, drop the cell.

use crate::line::{Fault, Sample, Status};
use std::collections::BTreeSet;

impl Fault {
    /// Whether load on the machine can cause this fault, lack of memory included. All other faults follow from facts that
    /// load cannot change.
    pub fn can_be_load(self) -> bool {
        matches!(
            self,
            Fault::TooFewJobs | Fault::ExtraThreads | Fault::WorkNotDone | Fault::LeakedThreads | Fault::WorkerDied
        )
    }
}

impl Sample {
    /// Whether this sample is unfair for a reason that load can cause.
    pub fn is_doubtful(&self) -> bool {
        self.status == Status::Unfair && self.fault.is_some_and(Fault::can_be_load)
    }
}

/// Returns the block of a cell's only unfair try, if the cell was fair in another block and never failed otherwise. No
/// sample of this block counts, and all others do. `samples` are all samples of the cell.
///
/// A cell without a fair try stays unverified, also if the sweep ended before the second try.
pub fn forgiven_block<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> Option<u32> {
    let (mut fair, mut unfair) = (BTreeSet::new(), BTreeSet::new());
    for sample in samples {
        match sample.status {
            Status::Verified => fair.insert(sample.block),
            _ if sample.is_doubtful() => unfair.insert(sample.block),
            _ => return None,
        };
    }
    let block = unfair.pop_first()?;
    (unfair.is_empty() && fair.iter().any(|fair| *fair != block)).then_some(block)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::Cell;

    fn sample(block: u32, status: Status, fault: Option<Fault>) -> Sample {
        let cell = Cell {
            task: "count".into(),
            strategy: "rayon".into(),
            cores: 2,
            workers: 2,
            size: 1,
            delivery: "gather".into(),
            combine: "per_partition".into(),
        };
        Sample { status, fault, ..Sample::first(cell, block) }
    }

    #[test]
    fn only_one_unfair_try_beside_a_fair_one_is_forgiven() {
        let fair = |block| sample(block, Status::Verified, None);
        let unfair = |block| sample(block, Status::Unfair, Some(Fault::TooFewJobs));
        let certain = sample(0, Status::Unfair, Some(Fault::TooManyJobs));
        let wrong = sample(3, Status::Wrong, Some(Fault::WrongAnswer));
        for (samples, forgiven) in [
            (vec![fair(0), fair(1)], None),
            (vec![unfair(0), fair(1)], Some(0)),
            (vec![fair(0), unfair(1)], Some(1)),
            (vec![fair(0), unfair(0), fair(1)], Some(0)),
            (vec![unfair(0)], None),
            (vec![fair(0), unfair(0)], None),
            (vec![unfair(0), unfair(1), fair(2)], None),
            (vec![unfair(0), fair(1), wrong], None),
            (vec![certain, fair(1)], None),
        ] {
            assert_eq!(forgiven_block(&samples), forgiven, "{samples:?}");
        }
    }
}
