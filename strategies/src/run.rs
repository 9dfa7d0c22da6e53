//! Runs a task once, from the first job to the total.

use crate::heartbeat::Heart;
use crate::{AnyTask, Cancel, Choice, Error, Outcome, Result, Workers};
use std::time::Instant;

/// The durations of the phases of a run, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Phases {
    /// The time from the first pull of a job until the strategy returned.
    pub run_ns: u64,
    /// The time from the return of the strategy until the total was complete.
    pub reduce_ns: u64,
}

/// Runs `task` once on `workers`.
///
/// # Errors
/// Returns the first failure in input order, otherwise the error of the strategy itself.
pub fn run(
    task: &dyn AnyTask,
    workers: &mut dyn Workers,
    choice: Choice,
    cancel: &Cancel,
) -> Result<(Outcome, Phases)> {
    run_beside(task, workers, choice, cancel, None)
}

/// Runs `task` once on `workers` with a heartbeat beside the jobs. [`Outcome::heartbeat`] says how late its ticks were.
///
/// # Errors
/// As [`run`].
pub fn run_with_heartbeat(
    task: &dyn AnyTask,
    workers: &mut dyn Workers,
    choice: Choice,
    cancel: &Cancel,
) -> Result<(Outcome, Phases)> {
    run_beside(task, workers, choice, cancel, Some(&Heart::new()))
}

fn run_beside(
    task: &dyn AnyTask,
    workers: &mut dyn Workers,
    choice: Choice,
    cancel: &Cancel,
    heart: Option<&Heart>,
) -> Result<(Outcome, Phases)> {
    let began = Instant::now();
    let (jobs, mut reduce) = task.jobs(choice, cancel)?;
    let source_waits = jobs.may_wait();
    let mut ran = workers.run(jobs.with_heart(heart.cloned()));
    let run_ns = nanoseconds(began);
    let heartbeat = heart.and_then(Heart::end);
    let reducing = Instant::now();
    while ran.is_ok()
        && let Some(merges) = reduce.merges()
    {
        ran = workers.run(merges);
    }
    let outcome = reduce.outcome();
    let reduce_ns = nanoseconds(reducing);
    // A strategy that lost its workers leaves jobs behind. Its own error explains this better than the number of jobs.
    match (ran, outcome) {
        (Ok(()), Ok(mut outcome)) => {
            outcome.source_waits = source_waits;
            outcome.heartbeat = heartbeat;
            Ok((outcome, Phases { run_ns, reduce_ns }))
        }
        (_, Err(error @ Error::Partition { .. })) | (Err(error), _) | (Ok(()), Err(error)) => Err(error),
    }
}

fn nanoseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
