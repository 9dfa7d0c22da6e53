//! The task `virtual_work`: waits that only take time, so that two cores can run 32 workers.

use crate::numbered::{self, Numbered};
use crate::random::Random;
use crate::{Entry, Hooks, Inputs, named};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};
use strategies::{Answer, AnyTask, Error, Partitions, Result, Task};

/// The entry of this task.
pub const ENTRY: Entry = Entry {
    name: "virtual_work",
    about: "Sleeps or spins for many short times: more workers than cores can be tried with it.",
    unit: "waits",
    sizes: &[1, 2, 4, 8, 16],
    default_size: 1,
    load,
    options,
    sizing: None,
    hooks: Hooks::NONE,
};

/// The most waits: 240 MB of memory.
const MOST_WAITS: u64 = 10_000_000;

/// The longest mean wait: an hour.
const MOST_WAIT_US: u64 = 3_600_000_000;

/// The options of this task: the number and the length of the waits.
#[derive(Debug, Clone, PartialEq, clap::Args, Serialize, Deserialize)]
#[group(id = "virtual_work")]
pub struct Options {
    /// virtual_work: how many waits
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u64).range(..=MOST_WAITS), value_name = "N", help_heading = "Task options")]
    pub waits: u64,
    /// virtual_work: their mean length, in microseconds
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(..=MOST_WAIT_US), value_name = "N", help_heading = "Task options")]
    pub wait_us: u64,
    /// virtual_work: whether the waits differ in length, seeded and heavy-tailed
    #[arg(long, help_heading = "Task options")]
    pub uneven_waits: bool,
    /// virtual_work: whether to keep the core busy meanwhile
    #[arg(long, help_heading = "Task options")]
    pub spin: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { waits: 256, wait_us: 10_000, uneven_waits: false, spin: false }
    }
}

/// Waits of known length.
pub struct VirtualWork {
    waits: Vec<Duration>,
    spin: bool,
}

impl VirtualWork {
    /// Makes the task that `options` describe.
    ///
    /// # Errors
    /// When the waits do not fit into memory.
    pub fn new(options: &Options) -> Result<Self> {
        let mut random = Random::new(1);
        let weights = (0..options.waits).map(|_| if options.uneven_waits { random.heavy_tailed() } else { 1 });
        let weights: Vec<u64> = weights.collect();
        let total = u128::from(weights.iter().sum::<u64>().max(1));
        let all = u128::from(options.waits) * u128::from(options.wait_us);
        let wait = |weight: u64| u64::try_from(all * u128::from(weight) / total).map_err(Error::task);
        let waits = weights.into_iter().map(|weight| wait(weight).map(Duration::from_micros));
        Ok(VirtualWork { waits: waits.collect::<Result<_>>()?, spin: options.spin })
    }

    /// Returns the sum of all waits, which is the least time of one worker.
    pub fn all(&self) -> Duration {
        self.waits.iter().sum()
    }

    fn wait(&self, index: u64) -> u64 {
        let wait = usize::try_from(index).ok().and_then(|index| self.waits.get(index)).copied().unwrap_or_default();
        if self.spin {
            let began = Instant::now();
            while began.elapsed() < wait {
                std::hint::spin_loop();
            }
        } else {
            std::thread::sleep(wait);
        }
        u64::try_from(wait.as_micros()).unwrap_or(u64::MAX)
    }
}

fn load(inputs: &Inputs) -> Result<Arc<dyn AnyTask>> {
    Ok(Arc::new(Arc::new(VirtualWork::new(&inputs.virtual_work)?)))
}

fn options(inputs: &Inputs) -> BTreeMap<String, String> {
    let options = &inputs.virtual_work;
    named::options([
        ("waits", options.waits.to_string()),
        ("wait-us", options.wait_us.to_string()),
        ("uneven-waits", options.uneven_waits.to_string()),
        ("spin", options.spin.to_string()),
    ])
}

impl Task for VirtualWork {
    /// The indexes of the first wait and of the wait after the last.
    type Partition = (u64, u64);
    /// The length of each wait in microseconds.
    type Partial = Numbered;

    fn partitions(self: &Arc<Self>, size: NonZeroUsize) -> Result<Partitions<Self::Partition>> {
        let (waits, size) = (self.waits.len() as u64, size.get() as u64);
        let cut = move |partition| Ok((partition * size, waits.min((partition + 1) * size)));
        Ok(Box::new((0..waits.div_ceil(size)).map(cut)))
    }

    fn map(&self, (first, end): Self::Partition, into: &mut Self::Partial) -> Result<()> {
        into.extend((first..end).map(|place| (place, self.wait(place))));
        Ok(())
    }

    fn reduce(into: &mut Self::Partial, mut other: Self::Partial) {
        into.append(&mut other);
    }

    fn baseline(&self) -> Result<Self::Partial> {
        Ok((0..self.waits.len() as u64).map(|place| (place, self.wait(place))).collect())
    }

    fn answer(&self, total: &Self::Partial) -> Result<Answer> {
        let waited: u64 = total.iter().map(|(_, wait)| wait).sum();
        let figures =
            named::figures([("waits", total.len().to_string()), ("microseconds asked for", waited.to_string())]);
        Ok(Answer { digest: numbered::digest(total), figures })
    }

    fn write(&self, total: &Self::Partial, out: &mut dyn Write) -> std::io::Result<()> {
        numbered::write(total, out)
    }

    fn items(&self) -> Option<u64> {
        Some(self.waits.len() as u64)
    }
}
