//! The overhead of a strategy over its twin. The two alternate, so that drift affects both equally.

use crate::twins;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use strategies::{AnyTask, Cancel, Choice, Combine, Delivery, Result, Setup, Strategy, Task, WorkerCommand};

/// Times of a strategy and of its twin in neighbouring runs, in nanoseconds.
pub type Pairs = Vec<(f64, f64)>;

/// The overhead of a strategy over its twin, from several processes.
///
/// For each process, the shortest time of either side is used, because the overhead is constant and disturbances only add
/// to it (J. Chen and J. Revels, "Robust benchmarking in noisy environments", 2016). The figures are medians over several
/// processes, because the memory layout is fixed within a process and differs between processes.
#[derive(Debug, Clone, Copy)]
pub struct Overhead {
    /// The strategy's time in nanoseconds.
    pub strategy_ns: f64,
    /// The twin's time in nanoseconds.
    pub twin_ns: f64,
    /// The difference of the two times in nanoseconds.
    pub difference_ns: f64,
    /// The strategy's time divided by the twin's.
    pub ratio: f64,
    /// The ratio's 95 % interval for any distribution of processes: two order statistics (David and Nagaraja, "Order
    /// Statistics", 2003, section 7.1). The interval needs at least six processes.
    pub ratio_within: (f64, f64),
    /// Number of pairs.
    pub pairs: usize,
    /// Number of processes.
    pub processes: usize,
}

impl Overhead {
    /// Computes the overhead from the pairs of several processes.
    pub fn of(processes: &[Pairs]) -> Self {
        let least = |side: fn(&(f64, f64)) -> f64| -> Vec<f64> {
            processes.iter().map(|pairs| pairs.iter().map(side).fold(f64::INFINITY, f64::min)).collect()
        };
        let (strategies, twins) = (least(|pair| pair.0), least(|pair| pair.1));
        let both = |figure: fn(f64, f64) -> f64| -> Vec<f64> {
            strategies.iter().zip(&twins).map(|(strategy, twin)| figure(*strategy, *twin)).collect()
        };
        let ratios = both(|strategy, twin| strategy / twin);
        Overhead {
            difference_ns: median(both(|strategy, twin| strategy - twin)),
            ratio: median(ratios.clone()),
            ratio_within: median_within(ratios),
            strategy_ns: median(strategies),
            twin_ns: median(twins),
            pairs: processes.iter().map(Vec::len).sum(),
            processes: processes.len(),
        }
    }
}

/// Alternates between strategy and twin for about `duration`. Returns at least ten pairs; a first pair is untimed.
pub fn pairs<T: Task>(
    strategy: &Strategy,
    task: &Arc<T>,
    size: NonZeroUsize,
    workers: NonZeroUsize,
    worker: &WorkerCommand,
    duration: Duration,
) -> Result<Pairs>
where
    T::Partial: Sync,
{
    let mut up = (strategy.start)(&Setup { workers, worker: Some(worker.clone()) })?;
    let mut twin = twins::start::<T>(strategy.name, workers.get(), worker)?;
    let choice = Choice { size, delivery: Delivery::Gather, combine: Combine::PerPartition };
    let mut pairs = Pairs::new();
    let started = Instant::now();
    while pairs.len() <= 10 || started.elapsed() < duration {
        let (mut own, mut its) = (0.0, 0.0);
        // The order alternates, because the second run finds warm caches.
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

/// The two values between which the true median lies with 95 % confidence.
fn median_within(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    // The number of values below the true median is binomial. `out` values can be left out at either end.
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
    let bounds = (values.get(out), values.get(count.saturating_sub(out + 1)));
    (bounds.0.copied().unwrap_or(f64::NAN), bounds.1.copied().unwrap_or(f64::NAN))
}

/// The upper median of the values.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
