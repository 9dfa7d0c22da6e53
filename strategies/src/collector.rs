//! The collector, to which jobs report. It handles the order of delivery, the reduction during the run, and failures.

use crate::choice::{Cancel, Choice, Combine, Delivery};
use crate::error::Error;
use crate::lock::lock;
use crate::meter::Tally;
use crate::shards::Shards;
use crate::wire::Shipped;
use crate::worker_slots::{WorkerSlots, thread_number};
use crate::{Result, Shared, Span, Task};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, TryLockError};
use std::time::Instant;

/// The report of one job: its span, and its partial unless the worker's accumulator contains the partial.
pub(crate) struct Reported<P> {
    pub(crate) span: Span,
    pub(crate) outcome: Result<Option<P>>,
}

/// Collects the reports of the jobs of a run, and provides the jobs with a clock, slots and the task.
///
/// Reporting never waits for a reduction, because a report goes into a queue. If partials are delivered during the run,
/// the reporting thread then empties the queue, unless another thread is doing so. Thus no thread besides the workers
/// is necessary. A pipeline that reports only in its last stage also reduces only there.
pub(crate) struct Collector<T: Task> {
    /// The number of this run among all runs of this process, from 1.
    pub(crate) run: u64,
    pub(crate) task: Arc<T>,
    pub(crate) combine: Combine,
    pub(crate) slots: WorkerSlots<T::Partial>,
    pub(crate) shards: Shards<T>,
    /// The total that workers change while they map, if the run has one.
    pub(crate) shared: Option<Arc<dyn Shared<T>>>,
    pub(crate) tally: Tally,
    pub(crate) cancel: Cancel,
    delivery: Delivery,
    began: Instant,
    handed_out: AtomicU64,
    exhausted: AtomicBool,
    /// The threads that cut, ran, shipped or delivered a job, or computed the total.
    threads: Mutex<BTreeSet<u32>>,
    shipped: Mutex<Shipped>,
    queue: Mutex<Vec<Reported<T::Partial>>>,
    delivered: Mutex<Delivered<T>>,
}

/// The deliveries so far.
pub(crate) struct Delivered<T: Task> {
    pub(crate) total: T::Partial,
    /// The spans in the order of delivery.
    pub(crate) spans: Vec<Span>,
    /// The time of each delivery, in the order of `spans`.
    pub(crate) delivered_ns: Vec<u64>,
    pub(crate) first_result_ns: Option<u64>,
    failures: Vec<(u64, Error)>,
    /// The reports that wait for earlier ones.
    early: BTreeMap<u64, Reported<T::Partial>>,
    next: u64,
}

impl<T: Task> Collector<T> {
    pub(crate) fn new(task: Arc<T>, choice: Choice, cancel: Cancel) -> Result<Self> {
        static RUNS: AtomicU64 = AtomicU64::new(1);
        let run = RUNS.fetch_add(1, Ordering::Relaxed);
        let shared = choice.combine.is_shared().then(|| task.shared(choice.combine)).transpose()?;
        Ok(Collector {
            run,
            task,
            combine: choice.combine,
            slots: WorkerSlots::new(run),
            shards: Shards::new(),
            shared,
            tally: Tally::default(),
            cancel,
            delivery: choice.delivery,
            began: Instant::now(),
            handed_out: AtomicU64::new(0),
            exhausted: AtomicBool::new(false),
            threads: Mutex::new(BTreeSet::new()),
            shipped: Mutex::default(),
            queue: Mutex::new(Vec::new()),
            delivered: Mutex::new(Delivered::new()),
        })
    }

    /// Records that this thread handled a job. The thread census looks for threads that work but handle no job.
    pub(crate) fn note_thread(&self) {
        // Each thread takes the lock only once per run, so that jobs do not pay for the lock.
        if NOTED_IN.replace(self.run) != self.run {
            lock(&self.threads).insert(thread_number());
        }
    }

    /// Returns the threads that handled a job or computed the total.
    pub(crate) fn threads(&self) -> Vec<u32> {
        lock(&self.threads).iter().copied().collect()
    }

    /// Records what a job shipped.
    pub(crate) fn note_shipped(&self, shipped: Shipped) {
        lock(&self.shipped).add(shipped);
    }

    /// Takes what the jobs of the run shipped; `None` if they shipped nothing.
    pub(crate) fn shipped(&self) -> Option<Shipped> {
        Some(std::mem::take(&mut *lock(&self.shipped))).filter(|shipped| shipped.sent_bytes > 0)
    }

    /// Returns the nanoseconds since the run began.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    pub(crate) fn hand_out(&self) -> u64 {
        self.handed_out.fetch_add(1, Ordering::Relaxed)
    }

    /// Returns a span of zero length for a job that was never in progress. The span names slot 0, which every run has.
    pub(crate) fn moment(&self, job: u64) -> Span {
        let now = self.now();
        Span { job, worker: 0, thread: 0, start_ns: now, end_ns: now, busy_ns: 0 }
    }

    /// Records the end of the source of jobs. `error` is the error that replaced the next partition, if any.
    pub(crate) fn exhaust(&self, error: Option<Error>) {
        self.exhausted.store(true, Ordering::Relaxed);
        if let Some(error) = error {
            let span = self.moment(self.hand_out());
            self.report(Reported { span, outcome: Err(error) });
        }
    }

    pub(crate) fn report(&self, reported: Reported<T::Partial>) {
        lock(&self.queue).push(reported);
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
            // Repeats, because another thread may have queued a report and found the lock taken just before its
            // release.
            if lock(&self.queue).is_empty() {
                return;
            }
        }
    }

    fn deliver(&self, delivered: &mut Delivered<T>) {
        loop {
            let batch = std::mem::take(&mut *lock(&self.queue));
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
                    // All partials have arrived and are reduced together.
                    gathered.extend(reported.outcome.as_mut().ok().and_then(Option::take));
                }
                delivered.take_in(reported, self.now());
            }
            T::reduce_all(&mut delivered.total, gathered);
        }
    }

    /// Adds a worker's accumulator to the shards, if the run has shards and the accumulator is large.
    pub(crate) fn hand_on(&self, accumulator: &mut T::Partial) {
        if self.combine == Combine::Sharded && T::is_large(accumulator) {
            self.shards.add(std::mem::take(accumulator));
        }
    }

    /// Returns the number of these jobs that began after the run was cancelled.
    fn late(&self, spans: &[Span]) -> u64 {
        let Some(when) = self.cancel.when() else { return 0 };
        let when = u64::try_from(when.saturating_duration_since(self.began).as_nanos()).unwrap_or(u64::MAX);
        spans.iter().filter(|span| span.start_ns > when).count() as u64
    }

    /// Returns all reports in the chosen order, or the error that prevents a total. The result does not yet include the
    /// accumulators in the slots and the shards.
    pub(crate) fn collect(&self) -> Result<Delivered<T>> {
        let mut delivered = lock(&self.delivered);
        self.deliver(&mut delivered);
        let handed_out = self.handed_out.load(Ordering::Relaxed);
        let reported = delivered.spans.len() as u64;
        delivered.failures.sort_by_key(|(number, _)| *number);
        let mut failures = std::mem::take(&mut delivered.failures).into_iter();
        if let Some((number, mut error)) = failures.next() {
            // The right job succeeded with this answer, so the answer was used twice.
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
        Ok(std::mem::replace(&mut *delivered, Delivered::new()))
    }
}

thread_local! {
    /// The run in which this thread last handled a job.
    static NOTED_IN: Cell<u64> = const { Cell::new(0) };
}

impl<T: Task> Delivered<T> {
    fn new() -> Self {
        Delivered {
            total: T::Partial::default(),
            spans: Vec::new(),
            delivered_ns: Vec::new(),
            first_result_ns: None,
            failures: Vec::new(),
            early: BTreeMap::new(),
            next: 0,
        }
    }

    fn take_in(&mut self, reported: Reported<T::Partial>, now: u64) {
        self.spans.push(reported.span);
        self.delivered_ns.push(now);
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
