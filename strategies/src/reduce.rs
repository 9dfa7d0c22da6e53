//! The final reduce: what workers have kept in their slots becomes the total.
//!
//! Where accumulators are added up in parallel, the strategy does it: it is given jobs once more. Such a job is a *merge*,
//! of one accumulator with the shards or of two with each other. It has no span, for the reduce is a bar of its own.

use crate::choice::Combine;
use crate::collector::{Collector, Delivered};
use crate::error::panic_message;
use crate::job::{Deliver, Work};
use crate::{Error, Job, Jobs, Reply, Report, Result, Task};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The final reduce of one run.
pub(crate) struct Reduce<T: Task> {
    collector: Arc<Collector<T>>,
    /// What the jobs have reported, once somebody has asked.
    collected: Option<Result<Delivered<T>>>,
    kept: Arc<Kept<T>>,
}

/// Accumulators on their way into the total.
struct Kept<T: Task> {
    state: Mutex<State<T>>,
    collector: Arc<Collector<T>>,
}

struct State<T: Task> {
    accumulators: Vec<T::Partial>,
    /// Merges that have not been done yet, of so many.
    missing: usize,
    planned: usize,
    panicked: Option<Error>,
}

impl<T: Task> Kept<T> {
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Task> Reduce<T> {
    pub(crate) fn new(collector: Arc<Collector<T>>) -> Self {
        let state = State { accumulators: Vec::new(), missing: 0, planned: 0, panicked: None };
        let kept = Arc::new(Kept { state: Mutex::new(state), collector: Arc::clone(&collector) });
        Reduce { collector, collected: None, kept }
    }

    pub(crate) fn collector(&self) -> Arc<Collector<T>> {
        Arc::clone(&self.collector)
    }

    /// Looks at what was reported, the first time that it is called.
    fn collect(&mut self) {
        if self.collected.is_none() {
            self.collected = Some(self.collector.collect());
            let accumulators = self.collector.slots.accumulators();
            if self.collector.combine != Combine::PerPartition {
                self.kept.state().accumulators = accumulators;
            }
        }
    }

    /// The next merges that can be done at once; none if there are none, or if the run has failed.
    pub(crate) fn merges(&mut self) -> Option<Jobs> {
        self.collect();
        let mut state = self.kept.state();
        let at_once = match self.collector.combine {
            Combine::Tree => 2,
            Combine::Sharded => 1,
            Combine::PerPartition | Combine::PerWorker => return None,
        };
        // A single accumulator is reduced here: nobody could do it at the same time.
        if state.missing > 0 || state.accumulators.len() < 2 || matches!(self.collected, Some(Err(_))) {
            return None;
        }
        let mut accumulators = std::mem::take(&mut state.accumulators);
        let odd = accumulators.len() % at_once;
        state.accumulators = accumulators.split_off(accumulators.len() - odd);
        state.planned = accumulators.len() / at_once;
        state.missing = state.planned;
        let mut accumulators = accumulators.into_iter();
        let merges: Vec<Job> = (0..state.planned as u64)
            .map(|number| {
                let accumulators = accumulators.by_ref().take(at_once).collect();
                Job(Box::new(Merge { number, accumulators, kept: Arc::clone(&self.kept) }))
            })
            .collect();
        Some(Jobs::new(merges.into_iter()))
    }

    /// The total, and all that was delivered on the way to it.
    pub(crate) fn finish(mut self) -> Result<Delivered<T>> {
        self.collect();
        let mut delivered = self.collected.unwrap_or(Err(Error::Dropped))?;
        let mut state = self.kept.state();
        if let Some(error) = state.panicked.take() {
            return Err(error);
        }
        if state.missing > 0 {
            return Err(Error::Unreduced { missing: state.missing, planned: state.planned });
        }
        self.collector.shards.add_to(&mut delivered.total);
        state.accumulators.drain(..).for_each(|accumulator| T::reduce(&mut delivered.total, accumulator));
        Ok(delivered)
    }
}

/// A job of the final reduce.
struct Merge<T: Task> {
    number: u64,
    /// One for the shards, or two for each other.
    accumulators: Vec<T::Partial>,
    kept: Arc<Kept<T>>,
}

impl<T: Task> Merge<T> {
    fn perform(self) {
        let Merge { accumulators, kept, .. } = self;
        kept.collector.note_thread();
        let mut accumulators = accumulators.into_iter();
        // Asserting unwind safety is sound: after a panic the run has failed, and nobody reads what is left.
        let merged = catch_unwind(AssertUnwindSafe(|| {
            let mut first = accumulators.next().unwrap_or_default();
            match accumulators.next() {
                Some(second) => {
                    T::reduce(&mut first, second);
                    Some(first)
                }
                None => {
                    kept.collector.shards.add(first);
                    None
                }
            }
        }));
        let mut state = kept.state();
        match merged {
            Ok(merged) => state.accumulators.extend(merged),
            Err(panic) => state.panicked = Some(Error::Panicked(panic_message(&*panic))),
        }
        state.missing -= 1;
    }
}

impl<T: Task> Work for Merge<T> {
    fn number(&self) -> u64 {
        self.number
    }

    fn run(self: Box<Self>) {
        self.perform();
    }

    fn map(self: Box<Self>) -> Report {
        self.perform();
        Report(Box::new(Nothing))
    }

    /// Never: the accumulators are here, and to ship them there and back would take longer than to reduce them.
    fn pack(&mut self) -> Result<Vec<u8>> {
        Err(Error::worker("accumulators are reduced in the process that has them"))
    }

    /// So it is done here, by whoever wanted to ship it, whatever the reply.
    fn finish(self: Box<Self>, _: Reply) {
        self.perform();
    }
}

/// A merge has nothing to deliver that it has not left behind already.
struct Nothing;

impl Deliver for Nothing {
    fn deliver(self: Box<Self>) {}
}
