//! Checks whether one untimed run was enough to warm up.

use super::interval::Interval;
use super::verdict::alone;
use super::{MARGIN, median};
use schemars::JsonSchema;
use serde::Serialize;

/// The times of one process's runs, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Process<'a> {
    /// The untimed run before the samples. `None` if the record lacks it.
    pub untimed: Option<f64>,
    /// The samples by index.
    pub timed: &'a [f64],
}

/// The verdict on the warm-up of a cell's processes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum WarmUp {
    /// Too few processes have two samples or more.
    Unknown,
    /// The first timed sample is not significantly slower than the later ones.
    Enough {
        /// The untimed run's time divided by that of the later samples. `None` if the record lacks the untimed run.
        untimed: Option<f64>,
    },
    /// The first timed sample is significantly slower than the later ones, by [`MARGIN`] or more. One untimed run is
    /// not enough, and medians over all samples are too high.
    TooLittle {
        /// The first sample's time divided by that of the later samples.
        first: f64,
        /// The interval of `first`.
        interval: Interval,
    },
}

/// Compares the first timed sample with the median of the later ones, paired by process; see
/// [`super::against_the_fastest`] for strategies paired by block.
pub fn warm_up(processes: &[Process]) -> WarmUp {
    let later: Vec<(&Process, f64)> =
        processes.iter().filter_map(|process| Some((process, median(process.timed.get(1..)?)?))).collect();
    let first: Vec<f64> = later.iter().map(|(process, later)| (process.timed[0] / later).ln()).collect();
    let Some(logarithms) = alone(&first) else {
        return WarmUp::Unknown;
    };
    let first = f64::midpoint(logarithms.low, logarithms.high).exp();
    if logarithms.low > 0.0 && first >= 1.0 + MARGIN {
        return WarmUp::TooLittle {
            first,
            interval: Interval { low: logarithms.low.exp(), high: logarithms.high.exp() },
        };
    }
    let untimed: Vec<f64> = later.iter().filter_map(|(process, later)| Some((process.untimed? / later).ln())).collect();
    WarmUp::Enough { untimed: median(&untimed).map(f64::exp) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Noise;
    use fastrand::Rng;

    /// The number of sessions, of 200, with the verdict [`WarmUp::TooLittle`]. Each has eight processes with three
    /// samples.
    fn cold(first: f64) -> usize {
        let mut random = Rng::with_seed(8);
        let noise = Noise::normal(0.03, 0.5);
        let mut session = || {
            let mut samples: Vec<Vec<f64>> = (0..8).map(|_| noise.process(100.0, 3, &mut random)).collect();
            for process in &mut samples {
                process[0] *= first;
            }
            let processes: Vec<Process> = samples.iter().map(|timed| Process { untimed: None, timed }).collect();
            matches!(warm_up(&processes), WarmUp::TooLittle { .. })
        };
        (0..200).filter(|_| session()).count()
    }

    #[test]
    fn only_a_slower_first_sample_gives_too_little() {
        assert!(cold(1.0) <= 10, "{} of 200", cold(1.0));
        assert!(cold(1.10) >= 190, "{} of 200", cold(1.10));
    }

    #[test]
    fn the_untimed_run_is_reported_if_it_is_recorded() {
        let timed = [[10.0, 10.1], [10.1, 10.0], [10.0, 10.0], [9.9, 10.0], [10.0, 9.9]];
        let with = |untimed| timed.iter().map(|timed| Process { untimed, timed }).collect::<Vec<_>>();
        assert_eq!(warm_up(&with(None)), WarmUp::Enough { untimed: None });
        let WarmUp::Enough { untimed: Some(untimed) } = warm_up(&with(Some(20.0))) else {
            panic!("{:?}", warm_up(&with(Some(20.0))));
        };
        assert!((untimed - 2.0).abs() < 1e-9);
    }

    #[test]
    fn with_single_samples_or_few_processes_the_verdict_is_unknown() {
        let single = [Process { untimed: Some(9.0), timed: &[5.0] }; 9];
        assert_eq!(warm_up(&single), WarmUp::Unknown);
        let few = [Process { untimed: None, timed: &[9.0, 5.0, 5.0] }; 4];
        assert_eq!(warm_up(&few), WarmUp::Unknown);
        assert_eq!(warm_up(&[Process { untimed: None, timed: &[] }]), WarmUp::Unknown);
    }
}
