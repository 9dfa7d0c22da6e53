//! Computation inside tokio's async tasks. This strategy shows a mistake: such a task does not yield.
//!
//! Good when: never for computation. A task is for work that mostly waits.
//! Bad when:  the runtime also serves requests, because every one of its threads is busy with a job.
//! In the trace: like a thread pool. The harm is elsewhere: timers and sockets of the runtime wait for whole jobs.

use std::sync::RwLock;
use std::{io, thread};
use strategies::{Error, Jobs, Result, Setup, Workers, wait};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

struct TokioTasks {
    runtime: Runtime,
    workers: usize,
}

/// Builds a runtime with exactly one thread per worker.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    let workers = setup.workers.get();
    try_threads(workers).map_err(|error| Error::worker(format!("tokio cannot start its threads: {error}")))?;
    let runtime = Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    let runtime = runtime.map_err(|error| Error::worker(format!("tokio cannot start: {error}")))?;
    Ok(Box::new(TokioTasks { runtime, workers }))
}

impl Workers for TokioTasks {
    fn run(&mut self, mut jobs: Jobs) -> Result<()> {
        self.runtime.block_on(async {
            jobs.beat(tokio::time::sleep, tokio::spawn);
            let mut tasks = JoinSet::new();
            while let Some(job) = jobs.next_when(wait::on_tokio).await? {
                // One task more per thread than can run, so that no thread runs dry.
                if tasks.len() == 2 * self.workers {
                    tasks.join_next().await;
                }
                tasks.spawn(async { job.run() });
            }
            while tasks.join_next().await.is_some() {}
            Ok(())
        })
    }
}

/// Starts as many threads as the runtime has and ends them, because tokio hangs if one of its own cannot start.
fn try_threads(count: usize) -> io::Result<()> {
    let gate = RwLock::new(());
    thread::scope(|scope| {
        // No thread ends before all have started.
        let _closed = gate.write();
        let start = || thread::Builder::new().spawn_scoped(scope, || drop(gate.read())).map(drop);
        (0..count).try_for_each(|_| start())
    })
}
