//! Tasks that cheat: their baseline is correct and their partitions are wrong.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use strategies::{Answer, AnyTask, Cancel, Choice, Error, FinalReduce, Jobs, Outcome, Partitions, Result, Task};
use tasks::{Entry, Hooks, Inputs, cursor_pages};

/// Every task that cheats.
pub const ALL: &[Entry] = &[
    Entry {
        name: "splits_words",
        about: "Counts words, and splits the text wherever a partition ends.",
        unit: "bytes",
        sizes: &[100],
        default_size: 100,
        load: |_| Ok(Arc::new(Arc::new(SplitsWords))),
        options: |_| BTreeMap::new(),
        sizing: None,
        hooks: Hooks::NONE,
    },
    Entry {
        name: "skips_a_row",
        about: "Streams a table and skips a row.",
        unit: "rows",
        sizes: &[100],
        default_size: 100,
        load: skips_a_row,
        options: cursor_pages::ENTRY.options,
        sizing: None,
        hooks: Hooks::NONE,
    },
];

/// Ten thousand words of seven characters.
fn text() -> String {
    (0..10_000).map(|number| format!("w{:06} ", number % 977)).collect()
}

struct SplitsWords;

#[derive(Default, Serialize, Deserialize)]
struct Words(BTreeMap<String, u64>);

impl Words {
    fn add(&mut self, text: &str) {
        text.split_whitespace().for_each(|word| *self.0.entry(word.to_owned()).or_default() += 1);
    }
}

impl Task for SplitsWords {
    type Partition = String;
    type Partial = Words;

    fn partitions(self: &Arc<Self>, size: NonZeroUsize) -> Result<Partitions<String>> {
        let pieces: Vec<_> = text().as_bytes().chunks(size.get()).map(<[u8]>::to_vec).collect();
        Ok(Box::new(pieces.into_iter().map(|piece| String::from_utf8(piece).map_err(Error::task))))
    }

    fn map(&self, partition: String, into: &mut Words) -> Result<()> {
        into.add(&partition);
        Ok(())
    }

    fn reduce(into: &mut Words, other: Words) {
        other.0.into_iter().for_each(|(word, count)| *into.0.entry(word).or_default() += count);
    }

    fn baseline(&self) -> Result<Words> {
        let mut words = Words::default();
        words.add(&text());
        Ok(words)
    }

    fn answer(&self, total: &Words) -> Result<Answer> {
        let figures = vec![("distinct words".to_owned(), total.0.len().to_string())];
        Ok(Answer { digest: format!("{:?}", total.0), figures })
    }

    fn write(&self, _: &Words, _: &mut dyn Write) -> std::io::Result<()> {
        Ok(())
    }
}

/// A task whose baseline reads the whole table, while all strategies read a view without one row.
struct SkipsARow {
    whole: Arc<dyn AnyTask>,
    short: Arc<dyn AnyTask>,
}

fn skips_a_row(inputs: &Inputs) -> Result<Arc<dyn AnyTask>> {
    let mut short = inputs.clone();
    short.cursor_pages.table = inputs.cursor_pages.table.as_ref().map(|table| format!("{table}_short"));
    let load = cursor_pages::ENTRY.load;
    Ok(Arc::new(SkipsARow { whole: load(inputs)?, short: load(&short)? }))
}

impl AnyTask for SkipsARow {
    fn baseline(&self) -> Result<Outcome> {
        self.whole.baseline()
    }

    fn jobs(&self, choice: Choice, cancel: &Cancel) -> Result<(Jobs, Box<dyn FinalReduce>)> {
        self.short.jobs(choice, cancel)
    }

    fn serve(&self, partition: &[u8]) -> Result<(Vec<u8>, Duration)> {
        self.short.serve(partition)
    }

    fn items(&self) -> Option<u64> {
        self.whole.items()
    }
}
