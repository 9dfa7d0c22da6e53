//! What is computed: a problem that can be cut into partitions.

use crate::Result;
use crate::source::Source;
use serde::{Serialize, de::DeserializeOwned};
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// A problem that can be cut into independent partitions: MapReduce in the small.
///
/// The laws, which the conformance suite checks for every task:
/// - `reduce` is associative, and commutative as far as [`answer`](Task::answer) can see, with `Partial::default()` as
///   its neutral element;
/// - what [`split`](Task::split) gives adds up to what it was given, shard by shard as well as all at once;
/// - however the input is cut, the answer is that of [`baseline`](Task::baseline).
pub trait Task: Send + Sync + Sized + 'static {
    /// One piece of the input. It owns what it needs, so that it can travel to another process.
    type Partition: Wire;
    /// What one or more partitions yield.
    type Partial: Wire + Default;

    /// Cuts the input into partitions of about `size` items, lazily and in input order. May wait for I/O.
    ///
    /// # Errors
    /// When the input cannot be opened. Trouble further on is an item of the iterator.
    fn partitions(self: &Arc<Self>, size: NonZeroUsize) -> Result<Partitions<Self::Partition>>;

    /// Does one partition on this thread, adding to `into`, so that a worker can keep one accumulator.
    ///
    /// # Errors
    /// When the partition's input is malformed or cannot be read. What was added to `into` is then thrown away.
    fn map(&self, partition: Self::Partition, into: &mut Self::Partial) -> Result<()>;

    /// Adds `other` to `into`.
    fn reduce(into: &mut Self::Partial, other: Self::Partial);

    /// Adds all of `others` to `into`; override it where that is quicker together than one by one.
    fn reduce_all(into: &mut Self::Partial, others: Vec<Self::Partial>) {
        others.into_iter().for_each(|other| Self::reduce(into, other));
    }

    /// In how many shards totals can be added up independently of each other.
    const SHARDS: usize = 1;

    /// Takes a partial apart into at most [`SHARDS`](Task::SHARDS): the first is of shard 0, and so on. Parts of different
    /// shards have so little in common that reducing them costs nearly nothing.
    fn split(partial: Self::Partial) -> Vec<Self::Partial> {
        vec![partial]
    }

    /// Whether a worker had better hand on what it has added up than add more to it, for instance because it no longer
    /// fits into the cache. Asked after each job; only where there are shards to hand it to.
    fn is_large(_partial: &Self::Partial) -> bool {
        false
    }

    /// The plain tuned loop over the whole input: no jobs, no partitions, one thread. Every speed-up is against it.
    ///
    /// # Errors
    /// As [`map`](Task::map).
    fn baseline(&self) -> Result<Self::Partial>;

    /// The total in canonical form: the same for every correct run.
    ///
    /// # Errors
    /// When only the total shows that the input is wrong, such as a sum too large for its type.
    fn answer(&self, total: &Self::Partial) -> Result<Answer>;

    /// Writes the whole total, canonically ordered, for a person or a program to read.
    ///
    /// # Errors
    /// When `out` does not take it.
    fn write(&self, total: &Self::Partial, out: &mut dyn Write) -> std::io::Result<()>;

    /// How many items the input has, where that is known without reading it all.
    fn items(&self) -> Option<u64> {
        None
    }
}

/// The partitions of one run, cut as they are asked for.
pub type Partitions<P> = Box<dyn Source<Result<P>>>;

/// Anything that can cross a process boundary.
pub trait Wire: Serialize + DeserializeOwned + Send + 'static {}
impl<T: Serialize + DeserializeOwned + Send + 'static> Wire for T {}

/// A total in canonical form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// A few characters that differ when any part of the total differs, whatever the order of the work.
    pub digest: String,
    /// The answer in words: name and value.
    pub figures: Vec<(String, String)>,
}
