//! A pipeline of threads joined by flume channels: cut, map, reduce.
//!
//! Good when: cutting is slow, such as reading from a database, because it overlaps with mapping.
//! Bad when:  partitions are tiny, because each crosses two channels.
//! In the trace: lanes end together; gaps before spans mean that cutting is the bottleneck.

use flume::bounded;
use std::thread;
use strategies::{Jobs, Report, Result, Setup, Workers};

struct Channel {
    workers: usize,
}

/// Each run spawns its threads; a stage ends after the stage before it.
pub fn start(setup: &Setup) -> Result<Box<dyn Workers>> {
    Ok(Box::new(Channel { workers: setup.workers.get() }))
}

impl Workers for Channel {
    fn run(&mut self, jobs: Jobs) -> Result<()> {
        // Bounded, so that a stage waits while the next one is busy.
        let (cut, to_map) = bounded(self.workers);
        let (mapped, to_reduce) = bounded(self.workers);
        thread::scope(|scope| {
            for _ in 0..self.workers {
                let (to_map, mapped) = (to_map.clone(), mapped.clone());
                scope.spawn(move || to_map.iter().try_for_each(|job: strategies::Job| mapped.send(job.map())));
            }
            // Only the threads may hold these ends, because a channel closes with its last sender.
            drop((to_map, mapped));
            scope.spawn(move || {
                let mut jobs = jobs;
                jobs.try_for_each(|job| cut.send(job))
            });
            to_reduce.iter().for_each(Report::deliver);
        });
        Ok(())
    }
}
