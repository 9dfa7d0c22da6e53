//! A rayon pool of its own, whose threads steal work from one another.
//!
//! Good when: there are many partitions and the work is all computing.
//! Bad when:  jobs wait for something, for a waiting job keeps its thread.
//! In the trace: lanes end together; rayon cannot split inside a partition, so a long last one shows.

use rayon::iter::{ParallelBridge, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};
use strategies::{Error, Job, Jobs, Result, Setup, Workers};

struct Rayon {
    pool: ThreadPool,
}

/// Builds a pool of exactly as many threads as there are workers; the global pool is never touched.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    let pool = ThreadPoolBuilder::new().num_threads(setup.workers.get()).build();
    let pool = pool.map_err(|error| Error::worker(format!("rayon cannot start its threads: {error}")))?;
    Ok(Box::new(Rayon { pool }))
}

impl Workers for Rayon {
    fn run(&mut self, jobs: Jobs) -> Result<()> {
        self.pool.install(|| jobs.par_bridge().for_each(Job::run));
        Ok(())
    }
}
