//! Loops in async-std's pool for blocking work, fed by its channel. (async-std is discontinued: RUSTSEC-2025-0052.)
//!
//! Good when: the program uses async-std already.
//! Bad when:  the program is new, because async-std is unmaintained; or partitions are tiny: each crosses a channel.
//! In the trace: lanes end together; short gaps between spans while the dispatcher wakes up and refills the channel.

use async_std::channel::bounded;
use async_std::task;
use strategies::{Job, Jobs, Result, Setup, Workers, wait};

struct AsyncStd {
    workers: usize,
}

/// Starts nothing, because async-std's pool belongs to the process and starts with the first job.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    Ok(Box::new(AsyncStd { workers: setup.workers.get() }))
}

impl Workers for AsyncStd {
    fn run(&mut self, mut jobs: Jobs) -> Result<()> {
        task::block_on(async {
            jobs.beat(task::sleep, task::spawn);
            // The pool has up to 500 threads, or BLOCKING_MAX_THREADS, so one loop per worker limits the jobs in progress.
            // The channel holds one more job per loop, so that no thread runs dry.
            let (sender, receiver) = bounded::<Job>(self.workers);
            let loops: Vec<_> = (0..self.workers)
                .map(|_| {
                    let receiver = receiver.clone();
                    task::spawn_blocking(move || {
                        while let Ok(job) = receiver.recv_blocking() {
                            job.run();
                        }
                    })
                })
                .collect();
            // Now only the loops hold this end. So sending fails if no loop is left, instead of waiting for ever.
            drop(receiver);
            let fed = loop {
                match jobs.next_when(wait::on_async_io).await {
                    // A job that cannot be sent reports that it was dropped.
                    Ok(Some(job)) => drop(sender.send(job).await),
                    Ok(None) => break Ok(()),
                    Err(error) => break Err(error),
                }
            };
            // The loops empty the channel, then end.
            sender.close();
            for ended in loops {
                ended.await;
            }
            fed
        })
    }
}
