//! A job: one partition with the collector to which it reports.
//!
//! A job reports exactly once, however it ends: run here, finished with the answer of another process, failed, panicked
//! or dropped. The report contains the partial and the span. So this file handles order, traces, errors, panics and
//! verification for all strategies. A strategy contains only the idiom of its library.

use crate::choice::Combine;
use crate::collector::{Collector, Reported};
use crate::error::{Error, catch};
use crate::heartbeat::Heart;
use crate::meter::Meter;
use crate::source::{Source, Waiting};
use crate::wire::{self, Reply, Shipped, Ticket};
use crate::worker_slots::{WorkerSlot, thread_number};
use crate::{Part, Partitions, Result, Span, Task};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

/// One unit of work for a strategy. Usually it is a partition. After the last partition, it may be accumulators to
/// merge (see `reduce.rs`).
pub struct Job(pub(crate) Box<dyn Work>);

/// The jobs of one run. Each job is cut when it is pulled, so a strategy that pulls slowly holds back the source.
///
/// A thread uses `Jobs` as an iterator. A future awaits [`next_when`](Jobs::next_when).
pub struct Jobs {
    source: Box<dyn Source<Job>>,
    /// The heart that does not beat yet. `None` if nobody asked for a heartbeat.
    heart: Option<Heart>,
}

impl Jobs {
    /// Wraps a source of jobs. Every iterator is a source.
    pub fn new(source: impl Source<Job> + 'static) -> Self {
        Jobs { source: Box::new(source), heart: None }
    }

    pub(crate) fn with_heart(self, heart: Option<Heart>) -> Self {
        Jobs { heart, ..self }
    }

    /// Returns `true` if the runtime needs a reactor. [`next_when`](Jobs::next_when) may have to await the socket from which
    /// the jobs come, or the heartbeat sleeps. Call this before the first job is pulled.
    pub fn may_wait(&self) -> bool {
        self.heart.is_some() || self.source.as_ref().waits_for().is_some()
    }

    /// Lets the heartbeat beat on the runtime of the strategy, if there is one: `spawn` starts a future beside the jobs, and
    /// `sleep` is the runtime's own. Call this before the first job is pulled. Otherwise the heart beats on a plain thread.
    pub fn beat<S: Future + Send + 'static, R>(
        &mut self,
        sleep: impl Fn(Duration) -> S + Send + 'static,
        spawn: impl FnOnce(Pin<Box<dyn Future<Output = ()> + Send>>) -> R,
    ) {
        if let Some(heart) = self.heart.take() {
            spawn(Box::pin(heart.beat(sleep)));
        }
    }

    /// Returns the next job without blocking this thread. `ready` awaits a socket through the caller's runtime. `ready`
    /// may return too early, but not too late.
    ///
    /// # Errors
    /// When the runtime cannot await that socket.
    pub async fn next_when(&mut self, ready: impl AsyncFn(Waiting<'_>) -> io::Result<()>) -> Result<Option<Job>> {
        self.beat_at_last();
        loop {
            if let Poll::Ready(job) = self.source.as_mut().try_pull() {
                return Ok(job);
            }
            if let Some(waiting) = self.source.as_ref().waits_for() {
                let failed = |error| Error::worker(format!("this runtime cannot await a connection: {error}"));
                ready(waiting).await.map_err(failed)?;
            }
        }
    }

    /// Starts the heart on a thread if the strategy has not started it.
    fn beat_at_last(&mut self) {
        if let Some(heart) = self.heart.take() {
            heart.beat_on_a_thread();
        }
    }
}

impl Iterator for Jobs {
    type Item = Job;

    fn next(&mut self) -> Option<Job> {
        self.beat_at_last();
        self.source.as_mut().pull()
    }
}

impl Job {
    /// Returns the position of the partition in the input, counted from 0.
    pub fn number(&self) -> u64 {
        self.0.number()
    }

    /// Runs the job on this thread and delivers the report.
    pub fn run(self) {
        self.0.run();
    }

    /// Runs the job on this thread and returns the report. Another stage of a pipeline delivers the report.
    pub fn map(self) -> Report {
        self.0.map()
    }

    /// Encodes the request to a worker that shares no memory: a ticket, then the partition. The span of the job begins
    /// here. A job can be packed again, for another worker, if the first one has died without an answer.
    ///
    /// # Errors
    /// When the partition cannot be encoded.
    pub fn pack(&mut self) -> Result<Vec<u8>> {
        self.0.pack(Packing::AsItIs)
    }

    /// Encodes a request that contains the input of the partition, so that the worker does not read it: [`pack`](Job::pack)
    /// after [`Task::with_input`].
    ///
    /// # Errors
    /// When the input cannot be read, or the partition cannot be encoded.
    pub fn pack_with_input(&mut self) -> Result<Vec<u8>> {
        self.0.pack(Packing::WithInput)
    }

    /// Ends the job with the answer of such a worker, or with the error that replaces it.
    pub fn finish(self, reply: Reply<'_>) {
        self.0.finish(reply);
    }
}

/// The undelivered report of a finished job. The report of a merge is empty, because a merge stores its result itself.
pub struct Report(pub(crate) Option<Box<dyn Deliver>>);

impl Report {
    /// Delivers the report to the collector.
    pub fn deliver(self) {
        if let Some(undelivered) = self.0 {
            undelivered.deliver();
        }
    }
}

/// What a request contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// The partition as it was cut.
    AsItIs,
    /// The partition with the input that it names.
    WithInput,
}

pub(crate) trait Work: Send {
    fn number(&self) -> u64;
    fn run(self: Box<Self>);
    fn map(self: Box<Self>) -> Report;
    fn pack(&mut self, packing: Packing) -> Result<Vec<u8>>;
    fn finish(self: Box<Self>, reply: Reply<'_>);
}

pub(crate) trait Deliver: Send {
    fn deliver(self: Box<Self>);
}

/// A job of a known task.
struct Typed<T: Task> {
    number: u64,
    /// `None` after the code that maps it has taken it.
    partition: Option<T::Partition>,
    /// The slot and the start time while the job is in progress.
    in_progress: Option<(WorkerSlot<T::Partial>, u64)>,
    reported: bool,
    /// The time for packing, and the bytes of the requests.
    packing_ns: u64,
    sent_bytes: u64,
    collector: Arc<Collector<T>>,
}

impl<T: Task> Typed<T> {
    /// Returns the ticket that the answer to this job must carry.
    fn ticket(&self) -> Ticket {
        Ticket { run: self.collector.run, number: self.number }
    }

    /// Begins the job unless it is in progress. Returns the time.
    fn begin(&mut self) -> u64 {
        self.collector.note_thread();
        let slot = self.in_progress.is_none().then(|| self.collector.slots.take());
        let now = self.collector.now();
        if let Some(slot) = slot {
            self.in_progress = Some((slot, now));
        }
        now
    }

    /// Ends the job. `combine` may add to the accumulator of the slot, and returns the rest to report. If another
    /// process mapped the partition, `elsewhere` is that process and the time of the task there.
    fn end(
        &mut self,
        elsewhere: Option<(u32, u64)>,
        combine: impl FnOnce(&Collector<T>, &mut WorkerSlot<T::Partial>) -> Result<Option<T::Partial>>,
    ) -> Reported<T::Partial> {
        self.reported = true;
        let Some((mut slot, start_ns)) = self.in_progress.take() else {
            return Reported { span: self.collector.moment(self.number), outcome: Err(Error::Dropped) };
        };
        let outcome = combine(&self.collector, &mut slot);
        let end_ns = self.collector.now();
        let (thread, busy_ns) = elsewhere.unwrap_or_else(|| (thread_number(), end_ns - start_ns));
        let span = Span { job: self.number, worker: slot.number, thread, start_ns, end_ns, busy_ns };
        self.collector.slots.give_back(slot);
        Reported { span, outcome }
    }

    fn perform(&mut self) -> Reported<T::Partial> {
        self.begin();
        let partition = self.partition.take().ok_or(Error::Dropped);
        self.end(None, |collector, slot| {
            catch(|| match (collector.combine, &collector.shared) {
                (Combine::PerPartition | Combine::Progress, _) => {
                    let mut partial = T::Partial::default();
                    collector.task.map(partition?, &mut partial)?;
                    if collector.combine == Combine::Progress {
                        collector.tally.finish_one();
                    }
                    Ok(Some(partial))
                }
                (_, None) => {
                    collector.task.map(partition?, &mut slot.accumulator)?;
                    collector.hand_on(&mut slot.accumulator);
                    Ok(None)
                }
                (_, Some(shared)) => {
                    let mut meter = Meter::start();
                    let part = Part { partition: partition?, worker: slot.number, into: &mut slot.accumulator };
                    let mapped = shared.map(&collector.task, part, &mut meter);
                    collector.tally.add(meter);
                    mapped.map(|()| None)
                }
            })
        })
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
        Report(Some(Box::new(Undelivered { reported: Some(reported), collector: Arc::clone(&self.collector) })))
    }

    fn pack(&mut self, packing: Packing) -> Result<Vec<u8>> {
        let began = self.begin();
        if self.collector.shared.is_some() {
            let why =
                format!("a worker process shares no memory, so its total cannot be in `{}`", self.collector.combine);
            return Err(Error::task(why + "; name a strategy of threads"));
        }
        if packing == Packing::WithInput && self.sent_bytes == 0 {
            let partition = self.partition.take().ok_or(Error::Dropped)?;
            self.partition = Some(catch(|| self.collector.task.with_input(partition))?);
        }
        let partition = self.partition.as_ref().ok_or(Error::Dropped)?;
        let request = wire::request(self.ticket(), partition)?;
        self.sent_bytes += wire::framed(&request);
        self.packing_ns += self.collector.now() - began;
        Ok(request)
    }

    fn finish(mut self: Box<Self>, reply: Reply<'_>) {
        let arrived = self.begin();
        let began = self.in_progress.as_ref().map_or(arrived, |(_, began)| *began);
        let ticket = self.ticket();
        let reported = self.end(Some((reply.process, reply.busy_ns)), |collector, slot| {
            match reply.ticket {
                Some(other) if other.run != ticket.run => return Err(Error::Stale),
                Some(other) if other != ticket => return Err(Error::Mismatched { answered: other.number }),
                _ => {}
            }
            let partial = wire::decode(reply.outcome?)?;
            if collector.combine == Combine::Progress {
                collector.tally.finish_one();
            }
            if matches!(collector.combine, Combine::PerPartition | Combine::Progress) {
                return Ok(Some(partial));
            }
            T::reduce(&mut slot.accumulator, partial);
            collector.hand_on(&mut slot.accumulator);
            Ok(None)
        });
        if self.sent_bytes > 0 {
            let number = self.number;
            self.collector.note_shipped(Shipped {
                packing_ns: self.packing_ns,
                transfer_ns: (arrived - began).saturating_sub(self.packing_ns + reply.busy_ns),
                unpacking_ns: reported.span.end_ns - arrived,
                sent_bytes: self.sent_bytes,
                received_bytes: reply.bytes,
                repeated: reply.deaths.into_iter().map(|death| (number, death)).collect(),
            });
        }
        self.collector.report(reported);
    }
}

impl<T: Task> Drop for Typed<T> {
    fn drop(&mut self) {
        if !self.reported {
            let reported = self.end(None, |_, _| Err(Error::Dropped));
            self.collector.report(reported);
        }
    }
}

/// A report that another stage of a pipeline will deliver.
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

/// The source of the jobs of a run. It turns one partition at a time into a job.
pub(crate) struct Cut<T: Task> {
    /// `None` after the last partition, after an error and after a cancellation.
    partitions: Option<Partitions<T::Partition>>,
    collector: Arc<Collector<T>>,
}

impl<T: Task> Cut<T> {
    pub(crate) fn new(partitions: Partitions<T::Partition>, collector: Arc<Collector<T>>) -> Self {
        Cut { partitions: Some(partitions), collector }
    }

    /// Makes the job for the partition that `pull` takes from the source.
    fn next(
        &mut self,
        pull: impl FnOnce(&mut dyn Source<Result<T::Partition>>) -> Poll<Option<Result<T::Partition>>>,
    ) -> Poll<Option<Job>> {
        self.collector.note_thread();
        if self.partitions.is_some() && self.collector.cancel.is_cancelled() {
            return self.exhaust(None);
        }
        let Some(partitions) = &mut self.partitions else { return Poll::Ready(None) };
        // A panic of the source fails the run like an error of the source. The panic must not end the strategy.
        match catch(|| Ok(pull(partitions.as_mut()))) {
            Ok(Poll::Ready(Some(Ok(partition)))) => Poll::Ready(Some(Job(Box::new(Typed {
                number: self.collector.hand_out(),
                partition: Some(partition),
                in_progress: None,
                reported: false,
                packing_ns: 0,
                sent_bytes: 0,
                collector: Arc::clone(&self.collector),
            })))),
            Ok(Poll::Ready(None)) => self.exhaust(None),
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(Some(Err(error)))) | Err(error) => self.exhaust(Some(error)),
        }
    }

    fn exhaust(&mut self, error: Option<Error>) -> Poll<Option<Job>> {
        self.partitions = None;
        self.collector.exhaust(error);
        Poll::Ready(None)
    }
}

impl<T: Task> Source<Job> for Cut<T> {
    fn pull(&mut self) -> Option<Job> {
        match self.next(|partitions| Poll::Ready(partitions.pull())) {
            Poll::Ready(job) => job,
            Poll::Pending => None,
        }
    }

    fn try_pull(&mut self) -> Poll<Option<Job>> {
        self.next(|partitions| partitions.try_pull())
    }

    fn waits_for(&self) -> Option<Waiting<'_>> {
        self.partitions.as_ref()?.as_ref().waits_for()
    }
}
