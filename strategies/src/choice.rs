//! The settings of a run besides task and strategy, and its cancellation.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use std::num::NonZeroUsize;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// The settings of a run besides its strategy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The approximate number of items in a partition.
    pub size: NonZeroUsize,
    /// The order and the time of delivery.
    pub delivery: Delivery,
    /// The place where partials are combined first.
    pub combine: Combine,
}

/// The order and the time at which partials are delivered to the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// All partials together after the last job, in input order, like asyncio's `gather`.
    Gather,
    /// During the run in input order. A partial waits until all partials before it are delivered.
    InOrder,
    /// During the run, in order of completion, like asyncio's `as_completed`.
    AsCompleted,
}

/// The place where partials are combined before they reach the total.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Combine {
    /// Nowhere. Each partition yields a partial, as in the book.
    PerPartition,
    /// In one accumulator per worker slot, like MapReduce's combiner. The accumulators are reduced after the last job.
    PerWorker,
    /// As `PerWorker`, but the workers reduce the accumulators pair by pair after the last job.
    Tree,
    /// As `PerWorker`, but a worker adds a large accumulator to a total that all workers share. That total has shards
    /// with one lock each. So workers rarely wait, and little is left to reduce after the last job.
    Sharded,
    /// As `PerPartition`, and every job adds itself to a count of finished partitions behind one lock, like the book's
    /// shared progress.
    Progress,
    /// In one total behind one lock. Every update takes the lock.
    Mutex,
    /// In one total behind a lock that many readers share. A new word needs the lock alone, and so does every update of
    /// a plain number.
    RwLock,
    /// In many totals with one lock each. Every update takes one of the locks, chosen by hash.
    LockedShards,
    /// In a map of a library that many threads change at once.
    ConcurrentMap,
    /// In one atomic number.
    Atomic,
    /// In one atomic number for each worker. The numbers are neighbours in memory and share a cache line.
    AtomicNeighbours,
    /// In one atomic number for each worker, each on cache lines of its own.
    AtomicPadded,
}

impl Combine {
    /// The values with which workers share nothing while they map a partition. Every task has all of them.
    pub const APART: &[Combine] = &[Self::PerPartition, Self::PerWorker, Self::Tree, Self::Sharded];

    /// Returns `true` if workers change one total while they map. Each task has other values of this kind, or none.
    pub fn is_shared(self) -> bool {
        self != Self::Progress && !Self::APART.contains(&self)
    }
}

macro_rules! names {
    ($type:ident { $($variant:ident = $name:literal),* }) => {
        impl $type {
            /// Every value.
            pub const ALL: &[$type] = &[$($type::$variant),*];

            /// The name of the value, on the command line and in records.
            pub fn name(self) -> &'static str {
                match self { $($type::$variant => $name),* }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.pad(self.name())
            }
        }

        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(name: &str) -> Result<Self, String> {
                $type::ALL.iter().copied().find(|value| value.name() == name).ok_or_else(|| {
                    format!("`{name}` is not one of {}", [$($name),*].join(", "))
                })
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.name())
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from)?.parse().map_err(D::Error::custom)
            }
        }
    };
}
names!(Delivery { Gather = "gather", InOrder = "in_order", AsCompleted = "as_completed" });
names!(Combine {
    PerPartition = "per_partition",
    PerWorker = "per_worker",
    Tree = "tree",
    Sharded = "sharded",
    Progress = "progress",
    Mutex = "mutex",
    RwLock = "rwlock",
    LockedShards = "locked_shards",
    ConcurrentMap = "concurrent_map",
    Atomic = "atomic",
    AtomicNeighbours = "atomic_neighbours",
    AtomicPadded = "atomic_padded"
});

/// Cancels a run from outside. Cancelling ends the source of jobs, so a strategy needs no code for it.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<OnceLock<Instant>>);

impl Cancel {
    /// Ends the source of jobs.
    pub fn cancel(&self) {
        self.0.get_or_init(Instant::now);
    }

    /// Returns `true` if [`cancel`](Cancel::cancel) was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.get().is_some()
    }

    /// Returns the time of the first call of [`cancel`](Cancel::cancel).
    pub fn when(&self) -> Option<Instant> {
        self.0.get().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};

    #[test]
    fn names_parse_back_and_an_unknown_name_lists_all_names() {
        for combine in Combine::ALL {
            assert_eq!(combine.name().parse(), Ok(*combine));
            let serialized: StrDeserializer<Error> = combine.name().into_deserializer();
            assert_eq!(Combine::deserialize(serialized), Ok(*combine));
        }
        let unknown: Result<Delivery, String> = "soon".parse();
        assert_eq!(unknown, Err("`soon` is not one of gather, in_order, as_completed".to_owned()));
    }
}
