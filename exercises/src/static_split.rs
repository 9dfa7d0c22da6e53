//! Each thread gets its share of the jobs in advance.
//!
//! Good when: all partitions take equally long: all shares end together, and no thread spends time asking for jobs.
//! Bad when:  partitions differ, because all threads wait for the longest share; or the source never ends.
//! In the trace: lanes end at different times; the run takes as long as the longest lane.
//!
//! Exercise 1. Each thread runs its share, but all shares are empty. Fill them.
//! Try it: `just exercise 1`
//! Solved by: strategies/src/catalogue/threads_split.rs

use std::thread;
use strategies::{Job, Jobs, Result, Setup, Workers};

struct StaticSplit {
    workers: usize,
}

pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    Ok(Box::new(StaticSplit { workers: setup.workers.get() }))
}

impl Workers for StaticSplit {
    fn run(&mut self, jobs: Jobs) -> Result<()> {
        let mut shares: Vec<Vec<Job>> = (0..self.workers).map(|_| Vec::new()).collect();
        // TODO: pull every job from `jobs` and put each into exactly one share, so that the shares' lengths differ by at
        // most one. Seven jobs and three workers: 3, 2 and 2. Which shares get the jobs that are left over?
        thread::scope(|scope| {
            for share in shares {
                scope.spawn(|| share.into_iter().for_each(Job::run));
            }
        });
        Ok(())
    }

    fn splits_in_advance(&self) -> bool {
        true
    }
}
