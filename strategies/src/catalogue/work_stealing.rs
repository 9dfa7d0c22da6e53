//! Each thread has a deque of jobs and steals from the others when its own is empty.
//!
//! Good when: partitions differ in length, and the threads should not meet at one lock for each job.
//! Bad when:  the source is slow or never ends, because all jobs are cut before the first one runs.
//! In the trace: lanes end together; the last spans of a lane are jobs stolen from others.

use crossbeam::deque::{Steal, Stealer, Worker};
use std::iter::repeat_with;
use std::thread;
use strategies::{Job, Jobs, Result, Setup, Workers};

struct WorkStealing {
    workers: usize,
}

/// Each run spawns its threads, which end when all deques are empty. The calling thread is one of the workers.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    Ok(Box::new(WorkStealing { workers: setup.workers.get() }))
}

impl Workers for WorkStealing {
    fn run(&mut self, jobs: Jobs) -> Result<()> {
        let mut deques: Vec<Worker<Job>> = repeat_with(Worker::new_fifo).take(self.workers).collect();
        for (nth, job) in jobs.enumerate() {
            deques[nth % self.workers].push(job);
        }
        let stealers: Vec<Stealer<Job>> = deques.iter().map(Worker::stealer).collect();
        let work = |own: Worker<Job>| {
            while let Some(job) = own.pop().or_else(|| steal(&stealers)) {
                job.run();
            }
        };
        let own = deques.pop();
        thread::scope(|scope| {
            for deque in deques {
                scope.spawn(|| work(deque));
            }
            own.into_iter().for_each(work);
        });
        Ok(())
    }

    fn splits_in_advance(&self) -> bool {
        true
    }
}

/// Takes a job of any other thread. `None` only if all deques are empty, because a steal that loses a race tries again.
fn steal(stealers: &[Stealer<Job>]) -> Option<Job> {
    let one_round = || stealers.iter().map(Stealer::steal).collect::<Steal<Job>>();
    repeat_with(one_round).find(|steal| !steal.is_retry()).and_then(Steal::success)
}
