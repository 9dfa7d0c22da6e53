//! What a strategy costs over its twin: the two in turn, so that whatever drifts hits both.

use crate::twins;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;
use strategies::{AnyTask, Cancel, Choice, Combine, Delivery, Result, Setup, Strategy, Task, WorkerCommand};

/// Medians of both, in nanoseconds, and of the difference and ratio of neighbouring runs.
#[derive(Debug, Clone, Copy)]
pub struct Price {
    /// The strategy's median.
    pub strategy_ns: f64,
    /// Its twin's.
    pub twin_ns: f64,
    /// The median of the differences between neighbours.
    pub difference_ns: f64,
    /// The median of the ratios between neighbours.
    pub ratio: f64,
}

/// Runs both `rounds` times, in turn, after one round that does not count.
///
/// # Errors
/// When either fails.
pub fn price<T: Task>(
    strategy: &Strategy,
    task: &Arc<T>,
    size: NonZeroUsize,
    workers: NonZeroUsize,
    worker: &WorkerCommand,
    rounds: usize,
) -> Result<Price>
where
    T::Partial: Sync,
{
    let mut up = (strategy.start)(&Setup { workers, worker: Some(worker.clone()) })?;
    let mut twin = twins::start::<T>(strategy.name, workers.get(), worker)?;
    let choice = Choice { size, delivery: Delivery::Gather, combine: Combine::PerPartition };
    let (mut strategies, mut twins) = (Vec::new(), Vec::new());
    for round in 0..=rounds {
        // Each goes first every other time, for the second of two finds the caches warm.
        for second in [false, true] {
            let began = Instant::now();
            if (round % 2 == 0) == second {
                let (outcome, _) = strategies::run(task as &dyn AnyTask, &mut *up, choice, &Cancel::default())?;
                strategies.push(began.elapsed().as_nanos() as f64);
                drop(outcome);
            } else {
                let total = twin.run(task, size)?;
                twins.push(began.elapsed().as_nanos() as f64);
                drop(total);
            }
        }
    }
    strategies.remove(0);
    twins.remove(0);
    let pairs = || strategies.iter().zip(&twins);
    Ok(Price {
        difference_ns: median(pairs().map(|(strategy, twin)| strategy - twin).collect()),
        ratio: median(pairs().map(|(strategy, twin)| strategy / twin).collect()),
        strategy_ns: median(strategies.clone()),
        twin_ns: median(twins.clone()),
    })
}

/// The value in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
