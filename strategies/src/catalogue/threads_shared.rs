//! Threads take the next job from one shared iterator behind a lock.
//!
//! Good when: partitions differ in length, so nobody waits for the unlucky one.
//! Bad when:  partitions are tiny, so everybody waits for the lock.
//! In the trace: lanes end together; gaps between spans are the lock.

use std::sync::{Mutex, PoisonError};
use std::thread;
use strategies::{Job, Jobs, Result, Setup, Workers};

struct ThreadsShared {
    workers: usize,
}

/// Threads are spawned by each run: they live until the iterator is empty. Whoever spawns them is one of the workers.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    Ok(Box::new(ThreadsShared { workers: setup.workers.get() }))
}

impl Workers for ThreadsShared {
    fn run(&mut self, jobs: Jobs) -> Result<()> {
        let jobs = Mutex::new(jobs);
        let work = || {
            while let Some(job) = take(&jobs) {
                job.run();
            }
        };
        thread::scope(|scope| {
            (1..self.workers).for_each(|_| _ = scope.spawn(work));
            // A thread that only waited would still keep its processor from the others when they begin: on two, Linux put
            // both of them on the other one, for 8 to 16 ms.
            work();
        });
        Ok(())
    }
}

/// A function of its own, so that the lock is released before the job is run: a `while let` on
/// `jobs.lock().unwrap().next()` would hold it for the whole body and let the threads take turns.
fn take(jobs: &Mutex<Jobs>) -> Option<Job> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).next()
}
