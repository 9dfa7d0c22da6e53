//! A total to which all workers add at the same time. It consists of shards with one lock each.

use crate::Task;
use crate::lock::lock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, TryLockError};

/// The shards of the total of one run.
pub(crate) struct Shards<T: Task> {
    totals: Vec<Mutex<T::Partial>>,
    /// Determines the first shard of the next addition, so that two workers do not begin with the same shard.
    next: AtomicUsize,
}

impl<T: Task> Shards<T> {
    pub(crate) fn new() -> Self {
        Shards { totals: (0..T::SHARDS).map(|_| Mutex::default()).collect(), next: AtomicUsize::new(0) }
    }

    /// Adds a partial, part by part. Shards that another worker has locked come last.
    pub(crate) fn add(&self, partial: T::Partial) {
        let mut parts: Vec<(&Mutex<T::Partial>, T::Partial)> = self.totals.iter().zip(T::split(partial)).collect();
        // A step of three sevenths is far from the previous additions, and never begins at the same shard twice in a
        // row.
        let begin = self.next.fetch_add(parts.len() * 3 / 7 + 1, Ordering::Relaxed) % parts.len().max(1);
        parts.rotate_left(begin);
        let mut taken = Vec::new();
        for (total, part) in parts {
            match total.try_lock() {
                Ok(mut total) => T::reduce(&mut total, part),
                Err(TryLockError::WouldBlock) => taken.push((total, part)),
                Err(TryLockError::Poisoned(total)) => T::reduce(&mut total.into_inner(), part),
            }
        }
        for (total, part) in taken {
            T::reduce(&mut lock(total), part);
        }
    }

    /// Adds all shards to a total, after the last job has ended.
    pub(crate) fn add_to(&self, total: &mut T::Partial) {
        for shard in &self.totals {
            T::reduce(total, std::mem::take(&mut lock(shard)));
        }
    }
}
