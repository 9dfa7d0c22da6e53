//! The interface of a task: a problem that can be cut into partitions.

use crate::choice::Combine;
use crate::meter::Meter;
use crate::source::Source;
use crate::{Error, Result};
use serde::{Serialize, de::DeserializeOwned};
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// A problem that can be cut into independent partitions, as in MapReduce.
///
/// The tests check these laws for every task:
/// - `reduce` is associative, and commutative as far as [`answer`](Task::answer) can see. Its neutral element is
///   `Partial::default()`.
/// - The parts that [`split`](Task::split) returns add up to the original partial, shard by shard or all at once.
/// - For every cut of the input, the answer equals that of [`baseline`](Task::baseline).
pub trait Task: Send + Sync + Sized + 'static {
    /// One piece of the input. A partition owns its data, so that it can be sent to another process.
    type Partition: Wire;
    /// The result of one or more partitions.
    type Partial: Wire + Default;

    /// Cuts the input into partitions of about `size` items, lazily and in input order. May wait for I/O.
    ///
    /// # Errors
    /// When the input cannot be opened. The source yields later failures as items.
    fn partitions(self: &Arc<Self>, size: NonZeroUsize) -> Result<Partitions<Self::Partition>>;

    /// Returns the partition with the input that it names, so that a worker process need not read that input. By default a
    /// partition contains its input.
    ///
    /// # Errors
    /// When the input cannot be read.
    fn with_input(&self, partition: Self::Partition) -> Result<Self::Partition> {
        Ok(partition)
    }

    /// Maps one partition on this thread and adds the result to `into`, so that a worker can keep one accumulator.
    ///
    /// # Errors
    /// When the partition's input is malformed or cannot be read. The caller then discards `into`.
    fn map(&self, partition: Self::Partition, into: &mut Self::Partial) -> Result<()>;

    /// Adds `other` to `into`.
    fn reduce(into: &mut Self::Partial, other: Self::Partial);

    /// Adds all of `others` to `into`. Override this if adding all together is faster than one by one.
    fn reduce_all(into: &mut Self::Partial, others: Vec<Self::Partial>) {
        others.into_iter().for_each(|other| Self::reduce(into, other));
    }

    /// The number of shards, which can be added up independently.
    const SHARDS: usize = 1;

    /// Cuts a partial into at most [`SHARDS`](Task::SHARDS) parts. Part n belongs to shard n. Reducing parts of
    /// different shards must be cheap, because these parts share almost nothing.
    fn split(partial: Self::Partial) -> Vec<Self::Partial> {
        vec![partial]
    }

    /// Returns `true` if a worker should add its accumulator to the shards now. A typical reason is that the
    /// accumulator no longer fits into the cache. Called after each job of a sharded run.
    fn is_large(_partial: &Self::Partial) -> bool {
        false
    }

    /// Returns an empty total that all workers change while they map.
    ///
    /// # Errors
    /// When the task cannot keep its total in this way.
    fn shared(&self, kind: Combine) -> Result<Arc<dyn Shared<Self>>> {
        Err(Error::task(format!("this task cannot keep its total in `{kind}` while it maps")))
    }

    /// Runs a plain, tuned loop over the whole input: no jobs, no partitions, one thread. Every speed-up is relative to
    /// this loop.
    ///
    /// # Errors
    /// As [`map`](Task::map).
    fn baseline(&self) -> Result<Self::Partial>;

    /// Returns the total in canonical form, which is the same for every correct run.
    ///
    /// # Errors
    /// When only the total shows that the input is wrong, such as a sum that is too large for its type.
    fn answer(&self, total: &Self::Partial) -> Result<Answer>;

    /// Writes the whole total in canonical order, for a person or a program to read.
    ///
    /// # Errors
    /// When writing to `out` fails.
    fn write(&self, total: &Self::Partial, out: &mut dyn Write) -> std::io::Result<()>;

    /// Returns the number of items in the input if the task knows it without reading all of the input.
    fn items(&self) -> Option<u64> {
        None
    }
}

/// A total that all workers change while they map.
pub trait Shared<T: Task>: Send + Sync {
    /// Maps one partition on this thread and adds each result to the shared total. What needs no sharing may go to `into`,
    /// the accumulator of this worker.
    ///
    /// # Errors
    /// As [`Task::map`].
    fn map(&self, task: &T, part: Part<T>, meter: &mut Meter) -> Result<()>;

    /// Adds the shared total to `total`, which has the accumulators of all workers. Called once, after the last job.
    ///
    /// # Errors
    /// When an update was lost, or when only the total shows that the input is wrong.
    fn add_to(&self, task: &T, total: &mut T::Partial) -> Result<()>;
}

/// What a worker maps.
pub struct Part<'a, T: Task> {
    /// The partition.
    pub partition: T::Partition,
    /// The slot of the worker, counted from 0.
    pub worker: u32,
    /// The accumulator of the worker.
    pub into: &'a mut T::Partial,
}

/// The partitions of one run. Each partition is cut when it is pulled.
pub type Partitions<P> = Box<dyn Source<Result<P>>>;

/// A value that can be sent to another process.
pub trait Wire: Serialize + DeserializeOwned + Send + 'static {}
impl<T: Serialize + DeserializeOwned + Send + 'static> Wire for T {}

/// A total in canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// A short text that identifies the total. It does not depend on the order of the work.
    pub digest: String,
    /// The answer for people: names and values.
    pub figures: Vec<(String, String)>,
}
