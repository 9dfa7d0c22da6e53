//! What is computed: a problem that can be cut into partitions.

use crate::Result;
use crate::source::Source;
use serde::{Serialize, de::DeserializeOwned};
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// A problem that can be cut into independent partitions: MapReduce in the small.
///
/// Its laws, which the tests check for every task:
/// - `reduce` is associative, and commutative as far as [`answer`](Task::answer) can see. Its neutral element is
///   `Partial::default()`.
/// - The parts that [`split`](Task::split) returns add up to the partial it was given, shard by shard or all at once.
/// - For every cut of the input the answer is the same as that of [`baseline`](Task::baseline).
pub trait Task: Send + Sync + Sized + 'static {
    /// One piece of the input. It owns what it needs, so that it can travel to another process.
    type Partition: Wire;
    /// What one or more partitions yield.
    type Partial: Wire + Default;

    /// Cuts the input into partitions of about `size` items, lazily and in input order. May wait for I/O.
    ///
    /// # Errors
    /// When the input cannot be opened. A later failure is an item of the source.
    fn partitions(self: &Arc<Self>, size: NonZeroUsize) -> Result<Partitions<Self::Partition>>;

    /// Maps one partition on this thread and adds to `into`, so that a worker can keep one accumulator.
    ///
    /// # Errors
    /// When the partition's input is malformed or cannot be read. The caller then discards `into`.
    fn map(&self, partition: Self::Partition, into: &mut Self::Partial) -> Result<()>;

    /// Adds `other` to `into`.
    fn reduce(into: &mut Self::Partial, other: Self::Partial);

    /// Adds all of `others` to `into`. Override it if adding them together is faster than one by one.
    fn reduce_all(into: &mut Self::Partial, others: Vec<Self::Partial>) {
        others.into_iter().for_each(|other| Self::reduce(into, other));
    }

    /// The number of shards whose totals can be added up independently of each other.
    const SHARDS: usize = 1;

    /// Cuts a partial into at most [`SHARDS`](Task::SHARDS) parts: the first is of shard 0, and so on. Parts of different
    /// shards have so little in common that reducing them costs nearly nothing.
    fn split(partial: Self::Partial) -> Vec<Self::Partial> {
        vec![partial]
    }

    /// Whether a worker should add its accumulator to the shards now, for instance because it no longer fits into the
    /// cache. Called after each job of a sharded run.
    fn is_large(_partial: &Self::Partial) -> bool {
        false
    }

    /// The plain tuned loop over the whole input: no jobs, no partitions, one thread. Every speed-up is relative to it.
    ///
    /// # Errors
    /// As [`map`](Task::map).
    fn baseline(&self) -> Result<Self::Partial>;

    /// The total in canonical form: the same for every correct run.
    ///
    /// # Errors
    /// When only the total shows that the input is wrong, such as a sum that is too large for its type.
    fn answer(&self, total: &Self::Partial) -> Result<Answer>;

    /// Writes the whole total, canonically ordered, for a person or a program to read.
    ///
    /// # Errors
    /// When writing to `out` fails.
    fn write(&self, total: &Self::Partial, out: &mut dyn Write) -> std::io::Result<()>;

    /// The number of items in the input, if it is known without reading all of it.
    fn items(&self) -> Option<u64> {
        None
    }
}

/// The partitions of one run, each cut when it is pulled.
pub type Partitions<P> = Box<dyn Source<Result<P>>>;

/// Anything that can cross a process boundary.
pub trait Wire: Serialize + DeserializeOwned + Send + 'static {}
impl<T: Serialize + DeserializeOwned + Send + 'static> Wire for T {}

/// A total in canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// A short text that differs if any part of the total differs. It does not depend on the order of the work.
    pub digest: String,
    /// The answer for people: names and values.
    pub figures: Vec<(String, String)>,
}
