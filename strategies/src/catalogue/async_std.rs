//! async-std's pool for blocking work, fed by `spawn_blocking`. (async-std is discontinued: RUSTSEC-2025-0052.)
//!
//! Good when: the program is an async-std program already.
//! Bad when:  it is new, for nobody mends async-std any more; or partitions are tiny, for each is a task of its own.
//! In the trace: gaps between spans, for a thread that ends a job must wake the dispatcher before it gets the next.

use async_io::{Async, Timer};
use futures_lite::future;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::io;
use strategies::{Jobs, Result, Setup, Waiting, Workers};

struct AsyncStd {
    workers: usize,
}

/// Nothing to bring up: async-std's pool belongs to the process and starts with the first job.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    Ok(Box::new(AsyncStd { workers: setup.workers.get() }))
}

impl Workers for AsyncStd {
    fn run(&mut self, mut jobs: Jobs) -> Result<()> {
        async_std::task::block_on(async {
            let mut running = FuturesUnordered::new();
            while let Some(job) = jobs.next_when(ready).await? {
                // The pool is the process's: BLOCKING_MAX_THREADS sets its size (or else 500), a strategy cannot. So the
                // limit is kept here, and no job waits in the pool.
                if running.len() == self.workers {
                    running.next().await;
                }
                running.push(async_std::task::spawn_blocking(|| job.run()));
            }
            while running.next().await.is_some() {}
            Ok(())
        })
    }
}

/// Awaits a socket on async-io's reactor, which is async-std's own, and no longer than it is to be awaited.
async fn ready(waiting: Waiting<'_>) -> io::Result<()> {
    let socket = Async::new_nonblocking(waiting.socket)?;
    let ready = async {
        match waiting.writable {
            true => future::or(socket.writable(), socket.readable()).await,
            false => socket.readable().await,
        }
    };
    let Some(until) = waiting.until else { return ready.await };
    let too_late = async {
        Timer::at(until).await;
        Ok(())
    };
    future::or(ready, too_late).await
}
