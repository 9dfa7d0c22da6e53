//! The conformance suite: the properties that every strategy must have, with one function per property.
//!
//! Every strategy of the catalogue and every solved exercise must have all properties. A new strategy needs no test of
//! its own.

#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod probe_task;

use crate::probe_task::{Behaviour, ProbeTask};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use strategies::{
    AnyTask, Choice, Combine, Delivery, Error, Outcome, Result, Setup, Strategy, WorkerCommand, Workers,
    most_in_progress,
};

/// Numbers of workers. Some exceed the number of cores, and some leave remainders.
pub const WORKERS: [usize; 6] = [1, 2, 3, 5, 8, 32];

/// Numbers of jobs: none, fewer and more than workers. Some leave remainders.
pub const JOBS: [usize; 5] = [0, 1, 2, 7, 100];

/// A property that a strategy does not have.
#[derive(Debug)]
pub struct Failure {
    /// The property.
    pub property: &'static str,
    /// The observation of the check, with a hint at the cause.
    pub sentence: String,
}

/// Checks every property and returns all failures. `worker` starts a process for `processes`.
pub fn check(strategy: &Strategy, worker: &WorkerCommand) -> Vec<Failure> {
    let candidate = Candidate { strategy, worker };
    let failed = |(property, check): Property| {
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&candidate)));
        let panicked = "the strategy panicked; `Workers::run` must return, with an error if it cannot go on";
        let sentence = checked.unwrap_or_else(|_| Err(panicked.to_owned())).err()?;
        Some(Failure { property, sentence })
    };
    PROPERTIES.into_iter().filter_map(failed).collect()
}

type Checked<T = ()> = std::result::Result<T, String>;

/// A property: its name and its check.
pub type Property = (&'static str, fn(&Candidate) -> Checked);

/// Every property.
pub const PROPERTIES: [Property; 9] = [
    ("every job reports exactly once", every_job_reports_exactly_once),
    ("never more jobs in progress than workers", never_more_in_progress_than_workers),
    ("jobs really overlap when there is more than one worker", jobs_overlap),
    ("a failing partition fails the run by its number while the others still run", failures_are_named),
    ("a panicking partition does the same, and the workers survive it", panics_are_named),
    ("a partition whose worker process dies runs again, or fails the run by its number", deaths_are_survived),
    ("the same workers run again", workers_run_again),
    ("jobs are pulled lazily", jobs_are_pulled_lazily),
    ("an endless source ends when the run is cancelled", an_endless_source_can_be_cancelled),
];

/// The strategy under test.
pub struct Candidate<'a> {
    strategy: &'a Strategy,
    worker: &'a WorkerCommand,
}

impl Candidate<'_> {
    fn start(&self, workers: usize) -> Checked<Box<dyn Workers>> {
        let workers = NonZeroUsize::new(workers).ok_or("no workers")?;
        let setup = Setup { workers, worker: Some(self.worker.clone()) };
        self.strategy.start(&setup).map_err(|error| format!("the workers do not start: {error}"))
    }
}

const CHOICE: Choice = Choice { size: NonZeroUsize::MIN, delivery: Delivery::Gather, combine: Combine::PerPartition };

fn run(task: &Arc<ProbeTask>, workers: &mut dyn Workers, choice: Choice) -> Result<Outcome> {
    strategies::run(task as &dyn AnyTask, workers, choice, &task.cancel).map(|(outcome, _)| outcome)
}

/// Runs `jobs` partitions that all have the same behaviour.
fn run_all(behaviour: Behaviour, jobs: usize, workers: &mut dyn Workers) -> Checked<(Arc<ProbeTask>, Outcome)> {
    let task = Arc::new(ProbeTask::new(vec![behaviour; jobs])?);
    let outcome = run(&task, workers, CHOICE).map_err(|error| error.to_string())?;
    Ok((task, outcome))
}

fn complete(outcome: &Outcome, jobs: usize) -> Checked {
    let answer = outcome.answer().map_err(|error| error.to_string())?.digest;
    let expected = format!("{:?}", (0..jobs).collect::<Vec<_>>());
    if answer != expected {
        return Err(format!("there are {jobs} partitions, and the answer contains these: {answer}"));
    }
    let mut numbers: Vec<u64> = outcome.spans.iter().map(|span| span.job).collect();
    numbers.sort_unstable();
    match numbers.iter().copied().eq(0..jobs as u64) {
        true => Ok(()),
        false => Err(format!("there are {jobs} jobs, and these have reported: {numbers:?}")),
    }
}

fn every_job_reports_exactly_once(candidate: &Candidate) -> Checked {
    for workers in WORKERS {
        let mut up = candidate.start(workers)?;
        for jobs in JOBS {
            for delivery in Delivery::ALL {
                for combine in Combine::APART {
                    let task = Arc::new(ProbeTask::new(vec![Behaviour::Succeed; jobs])?);
                    let choice = Choice { delivery: *delivery, combine: *combine, ..CHOICE };
                    let checked = run(&task, &mut *up, choice).map_err(|error| error.to_string()).and_then(|outcome| {
                        complete(&outcome, jobs)?;
                        if *delivery == Delivery::InOrder && !outcome.spans.is_sorted_by_key(|span| span.job) {
                            return Err("partials were delivered out of order".to_owned());
                        }
                        match task.begun() {
                            begun if begun == jobs as u64 => Ok(()),
                            begun => Err(format!("partitions were begun {begun} times")),
                        }
                    });
                    checked
                        .map_err(|error| format!("{workers} workers, {jobs} jobs, {delivery}, {combine}: {error}"))?;
                }
            }
        }
    }
    Ok(())
}

fn never_more_in_progress_than_workers(candidate: &Candidate) -> Checked {
    for workers in WORKERS {
        let (_, outcome) = run_all(Behaviour::Wait(300), 100, &mut *candidate.start(workers)?)?;
        let most = most_in_progress(&outcome.spans);
        if most > workers {
            return Err(format!(
                "{most} jobs were in progress at one moment, and there are {workers} workers. Does the library's pool \
                 have this limit, or does the strategy count its jobs?"
            ));
        }
        let slots = outcome.spans.iter().map(|span| span.worker + 1).max().unwrap_or_default() as usize;
        if slots > workers {
            return Err(format!("{workers} workers took {slots} worker slots"));
        }
    }
    Ok(())
}

fn jobs_overlap(candidate: &Candidate) -> Checked {
    for workers in WORKERS.into_iter().filter(|workers| *workers > 1) {
        let mut up = candidate.start(workers)?;
        if !up.is_parallel() {
            return Ok(());
        }
        // This is long enough for every worker to wake up before the first job ends, even on a busy machine.
        let (_, outcome) = run_all(Behaviour::Wait(60_000), 2 * workers, &mut *up)?;
        let most = most_in_progress(&outcome.spans);
        if most < 2 {
            return Err(format!(
                "with {workers} workers, two jobs were never in progress at once: the workers take turns. Is a lock \
                 held while a job runs?"
            ));
        }
        if 2 * most < workers {
            return Err(format!("with {workers} workers, never more than {most} jobs were in progress at once"));
        }
    }
    Ok(())
}

/// Runs 20 partitions. Partitions 3 and 11 have `behaviour`, and the run must fail with `expected`.
fn named(candidate: &Candidate, behaviour: Behaviour, expected: &Error) -> Checked {
    let mut behaviours = vec![Behaviour::Succeed; 20];
    (behaviours[3], behaviours[11]) = (behaviour, behaviour);
    for workers in [1, 2, 5] {
        let mut up = candidate.start(workers)?;
        let combined = Combine::APART.iter().map(|combine| Choice { combine: *combine, ..CHOICE });
        for choice in Delivery::ALL.iter().map(|delivery| Choice { delivery: *delivery, ..CHOICE }).chain(combined) {
            let task = Arc::new(ProbeTask::new(behaviours.clone())?);
            match run(&task, &mut *up, choice) {
                Ok(_) => return Err("partitions 3 and 11 failed, but the run succeeded".to_owned()),
                Err(Error::Partition { number: 3, others: 1, source }) if *source == *expected => {}
                Err(error) => return Err(format!("partitions 3 and 11 failed, but the run's error is: {error}")),
            }
            if task.begun() != 20 {
                return Err(format!("of 20 partitions, 2 of which fail, {} were run", task.begun()));
            }
        }
        again(&mut *up, "after a run that failed")?;
    }
    Ok(())
}

fn again(workers: &mut dyn Workers, when: &str) -> Checked {
    run_all(Behaviour::Succeed, 20, workers)
        .and_then(|(_, outcome)| complete(&outcome, 20))
        .map_err(|error| format!("{when}: {error}"))
}

fn failures_are_named(candidate: &Candidate) -> Checked {
    named(candidate, Behaviour::Fail, &Error::Task("partition 3 is set to fail".to_owned()))
}

fn panics_are_named(candidate: &Candidate) -> Checked {
    named(candidate, Behaviour::Panic, &Error::Panicked("partition 3 is set to panic".to_owned()))
}

/// Partitions 3 and 11 end their worker processes: first once and twice, which a run must survive, and then in every try.
fn deaths_are_survived(candidate: &Candidate) -> Checked {
    let dying = |third, eleventh| -> Checked<Arc<ProbeTask>> {
        let mut behaviours = vec![Behaviour::Succeed; 20];
        (behaviours[3], behaviours[11]) = (Behaviour::Die(third), Behaviour::Die(eleventh));
        Ok(Arc::new(ProbeTask::new(behaviours)?))
    };
    for workers in [1, 2, 5] {
        let mut up = candidate.start(workers)?;
        for combine in Combine::APART {
            let outcome = run(&dying(1, 2)?, &mut *up, Choice { combine: *combine, ..CHOICE });
            let survived = |error| format!("processes died on partitions 3 and 11, and the run's error is: {error}");
            complete(&outcome.map_err(survived)?, 20)?;
        }
        match run(&dying(usize::MAX, 0)?, &mut *up, CHOICE) {
            // Nothing died, because this strategy runs its jobs in this process.
            Ok(outcome) => complete(&outcome, 20)?,
            Err(Error::Partition { number: 3, source, .. }) if source.to_string().contains("SIGABRT") => {}
            Err(error) => return Err(format!("every process dies on partition 3, and the run's error is: {error}")),
        }
        again(&mut *up, "after every process died on a partition")?;
    }
    Ok(())
}

fn workers_run_again(candidate: &Candidate) -> Checked {
    for workers in WORKERS {
        let mut up = candidate.start(workers)?;
        for _ in 0..3 {
            again(&mut *up, "in another run of the same workers")?;
        }
    }
    Ok(())
}

/// Returns the limit of jobs that are pulled but not begun. Each worker may have one in a queue and one in transfer to
/// a thread. The code that pulls may hold two.
fn far_ahead(workers: usize) -> u64 {
    2 * workers as u64 + 2
}

fn jobs_are_pulled_lazily(candidate: &Candidate) -> Checked {
    for workers in [1, 2, 5] {
        let mut up = candidate.start(workers)?;
        if up.splits_in_advance() {
            return Ok(());
        }
        let (task, _) = run_all(Behaviour::Wait(1_000), 60 * workers, &mut *up)?;
        let ahead = task.ahead.load(Ordering::Relaxed);
        if ahead > far_ahead(workers) {
            return Err(format!(
                "{workers} workers were {ahead} jobs behind the source: nothing holds it back, so a large input would \
                 fill the memory. Is there a channel or a queue without a bound?"
            ));
        }
    }
    Ok(())
}

fn an_endless_source_can_be_cancelled(candidate: &Candidate) -> Checked {
    for workers in [1, 2, 5] {
        let mut up = candidate.start(workers)?;
        if up.splits_in_advance() {
            return Ok(());
        }
        let mut task = ProbeTask::new(vec![Behaviour::Wait(200)])?;
        (task.endless, task.cancel_after) = (true, 50);
        let task = Arc::new(task);
        match run(&task, &mut *up, CHOICE) {
            Err(Error::Cancelled { delivered, .. }) if delivered == task.begun() => {}
            Err(error) => return Err(format!("the run was cancelled, but its error is: {error}")),
            Ok(_) => return Err("the run was cancelled, but it returned a total".to_owned()),
        }
    }
    Ok(())
}
