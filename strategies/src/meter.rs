//! What the updates of a shared total cost: how many there are, how long workers wait for its locks and hold them.

use crate::lock::lock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{LazyLock, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, TryLockError};
use std::time::{Duration, Instant};

/// What the updates of a shared total cost in one run, summed over all workers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Contention {
    /// The number of updates.
    pub updates: u64,
    /// How often a worker found a lock taken.
    pub contended: u64,
    /// The time until workers had a lock, in nanoseconds: an estimate from some of the updates.
    pub waited_ns: u64,
    /// The time for which workers held a lock, in nanoseconds: an estimate from the same updates.
    pub held_ns: u64,
}

/// The contention that all jobs of a run add up.
#[derive(Default)]
pub(crate) struct Tally {
    updates: AtomicU64,
    contended: AtomicU64,
    waited_ns: AtomicU64,
    held_ns: AtomicU64,
    /// The number of finished partitions, if the run counts them.
    finished: Mutex<u64>,
}

impl Tally {
    /// Adds a finished partition to the count.
    pub(crate) fn finish_one(&self) {
        let mut meter = Meter::start();
        meter.lock(&self.finished, |finished| *finished += 1);
        self.add(meter);
    }

    /// Adds what one job did.
    pub(crate) fn add(&self, meter: Meter) {
        let Contention { updates, contended, waited_ns, held_ns } = meter.end();
        self.updates.fetch_add(updates, Relaxed);
        self.contended.fetch_add(contended, Relaxed);
        self.waited_ns.fetch_add(waited_ns, Relaxed);
        self.held_ns.fetch_add(held_ns, Relaxed);
    }

    /// Returns the sums so far.
    pub(crate) fn sums(&self) -> Contention {
        Contention {
            updates: self.updates.load(Relaxed),
            contended: self.contended.load(Relaxed),
            waited_ns: self.waited_ns.load(Relaxed),
            held_ns: self.held_ns.load(Relaxed),
        }
    }
}

/// One locked update of this number is timed. An update takes about as long as two readings of the clock, so that timing all
/// of them would measure the clock.
const EVERY: u64 = 64;

/// Notes what the updates of one job cost.
pub struct Meter {
    began: Instant,
    updates: u64,
    contended: u64,
    locked: u64,
    timed: u64,
    waited: Duration,
    held: Duration,
}

impl Meter {
    pub(crate) fn start() -> Self {
        let (waited, held) = (Duration::ZERO, Duration::ZERO);
        Meter { began: Instant::now(), updates: 0, contended: 0, locked: 0, timed: 0, waited, held }
    }

    /// Counts an update that needs no lock of ours.
    #[inline]
    pub fn count(&mut self) {
        self.updates += 1;
    }

    /// Updates what a mutex protects.
    #[inline]
    pub fn lock<V>(&mut self, mutex: &Mutex<V>, update: impl FnOnce(&mut V)) {
        self.count();
        self.holding(|| free(mutex.try_lock()), || lock(mutex), |mut value| update(&mut value));
    }

    /// Uses what a lock protects together with other readers. The guard ends with `used`.
    #[inline]
    pub fn read<V, R>(&mut self, lock: &RwLock<V>, used: impl FnOnce(RwLockReadGuard<V>) -> R) -> R {
        self.holding(|| free(lock.try_read()), || lock.read().unwrap_or_else(PoisonError::into_inner), used)
    }

    /// Changes what a lock protects while nobody reads.
    #[inline]
    pub fn write<V, R>(&mut self, lock: &RwLock<V>, used: impl FnOnce(RwLockWriteGuard<V>) -> R) -> R {
        self.holding(|| free(lock.try_write()), || lock.write().unwrap_or_else(PoisonError::into_inner), used)
    }

    /// Takes a lock and passes it to `used`, which releases it.
    #[inline]
    fn holding<G, R>(
        &mut self,
        free: impl FnOnce() -> Option<G>,
        wait: impl FnOnce() -> G,
        used: impl FnOnce(G) -> R,
    ) -> R {
        let nth = self.locked;
        self.locked += 1;
        if !nth.is_multiple_of(EVERY) {
            let guard = free().unwrap_or_else(|| self.wait(wait));
            return used(guard);
        }
        let asked = Instant::now();
        let guard = free().unwrap_or_else(|| self.wait(wait));
        let taken = Instant::now();
        let result = used(guard);
        // The clock is read after the release, so that timing does not make others wait.
        self.held += taken.elapsed();
        self.waited += taken - asked;
        self.timed += 1;
        result
    }

    #[inline]
    fn wait<G>(&mut self, wait: impl FnOnce() -> G) -> G {
        self.contended += 1;
        wait()
    }

    /// Returns the cost of all updates, from those that were timed.
    fn end(self) -> Contention {
        let Meter { updates, contended, locked, timed, .. } = self;
        let all = |timed_time: Duration| {
            let own = timed_time.as_nanos() as f64 - timed as f64 * *CLOCK_NS;
            own.max(0.0) * locked as f64 / timed.max(1) as f64
        };
        let (waited, held) = (all(self.waited), all(self.held));
        // A timed update that was interrupted counts many times. No job waits longer than it lasts.
        let fits = (self.began.elapsed().as_nanos() as f64 / (waited + held).max(1.0)).min(1.0);
        Contention { updates, contended, waited_ns: (waited * fits) as u64, held_ns: (held * fits) as u64 }
    }
}

/// The time between two readings of the clock, in nanoseconds: the least of many.
static CLOCK_NS: LazyLock<f64> = LazyLock::new(|| {
    let pair = |_| Instant::now().elapsed().as_nanos() as f64;
    (0..1000).map(pair).fold(f64::INFINITY, f64::min)
});

/// Returns the guard of a lock that is free.
fn free<G>(tried: std::result::Result<G, TryLockError<G>>) -> Option<G> {
    match tried {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_update_is_counted_and_no_job_waits_longer_than_it_lasts() {
        let (mutex, tally, began) = (Mutex::new(0u64), Tally::default(), Instant::now());
        std::thread::scope(|scope| {
            for _ in 0..5 {
                scope.spawn(|| {
                    let mut meter = Meter::start();
                    (0..10_000).for_each(|_| meter.lock(&mutex, |value| *value += 1));
                    tally.add(meter);
                });
            }
        });
        let sums = tally.sums();
        assert_eq!((*lock(&mutex), sums.updates), (50_000, 50_000));
        assert!(sums.contended <= sums.updates);
        assert!(sums.waited_ns + sums.held_ns <= 5 * began.elapsed().as_nanos() as u64, "{sums:?}");
    }

    #[test]
    fn a_lock_that_is_taken_is_counted_and_its_wait_is_timed() {
        let mut meter = Meter::start();
        let wait = || std::thread::sleep(Duration::from_millis(1));
        (0..EVERY + 1).for_each(|_| meter.holding(|| None, wait, |()| ()));
        meter.holding(|| Some(()), || unreachable!("the lock is free"), |()| ());
        assert_eq!((meter.contended, meter.timed), (EVERY + 1, 2));
        // A sleep never ends early, so the two timed waits take at least two milliseconds.
        assert!(meter.waited >= Duration::from_millis(2), "{:?}", meter.waited);
        let (began, sums) = (meter.began, meter.end());
        let whole_ns = began.elapsed().as_nanos() as u64;
        assert!(sums.waited_ns > 0 && sums.waited_ns + sums.held_ns <= whole_ns, "{sums:?} in {whole_ns} ns");
    }
}
