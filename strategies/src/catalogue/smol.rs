//! Loops in smol's pool for blocking work, fed by its channel. smol is the successor of async-std.
//!
//! Good when: a program uses smol, or wants a small runtime.
//! Bad when:  partitions are tiny, because each crosses a channel.
//! In the trace: lanes end together; short gaps between spans while the dispatcher wakes up and refills the channel.

use smol::channel::bounded;
use strategies::{Job, Jobs, Result, Setup, Workers, wait};

struct Smol {
    workers: usize,
}

/// Starts nothing, because smol's pool belongs to the process and starts with the first job.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    Ok(Box::new(Smol { workers: setup.workers.get() }))
}

impl Workers for Smol {
    fn run(&mut self, mut jobs: Jobs) -> Result<()> {
        smol::block_on(async {
            jobs.beat(smol::Timer::after, |heart| smol::spawn(heart).detach());
            // The pool has up to 500 threads, or BLOCKING_MAX_THREADS, so one loop per worker limits the jobs in progress.
            let (sender, receiver) = bounded::<Job>(self.workers);
            let work = |receiver: smol::channel::Receiver<Job>| {
                smol::unblock(move || {
                    while let Ok(job) = receiver.recv_blocking() {
                        job.run();
                    }
                })
            };
            let loops: Vec<_> = (0..self.workers).map(|_| work(receiver.clone())).collect();
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
            sender.close();
            for ended in loops {
                ended.await;
            }
            fed
        })
    }
}
