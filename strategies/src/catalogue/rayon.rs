//! A private rayon pool, whose threads steal work from each other.
//!
//! Good when: there are many partitions and the jobs only compute.
//! Bad when:  jobs wait for I/O, because a waiting job blocks its thread.
//! In the trace: lanes end together; rayon cannot split a partition, so a long last partition leaves the other lanes idle.

use rayon::iter::{ParallelBridge, ParallelIterator};
use rayon::{ThreadPool, ThreadPoolBuilder};
use strategies::{Error, Job, Jobs, Result, Setup, Workers};

struct Rayon {
    pool: ThreadPool,
}

/// Builds a pool with exactly one thread per worker; the global pool is not used.
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
