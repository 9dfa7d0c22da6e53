//! A new thread for each job, like the book's first listings with a process for each call.
//!
//! Good when: there are few jobs, and each takes far longer than starting a thread.
//! Bad when:  partitions are small, because each pays for a thread.
//! In the trace: many short gaps between spans, each as long as starting a thread.

use std::collections::VecDeque;
use std::thread;
use strategies::{Jobs, Result, Setup, Workers};

struct ThreadsPerJob {
    workers: usize,
}

/// Starts nothing, because each job brings its thread.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    Ok(Box::new(ThreadsPerJob { workers: setup.workers.get() }))
}

impl Workers for ThreadsPerJob {
    fn run(&mut self, jobs: Jobs) -> Result<()> {
        thread::scope(|scope| {
            let mut running = VecDeque::new();
            for job in jobs {
                // The oldest thread is awaited, as in a list of calls. A long job therefore holds up those after it.
                if running.len() == self.workers {
                    let _ = running.pop_front().map(thread::ScopedJoinHandle::join);
                }
                running.push_back(scope.spawn(|| job.run()));
            }
        });
        Ok(())
    }
}
