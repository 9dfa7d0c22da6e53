//! Type-erased tasks, as the harness, worker processes and tests use them.
//!
//! Types are erased per partition, not per item. So the virtual call is outside the inner loop.

use crate::collector::Collector;
use crate::heartbeat::Lateness;
use crate::job::Cut;
use crate::lock::lock;
use crate::reduce::Reduce;
use crate::{Answer, Cancel, Choice, Combine, Contention, Jobs, Result, Shared, Shipped, Span, Task, wire};
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// A task of any type.
pub trait AnyTask: Send + Sync {
    /// Runs the plain loop: no jobs, no channel, one thread.
    ///
    /// # Errors
    /// When the input is malformed or cannot be read.
    fn baseline(&self) -> Result<Outcome>;

    /// Begins a run. Returns the jobs for a strategy, and the reduce to call after the strategy has returned.
    ///
    /// # Errors
    /// When the input cannot be opened.
    fn jobs(&self, choice: Choice, cancel: &Cancel) -> Result<(Jobs, Box<dyn FinalReduce>)>;

    /// Maps one packed partition in a worker process. Counterpart of [`Job::pack`](crate::Job::pack). Returns the packed
    /// partial and the time of the task itself, without decoding and encoding.
    ///
    /// # Errors
    /// When the bytes are not a partition of this task, or the partition fails.
    fn serve(&self, partition: &[u8]) -> Result<(Vec<u8>, Duration)>;

    /// The number of items in the input, if it is known without reading all of it.
    fn items(&self) -> Option<u64>;
}

/// Reduces the reports of the jobs of a run. Use it after the strategy has returned.
pub trait FinalReduce: Send {
    /// Returns more jobs for the same workers. Each job merges accumulators. `None` when no merge is left. Every job of
    /// the previous call must have ended.
    fn merges(&mut self) -> Option<Jobs>;

    /// Returns the total and the measurements of the run.
    ///
    /// # Errors
    /// The first failure in input order.
    fn outcome(self: Box<Self>) -> Result<Outcome>;
}

impl<T: Task> FinalReduce for Reduce<T> {
    fn merges(&mut self) -> Option<Jobs> {
        Reduce::merges(self)
    }

    fn outcome(self: Box<Self>) -> Result<Outcome> {
        let collector = self.collector();
        let delivered = self.finish()?;
        let contended = collector.combine.is_shared() || collector.combine == Combine::Progress;
        let total = TotalOf::new(&collector.task, delivered.total, collector.shared.clone());
        Ok(Outcome {
            contention: contended.then(|| collector.tally.sums()),
            source_waits: false,
            heartbeat: None,
            spans: delivered.spans,
            delivered_ns: delivered.delivered_ns,
            first_result_ns: delivered.first_result_ns.unwrap_or_default(),
            threads: collector.threads(),
            shipped: collector.shipped(),
            total: Box::new(total),
        })
    }
}

/// The result of a run.
pub struct Outcome {
    /// One span per partition, in the order of delivery.
    pub spans: Vec<Span>,
    /// The time at which each partial was handed to the total, in nanoseconds since the run began, in the order of delivery.
    pub delivered_ns: Vec<u64>,
    /// The time of the first delivery, in nanoseconds since the run began.
    pub first_result_ns: u64,
    /// What was shipped to workers that share no memory; `None` if all workers share this process's memory.
    pub shipped: Option<Shipped>,
    /// What the updates of a shared total or of a shared count cost; `None` if the run has neither.
    pub contention: Option<Contention>,
    /// Whether the jobs came from a socket, so that the workers may have waited for them.
    pub source_waits: bool,
    /// How late the ticks of the heartbeat were; `None` if nobody asked, or the run ended before the first tick.
    pub heartbeat: Option<Lateness>,
    /// The operating system's numbers of the threads that cut, ran, shipped or delivered a job, or computed the total.
    pub threads: Vec<u32>,
    total: Box<dyn Total>,
}

impl Outcome {
    /// Returns the total in canonical form. No timing includes this call.
    ///
    /// # Errors
    /// When only the total shows that the input is wrong.
    pub fn answer(&self) -> Result<Answer> {
        self.total.answer()
    }

    /// Writes the whole total in canonical order.
    ///
    /// # Errors
    /// When writing to `out` fails.
    pub fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        self.total.write(out)
    }
}

trait Total: Send {
    fn answer(&self) -> Result<Answer>;
    fn write(&self, out: &mut dyn Write) -> std::io::Result<()>;
}

struct TotalOf<T: Task> {
    task: Arc<T>,
    parts: Mutex<Parts<T>>,
}

/// The total, and what is not yet in it.
struct Parts<T: Task> {
    total: T::Partial,
    shared: Option<Arc<dyn Shared<T>>>,
}

impl<T: Task> TotalOf<T> {
    fn new(task: &Arc<T>, total: T::Partial, shared: Option<Arc<dyn Shared<T>>>) -> Self {
        TotalOf { task: Arc::clone(task), parts: Mutex::new(Parts { total, shared }) }
    }

    /// Returns the whole total. A shared total is complete when the last job ends, so no timing includes the copy into the
    /// type in which the task answers.
    fn whole(&self) -> Result<MutexGuard<'_, Parts<T>>> {
        let mut parts = lock(&self.parts);
        if let Some(shared) = parts.shared.take() {
            shared.add_to(&self.task, &mut parts.total)?;
        }
        Ok(parts)
    }
}

impl<T: Task> Total for TotalOf<T> {
    fn answer(&self) -> Result<Answer> {
        self.task.answer(&self.whole()?.total)
    }

    fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        self.task.write(&self.whole().map_err(std::io::Error::other)?.total, out)
    }
}

impl<T: Task> AnyTask for Arc<T> {
    fn baseline(&self) -> Result<Outcome> {
        let began = Instant::now();
        let total = Task::baseline(&**self)?;
        let elapsed = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let total = TotalOf::new(self, total, None);
        Ok(Outcome {
            contention: None,
            source_waits: false,
            heartbeat: None,
            spans: Vec::new(),
            delivered_ns: Vec::new(),
            first_result_ns: elapsed,
            threads: Vec::new(),
            shipped: None,
            total: Box::new(total),
        })
    }

    fn jobs(&self, choice: Choice, cancel: &Cancel) -> Result<(Jobs, Box<dyn FinalReduce>)> {
        let collector = Arc::new(Collector::new(Arc::clone(self), choice, cancel.clone())?);
        let partitions = self.partitions(choice.size)?;
        let jobs = Jobs::new(Cut::new(partitions, Arc::clone(&collector)));
        Ok((jobs, Box::new(Reduce::new(collector))))
    }

    fn serve(&self, partition: &[u8]) -> Result<(Vec<u8>, Duration)> {
        let (partition, mut partial) = (wire::decode(partition)?, T::Partial::default());
        let began = Instant::now();
        self.map(partition, &mut partial)?;
        let busy = began.elapsed();
        Ok((wire::encode(&partial)?, busy))
    }

    fn items(&self) -> Option<u64> {
        Task::items(&**self)
    }
}
