//! The heartbeat of a sample: how late a tick of 1 ms was while the jobs ran.

use crate::statistics::median;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How late a tick of 1 ms was while the jobs ran, corrected for coordinated omission: a tick that wakes late also counts for
/// every tick that became due meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Heartbeat {
    /// The number of ticks that were due.
    pub ticks: u64,
    /// The median lateness, in nanoseconds.
    pub p50_ns: u64,
    /// The lateness that 99 of 100 ticks did not exceed, in nanoseconds. With fewer than 100 ticks it is the longest.
    pub p99_ns: u64,
    /// The longest lateness, in nanoseconds.
    pub max_ns: u64,
    /// Whether the tick was a future of the strategy's own runtime. Otherwise it had a thread of its own.
    pub on_runtime: bool,
}

impl Heartbeat {
    /// Returns the heartbeat over several samples: the medians of the percentiles, the longest lateness, and all ticks. `None`
    /// without a sample.
    pub fn over(samples: &[Heartbeat]) -> Option<Heartbeat> {
        let middle = |of: fn(&Heartbeat) -> u64| {
            Some(median(&samples.iter().map(|it| of(it) as f64).collect::<Vec<_>>())? as u64)
        };
        Some(Heartbeat {
            ticks: samples.iter().map(|it| it.ticks).fold(0, u64::saturating_add),
            p50_ns: middle(|it| it.p50_ns)?,
            p99_ns: middle(|it| it.p99_ns)?,
            max_ns: samples.iter().map(|it| it.max_ns).max()?,
            on_runtime: samples.iter().all(|it| it.on_runtime),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_samples_have_median_percentiles_and_the_longest_lateness() {
        let beat = |p99_ns, max_ns| Heartbeat { ticks: 100, p50_ns: 1, p99_ns, max_ns, on_runtime: true };
        let over = Heartbeat::over(&[beat(5, 90), beat(70, 80), beat(6, 6)]);
        assert_eq!(over, Some(Heartbeat { ticks: 300, ..beat(6, 90) }));
        assert_eq!(Heartbeat::over(&[]), None);
    }
}
