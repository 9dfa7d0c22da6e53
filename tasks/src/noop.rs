//! The task `noop`: many items without work. Its time is the overhead of the harness and of the strategy.

use crate::{Entry, Hooks, Inputs, named};
use record::Detail;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use strategies::{Answer, AnyTask, Partitions, Result, Task};

/// The entry of this task.
pub const ENTRY: Entry = Entry {
    name: "noop",
    about: "Does nothing with each of many items: the harness's own cost.",
    unit: "items",
    sizes: &[1, 10, 100, 1_000, 10_000],
    default_size: 1,
    load,
    options,
    sizing: None,
    hooks: Hooks { details: || vec![Detail::DispatchCost], ..Hooks::NONE },
};

/// The most items. More take hours, so a larger number is a typing error.
const MOST: u64 = 1_000_000_000_000;

/// The options of this task.
#[derive(Debug, Clone, PartialEq, clap::Args, Serialize, Deserialize)]
#[group(id = "noop")]
pub struct Options {
    /// noop: how many items
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(..=MOST), value_name = "N", help_heading = "Task options")]
    pub items: u64,
}

impl Default for Options {
    fn default() -> Self {
        Options { items: 10_000 }
    }
}

/// A number of items without work.
pub struct Noop {
    items: u64,
}

impl Noop {
    /// Makes a task with `items` items.
    pub fn new(items: u64) -> Self {
        Noop { items }
    }
}

fn load(inputs: &Inputs) -> Result<Arc<dyn AnyTask>> {
    Ok(Arc::new(Arc::new(Noop::new(inputs.noop.items))))
}

fn options(inputs: &Inputs) -> BTreeMap<String, String> {
    named::options([("items", inputs.noop.items.to_string())])
}

impl Task for Noop {
    type Partition = u64;
    type Partial = u64;

    fn partitions(self: &Arc<Self>, size: NonZeroUsize) -> Result<Partitions<u64>> {
        let (items, size) = (self.items, size.get() as u64);
        Ok(Box::new((0..items.div_ceil(size)).map(move |partition| Ok(size.min(items - partition * size)))))
    }

    fn map(&self, items: u64, into: &mut u64) -> Result<()> {
        *into += items;
        Ok(())
    }

    fn reduce(into: &mut u64, other: u64) {
        *into += other;
    }

    fn baseline(&self) -> Result<u64> {
        Ok(self.items)
    }

    fn answer(&self, total: &u64) -> Result<Answer> {
        Ok(Answer { digest: format!("{total:016x}"), figures: named::figures([("items", total.to_string())]) })
    }

    fn write(&self, total: &u64, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "{total}")
    }

    fn items(&self) -> Option<u64> {
        Some(self.items)
    }
}
