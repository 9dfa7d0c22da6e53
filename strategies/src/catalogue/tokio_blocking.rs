//! Tokio's pool for blocking work, fed by `spawn_blocking`.
//!
//! Good when: the program is a tokio program and this is the computing it must keep off its reactor.
//! Bad when:  partitions are tiny, for each is a task of its own; or there is nothing else for tokio to do.
//! In the trace: short gaps between spans while the dispatcher wakes up and hands out the next job.

use strategies::{Error, Jobs, Result, Setup, Workers};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

struct TokioBlocking {
    runtime: Runtime,
    workers: usize,
}

/// Builds a runtime whose blocking pool has exactly as many threads as there are workers, not the usual 512.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    let workers = setup.workers.get();
    let runtime = Builder::new_current_thread().max_blocking_threads(workers).build();
    let runtime = runtime.map_err(|error| Error::worker(format!("tokio cannot start: {error}")))?;
    Ok(Box::new(TokioBlocking { runtime, workers }))
}

impl Workers for TokioBlocking {
    fn run(&mut self, jobs: Jobs) -> Result<()> {
        self.runtime.block_on(async {
            let mut spawned = JoinSet::new();
            for job in jobs {
                // The pool is the limit. One more job per thread waits in its queue, so that no thread waits for us.
                if spawned.len() == 2 * self.workers {
                    spawned.join_next().await;
                }
                spawned.spawn_blocking(|| job.run());
            }
            while spawned.join_next().await.is_some() {}
        });
        Ok(())
    }
}
