//! Each thread gets its share of the jobs in advance.
//!
//! Good when: all partitions take equally long: all shares end together, and no thread spends time asking for jobs.
//! Bad when:  partitions differ, because all threads wait for the longest share; or the source never ends.
//! In the trace: lanes end at different times; the run takes as long as the longest lane.

use std::thread;
use strategies::{Job, Jobs, Result, Setup, Workers};

struct ThreadsSplit {
    workers: usize,
}

/// Each run spawns its threads. A thread ends after its share. The calling thread has a share, too.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    Ok(Box::new(ThreadsSplit { workers: setup.workers.get() }))
}

impl Workers for ThreadsSplit {
    fn run(&mut self, jobs: Jobs) -> Result<()> {
        let mut shares: Vec<Vec<Job>> = (0..self.workers).map(|_| Vec::new()).collect();
        let all: Vec<Job> = jobs.collect();
        let (whole, rest) = (all.len() / self.workers, all.len() % self.workers);
        let mut all = all.into_iter();
        for (worker, share) in shares.iter_mut().enumerate() {
            // Neighbours stay together, and shares differ by at most one job.
            share.extend(all.by_ref().take(whole + usize::from(worker < rest)));
        }
        let own = shares.pop().unwrap_or_default();
        thread::scope(|scope| {
            for share in shares {
                scope.spawn(|| share.into_iter().for_each(Job::run));
            }
            own.into_iter().for_each(Job::run);
        });
        Ok(())
    }

    fn splits_in_advance(&self) -> bool {
        true
    }
}
