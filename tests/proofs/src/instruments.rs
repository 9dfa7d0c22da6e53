//! Tasks with a known use of memory, processor time or switches, to check the resource figures. Only the program
//! `sabotaged` includes them.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use strategies::{Answer, Partitions, Result, Task};
use tasks::{Entry, Hooks, Inputs};

/// All instruments.
pub const ALL: &[Entry] = &[
    Entry {
        name: "allocates",
        about: "Fills as many MiB of memory as it has items, in one partition.",
        unit: "MiB",
        sizes: &[1 << 20],
        default_size: 1 << 20,
        load: |inputs| Ok(Arc::new(Arc::new(Instrument { items: inputs.noop.items, work: fill }))),
        options,
        sizing: None,
        hooks: Hooks::NONE,
    },
    Entry {
        name: "yields",
        about: "Two partitions that each yield the core as often as it has items.",
        unit: "yields",
        sizes: &[1],
        default_size: 1,
        load: |inputs| Ok(Arc::new(Arc::new(Instrument { items: inputs.noop.items, work: yield_core }))),
        options,
        sizing: None,
        hooks: Hooks::NONE,
    },
];

fn options(inputs: &Inputs) -> BTreeMap<String, String> {
    BTreeMap::from([("items".to_owned(), inputs.noop.items.to_string())])
}

struct Instrument {
    items: u64,
    work: fn(u64),
}

fn fill(mebibytes: u64) {
    let bytes = usize::try_from(mebibytes << 20).expect("the items fit into memory");
    // The memory is filled with ones, because untouched and zero pages use no memory.
    drop(black_box(vec![1u8; bytes]));
}

fn yield_core(times: u64) {
    (0..times).for_each(|_| std::thread::yield_now());
}

impl Task for Instrument {
    type Partition = u64;
    type Partial = u64;

    /// Returns two partitions for a size of 1, otherwise one. Each contains all items.
    fn partitions(self: &Arc<Self>, size: NonZeroUsize) -> Result<Partitions<u64>> {
        let items = self.items;
        let count = if size.get() == 1 { 2 } else { 1 };
        Ok(Box::new((0..count).map(move |_| Ok(items))))
    }

    fn map(&self, partition: u64, into: &mut u64) -> Result<()> {
        (self.work)(partition);
        *into = partition;
        Ok(())
    }

    fn reduce(into: &mut u64, other: u64) {
        *into = (*into).max(other);
    }

    fn baseline(&self) -> Result<u64> {
        Ok(self.items)
    }

    fn answer(&self, total: &u64) -> Result<Answer> {
        Ok(Answer { digest: total.to_string(), figures: Vec::new() })
    }

    fn write(&self, total: &u64, out: &mut dyn Write) -> std::io::Result<()> {
        writeln!(out, "{total}")
    }
}
