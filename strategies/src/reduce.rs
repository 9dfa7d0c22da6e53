//! The final reduce, which turns the accumulators of the workers into the total.
//!
//! The strategy reduces accumulators in parallel by running more jobs. Such a job is a *merge* of one accumulator with
//! the shards, or of two accumulators. A merge has no span, because the reduce is a separate phase.

use crate::choice::Combine;
use crate::collector::{Collector, Delivered};
use crate::error::catch;
use crate::job::{Packing, Work};
use crate::lock::lock;
use crate::{Error, Job, Jobs, Reply, Report, Result, Task};
use std::sync::{Arc, Mutex};

/// The final reduce of one run.
pub(crate) struct Reduce<T: Task> {
    /// The reports of the jobs, after the first call of `collect`.
    collected: Option<Result<Delivered<T>>>,
    shared: Arc<Shared<T>>,
}

/// The state that a reduce and its merges share.
struct Shared<T: Task> {
    state: Mutex<State<T>>,
    collector: Arc<Collector<T>>,
}

/// The accumulators that are not yet in the total.
struct State<T: Task> {
    accumulators: Vec<T::Partial>,
    /// The number of merges that the last call of `merges` returned.
    planned: usize,
    /// The number of these merges that have not ended.
    missing: usize,
    panicked: Option<Error>,
}

impl<T: Task> Reduce<T> {
    pub(crate) fn new(collector: Arc<Collector<T>>) -> Self {
        let state = State { accumulators: Vec::new(), planned: 0, missing: 0, panicked: None };
        Reduce { collected: None, shared: Arc::new(Shared { state: Mutex::new(state), collector }) }
    }

    pub(crate) fn collector(&self) -> Arc<Collector<T>> {
        Arc::clone(&self.shared.collector)
    }

    /// Takes the reports on the first call.
    fn collect(&mut self) {
        if self.collected.is_none() {
            let collector = &self.shared.collector;
            self.collected = Some(collector.collect());
            let accumulators = collector.slots.accumulators();
            if !matches!(collector.combine, Combine::PerPartition | Combine::Progress) {
                lock(&self.shared.state).accumulators = accumulators;
            }
        }
    }

    /// Returns the next merges that can run in parallel. `None` if no merge is left or the run has failed.
    pub(crate) fn merges(&mut self) -> Option<Jobs> {
        self.collect();
        let mut state = lock(&self.shared.state);
        let per_merge = match self.shared.collector.combine {
            Combine::Tree => 2,
            Combine::Sharded => 1,
            _ => return None,
        };
        // `finish` reduces a single accumulator, because nothing could run at the same time.
        if state.missing > 0 || state.accumulators.len() < 2 || matches!(self.collected, Some(Err(_))) {
            return None;
        }
        let mut accumulators = std::mem::take(&mut state.accumulators);
        let odd = accumulators.len() % per_merge;
        state.accumulators = accumulators.split_off(accumulators.len() - odd);
        state.planned = accumulators.len() / per_merge;
        state.missing = state.planned;
        let mut accumulators = accumulators.into_iter();
        let merges: Vec<Job> = (0..state.planned as u64)
            .map(|number| {
                let accumulators = accumulators.by_ref().take(per_merge).collect();
                Job(Box::new(Merge { number, accumulators, shared: Arc::clone(&self.shared) }))
            })
            .collect();
        Some(Jobs::new(merges.into_iter()))
    }

    /// Returns the total together with the deliveries.
    pub(crate) fn finish(mut self) -> Result<Delivered<T>> {
        self.shared.collector.note_thread();
        self.collect();
        let mut delivered = self.collected.unwrap_or(Err(Error::Dropped))?;
        let mut state = lock(&self.shared.state);
        if let Some(error) = state.panicked.take() {
            return Err(error);
        }
        if state.missing > 0 {
            return Err(Error::Unreduced { missing: state.missing, planned: state.planned });
        }
        self.shared.collector.shards.add_to(&mut delivered.total);
        state.accumulators.drain(..).for_each(|accumulator| T::reduce(&mut delivered.total, accumulator));
        Ok(delivered)
    }
}

/// A job of the final reduce.
struct Merge<T: Task> {
    number: u64,
    /// One accumulator to add to the shards, or two to add to each other.
    accumulators: Vec<T::Partial>,
    shared: Arc<Shared<T>>,
}

impl<T: Task> Work for Merge<T> {
    fn number(&self) -> u64 {
        self.number
    }

    fn run(self: Box<Self>) {
        let Shared { state, collector } = &*self.shared;
        collector.note_thread();
        let mut accumulators = self.accumulators.into_iter();
        let merged = catch(|| {
            let mut first = accumulators.next().unwrap_or_default();
            let Some(second) = accumulators.next() else {
                collector.shards.add(first);
                return Ok(None);
            };
            T::reduce(&mut first, second);
            Ok(Some(first))
        });
        let mut state = lock(state);
        match merged {
            Ok(merged) => state.accumulators.extend(merged),
            Err(error) => state.panicked = Some(error),
        }
        state.missing -= 1;
    }

    fn map(self: Box<Self>) -> Report {
        self.run();
        Report(None)
    }

    /// Always fails, because shipping accumulators to another process takes longer than reducing them here.
    fn pack(&mut self, _: Packing) -> Result<Vec<u8>> {
        Err(Error::worker("accumulators are reduced in the process that has them"))
    }

    /// Merges here and ignores the reply, because `pack` has failed.
    fn finish(self: Box<Self>, _: Reply<'_>) {
        self.run();
    }
}
