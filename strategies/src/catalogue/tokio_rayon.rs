//! tokio hands jobs to a rayon pool and awaits a one-shot channel for each, the bridge that tokio's documentation recommends.
//!
//! Good when: an async program has much computation, and its runtime must stay responsive.
//! Bad when:  partitions are tiny, because each crosses a queue and wakes the runtime.
//! In the trace: short gaps between spans while the runtime wakes up and hands out the next job.

use rayon::{ThreadPool, ThreadPoolBuilder};
use strategies::{Error, Jobs, Result, Setup, Workers, wait};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

struct TokioRayon {
    runtime: Runtime,
    pool: ThreadPool,
}

/// Builds a runtime on the calling thread and a pool with exactly one thread per worker.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Error::worker(format!("tokio cannot start: {error}")))?;
    let pool = ThreadPoolBuilder::new().num_threads(setup.workers.get()).build();
    let pool = pool.map_err(|error| Error::worker(format!("rayon cannot start its threads: {error}")))?;
    Ok(Box::new(TokioRayon { runtime, pool }))
}

impl Workers for TokioRayon {
    fn run(&mut self, mut jobs: Jobs) -> Result<()> {
        self.runtime.block_on(async {
            jobs.beat(tokio::time::sleep, tokio::spawn);
            let mut answers = JoinSet::new();
            while let Some(job) = jobs.next_when(wait::on_tokio).await? {
                // The queue of the pool holds one more job per thread, so that no thread runs dry.
                if answers.len() == 2 * self.pool.current_num_threads() {
                    answers.join_next().await;
                }
                let (send, answer) = oneshot::channel();
                self.pool.spawn(move || {
                    job.run();
                    let _ = send.send(());
                });
                answers.spawn(answer);
            }
            while answers.join_next().await.is_some() {}
            Ok(())
        })
    }
}
