//! Threads take the next job from one shared iterator behind a lock.
//!
//! Good when: partitions differ in length, because a thread that is done takes the next one.
//! Bad when:  partitions are tiny, because all threads wait for the lock.
//! In the trace: lanes end together; gaps between spans are time spent on the lock.
//!
//! Exercise 2. Every answer is right, but two threads are no faster than one. How long does each hold the lock?
//! Try it: `just exercise 2`, then look at it with `goldilocks run --task count --strategy lock_held`
//! Solved by: strategies/src/catalogue/threads_shared.rs

use std::sync::{Mutex, PoisonError};
use std::thread;
use strategies::{Job, Jobs, Result, Setup, Workers};

struct LockHeld {
    workers: usize,
}

pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    Ok(Box::new(LockHeld { workers: setup.workers.get() }))
}

impl Workers for LockHeld {
    fn run(&mut self, jobs: Jobs) -> Result<()> {
        let jobs = Mutex::new(jobs);
        thread::scope(|scope| {
            for _ in 0..self.workers {
                scope.spawn(|| {
                    // TODO: the guard that `lock` returns is a temporary of the `while let`. When is it dropped?
                    while let Some(job) = jobs.lock().unwrap_or_else(PoisonError::into_inner).next() {
                        job.run();
                    }
                });
            }
        });
        Ok(())
    }
}
