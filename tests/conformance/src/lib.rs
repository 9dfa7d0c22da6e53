//! What every strategy must do, whatever its library: one function per property, over any strategy.
//!
//! The catalogue passes it, an exercise must come to pass it, and a new strategy needs no test of its own.

pub mod probe_task;

use crate::probe_task::{Trap, Traps};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use strategies::{
    AnyTask, Cancel, Choice, Combine, Delivery, Error, Outcome, Result, Setup, Strategy, WorkerCommand, Workers,
    most_in_progress,
};
use tempfile::TempDir;

/// More workers than this machine may have cores, and counts that leave remainders.
pub const WORKERS: [usize; 6] = [1, 2, 3, 5, 8, 32];

/// None, fewer and more than workers, and counts that leave remainders.
pub const JOBS: [usize; 5] = [0, 1, 2, 7, 100];

/// A property that a strategy does not have.
#[derive(Debug)]
pub struct Failure {
    /// The property.
    pub property: &'static str,
    /// What was seen, and what to look for.
    pub sentence: String,
}

/// Checks every property, and reports all failures, not only the first. With `worker`, processes can be started.
pub fn check(strategy: &Strategy, worker: &WorkerCommand) -> Vec<Failure> {
    let bench = Bench { strategy, worker };
    let mut failures = Vec::new();
    for (property, check) in PROPERTIES {
        let sentence = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(&bench))).unwrap_or_else(|_| {
            Err("the strategy panicked; `Workers::run` must return, with an error if need be".into())
        });
        if let Err(sentence) = sentence {
            failures.push(Failure { property, sentence });
        }
    }
    failures
}

type Checked = std::result::Result<(), String>;

/// A property by name.
pub type Property = (&'static str, fn(&Bench) -> Checked);

/// Every property.
pub const PROPERTIES: [Property; 8] = [
    ("every job reports exactly once", every_job_reports_exactly_once),
    ("never more jobs in progress than workers", never_more_in_progress_than_workers),
    ("jobs really overlap when there is more than one worker", jobs_overlap),
    ("a failing partition fails the run by its number while the others still run", failures_are_named),
    ("a panicking partition does the same, and the workers survive it", panics_are_named),
    ("the same workers run again", workers_run_again),
    ("jobs are pulled lazily", jobs_are_pulled_lazily),
    ("an endless source ends when the run is cancelled", an_endless_source_can_be_cancelled),
];

/// A strategy, and what is needed to try it.
pub struct Bench<'a> {
    strategy: &'a Strategy,
    worker: &'a WorkerCommand,
}

impl Bench<'_> {
    fn start(&self, workers: usize) -> std::result::Result<Box<dyn Workers>, String> {
        let workers = NonZeroUsize::new(workers).ok_or("no workers")?;
        let setup = Setup { workers, worker: Some(self.worker.clone()) };
        (self.strategy.start)(&setup).map_err(|error| format!("the workers do not start: {error}"))
    }
}

/// A folder for the journals of the partitions.
fn folder() -> std::result::Result<TempDir, String> {
    TempDir::new().map_err(|error| format!("no temporary folder: {error}"))
}

fn journal(folder: &TempDir) -> PathBuf {
    folder.path().join("journal")
}

const CHOICE: Choice = Choice { size: NonZeroUsize::MIN, delivery: Delivery::Gather, combine: Combine::PerPartition };

fn run(task: &Arc<Traps>, workers: &mut dyn Workers, choice: Choice) -> Result<Outcome> {
    strategies::run(task as &dyn AnyTask, workers, choice, &task.cancel).map(|(outcome, _)| outcome)
}

fn complete(outcome: &Outcome, jobs: usize) -> Checked {
    let answer = outcome.answer().map_err(|error| error.to_string())?.digest;
    let expected = format!("{:?}", (0..jobs).collect::<Vec<_>>());
    if answer != expected {
        return Err(format!("of {jobs} partitions the answer has these: {answer}"));
    }
    let mut numbers: Vec<u64> = outcome.spans.iter().map(|span| span.job).collect();
    numbers.sort_unstable();
    match numbers.iter().copied().eq(0..jobs as u64) {
        true => Ok(()),
        false => Err(format!("of {jobs} jobs these have reported: {numbers:?}")),
    }
}

fn every_job_reports_exactly_once(bench: &Bench) -> Checked {
    for workers in WORKERS {
        let mut up = bench.start(workers)?;
        for jobs in JOBS {
            for delivery in Delivery::ALL {
                for combine in Combine::ALL {
                    let folder = folder()?;
                    let task = Arc::new(Traps::new(vec![Trap::None; jobs], &journal(&folder)));
                    let choice = Choice { delivery: *delivery, combine: *combine, ..CHOICE };
                    let outcome = run(&task, &mut *up, choice);
                    let where_ = format!("{workers} workers, {jobs} jobs, {}, {}", delivery.name(), combine.name());
                    let outcome = outcome.map_err(|error| format!("{where_}: {error}"))?;
                    complete(&outcome, jobs).map_err(|sentence| format!("{where_}: {sentence}"))?;
                    let in_order = outcome.spans.windows(2).all(|pair| pair[0].job < pair[1].job);
                    if *delivery == Delivery::InOrder && !in_order {
                        return Err(format!("{where_}: partials were delivered out of order"));
                    }
                    if task.begun() != jobs as u64 {
                        return Err(format!("{where_}: partitions were begun {} times", task.begun()));
                    }
                }
            }
        }
    }
    Ok(())
}

fn never_more_in_progress_than_workers(bench: &Bench) -> Checked {
    for workers in WORKERS {
        let mut up = bench.start(workers)?;
        let folder = folder()?;
        let task = Arc::new(Traps::new(vec![Trap::Wait(300); 100], &journal(&folder)));
        let outcome = run(&task, &mut *up, CHOICE).map_err(|error| error.to_string())?;
        let most = most_in_progress(&outcome.spans);
        if most > workers {
            return Err(format!(
                "{most} jobs were in progress at one moment, and there are {workers} workers; is the limit given to \
                 the library's pool, or kept by counting?"
            ));
        }
        let seats = outcome.spans.iter().map(|span| span.worker + 1).max().unwrap_or_default() as usize;
        if seats > workers {
            return Err(format!("{seats} seats were taken by {workers} workers"));
        }
    }
    Ok(())
}

fn jobs_overlap(bench: &Bench) -> Checked {
    for workers in WORKERS.into_iter().filter(|workers| *workers > 1) {
        let mut up = bench.start(workers)?;
        if !up.is_parallel() {
            return Ok(());
        }
        let folder = folder()?;
        // Long enough for every worker to have woken up before the first is done, on a machine that is busy too.
        let task = Arc::new(Traps::new(vec![Trap::Wait(60_000); 2 * workers], &journal(&folder)));
        let outcome = run(&task, &mut *up, CHOICE).map_err(|error| error.to_string())?;
        let most = most_in_progress(&outcome.spans);
        if most < 2 {
            return Err(format!(
                "with {workers} workers there were never two jobs in progress at once: the workers take turns. Is a \
                 lock held while a job runs?"
            ));
        }
        if 2 * most < workers {
            return Err(format!("with {workers} workers there were never more than {most} jobs in progress at once"));
        }
    }
    Ok(())
}

/// Of 20 partitions, 3 and 11 have this trap.
fn trapped(trap: Trap, journal: &std::path::Path) -> Arc<Traps> {
    let mut traps = vec![Trap::None; 20];
    traps[3] = trap;
    traps[11] = trap;
    Arc::new(Traps::new(traps, journal))
}

fn named(bench: &Bench, trap: Trap, expected: &Error) -> Checked {
    for workers in [1, 2, 5] {
        let mut up = bench.start(workers)?;
        let combined = Combine::ALL.iter().map(|combine| Choice { combine: *combine, ..CHOICE });
        for choice in Delivery::ALL.iter().map(|delivery| Choice { delivery: *delivery, ..CHOICE }).chain(combined) {
            let folder = folder()?;
            let task = trapped(trap, &journal(&folder));
            match run(&task, &mut *up, choice) {
                Ok(_) => return Err("the run succeeded all the same".to_owned()),
                Err(Error::Partition { number: 3, others: 1, source }) if *source == *expected => {}
                Err(error) => return Err(format!("partitions 3 and 11 failed, and the run says: {error}")),
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
    let folder = folder()?;
    let task = Arc::new(Traps::new(vec![Trap::None; 20], &journal(&folder)));
    let outcome = run(&task, workers, CHOICE).map_err(|error| format!("{when}: {error}"))?;
    complete(&outcome, 20).map_err(|sentence| format!("{when}: {sentence}"))
}

fn failures_are_named(bench: &Bench) -> Checked {
    named(bench, Trap::Fail, &Error::Task("trap 3 is set to fail".to_owned()))
}

fn panics_are_named(bench: &Bench) -> Checked {
    named(bench, Trap::Panic, &Error::Panicked("trap 3 is set to panic".to_owned()))
}

fn workers_run_again(bench: &Bench) -> Checked {
    for workers in WORKERS {
        let mut up = bench.start(workers)?;
        for _ in 0..3 {
            again(&mut *up, "in another run of the same workers")?;
        }
    }
    Ok(())
}

/// Pulled and not begun: one per worker waiting in a queue, one per worker on its way, one in the hand of who pulls.
fn far_ahead(workers: usize) -> u64 {
    2 * workers as u64 + 2
}

fn jobs_are_pulled_lazily(bench: &Bench) -> Checked {
    for workers in [1, 2, 5] {
        let mut up = bench.start(workers)?;
        if up.splits_in_advance() {
            return Ok(());
        }
        let folder = folder()?;
        let task = Arc::new(Traps::new(vec![Trap::Wait(1_000); 60 * workers], &journal(&folder)));
        run(&task, &mut *up, CHOICE).map_err(|error| error.to_string())?;
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

fn an_endless_source_can_be_cancelled(bench: &Bench) -> Checked {
    for workers in [1, 2, 5] {
        let mut up = bench.start(workers)?;
        if up.splits_in_advance() {
            return Ok(());
        }
        let folder = folder()?;
        let traps = Traps::new(vec![Trap::Wait(200)], &journal(&folder));
        let task = Arc::new(Traps { endless: true, cancel_after: 50, cancel: Cancel::default(), ..traps });
        match run(&task, &mut *up, CHOICE) {
            Err(Error::Cancelled { delivered, .. }) if delivered == task.begun() => {}
            Err(error) => return Err(format!("cancelled, it says: {error}")),
            Ok(_) => return Err("cancelled, it says that all is done".to_owned()),
        }
    }
    Ok(())
}
