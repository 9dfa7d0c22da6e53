//! A task with traps: each partition does what its test wants, in this process or in a worker's.

use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use strategies::{Answer, Cancel, Error, Partitions, Result, Task};

/// What a partition does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trap {
    /// Nothing: an honest, quick partition.
    None,
    /// Waits for so many microseconds.
    Wait(u64),
    /// Fails with an error.
    Fail,
    /// Panics.
    Panic,
    /// Ends the process that it runs in, if that is a worker's.
    Die,
}

/// Partitions with traps, each of one item.
pub struct Traps {
    /// What each partition does. If `endless`, they come again and again.
    pub traps: Vec<Trap>,
    /// Whether the source never ends.
    pub endless: bool,
    /// A byte is added here whenever a partition begins, in whatever process.
    pub journal: PathBuf,
    /// Partitions that were pulled.
    pub pulled: AtomicU64,
    /// The largest number of partitions that were pulled and had not begun.
    pub ahead: AtomicU64,
    /// Cancelled once so many partitions have begun, if that is not 0.
    pub cancel_after: u64,
    /// What is cancelled then.
    pub cancel: Cancel,
    /// Whose death [`Trap::Die`] may not be: the process of the tests.
    pub spared: u32,
}

impl Traps {
    /// Partitions with these traps, noting their begin in `journal`.
    pub fn new(traps: Vec<Trap>, journal: &Path) -> Self {
        Traps {
            traps,
            endless: false,
            journal: journal.to_owned(),
            pulled: AtomicU64::new(0),
            ahead: AtomicU64::new(0),
            cancel_after: 0,
            cancel: Cancel::default(),
            spared: std::process::id(),
        }
    }

    /// How many partitions have begun since the journal was made.
    pub fn begun(&self) -> u64 {
        std::fs::metadata(&self.journal).map_or(0, |journal| journal.len())
    }
}

/// A partition: its number, its trap, and where to note that it began.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trapped {
    number: u64,
    trap: Trap,
    journal: PathBuf,
    spared: u32,
}

impl Task for Traps {
    type Partition = Trapped;
    type Partial = Vec<u64>;

    fn partitions(self: &Arc<Self>, _: NonZeroUsize) -> Result<Partitions<Trapped>> {
        let task = Arc::clone(self);
        let before = task.begun();
        Ok(Box::new((0u64..).map_while(move |number| {
            let place = usize::try_from(number).ok()?;
            let trap = match task.endless {
                true => task.traps[place % task.traps.len()],
                false => *task.traps.get(place)?,
            };
            task.pulled.fetch_add(1, Ordering::Relaxed);
            let begun = task.begun() - before;
            task.ahead.fetch_max(number.saturating_sub(begun), Ordering::Relaxed);
            if task.cancel_after > 0 && begun >= task.cancel_after {
                task.cancel.cancel();
            }
            Some(Ok(Trapped { number, trap, journal: task.journal.clone(), spared: task.spared }))
        })))
    }

    fn map(&self, partition: Trapped, into: &mut Vec<u64>) -> Result<()> {
        let noted = OpenOptions::new().create(true).append(true).open(&partition.journal);
        noted.and_then(|mut journal| journal.write_all(b".")).map_err(Error::task)?;
        match partition.trap {
            Trap::None => {}
            Trap::Wait(microseconds) => std::thread::sleep(Duration::from_micros(microseconds)),
            Trap::Fail => return Err(Error::task(format!("trap {} is set to fail", partition.number))),
            Trap::Panic => panic!("trap {} is set to panic", partition.number),
            Trap::Die if std::process::id() == partition.spared => {
                return Err(Error::task("a trap that kills its process was run in the process of the tests"));
            }
            Trap::Die => std::process::abort(),
        }
        into.push(partition.number);
        Ok(())
    }

    fn reduce(into: &mut Vec<u64>, mut other: Vec<u64>) {
        into.append(&mut other);
    }

    /// By the remainder of a partition's number, so that something goes astray if a shard is lost or confused.
    const SHARDS: usize = 3;

    fn split(partial: Vec<u64>) -> Vec<Vec<u64>> {
        let of_shard = |shard: u64| partial.iter().copied().filter(|number| number % 3 == shard).collect();
        (0..3).map(of_shard).collect()
    }

    /// After two partitions, so that workers hand on what they have in the middle of a run and have some left in the end.
    fn is_large(partial: &Vec<u64>) -> bool {
        partial.len() >= 2
    }

    fn baseline(&self) -> Result<Vec<u64>> {
        Ok((0..self.traps.len() as u64).collect())
    }

    fn answer(&self, total: &Vec<u64>) -> Result<Answer> {
        let mut sorted = total.clone();
        sorted.sort_unstable();
        Ok(Answer { digest: format!("{sorted:?}"), figures: Vec::new() })
    }

    fn write(&self, total: &Vec<u64>, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "{total:?}")
    }
}
