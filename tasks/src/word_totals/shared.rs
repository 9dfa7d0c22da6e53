//! Totals per word that several threads change at the same time, as programs keep them.

use foldhash::fast::FixedState;
use kernels::bytes;
use kernels::words::{Run, WordTotals};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError, RwLock};
use strategies::Meter;

/// Totals per word that several threads change at the same time.
pub(super) trait SharedWords: Send + Sync + 'static {
    /// Adds the lines of `piece`, one by one.
    ///
    /// # Errors
    /// Returns the offset of the first malformed line.
    fn add(&self, piece: &[u8], meter: &mut Meter) -> Result<(), usize>;

    /// Adds all totals to `total`, after the last line.
    fn add_to(&self, total: &mut WordTotals);

    /// Returns `true` if a total exceeded `u64` and `add_to` does not say so.
    fn overflowed(&self) -> bool {
        false
    }
}

/// Tables behind one mutex each: one table for all words, or many, so that two workers seldom need the same one.
///
/// The tables are those of the plain loop. What differs is only the lock.
pub(super) struct Locked(Vec<Mutex<WordTotals>>);

impl Locked {
    /// Makes empty tables; their number is a power of two.
    pub(super) fn new(tables: usize) -> Self {
        Locked((0..tables).map(|_| Mutex::default()).collect())
    }
}

impl SharedWords for Locked {
    fn add(&self, piece: &[u8], meter: &mut Meter) -> Result<(), usize> {
        bytes::each_line(piece, |line| {
            let table = if self.0.len() == 1 { 0 } else { WordTotals::table_of(line.word()) % self.0.len() };
            meter.lock(&self.0[table], |totals| totals.add(line));
        })
    }

    fn add_to(&self, total: &mut WordTotals) {
        for table in &self.0 {
            total.absorb(std::mem::take(&mut table.lock().unwrap_or_else(PoisonError::into_inner)));
        }
    }
}

/// The hash function of the tables of the plain loop.
const HASHER: FixedState = FixedState::with_seed(0);

/// The total of a word in a map whose numbers change without a lock for the whole map.
struct Total(AtomicU64);

impl Total {
    /// Adds a count. `overflowed` becomes true if the sum exceeds `u64`.
    #[inline]
    fn raise(&self, count: u64, overflowed: &AtomicBool) {
        // The sum of several threads wraps exactly once, and the one that wraps it sees that.
        if self.0.fetch_add(count, Relaxed).checked_add(count).is_none() {
            overflowed.store(true, Relaxed);
        }
    }
}

/// A map behind a lock that readers share. A word that is there needs the lock only for reading, because its number is
/// atomic.
pub(super) struct ReadWrite {
    map: RwLock<HashMap<Box<[u8]>, Total, FixedState>>,
    overflowed: AtomicBool,
}

impl Default for ReadWrite {
    fn default() -> Self {
        ReadWrite { map: RwLock::new(HashMap::with_hasher(HASHER)), overflowed: AtomicBool::new(false) }
    }
}

impl SharedWords for ReadWrite {
    fn add(&self, piece: &[u8], meter: &mut Meter) -> Result<(), usize> {
        bytes::each_line(piece, |line| {
            meter.count();
            let raise = |total: &Total| total.raise(line.count, &self.overflowed);
            if meter.read(&self.map, |map| map.get(line.word()).map(raise)).is_none() {
                let new = || Total(AtomicU64::new(0));
                meter.write(&self.map, |mut map| raise(map.entry(line.word().into()).or_insert_with(new)));
            }
        })
    }

    fn add_to(&self, total: &mut WordTotals) {
        let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
        map.iter().for_each(|(word, sum)| total.add(Run::of(word, sum.0.load(Relaxed))));
    }

    fn overflowed(&self) -> bool {
        self.overflowed.load(Relaxed)
    }
}

/// A map of the library papaya: looking up takes no lock, and the numbers are atomic.
pub(super) struct Concurrent {
    map: papaya::HashMap<Box<[u8]>, Total, FixedState>,
    overflowed: AtomicBool,
}

impl Default for Concurrent {
    fn default() -> Self {
        Concurrent { map: papaya::HashMap::with_hasher(HASHER), overflowed: AtomicBool::new(false) }
    }
}

impl SharedWords for Concurrent {
    fn add(&self, piece: &[u8], meter: &mut Meter) -> Result<(), usize> {
        // One pin for many lines, as the library advises, because a pin costs more than a look-up.
        let map = self.map.pin();
        bytes::each_line(piece, |line| {
            meter.count();
            let total = match map.get(line.word()) {
                Some(total) => total,
                None => map.get_or_insert_with(line.word().into(), || Total(AtomicU64::new(0))),
            };
            total.raise(line.count, &self.overflowed);
        })
    }

    fn add_to(&self, total: &mut WordTotals) {
        self.map.pin().iter().for_each(|(word, sum)| total.add(Run::of(word, sum.0.load(Relaxed))));
    }

    fn overflowed(&self) -> bool {
        self.overflowed.load(Relaxed)
    }
}
