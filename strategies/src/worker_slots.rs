//! Worker slots identify the worker of each job, and hold the accumulators of the workers.
//!
//! A strategy does not name the worker of a job. Therefore a job takes a slot at its start and returns the slot at its
//! end. The number of slots is at most the number of jobs in progress at the same time. A thread gets its last slot
//! again if that slot is free, so a lane of a trace is almost always one thread.

use crate::lock::lock;
use std::cell::Cell;
use std::sync::Mutex;

/// The slots of one run. `None` in `free` marks a slot that a job has taken.
pub(crate) struct WorkerSlots<A> {
    run: u64,
    free: Mutex<Vec<Option<A>>>,
}

/// A slot that a job has taken.
pub(crate) struct WorkerSlot<A> {
    pub(crate) number: u32,
    pub(crate) accumulator: A,
}

thread_local! {
    /// The run in which this thread last had a slot, and that slot.
    static LAST: Cell<(u64, usize)> = const { Cell::new((0, 0)) };
    /// The operating system's number of this thread, cached because each job needs it.
    static THREAD: u32 = rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
}

/// Returns the operating system's number of this thread.
pub(crate) fn thread_number() -> u32 {
    THREAD.with(|number| *number)
}

impl<A: Default> WorkerSlots<A> {
    pub(crate) fn new(run: u64) -> Self {
        WorkerSlots { run, free: Mutex::new(Vec::new()) }
    }

    pub(crate) fn take(&self) -> WorkerSlot<A> {
        let mut free = lock(&self.free);
        let (run, last) = LAST.get();
        let number = if run == self.run && free.get(last).is_some_and(Option::is_some) {
            last
        } else {
            free.iter().position(Option::is_some).unwrap_or_else(|| {
                free.push(Some(A::default()));
                free.len() - 1
            })
        };
        let accumulator = free[number].take().unwrap_or_default();
        WorkerSlot { number: u32::try_from(number).unwrap_or(u32::MAX), accumulator }
    }

    pub(crate) fn give_back(&self, slot: WorkerSlot<A>) {
        let number = slot.number as usize;
        lock(&self.free)[number] = Some(slot.accumulator);
        LAST.set((self.run, number));
    }

    /// Returns the accumulators in the order of the slots. Call this after the last job has ended.
    pub(crate) fn accumulators(&self) -> Vec<A> {
        lock(&self.free).drain(..).flatten().collect()
    }
}
