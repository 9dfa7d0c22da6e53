//! Ways to keep a sum that several threads raise at the same time.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError, RwLock};
use strategies::Meter;

/// A sum that several threads raise at the same time.
pub(super) trait Counters: Send + Sync + 'static {
    /// Adds `more` on behalf of a worker.
    fn add(&self, worker: u32, more: u64, meter: &mut Meter);

    /// Returns the sum of all that was added.
    fn sum(&self) -> u64;
}

/// A number behind a mutex.
#[derive(Default)]
pub(super) struct Locked(Mutex<u64>);

impl Counters for Locked {
    #[inline]
    fn add(&self, _: u32, more: u64, meter: &mut Meter) {
        meter.lock(&self.0, |sum| *sum += more);
    }

    fn sum(&self) -> u64 {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number behind a lock that readers could share. Every update writes, so none is shared.
#[derive(Default)]
pub(super) struct ReadWrite(RwLock<u64>);

impl Counters for ReadWrite {
    #[inline]
    fn add(&self, _: u32, more: u64, meter: &mut Meter) {
        meter.count();
        meter.write(&self.0, |mut sum| *sum += more);
    }

    fn sum(&self) -> u64 {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One atomic number for all workers.
impl Counters for AtomicU64 {
    #[inline]
    fn add(&self, _: u32, more: u64, meter: &mut Meter) {
        meter.count();
        self.fetch_add(more, Relaxed);
    }

    fn sum(&self) -> u64 {
        self.load(Relaxed)
    }
}

/// The number of counters; a power of two. With more workers, some share a counter.
const COUNTERS: usize = 64;

/// A counter for each worker. Eight of them share a cache line, so that two workers that never use the same counter take
/// the line from each other: false sharing.
#[repr(align(64))]
pub(super) struct Neighbours([AtomicU64; COUNTERS]);

/// A counter for each worker, on cache lines of its own. Processors fetch lines of 64 bytes in pairs, so that 128 bytes
/// separate two counters.
#[derive(Default)]
#[repr(align(128))]
struct Apart(AtomicU64);

/// A counter for each worker, padded.
pub(super) struct Padded([Apart; COUNTERS]);

impl Default for Neighbours {
    fn default() -> Self {
        Neighbours(std::array::from_fn(|_| AtomicU64::default()))
    }
}

impl Default for Padded {
    fn default() -> Self {
        Padded(std::array::from_fn(|_| Apart::default()))
    }
}

impl Counters for Neighbours {
    #[inline]
    fn add(&self, worker: u32, more: u64, meter: &mut Meter) {
        meter.count();
        self.0[worker as usize % COUNTERS].fetch_add(more, Relaxed);
    }

    fn sum(&self) -> u64 {
        self.0.iter().map(|counter| counter.load(Relaxed)).sum()
    }
}

impl Counters for Padded {
    #[inline]
    fn add(&self, worker: u32, more: u64, meter: &mut Meter) {
        meter.count();
        self.0[worker as usize % COUNTERS].0.fetch_add(more, Relaxed);
    }

    fn sum(&self) -> u64 {
        self.0.iter().map(|counter| counter.0.load(Relaxed)).sum()
    }
}
