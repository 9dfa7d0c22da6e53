//! Threads take the next job from one shared iterator behind a lock.
//!
//! Good when: partitions differ in length, because a thread that is done takes the next one.
//! Bad when:  partitions are tiny, because all threads wait for the lock.
//! In the trace: lanes end together; gaps between spans are time spent on the lock.

use std::sync::{Mutex, PoisonError};
use std::thread;
use strategies::{Job, Jobs, Result, Setup, Workers};

struct ThreadsShared {
    workers: usize,
}

/// Each run spawns its threads, which end when the iterator is empty. The calling thread is one of the workers.
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
            // The calling thread works too. If it only waited, it would still occupy its core when the other threads
            // begin. On two cores, Linux then ran both workers on the other core for 8 to 16 ms.
            work();
        });
        Ok(())
    }
}

/// Pulls the next job. This separate function releases the lock before the job runs. A `while let` on
/// `jobs.lock().unwrap().next()` would hold the lock for the whole body, so that the threads take turns.
fn take(jobs: &Mutex<Jobs>) -> Option<Job> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).next()
}
