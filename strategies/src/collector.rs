//! Where jobs report: order of delivery, reduction while running, failures.

use crate::choice::{Cancel, Choice, Combine, Delivery};
use crate::error::Error;
use crate::shards::Shards;
use crate::worker_slots::{WorkerSlots, thread_number};
use crate::{Result, Span, Task};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::time::Instant;

/// What one job reports: its span, and its partial unless the worker's accumulator has it.
pub(crate) struct Reported<P> {
    pub(crate) span: Span,
    pub(crate) outcome: Result<Option<P>>,
}

/// Where all jobs of a run report, and from where they get their clock, their slot and their task.
///
/// Reporting never waits for a reduction. A report is put on a queue; where partials are delivered while running, the
/// reporter then empties the queue, unless somebody else is at it already. So no thread is needed that is not a worker,
/// and a pipeline whose last stage alone reports is also the only one to reduce.
pub(crate) struct Collector<T: Task> {
    /// This run among all of this process, from 1.
    pub(crate) run: u64,
    pub(crate) task: Arc<T>,
    pub(crate) combine: Combine,
    pub(crate) slots: WorkerSlots<T::Partial>,
    pub(crate) shards: Shards<T>,
    pub(crate) cancel: Cancel,
    delivery: Delivery,
    began: Instant,
    handed_out: AtomicU64,
    exhausted: AtomicBool,
    /// The threads that had to do with jobs: that cut, ran, shipped or delivered one.
    threads: Mutex<BTreeSet<u32>>,
    queue: Mutex<Vec<Reported<T::Partial>>>,
    delivered: Mutex<Delivered<T>>,
}

/// What has been delivered so far.
pub(crate) struct Delivered<T: Task> {
    pub(crate) total: T::Partial,
    /// In the order of delivery.
    pub(crate) spans: Vec<Span>,
    pub(crate) first_result_ns: Option<u64>,
    failures: Vec<(u64, Error)>,
    /// Early partials, waiting for those before them.
    early: BTreeMap<u64, Reported<T::Partial>>,
    next: u64,
}

impl<T: Task> Collector<T> {
    pub(crate) fn new(task: Arc<T>, choice: Choice, cancel: Cancel) -> Self {
        static RUNS: AtomicU64 = AtomicU64::new(1);
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        Collector {
            run,
            task,
            combine: choice.combine,
            slots: WorkerSlots::new(run),
            shards: Shards::new(),
            cancel,
            delivery: choice.delivery,
            began: Instant::now(),
            handed_out: AtomicU64::new(0),
            exhausted: AtomicBool::new(false),
            threads: Mutex::new(BTreeSet::new()),
            queue: Mutex::new(Vec::new()),
            delivered: Mutex::new(Delivered {
                total: T::Partial::default(),
                spans: Vec::new(),
                first_result_ns: None,
                failures: Vec::new(),
                early: BTreeMap::new(),
                next: 0,
            }),
        }
    }

    /// Notes that this thread had to do with a job: the census asks which threads did and which did not.
    pub(crate) fn note_thread(&self) {
        // Once per thread and run, so that a job does not pay for it.
        if NOTED_IN.replace(self.run) != self.run {
            self.threads.lock().unwrap_or_else(PoisonError::into_inner).insert(thread_number());
        }
    }

    /// The threads that had to do with jobs.
    pub(crate) fn threads(&self) -> Vec<u32> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    /// Nanoseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    pub(crate) fn hand_out(&self) -> u64 {
        self.handed_out.fetch_add(1, Ordering::Relaxed)
    }

    /// The source of jobs has ended, by itself or with an error at the partition that would have come next.
    pub(crate) fn exhaust(&self, error: Option<Error>) {
        self.exhausted.store(true, Ordering::Relaxed);
        if let Some(error) = error {
            let number = self.hand_out();
            let now = self.now();
            let span = Span { job: number, worker: 0, thread: 0, start_ns: now, end_ns: now, busy_ns: 0 };
            self.report(Reported { span, outcome: Err(error) });
        }
    }

    pub(crate) fn report(&self, reported: Reported<T::Partial>) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push(reported);
        if self.delivery == Delivery::Gather {
            return;
        }
        loop {
            let mut delivered = match self.delivered.try_lock() {
                Ok(delivered) => delivered,
                Err(TryLockError::WouldBlock) => return,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            };
            self.deliver(&mut delivered);
            drop(delivered);
            // Somebody may have queued a report and found the lock taken just before it was released.
            if self.queue.lock().unwrap_or_else(PoisonError::into_inner).is_empty() {
                return;
            }
        }
    }

    fn deliver(&self, delivered: &mut Delivered<T>) {
        loop {
            let batch = std::mem::take(&mut *self.queue.lock().unwrap_or_else(PoisonError::into_inner));
            if batch.is_empty() {
                return;
            }
            for reported in batch {
                if self.delivery == Delivery::AsCompleted {
                    delivered.take_in(reported, self.now());
                } else {
                    delivered.early.insert(reported.span.job, reported);
                }
            }
            let mut gathered = Vec::new();
            while let Some(mut reported) = delivered.early.remove(&delivered.next) {
                delivered.next += 1;
                if self.delivery == Delivery::Gather {
                    // All are there, so they are reduced together.
                    gathered.extend(reported.outcome.as_mut().ok().and_then(Option::take));
                }
                delivered.take_in(reported, self.now());
            }
            T::reduce_all(&mut delivered.total, gathered);
        }
    }

    /// Hands a worker's accumulator on to the shards, if there are any and it has become large.
    pub(crate) fn hand_on(&self, accumulator: &mut T::Partial) {
        if self.combine == Combine::Sharded && T::is_large(accumulator) {
            self.shards.add(std::mem::take(accumulator));
        }
    }

    /// How many of these jobs were begun after the run had been cancelled.
    fn late(&self, spans: &[Span]) -> u64 {
        let Some(when) = self.cancel.when() else { return 0 };
        let when = u64::try_from(when.saturating_duration_since(self.began).as_nanos()).unwrap_or(u64::MAX);
        spans.iter().filter(|span| span.start_ns > when).count() as u64
    }

    /// Everything that was reported, in the order chosen, or why there is no total. What workers keep in their slots and
    /// in shards is still to be added.
    pub(crate) fn collect(&self) -> Result<Delivered<T>> {
        let mut delivered = self.delivered.lock().unwrap_or_else(PoisonError::into_inner);
        self.deliver(&mut delivered);
        let handed_out = self.handed_out.load(Ordering::Relaxed);
        let reported = delivered.spans.len() as u64;
        delivered.failures.sort_by_key(|(number, _)| *number);
        let mut failures = std::mem::take(&mut delivered.failures).into_iter();
        if let Some((number, mut error)) = failures.next() {
            // The answer was good for the job that it was given for: so it was used twice.
            if let Error::Mismatched { answered } = error
                && delivered.spans.iter().any(|span| span.job == answered)
                && !failures.as_slice().iter().any(|(failed, _)| *failed == answered)
            {
                error = Error::Repeated { answered };
            }
            return Err(Error::Partition { number, others: failures.count() as u64, source: Box::new(error) });
        }
        if reported < handed_out {
            return Err(Error::Unfinished { missing: handed_out - reported, handed_out });
        }
        if self.cancel.is_cancelled() {
            return Err(Error::Cancelled { delivered: reported, late: self.late(&delivered.spans) });
        }
        if !self.exhausted.load(Ordering::Relaxed) {
            return Err(Error::Abandoned { handed_out });
        }
        Ok(Delivered {
            total: std::mem::take(&mut delivered.total),
            spans: std::mem::take(&mut delivered.spans),
            first_result_ns: delivered.first_result_ns,
            failures: Vec::new(),
            early: BTreeMap::new(),
            next: delivered.next,
        })
    }
}

thread_local! {
    /// The run in which this thread last had to do with a job.
    static NOTED_IN: Cell<u64> = const { Cell::new(0) };
}

impl<T: Task> Delivered<T> {
    fn take_in(&mut self, reported: Reported<T::Partial>, now: u64) {
        self.spans.push(reported.span);
        match reported.outcome {
            Ok(partial) => {
                if let Some(partial) = partial {
                    T::reduce(&mut self.total, partial);
                }
                self.first_result_ns.get_or_insert(now);
            }
            Err(error) => self.failures.push((reported.span.job, error)),
        }
    }
}
