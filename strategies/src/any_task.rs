//! Tasks with their types rubbed out: what the harness, a worker process and the tests hold.
//!
//! This is the only place that knows both worlds. Types are erased at the partition, not at the item: one virtual call
//! outside the loop that matters.

use crate::collector::Collector;
use crate::job::Cut;
use crate::reduce::Reduce;
use crate::wire;
use crate::{Answer, Cancel, Choice, Jobs, Result, Span, Task};
use std::io::Write;
use std::sync::Arc;
use std::time::Instant;

/// A task of any type.
pub trait AnyTask: Send + Sync {
    /// Runs the plain loop: no jobs, no channel, one thread.
    ///
    /// # Errors
    /// When the input is malformed or cannot be read.
    fn baseline(&self) -> Result<Outcome>;

    /// Begins a run: the jobs for a strategy, and what will gather their reports when it has returned.
    ///
    /// # Errors
    /// When the input cannot be opened.
    fn jobs(&self, choice: Choice, cancel: &Cancel) -> Result<(Jobs, Box<dyn FinalReduce>)>;

    /// Does one packed partition: the far end of [`Job::pack`](crate::Job::pack).
    ///
    /// # Errors
    /// When the bytes are no partition of this task, or the partition fails.
    fn serve(&self, partition: &[u8]) -> Result<Vec<u8>>;

    /// How many items the input has, where that is known without reading it all.
    fn items(&self) -> Option<u64>;
}

/// Reduces what the jobs of a run have reported. To be asked when the strategy has returned.
pub trait FinalReduce: Send {
    /// More jobs for the same workers, which bring the total nearer, until there are none. Those given before must have
    /// ended.
    fn merges(&mut self) -> Option<Jobs>;

    /// The total.
    ///
    /// # Errors
    /// What failed first, in input order.
    fn outcome(self: Box<Self>) -> Result<Outcome>;
}

impl<T: Task> FinalReduce for Reduce<T>
where
    T::Partial: Sync,
{
    fn merges(&mut self) -> Option<Jobs> {
        Reduce::merges(self)
    }

    fn outcome(self: Box<Self>) -> Result<Outcome> {
        let collector = self.collector();
        let delivered = self.finish()?;
        let total = TotalOf { task: Arc::clone(&collector.task), total: delivered.total };
        Ok(Outcome {
            spans: delivered.spans,
            first_result_ns: delivered.first_result_ns.unwrap_or_default(),
            threads: collector.threads(),
            total: Box::new(total),
        })
    }
}

/// What came of a run.
pub struct Outcome {
    /// A span per partition, in the order in which partials were delivered.
    pub spans: Vec<Span>,
    /// When the first partial was delivered, in nanoseconds since the run began.
    pub first_result_ns: u64,
    /// The threads that cut, ran, shipped or delivered a job, as the system numbers them.
    pub threads: Vec<u32>,
    total: Box<dyn Total>,
}

impl Outcome {
    /// The total in canonical form. Not part of any timing.
    ///
    /// # Errors
    /// When only the total shows that the input is wrong.
    pub fn answer(&self) -> Result<Answer> {
        self.total.answer()
    }

    /// Writes the whole total, canonically ordered.
    ///
    /// # Errors
    /// When `out` does not take it.
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
    total: T::Partial,
}

impl<T: Task> Total for TotalOf<T> {
    fn answer(&self) -> Result<Answer> {
        self.task.answer(&self.total)
    }

    fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        self.task.write(&self.total, out)
    }
}

impl<T: Task> AnyTask for Arc<T>
where
    T::Partial: Sync,
{
    fn baseline(&self) -> Result<Outcome> {
        let began = Instant::now();
        let total = Task::baseline(&**self)?;
        let elapsed = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        let total = TotalOf { task: Arc::clone(self), total };
        Ok(Outcome { spans: Vec::new(), first_result_ns: elapsed, threads: Vec::new(), total: Box::new(total) })
    }

    fn jobs(&self, choice: Choice, cancel: &Cancel) -> Result<(Jobs, Box<dyn FinalReduce>)> {
        let collector = Arc::new(Collector::new(Arc::clone(self), choice, cancel.clone()));
        let partitions = self.partitions(choice.size)?;
        let jobs = Jobs::new(Cut::new(partitions, Arc::clone(&collector)));
        let reduce = Box::new(Reduce::new(collector));
        Ok((jobs, reduce))
    }

    fn serve(&self, partition: &[u8]) -> Result<Vec<u8>> {
        let mut partial = T::Partial::default();
        self.map(wire::decode(partition)?, &mut partial)?;
        wire::encode(&partial)
    }

    fn items(&self) -> Option<u64> {
        Task::items(&**self)
    }
}
