//! Tokio's pool for blocking work, fed by `spawn_blocking`.
//!
//! Good when: a tokio program has computation that must not block its reactor.
//! Bad when:  partitions are tiny, because each is a tokio task; or tokio has nothing else to do.
//! In the trace: short gaps between spans while the dispatcher wakes up and hands out the next job.

use strategies::{Error, Jobs, Result, Setup, Workers, wait};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

struct TokioBlocking {
    /// The runtime for jobs that only compute. It has no reactor, which would wake threads by system calls instead of a
    /// futex.
    plain: Runtime,
    /// The runtime for jobs that come from a socket, and for a heartbeat.
    reactor: Runtime,
    workers: usize,
}

/// Builds runtimes whose blocking pools have exactly one thread per worker, not the usual 512.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    let workers = setup.workers.get();
    let build = |builder: &mut Builder| {
        let runtime = builder.max_blocking_threads(workers).build();
        runtime.map_err(|error| Error::worker(format!("tokio cannot start: {error}")))
    };
    let plain = build(&mut Builder::new_current_thread())?;
    let reactor = build(Builder::new_current_thread().enable_all())?;
    Ok(Box::new(TokioBlocking { plain, reactor, workers }))
}

impl Workers for TokioBlocking {
    fn run(&mut self, mut jobs: Jobs) -> Result<()> {
        let runtime = if jobs.may_wait() { &self.reactor } else { &self.plain };
        runtime.block_on(async {
            jobs.beat(tokio::time::sleep, tokio::spawn);
            let mut spawned = JoinSet::new();
            while let Some(job) = jobs.next_when(wait::on_tokio).await? {
                // The pool limits the jobs in progress. Its queue holds one more per thread, so that no thread runs dry.
                if spawned.len() == 2 * self.workers {
                    spawned.join_next().await;
                }
                spawned.spawn_blocking(|| job.run());
            }
            while spawned.join_next().await.is_some() {}
            Ok(())
        })
    }
}
