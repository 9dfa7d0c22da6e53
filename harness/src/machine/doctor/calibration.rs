//! Half a second of the machine: at rest to see the load of other programs, then at work to see how evenly it runs.

use super::counters::Counters;
use rustix::thread::{CpuSet, sched_setaffinity};
use std::hint::black_box;
use std::time::{Duration, Instant};
use system::sysfs::SystemFiles;

/// What was seen.
#[derive(Debug, Clone, Default)]
pub struct Calibration {
    /// The counters before it.
    pub before: Counters,
    /// After resting.
    pub rested: Counters,
    /// After working.
    pub worked: Counters,
    /// The share of its working time that the most disturbed processor lost, from 0 to 1: how much longer the same loop took
    /// on average than without disturbance. `None` if it could not be measured.
    pub lost: Option<f64>,
}

/// Long enough that the kernel's ticks of 10 ms do not matter.
const REST: Duration = Duration::from_millis(250);

/// How long each processor works.
const WORK: Duration = Duration::from_millis(200);

/// The beginning, which does not count because threads start and clock frequencies rise.
const START: Duration = Duration::from_millis(20);

/// Steps of one loop: about 0.1 ms, far longer than reading the clock. Each step writes to memory, so that the loop also
/// detects load on the sibling hyperthread, which the hypervisor does not count as stolen.
const STEPS: u64 = 200_000;

impl Calibration {
    /// Watches `processors`.
    pub fn run(files: &SystemFiles, processors: &[usize]) -> Self {
        let before = Counters::now(files, processors);
        std::thread::sleep(REST);
        let rested = Counters::now(files, processors);
        let lost = std::thread::scope(|scope| {
            let threads: Vec<_> = processors.iter().map(|processor| scope.spawn(|| lost(&loops(*processor)))).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok().flatten()).max_by(f64::total_cmp)
        });
        Calibration { before, rested, worked: Counters::now(files, processors), lost }
    }
}

/// How long the same loop took on `processor`, again and again; empty if this thread may not run there.
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

/// The share of the time that was lost, if each loop could have been as fast as the fastest hundredth.
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
    fn the_lost_share_is_what_the_slow_loops_took_longer() {
        let even = [Duration::from_micros(100); 50];
        assert_eq!(lost(&even), Some(0.0));
        let mut halted = even.to_vec();
        halted[7] += Duration::from_micros(5_000);
        assert!((lost(&halted).unwrap() - 0.5).abs() < 1e-9);
        assert_eq!(lost(&[]), None);
    }
}
