//! One job after the other, on the calling thread.
//!
//! Good when: there is one core, or too little work to be worth a second thread.
//! Bad when:  there is more than one core and more than a moment's work.
//! In the trace: one lane without gaps; the baseline is faster by the overhead of partitioning.

use strategies::{Job, Jobs, Result, Setup, Workers};

struct Sequential;

/// Starts nothing.
pub fn start(_: &Setup) -> Result<Box<dyn Workers>> {
    Ok(Box::new(Sequential))
}

impl Workers for Sequential {
    fn run(&mut self, jobs: Jobs) -> Result<()> {
        jobs.for_each(Job::run);
        Ok(())
    }

    fn is_parallel(&self) -> bool {
        false
    }
}
