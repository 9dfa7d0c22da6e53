//! Threads take jobs from a channel of the standard library, whose receiver they share behind a lock.
//!
//! Good when: no dependency is wanted and one thread produces the jobs.
//! Bad when:  there are many threads, because the lock around the receiver hands out one job at a time.
//! In the trace: lanes end together; gaps between spans are time spent on the lock.

use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use strategies::{Job, Jobs, Result, Setup, Workers};

struct StdChannel {
    workers: usize,
}

/// Each run spawns its threads, which end when the channel is closed and empty.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    Ok(Box::new(StdChannel { workers: setup.workers.get() }))
}

impl Workers for StdChannel {
    fn run(&mut self, mut jobs: Jobs) -> Result<()> {
        // Bounded, so that a slow worker holds back the source.
        let (sender, receiver) = sync_channel(self.workers);
        let receiver = Mutex::new(receiver);
        thread::scope(|scope| {
            for _ in 0..self.workers {
                scope.spawn(|| {
                    while let Some(job) = receive(&receiver) {
                        job.run();
                    }
                });
            }
            let _ = jobs.try_for_each(|job| sender.send(job));
            drop(sender);
        });
        Ok(())
    }
}

/// Receives a job. This separate function releases the lock before the job runs. A thread waits for a job with the lock
/// held, and the others wait for the lock, because a receiver of the standard library has one owner.
fn receive(receiver: &Mutex<Receiver<Job>>) -> Option<Job> {
    receiver.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}
