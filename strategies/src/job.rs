//! A job: one partition that already knows where to report.
//!
//! It reports exactly once, however it ends: with its partial and its span, whether it was run here, run elsewhere and
//! answered, failed, panicked or was dropped. So order, traces, errors, panics and verification live here, once, and a
//! strategy shows nothing but its library's idiom.

use crate::choice::Combine;
use crate::collector::{Collector, Reported};
use crate::error::{Error, panic_message};
use crate::source::{Source, Waiting};
use crate::wire::{self, Ticket};
use crate::worker_slots::{WorkerSlot, thread_number};
use crate::{Partitions, Result, Span, Task};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::Poll;

/// One partition on its way through a strategy; or, in the end, two accumulators to be reduced: see `reduce.rs`.
pub struct Job(pub(crate) Box<dyn Work>);

/// The jobs of one run, cut as they are pulled: pulling slowly is back-pressure. An iterator, for whoever pulls from a
/// thread; a future awaits [`next_when`](Jobs::next_when).
pub struct Jobs(Box<dyn Source<Job>>);

impl Jobs {
    /// The jobs of a source, which any iterator is.
    pub fn new(source: impl Source<Job> + 'static) -> Self {
        Jobs(Box::new(source))
    }

    /// Whether they come from a socket, so that [`next_when`](Jobs::next_when) may have to await it. Ask before the first
    /// is pulled.
    pub fn may_wait(&self) -> bool {
        self.0.as_ref().waits_for().is_some()
    }

    /// The next job, without holding up this thread: `ready` awaits a socket by the means of the caller's runtime. It may
    /// be ready too early, but not too late.
    ///
    /// # Errors
    /// When the runtime cannot await that socket.
    pub async fn next_when(&mut self, ready: impl AsyncFn(Waiting<'_>) -> io::Result<()>) -> Result<Option<Job>> {
        loop {
            if let Poll::Ready(job) = self.0.as_mut().try_pull() {
                return Ok(job);
            }
            if let Some(waiting) = self.0.as_ref().waits_for() {
                let failed = |error| Error::worker(format!("this runtime cannot await a connection: {error}"));
                ready(waiting).await.map_err(failed)?;
            }
        }
    }
}

impl Iterator for Jobs {
    type Item = Job;

    fn next(&mut self) -> Option<Job> {
        self.0.as_mut().pull()
    }
}

/// What a worker that shares no memory answers; [`wire::reply`] reads it from a frame.
pub struct Reply {
    /// What it is the answer to; absent if there was no answer.
    pub(crate) ticket: Option<Ticket>,
    /// The process that answered.
    pub(crate) process: u32,
    /// How long the task itself took there, in nanoseconds.
    pub(crate) busy_ns: u64,
    /// The partial as bytes, or why there is none.
    pub(crate) outcome: Result<Vec<u8>>,
}

impl Reply {
    /// No answer came, and why.
    pub fn failed(error: Error) -> Self {
        Reply { ticket: None, process: 0, busy_ns: 0, outcome: Err(error) }
    }
}

impl Job {
    /// The partition's place in the input, counted from 0.
    pub fn number(&self) -> u64 {
        self.0.number()
    }

    /// Runs here and now, on this thread, and reports.
    pub fn run(self) {
        self.0.run();
    }

    /// Runs here and now, on this thread, and leaves it to another stage of a pipeline to deliver the report.
    pub fn map(self) -> Report {
        self.0.map()
    }

    /// The request to a worker that shares no memory: a ticket, then the partition. The job's span begins here.
    ///
    /// # Errors
    /// When the partition cannot be encoded.
    pub fn pack(&mut self) -> Result<Vec<u8>> {
        self.0.pack()
    }

    /// Reports what such a worker answered, or that it did not.
    pub fn finish(self, reply: Reply) {
        self.0.finish(reply);
    }
}

/// What a finished job has to say, not yet said.
pub struct Report(pub(crate) Box<dyn Deliver>);

impl Report {
    /// Says it: from here the partial is on its way into the total.
    pub fn deliver(self) {
        self.0.deliver();
    }
}

pub(crate) trait Work: Send {
    fn number(&self) -> u64;
    fn run(self: Box<Self>);
    fn map(self: Box<Self>) -> Report;
    fn pack(&mut self) -> Result<Vec<u8>>;
    fn finish(self: Box<Self>, reply: Reply);
}

pub(crate) trait Deliver: Send {
    fn deliver(self: Box<Self>);
}

/// A job of a task that is known.
struct Typed<T: Task> {
    number: u64,
    /// Taken when the work is done.
    partition: Option<T::Partition>,
    /// The slot and the start, from the moment the job is under way.
    under_way: Option<(WorkerSlot<T::Partial>, u64)>,
    reported: bool,
    collector: Arc<Collector<T>>,
}

/// Where a job was done that was not done here.
struct Elsewhere {
    process: u32,
    busy_ns: u64,
}

impl<T: Task> Typed<T> {
    /// What an answer must name to be an answer to this job.
    fn ticket(&self) -> Ticket {
        Ticket { run: self.collector.run, number: self.number }
    }

    fn begin(&mut self) {
        self.collector.note_thread();
        self.under_way = Some((self.collector.slots.take(), self.collector.now()));
    }

    /// Ends the job: `combine` may add to the slot's accumulator, and says what is left to report.
    fn end(
        &mut self,
        elsewhere: Option<Elsewhere>,
        combine: impl FnOnce(&mut T::Partial) -> Result<Option<T::Partial>>,
    ) -> Reported<T::Partial> {
        self.reported = true;
        let Some((mut slot, start_ns)) = self.under_way.take() else {
            // Never begun: a span of no length, on the slot that somebody has anyway.
            let now = self.collector.now();
            let span = Span { job: self.number, worker: 0, thread: 0, start_ns: now, end_ns: now, busy_ns: 0 };
            return Reported { span, outcome: Err(Error::Dropped) };
        };
        let outcome = combine(&mut slot.accumulator);
        let end_ns = self.collector.now();
        let span = Span {
            job: self.number,
            worker: slot.number,
            thread: elsewhere.as_ref().map_or_else(thread_number, |elsewhere| elsewhere.process),
            start_ns,
            end_ns,
            busy_ns: elsewhere.map_or(end_ns - start_ns, |elsewhere| elsewhere.busy_ns),
        };
        self.collector.slots.give_back(slot);
        Reported { span, outcome }
    }

    fn perform(&mut self) -> Reported<T::Partial> {
        self.begin();
        let collector = Arc::clone(&self.collector);
        let partition = self.partition.take();
        self.end(None, |accumulator| {
            let partition = partition.ok_or(Error::Dropped)?;
            // Asserting unwind safety is sound: after a panic the run has failed, and nobody reads the accumulator.
            let outcome = catch_unwind(AssertUnwindSafe(|| match collector.combine {
                Combine::PerPartition => {
                    let mut partial = T::Partial::default();
                    collector.task.map(partition, &mut partial).map(|()| Some(partial))
                }
                _ => {
                    collector.task.map(partition, accumulator)?;
                    collector.hand_on(accumulator);
                    Ok(None)
                }
            }));
            outcome.unwrap_or_else(|panic| Err(Error::Panicked(panic_message(&*panic))))
        })
    }

    /// Adds a partial that was made elsewhere, or keeps it as the one to report.
    fn settle(collector: &Collector<T>, partial: T::Partial, accumulator: &mut T::Partial) -> Option<T::Partial> {
        if collector.combine == Combine::PerPartition {
            return Some(partial);
        }
        T::reduce(accumulator, partial);
        collector.hand_on(accumulator);
        None
    }
}

impl<T: Task> Work for Typed<T> {
    fn number(&self) -> u64 {
        self.number
    }

    fn run(mut self: Box<Self>) {
        let reported = self.perform();
        self.collector.report(reported);
    }

    fn map(mut self: Box<Self>) -> Report {
        let reported = self.perform();
        Report(Box::new(Undelivered { reported: Some(reported), collector: Arc::clone(&self.collector) }))
    }

    fn pack(&mut self) -> Result<Vec<u8>> {
        if self.under_way.is_none() {
            self.begin();
        }
        let partition = self.partition.as_ref().ok_or(Error::Dropped)?;
        wire::request(self.ticket(), partition)
    }

    fn finish(mut self: Box<Self>, reply: Reply) {
        if self.under_way.is_none() {
            self.begin();
        }
        self.collector.note_thread();
        let (collector, ticket) = (Arc::clone(&self.collector), self.ticket());
        let elsewhere = Elsewhere { process: reply.process, busy_ns: reply.busy_ns };
        let reported = self.end(Some(elsewhere), |accumulator| {
            match reply.ticket {
                Some(other) if other.run != ticket.run => return Err(Error::Stale),
                Some(other) if other != ticket => return Err(Error::Mismatched { answered: other.number }),
                _ => {}
            }
            let partial = wire::decode(&reply.outcome?)?;
            Ok(Self::settle(&collector, partial, accumulator))
        });
        self.collector.report(reported);
    }
}

impl<T: Task> Drop for Typed<T> {
    fn drop(&mut self) {
        if !self.reported {
            let reported = self.end(None, |_| Err(Error::Dropped));
            self.collector.report(reported);
        }
    }
}

/// A report between two stages of a pipeline.
struct Undelivered<T: Task> {
    reported: Option<Reported<T::Partial>>,
    collector: Arc<Collector<T>>,
}

impl<T: Task> Deliver for Undelivered<T> {
    fn deliver(mut self: Box<Self>) {
        if let Some(reported) = self.reported.take() {
            self.collector.note_thread();
            self.collector.report(reported);
        }
    }
}

impl<T: Task> Drop for Undelivered<T> {
    fn drop(&mut self) {
        if let Some(reported) = self.reported.take() {
            self.collector.report(Reported { span: reported.span, outcome: Err(Error::Dropped) });
        }
    }
}

/// Partitions turned into jobs, one at a time.
pub(crate) struct Cut<T: Task> {
    partitions: Option<Partitions<T::Partition>>,
    collector: Arc<Collector<T>>,
}

impl<T: Task> Cut<T> {
    pub(crate) fn new(partitions: Partitions<T::Partition>, collector: Arc<Collector<T>>) -> Self {
        Cut { partitions: Some(partitions), collector }
    }
}

impl<T: Task> Cut<T> {
    /// Whether there may be more: not after the end, nor after the run was cancelled.
    fn goes_on(&mut self) -> bool {
        self.collector.note_thread();
        if self.partitions.is_some() && self.collector.cancel.is_cancelled() {
            self.partitions = None;
            self.collector.exhaust(None);
        }
        self.partitions.is_some()
    }

    /// What the source gives. A cut that panics fails the run like one that returns an error; it may not take the strategy
    /// down with it.
    fn ask<R>(
        &mut self,
        ask: impl FnOnce(&mut dyn Source<Result<T::Partition>>) -> R,
        failed: fn(Error) -> R,
    ) -> Option<R> {
        let partitions = self.partitions.as_mut()?.as_mut();
        let asked = catch_unwind(AssertUnwindSafe(|| ask(partitions)));
        Some(asked.unwrap_or_else(|panic| failed(Error::Panicked(panic_message(&*panic)))))
    }

    /// The job for what the source has given.
    fn job(&mut self, partition: Option<Result<T::Partition>>) -> Option<Job> {
        let error = match partition {
            Some(Ok(partition)) => {
                return Some(Job(Box::new(Typed {
                    number: self.collector.hand_out(),
                    partition: Some(partition),
                    under_way: None,
                    reported: false,
                    collector: Arc::clone(&self.collector),
                })));
            }
            Some(Err(error)) => Some(error),
            None => None,
        };
        self.partitions = None;
        self.collector.exhaust(error);
        None
    }
}

impl<T: Task> Source<Job> for Cut<T> {
    fn pull(&mut self) -> Option<Job> {
        if !self.goes_on() {
            return None;
        }
        let partition = self.ask(|partitions| partitions.pull(), |error| Some(Err(error)))?;
        self.job(partition)
    }

    fn try_pull(&mut self) -> Poll<Option<Job>> {
        if !self.goes_on() {
            return Poll::Ready(None);
        }
        match self.ask(|partitions| partitions.try_pull(), |error| Poll::Ready(Some(Err(error)))) {
            Some(Poll::Ready(partition)) => Poll::Ready(self.job(partition)),
            Some(Poll::Pending) => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    fn waits_for(&self) -> Option<Waiting<'_>> {
        self.partitions.as_ref()?.as_ref().waits_for()
    }
}
