//! One run, from the first job to the total.

use crate::{AnyTask, Cancel, Choice, Error, Outcome, Result, Workers};
use std::time::Instant;

/// How long the phases of a run took, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Phases {
    /// From the first job pulled until the strategy returned.
    pub run_ns: u64,
    /// From then until the total was complete.
    pub reduce_ns: u64,
}

/// Runs `task` once on `workers`.
///
/// # Errors
/// The first failure in input order; otherwise the error that the strategy itself returned.
pub fn run(
    task: &dyn AnyTask,
    workers: &mut dyn Workers,
    choice: Choice,
    cancel: &Cancel,
) -> Result<(Outcome, Phases)> {
    let began = Instant::now();
    let (jobs, mut reduce) = task.jobs(choice, cancel)?;
    let mut ran = workers.run(jobs);
    let run_ns = nanoseconds(began);
    let reducing = Instant::now();
    while ran.is_ok()
        && let Some(merges) = reduce.merges()
    {
        ran = workers.run(merges);
    }
    let outcome = reduce.outcome();
    let reduce_ns = nanoseconds(reducing);
    // A strategy that lost its workers leaves jobs behind; its own error explains that better than the count of them.
    match (ran, outcome) {
        (Ok(()), Ok(outcome)) => Ok((outcome, Phases { run_ns, reduce_ns })),
        (_, Err(error @ Error::Partition { .. })) | (Err(error), _) | (Ok(()), Err(error)) => Err(error),
    }
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
