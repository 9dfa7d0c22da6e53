//! What a strategy costs over its twin: the two in turn, so that whatever drifts hits both.

use crate::twins;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use strategies::{AnyTask, Cancel, Choice, Combine, Delivery, Result, Setup, Strategy, Task, WorkerCommand};

/// The times of a strategy and of its twin, next to each other in time, in nanoseconds.
pub type Pairs = Vec<(f64, f64)>;

/// Medians of both, in nanoseconds, and of the difference and ratio of neighbouring runs.
#[derive(Debug, Clone, Copy)]
pub struct Price {
    /// The strategy's median.
    pub strategy_ns: f64,
    /// Its twin's.
    pub twin_ns: f64,
    /// The median over processes of their median difference between neighbours.
    pub difference_ns: f64,
    /// The median over processes of their median ratio between neighbours.
    pub ratio: f64,
    /// Where that median is with 95 % confidence, whatever the distribution of processes: two order statistics (David
    /// and Nagaraja, "Order Statistics", 2003, section 7.1). Fewer than six processes do not reach so far.
    pub ratio_within: (f64, f64),
    /// How many pairs there were.
    pub pairs: usize,
    /// In how many processes.
    pub processes: usize,
}

impl Price {
    /// What the pairs of several processes say.
    pub fn of(processes: &[Pairs]) -> Self {
        let each = |figure: fn(&(f64, f64)) -> f64| -> Vec<f64> {
            processes.iter().map(|pairs| median(pairs.iter().map(figure).collect())).collect()
        };
        let all: Pairs = processes.concat();
        let ratios = each(|(strategy, twin)| strategy / twin);
        Price {
            strategy_ns: median(all.iter().map(|(strategy, _)| *strategy).collect()),
            twin_ns: median(all.iter().map(|(_, twin)| *twin).collect()),
            difference_ns: median(each(|(strategy, twin)| strategy - twin)),
            ratio: median(ratios.clone()),
            ratio_within: median_within(ratios),
            pairs: all.len(),
            processes: processes.len(),
        }
    }
}

/// Runs both in turn for about `patience`, at least ten times after one round that does not count.
///
/// # Errors
/// When either fails.
pub fn pairs<T: Task>(
    strategy: &Strategy,
    task: &Arc<T>,
    size: NonZeroUsize,
    workers: NonZeroUsize,
    worker: &WorkerCommand,
    patience: Duration,
) -> Result<Pairs>
where
    T::Partial: Sync,
{
    let mut up = (strategy.start)(&Setup { workers, worker: Some(worker.clone()) })?;
    let mut twin = twins::start::<T>(strategy.name, workers.get(), worker)?;
    let choice = Choice { size, delivery: Delivery::Gather, combine: Combine::PerPartition };
    let mut pairs = Pairs::new();
    let started = Instant::now();
    while pairs.len() <= 10 || started.elapsed() < patience {
        let (mut own, mut its) = (0.0, 0.0);
        // Each goes first every other time, for the second of two finds the caches warm.
        for second in [false, true] {
            let began = Instant::now();
            if pairs.len().is_multiple_of(2) == second {
                let (outcome, _) = strategies::run(task as &dyn AnyTask, &mut *up, choice, &Cancel::default())?;
                own = began.elapsed().as_nanos() as f64;
                drop(outcome);
            } else {
                let total = twin.run(task, size)?;
                its = began.elapsed().as_nanos() as f64;
                drop(total);
            }
        }
        pairs.push((own, its));
    }
    Ok(pairs.split_off(1))
}

/// Between which two of the values the true median lies with 95 % confidence.
fn median_within(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    // The number of values below the true median is binomial. So many may be left out at either end.
    let count = values.len();
    let mut tail = 0.5_f64.powi(i32::try_from(count).unwrap_or(i32::MAX));
    let (mut below, mut out) = (tail, 0);
    while out + 1 < count.div_ceil(2) {
        tail *= (count - out) as f64 / (out + 1) as f64;
        if below + tail > 0.025 {
            break;
        }
        below += tail;
        out += 1;
    }
    // `out` values lie below the one that is taken only if no more than 2.5 % of samples do so.
    let bounds = (values.get(out), values.get(count.saturating_sub(out + 1)));
    (bounds.0.copied().unwrap_or(f64::NAN), bounds.1.copied().unwrap_or(f64::NAN))
}

/// The value in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
