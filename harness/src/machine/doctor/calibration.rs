//! Watches the machine for half a second. A pause shows the load of other programs. A loop on every core then shows how
//! evenly the cores run.

use super::counters::Counters;
use rustix::thread::{CpuSet, sched_setaffinity};
use std::hint::black_box;
use std::thread::Builder;
use std::time::{Duration, Instant};
use system::sysfs::SystemFiles;

/// The result of the calibration.
#[derive(Debug, Clone, Default)]
pub struct Calibration {
    /// The counters before calibration.
    pub before: Counters,
    /// The counters after the pause.
    pub rested: Counters,
    /// The counters after the loops.
    pub worked: Counters,
    /// The share of working time (0 to 1) that the most disturbed core lost, compared with undisturbed loops.
    /// `None` if the share could not be measured.
    pub lost: Option<f64>,
}

/// The length of the pause, far longer than the kernel's tick of 10 ms.
const REST: Duration = Duration::from_millis(250);

/// The time for which each processor runs measured loops.
const WORK: Duration = Duration::from_millis(200);

/// The time before the first measured loop, while threads start and clock frequencies rise.
const START: Duration = Duration::from_millis(20);

/// The steps of one loop. A loop takes about 0.1 ms, far longer than reading the clock. Each step writes to memory, so
/// that the loop also detects load on the sibling hyperthread. The hypervisor does not report that load as stolen time.
const STEPS: u64 = 200_000;

impl Calibration {
    /// Watches `processors` at rest and at work.
    pub fn run(files: &SystemFiles, processors: &[usize]) -> Self {
        let before = Counters::now(files, processors);
        std::thread::sleep(REST);
        let rested = Counters::now(files, processors);
        let lost = std::thread::scope(|scope| {
            let test = |processor| Builder::new().spawn_scoped(scope, move || lost(&loops(processor)));
            // If the kernel refuses a thread, the share stays unknown.
            let threads: std::io::Result<Vec<_>> = processors.iter().copied().map(test).collect();
            threads.ok()?.into_iter().filter_map(|thread| thread.join().ok().flatten()).max_by(f64::total_cmp)
        });
        Calibration { before, rested, worked: Counters::now(files, processors), lost }
    }
}

/// Runs the loop repeatedly on `processor` and returns each duration. Returns nothing if this thread may not run there.
fn loops(processor: usize) -> Vec<Duration> {
    let mut only = CpuSet::new();
    only.set(processor);
    if sched_setaffinity(None, &only).is_err() {
        return Vec::new();
    }
    let began = Instant::now();
    let mut times = Vec::new();
    while began.elapsed() < START + WORK {
        let one = Instant::now();
        for step in 0..STEPS {
            black_box(step);
        }
        if began.elapsed() > START {
            times.push(one.elapsed());
        }
    }
    times
}

/// Returns the share of the total time that was lost. The reference for every loop is the first percentile of the
/// durations.
fn lost(times: &[Duration]) -> Option<f64> {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let undisturbed = sorted.get(sorted.len() / 100)?.as_secs_f64() * sorted.len() as f64;
    let all: f64 = sorted.iter().map(Duration::as_secs_f64).sum();
    (all > 0.0).then(|| (1.0 - undisturbed / all).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lost_share_is_the_extra_time_of_slow_loops() {
        let even = [Duration::from_micros(100); 50];
        assert_eq!(lost(&even), Some(0.0));
        let mut halted = even.to_vec();
        halted[7] += Duration::from_micros(5_000);
        assert!((lost(&halted).unwrap() - 0.5).abs() < 1e-9);
        assert_eq!(lost(&[]), None);
    }
}
