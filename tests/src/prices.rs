//! What a strategy costs over its twin: the two in turn, so that whatever drifts hits both.

use crate::twins;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};
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
    /// Where that median is with 95 % confidence, whatever the distribution: two order statistics (David and Nagaraja,
    /// "Order Statistics", 2003, section 7.1).
    pub ratio_within: (f64, f64),
    /// How many pairs there were.
    pub pairs: usize,
}

/// Runs both in turn, after one round that does not count: at least 31 times, then until the ratio is known within one
/// percent, or for about `patience`.
///
/// # Errors
/// When either fails.
pub fn price<T: Task>(
    strategy: &Strategy,
    task: &Arc<T>,
    size: NonZeroUsize,
    workers: NonZeroUsize,
    worker: &WorkerCommand,
    patience: Duration,
) -> Result<Price>
where
    T::Partial: Sync,
{
    let mut up = (strategy.start)(&Setup { workers, worker: Some(worker.clone()) })?;
    let mut twin = twins::start::<T>(strategy.name, workers.get(), worker)?;
    let choice = Choice { size, delivery: Delivery::Gather, combine: Combine::PerPartition };
    let (mut strategies, mut twins) = (Vec::new(), Vec::new());
    let started = Instant::now();
    for round in 0.. {
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
        let (low, high) = median_within(ratios(&strategies, &twins));
        if round >= 31 && (high - low < 0.02 || started.elapsed() > patience) {
            break;
        }
    }
    let (strategies, twins) = (&strategies[1..], &twins[1..]);
    Ok(Price {
        difference_ns: median(strategies.iter().zip(twins).map(|(strategy, twin)| strategy - twin).collect()),
        ratio: median(ratios(strategies, twins)),
        ratio_within: median_within(ratios(strategies, twins)),
        strategy_ns: median(strategies.to_vec()),
        twin_ns: median(twins.to_vec()),
        pairs: strategies.len(),
    })
}

fn ratios(strategies: &[f64], twins: &[f64]) -> Vec<f64> {
    strategies.iter().zip(twins).map(|(strategy, twin)| strategy / twin).collect()
}

/// Between which two of the values the true median lies with 95 % confidence.
fn median_within(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let count = values.len() as f64;
    // The number of values below the true median is binomial; 0.98 is half of 1.96.
    let low = (count / 2.0 - 0.98 * count.sqrt()).floor().max(0.0) as usize;
    let high = values.len().saturating_sub(low + 1);
    (values.get(low).copied().unwrap_or(f64::NAN), values.get(high).copied().unwrap_or(f64::NAN))
}

/// The value in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
