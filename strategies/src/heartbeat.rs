//! A heartbeat: how late a tick of one millisecond is while the jobs run.
//!
//! It beats where an application would keep something responsive: as one more future of the strategy's runtime, or on a plain
//! thread if the strategy has no runtime. A job that blocks the runtime delays the tick.
//!
//! The lateness is free of *coordinated omission* (Gil Tene, "How NOT to Measure Latency"): ticks are due at fixed times, and a
//! tick that wakes late also notes every tick that became due meanwhile. One stall of 50 ms is therefore 50 late ticks and not
//! one among thousands. HdrHistogram's `recordValueWithExpectedInterval` adds the same values afterwards.

use crate::lock::lock;
use std::future::Future;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The time from one tick to the next, in nanoseconds.
const INTERVAL_NS: u64 = 1_000_000;

/// How late the ticks of a run were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lateness {
    /// The number of ticks that were due.
    pub ticks: u64,
    /// The median, in nanoseconds.
    pub p50_ns: u64,
    /// The lateness that 99 of 100 ticks did not exceed, in nanoseconds. With fewer than 100 ticks it is the longest.
    pub p99_ns: u64,
    /// The longest, in nanoseconds.
    pub max_ns: u64,
    /// Whether the heart beat on the runtime of the strategy, and not on a thread of its own.
    pub on_runtime: bool,
}

/// The heart of one run. Clones share it.
#[derive(Clone)]
pub(crate) struct Heart(Arc<Shared>);

struct Shared {
    clock: Instant,
    ticks: Mutex<Ticks>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Heart {
    pub(crate) fn new() -> Self {
        Heart(Arc::new(Shared { clock: Instant::now(), ticks: Mutex::default(), thread: Mutex::default() }))
    }

    /// Beats in this future until the run ends.
    pub(crate) fn beat<S: Future + Send>(
        self,
        sleep: impl Fn(Duration) -> S + Send + 'static,
    ) -> impl Future<Output = ()> + Send {
        lock(&self.0.ticks).start(self.now(), true);
        async move {
            while let Some(wait) = self.tick() {
                sleep(wait).await;
            }
        }
    }

    /// Beats on a thread of its own until the run ends. If no thread can start, there is no heartbeat.
    pub(crate) fn beat_on_a_thread(self) {
        lock(&self.0.ticks).start(self.now(), false);
        let heart = self.clone();
        let beat = move || {
            while let Some(wait) = heart.tick() {
                thread::park_timeout(wait);
            }
        };
        let started = thread::Builder::new().name("heartbeat".to_owned()).spawn(beat).ok();
        if started.is_none() {
            *lock(&self.0.ticks) = Ticks::default();
        }
        *lock(&self.0.thread) = started;
    }

    /// Notes the ticks that are due. Returns the time until the next one, or `None` after the run.
    fn tick(&self) -> Option<Duration> {
        lock(&self.0.ticks).note(self.now()).map(Duration::from_nanos)
    }

    /// Ends the heartbeat. Ticks that are due now and did not happen count too. `None` if no tick was due.
    pub(crate) fn end(&self) -> Option<Lateness> {
        let lateness = lock(&self.0.ticks).end(self.now());
        if let Some(thread) = lock(&self.0.thread).take() {
            thread.thread().unpark();
            // The thread runs no code that panics.
            let _ = thread.join();
        }
        lateness
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.clock.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// The ticks of a run. Times are given, so that a test needs no clock.
#[derive(Default)]
struct Ticks {
    /// When the next tick is due; `None` before the heart beats.
    due_ns: Option<u64>,
    late_ns: Vec<u64>,
    on_runtime: bool,
    ended: bool,
}

impl Ticks {
    fn start(&mut self, now_ns: u64, on_runtime: bool) {
        self.due_ns = Some(now_ns + INTERVAL_NS);
        self.on_runtime = on_runtime;
    }

    /// Notes every tick that is due. Returns the time until the next one, or `None` after the end.
    fn note(&mut self, now_ns: u64) -> Option<u64> {
        let due_ns = self.due_ns.as_mut().filter(|_| !self.ended)?;
        while *due_ns <= now_ns {
            self.late_ns.push(now_ns - *due_ns);
            *due_ns += INTERVAL_NS;
        }
        Some(*due_ns - now_ns)
    }

    fn end(&mut self, now_ns: u64) -> Option<Lateness> {
        self.note(now_ns);
        self.ended = true;
        self.late_ns.sort_unstable();
        let late =
            |percent: usize| self.late_ns.get((self.late_ns.len() * percent).div_ceil(100).checked_sub(1)?).copied();
        Some(Lateness {
            ticks: self.late_ns.len() as u64,
            p50_ns: late(50)?,
            p99_ns: late(99)?,
            max_ns: late(100)?,
            on_runtime: self.on_runtime,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Notes ticks at these times, in milliseconds, and ends at the last of them.
    fn lateness(wakes_ms: &[u64]) -> Option<Lateness> {
        let mut ticks = Ticks::default();
        ticks.start(0, true);
        let (last, wakes) = wakes_ms.split_last()?;
        wakes.iter().for_each(|ms| _ = ticks.note(ms * INTERVAL_NS));
        ticks.end(last * INTERVAL_NS)
    }

    #[test]
    fn a_stall_counts_for_every_tick_that_it_delays() {
        let on_time: Vec<u64> = (1..=100).collect();
        let late = lateness(&on_time).unwrap();
        assert_eq!((late.ticks, late.p50_ns, late.p99_ns, late.max_ns), (100, 0, 0, 0));
        // A stall of 50 ms among 150 ticks. If it counted once, the 99th percentile would be 0.
        let stalled: Vec<u64> = (1..=50).chain(100..=150).collect();
        let late = lateness(&stalled).unwrap();
        assert_eq!((late.ticks, late.p50_ns), (150, 0));
        assert_eq!((late.p99_ns / INTERVAL_NS, late.max_ns / INTERVAL_NS), (48, 49));
    }

    #[test]
    fn ticks_that_never_happen_are_late_until_the_run_ends() {
        let late = lateness(&[20]).unwrap();
        assert_eq!((late.ticks, late.p50_ns / INTERVAL_NS, late.max_ns / INTERVAL_NS), (20, 9, 19));
    }

    #[test]
    fn a_heart_that_does_not_beat_and_a_run_without_a_tick_have_no_lateness() {
        assert_eq!(Ticks::default().end(50 * INTERVAL_NS), None);
        assert_eq!(lateness(&[0]), None);
    }

    #[test]
    fn a_wake_before_its_time_waits_for_the_rest_and_one_after_the_end_counts_nothing() {
        let mut ticks = Ticks::default();
        ticks.start(500, false);
        assert_eq!(ticks.note(400_500), Some(600_000));
        assert_eq!(ticks.note(INTERVAL_NS + 500), Some(INTERVAL_NS));
        let late = ticks.end(INTERVAL_NS + 600).unwrap();
        assert_eq!((late.ticks, late.max_ns, late.on_runtime), (1, 0, false));
        assert_eq!(ticks.note(90 * INTERVAL_NS), None);
    }
}
