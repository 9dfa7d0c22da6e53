//! The probe task. Each partition behaves as a check requires, in this process or in a worker process.

use serde::{Deserialize, Serialize};
use std::fs::OpenOptions;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use strategies::{Answer, Cancel, Error, Partitions, Result, Task};
use tempfile::NamedTempFile;

/// The behaviour of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Behaviour {
    /// Succeeds at once.
    Succeed,
    /// Sleeps this many microseconds, then succeeds.
    Wait(u64),
    /// Fails with an error.
    Fail,
    /// Panics.
    Panic,
    /// Ends its worker process in this number of tries, and then succeeds. In the process of the run it succeeds at once.
    Die(usize),
}

/// A task whose partitions have one item each and the given behaviours. A worker process serves the default.
#[derive(Default)]
pub struct ProbeTask {
    /// The behaviour of each partition. An endless source repeats the list.
    pub behaviours: Vec<Behaviour>,
    /// `true` if the source never ends.
    pub endless: bool,
    /// The number of begun partitions after which the task cancels the run; 0 for never.
    pub cancel_after: u64,
    /// The handle that cancels the run.
    pub cancel: Cancel,
    /// The largest number of partitions that were pulled but not begun.
    pub ahead: AtomicU64,
    /// A file with one byte for each partition that has begun, in any process: the low byte of its number.
    journal: Option<NamedTempFile>,
}

impl ProbeTask {
    /// Makes a task with these partitions.
    ///
    /// # Errors
    /// When there is no temporary file for the journal.
    pub fn new(behaviours: Vec<Behaviour>) -> std::result::Result<Self, String> {
        let journal = NamedTempFile::new().map_err(|error| format!("cannot create a temporary file: {error}"))?;
        Ok(ProbeTask { behaviours, journal: Some(journal), ..ProbeTask::default() })
    }

    /// Returns the number of partitions that have begun, over all runs of this task.
    pub fn begun(&self) -> u64 {
        let metadata = self.journal.as_ref().and_then(|journal| journal.as_file().metadata().ok());
        metadata.map_or(0, |journal| journal.len())
    }
}

/// A partition: its number, its behaviour, the process of the run, and the journal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProbePartition {
    number: u64,
    home: u32,
    behaviour: Behaviour,
    journal: PathBuf,
}

impl Task for ProbeTask {
    type Partition = ProbePartition;
    type Partial = Vec<u64>;

    fn partitions(self: &Arc<Self>, _: NonZeroUsize) -> Result<Partitions<ProbePartition>> {
        let task = Arc::clone(self);
        let before = task.begun();
        let journal = task.journal.as_ref().map(|journal| journal.path().to_owned()).unwrap_or_default();
        Ok(Box::new((0u64..).map_while(move |number| {
            let place = usize::try_from(number).ok()?;
            let behaviour = match task.endless {
                true => task.behaviours[place % task.behaviours.len()],
                false => *task.behaviours.get(place)?,
            };
            let begun = task.begun() - before;
            task.ahead.fetch_max(number.saturating_sub(begun), Ordering::Relaxed);
            if task.cancel_after > 0 && begun >= task.cancel_after {
                task.cancel.cancel();
            }
            Some(Ok(ProbePartition { number, behaviour, home: std::process::id(), journal: journal.clone() }))
        })))
    }

    fn map(&self, partition: ProbePartition, into: &mut Vec<u64>) -> Result<()> {
        let journal = OpenOptions::new().append(true).open(&partition.journal);
        let name = partition.number.to_le_bytes()[0];
        journal.and_then(|mut journal| journal.write_all(&[name])).map_err(Error::task)?;
        match partition.behaviour {
            Behaviour::Succeed => {}
            Behaviour::Wait(microseconds) => std::thread::sleep(Duration::from_micros(microseconds)),
            Behaviour::Fail => return Err(Error::task(format!("partition {} is set to fail", partition.number))),
            Behaviour::Panic => panic!("partition {} is set to panic", partition.number),
            Behaviour::Die(times) => {
                let begun = std::fs::read(&partition.journal).map_err(Error::task)?;
                let tries = begun.iter().filter(|begun| **begun == name).count();
                if partition.home != std::process::id() && tries <= times {
                    std::process::abort();
                }
            }
        }
        into.push(partition.number);
        Ok(())
    }

    fn reduce(into: &mut Vec<u64>, mut other: Vec<u64>) {
        into.append(&mut other);
    }

    /// Splits by the remainder of the partition number, so that a lost or swapped shard changes the answer.
    const SHARDS: usize = 3;

    fn split(partial: Vec<u64>) -> Vec<Vec<u64>> {
        let of_shard = |shard: u64| partial.iter().copied().filter(|number| number % 3 == shard).collect();
        (0..3).map(of_shard).collect()
    }

    /// Returns `true` from two partitions on. So workers add to the shards during the run, and still have partitions at
    /// its end.
    fn is_large(partial: &Vec<u64>) -> bool {
        partial.len() >= 2
    }

    fn baseline(&self) -> Result<Vec<u64>> {
        Ok((0..self.behaviours.len() as u64).collect())
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
